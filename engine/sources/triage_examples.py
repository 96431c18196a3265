"""Examples of triage: two tables and eight single variants, one of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"


@dataclass(frozen=True)
class TriageExample:
    """Variants (a file of ``assets/examples``, or lines of ``text``) with their reference and gene models there.

    ``assembly``: the public assembly of the reference; empty for none.
    """

    title: str
    help: str
    place: str
    text: str = ""
    assembly: str = ""

    @property
    def variants(self) -> Path:
        """The VCF; only of a table."""
        return FOLDER / f"{self.place}-variants.vcf"

    @property
    def reference(self) -> Path:
        """FASTA."""
        return FOLDER / f"{self.place}.fa"

    @property
    def genes(self) -> Path:
        """GFF3."""
        return FOLDER / f"{self.place}.gff3"


TABLES = (
    TriageExample(
        "lacZ of E. coli",
        "Promoter and first 260 codons of lacZ, with the two promoter substitutions of lacUV5 and constructed ones: a lost start codon, six stop "
        "codons (*), six synonymous ones (=).",
        "lacz",
    ),
    TriageExample(
        "BRCA1, exons 16 to 19",
        "22 variants of public databases around four exons of BRCA1 (NM_007294.4 on GRCh38), named at c.: splice sites, stops, missense and "
        "common ones. The shipped model has seen no human DNA: read consequences, and splice sites by CI-SpliceAI (page Models).",
        "brca1",
        assembly="GRCh38",
    ),
)

SINGLES = (
    TriageExample("substitution", "E68* of lacZ: a codon becomes a stop.", "lacz", "lacZ:442 G>T"),
    TriageExample("insertion", "One base put into codon 60 of lacZ: the frame is lost.", "lacz", "lacZ:g.419_420insA"),
    TriageExample("deletion", "Three bases of lacZ go, the frame stays.", "lacz", "lacZ:g.424_426del"),
    TriageExample("several bases", "Two neighbours in lacZ are replaced at once.", "lacz", "lacZ:g.442_443delinsTC"),
    TriageExample("splice site", "BRCA1 c.5074+1G>T: the first base of an intron.", "brca1", "chr17:43067607 C>A", "GRCh38"),
    TriageExample("lost start", "The start codon of lacZ, ATG, becomes ACG.", "lacz", "lacZ:242 T>C"),
    TriageExample("reverse strand", "BRCA1 p.Arg1699Trp: the gene lies on the reverse strand.", "brca1", "chr17:43063931 G>A", "GRCh38"),
    TriageExample("wrong reference", "The list says C where lacZ has another base: it is said, not scored.", "lacz", "lacZ:443 C>T"),
)
