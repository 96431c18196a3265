"""An installed package brings a model that is one like any other; a bad package says what is wrong and takes nothing else down."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.core.errors import UnknownModel, WeightsMissing
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models import registry
from engine.models.entry import LoadOptions
from engine.service.engine import Engine, Request
from tests.models.third_party import HERE, installed, package


def test_a_package_brings_a_model_to_the_engine_and_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    assert "example-neighbours" not in registry.model_ids()
    with installed():
        engine = Engine(Settings(home=tmp_path, device="cpu"))
        assert engine.model("example-neighbours").installed
        assert engine.models()[-1].card.title == "Neighbours"
        values = engine.run(Request("dependency", NucleotideSequence("ACGTTGCA"), "example-neighbours")).values
        assert values[0, 2:].max() < 1e-5
        assert values[0, 1] > 0.1
        assert main(["map", "--sequence", "ACGTTGCA", "--model", "example-neighbours", "--out", str(tmp_path / "map.npz")]) == 0
    with pytest.raises(UnknownModel):
        registry.entry("example-neighbours")


def test_other_code_of_a_package_is_another_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    import sys

    shutil.copytree(HERE, tmp_path / "site")
    revisions = []
    for line in ("", "\n# changed\n"):
        with (tmp_path / "site" / "locuscope_neighbours.py").open("a") as stream:
            stream.write(line)
        monkeypatch.delitem(sys.modules, "locuscope_neighbours", raising=False)
        with installed(tmp_path / "site"):
            revisions.append(registry.entry("example-neighbours").card.revision)
    monkeypatch.delitem(sys.modules, "locuscope_neighbours", raising=False)
    assert revisions[0].startswith("1.0, locuscope-neighbours 1.0, code ")
    assert revisions[0] != revisions[1]


def test_the_example_is_an_adapter_of_forty_lines() -> None:
    code = (HERE / "locuscope_neighbours.py").read_text().partition('"""\n\n')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


@pytest.mark.parametrize(
    ("point", "text", "told"),
    [
        ("mine = absent_module:ENTRY", "", "ModuleNotFoundError: No module named 'absent_module'"),
        ("mine = bad:ENTRY", "raise RuntimeError('not on this machine')", "RuntimeError: not on this machine"),
        ("mine = bad:ENTRY", "raise SystemExit(3)", "SystemExit: 3"),
        ("mine = bad:ENTRY", "ENTRY = 5", "bad:ENTRY is no ModelEntry"),
        ("mine = bad:ENTRY", "from locuscope_neighbours import ENTRY", "its card has the id 'example-neighbours'"),
    ],
)
def test_a_package_that_cannot_be_used_says_why_and_the_others_go_on(
    point: str, text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "bad", raising=False)
    with installed(package(tmp_path / "site", "bad", f"[locuscope.models]\n{point}\n", bad=text), HERE):
        rows = {row.card.id: row for row in Engine(Settings(home=tmp_path)).models()}
        assert not rows["mine"].installed
        assert told in rows["mine"].why_not
        assert "update the package or uninstall it" in rows["mine"].why_not
        assert rows["locuscope"].installed
        with pytest.raises(WeightsMissing, match="cannot be used"):
            registry.entry("mine").load(tmp_path, LoadOptions())
    sys.modules.pop("bad", None)


@pytest.mark.parametrize(("point", "told"), [("gpn = other:ENTRY", "an id that is taken"), ("no id! = other:ENTRY", "which is no id")])
def test_an_id_that_is_taken_or_is_none_is_left_out_with_a_warning(
    point: str, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        installed(package(tmp_path / "site", "other", f"[locuscope.models]\n{point}\n", other="ENTRY = None")),
        caplog.at_level(logging.WARNING),
    ):
        assert len(set(registry.model_ids())) == len(registry.model_ids())
        assert registry.entry("gpn").card.title.startswith("GPN")
    assert "The package other brings a model" in caplog.text
    assert told in caplog.text
