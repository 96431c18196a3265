"""Envelopes for the browser, read back here byte by byte."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analyses.dependency import DependencyMap
from engine.core.errors import ParameterError
from engine.views import payload
from tests.views import samples

ADDRESS = payload.Address("page", "view", "model/metric")
TYPES = {"f4": "<f4", "f2": "<f2", "u1": "u1", "i4": "<i4"}


def opened(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A second reader of the format, as the module's text describes it."""
    assert data[:4] == b"LVW1"
    (length,) = struct.unpack("<I", data[4:8])
    header = json.loads(data[8 : 8 + length])
    arrays = {}
    for item in header["arrays"]:
        assert item["offset"] % 8 == 0
        values = np.frombuffer(data, TYPES[item["dtype"]], item["count"], item["offset"])
        if "scale" in item:
            values = np.where(values == 255, np.nan, values * np.float64(item["scale"]))
        arrays[item["name"]] = values
    return header, arrays


def long_map(length: int, *, rows_done: int | None = None) -> DependencyMap:
    return samples.dependency(samples.sequence(length), rows_done)


def test_a_short_map_goes_exactly() -> None:
    found = samples.dependency()
    header, arrays = opened(payload.map_envelope(ADDRESS, found))
    assert (header["target"], header["view"], header["generation"], header["kind"]) == ("page", "view", "model/metric", "map")
    assert (header["bin"], header["width"], header["complete"], header["exact"], header["unit"]) == (1, 76, True, True, "bits")
    np.testing.assert_array_equal(arrays["values"].reshape(76, 76), found.values)


@pytest.mark.parametrize(("length", "dtype", "error"), [(512, "f4", 0.0), (700, "f2", 0.002), (1024, "u1", 0.013)])
def test_the_payload_of_a_map_stays_under_1_1_megabytes_with_a_known_error(length: int, dtype: str, error: float) -> None:
    found = long_map(length)
    data = payload.map_envelope(ADDRESS, found)
    header, arrays = opened(data)
    assert header["arrays"][0]["dtype"] == dtype
    assert len(data) <= 1_100_000
    assert np.abs(arrays["values"].reshape(length, length) - found.values).max() <= error  # half a step of 6 / 254 bits


def test_a_longer_map_is_pooled_so_that_a_lone_contact_survives_and_its_window_is_exact() -> None:
    found = long_map(2050)
    header, arrays = opened(payload.map_envelope(ADDRESS, found))
    assert (header["bin"], header["width"]) == (3, 684)
    assert arrays["values"].reshape(684, 684)[0, 71 // 3] == pytest.approx(6.0)
    header, arrays = opened(payload.window_envelope(ADDRESS, found, 100, 300))
    assert (header["kind"], header["offset"], header["width"]) == ("window", 100, 200)
    np.testing.assert_array_equal(arrays["values"].reshape(200, 200), found.values[100:300, 100:300])


def test_a_window_wider_than_the_limit_is_refused() -> None:
    with pytest.raises(ParameterError, match="1 to 512"):
        payload.window_envelope(ADDRESS, long_map(600), 0, 600)


def test_rows_that_are_not_computed_are_missing_in_a_partial_map() -> None:
    header, arrays = opened(payload.map_envelope(ADDRESS, long_map(200, rows_done=50)))
    values = arrays["values"].reshape(200, 200)
    assert not header["complete"]
    assert header["arrays"][0]["dtype"] == "u1"
    assert np.isnan(values[1]).all()
    assert np.isfinite(values[0]).all()
    assert np.isfinite(values[4]).all()


def test_signed_maps_are_said_to_be_signed() -> None:
    found = samples.dependency()
    header, _ = opened(payload.map_envelope(ADDRESS, replace(found, values=found.values - 1)))
    assert header["signed"] is True


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_pooling_keeps_the_value_of_largest_magnitude_of_each_block(width: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(width, width)).astype(np.float32)
    values[rng.random((width, width)) < 0.2] = np.nan
    found = payload.pooled(values, size)
    count = -(-width // size)
    assert found.shape == (count, count)
    for row in range(count):
        for column in range(count):
            block = values[row * size : (row + 1) * size, column * size : (column + 1) * size].ravel()
            known = block[~np.isnan(block)]
            if len(known):
                assert found[row, column] == known[np.abs(known).argmax()]
            else:
                assert np.isnan(found[row, column])


def test_tracks_pairs_and_contacts_arrive_as_they_are() -> None:
    effects = samples.effects()
    _, arrays = opened(payload.effects_envelope(ADDRESS, effects))
    assert effects.llr is not None
    np.testing.assert_array_equal(arrays["llr"].reshape(-1, 4), effects.llr)
    probabilities = samples.probabilities()
    _, arrays = opened(payload.probabilities_envelope(ADDRESS, probabilities))
    np.testing.assert_array_equal(arrays["values"].reshape(-1, 4), probabilities.values)
    header, arrays = opened(payload.segmentation_envelope(ADDRESS, samples.segmentation()))
    assert header["elements"] == ["gene", "CDS", "tRNA"]
    np.testing.assert_allclose(arrays["values"].reshape(-1, 3)[:, 0], np.linspace(0, 1, 76), atol=5e-4)
    header, arrays = opened(payload.contacts_envelope(ADDRESS, samples.contacts()))
    assert header["dot_bracket"] == samples.STRUCTURE
    assert {tuple(pair) for pair in arrays["pairs"].reshape(-1, 2).tolist()} == set(samples.stem_pairs())
    header, arrays = opened(payload.pair_envelope(ADDRESS, samples.pair(0, 71)))
    assert (header["changed"], header["read"]) == (0, 71)
    assert np.isnan(arrays["values"].reshape(4, 4)[2]).all()
    header, arrays = opened(payload.pair_problem_envelope(ADDRESS, 0, 71, "why"))
    assert (header["problem"], arrays) == ("why", {})
