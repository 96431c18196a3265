"""ViennaRNA (an optional package) and the stem counter, as models that fold an RNA.

Source: Lorenz et al., Algorithms for Molecular Biology 2011 (ViennaRNA 2), Turner 2004 energies; ``engine.core.stems`` for the counter.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, ResourceExhausted
from engine.core.protocols import Folded
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.core.stems import STEM_COUNT_GROWTH, pair_weights, run_sums, stem_threshold, strongest_stems
from engine.models.entry import ModelEntry

WORKER = Path(__file__).with_name("worker.py")
LONGEST_SECONDS = 600.0
LOOK_SECONDS = 0.1


class ViennaRNA:
    """Implements `engine.core.protocols.FoldingModel` by the package ViennaRNA, in a process of its own."""

    device, dtype = "cpu", "float64"

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def fold(self, letters: str, temperature: float | None, look: Callable[[], None]) -> Folded:
        """Minimum free energy structure and pair probabilities; ``look`` is called ten times a second and may raise to stop.

        Raises `ResourceExhausted` after ten minutes, `CapabilityMissing` when the package fails.
        """
        question = json.dumps({"letters": letters, "temperature": self.card.folds_at if temperature is None else temperature})
        answer = self._answered(question, look)
        values = np.zeros((len(letters), len(letters)), dtype=np.float32)
        for i, j, probability in answer["pairs"]:
            values[i - 1, j - 1] = values[j - 1, i - 1] = probability
        pairs = pairs_of_dot_bracket(answer["structure"])
        return Folded(values, pairs, values[pairs[:, 0], pairs[:, 1]], float(answer["energy"]))

    def _answered(self, question: str, look: Callable[[], None]) -> dict[str, Any]:
        began = time.monotonic()
        command = [sys.executable, "-I", str(WORKER)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own file, in this interpreter
            try:
                given: str | None = question
                while True:
                    try:
                        answer, complaint = process.communicate(given, timeout=LOOK_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        given = None
                    look()
                    if time.monotonic() - began > LONGEST_SECONDS:
                        raise ResourceExhausted(
                            f"{self.card.title} did not fold this RNA in {LONGEST_SECONDS:.0f} s; choose a window of it."
                        )
            finally:
                process.kill()
        if process.returncode:
            last = (complaint.strip().splitlines() or ["no reason given"])[-1]
            raise CapabilityMissing(
                f"{self.card.title} did not fold this RNA: {last[:80]}; install the package as requirements.txt pins it."
            )
        found: dict[str, Any] = json.loads(answer)
        return found


class StemCounter:
    """Implements `engine.core.protocols.FoldingModel` by counting the pairs of stems (`engine.core.stems`)."""

    device, dtype = "cpu", "float32"

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def fold(self, letters: str, temperature: float | None, look: Callable[[], None]) -> Folded:
        """The stems of the highest counts; it knows no temperature and no energy."""
        weights = pair_weights(letters.replace("U", "T"))
        look()
        pairs, scores = strongest_stems(weights, weights > 0, stem_threshold(STEM_COUNT_GROWTH, len(weights)))
        return Folded(run_sums(weights, weights > 0), pairs, scores)


def _vienna_revision() -> str:
    try:
        return importlib.metadata.version("ViennaRNA")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _vienna_missing(settings: Settings) -> str:
    if importlib.util.find_spec("RNA") is not None:
        return ""
    return "ViennaRNA is not installed here; add it by 'pip install ViennaRNA==2.7.2' (its licence forbids redistribution for a fee)."


VIENNA = ModelCard(
    id="viennarna",
    title="ViennaRNA",
    alphabet=Alphabet.RNA,
    max_length=3000,
    capabilities=frozenset({Capability.FOLDING}),
    revision=_vienna_revision(),
    weights_sha256="",
    licence="free for all but redistribution for a fee (ViennaRNA licence)",
    source="https://www.tbi.univie.ac.at/RNA (package ViennaRNA)",
    description="Minimum free energy structure and pair probabilities by measured energies of stacks and loops; the baseline of RNA contacts.",
    organisms="None: Turner 2004 energies, measured in vitro.",
    limitations="No pseudoknots; no ligands, proteins or modified bases; energies of one temperature, 37 °C unless another is named.",
    citation="Lorenz et al., Algorithms for Molecular Biology 6:26 (2011)",
    masked=False,
    folds_at=37.0,
)
COUNTER = ModelCard(
    id="stem-counter",
    title="Stem counter",
    alphabet=Alphabet.RNA,
    max_length=3000,
    capabilities=frozenset({Capability.FOLDING}),
    revision="1",
    weights_sha256="",
    licence="Apache-2.0",
    source="engine/core/stems.py",
    description="The weakest baseline of RNA contacts: counts the pairs of each possible stem, G-C 3, A-U 2, G-U 0.8.",
    organisms="None: it knows which letters pair.",
    limitations="Knows nothing of loops, energies or evolution.",
    masked=False,
)
ENTRIES: dict[str, ModelEntry] = {
    "viennarna": ModelEntry(VIENNA, lambda directory, options: ViennaRNA(VIENNA), available=_vienna_missing),
    "stem-counter": ModelEntry(COUNTER, lambda directory, options: StemCounter(COUNTER)),
}
"""Registry rows."""
