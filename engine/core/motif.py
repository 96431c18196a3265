"""Many places of a genome laid over each other: what a model expects there on average, beside what stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.core.arithmetic import entropy
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, option
from engine.core.results import frozen_array
from engine.core.sequence import BASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.genome_place import GenomePlace
    from engine.core.provenance import Provenance

Kind = Literal["start", "stop", "donor", "acceptor", "feature"]
KINDS: dict[str, str] = {
    "start": "start codons",
    "stop": "stop codons",
    "donor": "splice donors",
    "acceptor": "splice acceptors",
    "feature": "features or BED places",
}
"""What places are aligned at, in words. Position +1 is the first base of the start or stop codon, of the intron (donor), of the exon
(acceptor), or the feature's base that ``anchor`` names; −1 is the base before it; there is no 0."""
MOST_PLACES = 50_000
MOST_BASES = 10_000_000
"""Bases of all logos together; the predictions of each place then take 160 MB."""
RESAMPLED = 1_000
MATRIX, COMPOSITION = "position weight matrix of the other places", "composition of these places"
"""What the cost of a base by a model is held against, as table and sentences call it (`Motif.bits`)."""


@dataclass(frozen=True)
class MotifParameters(Parameters):
    """Which places are laid over each other, and how much around them is predicted and read.

    ``before``, ``after``: bases of the logo before position +1 and from it on. ``context_bp``: bases the model reads in all, the logo in their
    middle; what it reads at most where that is less. ``most``: so many places, drawn at random by ``seed``; 0 = all.
    """

    at: Kind = option("start", "--at", "What is aligned.", metavar="start|stop|donor|acceptor|feature")
    feature: str = option("", "--feature", "Kind of the features (BED: region), for --at feature.", metavar="KIND")
    anchor: Literal["first", "middle", "last"] = option(
        "first", "--anchor", "Base of a feature, on its strand, that is position +1.", metavar="first|middle|last"
    )
    before: int = option(20, "--before", "Bases before position +1.", metavar="BASES", low=0, high=500, unit="bases")
    after: int = option(20, "--after", "Bases from position +1 on.", metavar="BASES", low=1, high=500, unit="bases")
    context_bp: int = option(
        512, "--context", "Bases that the model reads around each place.", metavar="BASES", low=1, high=1_000_000, unit="bases"
    )
    most: int = option(200, "--most", "At most N places, drawn at random; 0 = all.", metavar="N", low=0, high=MOST_PLACES)
    seed: int = option(1, "--seed", "Start of the random numbers.", metavar="N", low=0, high=2**31)
    unmasked: bool = option(False, "--unmasked", "One pass a place that sees each base itself, instead of masking each in turn.")

    @property
    def width(self) -> int:
        """Bases of the logo."""
        return self.before + self.after

    def positions(self) -> NDArray[np.int64]:
        """Names of the columns, int64 (W,): −before … −1, +1 … +after."""
        numbers = np.arange(-self.before, self.after)
        return np.where(numbers >= 0, numbers + 1, numbers)


@dataclass(frozen=True)
class AlignedPlaces:
    """Aligned stretches of equal width with what the model reads around them.

    Parameters
    ----------
    places : tuple of GenomePlace
        The columns of the logo, on the feature's strand.
    left_out : mapping of str to int
        How many places are not among them, by reason.
    found : int
        Places that the annotation has.
    """

    places: tuple[GenomePlace, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    found: int = 0

    def told(self) -> str:
        """What was left out, in words; empty for nothing."""
        return "; ".join(f"{count:,} {reason}" for reason, count in self.left_out.items() if count)


@dataclass(frozen=True)
class BitsPerBase:
    """−log2 P of the bases that stand there, the mean over places and positions, with the 95 % bootstrap interval over places."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Motif:
    """Predictions at many places, and their own letters.

    Parameters
    ----------
    aligned : AlignedPlaces
        The n places.
    each : NDArray[np.float32]
        (n, W, 4): P(A, C, G, T) at each place, rows sum to 1; for a causal model given all bases before.
    letters : NDArray[np.int8]
        (n, W): index in A, C, G, T of the base that stands there.
    """

    aligned: AlignedPlaces
    each: NDArray[np.float32]
    letters: NDArray[np.int8]
    parameters: MotifParameters
    provenance: Provenance

    def __post_init__(self) -> None:
        shape = (len(self.aligned.places), self.parameters.width)
        object.__setattr__(self, "each", frozen_array(self.each, np.float32, (*shape, 4), "predictions"))
        object.__setattr__(self, "letters", frozen_array(self.letters, np.int8, shape, "letters"))

    def __len__(self) -> int:
        return len(self.aligned.places)

    @property
    def predicted(self) -> NDArray[np.float64]:
        """Mean predicted distribution, float64 (W, 4)."""
        return np.asarray(self.each.mean(axis=0, dtype=np.float64))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Places with each base, int64 (W, 4)."""
        return np.stack([(self.letters == code).sum(axis=0) for code in range(4)], axis=1).astype(np.int64)

    @property
    def observed(self) -> NDArray[np.float64]:
        """Share of each base, float64 (W, 4)."""
        return self.counts / len(self)

    @property
    def copied(self) -> bool:
        """Whether the model saw each base that it was asked for, so that what it says is largely a copy and no prediction."""
        card = self.provenance.card
        return not card.causal and (self.parameters.unmasked or not card.masked)

    def divergence(self) -> NDArray[np.float64]:
        """Jensen-Shannon divergence of predicted and own distribution in bits, float64 (W,): 0 = the same, 1 = no base in common."""
        middle = (self.predicted + self.observed) / 2
        found = entropy(middle) - (entropy(self.predicted) + entropy(self.observed)) / 2
        return np.asarray(np.clip(found, 0, 1))

    def bits(self) -> tuple[BitsPerBase, ...]:
        """How many bits a base costs: by the model at each place, by the `MATRIX`, by the `COMPOSITION`.

        Each place has a matrix of its own, made of the other places (leave one out, one pseudocount shared by the bases), so that it has not seen the place.
        """
        n, width = self.letters.shape
        codes = self.letters.astype(np.int64)
        counts, total = self.counts, np.bincount(codes.ravel(), minlength=4)
        columns = np.arange(width)[None, :]
        rows = {
            "model, unmasked (sees the base)" if self.copied else "model": np.take_along_axis(
                self.each.astype(np.float64), codes[..., None], axis=2
            )[..., 0],
            MATRIX: (counts[columns, codes] - 1 + 0.25) / n,
            COMPOSITION: (total / total.sum())[codes],
        }
        own = np.stack([-np.log2(np.maximum(chances, np.finfo(np.float32).tiny)).mean(axis=1) for chances in rows.values()])
        generator = np.random.default_rng(self.parameters.seed)
        means = np.stack([own @ np.bincount(generator.integers(0, n, n), minlength=n) / n for _ in range(RESAMPLED)])
        ends = np.percentile(means, (2.5, 97.5), axis=0)
        return tuple(BitsPerBase(name, float(own[row].mean()), *map(float, ends[:, row])) for row, name in enumerate(rows))

    def words(self) -> str:
        """How many places there are, where the model expects most, how far it is from what stands there."""
        information = 2 - entropy(self.predicted)
        best = int(information.argmax())
        position = int(self.parameters.positions()[best])
        model, matrix, composition = self.bits()
        told = self.aligned.told()
        return (
            f"{len(self):,} of {self.aligned.found:,} {KINDS[self.parameters.at]}, read by {self.provenance.read_by}; it expects most at "
            f"{position:+d} ({BASES[int(self.predicted[best].argmax())]}, {information[best]:.2f} bits). The bases that stand there cost "
            f"{model.value:.3f} bits each ({model.low:.3f} to {model.high:.3f}) by the model, {matrix.value:.3f} by the {MATRIX}, "
            f"{composition.value:.3f} by the {COMPOSITION}."
            + (
                " Unmasked: the model sees each base itself, so its logo and its cost are largely a copy, no prediction."
                if self.copied
                else ""
            )
            + (f" Left out: {told}." if told else "")
        )


def check_width(parameters: MotifParameters, places: Sequence[Any], longest: int) -> None:
    """Raise `ParameterError` for no places, and for a logo that the model cannot read at once."""
    if parameters.width > min(longest, parameters.context_bp):
        raise ParameterError(
            f"The logo has {parameters.width:,} bases; the model is to read {min(longest, parameters.context_bp):,} in all: take fewer before and "
            "after, or a wider context."
        )
    if len(places) * parameters.width > MOST_BASES:
        raise ParameterError(
            f"These are {len(places):,} places of {parameters.width:,} bases; at most {MOST_BASES:,} bases are held at once: draw fewer places."
        )
    if not places:
        raise ParameterError("No place is left; see what was left out and why, or choose another kind.")
