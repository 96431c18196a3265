"""What the figure is drawn with: ticks, colours, limits, pairs, paths and pictures."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.locus import Locus, Strand
from engine.views.evidence import FigureStyle
from engine.views.glyphs import OUTLINES, outline
from engine.views.measures import coded, colour_limit, displayed, part_of_ramp, ramp, scale
from engine.views.palettes import BASE_COLOURS, ELEMENT_COLOURS, PALETTES, THEME, interpolated
from engine.views.paths import BELOW, boxes, joined, placed, steps
from engine.views.pictures import Picture, path_data
from engine.views.ruler import tick_step, ticks
from tests.views import samples


@pytest.mark.parametrize(
    ("span", "count", "step"), [(76, 9, 10), (100, 10, 10), (101, 10, 20), (1000, 9, 200), (8, 9, 1), (3, 9, 1), (450, 9, 50)]
)
def test_steps_of_the_ruler_are_1_2_or_5_times_a_power_of_ten(span: int, count: int, step: int) -> None:
    assert tick_step(span, count) == step


def test_ticks_without_a_locus_count_from_the_first_base() -> None:
    assert ticks(1, 40, None, 4) == ([1, 10, 20, 30, 40], ["1", "10", "20", "30", "40"])
    assert ticks(11, 30, None, 4) == ([15, 20, 25, 30], ["15", "20", "25", "30"])


def test_ticks_of_a_locus_are_round_coordinates_of_its_contig() -> None:
    forward = Locus("a", "c", 995, 1025)  # base 1 is 996
    assert ticks(1, 30, forward, 3) == ([5, 15, 25], ["1,000", "1,010", "1,020"])
    assert ticks(1, 30, Locus("a", "c", 995, 1025, Strand.REVERSE), 3) == ([6, 16, 26], ["1,020", "1,010", "1,000"])


@given(st.integers(0, 10**8), st.integers(1, 4000), st.booleans(), st.floats(2, 20))
def test_every_tick_is_inside_and_labelled_with_the_coordinate_of_its_base(start: int, width: int, reverse: bool, count: float) -> None:
    locus = Locus("", "c", start, start + width, Strand.REVERSE if reverse else Strand.FORWARD)
    places, labels = ticks(1, width, locus, count)
    assert places == sorted(places)
    assert len(places) <= count + 2
    for place, label in zip(places, labels, strict=True):
        assert 1 <= place <= width
        assert locus.position_of(place - 1) == int(label.replace(",", ""))


def test_the_colour_limit_is_a_percentile_of_what_is_above_zero_to_two_digits() -> None:
    values = np.zeros((101, 101), np.float32)
    values[0, 1:] = np.arange(1, 101)
    assert colour_limit(values, FigureStyle(percentile=50)) == 50  # of 1 to 100 the middle is 50.5
    assert colour_limit(values, FigureStyle(percentile=100)) == 100
    assert colour_limit(values, FigureStyle(colour_limit=3)) == 3
    assert colour_limit(np.zeros((4, 4), np.float32), FigureStyle()) == 1


def test_logarithmic_colours_span_two_decades_below_the_limit() -> None:
    style = FigureStyle(log=True)
    parts = part_of_ramp(np.array([0, 0.001, 0.01, 0.1, 1, 5]), style, both_signs=False)
    np.testing.assert_allclose(parts, [0, 0, 0, 0.5, 1, 1])
    parts = part_of_ramp(np.array([-1, -0.1, 0, 0.1, 1]), style, both_signs=True)
    np.testing.assert_allclose(parts, [0, 0.25, 0.5, 0.75, 1])
    stops = scale(2.0, style, both_signs=False)
    assert (stops["zmin"], stops["zmax"]) == (0, 2)
    nearest = min(stops["colorscale"], key=lambda stop: abs(stop[0] - 0.1))
    assert nearest[0] == pytest.approx(0.1, rel=0.1)
    assert nearest[1] == interpolated(PALETTES["cividis"], part_of_ramp(np.array([nearest[0]]), style, both_signs=False)[0])


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("both_signs", [False, True])
def test_a_picture_and_a_trace_have_the_same_colours(log: bool, both_signs: bool) -> None:
    style = FigureStyle(log=log)
    stops = scale(3.0, style, both_signs=both_signs)
    assert [stop[0] for stop in stops["colorscale"]] == sorted(stop[0] for stop in stops["colorscale"])
    assert (stops["colorscale"][0][0], stops["colorscale"][-1][0]) == (0, 1)
    colours = ramp(style, both_signs=both_signs)
    for place, colour in stops["colorscale"]:
        value = stops["zmin"] + place * (stops["zmax"] - stops["zmin"])
        code = coded(np.array([value], np.float32), 3.0, style, both_signs=both_signs)[0]
        distance = [abs(int(colour[at : at + 2], 16) - int(colours[code][at : at + 2], 16)) for at in (1, 3, 5)]
        assert max(distance) <= 3  # half a step of 254


def test_a_missing_value_has_no_colour() -> None:
    assert coded(np.array([np.nan, 0, 1], np.float32), 1.0, FigureStyle(), both_signs=False).tolist() == [255, 0, 254]


def test_cells_are_shown_with_the_directions_distance_and_threshold_of_the_style() -> None:
    found = samples.dependency()
    assert displayed(found, FigureStyle())[71, 0] == 5
    assert displayed(found, FigureStyle(symmetry="max"))[71, 0] == 6
    assert displayed(found, FigureStyle(symmetry="mean"))[71, 0] == 5.5
    assert displayed(found, FigureStyle(shape="triangle"))[71, 0] == 6
    assert displayed(found, FigureStyle(threshold=5.5))[71, 0] == 0
    assert displayed(found, FigureStyle(hide_near=72))[71, 0] == 0
    assert displayed(found, FigureStyle(hide_near=71))[71, 0] == 5
    partial = displayed(samples.dependency(rows_done=19), FigureStyle(symmetry="max", hide_near=9))
    assert np.isnan(partial[1, 2])  # neither row is there
    assert partial[1, 4] == 0  # row 4 is, near the diagonal
    assert partial[71, 0] == 6  # row 0 is


def test_shapes_are_joined_below_the_axis_without_gaps() -> None:
    x, y = joined([[1, 2, 3], [5, 6, 7]], [[0, 1, 0], [0, 2, 0]])
    assert x.tolist() == [1, 1, 2, 3, 3, 5, 5, 6, 7, 7]
    assert y.tolist() == [BELOW, 0, 1, 0, BELOW, BELOW, 0, 2, 0, BELOW]
    assert joined(np.empty((0, 3)), np.empty((0, 3)))[0].size == 0


def test_a_filled_shape_is_left_where_it_was_entered() -> None:
    for x, y in (boxes([0, 4], [1, 6], 0, 1), placed("A", [0, 3], 0, 1, [1, 2]), placed("(", [2], 0, 0.5, 1)):
        down = np.flatnonzero(y == BELOW).reshape(-1, 2)
        for first, last in down:
            assert x[first] == x[last]


def test_bars_keep_their_values_and_lose_points_that_say_nothing() -> None:
    x, y = steps([1, 1, 1, 2, np.nan])
    assert x.tolist() == [0.5, 0.5, 3.5, 3.5, 4.5, 4.5, 5.5, 5.5]
    assert y.tolist() == [0, 1, 1, 2, 2, 0, 0, 0]
    x, y = steps([0.501, 0.499], base=2, levels=10)
    assert (x.tolist(), y.tolist()) == ([0.5, 0.5, 2.5, 2.5], [2, 2.5, 2.5, 2])


def area(corners: np.ndarray) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


@pytest.mark.parametrize("symbol", sorted(OUTLINES))
def test_every_symbol_lies_in_its_box_and_has_some_ink_but_not_all_of_it(symbol: str) -> None:
    corners = outline(symbol)
    assert corners.min() >= 0
    assert corners.max() <= 1
    assert corners[0].tolist() == corners[-1].tolist()
    assert 0.04 < area(corners) < 0.75


def test_all_letters_of_a_sequence_and_a_dot_bracket_differ() -> None:
    shapes = {letter: OUTLINES[letter] for letter in "ACGTURYSWKMBDHVN.()[]{}<>"}
    assert len(set(shapes.values())) == len(shapes)


def test_a_picture_has_each_letter_in_its_base_and_runs_down() -> None:
    assert path_data("", 100, 100) == "m0 0l0 -100 100 0 0 100z"
    picture = Picture(3, 2.0)
    picture.add("#112233", "", [0, 2], bottom=0.5, height=[1, 0.25], width=1.0)
    image = picture.image(-12)
    assert (image["x"], image["sizex"], image["y"], image["sizey"]) == (0.5, 3, -10, 2)
    text = base64.b64decode(image["source"].partition(",")[2]).decode()
    assert 'viewBox="0 0 300 200"' in text
    assert 'fill="#112233" d="M0 150m0 0l0 -100 100 0 0 100zM200 150m0 0l0 -25 100 0 0 25z"' in text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(name: str) -> None:
    ground = THEME[name]["background"]
    assert contrast(THEME[name]["ink"], ground) > 7
    for use in ("faint", "accent", "bar"):
        assert contrast(THEME[name][use], ground) >= 4.5
    for colour in [*BASE_COLOURS["safe"][name].values(), *ELEMENT_COLOURS[name]]:
        assert contrast(colour, ground) >= 3


@pytest.mark.parametrize("name", sorted(PALETTES))
def test_palettes_of_magnitudes_get_steadily_lighter_or_darker(name: str) -> None:
    steps_of = np.diff([luminance(interpolated(PALETTES[name], part)) for part in np.linspace(0, 1, 50)])
    assert (steps_of > 0).all() or (steps_of < 0).all()
