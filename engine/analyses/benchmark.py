"""How well scores tell labelled variants (or anything else) apart: all together and by class, beside baselines.

A label is one of two kinds: positive or negative (AUROC, auPRC and Spearman against 0 and 1), or a measured number (Spearman and Pearson). Greater
scores speak for positives or greater numbers; turn the others round before. Rows that a score does not have are left out for it and counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.ranking import Estimate, auprc, auroc, chance, estimate, pearson, spearman
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
ALL = "all"
RANDOM = "random"
FEWEST = 3
"""A class is measured when it has at least this many rows of each kind."""


@dataclass(frozen=True)
class BenchmarkParameters(Parameters):
    """Bootstrap replicates of every interval, and where their random numbers start."""

    replicates: int = option(1_000, "--replicates", "Bootstrap replicates of every interval.", metavar="N", low=20, high=100_000)
    seed: int = option(1, "--seed", "Start of the random numbers of bootstrap and random baseline.", metavar="N", low=0, high=2**31)


@dataclass(frozen=True)
class Measured:
    """One score on one class.

    ``rows``: scored ones; ``missing``: labelled ones without this score; ``positives`` is None for measured labels, and so are ``auroc`` and
    ``auprc``; ``pearson`` is None for labels of two kinds. ``chance``: auPRC of a score that knows nothing, the share of positives.
    """

    score: str
    baseline: bool
    group: str
    rows: int
    missing: int
    positives: int | None
    auroc: Estimate | None
    auprc: Estimate | None
    spearman: Estimate
    pearson: Estimate | None

    @property
    def chance(self) -> float | None:
        """Share of positives."""
        return None if self.positives is None or not self.rows else self.positives / self.rows


@dataclass(frozen=True)
class Benchmark:
    """Scores first, then baselines, each on all rows and then on every class, largest class first.

    The last baseline, `RANDOM`, is no single score: its values are the means of random scores, its intervals hold 95 % of them.
    """

    measured: tuple[Measured, ...]
    parameters: BenchmarkParameters


def benchmark(
    scores: Mapping[str, NDArray[np.floating]],
    labels: NDArray[Any],
    groups: Sequence[str],
    parameters: BenchmarkParameters | None = None,
    baselines: Mapping[str, NDArray[np.floating]] | None = None,
    monitor: Monitor | None = None,
) -> Benchmark:
    """Measure every score and baseline, and one of random numbers.

    Parameters
    ----------
    scores, baselines : mapping of str to array
        Float (n,) each, NaN where there is none.
    labels : array
        Bool (n,): positive or not; or float (n,): a measured number.
    groups : sequence of str
        Class of each row; empty for none.

    Raises
    ------
    ParameterError
        Lengths that differ, labels of one kind only, no row at all.
    Cancelled
        Through ``monitor.advance``.
    """
    chosen, watcher = parameters or BenchmarkParameters(), monitor or SilentMonitor()
    columns = [(name, False, values) for name, values in scores.items()]
    columns += [(name, True, values) for name, values in (baselines or {}).items()]
    columns.append((RANDOM, True, np.zeros(len(labels))))
    _check(columns, labels, groups)
    classes = np.array([str(group) for group in groups], dtype=object)
    parts = [(ALL, np.ones(len(labels), dtype=bool))]
    names = sorted(set(classes), key=lambda name: (-int((classes == name).sum()), name))
    parts += [(name, classes == name) for name in names if name and len(names) > 1 and _enough(labels[classes == name])]
    watcher.start(len(columns) * len(parts), "scores and classes")
    found = []
    for name, baseline, values in columns:
        for group, inside in parts:
            found.append(_measured(name, baseline, group, np.asarray(values, dtype=np.float64)[inside], labels[inside], chosen, watcher))
            watcher.advance(1)
    return Benchmark(tuple(found), chosen)


def _check(columns: Sequence[tuple[str, bool, NDArray[np.floating]]], labels: NDArray[Any], groups: Sequence[str]) -> None:
    if len({name for name, _, _ in columns}) < len(columns):
        raise ParameterError(f"Two scores or baselines have one name, or one is called {RANDOM!r}; rename it.")
    if len(groups) != len(labels) or any(len(values) != len(labels) for _, _, values in columns):
        raise ParameterError(f"Scores, labels and classes have different numbers of rows; each needs {len(labels):,}.")
    if not len(labels):
        raise ParameterError("There are no labelled rows; give some with both labels.")
    if not _enough(labels, 1):
        only = "one label" if labels.dtype == np.bool_ else "one value"
        raise ParameterError(f"All {len(labels):,} rows have {only}; a benchmark needs positives and negatives, or numbers that differ.")


def _enough(labels: NDArray[Any], fewest: int = FEWEST) -> bool:
    if labels.dtype == np.bool_:
        return min(int(labels.sum()), int((~labels).sum())) >= fewest
    return len(labels) >= fewest and len(np.unique(labels)) > 1


def _measured(
    name: str,
    baseline: bool,
    group: str,
    values: NDArray[np.float64],
    labels: NDArray[Any],
    parameters: BenchmarkParameters,
    monitor: Monitor,
) -> Measured:
    known = np.isfinite(values)
    score, truth = values[known], labels[known]
    binary = labels.dtype == np.bool_

    def interval(measure: Any) -> Estimate:
        if len(score) < 2:
            return Estimate(math.nan, math.nan, math.nan)
        how: dict[str, Any] = {"replicates": parameters.replicates, "seed": parameters.seed, "told": lambda _: monitor.advance(0)}
        return chance(measure, truth, **how) if name == RANDOM and baseline else estimate(measure, score, truth, **how)

    return Measured(
        name,
        baseline,
        group,
        len(score),
        int((~known).sum()),
        int(truth.sum()) if binary else None,
        interval(auroc) if binary else None,
        interval(auprc) if binary else None,
        interval(spearman),
        None if binary else interval(pearson),
    )
