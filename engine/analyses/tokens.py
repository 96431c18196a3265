"""Tokens of a byte-pair or k-mer model as a track: where each token lies and how probable it is given the others."""

from __future__ import annotations

import time

from engine.analyses._provenance import stamp
from engine.core.errors import CapabilityMissing
from engine.core.parameters import Parameters
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import Model, TokenModel
from engine.core.results import TokenTrack
from engine.core.sequence import NucleotideSequence

VERSION = "1"


def token_track(
    model: Model, sequence: NucleotideSequence, parameters: Parameters | None = None, monitor: Monitor | None = None
) -> TokenTrack:
    """Spans int64 (T, 2), token strings and probabilities float32 (T,), each token masked in turn.

    Raises
    ------
    CapabilityMissing
        The model's tokens are single bases.
    """
    if not isinstance(model, TokenModel):
        raise CapabilityMissing(f"{model.card.title} has no token track; choose a byte-pair or k-mer model.")
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    watcher.start(1, "token tracks")
    spans, tokens, probabilities = model.token_spans(sequence)
    watcher.advance(1)
    provenance = stamp("tokens", VERSION, model, parameters or Parameters(), sequence, time.perf_counter() - began)
    return TokenTrack(sequence=sequence, spans=spans, tokens=tokens, probabilities=probabilities, provenance=provenance)
