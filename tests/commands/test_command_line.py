"""The command line as users meet it: files with the right numbers, one sentence and status 2 for what cannot be answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pysam
import pytest

from engine.analyses.dependency import DependencyParameters
from engine.commands import app as command_line
from engine.commands import arguments
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from tests.conftest import ROOT
from tests.fake_model import Calls, FakeRegistry

HAIRPIN = "GGGACTTTTGTCCC"


@pytest.fixture
def registry(tmp_path: Path) -> FakeRegistry:
    return FakeRegistry(tmp_path / "models", Calls())


@pytest.fixture(autouse=True)
def own_engine(tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line with the small model, an own home, and the test's folder as the current one."""
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_MODEL", "pairs")
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line(), registry))
    monkeypatch.chdir(tmp_path)


def load(path: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def direct(analysis: str, tmp_path: Path, registry: FakeRegistry, **changes: object) -> object:
    engine = Engine(Settings(home=tmp_path / "other", model="pairs"), registry)
    return engine.run(Request(analysis, NucleotideSequence(HAIRPIN), **changes))  # type: ignore[arg-type]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command_line.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    return captured.err


def test_probabilities_are_written_with_letters_and_provenance(tmp_path: Path, registry: FakeRegistry) -> None:
    assert command_line.main(["probabilities", "--sequence", HAIRPIN.lower(), "--out", "p.npz"]) == 0
    found = load("p.npz")
    assert found["probabilities"].dtype == np.float32
    assert found["probabilities"].shape == (14, 4)
    assert str(found["sequence"]) == HAIRPIN
    assert json.loads(str(found["provenance"]))["analysis"] == "probabilities"
    assert found["probabilities"].tobytes() == direct("probabilities", tmp_path, registry).values.tobytes()  # type: ignore[attr-defined]


def test_what_the_pages_ask_otherwise_is_said(registry: FakeRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for more in ([], ["--masked"]):
        assert command_line.main(["probabilities", "--sequence", HAIRPIN, "--out", "p.npz", *more]) == 0
        told.append("The pages show the answer with --masked; this is the one without it." in capsys.readouterr().err)
    assert told == [True, False]


def test_a_map_is_that_of_the_engine_to_the_last_bit(tmp_path: Path, registry: FakeRegistry) -> None:
    assert command_line.main(["map", "--sequence", HAIRPIN, "--metric", "log_ratio", "--window", "3-10", "--out", "m.npz"]) == 0
    expected = direct("dependency", tmp_path, registry, parameters=DependencyParameters("log_ratio", window=(2, 10)))
    assert load("m.npz")["values"].shape == (8, 8)
    assert load("m.npz")["values"].tobytes() == expected.values.tobytes()  # type: ignore[attr-defined]


def test_effects_are_a_table_on_standard_output_or_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["effects", "--sequence", HAIRPIN]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split("\t")[:5] == ["position", "ref", "alt", "llr", "influence"]
    assert len(printed) == 1 + 3 * 14
    assert printed[1].split("\t")[:3] == ["1", "G", "A"]
    assert command_line.main(["effects", "--sequence", HAIRPIN, "--out", "e.tsv"]) == 0
    assert len(Path("e.tsv").read_text().splitlines()) == 1 + 3 * 14


def test_contacts_are_written_as_arrays_and_as_dot_bracket() -> None:
    assert command_line.main(["contacts", "--sequence", "GGGACUUUUGUCCC", "--threshold", "0", "--out", "c.npz"]) == 0
    found = load("c.npz")
    assert str(found["dot_bracket"]) == "(((((....)))))"
    assert found["pairs"].min() == 0
    assert found["pairs"].shape == (5, 2)
    assert command_line.main(["contacts", "--sequence", "GGGACUUUUGUCCC", "--threshold", "0", "--out", "c.dbn"]) == 0
    assert "(((((....)))))" in Path("c.dbn").read_text()


def test_the_substitution_table_of_a_pair_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["pair", "--sequence", HAIRPIN, "--changed", "1", "--read", "14"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[:7] == ["changed", "alt", "read", "A", "C", "G", "T"]
    assert len(lines) == 5


def test_a_figure_is_written_when_the_name_asks_for_one() -> None:
    assert command_line.main(["map", "--sequence", HAIRPIN, "--out", "m.html"]) == 0
    assert "<html" in Path("m.html").read_text()[:200]


def test_a_record_of_a_fasta_file_is_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.fa").write_text(f">first some words\nACGTACGTAC\n>second\n{HAIRPIN}\n")
    assert command_line.main(["probabilities", "--fasta", "two.fa", "--name", "second", "--out", "p.npz"]) == 0
    assert str(load("p.npz")["sequence"]) == HAIRPIN
    assert command_line.main(["probabilities", "--fasta", "two.fa", "--name", "first", "--out", "p.npz"]) == 0
    capsys.readouterr()
    assert "choose one with --name" in refused(capsys, "probabilities", "--fasta", "two.fa", "--out", "p.npz")
    assert "no record 'third'" in refused(capsys, "probabilities", "--fasta", "two.fa", "--name", "third", "--out", "p.npz")


def test_a_locus_of_a_registered_genome_is_read_on_its_strand(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("g.fa").write_text(">chr1\n" + "ACGT" * 10 + "\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"Tiny={Path('g.fa').resolve()}")
    assert command_line.main(["probabilities", "--locus", "Tiny:chr1:2-8:-", "--out", "p.npz"]) == 0
    found = load("p.npz")
    assert str(found["sequence"]) == "ACGTACG"  # CGTACGT read backwards
    assert json.loads(str(found["provenance"]))["locus"] == "Tiny:chr1:2-8:-"


def test_own_files_of_a_view_may_call_one_contig_by_several_names(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("g.fa").write_text(">chrIV\n" + "ACGT" * 20 + "\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"R64={Path('g.fa').resolve()}")
    Path("mix.bed").write_text("chrIV\t5\t15\tone\nIV\t40\t60\ttwo\nV\t8\t9\tthree\n")
    gene = "{}\tx\tgene\t{}\t{}\t.\t+\t.\tID={}\n"
    Path("mix.gff3").write_text("##gff-version 3\n" + gene.format("chrIV", 6, 15, "one") + gene.format("NC_001136.10", 41, 60, "two"))
    view = ["view", "--locus", "R64:chrIV:1-80", "--analyses", "probabilities", "--out", "v.zip"]
    assert command_line.main([*view, "--track", "mix.bed", "--gff", "mix.gff3", "--regions", "mix.bed"]) == 0
    with zipfile.ZipFile("v.zip") as archive:
        for name in ("mix_bed", "annotation", "regions"):
            rows = [line.split("\t")[1:4] for line in archive.read(f"tracks/{name}.bed").decode().splitlines()]
            assert rows == [["5", "15", "one"], ["40", "60", "two"]], name


def test_the_model_table_has_its_columns_and_is_json_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["models"]) == 0
    assert capsys.readouterr().out.split("\n")[0].split() == ["id", "title", "capabilities", "max_length", "licence", "installed"]
    assert command_line.main(["models", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["max_length"], row["installed"], row["licence"]) == ("pairs", 400, True, "Apache-2.0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["probabilities"], "exactly one of --sequence LETTERS, --fasta FILE and --locus"),
        (["probabilities", "--sequence", "ACGT", "--fasta", "x.fa"], "you gave --sequence and --fasta"),
        (["probabilities", "--sequence", "ACGT", "--name", "x"], "--name chooses a record"),
        (["probabilities", "--sequence", ""], "There are no letters"),
        (["probabilities", "--sequence", "ACGXT"], "'X' at position 4"),
        (
            ["probabilities", "--sequence", "ACGTXX"],
            "'X' at position 5 is not a nucleotide; allowed are A, C, G, T or U and the IUPAC codes RYSWKMBDHVN; remove or replace it (N",
        ),
        (
            ["probabilities", "--sequence", "ACGTXXZZ"],
            "'X' at position 5 is not a nucleotide, nor is 'Z'; allowed are A, C, G, T or U and the IUPAC codes RYSWKMBDHVN; remove or replace them (N",
        ),
        (["probabilities", "--sequence", "ACGTXXZJ"], "'X' at position 5 is not a nucleotide, nor are 2 other kinds of letters; allowed"),
        (["probabilities", "--sequence", "ACGUT"], "T (position 5) and U (position 4) are mixed"),
        (["probabilities", "--sequence", "NNNN"], "All 4 letters are ambiguous codes"),
        (["probabilities", "--sequence", "A" * 401], "401 bases; Pairs reads 1 to 400"),
        (["probabilities", "--fasta", "nowhere.fa"], "nowhere.fa' cannot be read"),
        (["probabilities", "--locus", "Mars:chr1:1-10"], "Mars"),
        (["probabilities", "--locus", "chr1:five"], "not a locus"),
        (["probabilities", "--sequence", "ACGT", "--model", "pear"], "no model 'pear'"),
        (["probabilities", "--sequence", "ACGT", "--weights", "nowhere"], "'nowhere' does not exist"),
        (["probabilities", "--sequence", "ACGT", "--device", "tpu"], "allowed: auto, cpu, cuda"),
        (["probabilities", "--sequence", "ACGT", "--device", "cuda:63"], "CUDA device"),
        (["probabilities", "--sequence", "ACGT", "--dtype", "float8"], "allowed: auto, float32"),
        (["probabilities", "--sequence", "ACGT", "--out", "x.docx"], "end it with one of .npz"),
        (["probabilities", "--sequence", "ACGT", "--out", "nowhere/x.npz"], "does not exist"),
        (["probabilities", "--sequence", "ACGT", "--out", "."], "is a folder"),
        (["map", "--sequence", "ACGT", "--metric", "cosine"], "allowed: log2_odds, log_ratio"),
        (["map", "--sequence", "ACGT", "--epsilon", "2"], "epsilon is 2.0"),
        (["map", "--sequence", "ACGT", "--epsilon", "small"], "'--epsilon'"),
        (["map", "--sequence", "ACGT", "--window", "1_2-4"], "'1_2-4' is not an interval"),
        (["map", "--sequence", "ACGT", "--tau", "0_5"], "Invalid value for '--tau': '0_5' is not a number"),
        (["pair", "--sequence", "ACGTACGTACGT", "--changed", "1_2", "--read", "3"], "The position is '1_2'; a whole number from 1 on"),
        (["triage", "v.vcf", "--fasta", "r.fa", "--window", "2_0"], "Invalid value for '--window': '2_0' is not a whole number"),
        (["triage", "v.vcf", "--fasta", "r.fa", "--genetic-code", "3"], "give them with --gff ANNOTATION"),
        (["map", "--sequence", "ACGT", "--window", "3"], "START-END"),
        (["map", "--sequence", "ACGT", "--window", "0-3"], "start is at least 1"),
        (["map", "--sequence", "ACGT", "--window", "2-9"], "positions 1 to 4"),
        (["segment", "--sequence", "ACGT"], "Pairs cannot compute segmentation"),
        (["pair", "--sequence", "ACGT", "--changed", "2", "--read", "2"], "two different positions"),
        (["triage", "nowhere.vcf", "--fasta", "nowhere.fa"], "nowhere.vcf' cannot be read"),
        (["triage", "nowhere.vcf"], "Missing option '--fasta'"),
        (["scan", "--fasta", "nowhere.fa", "--out", "x", "--window", "3"], "window of 10 or more"),
        (
            ["scan", "--fasta", "nowhere.fa", "--out", "x", "--analysis", "foo"],
            "The analysis is 'foo'; a genome-wide run can do dependency, probabilities, effects, patterns, segmentation, tokens.",
        ),
        (
            ["scan", "--fasta", "nowhere.fa", "--out", "x", "--analysis", "fold", "--set", "a=1"],
            "'fold'; a genome-wide run can do dependency",
        ),
        (
            ["scan", "--fasta", "nowhere.fa", "--out", "x", "--analysis", "map"],
            "tokens; what the command map does is called dependency here.",
        ),
        (["contacts", "--sequence", "ACGT", "--threshold", "nan"], "threshold is nan"),
        (["segment", "--sequence", "ACGT", "--overlap", "-1"], "overlap_bp is -1"),
        (["triage", "v.vcf", "--fasta", "nowhere.fa"], "v.vcf' cannot be read"),
        (["scan", "--fasta", "nowhere.fa", "--out", "x"], "nowhere.fa' is not there"),
        ([], "Missing command"),
        (["fly"], "No such command 'fly'"),
        (["map", "--speed", "3"], "No such option: --speed"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], registry: FakeRegistry
) -> None:
    assert words in refused(capsys, *arguments)
    assert registry.calls.passes == 0


def test_a_scan_with_windows_that_failed_claims_no_others(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("engine.genome.run.scan", lambda *_: 3)
    told = refused(capsys, "scan", "--fasta", "g.fa", "--out", "x")
    assert told == "3 windows could not be computed; x/failed.tsv says why; what could be is kept, and the same command tries them again.\n"


def test_a_triage_writes_a_table_or_a_vcf(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.fa").write_text(">1\n" + HAIRPIN * 3 + "\n")
    Path("v.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t15\t.\tG\tA\t.\t.\t.\n1\t16\t.\tT\tA\t.\t.\t.\n"
    )
    assert command_line.main(["triage", "v.vcf", "--fasta", "r.fa", "--out", "t.tsv", "--window", "20"]) == 0
    assert "1 of 2 alleles are scored" in capsys.readouterr().err
    assert command_line.main(["triage", "v.vcf", "--fasta", "r.fa", "--out", "t.vcf", "--window", "20"]) == 0
    assert "LCS_LLR=" in Path("t.vcf").read_text()
    assert "REF is T but the reference has G" in Path("t.tsv").read_text()
    capsys.readouterr()
    assert command_line.main(["triage", "v.vcf", "--fasta", "r.fa", "--window", "20"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert [row.split("\t")[:2] for row in rows] == [["contig", "position"], ["1", "15"], ["1", "16"]]


def test_a_triage_says_which_window_it_had_where_the_model_reads_less(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.fa").write_text(">1\n" + HAIRPIN * 3 + "\n")
    Path("v.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t15\t.\tG\tA\t.\t.\t.\n")
    given = ["triage", "v.vcf", "--fasta", "r.fa", "--out", "t.tsv"]
    assert command_line.main(given) == 0
    assert "The window is 400 bases instead of 512: Pairs reads no more at once.\n" in capsys.readouterr().err
    assert command_line.main([*given, "--window", "400"]) == 0
    assert "The window is" not in capsys.readouterr().err


def test_no_answer_is_written_over_what_is_read_and_a_guessed_encoding_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.fa").write_text(">1\n" + HAIRPIN * 3 + "\n")
    content = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t15\tM\xfcller\tG\tA\t.\t.\t.\n"
    Path("v.vcf").write_bytes(content)
    Path("sub").mkdir()
    Path("sub/link.vcf").symlink_to(Path("v.vcf").resolve())
    for out in ("v.vcf", "sub/link.vcf"):
        assert "is a file that is read; nothing was written" in refused(capsys, "triage", "v.vcf", "--fasta", "r.fa", "--out", out)
    assert "is a file that is read" in refused(capsys, "probabilities", "--fasta", "r.fa", "--out", "r.fa")
    assert Path("v.vcf").read_bytes() == content
    assert command_line.main(["triage", "v.vcf", "--fasta", "r.fa", "--out", "t.vcf", "--window", "20"]) == 0
    assert "The file 'v.vcf' is not UTF-8 everywhere; the rest was read as Latin-1." in capsys.readouterr().err
    assert "\tMüller\t" in Path("t.vcf").read_text()


def test_a_triage_takes_a_list_and_variants_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.fa").write_text(">1\n" + HAIRPIN * 3 + "\n")
    letter = (HAIRPIN * 3)[14]
    other = "A" if letter != "A" else "C"
    Path("v.txt").write_text(f"# mine\n1:15 {letter}>{other}\nnonsense here\n1:g.20del\n")
    assert command_line.main(["triage", "v.txt", "--fasta", "r.fa", "--window", "20", "--no-influence", "--out", "t.tsv"]) == 0
    rows = [line.split("\t") for line in Path("t.tsv").read_text().splitlines() if not line.startswith("#")]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [row["status"] for row in table] == ["scored", "not_scored", "scored"], table[2]["note"]
    assert table[1]["note"].startswith("Line 3 of the list")
    assert (table[0]["influence"], table[2]["delta_pseudo_log_likelihood"] != "") == ("", True)
    assert not list(Path().glob("*.unfinished"))
    capsys.readouterr()
    given = [
        "triage",
        "--variant",
        f"1:15 {letter}>{other}",
        "--variant",
        "1:g.20del",
        "--fasta",
        "r.fa",
        "--window",
        "20",
        "--out",
        "u.vcf",
    ]
    assert command_line.main(given) == 0
    assert "2 of 2 alleles are scored" in capsys.readouterr().err
    assert "Give a file of variants, or --variant" in refused(capsys, "triage", "--fasta", "r.fa")


def test_a_triage_takes_contigs_by_their_other_names_and_transcripts_of_its_gene_models() -> None:
    letters = HAIRPIN * 3
    Path("r.fa").write_text(f">chrM\n{letters}\n")
    Path("r.gff3").write_text(
        "##gff-version 3\nchrM\tx\tgene\t3\t20\t.\t+\t.\tID=g;gene=ABC1\nchrM\tx\tmRNA\t3\t20\t.\t+\t.\tID=t1;Parent=g\n"
        "chrM\tx\tCDS\t3\t20\t.\t+\t0\tID=c;Parent=t1\n"
    )
    other = "A" if letters[14] != "A" else "C"
    what = f"{letters[14]}>{other}"
    texts = [f"chrM:15 {what}", f"chrM-15-{what.replace('>', '-')}", f"Mito:15 {what}", f"NC_001224.1:15 {what}", f"ABC1:c.13{what}"]
    variants = [word for text in texts for word in ("--variant", text)]
    given = ["--fasta", "r.fa", "--gff", "r.gff3", "--assembly", "R64", "--window", "20", "--no-influence", "--out", "t.tsv"]
    assert command_line.main(["triage", *variants, *given]) == 0
    rows = [line.split("\t") for line in Path("t.tsv").read_text().splitlines() if not line.startswith("#")]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [row["contig"] for row in table] == ["chrM", "chrM", "Mito", "NC_001224.1", "chrM"]
    assert {(row["status"], row["gene"], row["hgvs_c"]) for row in table} == {("scored", "ABC1", f"c.13{what}")}


def test_a_triage_that_was_stopped_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.service import triage_stream

    monkeypatch.setattr(triage_stream, "FIRST_PIECE", 2)
    monkeypatch.setattr(triage_stream, "PIECE", 2)
    letters = HAIRPIN * 3
    Path("r.fa").write_text(f">1\n{letters}\n")
    records = [f"1\t{place}\t.\t{letters[place - 1]}\t{'A' if letters[place - 1] != 'A' else 'C'}" for place in range(15, 20)]
    Path("v.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\n" + "\n".join(records) + "\n")
    given = ["triage", "v.vcf", "--fasta", "r.fa", "--window", "20", "--out", "t.tsv"]
    assert command_line.main(given) == 0
    whole = Path("t.tsv").read_text().splitlines()[3:]
    add, pieces = triage_stream.Journal.add, []

    def once(self: triage_stream.Journal, rows: object, batches: str = "") -> None:
        if pieces:
            raise KeyboardInterrupt
        pieces.append(1)
        add(self, rows, batches)  # type: ignore[arg-type]

    monkeypatch.setattr(triage_stream.Journal, "add", once)
    assert command_line.main(given) == 130
    assert Path("t.tsv.unfinished").is_file()
    monkeypatch.setattr(triage_stream.Journal, "add", add)
    capsys.readouterr()
    assert command_line.main(given) == 0
    assert "2 of 5 alleles were scored before" in capsys.readouterr().err
    assert Path("t.tsv").read_text().splitlines()[3:] == whole
    assert not Path("t.tsv.unfinished").exists()


def test_a_wrong_line_of_a_vcf_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("r.fa").write_text(">1\nACGT\n")
    Path("v.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\n1\n")
    assert "Line 2 of 'v.vcf' has 1 columns" in refused(capsys, "triage", "v.vcf", "--fasta", "r.fa")


def test_published_scores_are_looked_up_for_every_variant(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.core.errors import LocusError
    from engine.core.protocols import VariantScore
    from engine.core.variants import Variant

    def looked_up(_: object, model: str, assembly: str, variant: Variant) -> tuple[VariantScore, ...]:
        if variant.position == 3:
            raise LocusError("the reference there is C")
        return (VariantScore("am_pathogenicity", 0.75, "likely_pathogenic", f"{model} {assembly}"),)

    monkeypatch.setattr(Engine, "scores", looked_up)
    Path("v.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t2\t.\tG\tA\t.\t.\t.\n1\t3\t.\tT\tA\t.\t.\t.\n")
    assert command_line.main(["scores", "v.vcf", "--assembly", "GRCh38", "--model", "pairs", "--out", "s.tsv"]) == 0
    assert "1 of 2 alleles have scores" in capsys.readouterr().err
    lines = Path("s.tsv").read_text().splitlines()
    assert lines[3].split("\t") == ["1", "2", ".", "G", "A", "am_pathogenicity", "0.75", "likely_pathogenic", "pairs GRCh38", ""]
    assert lines[4].split("\t")[5:] == ["", "", "", "", "the reference there is C"]


def test_a_model_without_published_scores_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("v.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t2\t.\tG\tA\t.\t.\t.\n")
    assert "holds no published variant scores" in refused(capsys, "scores", "v.vcf", "--assembly", "GRCh38", "--model", "pairs")


def test_terms_are_shown_and_accepted_before_a_table_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line()))
    table = tmp_path / "AlphaMissense_hg38.tsv.gz"
    monkeypatch.setenv("LOCUSCOPE_ALPHAMISSENSE", f"GRCh38={table}")
    Path("v.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t2\t.\tG\tA\t.\t.\t.\n")
    assert "terms" in refused(capsys, "scores", "v.vcf", "--assembly", "GRCh38")
    assert command_line.main(["install", "alphamissense", "--yes"]) == 0
    assert "licence CC BY 4.0" in capsys.readouterr().out
    assert "is not there" in refused(capsys, "scores", "v.vcf", "--assembly", "GRCh38")
    columns = "#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class"
    Path("t.tsv").write_text(f"# terms\n{columns}\nchr1\t2\tG\tA\thg38\tP1\tENST1\tA1V\t0.9\tlikely_pathogenic\n")
    pysam.tabix_compress("t.tsv", str(table))
    assert command_line.main(["scores", "v.vcf", "--assembly", "hg38", "--out", "s.tsv"]) == 0
    assert "am_pathogenicity\t0.9\tlikely_pathogenic\tENST1 P1 A1V" in Path("s.tsv").read_text()


def test_a_stop_by_the_keyboard_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "run", interrupted)
    assert command_line.main(["probabilities", "--sequence", HAIRPIN]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "map", "--sequence", "ACGTX"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "'X' at position 5" in done.stderr


def test_a_layout_that_a_model_was_not_trained_on_is_noted_but_an_error_stays_one_sentence(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arguments, "make_engine", Engine)
    how = ["--model", "specieslm-fungi-k1", "--weights", str(tiny / "dependency_k1" / "checkpoint"), "--out", "p.npz"]
    assert command_line.main(["probabilities", "--sequence", HAIRPIN, "--species", "candida_glabrata", *how]) == 0
    assert "start codon" in capsys.readouterr().err
    assert "'nobody'" in refused(capsys, "probabilities", "--sequence", HAIRPIN, "--species", "nobody", *how)


def test_a_golden_map_comes_out_of_the_command_line(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "make_engine", Engine)
    golden = shared / "golden" / "dependency_k1"
    first = json.loads((golden / "inputs.json").read_text())[0]
    how = ["--model", "specieslm-fungi-k1", "--weights", str(golden / "checkpoint"), "--species", first["species"]]
    assert command_line.main(["map", "--sequence", first["sequence"], *how, "--epsilon", "1e-10", "--out", "m.npz"]) == 0
    expected = np.load(golden / "expected.npz")["0_dep_map"]
    np.testing.assert_allclose(load("m.npz")["values"], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "text",
    [
        "T:c:11-24",
        "t:c:11..24",
        "c 11 24",
        "c\t10\t24\tsite\t0\t+",
        "c:11–24",
        "c:11+14",
        "“c:11-24”",
        "T:hairpin",
        "HAIRPIN",
    ],
)
def test_locus_takes_what_the_box_takes(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.fa").write_text(f">c\nACGTACGTAC{HAIRPIN}ACGT\n")
    Path("t.gff3").write_text("c\tx\tgene\t11\t24\t.\t+\t.\tID=g;Name=hairpin\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"T={tmp_path / 't.fa'};{tmp_path / 't.gff3'}")
    assert command_line.main(["probabilities", "--locus", text, "--out", "p.npz"]) == 0
    assert str(load("p.npz")["sequence"]) == HAIRPIN
    assert "T:c:11-24 (1-based), + strand" in capsys.readouterr().err
    assert str(arguments.place_of(text, Settings(home=tmp_path, genomes=os.environ["LOCUSCOPE_GENOMES"]))) == "T:c:11-24"


@pytest.mark.parametrize(
    "text", ["5'-GGGACTTTTGTCCC-3'", "1 gggac 6 ttttgtccc", "1: GGGACTT\n8: TTGTCCC", "“GGGACTTTTGTCCC”", "GGGACT\u00adTTTGTCCC"]
)
def test_sequence_takes_letters_as_the_box_takes_them(text: str) -> None:
    assert command_line.main(["probabilities", "--sequence", text, "--out", "p.npz"]) == 0
    assert str(load("p.npz")["sequence"]) == HAIRPIN


def test_several_places_are_refused_where_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.fa").write_text(f">c\n{HAIRPIN}\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"T={tmp_path / 't.fa'}")
    assert "names 2 sequences; give one of them" in refused(capsys, "probabilities", "--locus", "c:1-5 c:6-9", "--out", "p.npz")


@pytest.mark.parametrize("command", ["triage", "scores", "splice"])
def test_a_name_whose_end_means_no_format_is_refused_before_anything_is_read(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--assembly", "GRCh38"] if command == "scores" else ["--fasta", "nowhere.fa"]
    said = refused(capsys, command, "nowhere.vcf", *options, "--out", "x.docx")
    assert "end it with one of .tsv" in said


def test_records_that_were_left_out_and_records_of_one_name_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.fa").write_text(f">good\n{HAIRPIN}\n>bad\nMKTAYIAKQR\n>twice\nACGTACGT\n>twice\nACGT\n")
    assert command_line.main(["probabilities", "--fasta", "a.fa", "--name", "good", "--out", "p.npz"]) == 0
    assert "1 line of 'a.fa' left out" in capsys.readouterr().err
    assert command_line.main(["probabilities", "--fasta", "a.fa", "--name", "twice", "--out", "p.npz"]) == 2
    assert "'a.fa' holds 2 records called 'twice', not one; rename them." in capsys.readouterr().err
