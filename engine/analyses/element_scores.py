"""How well a segmentation agrees with an annotation, places of a file or another model, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.element_truth import mask_for
from engine.analyses.ranking import auprc
from engine.analyses.segmentation import THRESHOLD
from engine.core.confusion import Confusion
from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.segmentation import Segmentation
    from engine.core.provenance import Provenance

BLOCKS, FEWEST_BLOCKS, SHORTEST_BLOCK_BP, RESAMPLED = 100, 10, 100, 1_000
"""Intervals draw neighbouring bases together: up to 100 blocks of 100 bases or more; below ten there is none."""


@dataclass(frozen=True)
class ElementScore:
    """One element: ``bases`` that are it by the judge, ``called`` at `THRESHOLD`; ``auprc`` of a score that knows nothing is the share of those
    bases; intervals (95 %, blocks of neighbouring bases drawn whole) are None on short sequences. None is what has no value: of an element that the
    judge finds nowhere, or everywhere, MCC and auPRC, and where it was not called either, F1 and Jaccard."""

    element: str
    against: str
    bases: int
    called: int
    mcc: float | None
    f1: float | None
    jaccard: float | None
    auprc: float | None
    chance: float
    mcc_low: float | None
    mcc_high: float | None


@dataclass(frozen=True, eq=False)
class ElementScores:
    """``rows``: one an element that the judge knows; ``unjudged``: the others; ``judge`` in words."""

    rows: tuple[ElementScore, ...]
    unjudged: tuple[str, ...]
    judge: str
    provenance: Provenance

    def table(self) -> list[dict[str, Any]]:
        """One row an element, for pages and files."""
        return [
            {
                "element": row.element,
                "against": row.against,
                "bases": row.bases,
                "called": row.called,
                "MCC": _rounded(row.mcc),
                "MCC 95 %": "" if row.mcc_low is None else f"{row.mcc_low:.3f} to {row.mcc_high:.3f}",
                "F1": _rounded(row.f1),
                "auPRC": _rounded(row.auprc),
                "auPRC by chance": round(row.chance, 4),
                "Jaccard": _rounded(row.jaccard),
            }
            for row in self.rows
        ]

    def words(self) -> str:
        """The judge, and what it does not know."""
        here = [row.mcc for row in self.rows if row.mcc is not None]
        false = [row for row in self.rows if not row.bases and row.called]
        mean = (
            f"mean MCC {np.mean(here):.2f} over {len(here)} element{'' if len(here) == 1 else 's'} that it finds here"
            if here
            else "it finds none of its elements here"
        )
        rest = f" Called where the judge has none: {', '.join(f'{row.element} ({row.called:,} bases)' for row in false)}." if false else ""
        rest += f" Not judged, for the judge has nothing of the kind here: {', '.join(self.unjudged)}." if self.unjudged else ""
        return f"{self.provenance.card.title} against {self.judge}: {mean}.{rest}"


def element_scores(found: Segmentation, masks: Mapping[str, NDArray[np.bool_]], judge: str, seed: int = 1) -> ElementScores:
    """MCC, F1 and Jaccard at a probability of `THRESHOLD`, and auPRC, of every element that ``masks`` (bool (L,) by element) know.

    Raises `ParameterError` when they know none.
    """
    rows, unjudged = [], []
    for column, element in enumerate(found.elements):
        known = mask_for(element, masks)
        if known is None:
            unjudged.append(element)
        else:
            rows.append(_scored(element, *known, np.nan_to_num(found.values[:, column]), seed))
    if not rows:
        there = ", ".join(sorted(name for name, mask in masks.items() if mask.any())[:12]) or "nothing"
        raise ParameterError(f"{judge} knows none of the elements of {found.provenance.card.title}; it has {there} here.")
    return ElementScores(tuple(rows), tuple(unjudged), judge, found.provenance)


def _scored(element: str, against: str, truth: NDArray[np.bool_], values: NDArray[np.float32], seed: int) -> ElementScore:
    called = values >= THRESHOLD
    whole = Confusion.of(called, truth)
    chance, counts = float(truth.mean()), (int(truth.sum()), int(called.sum()))
    told = 0 < counts[0] < len(truth)
    low, high = _interval(called, truth, seed) if told else (None, None)
    precision = float(auprc(values.astype(np.float64), truth)) if told else None
    f1, jaccard = (whole.f1, whole.jaccard) if any(counts) else (None, None)
    return ElementScore(element, against, *counts, whole.mcc if told else None, f1, jaccard, precision, chance, low, high)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _interval(called: NDArray[np.bool_], truth: NDArray[np.bool_], seed: int) -> tuple[float | None, float | None]:
    """MCC's 95 % interval over blocks that are drawn whole."""
    length = len(truth)
    blocks = min(BLOCKS, length // SHORTEST_BLOCK_BP)
    if blocks < FEWEST_BLOCKS:
        return None, None
    edges = np.linspace(0, length, blocks + 1).astype(int)[:-1]
    cells = (called & truth, called & ~truth, ~called & truth, ~called & ~truth)
    counts = np.stack([np.add.reduceat(cell.astype(np.int64), edges) for cell in cells], axis=1)
    drawn = np.random.default_rng(seed).integers(0, blocks, (RESAMPLED, blocks))
    values = [Confusion(*(int(number) for number in counts[row].sum(axis=0))).mcc for row in drawn]
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
