"""Results of the analyses: frozen, self-checking, with read-only arrays.

Base axes are in the order A, C, G, T (U at T). Positions are 0-based indices into the sequence, 5'→3'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, eq=False)
class BaseProbabilities:
    """P(base) at each position: ``values`` float32 (L, 4), rows sum to 1."""

    sequence: NucleotideSequence
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence), 4), "probabilities"))


@dataclass(frozen=True, eq=False)
class DependencyMap:
    """``values[i, j]`` float32 (W, W): largest change at base j when base i is substituted; diagonal 0; row = changed, column = read.

    Source: Tomaz da Silva et al., Nature Genetics 2025 (gagneurlab/dependencies_DNALM).
    ``offset`` is the index in ``sequence`` of the first row and column (0 for a whole map).
    ``rows_done`` bool (W,): rows that are computed; the others are NaN in a partial map.
    Units: log2 odds (bits), or natural log ratio for ``metric="log_ratio"``.
    A cell is NaN where the model's tokens moved and the two predictions cannot be compared.
    """

    sequence: NucleotideSequence
    values: NDArray[np.float32]
    provenance: Provenance
    metric: str = "log2_odds"
    offset: int = 0
    rows_done: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        width = len(self.values)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (width, width), "dependency map"))
        if self.offset < 0 or self.offset + width > len(self.sequence):
            raise ParameterError(f"A map of {width} bases at offset {self.offset} does not fit in {len(self.sequence)} bases.")
        if self.rows_done is not None:
            object.__setattr__(self, "rows_done", frozen_array(self.rows_done, np.bool_, (width,), "rows done"))

    @property
    def complete(self) -> bool:
        """Whether every row is computed."""
        return self.rows_done is None or bool(self.rows_done.all())


@dataclass(frozen=True, eq=False)
class PairTable:
    """``values[a, n]`` float32 (4, 4): Δ log2 odds of base n at ``read`` when ``changed`` becomes a; NaN in the reference row."""

    sequence: NucleotideSequence
    changed: int
    read: int
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (4, 4), "substitution table"))


@dataclass(frozen=True, eq=False)
class VariantEffects:
    """Effects of all substitutions; float32 (L, 4) each, NaN at the reference base (and at ambiguous letters).

    ``llr`` = ln p(alt) − ln p(ref), position masked; negative = unlikely. None for a causal model.
    ``influence`` = mean over j ≠ i of max_n |Δ log2 odds at j|, at least 0.
    ``delta_log_likelihood`` = ln P(window with alt) − ln P(window); only for a causal model.
    """

    sequence: NucleotideSequence
    provenance: Provenance
    llr: NDArray[np.float32] | None = None
    influence: NDArray[np.float32] | None = None
    delta_log_likelihood: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for label in ("llr", "influence", "delta_log_likelihood"):
            values = getattr(self, label)
            if values is not None:
                object.__setattr__(self, label, frozen_array(values, np.float32, (len(self.sequence), 4), label))


@dataclass(frozen=True, eq=False)
class Segmentation:
    """``values`` float32 (L, E): probability of each of ``elements`` at each base; elements are independent and may overlap."""

    sequence: NucleotideSequence
    elements: tuple[str, ...]
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        shape = (len(self.sequence), len(self.elements))
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, shape, "segmentation"))


@dataclass(frozen=True, eq=False)
class ContactMap:
    """RNA contacts: ``values`` float32 (L, L) symmetric scores; ``pairs`` int64 (n, 2), i < j, strongest first; ``dot_bracket`` with pseudoknots."""

    sequence: NucleotideSequence
    values: NDArray[np.float32]
    pairs: NDArray[np.int64]
    scores: NDArray[np.float32]
    dot_bracket: str
    provenance: Provenance

    def __post_init__(self) -> None:
        length = len(self.sequence)
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (length, length), "contact map"))
        object.__setattr__(self, "pairs", frozen_array(np.asarray(self.pairs).reshape(-1, 2), np.int64, (None, 2), "pairs"))
        object.__setattr__(self, "scores", frozen_array(self.scores, np.float32, (len(self.pairs),), "pair scores"))
        if len(self.dot_bracket) != length:
            raise ParameterError(f"The dot-bracket has {len(self.dot_bracket)} symbols; {length} are needed.")


@dataclass(frozen=True, eq=False)
class TokenTrack:
    """Tokens of a byte-pair or k-mer model: ``spans`` int64 (T, 2) 0-based half-open, ``tokens``, ``probabilities`` float32 (T,) of each token given the others.

    Where asked for, the likeliest tokens: ``candidate_probabilities`` float32 (T + 1, K), falling along K, row t with token t masked and the
    last row for the token that would follow the sequence; ``candidate_tokens``, their texts row by row, (T + 1) · K.
    """

    sequence: NucleotideSequence
    spans: NDArray[np.int64]
    tokens: tuple[str, ...]
    probabilities: NDArray[np.float32]
    provenance: Provenance
    candidate_tokens: tuple[str, ...] = ()
    candidate_probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self.tokens)
        if self.candidate_probabilities is not None:
            checked = frozen_array(self.candidate_probabilities, np.float32, (count + 1, None), "candidate probabilities")
            object.__setattr__(self, "candidate_probabilities", checked)
            if len(self.candidate_tokens) != checked.size:
                raise ParameterError(f"There are {len(self.candidate_tokens)} candidate tokens; {checked.size} are needed.")
        object.__setattr__(self, "spans", frozen_array(self.spans, np.int64, (count, 2), "token spans"))
        object.__setattr__(self, "probabilities", frozen_array(self.probabilities, np.float32, (count,), "token probabilities"))


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
