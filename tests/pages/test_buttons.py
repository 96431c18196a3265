"""A click is carried out once, also where the page begins anew before it comes to the button."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT


def interrupted() -> None:
    """A page whose second run, that of the first click, is broken off above its buttons."""
    import streamlit as st

    from pages._ui import buttons

    counts = st.session_state.setdefault("counts", {"runs": 0, "once": 0, "later": 0})
    counts["runs"] += 1
    if counts["runs"] == 2:
        st.rerun()
    if buttons.button("Once", key="once"):
        counts["once"] += 1
    if counts["runs"] != 3 and buttons.button("Later", key="later"):
        counts["later"] += 1
    buttons.forget()


def test_a_click_outlives_a_run_that_was_broken_off() -> None:
    page = AppTest.from_function(interrupted).run()
    page.button(key="once").click().run()
    assert page.session_state["counts"] == {"runs": 3, "once": 1, "later": 0}
    page.run()
    assert page.session_state["counts"]["once"] == 1
    page.button(key="once").click().run()
    assert page.session_state["counts"]["once"] == 2


def test_a_click_on_a_button_that_is_gone_is_not_kept_for_later() -> None:
    page = AppTest.from_function(interrupted).run()
    page.button(key="later").click().run()
    page.run()
    assert page.session_state["counts"] == {"runs": 4, "once": 0, "later": 0}


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_no_page_draws_a_button_whose_click_can_be_lost(path: Path) -> None:
    calls = re.findall(r"\bst\.button\((?:[^()]|\([^()]*\))*\)", path.read_text(encoding="utf-8"))
    assert all("on_click=" in call for call in calls)


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.name)
def test_a_click_on_what_is_chosen_already_leaves_it_chosen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("segmented_control", "pills"):
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert given.get("required") == "True" or given.get("selection_mode") == "'multi'", f"line {node.lineno}"
