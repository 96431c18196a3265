"""The README names everything there is, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from engine.commands.app import make_app
from engine.core.settings import PREFIX, Settings
from engine.exports.formats import FORMATS
from engine.models import registry
from engine.sources.examples import example

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", TEXT, flags=re.MULTILINE)[[*re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)].index(title) + 1]


def first_cells(title: str) -> list[str]:
    rows = re.findall(r"^\| `?([^`|]+?)`? \|", section(title), flags=re.MULTILINE)
    return [row for row in rows if not set(row) <= set("-: ")][1:]


def test_the_two_commands_come_before_the_first_picture() -> None:
    assert TEXT.index("make run") < TEXT.index("make test") < TEXT.index("![")


def test_every_model_has_its_row_with_its_licence() -> None:
    assert first_cells("Models") == list(registry.model_ids())
    rows = section("Models")
    assert all(registry.entry(model).card.licence in rows for model in registry.model_ids())
    told = {cells[1].strip(" `"): cells[5].strip() for cells in (line.split("|") for line in rows.splitlines()) if len(cells) > 6}
    assert {model: told[model] for model in registry.model_ids()} == {
        model: ", ".join(sorted(registry.entry(model).card.capabilities)) for model in registry.model_ids()
    }


def test_every_setting_has_its_row() -> None:
    assert first_cells("Settings") == [PREFIX + item.name.upper() for item in fields(Settings)]
    assert all(item.metadata["help"] in section("Settings") for item in fields(Settings))


def test_every_command_has_its_row() -> None:
    names = {str(command.name or command.callback.__name__) for command in make_app().registered_commands if command.callback}
    assert set(first_cells("Command line")) == names


def test_every_export_format_has_its_row() -> None:
    assert first_cells("Exports") == [*(item.name for item in FORMATS.values()), "figure"]


def test_every_page_has_its_row() -> None:
    titles = re.findall(r'st\.Page\(.+?, title="([^"]+)"', (ROOT / "pages" / "_ui" / "frame.py").read_text(encoding="utf-8"))
    assert first_cells("Pages") == titles


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_commands_that_work_at_once_name_files_and_examples_that_are_here() -> None:
    block = section("Command line").split("These work at once")[1].split("```")[1]
    for name in re.findall(r"assets/\S+", block):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"--locus (\S+)", block):
        assert example(name) is not None, name
