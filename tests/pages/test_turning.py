"""Pages are left by one door only."""

from __future__ import annotations

from tests.conftest import ROOT


def test_no_page_is_left_but_through_turning() -> None:
    leaving = {path.name for path in (ROOT / "pages").rglob("*.py") if "st.switch_page" in path.read_text(encoding="utf-8")}
    assert leaving == {"turning.py"}
