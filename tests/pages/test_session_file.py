"""A session as a file: what is read again is what was saved, and a file that was changed is refused with a sentence."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.alleles import Change
from engine.core.errors import LocuscopeError
from engine.core.features import Feature
from engine.core.regions import Region
from engine.core.settings import Settings
from engine.sources.door import Bounds
from engine.sources.records import read_file
from engine.sources.server_tracks import ServerTracks
from engine.sources.track_files import read_track
from engine.sources.understood import of_records
from pages._ui import session_file
from pages._ui.own_tracks import Brought
from pages._ui.question import Question, resolve
from pages._ui.state import Screen, Session
from pages._ui.steps import History, Step

SETTINGS = Settings(offline=True)
SHARED: Any = SimpleNamespace(settings=SETTINGS, tracks=ServerTracks(""))
GENBANK = b">c1 first\nACGTACGTACGTACGTACGTACGTACGTAC\n>c2\nGGGGCCCCGGGGCCCC\n"


def saved() -> Session:
    """A visitor with an uploaded file, an annotation of it, a track and a view."""
    session = Session("v")
    found = of_records(read_file("mine.fa", GENBANK, Bounds()))
    question = Question("file mine.fa 1", "locuscope", 0, True, (2, 26), settings=(("metric", "log_ratio"),), allele=Change(5, "C", "T"))
    annotation = (Feature("gene", "g", 1, 9, "+", "", {"note": "mine"}),)
    session.files = session_file.replace(session.files, understood=(question.text, found), annotation={found.records[0].sha256: annotation})
    session.screen = Screen(question, resolve(question, found, annotation))
    track = read_track("own.bedpe", b"c1\t1\t3\tc1\t9\t12\tloop\t5\n", Bounds())
    session.tracks = (Brought("own-1a2b", track, "loops", "#112233", False, scale="fixed", high=2.0, heat=True),)
    seen = {"view": session.on_screen.identity, "region": {"a": 3, "b": 17}, "rows": {"a": 3, "b": 17}, "selection": {"i": 4, "j": 9}}
    session.saw({**seen, "arrangement": {"folded": ["entropy", "own-1a2b"]}})
    session.exchange = session_file.replace(session.exchange, display={"shape": "triangle", "palette": "magma", "high": None})
    session.regions = (Region("", "c1", 4, 9, "box", "#56b4e9", "as they say"),)
    steps = tuple(
        Step(Question(text, moved=text[-4] == "5"), session.regions) for text in ("toy:c1:1-30", "file other.fa 2", "toy:c1:5-30")
    )
    session.history = History(steps, 2, (("toy:c1:1-30", "the first"),), ("toy", "c1", 0, 30))
    return session


def test_what_is_read_again_is_what_was_saved() -> None:
    session = saved()
    found = session_file.read("a.locuscope.json.gz", session_file.content(session, SETTINGS), SHARED)
    assert found.question == session.question
    assert found.understood is not None
    assert [record.letters for record in found.understood.records] == [record.letters for record in session.files.understood[1].records]  # type: ignore[index]
    ((sha, features),) = found.annotation.items()
    assert sha == session.on_screen.whole.sha256
    assert features[0].attributes["note"] == "mine"
    start = found.state.initial(24)
    assert start["region"] == [3, 17]
    assert start["select"] == [4, 9]
    (track,) = found.tracks
    assert start["display"] == {"shape": "triangle", "palette": "magma", "hidden": ["entropy", track.id]}
    assert track.id not in ("own-1a2b", "")  # widgets of a track that is still there keep their own state
    assert (track.name, track.colour, track.is_shown, track.file.kind) == ("loops", "#112233", False, "pairs")
    assert (track.limits, track.heat) == ((0.0, 2.0), True)
    assert np.array_equal(track.file.rows("c1", 0, 99).others, [[9, 12]])
    assert not found.state.problems
    assert found.regions == session.regions
    assert [step.question.text for step in found.history.steps] == ["toy:c1:1-30", "toy:c1:5-30"]  # without the other file
    assert found.history == session_file.replace(session.history, steps=found.history.steps, at=1)


def test_a_locus_is_saved_by_its_name_alone() -> None:
    session = Session("v")
    found = of_records(read_file("mine.fa", GENBANK, Bounds()))
    session.files = session_file.replace(session.files, understood=("toy:c1:1-30", found))
    session.screen = Screen(Question("toy:c1:1-30"), resolve(Question("toy:c1:1-30"), found))
    text = gzip.decompress(session_file.content(session, SETTINGS)).decode()
    assert "ACGTACGT" not in text
    assert session_file.read("a.json", text.encode(), SHARED).question.text == "toy:c1:1-30"


@pytest.mark.parametrize(
    "change",
    [
        {"locuscope session": 99},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "red", "is_shown": True, "server": "", "file": "a", "rows": []}]},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "#112233", "is_shown": True, "server": "", "file": "a",
                     "rows": [{"rows": ["c", [9], [3], [1], [], [], []]}, {"kind": "signal"}]}]},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "#112233", "is_shown": True, "server": "", "file": "a", "rows": [{"kind": "weird"}]}]},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "#zzzzzz", "is_shown": True, "server": "", "file": "a", "rows": []}]},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "#112233", "is_shown": True, "server": "", "file": "a", "rows": []}] * 2},
        {"tracks": [{"id": "own-1", "name": "a", "colour": "#112233", "is_shown": True, "server": "", "file": "a",
                     "rows": [{"rows": ["c", [3], [9], [1], [], [7], ["+"]]}]}]},
        {"features": []},
        {"tracks": 7},
        {"regions": [["toy", "c1", 9, 4, "a", "#56b4e9"]]},
        {"regions": [["toy", "c1", 4, 9, "a", "red"]]},
        {"steps": {"at": 0, "steps": [{"question": {"text": "x"}, "regions": []}]}},
        {"records": [["XYZ!", "DNA", "", ""]]},
        {"records": [["ACGT", "DNA", "", "", "", ""]]},
        {"address": []},
    ],
)  # fmt: skip
def test_a_file_that_was_changed_is_refused_with_a_sentence(change: dict[str, Any]) -> None:
    plain = orjson.loads(gzip.decompress(session_file.content(saved(), SETTINGS)))
    with pytest.raises(LocuscopeError):
        session_file.read("a.json", orjson.dumps({**plain, **change}), SHARED)


def test_a_track_that_is_not_on_this_server_is_left_out_and_said() -> None:
    plain = orjson.loads(gzip.decompress(session_file.content(saved(), SETTINGS)))
    missing = {"id": "own-9", "name": "ChIP", "colour": "#112233", "is_shown": True, "server": "/etc/passwd"}
    found = session_file.read("a.json", orjson.dumps({**plain, "tracks": [*plain["tracks"], missing]}), SHARED)
    assert [track.name for track in found.tracks] == ["loops"]
    assert "passwd" in found.notes[0]


def test_a_session_that_could_not_be_opened_again_is_not_saved() -> None:
    assert not session_file.too_large(saved(), SETTINGS)
    assert "remove a large track" in session_file.too_large(saved(), session_file.replace(SETTINGS, max_upload_bytes=40))


@pytest.mark.parametrize("data", [b"[]", b"{", b"ACGT", b"\x1f\x8b\x08broken", b"null"])
def test_another_file_is_no_session(data: bytes) -> None:
    with pytest.raises(LocuscopeError):
        session_file.read("a.json", data, SHARED)


def test_the_file_menu_saves_what_is_on_screen(explorer: Callable[..., AppTest]) -> None:
    app = explorer(sequence="GGGCCCAAATTTGGGCCC", region="3-12")
    assert not app.exception
    session = app.session_state["locuscope"]
    found = session_file.read("a.gz", session_file.content(session, SETTINGS), SHARED)
    assert found.question.text == "GGGCCCAAATTTGGGCCC"
    session.computing.cancel()
