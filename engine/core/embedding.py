"""Many places of a genome as a model sees them: one mean hidden state a place, maps and clusters of them, and what they predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.genome_place import GenomePlace
from engine.core.parameters import Parameters, option
from engine.core.results import frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

MOST_PLACES = 50_000
"""Places of one answer."""
FEWEST_PLACES = 5
INTERGENIC, NO_CLASS = "intergenic", ""
KMER = 4
"""Length of the k-mers that are the baseline."""


@dataclass(frozen=True)
class EmbeddingParameters(Parameters):
    """Which places are read. ``window_bp`` 0: annotated features instead of windows; ``kinds``: which of them, with commas; empty =
    all usual ones, or where none of those is annotated, every kind that is.

    ``per_class``: at most so many places of each class, drawn at random by ``seed``; 0 = all.
    """

    window_bp: int = option(
        0, "--windows", "Windows of so many bases, side by side; 0 = annotated features.", metavar="BP", low=0, high=1_000_000, unit="bases"
    )
    step_bp: int = option(
        0, "--step", "Bases from one window to the next; 0 = their width.", metavar="BP", low=0, high=1_000_000, unit="bases"
    )
    kinds: str = option("", "--features", "Kinds of features, with commas, such as CDS,tRNA,rRNA,intergenic.", metavar="KINDS")
    per_class: int = option(
        0, "--per-class", "At most N places of each class, drawn at random; 0 = all.", metavar="N", low=0, high=MOST_PLACES
    )
    seed: int = option(1, "--seed", "Start of the random numbers.", metavar="N", low=0, high=2**31)


@dataclass(frozen=True)
class ProjectionParameters(Parameters):
    """How places are put on a map and grouped. ``clusters`` 0: as many as there are classes, 8 without classes (k-means only)."""

    neighbours: int = option(15, "--neighbours", "Neighbours of a place in UMAP and Leiden.", metavar="N", low=2, high=200)
    clusters: int = option(0, "--clusters", "Clusters of k-means; 0 = the number of classes.", metavar="N", low=0, high=200)
    resolution: float = option(1.0, "--resolution", "Of Leiden: higher makes more clusters.", metavar="X", low=0.01, high=50.0)
    seed: int = option(1, "--seed", "Start of the random numbers.", metavar="N", low=0, high=2**31)


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """One row a place.

    Parameters
    ----------
    places : sequence of GenomePlace
        n of them.
    vectors : NDArray[np.float32]
        (n, D): last hidden states, mean over the bases of the place.
    gc : NDArray[np.float32]
        (n,): share of G and C among known bases.
    kmers : NDArray[np.float32]
        (n, 4^k): share of each k-mer of the place on its strand, in the order of A, C, G, T; the baseline.
    provenance : Provenance
        Of the model; its sequence are all places together.
    """

    places: Sequence[GenomePlace]
    vectors: NDArray[np.float32]
    gc: NDArray[np.float32]
    kmers: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        count = len(self.places)
        for name, shape in (("vectors", (count, None)), ("gc", (count,)), ("kmers", (count, 4**KMER))):
            object.__setattr__(self, name, frozen_array(getattr(self, name), np.float32, shape, name))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def classes(self) -> list[str]:
        """Class of every place."""
        return [place.kind for place in self.places]

    def class_names(self) -> list[str]:
        """Classes there are, the largest first; none where no place has one."""
        names, counts = np.unique([name for name in self.classes if name], return_counts=True)
        return [str(names[index]) for index in np.argsort(-counts, kind="stable")]

    def blocks(self, width_bp: int = 100_000) -> list[str]:
        """Groups for cross-validation: neighbours within ``width_bp`` of a contig stay together."""
        return [f"{place.contig}:{place.start // width_bp}" for place in self.places]


@dataclass(frozen=True)
class Agreement:
    """How clusters of one kind of features agree with the classes: adjusted Rand index, and of shuffled labels the mean and the range of 95 %."""

    features: str
    method: str
    clusters: int
    value: float
    shuffled: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Projection:
    """Places on a map and in clusters.

    Parameters
    ----------
    pca : NDArray[np.float32]
        (n, C), C up to 50 components; ``explained`` (C,) their share of the variance.
    umap : NDArray[np.float32] or None
        (n, 2) where the package is installed.
    clusters : NDArray[np.int32]
        (n,) of ``method`` (``Leiden`` or ``k-means``), the largest is 0.
    agreements : tuple of Agreement
        Clusters against classes, of the model's states and of the baselines; empty without classes.
    missing : tuple of str
        One sentence for each optional package that is not here.
    """

    pca: NDArray[np.float32]
    explained: NDArray[np.float32]
    umap: NDArray[np.float32] | None
    clusters: NDArray[np.int32]
    method: str
    agreements: tuple[Agreement, ...] = ()
    missing: tuple[str, ...] = ()
    parameters: ProjectionParameters = field(default_factory=ProjectionParameters)
    software: Mapping[str, str] = field(default_factory=dict)

    def maps(self) -> dict[str, NDArray[np.float32]]:
        """Two coordinates of every place, by name."""
        found = {"PCA": self.pca[:, :2]}
        return found if self.umap is None else {"UMAP": self.umap, **found}

    def crossed(self, classes: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
        """Names of the classes, and counts int64 (clusters, classes)."""
        names, columns = np.unique(list(classes), return_inverse=True)
        counts = np.zeros((int(self.clusters.max(initial=-1)) + 1, len(names)), dtype=np.int64)
        np.add.at(counts, (self.clusters, columns), 1)
        return [str(name) for name in names], counts


@dataclass(frozen=True)
class ProbeScore:
    """What one kind of features predicts of held-out groups: a value with its 95 % bootstrap interval."""

    features: str
    columns: int
    measure: str
    value: float
    low: float
    high: float
    baseline: bool


@dataclass(frozen=True, eq=False)
class Probe:
    """A regression of a label on each kind of features, always on groups that it has not seen.

    ``kind``: ``ridge`` (numbers) or ``logistic`` (classes); ``rows`` labelled places in ``groups`` groups and ``folds`` folds; ``predicted``: of the
    model's states, one a row of ``indices``.
    """

    label: str
    kind: str
    rows: int
    groups: int
    folds: int
    scores: tuple[ProbeScore, ...]
    indices: NDArray[np.int64]
    predicted: NDArray[Any]
    truth: NDArray[Any]

    def words(self) -> str:
        """What the states predict, beside the best baseline."""
        first = self.scores[0]
        others = [score for score in self.scores if score.measure == first.measure and score.baseline]
        best = max(others, key=lambda score: score.value)
        return (
            f"{self.label} by {self.kind} regression over {self.rows:,} places in {self.groups:,} groups, {self.folds} folds of whole groups: {first.measure} "
            f"{first.value:.3f} ({first.low:.3f}-{first.high:.3f}) by the model's states; best baseline {best.features} {best.value:.3f} "
            f"({best.low:.3f}-{best.high:.3f})."
        )


def check_count(count: int) -> None:
    """Raise `ParameterError` for too few or too many places."""
    if count > MOST_PLACES:
        raise ParameterError(
            f"These are {count:,} places; at most {MOST_PLACES:,} are embedded at once: take wider steps, fewer kinds, or draw some of each class."
        )
    if count < FEWEST_PLACES:
        there = "is 1 such place" if count == 1 else f"are {count} such places"
        raise ParameterError(
            f"There {there}; at least {FEWEST_PLACES} are needed for a map: take narrower windows, more kinds of features, or a larger genome."
        )
