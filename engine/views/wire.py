"""The figure and what goes with it as bytes for the browser.

An envelope is ``LVW1``, the length of a JSON header as uint32 little-endian, the header, then arrays at multiples of eight bytes. The header says
to which view it belongs (``target``, ``view``, ``generation``), its ``kind``, and of each array its ``dtype`` (``f4``, ``f8``, ``i4``, ``u1``),
``offset`` and ``count``. The figure is an array ``json``, in which ``{"array": name}`` stands for another array of the envelope.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError
from engine.views import live
from engine.views.codes import FULL_WIDTH, bricks, coded, pooled, pyramid
from engine.views.measures import displayed

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

    from engine.analyses.dependency import DependencyMap
    from engine.views.evidence import FigureStyle

EXACT_WIDTH = 512
"""Widest map whose values go as they are, beside the codes of its picture."""
PERCENTILES = np.arange(0, 100.5, 0.5)
"""Colour limits that the browser can choose between."""
SAMPLE = 400_000
SCALES = {"png": 3}
"""Pixels of a file for one of the screen."""


@dataclass(frozen=True)
class Address:
    """Which view on the page an envelope is for: its name, the identity of the sequence it shows, and of the model and metric."""

    target: str
    view: str
    generation: str = ""


@dataclass(frozen=True)
class Encoded:
    """One array of an envelope."""

    name: str
    values: NDArray[Any] = field(repr=False)

    @property
    def dtype(self) -> str:
        """Its name in the header."""
        return self.values.dtype.str[1:]


def envelope(address: Address, kind: str, header: Mapping[str, Any], arrays: Sequence[Encoded] = ()) -> bytes:
    """Bytes of one envelope; see the module's text for the layout."""
    described = [{"name": array.name, "dtype": array.dtype, "offset": 0, "count": int(array.values.size)} for array in arrays]
    full = {"target": address.target, "view": address.view, "generation": address.generation, "kind": kind, **header, "arrays": described}
    room = _aligned(8 + len(_header_bytes(full)) + 24 * len(arrays))
    place = room
    for item, array in zip(described, arrays, strict=True):
        item["offset"] = place
        place = _aligned(place + array.values.nbytes)
    head = _header_bytes(full)
    parts = [b"LVW1", struct.pack("<I", len(head)), head, b"\0" * (room - 8 - len(head))]
    for array in arrays:
        raw = np.ascontiguousarray(array.values).tobytes()
        parts += [raw, b"\0" * (_aligned(len(raw)) - len(raw))]
    return b"".join(parts)


def _header_bytes(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), allow_nan=False).encode()


def _aligned(size: int) -> int:
    return -(-size // 8) * 8


def figure_envelope(address: Address, figure: go.Figure, facts: Mapping[str, Any], *, dark: bool) -> bytes:
    """A live figure with what the script must know about it (`engine.views.live.facts`)."""
    found = {"data": figure.to_plotly_json()["data"], "layout": live.layout(figure, dark=dark), "facts": facts}
    states = {panel["id"]: panel["state"] for panel in facts["panels"]}
    return _drawn(address, "figure", {"panels": states}, found)


def picture_envelope(address: Address, figure: go.Figure, kind: str, name: str) -> bytes:
    """A figure that the browser shall save as ``name``, a file of this ``kind`` (``png``, ``svg``)."""
    options = {"format": kind, "filename": name, "width": figure.layout.width, "height": figure.layout.height, "scale": SCALES.get(kind, 1)}
    drawn = figure.to_plotly_json()
    layout = {key: value for key, value in drawn["layout"].items() if key != "meta"}
    return _drawn(address, "picture", {"options": options}, {"data": drawn["data"], "layout": layout})


def _drawn(address: Address, kind: str, header: Mapping[str, Any], figure: Mapping[str, Any]) -> bytes:
    arrays: list[Encoded] = []
    found = _parted(figure, arrays)
    text = np.frombuffer(json.dumps(found, separators=(",", ":"), allow_nan=False).encode(), np.uint8)
    return envelope(address, kind, header, [Encoded("json", text), *arrays])


def _parted(value: Any, arrays: list[Encoded]) -> Any:
    """The same value with ``{"array": name}`` in place of each of its arrays, which go into ``arrays``."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return [_parted(row, arrays) for row in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        kinds = {"f8": "<f8", "u1": "u1"} if value.dtype.str[1:] in ("f8", "u1") else {}
        dtype = kinds.get(value.dtype.str[1:], "<f4" if value.dtype.kind == "f" else "<i4")
        arrays.append(Encoded(str(len(arrays)), value.astype(dtype)))
        return {"array": arrays[-1].name}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping) and "bdata" in value:  # an array as plotly.py writes it
        flat = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        shape = [int(size) for size in str(value.get("shape", flat.size)).split(",")]
        return _parted(flat.reshape(shape), arrays)
    if isinstance(value, Mapping):
        return {name: _parted(part, arrays) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_parted(part, arrays) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def map_envelope(address: Address, found: DependencyMap, style: FigureStyle) -> bytes:
    """A dependency map: codes of its picture as ``style`` has it, and its values up to `EXACT_WIDTH`; pooled above `FULL_WIDTH`."""
    size = -(-len(found.values) // FULL_WIDTH)
    return _map(address, "map", found, style, size, 0, len(found.values))


def window_envelope(address: Address, found: DependencyMap, start: int, end: int, style: FigureStyle) -> bytes:
    """Bases ``start`` to ``end`` (0-based half-open in the sequence) of a long map, exact; at most `EXACT_WIDTH`."""
    low, high = max(0, start - found.offset), min(len(found.values), end - found.offset)
    if not 0 < high - low <= EXACT_WIDTH:
        raise ParameterError(f"The window {start + 1}-{end} has {high - low} bases of the map; 1 to {EXACT_WIDTH} can be shown exactly.")
    return _map(address, "window", found, style, 1, low, high)


def _map(address: Address, kind: str, found: DependencyMap, style: FigureStyle, size: int, low: int, high: int) -> bytes:
    def part(values: NDArray[np.float32]) -> NDArray[np.float32]:
        inside = values[low:high, low:high]
        return inside if size == 1 else pooled(inside, size)

    done = None if found.complete or found.rows_done is None else found.rows_done[low:high]
    if done is not None and size > 1:
        done = np.logical_or.reduceat(done, np.arange(0, len(done), size))
    displayed_values = displayed(found, replace(style, threshold=0.0, shape="wide"))
    raw, shown = part(found.values), part(displayed_values)
    codes = coded(shown, done)
    arrays = [Encoded("percentiles", limits(found.values))]
    exact = size == 1 and len(raw) <= EXACT_WIDTH
    if exact:
        arrays.append(Encoded("values", raw.astype("<f4")))
    for block, cells in pyramid(codes):
        arrays.append(Encoded(f"cells{block}", cells))
        if style.shape == "triangle":
            arrays.append(Encoded(f"bricks{block}", bricks(codes, cells)))
    if not exact and displayed_values is not found.values:
        plain = coded(raw, done)
        arrays.append(Encoded("raw", plain.cells))
    header = {"step": codes.step, "centre": codes.centre, "partial": codes.partial, "bin": size, "offset": found.offset + low}
    header |= {"width": len(raw), "exact": exact, "complete": found.complete, "window_limit": EXACT_WIDTH}
    return envelope(address, kind, header, arrays)


def limits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The colour limit of each of `PERCENTILES`, float32 (201,), of the magnitudes above 0, to two digits; 1 for an empty map."""
    sample = np.abs(values.ravel()[:: max(1, values.size // SAMPLE)])
    sample = sample[sample > 0]
    found = np.percentile(sample, PERCENTILES) if sample.size else np.ones(len(PERCENTILES))
    return np.array([float(f"{value:.2g}") or 1.0 for value in found], "<f4")
