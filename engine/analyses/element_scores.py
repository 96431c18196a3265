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
    bases; intervals (95 %, blocks of neighbouring bases drawn whole) are None on short sequences."""

    element: str
    against: str
    bases: int
    called: int
    mcc: float
    f1: float
    jaccard: float
    auprc: float
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
                "MCC": round(row.mcc, 4),
                "MCC 95 %": "" if row.mcc_low is None else f"{row.mcc_low:.3f} to {row.mcc_high:.3f}",
                "F1": round(row.f1, 4),
                "auPRC": round(row.auprc, 4),
                "auPRC by chance": round(row.chance, 4),
                "Jaccard": round(row.jaccard, 4),
            }
            for row in self.rows
        ]

    def words(self) -> str:
        """The judge, and what it does not know."""
        here = [row.mcc for row in self.rows if row.bases]
        mean = (
            f"mean MCC {np.mean(here):.2f} over {len(here)} elements that it finds here" if here else "it finds none of its elements here"
        )
        rest = f" Not known to the judge: {', '.join(self.unjudged)}." if self.unjudged else ""
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
        there = ", ".join(sorted(masks)[:12]) or "nothing"
        raise ParameterError(f"{judge} knows none of the elements of {found.provenance.card.title}; it has {there} here.")
    return ElementScores(tuple(rows), tuple(unjudged), judge, found.provenance)


def _scored(element: str, against: str, truth: NDArray[np.bool_], values: NDArray[np.float32], seed: int) -> ElementScore:
    called = values >= THRESHOLD
    whole = Confusion.of(called, truth)
    low, high = _interval(called, truth, seed)
    chance = float(truth.mean())
    precision = auprc(values.astype(np.float64), truth) if 0 < truth.sum() < len(truth) else chance
    counts = (int(truth.sum()), int(called.sum()))
    return ElementScore(element, against, *counts, whole.mcc, whole.f1, whole.jaccard, float(precision), chance, low, high)


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
