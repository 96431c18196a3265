"""A genome that a public service has is walked along: each step past the edge asks for its letters once, and what fails keeps what was there."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from engine.sources.genomes import GenomeSet
from engine.sources.remote import RemoteGenomes
from pages._ui import state

CONTIG = "".join(random.Random(5).choices("ACGT", k=400))


def _walk() -> None:
    import streamlit as st

    from pages._ui import explorer, moving, state

    explorer.page()
    where = st.session_state.pop("go", None)
    if where is not None:
        moving.go(state.shared(), state.session(), *where)


class Service:
    """UCSC, as far as letters go; ``status`` other than 200 is answered with an error."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                if not parts.path.startswith("/getData"):  # annotation, of which there is none
                    self.answer(404, {"error": "none"})
                    return
                start, end = int(query["start"][0]), int(query["end"][0])
                outer.asked.append((start, end))
                found = {"genome": query["genome"][0], "start": start, "end": end, "dna": CONTIG[start:end]}
                self.answer(outer.status, found if outer.status == 200 else {"error": "broken", "statusCode": outer.status})

            def answer(self, status: int, body: dict[str, object]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "0")
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    state.shared.clear()
    found = Service()
    shared = state.shared()
    urls = dict.fromkeys(("ucsc", "ncbi", "ensembl"), found.url)
    shared.genomes._remote = RemoteGenomes(shared.settings, urls, first_wait_seconds=0.01)
    assert isinstance(shared.genomes, GenomeSet)
    yield found
    state.shared.clear()
    found.http.shutdown()
    found.thread.join()
    found.http.server_close()


def shown(app: AppTest) -> Any:
    return app.session_state["locuscope"].screen.shown


def settled(app: AppTest, letters: str, patience: float = 60) -> None:
    """Run until these letters are on screen."""
    until = time.monotonic() + patience
    while time.monotonic() < until and (shown(app) is None or shown(app).sequence.letters != letters):
        time.sleep(0.1)
        app.run()
    assert shown(app).sequence.letters == letters


def go(app: AppTest, start: int, end: int) -> None:
    app.session_state["go"] = (start, end)
    app.run()


def test_a_step_past_the_edge_of_a_fetched_window_fetches_what_lies_there_once(service: Service) -> None:
    app = AppTest.from_function(_walk, default_timeout=60)
    app.query_params["locus"] = "sacCer3:chrX:101-140"
    app.run()
    settled(app, CONTIG[100:140])
    assert service.asked == [(100, 140)]
    session = app.session_state["locuscope"]
    assert session.around.place.length is None  # nobody was asked how long the contig is
    go(app, 120, 160)
    settled(app, CONTIG[120:160])
    assert session.question.text == "R64:chrX:121-160"
    assert session.question.moved
    assert not app.exception
    go(app, 100, 140)  # back: it is known
    settled(app, CONTIG[100:140])
    assert service.asked == [(100, 140), (120, 160)]
    service.status = 500
    go(app, 200, 240)
    until = time.monotonic() + 60
    while time.monotonic() < until and not app.error:
        time.sleep(0.1)
        app.run()
    assert "UCSC" in app.error[0].value
    assert shown(app).sequence.letters == CONTIG[100:140]
    session.computing.cancel()
