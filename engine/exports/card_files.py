"""The card of a variant as a file: JSON with everything, a table of rows, or a page that needs no network."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.core.quoting import file_name
from engine.core.variant_card import PARTS, VariantCard
from engine.core.version import VERSION
from engine.exports.triage_report import html_page, html_table

COLUMNS = ("part", "name", "value", "label", "context")
SCORES = {
    "llr": "llr",
    "llr_quantile": "llr quantile",
    "influence": "influence",
    "influence_quantile": "influence quantile",
    "delta_log_likelihood": "delta log-likelihood of the window",
    "mean_delta_log_likelihood": "delta log-likelihood a base",
    "delta_pseudo_log_likelihood": "delta pseudo-log-likelihood",
}
"""Numbers of a language model and their names in the table."""


def card_rows(card: VariantCard) -> list[tuple[str, str, str, str, str]]:
    """Every statement of a card: part, name, value, class or quantile, and what it belongs to; a note where a part is empty."""
    rows: list[tuple[str, str, str, str, str]] = []
    for one in card.consequences:
        told = " ".join(text for text in (one.hgvs_c, one.hgvs_p) if text)
        rows.append(("consequence", "&".join(one.terms), "", one.impact, f"{one.gene} {one.transcript} {told}".strip()))
    for score in card.missense:
        rows.append(
            ("missense", "am_pathogenicity", f"{score.value:.4g}", score.label, f"{score.transcript} {score.substitution or ''}".strip())
        )
    for effect in card.effects:
        rows.append(("alphagenome", effect.name, f"{effect.value:.6g}", effect.label, effect.context))
    for title, row in card.scored:
        values = [(name, getattr(row, key)) for key, name in SCORES.items()]
        rows += [("language models", name, f"{value:.6g}", "", title) for name, value in values if value is not None]
        if row.note:
            rows.append(("language models", "note", "", row.note, title))
    return rows + [(name, "", "", card.notes[name], "") for name in PARTS if name in card.notes]


def _origin(card: VariantCard) -> dict[str, Any]:
    told = {"variant": str(card.variant), "assembly": card.assembly, "sources": dict(card.sources), "locuscope": VERSION}
    return {**told, "provenance": dict(card.origins)}


def write_json(card: VariantCard) -> str:
    """Everything, as JSON."""
    parts = {
        "consequences": [asdict(one) for one in card.consequences],
        "missense": [asdict(one) for one in card.missense],
        "alphagenome": [asdict(one) for one in card.effects],
        "alphagenome_asked": card.asked_effects,
        "language_models": [
            {"model": title, **{key: getattr(row, key) for key in SCORES}, "status": row.status, "note": row.note, "unranked": row.unranked}
            for title, row in card.scored
        ],
        "notes": dict(card.notes),
    }
    return json.dumps({**_origin(card), **parts}, indent=2) + "\n"


def write_tsv(card: VariantCard) -> str:
    """One row a statement, provenance in comment lines."""
    out = io.StringIO()
    out.write(f"# locuscope card\n# provenance: {json.dumps(_origin(card), sort_keys=True)}\n")
    table = csv.writer(out, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    table.writerow(COLUMNS)
    table.writerows([[" ".join(cell.split()) for cell in row] for row in card_rows(card)])
    return out.getvalue()


def write_html(card: VariantCard) -> str:
    """A page that asks no host for anything."""
    rows = card_rows(card)
    parts = [f"<h1>{html.escape(str(card.variant))}</h1>", f"<p>{html.escape(card.words())}</p>"]
    for name, title in PARTS.items():
        own = [row[1:] for row in rows if row[0] == name]
        parts += [f"<h2>{html.escape(title)}</h2>", html_table(COLUMNS[1:], own)]
    told = {"Sources": "; ".join(f"{name}: {text}" for name, text in card.sources.items())}
    return html_page(str(card.variant), "\n".join(parts), json.dumps(_origin(card), sort_keys=True), told).decode()


FORMATS: dict[str, Callable[[VariantCard], str]] = {".tsv": write_tsv, ".json": write_json, ".html": write_html}
"""End of a file's name → what writes it."""


def write_card(card: VariantCard, path: Path) -> None:
    """Write a card in the format of the end of ``path``. Raises `ParameterError` for another end."""
    write = FORMATS.get(path.suffix.casefold())
    if write is None:
        raise ParameterError(f"The file name {file_name(path.name)} names no format for a card; end it with one of {', '.join(FORMATS)}.")
    path.write_text(write(card), encoding="utf-8")
