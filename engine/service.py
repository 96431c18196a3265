"""What a page, the command line or a cluster may ask of the engine: one object, the same answers to all of them."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, ModelError, ParameterError, ResourceExhausted, SequenceError
from engine.core.parameters import (
    ContactParameters,
    DependencyParameters,
    EffectParameters,
    PairParameters,
    Parameters,
    ProbabilityParameters,
    SegmentationParameters,
)
from engine.core.progress import Monitor
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.estimate import Cost, Timings
from engine.jobs import DeviceGate, Job, JobMonitor, finished_job, start_job
from engine.models import registry as shipped_registry
from engine.models.entry import LoadOptions, ModelEntry
from engine.shelf import Fingerprints, ModelSpec, Registry, Shelf, directory_bytes, find_directory
from engine.store import ResultStore, content_key

logger = logging.getLogger(__name__)

MAXIMUM_JOBS = 64
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d{1,2})?)$")
_DTYPES = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Analysis:
    """One row of the table of analyses: where its function is, what a model needs for it, which model answers when none is named
    and the setting ``model`` names one that cannot.
    """

    module: str
    function: str
    capability: Capability
    parameters: type[Parameters]
    default_model: str = ""

    def load(self) -> Callable[..., Any]:
        """The function; its module is imported now."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.function)
        return function

    @property
    def version(self) -> str:
        """Version of the analysis, part of every key."""
        return str(importlib.import_module(self.module).VERSION)


ANALYSES: dict[str, Analysis] = {
    "probabilities": Analysis("engine.analyses.probabilities", "base_probabilities", Capability.PROBABILITIES, ProbabilityParameters),
    "dependency": Analysis("engine.analyses.dependency", "dependency_map", Capability.DEPENDENCY, DependencyParameters),
    "effects": Analysis("engine.analyses.effects", "variant_effects", Capability.EFFECTS, EffectParameters),
    "contacts": Analysis("engine.analyses.contacts", "contacts", Capability.CONTACTS, ContactParameters),
    "segmentation": Analysis(
        "engine.analyses.segmentation", "segmentation", Capability.SEGMENTATION, SegmentationParameters, "locuscope-segmenter"
    ),
    "pair": Analysis("engine.analyses.dependency", "pair_table", Capability.DEPENDENCY, PairParameters),
    "tokens": Analysis("engine.analyses.tokens", "token_track", Capability.TOKENS, Parameters),
}


@dataclass(frozen=True)
class Request:
    """A question: an analysis of a sequence by a model.

    Parameters
    ----------
    analysis : str
        A key of `ANALYSES`.
    sequence : NucleotideSequence
        What to analyse, exactly as the model is to see it.
    model : str
        Model id; empty = the setting ``model``, or the shipped segmenter for a segmentation.
    parameters : Parameters or None
        Of the analysis' own type; None = its defaults.
    species : str
        Species token of models that take one.
    weights : Path or None
        Checkpoint folder instead of the installed weights.
    device, dtype : str
        Empty = the settings.
    """

    analysis: str
    sequence: NucleotideSequence = field(repr=False)
    model: str = ""
    parameters: Parameters | None = None
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""

    def __post_init__(self) -> None:
        if self.analysis not in ANALYSES:
            raise ParameterError(f"There is no analysis {self.analysis!r}; available: {', '.join(ANALYSES)}.")
        wanted = ANALYSES[self.analysis].parameters
        if self.parameters is None:
            object.__setattr__(self, "parameters", wanted())
        elif not isinstance(self.parameters, wanted):
            raise ParameterError(f"The analysis {self.analysis} takes {wanted.__name__}, not {type(self.parameters).__name__}.")


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
    """

    def __init__(self, settings: Settings | None = None, registry: Registry | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        home = self.settings.home
        self._registry: Registry = registry or shipped_registry
        self._store = ResultStore(home / "results", self.settings.result_bytes, self.settings.disk_bytes)
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

    def models_for(self, analysis: str) -> tuple[tuple[ModelRow, str], ...]:
        """Every model with one sentence why it cannot do ``analysis`` now; an empty text where it can."""
        if analysis not in ANALYSES:
            raise ParameterError(f"There is no analysis {analysis!r}; available: {', '.join(ANALYSES)}.")
        return tuple((row, _cannot(row.card, analysis) or row.why_not) for row in self.models())

    def install(self, model_id: str, monitor: Monitor | None = None) -> Path:
        """Download the published weights of a model and return their folder; progress in bytes through ``monitor``.

        Raises `WeightsMissing` for a model without a public download and when the settings say offline, `SourceUnavailable` when the
        hub cannot be reached, and what ``monitor.advance`` raises to stop.
        """
        from engine.models import _hub  # type: ignore[attr-defined]

        entry = self._registry.entry(model_id)
        if entry.hub is None:
            return find_directory(entry, self.settings.home)
        folder: Path = _hub.install(entry, self.settings.home, self.settings.hub_endpoint, monitor)
        return folder

    def preload(self, model_id: str = "", device: str = "", dtype: str = "") -> None:
        """Load a model in the background so that the first question does not wait for it."""

        def body() -> None:
            entry = self._registry.entry(model_id or self.settings.model)
            with self._shelf.borrow(entry, self._spec(entry, device, dtype, "", None)):
                logger.info("%s is ready", entry.card.id)

        threading.Thread(target=body, name="preload", daemon=True).start()

    # ---- questions ----------------------------------------------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raise one clear error for a request that cannot be answered, before anything runs."""
        entry = self._entry(request)
        find_directory(entry, self.settings.home, request.weights)
        reason = _cannot(entry.card, request.analysis)
        if reason:
            raise CapabilityMissing(reason)
        _check_length(request, entry.card, self.settings)
        _check_positions(request)
        needed = self.estimate(request).memory_bytes
        if needed > self.settings.result_bytes:
            raise ResourceExhausted(
                f"The answer for {_width(request):,} bases would take {needed:,} bytes; results are bounded to {self.settings.result_bytes:,}; "
                "choose a window, or raise the setting LOCUSCOPE_RESULT_BYTES."
            )

    def notes(self, request: Request) -> tuple[str, ...]:
        """What a user should know before an answer: how the sequence departs from the only layout a model was trained on."""
        entry = self._entry(request)
        layout_note = getattr(sys.modules.get(entry.load.__module__), "layout_note", None)
        note = layout_note(request.sequence) if layout_note is not None else ""
        return (note,) if note else ()

    def estimate(self, request: Request) -> Cost:
        """Forward passes, bases read, memory, and seconds when this model ran here before."""
        entry = self._entry(request)
        length = len(request.sequence)
        passes = _passes(request, entry.card)
        width = _width(request)
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
        with self._lock:
            running = self._running.get(key)
            if running is not None and not running.stopping:
                running.visitors.add(visitor)
                return running
        stored = self._store.get(key, request.sequence)
        if stored is not None:
            return finished_job(key, request, stored)
        return self._started(key, request, entry, spec, visitor)

    def run(self, request: Request, monitor: Monitor | None = None) -> Any:
        """The answer, after waiting for it. What ``monitor.advance`` raises stops the computation and goes through."""
        visitor = f"run-{threading.get_ident()}"
        return follow(self.submit(request, visitor), visitor, monitor)

    def cancel_all(self) -> None:
        """Ask every running computation to stop."""
        with self._lock:
            for job in self._running.values():
                job.cancel()

    # ---- inside -------------------------------------------------------------------------------------------------------------

    def _started(self, key: str, request: Request, entry: ModelEntry, spec: ModelSpec, visitor: str) -> Job:
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
        start_job(job, lambda monitor: self._answer(key, request, entry, spec, monitor), self._ended)
        return job

    def _ended(self, job: Job) -> None:
        with self._lock:
            if self._running.get(job.key) is job:
                del self._running[job.key]

    def _answer(self, key: str, request: Request, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor) -> Any:
        monitor.stage("waiting for another process with the same question")
        with self._store.claim(key, monitor.check):
            result = self._store.get(key, request.sequence)
            if result is None:
                if request.analysis == "contacts":
                    result = self._contacts(request, monitor)
                else:
                    result = self._compute(request, entry, spec, monitor)
                self._store.put(key, result)
            return result

    def _contacts(self, request: Request, monitor: JobMonitor) -> Any:
        """Contacts are read from the dependency map, which is a question of its own."""
        from engine.analyses.contacts import contacts

        inner = replace(request, analysis="dependency", parameters=DependencyParameters())
        monitor.stage("computing")
        visitor = f"{monitor.visitor} contacts"
        found = follow(self.submit(inner, visitor), visitor, monitor, keep_partial=False)
        return contacts(found, request.parameters)  # type: ignore[arg-type]

    def _compute(self, request: Request, entry: ModelEntry, spec: ModelSpec, monitor: JobMonitor) -> Any:
        analysis = ANALYSES[request.analysis].load()
        self._set_threads()
        monitor.stage("loading the model")
        with self._shelf.borrow(entry, spec, monitor.check) as shelved:
            reason = _cannot(shelved.model.card, request.analysis)
            if reason:
                raise CapabilityMissing(reason)
            monitor.stage("waiting for a turn")
            with monitor.computing(self._gate(spec.options.device), shelved.lock):
                began = time.perf_counter()
                result = analysis(shelved.model, request.sequence, request.parameters, monitor)
                seconds = time.perf_counter() - began - monitor.paused_seconds
        self._timings.note(self._kind(request, entry), len(request.sequence), _passes(request, entry.card), seconds)
        return result

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
        return self._registry.entry(default) if default in self._registry.model_ids() and _cannot(entry.card, request.analysis) else entry

    def _spec_of(self, request: Request, entry: ModelEntry) -> ModelSpec:
        return self._spec(entry, request.device, request.dtype, request.species, request.weights)

    def _spec(self, entry: ModelEntry, device: str, dtype: str, species: str, weights: Path | None) -> ModelSpec:
        directory = find_directory(entry, self.settings.home, weights)
        options = LoadOptions(_device(device or self.settings.device), _dtype(dtype or self.settings.dtype), species)
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
            "code": _code_fingerprint(),
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

    def _kind(self, request: Request, entry: ModelEntry) -> str:
        device = _device(request.device or self.settings.device)
        precision = getattr(request.parameters, "precision", "exact")
        return "|".join((entry.card.id, str(request.weights or ""), device, request.dtype or self.settings.dtype, precision))


def follow(job: Job, visitor: str, monitor: Monitor | None, keep_partial: bool = True) -> Any:
    """Wait for a job and mirror its progress to ``monitor``; whatever stops the waiting withdraws ``visitor`` from the job."""
    announced: tuple[int, str] | None = None
    told = 0
    try:
        while not job.wait(0.05):
            if monitor is None:
                continue
            if job.total and announced != (job.total, job.unit):
                announced, told = (job.total, job.unit), 0
                monitor.start(job.total, job.unit)
            more, told = job.done - told, job.done
            monitor.advance(more)
            if keep_partial and monitor.wants_partial() and (partial := job.partial) is not None:
                monitor.publish(partial)
    finally:
        if not job.finished:
            job.cancel(visitor)
    return job.answer()


def _device(name: str) -> str:
    """``auto`` made definite; torch is imported only where there may be a CUDA device. Raises `ParameterError`."""
    if not _DEVICE.match(name):
        raise ParameterError(f"The device is {name[:40]!r}; allowed: auto, cpu, cuda or cuda:N.")
    if name == "cpu":
        return name
    count = _cuda_devices()
    if name == "auto":
        return "cuda" if count else "cpu"
    number = int(name.partition(":")[2] or 0)
    if number >= count:
        raise ParameterError(
            f"The device is {name!r} but this machine has {count or 'no'} CUDA device{'' if count == 1 else 's'}; use cpu or auto."
        )
    return name


def _cuda_devices() -> int:
    if sys.platform == "linux" and not any(Path(path).exists() for path in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _dtype(name: str) -> str:
    if name not in _DTYPES:
        raise ParameterError(f"The dtype is {name[:40]!r}; allowed: {', '.join(_DTYPES)}.")
    return name


@functools.cache
def _code_fingerprint() -> str:
    """Hash of the code that decides numbers and of the version of torch: an answer of other code is another answer."""
    total = hashlib.sha256(importlib.metadata.version("torch").encode())
    folder = Path(__file__).parent
    for layer in ("core", "analyses", "models"):
        for path in sorted((folder / layer).glob("*.py")):
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def _has_files(entry: ModelEntry) -> bool:
    return entry.shipped is not None or entry.hub is not None


def _cannot(card: ModelCard, analysis: str) -> str:
    """One sentence why a model cannot do an analysis; empty when it can."""
    needed = ANALYSES[analysis].capability
    if card.can(needed):
        return ""
    offers = ", ".join(sorted(card.capabilities)) or "nothing of this kind"
    return f"{card.title} cannot compute {needed}; it offers {offers}."


def _width(request: Request) -> int:
    window = getattr(request.parameters, "window", None)
    return len(request.sequence) if window is None else window[1] - window[0]


def _passes(request: Request, card: ModelCard) -> int:
    """Forward passes of a request, by the definition of its analysis."""
    length, width = len(request.sequence), _width(request)
    if request.analysis in ("dependency", "contacts"):
        return 1 + 3 * width
    if request.analysis == "effects":
        return 1 + 3 * length + (length if card.masked and not card.causal else 0)
    if request.analysis == "probabilities":
        return length if getattr(request.parameters, "masked", False) else 1
    return 4 if request.analysis == "pair" else 1


def _check_length(request: Request, card: ModelCard, settings: Settings) -> None:
    length = len(request.sequence)
    tiled = request.analysis == "segmentation"
    if request.weights is None and not tiled and not card.min_length <= length <= card.max_length:
        advice = "choose a window of it" if length > card.max_length else "give a longer one"
        raise SequenceError(
            f"The sequence has {length:,} bases; {card.title} reads {card.min_length:,} to {card.max_length:,}; {advice}, or another model."
        )
    if length > settings.max_length:
        raise SequenceError(
            f"The sequence has {length:,} bases; at most {settings.max_length:,} are computed at once here; choose a window of it."
        )
    if request.sequence.ambiguous_count == length:
        raise SequenceError("The sequence has no A, C, G, T or U at all; give one with bases that are known.")


def _check_positions(request: Request) -> None:
    length = len(request.sequence)
    window = getattr(request.parameters, "window", None)
    if window is not None and window[1] > length:
        raise ParameterError(f"The window {window[0] + 1:,}-{window[1]:,} is outside the sequence; positions 1 to {length:,} exist.")
    if isinstance(request.parameters, PairParameters):
        for position in (request.parameters.changed, request.parameters.read):
            if position >= length:
                raise ParameterError(f"Position {position + 1:,} is outside the sequence; positions 1 to {length:,} exist.")
