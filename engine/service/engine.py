"""What a page, the command line or a cluster may ask of the engine: one object, the same answers to all of them."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, LocuscopeError, ModelError, ParameterError, ResourceExhausted, SourceUnavailable
from engine.core.parameters import DependencyParameters, EffectParameters, Parameters
from engine.core.progress import Monitor
from engine.core.results import VariantEffects
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models import registry as shipped_registry
from engine.models.entry import LoadOptions, ModelEntry
from engine.service.devices import checked_device, checked_dtype, code_fingerprint
from engine.service.estimate import Cost, Timings
from engine.service.jobs import DeviceGate, Job, JobMonitor, Stretch, finished_job, follow, start_job
from engine.service.requests import ANALYSES, Analysis, Request, cannot, check_length, check_positions, forward_passes, width_bp
from engine.service.shelf import Fingerprints, ModelSpec, Registry, Shelf, directory_bytes, find_directory
from engine.service.store import ResultStore, content_key

if TYPE_CHECKING:
    from engine.core.protocols import VariantScore
    from engine.core.variants import Variant
    from engine.service.triage import TriageRequest

__all__ = ["ANALYSES", "Analysis", "Engine", "ModelRow", "Request", "follow"]

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
    """

    def __init__(self, settings: Settings | None = None, registry: Registry | None = None, *, keep_on_disk: bool = True) -> None:
        self.settings = settings or Settings.from_environment()
        home = self.settings.home
        self._registry: Registry = registry or shipped_registry
        self._store = ResultStore(home / "results" if keep_on_disk else None, self.settings.result_bytes, self.settings.disk_bytes)
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
        if analysis not in ANALYSES:
            raise ParameterError(f"There is no analysis {analysis!r}; available: {', '.join(ANALYSES)}.")
        return tuple((row, cannot(row.card, analysis) or row.why_not) for row in self.models())

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
        """What a table or service says of one variant of a known assembly, without bases that pad its alleles; empty when it has nothing.

        Raises `CapabilityMissing` for a model that is neither, `WeightsMissing` when something is not there yet, `LocusError` for a
        variant that does not fit the assembly, `SourceUnavailable` when a service does not answer.
        """
        entry = self._registry.entry(model_id)
        if not entry.card.can(Capability.VARIANT_SCORES):
            raise CapabilityMissing(f"{entry.card.title} holds no published variant scores; use a triage for what it computes.")
        spec = ModelSpec(entry.card.id, find_directory(entry, self.settings.home), "", LoadOptions("cpu"))
        with self._shelf.borrow(entry, spec) as shelved:
            found: tuple[VariantScore, ...] = shelved.model.score(assembly, variant.contig, *variant.without_padding())
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

        threading.Thread(target=body, name="preload", daemon=True).start()

    # ---- questions ----------------------------------------------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raise one clear error for a request that cannot be answered, before anything runs."""
        entry = self._entry(request)
        find_directory(entry, self.settings.home, request.weights)
        reason = cannot(entry.card, request.analysis)
        if reason:
            raise CapabilityMissing(reason)
        check_length(request, entry.card, self.settings)
        check_positions(request)
        needed = self.estimate(request).memory_bytes
        if needed > self.settings.result_bytes:
            raise ResourceExhausted(
                f"The answer for {width_bp(request):,} bases would take {needed:,} bytes; results are bounded to {self.settings.result_bytes:,}; "
                "choose a window, or raise the setting LOCUSCOPE_RESULT_BYTES."
            )

    def notes(self, request: Request) -> tuple[str, ...]:
        """What a user should know before an answer: how the sequence departs from the only layout a model was trained on."""
        entry = self._entry(request)
        load = getattr(entry.load, "func", entry.load)
        layout_note = getattr(sys.modules.get(load.__module__), "layout_note", None)
        note = layout_note(entry.card.id, request.sequence) if layout_note is not None else ""
        return (note,) if note else ()

    def estimate(self, request: Request) -> Cost:
        """Forward passes, bases read, memory, and seconds when this model ran here before."""
        entry = self._entry(request)
        length = len(request.sequence)
        passes = forward_passes(request, entry.card)
        width = width_bp(request)
        memory = width * width * 4 if request.analysis in ("dependency", "contacts") else length * 64
        seconds = self._timings.seconds(self._kind(request, entry), length, passes)
        return Cost(passes, passes * length, seconds, memory)

    def stored(self, request: Request) -> Any | None:
        """The answer if it is in the store; never computes."""
        entry = self._entry(request)
        return self._store.get(self._key(request, self._spec_of(request, entry)), request.sequence)

    def submit(self, request: Request, visitor: str = "") -> Job:
        """Start the computation, or join the one that already runs, or answer from the store with a finished job.

        Raises what `check` raises, and `ResourceExhausted` when too many computations run.
        """
        self.check(request)
        entry = self._entry(request)
        spec = self._spec_of(request, entry)
        key = self._key(request, spec)
        stored = self._store.get(key, request.sequence)
        if stored is not None:
            return finished_job(key, request, stored)
        same = f"{key}|{request.sequence.locus}|{request.sequence.name}"  # who asks of another place waits at the store's claim
        return self._started(same, request, lambda monitor: self._answer(key, request, entry, spec, monitor), visitor)

    def run(self, request: Request, monitor: Monitor | None = None) -> Any:
        """The answer, after waiting for it. What ``monitor.advance`` raises stops the computation and goes through."""
        visitor = f"run-{threading.get_ident()}"
        return follow(self.submit(request, visitor), visitor, monitor)

    def submit_triage(self, request: TriageRequest, visitor: str = "") -> Job:
        """Start scoring the variants of a VCF; the result is an `engine.core.variants.Triage`, kept with the job only."""
        entry = self._registry.entry(request.model or self.settings.model)
        reason = cannot(entry.card, "effects")
        if reason:
            raise CapabilityMissing(reason)
        spec = self._spec(entry, request.device, request.dtype, request.species, request.weights)

        def work(monitor: JobMonitor) -> Any:
            from engine.analyses.triage import triage
            from engine.service.triage import place_variants

            with self._model(entry, spec, monitor, functools.partial(cannot, analysis="effects")) as model:
                width = min(request.parameters.window_bp, model.card.max_length)
                parameters = replace(request.parameters, window_bp=width)
                sites = place_variants(request.variants, request.reference, width, request.transcripts)
                return triage(model, sites, len(request.variants), parameters, monitor)

        return self._started(f"triage-{uuid.uuid4().hex}", request, work, visitor)

    def run_triage(self, request: TriageRequest, monitor: Monitor | None = None) -> Any:
        """`submit_triage`, after waiting for it."""
        visitor = f"run-{threading.get_ident()}"
        return follow(self.submit_triage(request, visitor), visitor, monitor)

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

    def _answer(self, key: str, request: Request, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor) -> Any:
        monitor.stage("waiting for the same question to be answered")
        with self._store.claim(key, monitor.check):
            result = self._store.get(key, request.sequence)
            if result is None:
                if request.analysis == "contacts":
                    result = self._contacts(request, monitor)
                elif self._shares_passes(request, entry, "effects", EffectParameters()):
                    result = self._effects(request, entry, spec, monitor)
                else:
                    result = self._compute(request, entry, spec, monitor)
                self._store.put(key, result)
            return result

    def _shares_passes(self, request: Request, entry: ModelEntry, analysis: str, parameters: Parameters) -> bool:
        """Whether this is the usual map, or the usual effects, of a masked model: the influence comes out of the map's passes."""
        usual = request.analysis == analysis and request.parameters == parameters
        able = not cannot(entry.card, "dependency") and not cannot(entry.card, "effects") and not entry.card.causal
        return usual and able and len(request.sequence) ** 2 * 4 <= self.settings.result_bytes

    def _influence_key(self, request: Request, spec: ModelSpec) -> str:
        return self._key(replace(request, analysis="effects", parameters=EffectParameters()), spec) + "-influence"

    def _effects(self, request: Request, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor) -> Any:
        """Effects from the passes of the dependency map, computed or joined now, and the masked passes of their own."""
        key = self._influence_key(request, spec)
        known = self._store.get(key, request.sequence)
        monitor.start(forward_passes(request, entry.card))
        if known is None:
            inner = replace(request, analysis="dependency", parameters=DependencyParameters())
            visitor = f"{monitor.visitor} effects"
            follow(self.submit(inner, visitor), visitor, Stretch(monitor), keep_partial=False)
            known = self._store.get(key, request.sequence)
        if known is None:
            return self._compute(request, entry, spec, monitor, Stretch(monitor))
        result = self._compute(request, entry, spec, monitor, Stretch(monitor), known_influence=known.influence)
        return _naming_precision(result, known.provenance.parameters["precision"])

    def _contacts(self, request: Request, monitor: JobMonitor) -> Any:
        """Contacts are read from the dependency map, which is a question of its own."""
        from engine.analyses.contacts import contacts

        inner = replace(request, analysis="dependency", parameters=DependencyParameters())
        monitor.stage("computing")
        visitor = f"{monitor.visitor} contacts"
        found = follow(self.submit(inner, visitor), visitor, monitor, keep_partial=False)
        return contacts(found, request.parameters)  # type: ignore[arg-type]

    def _compute(
        self, request: Request, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor, watcher: Monitor | None = None, **known: Any
    ) -> Any:
        """Run an analysis; ``watcher`` is what it tells its progress, ``known`` what of its answer is there already."""
        analysis = ANALYSES[request.analysis].load()
        both = self._shares_passes(request, entry, "dependency", DependencyParameters())
        refusal = functools.partial(cannot, analysis=request.analysis)
        with self._model(entry, spec, monitor, refusal) as model:
            began, before = time.perf_counter(), monitor.paused_seconds
            if both and not model.card.causal:
                result = self._map_and_influence(model, request, spec, monitor)
            else:
                result = analysis(model, request.sequence, request.parameters, watcher or monitor, **known)
            seconds = time.perf_counter() - began - (monitor.paused_seconds - before)
        passes = forward_passes(request, entry.card) if not known else len(request.sequence)
        self._timings.note(self._kind(request, entry, mutants=not known), len(request.sequence), passes, seconds)
        return result

    def _map_and_influence(self, model: Any, request: Request, spec: ModelSpec, monitor: JobMonitor) -> Any:
        """The map; the influence of the same passes goes into the store, where the effects find it."""
        from engine.analyses.dependency import dependency_map_with_influence

        result, influence = dependency_map_with_influence(model, request.sequence, DependencyParameters(), monitor)
        kept = VariantEffects(request.sequence, result.provenance, influence=influence.astype("float32"))
        self._store.put(self._influence_key(request, spec), kept)
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
        default = ANALYSES[request.analysis].default_model
        return self._registry.entry(default) if default in self._registry.model_ids() and cannot(entry.card, request.analysis) else entry

    def _spec_of(self, request: Request, entry: ModelEntry) -> ModelSpec:
        return self._spec(entry, request.device, request.dtype, request.species, request.weights)

    def _spec(self, entry: ModelEntry, device: str, dtype: str, species: str, weights: Path | None) -> ModelSpec:
        directory = find_directory(entry, self.settings.home, weights)
        where = checked_device(device or self.settings.device)
        options = LoadOptions(where, checked_dtype(dtype or self.settings.dtype, where), species)
        if weights is None and not _has_files(entry):
            return ModelSpec(entry.card.id, directory, "", options)
        return ModelSpec(entry.card.id, directory, self._fingerprints.of(directory), options, directory_bytes(directory))

    def _key(self, request: Request, spec: ModelSpec) -> str:
        """Everything that decides the numbers of an answer."""
        analysis = ANALYSES[request.analysis]
        parameters = request.parameters.as_dict() if request.parameters is not None else {}
        parts = {
            "analysis": request.analysis,
            "version": analysis.version,
            "code": code_fingerprint(),
            "model": spec.model_id,
            "revision": self._entry(request).card.revision,
            "weights": spec.fingerprint,
            "device": spec.options.device.split(":")[0],
            "dtype": spec.options.dtype,
            "species": request.species,
            "sequence": request.sequence.sha256,
            "alphabet": str(request.sequence.alphabet),
            "parameters": parameters,
        }
        if request.analysis == "contacts":
            parts["map"] = ANALYSES["dependency"].version
        return content_key(parts)

    def _kind(self, request: Request, entry: ModelEntry, *, mutants: bool = True) -> str:
        """What runs of equal pace have in common; models score the mutants of one sequence faster than unrelated passes."""
        device = checked_device(request.device or self.settings.device)
        dtype = checked_dtype(request.dtype or self.settings.dtype, device)
        precision = getattr(request.parameters, "precision", "auto")
        passes = "mutants" if mutants and request.analysis in ("dependency", "contacts", "effects", "pair") else "passes"
        return "|".join((entry.card.id, str(request.weights or ""), device, dtype, precision, passes))


def _has_files(entry: ModelEntry) -> bool:
    return entry.shipped is not None or entry.hub is not None


def _naming_precision(effects: VariantEffects, precision: str) -> VariantEffects:
    """Effects whose provenance names how the influence was computed, unless it was exactly."""
    if precision == "exact":
        return effects
    parameters = {**effects.provenance.parameters, "influence_precision": precision}
    return replace(effects, provenance=replace(effects.provenance, parameters=parameters))
