"""Effects on elements by the slow route: every mutant segmented whole and compared base by base."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.analyses.declared import declared
from engine.analyses.element_effects import ElementChangeParameters, element_effects
from engine.analyses.segmentation import segmentation
from engine.core.card import Offer, WindowRule
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.sequence import BASES, NucleotideSequence
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from tests.analyses.test_segmentation import ToyElements
from tests.analyses.toys import ToyModel, Watcher

LETTERS = "".join(np.random.default_rng(5).choice(list("ACGT"), 41))


def slow(model: Any, letters: str, low: int, high: int) -> np.ndarray:
    """float32 (L, 4, E): the largest change by segmenting every mutant anew."""
    before = segmentation(model, NucleotideSequence(letters)).values
    found = np.full((len(letters), 4, before.shape[1]), np.nan, dtype=np.float32)
    for index in range(low, high):
        for code, base in enumerate(BASES):
            if base != letters[index]:
                after = segmentation(model, NucleotideSequence(letters[:index] + base + letters[index + 1 :])).values
                change = after - before
                found[index, code] = np.take_along_axis(change, np.abs(change).argmax(axis=0)[None], axis=0)[0]
    return found


@pytest.mark.parametrize("max_length", [1000, 16])
def test_changes_are_those_of_whole_segmentations(max_length: int) -> None:
    model = ToyElements(WindowRule(context_bp=3), max_length=max_length)
    watcher = Watcher()
    found = element_effects(model, NucleotideSequence(LETTERS), ElementChangeParameters(window=(4, 30)), watcher)
    np.testing.assert_allclose(np.abs(found.changes), np.abs(slow(model, LETTERS, 4, 30)), atol=1e-7)
    assert watcher.done == watcher.total
    analysis = declared("element-effects")
    offer = Offer(windows=model.window_rule)
    assert analysis.passes(NucleotideSequence(LETTERS), ElementChangeParameters(window=(4, 30)), model.card, offer) == watcher.total
    before = segmentation(model, NucleotideSequence(LETTERS)).values
    base, code, number = 10, next(k for k in range(4) if BASES[k] != LETTERS[10]), 0
    where = int(found.positions[base, code, number])
    after = segmentation(model, NucleotideSequence(LETTERS[:base] + BASES[code] + LETTERS[base + 1 :])).values
    assert after[where, number] - before[where, number] == pytest.approx(float(found.changes[base, code, number]), abs=1e-7)


def test_an_ambiguous_letter_takes_no_passes() -> None:
    model, letters, watcher = ToyElements(WindowRule(context_bp=3)), LETTERS[:8] + "NN" + LETTERS[10:], Watcher()
    element_effects(model, NucleotideSequence(letters), ElementChangeParameters(window=(4, 30)), watcher)
    assert watcher.done == watcher.total
    offer = Offer(windows=model.window_rule)
    asked = (NucleotideSequence(letters), ElementChangeParameters(window=(4, 30)), model.card, offer)
    assert declared("element-effects").passes(*asked) == watcher.total


def test_the_map_keeps_signs_and_every_face_speaks_of_it() -> None:
    found = element_effects(ToyElements(WindowRule()), NucleotideSequence(LETTERS))
    grid = found.strongest()
    assert grid.shape == (3, 41)
    np.testing.assert_allclose(np.abs(grid), np.nanmax(np.abs(found.changes), axis=1).T)
    assert (grid[0] < 0).any()
    assert (grid[0] > 0).any()
    assert len(found.rows().bases) == 3 * 41
    sizes = [abs(value) for value in found.readable().columns["change"]]
    assert sizes == sorted(sizes, reverse=True)
    assert [track.name for track in found.tracks()][:2] == ["largest_element_effect", "effect_on_rich"]
    assert "the largest effect is" in found.words()
    figure = locus_figure(LocusEvidence(found.sequence, {"element-effects": found}), FigureStyle(width=700))
    assert any(trace.type == "heatmap" and np.asarray(trace.z).shape == (3, 41) for trace in figure.data)


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(CapabilityMissing, match="does not predict genomic elements"):
        element_effects(ToyModel(), NucleotideSequence(LETTERS))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="outside the sequence"):
        element_effects(ToyElements(WindowRule()), NucleotideSequence(LETTERS), ElementChangeParameters(window=(0, 99)))
