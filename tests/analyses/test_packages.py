"""An installed package brings an analysis and its panel that are ones like any other; a bad package says what is wrong and takes nothing else down."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.analyses import declared
from engine.commands.app import main
from engine.views import panel
from tests.models.third_party import installed, package
from tests.test_toy_analysis import ANALYSIS, PANEL, SEQUENCE

ROOT = Path(__file__).resolve().parent.parent.parent


def ran(site: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, where the packages in ``site`` are installed."""
    known = {**os.environ, "PYTHONPATH": str(site), "LOCUSCOPE_HOME": str(home), "LOCUSCOPE_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments], cwd=ROOT, env=known, capture_output=True, text=True, check=False, timeout=120
    )


def brings(site: Path, text: str, value: str = "locuscope_gc", name: str = "locuscope-gc") -> Path:
    """A package whose entry point ``gc`` has this ``value``, with a module of this text."""
    return package(site, name, f"[locuscope.analyses]\ngc = {value}\n", **{name.replace("-", "_"): text})


@pytest.mark.parametrize("value", ["locuscope_gc", "locuscope_gc:DECLARED"])
def test_a_package_brings_an_analysis_by_its_module_or_its_declarations(value: str, tmp_path: Path) -> None:
    site, out = brings(tmp_path / "site", ANALYSIS, value), tmp_path / "gc.npz"
    done = ran(site, tmp_path, "gc-content", "--sequence", SEQUENCE.letters, "--reach", "0", "--out", str(out))
    assert (done.returncode, "cannot be used" in done.stderr) == (0, False), done.stderr
    with np.load(out) as archive:
        np.testing.assert_array_equal(archive["gc"], [letter in "GC" for letter in SEQUENCE.letters])
    with installed(site):
        assert declared.declared("gc").package == "locuscope-gc"
        assert declared.left_out() == ()
    assert "gc" not in declared.analyses()


BAD = {
    "absent": ("", "absent_module", "ModuleNotFoundError: No module named 'absent_module'"),
    "raises": ("raise RuntimeError('not on\\nthis machine')", "bad", "RuntimeError: not on this machine"),
    "exits": ("raise SystemExit(3)", "bad", "SystemExit: 3"),
    "nothing": ("", "bad", "the module bad has no DECLARED"),
    "no attribute": ("", "bad:ELSE", "AttributeError: module 'bad' has no attribute 'ELSE'"),
    "a number": ("DECLARED = 5", "bad", "it is an int, not a tuple of Declared"),
    "of numbers": ("DECLARED = (5,)", "bad", "it holds an int, not a Declared"),
    "half": (ANALYSIS + "\nDECLARED = (*DECLARED, 5)", "bad", "it holds an int, not a Declared"),
    "name": (ANALYSIS.replace('name="gc"', 'name="dependency"'), "bad", "its name 'dependency' is taken"),
    "no name": (ANALYSIS.replace('name="gc"', 'name="g,c"'), "bad", "its name is 'g,c', not small letters"),
    "command": (ANALYSIS.replace('"gc-content"', '"map"'), "bad", "its command 'map' is taken"),
    "parameters": (ANALYSIS.replace("parameters=GcParameters", "parameters=dict"), "bad", "its parameters is the type dict"),
    "result": (ANALYSIS.replace("result=GcContent", "result=None"), "bad", "its result is a NoneType, not a type of Result"),
    "its result": (ANALYSIS.replace("GcContent", "ContactMap"), "bad", "its result's name ContactMap is taken"),
    "flag": (ANALYSIS.replace('"--reach"', '"reach"'), "bad", "its parameter reach has the option 'reach', not --NAME"),
    "no option": (ANALYSIS.replace("reach: int = option", "other: int = 2\n    reach: int = option"), "bad", "KeyError: 'option'"),
    "order": (ANALYSIS.replace('version="1"', 'version="1", order="last"'), "bad", "order"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_package_that_cannot_be_used_is_named_and_takes_nothing_down(bad: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text, value, told = BAD[bad]
    good = brings(tmp_path / "good", ANALYSIS.replace('"gc', '"good').replace("GcContent", "Good"), "good_gc", "good-gc")
    with installed(brings(tmp_path / "bad", text, value, "bad"), good), caplog.at_level(logging.WARNING):
        (sentence,) = declared.left_out()
        assert sentence.startswith("The analysis gc of the package bad cannot be used (")
        assert sentence.endswith("); update the package or uninstall it.")
        assert told in sentence
        assert caplog.messages == [sentence]
        known = declared.analyses()
    assert list(known) == [*declared.analyses(), "good"]
    assert declared.left_out() == ()


BAD_PANELS = {
    "absent": ("", "absent_module", "ModuleNotFoundError"),
    "raises": ("1 / 0", "bad", "ZeroDivisionError: division by zero"),
    "nothing": (ANALYSIS, "bad", "the module bad has no PANEL"),
    "a number": ("PANEL = 5", "bad:PANEL", "it is an int, not a Panel"),
    "id": (PANEL.replace('id="gc"', 'id="map"'), "bad", "its id 'map' is taken"),
    "no id": (PANEL.replace('id="gc"', 'id="g,c"'), "bad", "its id is 'g,c', not small letters"),
    "own": (PANEL.replace('id="gc"', 'id="own-gc"'), "bad", "that do not begin with own-"),
    "order": (PANEL.replace("order=200", 'order="200"'), "bad", "its order is a str, not an int"),
    "analyses": (PANEL.replace('("gc",)', '"gc"'), "bad", "its analyses is a str, not a tuple"),
    "draw": (PANEL.replace("draw=draw", "draw=None"), "bad", "its draw or when is no function"),
}


@pytest.mark.parametrize("bad", BAD_PANELS)
def test_a_panel_that_cannot_be_used_is_named_and_takes_nothing_down(bad: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text, value, told = BAD_PANELS[bad]
    site = package(tmp_path / "bad", "bad", f"[locuscope.panels]\nfirst = {value}\n", bad=text)
    points = "[locuscope.panels]\nsecond = good_gc:PANEL\nthird = good_gc\n"
    good = package(tmp_path / "good", "good-gc", points, good_gc=PANEL.replace('id="gc"', 'id="good"'))
    before = [row.id for row in panel.panels()]
    with installed(site, good):
        assert [row.id for row in panel.panels()] == [*before, "good"]
        first, second = panel.left_out()
        assert first.startswith("The panel first of the package bad cannot be used (")
        assert told in first
        assert "third of the package good-gc cannot be used (its id 'good' is taken)" in second
        assert caplog.messages == [first, second]
        app = AppTest.from_function(_models, default_timeout=60).run()
        assert [warning.value.partition(" of")[0] for warning in app.warning] == ["The panel first", "The panel third"]
    assert [row.id for row in panel.panels()] == before


def test_analysis_and_panel_of_one_module_are_drawn_by_the_command_line(tmp_path: Path) -> None:
    points = "[locuscope.analyses]\ngc = locuscope_gc\n[locuscope.panels]\ngc = locuscope_gc\n"
    site = package(tmp_path / "site", "locuscope-gc", points, locuscope_gc=ANALYSIS + PANEL.partition('"""\n\n')[2])
    done = ran(site, tmp_path, "gc-content", "--sequence", SEQUENCE.letters, "--out", str(tmp_path / "gc.html"))
    assert (done.returncode, "cannot be used" in done.stderr) == (0, False), done.stderr
    assert "Share of G and C around each base." in (tmp_path / "gc.html").read_text()


def test_a_package_without_metadata_is_told_by_its_entry_point(tmp_path: Path) -> None:
    site = brings(tmp_path, "DECLARED = 5", name="bad", value="bad")
    (site / "bad-1.0.dist-info" / "METADATA").unlink()
    with installed(site):
        assert "The analysis gc of the package bad cannot be used" in declared.left_out()[0]


def test_commands_and_pages_go_on_without_a_package_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = brings(tmp_path / "site", "import absent_module")
    for arguments in (["models"], ["--help"], ["map", "--sequence", "ACGTACGTAC", "--out", str(tmp_path / "map.npz")]):
        done = ran(site, tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("The analysis gc of the package locuscope-gc cannot be used") == 1
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    with installed(site):
        app = AppTest.from_function(_explorer, default_timeout=60)
        app.query_params["sequence"] = SEQUENCE.letters
        assert not app.run().exception
        app = AppTest.from_function(_models, default_timeout=60).run()
        assert not app.exception
        assert "cannot be used" in app.warning[0].value
        assert "absent" in app.warning[0].value


def test_a_command_of_the_program_stays_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with installed(brings(tmp_path, ANALYSIS.replace('"gc-content"', '"models"'))):
        assert main(["models"]) == 0
    assert "locuscope-segmenter" in capsys.readouterr().out
    assert caplog.messages == ["The analysis gc of the package locuscope-gc has no command here: 'models' is another one."]


def _explorer() -> None:
    from pages._ui.explorer import page

    page()


def _models() -> None:
    from pages._ui.model_table import page

    page()
