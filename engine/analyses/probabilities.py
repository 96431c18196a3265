"""P(A, C, G, T) at every base: reconstruction from the unmasked input, or with each base masked in turn.

A causal model gives P(base | all bases before it). Rows are renormalised over the four bases, so a k-mer model's edge bases, which fewer
k-mers cover, sum to 1 as well.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import Scan
from engine.core.parameters import ProbabilityParameters
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel
from engine.core.results import BaseProbabilities
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"


def passes(sequence: NucleotideSequence, parameters: ProbabilityParameters | None = None) -> int:
    """Forward passes: one, or one for every base when each is masked."""
    return len(sequence) if parameters is not None and parameters.masked else 1


def base_probabilities(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: ProbabilityParameters | None = None,
    monitor: Monitor | None = None,
) -> BaseProbabilities:
    """Probabilities float32 (L, 4) in the order A, C, G, T.

    Raises
    ------
    SequenceError, CapabilityMissing
        The model cannot read the sequence, does not score bases, or has no mask token for ``masked``.
    Cancelled
        Through ``monitor.advance``.
    """
    import torch

    chosen = parameters or ProbabilityParameters()
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    scan = Scan.of(model, sequence)
    watcher.start(passes(sequence, chosen))
    logits = np.zeros((len(sequence), 4))

    def masked(start: int, end: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = scan.masked_scores(torch.arange(start, end, device=model.device)).double().cpu().numpy()
        return found

    def take(start: int, end: int, found: NDArray[np.float64]) -> None:
        logits[start:end] = found
        watcher.advance(end - start)

    with torch.inference_mode():
        if chosen.masked:
            batches(len(sequence), scan.batch_size, masked, take, device=model.device)
        else:
            logits[:] = scan.reference_logits(normalised=False).double().cpu().numpy()
            watcher.advance(1)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    values = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    provenance = stamp("probabilities", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return BaseProbabilities(sequence=sequence, values=values, provenance=provenance)
