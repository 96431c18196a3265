"""Where the ruler has its ticks, and what a text in its numbers names. The script of the view repeats both rules in the browser."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from engine.core.errors import LocusError
from engine.core.locus import Strand
from engine.core.quoting import quoted
from engine.core.typography import folded

if TYPE_CHECKING:
    from engine.core.locus import Locus

_REGION = re.compile(r"\s*(?:([^\s:]{1,80}):)?\s*([0-9][0-9,.]*)\s*-\s*([0-9][0-9,.]*)\s*")


def tick_step(span: float, count: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that makes at most about ``count`` ticks over ``span`` bases."""
    rough = span / max(2.0, count)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return max(1, round(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))))


def ticks(first: int, last: int, locus: Locus | None, count: float) -> tuple[list[int], list[str]]:
    """Ticks of the bases ``first`` to ``last`` (1-based inclusive indices): their indices and labels.

    Labels are round coordinates: of the contig where there is a locus (falling on its reverse strand), else of the sequence itself, which
    also has its first base labelled.
    """
    step = tick_step(last - first + 1, count)
    if locus is None:
        places = list(range(-(-first // step) * step, last + 1, step))
        if first == 1 and step > 1:
            places.insert(0, 1)
        return places, [f"{place:,}" for place in places]
    ends = sorted((locus.position_of(first - 1), locus.position_of(last - 1)))
    coordinates = range(-(-ends[0] // step) * step, ends[1] + 1, step)
    ordered = sorted(coordinates, reverse=locus.strand is Strand.REVERSE)
    return [locus.index_of(place) + 1 for place in ordered], [f"{place:,}" for place in ordered]


def region_of(text: str, locus: Locus | None, length: int, bounds: tuple[int, int]) -> tuple[int, int]:
    """Bases ``[start, end)`` that a text names, as indices of the sequence shown: ``1,005-1,020`` or ``chrT:1.020..1.005``.

    The numbers are those of the ruler, where they lie within ``bounds`` (indices, which may reach beyond what is shown), else positions in the
    sequence of ``length`` bases. Raises `LocusError` for anything else.
    """
    first, step = (1, 1) if locus is None else (locus.position_of(0), -1 if locus.strand is Strand.REVERSE else 1)
    match = _REGION.fullmatch(folded(text).replace("..", "-", 1))
    if match is not None and match[1] in (None, locus.contig if locus is not None else ""):
        numbers = [int(re.sub("[,.]", "", digits)) for digits in match.groups()[1:]]
        for places, (low, high) in (
            ([(number - first) * step for number in numbers], bounds),
            ([number - 1 for number in numbers], (0, length)),
        ):
            if low <= min(places) and max(places) < high:
                return min(places), max(places) + 1
    allowed = "-".join(f"{first + step * place:,}" for place in (bounds[0], bounds[1] - 1))
    raise LocusError(f"{quoted(text.strip(), 60)} is no region of this sequence; give start-end inside {allowed}.")


def axis_labels(first: int, last: int, length: int, locus: Locus | None, count: float, *, zooms_alone: bool) -> dict[str, Any]:
    """Labels of an axis of positions, as plotly layout.

    Where nothing computes the ticks anew at a zoom (``zooms_alone``: a page or a notebook without our script), plotly places them at round
    positions of the sequence, and each position has its coordinate as another name, which hover uses, too. Otherwise `ticks`.
    """
    if not zooms_alone:
        places, labels = ticks(first, last, locus, count)
        return {"tickvals": places, "ticktext": labels}
    automatic: dict[str, Any] = {"tickmode": "auto", "nticks": max(2, round(count))}
    if locus is None:
        return {**automatic, "tickformat": ",d", "hoverformat": ",d"}
    names = {str(place): f"{locus.position_of(place - 1):,}" for place in range(1, length + 1)}
    return {**automatic, "tickformat": "d", "hoverformat": "d", "labelalias": names}
