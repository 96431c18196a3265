"""The place of a substitution in the scan of its own window, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analyses.effects import VariantEffects
from engine.core.alleles import Change
from engine.core.sequence import NucleotideSequence
from engine.service.window_quantiles import window_quantiles
from tests.views import samples

LETTERS = "ACGTACGTAN"


def effects() -> VariantEffects:
    """llr = −(3 × index + k-th alternate), influence its negative: 27 substitutions of the nine known bases."""
    sequence = NucleotideSequence(LETTERS)
    llr = np.full((10, 4), np.nan, np.float32)
    for index, letter in enumerate(LETTERS[:9]):
        for number, base in enumerate(base for base in "ACGT" if base != letter):
            llr[index, "ACGT".index(base)] = -(3 * index + number)
    return VariantEffects(sequence, samples.provenance("effects", sequence), llr=llr, influence=-llr)


def test_without_classes_all_substitutions_of_the_window_are_compared() -> None:
    found = window_quantiles(effects(), Change(0, "A", "C"))  # llr 0, the highest of 27; influence 0, the lowest
    assert found is not None
    assert (found.count, found.bases, found.group) == (27, 10, "")
    assert (found.llr, found.influence) == (1.0, 1.0)
    last = window_quantiles(effects(), Change(8, "A", "T"))  # llr -26, the lowest; influence 26, the highest
    assert last is not None
    assert (last.llr, last.influence) == (pytest.approx(1 / 27), pytest.approx(1 / 27))


def test_with_classes_only_those_of_the_same_class_are() -> None:
    found = window_quantiles(effects(), Change(4, "A", "C"), lambda index, _: "missense_variant" if index >= 4 else "synonymous_variant")
    assert found is not None
    assert (found.group, found.count) == ("missense_variant", 15)  # bases 5 to 9; llr -12 is the highest of them
    assert (found.llr, found.influence) == (1.0, 1.0)
    assert found.words() == (
        "Among the 15 missense variant substitutions of the 10 bases shown, 100.0% have an llr as low or lower, 100.0% an influence as high or higher."
    )


def test_a_class_with_few_members_is_compared_with_all_and_an_indel_with_none() -> None:
    found = window_quantiles(effects(), Change(4, "A", "C"), lambda index, _: "stop_gained" if index == 4 else "other")
    assert found is not None
    assert (found.group, found.count) == ("", 27)
    assert window_quantiles(effects(), Change(4, "A", "")) is None
