"""Maps as one byte a cell."""

from __future__ import annotations

import numpy as np
import pytest

from engine.views import codes
from tests.views import samples


def decoded(found: codes.Codes, cells: np.ndarray) -> np.ndarray:
    """What the codes mean, as the module's text says it, cell by cell."""
    out = np.full(cells.shape, np.nan)
    for place in np.ndindex(cells.shape):
        code = int(cells[place])
        if code == 255:
            continue
        away = (code - 128 if found.partial and code >= 128 else code) - found.centre
        out[place] = np.sign(away) * found.step * away**2
    return out


def test_small_values_keep_more_shades_than_equal_steps_would_give_them() -> None:
    values = np.array([[0.0, 0.01], [0.04, 10.0]], np.float32)
    found = codes.coded(values)
    assert (found.centre, found.partial) == (0, False)
    assert found.cells.tolist() == [[0, 8], [16, 254]]  # 254 × sqrt(0.001) = 8.03; linear codes would be 0 and 1


@pytest.mark.parametrize("length", [76, 130])
def test_codes_mean_the_values_to_half_a_step_of_their_roots(length: int) -> None:
    values = samples.dependency(samples.sequence(length)).values
    found = codes.coded(values)
    roots = np.sqrt(decoded(found, found.cells))
    assert np.abs(roots - np.sqrt(values)).max() <= 0.5 * np.sqrt(values.max()) / 254 + 1e-6


def test_signed_values_lie_on_both_sides_of_the_centre() -> None:
    found = codes.coded(np.array([[0.0, -4.0], [1.0, np.nan]], np.float32))
    assert found.centre == 127
    assert found.cells.tolist() == [[127, 0], [191, 255]]  # 127 ± 127 × sqrt(1 and 0.25) = 63.5, to the even 64
    np.testing.assert_allclose(decoded(found, found.cells)[0], [0, -4])


def test_rows_that_are_not_computed_show_the_row_above_in_codes_of_their_own() -> None:
    values = np.array([[np.nan] * 3, [0, 1, 4], [np.nan] * 3], np.float32)
    found = codes.coded(values, np.array([False, True, False]))
    assert found.partial
    assert found.cells.tolist() == [[255] * 3, [0, 63, 126], [128, 191, 254]]


def test_a_lone_contact_survives_every_level_of_the_pyramid() -> None:
    values = np.zeros((300, 300), np.float32)
    values[17, 251] = 3
    found = codes.coded(values)
    levels = dict(codes.pyramid(found))
    assert {block: len(cells) for block, cells in levels.items()} == {1: 300, 2: 150, 4: 75}  # blocks of 8 would be fewer than 64
    for block, cells in levels.items():
        assert cells[17 // block, 251 // block] == 254
        assert (cells == 254).sum() == 1


def test_a_computed_cell_outranks_one_that_stands_in_and_a_known_one_a_missing_one() -> None:
    values = np.full((128, 128), np.nan, np.float32)
    values[0] = 1
    values[0, 5] = 9
    values[2] = 0.5
    done = np.zeros(128, bool)
    done[[0, 2]] = True
    levels = dict(codes.pyramid(codes.coded(values, done)))
    assert levels[2][0, 2] == 126  # the strongest of rows 0 (computed) and 1 (stands in), columns 4 and 5
    assert levels[2][1, 0] == 30  # 126 × sqrt(0.5 / 9) = 29.7: row 2, not the row that stands in for 3
    assert levels[2][2, 0] == 128 + 30


def test_each_pair_of_the_triangle_is_a_brick_of_two_half_steps_by_its_stronger_direction() -> None:
    values = np.array([[0, 1, 4], [9, 0, 1], [1, 1, 0]], np.float32)
    found = codes.coded(values)
    bricks = codes.bricks(found, found.cells)
    one, four, nine = (round(254 * np.sqrt(value / 9)) for value in (1, 4, 9))
    none = 255
    assert bricks.tolist() == [
        [0, 0, 0, 0, 0, 0],
        [none, nine, nine, one, one, none],
        [none, none, four, four, none, none],
    ]


def test_maps_are_pooled_so_that_the_largest_magnitude_survives() -> None:
    values = np.arange(-12, 13, dtype=np.float32).reshape(5, 5)
    values[4, 4] = np.nan
    assert codes.pooled(values, 2).tolist()[0][:2] == [-12, -10]
    assert np.isnan(codes.pooled(values, 2)[2, 2])
    assert codes.pooled(values, 2)[2, 1] == 11
