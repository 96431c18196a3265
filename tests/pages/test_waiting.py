"""The thread in which a page is drawn waits for nothing longer than a fifth of a second: what takes time is followed by looks."""

from __future__ import annotations

import ast
import threading
import time
from pathlib import Path

import pytest

from engine.core.errors import SourceUnavailable
from engine.sources.http import Service
from pages._ui import explorer, reading, rna_page, state
from tests.pages.test_explorer import Opened, submit
from tests.serving import ROOT

PAGES = sorted((ROOT / "pages").rglob("*.py"))
BOUND = "MOST_WAIT_SECONDS"
NEVER = {"sleep", "run_triage", "run_splice", "resolved", "scores", "fetch", "flat_file", "variation", "urlopen", "get_json"}
"""What waits for an answer, or may."""


def waits(source: str) -> list[str]:
    """Calls that wait: of the engine for an answer, of anything else without the bound."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called, owner, given = node.func.attr, ast.unparse(node.func.value), [ast.unparse(item) for item in node.args]
        if called in NEVER or (called == "run" and owner.endswith("engine")) or (called == "wait" and given != [BOUND]):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_waits_for_an_answer(path: Path) -> None:
    assert waits(path.read_text(encoding="utf-8")) == []


def test_the_check_finds_what_it_is_for() -> None:
    written = "shared.engine.run(request)\ntime.sleep(1)\njob.wait(30)\njob.wait()\njob.wait(MOST_WAIT_SECONDS)\nst.navigation(x).run()"
    assert waits(written) == ["shared.engine.run(request)", "time.sleep(1)", "job.wait(30)", "job.wait()"]
    assert {explorer.MOST_WAIT_SECONDS, reading.MOST_WAIT_SECONDS, rna_page.MOST_WAIT_SECONDS} == {0.2}


def test_the_page_is_drawn_while_a_service_does_not_answer(explorer: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it waits for, with a way to stop that."""
    answer = threading.Event()

    def silent(*_: object) -> None:
        answer.wait(60)
        raise SourceUnavailable("NCBI did not finish its answer.")

    monkeypatch.setattr(Service, "get", silent)
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "0")
    state.shared.clear()
    try:
        app = explorer()
        usual = _seconds(app.run)
        took = _seconds(lambda: submit(app, "NC_001416.1"))
        assert took < 5 * usual + 2.0
        assert any("Reading 'NC\\_001416.1'" in item.value for item in app.caption)
        assert "Cancel" in [button.label for button in app.button]
    finally:
        answer.set()
        state.shared.clear()


def _seconds(work: object) -> float:
    began = time.monotonic()
    work()  # type: ignore[operator]
    return time.monotonic() - began
