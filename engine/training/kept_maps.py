"""Dependency maps as the product computes them, kept on disk, so that recipes are compared without computing a map twice."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analyses.dependency import VERSION, DependencyParameters, dependency_map
from engine.core.parameters import Precision
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.training.letters import Codes, decode


class KeptMaps:
    """Maps of the language model in ``weights``; ``folder`` keeps those that are computed, so that a run that was stopped goes on."""

    def __init__(self, weights: Path, folder: Path, model_id: str = "locuscope") -> None:
        self.model: Any = entry(model_id).load(weights, LoadOptions())
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, codes: Codes, *, as_rna: bool = True, long: bool = False) -> NDArray[np.float32]:
        """Map (L, L) of an RNA, exact, or thresholded when ``long`` where the model offers it; without ``as_rna`` its letters are read as they are written with T."""
        letters = decode(codes)
        sequence = NucleotideSequence(letters.replace("T", "U"), Alphabet.RNA) if as_rna else NucleotideSequence(letters)
        precision: Precision = "sparse" if long and "sparse" in self.model.precisions else "exact"
        named = f"{VERSION} {self.model.card.weights_sha256} {precision} {sequence.alphabet} {sequence.letters}"
        path = self._folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.npy"
        if path.is_file():
            held: NDArray[np.float32] = np.load(path, allow_pickle=False)
            return held
        values = dependency_map(self.model, sequence, DependencyParameters(precision=precision)).values
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            np.save(file, values, allow_pickle=False)
        Path(file.name).replace(path)
        return values
