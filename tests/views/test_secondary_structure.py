"""Drawings of a secondary structure: every base once, pairs where they are, values as colours, nothing from outside as markup."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import ParameterError
from engine.core.sequence import NucleotideSequence
from engine.views.layouts import RADIAL
from engine.views.secondary_structure import Colouring, Named, arcs_of_two, combinations, drawing, two_maps
from tests.views import samples

LETTERS = "GGGAAAACCCTTTT"
PAIRS = pairs_of_dot_bracket("(((....)))....")
KNOT = pairs_of_dot_bracket("(((..[[)))..]]")
SEQUENCE = NucleotideSequence(LETTERS)


def traces(figure, name):  # type: ignore[no-untyped-def]
    return [trace for trace in figure.data if trace.name == name]


def test_every_base_is_drawn_once_as_rna_with_its_partner_in_words() -> None:
    figure = drawing(SEQUENCE, PAIRS, by=RADIAL)
    (bases,) = traces(figure, "bases")
    assert list(bases.customdata) == list(range(14))
    assert "".join(bases.text) == LETTERS.replace("T", "U")
    assert bases.hovertext[0] == "G at 1, pairs with C at 10"
    assert bases.hovertext[13] == "U at 14, unpaired"
    assert figure.layout.meta["layout"] == RADIAL
    assert figure.layout.yaxis.scaleanchor == "x"


def test_pairs_are_lines_between_their_bases_and_crossing_ones_curves_from_base_to_base() -> None:
    figure = drawing(SEQUENCE, KNOT, by=RADIAL)
    (bases,), (ladders,), (curves,) = (traces(figure, name) for name in ("bases", "pairs", "pairs that cross"))
    ends = {(ladders.x[3 * k], ladders.x[3 * k + 1]) for k in range(3)}
    assert ends == {(bases.x[i], bases.x[j]) for i, j in ((0, 9), (1, 8), (2, 7))}
    starts = [0, *(np.flatnonzero(np.isnan(curves.x))[:-1] + 1)]
    assert {(curves.x[at], curves.y[at]) for at in starts} == {(bases.x[5], bases.y[5]), (bases.x[6], bases.y[6])}
    assert not traces(drawing(SEQUENCE, PAIRS, by=RADIAL), "pairs that cross")


def test_values_colour_the_bases_and_those_without_are_grey() -> None:
    values = np.linspace(0, 1, 14).astype(np.float32)
    values[3] = np.nan
    figure = drawing(SEQUENCE, PAIRS, Colouring("reactivity", values, "a.u.", low=0.0, high=2.0), by=RADIAL)
    grey, coloured = traces(figure, "bases")
    assert list(grey.customdata) == [3]
    assert grey.hovertext[0].endswith("no value")
    assert len(coloured.customdata) == 13
    assert (coloured.marker.cmin, coloured.marker.cmax) == (0.0, 2.0)
    assert coloured.hovertext[0].endswith("reactivity: 0.00 a.u.")
    assert "reactivity" in coloured.marker.colorbar.title.text
    inks = dict(zip(coloured.customdata, coloured.textfont.color, strict=True))
    assert inks[0] == "#ffffff"  # dark end of the palette
    equal = Colouring("same", np.full(14, 3.0, np.float32))
    assert equal.ends == (3.0, 4.0)
    assert Colouring("none", np.full(14, np.nan, np.float32)).ends == (0.0, 1.0)


def test_a_chosen_pair_has_rings_on_its_bases() -> None:
    figure = drawing(SEQUENCE, PAIRS, by=RADIAL, selected=(0, 9))
    (ring,), (bases,) = traces(figure, "selected"), traces(figure, "bases")
    assert set(ring.x) == {bases.x[0], bases.x[9]}


def test_a_locus_adds_its_coordinates_to_the_words() -> None:
    given = samples.sequence(locus=True)
    figure = drawing(given, pairs_of_dot_bracket(samples.STRUCTURE), by=RADIAL)
    assert traces(figure, "bases")[0].hovertext[0] == "G at 1 (chrT:1,076), pairs with C at 72 (chrT:1,005)"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="3 values for 14 bases"):
        drawing(SEQUENCE, PAIRS, Colouring("x", np.zeros(3, np.float32)))
    with pytest.raises(ParameterError, match="palette is 'rainbow'"):
        drawing(SEQUENCE, PAIRS, palette="rainbow")


def test_two_structures_lie_over_and_under_the_sequence_and_shared_pairs_are_pointed_out() -> None:
    other = pairs_of_dot_bracket("((......))....")
    figure = arcs_of_two(SEQUENCE, Named("model", PAIRS), Named("known <b>", other))
    named = {trace.name: trace for trace in figure.data}
    assert set(named) == {"model", "model, both", "known <b>, both"}
    assert np.nanmin(named["model"].y) >= 0 > np.nanmin(named["known <b>, both"].y)
    assert np.nanmax(named["model, both"].y) == pytest.approx(1.0)  # the widest pair, 1-10, fills its half
    assert np.isnan(named["model, both"].x).sum() == 2
    assert "&lt;b&gt;" in figure.layout.annotations[1].text
    assert len(arcs_of_two(SEQUENCE, Named("a", other[:0]), Named("b", other[:0])).data) == 1


def test_one_map_is_over_and_one_under_the_diagonal_each_up_to_its_largest_value() -> None:
    upper, lower = np.zeros((14, 14), np.float32), np.zeros((14, 14), np.float32)
    upper[0, 9] = upper[9, 0] = 0.5
    upper[1, 8] = upper[8, 1] = 0.25
    lower[2, 7] = lower[7, 2] = 8.0
    (heat,) = two_maps(SEQUENCE, upper, lower, ("P", "score")).data
    assert heat.z[0][9] == 1.0
    assert heat.z[1][8] == 0.5
    assert heat.z[7][2] == 1.0
    assert heat.z[9][0] == heat.z[2][7] == 0.0
    assert heat.customdata[7][2] == 8.0


def test_the_table_of_a_test_frames_the_letters_that_pair() -> None:
    figure = combinations(np.arange(16, dtype=np.float32).reshape(4, 4), (0, 9))
    framed = {(round((shape.x0 + shape.x1) / 2), round((shape.y0 + shape.y1) / 2)) for shape in figure.layout.shapes}
    assert framed == {(3, 0), (2, 1), (1, 2), (0, 3), (3, 2), (2, 3)}
    assert (figure.layout.yaxis.title.text, figure.layout.xaxis.title.text) == ("letter at 1", "letter at 10")
    assert figure.data[0].hovertemplate.startswith("%{y} at 1, %{x} at 10: ")


def test_plotlys_buttons_lie_over_no_cell_and_no_title() -> None:
    table = combinations(np.zeros((4, 4), np.float32), (0, 9))
    maps = two_maps(SEQUENCE, np.zeros((14, 14), np.float32), np.zeros((14, 14), np.float32), ("P", "score"))
    assert table.layout.margin.t >= 32
    assert maps.layout.margin.t - maps.layout.title.pad.b - 2 * maps.layout.title.font.size >= 32
    assert (maps.layout.title.yref, maps.layout.title.y, maps.layout.title.yanchor) == ("paper", 1, "bottom")
