"""Patterns of a whole genome, ranked: the places of all windows, held against the shuffled windows of the same composition.

Windows are in classes by their share of G and C, in steps of 5 %. The controls of all windows of a class count together, so that one shuffle a
window is enough. A place counts in the window whose kept part has its middle, as do the places of the shuffles; so overlapping windows count
nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.pattern_scores import KINDS, WIDTHS, complementary_fraction, equal_fraction
from engine.analyses.patterns import PatternParameters, q_values
from engine.core.results import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.results import WindowAnswer

CLASSES = 20
"""Steps of the share of G and C from 0 to 1."""
MOST_ROWS = 100_000
_FITS = {"stem": complementary_fraction, "repeat": equal_fraction}


class _Class:
    """What the windows of one composition have: per kind the places' scores and rows, and the controls' scores."""

    def __init__(self) -> None:
        self.windows = self.shuffles = 0
        self.scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.rows: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self.controls: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in KINDS}


def ranked(windows: Iterable[WindowAnswer], parameters: PatternParameters) -> Table:
    """Places with a q-value up to ``parameters.rate``; without controls all; 100,000 at most.

    Stems, repeats and blocks come first, by q, then by what fits of their letters, then by score; single bases (hotspots, targets) after them.

    Columns: ``contig``; ``first_start`` to ``second_end``: both sides, 1-based inclusive on the contig; their letters; ``fitting``: share of the
    letters that pair (stem) or are equal (repeat); ``score``; ``gc_class``; ``class_windows``, ``class_shuffles``: how many are in the class; ``q``.
    """
    classes: dict[int, _Class] = {}
    rows: list[tuple[Any, ...]] = []
    for window in windows:
        letters = str(window.arrays["sequence"])
        known = sum(letters.count(base) for base in "ACGTU")
        number = round(CLASSES * (letters.count("G") + letters.count("C")) / max(1, known))
        found = classes.setdefault(number, _Class())
        found.windows += 1
        found.shuffles += int(window.arrays["shuffles"])
        _add_controls(found, window)
        kinds, places = window.arrays["kinds"].tolist(), window.arrays["places"]
        here = _is_kept(window, kinds, places)
        for index in np.flatnonzero(here):
            kind, score = kinds[index], float(window.arrays["place_scores"][index])
            found.scores[kind].append(score)
            found.rows[kind].append(len(rows))
            first, second = (int(at) for at in places[index])
            sides = [letters[at : at + WIDTHS[kind]] for at in (first, second)]
            rows.append((window.contig, kind, first + window.start, second + window.start, *sides, score, number))
    q = np.full(len(rows), np.nan, np.float32)
    for found in classes.values():
        if found.shuffles:
            for kind in KINDS:
                controls = np.concatenate([*found.controls[kind], np.zeros(0, np.float32)])
                q[found.rows[kind]] = q_values(np.array(found.scores[kind], np.float32), controls, found.shuffles / found.windows)
    return _table(rows, q, classes, parameters)


def _is_kept(window: WindowAnswer, kinds: list[str], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool (n,): places whose middle is in the kept part."""
    widths = np.array([WIDTHS[kind] for kind in kinds], np.int64)
    middle = window.start + (places.sum(axis=1) + widths) // 2
    return np.asarray((middle >= window.first) & (middle < window.last))


def _add_controls(found: _Class, window: WindowAnswer) -> None:
    kinds = window.arrays["control_kinds"]
    kept = _is_kept(window, kinds.tolist(), window.arrays["control_places"])
    for kind in KINDS:
        found.controls[kind].append(window.arrays["control_scores"][kept & (kinds == kind)])


def _table(rows: list[tuple[Any, ...]], q: NDArray[np.float32], classes: dict[int, _Class], parameters: PatternParameters) -> Table:
    scores = np.array([row[6] for row in rows], np.float32)
    kept = np.flatnonzero(np.isnan(q) | (q <= parameters.rate))
    every = np.array([_FITS[row[1]](row[4], row[5]) if row[1] in _FITS else np.nan for row in rows], np.float32)
    single = np.array([WIDTHS[row[1]] == 1 for row in rows], bool)
    keys = (kept, -scores[kept], -np.nan_to_num(every[kept]), np.nan_to_num(q[kept], nan=2.0), single[kept])
    order = kept[np.lexsort(keys)][:MOST_ROWS]
    chosen = [rows[index] for index in order]
    columns: dict[str, Any] = {"contig": [row[0] for row in chosen], "kind": [row[1] for row in chosen]}
    for name, at, letters in (("first", 2, 4), ("second", 3, 5)):
        columns[f"{name}_start"] = [row[at] + 1 for row in chosen]
        columns[f"{name}_end"] = [row[at] + WIDTHS[row[1]] for row in chosen]
        columns[f"{name}_letters"] = [row[letters] for row in chosen]
    columns |= {"fitting": every[order], "score": scores[order], "gc_class": [row[7] / CLASSES for row in chosen]}
    columns["class_windows"] = [classes[row[7]].windows for row in chosen]
    columns["class_shuffles"] = [classes[row[7]].shuffles for row in chosen]
    return Table({**columns, "q": q[order]}, np.array([row[2] for row in chosen], np.int64))
