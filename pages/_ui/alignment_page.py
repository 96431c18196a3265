"""The page Alignment: entropy, gaps and covariation of columns, beside the dependency map of a model for one of the sequences."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.analyses.covariation import Covariation, CovariationParameters
from engine.core.alignment import MOST_COLUMNS, MOST_SEQUENCES, Alignment
from engine.core.errors import LocuscopeError
from engine.core.parameters import fields_of
from engine.core.quoting import file_name
from engine.exports import figure as figures
from engine.exports import formats
from engine.service.alignment import AlignmentRequest
from engine.sources import apart
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.tables import table
from pages._ui import choices, downloads, polling, reading, search, state, turning
from pages._ui.address import AddressState
from pages._ui.alignment_work import AlignmentWork, models
from pages._ui.buttons import button
from pages._ui.given_last import given_last
from pages._ui.grid import decimals, grid
from pages._ui.question import Question
from pages._ui.text import show_caption, show_error, show_info, show_warning

READING, GIVEN, WORK = "alignment", "alignment-given", "alignment-work"
EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "trna.sto"
EXAMPLE_HELP = "150 tRNAs of Rfam's seed alignment RF00005 (Rfam 14.2, CC0); the first is nearest to tRNA-Thr (GGU) of E. coli."
WIDTH = 920
NONE = "no model"
WHERE = {"both": "both", "alignment": "only the alignment", "model": "only the model"}


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Alignment", anchor=False)
    show_caption(
        "What evolution kept together beside what a model has learnt: mutual information of the columns of an alignment under the diagonal, "
        "the dependency map of one of its sequences over it."
    )
    _intake(shared)
    reading.show(shared.engine, READING)
    alignment: Alignment | None = st.session_state.get(GIVEN)
    if alignment is None:
        return
    request = _asked(shared, session, alignment)
    if request is None:
        return
    try:
        work = _work(shared, session, request)
    except LocuscopeError as error:
        show_error(str(error))
        return
    for sentence in work.sentences():
        show_warning(sentence)
    if not work.jobs:
        _offer(work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "alignment")
    if work.cancelled:
        show_info(work.cancelled)
        _offer(work)
    if work.found is not None:
        _shown(shared, session, work, work.found)


def _offer(work: AlignmentWork) -> None:
    """What it will take, and the button that starts it."""
    show_caption(f"To compute: {work.cost}.")
    if button("Compute", type="primary", key="alignment-go"):
        work.start()
        st.rerun()


def _intake(shared: state.Shared) -> None:
    """A file, a paste or the example."""
    with st.form("alignment"):
        left, right = st.columns(2)
        file = left.file_uploader("Stockholm, aligned FASTA, Clustal or MAF, gzipped or not", key="alignment-file")
        text = right.text_area("or paste it", key="alignment-text", height=110)
        with st.container(horizontal=True, vertical_alignment="center"):
            asked = st.form_submit_button("Read the alignment", type="primary")
            example = st.form_submit_button("Example: tRNAs of Rfam", help=EXAMPLE_HELP)
            st.caption(f"Up to {MOST_SEQUENCES:,} sequences of {MOST_COLUMNS:,} columns.", width="content")
    if example:
        _read(shared, EXAMPLE.name, EXAMPLE.read_bytes())
    elif asked:
        try:
            kind = given_last(READING, file, text)
            if kind == "file" and file is not None:
                _read(shared, file.name, state.uploaded(file, "alignment"))
            elif kind == "text":
                _read(shared, "pasted text", text.encode("utf-8", "replace"))
            else:
                st.error("No alignment was given; choose a file, or paste one.")
        except LocuscopeError as error:
            show_error(str(error))


def _read(shared: state.Shared, name: str, data: bytes) -> None:
    def then(found: Alignment) -> None:
        before: AlignmentWork | None = st.session_state.pop(WORK, None)
        if before is not None:
            before.cancel()
        st.session_state[GIVEN] = found

    reading.begin(READING, file_name(name), lambda monitor: apart.read_alignment(name, data, shared.settings, monitor), then, show_error)


def _asked(shared: state.Shared, session: state.Session, alignment: Alignment) -> AlignmentRequest | None:
    """The question as the widgets state it."""
    usable = models(shared.engine)
    wanted = session.question.model or shared.settings.model
    first, second, third = st.columns([4, 4, 3], vertical_alignment="bottom")
    row = first.selectbox(
        "Reference", range(len(alignment)), format_func=lambda number: alignment.names[number][:80], key=f"alignment-row-{alignment.sha256}"
    )
    model = second.selectbox(
        "Dependency map by",
        usable,
        index=usable.index(wanted) if wanted in usable else 0,
        format_func=choices.titles(shared.engine, NONE),
        key="alignment-model",
    )
    with third.popover("How columns are read"):
        parameters = _parameters()
    if parameters is None:
        return None
    species = session.question.species if model == session.question.model else ""
    return AlignmentRequest(alignment, alignment.names[row] if row else "", parameters, model or "", species)


def _parameters() -> CovariationParameters | None:
    known = {field.name: field for field in fields_of(CovariationParameters)}
    score, words = known["score"], dict(known["score"].option.words)
    chosen = st.radio(score.option.title, score.option.choices, format_func=lambda text: words[text], key="alignment-score")
    identity = st.number_input(known["identity"].option.help, 0.0, 1.0, known["identity"].default, 0.05, key="alignment-identity")
    occupancy = st.number_input(known["occupancy"].option.help, 0.0, 1.0, known["occupancy"].default, 0.05, key="alignment-occupancy")
    try:
        return CovariationParameters(chosen, identity, occupancy)  # type: ignore[arg-type]
    except LocuscopeError as error:
        show_error(str(error))
        return None


def _work(shared: state.Shared, session: state.Session, request: AlignmentRequest) -> AlignmentWork:
    """The computations of what is asked now; those asked before are given up."""
    before: AlignmentWork | None = st.session_state.get(WORK)
    if before is not None and before.request.alignment is request.alignment and _texts(before.request) == _texts(request):
        return before
    if before is not None:
        before.cancel()
        del st.session_state[WORK]
    now = AlignmentWork.of(shared.engine, session.visitor, request)
    st.session_state[WORK] = now
    if now.small:
        now.start()
    return now


def _texts(request: AlignmentRequest) -> tuple[Any, ...]:
    return request.reference, request.parameters, request.model, request.species


def _shown(shared: state.Shared, session: state.Session, work: AlignmentWork, found: Covariation) -> None:
    """Words, figure, table, files."""
    notes = shared.engine.notes(work.asked) if work.asked is not None else ()
    for note in notes:
        show_caption(note)
    evidence = LocusEvidence(found.sequence, {"covariation": found})
    style = FigureStyle(dark=st.context.theme.type == "dark", width=WIDTH)
    with st.container(horizontal=True, vertical_alignment="center"):
        _exports(evidence, found, style)
        if button("Open the reference in the explorer", key="alignment-open"):
            _open(shared, session, work, found)
    alternative = f"Entropy, gaps and {found.title} of the alignment over {len(found.sequence):,} bases of the reference. {found.words()}"
    st.plotly_chart(locus_figure(evidence, style), alt=alternative, key="alignment-figure", width="content", theme=None)
    if found.dependency is None:
        st.markdown("**Strongest pairs**")
        pairs = table(found)
        grid(pairs, hide_index=True, height=320, column_config=decimals(pairs))
        return
    _only(found)


def _only(found: Covariation) -> None:
    """The strongest pairs of either, and those that only one of them has."""
    frame = agreement_table(found)
    counts = frame["in"].value_counts()
    st.markdown(f"**The {found.concordance.count:,} strongest pairs of each**, at least four bases apart")
    chosen = st.segmented_control(
        "Pairs in",
        list(WHERE.values()),
        default=list(WHERE.values()),
        selection_mode="multi",
        format_func=lambda name: f"{name} ({int(counts.get(name, 0))})",
        key="alignment-in",
    )
    if not chosen:
        show_caption("No kind of pair is chosen; press one of them.")
        return
    grid(frame[frame["in"].isin(chosen)], hide_index=True, height=360, column_config=decimals(frame))


def agreement_table(found: Covariation) -> pd.DataFrame:
    """One row a pair among the strongest of the alignment or of the model: where its bases are, as the axis of the figure and the sentences say it
    (on the contig where the reference has a locus, else in the reference), and the columns that hold them, 1-based."""
    both, locus = found.concordance, found.sequence.locus
    place = f"position on {locus.contig}" if locus is not None else "position in the reference"
    at = np.array([index + 1 if locus is None else locus.position_of(index) for index in range(len(found.sequence))])
    i, j = both.pairs[:, 0], both.pairs[:, 1]
    letters = np.array(list(found.sequence.letters))
    model = found.dependency.values if found.dependency is not None else found.values
    where = np.where(both.in_alignment & both.in_model, WHERE["both"], np.where(both.in_alignment, WHERE["alignment"], WHERE["model"]))
    return pd.DataFrame(
        {
            "in": where,
            f"{place}, 1": at[i],
            "base 1": letters[i],
            f"{place}, 2": at[j],
            "base 2": letters[j],
            "alignment column 1": found.columns[i] + 1,
            "alignment column 2": found.columns[j] + 1,
            "MI, bits": found.mutual_information[i, j],
            "MI less APC": found.corrected[i, j],
            "dependency": np.fmax(model[i, j], model[j, i]),
        }
    )


def _exports(evidence: LocusEvidence, found: Covariation, style: FigureStyle) -> None:
    stem = "alignment"
    with st.popover("Export", help="Files of the result and of the figure"):
        columns = st.columns(2)
        for index, item in enumerate(formats.formats_for(found)):
            _button(
                columns[index % 2],
                f"{item.suffix} · {item.title}",
                partial(formats.content, found, item.name),
                stem + item.suffix,
                item.media_type,
            )
        for index, (kind, title) in enumerate(downloads.FIGURES.items()):
            make = partial(_file, evidence, found, style, kind)
            _button(columns[index % 2], f".{kind} · {title}", make, f"{stem}.{kind}", figures.MEDIA_TYPES[kind])


def _button(place: Any, label: str, data: Any, name: str, media_type: str) -> None:
    place.download_button(label, data=data, file_name=name, mime=media_type, on_click="ignore", type="tertiary", key=f"download-{name}")


def _file(evidence: LocusEvidence, found: Covariation, style: FigureStyle, kind: figures.Kind) -> bytes:
    drawn = locus_figure(evidence, replace(style, dark=False).for_file(kind))
    return figures.figure_bytes(drawn, kind, found.provenance, width=int(drawn.layout.width), height=int(drawn.layout.height))


def _open(shared: state.Shared, session: state.Session, work: AlignmentWork, found: Covariation) -> None:
    """Show the reference in the explorer."""
    sequence = found.sequence
    name = str(sequence.locus) if sequence.locus is not None else sequence.name
    session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
    search.ask(shared, session, Question(f">{name}\n{sequence.letters}", work.request.model or shared.settings.model))
    turning.turn_to("pages/explorer.py")
