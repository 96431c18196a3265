"""What the pages of a server for several people offer to whom."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from engine.service.engine import Engine
from engine.service.operators import Person
from pages._ui import state, visitor_person

ADA = Person("ada@example.org")


def _models() -> None:
    from pages._ui.model_table import page

    page()


def _status() -> None:
    from pages._ui.status_page import page

    page()


@pytest.fixture(autouse=True)
def own_engine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings of a lab's server, an engine made with them, and the usual one again afterwards."""
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("LOCUSCOPE_OPERATORS", "ada@example.org")
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "0")
    monkeypatch.setenv("LOCUSCOPE_SERVICES", "0")
    monkeypatch.setenv("LOCUSCOPE_VISITOR_UPLOAD_BYTES", "1000")
    monkeypatch.setenv("LOCUSCOPE_VISITOR_CALLS", "1")
    monkeypatch.setattr(Engine, "preload", lambda _engine: None)
    state.shared.clear()
    yield
    state.shared.clear()


def opened(page: object, monkeypatch: pytest.MonkeyPatch, person: Person) -> AppTest:
    monkeypatch.setattr(visitor_person, "here", lambda _settings: person)
    app = AppTest.from_function(page, default_timeout=60).run()  # type: ignore[arg-type]
    assert not app.exception
    return app


def test_a_stranger_is_told_in_one_sentence_who_installs_models(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(_models, monkeypatch, Person(address="192.0.2.1"))
    assert len(app.info) == 1
    assert "whoever runs it" in app.info[0].value
    assert not app.button
    assert not app.checkbox


def test_an_operator_accepts_the_terms_of_a_service_once_they_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(_models, monkeypatch, ADA)
    box = next(one for one in app.selectbox if one.label == "Model")
    title = next(option for option in box.options if option.startswith("AlphaMissense"))
    app = box.select(title).run()
    accept = next(one for one in app.button if one.label == "Accept the terms")
    assert accept.disabled
    app.checkbox[0].check().run()
    next(one for one in app.button if one.label == "Accept the terms").click().run()
    assert state.shared().engine.terms_accepted("alphamissense")
    assert title not in next(one for one in app.selectbox if one.label == "Model").options


def test_the_status_is_shown_to_an_operator_and_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(_status, monkeypatch, Person(address="192.0.2.1"))
    assert not app.dataframe
    assert "whoever runs this server" in app.info[0].value
    app = opened(_status, monkeypatch, ADA)
    frame = app.dataframe[0].value
    assert "locuscope_jobs_waiting" in list(frame["name in Prometheus"])


def _uploading() -> None:
    from types import SimpleNamespace

    import streamlit as st

    from engine.core.errors import LocuscopeError
    from pages._ui import state

    for name, size in (("first", 600), ("first", 600), ("second", 600)):  # one after the other in one place
        try:
            st.text(len(state.uploaded(SimpleNamespace(file_id=name, size=size, getvalue=lambda: b"abc"), "a place")))
        except LocuscopeError as error:
            st.text(str(error))


def test_an_upload_counts_once_and_what_is_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(_uploading, monkeypatch, Person(address="192.0.2.1"))
    first, again, second = (one.value for one in app.text)
    assert (first, again) == ("3", "3")
    assert second.startswith("You have uploaded 1,200 bytes within the hour")
    assert app.session_state["locuscope"].held_bytes == 600


def _asking() -> None:
    import streamlit as st

    from engine.core.asking import asking
    from pages._ui import reading

    def work(_monitor: object) -> str:
        asking("Ensembl")
        asking("Ensembl")
        return "asked twice"

    reading.begin("here", "something", work, st.text, st.text)


def test_questions_to_services_are_counted_in_the_thread_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(_asking, monkeypatch, Person(address="192.0.2.2"))
    assert app.text[0].value.startswith("Public services were asked 1 times for you")


@pytest.mark.parametrize(
    ("listens", "address", "headers", "local"),
    [
        ("localhost", None, {"host": "localhost:8501"}, True),
        ("127.0.0.1", None, {"host": "127.0.0.1:8501"}, True),
        ("::1", None, {"host": "[::1]:8501"}, True),
        (None, None, {"host": "localhost:8501"}, False),
        ("0.0.0.0", None, {"host": "localhost:8501"}, False),
        ("localhost", "192.0.2.1", {"host": "localhost:8501"}, False),
        ("localhost", None, {"host": "locuscope.example.org"}, False),
        ("localhost", None, {"host": "localhost.example.org:8501"}, False),
        ("localhost", None, {"host": "localhost:8501", "x-forwarded-for": "192.0.2.1"}, False),
        ("localhost", None, {"host": "localhost:8501", "x-real-ip": "192.0.2.1"}, False),
        ("localhost", None, {}, False),
    ],
)
def test_only_who_comes_from_this_machine_through_nothing_is_local(
    listens: str | None, address: str | None, headers: dict[str, str], local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes through a proxy of the same machine comes from 127.0.0.1, too."""
    fake = SimpleNamespace(context=SimpleNamespace(ip_address=address, headers=headers), get_option=lambda _name: listens, user={})
    monkeypatch.setattr(visitor_person, "st", fake)
    assert visitor_person.here(state.shared().settings).local is local


def test_headers_are_believed_only_where_a_setting_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"X-User": "ada@example.org", "X-Real-IP": "192.0.2.7"}
    fake = SimpleNamespace(context=SimpleNamespace(ip_address="192.0.2.1", headers=headers), get_option=lambda _name: "0.0.0.0", user={})
    monkeypatch.setattr(visitor_person, "st", fake)
    assert visitor_person.here(state.shared().settings) == Person("", "192.0.2.1", False)
    monkeypatch.setenv("LOCUSCOPE_USER_HEADER", "X-User")
    monkeypatch.setenv("LOCUSCOPE_ADDRESS_HEADER", "X-Real-IP")
    state.shared.clear()
    assert visitor_person.here(state.shared().settings) == Person("ada@example.org", "192.0.2.7", False)
