"""Regions, undo and redo, recent loci, and the highlight of what was asked for, on the explorer."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.locus import Locus
from engine.core.regions import Region
from engine.core.settings import Settings
from engine.sources.regions import bed_of, read_regions
from pages._ui import regions, search, state


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registered contig of 3,000 bases; its name."""
    letters = "".join(np.random.default_rng(1).choice(list("ACGT"), 3000))
    (tmp_path / "toy.fa.gz").write_bytes(gzip.compress(f">c1\n{letters}\n".encode(), mtime=0))
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"toy={tmp_path / 'toy.fa.gz'}")
    state.shared.clear()
    yield "toy"
    state.shared.clear()


def button(app: AppTest, label: str) -> Any:
    return next(item for item in app.button if item.label == label)


def test_a_region_is_marked_seen_hopped_to_and_undone(genome: str, explorer: Callable[..., AppTest]) -> None:
    app = explorer(locus=f"{genome}:c1:1001-1020")
    session = app.session_state["locuscope"]
    assert any(item.label == "Start-end" for item in app.text_input)  # at the first run, which opening the box does not repeat
    regions.keep(session, 4, 10)  # as the figure asks
    app.run()
    assert not app.exception
    assert session.regions == (Region(genome, "c1", 1004, 1010, "region 1"),)
    (shown,) = session.computing.highlights
    assert (shown.start, shown.end, shown.name) == (4, 10, "region 1")
    next(item for item in app.text_input if item.label == "Name" and item.value == "region 1").set_value("a box").run()
    assert session.regions[0].name == "a box"
    next(item for item in app.text_input if item.label == "Note").set_value("binds it").run()
    assert session.regions[0].note == "binds it"
    next(item for item in app.button if item.key.startswith("region-go-")).click().run()
    assert not app.exception
    assert session.question.moved
    assert session.on_screen.sequence.locus.start < 1004
    assert {item.name for item in session.computing.highlights} == {"a box", "asked for"}
    button(app, "↶").click().run()
    assert not session.question.moved
    assert session.question.text == f"{genome}:c1:1,001-1,020"
    button(app, "↶").click().run()  # the note
    assert (session.regions[0].name, session.regions[0].note) == ("a box", "")
    button(app, "↶").click().run()  # the name
    assert session.regions[0].name == "region 1"
    button(app, "↶").click().run()
    assert session.regions == ()
    for _ in range(3):
        button(app, "↷").click().run()
    assert session.regions[0].note == "binds it"
    assert [text for text, _ in session.history.recent] == [f"{genome}:c1:1,001-1,020"]
    session.computing.cancel()


def test_of_the_other_strand_a_region_is_where_it_is(genome: str, explorer: Callable[..., AppTest]) -> None:
    app = explorer(locus=f"{genome}:c1:1001-1020:-")
    session = app.session_state["locuscope"]
    regions.keep(session, 0, 5)
    app.run()
    assert (session.regions[0].start, session.regions[0].end) == (1015, 1020)
    assert [(item.start, item.end) for item in session.computing.highlights] == [(0, 5)]
    session.computing.cancel()


def marked(app: AppTest, where: str, name: str = "") -> AppTest:
    """After a region was typed and sent."""
    app.text_input(key=regions.NAME).set_value(name)
    app.text_input(key=regions.WHERE).set_value(where)
    button(app, "Mark").click()
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("example", "where", "start", "end"),
    [
        ("ecoli-lac-promoter", "366,343-366,335", 366_334, 366_343),  # the ruler runs down from 366,428
        ("ecoli-lac-promoter", "366335-366343", 366_334, 366_343),
        ("ecoli-lac-promoter", "NC_000913.3:366,335..366,343", 366_334, 366_343),
        ("ecoli-lac-promoter", "82-110", 366_318, 366_347),  # positions in the sequence, as the box over the figure takes them
        ("ecoli-thr-attenuator", "274-300", 273, 300),  # the ruler runs from 180 to 320
        ("ecoli-thr-attenuator", "190-230", 189, 230),
    ],
)
def test_a_region_is_typed_in_the_numbers_of_the_ruler_and_lies_in_the_genome(
    explorer: Callable[..., AppTest], example: str, where: str, start: int, end: int
) -> None:
    app = marked(explorer(example=example), where, "mine")
    session = app.session_state["locuscope"]
    item = Region("ASM584v2", "NC_000913.3", start, end, "mine")
    assert session.regions == (item,)
    assert bed_of(session.regions).startswith(f"NC_000913.3\t{start}\t{end}\tmine\t")
    locus = session.on_screen.sequence.locus
    (shown,) = session.computing.highlights
    assert locus.window(shown.start, shown.end) == Locus("ASM584v2", "NC_000913.3", start, end, locus.strand)
    assert (app.text_input(key=regions.NAME).value, app.text_input(key=regions.WHERE).value) == ("", "")
    search.ask(state.shared(), session, replace(session.question, reverse=True))
    app.run()
    other = session.on_screen.sequence.locus
    (turned,) = session.computing.highlights
    assert (turned.start, turned.end) == (len(session.on_screen.sequence) - shown.end, len(session.on_screen.sequence) - shown.start)
    assert other.window(turned.start, turned.end) == Locus("ASM584v2", "NC_000913.3", start, end, other.strand)
    session.computing.cancel()


def test_a_region_that_is_refused_stays_to_be_corrected_and_the_sentence_says_what_is_allowed(explorer: Callable[..., AppTest]) -> None:
    app = marked(explorer(example="ecoli-lac-promoter"), "366,343-366,935", "mine")
    session = app.session_state["locuscope"]
    said = "'366,343-366,935' is no region of this sequence; give start-end inside 366,428-366,296."
    assert said in [item.value for item in app.error]
    assert (app.text_input(key=regions.NAME).value, app.text_input(key=regions.WHERE).value) == ("mine", "366,343-366,935")
    assert session.regions == ()
    marked(app, "366,343-366,335", "mine")
    assert [item.name for item in session.regions] == ["mine"]
    assert not app.error
    session.computing.cancel()


def test_a_region_of_a_record_without_a_place_counts_in_the_record(explorer: Callable[..., AppTest]) -> None:
    app = marked(explorer(sequence="GGGCCCAAATTTGGGCCC"), "4-9")
    session = app.session_state["locuscope"]
    assert session.regions == (Region("", "sequence", 3, 9, "region 1"),)
    marked(app, "4-19")
    assert "give start-end inside 1-18." in app.error[0].value
    session.computing.cancel()


def test_a_region_beside_a_window_of_a_genome_is_typed_as_the_ruler_goes_on(genome: str, explorer: Callable[..., AppTest]) -> None:
    app = marked(explorer(locus=f"{genome}:c1:1001-1020:-"), "1,200-1,101")
    session = app.session_state["locuscope"]
    assert session.regions == (Region(genome, "c1", 1100, 1200, "region 1"),)
    marked(app, "2,900-3,001")
    assert "give start-end inside 3,000-1." in app.error[0].value
    session.computing.cancel()


def test_a_region_of_an_example_comes_back_from_its_bed_file_and_is_shown(explorer: Callable[..., AppTest]) -> None:
    app = marked(explorer(example="ecoli-lac-promoter"), "366,343-366,335", "mine")
    session = app.session_state["locuscope"]
    (item,) = session.regions
    elsewhere = Region("ASM584v2", "NC_000913.3", 100, 200, "far")
    session.regions = read_regions("a.bed", bed_of((item, elsewhere)).encode(), "ASM584v2", Settings(offline=True))[0]
    app.run()
    assert [highlight.name for highlight in session.computing.highlights] == ["mine"]
    session.regions = (*session.regions, Region("", "ecoli-lac-promoter", 85, 94, "as saved before"))
    app.run()
    assert [(highlight.start, highlight.end) for highlight in session.computing.highlights] == [(85, 94), (85, 94)]
    next(item for item in app.button if item.label.startswith("NC") and "366,335" in item.label).click().run()
    assert session.on_screen.example is not None
    start, end = session.exchange.arrived.view["region"]
    assert 0 <= start <= 85 < 94 <= end < 133
    assert session.exchange.arrived.wish
    session.computing.cancel()
