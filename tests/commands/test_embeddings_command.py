"""The command ``embeddings`` on a small genome: every file, the agreement table, the regression, one sentence for what cannot be done."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from engine.commands.app import main
from engine.exports.figure import read_back

CODING = "ATGAAAGCGTTAGCGCTGGAAGGCCTGAAAGATCTGGAACGTTAA"


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    generator = np.random.default_rng(4)
    letters, lines = "", ["##gff-version 3"]
    for number in range(12):
        gap = "".join(generator.choice(list("AATTTACG"), 60))
        start = len(letters) + len(gap)
        letters += gap + (CODING.translate(str.maketrans("ACGT", "TGCA"))[::-1] if number % 2 else CODING)
        lines.append(f"c\tx\tCDS\t{start + 1}\t{start + len(CODING)}\t.\t{'+-'[number % 2]}\t0\tID=cds{number};gene=g{number}")
    (tmp_path / "g.fa").write_text(f">c\n{letters}\n")
    (tmp_path / "g.gff3").write_text("\n".join(lines) + "\n")
    return ["embeddings", "--fasta", str(tmp_path / "g.fa"), "--gff", str(tmp_path / "g.gff3"), "--neighbours", "5", "--device", "cpu"]


def test_every_file_of_one_run_holds_places_states_map_and_provenance(
    genome: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("x.npz", "x.h5ad", "x.html", "x.tsv")
    table = tmp_path / "logos.tsv"
    assert main([*genome, *(text for name in names for text in ("--out", str(tmp_path / name))), "--logos", str(table)]) == 0
    printed = capsys.readouterr()
    assert "24 places, 1,260 bases" in printed.err
    assert {line for line in printed.err.splitlines() if line.startswith("wrote")} == {
        f"wrote {path}" for path in (*map(tmp_path.joinpath, names), table)
    }
    assert printed.out.splitlines()[0].startswith("features\tclusters by\tclusters\tARI")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        assert archive["vectors"].shape[0] == archive["pca"].shape[0] == 24
        assert sorted(archive["class"].tolist()) == ["CDS"] * 12 + ["intergenic"] * 12
        told = json.loads(str(archive["provenance"]))
        vectors = archive["vectors"]
        # one coding sequence on both strands has one state
        coding = np.flatnonzero(archive["class"] == "CDS")
        np.testing.assert_allclose(vectors[coding], vectors[coding[:1]].repeat(12, axis=0), atol=1e-4)
        clusters = archive["clusters"]
    assert (told["analysis"], told["card"]["id"]) == ("embeddings", "locuscope")
    assert told["projection"]["agreement"][0]["features"] == "hidden states"
    assert len(told["places_sha256"]) == 64
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import anndata

        data = anndata.read_h5ad(tmp_path / "x.h5ad")
    np.testing.assert_allclose(np.asarray(data.X), vectors, atol=1e-5)
    assert data.obs["class"].tolist().count("CDS") == 12
    assert data.obsm["X_pca"].shape[0] == 24
    assert read_back((tmp_path / "x.html").read_text(encoding="utf-8"))["analysis"] == "embeddings"
    written = [line.split("\t") for line in (tmp_path / "x.tsv").read_text().splitlines()[3:]]
    np.testing.assert_array_equal(clusters, [int(row[7]) for row in written])
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    assert rows[0] == ["cluster", "places", "in_logo", "position", "A", "C", "G", "T", "bits"]
    assert [row[3] for row in rows[1:41]] == [str(number) for number in range(1, 41)]


def test_windows_are_places_of_one_length(genome: list[str], tmp_path: Path) -> None:
    assert main([*genome, "--windows", "50", "--out", str(tmp_path / "x.tsv")]) == 0
    head = [line.split("\t") for line in (tmp_path / "x.tsv").read_text().splitlines()[2:4]]
    drawn = ["umap_1", "umap_2", "pca_1", "pca_2"] if importlib.util.find_spec("umap") else ["pca_1", "pca_2"]
    assert head[0][: 9 + len(drawn)] == ["contig", "start", "end", "strand", "name", "class", "gc", "cluster", *drawn, "state_1"]
    assert head[1][:4] == ["c", "1", "50", "+"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--features", "exon"], "The annotation has no exon; it has CDS, intergenic"),
        (["--windows", "1000"], "There is 1 such place; at least 5"),
        (["--model", "alphamissense"], "is used under these terms"),
        (["--out", "x.vcf"], "names no format for this answer"),
        (["--labels", "LABELS"], "has no column 'label'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    given: list[str], says: str, genome: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.tsv").write_text("name\ty\ng1\t1\n")
    assert main([*genome, *(str(tmp_path / "labels.tsv") if text == "LABELS" else text for text in given)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert says in said[-1]


@pytest.mark.parametrize("given", [["--out", "y.npz", "--out", "y.vcf"], ["--logos", "logos.xyz"]])
def test_nothing_is_computed_where_a_file_cannot_be_written(given: list[str], genome: list[str], tmp_path: Path) -> None:
    assert main([*genome, *(str(tmp_path / text) if "." in text else text for text in given)]) == 2
    assert not (tmp_path / "y.npz").exists()
