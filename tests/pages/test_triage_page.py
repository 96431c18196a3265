"""The page of triage when it is left and come back to, and when it is loaded anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.variants import Triage
from pages._ui import state, triage_desk
from pages._ui.address_values import AddressValues
from pages._ui.genome_source import EXPLORER, genome_of
from pages._ui.triage_desk import Desk
from tests.pages.leaving import come_back_to, left, room
from tests.pages.test_kept_file import told, until

LETTERS = "".join(np.random.default_rng(3).choice(list("ACGT"), 2_000))


@pytest.fixture
def genomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two registered assemblies of one contig and the same letters."""
    (tmp_path / "toy.fa").write_text(f">c1\n{LETTERS}\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"other={tmp_path / 'toy.fa'},toy={tmp_path / 'toy.fa'}")
    state.shared.clear()
    yield
    state.shared.clear()


def line(position: int) -> str:
    """A substitution of a list."""
    base = LETTERS[position - 1]
    return f"c1:{position} {base}>{'A' if base != 'A' else 'G'}"


def named(widgets: Any, label: str) -> Any:
    return next(item for item in widgets if item.label == label)


def captions(app: AppTest) -> list[str]:
    return [item.value.replace("\\", "") for item in app.caption]


def desk_of(app: AppTest) -> Desk | None:
    found: Desk | None = app.session_state.get(triage_desk.SLOT, None)
    return found


def ranked(app: AppTest) -> AppTest:
    """The page once the triage is finished."""
    return until(app, lambda: isinstance(getattr(desk_of(app), "result", None), Triage)).run()


def asked(app: AppTest) -> AppTest:
    """The page with a reference and a window that are not the usual ones."""
    named(app.selectbox, "Reference").set_value("toy")
    named(app.number_input, "Window, bases").set_value(64)
    named(app.checkbox, "Influence, too").set_value(False)
    return app.run()


def test_a_list_that_is_not_ranked_yet_stays_with_the_form(genomes: None) -> None:
    app = asked(room("triage_page"))
    named(app.text_area, "or a list, one variant a line").set_value(line(500))
    app = come_back_to(left(app.run()))
    assert not app.exception
    assert named(app.text_area, "or a list, one variant a line").value == line(500)
    assert named(app.selectbox, "Reference").value == "toy"
    assert named(app.number_input, "Window, bases").value == 64
    assert named(app.checkbox, "Influence, too").value is False
    app = ranked(app.button(key="triage-rank").click().run())
    assert [str(row.variant) for row in desk_of(app).result.rows] == [line(500)]  # type: ignore[union-attr]


def test_filters_order_and_tick_stay_with_the_rows_and_another_ranking_begins_without_them(genomes: None) -> None:
    app = asked(room("triage_page"))
    rows = "".join(f"c1\t{at}\tv{at}\t{LETTERS[at - 1]}\t{'A' if LETTERS[at - 1] != 'A' else 'G'}\t.\t.\t.\n" for at in range(500, 560, 10))
    header = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    app.file_uploader(key="triage-vcf").upload("mine.vcf", f"{header}{rows}".encode(), "text/plain")
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not app.exception
    named(app.selectbox, "Order").set_value("position in the file")
    named(app.text_input, "Text").set_value("v5")
    named(app.multiselect, "Columns").set_value(["rank", "position"])
    app = app.run()
    desk = desk_of(app)
    assert desk is not None
    desk.picked = desk.row = 2
    orders = desk.orders
    app = come_back_to(left(app))
    assert not app.exception
    assert "'mine.vcf'" in told(app)
    assert named(app.selectbox, "Reference").value == "toy"
    assert named(app.selectbox, "Order").value == "position in the file"
    assert named(app.text_input, "Text").value == "v5"
    assert named(app.multiselect, "Columns").value == ["rank", "position"]
    assert (desk.orders, desk.picked, desk.row) == (orders, 2, 2)
    app = ranked(app.button(key="triage-rank").click().run())
    assert desk_of(app) is not desk
    assert len(desk_of(app).result.rows) == 6  # type: ignore[union-attr]
    assert named(app.text_input, "Text").value == ""


def test_a_genome_is_offered_by_its_own_name_and_one_that_has_the_contigs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yeast.fa").write_text(f">chrI\n{LETTERS}\n")
    (tmp_path / "coli.fa").write_text(f">NC_000913.3\n{LETTERS}\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"R64={tmp_path / 'yeast.fa'},K12={tmp_path / 'coli.fa'}")
    state.shared.clear()
    app = room("triage_page")
    assert named(app.selectbox, "Reference").options[:2] == ["R64", "K12 (ASM584v2)"]
    record = f"NC_000913.3\t500\t.\t{LETTERS[499]}\t{'A' if LETTERS[499] != 'A' else 'G'}\t.\t.\t.\n"
    header = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    named(app.number_input, "Window, bases").set_value(64)
    app.file_uploader(key="triage-vcf").upload("mine.vcf", f"{header}{record}".encode(), "text/plain")
    app = ranked(app.run().button(key="triage-rank").click().run())
    said = "R64 has none of the contigs of these variants, K12 (ASM584v2) has all of them; choose K12 (ASM584v2) as the reference."
    assert said in captions(app)
    named(app.selectbox, "Reference").set_value("ASM584v2")
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not app.exception
    assert said not in captions(app)
    assert [row.status for row in desk_of(app).result.rows] == ["scored"]  # type: ignore[union-attr]
    state.shared.clear()


@pytest.mark.parametrize("name", ["K12", "ASM584v2"])
def test_an_address_names_a_genome_by_either_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coli.fa").write_text(f">NC_000913.3\n{LETTERS}\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"K12={tmp_path / 'coli.fa'}")
    state.shared.clear()
    offered = (EXPLORER, *state.shared().genomes.names())
    assert genome_of(AddressValues({"genome": name}), offered, ()) == "ASM584v2"
    app = room("triage_page", **{**ADDRESS, "locus": f"{name}:NC_000913.3:401-600"}, scored="64")
    app = ranked(until(app, lambda: desk_of(app) is not None))
    assert not app.exception
    assert desk_of(app).request.reference.assembly == "ASM584v2"  # type: ignore[union-attr]
    state.shared.clear()


def test_a_checkpoint_that_runs_unnamed_is_said_above_the_table(
    genomes: None, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUSCOPE_WEIGHTS", f"gpn={tiny / 'gpn' / 'checkpoint'}")
    app = room("triage_page")
    named(app.selectbox, "Reference").set_value("toy")
    named(app.selectbox, "Model").set_value("gpn")
    named(app.number_input, "Window, bases").set_value(64)
    named(app.text_area, "or a list, one variant a line").set_value(line(500))
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not app.exception
    assert len([text for text in captions(app) if text.startswith("The folder checkpoint runs as an unnamed checkpoint (")]) == 1


def test_a_window_that_the_model_does_not_read_is_said_above_the_table(genomes: None) -> None:
    app = asked(room("triage_page"))
    named(app.text_area, "or a list, one variant a line").set_value(line(1_500))
    named(app.number_input, "Window, bases").set_value(3_000)
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not app.exception
    assert "The window is 2,048 bases instead of 3,000: Locuscope reads no more at once." in captions(app)
    named(app.number_input, "Window, bases").set_value(64)
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not [text for text in captions(app) if text.startswith("The window is")]


ADDRESS = {"locus": "toy:c1:401-600", "window": "51-150", "allele": f"100-{LETTERS[499]}-{'A' if LETTERS[499] != 'A' else 'G'}"}


def test_the_row_that_was_open_is_ranked_again_after_a_reload_and_the_list_is_said_to_be_gone(genomes: None) -> None:
    app = room("triage_page", **ADDRESS, scored="200")
    app = until(app, lambda: desk_of(app) is not None)
    app = ranked(app)
    assert not app.exception
    desk = desk_of(app)
    assert desk is not None
    assert [str(row.variant) for row in desk.result.rows] == [line(500)]  # type: ignore[union-attr]
    assert (desk.request.reference.assembly, desk.request.parameters.window_bp, desk.row) == ("toy", 200, 0)
    assert any("ranked again as a row of its own" in item.value and "was not kept" in item.value for item in app.info)
    assert named(app.selectbox, "Reference").value == "toy"
    assert named(app.number_input, "Window, bases").value == 200
    assert named(app.text_area, "or a list, one variant a line").value == line(500)
    assert app.query_params["scored"] == "200"
    named(app.text_area, "or a list, one variant a line").set_value(f"{line(500)}\n{line(510)}")
    app = ranked(app.run().button(key="triage-rank").click().run())
    assert not app.info
    assert len(desk_of(app).result.rows) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("locus", "allele", "text"),
    [
        ("toy:c1:401-600", f"100-{LETTERS[499]}-", f"c1:499 {LETTERS[498:500]}>{LETTERS[498]}"),
        ("toy:c1:401-600:-", "", ""),
    ],
)
def test_a_deletion_and_an_allele_of_the_other_strand_are_found_on_the_contig(genomes: None, locus: str, allele: str, text: str) -> None:
    other = str.maketrans("ACGT", "TGCA")
    if not allele:  # base 500 is base 101 of 401 to 600 on the other strand
        before, after = line(500)[-3::2]
        allele, text = f"101-{before.translate(other)}-{after.translate(other)}", line(500)
    app = room("triage_page", locus=locus, allele=allele)
    app = ranked(until(app, lambda: desk_of(app) is not None))
    assert not app.exception
    assert named(app.text_area, "or a list, one variant a line").value == text
    (row,) = desk_of(app).result.rows  # type: ignore[union-attr]
    assert row.status == "scored"


def test_an_allele_without_a_registered_reference_is_said_to_be_on_compare() -> None:
    app = room("triage_page", sequence="GATTACAGATTACA", allele="3-T-C")
    app = until(app, lambda: bool(app.info))
    assert not app.exception
    assert desk_of(app) is None
    assert "no registered reference" in app.info[0].value
    assert "was not kept" in app.info[0].value


def test_an_address_is_asked_at_the_first_look_at_the_page_and_not_later(genomes: None) -> None:
    app = left(room("triage_page"))
    for name, value in ADDRESS.items():
        app.query_params[name] = value
    app = come_back_to(app)
    assert not app.exception
    assert not app.info
    assert desk_of(app) is None
