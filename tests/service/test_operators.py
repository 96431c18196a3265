"""Who may install models and see the status of a server."""

from __future__ import annotations

import pytest

from engine.core.errors import ParameterError
from engine.core.settings import Settings
from engine.models.registry import entry
from engine.service.operators import Person, cannot_install, is_operator, may_see_status

CARD = entry("gpn").card
LOCAL = Person(local=True)
STRANGER = Person(address="192.0.2.1")
ADA = Person("Ada@example.org")
OPERATED = Settings(operators="ben@example.org, ada@example.org")


@pytest.mark.parametrize(
    ("install", "person", "may"),
    [
        ("", LOCAL, True),
        ("", STRANGER, False),
        ("", Person(), False),
        ("", ADA, True),
        ("operator", LOCAL, False),
        ("operator", STRANGER, False),
        ("operator", ADA, True),
        ("anyone", STRANGER, True),
        ("off", LOCAL, False),
        ("off", ADA, False),
    ],
)
def test_who_may_install(install: str, person: Person, may: bool) -> None:
    settings = Settings(install=install, operators=OPERATED.operators)
    refusal = cannot_install(settings, person, CARD)
    assert (refusal == "") is may
    if refusal:
        assert refusal.count(". ") == 0
        assert "python -m engine install gpn" in refusal


def test_nobody_is_an_operator_without_a_name_or_where_none_is_named() -> None:
    assert not is_operator(OPERATED, Person())
    assert not is_operator(Settings(operators=" , "), Person())
    assert not is_operator(OPERATED, Person("eve@example.org"))
    assert is_operator(OPERATED, ADA)


def test_the_status_is_for_operators_and_for_who_sits_at_the_machine() -> None:
    assert may_see_status(OPERATED, ADA)
    assert may_see_status(Settings(), LOCAL)
    assert not may_see_status(OPERATED, STRANGER)


def test_another_word_is_refused() -> None:
    with pytest.raises(ParameterError, match="give off, operator or anyone"):
        Settings(install="nobody")
