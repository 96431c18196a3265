"""The commands of phages on small files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.loss import pieces
from engine.commands.app import main
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request

LETTERS = "ACGATGCAACGTAGCTAGGATACGTTGCATTTACGGCATTAGCATCAGGTAA"
GENBANK = f"""LOCUS       TOY                       52 bp    DNA     linear   PHG 01-JAN-2000
ACCESSION   TOY
VERSION     TOY.1
FEATURES             Location/Qualifiers
     source          1..52
                     /organism="a phage"
     CDS             4..15
                     /gene="first"
     CDS             complement(19..30)
                     /gene="second"
     CDS             <31..42
                     /gene="open"
     CDS             31..51
                     /gene="third"
ORIGIN
        1 {LETTERS.lower()}
//
"""


@pytest.fixture
def phage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    path = tmp_path / "toy.gb"
    path.write_text(GENBANK)
    return path


def weights(tiny: Path) -> list[str]:
    return ["--model", "megadna", "--weights", str(tiny / "megadna" / "checkpoint"), "--device", "cpu"]


def test_genes_of_a_genbank_file_are_ranked_and_held_against_labels(
    phage: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.tsv"
    labels.write_text("name\tneeded\nfirst\tyes\nsecond\tno\nthird\t0\n")
    out = tmp_path / "genes.tsv"
    given = ["--labels", str(labels), "--gene", "name", "--label", "needed", "--repeats", "2", "--out", str(out)]
    assert main(["essential", "--fasta", str(phage), *weights(tiny), *given]) == 0
    said = capsys.readouterr().err
    assert "19 forward passes" in said
    assert "AUROC by start" in said
    assert "1 coding sequences" in said
    with out.open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert {(row["gene"], row["start"], row["end"], row["strand"]) for row in rows} == {
        ("first", "4", "15", "+"),
        ("second", "19", "30", "-"),
        ("third", "31", "51", "+"),
    }
    assert [float(row["rank"]) for row in rows] == [1, 2, 3]
    assert {row["gene"]: float(row["essential"]) for row in rows} == {"first": 1, "second": 0, "third": 0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--sequence", LETTERS], "No genes are given"),
        (["--sequence", LETTERS, "--genes", "a=+:1-99"], "ends at 99"),
        (["--sequence", LETTERS, "--genes", "a" * 300], "cannot be read"),
        (["--sequence", LETTERS, "--genes", "a=+:1-12", "--out", "a" * 300 + ".tsv"], "cannot be written: File name too long"),
        (["--sequence", LETTERS, "--genes", "a=+:1-12", "--parts", "codon"], "allowed: all, start, coding, stop"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    given: list[str], said: str, phage: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["essential", *given, *weights(tiny)]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_many_genes_are_no_name_of_a_file(phage: Path, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "genes.tsv"
    genes = ";".join(f"a_gene_number_{number}=+:{3 * number + 1}-{3 * number + 9}" for number in range(12))
    assert len(genes) > 255
    assert main(["essential", "--sequence", LETTERS, *weights(tiny), "--genes", genes, "--parts", "start", "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 13


def test_the_losses_are_written(phage: Path, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "loss.npz"
    assert main(["loss", "--fasta", str(phage), *weights(tiny), "--small", "10", "--out", str(out)]) == 0
    with np.load(out) as found:
        assert found["loss"].shape == (len(LETTERS),)
        np.testing.assert_allclose(found["small_means"][:10], found["loss"][:10].mean(), atol=1e-6)


def test_the_shipped_masked_model_gives_a_pseudo_loss_and_generates_nothing(
    phage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "loss.npz"
    assert main(["loss", "--fasta", str(phage), "--out", str(out)]) == 0
    with np.load(out) as found:
        assert "pseudo_loss" in found.files
    assert main(["generate", "--fasta", str(phage), "--out", str(tmp_path / "x.fa")]) == 2
    assert "cannot compute generation" in capsys.readouterr().err


def test_generated_letters_are_a_fasta(tiny: Path, tmp_path: Path, phage: Path) -> None:
    out = tmp_path / "made.fa"
    assert main(["generate", "--sequence", "ACGTACGT", *weights(tiny), "--length", "30", "--temperature", "0", "--out", str(out)]) == 0
    head, *letters = out.read_text().splitlines()
    assert head.startswith(">generated_by_")
    assert len("".join(letters)) == 38


def test_the_cost_of_what_is_cut_into_windows_counts_what_they_read(tmp_path: Path) -> None:
    made = Engine(Settings(home=tmp_path / "home"))
    cost = made.estimate(Request("loss", NucleotideSequence("ACGT" * 2000), "locuscope"))
    longest = made.model("locuscope").card.max_length
    assert cost.passes == 50 * len(pieces(8000, longest, causal=False))
    assert cost.tokens == cost.passes * longest
