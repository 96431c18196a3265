"""Files that were given on a page are there when the visitor comes back from another one, until they are taken away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from engine.service import embeddings
from tests.pages.leaving import come_back_to, left, room
from tests.pages.test_embeddings_page import LETTERS, quick, settled

PLACES = b"toy\t4\t7\tone\t0\t+\ntoy\t40\t43\ttwo\t0\t-\n"


def until(app: AppTest, done: Callable[[], bool]) -> AppTest:
    """The page run again until ``done``."""
    end = time.monotonic() + 60
    while not done() and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert done()
    return app


def told(app: AppTest) -> str:
    return " ".join(item.value.replace("\\", "") for item in app.caption)


def test_places_of_a_file_stay_on_motif_until_the_file_is_removed() -> None:
    app = room("motif_page", sequence=f">toy\n{LETTERS}", places="own")
    app = until(app, lambda: bool(app.get("file_uploader")))
    assert any("give the file here" in item.value for item in app.info)
    app.file_uploader(key="motif-file").upload("places.bed", PLACES, "text/plain")
    app = until(app.run(), lambda: "Places by 'places.bed'" in told(app))
    assert not app.info
    app = come_back_to(left(app))
    assert not app.exception
    assert "Places by 'places.bed'" in told(app)
    assert not app.info
    app = app.button(key="motif-file-remove").click().run()
    assert "places.bed" not in told(app)


def test_a_genome_that_was_uploaded_stays_on_embeddings() -> None:
    app = room("embeddings_page", sequence=LETTERS)
    genome = next(item for item in app.selectbox if item.label == "Genome")
    app = genome.set_value("a file of mine").run()
    app.file_uploader(key="places-file").upload("mine.fa", f">mine\n{LETTERS}".encode(), "text/plain")
    app = until(app.run(), lambda: any(item.key == "embeddings-go" for item in app.button))
    app = come_back_to(left(app))
    assert next(item for item in app.selectbox if item.label == "Genome").value == "a file of mine"
    assert any(item.key == "embeddings-go" for item in app.button)
    assert "'mine.fa'" in told(app)


def test_the_columns_that_were_chosen_stay_on_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "project_table", quick)
    app = settled(room("embeddings_page", sequence=LETTERS, places="windows", windows="40", embedded="1"))
    app.file_uploader(key="embeddings-labels").upload("labels.tsv", b"locus\twindow\tvalue\tarm\na\tb\t1\tp\n", "text/plain")
    app = settled(app.run())
    for name, value in (("names", "window"), ("label", "value"), ("group", "arm")):
        app.selectbox(key=f"embeddings-{name}-4").set_value(value)
    app = come_back_to(left(app.run()))
    assert not app.exception
    assert [app.selectbox(key=f"embeddings-{name}-4").value for name in ("names", "label", "group")] == ["window", "value", "arm"]
    app.file_uploader(key="embeddings-labels").upload("others.tsv", b"locus\tq\tw\tr\na\tb\t1\tp\n", "text/plain")
    app = settled(app.run())
    assert [app.selectbox(key=f"embeddings-{name}-4").value for name in ("names", "label")] == ["locus", "r"]


def test_a_table_and_what_was_measured_of_it_stay_on_benchmarks() -> None:
    app = room("benchmarks_page")
    rows = "".join(f"{row % 2}\t{row}\n" for row in range(40))
    app.file_uploader(key="benchmark-file").upload("mine.tsv", f"label\tscore\n{rows}".encode(), "text/plain")
    app = until(app.run(), lambda: any(item.label == "Measure" for item in app.button))
    next(item for item in app.multiselect if item.label == "Scores").set_value(["score"])
    next(item for item in app.number_input if item.label == "Bootstrap replicates").set_value(20)
    app = next(item for item in app.button if item.label == "Measure").click().run()
    app = until(app, lambda: bool(app.get("plotly_chart")))
    app = come_back_to(left(app))
    assert not app.exception
    assert app.get("plotly_chart")
    assert "'mine.tsv', 40 rows" in told(app)
    assert next(item for item in app.multiselect if item.label == "Scores").value == ["score"]
    assert next(item for item in app.number_input if item.label == "Bootstrap replicates").value == 20
    app = app.button(key="benchmark-file-remove").click().run()
    assert not app.get("plotly_chart")


def box(app: AppTest, label: str) -> Selectbox[Any] | None:
    """The box of that label; None where it is not drawn: nothing is while contacts are computed anew."""
    return next((item for item in app.selectbox if item.label == label), None)


def chosen(app: AppTest, label: str) -> str | None:
    found = box(app, label)
    return found.value if found is not None else None


def offers(app: AppTest, label: str, option: str) -> bool:
    found = box(app, label)
    return found is not None and option in found.options


def test_what_was_given_and_set_on_rna_stays_there() -> None:
    app = room("rna_page", sequence="GGGCCCAAATTTGGGCCC")
    app = until(app, lambda: box(app, "Draw") is not None)
    app.file_uploader(key="rna-reactivity-file").upload("mine.txt", b"0.5\n" * 18, "text/plain")
    app.text_area[0].set_value("((((((......))))))")
    app.number_input(key="rna-set-minimum_loop").set_value(5)
    app = until(app.run(), lambda: offers(app, "Colour by", "reactivity"))
    app = until(come_back_to(left(app)), lambda: offers(app, "Colour by", "reactivity"))
    assert not app.exception
    assert offers(app, "Draw", "known structure")
    assert app.number_input(key="rna-set-minimum_loop").value == 5
    assert (app.query_params["known"], app.query_params["minimum_loop"]) == ("((((((......))))))", "5")
    assert app.query_params["own"] == "reactivities"  # which a reload asks for
    assert "'mine.txt'" in told(app)


def test_the_models_structure_is_drawn_until_another_is_chosen_and_that_one_holds() -> None:
    app = room("rna_page", sequence="GGGCCCAAATTTGGGCCC")
    app = until(app, lambda: chosen(app, "Draw") == "contacts" and offers(app, "Colour by", "reconstruction"))
    for label, option in (("Draw", "stems"), ("Colour by", "reconstruction")):
        found = box(app, label)
        assert found is not None
        app = found.set_value(option).run()
    app.number_input(key="rna-set-minimum_loop").set_value(5)
    app = until(app.run(), lambda: chosen(app, "Colour by") == "reconstruction")
    assert chosen(app, "Draw") == "stems"
    app = until(come_back_to(left(app)), lambda: chosen(app, "Colour by") == "reconstruction")
    assert chosen(app, "Draw") == "stems"
    assert not app.exception
