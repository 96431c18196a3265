"""Two loci side by side: both computed, aligned where the visitor says so, cut to what both have."""

from __future__ import annotations

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.features import Feature
from engine.views.evidence import LocusEvidence
from pages._ui.compare_loci import common_parts, cut
from tests.views import samples


def _compare() -> None:
    from pages._ui.compare_page import page

    page()


@pytest.mark.parametrize(
    ("lengths", "anchors", "parts"),
    [
        ((100, 80), (0, 0), ((0, 80), (0, 80))),
        ((100, 80), (50, 10), ((40, 110 - 10), (0, 60))),
        ((100, 80), (99, 79), ((20, 100), (0, 80))),
    ],
)
def test_what_both_have_around_their_anchors_is_of_one_length(
    lengths: tuple[int, int], anchors: tuple[int, int], parts: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    found = common_parts(lengths, anchors)
    assert found == parts
    assert len({end - start for start, end in found}) == 1
    assert anchors[0] - found[0][0] == anchors[1] - found[1][0]


def test_a_part_has_the_cells_of_the_whole() -> None:
    given = samples.sequence()
    results = {"dependency": samples.dependency(given), "probabilities": samples.probabilities(given)}
    whole = LocusEvidence(given, results, (Feature("gene", "g", 5, 40, "+"),))
    part = cut(whole, 10, 30)
    assert part.sequence.letters == given.letters[10:30]
    np.testing.assert_array_equal(part.results["dependency"].values, results["dependency"].values[10:30, 10:30])
    np.testing.assert_array_equal(part.results["probabilities"].values, results["probabilities"].values[10:30])
    assert [(item.start, item.end) for item in part.features] == [(0, 20)]


def test_two_loci_are_computed_and_drawn_and_a_wrong_anchor_is_said() -> None:
    app = AppTest.from_function(_compare, default_timeout=60)
    app.query_params["sequence"] = "GGGCCCAAATTTGGGCCCAA"
    app.run()
    app.segmented_control[0].set_value("loci").run()
    assert not app.exception
    app.text_input(key="compare-locus").set_value("GGGCCTAAATTTGGGCCC")
    next(item for item in app.button if item.label == "Compare").click().run()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not app.get("plotly_chart"):
        time.sleep(0.5)
        app.run()
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 1
    app.text_input(key="compare-at-first").set_value("3")
    app.text_input(key="compare-at-second").set_value("19")
    next(item for item in app.button if item.label == "Compare").click().run()
    while time.monotonic() < deadline and not app.error:
        time.sleep(0.5)
        app.run()
    assert "The second anchor is 19; a position from 1 to 18 is needed" in app.error[0].value
