"""Logos of clusters, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analyses.cluster_logos import WIDTH, logo, nearest
from engine.views.cluster_logos import logo_figure


def test_the_places_nearest_to_the_mean_come_first() -> None:
    space = np.array([[0, 0], [4, 0], [1, 0], [9, 9]], np.float32)
    found = nearest(space, np.array([0, 0, 0, 1], np.int32))
    assert {cluster: rows.tolist() for cluster, rows in found.items()} == {0: [2, 0, 1], 1: [3]}


def test_letters_are_counted_and_heights_corrected_for_few_sequences() -> None:
    found = logo(0, 9, np.arange(4), ["ACG", "ACN", "ATGG", "AG"])
    assert found.counts[:4].tolist() == [[4, 0, 0, 0], [0, 2, 1, 1], [0, 0, 2, 0], [0, 0, 1, 0]]
    assert found.counts.shape == (WIDTH, 4)
    assert found.bits[0] == pytest.approx(2 - 3 / (2 * np.log(2) * 4))
    assert found.bits[1] == pytest.approx(max(0, 2 - 1.5 - 3 / (2 * np.log(2) * 4)))
    assert found.bits[4:].max() == 0
    drawn = logo_figure([found, found], dark=True)
    assert {trace.yaxis for trace in drawn.data} == {"y", "y2"}
