"""Two loci by one model, side by side with one colour scale: orthologous promoters, paralogous tRNAs; aligned where the visitor says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.analyses.declared import declared
from engine.core.errors import LocuscopeError, ParameterError
from engine.core.parameters import whole_number
from engine.core.quoting import quoted
from engine.service.engine import Request
from engine.sources import apart
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import side_by_side
from pages._ui import choices, polling, reading, state
from pages._ui.question import Question, Shown, echo, resolve
from pages._ui.text import plain, show_caption, show_error

if TYPE_CHECKING:
    from engine.analyses.dependency import DependencyMap
    from engine.service.jobs import Job
    from engine.sources.understood import Understood

ANALYSES = ("dependency", "probabilities")
LONGEST_TEXT = 8000
_SECOND, _KEPT = "loci-second", "loci-compared"


@dataclass(frozen=True)
class Loci:
    """Two loci and what is computed of each, by analysis."""

    shown: tuple[Shown, Shown]
    model: str
    jobs: tuple[dict[str, Job], dict[str, Job]]

    @property
    def every(self) -> list[Job]:
        """All computations."""
        return [job for side in self.jobs for job in side.values()]


def page(shared: state.Shared, session: state.Session, models: list[str]) -> None:
    """Draw the form and the comparison."""
    with st.form("compare-loci", border=False):
        first, second, at, also, go = st.columns([2.4, 3.2, 1.3, 1.3, 1], vertical_alignment="bottom")
        usual = models.index(session.question.model) if session.question.model in models else 0
        model = first.selectbox("Model", models, index=usual, format_func=choices.titles(shared.engine))
        text = second.text_input(
            "Second locus",
            key="compare-locus",
            max_chars=LONGEST_TEXT,
            placeholder="as in the box of the explorer; ends in :- for the reverse strand",
        )
        one = at.text_input("Aligned at, first", key="compare-at-first", max_chars=20, placeholder="base", help=ABOUT_ANCHORS)
        other = also.text_input("and second", key="compare-at-second", max_chars=20, placeholder="base", help=ABOUT_ANCHORS)
        asked = go.form_submit_button("Compare", type="primary", width="stretch")
    reading.show(shared.engine, _SECOND)
    if asked and not text.strip():
        show_error("No second locus is given; type one as in the box of the explorer.")
    elif asked:
        _read(shared, session, model, text)
    kept: Loci | None = st.session_state.get(_KEPT)
    if kept is not None and kept.shown[0].identity == session.on_screen.identity:
        try:
            anchors = _anchors(one, other, kept)
        except ParameterError as error:
            show_error(str(error))
            return
        _follow(shared, kept, anchors)


ABOUT_ANCHORS = "Positions counted from 1 in each sequence as it is shown; both then stand over each other, cut to what both have. Empty: each is whole."


def _read(shared: state.Shared, session: state.Session, model: str, text: str) -> None:
    """Understand the second locus, then ask for both."""
    st.session_state.pop(_KEPT, None)

    def work(monitor: reading.Reading) -> Understood:
        return apart.understand_text(text, shared.genomes, shared.settings, monitor)

    def then(found: Understood) -> None:
        try:
            second = resolve(Question(found.normal or text, model), found)
            st.session_state[_KEPT] = _asked(shared, session, model, second)
        except LocuscopeError as error:
            session.say(str(error))

    reading.begin(_SECOND, quoted(text.strip(), 40), work, then, session.say)


def _asked(shared: state.Shared, session: state.Session, model: str, second: Shown) -> Loci:
    """Start every computation of both. Raises what the engine refuses."""
    species = session.question.species if session.question.model == model else ""
    card = shared.engine.model(model).card
    sides = []
    for shown in (session.on_screen, second):
        requests = {name: _request(name, shown, model, species, card) for name in ANALYSES}
        sides.append({name: shared.engine.submit(request, session.visitor) for name, request in requests.items()})
    return Loci((session.on_screen, second), model, (sides[0], sides[1]))


def _request(name: str, shown: Shown, model: str, species: str, card: Any) -> Request:
    parameters = choices.parameters_of(declared(name), card, {})
    return Request(name, shown.sequence, model, parameters, species)


def _anchors(one: str, other: str, loci: Loci) -> tuple[int, int] | None:
    """0-based anchors of both; None without. Raises `ParameterError`."""
    if not one.strip() and not other.strip():
        return None
    found = []
    for text, shown, which in zip((one, other), loci.shown, ("first", "second"), strict=True):
        value, length = whole_number(text or "0"), len(shown.sequence)
        if not 1 <= value <= length:
            raise ParameterError(f"The {which} anchor is {value:,}; a position from 1 to {length:,} is needed, or none for both.")
        found.append(value - 1)
    return found[0], found[1]


def common_parts(lengths: tuple[int, int], anchors: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """What both have around their anchors: 0-based half-open parts of one length, the anchor equally far into each."""
    left = min(anchors)
    right = min(length - at for length, at in zip(lengths, anchors, strict=True))
    one, other = ((at - left, at + right) for at in anchors)
    return one, other


def _follow(shared: state.Shared, loci: Loci, anchors: tuple[int, int] | None) -> None:
    if not all(job.finished for job in loci.every):
        polling.follow(shared.engine, True, _progress, loci)
        return
    errors = dict.fromkeys(str(job.error) for job in loci.every if job.error is not None)
    if errors or any(job.result is None for job in loci.every):
        show_error(" ".join(errors) or "The comparison was cancelled.")
        return
    evidences = [
        LocusEvidence(shown.sequence, {name: job.result for name, job in jobs.items()}, shown.features, title=shown.title)
        for shown, jobs in zip(loci.shown, loci.jobs, strict=True)
    ]
    if anchors is not None:
        lengths = (len(loci.shown[0].sequence), len(loci.shown[1].sequence))
        evidences = [cut(evidence, *part) for evidence, part in zip(evidences, common_parts(lengths, anchors), strict=True)]
    titles = (loci.shown[0].title, loci.shown[1].title)
    style = FigureStyle(dark=st.context.theme.type == "dark", width=1300)
    words = f"Dependency maps of {titles[0]} and {titles[1]} by {shared.engine.model(loci.model).card.title}, one colour scale"
    show_caption(f"{plain(echo(loci.shown[0]))} · {plain(echo(loci.shown[1]))}")
    if anchors is not None:
        show_caption(
            f"Aligned at base {anchors[0] + 1:,} of the first and {anchors[1] + 1:,} of the second, cut to what both have; zoom moves both."
        )
    figure = side_by_side(evidences[0], evidences[1], titles, style)
    st.plotly_chart(figure, alt=words, key="both-loci", width="content", theme=None)
    for evidence in evidences:
        show_caption(f"{evidence.title}: {evidence.results['dependency'].words()}")


def cut(evidence: LocusEvidence, start: int, end: int) -> LocusEvidence:
    """Bases ``[start, end)`` of what was computed of the whole: letters, cells, probabilities and annotation."""
    sequence = evidence.sequence.window(start, end)
    found: DependencyMap = evidence.results["dependency"]
    part = replace(found, sequence=sequence, values=found.values[start:end, start:end], influence=None)
    chances = replace(evidence.results["probabilities"], sequence=sequence, values=evidence.results["probabilities"].values[start:end])
    inside = (item.cut(start, end) for item in evidence.features if item.start < end and item.end > start)
    features = tuple(replace(item, start=item.start - start, end=item.end - start) for item in inside)
    return replace(evidence, sequence=sequence, results={"dependency": part, "probabilities": chances}, features=features)


def _progress(loci: Loci) -> None:
    if all(job.finished for job in loci.every):
        st.rerun()
    done, total = sum(job.done for job in loci.every), sum(job.total for job in loci.every)
    st.progress(min(1.0, done / total) if total else 0.0, text=f"{done:,} of {total:,} model runs" if total else "Waiting for a turn")
    if st.button("Cancel", key="compare-loci-cancel"):
        for job in loci.every:
            job.cancel(state.session().visitor)
