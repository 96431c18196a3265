"""A missing value in a table is a dash on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui.grid import MISSING

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _page() -> None:
    import pandas as pd

    from pages._ui.grid import grid

    grid(pd.DataFrame({"rank": pd.array([1, None], dtype="Int64"), "llr": [0.5, float("nan")]}), hide_index=True)


def test_a_table_says_what_stands_for_a_missing_value() -> None:
    app = AppTest.from_function(_page).run()
    assert app.dataframe[0].proto.placeholder == MISSING


@pytest.mark.parametrize("path", sorted(PAGES.rglob("*.py")), ids=lambda path: path.name)
def test_every_table_of_a_page_is_such_a_one(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.name == "grid.py" or not any(f"st.{name}(" in text for name in ("dataframe", "table", "data_editor"))
