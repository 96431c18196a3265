"""q-values of the relations that a change loses and gains, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.analyses.pattern_scores import CELL_LIMITS
from engine.core.alleles import Change
from engine.core.errors import ParameterError
from engine.views.controlled import ControlledChange
from tests.views import samples
from tests.views.test_patterns_drawn import made

CHANGE = Change(27, samples.LETTERS[27], "A")


def controlled(q_first: float = 0.05, q_second: float = 0.5) -> ControlledChange:
    """Of the reference every cell from 4 bits on has q 0.02, of the alternate none is below 0.4; the pair 1-72 is lost, 11-31 gained."""
    first = samples.dependency()
    values = first.values.copy()
    values[0, 71], values[71, 0] = 1.0, 0.5
    values[10, 30] = 4.5
    reference = replace(made([0.01, q_first, 0.5]), cell_q=np.where(CELL_LIMITS <= 4, 0.9, 0.02).astype(np.float32))
    alternate = replace(made([0.3, q_second, 0.5]), cell_q=np.full(len(CELL_LIMITS), 0.4, np.float32))
    return ControlledChange((reference, alternate), (first, replace(first, values=values)), CHANGE)


def test_what_is_lost_is_held_against_the_reference_and_what_is_gained_against_the_alternate() -> None:
    counted, across = controlled().words
    assert counted == (
        "By 20 dinucleotide-shuffled sequences of each allele: 1 of 1 relations lost have a q-value up to 0.1 in the reference, the smallest 0.02; "
        "0 of 1 relations gained have a q-value up to 0.1 in the alternate, the smallest 0.4."
    )
    # base 28 is the first of the second stem (28-32 with 40-44); the stem over bases 1 and 68 does not hold it
    assert across == ("Places across the change with a q-value up to 0.1: reference, stem at 28–32 with 40–44 (q 0.05); alternate, none.")


def test_values_of_cells_have_the_q_value_of_the_threshold_they_reach() -> None:
    first, second = controlled().q_values(np.array([6, 3, 0.001], np.float32), np.array([6, 3, 0.001], np.float32))
    assert first == pytest.approx([0.02, 0.9, 1])
    assert second == pytest.approx([0.4, 0.4, 1])


def test_places_of_the_alternate_are_named_by_the_coordinates_of_the_reference() -> None:
    found = controlled()
    placed = replace(found.patterns[0], sequence=samples.sequence(locus=True))
    alternate = replace(found.patterns[1], q=np.array([0.5, 0.5, 0.5], np.float32), rate=1)
    across = ControlledChange((placed, alternate), found.maps, CHANGE).words[1]
    reference, other = across.split("; ")
    assert reference.endswith("(q 0.05)")
    assert other.split(" (q")[0].removeprefix("alternate, ") == reference.split("reference, ")[1].split(" (q")[0]


def test_without_controls_there_are_no_q_values() -> None:
    found = controlled()
    with pytest.raises(ParameterError, match="1 or more"):
        ControlledChange((replace(found.patterns[0], shuffles=0), found.patterns[1]), found.maps, CHANGE)
