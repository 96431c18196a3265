"""The map of a protein: every scored cell can be hovered over, the reference stays open, marks stand on their cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.proteins import AMINO_ACIDS, ProteinScores, Substitution
from engine.models.entry import LoadOptions
from engine.models.scorers import alphamissense
from engine.views.protein import CELLS, CLICKABLE, VARIANTS, Mark, protein_figure
from tests.models.scorers.protein_tables import both


@pytest.fixture
def scores(tmp_path: Path) -> ProteinScores:
    return alphamissense.load(both(tmp_path), LoadOptions()).protein("P13569")


@pytest.mark.parametrize("dark", [False, True])
def test_cells_reference_and_marks_are_where_they_belong(scores: ProteinScores, dark: bool) -> None:
    mark = Mark(Substitution("P13569", 2, "Q", "M"), "<b>given</b>", chosen=True)
    figure = protein_figure(scores, 2, 4, [mark, Mark(Substitution("P13569", 6, "L", "A"), "outside")], dark=dark)
    traces = {trace.name: trace for trace in figure.data}
    cells = traces[CELLS]
    assert len(cells.x) == 3 * 19
    assert set(cells.x) == {2, 3, 4}
    assert not set(zip(cells.x, cells.y, strict=True)) & {
        (place, AMINO_ACIDS.index(letter)) for place, letter in ((2, "Q"), (3, "R"), (4, "S"))
    }
    assert list(traces["reference"].text) == ["Q", "R", "S"]
    assert (list(traces[VARIANTS].x), list(traces[VARIANTS].y)) == ([2], [AMINO_ACIDS.index("M")])
    assert "<b>" not in traces[VARIANTS].text[0]
    np.testing.assert_array_equal(np.isnan(traces["map"].z), np.isnan(scores.values[:, 1:4]))
    assert traces[VARIANTS].selectedpoints == (0,)
    edges = [place for place, _ in traces["map"].colorscale]
    assert edges == [0.0, 0.34, 0.34, 0.564, 0.564, 1.0]


@pytest.mark.parametrize(("last", "there"), [(CLICKABLE, True), (CLICKABLE + 1, False)])
def test_a_long_stretch_has_no_point_for_every_cell_but_says_its_values(scores: ProteinScores, last: int, there: bool) -> None:
    long = ProteinScores("P1", scores.residues * 100, np.tile(scores.values, 100), np.tile(scores.classes, 100), scores.card)
    traces = {trace.name: trace for trace in protein_figure(long, 1, last).data}
    assert (CELLS in traces) is there
    assert (traces["map"].hovertemplate is None) is there
    if not there:
        assert traces["map"].customdata[AMINO_ACIDS.index("W"), -1] == "W"
