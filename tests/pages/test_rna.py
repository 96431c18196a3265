"""The page RNA in Streamlit's own test frame, with the shipped model."""

from __future__ import annotations

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.base_pairs import pairs_of_dot_bracket
from engine.service.engine import Request
from engine.service.jobs import Job
from engine.views.secondary_structure import Named
from pages._ui import rna_address
from pages._ui.rna_page import agreement_table

HAIRPIN = "GGGCCCAAATTTGGGCCC"


def _page() -> None:
    from pages._ui.rna_page import page

    page()


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    for _ in range(150):
        if app.error or (
            "rna-work" in app.session_state and app.session_state["rna-work"].jobs and not app.session_state["rna-work"].running
        ):
            break
        time.sleep(0.3)
        app.run()
    return app.run()


def test_a_pair_is_tested_without_the_page_waiting_for_it() -> None:
    app = opened(sequence=HAIRPIN)
    app = labels(app)["Test"].click().run()  # type: ignore[attr-defined]
    for _ in range(100):
        if any("disturbed other base" in item.value for item in app.caption):
            break
        time.sleep(0.1)
        app.run()
    assert not app.error
    assert not app.exception
    assert any("disturbed other base" in item.value for item in app.caption)
    assert "Open this pair in the explorer" in labels(app)


def test_what_was_cancelled_is_said_and_computed_again() -> None:
    app = opened(sequence=HAIRPIN)
    work = app.session_state["rna-work"]
    folded = work.jobs["fold"]
    work.jobs["contacts"] = cancelled(work.requests["contacts"])
    app.session_state["rna-test-job"] = ((0, 9), work.test((0, 9)), cancelled(work.test((0, 9))))
    app = app.run()
    assert not app.exception
    assert [item.value for item in app.info] == ["It was cancelled; missing\\: contacts.", "It was cancelled."]
    app = app.button(key="rna-go").click().run()
    assert work.jobs["contacts"].wait(60)
    assert work.jobs["fold"] is folded
    app = app.run()
    assert work.contacts is not None
    assert [item.value for item in app.info] == ["It was cancelled."]  # the test of a pair, which has a button of its own


def cancelled(request: Request) -> Job:
    """A job that was given up."""
    job = Job("a key", request)
    job.finish("cancelled")
    return job


def labels(app: AppTest) -> dict[str, object]:
    return {item.label: item for item in [*app.selectbox, *app.text_area, *app.button]}


def test_the_page_opened_first_draws_what_its_address_asks_for() -> None:
    app = opened(sequence=HAIRPIN)
    assert not app.exception
    assert not app.error
    draw = labels(app)["Draw"]
    assert any("Locuscope, along stems" in name for name in draw.options)
    assert "stem counter" in draw.options
    assert len(app.get("plotly_chart")) >= 2
    assert app.query_params["sequence"] == HAIRPIN


def test_a_known_structure_is_held_against_the_others_and_stays_in_the_address() -> None:
    app = opened(sequence=HAIRPIN)
    area = next(item for item in app.text_area if "Dot-bracket" in item.label)
    app = area.set_value("((((((......))))))").run()
    assert not app.error
    table = app.dataframe[0].value
    assert "known structure" in set(table["structure"])
    assert app.query_params["known"] == "((((((......))))))"
    area = next(item for item in app.text_area if "Dot-bracket" in item.label)
    app = area.set_value("(((").run()
    assert "of 3 bases" in app.error[0].value or "never closed" in app.error[0].value


def test_what_is_drawn_and_the_pair_that_was_tested_come_back_with_the_address() -> None:
    app = opened(sequence=HAIRPIN)
    for label, value in (("Draw", "stems"), ("Hold against", "contacts"), ("Colour by", "dependency")):
        app = labels(app)[label].set_value(value).run()  # type: ignore[attr-defined]
    app.number_input(key=next(item.key for item in app.number_input if item.label == "One base")).set_value(3)
    app.number_input(key=next(item.key for item in app.number_input if item.label == "The other")).set_value(16)
    app = labels(app)["Test"].click().run()  # type: ignore[attr-defined]
    for _ in range(100):
        if any("disturbed other base" in item.value for item in app.caption):
            break
        time.sleep(0.1)
        app.run()
    told = {name: app.query_params[name] for name in ("draw", "against", "colour", "pair", "tested")}
    assert told == {"draw": "stems", "against": "contacts", "colour": "dependency", "pair": "3,16", "tested": "3,16"}
    again = opened(sequence=HAIRPIN, **told)
    assert not again.error
    assert [labels(again)[label].value for label in ("Draw", "Hold against", "Colour by")] == ["stems", "contacts", "dependency"]  # type: ignore[attr-defined]
    assert [item.value for item in again.number_input if item.label in ("One base", "The other")] == [3, 16]
    assert any("G at 3 and C at 16" in item.value for item in again.caption)
    assert {name: again.query_params[name] for name in told} == told


def test_a_test_that_nobody_ran_waits_for_its_button() -> None:
    app = opened(sequence=HAIRPIN, pair="2,17", tested="1,2")
    assert not app.exception
    assert not any("disturbed other base" in item.value for item in app.caption)
    assert [item.value for item in app.number_input if item.label in ("One base", "The other")] == [2, 17]
    assert "tested" not in app.query_params


def test_what_an_address_had_of_a_file_is_asked_for() -> None:
    app = opened(sequence=HAIRPIN, own="reactivities", colour="reactivity")
    assert any("reactivities of a file, which no address carries" in item.value for item in app.info)
    assert (app.query_params["own"], app.query_params["colour"]) == ("reactivities", "reactivity")
    app = labels(app)["Go on without"].click().run()  # type: ignore[attr-defined]
    assert not app.info
    assert "own" not in app.query_params


@pytest.mark.parametrize(
    "given", [{"pair": "3,99"}, {"pair": "4,4"}, {"tested": "5"}, {"pair": "1,2,3"}, {"draw": "best"}, {"colour": "<b>"}]
)
def test_what_an_address_cannot_mean_is_left_out_and_said(given: dict[str, str]) -> None:
    wanted = rna_address.read(given, len(HAIRPIN))
    assert len(wanted.problems) == 1
    assert "so it was left out" in wanted.problems[0]
    assert not wanted.texts()
    assert rna_address.read({"pair": "16,3", "own": "structure,x"}, 18).texts() == {"pair": "3,16", "own": "structure"}


def test_options_that_cannot_go_together_are_said_and_the_page_stays() -> None:
    app = opened(sequence=HAIRPIN)
    next(item for item in app.selectbox if item.label == "Possible base pairs").set_value("stems")
    next(item for item in app.toggle if item.label == "apc").set_value(True)
    app = app.run()
    assert not app.exception
    assert any("choose cells or published" in item.value for item in app.error)


def test_a_pair_is_tested_and_can_be_opened_in_the_explorer() -> None:
    app = opened(sequence=HAIRPIN)
    app = next(item for item in app.button if item.label == "Test").click().run()
    assert not app.exception
    assert any("behave like a base pair" in item.value for item in app.caption)
    assert any(item.label == "Open this pair in the explorer" for item in app.button)


@pytest.mark.parametrize(
    "address", [{"sequence": HAIRPIN, "recipe": "best"}, {"sequence": HAIRPIN, "minimum_loop": "-5", "partners": "9" * 40}]
)
def test_options_of_an_address_that_are_not_allowed_are_left_out(address: dict[str, str]) -> None:
    app = opened(**address)
    assert not app.exception
    assert next(item for item in app.selectbox if item.label == "Possible base pairs").value == "auto"


def test_agreement_is_given_both_ways() -> None:
    one, two = Named("a", pairs_of_dot_bracket("((....))")), Named("b", pairs_of_dot_bracket("(......)"))
    table = agreement_table({"a": one, "b": two}).set_index(["structure", "held against"])
    assert table.loc[("a", "b"), "sensitivity"] == 1.0
    assert table.loc[("a", "b"), "PPV"] == 0.5
    assert table.loc[("b", "a"), "sensitivity"] == 0.5
    assert np.isnan(agreement_table({"a": one, "c": Named("c", one.pairs[:0])}).set_index("structure").loc["c", "PPV"])
