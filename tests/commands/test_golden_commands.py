"""Every command still writes the numbers it wrote before the house was rebuilt, and still takes the options it took."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.commands.golden_commands import ANSWERS, FOLDER, HELPS, answer, help_text

_OPTION = re.compile(r"--[a-z][a-z-]*")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_command_writes_the_numbers_it_always_wrote(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    found = answer(name, tmp_path)
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
        for key in archive.files:
            if archive[key].dtype.kind == "f":
                np.testing.assert_allclose(found[key], archive[key], rtol=1e-5, atol=1e-5, equal_nan=True, err_msg=key)
            else:
                np.testing.assert_array_equal(found[key], archive[key], err_msg=key)


@pytest.mark.parametrize("command", HELPS)
def test_a_command_still_takes_every_option_it_took(command: str) -> None:
    before = (FOLDER / f"help-{command or 'engine'}.txt").read_text(encoding="utf-8")
    assert set(_OPTION.findall(before)) <= set(_OPTION.findall(help_text(command)))
