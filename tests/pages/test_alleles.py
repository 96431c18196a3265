"""The allele on screen: in the address, on either strand, in a window; the row of a triage that opens it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.alleles import Change
from engine.core.errors import LocusError
from engine.core.sequence import NucleotideSequence
from engine.core.variants import Triage
from engine.sources.understood import Understood
from pages._ui import address
from pages._ui.question import Question, address_of, in_record, named, resolve

RECORD = "AACCGGTTACGTAACCGGTA"


def understood(letters: str = RECORD) -> Understood:
    return Understood((NucleotideSequence(letters, name="r"),), "letters", ("",))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("9-A-G", Change(8, "A", "G")),
        ("9-AC-A", Change(9, "C", "")),
        ("9--T", Change(8, "", "T")),
        ("9-a-u", Change(8, "A", "T")),
    ],
)
def test_an_allele_of_an_address_is_read_and_written_back(text: str, change: Change) -> None:
    assert address.parse({"allele": text}).allele == change
    assert address.allele_of(address.allele_text(change)) == change


@pytest.mark.parametrize("text", ["0-A-G", "9-A-A", "9-A-X", "9", "9-" + "A" * 91 + "-G", "--"])
def test_an_allele_that_is_none_is_left_out_with_a_sentence(text: str) -> None:
    found = address.parse({"allele": text})
    assert found.allele is None
    assert "31-C-T" in found.problems[0]


def test_the_allele_follows_window_and_strand() -> None:
    # bases 5 to 14 of AACC GGTTACGTAA CCGGTA; base 9 of the record, A, is base 5 of them and base 6 of the other strand, T
    question = Question("x", window=(4, 14), allele=Change(8, "A", "G"))
    forward, turned = resolve(question, understood()), resolve(replace(question, reverse=True), understood())
    assert forward.sequence.letters == "GGTTACGTAA"
    assert forward.change == Change(4, "A", "G")
    assert turned.sequence.letters == "TTACGTAACC"
    assert turned.change == Change(5, "T", "C")
    assert [(mark.place, mark.label) for mark in turned.marks] == [(5, "T6C")]
    assert in_record(turned.change, replace(question, reverse=True), turned) == question.allele
    assert resolve(replace(question, window=(10, 20)), understood()).change is None


def test_an_allele_that_expects_other_letters_is_refused() -> None:
    with pytest.raises(LocusError, match="has A at 9, the allele expects C"):
        resolve(Question("x", allele=Change(8, "C", "G")), understood())


def test_an_address_with_an_allele_holds_the_whole_record_and_the_window() -> None:
    question = Question(RECORD, "locuscope", window=(4, 14), allele=Change(8, "A", ""))
    shown = resolve(question, understood())
    assert named(shown.change) == "5del"
    text = address_of(question, shown, "locuscope")
    state = address.parse(dict(parse_qsl(text)))
    assert (state.text, state.window, state.allele) == (f">r\n{RECORD}", (4, 14), Change(8, "A", ""))


def _triage() -> None:
    from pages._ui.triage_page import page

    page()


def until(app: AppTest, seen: Callable[[AppTest], bool]) -> AppTest:
    for _ in range(300):
        if seen(app):
            return app
        time.sleep(0.3)
        app.run()
    raise AssertionError("it was not seen within 90 seconds")


def test_a_row_opens_with_its_allele_and_the_score_that_ranked_it() -> None:
    from pages._ui import triage_desk

    app = AppTest.from_function(_triage, default_timeout=90).run()
    next(button for button in app.button if button.label == "substitution").click().run()
    until(app, lambda now: any("by Locuscope in a window of 512 bases" in item.value for item in now.caption))
    assert not app.exception
    found: Triage = app.session_state[triage_desk.SLOT].result
    question = app.session_state["locuscope"].question
    # lacz.fa has 1,020 bases; the window of 512 begins 256 before base 442, the allele stands at its 257th
    assert question.allele == Change(256, "G", "T")
    assert question.window == (156, 357)
    assert any(f"llr −{-found.rows[0].llr:.3g}" in item.value for item in app.caption)
