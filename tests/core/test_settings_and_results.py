"""Settings from the environment, parameters and results that refuse what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.contacts import ContactMap, ContactParameters
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.analyses.effects import EffectParameters, VariantEffects
from engine.analyses.pair import PairParameters
from engine.core.card import Capability, ModelCard
from engine.core.errors import ParameterError
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings

CARD = ModelCard("toy", "Toy", Alphabet.DNA, 100, frozenset({Capability.DEPENDENCY}), "r1", "0" * 64, "Apache-2.0", "here")
STAMP = Provenance("dependency", "1", CARD, {"metric": "log2_odds"}, "0" * 64, 4, "", "float32", "cpu", 0.5)
SEQUENCE = NucleotideSequence("ACGT")


def test_settings_are_read_from_prefixed_variables() -> None:
    settings = Settings.from_environment({"LOCUSCOPE_HOME": "/x", "LOCUSCOPE_THREADS": "3", "LOCUSCOPE_OFFLINE": "yes", "OTHER": "1"})
    assert (settings.home, settings.threads, settings.offline) == (Path("/x"), 3, True)


@pytest.mark.parametrize(
    "variables",
    [{"LOCUSCOPE_THREADS": "many"}, {"LOCUSCOPE_THREADS": "-1"}, {"LOCUSCOPE_OFFLINE": "perhaps"}, {"LOCUSCOPE_MODEL_BYTES": "0"}],
)
def test_a_setting_of_the_wrong_kind_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match=r"[.]$"):
        Settings.from_environment(variables)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DependencyParameters(metric="odds"),  # type: ignore[arg-type]
        lambda: DependencyParameters(epsilon=0.5),
        lambda: DependencyParameters(window=(5, 5)),
        lambda: DependencyParameters(tau=0),
        lambda: EffectParameters(influence="best"),  # type: ignore[arg-type]
        lambda: ContactParameters(minimum_loop=-1),
        lambda: PairParameters(3, 3),
    ],
)
def test_parameters_outside_their_range_are_refused(make: object) -> None:
    with pytest.raises(ParameterError, match=r"allowed|needed|start is at least"):
        make()  # type: ignore[operator]


def test_arrays_of_a_result_are_read_only_and_do_not_follow_the_callers_array() -> None:
    values = np.zeros((4, 4), np.float32)
    result = DependencyMap(SEQUENCE, values, STAMP)
    values[0, 1] = 7
    assert result.values[0, 1] == 0
    with pytest.raises(ValueError, match="read-only"):
        result.values[0, 1] = 1


def test_a_map_that_does_not_fit_its_sequence_is_refused() -> None:
    with pytest.raises(ParameterError, match="does not fit"):
        DependencyMap(SEQUENCE, np.zeros((3, 3)), STAMP, offset=2)
    with pytest.raises(ParameterError, match="shape"):
        VariantEffects(SEQUENCE, STAMP, llr=np.zeros((4, 3)))


def test_a_map_is_complete_when_every_row_is_done() -> None:
    assert DependencyMap(SEQUENCE, np.zeros((4, 4)), STAMP).complete
    assert not DependencyMap(SEQUENCE, np.zeros((4, 4)), STAMP, rows_done=np.array([1, 1, 0, 1], bool)).complete


def test_contacts_may_have_no_pairs() -> None:
    assert ContactMap(SEQUENCE, np.zeros((4, 4)), np.zeros((0, 2)), np.zeros(0), "....", STAMP).pairs.shape == (0, 2)


def test_provenance_is_json_with_the_model_and_the_parameters() -> None:
    values = json.loads(STAMP.to_json())
    assert values["card"]["id"] == "toy"
    assert values["card"]["capabilities"] == ["dependency map"]
    assert values["parameters"] == {"metric": "log2_odds"}
