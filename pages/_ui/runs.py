"""The computations behind one view: what is asked of the engine, how far it is, and what goes to the browser."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.analyses.declared import Declared, Needed, analyses, declared
from engine.analyses.pair import PairParameters
from engine.core.errors import LocuscopeError
from engine.service.engine import Engine, Request
from engine.service.jobs import Job
from engine.views import payload
from pages._ui import choices
from pages._ui.question import Question, Shown

logger = logging.getLogger(__name__)

MAP = "dependency"
"""The analysis without whose answer there is no view."""
AUTOMATIC_SECONDS = 30.0
AUTOMATIC_BASES = 400_000
"""Work that starts without being asked for: up to this many seconds by earlier runs, or up to this many bases read (some 220 on screen),
whatever a first run that also warmed up the machine has said about the time."""
PRECISIONS = {"delta": " by differences", "sparse": " by thresholded differences"}
ABOUT_PRECISION = (
    "By differences: only what a substitution changes goes through low-precision products, which four exactly computed bases of this sequence "
    "showed within 1 %; the command line has --precision exact. Stored: this question was answered before; shipped: its answer came with "
    "Locuscope; the time is that of then."
)


@dataclass
class Runs:
    """One visitor's computations on one sequence by one model: ``requests`` by analysis, ``impossible`` those it cannot have and why."""

    engine: Engine
    visitor: str
    shown: Shown
    question: Question
    requests: dict[str, Request]
    impossible: Mapping[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    pair: Job | None = None
    window: tuple[int, int] | None = None
    _envelopes: dict[str, tuple[Any, bytes]] = field(default_factory=dict)

    @property
    def address(self) -> payload.Address:
        """Whom the envelopes are for."""
        return payload.Address("explorer", self.shown.identity, f"{self.question.model}/{self.question.species}/{self.question.settings}")

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
        if job is None:
            return "waiting", "not asked for yet: press Compute"
        if job.result is not None:
            return "result", ""
        if job.error is not None:
            return "cannot", str(job.error)
        amount = f"{job.done:,} of {job.total:,} {job.unit}" if job.total else job.stage
        if job.state == "cancelled":
            return ("partial" if job.partial is not None else "waiting"), f"cancelled after {amount}: press Compute to go on"
        return ("partial" if job.partial is not None else "waiting"), amount

    def notes(self) -> tuple[str, ...]:
        """What the engine has to say about the sequence's layout for this model."""
        return self.engine.notes(self.requests[MAP])

    @property
    def running(self) -> bool:
        """Whether anything is still being computed."""
        return any(not job.finished for job in (*self.jobs.values(), *([self.pair] if self.pair else [])))

    @property
    def started(self) -> bool:
        """Whether the computations were started."""
        return bool(self.jobs)

    def start(self, before: Runs | None = None) -> None:
        """Submit everything that can be answered; what cannot gets its sentence. A job of ``before`` that has the same question goes on."""
        for kind, request in self.requests.items():
            known = before.jobs.get(kind) if before is not None and before.requests.get(kind) == request else None
            try:
                self.jobs[kind] = known if known is not None and not known.stopping else self.engine.submit(request, self.visitor)
            except LocuscopeError as error:
                self.problems[kind] = str(error)

    def give_up(self, after: Runs) -> None:
        """Stop what ``after`` does not go on with."""
        kept = {id(job) for job in after.jobs.values()}
        for job in self.jobs.values():
            if id(job) not in kept:
                job.cancel(self.visitor)

    def cancel(self) -> None:
        """Stop, unless other visitors wait for the same answer; what there is stays."""
        for job in self.jobs.values():
            job.cancel(self.visitor)

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
        precision = PRECISIONS.get(str(origin.parameters.get("precision")), "")
        return f"{known}{seconds:.1f} s on {origin.device}, {origin.dtype}{precision}"

    def ask_pair(self, changed: int, read: int) -> None:
        """Ask for the 4 × 4 table of a pair."""
        self._envelopes.pop("pair", None)
        try:
            parameters = PairParameters(changed, read)
            request = Request("pair", self.shown.sequence, self.question.model, parameters, self.question.species)
            self.pair = self.engine.submit(request, self.visitor)
        except LocuscopeError as error:
            self.pair = None
            self._envelopes["pair"] = (None, payload.pair_problem_envelope(self.address, changed, read, str(error)))

    def envelopes(self) -> dict[str, bytes]:
        """Everything the browser should have now; unchanged parts are the same bytes as before."""
        for kind, encode in _ENCODERS.items():
            found = self.result(kind)
            if found is not None and self._known(kind) is not found:
                self._envelopes[kind] = (found, encode(self.address, found))
        self._encode_window()
        self._encode_pair()
        self._envelopes["status"] = (None, payload.envelope(self.address, "status", self.status()))
        return {kind: data for kind, (_, data) in self._envelopes.items()}

    def status(self) -> dict[str, Any]:
        """Progress in words and numbers, one line for each computation that is under way or went wrong."""
        lines = [line for line in (_line(kind, job) for kind, job in self.jobs.items()) if line is not None]
        return {"running": [payload.KINDS.get(kind, kind) for kind, job in self.jobs.items() if not job.finished], "lines": lines}

    def _known(self, kind: str) -> Any:
        return self._envelopes.get(kind, (None, b""))[0]

    def _encode_window(self) -> None:
        found = self.jobs[MAP].result if MAP in self.jobs else None
        if found is None or self.window is None or self._known("window") == self.window:
            return
        start, end = self.window
        margin = max(0, (payload.FLOAT32_WIDTH - (end - start)) // 2)
        start, end = max(found.offset, start - margin), min(found.offset + len(found.values), end + margin)
        self._envelopes["window"] = (self.window, payload.window_envelope(self.address, found, start, end))

    def _encode_pair(self) -> None:
        job = self.pair
        if job is None or not job.finished or self._known("pair") is job:
            return
        asked = job.request.parameters
        if job.result is not None:
            data = payload.pair_envelope(self.address, job.result)
        else:
            problem = str(job.error) if job.error is not None else "The computation was cancelled; click again."
            data = payload.pair_problem_envelope(self.address, asked.changed, asked.read, problem)
        self._envelopes["pair"] = (job, data)


_ENCODERS: dict[str, Any] = {
    MAP: payload.map_envelope,
    "probabilities": payload.probabilities_envelope,
    "effects": payload.effects_envelope,
    "segmentation": payload.segmentation_envelope,
    "tokens": payload.tokens_envelope,
    "contacts": payload.contacts_envelope,
}


def _line(kind: str, job: Job) -> dict[str, Any] | None:
    title = declared(kind).title
    base = {"done": job.done, "total": job.total, "seconds_left": job.seconds_left, "running": not job.finished, "failed": False}
    if job.state == "done":
        return None
    if job.state == "failed":
        return {**base, "total": 0, "failed": True, "text": f"{title}: {job.error}"}
    if job.state == "cancelled":
        return {**base, "text": f"{title}: cancelled after {job.done:,} of {job.total:,} {job.unit}; what is shown is partial"}
    ahead = f", {job.queue_position} before it" if job.queue_position else ""
    if not job.total:
        return {**base, "text": f"{title}: {job.stage}{ahead}"}
    return {**base, "text": f"{title}: {job.done:,} of {job.total:,} {job.unit}"}


def prepare(engine: Engine, visitor: str, shown: Shown, question: Question) -> Runs:
    """The computations of a view, not started: every analysis that is always shown and every one that was asked for."""
    chosen = dict(question.settings)
    requests: dict[str, Request] = {}
    impossible: dict[str, str] = {}
    for name, analysis in analyses().items():
        if analysis.shown != "always" and name not in question.asked:
            continue
        model = question.model
        reason = analysis.cannot(engine.model(model).card)
        if reason:
            model = analysis.default_model if _usable(engine, analysis) else ""
        if not model:
            impossible[name] = reason
            continue
        card = engine.model(model).card
        parameters = choices.parameters_of(analysis, card, chosen)
        if _on_screen(analysis.after(analysis.settled(parameters, card), card), requests):
            species = question.species if model == question.model else ""
            requests[name] = Request(name, shown.sequence, model, parameters, species)
        else:
            impossible[name] = f"{analysis.title} are read from the usual map, not from one with other settings."
    return Runs(engine, visitor, shown, question, requests, impossible)


def _usable(engine: Engine, analysis: Declared) -> bool:
    """Whether an analysis has a model of its own that is here; one whose tokens are another model's would say nothing of this one."""
    row = engine.model(analysis.default_model) if analysis.default_model else None
    return row is not None and row.installed and row.card.id.startswith("locuscope")


def _on_screen(needed: Mapping[str, Needed], requests: Mapping[str, Request]) -> bool:
    """Whether the answers an analysis must read are among those that are asked for; otherwise it would be about another map."""
    return all(name in requests and requests[name].parameters == item.parameters for name, item in needed.items() if item.required)


@dataclass(frozen=True)
class Price:
    """What a view will cost: forward passes, bases read, seconds when known, and whether everything is in the store already."""

    passes: int
    bases: int
    seconds: float | None
    stored: bool
    problem: str = ""

    @property
    def automatic(self) -> bool:
        """Small enough to start without being asked."""
        if self.stored:
            return True
        return self.bases <= AUTOMATIC_BASES or (self.seconds is not None and self.seconds <= AUTOMATIC_SECONDS)

    def words(self, device: str) -> str:
        """The cost in words."""
        if self.problem:
            return ""
        if self.stored:
            return "answered from stored results"
        where = "" if self.seconds is None else f" on {device}"
        return f"{self.passes:,} forward passes, {_about(self.seconds)}{where}"


def price(runs: Runs) -> Price:
    """Estimate everything that can be answered; ``problem`` when the map itself cannot."""
    passes = bases = 0
    seconds: float | None = 0.0
    stored = True
    problem = ""
    for kind, request in runs.requests.items():
        try:
            runs.engine.check(request)
            cost = runs.engine.estimate(request, list(runs.requests.values()))
            is_stored = runs.engine.stored(request) is not None
        except LocuscopeError as error:
            runs.problems[kind] = str(error)
            problem = str(error) if kind == MAP else problem
            continue
        if is_stored:
            continue
        stored = False
        passes, bases = passes + cost.passes, bases + cost.tokens
        seconds = None if seconds is None or cost.seconds is None else seconds + cost.seconds
    return Price(passes, bases, seconds, stored and not problem, problem)


def _about(seconds: float | None) -> str:
    if seconds is None:
        return "time not known yet"
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min"
