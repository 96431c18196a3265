"""The command ``benchmark`` as users meet it: tables, VCFs, models, baselines."""

from __future__ import annotations

import json
import random
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from engine.commands import app as command_line
from engine.commands import arguments
from engine.core.splicing import SpliceGene
from engine.core.variants import Variant
from engine.exports.benchmark_table import COLUMNS
from engine.service.benchmark import SPLICE_DISTANCE, SUBSTITUTION, closeness, places
from engine.service.engine import Engine
from engine.service.named_benchmarks import BENCHMARKS
from engine.training.__main__ import _parser as training_parser
from tests.commands.test_splice_command import GFF
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_splice import CONTIG
from tests.splice_toy import ToyRegistry


@pytest.fixture(autouse=True)
def own_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    registry = ToyRegistry(folder)
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line(), registry))
    monkeypatch.chdir(tmp_path)
    rng = random.Random(4)
    lines = ["chrom\tpos\tref\talt\teffect\tkind\tplanted\tupside down\tmeasured"]
    for place in range(22, 88):
        reference = CONTIG[place]
        breaks = place in (30, 31, 38, 39)
        alternate = "A" if reference != "A" else "C"
        kind = "near" if place < 50 else "far"
        lines.append(
            f"1\t{place + 1}\t{reference}\t{alternate}\t{'LOF' if breaks or place == 80 else 'FUNC' if place != 60 else 'INT'}\t{kind}\t"
            f"{breaks:d}\t{-int(breaks)}\t{rng.random() + breaks:.4f}"
        )
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "ref.fa").write_text(f">1\n{CONTIG}\n")
    (tmp_path / "genes.gff3").write_text(GFF)


def measured(capsys: pytest.CaptureFixture[str], *given: str) -> dict[tuple[str, str], dict[str, str]]:
    assert command_line.main(["benchmark", "t.tsv", "--replicates", "50", *given]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert tuple(lines[0].split("\t")) == COLUMNS
    rows = [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[1:]]
    return {(row["score"], row["class"]): row for row in rows}


LABEL = ("--label", "effect", "--positive", "LOF", "--negative", "FUNC")


def test_columns_are_measured_and_those_that_run_down_are_turned_round(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, *LABEL, "--score", "planted", "--score", "upside down", "--lower", "upside down", "--baseline", "measured")
    planted = found["planted", "all"]
    assert (planted["rows"], planted["positives"], planted["kind"]) == ("65", "5", "score")
    assert float(planted["auroc"]) == pytest.approx((4 * 60 + 30) / (5 * 60))  # the fifth positive ties with all negatives
    assert found["upside down", "all"]["auroc"] == planted["auroc"]
    assert found["measured", "all"]["kind"] == "baseline"
    assert float(planted["auroc_low"]) <= float(planted["auroc"]) <= float(planted["auroc_high"])


def test_a_column_of_numbers_is_correlated(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "--label", "measured", "--score", "measured")
    assert (found["measured", "all"]["spearman"], found["measured", "all"]["auroc"]) == ("1", "")
    assert (found["measured", "all"]["pearson"], found["measured", "all"]["pearson_low"]) == ("1", "1")


def test_a_splice_model_scores_the_variants_beside_what_needs_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    model = ("--model", "cispliceai", "--fasta", "ref.fa", "--gff", "genes.gff3", "--distance", "8", "--class", "kind")
    found = measured(capsys, *LABEL, *model)
    toy = found["Toy sites, largest change", "all"]
    assert (toy["kind"], toy["missing"]) == ("score", "0")
    assert float(toy["auroc"]) > 0.85
    assert {name for name, _ in found} == {"Toy sites, largest change", SUBSTITUTION, SPLICE_DISTANCE, "random"}
    assert float(toy["auroc"]) > float(found["random", "all"]["auroc"])
    assert ("Toy sites, largest change", "near") in found
    assert ("Toy sites, largest change", "far") not in found  # one positive is too few


def test_a_language_model_scores_the_variants_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = FakeRegistry(tmp_path / "models", Calls())
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line(), registry))
    found = measured(capsys, *LABEL, "--model", "pairs", "--fasta", "ref.fa")
    assert {name for name, _ in found} == {"Pairs, -llr", "Pairs, influence", SUBSTITUTION, "random"}


def test_json_holds_what_was_measured_and_where_it_comes_from(tmp_path: Path) -> None:
    given = ["benchmark", "t.tsv", *LABEL, "--score", "planted", "--replicates", "20", "--out", "b.json"]
    assert command_line.main(given) == 0
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["measured"][0]["score"] == "planted"
    assert found["provenance"]["parameters"] == {"replicates": 20, "seed": 1}
    assert len(found["provenance"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--label", "effect", "--score", "planted"), "holds no numbers"),
        (("--label", "nothing", "--score", "planted"), "no column 'nothing'"),
        (("--label", "effect", "--positive", "LOF", "--score", "planted"), "both --positive and --negative"),
        (
            ("--label", "effect", "--positive", "X", "--negative", "Y", "--score", "planted"),
            "No row of 'effect' is Y or X; it has FUNC, LOF, INT",
        ),
        (LABEL, "Nothing to measure"),
        ((*LABEL, "--score", "other"), "no column 'other'"),
        ((*LABEL, "--model", "cispliceai"), "--fasta"),
        ((*LABEL, "--score", "planted", "--replicates", "1"), "20 to 100,000"),
        ((*LABEL, "--score", "planted", "--class", "none"), "no column 'none'"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["benchmark", "t.tsv", *given]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_a_row_whose_variant_cannot_be_used_is_missing_for_the_model_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (tmp_path / "t.tsv").read_text().replace("1\t23\t", "1\tx\t", 1)
    (tmp_path / "t.tsv").write_text(lines)
    found = measured(capsys, *LABEL, "--model", "cispliceai", "--fasta", "ref.fa", "--gff", "genes.gff3", "--distance", "8")
    assert {name: row["missing"] for (name, group), row in found.items() if group == "all"} == {
        "Toy sites, largest change": "1",
        SUBSTITUTION: "1",
        SPLICE_DISTANCE: "1",
        "random": "0",
    }


def test_without_a_column_of_classes_they_are_the_consequences_and_several_models_stand_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *lines = (tmp_path / "t.tsv").read_text().splitlines()
    lines = [line.replace("FUNC", "LOF") if number % 2 else line for number, line in enumerate(lines)]  # some of both in every class
    (tmp_path / "t.tsv").write_text("\n".join((header, *lines)))
    found = measured(capsys, *LABEL, "--score", "planted", "--fasta", "ref.fa", "--gff", "genes.gff3")
    assert {"all", "splice_region_variant", "non_coding_transcript_exon_variant"} <= {group for _, group in found}
    fake(tmp_path, monkeypatch, "pairs", "bases")
    found = measured(capsys, *LABEL, "--model", "pairs", "--model", "bases", "--fasta", "ref.fa")
    assert {name.partition(",")[0] for name, _ in found} >= {"Pairs", "Bases"}
    two = ["benchmark", "t.tsv", *LABEL, "--model", "pairs", "--model", "bases", "--fasta", "ref.fa", "--weights", str(tmp_path)]
    assert command_line.main(two) == 2
    assert "one by one" in capsys.readouterr().err


def test_the_place_of_a_variant_follows_from_the_junctions_beside_it() -> None:
    """Exon 11-20 (1-based) of a forward gene, intron 21-30, exon from 31 to 60."""
    forward = SpliceGene("F", "chr1", "+", 10, 60, frozenset({30}), frozenset({19}))
    backward = SpliceGene("B", "chr2", "-", 10, 60, frozenset({19}), frozenset({30}))
    wanted = {10: "outside of genes", 11: "exon", 20: "exon", 21: "intron", 30: "intron", 31: "exon", 60: "exon", 61: "outside of genes"}
    for gene in (forward, backward):
        assert places([Variant(gene.contig, place, "A", "C") for place in wanted], [gene]) == [*wanted.values()]
        assert places([Variant(gene.contig, 19, "AAAA", "A")], [gene]) == ["exon or intron"]
    skipping = SpliceGene("S", "1", "+", 10, 60, frozenset({24, 40}), frozenset({19, 27}))  # an exon 25-28 that an isoform leaves out
    assert places([Variant("1", 26, "A", "C"), Variant("1", 32, "A", "C"), Variant("1", 0, "A", "C", problem="no")], [skipping]) == [
        "exon",
        "intron",
        "",
    ]


def test_closeness_counts_bases_between_the_change_and_the_nearest_junction() -> None:
    """Exon 11-20 (1-based) of a forward gene: junction behind base 20; intron 21-30; next exon from 31."""
    forward = SpliceGene("F", "chr1", "+", 10, 60, frozenset({30}), frozenset({19}))
    backward = SpliceGene("B", "chr2", "-", 10, 60, frozenset({19}), frozenset({30}))
    places = [
        (20, "A", "C"),
        (21, "A", "C"),
        (19, "A", "C"),
        (25, "A", "C"),
        (31, "A", "C"),
        (33, "A", "C"),
        (18, "AAAAA", "A"),
        (17, "AAA", "A"),
    ]
    for gene in (forward, backward):
        variants = [Variant(gene.contig, place, reference, alternate) for place, reference, alternate in places]
        np.testing.assert_array_equal(closeness(variants, [gene]), [0, 0, -1, -4, 0, -2, 0, -2])
    assert np.isnan(closeness([Variant("chr9", 5, "A", "C")], [forward])).all()


def test_a_named_benchmark_reads_its_public_table_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["chromosome\tposition (hg19)\treference\talt\tfunc.class\tconsequence\tCADD.score\tphyloP (mammalian)\tmine"]
    for place in range(22, 82):
        bad = place % 5 == 0
        letter = "A" if CONTIG[place] != "A" else "C"
        lines.append(f"1\t{place + 1}\t{CONTIG[place]}\t{letter}\t{'LOF' if bad else 'FUNC'}\tIntronic\t{place}\t1\t{int(bad)}")
    (tmp_path / "sge.txt").write_text("\n".join(lines) + "\n")
    given = ["benchmark", "brca1", "--data", "sge.txt", "--score", "mine", "--gff", "genes.gff3", "--replicates", "50"]
    assert command_line.main(given) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    planted = next(row for row in table if row["score"] == "mine")
    assert (planted["auroc"], planted["positives"], planted["rows"]) == ("1", "12", "60")
    assert {"CADD.score", "phyloP (mammalian)"} <= {row["score"] for row in table if row["kind"] == "baseline"}


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    registry = FakeRegistry(tmp_path / "models", Calls(), names or ("pairs",))
    monkeypatch.setattr(arguments, "make_engine", lambda settings=None: Engine(settings or arguments.settings_of_command_line(), registry))


def table_of(out: str) -> dict[str, dict[str, str]]:
    rows = [line.split("\t") for line in out.splitlines() if not line.startswith("#")]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:] if row[2] == "all"}


@pytest.mark.parametrize("shuffled", [False, True])
def test_sequences_that_a_model_expects_are_told_apart_and_shuffled_ones_are_not(
    shuffled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The toy expects every base to pair with its mirror image: palindromes are likely, others are not."""
    fake(tmp_path, monkeypatch)
    rng = random.Random(1)
    halves = ["".join(rng.choices("ACGT", k=12)) for _ in range(80)]
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for number, half in enumerate(halves):
        fits = number % 2 == 0
        mirrored = half.translate(str.maketrans("ACGT", "TGCA"))[::-1] if fits else "".join(rng.choices("ACGT", k=12))
        kinds[rng.random() < 0.5 if shuffled else fits].append(half + mirrored)
    for fits, name in ((True, "p.fa"), (False, "n.fa")):
        Path(name).write_text("".join(f">{number}\n{text}\n" for number, text in enumerate(kinds[fits])))
    given = ["benchmark", "promoters", "--data", "p.fa", "--data", "n.fa", "--model", "pairs", "--replicates", "100"]
    assert command_line.main(given) == 0
    found = table_of(capsys.readouterr().out)
    score = found["Pairs, mean ln p"]
    assert int(score["rows"]) == 80
    if shuffled:
        assert float(score["auroc_low"]) < 0.5 < float(score["auroc_high"])
    else:
        assert score["auroc"] == "1"
    assert found["GC content"]["kind"] == "baseline"


def test_saturation_mutagenesis_is_correlated_with_the_size_of_its_label_element_by_element(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["Chrom\tPos\tRef\tAlt\tCoefficient\tElement\tmine"]
    for place in range(60):
        value = (place - 30) / 10
        reference = CONTIG[22 + place]
        alternate = "-" if place == 5 else "A" if reference != "A" else "C"
        lines.append(f"1\t{23 + place}\t{reference}\t{alternate}\t{value}\t{'one' if place % 2 else 'two'}\t{abs(value)}")
    Path("mpra.tsv").write_text("\n".join(lines) + "\n")
    assert (
        command_line.main(["benchmark", "mpra", "--data", "mpra.tsv", "--score", "mine", "--gff", "genes.gff3", "--replicates", "50"]) == 0
    )
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if row[0] == "mine"]
    assert {row["class"]: row["spearman"] for row in found} == {"all": "1", "one": "1", "two": "1"}


def test_without_a_table_the_named_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["benchmark"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("name\ttitle")
    assert any(line.startswith("lambda\t") and "not run" in line for line in lines)


@pytest.mark.parametrize("name", [item.id for item in BENCHMARKS])
def test_every_command_of_a_named_benchmark_is_one_that_the_parser_takes(name: str) -> None:
    commands = re.findall(r"python -m (\S+) ([^,:]+)", next(item.how for item in BENCHMARKS if item.id == name))
    assert commands
    for module, words in commands:
        if module == "engine.training":
            training_parser().parse_args(shlex.split(words))
            continue
        assert module == "engine"
        command, *options = shlex.split(words)
        given = get_command(command_line.make_app()).commands[command].make_context(command, options).params  # type: ignore[attr-defined]
        assert command != "embeddings" or given["windows"] or given["gff"]


@pytest.mark.parametrize(
    ("given", "said"),
    [(("brca1",), "needs --data TABLE"), (("chip-exo", "--data", "t.tsv"), "engine scan"), (("promoters", "--data", "t.tsv"), "needs --data 2 times"), (("t.tsv",), "Missing option '--label'"),
     (("fly", "--data", "t.tsv"), "There is no benchmark 'fly'")],
)  # fmt: skip
def test_what_a_named_benchmark_lacks_is_one_sentence(given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["benchmark", *given]) == 2
    assert said in capsys.readouterr().err
