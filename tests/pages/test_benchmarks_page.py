"""The page of benchmarks in Streamlit's own test frame, and the named rows behind it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import ParameterError
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.service.named_benchmarks import BENCHMARKS, NOT_RUN, best, is_named, measured, named, read_by
from pages._ui import benchmarks_page
from pages._ui.benchmarks_page import overview
from tests.service.named_tables import numbers_of_the_calibration


def _page() -> None:
    from pages._ui.benchmarks_page import page

    page()


def test_the_page_draws_every_named_benchmark_and_says_which_were_not_run() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    frame = app.dataframe[0].value
    assert list(frame["benchmark"]) == [item.title for item in BENCHMARKS]
    for item, told in zip(BENCHMARKS, overview()["measured here"], strict=True):
        assert (told == NOT_RUN) == (best(item.id) is None)


def _mpra() -> None:
    from engine.service.named_benchmarks import named
    from pages._ui import benchmarks_page, state

    benchmarks_page._named(state.shared(), named("mpra"))


def test_a_table_of_other_weights_than_those_here_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(read_by("clinvar")) == ["cispliceai", "locuscope"]
    monkeypatch.setattr(benchmarks_page, "read_by", lambda name: {"locuscope": "0" * 64})
    told = [caption.value for caption in AppTest.from_function(_mpra, default_timeout=60).run().caption]
    assert "Measured with other weights of Locuscope than those here; the command measures it anew." in told
    here = Engine(Settings.from_environment()).fingerprint("locuscope")
    monkeypatch.setattr(benchmarks_page, "read_by", lambda name: {"locuscope": here})
    told = [caption.value for caption in AppTest.from_function(_mpra, default_timeout=60).run().caption]
    assert not [words for words in told if "other weights" in words]


def test_the_numbers_of_the_classes_are_those_of_the_table_that_ships() -> None:
    assert {(line.score, line.group): line.value for line in measured("classes")} == numbers_of_the_calibration()


def test_a_name_that_is_none_is_refused_with_those_there_are() -> None:
    assert is_named("brca1")
    assert not is_named("table.tsv")
    with pytest.raises(ParameterError, match="there are classes, brca1"):
        named("fly")
