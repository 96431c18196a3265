"""Beside each other, a file and a text: the one that was given last is meant; uploads beyond the quota are one sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import InputError
from engine.service.operators import Person
from pages._ui import state
from pages._ui.given_last import given_last


def test_what_was_given_since_the_last_time_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.given_last.st", SimpleNamespace(session_state={}))
    one, two = SimpleNamespace(file_id="1"), SimpleNamespace(file_id="2")
    assert given_last("here", None, " ") == ""
    assert given_last("here", one, "") == "file"
    assert given_last("here", one, "typed") == "text"
    assert given_last("here", one, "typed") == "text"
    assert given_last("here", two, "typed") == "file"
    assert given_last("here", None, "typed") == "text"
    with pytest.raises(InputError, match="Both a new file and a new text"):
        given_last("here", one, "other")
    with pytest.raises(InputError, match="Both"):
        given_last("there", one, "typed")
    assert given_last("there", one, "of the address", "of the address") == "file"


def _alignment() -> None:
    from pages._ui.alignment_page import page

    page()


def _phage() -> None:
    from pages._ui.phage_page import page

    page()


def _embeddings() -> None:
    from pages._ui.embeddings_page import page

    page()


@pytest.mark.parametrize("page", [_alignment, _phage, _embeddings])
def test_a_file_beyond_the_quota_is_one_sentence(page: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_VISITOR_UPLOAD_BYTES", "1000")
    monkeypatch.setattr("pages._ui.visitor_person.here", lambda _: Person(address="192.0.2.1"))
    state.shared.clear()
    try:
        app = AppTest.from_function(page, default_timeout=60)  # type: ignore[arg-type]
        app.query_params["sequence"] = "GATTACA" * 10
        app.run()
        genome = [item for item in app.selectbox if item.label == "Genome"]
        if genome:
            app = genome[0].set_value("a file of mine").run()
        app.file_uploader[0].upload("x.fa", b">a\n" + b"ACGT" * 500, "text/plain")
        sent = [item for item in app.button if item.label == "Read the alignment"]
        app = sent[0].click().run() if sent else app.run()
        assert not app.exception
        assert [item.value for item in app.error if "uploaded 2,003 bytes" in item.value.replace("\\", "")]
    finally:
        state.shared.clear()
