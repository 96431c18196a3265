"""The page Phage in Streamlit's own test frame, with the shipped model and a tiny megaDNA."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.analyses.essential import EssentialParameters, essential_genes
from engine.analyses.generate import GenerateParameters
from engine.analyses.loss import LossParameters, loss_track
from engine.core.features import Feature
from engine.core.sequence import NucleotideSequence
from engine.sources.coding_genes import genes_of_features
from engine.views.phage import gene_map, loss_figure
from pages._ui import phage_address, state
from tests.analyses.toys import ToyModel
from tests.commands.test_phage_commands import GENBANK, LETTERS


def _page() -> None:
    from pages._ui.phage_page import page

    page()


@pytest.fixture
def opened(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("LOCUSCOPE_WEIGHTS", f"megadna={tiny / 'megadna' / 'checkpoint'}")
    state.shared.clear()
    app = AppTest.from_function(_page, default_timeout=120)
    app.query_params["sequence"] = LETTERS
    yield app.run()
    state.shared.clear()


def computed(app: AppTest) -> AppTest:
    """The page with its answer; one that an earlier test asked for stands there without a click."""
    for button in [item for item in app.button if item.label == "Compute"]:
        app = button.click().run()
    for _ in range(100):
        if app.get("plotly_chart") or app.error or app.warning:
            break
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert not app.error
    return app


def uploaded(app: AppTest) -> AppTest:
    app.get("file_uploader")[0].upload("toy.gb", GENBANK.encode(), "text/plain")
    app.run()
    for _ in range(100):
        if any("coding features" in item.value and "TOY" in item.value for item in app.markdown):
            break
        time.sleep(0.2)
        app.run()
    assert not app.exception
    return app


def test_genes_of_an_uploaded_genbank_file_are_ranked(opened: AppTest) -> None:
    app = uploaded(opened)
    app.segmented_control(key="phage-room").set_value("Essential genes").run()
    app = computed(app)
    assert set(app.dataframe[0].value["gene"]) == {"first", "second", "third", "open"}  # a feature does not say that it has an open end
    assert any("4 genes ranked" in item.value for item in app.caption)


def test_the_loss_of_the_explorers_sequence_says_its_cost_before_it_starts(opened: AppTest) -> None:
    assert not opened.exception
    assert any("1 forward pass of" in item.value.replace("\\", "") for item in opened.caption)
    app = computed(opened)
    assert any("Mean loss" in item.value for item in app.caption)
    assert any(item.label.startswith("Open") for item in app.button)


def test_a_sequence_without_genes_is_told_to_bring_some(opened: AppTest) -> None:
    opened.segmented_control(key="phage-room").set_value("Essential genes").run()
    assert any("no coding features" in item.value for item in opened.info)


def test_a_generated_sequence_is_said_to_be_generated(opened: AppTest) -> None:
    opened.segmented_control(key="phage-room").set_value("Generate").run()
    next(item for item in opened.number_input if item.label == "Bases to generate").set_value(20).run()
    app = computed(opened)
    assert app.warning[0].value.startswith("GENERATED")


def with_genes() -> AppTest:
    """A page that can be left, with an uploaded phage in the room of its genes."""
    app = AppTest.from_function(_page_or_other, default_timeout=120)
    app.query_params["sequence"] = LETTERS
    app = uploaded(app.run())
    return app.segmented_control(key="phage-room").set_value("Essential genes").run()


@pytest.mark.usefixtures("opened")
def test_who_comes_back_finds_the_phage_the_room_and_its_settings() -> None:
    app = with_genes()
    app.number_input(key="phage-repeats").set_value(3).run()
    address = dict(app.query_params)
    assert (address["room"], address["repeats"], address["by-model"]) == ("essential", "3", "megadna")
    assert (address["phage"], address["sequence"]) == ("own", LETTERS)  # what the explorer shows; the letters of a file are in no address
    app.session_state["other"] = True
    app = app.run()
    assert not app.get("file_uploader")
    app.session_state["other"] = False
    app = app.run()
    assert not app.exception
    assert any("TOY" in item.value for item in app.markdown)
    assert app.segmented_control(key="phage-room").value == "Essential genes"
    assert app.number_input(key="phage-repeats").value == 3
    app = app.button(key="phage-forget").click().run()
    assert any("the sequence of the explorer" in item.value for item in app.markdown)
    assert "phage" not in app.query_params


@pytest.mark.usefixtures("opened")
def test_who_comes_back_finds_the_known_essential_genes_until_the_table_is_removed() -> None:
    app = with_genes()
    app = computed(app)
    table = "gene\tlength\tneeded\nfirst\t1\tyes\nsecond\t2\tno\nthird\t3\tno\n"
    app.file_uploader(key="phage-labels").upload("known.tsv", table.encode(), "text/tab-separated-values").run()
    for _ in range(100):
        if "phage-label-label" in app.session_state:
            break
        time.sleep(0.2)
        app.run()
    app = app.selectbox(key="phage-label-label").set_value("needed").run()
    told = next(item.value for item in app.caption if "AUROC" in item.value)
    for other in (True, False):
        app.session_state["other"] = other
        app = app.run()
    assert not app.exception
    assert app.selectbox(key="phage-label-label").value == "needed"
    assert told in [item.value for item in app.caption]
    assert any("3 rows" in item.value for item in app.caption)
    app = app.button(key="phage-labels-remove").click().run()
    assert not any("AUROC" in item.value for item in app.caption)


@pytest.mark.usefixtures("opened")
def test_an_address_of_an_uploaded_phage_asks_for_its_file_and_not_for_the_explorers_sequence() -> None:
    app = AppTest.from_function(_page, default_timeout=120)
    for name, value in {"sequence": LETTERS, "phage": "own", "room": "essential", "repeats": "3"}.items():
        app.query_params[name] = value
    app = app.run()
    assert [item.value for item in app.info] == ["The address is of an uploaded genome, which no address carries; give the file here."]
    assert not app.markdown
    assert (app.query_params["phage"], app.query_params["repeats"]) == ("own", "3")
    app = uploaded(app)
    assert not app.info
    assert app.number_input(key="phage-repeats").value == 3


def _page_or_other() -> None:
    import streamlit as st

    from pages._ui.phage_page import page

    if not st.session_state.get("other"):
        page()


@pytest.mark.parametrize(
    "wanted",
    [
        phage_address.Wanted(model="locuscope", species="phage", loss=LossParameters(20, 300)),
        phage_address.Wanted("essential", "megadna", essential=EssentialParameters(parts="stop", by="stop", repeats=2, seed=7)),
        phage_address.Wanted("generate", "megadna", generate=GenerateParameters(50, 0.0, 3), prompt=12, own=True),
    ],
)
def test_an_address_of_the_page_is_read_as_it_was_written(wanted: phage_address.Wanted) -> None:
    assert phage_address.read(wanted.texts(), {"locuscope": ("phage",), "megadna": ()}) == wanted


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"room": "kitchen"}, "room='kitchen'; it can be loss, essential, generate"),
        ({"room": "essential", "repeats": "0"}, "repeats is 0; allowed: 1 to 100"),
        ({"room": "essential", "parts": "start", "by": "stop"}, "ranked by stop, which is not replaced"),
        ({"room": "generate", "seed": str(2**40)}, "a seed above 2,147,483,648"),
        ({"room": "generate", "prompt": "many"}, "prompt='many'; it takes 1 to 200,000"),
        ({"by-model": "none"}, "by-model='none'; it can be megadna"),
    ],
)
def test_what_an_address_of_the_page_cannot_mean_is_left_out_and_said(given: dict[str, str], told: str) -> None:
    (problem,) = phage_address.read(given, {"megadna": ()}).problems
    assert told in problem


def test_more_than_the_model_reads_is_refused_before_it_is_asked_for(opened: AppTest) -> None:
    opened.segmented_control(key="phage-room").set_value("Generate").run()
    app = next(item for item in opened.number_input if item.label == "Bases to generate").set_value(400).run()
    assert "400 are to be added; checkpoint reads 190 in all" in app.error[0].value
    assert not [item for item in app.button if item.label == "Compute"]


def test_genes_of_features_are_whole_and_have_one_reading() -> None:
    features = (
        Feature("CDS", "one", 0, 12, "+"),
        Feature("gene", "one", 0, 12, "+"),
        Feature("CDS", "two", 30, 36, "-", attributes={"part": "1/2"}),
        Feature("CDS", "two", 12, 18, "-", attributes={"part": "2/2"}),
        Feature("CDS", "odd", 0, 13, "+"),
        Feature("CDS", "none", 0, 12, "."),
        Feature("CDS", "again", 0, 12, "+"),
    )
    genes, left_out = genes_of_features(features, 40)
    assert [(gene.name, gene.forward, gene.parts) for gene in genes] == [("one", True, ((0, 12),)), ("two", False, ((12, 18), (30, 36)))]
    assert left_out == 3


def test_the_figures_show_the_numbers() -> None:
    model, sequence = ToyModel(causal=True, masked=False), NucleotideSequence(LETTERS)
    losses = loss_track(model, sequence)
    figure = loss_figure(losses, dark=False)
    np.testing.assert_allclose(figure.data[0].y, losses.blocks()[[0, 50]])
    found = essential_genes(model, sequence, EssentialParameters("a=+:1-12;b=-:13-24"))
    figure = gene_map(found, dark=True)
    assert [list(trace.x) for trace in figure.data] == [[6.5], [18.5]]
    hostile = gene_map(essential_genes(model, sequence, EssentialParameters("<b>a</b>=+:1-12")), dark=True)
    assert hostile.data[0].customdata[0][0] == "&lt;b&gt;a&lt;/b&gt;"
    assert [list(trace.y) for trace in figure.data] == [[found.deltas[0, 0, 0]], [found.deltas[1, 0, 0]]]
