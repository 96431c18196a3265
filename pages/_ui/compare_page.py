"""The page of comparisons: reference against alternate, one model against another, or another locus, on the sequence of the explorer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.analyses.dependency import DependencyMap
from engine.analyses.findings import changes, lost_and_gained
from engine.core.card import Capability
from engine.core.errors import LocuscopeError
from engine.service.models_beside import influences
from engine.views.comparison import difference, track_differences
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure, side_by_side
from pages._ui import (
    address_bar,
    allele_bar,
    choices,
    compare_address,
    compare_controls,
    compare_loci,
    compare_models,
    compare_work,
    explorer,
    figure_view,
    models_beside_page,
    polling,
    search,
    state,
)
from pages._ui.buttons import button
from pages._ui.changes import changed, read_change
from pages._ui.compare_address import MODES, Wanted
from pages._ui.compare_controls import Controls
from pages._ui.compare_work import TARGET, Comparison
from pages._ui.figure_view.asked import picture, style_of
from pages._ui.figure_view.feed import Chosen
from pages._ui.question import Shown, in_record, named
from pages._ui.starting import starts_with
from pages._ui.text import plain, show_caption, show_error

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from engine.core.alleles import Change
    from engine.views.controlled import ControlledChange

WANTED = "compare-wanted"


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Compare", anchor=False)
    if explorer.locus_beside(shared, session) is None:
        return
    wanted = _wanted(shared)
    for problem in wanted.problems:
        show_error(problem)
    usual = starts_with("compare-mode", wanted.mode)
    mode = st.segmented_control(
        "What to compare", list(MODES), default=usual, required=True, format_func=MODES.__getitem__, key="compare-mode"
    )
    wanted = replace(wanted, mode=mode)
    if mode == "loci":
        wanted = compare_loci.page(shared, session, _models(shared), wanted)
    elif mode == "beside":
        wanted = models_beside_page.beside(shared, session, wanted)
    elif mode == "models":
        wanted, asked = compare_models.form(shared, session, _models(shared), wanted)
    st.session_state[WANTED] = wanted
    address_bar.write_about("compare", wanted.texts())
    if mode == "models" and wanted.other:
        compared(shared, session.on_screen, (wanted.model, wanted.other), asked=asked)
    elif mode == "alleles":
        allele_bar.bar(shared, session, "Compare")
        model, asked = _form(shared, session)
        asked = asked or bool(st.session_state.pop("compare-asked", False))
        compared(shared, session.on_screen, (model, model), asked=asked)


def compared(shared: state.Shared, shown: Shown, models: tuple[str, str], *, asked: bool = False) -> None:
    """Both maps of what is shown, their difference, and what it means; short ones are computed at once."""
    comparison: Comparison | None = st.session_state.get("comparison")
    current = comparison is not None and comparison.about(shown, models, compare_work.species_of(shared, models))
    two = shown.change is not None or models[0] != models[1]
    if two and not current and (asked or compare_work.is_small(shared, shown, models)):
        _start(shared, shown, *models)
        comparison = st.session_state.get("comparison")
        current = comparison is not None
    elif two and not current:
        _offer(shared, shown, models)
    if comparison is not None and current:
        _follow(shared, comparison)


def _offer(shared: state.Shared, shown: Shown, models: tuple[str, str]) -> None:
    """What both maps cost, and the button that starts them."""
    cost = compare_loci.price_of(shared, state.session(), compare_work.questions(shared, shown, *models)).words()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Both maps: {cost}.", width="content")
        if button("Compute both maps", key="compare-compute"):
            _start(shared, shown, *models)
            st.rerun()


def _form(shared: state.Shared, session: state.Session) -> tuple[str, bool]:
    """The model, and whether the button was pressed; a change that was typed becomes the allele on screen."""
    shown = session.on_screen
    with st.form("compare", border=False):
        first, second, go = st.columns([3, 3, 1], vertical_alignment="bottom")
        models = _models(shared)
        usual = models.index(session.question.model) if session.question.model in models else 0
        model = first.selectbox("Model", models, index=usual, format_func=choices.titles(shared.engine))
        change = second.text_input(
            "Substitution, insertion or deletion",
            placeholder=named(shown.change) if shown.change is not None else f"for example {_suggestion(shown)}",
            help="Positions in the sequence shown, 1-based: C31A, 31A, 31_33del, 30_31insG, 31_32delinsGA",
        )
        asked = go.form_submit_button("Compare", type="primary", width="stretch")
    if shown.change is None and not asked:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Type what changes in the sequence shown, and both maps and their difference come here.", width="content")
            if button(f"Try {_suggestion(shown)}", key="compare-try", type="tertiary"):
                return model, _made(shared, session, model, _suggestion(shown))
    return model, asked and _made(shared, session, model, change)


def _made(shared: state.Shared, session: state.Session, model: str, text: str) -> bool:
    """Put the typed change on screen; whether there is one to compare."""
    shown = session.on_screen
    allele = session.question.allele
    try:
        if text.strip() or shown.change is None:
            allele = in_record(read_change(shown.sequence, text), session.question, shown)
    except LocuscopeError as error:
        show_error(str(error))
        return False
    question = session.question
    if model != question.model:
        question = question.by(model).told(compare_models.species_for(shared.engine, question.of_another, model))
    question = replace(question, allele=allele)
    if question != session.question:
        search.ask(shared, session, question)
        st.session_state["compare-asked"] = True
        st.rerun()
    return True


def _wanted(shared: state.Shared) -> Wanted:
    """What the page showed last, at first what the address asks for."""
    if WANTED not in st.session_state:
        st.session_state[WANTED] = compare_address.read(st.query_params.to_dict(), tuple(_models(shared)), influences())
    wanted: Wanted = st.session_state[WANTED]
    return wanted


def _models(shared: state.Shared) -> list[str]:
    return [row.card.id for row in shared.engine.models_that_can(Capability.DEPENDENCY)]


def _suggestion(shown: Shown) -> str:
    """A substitution in the middle of the sequence."""
    middle = len(shown.sequence) // 2
    base = shown.sequence.letters[middle]
    return f"{base}{middle + 1}{'A' if base != 'A' else 'G'}"


def _start(shared: state.Shared, shown: Shown, model: str, other: str) -> None:
    """Ask for both maps: of the reference and the alternate where an allele is shown, else by both models."""
    st.session_state.pop("comparison", None)
    try:
        st.session_state["comparison"] = compare_work.started(shared, shown, model, other)
    except LocuscopeError as error:
        show_error(str(error))


def _follow(shared: state.Shared, comparison: Comparison) -> None:
    if not all(job.finished for job in comparison.jobs):
        polling.follow(shared.engine, True, _progress, comparison)
        return
    errors = [str(job.error) for job in comparison.jobs if job.error is not None]
    maps = comparison.maps
    if errors or maps is None:
        show_error(" ".join(errors) or "The comparison was cancelled.")
        return
    if comparison.found is None:
        comparison.found = difference(*maps)
    first, second = (plain(title) for title in comparison.titles)
    st.markdown(f"**{second} − {first}**: blue is a loss, weaker in {second}; red is a gain. {plain(changes(comparison.found))}")
    for sentence in lost_and_gained(*maps) if comparison.models[0] == comparison.models[1] else ():
        show_caption(sentence)
    if comparison.shown.change is not None and comparison.models[0] == comparison.models[1]:
        compare_controls.section(shared.engine, _controls_of(shared, comparison, comparison.shown.change), maps, comparison.shown.change)
    _compare_tracks(shared, comparison)
    _view(comparison, comparison.found)
    st.markdown("**Both maps, one colour scale**")
    sides = [_evidence(comparison, found) for found in maps]
    style = FigureStyle(dark=st.context.theme.type == "dark", width=1200)
    alternative = f"Dependency maps of {comparison.titles[0]} and {comparison.titles[1]} side by side with the same colour limits"
    st.plotly_chart(
        side_by_side(sides[0], sides[1], comparison.titles, style), alt=alternative, key="both-maps", width="content", theme=None
    )
    compare_controls.pairs_table(maps, comparison.titles, _controlled(comparison, maps))


def _controls_of(shared: state.Shared, comparison: Comparison, change: Change) -> Controls:
    """The controls of both alleles, with the settings that the explorer has now."""
    session, shown, model = state.session(), comparison.shown, comparison.models[0]
    if comparison.controls is None or comparison.controls.settings != session.question.settings:
        alleles = shown.sequence, changed(shown.sequence, change)
        comparison.controls = Controls.of(shared.engine, alleles, session.question, model, comparison.species[0], session.visitor)
    return comparison.controls


def _controlled(comparison: Comparison, maps: tuple[DependencyMap, DependencyMap]) -> ControlledChange | None:
    """What the shuffled controls of both alleles say, where they were asked and are there."""
    controls, change = comparison.controls, comparison.shown.change
    return None if controls is None or change is None else controls.found(maps, change)


def _compare_tracks(shared: state.Shared, comparison: Comparison) -> None:
    """The tracks of both alleles held against each other, once all are there; until then what is waited for."""
    change = comparison.shown.change if comparison.models[0] == comparison.models[1] else None
    if change is not None and comparison.settings != compare_work.settings_of(state.session().question):
        sequence = comparison.shown.sequence
        try:
            compare_work.ask_tracks(shared, comparison, (sequence, changed(sequence, change)))
        except LocuscopeError as error:
            show_error(str(error))
    if comparison.waiting:
        polling.follow(shared.engine, True, _beside_progress, comparison)
    elif comparison.tracks is None and change is not None and any(comparison.beside):
        answers = [{name: job.result for name, job in side.items() if job.result is not None} for side in comparison.beside]
        comparison.tracks = track_differences(comparison.shown.sequence, change, *answers)
    if not comparison.waiting and comparison.cancelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            if button("Compute the tracks", type="primary", key="compare-tracks-go"):
                comparison.settings = ()  # they are asked again as for new settings
                st.rerun()
            show_caption(f"It was cancelled; missing: {', '.join(comparison.cancelled)}.")
    if comparison.tracks is not None:
        show_caption(f"Tracks, alternate − reference: {comparison.tracks.words()}")
    errors = [str(job.error) for side in comparison.beside for job in side.values() if job.error is not None]
    if told := " ".join(dict.fromkeys([comparison.missing, *errors])).strip():
        show_caption(f"Not among the tracks below: {told}")


def _beside_progress(comparison: Comparison) -> None:
    waiting = comparison.waiting
    if not waiting:
        st.rerun()
    done, total = (sum(getattr(job, name) for job in waiting) for name in ("done", "total"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"The tracks of both alleles are being computed, {done:,} of {total:,}; they come below the map.", width="content")
        if button("Cancel", key="compare-tracks-cancel"):
            for job in waiting:
                job.cancel(state.session().visitor)


def of_session() -> Comparison | None:
    """The visitor's comparison, if there is one."""
    found: Comparison | None = st.session_state.get("comparison")
    return found


def told(comparison: Comparison | None) -> tuple[list[str], list[tuple[str, go.Figure]]]:
    """Sentences and figures of a finished comparison, for a report; nothing before it is finished. It may be asked from any thread."""
    maps = comparison.maps if comparison is not None else None
    if comparison is None or maps is None or comparison.found is None:
        return [], []
    style = FigureStyle(width=1200)
    sides = [_evidence(comparison, found) for found in maps]
    name = comparison.titles[1]
    figures = [
        (f"{name} − reference: dependency map, loss blue, gain red", locus_figure(_with_tracks(comparison, comparison.found), style)),
        (f"Reference and {name}, one colour scale", side_by_side(sides[0], sides[1], comparison.titles, style)),
    ]
    tracks = [comparison.tracks.words()] if comparison.tracks is not None else []
    controlled = _controlled(comparison, maps)
    return [changes(comparison.found), *lost_and_gained(*maps), *(controlled.words if controlled is not None else ()), *tracks], figures


def _evidence(comparison: Comparison, found: DependencyMap) -> LocusEvidence:
    """One side: its map on the place of the sequence shown, with the changed base marked."""
    shown = comparison.shown
    sequence = replace(found.sequence, locus=shown.sequence.locus)
    marks = shown.marks if comparison.models[0] == comparison.models[1] else ()
    return LocusEvidence(sequence, {"dependency": found}, shown.features, marks=marks)


def _with_tracks(comparison: Comparison, found: DependencyMap) -> LocusEvidence:
    """The difference of the maps, and those of the tracks where they are there."""
    evidence = _evidence(comparison, found)
    tracks = comparison.tracks
    return evidence if tracks is None else replace(evidence, results={**evidence.results, "differences": tracks})


def _progress(comparison: Comparison) -> None:
    if all(job.finished for job in comparison.jobs):
        st.rerun()
    for title, job in zip(comparison.titles, comparison.jobs, strict=True):
        part = job.done / job.total if job.total else float(job.finished)
        st.progress(
            min(1.0, part), text=plain(f"{title}: {job.done:,} of {job.total:,} {job.unit}" if job.total else f"{title}: {job.stage}")
        )
    if button("Cancel", key="compare-cancel"):
        for job in comparison.jobs:
            job.cancel(state.session().visitor)


@st.fragment
def _view(comparison: Comparison, found: DependencyMap) -> None:
    """The difference, drawn as the explorer draws a map."""
    dark = bool(st.context.theme.type == "dark")
    evidence = _with_tracks(comparison, found)
    feed = comparison.feed
    wish = figure_view.mount(_meta(comparison))
    if wish is not None and wish.name in ("pair", "base"):
        places = tuple(wish.whole(key) for key in (("changed", "read") if wish.name == "pair" else ("at",)))
        if 0 <= min(places) <= max(places) < len(evidence.sequence):
            comparison.chosen = Chosen(places)
    elif wish is not None and wish.name == "display":
        comparison.display = dict(wish.values)
    elif wish is not None and wish.name == "picture":
        data = picture(feed.address, evidence, wish.values, "difference", dark=dark)
        if data is not None:
            feed.picture(data)
    with st.container(key="wires-compare"):
        for kind, data in feed.envelopes(evidence, style_of(comparison.display, dark=dark), chosen=comparison.chosen).items():
            figure_view.send(TARGET, kind, data)


def _meta(comparison: Comparison) -> dict[str, Any]:
    return {
        "target": TARGET,
        "view": comparison.identity,
        "generation": "difference",
        "letters": comparison.shown.sequence.letters,
        "title": f"{comparison.titles[1]} − {comparison.titles[0]}",
        "address": None,
        "unaddressed": "The address of this page is in the address bar of the browser.",
        "fixed": "A comparison is shown on the strand it was computed on; turn it in the explorer.",
        "reverse_of": "",
    }
