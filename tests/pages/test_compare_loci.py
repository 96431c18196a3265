"""Two loci, two models and models side by side on the page Compare: computed, drawn, and drawn again by their address."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.features import Feature
from engine.service.jobs import Job
from engine.views.evidence import LocusEvidence
from pages._ui import compare_address, compare_work
from pages._ui.compare_loci import common_parts, cut
from pages._ui.prepared import Price
from tests.views import samples


def _compare() -> None:
    from pages._ui.compare_page import page

    page()


@pytest.mark.parametrize(
    ("lengths", "anchors", "parts"),
    [
        ((100, 80), (0, 0), ((0, 80), (0, 80))),
        ((100, 80), (50, 10), ((40, 110 - 10), (0, 60))),
        ((100, 80), (99, 79), ((20, 100), (0, 80))),
    ],
)
def test_what_both_have_around_their_anchors_is_of_one_length(
    lengths: tuple[int, int], anchors: tuple[int, int], parts: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    found = common_parts(lengths, anchors)
    assert found == parts
    assert len({end - start for start, end in found}) == 1
    assert anchors[0] - found[0][0] == anchors[1] - found[1][0]


def test_a_part_has_the_cells_of_the_whole() -> None:
    given = samples.sequence()
    results = {"dependency": samples.dependency(given), "probabilities": samples.probabilities(given)}
    whole = LocusEvidence(given, results, (Feature("gene", "g", 5, 40, "+"),))
    part = cut(whole, 10, 30)
    assert part.sequence.letters == given.letters[10:30]
    np.testing.assert_array_equal(part.results["dependency"].values, results["dependency"].values[10:30, 10:30])
    np.testing.assert_array_equal(part.results["probabilities"].values, results["probabilities"].values[10:30])
    assert [(item.start, item.end) for item in part.features] == [(0, 20)]


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(_compare, default_timeout=60)
    for name, value in {"sequence": "GGGCCCAAATTTGGGCCCAA", **address}.items():
        app.query_params[name] = value
    return app.run()


def drawn(app: AppTest) -> AppTest:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not app.get("plotly_chart"):
        time.sleep(0.5)
        app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    return app


def told_another_species(app: AppTest) -> None:
    """What was drawn for the species of before is not drawn for another one that was chosen in the explorer."""
    session = app.session_state["locuscope"]
    session.screen = replace(session.screen, question=replace(session.question, species="phage"))
    app.run()
    assert not app.exception
    assert not app.get("plotly_chart")


def test_two_loci_are_computed_and_drawn_the_address_draws_them_again_and_a_wrong_anchor_is_said() -> None:
    app = opened()
    app.segmented_control[0].set_value("loci").run()
    assert not app.exception
    app.text_input(key="compare-locus").set_value("GGGCCTAAATTTGGGCCC")
    app.text_input(key="compare-at-first").set_value("3")
    app.text_input(key="compare-at-second").set_value("5")
    next(item for item in app.button if item.label == "Compare").click().run()
    app = drawn(app)
    assert not app.error
    again = drawn(opened(**app.query_params))
    assert again.query_params == app.query_params
    assert [again.text_input(key=f"compare-{name}").value for name in ("locus", "at-first", "at-second")] == [
        "GGGCCTAAATTTGGGCCC",
        "3",
        "5",
    ]
    starts = [again.text_input(key=f"compare-{name}").proto.default for name in ("locus", "at-first", "at-second")]
    assert starts == ["GGGCCTAAATTTGGGCCC", "3", "5"]  # in every run, for a browser that has not drawn the first
    assert [item.proto.spec for item in again.get("plotly_chart")] == [item.proto.spec for item in app.get("plotly_chart")]
    app.text_input(key="compare-at-second").set_value("19")
    next(item for item in app.button if item.label == "Compare").click().run()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not app.error:
        time.sleep(0.5)
        app.run()
    assert "The second anchor is 19; a position from 1 to 18 is needed" in app.error[0].value
    told_another_species(again)
    assert any("press Compare" in item.value for item in again.caption)


def test_what_takes_long_is_not_started_by_an_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Price, "automatic", False)
    app = opened(compare="loci", second="GGGCCTAAATTTGGGCCC")
    for _ in range(50):
        if any("press Compare" in item.value for item in app.caption):
            break
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert not app.session_state["loci-compared"].every


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"compare": "genomes"}, "compare='genomes'; it can be alleles, models, beside, loci"),
        ({"compare": "loci", "second": "A" * 8001}, "8,001 characters"),
        ({"compare": "loci", "second": "A\x07"}, "that can be shown"),
        ({"compare": "loci", "second": "ACGT", "by": "none-such"}, "by='none-such'"),
        ({"compare": "loci", "second": "ACGT", "at": "3"}, "at='3'; it takes a base of each locus"),
        ({"compare": "loci", "second": "ACGT", "at": "3,٣"}, "a base of each locus"),
        ({"compare": "models", "by": "locuscope", "other": "none-such"}, "other='none-such'; it can be locuscope"),
        ({"compare": "models", "by": "locuscope", "other": "locuscope"}, "two models are compared"),
        ({"compare": "models", "other": "locuscope"}, "two models are compared"),
        ({"compare": "beside", "models": "locuscope,none-such"}, "the models 'none-such', which make no map here"),
        ({"compare": "beside", "influence": "largest"}, "influence='largest'; it can be mean"),
    ],
)
def test_what_an_address_cannot_mean_is_left_out_and_said(given: dict[str, str], told: str) -> None:
    (problem,) = compare_address.read(given, ("locuscope",), ("mean",)).problems
    assert told in problem


def test_models_side_by_side_have_an_address_that_draws_them_again() -> None:
    address = {"compare": "beside", "models": "locuscope-local,locuscope", "influence": "authors_quick_start", "maps": "0"}
    app = drawn(opened(**address))
    assert not app.error
    assert address.items() <= app.query_params.items()
    assert app.multiselect[0].value == ["locuscope-local", "locuscope"]
    assert not app.toggle(key="beside-maps").value
    app = app.toggle(key="beside-maps").set_value(True).run()
    assert "maps" not in app.query_params
    told_another_species(app)


def test_models_side_by_side_that_were_cancelled_say_so_and_are_asked_again() -> None:
    app = drawn(opened(compare="beside", models="locuscope-local,locuscope"))
    work = app.session_state["models-beside"]
    work.jobs["locuscope: dependency"] = cancelled()
    app = app.run()
    assert not app.exception
    assert [item.value for item in app.info] == ["It was cancelled; missing\\: locuscope\\: dependency."]
    assert any("press Compare" in item.value for item in app.caption)
    app = next(button for button in app.button if button.label == "Compare").click().run()
    assert not drawn(app).info


def cancelled() -> Job:
    """A job that was given up."""
    job = Job("a key", None)
    job.finish("cancelled")
    return job


def test_tracks_and_controls_of_an_allele_that_were_cancelled_are_asked_again() -> None:
    app = opened()
    next(box for box in app.text_input if box.label.startswith("Substitution")).set_value("G1A")
    app = maps_of(next(item for item in app.button if item.label == "Compare").click().run())
    comparison = app.session_state["comparison"]
    assert all(job.wait(60) for side in comparison.beside for job in side.values())
    comparison.beside[1]["effects"], comparison.tracks = cancelled(), None
    comparison.controls.jobs = {"reference": cancelled(), "alternate": cancelled()}
    app = app.run()
    assert not app.exception
    assert "It was cancelled; missing\\: effects." in [item.value for item in app.caption]
    assert [item.value for item in app.info] == ["It was cancelled."]
    assert "compare-controls-ask" in [item.key for item in app.button]
    app.button(key="compare-tracks-go").click().run()
    assert all(job.wait(60) for side in comparison.beside for job in side.values())
    app = app.run()
    assert comparison.tracks.influence is not None
    assert not any("effects" in item.value for item in app.caption)


def maps_of(app: AppTest) -> AppTest:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and "comparison" not in app.session_state:
        time.sleep(0.2)
        app.run()
    assert all(job.wait(60) for job in app.session_state["comparison"].jobs)
    app.run()
    assert not app.exception
    assert not app.error
    return app


def test_one_model_against_another_has_an_address_that_compares_them_again_by_the_same_species() -> None:
    app = opened(species="bacteria")
    app.segmented_control[0].set_value("models").run()
    assert "other" not in app.query_params
    app.selectbox(key="compare-one").set_value("locuscope-local")
    app.selectbox(key="compare-other").set_value("locuscope")
    app = maps_of(next(item for item in app.button if item.label == "Compare").click().run())
    assert {"compare": "models", "by": "locuscope-local", "other": "locuscope", "species": "bacteria"}.items() <= app.query_params.items()
    again = maps_of(opened(**app.query_params))
    assert again.query_params == app.query_params
    assert [again.selectbox(key=f"compare-{name}").value for name in ("one", "other")] == ["locuscope-local", "locuscope"]
    first, second = (item.session_state["comparison"] for item in (app, again))
    assert second.species == ("bacteria", "bacteria")
    np.testing.assert_array_equal(first.found.values, second.found.values)


def test_two_models_that_are_one_are_refused_and_not_kept() -> None:
    app = opened(compare="models")
    app.selectbox(key="compare-other").set_value(app.selectbox(key="compare-one").value)
    app = next(item for item in app.button if item.label == "Compare").click().run()
    assert "Both models are the same" in app.error[0].value
    assert "other" not in app.query_params


def test_maps_that_take_long_are_offered_with_their_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_work, "AT_ONCE_BASES", 0)
    monkeypatch.setattr(compare_work, "AUTOMATIC_SECONDS", 0)
    app = opened(compare="models", by="locuscope-local", other="locuscope")
    for _ in range(50):
        if any(item.key == "compare-compute" for item in app.button):
            break
        time.sleep(0.2)
        app.run()
    assert any("Both maps: " in item.value and "model runs" in item.value for item in app.caption)
    maps_of(app.button(key="compare-compute").click().run())
