"""Numbers in cells."""

from __future__ import annotations

import math

import pytest

from engine.core.numbers import cell_number


@pytest.mark.parametrize(
    ("text", "value"), [(" 1.5 ", 1.5), ("1e-3", 0.001), ("-inf", -math.inf), ("1_2", None), ("١", None), ("", None), ("NA", None)]
)
def test_a_cell_is_a_number_or_none(text: str, value: float | None) -> None:
    assert cell_number(text) == value
