"""Tokens of a byte-pair or k-mer model as a track: where each token lies and how probable it is given the others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.provenance import stamp
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.parameters import TokenParameters
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import Model, TokenCandidateModel, TokenModel
from engine.core.results import TokenTrack
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"


def token_track(
    model: Model, sequence: NucleotideSequence, parameters: TokenParameters | None = None, monitor: Monitor | None = None
) -> TokenTrack:
    """Spans int64 (T, 2), token strings and probabilities float32 (T,), each token masked in turn; the likeliest tokens where asked for.

    Raises
    ------
    CapabilityMissing
        The model's tokens are single bases, or it lists no candidates.
    ParameterError
        The flanks leave nothing.
    """
    if not isinstance(model, TokenModel):
        raise CapabilityMissing(f"{model.card.title} has no token track; choose a byte-pair or k-mer model.")
    chosen = parameters or TokenParameters()
    if 2 * chosen.flank_bp >= len(sequence):
        raise ParameterError(
            f"Flanks of {chosen.flank_bp:,} bases leave nothing of {len(sequence):,}; give a longer sequence or shorter flanks."
        )
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    watcher.start(2 if chosen.candidates else 1, "token tracks")
    spans, tokens, probabilities = model.token_spans(sequence)
    watcher.advance(1)
    inside = (spans[:, 0] >= chosen.flank_bp) & (spans[:, 1] <= len(sequence) - chosen.flank_bp)
    kept = np.flatnonzero(inside).tolist()
    texts, chances = _candidates(model, sequence, [*kept, len(tokens)], chosen.candidates)
    if chosen.candidates:
        watcher.advance(1)
    return TokenTrack(
        sequence=sequence,
        spans=spans[kept],
        tokens=tuple(tokens[index] for index in kept),
        probabilities=probabilities[kept],
        provenance=stamp("tokens", VERSION, model, chosen, sequence, time.perf_counter() - began),
        candidate_tokens=texts,
        candidate_probabilities=chances,
    )


def _candidates(
    model: TokenModel, sequence: NucleotideSequence, tokens: list[int], count: int
) -> tuple[tuple[str, ...], NDArray[np.float32] | None]:
    """Texts row by row and probabilities (n, count) of the likeliest tokens; nothing when none are asked for."""
    if not count:
        return (), None
    if not isinstance(model, TokenCandidateModel):
        raise CapabilityMissing(f"{model.card.title} does not list candidates; ask for its token track without them, or choose GROVER.")
    texts, chances = model.token_candidates(sequence, tokens, count)
    return tuple(text for row in texts for text in row), chances
