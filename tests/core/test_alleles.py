"""What an allele changes, by hand and against bcftools norm."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.core.alleles import Change, as_vcf, placements, trimmed
from engine.core.variants import Variant

#            0         1         2
#            012345678901234567890123456
REFERENCE = "GATTTTACACACAGGNNNNCATGCATG"


def letters(start: int, end: int) -> str:
    return REFERENCE[start:end]


@pytest.mark.parametrize(
    ("reference", "alternate", "change"),
    [
        ("A", "G", Change(10, "A", "G")),
        ("AAC", "AGC", Change(11, "A", "G")),
        ("ACC", "GCC", Change(10, "A", "G")),
        ("AC", "A", Change(11, "C", "")),
        ("A", "AC", Change(11, "", "C")),
        ("AAA", "A", Change(10, "AA", "")),  # shared at the right first: the deletion stands leftmost
        ("ACGT", "TGCA", Change(10, "ACGT", "TGCA")),
        ("ACGT", "AT", Change(11, "CG", "")),
        ("ACGTT", "AGCT", Change(11, "CGT", "GC")),
        ("AC", "AC", Change(12, "", "")),
    ],
)
def test_bases_that_both_alleles_share_are_not_part_of_the_change(reference: str, alternate: str, change: Change) -> None:
    found = trimmed(10, reference, alternate)
    assert (found.reference, found.alternate) == (change.reference, change.alternate)
    assert found.start == change.start or not found.reference + found.alternate


@pytest.mark.parametrize(
    ("change", "left", "right"),
    [
        (Change(4, "T", ""), Change(2, "T", ""), Change(5, "T", "")),  # one of TTTT
        (Change(4, "", "T"), Change(2, "", "T"), Change(6, "", "T")),
        (Change(7, "CA", ""), Change(6, "AC", ""), Change(11, "CA", "")),  # ACACACA: the unit turns as it moves
        (Change(6, "", "ACA"), Change(6, "", "ACA"), Change(9, "", "ACA")),
        (Change(15, "N", ""), Change(15, "N", ""), Change(15, "N", "")),  # unknown bases repeat nothing
        (Change(19, "CATG", ""), Change(19, "CATG", ""), Change(23, "CATG", "")),  # up to the end of the contig
        (Change(8, "C", "T"), Change(8, "C", "T"), Change(8, "C", "T")),
    ],
)
def test_an_indel_in_a_repeat_can_be_written_from_one_end_of_it_to_the_other(change: Change, left: Change, right: Change) -> None:
    assert placements(change, letters) == (left, right)


def test_every_place_of_an_indel_gives_the_same_letters() -> None:
    rng = random.Random(4)
    for _ in range(300):
        contig = "".join(rng.choice("AC") for _ in range(60))
        start, size = rng.randint(1, 50), rng.randint(1, 4)
        deletes = rng.random() < 0.5
        change = Change(start, contig[start : start + size], "") if deletes else Change(start, "", "".join(rng.choices("AC", k=size)))
        made = {
            contig[: place.start] + place.alternate + contig[place.end :]
            for place in (change, *placements(change, lambda a, b, contig=contig: contig[a:b]))
        }
        assert len(made) == 1


def test_a_long_repeat_is_followed_to_its_end() -> None:
    contig = "G" + "AC" * 5000 + "T"
    left, right = placements(Change(4001, "AC", ""), lambda a, b: contig[a:b])
    assert (left.start, right.start) == (1, 9999)


def test_an_indel_is_written_with_the_base_before_it_and_at_the_first_base_with_the_one_after() -> None:
    assert as_vcf(Change(2, "T", ""), letters) == (2, "AT", "A")
    assert as_vcf(Change(2, "", "T"), letters) == (2, "A", "AT")
    assert as_vcf(Change(0, "GA", ""), letters) == (1, "GAT", "T")
    assert as_vcf(Change(0, "", "C"), letters) == (1, "G", "CG")
    assert as_vcf(Change(3, "T", "G"), letters) == (4, "T", "G")


@pytest.mark.parametrize(
    ("position", "reference", "alternate", "plain"),
    [
        (50, "A", "G", (50, "A", "G")),
        (49, "CA", "CG", (50, "A", "G")),
        (48, "CCAT", "CCGT", (50, "A", "G")),
        (48, "CCA", "CC", (49, "CA", "C")),
        (48, "CC", "CCA", (49, "C", "CA")),
        (1, "AC", "C", (1, "AC", "C")),
        (50, "A", "A", (50, "A", "A")),
        (50, "A", "<DEL>", (50, "A", "<DEL>")),
    ],
)
def test_a_table_is_asked_for_alleles_without_padding(position: int, reference: str, alternate: str, plain: tuple[int, str, str]) -> None:
    assert Variant("c", position, reference, alternate).without_padding() == plain


@pytest.mark.parametrize(
    ("reference", "alternate", "kind"),
    [
        ("A", "G", "substitution"),
        ("CA", "CG", "substitution"),
        ("CAT", "CATT", "insertion"),
        ("CAT", "CT", "deletion"),
        ("CAT", "CGG", "complex"),
        ("CAT", "CAT", "same"),
        ("C", "<DEL>", "symbolic"),
    ],
)
def test_padding_does_not_decide_what_kind_of_change_it_is(reference: str, alternate: str, kind: str) -> None:
    assert Variant("c", 7, reference, alternate).kind == kind


def test_bcftools_norm_aligns_the_same_alleles_to_the_same_place(tmp_path: Path) -> None:
    """A second route: 500 indels, with and without padding, in a contig of repeats."""
    from pysam import bcftools, faidx

    rng = random.Random(7)
    contig = "".join(rng.choice(("ACAC", "T", "TTT", "GAT", "CG", "A", "GATGAT")) for _ in range(600))
    (tmp_path / "r.fa").write_text(f">c\n{contig}\n")
    faidx(str(tmp_path / "r.fa"))
    variants = []
    for number in range(500):
        at, before, behind, size = rng.randint(20, len(contig) - 20), rng.randint(1, 5), rng.randint(0, 4), rng.randint(1, 4)
        left, middle, right = contig[at - before : at], contig[at : at + size], contig[at + size : at + size + behind]
        new = "".join(rng.choices("ACGT", k=size))
        alleles = (
            (left + middle + right, left + right)
            if number % 2
            else (left + contig[at : at + behind], left + new + contig[at : at + behind])
        )
        variants.append(Variant("c", at - before + 1, *alleles, identifier=str(number)))
    lines = ["##fileformat=VCFv4.2", f"##contig=<ID=c,length={len(contig)}>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    lines += [f"c\t{v.position}\t{v.identifier}\t{v.reference}\t{v.alternate}\t.\t.\t." for v in variants]
    (tmp_path / "in.vcf").write_text("\n".join(lines) + "\n")
    bcftools.norm("-f", str(tmp_path / "r.fa"), "-o", str(tmp_path / "out.vcf"), str(tmp_path / "in.vcf"), catch_stdout=False)
    theirs = {}
    for line in (tmp_path / "out.vcf").read_text().splitlines():
        if not line.startswith("#"):
            _, position, identifier, reference, alternate = line.split("\t")[:5]
            theirs[identifier] = (int(position), reference, alternate)

    def here(start: int, end: int) -> str:
        return contig[max(0, start) : end]

    ours = {v.identifier: as_vcf(placements(v.change, here)[0], here) for v in variants if v.change is not None}
    assert len(theirs) == 500
    assert ours == theirs
