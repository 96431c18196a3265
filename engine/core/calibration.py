"""What a model's scores of variants were measured to be, by consequence class: their distribution, and how well they tell the class apart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.core.consequences import IMPACTS

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "calibration"
ScoreName = Literal["llr", "influence"]
SCORES: tuple[ScoreName, ...] = ("llr", "influence")
NEUTRAL = "synonymous_variant"
"""The class that every other one is held against."""

HARMFUL = ("HIGH", "MODERATE")
"""Impact classes that should be less expected than synonymous substitutions; of the others the measurement is a description."""

FEWEST = 200
"""Substitutions of a class that are needed on either side before its measurement decides anything."""


@dataclass(frozen=True)
class ClassMeasurement:
    """How well a score tells substitutions of one class from synonymous ones.

    Parameters
    ----------
    auroc, low, high : float
        Chance that one of the class is less expected (low ``llr``, high ``influence``) than a synonymous one, and its 95 % interval.
    count, neutral : int
        Substitutions of the class and synonymous ones.
    """

    auroc: float
    low: float
    high: float
    count: int
    neutral: int

    @property
    def below_chance(self) -> bool:
        """Whether the whole interval lies below one half, on enough substitutions of either kind."""
        return self.high < 0.5 and min(self.count, self.neutral) >= FEWEST

    @property
    def at_chance(self) -> bool:
        """Whether the interval holds one half."""
        return self.low <= 0.5 <= self.high

    def words(self) -> str:
        """``AUROC 0.34 (0.30-0.38), n = 250 + 250``."""
        return f"AUROC {self.auroc:.2f} ({self.low:.2f}-{self.high:.2f}), n = {self.count:,} + {self.neutral:,}"


@dataclass(frozen=True, eq=False)
class Calibration:
    """The table of one model.

    Parameters
    ----------
    weights_sha256 : str
        Of the weights that were measured; the table says nothing of others.
    window_bp : int
        Window of the triage that was measured.
    source : str
        What it was measured on, in one sentence.
    organisms : tuple of str
        How the names of organisms begin that it may be used for.
    quantiles : mapping
        By class and score the values at 0, 1, ... 100 % of the class's substitutions, ascending.
    counts : mapping
        By class how many substitutions that are.
    measured : mapping
        By class and score.
    """

    model: str
    weights_sha256: str
    window_bp: int
    source: str
    organisms: tuple[str, ...]
    quantiles: Mapping[tuple[str, str], tuple[float, ...]]
    counts: Mapping[str, int]
    measured: Mapping[tuple[str, str], ClassMeasurement]

    def quantile(self, consequence: str, score: str, value: float) -> float | None:
        """Share of the class's substitutions that are as little expected or less; None where the class was not measured on enough."""
        table = self.quantiles.get((consequence, score))
        if table is None or not math.isfinite(value) or self.counts.get(consequence, 0) < FEWEST:
            return None
        steps = np.linspace(0, 1, len(table))
        share = float(np.interp(value, np.array(table), steps, left=0.0, right=1.0))
        return share if score == "llr" else 1 - share

    def below_chance(self, consequence: str, score: str) -> ClassMeasurement | None:
        """The measurement when the score ranks a class that is expected to do harm (`HARMFUL`) below synonymous ones; None otherwise."""
        found = self.measured.get((consequence, score))
        return found if found is not None and found.below_chance and IMPACTS.get(consequence) in HARMFUL else None

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """What `to_json` wrote."""
        given: dict[str, Any] = json.loads(text)
        classes: dict[str, Any] = given["classes"]
        quantiles: dict[tuple[str, str], tuple[float, ...]] = {}
        measured: dict[tuple[str, str], ClassMeasurement] = {}
        for name, row in classes.items():
            for score in SCORES:
                quantiles[name, score] = tuple(float(value) for value in row["quantiles"][score])
                if score in row.get("against_synonymous", {}):
                    measured[name, score] = ClassMeasurement(**row["against_synonymous"][score])
        counts = {name: int(row["count"]) for name, row in classes.items()}
        return cls(
            given["model"],
            given["weights_sha256"],
            int(given["window_bp"]),
            given["source"],
            tuple(given["organisms"]),
            quantiles,
            counts,
            measured,
        )


@cache
def shipped(model: str) -> Calibration | None:
    """The table that comes with a model; None for models without one."""
    path = FOLDER / f"{model}.json"
    return Calibration.from_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def calibration_of(model: str, weights_sha256: str, window_bp: int, organism: str = "") -> Calibration | None:
    """The table that holds for these weights, this window and organism (empty: nobody said); None where none was measured."""
    found = shipped(model)
    if found is None or (found.weights_sha256, found.window_bp) != (weights_sha256, window_bp):
        return None
    return found if not organism or organism.startswith(found.organisms) else None
