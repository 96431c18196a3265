"""Envelopes for the browser, read back here byte by byte."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ParameterError
from engine.views import live, wire
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.measures import colour_limit
from tests.views import samples

ADDRESS = wire.Address("page", "view", "model/metric")
TYPES = {"f4": "<f4", "f8": "<f8", "u1": "u1", "i4": "<i4"}
WIDE = FigureStyle(live=True, shape="wide")


def opened(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A second reader of the format, as the module's text describes it."""
    assert data[:4] == b"LVW1"
    (length,) = struct.unpack("<I", data[4:8])
    header = json.loads(data[8 : 8 + length])
    arrays = {}
    for item in header["arrays"]:
        assert item["offset"] % 8 == 0
        arrays[item["name"]] = np.frombuffer(data, TYPES[item["dtype"]], item["count"], item["offset"])
    return header, arrays


def test_a_short_map_goes_with_its_values() -> None:
    found = samples.dependency()
    header, arrays = opened(wire.map_envelope(ADDRESS, found, WIDE))
    assert (header["target"], header["view"], header["generation"], header["kind"]) == ("page", "view", "model/metric", "map")
    assert (header["bin"], header["width"], header["complete"], header["exact"], header["offset"]) == (1, 76, True, True, 0)
    np.testing.assert_array_equal(arrays["values"].reshape(76, 76), found.values)
    assert set(arrays) == {"percentiles", "values", "cells1"}
    assert arrays["cells1"].reshape(76, 76)[0, 71] == 254


@pytest.mark.parametrize(("length", "most"), [(512, 1_400_000), (700, 700_000), (1024, 1_450_000), (2048, 1_450_000)])
def test_a_map_is_at_most_one_and_a_half_megabytes(length: int, most: int) -> None:
    assert len(wire.map_envelope(ADDRESS, samples.dependency(samples.sequence(length)), WIDE)) <= most


def test_a_longer_map_is_pooled_so_that_a_lone_contact_survives_and_its_window_is_exact() -> None:
    found = samples.dependency(samples.sequence(2050))
    header, arrays = opened(wire.map_envelope(ADDRESS, found, WIDE))
    assert (header["bin"], header["width"], header["exact"]) == (3, 684, False)
    assert arrays["cells1"].reshape(684, 684)[0, 71 // 3] == 254
    header, arrays = opened(wire.window_envelope(ADDRESS, found, 100, 300, WIDE))
    assert (header["kind"], header["offset"], header["width"], header["exact"]) == ("window", 100, 200, True)
    np.testing.assert_array_equal(arrays["values"].reshape(200, 200), found.values[100:300, 100:300])


def test_a_window_wider_than_the_limit_is_refused() -> None:
    with pytest.raises(ParameterError, match="1 to 512"):
        wire.window_envelope(ADDRESS, samples.dependency(samples.sequence(600)), 0, 600, WIDE)


def test_the_triangle_goes_only_where_it_is_drawn() -> None:
    _, arrays = opened(wire.map_envelope(ADDRESS, samples.dependency(), FigureStyle(live=True, shape="triangle")))
    assert arrays["bricks1"].size == 2 * 76 * 76


def test_what_is_shown_otherwise_is_told_as_it_is() -> None:
    found = samples.dependency(samples.sequence(600))
    style = FigureStyle(live=True, shape="wide", symmetry="mean", hide_near=3)
    header, arrays = opened(wire.map_envelope(ADDRESS, found, style))
    raw, shown = (arrays[name].reshape(600, 600) for name in ("raw", "cells1"))
    assert not header["exact"]
    assert (raw[0, 71], shown[10, 11]) == (254, 0)
    assert raw[10, 11] > 0
    assert shown[0, 71] == shown[71, 0]


def test_the_browser_can_choose_the_colour_limit_that_static_figures_have() -> None:
    found = samples.dependency()
    _, arrays = opened(wire.map_envelope(ADDRESS, found, WIDE))
    for percentile in (50, 90.5, 99.5, 100):
        limit = arrays["percentiles"][round(2 * percentile)]
        assert limit == pytest.approx(colour_limit(found.values, FigureStyle(percentile=percentile)), rel=1e-6)


def test_rows_that_are_not_computed_are_told_as_such() -> None:
    header, arrays = opened(wire.map_envelope(ADDRESS, samples.dependency(samples.sequence(200), 50), WIDE))
    assert (header["complete"], header["partial"]) == (False, True)
    cells = arrays["cells1"].reshape(200, 200)
    assert (cells[0] < 128).all()
    assert (cells[1] >= 128).all()


def test_the_arrays_of_a_figure_go_as_bytes_and_nothing_is_lost() -> None:
    evidence = LocusEvidence(samples.sequence(), {"dependency": samples.dependency(), "effects": samples.effects()})
    figure = locus_figure(evidence, WIDE)
    facts = live.facts(figure, ["Words."], dark=False)
    header, arrays = opened(wire.figure_envelope(ADDRESS, figure, facts, dark=False))
    assert header["panels"]["map"] == "result"
    text = bytes(arrays.pop("json")).decode()
    found = json.loads(text, object_hook=lambda value: arrays[value["array"]] if set(value) == {"array"} else value)
    assert len(found["data"]) == len(figure.data)
    for drawn, given_ in zip(found["data"], figure.data, strict=True):
        if given_.type == "heatmap":
            np.testing.assert_array_equal(np.stack(drawn["z"]), np.asarray(given_.z, np.float32))
        else:
            np.testing.assert_allclose(drawn["x"], np.asarray(given_.x, np.float32))
    assert found["facts"]["words"] == "Words."
    assert found["layout"]["xaxis"]["side"] == "top"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 9), st.text(max_size=40), st.integers(1, 40))
def test_any_header_and_array_come_back(number: int, text: str, size: int) -> None:
    values = np.arange(size, dtype=np.float32)
    data = wire.envelope(
        wire.Address("t", text),
        "k",
        {"number": number, "text": text},
        [wire.Encoded("one", values), wire.Encoded("two", values.astype("<i4"))],
    )
    header, arrays = opened(data)
    assert (header["number"], header["text"], header["view"]) == (number, text, text)
    np.testing.assert_array_equal(arrays["one"], values)
    np.testing.assert_array_equal(arrays["two"], values.astype(int))
