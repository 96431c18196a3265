"""Regions, undo and redo, recent loci, and the highlight of what was asked for, on the explorer."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.regions import Region
from pages._ui import regions, state


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
