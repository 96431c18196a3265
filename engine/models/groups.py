"""Groups of organisms for which models were made, and which of them a sequence belongs to."""

from __future__ import annotations

from engine.core.sequence import Alphabet, NucleotideSequence

RNA = "RNA"
FUNGI, ANIMALS, PHAGES, CRUCIFERS = "fungi", "animals", "phages", "crucifers"
GROUPS: dict[str, tuple[str, ...]] = {
    FUNGI: ("Saccharomyces", "Schizosaccharomyces", "Candida", "Aspergillus", "Neurospora", "Cryptococcus"),
    ANIMALS: ("Homo", "Mus", "Rattus", "Drosophila", "Caenorhabditis", "Danio", "Gallus", "Xenopus"),
    PHAGES: ("Bacteriophage", "Escherichia phage", "Enterobacteria phage"),
    CRUCIFERS: ("Arabidopsis", "Brassica"),
}
"""Beginnings of the names of organisms, by group."""


def group_of(sequence: NucleotideSequence, organism: str) -> str:
    """The group of a sequence from ``organism`` (species and strain, empty where it is not known); RNA is a group of its own, of all organisms."""
    if sequence.alphabet is Alphabet.RNA:
        return RNA
    return next((group for group, names in GROUPS.items() if organism.startswith(names)), "")
