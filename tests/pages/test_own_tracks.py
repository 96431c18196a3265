"""Own tracks as a visitor brings them: several files at once, and a session that brings its own."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.locus import Locus, Strand
from engine.core.settings import Settings
from engine.sources.door import Bounds
from engine.sources.track_files import read_track
from pages._ui import own_tracks, session_file
from pages._ui.own_tracks import Brought, stretch_in
from pages._ui.surroundings import Surroundings

BED = b"sequence\t1\t5\tn\n"


def _menu() -> None:
    import time
    from types import SimpleNamespace
    from typing import Any

    import streamlit as st

    from engine.core.own_tracks import TrackFile
    from engine.sources.door import Bounds
    from engine.sources.track_files import read_track
    from pages._ui import own_tracks, reading, state

    def slow(name: str, data: bytes, _settings: Any, _monitor: Any) -> TrackFile:
        time.sleep(2 * reading.MOST_WAIT_SECONDS)
        return read_track(name, data, Bounds())

    session = st.session_state.setdefault("session", state.Session("v"))
    shared: Any = SimpleNamespace(settings=None, engine=state.shared().engine, tracks=SimpleNamespace(names=lambda _assembly: ()))
    own_tracks.apart = SimpleNamespace(read_track=slow)  # type: ignore[assignment]
    own_tracks.menu(shared, session)
    reading.show(shared.engine, own_tracks.READING)
    own_tracks.go_on(session)


@pytest.mark.parametrize(
    ("bed", "expected"),
    [
        ("NC_9.1\t108\t110\tn\n", (("NC_9.1",), 103, 110, True)),
        ("lac\t2\t4\tn\n", (("lac",), 10, 17, False)),
        ("other\t2\t4\tn\n", ((), 103, 110, True)),
    ],
)
def test_a_record_that_has_a_place_is_found_by_its_name_and_by_the_place(
    bed: str, expected: tuple[tuple[str, ...], int, int, bool]
) -> None:
    """Letters 10 to 17 of a record of 20 on the bases 100 to 120 of the reverse strand are the bases 103 to 110."""
    place = Surroundings("", "lac", 20, 10, 17, False, in_record=True, locus=Locus("X1", "NC_9.1", 100, 120, Strand.REVERSE))
    found = stretch_in(read_track("a.bed", bed.encode(), Bounds()), place)
    assert (found.contigs, found.start, found.end, found.reverse) == expected


MIXED = [
    ("mix.bed", "chrIV\t1505\t1515\ta\nIV\t1540\t1560\tb\nchrV\t1510\t1520\tc\n"),
    ("mix.bedgraph", "IV\t1505\t1515\t2\nchrIV\t1540\t1560\t3\nchrV\t1510\t1520\t4\n"),
    (
        "mix.gff3",
        "##gff-version 3\nchrIV\tx\tgene\t1506\t1515\t.\t+\t.\tID=a\nNC_001136.10\tx\tgene\t1541\t1560\t.\t+\t.\tID=b\nchrV\tx\tgene\t1511\t1520\t.\t+\t.\tID=c\n",
    ),
    (
        "mix.vcf",
        "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchrIV\t1506\ta\tA\tC\t.\t.\t.\nIV\t1541\tb\tA\tC\t.\t.\t.\nV\t1511\tc\tA\tC\t.\t.\t.\n",
    ),
]


@pytest.mark.parametrize(("name", "text"), MIXED)
def test_rows_of_all_names_of_a_contig_belong_to_it(name: str, text: str) -> None:
    place = Surroundings("R64", "chrIV", 1_531_933, 1500, 1560, False, in_record=False)
    track = Brought("own-1", read_track(name, text.encode(), Bounds()), name, "#000000")
    assert own_tracks._on(track, place).rows.starts.tolist() == [5, 40]


def test_of_several_slow_files_all_are_read_and_all_their_notes_are_said() -> None:
    from pages._ui import own_tracks

    kept = own_tracks.apart
    try:
        app = AppTest.from_function(_menu, default_timeout=60).run()
        app.file_uploader[0].set_value(
            [("a.bed", BED, "text/plain"), ("b.bed", b"c\t9\t5\tn\n" + BED, "text/plain"), ("c.bed", b"x y\n", "text/plain")]
        )
        app.run()
        for _ in range(40):
            if len(app.session_state["session"].tracks) == 2 and not app.session_state["session"].tracks_waiting:
                break
            time.sleep(0.25)
            app.run()
        time.sleep(1)
        app.run()
    finally:
        own_tracks.apart = kept
    session = app.session_state["session"]
    assert [track.name for track in session.tracks] == ["a.bed", "b.bed"]
    assert "1 line of 'b.bed' left out" in session.screen.problem
    assert "'c.bed'" in session.screen.problem


def test_a_session_brings_its_tracks_once_and_a_model_that_is_not_here_is_said(explorer: Callable[..., AppTest]) -> None:
    app = explorer()
    app.file_uploader(key="tracks").set_value([("a.bed", BED, "text/plain")])
    for _ in range(60):
        app.run()
        if app.session_state["locuscope"].tracks:
            break
        time.sleep(0.25)
    session = app.session_state["locuscope"]
    plain = orjson.loads(gzip.decompress(session_file.content(session, Settings())))
    assert len(plain["tracks"]) == 1
    plain["address"]["model"] = "nobody-has-this"
    app.file_uploader(key="session-file").set_value([("s.json", orjson.dumps(plain), "application/json")])
    for _ in range(60):
        app.run()
        if "nobody-has-this" in app.session_state["locuscope"].screen.problem:
            break
        time.sleep(0.25)
    session = app.session_state["locuscope"]
    assert not app.exception
    assert [track.name for track in session.tracks] == ["a.bed"]
    assert "nobody-has-this" in session.screen.problem
    assert session.question.model == "locuscope"
    session.computing.cancel()
