"""What goes to a figure in the browser, and what a browser may ask of it."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from engine.views import wire
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from pages._ui.figure_view import asked, plotly_place
from pages._ui.figure_view.feed import Chosen, Feed
from tests.views import samples

ADDRESS = wire.Address("t", "v", "g")
WIDE = FigureStyle(live=True, shape="wide")
REGION = {"a": 0, "b": 76}
WISH: dict[str, Any] = {
    "format": "svg",
    "display": {"shape": "square"},
    "region": {"a": 9.7, "b": 40.2},
    "rows": {"a": 9.7, "b": 40.2},
    "selection": {"i": 0, "j": 71},
    "arrangement": {"order": ["entropy", "map"], "folded": ["influence"], "heights": {"entropy": 99}, "off": ["elements/gene"]},
    "width": 700.4,
    "mapHeight": 333,
}


def known(rows: int | None = None, **more: Any) -> LocusEvidence:
    results = {"dependency": samples.dependency(rows_done=rows), "effects": samples.effects(), "segmentation": samples.segmentation()}
    return LocusEvidence(samples.sequence(), results, **more)


def header(data: bytes) -> dict[str, Any]:
    (size,) = struct.unpack("<I", data[4:8])
    found: dict[str, Any] = json.loads(data[8 : 8 + size])
    return found


def drawn(data: bytes) -> dict[str, Any]:
    """The figure of an envelope, arrays left out."""
    told = header(data)
    place = next(item for item in told["arrays"] if item["name"] == "json")
    found: dict[str, Any] = json.loads(data[place["offset"] : place["offset"] + place["count"]])
    return found


def test_what_has_not_changed_is_the_same_bytes() -> None:
    feed, evidence = Feed(ADDRESS), known()
    first = feed.envelopes(evidence, WIDE)
    again = feed.envelopes(LocusEvidence(evidence.sequence, dict(evidence.results)), WIDE, progress=["5 of 76"])
    assert set(first) == {"figure", "side", "map", "status"}
    assert all(again[kind] is first[kind] for kind in ("figure", "side", "map"))
    assert header(again["status"])["nodes"] == ["5 of 76"]
    other = feed.envelopes(evidence, FigureStyle(live=True, shape="wide", arcs=3))
    assert other["figure"] != first["figure"]


def test_a_map_that_fills_sends_its_cells_and_not_the_figure_around_them() -> None:
    feed, growing = Feed(ADDRESS), frozenset({"dependency"})
    evidence = known(rows=10, growing=growing)
    first = feed.envelopes(evidence, WIDE, states={"dependency": "partial, 10 of 76 rows"})
    results = {**evidence.results, "dependency": samples.dependency(rows_done=19)}
    second = feed.envelopes(LocusEvidence(evidence.sequence, results, growing=growing), WIDE)
    assert second["figure"] is first["figure"]
    assert second["map"] != first["map"]
    assert header(first["status"])["states"] == {"dependency": "partial, 10 of 76 rows"}
    whole = feed.envelopes(LocusEvidence(evidence.sequence, {**results, "dependency": samples.dependency()}), WIDE)
    assert whole["figure"] != first["figure"]


def test_sentence_and_description_count_the_rows_of_the_map_that_is_drawn() -> None:
    """While it grows around a kept figure they name no number; once it is stopped, that of the last map, and not of the first."""
    feed, growing = Feed(ADDRESS), frozenset({"dependency"})

    def said(rows: int, **more: Any) -> str:
        found = feed.envelopes(known(rows=rows, **more), WIDE)
        return (found["figure"] + found["side"]).decode(errors="replace")

    assert "The map is being computed, so nothing is said of its pairs yet." in said(2, growing=growing)
    assert "of 76 rows" not in said(2, growing=growing)
    assert "of 76 rows" not in said(19, growing=growing)
    stopped = said(19)
    assert "19 of 76 rows of the map are computed" in stopped
    assert "partial: 19 of 76 rows are computed" in stopped
    assert "38 of 76 rows of the map are computed" in said(38)


def test_panels_without_a_result_say_why() -> None:
    evidence = LocusEvidence(samples.sequence(), {}, (), {"dependency": PanelState("waiting"), "tokens": PanelState("cannot", "No words.")})
    found = Feed(ADDRESS).envelopes(evidence, WIDE)
    assert header(found["figure"])["panels"] == {"arcs": "waiting", "sequence": "result", "map": "waiting", "tokens": "cannot"}
    assert "map" not in found


def test_the_card_belongs_to_what_is_selected() -> None:
    feed, evidence = Feed(ADDRESS), known()
    pair = header(feed.envelopes(evidence, WIDE, chosen=Chosen((0, 71), note="Wait."))["card"])
    assert pair["of"] == "1,72"
    assert "Wait." in json.dumps(pair["nodes"])
    base = header(feed.envelopes(evidence, WIDE, chosen=Chosen((4,)))["card"])
    assert base["of"] == "5"


def test_a_window_goes_with_as_much_around_it_as_is_exact() -> None:
    given = samples.sequence(1500)
    evidence = LocusEvidence(given, {"dependency": samples.dependency(given)})
    found = header(Feed(ADDRESS).envelopes(evidence, WIDE, window=(700, 800))["window"])
    assert (found["offset"], found["width"], found["exact"]) == (494, 512, True)


def test_settings_of_the_display_become_a_style_and_nonsense_the_usual_one() -> None:
    given = {"shape": "triangle", "palette": "magma", "scale": "log", "percentile": 90, "high": None, "threshold": 0.5, "symmetry": "max"}
    style = asked.style_of({**given, "near": 4, "distance": 9, "arcs": 7, "bases": "igv"}, dark=True)
    assert style == FigureStyle(
        live=True, dark=True, shape="triangle", colours="magma", log=True, percentile=90, threshold=0.5, symmetry="max", hide_near=4,
        minimum_distance=9, arcs=7, bases="igv",
    )  # fmt: skip
    hostile = {"shape": "cube", "percentile": "1e9", "high": -1, "arcs": 10**9, "distance": "x" * 999, "near": {"a": 1}, "threshold": None}
    assert asked.style_of(hostile, dark=False) == FigureStyle(live=True, shape="wide")


def test_the_picture_is_what_is_seen() -> None:
    data = asked.picture(ADDRESS, known(), WISH, "locus", dark=False)
    assert data is not None
    told, figure = header(data), drawn(data)
    assert told["options"] == {"format": "svg", "filename": "locus", "width": 868, "height": told["options"]["height"], "scale": 1}
    assert figure["layout"]["xaxis"]["range"] == [9.5, 41.5]  # every base of which something is seen
    titles = [note["text"] for note in figure["layout"]["annotations"]]
    assert not any("Influence" in text for text in titles)
    assert any("Dependency map" in text for text in titles)
    hidden = [trace for trace in figure["data"] if trace.get("visible") is False]
    assert [trace["name"] for trace in hidden] == ["gene"]


def test_the_picture_of_a_block_has_its_rows() -> None:
    data = asked.picture(ADDRESS, known(), {**WISH, "rows": {"a": 50, "b": 70}}, "locus", dark=False)
    assert data is not None
    layout = drawn(data)["layout"]
    (axis,) = [axis for name, axis in layout.items() if name.startswith("yaxis") and axis["range"] == [70.5, 50.5]]
    assert axis["ticktext"] == ["55", "60", "65", "70"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "exe"},
        {"region": None},
        {"region": {"a": "x", "b": 3}},
        {"rows": {"a": 1e300, "b": 3}},
        {"arrangement": []},
    ],
)
def test_a_wish_that_is_none_of_ours_is_not_granted(change: dict[str, Any]) -> None:
    assert asked.picture(ADDRESS, known(), {**WISH, **change}, "locus", dark=False) is None


@pytest.mark.parametrize(
    "change",
    [
        {"selection": {"i": 99999, "j": -4}},
        {"selection": "all"},
        {"width": "wide"},
        {"mapHeight": 10**12},
        {"arrangement": {"order": [3, "../x"], "folded": "map", "heights": {"map": "tall", "entropy": None}, "off": {"a": 1}}},
        {"region": {"a": -50, "b": 4000}, "rows": {"a": -50, "b": 4000}},
        {"display": "none"},
    ],
)
def test_odd_parts_of_a_wish_are_left_out(change: dict[str, Any]) -> None:
    assert asked.picture(ADDRESS, known(), {**WISH, **change}, "locus", dark=False) is not None


def test_plotly_is_streamlits_own_copy_on_this_server() -> None:
    assert plotly_place().startswith("static/js/PlotlyChart.")
