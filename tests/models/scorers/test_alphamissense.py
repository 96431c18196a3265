"""AlphaMissense tables by position: both assemblies, several transcripts, thresholds, and every way a table can be wrong."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysam
import pytest

from engine.core.errors import FileFormatError, InputError, LocusError, SourceUnavailable, WeightsMissing
from engine.core.protocols import VariantScorer
from engine.core.settings import Settings
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.models.scorers import alphamissense, terms

NOTICE = "# Copyright 2023 DeepMind Technologies Limited\n#\n# Licensed CC BY\n"
HEADER = "#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class\n"
ROWS = """chr1\t69094\tG\tT\thg38\tQ8NH21\tENST00000335137.4\tV2L\t0.2937\tlikely_benign
chr1\t69094\tG\tC\thg38\tQ8NH21\tENST00000335137.4\tV2L\t0.3400\tambiguous
chr1\t69094\tG\tC\thg38\tQ8NH21-2\tENST00000641515.2\tV5L\t0.9000\tlikely_pathogenic
chr1\t69095\tT\tC\thg38\tQ8NH21\tENST00000335137.4\tV2A\t0.2609\tlikely_benign
chrX\t100\tA\tG\thg38\tP1\tENST1.1\tK1R\t0.5640\tambiguous
"""


def write(path: Path, rows: str = ROWS, header: str = NOTICE + HEADER) -> Path:
    plain = path.with_suffix("")
    plain.write_text(header + rows)
    pysam.tabix_compress(str(plain), str(path), force=True)
    plain.unlink()
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "AlphaMissense_hg38.tsv.gz")


@pytest.fixture
def scorer(table: Path) -> alphamissense.AlphaMissense:
    return alphamissense.load(table.parent, LoadOptions())


def test_a_variant_is_found_with_its_class_and_transcript(scorer: alphamissense.AlphaMissense) -> None:
    (score,) = scorer.score("GRCh38", "chr1", 69094, "G", "T")
    assert (score.name, score.value, score.label) == ("am_pathogenicity", 0.2937, "likely_benign")
    assert score.context == "ENST00000335137.4 Q8NH21 V2L"


def test_several_transcripts_are_all_given_the_highest_first(scorer: alphamissense.AlphaMissense) -> None:
    scores = scorer.score("hg38", "1", 69094, "g", "c")
    assert [(score.value, score.context.split()[0]) for score in scores] == [(0.9, "ENST00000641515.2"), (0.34, "ENST00000335137.4")]


def test_what_the_table_does_not_hold_is_empty(scorer: alphamissense.AlphaMissense) -> None:
    assert scorer.score("GRCh38", "chr1", 69094, "G", "A") == ()
    assert scorer.score("GRCh38", "chr1", 69094, "G", "GA") == ()
    assert scorer.score("GRCh38", "chr1", 70_000, "G", "A") == ()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("GRCh38", "chr1", 69094, "A", "T"), "not A"),
        (("GRCh38", "chr77", 1, "A", "T"), "no contig"),
        (("GRCh38", "chr1", 0, "A", "T"), "counted from 1"),
        (("T2T", "chr1", 1, "A", "T"), "GRCh37"),
    ],
)
def test_a_question_that_cannot_be_right_is_refused(
    arguments: tuple[str, str, int, str, str], told: str, scorer: alphamissense.AlphaMissense
) -> None:
    with pytest.raises(LocusError, match=told):
        scorer.score(*arguments)


def test_the_assemblies_are_kept_apart(table: Path) -> None:
    write(table.parent / "AlphaMissense_hg19.tsv.gz", "chr1\t5\tA\tC\thg19\tP1\tE1\tK1N\t0.7\tlikely_pathogenic\n")
    scorer = alphamissense.load(table.parent, LoadOptions())
    assert scorer.assemblies == ("GRCh37", "GRCh38")
    assert scorer.score("GRCh37", "1", 5, "A", "C")[0].value == 0.7
    assert scorer.score("GRCh38", "1", 5, "A", "C") == ()
    scorer.close()


@pytest.mark.parametrize(
    ("score", "label"),
    [(0.0, "likely_benign"), (0.3399, "likely_benign"), (0.34, "ambiguous"), (0.564, "ambiguous"), (0.5641, "likely_pathogenic")],
)
def test_the_published_thresholds(score: float, label: str) -> None:
    assert alphamissense.classify(score) == label


def test_a_table_without_classes_gets_the_published_ones(tmp_path: Path) -> None:
    header = HEADER.replace("\tam_class", "")
    write(tmp_path / "AlphaMissense_hg38.tsv.gz", "chr1\t5\tA\tC\thg38\tP1\tE1\tK1N\t0.7\n", header)
    assert alphamissense.load(tmp_path, LoadOptions()).score("GRCh38", "1", 5, "A", "C")[0].label == "likely_pathogenic"


def test_the_classes_of_grch37_have_one_name_with_those_of_grch38(tmp_path: Path) -> None:
    write(tmp_path / "AlphaMissense_hg19.tsv.gz", "chr1\t5\tA\tC\thg19\tP1\tE1\tK1N\t0.7\tpathogenic\n")
    assert alphamissense.load(tmp_path, LoadOptions()).score("GRCh37", "1", 5, "A", "C")[0].label == "likely_pathogenic"
    write(tmp_path / "AlphaMissense_hg38.tsv.gz", "chr1\t5\tA\tC\thg38\tP1\tE1\tK1N\t0.7\tbad\n")
    with pytest.raises(FileFormatError, match="does not parse"):
        alphamissense.load(tmp_path, LoadOptions()).score("GRCh38", "1", 5, "A", "C")


def test_a_table_of_the_settings_stands_beside_those_of_the_folder(table: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "elsewhere.tsv.gz", "chr1\t5\tA\tC\thg19\tP1\tE1\tK1N\t0.7\tambiguous\n")
    settings = Settings(home=tmp_path, alphamissense=f"GRCh37={other}")
    assert alphamissense.load(table.parent, LoadOptions(settings=settings)).assemblies == ("GRCh37", "GRCh38")
    named = Settings(home=tmp_path, alphamissense=f"GRCh38={other}")
    assert alphamissense.load(table.parent, LoadOptions(settings=named)).score("GRCh38", "1", 5, "A", "C")[0].value == 0.7


def test_the_index_is_made_once_beside_the_table(table: Path, scorer: alphamissense.AlphaMissense) -> None:
    index = Path(f"{table}.tbi")
    assert not index.exists()
    scorer.score("GRCh38", "chr1", 69094, "G", "T")
    made = index.stat().st_mtime_ns
    alphamissense.load(table.parent, LoadOptions()).score("GRCh38", "chr1", 69094, "G", "T")
    assert index.stat().st_mtime_ns == made


def test_a_missing_table_is_told_with_its_address(scorer: alphamissense.AlphaMissense, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"AlphaMissense_hg19\.tsv\.gz from https://zenodo"):
        scorer.score("GRCh37", "chr1", 1, "A", "T")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsMissing, match="LOCUSCOPE_ALPHAMISSENSE"):
        alphamissense.load(tmp_path / "empty", LoadOptions())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"not compressed", "cannot be"),
        (gzip.compress((HEADER + ROWS).encode(), mtime=0), "cannot be"),
        (b"", "cannot be|no column"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "AlphaMissense_hg38.tsv.gz").write_bytes(content)
    with pytest.raises((FileFormatError, LocusError), match=told):
        alphamissense.load(tmp_path, LoadOptions()).score("GRCh38", "chr1", 1, "A", "C")


def test_a_table_with_other_columns_or_broken_rows_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "AlphaMissense_hg38.tsv.gz", ROWS, "#CHROM\tPOS\tREF\tALT\tx\n")
    with pytest.raises(FileFormatError, match="am_pathogenicity"):
        alphamissense.load(tmp_path, LoadOptions()).score("GRCh38", "chr1", 69094, "G", "T")
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "AlphaMissense_hg38.tsv.gz", "chr1\t5\tA\tC\thg38\tP1\tE1\tK1N\tmany\tx\n")
    with pytest.raises(FileFormatError, match="position 5"):
        alphamissense.load(tmp_path / "b", LoadOptions()).score("GRCh38", "chr1", 5, "A", "C")


def test_the_setting_names_tables(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert alphamissense.tables_of(f"hg38={table}, GRCh37=/x.gz") == {"GRCh38": table, "GRCh37": Path("/x.gz")}
    with pytest.raises(SourceUnavailable, match="ASSEMBLY=FILE"):
        alphamissense.tables_of("GRCh38")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("LOCUSCOPE_ALPHAMISSENSE", f"GRCh38={table}")
    with pytest.raises(WeightsMissing, match="no AlphaMissense table"):
        alphamissense.load(tmp_path / "home", LoadOptions())
    settings = Settings.from_environment()
    assert (
        alphamissense.load(tmp_path / "home", LoadOptions(settings=settings)).score("GRCh38", "chrX", 100, "A", "G")[0].label == "ambiguous"
    )


def test_the_terms_are_shown_before_first_use(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    first = alphamissense.available(Settings(home=home))
    assert "CC BY 4.0" in first
    assert "python -m engine install alphamissense" in first
    terms.accept(alphamissense.CARD, home)
    assert "no AlphaMissense table" in alphamissense.available(Settings(home=home))
    write(home / "AlphaMissense_hg38.tsv.gz")
    assert alphamissense.available(Settings(home=home)) == ""


def test_many_threads_get_the_same_answers(scorer: alphamissense.AlphaMissense) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scorer.score("GRCh38", "chr1", 69094, "G", "C"), range(64)))
    assert len(set(answers)) == 1


def test_the_scorer_keeps_its_contract(scorer: alphamissense.AlphaMissense) -> None:
    assert isinstance(scorer, VariantScorer)
    assert entry("alphamissense").available is alphamissense.available
    assert issubclass(LocusError, InputError)
