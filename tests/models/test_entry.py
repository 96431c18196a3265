"""Loading through the registry ends in a model or in one sentence, whatever the files beside the weights hold."""

from __future__ import annotations

import functools
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import LocuscopeError, WeightsInvalid, WeightsMissing
from engine.models.entry import LoadOptions
from engine.models.registry import entry

CHECKPOINTS = {
    "gpn": "gpn",
    "grover": "grover",
    "rinalmo": "rinalmo_multimolecule",
    "nt-v2": "nt_v2",
    "segmentnt": "segment_nt",
    "specieslm-fungi-k1": "dependency_k1",
    "specieslm-metazoa-k6": "specieslm_metazoa_k6",
}
STRANGE = [None, True, -1, 0, 3, 1.5, "x", [], {}, [1], {"a": 1}, 10**12, float("nan"), "1e-5"]


def strange(values: Any, generator: random.Random) -> None:
    """Replace one value somewhere in parsed JSON by a strange one."""
    while True:
        key = generator.choice(list(values)) if isinstance(values, dict) else generator.randrange(len(values))
        if not isinstance(values[key], (dict, list)) or not values[key] or generator.random() < 0.3:
            values[key] = generator.choice(STRANGE)
            return
        values = values[key]


@pytest.mark.parametrize("model_id", CHECKPOINTS)
def test_strange_values_in_any_file_beside_the_weights_end_in_one_sentence(model_id: str, tiny: Path, tmp_path: Path) -> None:
    source = tiny / CHECKPOINTS[model_id] / "checkpoint"
    for path in source.iterdir():
        if path.suffix != ".json":
            shutil.copyfile(path, tmp_path / path.name)
    generator = random.Random(model_id)
    texts = {path.name: path.read_text() for path in sorted(source.glob("*.json"))}
    for name in [*texts, *texts, *texts]:
        for other, text in texts.items():
            (tmp_path / other).write_text(text)
        values = json.loads(texts[name])
        strange(values, generator)
        (tmp_path / name).write_text(json.dumps(values))
        try:
            entry(model_id).load(tmp_path, LoadOptions())
        except LocuscopeError as error:
            assert "\n" not in str(error)  # noqa: PT017 - loading may also succeed


def test_what_python_says_is_translated_once_and_our_own_errors_pass(tmp_path: Path) -> None:
    def broken(directory: Path, options: LoadOptions, error: Exception) -> Any:
        raise error

    for error in (KeyError("content"), TypeError("no"), ZeroDivisionError("no")):
        row = replace(entry("gpn"), load=functools.partial(broken, error=error))
        with pytest.raises(WeightsInvalid, match="published layout") as caught:
            row.load(tmp_path, LoadOptions())
        assert caught.value.__cause__ is error
    own = replace(entry("gpn"), load=functools.partial(broken, error=WeightsMissing("said")))
    with pytest.raises(WeightsMissing, match="said"):
        own.load(tmp_path, LoadOptions())


def test_a_guarded_loader_still_says_which_module_it_is_of() -> None:
    assert entry("gpn").load.__module__ == "engine.models.gpn.adapter"
    assert entry("specieslm-fungi-k1").load.__module__ == "engine.models.specieslm.adapter"
