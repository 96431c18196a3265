from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.analyses.segmentation import SegmentationParameters, _strand_partners, segmentation, tiles
from engine.core.card import WindowRule
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError
from engine.core.sequence import Alphabet, NucleotideSequence
from tests.analyses.toys import ToyModel, Watcher, toy_card

LETTERS = "".join(np.random.default_rng(3).choice(list("ACGT"), 103))


class ToyElements:
    """Column 0: share of G within ``reach`` bases; column 1: +1 where A follows; 2: where T precedes; windows must obey the rule."""

    device = "cpu"
    dtype = "float32"
    elements = ("rich", "site+", "site-")

    def __init__(self, rule: WindowRule, *, reach: int = 3, max_length: int = 1000) -> None:
        self.window_rule, self.reach = rule, reach
        self.card = toy_card(max_length=max_length)
        self.windows: list[str] = []

    def element_probabilities(self, letters: str) -> Any:
        rule = self.window_rule
        assert len(letters) % rule.multiple_bp == 0
        assert rule.fixed_bp in (None, len(letters))
        assert rule.allows_ambiguous or "N" not in letters
        self.windows.append(letters)
        padded = "N" * self.reach + letters + "N" * self.reach
        rich = [padded[i : i + 2 * self.reach + 1].count("G") / (2 * self.reach + 1) for i in range(len(letters))]
        after = [1.0 if padded[i + self.reach + 1] == "A" else 0.0 for i in range(len(letters))]
        before = [1.0 if padded[i + self.reach - 1] == "T" else 0.0 for i in range(len(letters))]
        values = np.array([rich, after, before], dtype=np.float32).T
        return values[rule.output_start : rule.output_end]


def whole(letters: str) -> Any:
    return ToyElements(WindowRule()).element_probabilities(letters)


def test_one_window_is_the_models_answer() -> None:
    result = segmentation(ToyElements(WindowRule()), NucleotideSequence(LETTERS))
    np.testing.assert_array_equal(result.values, whole(LETTERS))
    assert result.elements == ("rich", "site+", "site-")
    assert result.provenance.analysis == "segmentation"


@pytest.mark.parametrize("max_length", [12, 16, 30, 50, 96])
@pytest.mark.parametrize("multiple", [1, 4])
def test_tiles_with_enough_context_have_no_seams(max_length: int, multiple: int) -> None:
    model = ToyElements(WindowRule(multiple_bp=multiple, context_bp=3), max_length=max_length)
    result = segmentation(model, NucleotideSequence(LETTERS))
    np.testing.assert_array_equal(result.values, whole(LETTERS))
    assert max(len(window) for window in model.windows) <= max_length


def test_too_little_context_would_show() -> None:
    model = ToyElements(WindowRule(context_bp=0), max_length=20)
    assert (segmentation(model, NucleotideSequence(LETTERS)).values != whole(LETTERS)).any()


def test_a_length_that_is_no_multiple_is_covered_by_two_windows() -> None:
    assert [(t.start, t.end) for t in tiles(103, WindowRule(multiple_bp=24), 1000)] == [(0, 96), (7, 103)]
    model = ToyElements(WindowRule(multiple_bp=24, allows_ambiguous=False))
    np.testing.assert_array_equal(segmentation(model, NucleotideSequence(LETTERS)).values, whole(LETTERS))


@pytest.mark.parametrize("length", [5, 40, 41, 100, 103])
def test_a_fixed_window_is_filled_with_n_around_what_is_shorter(length: int) -> None:
    model = ToyElements(WindowRule(fixed_bp=40, output_start=10, output_end=30, context_bp=3))
    result = segmentation(model, NucleotideSequence(LETTERS[:length]))
    np.testing.assert_array_equal(result.values, whole(LETTERS[:length]))
    assert {len(window) for window in model.windows} == {40}


def test_input_of_exactly_the_fixed_length_is_one_of_the_windows_as_it_is() -> None:
    model = ToyElements(WindowRule(fixed_bp=40, output_start=10, output_end=30))
    segmentation(model, NucleotideSequence(LETTERS[:40]))
    assert LETTERS[:40] in model.windows
    model = ToyElements(WindowRule(fixed_bp=40))
    segmentation(model, NucleotideSequence(LETTERS[:40]))
    assert model.windows == [LETTERS[:40]]


def test_fixed_windows_without_n_slide_inside_the_sequence() -> None:
    model = ToyElements(WindowRule(fixed_bp=40, context_bp=3, allows_ambiguous=False))
    np.testing.assert_array_equal(segmentation(model, NucleotideSequence(LETTERS)).values, whole(LETTERS))
    with pytest.raises(SequenceError, match="exactly 40"):
        segmentation(model, NucleotideSequence(LETTERS[:39]))


def test_every_base_is_answered_for_whatever_the_lengths() -> None:
    for length in range(1, 90):
        for rule in (
            WindowRule(context_bp=2),
            WindowRule(fixed_bp=16, output_start=4, output_end=12, context_bp=1),
            WindowRule(fixed_bp=8),
        ):
            plan = tiles(length, rule, 16)
            covered = np.zeros(length, dtype=bool)
            for tile in plan:
                covered[tile.answer_start : tile.answer_end] = True
            assert covered.all()


def test_the_overlap_may_be_chosen_within_its_limits() -> None:
    rule = WindowRule(context_bp=3)
    assert [tile.start for tile in tiles(60, rule, 20, overlap_bp=10)] == [0, 10, 20, 30, 40]
    assert [tile.start for tile in tiles(60, rule, 20, overlap_bp=0)] == [0, 20, 40]
    with pytest.raises(ParameterError, match="0 to 19"):
        tiles(60, rule, 20, overlap_bp=20)


def test_both_strands_are_averaged_with_stranded_elements_swapped() -> None:
    model = ToyElements(WindowRule())
    result = segmentation(model, NucleotideSequence(LETTERS), SegmentationParameters(both_strands=True))
    reverse = NucleotideSequence(LETTERS).reverse_complement().letters
    forward, backward = whole(LETTERS), whole(reverse)[::-1]
    np.testing.assert_allclose(result.values[:, 0], (forward[:, 0] + backward[:, 0]) / 2, atol=1e-7)
    # A follows on the reverse strand = T precedes on the forward one: both strands agree
    np.testing.assert_array_equal(result.values[:, 1], (forward[:, 1] + backward[:, 2]) / 2)
    np.testing.assert_array_equal(result.values[:, 2], (forward[:, 2] + backward[:, 1]) / 2)


def test_strands_may_be_named_in_words_and_a_lone_one_stays() -> None:
    assert _strand_partners(("CDS_forward", "CDS_reverse", "tRNA", "stop_reverse", "stop_forward", "site+")) == [1, 0, 2, 4, 3, 5]


def test_rna_and_other_ambiguous_letters_reach_the_model_as_dna_and_n() -> None:
    model = ToyElements(WindowRule())
    segmentation(model, NucleotideSequence("ACGURN", Alphabet.RNA))
    assert model.windows == ["ACGTNN"]
    with pytest.raises(SequenceError, match="Position 5 is R"):
        segmentation(ToyElements(WindowRule(allows_ambiguous=False)), NucleotideSequence("ACGURN", Alphabet.RNA))


def test_windows_are_counted() -> None:
    watcher = Watcher()
    model = ToyElements(WindowRule(), max_length=50)
    segmentation(model, NucleotideSequence(LETTERS), SegmentationParameters(both_strands=True), watcher)
    assert (watcher.total, watcher.done, watcher.unit) == (6, 6, "windows")
    assert len(model.windows) == 6


def test_too_short_and_the_wrong_kind_of_model_are_clear_errors() -> None:
    with pytest.raises(SequenceError, match="at least 24"):
        segmentation(ToyElements(WindowRule(multiple_bp=24)), NucleotideSequence("ACGT"))
    with pytest.raises(CapabilityMissing, match="elements"):
        segmentation(ToyModel(), NucleotideSequence("ACGT"))  # type: ignore[arg-type]
