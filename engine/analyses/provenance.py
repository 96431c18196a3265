"""Where a result comes from, gathered at the end of every analysis."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from engine.analyses.batches import unusual_batches
from engine.core.processor import kind
from engine.core.protocols import ModelOfSpecies, RememberingModel
from engine.core.provenance import Provenance
from engine.core.version import VERSION

if TYPE_CHECKING:
    from engine.core.parameters import Parameters
    from engine.core.protocols import Model
    from engine.core.sequence import NucleotideSequence


@cache
def _versions() -> dict[str, str]:
    found = {"locuscope": VERSION, "python": platform.python_version()}
    for package in ("torch", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cores(device: str) -> int:
    """How many cores torch's products on ``device`` use from this thread; 0 for other devices than a CPU."""
    if device != "cpu":
        return 0
    import torch

    return torch.get_num_threads()


def stamp(
    analysis: str,
    version_text: str,
    model: Model,
    parameters: Parameters,
    sequence: NucleotideSequence,
    seconds: float,
    partial: bool = False,
    masked: bool = False,
) -> Provenance:
    """Provenance of a result of ``analysis`` that took ``seconds`` of wall time.

    ``partial``: it was stopped or is still running. ``masked``: numbers of it are of masked bases, of which a model's memory speaks.
    """
    return Provenance(
        analysis=analysis,
        version=version_text,
        card=model.card,
        parameters=parameters.as_dict(),
        sequence_sha256=sequence.sha256,
        sequence_length=len(sequence),
        locus=str(sequence.locus) if sequence.locus is not None else "",
        dtype=model.dtype,
        device=model.device,
        processor=kind(model.device),
        threads=cores(model.device),
        seconds=round(seconds, 6),
        software=dict(_versions()),
        species=model.species_of(sequence) if isinstance(model, ModelOfSpecies) else str(getattr(model, "species", "") or ""),
        partial=partial,
        memory=model.remembers(sequence) if masked and isinstance(model, RememberingModel) else "",
        batches=unusual_batches(),
    )
