"""A benchmark as a tab-separated table or as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from engine.analyses.benchmark import VERSION, Benchmark, Measured
from engine.analyses.ranking import Estimate

MEASURES = ("auroc", "auprc", "spearman")
LATER = ("pearson",)
"""Measures whose columns came later and stand at the end."""
COLUMNS = (
    "score",
    "kind",
    "class",
    "rows",
    "missing",
    "positives",
    *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")),
    "chance",
    *(f"{name}{end}" for name in LATER for end in ("", "_low", "_high")),
)
"""``_low`` and ``_high``: 95 % interval; ``chance``: auPRC of a score that knows nothing."""


def rows_of(found: Benchmark) -> list[dict[str, Any]]:
    """One mapping a score and class, in the order of `COLUMNS`; None for no value."""
    return [_row(item) for item in found.measured]


def _row(item: Measured) -> dict[str, Any]:
    values: list[Any] = [item.score, "baseline" if item.baseline else "score", item.group, item.rows, item.missing, item.positives]
    for name in MEASURES:
        values += _told(getattr(item, name))
    values.append(item.chance)
    for name in LATER:
        values += _told(getattr(item, name))
    return dict(zip(COLUMNS, values, strict=True))


def _told(found: Estimate | None) -> list[float | None]:
    """Value and ends of its interval, None for what there is not."""
    told = (found.value, found.low, found.high) if found is not None else (None, None, None)
    return [None if value is None or math.isnan(value) else round(value, 6) for value in told]


def write_benchmark(found: Benchmark, provenance: dict[str, Any], path: Path) -> None:
    """Write ``.json``, or TSV with the provenance in comment lines for any other name."""
    origin = {"analysis": "benchmark", "version": VERSION, "parameters": found.parameters.as_dict(), **provenance}
    if path.suffix.casefold() == ".json":
        path.write_text(json.dumps({"provenance": origin, "measured": rows_of(found)}, indent=1), encoding="utf-8")
        return
    lines = [f"# locuscope benchmark\n# provenance: {json.dumps(origin, sort_keys=True)}\n", "\t".join(COLUMNS) + "\n"]
    lines += ["\t".join(_text(value) for value in row.values()) + "\n" for row in rows_of(found)]
    path.write_text("".join(lines), encoding="utf-8")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("\t", " ").replace("\n", " ")
