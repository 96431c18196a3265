"""Two loci by one model, side by side with one colour scale: orthologous promoters, paralogous tRNAs; aligned where the visitor says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
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
from pages._ui.address import LONGEST_SEQUENCE
from pages._ui.buttons import button
from pages._ui.compare_address import Wanted
from pages._ui.compare_models import species_for
from pages._ui.prepared import Price
from pages._ui.question import Question, Shown, echo, resolve
from pages._ui.starting import starts_with
from pages._ui.text import show_caption, show_error

if TYPE_CHECKING:
    from engine.analyses.dependency import DependencyMap
    from engine.service.jobs import Job
    from engine.sources.understood import Understood

ANALYSES = ("dependency", "probabilities")
_SECOND, _KEPT, _OPENED = "loci-second", "loci-compared", "loci-opened"


@dataclass(frozen=True)
class Loci:
    """Two loci, what is asked of each by analysis, and the computations once they were started."""

    shown: tuple[Shown, Shown]
    model: str
    requests: tuple[dict[str, Request], dict[str, Request]]
    jobs: tuple[dict[str, Job], dict[str, Job]] = field(default_factory=lambda: ({}, {}))

    @property
    def every(self) -> list[Job]:
        """All computations."""
        return [job for side in self.jobs for job in side.values()]


def page(shared: state.Shared, session: state.Session, models: list[str], wanted: Wanted) -> Wanted:
    """Draw the form and the comparison, which starts by itself where the address has one that is quickly made; what is compared now."""
    usual = next((name for name in (wanted.model, session.question.model) if name in models), models[0] if models else "")
    with st.form("compare-loci", border=False):
        first, second, at, also, go = st.columns([2.4, 3.2, 1.3, 1.3, 1], vertical_alignment="bottom")
        usual = starts_with("compare-model", usual)
        at_model = models.index(usual) if usual in models else 0
        model = first.selectbox("Model", models, at_model, format_func=choices.titles(shared.engine), key="compare-model")
        text = second.text_input(
            "Second locus",
            starts_with("compare-locus", wanted.second),
            key="compare-locus",
            max_chars=LONGEST_SEQUENCE,
            placeholder="as in the box of the explorer; ends in :- for the reverse strand",
        )
        here, there = starts_with("compare-at-first", wanted.anchors[0]), starts_with("compare-at-second", wanted.anchors[1])
        one = at.text_input("Aligned at, first", here, key="compare-at-first", max_chars=20, placeholder="base", help=ABOUT_ANCHORS)
        other = also.text_input("and second", there, key="compare-at-second", max_chars=20, placeholder="base", help=ABOUT_ANCHORS)
        asked = go.form_submit_button("Compare", type="primary", width="stretch")
    reading.show(shared.engine, _SECOND)
    first_visit = not st.session_state.get(_OPENED)
    st.session_state[_OPENED] = True
    problems = () if asked else wanted.problems
    now = replace(wanted, mode="loci", second=text.strip(), model=model, anchors=(one.strip(), other.strip()), problems=problems)
    if asked and not text.strip():
        show_error("No second locus is given; type one as in the box of the explorer.")
    elif asked or (first_visit and wanted.second):
        _read(shared, session, model, text, pressed=asked)
    kept: Loci | None = st.session_state.get(_KEPT)
    if kept is None or kept.shown[0].identity != session.on_screen.identity:
        return now
    requests = _requests(shared, session, kept.model, kept.shown[1])
    if requests != kept.requests:  # the explorer's species is another one
        st.session_state[_KEPT] = kept = Loci(kept.shown, kept.model, requests)
    try:
        anchors = _anchors(one, other, kept)
    except ParameterError as error:
        show_error(str(error))
        return now
    if kept.every:
        _follow(shared, kept, anchors)
    else:
        show_caption(f"{echo(kept.shown[1])}: {_price(shared, session, kept).words()} for both; press Compare.")
    return now


ABOUT_ANCHORS = "Positions counted from 1 in each sequence as it is shown; both then stand over each other, cut to what both have. Empty: each is whole."


def _read(shared: state.Shared, session: state.Session, model: str, text: str, *, pressed: bool) -> None:
    """Understand the second locus, then ask for both; what an address alone asks for only where it is quickly made."""
    st.session_state.pop(_KEPT, None)

    def work(monitor: reading.Reading) -> Understood:
        return apart.understand_text(text, shared.genomes, shared.settings, monitor)

    def then(found: Understood) -> None:
        try:
            second = resolve(Question(found.normal or text, model), found)
            loci = Loci((session.on_screen, second), model, _requests(shared, session, model, second))
            start = pressed or _price(shared, session, loci).automatic
            st.session_state[_KEPT] = _started(shared, session, loci) if start else loci
        except LocuscopeError as error:
            session.say(str(error))

    reading.begin(_SECOND, quoted(text.strip(), 40), work, then, session.say)


def _requests(shared: state.Shared, session: state.Session, model: str, second: Shown) -> tuple[dict[str, Request], dict[str, Request]]:
    """What is asked of both, by analysis."""
    species, card = species_for(shared.engine, session.question, model), shared.engine.model(model).card
    one, other = ({name: _request(name, shown, model, species, card) for name in ANALYSES} for shown in (session.on_screen, second))
    return one, other


def price_of(shared: state.Shared, session: state.Session, requests: Iterable[Request]) -> Price:
    """What all of them cost together; raises what the engine refuses."""
    costs = [shared.engine.estimate(request, (), session.visitor) for request in requests]
    seconds = [cost.seconds for cost in costs if cost.seconds is not None]
    time = sum(seconds) if len(seconds) == len(costs) else None
    return Price(sum(cost.passes for cost in costs), sum(cost.work for cost in costs), time, stored=False)


def _price(shared: state.Shared, session: state.Session, loci: Loci) -> Price:
    return price_of(shared, session, (request for side in loci.requests for request in side.values()))


def _started(shared: state.Shared, session: state.Session, loci: Loci) -> Loci:
    """Every computation of both asked for. Raises what the engine refuses."""
    one, other = ({name: shared.engine.submit(request, session.visitor) for name, request in side.items()} for side in loci.requests)
    return replace(loci, jobs=(one, other))


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
    show_caption(f"{echo(loci.shown[0])} · {echo(loci.shown[1])}")
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
    if button("Cancel", key="compare-loci-cancel"):
        for job in loci.every:
            job.cancel(state.session().visitor)
