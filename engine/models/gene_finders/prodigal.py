"""Genes of bacteria, archaea and viruses by Prodigal's metagenomic models, through the packages pyrodigal and pyrodigal-gv.

Sources: Hyatt et al., BMC Bioinformatics 2010 (Prodigal); Larralde, JOSS 2022 (pyrodigal); Camargo et al., Nature Biotechnology 2024
(prodigal-gv: models of giant viruses and of phages with other genetic codes).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.card import Capability, ModelCard, Offer, WindowRule
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.models.entry import ModelEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELEMENTS = (
    "CDS_forward", "CDS_reverse", "start_codon_forward", "start_codon_reverse", "stop_codon_forward", "stop_codon_reverse",
    "RBS_region_forward", "RBS_region_reverse",
)  # fmt: skip
RBS_BP = 20
"""Bases before the start codon that are called its region where a ribosome binding site was found, as in the shipped segmenter."""
RULE = WindowRule(context_bp=3_000)
LONGEST_BP = 1_000_000


class Prodigal:
    """Implements `engine.core.protocols.ElementModel`: the confidence (0 to 1) of the gene that a base is in."""

    elements, window_rule, device, dtype = ELEMENTS, RULE, "cpu", "float64"

    def __init__(self, card: ModelCard, module: str, finder: str) -> None:
        self.card = card
        self._finder: Any = getattr(importlib.import_module(module), finder)

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (L, 8) in the order of `ELEMENTS`."""
        values = np.zeros((len(letters), len(ELEMENTS)), dtype=np.float32)
        for gene in self._finder(meta=True).find_genes(letters.encode("ascii")):
            side, start, end = int(gene.strand < 0), gene.begin - 1, gene.end
            sure = gene.confidence() / 100
            first_open, last_open = (gene.partial_begin, gene.partial_end) if gene.strand > 0 else (gene.partial_end, gene.partial_begin)
            _mark(values, start, end, 0 + side, sure)
            left, right = (start, start + 3), (end - 3, end)
            start_codon, stop_codon = (left, right) if gene.strand > 0 else (right, left)
            if not first_open:
                _mark(values, *start_codon, 2 + side, sure)
            if not last_open:
                _mark(values, *stop_codon, 4 + side, sure)
            if gene.rbs_motif and not first_open:
                _mark(values, *((start - RBS_BP, start) if gene.strand > 0 else (end, end + RBS_BP)), 6 + side, sure)
        return values


def _mark(values: NDArray[np.float32], start: int, end: int, column: int, sure: float) -> None:
    part = values[max(0, start) : max(0, end), column]
    np.maximum(part, np.float32(sure), out=part)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _card(model_id: str, title: str, package: str, description: str, organisms: str, citation: str) -> ModelCard:
    return ModelCard(
        id=model_id,
        title=title,
        alphabet=Alphabet.DNA,
        max_length=LONGEST_BP,
        capabilities=frozenset({Capability.SEGMENTATION}),
        revision=_version(package),
        weights_sha256="",
        licence="GPL-3.0-or-later",
        source=f"https://pypi.org/project/{package}",
        min_length=20,
        description=description,
        organisms=organisms,
        limitations="Coding sequences without introns and their ribosome binding sites, nothing else; short genes are missed, and a confidence is no measured probability.",
        citation=citation,
        masked=False,
    )


def _entry(card: ModelCard, package: str, module: str, finder: str) -> ModelEntry:
    def missing(settings: Settings) -> str:
        if importlib.util.find_spec(module) is not None:
            return ""
        return f"{card.title} is not installed here; add it by 'pip install {package}' (GPL-3.0)."

    return ModelEntry(card, lambda directory, options: Prodigal(card, module, finder), available=missing, offer=Offer(windows=RULE))


PYRODIGAL = _card(
    "pyrodigal",
    "Prodigal",
    "pyrodigal",
    "Genes of bacteria and archaea by Prodigal's metagenomic models; the gene finder that segmentations are held against.",
    "50 training sets of bacteria and archaea; the best is taken for each sequence.",
    "Hyatt et al., BMC Bioinformatics 11:119 (2010)",
)
VIRUSES = _card(
    "pyrodigal-gv",
    "Prodigal for viruses",
    "pyrodigal-gv",
    "The same with models of giant viruses and of phages that read stop codons as amino acids.",
    "Prodigal's training sets, giant viruses and phages with other genetic codes.",
    "Camargo et al., Nature Biotechnology 42 (2024)",
)
ENTRIES: dict[str, ModelEntry] = {
    "pyrodigal": _entry(PYRODIGAL, "pyrodigal", "pyrodigal", "GeneFinder"),
    "pyrodigal-gv": _entry(VIRUSES, "pyrodigal-gv", "pyrodigal_gv", "ViralGeneFinder"),
}
"""Registry rows."""
