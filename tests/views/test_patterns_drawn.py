"""The two panels of patterns: the block score, and the places that the chosen q-value lets through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.analyses.pattern_scores import CELL_LIMITS
from engine.analyses.patterns import Patterns
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.panels.pattern_places import _lanes
from tests.views import samples


def made(q: list[float], rate: float = 0.1) -> Patterns:
    """Two nested stems and a block."""
    sequence = samples.sequence()
    scores = np.ones((len(sequence), 5), np.float32)
    scores[:2] = np.nan
    return Patterns(
        sequence,
        scores,
        np.array([1, 1, 0]),
        np.array([[0, 67], [27, 39], [50, 50]]),
        np.array([9, 8, 7], np.float32),
        np.array(q, np.float32),
        np.zeros(0, np.int64),
        np.zeros((0, 2), np.int64),
        np.zeros(0, np.float32),
        20,
        rate,
        np.linspace(1, 0.001, len(CELL_LIMITS), dtype=np.float32),
        samples.provenance("patterns", sequence),
    )


def panels(found: Patterns) -> dict[str, dict[str, object]]:
    figure = locus_figure(LocusEvidence(found.sequence, {"patterns": found}))
    return {panel["id"]: panel for panel in figure.layout.meta["panels"]}


def names(found: Patterns) -> list[str]:
    return [trace.name for trace in locus_figure(LocusEvidence(found.sequence, {"patterns": found})).data if trace.name]


def test_only_places_up_to_the_rate_are_drawn() -> None:
    assert {"block score", "stem", "block"} <= set(names(made([0.01, 0.02, 0.05])))
    assert "block" not in names(made([0.01, 0.02, 0.5]))
    assert panels(made([0.01, 0.02, 0.5]))["pattern-places"]["title"] == "Patterns with q up to 0.1"
    assert panels(made([0.01, 0.02, 0.5]))["block-score"]["unit"] == "bits"


def test_where_no_place_is_sure_the_panel_says_so() -> None:
    found = made([0.4, 0.5, 0.6])
    assert "no place has a q-value up to 0.1" in str(panels(found)["pattern-places"])
    assert "pattern-places" in panels(replace(found, rate=1))


def test_places_that_overlap_have_lanes_of_their_own() -> None:
    assert _lanes(np.array([[0, 67], [27, 39], [50, 60], [80, 90]]), 5).tolist() == [0, 1, 1, 0]
    assert _lanes(np.array([[number, 90] for number in range(20)]), 5).max() == 5


def test_the_threshold_of_the_map_knows_its_rate_where_controls_were_computed() -> None:
    found = made([0.01, 0.02, 0.05])
    given = {"dependency": samples.dependency(found.sequence), "patterns": found}
    rated = locus_figure(LocusEvidence(found.sequence, given), FigureStyle(live=True)).layout.meta["map"]["rated"]
    assert rated["words"] == "by 20 shuffled sequences"
    assert [stop["q"] for stop in rated["stops"]] == [0.5, 0.2, 0.1, 0.05, 0.02, 0.01]
    for stop in rated["stops"]:
        assert found.cell_q[np.float32(stop["limit"]) <= CELL_LIMITS].max() <= stop["q"] + 1e-6
        assert found.cell_q[np.float32(stop["limit"]) * 0.999 > CELL_LIMITS].min() > stop["q"]
    without = LocusEvidence(found.sequence, {"dependency": samples.dependency(found.sequence)})
    assert locus_figure(without, FigureStyle(live=True)).layout.meta["map"]["rated"] is None
