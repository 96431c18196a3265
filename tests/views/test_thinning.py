"""Annotation of long stretches as few features as can be seen, and the share of genes along a contig."""

from __future__ import annotations

import numpy as np

from engine.core.features import Feature
from engine.views.thinning import coverage, thinned


def gene(start: int, end: int, strand: str = "+", kind: str = "gene") -> Feature:
    return Feature(kind, f"{kind}{start}", start, end, strand)


def test_what_can_be_seen_by_itself_is_kept_and_the_narrow_become_one() -> None:
    wide = gene(0, 5000)
    narrow = [gene(20_000 + 100 * k, 20_050 + 100 * k) for k in range(60)]
    other_strand = gene(22_000, 22_050, "-")
    coding = [gene(item.start, item.end, kind="CDS") for item in narrow]
    found = thinned([wide, *narrow, other_strand, *coding], 100_000, pixels=100)
    assert found[0] == wide
    assert [(item.name, item.start, item.end, item.strand) for item in found[1:]] == [
        ("60 × gene", 20_000, 25_950, "+"),
        (other_strand.name, 22_000, 22_050, "-"),
    ]


def test_a_gap_of_more_than_a_pixel_stays_a_gap() -> None:
    items = [gene(10 * k, 10 * k + 5) for k in range(80)] + [gene(50_000 + 10 * k, 50_000 + 10 * k + 5) for k in range(80)]
    found = thinned(items, 100_000, pixels=100)
    assert [(item.start, item.end) for item in found] == [(0, 795), (50_000, 50_795)]


def test_few_features_and_short_sequences_are_left_as_they_are() -> None:
    items = tuple(gene(10 * k, 10 * k + 5) for k in range(40))
    assert thinned(items, 1_000_000, pixels=100) == items
    assert thinned(items * 5, 90, pixels=100) == items * 5


def test_coverage_is_what_counting_base_by_base_gives() -> None:
    random = np.random.default_rng(3)
    length, bins = 1000, 40
    items = [gene(int(start), int(start) + int(width), strand) for start, width in random.integers(1, 60, (30, 2)) for strand in "+-"]
    found = coverage(items, length, bins)
    for row, strand in enumerate("+-"):
        own = np.zeros(length)
        for item in items:
            if item.strand == strand:
                own[item.start : item.end] += 1
        slow = np.minimum(own.reshape(bins, -1).mean(axis=1), 1)
        assert np.allclose(found[row], slow, atol=1e-6)
    assert not coverage([], length, bins).any()
