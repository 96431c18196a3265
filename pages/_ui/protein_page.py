"""The page Protein: AlphaMissense by place in the genome or in a protein, a protein's 20 × L map, and the card of the chosen variant."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.proteins import AMINO_ACIDS, LookedUp, ProteinScores, Substitution
from engine.core.quoting import file_name, quoted
from engine.exports.protein_files import FORMATS, looked_up_table
from engine.service.proteins import MOST_LINES, TABLE, look_up, of_variants, protein_scores
from engine.sources import apart
from engine.sources.assemblies import canonical
from engine.views.protein import CELLS, CLICKABLE, MOST_SEEN, THRESHOLDS, VARIANTS, Mark, protein_figure
from pages._ui import address_bar, downloads, protein_card, protein_desk, reading, state, turning
from pages._ui.buttons import button
from pages._ui.given_last import given_last
from pages._ui.grid import grid
from pages._ui.protein_desk import HUMAN, SLOT, WISH, ProteinDesk
from pages._ui.starting import starts_with
from pages._ui.text import plain, show_caption, show_error, show_info, show_warning

READING, MAP = "protein", "protein-map"
TEXT, ASSEMBLY, TRIED = "protein-text", "protein-assembly", "protein-address"
LONGEST_LIST = 500_000
LONGEST_ADDRESS = 500
WIDTH = 1200
"""Pixels of a picture in a file."""
PLACEHOLDER = "P13569:G551D · P13569:p.Gly551Asp · chr7:117587806 G>A · P13569"


def page() -> None:
    """Draw the page, and say in the address what is looked up."""
    _page(state.shared())
    desk = protein_desk.of_session()
    if desk is None:  # nothing is looked up yet, or cannot be
        own = {name: st.query_params[name] for name in ("variants", "assembly") if name in st.query_params}
    else:
        own = {"variants": desk.given, "assembly": desk.assembly} if desk.given else {}
    address_bar.write("protein", own)


def _page(shared: state.Shared) -> None:
    st.subheader("Protein", anchor=False)
    show_caption(
        "AlphaMissense's published scores of every single amino-acid change of human proteins: a variant by its place in the genome or in a "
        "protein, all changes of the protein as a map, and on one card what else is known of the variant."
    )
    row = shared.engine.model(TABLE)
    if not row.installed:
        show_info(row.why_not)
        if button("To the page Models", key="protein-to-models"):
            turning.turn_to("pages/models.py")
        return
    _take_wish()
    _intake(shared)
    reading.show(shared.engine, READING)
    desk = protein_desk.of_session()
    if desk is None:
        return
    _table(desk)
    _ask_protein(shared, desk)
    reading.show(shared.engine, MAP)
    if desk.wanted in desk.refused:
        _refused(desk)
    if desk.seen is not None:
        _map(desk, desk.seen)
    if desk.chosen is not None and desk.row is not None:
        protein_card.section(shared, desk)


def _take_wish() -> None:
    """What another page wants to see here."""
    wanted: protein_desk.Wish | None = st.session_state.pop(WISH, None)
    if wanted is not None:
        desk = ProteinDesk(wanted.rows, wanted.assembly, wish=wanted)
        desk.choose(wanted.chosen)
        st.session_state[SLOT] = desk


def _intake(shared: state.Shared) -> None:
    """Variants as text or as a file; at first, once, those of the address. The box holds what the address names, or what was looked up last."""
    asked, named, problem = _address()
    if problem:
        show_error(problem)
    desk = protein_desk.of_session()
    known = starts_with(TEXT, asked or (desk.given if desk is not None else ""))
    of_human = starts_with(ASSEMBLY, named if asked or desk is None else desk.assembly)
    with st.form("protein"):
        left, middle, right = st.columns([5, 3, 2], vertical_alignment="bottom")
        title = "Variants or a protein, one a line"
        text = left.text_area(title, known, key=TEXT, height=82, max_chars=LONGEST_LIST, placeholder=PLACEHOLDER)
        file = middle.file_uploader(
            "or a VCF", key="protein-vcf", help=f"Up to {MOST_LINES:,} variants; the page Triage takes longer ones."
        )
        assembly = right.selectbox("Assembly of the variants", HUMAN, index=HUMAN.index(of_human), key=ASSEMBLY)
        sent = right.form_submit_button("Look up", type="primary")
    if asked and not problem and TRIED not in st.session_state and SLOT not in st.session_state:
        st.session_state[TRIED] = asked
        _read(shared, asked, named)
    if not sent:
        return
    try:
        if given_last(READING, file, text, known) == "file" and file is not None:
            _read_file(shared, file.name, state.uploaded(file, "protein-vcf"), assembly)
        else:
            _read(shared, text, assembly)
    except LocuscopeError as error:
        show_error(str(error))


def _address() -> tuple[str, str, str]:
    """Variants and assembly that the address names, and why nothing is looked up for them; empty where it can be."""
    asked, named = st.query_params.get("variants", "")[:LONGEST_LIST], canonical(st.query_params.get("assembly", HUMAN[0]))
    if named not in HUMAN:
        why = f"The address names the assembly {quoted(named, 40)}; AlphaMissense is of {' and '.join(HUMAN)}, so nothing was looked up."
        return asked, HUMAN[0], why
    if len(asked) > LONGEST_ADDRESS:
        why = (
            f"The address has {len(asked):,} characters of variants; one holds up to {LONGEST_ADDRESS}. They are in the box: press Look up."
        )
        return asked, named, why
    return asked, named, ""


def _read(shared: state.Shared, text: str, assembly: str) -> None:
    def work(monitor: reading.Reading) -> tuple[LookedUp, ...]:
        return look_up(shared.engine, shared.genomes, text, assembly, lambda: monitor.advance(0))

    given = text.strip() if len(text.strip()) <= LONGEST_ADDRESS else ""
    reading.begin(READING, "the variants", work, partial(_found, assembly, given, "the text"), show_error)


def _read_file(shared: state.Shared, name: str, content: bytes, assembly: str) -> None:
    def work(monitor: reading.Reading) -> tuple[LookedUp, ...]:
        variants = apart.read_variants(name, content, shared.settings, monitor)
        return of_variants(shared.engine, variants, assembly, lambda: monitor.advance(0), most=MOST_LINES)

    reading.begin(READING, file_name(name), work, partial(_found, assembly, "", file_name(name)), show_error)


def _found(assembly: str, given: str, source: str, rows: tuple[LookedUp, ...]) -> None:
    desk = ProteinDesk(rows, assembly, given, source)
    first = next((number for number, row in enumerate(rows) if row.protein), None)
    if first is not None:
        desk.choose(first)
    st.session_state[SLOT] = desk


def _table(desk: ProteinDesk) -> None:
    """The variants; the tick of one shows its protein and its card."""
    if desk.frame is None:
        desk.frame = table(desk.rows)
    frame = desk.frame
    scored = int(frame["AlphaMissense"].notna().sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        source = f" of {plain(desk.source)}" if desk.source else ""
        st.markdown(f"**{len(frame):,} line{'' if len(frame) == 1 else 's'}**{source}, {scored:,} with a score")
        card = state.shared().engine.model(TABLE).card
        content = partial(looked_up_table, desk.rows, card)
        st.download_button("List (.tsv)", content, "variants.tsv", "text/tab-separated-values", on_click="ignore", key="protein-list")
    default: Any = {"selection": {"rows": [desk.chosen] if desk.chosen is not None else [], "columns": [], "cells": []}}
    picked = grid(
        frame.drop(columns=[name for name in ("note", "transcript", "place") if (frame[name] == "").all()]),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default=default,
        key=f"protein-table-{id(desk)}-{desk.generation}",
        height=min(180, 38 + 35 * len(frame)),
        column_config={"AlphaMissense": st.column_config.NumberColumn(format="%.3f", help="0 to 1; high: pathogenic.")},
    )
    rows = [number for number in picked.selection.rows if number < len(frame)]
    if rows and rows[0] != desk.chosen:
        desk.choose(rows[0])


def table(rows: tuple[LookedUp, ...]) -> pd.DataFrame:
    """Looked-up variants as a person reads them."""
    return pd.DataFrame(
        {
            "given": [row.text for row in rows],
            "place": [f"{row.assembly} {row.variant}" if row.variant is not None else "" for row in rows],
            "protein": [str(row.substitution or row.protein) for row in rows],
            "AlphaMissense": pd.array([row.score.value if row.score else None for row in rows], dtype="Float64"),
            "class": [row.label for row in rows],
            "transcript": [row.score.transcript if row.score else "" for row in rows],
            "note": [row.note for row in rows],
        }
    )


def _ask_protein(shared: state.Shared, desk: ProteinDesk) -> None:
    """Read the protein of the chosen row, unless it is on screen, under way or refused; another that is still being read is given up."""
    name = desk.wanted
    if not name or desk.seen is not None or name in desk.refused or (desk.asked == name and reading.under_way(MAP)):
        return

    def work(monitor: reading.Reading) -> ProteinScores:
        return protein_scores(shared.engine, name, lambda: monitor.advance(0))

    desk.asked = name
    reading.begin(MAP, name, work, desk.show, partial(desk.refuse, name))


def _refused(desk: ProteinDesk) -> None:
    """Why there is no map, and the way to try again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show_warning(f"There is no map of {desk.wanted}: {desk.refused[desk.wanted]}")
        if button("Read it again", key="protein-again"):
            del desk.refused[desk.wanted]
            st.rerun()


def _map(desk: ProteinDesk, protein: ProteinScores) -> None:
    """The map of a stretch; a click on a cell says what it is, and chooses its row where it is one of the list."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show_caption(protein.words())
        stretch = _stretch(desk, protein)
        marks = _marks(desk, protein)
        dark = bool(st.context.theme.type == "dark")
        _exports(protein, stretch, _marks_of_file(desk, protein))
    figure = protein_figure(protein, *stretch, marks, dark=dark)
    picked = st.plotly_chart(
        figure,
        theme=None,
        on_select="rerun",
        selection_mode="points",
        key=f"protein-figure-{protein.protein}-{desk.choices}",
        alt=f"Pathogenicity of all substitutions of {protein.protein} from position {stretch[0]} to {stretch[1]}",
        config={"displaylogo": False},
    )
    show_caption(
        f"Blue below {THRESHOLDS[0]}: likely benign; grey: ambiguous; orange above {THRESHOLDS[1]}: likely pathogenic, the authors' classes at "
        "90 % precision on ClinVar. Open cells are the reference. Squares are variants of the list. "
        + (
            "Click a cell; drag to move."
            if stretch[1] - stretch[0] < CLICKABLE
            else f"Cells can be clicked in {CLICKABLE} positions or fewer."
        )
    )
    _clicked(desk, protein, picked, figure)
    if desk.picked is not None:
        score = protein.score(desk.picked)
        told = f"{score.value:.3f}, {score.label.replace('_', ' ')}" if score is not None else "no score"
        st.markdown(f"Clicked: **{plain(str(desk.picked))}** · {plain(told)}")


def _stretch(desk: ProteinDesk, protein: ProteinScores) -> tuple[int, int]:
    """The positions of the map that are chosen, in order; at most `MOST_SEEN` of them."""
    first = st.number_input("From", 1, len(protein), desk.stretch[0], key=f"protein-first-{protein.protein}-{desk.stretch}", width=130)
    last = st.number_input("To", 1, len(protein), desk.stretch[1], key=f"protein-last-{protein.protein}-{desk.stretch}", width=130)
    first, last = sorted((int(first), int(last)))
    if last - first >= MOST_SEEN:
        last = first + MOST_SEEN - 1
        show_caption(f"The map shows {MOST_SEEN:,} positions at once, {first:,} to {last:,}; the means above it are of all.")
    return first, last


def _marks(desk: ProteinDesk, protein: ProteinScores) -> list[Mark]:
    """Variants of the list. What was clicked is marked in the browser, so that the picture stays the same and with it the zoom."""
    found = {
        row.substitution: Mark(row.substitution, f"{row.text} · {row.substitution}", row.substitution == desk.marked)
        for row in desk.rows
        if row.substitution is not None and row.substitution.protein == protein.protein and row.score is not None
    }
    return list(found.values())


def _marks_of_file(desk: ProteinDesk, protein: ProteinScores) -> list[Mark]:
    """The same for a picture in a file, with what is chosen now."""
    chosen = desk.picked or (desk.row.substitution if desk.row is not None else None)
    found = {mark.substitution: replace(mark, chosen=mark.substitution == chosen) for mark in _marks(desk, protein)}
    if desk.picked is not None and desk.picked not in found:
        found[desk.picked] = Mark(desk.picked, f"clicked: {desk.picked}", chosen=True)
    return list(found.values())


def _clicked(desk: ProteinDesk, protein: ProteinScores, picked: Any, figure: Any) -> None:
    names = [trace.name for trace in figure.data]
    points = [point for point in picked.selection.points if names[point["curve_number"]] in (CELLS, VARIANTS)]
    if not points:
        desk.picked = None
        return
    position, alternate = int(points[0]["x"]), AMINO_ACIDS[int(points[0]["y"])]
    there = Substitution(protein.protein, position, protein.residues[position - 1], alternate)
    if there == desk.picked:
        return
    number = desk.of(there)
    if number is not None and number != desk.chosen:
        desk.chosen = number
        desk.generation += 1
    desk.picked = there
    st.rerun()


def _exports(protein: ProteinScores, stretch: tuple[int, int], marks: list[Mark]) -> None:
    files = {end: (title, partial(make, protein)) for end, (title, make) in FORMATS.items()}
    about = "All substitutions of the protein, and the picture"
    downloads.chart_menu(protein.protein, about, files, partial(protein_figure, protein, *stretch, marks), protein.provenance, WIDTH)
