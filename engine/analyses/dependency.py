"""Nucleotide dependency maps: which bases the model's prediction of a base depends on.

Source: Tomaz da Silva et al., Nature Genetics 2025, doi 10.1038/s41588-025-02347-3; gagneurlab/dependencies_DNALM,
compute_and_visualize_dep_maps.ipynb, ``compute_dependency_map``.

Letters that are not one of the four bases (N and the other IUPAC codes) are not substituted: their row is NaN, their column is read like
any other, because the model predicts a base there too. A causal model's map is 0 left of the diagonal by definition.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared, square_bytes
from engine.analyses.findings import APART, FAR, changes, named_runs, signed
from engine.analyses.log_odds import Metric, Scale
from engine.analyses.provenance import stamp
from engine.analyses.readers import InfluenceMeans, RowMaxima
from engine.analyses.substitutions import Reader, Scan, Substitutions, checked_window, letter_codes
from engine.core.arithmetic import largest_of_known, strongest_pairs
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import Cancelled, ParameterError
from engine.core.parameters import WINDOW, Parameters, Precision, Window, check_window, option
from engine.core.progress import Monitor, SilentMonitor, Stretch
from engine.core.protocols import NucleotideModel
from engine.core.results import Matrix, Pairs, Result, Table, Track, base_at, frozen_array
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.core.provenance import Provenance

VERSION = "3"
UNITS: dict[str, str] = {"log2_odds": "bits", "log_ratio": "nats"}
PAIRS_PER_BASE = 5
"""Of a map the strongest pairs are written as pairs, this many for each base."""
MOST_ROWS = 5000


@dataclass(frozen=True)
class DependencyParameters(Parameters):
    """Dependency map (nucleotide dependency analysis, Tomaz da Silva et al., Nature Genetics 2025).

    ``metric``: ``log2_odds`` = max |Δ log2 odds|, ``log_ratio`` = max |ln p(alt)/p(ref)|.
    ``epsilon``: None for exact log odds from logits; 1e-10 reproduces the paper's saturation.
    ``window``: 0-based half-open part of the sequence that is changed and read; the whole sequence is context.
    ``precision``: ``exact`` (float32, or the model's dtype), ``delta`` (low-precision differences), ``sparse`` (thresholded), or
    ``auto``: ``delta`` where it is the model's usual precision on this kind of processor and some exact rows of this very sequence show it
    within 1 %, otherwise ``exact``; the result's provenance names the one that was used.
    ``tau``: threshold of ``sparse``.
    ``both_strands``: the mean with the map of the reverse complement, turned back; of a model that reads from left to right each strand's map
    is one half of the whole.
    """

    metric: Metric = option(
        "log2_odds",
        "--metric",
        "log2_odds or log_ratio.",
        metavar="METRIC",
        address="metric",
        title="Dependency",
        words=(("log2_odds", "max |Δ log2 odds| (published definition)"), ("log_ratio", "max |ln p(alt)/p(ref)|")),
    )
    epsilon: float | None = option(
        None, "--epsilon", "Saturation of the log odds; 1e-10 is the paper's.", metavar="E", low=0, high=0.1, open_ends=True
    )
    window: Window | None = WINDOW()
    precision: Precision = option(
        "auto", "--precision", "auto (delta where it is within 1 % of exact), exact, delta or sparse.", metavar="NAME"
    )
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)
    both_strands: bool = option(
        False,
        "--both-strands",
        "Mean with the reverse complement's map, turned back; of a left-to-right model, its two halves.",
        address="both_strands",
        title="Map of both strands",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window(self.window)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; ``both_strands`` came later than the others and is named only where it is asked for: other maps keep their names."""
        values = super().as_dict()
        return values if self.both_strands else {name: value for name, value in values.items() if name != "both_strands"}


@dataclass(frozen=True, eq=False)
class DependencyMap(Result):
    """``values[i, j]`` float32 (W, W): largest change at base j when base i is substituted; diagonal 0; row = changed, column = read.

    Source: Tomaz da Silva et al., Nature Genetics 2025 (gagneurlab/dependencies_DNALM).
    ``offset`` is the index in ``sequence`` of the first row and column (0 for a whole map).
    ``rows_done`` bool (W,): rows that are computed; the others are NaN in a partial map.
    ``influence`` float32 (L, 4): of a map of the whole sequence in log2 odds, the influence of every substitution
    (`engine.analyses.effects`), which comes from the same passes, NaN where the row is not computed; None for others.
    Units: log2 odds (bits), or natural log ratio for ``metric="log_ratio"``.
    A cell is NaN where the model's tokens moved and the two predictions cannot be compared.
    """

    faces = frozenset({"tracks", "main track", "pairs", "matrix"})
    sequence: NucleotideSequence
    values: NDArray[np.float32]
    provenance: Provenance
    metric: str = "log2_odds"
    offset: int = 0
    rows_done: NDArray[np.bool_] | None = None
    influence: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        width = len(self.values)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (width, width), "dependency map"))
        if self.offset < 0 or self.offset + width > len(self.sequence):
            raise ParameterError(f"A map of {width} bases at offset {self.offset} does not fit in {len(self.sequence)} bases.")
        if self.rows_done is not None:
            object.__setattr__(self, "rows_done", frozen_array(self.rows_done, np.bool_, (width,), "rows done"))
        if self.influence is not None:
            object.__setattr__(self, "influence", frozen_array(self.influence, np.float32, (len(self.sequence), 4), "influence"))

    @property
    def complete(self) -> bool:
        """Whether every row is computed."""
        return self.rows_done is None or bool(self.rows_done.all())

    def covers(self, changed: int, read: int) -> bool:
        """Whether both bases of the sequence lie in the window of the map."""
        return self.offset <= min(changed, read) and max(changed, read) < self.offset + len(self.values)

    def has_row(self, changed: int) -> bool:
        """Whether the row of a base is computed."""
        return self.rows_done is None or bool(self.rows_done[changed - self.offset])

    def cell(self, changed: int, read: int) -> float:
        """What changing one base does to another, in `unit`; of bases that it `covers`."""
        return float(self.values[changed - self.offset, read - self.offset])

    @cached_property
    def ranked(self) -> dict[int, tuple[int, Any]]:
        """By minimum distance, how many pairs were ranked and the strongest of them; kept here by `engine.analyses.findings`."""
        return {}

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return UNITS[self.metric]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``offset``, ``metric``, and ``rows_done`` of a partial map."""
        found: dict[str, Any] = {"values": self.values, "offset": np.int64(self.offset), "metric": np.array(self.metric)}
        return found if self.rows_done is None else found | {"rows_done": self.rows_done}

    def rows(self) -> Table:
        """The matrix: one row a changed base, one column a base that is read."""
        width, letters = len(self.values), self.sequence.letters
        bases = np.arange(width) + self.offset
        columns = {str(self.offset + column + 1): self.values[:, column] for column in range(width)}
        return Table({"changed": bases + 1, "base": [letters[index] for index in bases], **columns}, bases)

    def readable(self) -> Table:
        """One row a pair, strongest first: both positions and bases, the effect each way, the distance."""
        pairs = strongest_pairs(self.values, MOST_ROWS)
        i, j = pairs[:, 0], pairs[:, 1]
        letters = np.array(list(self.sequence.letters))
        columns = {
            "position_1": i + self.offset + 1,
            "base_1": letters[i + self.offset],
            "position_2": j + self.offset + 1,
            "base_2": letters[j + self.offset],
            "distance": j - i,
            f"change_1_reads_2_{self.unit}": self.values[i, j],
            f"change_2_reads_1_{self.unit}": self.values[j, i],
        }
        return Table(columns, i + self.offset)

    def tracks(self) -> tuple[Track, ...]:
        """How strongly each base depends on another one, and how strongly another one depends on it."""
        return (
            self._track("strongest_read", f"strongest effect of another base on this one, {self.unit}", self.values.T),
            self._track("strongest_changed", f"strongest effect of this base on another one, {self.unit}", self.values),
        )

    def _track(self, name: str, title: str, values: NDArray[np.float32]) -> Track:
        whole = np.full(len(self.sequence), np.nan, np.float32)
        whole[self.offset : self.offset + len(values)] = largest_of_known(values)
        return Track(name, title, whole)

    def pairs_of_bases(self) -> Pairs:
        """The strongest pairs, `PAIRS_PER_BASE` for each base, by the larger of their two directions."""
        values = self.values
        width = len(values)
        first, second = np.triu_indices(width, 1)
        both = np.stack([values[first, second], values[second, first]])
        known = np.isfinite(both).any(axis=0)
        first, second = first[known], second[known]
        scores = np.nanmax(both[:, known], axis=0) if known.any() else np.zeros(0, np.float32)
        count = min(len(scores), PAIRS_PER_BASE * width)
        order = np.lexsort((second, first, -scores.astype(np.float64)))[:count]
        indices = np.stack([first[order], second[order]], axis=1).astype(np.int64) + self.offset
        note = f"the {count} strongest of {len(scores)} pairs, score = larger of the two directions ({self.metric})"
        return Pairs(indices, scores[order].astype(np.float32), note)

    def matrix(self) -> Matrix:
        """The map itself."""
        return Matrix(self.values, self.offset)

    def words(self) -> str:
        """What is computed, the strongest pair, and the stems or repeats among the strongest."""
        unit = "bits of log2 odds" if self.metric == "log2_odds" else "nats"
        width = len(self.values)
        done = width if self.rows_done is None else int(self.rows_done.sum())
        state = "" if self.complete else f", partial: {done:,} of {width:,} rows are computed"
        start = (
            f"Dependency map of {width:,} bases by {self.provenance.card.title}{state}; rows are the changed base, columns the base read."
        )
        if not self.complete:
            return start
        if signed(self):
            return f"{start} {changes(self)}"
        pairs = strongest_pairs(self.values, 1, APART)
        if not len(pairs):
            return f"{start} No pair {FAR} has a value."
        i, j = (int(index) for index in pairs[0])
        value = np.nanmax([self.values[i, j], self.values[j, i]])
        first, second = base_at(self.sequence, i + self.offset), base_at(self.sequence, j + self.offset)
        strongest = f"The strongest pair {FAR} is {first} with {second}: {value:.2f} {unit}."
        runs = named_runs(self)
        return f"{start} {strongest}" + (f" {runs[0].upper()}{runs[1:]}." if runs else "")


def passes(sequence: NucleotideSequence, parameters: DependencyParameters) -> int:
    """Forward passes a map takes: three for every base that is substituted and one for the reference; of both strands twice that."""
    first, last = checked_window(parameters.window, len(sequence))
    return (2 if parameters.both_strands else 1) * (1 + 3 * int((letter_codes(sequence.letters[first:last]) >= 0).sum()))


class _Progress:
    """Makes partial maps while a scan runs, when somebody looks, and goes on from one.

    ``known``: what an earlier run of the same question left; its rows are not computed again. ``shown``: substitutions of a first picture, which a
    smaller one does not replace.
    """

    def __init__(
        self, scan: Scan, sequence: NucleotideSequence, parameters: DependencyParameters, monitor: Monitor, known: DependencyMap | None
    ) -> None:
        self.window = checked_window(parameters.window, len(sequence))
        self.scan, self.sequence, self.monitor = scan, sequence, monitor
        card = scan.model.card
        self.parameters = replace(parameters, precision=scan.precision)
        codes = letter_codes(scan.reference.letters)[self.window[0] : self.window[1]]
        self._done = codes < 0
        with_influence = gives_influence(parameters, card)
        earlier, influence, seconds = None, None, 0.0
        if known is not None and known.rows_done is not None and _goes_on(known, scan, self.window, with_influence):
            self._done |= known.rows_done
            earlier, influence, seconds = (known.rows_done, known.values), known.influence, known.provenance.seconds
        every = Substitutions.of(scan.reference.letters, self.window, in_order=card.causal)
        self.ready = 3 * int(self._done[every.changed - self.window[0]].sum())
        in_order = bool(self._done[every.changed[: self.ready // 3] - self.window[0]].all())
        self.begin = self.ready if in_order else 0
        self.substitutions = every if in_order else every.of_rows(~self._done, self.window[0])
        scale = Scale(parameters.metric, parameters.epsilon)
        self.rows = RowMaxima(scale, self.window, earlier)
        self.influence = InfluenceMeans(Scale(), len(sequence), known=influence) if with_influence else None
        self.finished, self.shown = self.begin, 0
        self.began = time.perf_counter() - seconds

    @property
    def readers(self) -> tuple[Reader, ...]:
        """What reads the scan."""
        return (self.rows,) if self.influence is None else (self.rows, self.influence)

    def publish(self, finished: int) -> None:
        """After ``finished`` substitutions: show the map so far if it would be looked at."""
        self.finished = finished
        if self.shown < finished < len(self.substitutions) and self.monitor.wants_partial():
            self.monitor.publish(self.result())

    def result(self) -> DependencyMap:
        """The map with the rows whose three substitutions are all finished."""
        complete = self.finished >= len(self.substitutions)
        values = self.rows.to_numpy(causal=self.scan.model.card.causal, finished=complete)
        done = self._done.copy()
        done[self.substitutions.changed[: self.finished // 3] - self.window[0]] = True
        influence = None if self.influence is None else self.influence.to_numpy().astype(np.float32)
        if not complete:
            values[~done] = np.nan
            if influence is not None:
                influence[~done] = np.nan
        values.flags.writeable = False
        seconds = time.perf_counter() - self.began
        return DependencyMap(
            sequence=self.sequence,
            values=values,
            provenance=stamp("dependency", VERSION, self.scan.model, self.parameters, self.sequence, seconds, partial=not complete),
            metric=self.parameters.metric,
            offset=self.window[0],
            rows_done=None if complete else done,
            influence=influence,
        )


class _FirstRows:
    """Shows the exact rows that decide on a precision as a first, coarse map, when somebody looks; an exact scan that was stopped there goes on from it.

    ``shown``: substitutions in the last picture.
    """

    def __init__(self, model: NucleotideModel, sequence: NucleotideSequence, parameters: DependencyParameters, monitor: Monitor) -> None:
        self.model, self.sequence, self.parameters, self.monitor = model, sequence, parameters, monitor
        self._began, self.shown = time.perf_counter(), 0

    def __call__(self, reference: Tensor, positions: Tensor, alternates: Tensor, logits: Tensor) -> None:
        """As `engine.analyses.substitutions.Looked`."""
        scale, length, causal = Scale(self.parameters.metric, self.parameters.epsilon), len(self.sequence), self.model.card.causal
        if self.parameters.window is not None or scale.normalised or not self.monitor.wants_partial():
            return
        rows, means = RowMaxima(scale, (0, length)), InfluenceMeans(Scale(), length)
        for reader in (rows, means):
            reader.start(reference)
            reader.take(positions, alternates, reader.reduced(positions, alternates, logits))
        values, done = rows.to_numpy(causal=causal, finished=True), np.zeros(length, dtype=np.bool_)
        done[positions.cpu().numpy()] = True
        values[~done] = np.nan
        influence = (
            np.where(done[:, None], means.to_numpy(), np.nan).astype(np.float32)
            if gives_influence(self.parameters, self.model.card)
            else None
        )
        seconds, exactly = time.perf_counter() - self._began, replace(self.parameters, precision="exact")
        origin = stamp("dependency", VERSION, self.model, exactly, self.sequence, seconds, partial=True)
        self.monitor.publish(DependencyMap(self.sequence, values, origin, self.parameters.metric, 0, done, influence))
        self.shown = len(positions)


def _goes_on(known: DependencyMap, scan: Scan, window: Window, with_influence: bool) -> bool:
    """Whether a scan can go on from a partial map."""
    return (
        (known.offset, len(known.values)) == (window[0], window[1] - window[0])
        and known.provenance.parameters.get("precision") == scan.precision
        and (known.influence is not None) == with_influence
    )


def dependency_map(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: DependencyParameters | None = None,
    monitor: Monitor | None = None,
    known: DependencyMap | None = None,
) -> DependencyMap:
    """Largest change of the prediction at base j when base i is substituted, for all pairs of a window.

    ``values[i, j]`` float32 (W, W), row = changed, column = read, diagonal 0, in bits (or natural log ratio, see
    `DependencyParameters`). Rows are computed coarse to fine (left to right for a causal model) and published through ``monitor``.
    ``known``: a partial map of the same question; its rows are taken over, and the batches go on where that one's ended, so that the whole is the
    same to the last bit (by no more than rounding where memory had run out).

    Raises
    ------
    SequenceError, ParameterError, CapabilityMissing
        The model cannot read the sequence, the window lies outside it, or the model has no such precision.
    Cancelled
        Through ``monitor.advance``, or in the middle of a pass; everything that was finished is published before.
    """
    chosen = parameters or DependencyParameters()
    watcher = monitor or SilentMonitor()
    checked_window(chosen.window, len(sequence))
    first = _FirstRows(model, sequence, chosen, watcher)
    scan = Scan.of(model, sequence, chosen.precision, chosen.tau, first)
    progress = _Progress(scan, sequence, chosen, watcher, known)
    progress.shown = first.shown
    watcher.start(1 + progress.ready + len(progress.substitutions) - progress.begin)
    if progress.ready:
        watcher.advance(progress.ready)
    try:
        scan.run(progress.substitutions, progress.readers, watcher, progress.publish, progress.begin)
    except Cancelled:
        if progress.rows.values is not None and progress.finished:
            watcher.publish(progress.result())
        raise
    return progress.result()


def map_of_both_strands(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: DependencyParameters, monitor: Monitor | None = None
) -> DependencyMap:
    """Mean of the map of ``sequence`` and of that of its reverse complement, rows and columns turned back; for causal models their sum.

    Both in the precision that the first one takes; no partial maps, no influence. Raises as `dependency_map`.
    """
    watcher, length = monitor or SilentMonitor(), len(sequence)
    watcher.start(passes(sequence, parameters))
    one = dependency_map(model, sequence, replace(parameters, both_strands=False), Stretch(watcher))
    used: Any = one.provenance.parameters["precision"]
    start, end = checked_window(parameters.window, length)
    turned = replace(parameters, both_strands=False, precision=used, window=parameters.window and (length - end, length - start))
    other = dependency_map(model, sequence.reverse_complement(), turned, Stretch(watcher))
    back = other.values[::-1, ::-1]
    values = one.values + back if model.card.causal else (one.values + back) / 2
    seconds = one.provenance.seconds + other.provenance.seconds
    chosen = replace(parameters, precision=used)
    origin = stamp("dependency", VERSION, model, chosen, sequence, seconds)
    return replace(one, values=np.asarray(values, np.float32), provenance=origin, influence=None)


def _run(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: DependencyParameters, monitor: Monitor, answers: Mapping[str, Any]
) -> DependencyMap:
    if parameters.both_strands:
        return map_of_both_strands(model, sequence, parameters, monitor)
    return dependency_map(model, sequence, parameters, monitor, answers.get("dependency"))


def gives_influence(parameters: DependencyParameters, card: ModelCard) -> bool:
    """Whether the passes of a map are those of the influence: the whole sequence, exact log2 odds, a model that sees both sides."""
    return (
        not parameters.both_strands
        and parameters.window is None
        and parameters.metric == "log2_odds"
        and parameters.epsilon is None
        and not card.causal
    )


def _as_band(parameters: DependencyParameters, card: ModelCard) -> tuple[str, Parameters]:
    """A sequence that is too long for a map has a band of it."""
    from engine.analyses.band import of_map

    return of_map(parameters, card)


def _passes(sequence: NucleotideSequence, parameters: DependencyParameters, card: ModelCard, offer: Offer) -> int:
    return passes(sequence, parameters)


DECLARED = (
    Declared(
        name="dependency",
        command="map",
        version=VERSION,
        title="Dependency map",
        summary="Dependency map: the largest change at each base when another one is substituted.",
        capability=Capability.DEPENDENCY,
        parameters=DependencyParameters,
        result=DependencyMap,
        passes=_passes,
        run=_run,
        longer=_as_band,
        memory=square_bytes,
        growth="quadratic",
        pace="mutants",
        one_core=True,
        shown="always",
        order=10,
    ),
)
