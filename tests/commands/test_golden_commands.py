"""Every command still writes the numbers it wrote before the house was rebuilt, and still takes the options it took."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.covariation import CovariationParameters
from engine.analyses.declared import analyses
from engine.commands.app import make_app
from engine.core.motif import MotifParameters
from engine.core.parameters import fields_of
from engine.core.places import OUTPUTS
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


def chosen() -> dict[str, dict[str, tuple[str, ...]]]:
    """The options of every command that take one of some words, with the words."""
    found = {row.command: {field.option.flag: field.option.choices for field in fields_of(row.parameters)} for row in analyses().values()}
    found["tracks"] = {"--output": OUTPUTS}
    found["compare"] = {"--influence": found["effects"]["--influence"]}
    found["alignment"] = {field.option.flag: field.option.choices for field in fields_of(CovariationParameters)}
    found["motif"] = {field.option.flag: field.option.choices for field in fields_of(MotifParameters)}
    return found


@pytest.mark.parametrize("command", sorted(str(row.name) for row in make_app().registered_commands))
def test_the_help_of_a_command_names_the_values_of_its_options(command: str) -> None:
    parts = re.split(r"^  (--[a-z-]+)", help_text(command), flags=re.MULTILINE)
    told = {flag: " ".join(words.split()) for flag, words in zip(parts[1::2], parts[2::2], strict=True)}
    assert not [flag for flag, words in told.items() if words.startswith("<")]
    for flag, choices in chosen().get(command, {}).items():
        assert not [word for word in choices if not re.search(rf"\b{word}\b", told.get(flag, ""))], flag
