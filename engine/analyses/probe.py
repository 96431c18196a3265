"""What hidden states know of a label: ridge or logistic regression on groups that were not seen, beside GC content and k-mers.

Every kind of features goes the same way: standardised on the training folds, penalty chosen on them (ridge) or fixed (logistic, C = 1). Folds hold
whole groups, so that neighbours of a genome are never on both sides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.ranking import auroc, spearman
from engine.core.embedding import Probe, ProbeScore
from engine.core.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5
FEWEST_ROWS = 20
MOST_CLASSES = 50
REPLICATES = 500
_PENALTIES = np.logspace(-2, 5, 15)


def probe(
    label: str, texts: Sequence[str], groups: Sequence[str], features: Mapping[str, NDArray[np.float32]], first: str, seed: int = 1
) -> Probe:
    """Regress a label on each kind of ``features`` (n, ·); ``first`` names the model's states, all others are baselines.

    ``texts`` (n,): numbers where all are (ridge), else classes (logistic); empty where there is no label. Intervals are percentiles of 500
    bootstrap replicates of whole groups.

    Raises `ParameterError` for too few labels, groups or classes.
    """
    rows = np.array([index for index, text in enumerate(texts) if text], dtype=np.int64)
    if len(rows) < FEWEST_ROWS:
        raise ParameterError(f"{len(rows):,} places have a label in {label[:40]!r}; at least {FEWEST_ROWS} are needed.")
    values = [_number(texts[index]) for index in rows.tolist()]
    numeric = all(value is not None for value in values) and len(set(values)) > 2
    truth: NDArray[Any] = np.array(values, dtype=np.float64) if numeric else np.array([texts[index] for index in rows.tolist()])
    own = np.array([groups[index] for index in rows.tolist()])
    names = np.unique(truth)
    if not numeric and not 2 <= len(names) <= MOST_CLASSES:
        raise ParameterError(f"The label {label[:40]!r} has {len(names):,} classes; 2 to {MOST_CLASSES}, or numbers, are needed.")
    count = len(np.unique(own))
    if count < 2:
        raise ParameterError("All labelled places are in one group; name a column of groups, or take places from further apart.")
    folds = min(FOLDS, count)
    kind = "ridge" if numeric else "logistic"
    scores: list[ProbeScore] = []
    predicted: NDArray[Any] = np.zeros(0)
    for name, matrix in features.items():
        table = np.asarray(matrix, dtype=np.float64)[rows]
        found = _held_out(table, truth, own, folds, kind, seed)
        if name == first:
            predicted = found
        for measure, function in _measures(truth, numeric).items():
            value, low, high = _interval(function, found, truth, own, seed)
            scores.append(ProbeScore(name, table.shape[1], measure, value, low, high, name != first))
    return Probe(label, kind, len(rows), count, folds, tuple(scores), rows, predicted, truth)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _held_out(
    table: NDArray[np.float64], truth: NDArray[Any], groups: NDArray[Any], folds: int, kind: str, seed: int
) -> NDArray[np.float64]:
    """Predictions of each row by a model that has seen none of its group: numbers (n,), or log-probabilities of the classes (n, K)."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = np.unique(truth)
    found = np.zeros(len(truth)) if kind == "ridge" else np.full((len(truth), len(names)), np.log(1e-12))
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(table, truth, groups):
        model: Any = RidgeCV(_PENALTIES) if kind == "ridge" else LogisticRegression(max_iter=500)
        pipeline = make_pipeline(StandardScaler(), model)
        if kind == "logistic" and len(np.unique(truth[train])) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged within 500 steps: the value is what it is then
            pipeline.fit(table[train], truth[train])
        if kind == "ridge":
            found[test] = pipeline.predict(table[test])
        else:
            columns = np.searchsorted(names, model.classes_)
            found[np.ix_(test, columns)] = pipeline.predict_log_proba(table[test])
    return found


Function = Callable[["NDArray[np.float64]", "NDArray[Any]"], float]


def _measures(truth: NDArray[Any], numeric: bool) -> dict[str, Function]:
    if numeric:
        return {"Spearman": spearman, "R²": _r2}
    names = np.unique(truth)
    if len(names) == 2:
        return {"AUROC": lambda found, own: auroc(found[:, 1] - found[:, 0], own == names[1])}
    return {"balanced accuracy": lambda found, own: _balanced(names[found.argmax(axis=1)], own)}


def _r2(found: NDArray[np.float64], truth: NDArray[Any]) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - found) ** 2).sum()) / spread if spread else float("nan")


def _balanced(found: NDArray[Any], truth: NDArray[Any]) -> float:
    return float(np.mean([(found[truth == name] == name).mean() for name in np.unique(truth)]))


def _interval(
    function: Function, found: NDArray[np.float64], truth: NDArray[Any], groups: NDArray[Any], seed: int
) -> tuple[float, float, float]:
    """The value with the range of 95 % of bootstrap replicates, which draw whole groups."""
    generator = np.random.default_rng(seed)
    _, inverse = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    drawn = []
    for _ in range(REPLICATES):
        rows = np.concatenate([members[index] for index in generator.integers(0, len(members), len(members))])
        drawn.append(function(found[rows], truth[rows]))
    known = np.array(drawn)[np.isfinite(drawn)]
    low, high = np.quantile(known, (0.025, 0.975)) if known.size else (np.nan, np.nan)
    return function(found, truth), float(low), float(high)
