"""The composite figure, read back from its traces."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.sequence import NucleotideSequence
from engine.views.locus_figure import FigureStyle, LocusEvidence, locus_figure
from tests.views import samples


def everything() -> LocusEvidence:
    features = (Feature("tRNA", "tRNA-Ala", 0, 72, "+"), Feature("stem", "anticodon", 26, 43, "."), Feature("stem", "T", 50, 60, "."))
    return LocusEvidence(
        samples.sequence(),
        {
            "dependency": samples.dependency(),
            "contacts": samples.contacts(),
            "effects": samples.effects(),
            "probabilities": samples.probabilities(),
            "segmentation": samples.segmentation(),
        },
        features,
    )


def test_every_panel_stands_on_one_x_axis_and_its_own_y_axis() -> None:
    figure = locus_figure(everything())
    assert {trace.xaxis for trace in figure.data} == {"x"}
    assert len({trace.yaxis for trace in figure.data}) == 8
    assert figure.layout.hoversubplots == "axis"


def test_the_map_shows_row_i_column_j_at_1_based_positions() -> None:
    found = samples.dependency()
    trace = locus_figure(LocusEvidence(samples.sequence(), {"dependency": found})).data[-2]
    assert trace.type == "heatmap"
    assert (trace.x[71], trace.y[0]) == (72, 1)
    assert trace.z[0][71] == found.values[0, 71] == 6


def test_the_triangle_has_the_stronger_direction_of_each_pair_at_its_midpoint_and_distance() -> None:
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency()}), FigureStyle(shape="triangle"))
    trace = next(item for item in figure.data if item.type == "heatmap")
    column = round(((1 + 72) / 2 - trace.x0 - 0.25) / trace.dx)
    assert trace.z[71][column] == 6
    assert trace.z[71][column + 1] == 6


def test_an_arc_spans_its_two_bases() -> None:
    arcs = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency()})).data[0]
    first = np.asarray(arcs.x)[:24]
    assert (first.min(), first.max()) == (1, 72)


def test_overlapping_features_get_lanes_of_their_own_and_apart_ones_share_one() -> None:
    figure = locus_figure(everything())
    lanes = {trace.text: round(float(np.mean(trace.y[:4]))) for trace in figure.data if trace.type == "scatter" and trace.fill == "toself"}
    assert [lanes[key] for key in sorted(lanes)] == [-1, -1, 0]


def test_letters_are_left_out_where_they_would_not_fit() -> None:
    long = samples.sequence(300)
    shown = locus_figure(LocusEvidence(long, {"dependency": samples.dependency(long)}), FigureStyle(first=11, last=60))
    whole = locus_figure(LocusEvidence(long, {"dependency": samples.dependency(long)}))
    assert "".join(shown.data[-1].text) == long.letters[10:60]
    assert not [trace for trace in whole.data if trace.type == "scatter" and trace.mode == "text"]


def test_a_partial_map_says_that_it_is_partial() -> None:
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency(rows_done=4)}))
    assert any("partial" in note.text for note in figure.layout.annotations)


def test_results_of_another_sequence_and_an_empty_figure_are_refused() -> None:
    with pytest.raises(ParameterError, match="another sequence"):
        LocusEvidence(NucleotideSequence("ACGT"), {"dependency": samples.dependency()})
    with pytest.raises(ParameterError, match="nothing to draw"):
        locus_figure(LocusEvidence(samples.sequence(300)))
