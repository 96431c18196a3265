"""The computations behind one view: what is asked of the engine, how far it is, and what goes to the browser."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from engine.analyses.declared import declared
from engine.analyses.pair import PairParameters
from engine.analyses.tiling import tiles
from engine.core.errors import LocuscopeError, ParameterError
from engine.core.features import Feature
from engine.core.own_tracks import OwnTrack
from engine.service.engine import Engine, Request
from engine.service.jobs import Job
from engine.views import wire
from engine.views.evidence import FigureStyle, Highlight, LocusEvidence, PanelState
from engine.views.thinning import thinned
from pages._ui.figure_view.feed import Chosen, Feed
from pages._ui.question import Question, Shown

if TYPE_CHECKING:
    from engine.analyses.band import BandParameters

logger = logging.getLogger(__name__)

NO_ELEMENTS = "none"
ELEMENTS = "segmentation"
MAP, BAND = "dependency", "band"
"""The analyses without one of whose answers there is no view; the second is of what is longer than the model reads."""
PRECISIONS = {"delta": "by differences", "sparse": "by thresholded differences"}
ABOUT_PRECISION = (
    " By differences: only what a substitution changes goes through low-precision products, which four exactly computed bases of this sequence "
    "showed within 1 %; the command line has --precision exact."
)
ABOUT_TIME = "Stored: this question was answered before; shipped: its answer came with Locuscope; the time is that of then. Computed in "


@dataclass
class Runs:
    """One visitor's computations on one sequence by one model: ``requests`` by analysis, ``impossible`` those it cannot have and why.

    ``stopped``: analyses that the visitor stopped; they may go on for others.
    """

    engine: Engine
    visitor: str
    shown: Shown
    question: Question
    requests: dict[str, Request]
    impossible: Mapping[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    pair: Job | None = None
    chosen: Chosen | None = None
    window: tuple[int, int] | None = None
    startable: bool = True
    own: tuple[OwnTrack, ...] = ()
    highlights: tuple[Highlight, ...] = ()
    _away: frozenset[str] = frozenset()
    _hosted_away: bool = False
    _thinned: tuple[Feature, ...] | None = None

    def __post_init__(self) -> None:
        generation = f"{self.question.model}/{self.question.species}/{self.question.settings}/{self.question.elements}"
        self.feed = Feed(wire.Address("explorer", self.shown.identity, generation))

    def states(self) -> dict[str, tuple[str, str]]:
        """What each panel's analysis has come to: ``cannot``, ``waiting``, ``partial`` or ``result``, and words about it, by analysis."""
        found = {name: ("cannot", words) for name, words in self.impossible.items()}
        for name in self.requests:
            found[name] = self._state(name)
        return found

    def _state(self, name: str) -> tuple[str, str]:
        job = self.jobs.get(name)
        if name in self.problems:
            return "cannot", self.problems[name]
        if job is None and declared(name).of_place:
            return "waiting", f"nothing was sent yet: press Ask {self.engine.model(self.requests[name].model).card.title}"
        if job is None and not self.startable:
            return "cannot", "Computed with the map, which cannot be computed here."
        if job is None:
            return "waiting", "not asked for yet: press Compute"
        if job.result is not None:
            return "result", ""
        if job.error is not None:
            return "cannot", str(job.error)
        amount = f"{job.done:,} of {job.total:,} {job.unit}" if job.total else job.stage
        if self._is_stopped(name):
            return ("partial" if job.partial is not None else "waiting"), f"{_cancelled(job)}: press Resume to go on"
        return ("partial" if job.partial is not None else "waiting"), amount

    def notes(self) -> tuple[str, ...]:
        """What the engine has to say about the sequence's layout for the models."""
        found = [note for request in self.requests.values() for note in self.engine.notes(request)]
        if BAND in self.requests and MAP not in self.requests:
            found.append(self._about_tiles())
        return tuple(dict.fromkeys(found))

    def _about_tiles(self) -> str:
        """What is to be known of a sequence that is longer than the model reads."""
        band = cast("BandParameters", self.requests[BAND].parameters)
        card = self.engine.model(self.question.model).card
        return (
            f"Longer than the {card.max_length:,} bases that {card.title} reads at once: computed in tiles of {band.tile:,} bases, each read with "
            f"{band.band:,} on either side, and put together; pairs further apart are not asked. Tiles computed before are used again."
        )

    @property
    def running(self) -> bool:
        """Whether anything is still being computed."""
        asked = [job for kind, job in self.jobs.items() if kind not in self.stopped]
        return any(not job.finished for job in (*asked, *([self.pair] if self.pair else [])))

    @property
    def settled(self) -> bool:
        """Whether nothing that is shown will change by itself: what was stopped has ended, too."""
        return not self.running and all(job.finished or not job.stopping for job in self.jobs.values())

    def _is_stopped(self, kind: str) -> bool:
        job = self.jobs[kind]
        return job.result is None and job.error is None and (kind in self.stopped or job.state == "cancelled")

    @property
    def pictured(self) -> bool:
        """Whether there is a first picture of the map, or none is to come."""
        job = self.jobs.get(MAP) or self.jobs.get(BAND)
        return job is None or job.finished or job.partial is not None

    @property
    def started(self) -> bool:
        """Whether the computations were started."""
        return bool(self.jobs)

    @property
    def most(self) -> int:
        """Bases of the longest sequence that is computed."""
        card, settings = self.engine.model(self.question.model).card, self.engine.settings
        return settings.max_length if MAP in self.requests or BAND in self.requests else min(card.max_length, settings.max_length)

    @property
    def way_on(self) -> str:
        """What a button that starts what is not there would say; empty when everything is there or under way."""
        if any(kind not in self.jobs and kind not in self.problems and not declared(kind).of_place for kind in self.requests):
            return "Compute"
        return "Resume" if not self.running and any(self._is_stopped(kind) for kind in self.jobs) else ""

    @property
    def hosted_to_ask(self) -> tuple[str, ...]:
        """Analyses of the place that a hosted model was not asked for yet."""
        return tuple(name for name in self.requests if name not in self.jobs and name not in self.problems and declared(name).of_place)

    def ask_hosted(self) -> None:
        """Ask the hosted model what `hosted_to_ask` says; only ever after the visitor's click. Each call counts for the visitor."""
        for name in self.hosted_to_ask:
            request = self.requests[name]
            try:
                if self.engine.stored(request) is None:
                    calls = self.engine.estimate(request).passes
                    self.engine.jobs.quotas.take(self.visitor, "calls", calls)
                self.jobs[name] = self.engine.submit(request, self.visitor)
            except LocuscopeError as error:
                self.problems[name] = str(error)

    @property
    def reads_letters(self) -> bool:
        """Whether a model that reads the letters was asked."""
        return any(not declared(kind).of_place for kind in self.jobs)

    @property
    def has_asked_hosted(self) -> bool:
        """Whether there is something of a hosted model."""
        return any(declared(kind).of_place for kind in self.jobs)

    def go_on_with(self, before: Runs) -> None:
        """Take over what was asked for before and has the same question: another model does not stop what it has no part in."""
        for kind, request in self.requests.items():
            job = before.jobs.get(kind)
            if job is not None and before.requests.get(kind) == request and kind not in before.stopped and not job.stopping:
                self.jobs[kind] = job

    def start(self, kinds: Collection[str] | None = None) -> None:
        """Submit everything (of ``kinds``) that can be answered here and is not there; what cannot gets its sentence.

        What was stopped goes on from what was finished. A hosted model is not asked (`ask_hosted`) but for what was stopped.
        """
        for kind, request in self.requests.items():
            if (kind in self.jobs and not self._is_stopped(kind)) or (kind not in self.jobs and declared(kind).of_place):
                continue
            if kinds is not None and kind not in kinds:
                continue
            try:
                self.jobs[kind] = self.engine.submit(request, self.visitor)
            except LocuscopeError as error:
                self.problems[kind] = str(error)
        self.stopped = frozenset()

    @property
    def elements_wait(self) -> bool:
        """Whether an element model was named that reads what the map's model cannot, and has not been asked yet."""
        named = self.question.element_model not in ("", NO_ELEMENTS)
        return named and ELEMENTS in self.requests and ELEMENTS not in self.jobs and ELEMENTS not in self.problems

    def start_elements(self) -> None:
        """Submit the element track alone, where there is no map."""
        try:
            self.jobs[ELEMENTS] = self.engine.submit(self.requests[ELEMENTS], self.visitor)
        except LocuscopeError as error:
            self.problems[ELEMENTS] = str(error)

    def give_up(self, after: Runs) -> None:
        """Stop what ``after`` does not go on with."""
        kept = {id(job) for job in after.jobs.values()}
        for job in self.jobs.values():
            if id(job) not in kept:
                job.cancel(self.visitor)

    def cancel(self) -> None:
        """Stop waiting; what there is stays. What nobody else waits for ends."""
        self.stopped = frozenset(kind for kind, job in self.jobs.items() if not job.finished)
        for job in self.jobs.values():
            job.cancel(self.visitor)

    @property
    def held_bytes(self) -> int:
        """Bytes of what was packed for the browser; the results themselves are counted by the store."""
        return self.feed.held_bytes

    def let_go(self) -> None:
        """Forget the results of a visitor who is away; they come back with `come_back`, but for what the visitor stopped."""
        self._away |= frozenset() if self.stopped else frozenset(self.jobs)
        self._hosted_away = self._hosted_away or (self.has_asked_hosted and not self.stopped)
        self.jobs, self.pair, self.chosen, self.stopped = {}, None, None, frozenset()
        self.feed = Feed(self.feed.address)

    def come_back(self) -> None:
        """Ask again for what was let go; what was stopped meanwhile goes on, what waits for a click still does."""
        if self._away:
            away, self._away = self._away, frozenset()
            self.start(away)
        if self._hosted_away:
            self._hosted_away = False
            self.ask_hosted()

    def result(self, kind: str) -> Any | None:
        """The finished result, or the newest partial one."""
        job = self.jobs.get(kind)
        if job is None:
            return None
        return job.result if job.result is not None else job.partial

    def finished_results(self) -> dict[str, Any]:
        """What is complete, by analysis."""
        return {kind: job.result for kind, job in self.jobs.items() if job.result is not None}

    def spent(self) -> str:
        """What the finished results cost, in words; empty while something is computed or nothing was."""
        found = [job.result for job in self.jobs.values() if job.result is not None]
        if self.running or not found:
            return ""
        origin = found[0].provenance
        origins = {job.unit for job in self.jobs.values()}
        known = (
            {"stored answer": "stored, ", "shipped answer": "shipped answer, "}.get(next(iter(origins)), "") if len(origins) == 1 else ""
        )
        seconds = sum(result.provenance.seconds for result in found)
        return f"{known}{seconds:.1f} s on {origin.device}"

    @property
    def about_spent(self) -> str:
        """How precisely the finished results were computed."""
        origin = next(job.result for job in self.jobs.values() if job.result is not None).provenance
        precision = PRECISIONS.get(str(origin.parameters.get("precision")), "")
        return f"{ABOUT_TIME}{origin.dtype}{f', {precision}.{ABOUT_PRECISION}' if precision else '.'}"

    def ask_pair(self, changed: int, read: int) -> None:
        """Select a pair, and ask for its 4 × 4 table."""
        self.pair, note = None, ""
        try:
            parameters = PairParameters(changed, read)
            request = Request("pair", self.shown.sequence, self.question.model, parameters, self.question.species)
            self.pair = self.engine.submit(self._of_pair(request), self.visitor)
        except LocuscopeError as error:
            note = str(error)
        self.chosen = Chosen((changed, read), note=note or "The 4 × 4 table is being computed.")

    def _of_pair(self, request: Request) -> Request:
        """The question about a pair; of a sequence that is computed in tiles, of the letters of a tile."""
        band = self.requests.get(BAND)
        return request if MAP in self.requests or band is None else in_a_tile(request, band)

    def choose(self, base: int) -> None:
        """Select a base."""
        self.pair, self.chosen = None, Chosen((base,))

    def evidence(self) -> LocusEvidence:
        """What there is to be drawn, with partial results; analyses without any say why, or wait."""
        results = {name: found for name in self.requests if (found := self.result(name)) is not None}
        states = {
            name: PanelState("cannot", words) if kind == "cannot" else PanelState("waiting")
            for name, (kind, words) in self.states().items()
            if name not in results and kind in ("cannot", "waiting")
        }
        if not self.reads_letters:  # nothing but the genome, its annotation and a hosted model's, without a row of empty panels
            states = {name: state for name, state in states.items() if declared(name).of_place}
        elif not self.startable:  # the element track alone
            states = {name: state for name, state in states.items() if name in self.jobs}
        if self._thinned is None:
            self._thinned = thinned(self.shown.features, len(self.shown.sequence))
        features = self.shown.features if self.reads_letters else self._thinned
        return LocusEvidence(self.shown.sequence, results, features, states, self.shown.marks, self.shown.title, self.own, self.highlights)

    def lines(self) -> list[dict[str, Any]]:
        """How far each computation is that is not finished: its ``text``, ``done`` of ``total``, ``seconds_left``, ``running``, ``failed``."""
        return [line for line in (_line(kind, job, self._is_stopped(kind)) for kind, job in self.jobs.items()) if line is not None]

    def envelopes(self, style: FigureStyle) -> dict[str, bytes]:
        """Everything the browser should have now; unchanged parts are the same bytes as before."""
        job = self.pair
        if job is not None and job.finished and self.chosen is not None and self.chosen.table is None:
            note = "" if job.result is not None else str(job.error or "The computation was cancelled; click again.")
            self.chosen = Chosen(self.chosen.places, job.result, note)
        words = {name: words for name, (_, words) in self.states().items() if words}
        lines = self.lines()
        running = [kind for kind, job in self.jobs.items() if not job.finished and kind not in self.stopped]
        status = {"running": running, "lines": lines}
        chosen, window = self.chosen, self.window
        evidence = self.evidence()
        growing = frozenset(kind for kind in running if kind in evidence.results and not evidence.results[kind].complete)
        return self.feed.envelopes(
            replace(evidence, growing=growing), style, states=words, progress=_progress(lines), status=status, chosen=chosen, window=window
        )


def _progress(lines: list[dict[str, Any]]) -> list[Any]:
    """The most urgent line of progress for the tool bar, and the way to stop it."""
    if not lines:
        return []
    line = next((one for one in lines if one["running"]), lines[0])
    nodes: list[Any] = [
        ["span", {"class": "fv-failed" if line["failed"] else "", "title": "\n".join(one["text"] for one in lines)}, line["text"]]
    ]
    if line["total"] and line["running"]:
        nodes.insert(0, ["progress", {"max": str(line["total"]), "value": str(line["done"]), "aria-label": line["text"]}])
        nodes.append(["span", {}, _left(line["seconds_left"])])
    if len(lines) > 1:
        nodes.append(["span", {}, f"+{len(lines) - 1}"])
    if any(one["running"] for one in lines):  # first, whatever stands beside it: the same element all the time (`renew` of the script)
        stop = {"type": "button", "data-act": "cancel", "title": "Stop; what is there stays, marked partial"}
        nodes.insert(0, ["button", stop, "Stop computing"])
    return nodes


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{max(1, round(seconds))} s left"
    return f"{round(seconds / 60)} min left" if seconds < 3600 else f"{seconds / 3600:.1f} h left"


def _cancelled(job: Job) -> str:
    """That a job was stopped, and how far it had come."""
    return f"cancelled after {job.done:,} of {job.total:,} {job.unit}" if job.total else "cancelled before it began"


def _line(kind: str, job: Job, stopped: bool) -> dict[str, Any] | None:
    title = declared(kind).title
    base = {"done": job.done, "total": job.total, "seconds_left": job.seconds_left, "running": not job.finished, "failed": False}
    if job.state == "done":
        return None
    if job.state == "failed":
        return {**base, "total": 0, "failed": True, "text": f"{title}: {job.error}"}
    if stopped:
        shown = "; what is shown is partial" if job.partial is not None else ""
        return {**base, "running": False, "text": f"{title}: {_cancelled(job)}{shown}"}
    ahead = f", {job.queue_position} before it" if job.queue_position else ""
    if not job.total:
        return {**base, "text": f"{title}: {job.stage}{ahead}"}
    return {**base, "text": f"{title}: {job.done:,} of {job.total:,} {job.unit}"}


def in_a_tile(request: Request, band: Request) -> Request:
    """The question about a pair in the tile of its changed base. Raises `ParameterError` for a pair that the band does not have."""
    pair, along = cast("PairParameters", request.parameters), cast("BandParameters", band.parameters)
    if abs(pair.changed - pair.read) > along.band:
        raise ParameterError(f"These bases are more than {along.band:,} apart, which the band does not ask; choose nearer ones.")
    tile = next(tile for tile in tiles(request.sequence, along.tile, along.band) if tile.first <= pair.changed < tile.last)
    near = PairParameters(pair.changed - tile.start, pair.read - tile.start)
    return replace(request, sequence=request.sequence.window(tile.start, tile.end), parameters=near)
