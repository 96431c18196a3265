"""Thresholded differences: exact at threshold 0, work that follows the threshold, on the description and on the shipped network."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor

from engine.models.locuscope.fast import LocuscopeFast, describe, proven
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import BASE
from engine.models.shortcuts.sparse import active_rows, sparse_pass, sparse_reference, whole_is_cheaper
from tests.models.shortcuts.test_delta import KINDS, LENGTH, WIDTH, draw, make, plain


@pytest.fixture(autouse=True)
def never_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs are so short that whole attention would always be chosen; here the parts are meant."""
    monkeypatch.setattr("engine.models.shortcuts.sparse.whole_is_cheaper", lambda rows, length: False)


@pytest.mark.parametrize("part", [0.0, 1.1])
@pytest.mark.parametrize(("pre_norm", "mix", "rotary"), KINDS)
def test_threshold_zero_is_a_whole_pass(pre_norm: bool, mix: bool, rotary: bool, part: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.shortcuts.sparse.whole_is_cheaper", lambda rows, length: part == 0)
    encoder = make(pre_norm, mix, rotary)
    x, difference = draw(LENGTH, WIDTH, seed=3), draw(3, LENGTH, WIDTH, seed=4)
    known = sparse_reference(encoder, encoder.reference(x))
    before = difference.clone()
    got = known[-1].out + sparse_pass(encoder, known, difference, 0.0)
    torch.testing.assert_close(got, plain(encoder, x + difference), rtol=0, atol=1e-11)
    assert torch.equal(difference, before)


@pytest.mark.parametrize(("pre_norm", "mix", "rotary"), KINDS)
def test_the_error_shrinks_with_the_threshold_and_the_large_effects_are_right(pre_norm: bool, mix: bool, rotary: bool) -> None:
    encoder = make(pre_norm, mix, rotary)
    x, difference = draw(LENGTH, WIDTH, seed=3), torch.zeros(3, LENGTH, WIDTH, dtype=torch.float64)
    difference[:, 11] = draw(3, WIDTH, seed=5)
    known = sparse_reference(encoder, encoder.reference(x))
    exact = plain(encoder, x + difference) - known[-1].out
    errors = [float((sparse_pass(encoder, known, difference, tau) - exact).abs().max()) for tau in (0.5, 0.1, 0.0001)]
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 0.01 * float(exact.abs().max())


def test_whole_attention_is_chosen_for_short_inputs_and_many_rows() -> None:
    assert whole_is_cheaper(1, 301)
    assert not whole_is_cheaper(200, 1001)
    assert whole_is_cheaper(300, 1001)
    assert not whole_is_cheaper(500, 2001)


def test_rows_under_the_threshold_are_left_out() -> None:
    reference = torch.ones(5, 4)
    difference = torch.zeros(2, 5, 4)
    difference[0, 1], difference[1, 3], difference[:, 4] = 0.5, 0.09, 0.1
    assert active_rows(difference, reference, 0.1 - 1e-6).tolist() == [1, 4]
    assert active_rows(difference, reference, 0.0).tolist() == [0, 1, 2, 3, 4]


def network(**sizes: int) -> LocuscopeNet:
    torch.manual_seed(0)
    net = LocuscopeNet(NetConfig(**({"width": 32, "heads": 2, "layers": 3, "hidden": 48} | sizes))).eval()
    for parameter in net.parameters():
        parameter.data += 0.15 * torch.randn_like(parameter)
    return net


def every_mutant(ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, tokens and whole inputs of the three mutants of every base (an unknown base becomes A, C, G)."""
    rows = torch.arange(1, len(ids)).repeat_interleave(3)
    codes = torch.where(ids[rows] < BASE + 4, ids[rows] - BASE, 3)
    tokens = (codes + torch.arange(1, 4).repeat(len(ids) - 1)) % 4 + BASE
    mutants = ids.repeat(len(rows), 1)
    mutants[torch.arange(len(rows)), rows] = tokens
    return rows, tokens, mutants


def random_ids(length: int) -> Tensor:
    ids = torch.randint(BASE, BASE + 4, (length + 1,), generator=torch.Generator().manual_seed(length))
    ids[0] = BASE + 6
    if length > 9:
        ids[9] = BASE + 4
    return ids


@pytest.mark.parametrize("length", [1, 2, 7, 40])
@pytest.mark.parametrize("sizes", [{}, {"stem_radius": 2, "stem_heads": 3, "kernel": 3}])
def test_the_stem_layers_change_is_exact_for_every_base(length: int, sizes: dict[str, int]) -> None:
    net = network(**sizes)
    ids = random_ids(length)
    rows, tokens, mutants = every_mutant(ids)
    with torch.inference_mode():
        fast = LocuscopeFast(net)
        reference = fast.reference(ids)
        expected = net.hidden(mutants)
        torch.testing.assert_close(fast.hidden(reference, None, rows, tokens), expected, rtol=0, atol=5e-5)


def test_the_shipped_networks_differences_are_exact_at_threshold_zero_and_close_in_low_precision() -> None:
    net = network()
    ids = random_ids(30)
    rows, tokens, mutants = every_mutant(ids)
    with torch.inference_mode():
        fast = LocuscopeFast(net)
        plain_fast = LocuscopeFast(net)
        plain_fast.encoder = describe(net)
        reference = fast.reference(ids)
        known = plain_fast.layers(reference)
        expected = net.hidden(mutants)
        torch.testing.assert_close(plain_fast.hidden(reference, known, rows, tokens), expected, rtol=0, atol=5e-5)
        sparse = plain_fast.sparse_layers(known)
        torch.testing.assert_close(plain_fast.hidden(reference, sparse, rows, tokens, 0.0), expected, rtol=0, atol=5e-5)
        effect = (expected - net.hidden(ids[None])).abs().max()
        error = (fast.hidden(reference, known, rows, tokens) - expected).abs().max()
        assert error < 0.03 * effect


def test_shared_parts_are_proven_against_the_network(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    with torch.inference_mode():
        assert proven(net) is not None
        monkeypatch.setattr("engine.models.locuscope.fast.activation", torch.sigmoid)
        with caplog.at_level(logging.WARNING):
            assert proven(net) is None
    assert "full passes" in caplog.text
