"""Conservation and covariation of an alignment: entropy and gaps of its columns, mutual information of every two of them.

Only columns in which the reference has a letter are read, so that every number stands on a base of the reference.

``H(i)`` is the Shannon entropy of the bases in column i, in bits. ``MI(i, j)`` is the mutual information of columns i and j, in bits, over the
sequences that have one of the four bases in both: a gap is not a fifth letter, because insertions and deletions are gaps in many neighbouring
columns at once, and their agreement would drown that of base pairs. Where fewer than ``occupancy`` of the sequences have both, there is no value.
``APC`` takes off the average product correction, mean(i) mean(j) / mean of all (Dunn, Wahl and Gloor, Bioinformatics 2008, doi
10.1093/bioinformatics/btm604): what a column shares with all others by ancestry and by its own entropy.

Sequences are weighted: those that are alike in at least ``identity`` of the columns where both have a base share one vote, 1 / number of them (as
in Morcos et al., PNAS 2011, doi 10.1073/pnas.1111471108), since databases hold many copies of the same few organisms. ``identity`` 0: one vote each.

Memory: 16 bytes for every two bases of the reference (both maps and the joined weights, while they are made), 2 bytes a letter of the alignment,
and 120 MB for blocks of columns: 0.6 GB for 5,000 × 5,000.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analyses.findings import APART, FAR, stronger
from engine.analyses.provenance import stamp
from engine.core.arithmetic import largest_of_known, strongest_pairs
from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.results import Matrix, Pairs, Result, Table, Track, base_at, frozen_array
from engine.core.sequence import Alphabet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.core.alignment import Alignment
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

NAME = "covariation"
VERSION = "1"
BLOCK = 128
"""Columns whose pairs are counted together."""
ROWS = 512
"""Sequences that are compared with all others together."""
MOST_ROWS = 1_000_000
"""Pairs that the table of a file holds; the archive has all of them."""
READABLE_ROWS = 5_000
PAIRS_PER_BASE = 5


@dataclass(frozen=True)
class CovariationParameters(Parameters):
    """How sequences are weighted, which pairs are read, and which score is the map: with or without the average product correction."""

    score: Literal["apc", "mi"] = option(
        "apc",
        "--score",
        "apc (mutual information less the average product correction) or mi.",
        metavar="NAME",
        title="Score",
        words=(("apc", "mutual information, APC taken off"), ("mi", "mutual information")),
    )
    identity: float = option(
        0.8, "--identity", "Sequences at least this alike share one vote; 0 = one vote each.", metavar="SHARE", low=0, high=1
    )
    occupancy: float = option(
        0.5, "--occupancy", "Least share of the sequences that have a base in both columns of a pair.", metavar="SHARE", low=0, high=1
    )


@dataclass(frozen=True, eq=False)
class Covariation(Result):
    """Of the L letters of the reference; column ``columns[i]`` of the alignment, int64 (L,), 0-based, holds letter i.

    ``entropy`` float32 (L,), bits, NaN where no sequence has a base; ``gaps`` float32 (L,): share of the sequences with a gap there.
    ``mutual_information``, ``corrected`` float32 (L, L), bits, symmetric, diagonal 0, NaN where too few sequences have both bases.
    ``weights`` float32 (N,) of the sequences; their sum is the number of unlike sequences. ``score``: which of the two is the map.
    ``dependency``: the map of a model of the same letters, held against it; None without one.
    """

    faces = frozenset({"tracks", "main track", "pairs", "matrix"})
    repeatable = False
    sequence: NucleotideSequence
    columns: NDArray[np.int64]
    entropy: NDArray[np.float32]
    gaps: NDArray[np.float32]
    mutual_information: NDArray[np.float32]
    corrected: NDArray[np.float32]
    weights: NDArray[np.float32]
    provenance: Provenance
    score: str = "apc"
    dependency: DependencyMap | None = None

    def __post_init__(self) -> None:
        length = len(self.sequence)
        object.__setattr__(self, "columns", frozen_array(self.columns, np.int64, (length,), "columns"))
        object.__setattr__(self, "weights", frozen_array(self.weights, np.float32, (None,), "weights"))
        for name in ("entropy", "gaps"):
            object.__setattr__(self, name, frozen_array(getattr(self, name), np.float32, (length,), name))
        for name in ("mutual_information", "corrected"):
            object.__setattr__(self, name, frozen_array(getattr(self, name), np.float32, (length, length), name))

    @property
    def values(self) -> NDArray[np.float32]:
        """The map: ``corrected``, or ``mutual_information`` where that was asked for."""
        return self.corrected if self.score == "apc" else self.mutual_information

    @property
    def title(self) -> str:
        """What the map is called."""
        return "Mutual information, APC taken off" if self.score == "apc" else "Mutual information"

    def with_map(self, found: DependencyMap) -> Covariation:
        """Beside the dependency map of a model. Raises `ParameterError` for one of other letters, of a part, or unfinished."""
        if found.sequence.sha256 != self.sequence.sha256 or len(found.values) != len(self.sequence) or not found.complete:
            raise ParameterError("The dependency map is not the whole map of the reference of this alignment; compute that one.")
        told = {**self.provenance.parameters, "dependency": {**found.provenance.parameters, "model": found.provenance.card.id}}
        told["dependency"] |= {"weights_sha256": found.provenance.card.weights_sha256, "revision": found.provenance.card.revision}
        return replace(self, dependency=found, provenance=replace(self.provenance, parameters=told))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything by its name, and ``dependency`` float32 (L, L) where there is one."""
        names = ("columns", "entropy", "gaps", "mutual_information", "corrected", "weights")
        found = {name: getattr(self, name) for name in names}
        return found if self.dependency is None else {**found, "dependency": self.dependency.values}

    def rows(self) -> Table:
        """One row a pair, strongest first, `MOST_ROWS` at most: both bases, their columns, both scores, and the model's."""
        return self._pairs(MOST_ROWS)

    def readable(self) -> Table:
        """The first rows of `rows`."""
        return self._pairs(READABLE_ROWS)

    def _pairs(self, count: int) -> Table:
        first, second = self._ranked(count)
        letters = np.array(list(self.sequence.letters))
        columns: dict[str, Any] = {"position_1": first + 1, "base_1": letters[first], "position_2": second + 1, "base_2": letters[second]}
        columns |= {"column_1": self.columns[first] + 1, "column_2": self.columns[second] + 1, "distance": second - first}
        columns |= {"mutual_information": self.mutual_information[first, second], "apc": self.corrected[first, second]}
        if self.dependency is not None:
            both = self.dependency.values
            columns |= {"dependency_1_read_by_2": both[first, second], "dependency_2_read_by_1": both[second, first]}
        return Table(columns, first, second)

    def _ranked(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first, second = np.triu_indices(len(self.sequence), 1)
        scores = self.values[first, second]
        known = np.flatnonzero(np.isfinite(scores))
        if len(known) > count:
            known = known[np.argpartition(-scores[known], count - 1)[:count]]
        order = known[np.lexsort((second[known], first[known], -scores[known].astype(np.float64)))]
        return first[order].astype(np.int64), second[order].astype(np.int64)

    def tracks(self) -> tuple[Track, ...]:
        """Entropy, gaps, and the strongest score of each base."""
        strongest = self.values.copy()
        np.fill_diagonal(strongest, np.nan)
        return (
            Track("entropy", "entropy of the column, bits", self.entropy),
            Track("gaps", "share of the sequences with a gap", self.gaps),
            Track("strongest_covariation", f"strongest score with another base ({self.score}), bits", largest_of_known(strongest)),
        )

    def pairs_of_bases(self) -> Pairs:
        """The strongest pairs, `PAIRS_PER_BASE` for each base."""
        first, second = self._ranked(PAIRS_PER_BASE * len(self.sequence))
        note = f"the {len(first)} strongest pairs by {self.title.lower()}"
        return Pairs(np.stack([first, second], axis=1), self.values[first, second], note)

    def matrix(self) -> Matrix:
        """The map."""
        return Matrix(self.values, symmetric=True)

    def words(self) -> str:
        """How many sequences, how conserved, the strongest pair, and how far a model agrees."""
        return self._words

    @cached_property
    def _words(self) -> str:
        told = self.provenance.parameters
        count, unlike = len(self.weights), float(self.weights.sum())
        text = f"{count:,} sequences ({unlike:,.1f} unlike ones) on {len(self.sequence):,} of {told['columns']:,} columns"
        if np.isfinite(self.entropy).any():
            text += f"; mean entropy of a column {float(np.nanmean(self.entropy)):.2f} bits"
        pairs = strongest_pairs(np.maximum(np.nan_to_num(self.values), 0), 1, APART)
        if len(pairs):
            i, j = pairs[0].tolist()
            text += f"; strongest pair {FAR}: {base_at(self.sequence, i)} with {base_at(self.sequence, j)}, {self.values[i, j]:.2f} bits"
        return text + "." + (f" {self.concordance.words()}" if self.dependency is not None else "")

    @cached_property
    def concordance(self) -> Concordance:
        """The two maps held against each other (`concordance`)."""
        return concordance(self)


@dataclass(frozen=True, eq=False)
class Concordance:
    """How an alignment's map and a model's agree on pairs at least `APART` bases apart that both have.

    ``pearson``, ``spearman`` over all of them, NaN where one is constant; ``count``: how many of the strongest pairs of each are held against each
    other, one for every two bases; ``pairs`` int64 (n, 2) with ``in_alignment``, ``in_model`` bool (n,): the pairs among those of either.
    """

    pearson: float
    spearman: float
    count: int
    pairs: NDArray[np.int64]
    in_alignment: NDArray[np.bool_]
    in_model: NDArray[np.bool_]
    model: str

    def words(self) -> str:
        """One sentence."""
        both = int((self.in_alignment & self.in_model).sum())
        return (
            f"Correlation with the dependency map of {self.model}: Pearson {self.pearson:.2f}, Spearman {self.spearman:.2f}; of the "
            f"{self.count:,} strongest pairs of each {FAR}, {both:,} are in both."
        )


def concordance(found: Covariation) -> Concordance:
    """Hold the two maps against each other. Raises `ParameterError` without a model's map."""
    if found.dependency is None:
        raise ParameterError("There is no dependency map beside the alignment; name a model.")
    length = len(found.sequence)
    first, second = np.triu_indices(length, APART)
    model, own = stronger(found.dependency.values)[first, second], found.values[first, second]
    known = np.flatnonzero(np.isfinite(model) & np.isfinite(own))
    first, second, model, own = first[known], second[known], model[known], own[known]
    count = min(length // 2, len(known))
    tops = [_largest(values, count) for values in (own, model)]
    either = np.union1d(*tops)
    either = either[np.lexsort((second[either], first[either], -own[either].astype(np.float64)))]
    return Concordance(
        pearson=_correlation(own, model),
        spearman=_correlation(_ranks(own), _ranks(model)),
        count=count,
        pairs=np.stack([first[either], second[either]], axis=1).astype(np.int64),
        in_alignment=np.isin(either, tops[0]),
        in_model=np.isin(either, tops[1]),
        model=found.dependency.provenance.card.title,
    )


def _largest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices of the ``count`` largest values; of equal ones those that come first."""
    if not count:
        return np.zeros(0, np.int64)
    least = np.partition(values, len(values) - count)[len(values) - count]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.concatenate([above, equal[: count - len(above)]])


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    a, b = one.astype(np.float64) - one.mean(dtype=np.float64) if len(one) else one, other.astype(np.float64)
    b = b - b.mean() if len(b) else b
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else float("nan")


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1, equal values with the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return mean


@dataclass(frozen=True)
class _Source:
    """What stands in the place of a model in the provenance."""

    card: ModelCard
    dtype: str = "float32"
    device: str = "cpu"


def _source(alignment: Alignment) -> _Source:
    return _Source(
        ModelCard(
            id="alignment",
            title=f"alignment {alignment.name[-60:]}",
            alphabet=Alphabet.DNA,
            max_length=alignment.columns,
            capabilities=frozenset(),
            revision="",
            weights_sha256="",
            licence="that of the alignment",
            source=alignment.name,
        )
    )


def covariation(
    alignment: Alignment, reference: str = "", parameters: CovariationParameters | None = None, monitor: Monitor | None = None
) -> Covariation:
    """Entropy, gaps and mutual information of the columns of a reference.

    Parameters
    ----------
    reference : str
        Name of the sequence whose columns are read; empty = the first one.

    Raises
    ------
    ParameterError
        No sequence of that name.
    Cancelled
        Through ``monitor.advance``, at the latest after a block of `BLOCK` × `BLOCK` pairs or `ROWS` sequences.
    """
    chosen, watcher = parameters or CovariationParameters(), monitor or SilentMonitor()
    began = time.perf_counter()
    row = alignment.row(reference)
    sequence, columns = alignment.sequence(row)
    codes = np.ascontiguousarray(alignment.codes[:, columns])
    blocks = -(-len(columns) // BLOCK)
    watcher.start(len(alignment) * bool(chosen.identity) + blocks * (blocks + 1) // 2 * BLOCK, "sequences and columns")
    weights = sequence_weights(alignment.codes, chosen.identity, watcher.advance)
    entropy, gaps = column_values(codes, weights)
    information = mutual_information(codes, weights, chosen.occupancy, lambda: watcher.advance(BLOCK))
    facts = {"alignment": alignment.name, "alignment_sha256": alignment.sha256, "sequences": len(alignment), "columns": alignment.columns}
    found = Covariation(
        sequence,
        columns,
        entropy,
        gaps,
        information,
        average_product_corrected(information),
        weights.astype(np.float32),
        stamp(NAME, VERSION, _source(alignment), chosen, sequence, time.perf_counter() - began),
        chosen.score,
    )
    told = {**asdict(chosen), **facts, "reference": alignment.names[row]}
    return replace(found, provenance=replace(found.provenance, parameters=told))


def sequence_weights(codes: NDArray[np.uint8], identity: float, advance: Callable[[int], None] = lambda done: None) -> NDArray[np.float64]:
    """float64 (N,): 1 / how many sequences, itself among them, are alike in at least ``identity`` of the columns where both have a base.

    ``identity`` 0: ones. Sequences without a base in common are not alike.
    """
    count = len(codes)
    if not identity:
        return np.ones(count)
    alike = np.zeros(count, np.int64)
    step = max(1, min(ROWS, 50_000_000 // max(1, codes.shape[1])))
    for first in range(0, count, step):
        for second in range(0, count, step):
            alike[first : first + step] += _alike(codes[first : first + step], codes[second : second + step], identity)
            advance(0)
        advance(min(step, count - first))
    return 1.0 / np.maximum(alike, 1)


def _alike(ours: NDArray[np.uint8], others: NDArray[np.uint8], identity: float) -> NDArray[np.int64]:
    """How many of the others are alike to each of ours, int64 (n,)."""
    same = np.zeros((len(ours), len(others)), np.float32)
    for base in range(4):
        same += (ours == base).astype(np.float32) @ (others == base).astype(np.float32).T
    common = (ours < 4).astype(np.float32) @ (others < 4).astype(np.float32).T
    return np.asarray(((same >= np.float32(identity) * common - 1e-3) & (common > 0)).sum(axis=1), np.int64)


def column_values(codes: NDArray[np.uint8], weights: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Entropy of the four bases, in bits, and share of gaps of each column: float32 (L,) each; both weighted."""
    counts = np.stack([weights @ (codes == base) for base in range(4)])
    total = counts.sum(axis=0)
    shares = counts / np.where(total > 0, total, 1)
    bits = -_plogp(shares).sum(axis=0)
    gaps = weights @ (codes == 4) / weights.sum()
    return np.where(total > 0, np.maximum(bits, 0), np.nan).astype(np.float32), gaps.astype(np.float32)


def _plogp(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return shares * np.log2(np.where(shares > 0, shares, 1))


def mutual_information(
    codes: NDArray[np.uint8], weights: NDArray[np.float64], occupancy: float = 0.0, done: Callable[[], None] = lambda: None
) -> NDArray[np.float32]:
    """float32 (L, L), bits, symmetric, diagonal 0: mutual information of every two columns over the rows that have a base in both.

    NaN where rows of less than ``occupancy`` of all weight have both, or none has.
    """
    length = codes.shape[1]
    found = np.zeros((length, length), np.float32)
    least = max(occupancy * float(weights.sum()), 1e-9) * (1 - 1e-6)
    for first in range(0, length, BLOCK):
        left = _one_hot(codes[:, first : first + BLOCK]) * weights.astype(np.float32)[:, None]
        for second in range(first, length, BLOCK):
            right = _one_hot(codes[:, second : second + BLOCK])
            values = _information((left.T @ right).astype(np.float64), least)
            found[first : first + BLOCK, second : second + BLOCK] = values
            found[second : second + BLOCK, first : first + BLOCK] = values.T
            done()
    np.fill_diagonal(found, 0)
    return found


def _one_hot(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (N, 4 W): base a of column w at 4 w + a."""
    hot: NDArray[np.float32] = (codes[:, :, None] == np.arange(4, dtype=np.uint8)).astype(np.float32)
    return hot.reshape(len(codes), -1)


def _information(counts: NDArray[np.float64], least: float) -> NDArray[np.float32]:
    """Mutual information from the counts of the pairs of letters, float64 (4 W, 4 V)."""
    joint = counts.reshape(counts.shape[0] // 4, 4, counts.shape[1] // 4, 4)
    total = joint.sum(axis=(1, 3))
    joint = joint / np.where(total > 0, total, 1)[:, None, :, None]
    bits = _plogp(joint).sum(axis=(1, 3)) - _plogp(joint.sum(axis=3)).sum(axis=1) - _plogp(joint.sum(axis=1)).sum(axis=2)
    return np.where(total >= least, np.maximum(bits, 0), np.nan).astype(np.float32)


def average_product_corrected(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``values[i, j] − mean(i) mean(j) / mean``, means over all pairs that have a value, the diagonal not among them; diagonal 0."""
    known = np.isfinite(values)
    np.fill_diagonal(known, False)
    filled = np.where(known, values, np.float32(0))
    counts, sums = known.sum(axis=0), filled.sum(axis=0, dtype=np.float64)
    means = sums / np.maximum(counts, 1)
    whole = sums.sum() / max(1, int(counts.sum()))
    if whole > 0:
        filled -= np.outer(means, means / whole).astype(np.float32)
    filled[~known] = np.nan
    np.fill_diagonal(filled, 0)
    return filled
