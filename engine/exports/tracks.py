"""Per-base tracks of a result: one value a base, in the order of the letters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.results import BaseProbabilities, Segmentation, TokenTrack, VariantEffects


@dataclass(frozen=True, eq=False)
class Track:
    """``values`` float32 (L,), NaN where there is none; ``name`` has letters, digits and ``_`` only."""

    name: str
    title: str
    values: NDArray[np.float32]


def slug(text: str) -> str:
    """A name for files and columns: letters, digits and single underscores."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "track"


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over the three alternates (NaN at the reference base is left out); NaN where none is known."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    mean: NDArray[np.float32] = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0).astype(np.float32)
    return mean


def _effects(result: VariantEffects) -> tuple[Track, ...]:
    titles = {
        "influence": "influence, mean over the three substitutions",
        "llr": "ln p(alt) - ln p(ref), mean over the three substitutions",
        "delta_log_likelihood": "change of ln P(window), mean over the three substitutions",
    }
    pairs = [(name, getattr(result, name)) for name in titles]
    return tuple(Track(name, titles[name], _mean(values)) for name, values in pairs if values is not None)


def _probabilities(result: BaseProbabilities) -> tuple[Track, ...]:
    values = result.values.astype(np.float64)
    logs = np.log2(values, out=np.zeros_like(values), where=values > 0)
    entropy = Track(
        "entropy", "entropy of the predicted base, bits (0 = certain, 2 = any base)", (-(values * logs).sum(axis=1)).astype(np.float32)
    )
    return (entropy, *(Track(f"p_{base}", f"probability of {base}", result.values[:, column]) for column, base in enumerate("ACGT")))


def _tokens(result: TokenTrack) -> tuple[Track, ...]:
    values = np.full(len(result.sequence), np.nan, dtype=np.float32)
    for (start, end), probability in zip(result.spans, result.probabilities, strict=True):
        values[start:end] = probability
    return (Track("token_probability", "probability of each token, itself masked", values),)


def tracks_of(result: Any) -> tuple[Track, ...]:
    """Tracks of a result, the main one first; empty for results without values per base."""
    if isinstance(result, VariantEffects):
        return _effects(result)
    if isinstance(result, BaseProbabilities):
        return _probabilities(result)
    if isinstance(result, Segmentation):
        return tuple(Track(slug(name), f"probability of {name}", result.values[:, column]) for column, name in enumerate(result.elements))
    if isinstance(result, TokenTrack):
        return _tokens(result)
    return ()
