"""The page Embeddings in Streamlit's own test frame: windows of what the explorer shows, their map, a regression that is refused."""

from __future__ import annotations

import time

from streamlit.testing.v1 import AppTest

from engine.core.embedding import EmbeddingTable, Projection

LETTERS = "GATTACAGGCATCGATCGGATATTTAGCGCGCTAATCGGCTA" * 8


def _page() -> None:
    from pages._ui.embeddings_page import page

    page()


def settled(app: AppTest) -> AppTest:
    """The page once nothing is read or computed any more."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        work = app.session_state.get("embeddings-work", None)
        busy = work is None or work.running or "map" not in work.jobs
        if not busy:
            break
        time.sleep(0.2)
        app.run()
    return app.run()


def test_windows_of_the_explorer_become_a_map() -> None:
    app = AppTest.from_function(_page, default_timeout=60)
    app.query_params["sequence"] = LETTERS
    app = app.run()
    assert not app.exception
    width = next(item for item in app.number_input if item.label == "Window, bases")
    app = width.set_value(40).run()
    app = settled(app.button(key="embeddings-go").click().run())
    assert not app.exception
    work = app.session_state["embeddings-work"]
    table, projection = work.result("places", EmbeddingTable), work.result("map", Projection)
    assert len(table) == len(LETTERS) // 40
    assert projection.pca.shape[0] == len(table)
    assert len(work.source.question(table.places[3], 50).splitlines()[1]) == 50
    assert work.source.question(table.places[0], 1000).splitlines()[1] == LETTERS[:140]
    app = settled(app.button(key="embeddings-probe").click().run())
    assert any("places have a label" in item.value for item in app.error)
