"""The page of benchmarks: what was measured by name, and a labelled table of one's own."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses.benchmark import Benchmark, BenchmarkParameters
from engine.core.errors import InputError
from engine.exports.benchmark_table import LATER, MEASURES, rows_of
from engine.service.benchmark import BenchmarkRequest, run_benchmark
from engine.service.named_benchmarks import BENCHMARKS, NOT_RUN, Line, NamedBenchmark, best, measured, read_by
from engine.service.visitor_files import VisitorFolder
from engine.sources.door import Bounds
from engine.sources.labelled import Labelled, read_labelled
from engine.views.interval_figure import Measured, interval_figure
from pages._ui import reading, state
from pages._ui.grid import grid
from pages._ui.kept_file import kept_file
from pages._ui.text import plain, show_caption, show_error

READING, FOUND, ASKED = "benchmark", "benchmark-found", "benchmark-asked"
NAMES = {"auroc": "AUROC", "auprc": "auPRC", "spearman": "Spearman", "pearson": "Pearson r", "sensitivity": "sensitivity", "ppv": "PPV"}
MOST_ROWS = 40
"""Rows of the figure."""
ENDS = (".vcf.gz", ".vcf.bgz", ".vcf", ".csv.gz", ".csv", ".tsv.gz", ".tsv", ".txt.gz", ".txt")


def page() -> None:
    """Draw the page."""
    shared = state.shared()
    st.subheader("Benchmarks", anchor=False)
    st.caption(
        "How well scores tell labelled things apart: AUROC (0.5 is chance), auPRC, Spearman's correlation, with 95 % bootstrap intervals, beside "
        "baselines. A row that is not run has no table or no weights here."
    )
    wide = {"measured here": st.column_config.TextColumn(width=380), "published": st.column_config.TextColumn(width=330)}
    picked = grid(overview(), hide_index=True, on_select="rerun", selection_mode="single-row", column_config=wide, key="benchmark-names")
    chosen = picked.selection.rows
    if chosen:
        _named(shared, BENCHMARKS[chosen[0]])
    st.subheader("A table of mine", anchor=False)
    _own(shared)


def overview() -> pd.DataFrame:
    """One row a named benchmark."""
    rows = []
    for item in BENCHMARKS:
        found = best(item.id)
        rows.append(
            {
                "benchmark": item.title,
                "measured here": NOT_RUN if found is None else f"{found.score}, {found.group.replace('_', ' ')}: {_number(found)}",
                "n": f"{found.count:,}" if found is not None else "",
                "published": item.published,
                "what was not run": item.why_not,
                "measure": item.measure,
                "data": item.data,
                "command": item.how,
            }
        )
    return pd.DataFrame(rows)


def _number(line: Line) -> str:
    interval = "" if line.low is None or line.high is None else f" ({line.low:.3f}-{line.high:.3f})"
    return f"{NAMES[line.measure]} {line.value:.3f}{interval}".replace(" -", " −")


def _named(shared: state.Shared, item: NamedBenchmark) -> None:
    """Everything that was measured of one benchmark, and how to repeat it."""
    lines = measured(item.id)
    st.markdown(f"**{plain(item.title)}**: {plain(item.measure)}")
    if not lines:
        show_caption(f"It was not run here. It takes {item.data}.")
    show_caption(item.why_not)
    for model in _changed_since(shared, item.id):
        show_caption(f"Measured with other weights of {model} than those here; the command measures it anew.")
    if item.published:
        show_caption(f"Published: {item.published}.")
    st.code(item.how, language=None, wrap_lines=True)
    if not lines:
        return
    _drawn(list(lines), f"named-{item.id}")


def _changed_since(shared: state.Shared, name: str) -> list[str]:
    """Titles of the models whose weights are others than those that a benchmark was measured with."""
    rows = ((shared.engine.model(model), weights) for model, weights in read_by(name).items())
    return [row.card.title for row, weights in rows if row.installed and shared.engine.fingerprint(row.card.id) != weights]


def _drawn(lines: list[Line], key: str) -> None:
    measures = list(dict.fromkeys(line.measure for line in lines))
    measure = st.segmented_control(
        "Measure", measures, default=measures[0], required=True, format_func=NAMES.__getitem__, key=f"{key}-measure"
    )
    own = [line for line in lines if line.measure == measure]
    rows = [
        Measured(f"{line.score} · {line.group.replace('_', ' ')} (n = {line.count:,})", line.value, line.low, line.high, line.baseline)
        for line in own
    ]
    dark = bool(st.context.theme.type == "dark")
    figure = interval_figure(rows[:MOST_ROWS], NAMES[measure], chance=0.5 if measure == "auroc" else None, dark=dark)
    st.plotly_chart(figure, alt=f"{NAMES[measure]} of every score and class with its interval", key=f"{key}-figure", theme=None)
    frame = pd.DataFrame(
        {
            "score": [line.score for line in own],
            "class": [line.group.replace("_", " ") for line in own],
            NAMES[measure]: [line.value for line in own],
            "low": [line.low for line in own],
            "high": [line.high for line in own],
            "n": [line.count for line in own],
            "positives": [line.positives for line in own],
            "baseline": ["yes" if line.baseline else "" for line in own],
        }
    )
    grid(frame, hide_index=True, height=min(420, 38 + 35 * len(frame)))


def _own(shared: state.Shared) -> None:
    """A labelled table with columns of scores; it stays, with what was measured, while other pages are open."""
    title = "Labelled rows: .tsv, .csv or .vcf (its INFO fields are the columns), gzipped or not"
    kept = kept_file(shared, title, "benchmark-file", partial(_read, shared), lambda found: f"{len(found):,} rows")
    reading.show(shared.engine, READING)
    if kept is None or kept.found is None:
        return
    _asked(shared, kept.file_id, kept.found)
    identity, found = st.session_state.get(FOUND, ("", None))
    if identity == kept.file_id and isinstance(found, Benchmark):
        _drawn([line for row in rows_of(found) for line in _lines(row)], "own")
        text = json.dumps({"measured": rows_of(found)}, indent=1)
        st.download_button("Download as JSON", text, "benchmark.json", "application/json", on_click="ignore")


def _read(shared: state.Shared, name: str, content: bytes, _monitor: reading.Reading) -> Labelled:
    end = next((end for end in ENDS if name.casefold().endswith(end)), None)
    if end is None:
        raise InputError(f"The file must end with one of {', '.join(ENDS)}; rename it.")
    folder = VisitorFolder(shared.settings)
    try:
        return read_labelled(folder.write(f"table{end}", content), (), Bounds.of(shared.settings))
    finally:
        folder.close()


def _asked(shared: state.Shared, identity: str, rows: Labelled) -> None:
    """Which columns are what, at first as they were asked for last of this file; starts the measurement."""
    columns = [*rows.columns]
    before = st.session_state.get(ASKED, {}).get(identity)
    last = before if isinstance(before, BenchmarkRequest) else BenchmarkRequest(rows, columns[0])
    for note in rows.notes:
        show_caption(note)
    with st.form("benchmark"):
        one, two, three = st.columns(3)
        label = one.selectbox("Label", columns, columns.index(last.label))
        positive = two.text_input(
            "Positives are",
            ", ".join(last.positive),
            placeholder="LOF",
            help="Texts of the label, with commas between; both empty: it is a number.",
        )
        negative = three.text_input("Negatives are", ", ".join(last.negative), placeholder="FUNC")
        scores = one.multiselect("Scores", columns, last.scores)
        baselines = two.multiselect("Baselines", columns, last.baselines)
        lower = three.multiselect("Low values speak for positives in", columns, last.lower)
        classes = ["", *columns]
        group = one.selectbox("Class", classes, classes.index(last.group), format_func=lambda name: name or "none")
        replicates = two.number_input("Bootstrap replicates", 20, 5_000, last.parameters.replicates)
        sent = st.form_submit_button("Measure", type="primary")
    if not sent or label is None:
        return
    request = BenchmarkRequest(
        rows,
        label,
        _texts(positive),
        _texts(negative),
        tuple(scores),
        tuple(baselines),
        tuple(lower),
        group or "",
        parameters=BenchmarkParameters(int(replicates)),
    )

    def then(found: Benchmark) -> None:
        st.session_state[FOUND] = (identity, found)

    st.session_state.pop(FOUND, None)
    st.session_state[ASKED] = {identity: request}
    reading.begin(READING, "the table", lambda monitor: run_benchmark(shared.engine, request, monitor), then, show_error)
    st.rerun()


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _lines(row: dict[str, Any]) -> list[Line]:
    baseline = row["kind"] == "baseline"
    return [
        Line(row["score"], row["class"], name, row[name], row[f"{name}_low"], row[f"{name}_high"], row["rows"], row["positives"], baseline)
        for name in (*MEASURES, *LATER)
        if row[name] is not None
    ]
