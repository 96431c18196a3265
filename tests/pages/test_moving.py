"""Steps along a genome: which window shows what is asked for, and where the next gene is."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.analyses.pair import PairParameters
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.sequence import NucleotideSequence
from engine.service.requests import Request
from pages._ui import state
from pages._ui.question import Question
from pages._ui.runs import in_a_tile
from pages._ui.surroundings import Surroundings, neighbour

AT = Surroundings("toy", "chr1", 100_000, 1000, 1300, reverse=False, in_record=False)
BACK = Surroundings("toy", "chr1", 100_000, 1000, 1300, reverse=True, in_record=False)


def test_bounds_and_indices_are_those_of_the_strand_that_is_read() -> None:
    assert AT.bounds == {"a": -1000, "b": 99_000}
    assert BACK.bounds == {"a": 1300 - 100_000, "b": 1300}
    assert AT.shown(1100, 1200) == (100, 200)
    assert BACK.shown(1050, 1100) == (200, 250)
    for place in (AT, BACK):
        assert place.on_contig(*place.shown(1050, 1100)) == (1050, 1100)


@pytest.mark.parametrize(
    ("asked", "follows", "window"),
    [
        ((850, 1150), False, (850, 1150)),  # half a window to the left
        ((-100, 200), False, (0, 300)),  # the contig begins
        ((99_900, 100_200), False, (99_700, 100_000)),
        ((960, 1000), False, (830, 1130)),  # a part of the window moves: the window is as wide as before
        ((960, 1000), True, (960, 1000)),
        ((400, 1600), False, (400, 1600)),  # zoomed out, models still read it
        ((10_000, 14_000), False, (8000, 16_000)),  # longer than models read: half its width on both sides
        ((0, 200_000), False, (0, 100_000)),
    ],
)
def test_the_window_that_is_loaded_shows_what_is_asked_for(asked: tuple[int, int], follows: bool, window: tuple[int, int]) -> None:
    assert AT.window(*asked, 2048, follows=follows) == window


def test_a_window_that_is_computed_in_tiles_begins_and_ends_where_they_do() -> None:
    assert AT.window(10_000, 14_000, 2048, follows=False, tiled=20_000) == (9984, 14_080)
    assert AT.window(10_100, 13_900, 2048, follows=True, tiled=20_000) == (9984, 14_080)
    assert AT.window(10_000, 40_000, 2048, follows=False, tiled=20_000) == (0, 55_000)  # too long for tiles


def test_a_step_is_a_question_about_the_place_on_the_same_strand() -> None:
    assert AT.question(Question("x", reverse=True), 850, 1150) == Question("toy:chr1:851-1,150", moved=True)
    assert BACK.question(Question("x"), 850, 1150).text == "toy:chr1:851-1,150:-"
    record = Surroundings("", "mine", 5000, 0, 300, reverse=True, in_record=True)
    asked = record.question(Question("letters", reverse=True), 100, 400)
    assert (asked.text, asked.window, asked.reverse) == ("letters", (100, 400), True)
    assert record.question(asked, 0, 5000).window is None


def test_the_next_gene_lies_wholly_beyond_the_middle_on_the_side_that_is_the_right_on_screen() -> None:
    genes = tuple(Feature("gene", name, start, end, "+") for name, start, end in (("a", 100, 400), ("b", 900, 1400), ("c", 1500, 1700)))
    site = Feature("binding_site", "site", 1310, 1320, ".")
    assert neighbour((*genes, site), AT, 1000, 1300, 1).name == "c"  # type: ignore[union-attr]
    assert neighbour((*genes, site), AT, 1000, 1300, -1).name == "a"  # type: ignore[union-attr]
    assert neighbour((*genes, site), BACK, 1000, 1300, 1).name == "a"  # type: ignore[union-attr]
    assert neighbour((site,), AT, 1000, 1300, 1) == site
    assert neighbour(genes, AT, 1650, 1750, 1) is None


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registered contig of 60,000 bases with a gene of 900 in every 2,000; its name."""
    letters = "".join(np.random.default_rng(1).choice(list("ACGT"), 60_000))
    (tmp_path / "toy.fa.gz").write_bytes(gzip.compress(f">c1\n{letters}\n".encode(), mtime=0))
    rows = [f"c1\tx\tgene\t{at + 1}\t{at + 900}\t.\t+\t.\tID=g{at};Name=g{at}" for at in range(500, 59_000, 2000)]
    (tmp_path / "toy.gff3").write_text("\n".join(["##gff-version 3", *rows]) + "\n")
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"toy={tmp_path / 'toy.fa.gz'};{tmp_path / 'toy.gff3'}")
    state.shared.clear()
    yield "toy"
    state.shared.clear()


def test_a_registered_contig_is_browsed_whole_and_down_to_what_models_read(genome: str, explorer: Callable[..., AppTest]) -> None:
    app = explorer(locus=f"{genome}:c1:1-60000")
    assert not app.exception
    assert not app.error
    assert not app.warning
    session = app.session_state["locuscope"]
    assert not session.computing.started
    evidence = session.computing.evidence()
    assert not evidence.has_letters
    assert len(evidence.features) == 30
    assert session.around.place.length == 60_000
    assert sum(int(digit) for digit in session.around.genes[0]) > 0
    assert set(session.around.genes[1]) == {"0"}


def test_a_gene_longer_than_the_model_reads_is_asked_for_in_tiles_by_one_click_with_the_cost_said(
    genome: str, explorer: Callable[..., AppTest]
) -> None:
    app = explorer(locus=f"{genome}:c1:1001-4000")
    assert not app.exception
    assert not app.error
    assert not app.warning
    runs = app.session_state["locuscope"].computing
    assert "dependency" not in runs.requests
    assert runs.requests["band"].parameters.tile == 256
    assert (runs.requests["effects"].parameters.tile, runs.requests["effects"].parameters.halo) == (256, 128)
    assert runs.requests["probabilities"].parameters.masked
    assert runs.way_on == "Compute"
    assert any("model runs" in caption.value for caption in app.caption)
    assert any("in tiles of 256 bases, each read with 128 on either side" in caption.value for caption in app.caption)


def test_the_table_of_a_pair_of_a_tiled_sequence_is_that_of_its_tile() -> None:
    letters = NucleotideSequence("ACGT" * 750)
    band = Request("band", letters, "locuscope")
    asked = in_a_tile(Request("pair", letters, "locuscope", PairParameters(300, 290)), band)
    assert (len(asked.sequence), asked.parameters) == (512, PairParameters(172, 162))
    assert asked.sequence.letters[172] == letters.letters[300]
    with pytest.raises(ParameterError, match="more than 128 apart"):
        in_a_tile(Request("pair", letters, "locuscope", PairParameters(300, 600)), band)
