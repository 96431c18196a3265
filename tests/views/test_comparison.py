"""Differences of maps, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.analyses.dependency import DependencyMap
from engine.analyses.probabilities import BaseProbabilities
from engine.analyses.segmentation import Segmentation
from engine.core.alleles import Change
from engine.core.errors import ParameterError
from engine.core.sequence import NucleotideSequence
from engine.views.comparison import changed_pairs, difference, on_reference, track_differences
from engine.views.evidence import LocusEvidence
from engine.views.figure import locus_figure
from tests.views import samples


def two_maps():  # type: ignore[no-untyped-def]
    first = samples.dependency()
    values = first.values.copy()
    values[0, 71], values[71, 0] = 1.0, 0.5  # the pair is lost
    values[10, 30] = 4.5  # a pair is gained
    return first, replace(first, values=values)


def test_the_difference_is_second_less_first_and_says_so() -> None:
    first, second = two_maps()
    found = difference(first, second)
    assert found.values[0, 71] == -5.0
    assert found.values[71, 0] == -4.5
    assert found.values[10, 30] == pytest.approx(4.5 - first.values[10, 30])
    assert np.count_nonzero(found.values) == 3
    assert found.provenance.analysis == "difference of dependency maps"
    assert found.provenance.parameters["second"]["model"] == "sample"


def test_the_pairs_that_changed_most_come_first_with_both_values() -> None:
    first, second = two_maps()
    frame = changed_pairs(first, second)
    top = frame.iloc[0]
    assert (top.position_1, top.position_2, top.bases_first, top["first"], top["second"], top["change"]) == (1, 72, "GC", 6.0, 1.0, -5.0)
    assert (frame.iloc[1].position_1, frame.iloc[1].position_2) == (11, 31)
    assert len(frame) == 2


def test_maps_of_other_positions_metrics_or_unfinished_ones_are_refused() -> None:
    first, _ = two_maps()
    with pytest.raises(ParameterError, match="76 and 80 positions"):
        difference(first, samples.dependency(samples.sequence(80)))
    with pytest.raises(ParameterError, match="one metric"):
        difference(first, replace(first, metric="log_ratio"))
    with pytest.raises(ParameterError, match="not finished"):
        difference(first, samples.dependency(rows_done=10))


def test_a_map_with_an_insertion_or_deletion_stands_on_the_positions_of_the_reference() -> None:
    letters = NucleotideSequence("ACGTA")
    shorter, longer = (NucleotideSequence(text) for text in ("ACTA", "ACGGTA"))  # G at 3 deleted; G put in before base 4
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    placed = on_reference(DependencyMap(shorter, values, samples.provenance("dependency", shorter)), letters, Change(2, "G", ""))
    assert np.isnan(placed.values[2]).all()
    assert np.isnan(placed.values[:, 2]).all()
    assert placed.values[0].tolist()[:2] == [0, 1]
    assert placed.values[0, 3:].tolist() == [2, 3]
    assert placed.values[4, 3] == values[3, 2]
    values = np.arange(36, dtype=np.float32).reshape(6, 6)
    placed = on_reference(DependencyMap(longer, values, samples.provenance("dependency", longer)), letters, Change(3, "", "G"))
    assert placed.values[0].tolist() == [0, 1, 2, 4, 5]
    assert placed.values[3, 4] == values[4, 5]
    with pytest.raises(ParameterError, match="whole changed sequence"):
        on_reference(placed, letters, Change(2, "G", ""))


def _answers(letters: str, values: list[float], elements: list[float]) -> dict[str, Any]:
    """P(A) of each base, the others alike; the probability of one element."""
    given = NucleotideSequence(letters)
    first = np.array(values, np.float32)
    rest = (1 - first) / 3
    return {
        "probabilities": BaseProbabilities(given, np.stack([first, rest, rest, rest], axis=1), samples.provenance("probabilities", given)),
        "segmentation": Segmentation(given, ("exon",), np.array(elements, np.float32)[:, None], samples.provenance("segmentation", given)),
    }


def test_tracks_of_an_alternate_stand_on_the_reference_and_are_less_those_of_the_reference() -> None:
    reference = NucleotideSequence("AACG")
    before = _answers("AACG", [1.0, 0.25, 0.25, 0.25], [0.9, 0.9, 0.5, 0.1])
    after = _answers("ACG", [0.25, 0.25, 1.0], [0.2, 0.5, 0.1])  # the second A is deleted
    found = track_differences(reference, Change(1, "A", ""), before, after)
    assert found is not None
    np.testing.assert_allclose(found.expected, [-0.75, np.nan, 0.0, -0.25], atol=1e-6)
    np.testing.assert_allclose(found.entropy, [2.0, np.nan, 0.0, -2.0], atol=1e-6)
    np.testing.assert_allclose(found.elements[:, 0], [-0.7, np.nan, 0.0, 0.0], atol=1e-6)
    assert found.influence is None
    assert [(name, round(value, 2), at) for name, value, at in found.moved()] == [("exon", -0.7, 0)]
    assert "exon −0.70 at 1." in found.words()
    assert [track.name for track in found.tracks()] == ["delta_expected", "delta_entropy", "delta_exon"]
    assert len(found.rows().columns["position"]) == 4
    assert found.complete
    ids = [item["id"] for item in locus_figure(LocusEvidence(reference, {"differences": found})).layout.meta["panels"]]
    assert {"delta-expected", "delta-entropy", "delta-elements"} <= set(ids)
    assert "delta-influence" not in ids
    assert track_differences(reference, Change(1, "A", ""), {}, after) is None
