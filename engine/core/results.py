"""What every answer of an analysis is: its sequence, where it comes from, and its faces.

The result types themselves stand beside their analysis in `engine.analyses`. Base axes are in the order A, C, G, T (U at T). Positions are
0-based indices into the sequence, 5'→3'; what `Table` shows is 1-based.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence


def frozen_array(values: Any, dtype: Any, shape: tuple[int | None, ...], label: str) -> Any:
    """C-contiguous read-only array of ``dtype``; raises `ParameterError` unless it has ``shape`` (None = any)."""
    array = np.ascontiguousarray(values, dtype=dtype)
    fits = array.ndim == len(shape) and all(want is None or have == want for have, want in zip(array.shape, shape, strict=True))
    if not fits:
        raise ParameterError(f"{label} has shape {array.shape}; {shape} is needed.")
    if array.flags.writeable:
        array = array.copy() if array is values or array.base is not None else array
        array.flags.writeable = False
    return array


def slug(text: str) -> str:
    """A name for files and columns: letters, digits and single underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "track"


@dataclass(frozen=True, eq=False)
class Track:
    """One value a base: ``values`` float32 (L,), NaN where there is none; ``name`` has letters, digits and ``_`` only."""

    name: str
    title: str
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Table:
    """``columns`` by name, each of n values in the order of the rows; ``bases`` int64 (n,): index of the first base a row speaks of, -1 for none.

    ``partners`` int64 (n,): of a table of pairs, the index of the second one.
    """

    columns: Mapping[str, Sequence[Any] | NDArray[Any]]
    bases: NDArray[np.int64]
    partners: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Interval:
    """Bases ``[first, last)`` that are called ``name``, with ``score`` in 0..1.

    ``direction``: ``+`` on the letters as they stand, ``-`` on their complement, ``.`` on neither. ``family`` numbers intervals of one kind.
    ``note``: what files say of it besides.
    """

    first: int
    last: int
    name: str
    score: float
    direction: str = "."
    family: int = 0
    note: str = ""


@dataclass(frozen=True, eq=False)
class Pairs:
    """``indices`` int64 (n, 2), i < j, strongest first; ``scores`` float32 (n,); ``note`` says which pairs these are."""

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    note: str


@dataclass(frozen=True, eq=False)
class Matrix:
    """``values`` float32 (W, W) of bins of ``bin_bp`` bases, the first of which begins at base ``offset`` (below 0 where a bin begins before the
    sequence); ``symmetric`` when both halves say the same."""

    values: NDArray[np.float32]
    offset: int = 0
    symmetric: bool = False
    bin_bp: int = 1


class Result(ABC):
    """The answer of an analysis. Every one has the faces `arrays`, `rows`, `tracks` and `words`; ``faces`` names the further ones.

    ``faces``: of ``tracks`` (values a base), ``main track`` (one of them says it all), ``intervals`` (stretches with a name), ``pairs``, ``structure`` (a dot-bracket), ``matrix``, ``letters`` (`written` was made by the model).
    A file format that needs a face takes every result that has it. ``repeatable``: letters and parameters alone give it again, so that a script can.
    ``of_place``: it is about the place in the genome that the letters come from; no letter of it was read.
    """

    faces: ClassVar[frozenset[str]] = frozenset({"tracks", "main track"})
    repeatable: ClassVar[bool] = True
    of_place: ClassVar[bool] = False
    sequence: NucleotideSequence
    provenance: Provenance

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every number under its name in an npz archive."""

    @abstractmethod
    def rows(self) -> Table:
        """The answer as a table for files: nothing is left out."""

    @abstractmethod
    def tracks(self) -> tuple[Track, ...]:
        """Values a base, the main track first; empty only where the answer is about single positions."""

    @abstractmethod
    def words(self) -> str:
        """One short paragraph that says what was found, by rules."""

    def readable(self) -> Table:
        """The table a person reads on a page; where `rows` is a matrix, its strongest cells."""
        return self.rows()

    def at(self, base: int) -> tuple[tuple[str, str], ...]:
        """What it says of one base (0-based) besides its tracks, names and texts, for the card of a base that is clicked."""
        return ()

    @property
    def written(self) -> NucleotideSequence:
        """The letters that files speak of; others than were asked with only where the answer is letters."""
        return self.sequence

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is computed."""
        return True

    def intervals(self) -> tuple[Interval, ...]:
        """Named stretches by their first base."""
        raise NotImplementedError(f"{type(self).__name__} has no intervals")

    def pairs_of_bases(self) -> Pairs:
        """Pairs of bases, strongest first."""
        raise NotImplementedError(f"{type(self).__name__} has no pairs")

    def structure(self) -> str:
        """Dot-bracket of the whole sequence; pseudoknots as further brackets."""
        raise NotImplementedError(f"{type(self).__name__} has no structure")

    def matrix(self) -> Matrix:
        """All values between two bases."""
        raise NotImplementedError(f"{type(self).__name__} has no matrix")

    def substitutions(self) -> Mapping[str, NDArray[np.float32]]:
        """Scores of every substitution by their names, float32 (L, 4) each, NaN at the reference base."""
        raise NotImplementedError(f"{type(self).__name__} has no substitutions")


FACES: dict[str, str] = {
    "tracks": "tracks",
    "main track": "tracks",
    "intervals": "intervals",
    "pairs": "pairs_of_bases",
    "structure": "structure",
    "matrix": "matrix",
    "letters": "written",
    "substitutions": "substitutions",
}
"""Name of a face → method of `Result`."""


def place(sequence: NucleotideSequence, index: int) -> str:
    """Position of a base as the ruler has it: its coordinate where there is a locus, else its 1-based position."""
    return f"{index + 1:,}" if sequence.locus is None else f"{sequence.locus.position_of(index):,}"


def base_at(sequence: NucleotideSequence, index: int) -> str:
    """A base and where it is."""
    return f"{sequence.letters[index]} at {place(sequence, index)}"


def base_counted(sequence: NucleotideSequence, index: int) -> str:
    """A base as one who counts the letters finds it, and where it lies: ``C at 27 (NC_000913.3:4,175,780)``; the readout of the explorer's figure says
    the same (``baseName`` in words.js)."""
    locus = sequence.locus
    return f"{sequence.letters[index]} at {index + 1:,}{f' ({locus.contig}:{locus.position_of(index):,})' if locus is not None else ''}"


def substitution_at(sequence: NucleotideSequence, index: int, alternate: str) -> str:
    """A substitution and where it is."""
    return f"{sequence.letters[index]}→{alternate} at {place(sequence, index)}"


@dataclass(frozen=True, eq=False)
class WindowAnswer:
    """What a run over a genome has of the bases ``[start, end)`` of a contig, of which ``[first, last)`` counts; 0-based.

    ``arrays``: those of the result, and ``sequence``, the letters.
    """

    contig: str
    start: int
    end: int
    first: int
    last: int
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class PredictedTracks:
    """Tracks of one kind over an interval, as a hosted model predicts them.

    ``start``, ``end``: 0-based half-open on ``contig``. ``values`` float32 (bins, tracks), a bin is ``resolution_bp`` wide and bin 0 begins at
    ``start``. ``names``, ``strands``, ``biosamples``: one a track.
    """

    output: str
    contig: str
    start: int
    end: int
    resolution_bp: int
    values: NDArray[np.float32]
    names: tuple[str, ...]
    strands: tuple[str, ...]
    biosamples: tuple[str, ...]

    def __post_init__(self) -> None:
        bins = (self.end - self.start) // self.resolution_bp
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (bins, len(self.names)), "predicted tracks"))


@dataclass(frozen=True, eq=False)
class PredictedJunctions:
    """Splice junctions inside an interval, as a hosted model predicts them.

    ``introns`` int64 (n, 2): first base and end of each intron, 0-based half-open on ``contig``. ``values`` float32 (n, tracks): predicted reads.
    ``strands``: one a junction; ``names``, ``biosamples``: one a track.
    """

    contig: str
    introns: NDArray[np.int64]
    values: NDArray[np.float32]
    strands: tuple[str, ...]
    names: tuple[str, ...]
    biosamples: tuple[str, ...]

    def __post_init__(self) -> None:
        count = len(self.strands)
        object.__setattr__(self, "introns", frozen_array(self.introns, np.int64, (count, 2), "introns"))
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (count, len(self.names)), "predicted junctions"))


@dataclass(frozen=True, eq=False)
class PredictedContacts:
    """A contact map over an interval, as a hosted model predicts it: the bins that touch it.

    ``values`` float32 (bins, bins, tracks); bin 0 begins at ``start`` (0-based on ``contig``), each is ``resolution_bp`` wide.
    """

    contig: str
    start: int
    resolution_bp: int
    values: NDArray[np.float32]
    names: tuple[str, ...]
    biosamples: tuple[str, ...]

    def __post_init__(self) -> None:
        bins = len(self.values)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (bins, bins, len(self.names)), "predicted contacts"))
