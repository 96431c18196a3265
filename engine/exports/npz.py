"""NumPy archive: every array of the result, the letters and the provenance as JSON text; nothing is pickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.core.results import BaseProbabilities, ContactMap, DependencyMap, PairTable, Segmentation, TokenTrack, VariantEffects


def arrays_of(result: Any) -> dict[str, Any]:
    """Arrays under the names of the design: ``probabilities``, ``values``, ``elements``, ``pairs``, ``dot_bracket``, ...

    Base axes are A, C, G, T; positions 0-based indices into ``sequence``.
    """
    if isinstance(result, BaseProbabilities):
        return {"probabilities": result.values}
    if isinstance(result, DependencyMap):
        found: dict[str, Any] = {"values": result.values, "offset": np.int64(result.offset), "metric": np.array(result.metric)}
        return found if result.rows_done is None else found | {"rows_done": result.rows_done}
    if isinstance(result, VariantEffects):
        names = ("llr", "influence", "delta_log_likelihood")
        return {name: getattr(result, name) for name in names if getattr(result, name) is not None}
    if isinstance(result, Segmentation):
        return {"probabilities": result.values, "elements": np.array(result.elements)}
    if isinstance(result, ContactMap):
        return {"values": result.values, "pairs": result.pairs, "scores": result.scores, "dot_bracket": np.array(result.dot_bracket)}
    if isinstance(result, PairTable):
        return {"values": result.values, "changed": np.int64(result.changed), "read": np.int64(result.read)}
    if isinstance(result, TokenTrack):
        track = {"spans": result.spans, "tokens": np.array(result.tokens), "probabilities": result.probabilities}
        chances = result.candidate_probabilities
        if chances is None:
            return track
        texts = np.array(result.candidate_tokens).reshape(chances.shape)
        return track | {"candidate_tokens": texts, "candidate_probabilities": chances}
    raise TypeError(f"no arrays are known for {type(result).__name__}")


def write(result: Any, path: Path) -> None:
    """Write the archive; `numpy.load` with ``allow_pickle=False`` reads it."""
    arrays: dict[str, Any] = arrays_of(result) | {
        "sequence": np.array(result.sequence.letters),
        "provenance": np.array(result.provenance.to_json()),
    }
    with path.open("wb") as handle:
        np.savez_compressed(handle, **arrays)
