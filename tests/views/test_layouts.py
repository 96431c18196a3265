"""Layouts of secondary structures: neighbours a unit apart, pairs side by side, nothing on top of anything."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from engine.core.base_pairs import pairs_of_dot_bracket
from engine.views.layouts import PAIR_WIDTH, RADIAL, VIENNA, layout, radial_places

CLOVERLEAF = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."
STRUCTURES = [
    CLOVERLEAF,
    "..((((....))))..((((...)))).......",
    "((((..((((....))))..))))",
    "..........",
    "(((...)))",
    "((((.(((....)))))))",
]


@pytest.mark.parametrize("text", STRUCTURES)
def test_neighbours_are_a_unit_and_pairs_their_width_apart(text: str) -> None:
    pairs = pairs_of_dot_bracket(text)
    places = layout(len(text), pairs, RADIAL).places
    np.testing.assert_allclose(np.linalg.norm(np.diff(places, axis=0), axis=1), 1, atol=1e-6)
    across = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    np.testing.assert_allclose(across, PAIR_WIDTH, atol=1e-6)


@pytest.mark.parametrize("text", STRUCTURES)
@pytest.mark.parametrize("by", [RADIAL, VIENNA])
def test_no_two_bases_lie_on_each_other(text: str, by: str) -> None:
    if by == VIENNA:
        pytest.importorskip("RNA", reason="ViennaRNA is an optional package")
    found = layout(len(text), pairs_of_dot_bracket(text), by)
    assert found.by == by
    apart = np.linalg.norm(found.places[:, None] - found.places[None, :], axis=-1) + np.eye(len(text)) * 9
    assert apart.min() > 0.25


def test_the_three_arms_of_a_cloverleaf_point_away_from_each_other() -> None:
    places = layout(76, pairs_of_dot_bracket(CLOVERLEAF), RADIAL).places
    middle = places[[6, 9, 24, 26, 42, 48, 64, 65]].mean(axis=0)
    tips = [places[part].mean(axis=0) - middle for part in (slice(14, 20), slice(33, 38), slice(54, 59))]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        cosine = tips[one] @ tips[other] / np.linalg.norm(tips[one]) / np.linalg.norm(tips[other])
        assert cosine < 0.7


def test_what_crosses_is_drawn_over_the_nested_structure() -> None:
    found = layout(16, pairs_of_dot_bracket("(((..[[..)))..]]"), RADIAL)
    assert found.nested == ((0, 11), (1, 10), (2, 9))
    assert found.crossing == ((5, 15), (6, 14))


@pytest.mark.parametrize("text", ["()", "(.)", "(())", ".", "..", "(())()", "((((((()))))))", "(.(.).)"])
def test_shapes_that_no_rna_has_are_laid_out_too(text: str) -> None:
    places = radial_places(len(text), tuple(map(tuple, pairs_of_dot_bracket(text).tolist())))
    assert places.shape == (len(text), 2)
    assert np.isfinite(places).all()


def test_a_thousand_nested_stems_do_not_run_out_of_stack() -> None:
    text = "(" * 3 + "(.(" * 1500 + "...." + ").)" * 1500 + ")" * 3
    assert np.isfinite(radial_places(len(text), tuple(map(tuple, pairs_of_dot_bracket(text).tolist())))).all()


def test_without_vienna_the_radial_layout_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "RNA", None)
    assert layout(9, pairs_of_dot_bracket("(((...)))")).by == RADIAL
