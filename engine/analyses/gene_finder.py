"""Open reading frames that are likely genes, and the ribosome binding sites before them, by pyrodigal's metagenomic models (Larralde 2022)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FoundGene:
    """Bases ``[start, end)`` from the start to the stop codon; ``confidence`` 0 to 1; ``start_codon`` is ``Edge`` for one that begins outside.

    ``motif``, ``spacer``: letters of the ribosome binding site and its distance from the start codon, empty without one. ``partial``: goes on beyond
    an end of the letters.
    """

    start: int
    end: int
    forward: bool
    confidence: float
    start_codon: str
    motif: str
    spacer: str
    partial: bool


def find_genes(letters: str) -> tuple[FoundGene, ...]:
    """Likely genes of DNA letters on both strands, from left to right; none in what is too short for one."""
    import pyrodigal

    return tuple(
        FoundGene(
            gene.begin - 1,
            gene.end,
            gene.strand > 0,
            gene.confidence() / 100,
            gene.start_type,
            gene.rbs_motif or "",
            gene.rbs_spacer or "",
            gene.partial_begin or gene.partial_end,
        )
        for gene in pyrodigal.GeneFinder(meta=True).find_genes(letters.encode("ascii"))
    )
