"""Words for what a variant does to a transcript: Sequence Ontology terms with their rank and impact class, as Ensembl's VEP orders them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Impact = Literal["HIGH", "MODERATE", "LOW", "MODIFIER"]

IMPACTS: dict[str, Impact] = {
    "transcript_ablation": "HIGH",
    "splice_acceptor_variant": "HIGH",
    "splice_donor_variant": "HIGH",
    "stop_gained": "HIGH",
    "frameshift_variant": "HIGH",
    "stop_lost": "HIGH",
    "start_lost": "HIGH",
    "inframe_insertion": "MODERATE",
    "inframe_deletion": "MODERATE",
    "missense_variant": "MODERATE",
    "splice_region_variant": "LOW",
    "incomplete_terminal_codon_variant": "LOW",
    "start_retained_variant": "LOW",
    "stop_retained_variant": "LOW",
    "synonymous_variant": "LOW",
    "coding_sequence_variant": "MODIFIER",
    "5_prime_UTR_variant": "MODIFIER",
    "3_prime_UTR_variant": "MODIFIER",
    "non_coding_transcript_exon_variant": "MODIFIER",
    "intron_variant": "MODIFIER",
    "upstream_gene_variant": "MODIFIER",
    "downstream_gene_variant": "MODIFIER",
    "intergenic_variant": "MODIFIER",
}
"""Impact class of each term, from the most to the least severe term."""

IMPACT_ORDER = ("HIGH", "MODERATE", "LOW", "MODIFIER", "")
"""Impact classes, the most severe first; the last stands for no consequence."""

SEVERITY = tuple(IMPACTS)
RANKS = {term: rank for rank, term in enumerate(SEVERITY)}
"""0 = the most severe."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an allele does to one transcript.

    Parameters
    ----------
    terms : tuple of str
        Sequence Ontology terms, most severe first, at least one.
    gene, transcript : str
        As the annotation names them; empty for ``intergenic_variant``.
    hgvs_c, hgvs_p : str
        The change in HGVS nomenclature on the transcript (``c.`` or ``n.``) and in its protein (``p.``, predicted, so in parentheses);
        empty outside the transcript, and where the protein is not touched.
    genetic_code : int
        NCBI number of the table that the transcript was read by; 0 without a protein.
    note : str
        One sentence where something could not be read, or was decided by what is usual.
    """

    terms: tuple[str, ...]
    gene: str = ""
    transcript: str = ""
    hgvs_c: str = ""
    hgvs_p: str = ""
    genetic_code: int = 0
    note: str = ""

    @property
    def term(self) -> str:
        """The most severe term."""
        return self.terms[0]

    @property
    def impact(self) -> Impact:
        """Impact class of the most severe term."""
        return IMPACTS[self.terms[0]]

    @property
    def rank(self) -> int:
        """Place of the most severe term in `SEVERITY`."""
        return RANKS[self.terms[0]]


def in_order(terms: set[str]) -> tuple[str, ...]:
    """Terms, most severe first."""
    return tuple(sorted(terms, key=RANKS.__getitem__))
