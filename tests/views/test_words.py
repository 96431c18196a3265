"""The sentence above the figure and its heading."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.core import evaluation
from engine.core.locus import Locus
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.views.evidence import LocusEvidence, Mark
from engine.views.words import heading, sentence
from tests.views import samples


def evidence(**results: Any) -> LocusEvidence:
    return LocusEvidence(samples.sequence(), results)


def test_a_model_that_is_unsure_everywhere_makes_pairs_doubtful() -> None:
    flat = replace(samples.probabilities(), values=np.full((76, 4), 0.25, np.float32))
    expected = "The model is unsure at all 76 bases (median 2.00 of 2 bits); pairs below may be chance."
    assert sentence(evidence(dependency=samples.dependency(), probabilities=flat)) == expected
    assert sentence(evidence(probabilities=flat)) == "The model is unsure at all 76 bases (median 2.00 of 2 bits)."


def test_stems_of_rna_are_named_where_it_was_measured_how_often_they_are_right() -> None:
    flat = replace(samples.probabilities(), values=np.full((76, 4), 0.25, np.float32))
    found = samples.dependency()
    card = replace(found.provenance.card, weights_sha256=evaluation.measured()["weights_sha256"][evaluation.CONTACTS])
    rna = NucleotideSequence(found.sequence.letters.replace("T", "U"), alphabet=Alphabet.RNA)
    measured = replace(found, sequence=rna, provenance=replace(found.provenance, card=card))
    told = sentence(evidence(dependency=measured, probabilities=flat))
    assert told.startswith("The model is unsure at all 76 bases (median 2.00 of 2 bits); its strongest pairs at least 4 bases apart join ")
    assert told.endswith("; how often such pairs are right stands at Possible base pairs.")


def test_without_results_there_is_no_sentence() -> None:
    assert sentence(evidence(effects=samples.effects())) == ""


@pytest.mark.parametrize(("title", "start"), [("", "sample · Sample model"), ("tRNA", "tRNA · Sample model")])
def test_the_heading_names_what_is_shown_and_the_models_once(title: str, start: str) -> None:
    given = replace(evidence(effects=samples.effects(), probabilities=samples.probabilities()), title=title)
    assert heading(given) == start


@pytest.mark.parametrize(
    ("locus", "title", "start"),
    [
        (":AE017341.1:123-198", "AE017341.1/123-198", "AE017341.1:123-198"),
        (":AE017341.1:123-198:-", "AE017341.1/198-123", "AE017341.1:123-198:-"),
        ("R64:chrI:1001-1076", "R64:chrI:1,001-1,076", "R64:chrI:1001-1076"),
        ("R64:chrI:1001-1076", "chrI 5", "chrI 5 · R64:chrI:1001-1076"),
    ],
)
def test_a_name_that_spells_the_place_is_not_told_beside_it(locus: str, title: str, start: str) -> None:
    given = evidence(effects=samples.effects())
    placed = replace(given.sequence, locus=Locus.parse(locus.removeprefix(":")))
    assert heading(replace(given, sequence=placed, title=title)) == f"{start} · Sample model"


def test_a_difference_says_what_is_lost_by_what() -> None:
    found = samples.dependency()
    values = np.zeros_like(found.values)
    values[0, 71] = -5.0
    difference = replace(found, values=values)
    marked = LocusEvidence(samples.sequence(), {"dependency": difference}, marks=(Mark(0, "G1A"),))
    assert sentence(marked) == "G1A: of pairs at least 4 bases apart, the largest loss is G at 1 with C at 72 (5.00 bits)."
