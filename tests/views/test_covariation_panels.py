"""The panels of an alignment: both halves of the map, its tracks, and the same axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.analyses.covariation import Covariation, CovariationParameters, covariation
from engine.analyses.dependency import DependencyMap
from engine.sources.alignments import read_alignment
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure

HAND = b">X1.1/101-110\nGACGAUAACC\n>b\nGCCGAGAACC\n>c\nGGCGACAACC\n>d\nGUCG-AAACA\n"


def hand() -> Covariation:
    return covariation(read_alignment("hand.fa", HAND), "", CovariationParameters("mi", 0, 0.9))


def drawn(found: Covariation, **style: Any) -> Any:
    return locus_figure(LocusEvidence(found.sequence, {"covariation": found}), FigureStyle(**style))


def heat(figure: Any) -> Any:
    return next(trace for trace in figure.data if trace.type == "heatmap")


def test_the_alignment_is_under_the_diagonal_and_the_model_over_it() -> None:
    found = hand()
    values = np.zeros((10, 10), np.float32)
    values[8, 3] = 4
    figure = drawn(found.with_map(DependencyMap(found.sequence, values, found.provenance)))
    cells = np.asarray(heat(figure).z)
    shown = np.asarray(heat(figure).customdata)
    assert (shown[3, 8], cells[3, 8]) == (4, 1)
    assert (shown[5, 1], cells[5, 1]) == (2, 1)
    assert (shown[1, 5], shown[8, 3]) == (0, found.values[8, 3])
    assert np.isnan(shown[4, 1])
    assert not np.isnan(shown[1, 4])


def test_without_a_model_both_halves_are_the_alignment() -> None:
    found = hand()
    cells = np.asarray(heat(drawn(found)).z)
    np.testing.assert_array_equal(cells, cells.T)
    assert cells[1, 5] == 2


def test_map_and_tracks_are_on_one_axis_with_coordinates_of_the_reference() -> None:
    figure = drawn(hand())
    panels = {item["id"]: item for item in figure.layout.meta["panels"]}
    assert [name for name in panels if name in ("conservation", "gaps", "covariation")] == ["conservation", "gaps", "covariation"]
    assert {trace.xaxis for trace in figure.data} == {"x"}
    assert figure.layout.meta["locus"]["contig"] == "X1.1"
    assert figure.layout[f"yaxis{panels['covariation']['axis'][1:]}"].fixedrange is False
    np.testing.assert_allclose(panels["gaps"]["readout"][0]["values"][4], 0.25)
    assert "4 sequences" in figure.layout.title.text


def test_files_without_a_pointer_have_the_map_as_a_picture() -> None:
    figure = drawn(hand(), still=True)
    assert len(figure.layout.images) == 1
    assert all(trace.type == "scatter" for trace in figure.data)
