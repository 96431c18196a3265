"""The page of comparisons: reference against alternate, or one model against another, on the sequence of the explorer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from engine.analyses.dependency import DependencyMap
from engine.analyses.findings import changes
from engine.core.card import Capability
from engine.core.errors import InputError, LocuscopeError, SequenceError
from engine.core.quoting import quoted
from engine.core.sequence import NucleotideSequence
from engine.core.typography import folded
from engine.service.engine import Request
from engine.service.jobs import Job
from engine.views import wire
from engine.views.comparison import changed_pairs, difference
from engine.views.evidence import FigureStyle, LocusEvidence, Mark
from engine.views.figure import side_by_side
from pages._ui import figure_view, polling, state
from pages._ui.figure_view.asked import picture, style_of
from pages._ui.figure_view.feed import Chosen, Feed
from pages._ui.question import Shown, echo
from pages._ui.text import plain, show_error

TARGET = "compare"
MODES = {"substitution": "Reference against a substitution", "models": "One model against another"}


@dataclass
class Comparison:
    """Two maps of the same positions, computed or on their way."""

    shown: Shown
    titles: tuple[str, str]
    jobs: tuple[Job, Job]
    place: int | None
    found: DependencyMap | None = None
    chosen: Chosen | None = None
    display: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.feed = Feed(wire.Address(TARGET, self.identity, "difference"))

    @property
    def maps(self) -> tuple[DependencyMap, DependencyMap] | None:
        """Both maps, or None while one is missing."""
        first, second = (job.result for job in self.jobs)
        return (first, second) if isinstance(first, DependencyMap) and isinstance(second, DependencyMap) else None

    @property
    def identity(self) -> str:
        """What the view shows."""
        return f"{self.shown.identity}/{self.titles[0]}/{self.titles[1]}"


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Compare", anchor=False)
    if session.screen.shown is None:
        st.info("There is no sequence yet; open one in the explorer first.")
        if st.button("Open the explorer", type="primary"):
            st.switch_page("pages/explorer.py")
        return
    shown = session.on_screen
    st.markdown(f"**{plain(shown.title)}** · {plain(echo(shown))} (the sequence of the explorer)")
    mode = st.segmented_control("What to compare", list(MODES), default="substitution", format_func=MODES.__getitem__) or "substitution"
    with st.form("compare", border=False):
        first, second, go = st.columns([3, 3, 1], vertical_alignment="bottom")
        models = _models(shared)
        usual = models.index(session.question.model) if session.question.model in models else 0
        model = first.selectbox("Model", models, index=usual, format_func=lambda key: shared.engine.model(key).card.title)
        if mode == "models":
            other = second.selectbox(
                "Other model", models, index=len(models) - 1, format_func=lambda key: shared.engine.model(key).card.title
            )
            change = ""
        else:
            other = model
            change = second.text_input(
                "Substitution", placeholder=_suggestion(shown), help="Position in the sequence shown, 1-based: C31A, 31A"
            )
        asked = go.form_submit_button("Compare", type="primary", width="stretch")
    if asked:
        _start(shared, shown, model, other, change, mode)
    comparison: Comparison | None = st.session_state.get("comparison")
    if comparison is not None:
        _follow(shared, comparison)


def _models(shared: state.Shared) -> list[str]:
    rows = shared.engine.models_for("dependency")
    return [row.card.id for row, why in rows if not why and row.card.can(Capability.DEPENDENCY)]


def _suggestion(shown: Shown) -> str:
    middle = len(shown.sequence) // 2
    base = shown.sequence.letters[middle]
    return f"for example {base}{middle + 1}{'A' if base != 'A' else 'G'}"


def substituted(sequence: NucleotideSequence, text: str) -> tuple[NucleotideSequence, int, str]:
    """The sequence with one base replaced, the 0-based place, and the change as ``C31A``. Raises `SequenceError` in one sentence."""
    match = re.fullmatch(r"\s*([ACGTUacgtu]?)\s*(\d{1,9})\s*>?\s*([ACGTUacgtu])\s*", folded(text), re.ASCII)
    if match is None:
        raise SequenceError(f"{quoted(text, 30)} is not a substitution; write the base, its position and the new base, for example C31A.")
    place, letters = int(match[2]) - 1, sequence.letters
    if not 0 <= place < len(letters):
        raise SequenceError(f"Position {place + 1:,} is outside the sequence; give one of 1 to {len(letters):,}.")
    reference, given = letters[place], match[1].upper()
    alternate = match[3].upper()
    alternate = alternate.replace("T", "U") if "U" in letters else alternate.replace("U", "T")
    if given and given.replace("U", "T") != reference.replace("U", "T"):
        raise SequenceError(f"The base at {place + 1:,} is {reference}, not {given}; check the position and the strand.")
    if alternate == reference:
        raise SequenceError(f"The base at {place + 1:,} is {reference} already; choose another new base.")
    changed = NucleotideSequence(letters[:place] + alternate + letters[place + 1 :], sequence.alphabet, None, sequence.name)
    return changed, place, f"{reference}{place + 1}{alternate}"


def _start(shared: state.Shared, shown: Shown, model: str, other: str, change: str, mode: str) -> None:
    st.session_state.pop("comparison", None)
    visitor = state.session().visitor
    titles = (shared.engine.model(model).card.title, shared.engine.model(other).card.title)
    place: int | None = None
    second = shown.sequence
    try:
        if mode == "models" and model == other:
            raise InputError("Both models are the same; choose two. Models that are not here yet are on the page Models.")
        if mode != "models":
            second, place, name = substituted(shown.sequence, change)
            titles = ("reference", name)
        jobs = (
            shared.engine.submit(Request("dependency", shown.sequence, model, species=_species(model)), visitor),
            shared.engine.submit(Request("dependency", second, other, species=_species(other)), visitor),
        )
    except LocuscopeError as error:
        show_error(str(error))
        return
    st.session_state["comparison"] = Comparison(shown, titles, jobs, place)


def _species(model: str) -> str:
    """The explorer's species, for the model it was chosen for."""
    question = state.session().question
    return question.species if question.model == model else ""


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
    _view(comparison, comparison.found)
    st.markdown("**Both maps, one colour scale**")
    sides = [_evidence(comparison, found) for found in maps]
    style = FigureStyle(dark=st.context.theme.type == "dark", width=1200)
    alternative = f"Dependency maps of {comparison.titles[0]} and {comparison.titles[1]} side by side with the same colour limits"
    st.plotly_chart(
        side_by_side(sides[0], sides[1], comparison.titles, style), alt=alternative, key="both-maps", width="content", theme=None
    )
    st.markdown("**Pairs that changed most**")
    st.dataframe(changed_pairs(*maps), hide_index=True, height=320)


def _evidence(comparison: Comparison, found: DependencyMap) -> LocusEvidence:
    """One side: its map on the place of the sequence shown, with the changed base marked."""
    shown = comparison.shown
    sequence = replace(found.sequence, locus=shown.sequence.locus)
    marks = () if comparison.place is None else (Mark(comparison.place, comparison.titles[1]),)
    return LocusEvidence(sequence, {"dependency": found}, shown.features, marks=marks)


def _progress(comparison: Comparison) -> None:
    if all(job.finished for job in comparison.jobs):
        st.rerun()
    for title, job in zip(comparison.titles, comparison.jobs, strict=True):
        part = job.done / job.total if job.total else float(job.finished)
        st.progress(
            min(1.0, part), text=plain(f"{title}: {job.done:,} of {job.total:,} {job.unit}" if job.total else f"{title}: {job.stage}")
        )
    if st.button("Cancel", key="compare-cancel"):
        for job in comparison.jobs:
            job.cancel(state.session().visitor)


@st.fragment
def _view(comparison: Comparison, found: DependencyMap) -> None:
    """The difference, drawn as the explorer draws a map."""
    dark = bool(st.context.theme.type == "dark")
    evidence = _evidence(comparison, found)
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
        "unaddressed": "A comparison has no address of its own yet.",
        "fixed": "A comparison is shown on the strand it was computed on; turn it in the explorer.",
        "reverse_of": "",
    }
