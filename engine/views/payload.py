"""Results as bytes for the locus view in the browser.

An envelope is ``LVW1``, the length of a JSON header as uint32 little-endian, the header, then arrays at multiples of eight bytes.
The header says to which view the result belongs (``target``, ``view``), its ``kind``, and what each array is: ``dtype`` ``f4``, ``f2``,
``u1`` (code × ``scale``, 255 = missing) or ``i4``, its ``offset`` and ``count``.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.contacts import ContactMap
    from engine.analyses.dependency import DependencyMap
    from engine.analyses.effects import VariantEffects
    from engine.analyses.pair import PairTable
    from engine.analyses.probabilities import BaseProbabilities
    from engine.analyses.segmentation import Segmentation
    from engine.analyses.tokens import TokenTrack

KINDS = {"dependency": "map"}
"""Analyses whose envelopes have a kind of another name."""
FLOAT32_WIDTH = 512
"""Widest map that is sent as float32; up to `FLOAT16_WIDTH` as float16, up to `FULL_WIDTH` as uint8, above that pooled."""
FLOAT16_WIDTH = 741
FULL_WIDTH = 1024
UNITS = {"log2_odds": "bits", "log_ratio": "nats"}


@dataclass(frozen=True)
class Address:
    """Which view on the page an envelope is for: its name, the identity of the sequence it shows, and of the model and metric."""

    target: str
    view: str
    generation: str = ""


@dataclass(frozen=True)
class Encoded:
    """One array of an envelope; ``scale`` only for quantised ``u1``."""

    name: str
    dtype: str
    values: NDArray[Any] = field(repr=False)
    scale: float | None = None


def envelope(address: Address, kind: str, header: dict[str, Any], arrays: tuple[Encoded, ...] = ()) -> bytes:
    """Bytes of one envelope; see the module's text for the layout."""
    described: list[dict[str, Any]] = []
    full = {"target": address.target, "view": address.view, "generation": address.generation, "kind": kind, **header, "arrays": described}
    for array in arrays:
        item: dict[str, Any] = {"name": array.name, "dtype": array.dtype, "offset": 0, "count": int(array.values.size)}
        if array.scale is not None:
            item["scale"] = array.scale
        described.append(item)
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


def _header_bytes(header: dict[str, Any]) -> bytes:
    return json.dumps(header, separators=(",", ":"), allow_nan=False).encode()


def _aligned(size: int) -> int:
    return -(-size // 8) * 8


def map_envelope(address: Address, found: DependencyMap, *, partial: bool | None = None) -> bytes:
    """A dependency map: exact up to `FLOAT32_WIDTH`, rounded up to `FULL_WIDTH`, pooled (largest value survives) above that.

    A map that is still being computed goes as uint8, because it is sent again and again.
    """
    unfinished = not found.complete if partial is None else partial
    width = len(found.values)
    bin_size = -(-width // FULL_WIDTH)
    values = found.values if bin_size == 1 else pooled(found.values, bin_size)
    encoded = _quantised("values", values) if unfinished and width > 128 else _encoded_map(values)
    header = {
        **_map_header(found),
        "bin": bin_size,
        "offset": found.offset,
        "width": len(values),
        "complete": not unfinished,
        "exact": encoded.dtype == "f4" and bin_size == 1,
        "window_limit": FLOAT32_WIDTH,
    }
    return envelope(address, "map", header, (encoded,))


def window_envelope(address: Address, found: DependencyMap, start: int, end: int) -> bytes:
    """The exact float32 values of bases ``start`` to ``end`` (0-based half-open in the sequence) of a long map, at most `FLOAT32_WIDTH`."""
    low, high = max(0, start - found.offset), min(len(found.values), end - found.offset)
    if not 0 < high - low <= FLOAT32_WIDTH:
        raise ParameterError(f"The window {start + 1}-{end} has {high - low} bases of the map; 1 to {FLOAT32_WIDTH} can be shown exactly.")
    values = found.values[low:high, low:high].astype("<f4")
    header = {**_map_header(found), "bin": 1, "offset": found.offset + low, "width": high - low, "exact": True}
    return envelope(address, "window", header, (Encoded("values", "f4", values),))


def _map_header(found: DependencyMap) -> dict[str, Any]:
    return {
        "title": "Dependency map" if found.provenance.analysis == "dependency" else found.provenance.analysis.capitalize(),
        "model": found.provenance.card.title,
        "metric": found.metric,
        "unit": UNITS.get(found.metric, ""),
        "signed": bool(np.nanmin(found.values, initial=0.0) < 0),
    }


def pooled(values: NDArray[np.float32], bin_size: int) -> NDArray[np.float32]:
    """Square blocks of ``bin_size`` bases reduced to their value of largest magnitude, so that lone contacts survive; NaN where all are."""
    width = len(values)
    count = -(-width // bin_size)
    out = np.empty((count, count), np.float32)
    for row in range(count):  # one strip of blocks at a time: no second copy of a map of gigabytes
        strip = np.full((bin_size, count * bin_size), np.nan, np.float32)
        part = values[row * bin_size : (row + 1) * bin_size]
        strip[: len(part), :width] = part
        blocks = strip.reshape(bin_size, count, bin_size).transpose(1, 0, 2).reshape(count, -1)
        magnitude = np.where(np.isnan(blocks), -1.0, np.abs(blocks))
        out[row] = blocks[np.arange(count), magnitude.argmax(axis=1)]
    return out


def _encoded_map(values: NDArray[np.float32]) -> Encoded:
    width = len(values)
    if width <= FLOAT32_WIDTH:
        return Encoded("values", "f4", values.astype("<f4"))
    signed = bool(np.nanmin(values, initial=0.0) < 0)
    if width <= FLOAT16_WIDTH or signed:
        return Encoded("values", "f2", values.astype("<f2"))
    return _quantised("values", values)


def _quantised(name: str, values: NDArray[np.float32]) -> Encoded:
    """uint8 codes 0 to 254 of non-negative values, rounded to the nearest step of ``maximum / 254``; 255 = missing."""
    if np.nanmin(values, initial=0.0) < 0:
        return Encoded(name, "f2", values.astype("<f2"))
    scale = float(np.nanmax(values, initial=0.0)) / 254 or 1.0
    codes = np.where(np.isnan(values), 255, np.rint(np.nan_to_num(values) / scale)).astype(np.uint8)
    return Encoded(name, "u1", codes, scale)


def effects_envelope(address: Address, found: VariantEffects) -> bytes:
    """llr (or delta log-likelihood) and influence, float32 (L, 4), NaN at the reference base."""
    header = {"unit": "ln ratio" if found.llr is not None else "Δ ln P", "model": found.provenance.card.title}
    pairs = (("llr", found.llr), ("influence", found.influence), ("delta", found.delta_log_likelihood))
    arrays = tuple(Encoded(name, "f4", values.astype("<f4")) for name, values in pairs if values is not None)
    return envelope(address, "effects", header, arrays)


def probabilities_envelope(address: Address, found: BaseProbabilities) -> bytes:
    """P(base), float32 (L, 4)."""
    header = {"model": found.provenance.card.title, "masked": bool(found.provenance.parameters.get("masked", False))}
    return envelope(address, "probabilities", header, (Encoded("values", "f4", found.values.astype("<f4")),))


def segmentation_envelope(address: Address, found: Segmentation) -> bytes:
    """Element probabilities, float16 (L, E)."""
    header = {"model": found.provenance.card.title, "elements": list(found.elements)}
    return envelope(address, "segmentation", header, (Encoded("values", "f2", found.values.astype("<f2")),))


def contacts_envelope(address: Address, found: ContactMap) -> bytes:
    """Pairs int32 (n, 2), scores and the dot-bracket."""
    header = {"dot_bracket": found.dot_bracket, "pairs": len(found.pairs)}
    arrays = (Encoded("pairs", "i4", found.pairs.astype("<i4")), Encoded("scores", "f4", found.scores.astype("<f4")))
    return envelope(address, "contacts", header, arrays)


def tokens_envelope(address: Address, found: TokenTrack) -> bytes:
    """Spans int32 (T, 2), the token strings, and the probability of each given the others."""
    header = {"model": found.provenance.card.title, "tokens": list(found.tokens)}
    arrays = (Encoded("spans", "i4", found.spans.astype("<i4")), Encoded("probabilities", "f4", found.probabilities.astype("<f4")))
    return envelope(address, "tokens", header, arrays)


def pair_envelope(address: Address, found: PairTable) -> bytes:
    """The 4 × 4 substitution table of a pair."""
    header = {"changed": found.changed, "read": found.read, "problem": ""}
    return envelope(address, "pair", header, (Encoded("values", "f4", found.values.astype("<f4")),))


def pair_problem_envelope(address: Address, changed: int, read: int, problem: str) -> bytes:
    """Why the table of a pair is not there."""
    return envelope(address, "pair", {"changed": changed, "read": read, "problem": problem})
