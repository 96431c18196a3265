"""Panels of own tracks, and how a signal goes along with a model's track."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from engine.core.own_tracks import OwnTrack, Rows, TrackFile, on_one_scale
from engine.views.correlation import correlated, scatter
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.own_panels import variant_heights
from tests.views import samples

GIVEN = samples.sequence(76)


def own(kind: str, rows: Rows, id: str = "own-1") -> OwnTrack:
    file = TrackFile("mine", kind, {"c": rows})  # type: ignore[arg-type]
    return OwnTrack.of(file, ("c",), 0, 76, reverse=False, id=id, name="mine", colour="#123456")


def rows(*items: tuple[int, int, float, str], others: list[list[int]] | None = None) -> Rows:
    starts, ends = (np.array([item[k] for item in items], np.int64) for k in (0, 1))
    values = np.array([item[2] for item in items], np.float32)
    pairs = np.array(others, np.int64) if others else np.empty((0, 2), np.int64)
    return Rows(starts, ends, values, tuple(item[3] for item in items), (".",) * len(items), pairs)


TRACKS = (
    own("blocks", rows((2, 9, 0, "site")), "own-a"),
    own("signal", rows((0, 30, 1.5, ""), (30, 40, -1, "")), "own-b"),
    own("variants", rows((5, 6, 0.25, "A>G")), "own-c"),
    own("pairs", rows((3, 4, 1, "p"), others=[[70, 71]]), "own-d"),
)


@pytest.mark.parametrize("live", [True, False])
def test_each_track_is_a_panel_on_the_axis_of_the_figure_that_can_be_ordered_and_hidden(live: bool) -> None:
    evidence = LocusEvidence(GIVEN, {"dependency": samples.dependency(GIVEN)}, own=TRACKS)
    meta = locus_figure(evidence, FigureStyle(live=live, order=("own-c",), hidden=("own-d",))).layout.meta
    found = [panel["id"] for panel in meta["panels"]]
    assert found[0] == "own-c"
    assert [name for name in found if name.startswith("own-")] == ["own-c", "own-a", "own-b"]
    assert {panel["title"] for panel in meta["panels"] if panel["id"].startswith("own-")} == {"mine"}
    readout = next(panel["readout"] for panel in meta["panels"] if panel["id"] == "own-b")
    assert np.asarray(readout[0]["values"])[[0, 35]].tolist() == [1.5, -1]


def test_signals_have_their_own_scale_one_together_or_a_given_one_and_may_be_strips_of_colours() -> None:
    small, large = own("signal", rows((0, 30, 1.5, "")), "own-s"), own("signal", rows((0, 9, 6, ""), (9, 20, -2, "")), "own-l")
    shared = on_one_scale((small, large), {"own-s", "own-l"})
    assert [track.limits for track in shared] == [(-2, 6), (-2, 6)]
    assert on_one_scale((small, large), {"own-s"})[1].limits is None
    given = (replace(small, id="own-f", limits=(0.0, 1.0)), replace(shared[1], id="own-h", heat=True), *shared)
    figure = locus_figure(LocusEvidence(GIVEN, {"dependency": samples.dependency(GIVEN)}, own=given))
    panels = {panel["id"]: panel for panel in figure.layout.meta["panels"]}
    ranges = {name: figure.layout[f"yaxis{panels[name]['axis'][1:]}"].range for name in ("own-s", "own-l", "own-f")}
    assert ranges["own-s"] == ranges["own-l"] == pytest.approx((-2.96, 6.96))
    assert ranges["own-f"] == pytest.approx((0, 1.12))
    assert panels["own-f"]["unit"] == "0 to 1"
    (strip,) = (trace for trace in figure.data if trace.type == "heatmap" and trace.yaxis == panels["own-h"]["axis"])
    assert (strip.zmin, strip.zmax) == (-2, 6)
    assert np.asarray(strip.z)[0, [0, 10]].tolist() == [6, -2]
    assert strip.x0 == 1


def test_a_track_with_nothing_here_says_so() -> None:
    evidence = LocusEvidence(GIVEN, {}, own=(own("blocks", rows()),))
    (panel,) = (one for one in locus_figure(evidence, FigureStyle(live=True)).layout.meta["panels"] if one["id"] == "own-1")
    assert panel["words"] == "nothing of it lies here"


def test_a_lollipop_is_as_high_as_the_part_of_substitutions_that_are_expected_more() -> None:
    effects = samples.effects(GIVEN)
    place = next(k for k, letter in enumerate(GIVEN.as_dna()) if letter == "A")
    scores = effects.llr[np.isfinite(effects.llr)]
    value = effects.llr[place, 2]
    track = own(
        "variants",
        rows(
            (place, place + 1, 0.1, "A>G"), (place, place + 1, 0.2, "C>G"), (place, place + 1, 0.3, "AT>A"), (place, place + 1, 0.4, "A>AC")
        ),
    )
    heights, model = variant_heights(track, LocusEvidence(GIVEN, {"effects": effects}))
    assert heights[0] == pytest.approx(np.mean(scores > value))
    assert heights[1:].tolist() == [0.5, 0.5, 0.5]  # another reference, and no substitutions
    assert model
    heights, model = variant_heights(track, LocusEvidence(GIVEN, {}))
    assert heights.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert not model


def test_of_very_many_variants_the_highest_of_each_pixel_are_drawn() -> None:
    many = [(place % len(GIVEN), place % len(GIVEN) + 1, place / 20_000, "N>A") for place in range(20_000)]
    track = own("variants", rows(*sorted(many)))
    (panel,) = (
        one
        for one in locus_figure(LocusEvidence(GIVEN, {}, own=(track,)), FigureStyle(live=True)).layout.meta["panels"]
        if one["id"] == "own-1"
    )
    assert panel["unit"] == "the highest of 20,000 a pixel"


def test_the_correlation_is_scipys_and_says_when_there_is_none() -> None:
    random = np.random.default_rng(5)
    one = random.integers(0, 6, 200).astype(np.float32)
    other = (one + random.normal(0, 2, 200)).astype(np.float32)
    one[::17] = np.nan
    known = np.isfinite(one)
    found = correlated(one, other)
    assert found.count == known.sum()
    assert found.pearson == pytest.approx(pearsonr(one[known], other[known]).statistic, abs=1e-6)
    assert found.spearman == pytest.approx(spearmanr(one[known], other[known]).statistic, abs=1e-6)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.spearman < found.high
    assert "n = 188" in found.words()
    assert correlated(one[:9], other[:9]).spearman is None
    assert "no correlation" in correlated(np.ones(50), np.arange(50.0)).words()
    assert len(scatter(one, other, ("a", "b"), colour="#123456").data[0].x) == known.sum()
