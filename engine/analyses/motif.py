"""The average distribution that a model predicts around many places of one kind (Benegas et al., PNAS 2023, for GPN)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import Scan, letter_codes
from engine.core.motif import AlignedPlaces, Motif, MotifParameters
from engine.core.progress import Monitor, SilentMonitor
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.card import ModelCard
    from engine.core.genome_place import GenomePlace
    from engine.core.protocols import NucleotideModel

VERSION = "1"


def masks(card: ModelCard, parameters: MotifParameters) -> bool:
    """Whether each base is masked in its own pass: not for a causal model, which does not see the base it predicts, nor one without a mask."""
    return card.masked and not card.causal and not parameters.unmasked


def passes_of(count: int, card: ModelCard, parameters: MotifParameters) -> int:
    """Forward passes for ``count`` places."""
    return count * (parameters.width if masks(card, parameters) else 1)


def motif(
    model: NucleotideModel,
    aligned: AlignedPlaces,
    read: Iterable[tuple[GenomePlace, NucleotideSequence, int]],
    parameters: MotifParameters,
    monitor: Monitor | None = None,
) -> Motif:
    """What ``model`` predicts at each of the aligned places.

    ``read``: for each place its letters with their context, on its strand, and the index in them of the logo's first base.

    Raises
    ------
    CapabilityMissing
        The model does not score bases.
    SequenceError
        It cannot read the letters.
    Cancelled
        Through ``monitor.advance``.
    """
    watcher = monitor or SilentMonitor()
    began, count, width = time.perf_counter(), len(aligned.places), parameters.width
    masked = masks(model.card, parameters)
    watcher.start(passes_of(count, model.card, parameters))
    each = np.zeros((count, width, 4), dtype=np.float32)
    letters = np.zeros((count, width), dtype=np.int8)
    digest, bases = hashlib.sha256(), 0
    for number, (place, sequence, first) in enumerate(read):
        each[number] = _predicted(Scan.of(model, sequence), first, width, masked, watcher)
        letters[number] = letter_codes(sequence.as_dna()[first : first + width])
        digest.update(f"{place.locus}\n{sequence.as_dna()}\n".encode())
        bases += len(sequence)
    provenance = stamp("motif", VERSION, model, parameters, NucleotideSequence("N"), time.perf_counter() - began, masked=masked)
    provenance = replace(provenance, sequence_sha256=digest.hexdigest(), sequence_length=bases)
    return Motif(aligned, each, letters, parameters, provenance)


def _predicted(scan: Scan, first: int, width: int, masked: bool, watcher: Monitor) -> NDArray[np.float32]:
    """P of the four bases at ``width`` positions, float32 (width, 4)."""
    import torch

    logits = np.zeros((width, 4))

    def scores(start: int, end: int) -> Any:
        return scan.masked_scores(torch.arange(first + start, first + end, device=scan.model.device)).double().cpu().numpy()

    def take(start: int, end: int, found: Any) -> None:
        logits[start:end] = found
        watcher.advance(end - start)

    with torch.inference_mode():
        if masked:
            batches(width, scan.batch_size, scores, take, device=scan.model.device)
        else:
            logits[:] = scan.reference_logits(normalised=False)[first : first + width].double().cpu().numpy()
            watcher.advance(1)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)
