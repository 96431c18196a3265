"""What a page, the command line or a cluster may ask of the engine: one object, the same answers to all of them."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analyses.declared import declared
from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, LocuscopeError, ModelError, ResourceExhausted, SourceUnavailable
from engine.core.progress import Monitor
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models import registry as shipped_registry
from engine.models.entry import LoadOptions, ModelEntry
from engine.service.answers import ShippedAnswers
from engine.service.collector import leave_imports_alone
from engine.service.devices import checked_device, checked_dtype
from engine.service.estimate import Cost, Timings
from engine.service.jobs import DeviceGate, Job, JobMonitor, Stretch, finished_job, follow, start_job
from engine.service.requests import Request, Resolved
from engine.service.shelf import Fingerprints, ModelSpec, Registry, Shelf, directory_bytes, find_directory
from engine.service.store import ResultStore

if TYPE_CHECKING:
    from engine.core.protocols import VariantScore
    from engine.core.variants import Variant
    from engine.service.triage import TriageRequest

__all__ = ["Engine", "ModelRow", "Request", "follow"]

logger = logging.getLogger(__name__)

MAXIMUM_JOBS = 64


@dataclass(frozen=True)
class ModelRow:
    """A model as a picker shows it: its card, whether it can be used now, why not, and the bytes of its files."""

    card: ModelCard
    installed: bool
    why_not: str
    size_bytes: int


class Engine:
    """Answers requests; one for all visitors of a process.

    Parameters
    ----------
    settings : Settings or None
        None = from the environment.
    registry : Registry or None
        Where models come from; None = `engine.models.registry`.
    keep_on_disk : bool
        Whether answers are kept on disk; False for runs that keep them elsewhere.
    shipped : ShippedAnswers or None
        Answers that come with the repository; None = those of the examples.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        registry: Registry | None = None,
        *,
        keep_on_disk: bool = True,
        shipped: ShippedAnswers | None = None,
    ) -> None:
        self.settings = settings or Settings.from_environment()
        home = self.settings.home
        self._registry: Registry = registry or shipped_registry
        self._store = ResultStore(home / "results" if keep_on_disk else None, self.settings.result_bytes, self.settings.disk_bytes)
        self._shipped = shipped or ShippedAnswers()
        self._shelf = Shelf(self.settings.model_bytes)
        self._fingerprints = Fingerprints(home / "fingerprints.json")
        self._timings = Timings(home / "timings.json")
        self._gates: dict[str, DeviceGate] = {}
        self._running: dict[str, Job] = {}
        self._lock = threading.Lock()

    # ---- models -------------------------------------------------------------------------------------------------------------

    def models(self) -> tuple[ModelRow, ...]:
        """Every model of the registry, usable or not."""
        return tuple(self.model(model_id) for model_id in self._registry.model_ids())

    def model(self, model_id: str = "") -> ModelRow:
        """One model; raises `UnknownModel`."""
        entry = self._registry.entry(model_id or self.settings.model)
        download = entry.hub.size_bytes if entry.hub is not None else 0
        try:
            directory = find_directory(entry, self.settings.home)
        except ModelError as error:
            return ModelRow(entry.card, False, str(error), download)
        return ModelRow(entry.card, True, "", directory_bytes(directory) if _has_files(entry) else 0)

    def fingerprint(self, model_id: str = "", weights: Path | None = None) -> str:
        """Hash over the files of a model's checkpoint folder; empty for tables and services."""
        return self._spec(self._registry.entry(model_id or self.settings.model), "cpu", "auto", "", weights).fingerprint

    def models_for(self, analysis: str) -> tuple[tuple[ModelRow, str], ...]:
        """Every model with one sentence why it cannot do ``analysis`` now; an empty text where it can."""
        cannot = declared(analysis).cannot
        return tuple((row, cannot(row.card) or row.why_not) for row in self.models())

    def install(self, model_id: str, monitor: Monitor | None = None) -> Path:
        """Download the published weights of a model and return their folder; progress in bytes through ``monitor``.

        Raises `WeightsMissing` for a model without a public download, `SourceUnavailable` when the settings say offline or the hub
        cannot be reached, and what ``monitor.advance`` raises to stop.
        """
        from engine.models.checkpoints import hub

        entry = self._registry.entry(model_id)
        if entry.hub is None or self.model(model_id).installed:
            return find_directory(entry, self.settings.home)
        if self.settings.offline:
            raise SourceUnavailable(
                f"{entry.card.title} cannot be downloaded: the setting LOCUSCOPE_OFFLINE keeps this installation offline."
            )
        return hub.install(entry, self.settings.home, self.settings.hub_endpoint, monitor)

    def accept_terms(self, model_id: str) -> None:
        """Remember that the terms of a table or service were shown and accepted."""
        from engine.models.scorers import terms

        terms.accept(self._registry.entry(model_id).card, self.settings.home)

    def scores(self, model_id: str, assembly: str, variant: Variant) -> tuple[VariantScore, ...]:
        """What a table or service says of one variant of a known assembly; empty when it has nothing.

        Raises `CapabilityMissing` for a model that is neither, `WeightsMissing` when something is not there yet, `LocusError` for a
        variant that does not fit the assembly, `SourceUnavailable` when a service does not answer.
        """
        entry = self._registry.entry(model_id)
        if not entry.card.can(Capability.VARIANT_SCORES):
            raise CapabilityMissing(f"{entry.card.title} holds no published variant scores; use a triage for what it computes.")
        spec = ModelSpec(entry.card.id, find_directory(entry, self.settings.home), "", LoadOptions("cpu"))
        with self._shelf.borrow(entry, spec) as shelved:
            found: tuple[VariantScore, ...] = shelved.model.score(
                assembly, variant.contig, variant.position, variant.reference, variant.alternate
            )
            return found

    def preload(self, model_id: str = "") -> None:
        """Load a model in the background and time it on a few bases: the first question does not wait, and its cost is known."""

        def body() -> None:
            warm = Request("probabilities", NucleotideSequence("ACGT" * 4), model_id)
            timed = Request("pair", NucleotideSequence("ACGTTGCAAC" * 20), model_id)
            try:
                for request in (warm, timed):
                    self.run(request)
            except LocuscopeError as error:
                logger.warning("%s could not be loaded ahead: %s", model_id or self.settings.model, error)
            leave_imports_alone()

        threading.Thread(target=body, name="preload", daemon=True).start()

    # ---- questions ----------------------------------------------------------------------------------------------------------

    def resolved(self, request: Request) -> Resolved:
        """The request with everything about it decided.

        Raises `UnknownModel`, `WeightsMissing`, and `CapabilityMissing` where the model cannot do what is asked.
        """
        entry = self._entry(request)
        found = Resolved(request, entry, self._spec(entry, request.device, request.dtype, request.species, request.weights))
        reason = found.analysis.cannot(entry.card)
        if reason:
            raise CapabilityMissing(reason)
        return found

    def check(self, request: Request) -> None:
        """Raise one clear error for a request that cannot be answered, before anything runs."""
        self._checked(request)

    def _checked(self, request: Request) -> Resolved:
        found = self.resolved(request)
        found.check(self.settings)
        if found.memory_bytes > self.settings.result_bytes:
            raise ResourceExhausted(
                f"The answer for {found.width:,} bases would take {found.memory_bytes:,} bytes; results are bounded to "
                f"{self.settings.result_bytes:,}; choose a window, or raise the setting LOCUSCOPE_RESULT_BYTES."
            )
        return found

    def notes(self, request: Request) -> tuple[str, ...]:
        """What a user should know before an answer: how the sequence departs from the only layout a model was trained on."""
        note = self._entry(request).note(request.sequence)
        return (note,) if note else ()

    def estimate(self, request: Request, beside: Collection[Request] = ()) -> Cost:
        """Forward passes, bases read, memory, and seconds when this model ran here before.

        ``beside``: what is asked at the same time; passes of answers that this one reads from there are not counted again.
        """
        found = self.resolved(request)
        inner = [found.inner(name) for name in found.needed]
        passes = max(0, found.passes - sum(self.resolved(question).passes for question in inner if question in beside))
        length = len(request.sequence)
        seconds = self._timings.seconds(found.pace(), length, passes) if passes else 0.0
        return Cost(passes, passes * length, seconds, found.memory_bytes)

    def stored(self, request: Request) -> Any | None:
        """The answer if it is in the store, or came with the repository; never computes."""
        return self._known(self.resolved(request))[0]

    def _known(self, found: Resolved) -> tuple[Any | None, str]:
        """The answer that is there already, and where it comes from in words."""
        result = self._store.get(found.key, found.sequence)
        if result is not None:
            return result, "stored answer"
        result = self._shipped.get(found.shipped_key, found.sequence)
        return result, "shipped answer"

    def submit(self, request: Request, visitor: str = "") -> Job:
        """Start the computation, or join the one that already runs, or answer from the store with a finished job.

        Raises what `check` raises, and `ResourceExhausted` when too many computations run.
        """
        found = self._checked(request)
        known, origin = self._known(found)
        if known is not None:
            return finished_job(found.key, request, known, origin)
        return self._started(found.same_question, request, lambda monitor: self._answer(found, monitor), visitor)

    def run(self, request: Request, monitor: Monitor | None = None) -> Any:
        """The answer, after waiting for it. What ``monitor.advance`` raises stops the computation and goes through."""
        visitor = f"run-{threading.get_ident()}"
        return follow(self.submit(request, visitor), visitor, monitor)

    def submit_triage(self, request: TriageRequest, visitor: str = "") -> Job:
        """Start scoring the variants of a VCF; the result is an `engine.core.variants.Triage`, kept with the job only."""
        entry = self._registry.entry(request.model or self.settings.model)
        refusal = declared("effects").cannot
        reason = refusal(entry.card)
        if reason:
            raise CapabilityMissing(reason)
        spec = self._spec(entry, request.device, request.dtype, request.species, request.weights)

        def work(monitor: JobMonitor) -> Any:
            from engine.analyses.triage import triage
            from engine.service.triage import place_variants

            with self._model(entry, spec, monitor, refusal) as model:
                width = min(request.parameters.window_bp, model.card.max_length)
                parameters = replace(request.parameters, window_bp=width)
                sites = place_variants(request.variants, request.reference, width, request.transcripts)
                return triage(model, sites, len(request.variants), parameters, monitor)

        return self._started(f"triage-{uuid.uuid4().hex}", request, work, visitor)

    def run_triage(self, request: TriageRequest, monitor: Monitor | None = None) -> Any:
        """`submit_triage`, after waiting for it."""
        visitor = f"run-{threading.get_ident()}"
        return follow(self.submit_triage(request, visitor), visitor, monitor)

    @property
    def visitors_waiting(self) -> int:
        """How many visitors wait for something that is not finished."""
        with self._lock:
            return len({visitor for job in self._running.values() for visitor in job.visitors})

    def cancel_all(self) -> None:
        """Ask every running computation to stop."""
        with self._lock:
            for job in self._running.values():
                job.cancel()

    # ---- inside -------------------------------------------------------------------------------------------------------------

    def _started(self, key: str, request: Any, work: Callable[[JobMonitor], Any], visitor: str) -> Job:
        with self._lock:
            running = self._running.get(key)
            if running is not None and not running.stopping:
                running.visitors.add(visitor)
                return running
            if len(self._running) >= MAXIMUM_JOBS:
                raise ResourceExhausted(f"{MAXIMUM_JOBS} computations are under way; wait for one to finish, or cancel one.")
            job = Job(key, request)
            job.visitors.add(visitor)
            self._running[key] = job
        start_job(job, work, self._ended)
        return job

    def _ended(self, job: Job) -> None:
        with self._lock:
            if self._running.get(job.key) is job:
                del self._running[job.key]

    def _answer(self, found: Resolved, monitor: JobMonitor) -> Any:
        monitor.stage("waiting for the same question to be answered")
        with self._store.claim(found.key, monitor.check):
            result = self._store.get(found.key, found.sequence)
            if result is None:
                result = self._compute(found, monitor, self._needed(found, monitor))
                self._store.put(found.key, result)
            return result

    def _needed(self, found: Resolved, monitor: JobMonitor) -> Mapping[str, Any]:
        """Answers of the analyses that this one comes after, computed or joined now."""
        answers: dict[str, Any] = {}
        for name, needed in found.needed.items():
            inner = found.inner(name)
            if not needed.required and self.resolved(inner).memory_bytes > self.settings.result_bytes:
                continue
            if not answers:
                monitor.start(found.passes)
            visitor = f"{monitor.visitor} {found.analysis.name}"
            answers[name] = follow(self.submit(inner, visitor), visitor, Stretch(monitor), keep_partial=False)
        return answers

    def _compute(self, found: Resolved, monitor: JobMonitor, answers: Mapping[str, Any]) -> Any:
        """Run the analysis; its progress is a stretch of the way where other answers came before it."""
        analysis = found.analysis
        if not analysis.reads_model:
            return analysis.run(None, found.sequence, found.parameters, monitor, answers)
        watcher: Monitor = Stretch(monitor) if answers else monitor
        with self._model(found.entry, found.spec, monitor, analysis.cannot) as model:
            began, before = time.perf_counter(), monitor.paused_seconds
            result = analysis.run(model, found.sequence, found.parameters, watcher, answers)
            seconds = time.perf_counter() - began - (monitor.paused_seconds - before)
        passes = found.passes - sum(self.resolved(found.inner(name)).passes for name in answers)
        self._timings.note(found.pace("passes" if answers else ""), len(found.sequence), max(1, passes), seconds)
        return result

    @contextlib.contextmanager
    def _model(self, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor, refusal: Callable[[ModelCard], str]) -> Iterator[Any]:
        """The loaded model, with its turn on its device."""
        monitor.stage("loading the model")
        self._set_threads()
        with self._shelf.borrow(entry, spec, monitor.check) as shelved:
            reason = refusal(shelved.model.card)
            if reason:
                raise CapabilityMissing(reason)
            monitor.stage("waiting for a turn")
            with monitor.computing(self._gate(spec.options.device), shelved.lock):
                yield shelved.model

    def _set_threads(self) -> None:
        if self.settings.threads:
            import torch

            if torch.get_num_threads() != self.settings.threads:
                torch.set_num_threads(self.settings.threads)

    def _gate(self, device: str) -> DeviceGate:
        with self._lock:
            return self._gates.setdefault(device, DeviceGate())

    def _entry(self, request: Request) -> ModelEntry:
        if request.model:
            return self._registry.entry(request.model)
        entry = self._registry.entry(self.settings.model)
        analysis = declared(request.analysis)
        default = analysis.default_model
        return self._registry.entry(default) if default in self._registry.model_ids() and analysis.cannot(entry.card) else entry

    def _spec(self, entry: ModelEntry, device: str, dtype: str, species: str, weights: Path | None) -> ModelSpec:
        directory = find_directory(entry, self.settings.home, weights)
        where = checked_device(device or self.settings.device)
        options = LoadOptions(where, checked_dtype(dtype or self.settings.dtype, where), species)
        if weights is None and not _has_files(entry):
            return ModelSpec(entry.card.id, directory, "", options)
        return ModelSpec(entry.card.id, directory, self._fingerprints.of(directory), options, directory_bytes(directory))


def _has_files(entry: ModelEntry) -> bool:
    return entry.shipped is not None or entry.hub is not None
