"""What a model's scores were measured to be, by class."""

from __future__ import annotations

import json

import pytest

from engine.core.calibration import FOLDER, Calibration, ClassMeasurement, calibration_of, shipped

MODELS = FOLDER.parent / "models"
GRID = tuple(float(value) for value in range(101))


def table(low: float = 0.2, high: float = 0.3, count: int = 240) -> Calibration:
    measured = ClassMeasurement(0.25, low, high, count, 240)
    names = ("stop_lost", "intron_variant")
    quantiles = {(name, score): GRID for name in names for score in ("llr", "influence")}
    return Calibration(
        "m",
        "sha",
        512,
        "somewhere",
        ("Saccharomyces",),
        quantiles,
        dict.fromkeys(names, count),
        {(name, "llr"): measured for name in names},
    )


def test_a_quantile_is_the_share_that_is_as_little_expected() -> None:
    assert table().quantile("stop_lost", "llr", 25.5) == 0.255
    assert table().quantile("stop_lost", "llr", -3.0) == 0.0
    assert table().quantile("stop_lost", "influence", 90.0) == 1 - 0.9
    assert table().quantile("missense_variant", "llr", 1.0) is None
    assert table(count=199).quantile("stop_lost", "llr", 1.0) is None


def test_a_score_is_below_chance_where_its_whole_interval_is_and_enough_were_measured() -> None:
    assert table().below_chance("stop_lost", "llr") is not None
    assert table(high=0.51).below_chance("stop_lost", "llr") is None
    assert table(count=199).below_chance("stop_lost", "llr") is None
    assert table().below_chance("stop_lost", "influence") is None
    assert table().below_chance("intron_variant", "llr") is None  # not expected to do harm


@pytest.mark.parametrize("model_id", ["locuscope", "locuscope-local"])
def test_the_shipped_tables_are_of_the_shipped_weights_and_measured_on_enough(model_id: str) -> None:
    found = shipped(model_id)
    assert found is not None
    card = MODELS / {"locuscope": "locuscope-lm"}.get(model_id, model_id) / "card.json"
    assert found.weights_sha256 == json.loads(card.read_text(encoding="utf-8"))["sha256"]
    assert calibration_of(model_id, found.weights_sha256, found.window_bp) is found
    assert calibration_of(model_id, found.weights_sha256, 512, "Escherichia coli K-12 MG1655") is found
    assert calibration_of(model_id, found.weights_sha256, 512, "Homo sapiens") is None
    assert calibration_of(model_id, "0" * 64, found.window_bp) is None
    assert calibration_of(model_id, found.weights_sha256, 511) is None
    for name in ("stop_gained", "missense_variant", "stop_lost"):
        assert min(found.measured[name, "llr"].count, found.measured[name, "llr"].neutral) >= 200
    assert found.measured["stop_gained", "llr"].low > 0.5
    assert found.below_chance("stop_lost", "llr") is not None
