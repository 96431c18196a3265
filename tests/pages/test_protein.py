"""The page Protein in Streamlit's own test frame, on small tables in the published layout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import Cancelled, InputError
from engine.core.proteins import LookedUp, ProteinScores
from engine.core.settings import Settings
from engine.core.variants import Variant
from engine.models.scorers import alphamissense, terms
from engine.service.proteins import of_variants, protein_scores
from pages._ui import protein_page, reading, state
from pages._ui.protein_desk import ProteinDesk
from tests.models.scorers.protein_tables import both
from tests.pages.leaving import come_back_to, left, room

VCF = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr7\t117480101\t.\tG\tC\t.\t.\t.\n"


def _page() -> None:
    from pages._ui.protein_page import page

    page()


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Tables named by the setting, in a folder of this test; the engine that all pages share is made anew."""
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


def looked_up(app: AppTest) -> AppTest:
    return settled(next(item for item in app.button if item.label == "Look up").click().run())


def choose(desk: ProteinDesk, number: int) -> None:
    """As a click on a row of the table does, which the test frame cannot make."""
    desk.choose(number)
    desk.generation += 1


def accepted() -> None:
    terms.accept(alphamissense.CARD, Settings.from_environment().home)


def test_before_the_terms_are_accepted_the_page_says_so(tables: Path) -> None:
    app = opened()
    assert not app.exception
    assert "accept them on the Models page" in app.info[0].value
    assert not app.text_area


def test_an_address_opens_the_list_the_map_and_the_card(tables: Path) -> None:
    accepted()
    app = opened(variants="chr7:117480101 G>C\nP13569:Q2M\nnone", assembly="GRCh38")
    assert not app.exception
    desk = app.session_state["protein-desk"]
    assert [str(row.substitution) for row in desk.rows] == ["P13569:R3S", "P13569:Q2M", "None"]
    assert (desk.chosen, desk.protein.residues) == (0, "MQRSPL")
    app = settled(app.button(key="card-ask").click().run())
    assert not app.exception
    assert desk.card[1].missense[0].value == pytest.approx(0.9)
    assert "The letters of GRCh38 are not here" in desk.card[1].notes["consequence"]
    assert "Not asked" in desk.card[1].notes["alphagenome"]
    app.text_area(key="protein-text").set_value("Q8NH21")
    app = looked_up(app)
    assert not app.exception
    assert app.session_state["protein-desk"].protein.residues == "MV"


def test_the_box_holds_what_an_address_names_whenever_the_browser_comes_to_draw_it(tables: Path) -> None:
    """Every run sends it: one that follows before the browser has drawn the first emptied the box."""
    accepted()
    app = settled(room("protein_page", variants="P13569:Q2M", assembly="GRCh37")).run()
    assert (app.text_area[0].proto.default, app.text_area[0].value) == ("P13569:Q2M", "P13569:Q2M")
    assert app.selectbox(key="protein-assembly").value == "GRCh37"
    app = come_back_to(left(app))
    assert (app.text_area[0].value, app.selectbox(key="protein-assembly").value) == ("P13569:Q2M", "GRCh37")


@pytest.mark.parametrize(
    ("variants", "assembly", "told"),
    [("P13569:Q2M", "R64", "AlphaMissense is of GRCh38 and GRCh37"), ("P13569:Q2M\n" * 50, "GRCh38", "one holds up to 500")],
)
def test_what_an_address_names_and_is_not_looked_up_stays_in_the_box(tables: Path, variants: str, assembly: str, told: str) -> None:
    accepted()
    app = opened(variants=variants, assembly=assembly)
    assert told in app.error[0].value
    assert app.text_area[0].value == variants
    assert "protein-desk" not in app.session_state
    app = looked_up(app)
    assert len(app.session_state["protein-desk"].rows) == len(variants.split())


def test_a_map_that_was_cancelled_is_not_asked_again_by_itself_and_does_not_keep_others_away(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted()
    asked: list[str] = []

    def refused_once(engine: object, name: str, look: object) -> ProteinScores:
        asked.append(name)
        if asked == ["P13569"]:
            raise Cancelled(reading.STOPPED)
        return protein_scores(engine, name, look)  # type: ignore[arg-type]

    monkeypatch.setattr(protein_page, "protein_scores", refused_once)
    app = opened(variants="P13569:Q2M\nQ8NH21")
    app = settled(app.run())
    desk = app.session_state["protein-desk"]
    assert asked == ["P13569"]
    assert any("no map of P13569" in item.value for item in app.warning)
    choose(desk, 1)
    app = settled(app.run())
    assert desk.seen.residues == "MV"
    assert not app.warning
    choose(desk, 0)
    app = settled(app.run())
    assert (asked, desk.seen) == (["P13569", "Q8NH21"], None)
    app = settled(app.button(key="protein-again").click().run())
    assert desk.seen.residues == "MQRSPL"


def test_a_map_that_comes_after_another_row_was_chosen_is_dropped_and_the_right_one_asked(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted()
    go = threading.Event()

    def slow(engine: object, name: str, look: Callable[[], None]) -> ProteinScores:
        while name == "P13569" and not go.wait(0.05):
            look()
        return protein_scores(engine, name, look)  # type: ignore[arg-type]

    monkeypatch.setattr(protein_page, "protein_scores", slow)
    app = AppTest.from_function(_page, default_timeout=60)
    app.query_params["variants"] = "P13569\nQ8NH21"
    monkeypatch.setattr(protein_page, "look_up", lambda *_: (LookedUp("a", named="P13569"), LookedUp("b", named="Q8NH21")))
    app.run()
    desk = app.session_state["protein-desk"]
    assert (desk.wanted, desk.seen) == ("P13569", None)
    choose(desk, 1)
    go.set()
    app = settled(app.run())
    assert desk.seen.protein == "Q8NH21"
    desk.show(protein_scores(state.shared().engine, "P13569"))
    assert desk.seen.protein == "Q8NH21"


def test_the_address_is_of_what_is_shown_and_a_file_does_not_win_over_text_that_was_typed_later(tables: Path) -> None:
    accepted()
    app = opened(variants="P13569:Q2M")
    assert app.query_params["variants"] == "P13569:Q2M"
    app.file_uploader(key="protein-vcf").upload("mine.vcf", VCF, "text/plain")
    app = looked_up(app)
    desk = app.session_state["protein-desk"]
    assert (desk.source, [str(row.substitution) for row in desk.rows]) == ("'mine.vcf'", ["P13569:R3S"])
    assert "variants" not in app.query_params
    app.text_area(key="protein-text").set_value("Q8NH21")
    app = looked_up(app)
    desk = app.session_state["protein-desk"]
    assert ([row.protein for row in desk.rows], app.query_params["variants"]) == (["Q8NH21"], "Q8NH21")


def test_an_address_is_tried_once_and_one_that_cannot_be_meant_is_said(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted()
    tried: list[str] = []

    def stopped(*asked: object) -> tuple[LookedUp, ...]:
        tried.append(str(asked[2]))
        raise Cancelled(reading.STOPPED)

    monkeypatch.setattr(protein_page, "look_up", stopped)
    app = opened(variants="P13569:Q2M", assembly="hg38")
    app = settled(app.run())
    assert tried == ["P13569:Q2M"]
    app = opened(variants="P13569:Q2M", assembly="R64")
    assert (len(tried), "AlphaMissense is of GRCh38 and GRCh37" in app.error[0].value) == (1, True)


def test_a_vcf_is_looked_up_up_to_a_bound_and_can_be_stopped(tables: Path) -> None:
    accepted()
    engine = state.shared().engine
    variants = (Variant("chr7", 117480101, "G", "C"),) * 3
    assert [row.score.value for row in of_variants(engine, variants, "GRCh38", most=3)] == pytest.approx([0.9] * 3)
    with pytest.raises(InputError, match="has 3 variants; at most 2"):
        of_variants(engine, variants, "GRCh38", most=2)

    def stop() -> None:
        raise Cancelled(reading.STOPPED)

    with pytest.raises(Cancelled):
        of_variants(engine, variants, "GRCh38", stop)
