"""Names first, imports later: which module holds which model."""

from __future__ import annotations

import difflib
import importlib

from engine.core.errors import UnknownModel
from engine.models.entry import ModelEntry

_MODULES: dict[str, str] = {
    "locuscope": "engine.models.locuscope.adapter",
    "locuscope-segmenter": "engine.models.locuscope.adapter",
    "specieslm-fungi-k1": "engine.models.specieslm.adapter",
    "specieslm-fungi-k6": "engine.models.specieslm.adapter",
    "specieslm-metazoa-k6": "engine.models.specieslm.adapter",
    "gpn": "engine.models.gpn.adapter",
    "grover": "engine.models.grover.adapter",
    "megadna": "engine.models.megadna.adapter",
    "nt-v1": "engine.models.nucleotide_transformer.adapter",
    "nt-v2": "engine.models.nucleotide_transformer.adapter",
    "segmentnt": "engine.models.segmenters.segment_nt",
    "segmentnt-multi-species": "engine.models.segmenters.segment_nt",
    "segment-enformer": "engine.models.segmenters.segment_enformer",
    "segment-borzoi": "engine.models.segmenters.segment_borzoi",
    "rinalmo": "engine.models.rinalmo.adapter",
    "viennarna": "engine.models.folding.adapter",
    "stem-counter": "engine.models.folding.adapter",
    "alphamissense": "engine.models.scorers.alphamissense",
    "alphagenome": "engine.models.scorers.alphagenome",
}
"""Model id → module with a dict ``ENTRIES: dict[str, ModelEntry]``; importing the module imports neither torch nor transformers."""


def model_ids() -> tuple[str, ...]:
    """Every model id, in the order of the table."""
    return tuple(_MODULES)


def entry(model_id: str) -> ModelEntry:
    """The registry row of ``model_id``. Raises `UnknownModel` with the nearest names."""
    module = _MODULES.get(model_id)
    if module is None:
        near = difflib.get_close_matches(model_id, _MODULES, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownModel(f"There is no model {model_id!r}; {hint}Available: {', '.join(_MODULES)}.")
    entries: dict[str, ModelEntry] = importlib.import_module(module).ENTRIES
    return entries[model_id]
