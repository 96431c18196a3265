"""Results as tables for a page: the twin of every figure for readers. Positions are 1-based."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.results import Result

if TYPE_CHECKING:
    import pandas as pd


def table(found: Result) -> pd.DataFrame:
    """What a person reads of a result, with the coordinate on the contig beside each position when the sequence has a locus."""
    import pandas as pd

    frame = pd.DataFrame(dict(found.readable().columns))
    locus = found.sequence.locus
    if locus is None:
        return frame
    for column in [name for name in frame.columns if str(name).startswith("position")]:
        places = [locus.position_of(int(position) - 1) for position in frame[column]]
        frame.insert(list(frame.columns).index(column) + 1, str(column).replace("position", locus.contig), places)
    return frame
