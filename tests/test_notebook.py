"""The door for notebooks gives the results of the command line and the figure of the pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.commands.app import main
from engine.core.errors import LocuscopeError, ParameterError
from engine.notebook import engine_of, locus

HAIRPIN = "GGGGCUAUAGCUCAGCUGGGAGAGC"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    engine_of.cache_clear()


def test_a_map_is_that_of_the_command_line(tmp_path: Path) -> None:
    found = locus(HAIRPIN).map(precision="exact")
    assert main(["map", "--sequence", HAIRPIN, "--precision", "exact", "--out", str(tmp_path / "map.npz")]) == 0
    with np.load(tmp_path / "map.npz") as archive:
        np.testing.assert_array_equal(found.values, archive["values"])


def test_the_figure_shows_what_was_asked() -> None:
    hairpin = locus(HAIRPIN)
    hairpin.map()
    hairpin.segment()
    panels = {panel["id"] for panel in hairpin.figure().layout.meta["panels"]}
    assert {"map", "elements"} <= panels
    assert hairpin.results["segmentation"].provenance.card.id == "locuscope-segmenter"


def test_every_command_is_a_method_and_nothing_else() -> None:
    hairpin = locus(HAIRPIN)
    assert {"map", "effects", "probabilities", "contacts", "segment", "tokens", "pair"} <= set(dir(hairpin))
    with pytest.raises(AttributeError, match="horoscope"):
        hairpin.horoscope()
    with pytest.raises(ParameterError, match="it takes metric"):
        hairpin.map(metrik="log_ratio")


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(LocuscopeError):
        locus("nowhere:chr1:5-2")
    with pytest.raises(LocuscopeError):
        locus()
