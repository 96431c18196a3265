"""Tables and descriptions say the same as the results, with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.arithmetic import entropy, strongest_pairs
from engine.views.evidence import LocusEvidence
from engine.views.tables import table
from tests.views import samples


def test_the_strongest_pair_is_the_first_row_with_both_directions() -> None:
    frame = table(samples.dependency())
    first = frame.iloc[0]
    assert (first.position_1, first.base_1, first.position_2, first.base_2, first.distance) == (1, "G", 72, "C", 71)
    assert (first.change_1_reads_2_bits, first.change_2_reads_1_bits) == (6.0, 5.0)
    assert len(frame) == 76 * 75 // 2


def test_a_locus_adds_the_coordinate_of_its_strand() -> None:
    frame = table(samples.dependency(samples.sequence(locus=True)))
    assert list(frame.columns[:3]) == ["position_1", "chrT_1", "base_1"]
    assert frame.iloc[0].chrT_1 == 1076  # first base of the reverse strand of 1,001-1,076
    assert frame.iloc[0].chrT_2 == 1005


def test_strongest_pairs_agree_with_a_plain_loop() -> None:
    values = np.random.default_rng(4).random((9, 9)).astype(np.float32)
    plain = sorted(((max(values[i, j], values[j, i]), i, j) for i in range(9) for j in range(i + 3, 9)), reverse=True)[:5]
    assert strongest_pairs(values, 5, 3).tolist() == [[i, j] for _, i, j in plain]


def test_effects_have_a_row_for_each_of_three_substitutions() -> None:
    frame = table(samples.effects())
    assert len(frame) == 3 * 76
    assert (frame.ref != frame.alt).all()
    last = frame[frame.position == 76]
    assert last.llr.tolist() == [-4.0, -4.0, -4.0]
    assert last.influence.tolist() == pytest.approx([0.04] * 3)


def test_entropy_is_two_bits_for_no_idea_and_none_for_certainty() -> None:
    values = np.array([[0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0], [0.5, 0.5, 0, 0]], np.float32)
    np.testing.assert_array_equal(entropy(values), [2.0, 0.0, 1.0])


def test_probabilities_segments_and_contacts_are_tables_too() -> None:
    assert table(samples.probabilities()).loc[4, "P_C"] == pytest.approx(0.9)
    assert table(samples.segmentation()).loc[75, "gene"] == 1.0
    contacts = table(samples.contacts())
    assert len(contacts) == len(samples.stem_pairs())
    assert contacts.iloc[0].score == 6.0


def test_descriptions_name_the_strongest_the_least_expected_and_the_surest() -> None:
    assert "The strongest pair at least 4 bases apart is G at 1 with C at 72: 6.00 bits of log2 odds." in samples.dependency().words()
    assert "partial: 19 of 76 rows are computed" in samples.dependency(rows_done=19).words()
    words = samples.effects().words()
    assert "228 substitutions" in words
    assert "A→C at 76 with -4.00" in words
    assert "would choose the reference at 60 of 76 bases" in samples.probabilities().words()  # 0.1 in one of five, 0.3 ties above 0.23
    assert "gene reaches 1.00 at 76" in samples.segmentation().words()
    assert samples.STRUCTURE in samples.contacts().words()


def test_what_is_said_beside_a_figure_names_bases_as_its_ruler_does() -> None:
    plain = {"dependency": samples.dependency(), "effects": samples.effects(), "segmentation": samples.segmentation()}
    told = LocusEvidence(samples.sequence(locus=True), plain).words()  # the reverse strand of 1,001-1,076
    assert "is G at 1,076 with C at 1,005: 6.00" in told["dependency"]
    assert "A→C at 1,001 with -4.00" in told["effects"]
    assert "gene reaches 1.00 at 1,001" in told["segmentation"]
    assert {name: found.words() for name, found in plain.items()} == LocusEvidence(samples.sequence(), plain).words()
