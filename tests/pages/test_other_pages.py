"""Compare, triage, models and help in Streamlit's own test frame."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.consequences import Consequence
from engine.core.errors import SequenceError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.core.variants import ScoredVariant, Triage, Variant
from engine.service.engine import Engine
from engine.service.shelf import long_card
from pages._ui import state
from pages._ui.changes import changed, read_change
from pages._ui.model_table import LINK
from pages._ui.question import named
from pages._ui.triage_results import consequences
from pages._ui.triage_table import table
from tests.views import samples


def _compare() -> None:
    from pages._ui import explorer
    from pages._ui.compare_page import page

    explorer.page()
    page()


def _figure() -> None:
    from pages._ui import explorer
    from pages._ui.figure_page import page

    explorer.page()
    page()


def _empty_figure() -> None:
    from pages._ui.figure_page import page

    page()


def _models() -> None:
    from pages._ui.model_table import page

    page()


def _help() -> None:
    from pages._ui.help_text import page

    page()


def test_the_help_says_what_is_written_about_a_visitors_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    written = AppTest.from_function(_help, default_timeout=60).run()
    assert any("kept on this server's disk" in item.value for item in written.markdown)
    monkeypatch.setenv("LOCUSCOPE_KEEP", "memory")
    state.shared.clear()
    kept = AppTest.from_function(_help, default_timeout=60).run()
    state.shared.clear()
    assert any("Nothing else about your letters is written" in item.value for item in kept.markdown)


def _triage() -> None:
    from pages._ui.triage_page import page

    page()


@pytest.mark.parametrize("page", [_models, _help, _triage])
def test_a_page_draws_without_an_exception(page: Callable[[], None]) -> None:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert not app.error


def test_every_model_of_the_registry_is_in_the_table() -> None:
    from engine.models.registry import model_ids

    app = AppTest.from_function(_models, default_timeout=60).run()
    frame = app.dataframe[0].value
    assert list(frame["Id"]) == list(model_ids())
    assert bool(frame[frame["Id"] == "locuscope"]["Here"].iloc[0])


def test_long_cards_are_those_of_shipped_weights_and_hold_no_link_to_a_file() -> None:
    engine = Engine(Settings(offline=True))
    cards = {name: engine.long_card(name) for name in ("locuscope", "locuscope-local", "locuscope-segmenter")}
    assert [card.splitlines()[0] for card in cards.values()] == [
        "# Locuscope: the shipped models",
        "# Locuscope local: the same language, exact maps in seconds",
        "# Locuscope: the shipped models",
    ]
    assert long_card(Path("/")) == ""
    assert "](" not in re.sub(r"\]\(https?://", "", "".join(LINK.sub(r"\1", card) for card in cards.values()))


@pytest.mark.parametrize(
    ("given", "name", "letters"),
    [
        ("A3G", "A3G", "CCGTT"),
        ("3 g", "A3G", "CCGTT"),
        ("t5>a", "T5A", "CCATA"),
        ("3del", "3del", "CCTT"),
        ("2_3del", "2_3del", "CTT"),
        ("2_3insGG", "2_3insGG", "CCGGATT"),
        ("2_3delinsG", "2_3delinsG", "CGTT"),
    ],
)
def test_a_change_is_read_in_its_usual_spellings(given: str, name: str, letters: str) -> None:
    sequence = NucleotideSequence("CCATT")
    change = read_change(sequence, given)
    assert (changed(sequence, change).letters, named(change)) == (letters, name)


def test_a_substitution_of_rna_stays_rna() -> None:
    sequence = NucleotideSequence("CCAUU", Alphabet.RNA)
    change = read_change(sequence, "A3T")
    assert (changed(sequence, change).letters, named(change)) == ("CCUUU", "A3U")


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ("", "not a substitution"),
        ("A9G", "outside"),
        ("C3G", "is A, not C"),
        ("A3A", "already"),
        ("A3X", "not a"),
        ("4_9del", "outside"),
        ("2_4insG", "between neighbours"),
        ("1_5del", "Nothing would be left"),
        ("2_3delinsCA", "already"),
    ],
)
def test_a_change_that_cannot_be_is_refused_in_one_sentence(given: str, fragment: str) -> None:
    with pytest.raises(SequenceError, match=fragment):
        read_change(NucleotideSequence("CCATT"), given)


def typed(app: AppTest) -> Any:
    """The box for the change; the settings of analyses have boxes of their own."""
    return next(box for box in app.text_input if box.label.startswith("Substitution"))


def test_the_comparison_refuses_a_wrong_base_and_computes_a_right_one() -> None:
    app = AppTest.from_function(_compare, default_timeout=90)
    app.query_params["sequence"] = "GGGCCCAAATTTGGGCCC"
    app = app.run()
    typed(app).set_value("C1A")
    compare = next(button for button in app.button if button.label == "Compare")
    app = compare.click().run()
    assert "is G, not C" in app.error[0].value
    typed(app).set_value("G1A")
    app = next(button for button in app.button if button.label == "Compare").click().run()
    assert not [button for button in app.button if button.key == "compare-try"]
    comparison = app.session_state["comparison"]
    assert all(job.wait(60) for job in comparison.jobs)
    app = app.run()
    assert not app.exception
    assert comparison.found.values[1, 1] == 0
    first, second = comparison.maps
    assert (comparison.found.values == second.values - first.values).all()
    assert [job.request.model for job in comparison.beside[0].values()] == ["locuscope", "locuscope", "locuscope-segmenter"]

    def asked(**changes: Any) -> Any:
        """The comparison after something was chosen in the explorer."""
        session = app.session_state["locuscope"]
        session.screen = replace(session.screen, question=replace(session.question, **changes))
        app.run()
        assert not app.exception
        return app.session_state["comparison"]

    assert asked() is comparison
    other = asked(species="phage")
    assert other is not comparison
    assert {job.request.species for job in other.jobs} == {"phage"}
    assert [job.request.species for job in other.beside[1].values()] == ["phage", "phage", ""]
    assert all(job.wait(60) for job in other.jobs)
    assert asked(elements="locuscope-segmenter/yeast") is other
    assert [job.request.species for job in other.beside[1].values()] == ["phage", "phage", "yeast"]
    assert [*asked(elements="none").beside[0]] == ["probabilities", "effects"]


def test_a_substitution_is_offered_where_none_is_there() -> None:
    app = AppTest.from_function(_compare, default_timeout=90)
    app.query_params["sequence"] = "GGGCCCAAATTTGGGCCC"
    app = app.run().button(key="compare-try").click().run()
    assert not app.exception
    assert app.session_state["comparison"].titles == ("reference", "T10A")


def test_the_triage_table_names_consequences_and_its_card_every_transcript() -> None:
    found = (
        Consequence(("stop_gained", "splice_region_variant"), "G", "t1", "c.8G>A", "p.(Trp3Ter)", 11),
        Consequence(("intron_variant",), "H", "t2", "c.9+4G>A", note="why"),
    )
    row = ScoredVariant(Variant("c", 5, "A", "G"), "scored", llr=-1.0, consequences=found, left_aligned=(5, "A", "G"))
    frame = table(Triage((row,), samples.provenance("triage", samples.sequence())))
    names = ["consequence", "impact", "gene", "transcript", "HGVS c.", "HGVS p."]
    assert frame.loc[0, names].tolist() == ["stop_gained", "HIGH", "G", "t1", "c.8G>A", "p.(Trp3Ter)"]
    card = consequences(row)
    assert card["consequence"].tolist() == ["stop_gained, splice_region_variant", "intron_variant"]
    assert card["genetic code"].tolist() == ["11", ""]
    assert card["note"].tolist() == ["", "why"]


def test_the_figure_page_opened_first_starts_from_the_first_example_and_says_so_in_its_address() -> None:
    app = AppTest.from_function(_empty_figure, default_timeout=60)
    for _ in range(100):
        app.run()
        if app.get("plotly_chart"):
            break
        time.sleep(0.3)
    assert not app.exception
    assert app.query_params["example"] == "ecoli-trna-thr"
    assert app.query_params["theme"] == "light"


def test_the_figure_page_draws_what_the_explorer_has_computed() -> None:
    app = AppTest.from_function(_figure, default_timeout=60)
    app.query_params["sequence"] = "GGGCCCAAATTTGGGCCC"
    for _ in range(100):
        app.run()
        if app.get("plotly_chart"):
            break
        time.sleep(0.3)
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert not app.exception
    assert {trace.get("xaxis") for trace in spec["data"]} == {"x"}
