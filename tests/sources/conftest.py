"""Small references written for the tests."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.core.settings import Settings
from engine.sources.genomes import GenomeSet

CHR_I = "ACGTTGCAAC" * 30 + "GGGCCCAAAT"
CHR_II = "TTTTTCCCCC" * 5
GFF = """##gff-version 3
chrI\tSGD\tchromosome\t1\t310\t.\t.\t.\tID=chrI
chrI\tSGD\tgene\t11\t40\t.\t-\t.\tID=YAL001C;Name=YAL001C;gene=TFC3;Note=a%20gene
chrI\tSGD\tintron\t21\t25\t.\t-\t.\tParent=YAL001C_mRNA;Name=YAL001C_intron
chrII\tSGD\tgene\t1\t50\t.\t+\t.\tID=YBL001C;gene=ECM15
##FASTA
>chrI
ACGT
"""


def fasta_text() -> str:
    lines = []
    for name, letters in (("chrI", CHR_I), ("chrII", CHR_II)):
        lines.append(f">{name}")
        lines += [letters[at : at + 60] for at in range(0, len(letters), 60)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Yeast-like reference ``R64`` as plain gzip with GFF3, nothing else, offline."""
    fasta = tmp_path / "data" / "small.fa.gz"
    fasta.parent.mkdir()
    fasta.write_bytes(gzip.compress(fasta_text().encode(), mtime=0))
    (tmp_path / "data" / "small.gff3").write_text(GFF)
    return Settings(
        home=tmp_path / "home", genomes=f"sacCer3={fasta};{fasta.parent / 'small.gff3'}", offline=True, max_upload_bytes=100_000
    )


@pytest.fixture
def genomes(settings: Settings) -> GenomeSet:
    return GenomeSet(settings)
