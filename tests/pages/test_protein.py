"""The page Protein in Streamlit's own test frame, on small tables in the published layout."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.settings import Settings
from engine.models.scorers import alphamissense, terms
from tests.models.scorers.protein_tables import both


def _page() -> None:
    from pages._ui.protein_page import page

    page()


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Tables named by the setting, in a folder of this test; the engine that all pages share is made anew."""
    from pages._ui import state

    folder = both(tmp_path / "tables")
    names = {"GRCh38": "AlphaMissense_hg38.tsv.gz", "proteins": "AlphaMissense_aa_substitutions.tsv.gz"}
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_ALPHAMISSENSE", ",".join(f"{name}={folder / file}" for name, file in names.items()))
    state.shared.clear()
    yield tmp_path / "home"
    state.shared.clear()
    for thread in threading.enumerate():
        if thread.name == "preload":
            thread.join(60)


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    end = time.monotonic() + 60
    while (
        any(f"reading-of-{place}" in app.session_state for place in ("protein", "protein-map", "variant-card")) and time.monotonic() < end
    ):
        time.sleep(0.1)
        app.run()
    return app


def test_before_the_terms_are_accepted_the_page_says_so(tables: Path) -> None:
    app = opened()
    assert not app.exception
    assert "accept them on the Models page" in app.info[0].value
    assert not app.text_area


def test_an_address_opens_the_list_the_map_and_the_card(tables: Path) -> None:
    terms.accept(alphamissense.CARD, Settings.from_environment().home)
    app = opened(variants="chr7:117480101 G>C\nP13569:Q2M\nnone", assembly="GRCh38")
    assert not app.exception
    desk = app.session_state["protein-desk"]
    assert [str(row.substitution) for row in desk.rows] == ["P13569:R3S", "P13569:Q2M", "None"]
    assert (desk.chosen, desk.protein.residues) == (0, "MQRSPL")
    app = settled(app.button(key="card-ask").click().run())
    assert not app.exception
    assert desk.card[1].missense[0].value == pytest.approx(0.9)
    assert "The letters of GRCh38 are not here" in desk.card[1].notes["consequence"]
    assert "Not asked" in desk.card[1].notes["effects"]
    app.text_area(key="protein-text").set_value("Q8NH21")
    app = settled(next(item for item in app.button if item.label == "Look up").click().run())
    assert not app.exception
    assert app.session_state["protein-desk"].protein.residues == "MV"
