"""The stretch before a gene: both strands, at its absolute place, and every way it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.commands.app import main
from engine.core.errors import LocusError
from engine.core.settings import Settings
from engine.sources.genomes import GenomeSet
from engine.sources.upstream import species_of, start_codon_note, upstream_locus

LETTERS = "C" * 50 + "ATGAAATAA" + "G" * 50 + "TTATTTCAT" + "T" * 40
GENES = """##gff-version 3
c\tx\tgene\t51\t59\t.\t+\t.\tID=g1;Name=fwd
c\tx\tmRNA\t51\t59\t.\t+\t.\tID=t1;Parent=g1
c\tx\tCDS\t51\t59\t.\t+\t0\tID=c1;Parent=t1
c\tx\tgene\t110\t118\t.\t-\t.\tID=g2;Name=rev
c\tx\tmRNA\t110\t118\t.\t-\t.\tID=t2;Parent=g2
c\tx\tCDS\t110\t118\t.\t-\t0\tID=c2;Parent=t2
c\tx\tmRNA\t110\t115\t.\t-\t.\tID=t3;Parent=g3
c\tx\tgene\t110\t118\t.\t-\t.\tID=g3;Name=two
c\tx\tCDS\t110\t115\t.\t-\t0\tID=c3;Parent=t3
c\tx\tmRNA\t110\t118\t.\t-\t.\tID=t4;Parent=g3
c\tx\tCDS\t110\t118\t.\t-\t0\tID=c4;Parent=t4
c\tx\tgene\t51\t59\t.\t+\t.\tID=g5;Name=cut
c\tx\tmRNA\t51\t59\t.\t+\t.\tID=t5;Parent=g5
c\tx\tCDS\t51\t59\t.\t+\t1\tID=c5;Parent=t5
c\tx\tgene\t110\t118\t.\t-\t.\tID=g6;Name=open
c\tx\tmRNA\t110\t118\t.\t-\t.\tID=t6;Parent=g6
c\tx\tCDS\t110\t118\t.\t-\t0\tID=c6;Parent=t6;partial=true;end_range=118,.
"""


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenomeSet:
    (tmp_path / "g.fa").write_text(f">c\n{LETTERS}\n")
    (tmp_path / "g.gff3").write_text(GENES)
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"toy={tmp_path / 'g.fa'};{tmp_path / 'g.gff3'}")
    return GenomeSet(Settings.from_environment())


@pytest.mark.parametrize(("gene", "letters"), [("fwd", "C" * 20 + "ATG"), ("toy:rev", "A" * 20 + "ATG"), ("t4", "A" * 20 + "ATG")])
def test_the_window_ends_with_the_start_codon_on_the_genes_strand(gene: str, letters: str, registered: GenomeSet) -> None:
    assert registered.fetch(upstream_locus(registered, gene, 20)).letters == letters


@pytest.mark.parametrize(
    ("gene", "told"),
    [
        ("none", "No registered annotation has a coding gene 'none'"),
        ("two", "start at 2 codons; name one of them: t4, t3"),
        ("cut", "'cut' is annotated as incomplete at its start"),
        ("open", "'open' is annotated as incomplete at its start"),
    ],
)
def test_a_gene_that_gives_no_window_is_one_sentence(gene: str, told: str, registered: GenomeSet) -> None:
    with pytest.raises(LocusError, match=told):
        upstream_locus(registered, gene, 20)


def test_another_start_codon_than_atg_is_said() -> None:
    assert start_codon_note("g", "CCCATG") == ""
    assert start_codon_note("g", "CCCTTC") == "The annotated start codon of g is TTC, not ATG; check that the annotation has its beginning."


def test_a_window_beyond_the_contig_is_refused(registered: GenomeSet) -> None:
    with pytest.raises(LocusError, match="Before 'fwd' the contig c has 50 bases; 1,000 are needed"):
        upstream_locus(registered, "fwd", 1000)
    with pytest.raises(LocusError, match="Before 'rev' the contig c has 40 bases"):
        upstream_locus(registered, "rev", 41)


def test_the_species_follows_from_a_public_assembly() -> None:
    assert species_of("GRCh38", ("homo_sapiens", "mus_musculus")) == "homo_sapiens"
    assert species_of("GRCh38", ("candida_glabrata",)) == ""
    assert species_of("mine", ("homo_sapiens",)) == ""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--upstream-of", "fwd"], "Locuscope was not trained on stretches before genes"),
        (["--upstream-of", "fwd", "--sequence", "ACGT", "--model", "specieslm-fungi-k1"], "Give exactly one of --sequence LETTERS"),
        (["--upstream-of", "fwd", "--model", "specieslm-fungi-k1"], "has 50 bases; 1,000 are needed"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    given: list[str], told: str, registered: GenomeSet, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["probabilities", *given, "--out", str(tmp_path / "x.npz")]) == 2
    assert told in capsys.readouterr().err
