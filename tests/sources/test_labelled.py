"""Labelled rows from tables and VCFs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.core.errors import FileFormatError, ParameterError
from engine.sources.labelled import read_labelled


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(("name", "mark"), [("t.tsv", "\t"), ("t.csv", ","), ("t.txt.gz", "\t"), ("T.CSV.GZ", ",")])
def test_a_table_is_read_by_its_name_with_its_variants(tmp_path: Path, name: str, mark: str) -> None:
    text = (
        "## made by hand\n" + mark.join(("#CHROM", "Pos", "REF", "alt", "score")) + "\n" + mark.join(("17", "5", "a", "G", " 0.5")) + "\n"
    )
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.casefold().endswith(".gz") else text.encode())
    found = read_labelled(path)
    assert len(found) == 1
    assert list(found.column("score")) == ["0.5"]
    assert [(v.contig, v.position, v.reference, v.alternate, v.record) for v in found.variants] == [("17", 5, "A", "G", 0)]


def test_columns_of_the_place_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "t.tsv", "a\tposition (hg19)\tr\tx\n1\t7\tC\tT\n")
    assert not read_labelled(path).variants
    (variant,) = read_labelled(path, ("a", "position (hg19)", "r", "x")).variants
    assert str(variant) == "1:7 C>T"
    with pytest.raises(ParameterError, match="no column 'chrom'; it has a, position"):
        read_labelled(path, ("chrom", "position (hg19)", "r", "x"))
    with pytest.raises(ParameterError, match="3 columns are named"):
        read_labelled(path, ("a", "r", "x"))


def test_a_vcf_has_its_info_fields_as_columns_one_row_an_allele(tmp_path: Path) -> None:
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    path = written(tmp_path, "v.vcf.gz", head + "1\t5\trs1\tA\tC,G\t.\t.\tSIG=path;AF=0.1,0.2;DB\n1\t9\t.\tT\tA\t.\t.\t.\n")
    found = read_labelled(path)
    assert {name: list(values) for name, values in found.columns.items()} == {
        "ID": ["rs1", "rs1", "."],
        "SIG": ["path", "path", ""],
        "AF": ["0.1", "0.2", ""],
        "DB": ["1", "1", ""],
    }
    assert [variant.alternate for variant in found.variants] == ["C", "G", "A"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tb\n1\n", r"No row of 't.tsv' has as many cells as its header \(2\): row 1 has 1"),
        ("a\ta\n1\t2\n", "different names"),
        ("a\tb\n", "0 rows"),
        ('a\tb\n"x\t2\n', "does not parse"),
    ],
)
def test_a_broken_table_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileFormatError, match=said) as caught:
        read_labelled(written(tmp_path, "t.tsv", text))
    assert "\n" not in str(caught.value)


def test_rows_that_do_not_fit_the_header_are_left_out_and_said(tmp_path: Path) -> None:
    text = "chrom\tpos\tref\talt\n1\t4\tA\n1\t5\tA\tC\n1\t6\tA\tC\textra\n1\tsix\tA\tC\n"
    found = read_labelled(written(tmp_path, "t.tsv", text))
    assert [variant.record for variant in found.variants] == [0, 1]
    assert found.variants[1].problem.startswith("Row 4 has the position 'six'")
    (note,) = found.notes
    assert note == "2 of 4 rows of 't.tsv' do not have the 4 cells of its header and are left out: row 1 has 3, row 3 has 5."


def test_a_row_whose_variant_cannot_be_used_keeps_its_place(tmp_path: Path) -> None:
    text = "chrom\tpos\tref\talt\n1\tfive\tA\tC\n1\t0\tA\tC\n1\t5\t?\tC\n1\t6\tA\tC\n"
    found = read_labelled(written(tmp_path, "t.tsv", text))
    assert len(found) == len(found.variants) == 4
    assert [bool(variant.problem) for variant in found.variants] == [True, True, True, False]
    assert "Row 1 has the position 'five'" in found.variants[0].problem
    assert "reference allele '?'" in found.variants[2].problem


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_labelled(tmp_path / "none.tsv")
