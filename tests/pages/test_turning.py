"""Pages are left by one door only, and what is left behind is forgotten."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pages._ui import turning
from tests.conftest import ROOT


def test_no_page_is_left_but_through_turning() -> None:
    leaving = {path.name for path in (ROOT / "pages").rglob("*.py") if "st.switch_page" in path.read_text(encoding="utf-8")}
    assert leaving == {"turning.py"}


@pytest.mark.parametrize(
    ("shown", "asked", "turns"),
    [
        (None, "app", False),
        ("explorer", "explorer", False),
        ("explorer", "app", False),
        ("explorer", "lessons", True),
        ("lessons", "explorer", True),
    ],
)
def test_only_a_click_to_another_page_begins_anew(monkeypatch: pytest.MonkeyPatch, shown: str | None, asked: str, turns: bool) -> None:
    """A first visit bears the name of the whole app until the navigation has told the browser which page it is, and so do its first clicks."""
    done: list[str] = []
    run = SimpleNamespace(
        page_script_hash=asked,
        pages_manager=SimpleNamespace(main_script_hash="app"),
        fragment_storage=SimpleNamespace(clear=lambda: done.append("forgotten")),
    )
    state = {} if shown is None else {turning._SHOWN: shown}
    monkeypatch.setattr(turning, "get_script_run_ctx", lambda: run)
    monkeypatch.setattr(turning, "st", SimpleNamespace(session_state=state, rerun=lambda: done.append("again")))
    turning.begin()
    assert done == (["forgotten", "again"] if turns else [])
    turning.draws()
    assert state == {turning._SHOWN: asked}
