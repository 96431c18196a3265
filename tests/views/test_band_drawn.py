"""The dependency band as it is drawn: each pair over its middle, as far down as its bases are apart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.analyses.band import BandParameters, DependencyBand, dependency_band
from engine.analyses.tiling import tiles
from engine.views import beside, live
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from tests.views.samples import dependency, sequence

GIVEN = sequence()


def band(rows_done: int = 0) -> DependencyBand:
    """Of the sample map, in tiles that each read all of it."""
    parameters = BandParameters(band=80, tile=32)
    answers = {tile.name: dependency(GIVEN) for tile in tiles(GIVEN, 32, 80)}
    if rows_done:
        answers = dict(list(answers.items())[:rows_done])
    return dependency_band(GIVEN, parameters, answers)


def test_a_pair_stands_over_its_middle_and_as_far_down_as_its_bases_are_apart() -> None:
    figure = locus_figure(LocusEvidence(GIVEN, {"band": band()}))
    (trace,) = (trace for trace in figure.data if trace.type == "heatmap")
    values = np.array(trace.z, float)
    row = round((71 - trace.y0) / trace.dy)
    columns = [round((1 + 35.5 + half - trace.x0) / trace.dx) for half in (-0.25, 0.25)]
    assert values[row, columns].tolist() == [6.0, 6.0]  # bases 1 and 72, 71 apart
    assert np.nanmax(values) == 6.0
    (panel,) = (panel for panel in figure.layout.meta["panels"] if panel["id"] == "band")
    assert panel["title"] == "Dependency band ±80 bases"
    assert panel["model"].endswith(", tiled")
    assert "in tiles of 32 bases with 80 read on either side" in figure.layout.meta["sentence"]
    assert "pairs more than 80 bases apart were not asked" in figure.layout.meta["sentence"]


def test_a_live_band_is_pictures_and_its_pairs_are_arcs_rows_and_cards() -> None:
    style = FigureStyle(live=True, hide_near=3, threshold=0.5)
    evidence = LocusEvidence(GIVEN, {"band": band()})
    figure = locus_figure(evidence, style)
    assert sum(image.sizey == 80 for image in figure.layout.images) == 1
    facts = live.facts(figure, [], dark=False)
    ids = {panel["id"]: panel for panel in facts["panels"]}
    assert {"band", "arcs", "block-score"} <= set(ids)
    assert ids["band"]["tags"][0] == "strongest 6.00  with 72 bits"
    tabs = json.dumps(beside.tabs(evidence, style, facts, []), default=str)
    assert '"data-places": "1,72"' in tabs
    card = json.dumps(beside.pair_card(evidence, style, (0, 71)))
    assert "6.00 bits" in card
    assert "5.00 bits" in card
    assert "—" in json.dumps(beside.pair_card(LocusEvidence(GIVEN, {"band": narrow()}), style, (0, 71)), ensure_ascii=False)


def narrow() -> DependencyBand:
    """Of pairs up to 8 bases apart."""
    parameters = BandParameters(band=8, tile=32)
    plan = tiles(GIVEN, 32, 8)
    whole = dependency(GIVEN)
    parts = {
        tile.name: replace(
            whole, sequence=GIVEN.window(tile.start, tile.end), values=whole.values[tile.start : tile.end, tile.start : tile.end]
        )
        for tile in plan
    }
    found = dependency_band(GIVEN, parameters, parts)
    assert found.cell(20, 28) == pytest.approx(whole.values[20, 28])
    return found


def test_a_partial_band_says_how_much_of_it_is_there() -> None:
    found = band(rows_done=2)
    assert not found.complete
    assert found.provenance.partial
    figure = locus_figure(LocusEvidence(GIVEN, {"band": found}))
    (panel,) = (panel for panel in figure.layout.meta["panels"] if panel["id"] == "band")
    assert panel["state"] == "partial"
    assert f"64 of {len(GIVEN)} rows" in found.words()
