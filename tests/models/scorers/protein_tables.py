"""Small AlphaMissense tables in the published layouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from Bio import bgzf

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
HEADER = "# Copyright 2023 DeepMind Technologies Limited\n#\n# Licensed CC BY\nuniprot_id\tprotein_variant\tam_pathogenicity\tam_class\n"
PROTEINS: Mapping[str, str] = {"A0A024R1R8": "MSS", "P13569": "MQRSPL", "Q8NH21": "MV"}
GENOME = """#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class
chr7\t117480097\tA\tG\thg38\tP13569\tENST00000003084.11\tQ2R\t0.3000\tlikely_benign
chr7\t117480097\tA\tG\thg38\tP13569\tENST00000699602.1\tQ2R\t0.2000\tlikely_benign
chr7\t117480101\tG\tC\thg38\tP13569\tENST00000003084.11\tR3S\t0.9000\tlikely_pathogenic
"""


def score(residue: int, alternate: str) -> float:
    """A made-up score that says where it stands: the position in hundredths, the amino acid in ten-thousandths."""
    return round(min(1.0, residue / 10 + AMINO_ACIDS.index(alternate) / 1000), 4)


def label(value: float) -> str:
    """The class as the table of proteins spells it; that of GRCh38 writes ``likely_benign`` and ``likely_pathogenic``."""
    return "benign" if value < 0.34 else "pathogenic" if value > 0.564 else "ambiguous"


def rows(proteins: Mapping[str, str] = PROTEINS) -> str:
    """Every substitution, grouped by protein."""
    return "".join(
        f"{name}\t{letter}{place}{other}\t{score(place, other)}\t{label(score(place, other))}\n"
        for name, letters in proteins.items()
        for place, letter in enumerate(letters, start=1)
        for other in AMINO_ACIDS
        if other != letter
    )


def packed(path: Path, text: str) -> Path:
    """Write block-compressed text."""
    with bgzf.BgzfWriter(str(path)) as handle:
        handle.write(text)
    return path


def both(folder: Path) -> Path:
    """Both tables under their published names."""
    folder.mkdir(parents=True, exist_ok=True)
    packed(folder / "AlphaMissense_aa_substitutions.tsv.gz", HEADER + rows())
    packed(folder / "AlphaMissense_hg38.tsv.gz", GENOME)
    return folder
