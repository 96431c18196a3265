"""ViennaRNA and the stem counter through the engine: the same numbers as asked directly, and one sentence where they cannot."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.fold import FoldParameters, secondary_structure
from engine.core.errors import Cancelled, CapabilityMissing, LocuscopeError, ParameterError, SequenceError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.core.stems import pair_weights, run_sums
from engine.models.entry import LoadOptions
from engine.models.folding import adapter
from engine.models.registry import entry
from engine.service.engine import Engine, Request
from tests.analyses.toys import ToyModel

HAIRPIN = NucleotideSequence("GGGGGAAAACCCCC")


def stem_counter(letters: str) -> np.ndarray:
    weights = pair_weights(letters)
    return run_sums(weights, weights > 0)


def vienna() -> object:
    pytest.importorskip("RNA", reason="ViennaRNA is an optional package")
    return entry("viennarna").load(Path(), LoadOptions())


def test_the_structure_is_that_of_the_package_asked_directly() -> None:
    model = vienna()
    import RNA

    letters = "GGGGCUAUAGCUCAGCUGGGAGAGCGCUUGCAUGGCAUGCAAGAGGUCAGCGGUUCGAUCCCGCUUAGCUCCACCA"
    found = secondary_structure(model, NucleotideSequence(letters, Alphabet.RNA))
    compound = RNA.fold_compound(letters)
    structure, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    expected = np.array(compound.bpp())[1:, 1:]
    assert found.dot_bracket == structure
    assert found.energy == pytest.approx(energy, abs=1e-4)
    np.testing.assert_allclose(np.triu(found.values), expected, atol=1.1e-5)
    np.testing.assert_array_equal(found.values, found.values.T)
    assert found.tracks()[0].values.max() <= 1
    assert f"{energy:.1f} kcal/mol" in found.words()


def test_letters_with_t_are_folded_as_rna_and_heat_melts() -> None:
    model = vienna()
    as_dna = secondary_structure(model, HAIRPIN)
    as_rna = secondary_structure(model, NucleotideSequence("GGGGGAAAACCCCC", Alphabet.RNA))
    assert as_dna.dot_bracket == as_rna.dot_bracket == "(((((....)))))"
    assert secondary_structure(model, HAIRPIN, FoldParameters(temperature=99.0)).energy > as_rna.energy


def test_the_stem_counter_folds_by_letters_and_has_no_energy() -> None:
    found = secondary_structure(entry("stem-counter").load(Path(), LoadOptions()), HAIRPIN)
    assert found.dot_bracket == "(((((....)))))"
    assert math.isnan(found.energy)
    np.testing.assert_allclose(found.values, stem_counter(HAIRPIN.letters))
    assert "kcal" not in found.words()


def test_a_temperature_is_refused_by_a_model_that_knows_none_and_settled_by_one_that_does(tmp_path: Path) -> None:
    counter, engine = entry("stem-counter").load(Path(), LoadOptions()), Engine(Settings(home=tmp_path))
    for given in (20.0, 37.0):
        with pytest.raises(ParameterError, match=f"Stem counter knows no temperature, and {given:g} °C was given; leave --temperature out"):
            secondary_structure(counter, HAIRPIN, FoldParameters(temperature=given))
        with pytest.raises(ParameterError, match="knows no temperature"):
            engine.check(Request("fold", HAIRPIN, "stem-counter", FoldParameters(temperature=given)))
    assert engine.run(Request("fold", HAIRPIN, "stem-counter")).provenance.parameters == {"temperature": None}
    assert FoldParameters().settled(entry("viennarna").card).temperature == 37.0
    assert FoldParameters(temperature=20.0).settled(entry("viennarna").card).temperature == 20.0


def test_the_temperature_when_none_is_given_is_37() -> None:
    model = vienna()
    found = secondary_structure(model, HAIRPIN)  # type: ignore[arg-type]
    assert found.provenance.parameters == {"temperature": 37.0}
    assert found.energy == secondary_structure(model, HAIRPIN, FoldParameters(temperature=37.0)).energy  # type: ignore[arg-type]


def test_the_command_answers_by_vienna_when_no_model_is_named(tmp_path: Path) -> None:
    vienna()
    engine = Engine(Settings(home=tmp_path))
    found = engine.run(Request("fold", HAIRPIN))
    assert found.provenance.card.id == "viennarna"
    again = engine.run(Request("fold", HAIRPIN))
    np.testing.assert_array_equal(again.values, found.values)


def test_what_cannot_be_folded_is_one_sentence(tmp_path: Path) -> None:
    counter = entry("stem-counter").load(Path(), LoadOptions())
    with pytest.raises(SequenceError, match="1 letters are not one of A, C, G and U"):
        secondary_structure(counter, NucleotideSequence("GGGNAAACCC"))
    with pytest.raises(CapabilityMissing, match="choose viennarna or stem-counter"):
        secondary_structure(ToyModel(), HAIRPIN)
    with pytest.raises(LocuscopeError, match="reads 1 to 3,000"):
        Engine(Settings(home=tmp_path)).check(Request("fold", NucleotideSequence("A" * 3001), "stem-counter"))


def test_without_the_package_the_model_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.importlib.util, "find_spec", lambda name: None)
    row = Engine(Settings(home=tmp_path)).model("viennarna")
    assert not row.installed
    assert "pip install ViennaRNA==2.7.2" in row.why_not


def test_a_process_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "worker.py"
    broken.write_text("raise ImportError('no such library')\n")
    monkeypatch.setattr(adapter, "WORKER", broken)
    with pytest.raises(CapabilityMissing) as caught:
        secondary_structure(entry("viennarna").load(Path(), LoadOptions()), HAIRPIN)
    assert "no such library" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cancel_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "worker.py"
    slow.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(adapter, "WORKER", slow)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()

    def look() -> None:
        if stop.is_set():
            raise Cancelled("The computation was cancelled.")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        entry("viennarna").load(Path(), LoadOptions()).fold("GGGG", 37.0, look)  # type: ignore[attr-defined]
    assert time.monotonic() - began < 30  # the program takes 60
