"""Triage as a page for readers: one HTML file that needs no network, of the table or of one variant with its figures."""

from __future__ import annotations

import heapq
import html
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core.consequences import IMPACT_ORDER
from engine.core.variants import KIND_ORDER, ScoredVariant, Triage
from engine.exports.figure import CONFIG, POLICY
from engine.exports.provenance import KEY, summary
from engine.exports.triage_table import COLUMNS, cells

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.core.provenance import Provenance

MOST_ROWS = 2_000
"""Rows in a report; it says how many there are."""

SHOWN = ("rank", "impact", "consequence", "gene", "contig", "position", "id", "reference", "alternate", "hgvs_c", "hgvs_p", "llr", "llr_quantile",
         "influence", "influence_quantile", "mean_delta_log_likelihood", "delta_pseudo_log_likelihood", "splice_score", "splice_change",
         "am_pathogenicity", "am_class", "am_protein_variant",
         "allele_frequency", "status", "note", "below_chance")  # fmt: skip
_PLACES = {name: COLUMNS.index(name) for name in SHOWN}
_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1500px; padding: 0 1rem; color: #1a1d21; }
table { border-collapse: collapse; font-size: 12px; } th, td { border-bottom: 1px solid #d5dae0; padding: 3px 8px; text-align: left; }
th { position: sticky; top: 0; background: #fff; cursor: pointer; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.small { color: #66707d; font-size: 12px; overflow-wrap: anywhere; }
"""
_SORT = """
for (const head of document.querySelectorAll("table.sorted th")) head.addEventListener("click", () => {
  const at = [...head.parentNode.children].indexOf(head), body = head.closest("table").tBodies[0];
  const down = head.dataset.down === "1"; head.dataset.down = down ? "" : "1";
  const value = (row) => { const text = row.cells[at].textContent, number = Number(text); return text === "" ? null : Number.isNaN(number) ? text : number; };
  const order = (a, b) => a === null ? 1 : b === null ? -1 : (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))) * (down ? -1 : 1);
  body.append(...[...body.rows].sort((a, b) => order(value(a), value(b))));
});
"""


def order_key(row: ScoredVariant) -> tuple[int, int, bool, float]:
    """By impact class, kind of variant, then the score; what no score ranks comes last."""
    score = row.score
    return IMPACT_ORDER.index(row.impact), KIND_ORDER.index(row.ranked_with), score is None, score or 0.0


def write_triage_report(triage: Triage, path: Path) -> None:
    """Write the first `MOST_ROWS` rows, most severe impact class and least expected first, how the scores are distributed, and the provenance."""
    from engine.views.score_figures import score_histogram

    statuses: Counter[str] = Counter()
    by_class: defaultdict[str, list[float]] = defaultdict(list)
    for row in triage.rows:
        statuses[row.status] += 1
        if row.llr is not None:
            by_class[row.consequence.replace("_", " ") or "no consequence"].append(row.llr)
    numbered = zip(itertools.count(), triage.rows)
    first = heapq.nsmallest(MOST_ROWS, numbered, key=lambda pair: (order_key(pair[1]), pair[0]))
    ranks = triage.ranks()
    rows = [[text[place] for place in _PLACES.values()] for number, row in first for text in (cells(row, ranks[number]),)]
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in statuses.most_common())
    total = len(triage.rows)
    shown = f" The first {len(rows):,} are shown." if len(rows) < total else ""
    parts = [f"<h1>Triage of {total:,} alternate alleles</h1>", f"<p>{html.escape(counts)}.{shown} Click a heading to sort.</p>"]
    if by_class:
        figure = score_histogram({name: np.array(values) for name, values in by_class.items()}, "llr")
        parts.append(_figures([("How llr is distributed in each consequence class", figure)]))
    parts.append(html_table(SHOWN, rows))
    path.write_bytes(_page("Triage", "\n".join(parts), triage.provenance))


def variant_report(
    row: ScoredVariant, sentences: Sequence[str], figures: Sequence[tuple[str, go.Figure]], provenance: Provenance, rank: int | None = None
) -> bytes:
    """One variant: its scores, what it does to each transcript, sentences, and figures with their titles."""
    texts = dict(zip(COLUMNS, cells(row, rank), strict=True))
    facts = [[name.replace("_", " "), text] for name, text in texts.items() if text and name not in ("other_transcripts", "consequences")]
    parts = [f"<h1>{html.escape(str(row.variant))}</h1>", *(f"<p>{html.escape(text)}</p>" for text in sentences)]
    parts.append(html_table(("", ""), facts, sortable=False))
    if row.consequences:
        columns = ("gene", "transcript", "consequence", "impact", "HGVS c.", "HGVS p.", "note")
        told = [[one.gene, one.transcript, ", ".join(one.terms), one.impact, one.hgvs_c, one.hgvs_p, one.note] for one in row.consequences]
        parts += ["<h2>Transcripts</h2>", html_table(columns, told)]
    parts.append(_figures(figures))
    return _page(str(row.variant), "\n".join(parts), provenance)


def _figures(figures: Sequence[tuple[str, go.Figure]]) -> str:
    """Figures under their titles; plotly.js stands in the first."""
    parts = []
    for number, (title, figure) in enumerate(figures):
        body = figure.to_html(include_plotlyjs=number == 0, full_html=False, config=CONFIG, include_mathjax=False)
        parts.append(f"<h2>{html.escape(title)}</h2>\n{body}")
    return "\n".join(parts)


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, sortable: bool = True) -> str:
    """A table; columns without any text are left out."""
    used = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    head = "".join(f"<th>{html.escape(columns[place].replace('_', ' '))}</th>" for place in used)
    body = "\n".join("<tr>" + "".join(_cell(row[place]) for place in used) + "</tr>" for row in rows)
    kind = ' class="sorted"' if sortable else ""
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(text: str) -> str:
    number = text.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()
    return f"<td{' class=n' if number else ''}>{html.escape(text)}</td>"


def _page(title: str, body: str, provenance: Provenance) -> bytes:
    notes = {"How it was made": summary(provenance), "Provenance": provenance.to_json()}
    return html_page(title, body, provenance.to_json(), notes)


def html_page(title: str, body: str, provenance: str, notes: Mapping[str, str]) -> bytes:
    """A page that needs no network: ``body``, ``notes`` in small print, and the ``provenance`` (JSON) for programs."""
    stored = provenance.replace("<", "\\u003c")
    told = "".join(f'<p class="small"><b>{html.escape(name)}</b> {html.escape(text)}</p>' for name, text in notes.items())
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f'<script type="application/json" id="{KEY}">{stored}</script>\n</head>\n<body>\n{body}\n{told}\n<script>{_SORT}</script>\n</body>\n</html>\n'
    ).encode()
