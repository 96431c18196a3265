"""Numbers with intervals as a picture."""

from __future__ import annotations

from engine.views.interval_figure import Measured, interval_figure


def test_scores_and_baselines_stand_apart_in_the_order_given_with_their_intervals() -> None:
    rows = [Measured("a", 0.9, 0.8, 0.95, False), Measured("<b>", 0.5, None, None, True)]
    figure = interval_figure(rows, "AUROC", chance=0.5)
    score, baseline = figure.data
    assert (list(score.x), list(baseline.x)) == ([0.9], [0.5])
    assert round(score.error_x.array[0], 6) == 0.05
    assert round(score.error_x.arrayminus[0], 6) == 0.1
    assert baseline.error_x.array == (0.0,)
    assert list(figure.layout.yaxis.categoryarray) == ["&lt;b&gt;", "a"]
    assert figure.layout.shapes[0].x0 == 0.5
    assert score.marker.symbol != baseline.marker.symbol
