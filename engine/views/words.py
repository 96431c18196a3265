"""What a figure says in one sentence, worked out by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.views.tables import entropy

if TYPE_CHECKING:
    from engine.views.evidence import LocusEvidence


def heading(evidence: LocusEvidence) -> str:
    """What is shown, and by which models."""
    sequence = evidence.sequence
    place = " · ".join(str(part) for part in (sequence.name, sequence.locus) if part) or f"{len(sequence):,} bases"
    models = dict.fromkeys(result.provenance.card.title for result in evidence.results.values())
    return f"{place} · {' and '.join(models)}" if models else place


def sentence(evidence: LocusEvidence) -> str:
    """What the map says about this locus and how sure the model is."""
    probabilities = evidence.results.get("probabilities")
    if probabilities is None:
        return ""
    bits = entropy(probabilities.values)
    return f"median {np.median(bits):.2f} of 2 bits"
