"""The page Embeddings in Streamlit's own test frame: windows of what the explorer shows, their map, a regression that is refused."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.embedding import EmbeddingTable, Projection, ProjectionParameters
from engine.core.errors import ParameterError
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.service import embeddings, estimate
from engine.sources.fasta import parse_fasta
from pages._ui import embeddings_address, embeddings_page, embeddings_results, genome_source
from pages._ui.question import Shown, part_for_box

LETTERS = "GATTACAGGCATCGATCGGATATTTAGCGCGCTAATCGGCTA" * 8


def _page() -> None:
    from pages._ui.embeddings_page import page

    page()


def settled(app: AppTest) -> AppTest:
    """The page once nothing is read or computed any more."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        work = app.session_state.get("embeddings-work", None)
        reads = any(
            f"reading-of-{place}" in app.session_state
            for place in ("places-file", "embeddings-places", "explorer", "embeddings-labels-read")
        )
        if not reads and work is not None and not work.running and "map" in work.jobs:
            break
        time.sleep(0.2)
        app.run()
    return app.run()


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in {"sequence": LETTERS, **address}.items():
        app.query_params[name] = value
    app = app.run()
    assert not app.exception
    return app


def quick(table: EmbeddingTable, parameters: ProjectionParameters, _: object) -> Projection:
    """A map in no time, for what is not about the map."""
    count = len(table)
    return Projection(table.vectors[:, :2], np.ones(2, np.float32), None, np.zeros(count, np.int32), "Leiden", parameters=parameters)


def test_windows_of_the_explorer_become_a_map_and_the_address_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
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
    assert app.session_state["locuscope"].kept["embeddings"] > table.vectors.nbytes + table.kmers.nbytes
    monkeypatch.setattr(embeddings, "project_table", quick)
    other = settled(opened(**dict(app.query_params)))
    again = other.session_state["embeddings-work"]
    assert again is not work
    assert again.result("places", EmbeddingTable).places == table.places
    app = settled(app.button(key="embeddings-probe").click().run())
    assert any("places have a label" in item.value for item in app.error)


def test_a_map_that_was_cancelled_is_drawn_again_from_the_states_that_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "project_table", quick)
    app = settled(opened(places="windows", windows="40", embedded="1", neighbours="5"))
    work = app.session_state["embeddings-work"]
    states = work.jobs["places"]
    assert work.result("map", Projection).parameters.neighbours == 5
    assert any(item.value.endswith("numbers by Locuscope, no species or domain named.") for item in app.caption)
    assert not [item for item in app.button if item.key == "embeddings-redraw"]
    work.jobs["map"] = SimpleNamespace(finished=True, state="cancelled", result=None, error=None)
    app = app.run()
    assert not app.exception
    assert any("There is no map. It was cancelled." in item.value.replace("\\", "") for item in app.caption)
    app = settled(app.button(key="embeddings-redraw").click().run())
    assert (work.jobs["places"], work.result("map", Projection).parameters.neighbours) == (states, 5)
    app = app.number_input(key="embeddings-neighbours").set_value(7).run()
    app = settled(app.button(key="embeddings-redraw").click().run())
    assert (work.jobs["places"], work.result("map", Projection).parameters.neighbours) == (states, 7)
    assert app.query_params["neighbours"] == "7"


def test_what_an_address_cannot_mean_is_said() -> None:
    app = opened(windows="many", layout="tSNE", states="none-such", resolution="0")
    told = " ".join(item.value.replace("\\", "") for item in app.error)
    for part in ("windows='many'; it takes 20 to 1,000,000", "layout='tSNE'", "states='none-such'", "resolution is 0"):
        assert part in told


def test_long_work_of_a_model_that_never_ran_here_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings_page, "seconds_of", lambda *_: None)
    monkeypatch.setattr(estimate, "UNMEASURED_BASES", 100)
    app = opened(places="windows", windows="40", embedded="1").run()
    work = app.session_state["embeddings-work"]
    assert not work.jobs
    assert any("8 places, 320 bases in 8 passes, time unknown" in item.value.replace("\\", "") for item in app.caption)
    monkeypatch.setattr(embeddings_page, "seconds_of", lambda *_: 7_200.0)
    app = app.run()
    assert any("about 120 min" in item.value for item in app.caption)


def test_a_place_opens_at_its_true_locus_on_its_strand() -> None:
    locus = Locus.parse("R64:chrIV:10,001-12,000:-")
    record = NucleotideSequence("ACGGT" * 400, locus=locus, name="R64:chrIV:10,001-12,000:-")
    header, letters = part_for_box(record, 400, 700).splitlines()
    assert (header, letters) == (">R64:chrIV:11301-11600:-", record.letters[400:700])
    header, letters = part_for_box(record, 400, 700, "-").splitlines()
    assert (header, letters) == (">R64:chrIV:11301-11600", record.window(400, 700).reverse_complement().letters)
    assert part_for_box(record, 400, 700, by_locus=True) == "R64:chrIV:11301-11600:-"
    plain = NucleotideSequence("ACGGT" * 4, name="HLA:1")
    assert part_for_box(plain, 2, 7, "-") == ">{HLA:1}:3-7:-\n" + plain.window(2, 7).reverse_complement().letters
    assert parse_fasta(part_for_box(plain, 2, 7, "-").splitlines())[0].locus == Locus.parse("{HLA:1}:3-7:-")


def test_a_regression_holds_out_the_chosen_groups_and_stands_under_its_own_label_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "project_table", quick)
    app = settled(opened(places="windows", windows="40", embedded="1"))
    work = app.session_state["embeddings-work"]
    loci = [place.locus for place in work.result("places", EmbeddingTable).places]
    table = "locus\tvalue\tarm\n" + "".join(f"{locus}\t{row}\t{'pq'[row % 2] if row else ''}\n" for row, locus in enumerate(loci))
    app.file_uploader(key="embeddings-labels").upload("labels.tsv", table.encode(), "text/plain")
    app = settled(app.run())
    cancelled: list[str] = []
    asked: list[tuple[list[str], list[str]]] = []

    def submitted(_: object, __: object, label: str, texts: list[str], groups: list[str], visitor: str) -> SimpleNamespace:
        asked.append((texts, groups))
        return SimpleNamespace(finished=False, state="running", result=None, error=None, total=0, stage="", cancel=cancelled.append)

    monkeypatch.setattr(embeddings_results, "submit_probe", submitted)
    app.selectbox(key="embeddings-label-3").set_value("value")
    app.selectbox(key="embeddings-group-3").set_value("arm")
    app = app.button(key="embeddings-probe").click().run()
    count = len(loci)
    assert asked[0][0] == ["", *map(str, range(1, count))]  # the place without a group is left out
    assert asked[0][1][1:] == ["qp"[row % 2] for row in range(count - 1)]
    app = app.button(key="embeddings-probe").click().run()
    assert cancelled == [work.visitor]
    work.jobs["regression"] = SimpleNamespace(finished=True, state="failed", result=None, error=ParameterError("No such luck."))
    assert [item.value for item in app.run().error] == ["No such luck."]
    app = app.selectbox(key="embeddings-label-3").set_value("class (of the annotation)").run()
    assert not app.error
    app = app.button(key="embeddings-probe").click().run()
    assert asked[2][0] == [""] * count  # windows of a pasted sequence have no class
    assert asked[2][1][1:] == asked[0][1][1:]


def test_the_column_that_names_the_places_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "project_table", quick)
    app = settled(opened(places="windows", windows="40", embedded="1"))
    loci = [place.locus for place in app.session_state["embeddings-work"].result("places", EmbeddingTable).places]
    table = "value\twindow\n" + "".join(f"{row}\t{locus}\n" for row, locus in enumerate(loci))
    app.file_uploader(key="embeddings-labels").upload("labels.tsv", table.encode(), "text/plain")
    app = settled(app.run())
    asked: list[list[str]] = []

    def submitted(_: object, __: object, label: str, texts: list[str], *others: object) -> SimpleNamespace:
        asked.append(texts)
        return SimpleNamespace(finished=True, state="failed", result=None, error=ParameterError("No such luck."), cancel=print)

    monkeypatch.setattr(embeddings_results, "submit_probe", submitted)
    app.selectbox(key="embeddings-label-2").set_value("value")
    app = app.button(key="embeddings-probe").click().run()
    assert "No row of the table is about a place: its column 'value'" in app.error[0].value.replace("\\", "")
    app.selectbox(key="embeddings-names-2").set_value("window")
    app.button(key="embeddings-probe").click().run()
    assert asked == [[str(row) for row in range(len(loci))]]


def test_a_point_that_was_clicked_stays_while_another_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "project_table", quick)
    app = settled(opened(places="windows", windows="40", embedded="1"))
    work = app.session_state["embeddings-work"]
    clicked = SimpleNamespace(selection=SimpleNamespace(points=[{"customdata": [3]}]))
    monkeypatch.setattr(embeddings_results.st, "session_state", {"figure": clicked})
    embeddings_results._picked(work, "figure")
    assert work.picked == 3
    monkeypatch.undo()
    app = app.run()  # as after another page: no click came with this run
    assert [item.label for item in app.button if item.key == "embeddings-open"] == ["Open in the explorer"]
    clicked.selection.points = []
    monkeypatch.setattr(embeddings_results.st, "session_state", {"figure": clicked})
    embeddings_results._picked(work, "figure")
    assert work.picked is None


def test_a_locus_of_a_registered_genome_is_read_with_the_genome_around_it() -> None:
    letters = NucleotideSequence("ACGT" * 10, locus=Locus.parse("R64:chrIV:1-40"))
    names = ("what the explorer shows", "R64", "a file of mine")
    assert genome_source._usual(names, _shown(letters)) == "R64"
    assert genome_source._usual(names, _shown(NucleotideSequence("ACGT"))) == genome_source.EXPLORER
    assert genome_source._usual(names, None) == genome_source.UPLOAD
    asked = embeddings_address.read({"places": "windows"}, names, ("locuscope",))
    assert asked.genome == genome_source.EXPLORER  # an address without a genome is about what it shows
    assert embeddings_address.read({"locus": "R64:chrIV:1-40"}, names, ("locuscope",)).genome == ""


def _shown(sequence: NucleotideSequence) -> Shown:
    return Shown(sequence, sequence, (), "locus", (), (), None)


def test_the_kinds_of_a_genome_are_found_once_and_outside_the_pages_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def noted(*_: object) -> list[str]:
        found.append(threading.current_thread().name)
        return []

    monkeypatch.setattr(genome_source, "kinds_of", noted)
    app = opened(places="windows").run().run()
    assert not app.exception
    assert found == ["reading"]
