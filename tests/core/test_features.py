"""Annotated intervals: checked, read-only, and moved onto a locus of either strand."""

from __future__ import annotations

import pytest

from engine.core.errors import LocusError
from engine.core.features import Feature
from engine.core.locus import Locus

GENE = Feature("gene", "abc", 100, 130, "+", "chr1", {"note": "x"})


@pytest.mark.parametrize(
    ("locus", "expected"),
    [
        ("chr1:101-130", (0, 30, "+", False)),
        ("chr1:91-140", (10, 40, "+", False)),
        ("chr1:111-120", (0, 10, "+", True)),
        ("chr1:91-140:-", (10, 40, "-", False)),
        ("chr1:121-150:-", (20, 30, "-", True)),
        ("chr1:81-101:-", (0, 1, "-", True)),
    ],
)
def test_the_part_inside_a_locus_is_in_indices_of_its_letters(locus: str, expected: tuple[int, int, str, bool]) -> None:
    inside = GENE.relative_to(Locus.parse(locus))
    assert inside is not None
    assert (inside.start, inside.end, inside.strand, "partial" in inside.attributes) == expected
    assert (inside.contig, inside.attributes["note"]) == ("", "x")


@pytest.mark.parametrize("locus", ["chr1:1-100", "chr1:131-140", "chr1:131-140:-"])
def test_a_feature_outside_the_locus_is_none(locus: str) -> None:
    assert GENE.relative_to(Locus.parse(locus)) is None


def test_a_feature_without_strand_has_none_on_the_other_strand_either() -> None:
    inside = Feature("region", "", 5, 6).relative_to(Locus.parse("c:1-10:-"))
    assert inside is not None
    assert (inside.start, inside.end, inside.strand, inside.width_bp) == (4, 5, ".", 1)


@pytest.mark.parametrize(("start", "end", "strand"), [(5, 5, "+"), (6, 5, "+"), (-1, 5, "+"), (1, 5, "?")])
def test_coordinates_and_strands_that_cannot_be_are_refused(start: int, end: int, strand: str) -> None:
    with pytest.raises(LocusError, match="feature 'x'"):
        Feature("gene", "x", start, end, strand)


def test_attributes_are_read_only_and_not_part_of_equality() -> None:
    with pytest.raises(TypeError):
        GENE.attributes["note"] = "y"  # type: ignore[index]
    assert Feature("gene", "abc", 100, 130, "+", "chr1") == GENE
    assert GENE.as_dict()["attributes"] == {"note": "x"}
