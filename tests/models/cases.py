"""Which checkpoints the tests of promises run on: a tiny one of every family, the shipped models, and golden ones where they are there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.service.shelf import ASSETS
from tests.models.third_party import HERE as THIRD_PARTY
from tests.models.third_party import installed

LETTERS = "ACGTTGCAAGGTCATCCAGATTACATGGCA"


@dataclass(frozen=True)
class Case:
    """A model id, the folder of its checkpoint, its species, and where it comes from: the set ``tiny`` or
    ``golden``, ``shipped``, or an installed ``package``."""

    model_id: str
    folder: str = ""
    species: str = ""
    source: str = "tiny"

    def __str__(self) -> str:
        """What a test calls it."""
        own = "own" if self.model_id == "checkpoint" else ""
        return "-".join(part for part in (self.source, own, self.folder or self.model_id) if part and part != "tiny")

    def place(self, request: pytest.FixtureRequest) -> Path:
        """The checkpoint's folder; skips where the set is not there."""
        if self.source == "package":
            return THIRD_PARTY
        if self.source == "shipped":
            return ASSETS / str(entry(self.model_id).shipped)
        root: Path = request.getfixturevalue(self.source)
        folder = root / self.folder / "checkpoint"
        if not folder.is_dir():
            pytest.skip(f"{root.name} has no {self.folder}")
        return folder

    def load(self, request: pytest.FixtureRequest, dtype: str = "auto", device: str = "cpu") -> Any:
        """The loaded model."""
        options = LoadOptions(species=self.species, dtype=dtype, device=device)
        with installed() if self.source == "package" else contextlib.nullcontext():
            return entry(self.model_id).load(self.place(request), options)


TINY_BASE_MODELS = [
    Case("specieslm-fungi-k1", "dependency_k1"),
    Case("specieslm-fungi-k6", "dependency_k6", "homo_sapiens"),
    Case("specieslm-metazoa-k6", "specieslm_metazoa_k6"),
    Case("nt-v1", "nt_v1"),
    Case("nt-v2", "nt_v2"),
    Case("gpn", "gpn"),
    Case("grover", "grover"),
    Case("megadna", "megadna"),
    Case("rinalmo", "rinalmo"),
    Case("rinalmo", "rinalmo_multimolecule"),
    Case("splicebert", "splicebert"),
    Case("rnaernie2", "rnaernie2"),
    Case("agro-nt", "agro_nt"),
    Case("marindna", "marindna"),
    Case("carbon", "carbon"),
    Case("checkpoint", "splicebert"),
    Case("checkpoint", "nt_v1"),
    Case("checkpoint", "marindna"),
]
TINY_ELEMENT_MODELS = [
    Case("segmentnt", "segment_nt"),
    Case("segmentnt-multi-species", "segment_nt"),
    Case("segment-enformer", "segment_enformer"),
    Case("segment-borzoi", "segment_borzoi"),
    Case("cispliceai", "cispliceai"),
]
BASE_MODELS = [
    *TINY_BASE_MODELS,
    Case("locuscope", species="bacteria", source="shipped"),
    Case("locuscope-local", species="bacteria", source="shipped"),
    Case("example-neighbours", source="package"),
]
ELEMENT_MODELS = [*TINY_ELEMENT_MODELS, Case("locuscope-segmenter", source="shipped")]


def golden(cases: list[Case]) -> list[Case]:
    """The same cases on the golden set beside the project."""
    return [Case(case.model_id, case.folder, case.species, "golden") for case in cases]


def window_of(model: Any, seed: int = 0) -> str:
    """Random letters of a length that an element model takes."""
    rule = model.window_rule
    length = rule.fixed_bp or 2 * max(rule.multiple_bp, 60)
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))
