"""A splice model whose answers can be read off the letters, for tests of what stands above the adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.card import Capability, ModelCard, WindowRule
from engine.core.errors import UnknownModel
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions, ModelEntry

CONTEXT = 4


def toy_card() -> ModelCard:
    return ModelCard(
        id="cispliceai",
        title="Toy sites",
        alphabet=Alphabet.DNA,
        max_length=1_000,
        capabilities=frozenset({Capability.SEGMENTATION, Capability.SPLICING}),
        revision="1",
        weights_sha256="0" * 64,
        licence="Apache-2.0",
        source="tests",
        masked=False,
    )


def sites(letters: str) -> np.ndarray:
    """Acceptor 0.75 behind AG, donor 0.5 before GT (0.25 before GA), float32 (L - 2 * CONTEXT, 2)."""
    found = np.zeros((len(letters), 2), dtype=np.float32)
    for place in range(len(letters)):
        found[place, 0] = 0.75 * (letters[max(0, place - 2) : place] == "AG")
        found[place, 1] = {"GT": 0.5, "GA": 0.25}.get(letters[place + 1 : place + 3], 0.0)
    return found[CONTEXT : len(letters) - CONTEXT]


@dataclass(frozen=True)
class ToyWindow:
    letters: str

    @property
    def probabilities(self) -> np.ndarray:
        return sites(self.letters)

    def changed(self, start: int, end: int, alternate: str, first: int, last: int) -> np.ndarray:
        letters = self.letters[:start] + alternate + self.letters[end:]
        return sites(letters)[first - CONTEXT : last - CONTEXT]


class ToySites:
    """`engine.core.protocols.SpliceModel` by `sites`; ``read`` collects the windows."""

    elements = ("splice_acceptor_forward", "splice_donor_forward", "splice_acceptor_reverse", "splice_donor_reverse")
    window_rule = WindowRule(fixed_bp=40, output_start=CONTEXT, output_end=40 - CONTEXT)
    device, dtype, context_bp = "cpu", "float32", CONTEXT

    def __init__(self) -> None:
        self.card = toy_card()
        self.read: list[str] = []

    def element_probabilities(self, letters: str) -> np.ndarray:
        reverse = NucleotideSequence(letters).reverse_complement().letters
        return np.hstack((sites(letters), sites(reverse)[::-1]))

    def splice_window(self, letters: str, first: int, last: int) -> ToyWindow:
        assert 0 <= first <= last <= len(letters)
        self.read.append(letters)
        return ToyWindow(letters)


@dataclass(frozen=True)
class ToyRegistry:
    """The toy under the id of the real one, with a folder that holds tables of genes."""

    folder: Path

    def model_ids(self) -> tuple[str, ...]:
        return ("cispliceai",)

    def entry(self, model_id: str) -> ModelEntry:
        if model_id != "cispliceai":
            raise UnknownModel(f"There is no model {model_id!r}; available: cispliceai.")

        def load(directory: Path, options: LoadOptions) -> ToySites:
            return ToySites()

        return ModelEntry(toy_card(), load, shipped=self.folder)
