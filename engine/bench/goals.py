"""What the figures should be, row by row; those of ratios hold for processors with AVX-512 bf16 and no AMX, which most servers are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.bench.measure import Row


@dataclass(frozen=True)
class Goal:
    """Rows whose group and name match ``group`` and ``what`` should have a value of at least ``least``, or at most ``most``."""

    group: str
    what: str
    least: float | None = None
    most: float | None = None

    def concerns(self, row: Row) -> bool:
        """Whether it speaks of a row."""
        return bool(re.search(self.group, row.group) and re.fullmatch(self.what, row.what))

    def verdict(self, row: Row) -> str:
        """``goal ≥ 1.25: met`` or ``goal ≥ 1.25: missed``."""
        met = (self.least is None or row.value >= self.least) and (self.most is None or row.value <= self.most)
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"goal {bound}: {'met' if met else 'missed'}"


TIMES_THE_LOOP = "times the authors-style float32 loop"
GOALS = (
    Goal(r"^Encoder .* 1 base a token", f"float32: {TIMES_THE_LOOP}", least=1.25),
    Goal(r"^Encoder .* 6 bases a token", f"float32: {TIMES_THE_LOOP}", least=1.5),
    Goal(r"^Encoder ", f"delta: {TIMES_THE_LOOP}", least=2.5),
    Goal(r"^Encoder ", "float32: largest difference to that loop", most=1e-3),
    Goal(r"^The shipped model, 1,000 nt", r"sparse, tau 0\.05: times as fast", least=5.0),
    Goal(r"^Cone recomputation", r"receptive field 127.*: times as fast", least=7.0),
    Goal(r"^Cone recomputation", r"receptive field 255.*: times as fast", least=4.0),
    Goal(r"^Causal reuse", r"6 x 256.*: times as fast", least=1.8),
    Goal(r"^Whole maps of locuscope-local", r"map of 76 nt", most=0.5),
    Goal(r"^Whole maps of locuscope-local", r"map of 300 nt", most=4.0),
    Goal(r"^Whole maps of locuscope-local", r"map of 1,000 nt", most=20.0),
    Goal(r"^Whole maps of locuscope-local", r"map of 2,000 nt", most=60.0),
    Goal(r"^Whole maps of locuscope-local", r"peak memory.*", most=50.0),
    Goal(r"^The scan without a model", r"peak memory.*", most=50.0),
)


def verdict(row: Row) -> str:
    """What the first goal that speaks of ``row`` says of it; empty where there is none."""
    return next((goal.verdict(row) for goal in GOALS if goal.concerns(row)), "")
