"""Distributions of scores, against counts made by hand."""

from __future__ import annotations

import numpy as np

from engine.views.score_figures import MOST_POINTS, score_against_frequency, score_histogram


def test_each_class_is_an_outline_of_its_own_shares() -> None:
    values = {"a": np.array([0.0, 0.0, 0.0, 1.0]), "b": np.array([1.0, np.nan]), "none": np.array([np.nan])}
    figure = score_histogram(values, "llr")
    assert [trace.name for trace in figure.data] == ["a (4)", "b (1)"]
    assert max(figure.data[0].y) == 75
    assert max(figure.data[1].y) == 100
    assert len({trace.line.dash for trace in figure.data}) == 2
    assert len({trace.line.color for trace in figure.data}) == 2


def test_no_class_is_left_out_each_looks_different_and_names_are_no_markup() -> None:
    values = {f"<b>{n}</b>": np.arange(n + 1, dtype=float) for n in range(24)}
    figure = score_histogram(values, "llr")
    assert len(figure.data) == len({(trace.line.dash, trace.line.color) for trace in figure.data}) == 24
    assert figure.data[0].name == "&lt;b&gt;23&lt;/b&gt; (24)"


def test_frequencies_of_zero_have_no_place_on_a_logarithmic_axis_and_many_points_are_thinned() -> None:
    many = np.full(3 * MOST_POINTS, 0.5)
    figure = score_against_frequency({"a": np.array([0.0, 0.1, np.nan]), "b": many}, {"a": np.array([1.0, 2.0, 3.0]), "b": many}, "llr")
    drawn = {trace.name.split(" ")[0]: trace for trace in figure.data}
    assert list(drawn["a"].y) == [2.0]
    assert len(drawn["b"].x) == MOST_POINTS
    assert drawn["a"].marker.symbol != drawn["b"].marker.symbol
