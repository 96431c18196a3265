"""An analysis and its panel are two files: planted beside the others, or installed as a package, they are everywhere without another line changed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import engine.analyses
import engine.views.panels
from engine.analyses.declared import analyses, declared
from engine.commands.app import make_app
from engine.commands.arguments import check_output
from engine.core.errors import Cancelled
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.exports import formats
from engine.notebook import Locus
from engine.service.engine import Engine, Request
from engine.views.evidence import LocusEvidence
from engine.views.figure import locus_figure
from engine.views.panel import drawn_analyses
from pages._ui import address, choices
from pages._ui.help_text import panel_table
from pages._ui.question import Question, Shown, address_of
from tests.models.third_party import installed, package

ANALYSIS = '''
"""GC content around each base, with a stop for the tests."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.parameters import WINDOW, Parameters, Window, check_window, option
from engine.core.results import Result, Table, Track, frozen_array


@dataclass(frozen=True)
class GcParameters(Parameters):
    """``reach``: bases to each side that count; ``window``: part of the sequence."""

    reach: int = option(2, "--reach", "Bases to each side that count.", metavar="BASES", low=0, high=50, address="reach", title="Reach")
    window: Window | None = WINDOW()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window(self.window)


@dataclass(frozen=True, eq=False)
class GcContent(Result):
    """``values`` float32 (L,): share of G and C, NaN outside the window."""

    sequence: Any
    values: Any
    provenance: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence),), "GC content"))

    def arrays(self) -> dict[str, Any]:
        """``gc``."""
        return {"gc": self.values}

    def rows(self) -> Table:
        """One row a base."""
        return Table({"position": np.arange(1, len(self.values) + 1), "gc": self.values}, np.arange(len(self.values)))

    def tracks(self) -> tuple[Track, ...]:
        """The share."""
        return (Track("gc", "share of G and C", self.values),)

    def words(self) -> str:
        """The mean."""
        return f"Mean GC content {np.nanmean(self.values):.2f}."


def gc_content(model, sequence, parameters, monitor):
    letters = np.array([letter in "GC" for letter in sequence.as_dna()], float)
    low, high = parameters.window or (0, len(letters))
    monitor.start(high - low, "bases")
    values = np.full(len(letters), np.nan)
    for index in range(low, high):
        values[index] = letters[max(0, index - parameters.reach) : index + parameters.reach + 1].mean()
        if len(letters) > 100:
            time.sleep(0.02)
        monitor.advance(1)
    return GcContent(sequence, values, stamp("gc", "1", model, parameters, sequence, 0.001))


DECLARED = (
    Declared(
        name="gc",
        command="gc-content",
        version="1",
        title="GC content",
        summary="Share of G and C around each base.",
        capability=Capability.PROBABILITIES,
        parameters=GcParameters,
        result=GcContent,
        passes=lambda sequence, parameters, card, offer: len(sequence),
        run=lambda model, sequence, parameters, monitor, answers: gc_content(model, sequence, parameters, monitor),
    ),
)
'''

PANEL = '''
"""GC content."""

from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps


def draw(evidence, style):
    found = evidence.results["gc"]
    trace = filled(steps(found.values, levels=80), "#888888", name="GC")
    return Drawn((trace,), {"range": [0, 1]}, model=found.provenance.card.title, readout=(Readout("GC", found.values),))


PANEL = Panel(id="gc", title="GC content", unit="share", help="Share of G and C around each base.", reading="Nothing more.",
              order=200, height=40, draw=draw, analyses=("gc",))
'''
SEQUENCE = NucleotideSequence("GGGCCCAAATTTGGGCCC")


@contextmanager
def beside_the_others(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for package, text in ((engine.analyses, ANALYSIS), (engine.views.panels, PANEL)):
            place = folder / package.__name__
            place.mkdir()
            (place / "toy_gc.py").write_text(text)
            patch.setattr(package, "__path__", [*package.__path__, str(place)])
        yield
    for name in ("engine.analyses.toy_gc", "engine.views.panels.toy_gc"):
        sys.modules.pop(name, None)
    for package in (engine.analyses, engine.views.panels):
        if hasattr(package, "toy_gc"):
            delattr(package, "toy_gc")


def as_a_package(folder: Path) -> AbstractContextManager[None]:
    points = "[locuscope.analyses]\ngc = locuscope_gc\n[locuscope.panels]\ngc = locuscope_gc_panel\n"
    return installed(package(folder / "site", "locuscope-gc", points, locuscope_gc=ANALYSIS, locuscope_gc_panel=PANEL))


@pytest.fixture(autouse=True, params=[beside_the_others, as_a_package], ids=lambda way: way.__name__)
def planted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        stack.enter_context(request.param(tmp_path))
        yield stack


@pytest.fixture
def made(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path / "home"))


def test_it_is_a_command_with_its_own_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    from engine.commands.app import main

    out = tmp_path / "gc.npz"
    assert main(["gc-content", "--sequence", SEQUENCE.letters, "--reach", "0", "--window", "2-5", "--out", str(out)]) == 0
    with np.load(out) as archive:
        np.testing.assert_array_equal(archive["gc"][1:5], [1, 1, 1, 1])
        assert np.isnan(archive["gc"][0])
    assert main(["gc-content", "--sequence", SEQUENCE.letters, "--reach", "99", "--out", str(out)]) == 2
    assert any(command.name == "gc-content" for command in make_app().registered_commands)


def test_it_is_stored_estimated_exported_and_scripted(made: Engine, tmp_path: Path) -> None:
    request = Request("gc", SEQUENCE, parameters=declared("gc").parameters(reach=1))
    assert made.estimate(request).passes == len(SEQUENCE)
    found = made.run(request)
    made._store._kept.clear()
    again = made.submit(request)
    assert again.finished
    assert again.unit in ("answer", "stored answer")
    np.testing.assert_array_equal(made.stored(request).values, found.values)
    names = {item.name for item in formats.formats_for(found)}
    assert {"npz", "tsv", "csv", "bedgraph", "bigwig", "script"} <= names
    formats.write(found, tmp_path / "again.py")
    text = (tmp_path / "again.py").read_text()
    assert "'gc-content'" in text
    assert "'--reach',\n    '1'" in text


def test_it_is_drawn_with_its_words(made: Engine) -> None:
    found = made.run(Request("gc", SEQUENCE))
    figure = locus_figure(LocusEvidence(SEQUENCE, {"gc": found}))
    panel = next(panel for panel in figure.layout.meta["panels"] if panel["id"] == "gc")
    assert (panel["title"], panel["unit"], panel["model"]) == ("GC content", "share", "Locuscope")
    assert found.words() == "Mean GC content 0.67."


def test_it_can_be_cancelled(made: Engine) -> None:
    job = made.submit(Request("gc", NucleotideSequence("ACGT" * 100)), "me")
    while not job.done:
        time.sleep(0.01)
    job.cancel("me")
    assert job.wait(60)
    with pytest.raises(Cancelled):
        job.answer()


def test_it_is_in_the_menu_and_the_address() -> None:
    assert "gc" in choices.on_demand()
    state = address.parse({"sequence": SEQUENCE.letters, "analyses": "gc", "reach": "7"})
    assert (state.asked, state.settings, state.problems) == (("gc",), (("reach", "7"),), ())
    assert len(address.parse({"reach": "51"}).problems) == 1
    shown = Shown(SEQUENCE, SEQUENCE, (), "letters", (), ("",), None)
    text = address_of(Question(SEQUENCE.letters, "locuscope", settings=state.settings, asked=state.asked), shown, "locuscope")
    assert parse_qs(text or "") == {"sequence": [SEQUENCE.letters], "analyses": ["gc"], "reach": ["7"]}


def _explorer() -> None:
    from pages._ui.explorer import page

    page()


def test_the_explorer_computes_it_when_its_box_is_ticked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    app = AppTest.from_function(_explorer, default_timeout=60)
    app.query_params["sequence"] = SEQUENCE.letters
    app = app.run()
    assert not app.exception
    app = next(box for box in app.checkbox if box.label == "GC content").check().run()
    assert not app.exception
    jobs = app.session_state["locuscope"].computing.jobs
    assert jobs["gc"].wait(60)
    assert jobs["gc"].result.words() == "Mean GC content 0.67."


def test_its_pictures_can_be_written(made: Engine, tmp_path: Path) -> None:
    check_output(tmp_path / "gc.png", declared("gc"))
    toy = Locus(SEQUENCE, engine=made)
    toy.gc_content()
    assert "GC content" in [panel["title"] for panel in toy.figure().layout.meta["panels"]]


def test_help_says_how_to_read_it() -> None:
    assert "| **GC content** | Share of G and C around each base. | Nothing more. |" in panel_table()


def test_after_it_is_gone_nothing_remembers_it(planted: ExitStack) -> None:
    assert "gc" in analyses()
    assert "gc" in drawn_analyses()
    planted.close()
    assert "gc" not in analyses()
    assert "gc" not in drawn_analyses()
