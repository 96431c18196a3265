"""The cone gives what a full pass gives, for every place a change can stand in."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from engine.core.protocols import MutantModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.gpn import adapter
from engine.models.gpn.cone import gpn_cone
from engine.models.gpn.network import GpnConfig, GpnNet
from engine.models.shortcuts.cone import Cone, LocalLayer, NormWeights, PostNormConvLayer, convolve_rows, prove, proven_local

CHANNELS = 6


def layer(kernel: int, dilation: int, seed: int, channels: int = CHANNELS) -> PostNormConvLayer:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * 0.5

    return PostNormConvLayer(
        draw(channels, channels, kernel),
        draw(channels),
        dilation,
        NormWeights(1 + draw(channels), draw(channels)),
        draw(channels, channels),
        draw(channels),
        NormWeights(1 + draw(channels), draw(channels)),
    )


def plain_layer(x: Tensor, weights: PostNormConvLayer) -> Tensor:
    """GPN's layer as its authors wrote it: transpose, Conv1d with 'same' padding, transpose back."""
    kernel = weights.conv_weight.squeeze(2)
    moved = functional.conv1d(x.transpose(1, 2), kernel, weights.conv_bias, padding="same", dilation=weights.dilation).transpose(1, 2)
    x = x + weights.conv_norm(functional.gelu(moved))
    return x + weights.linear_norm(functional.gelu(functional.linear(x, weights.linear_weight, weights.linear_bias)))


@dataclass
class PreNormLayer:
    """x + conv(LN(x)): zero rows beyond the ends must be made again after the norm, whose bias is not zero."""

    weight: Tensor
    norm: NormWeights
    dilation: int

    @property
    def reach(self) -> int:
        return self.dilation * (self.weight.shape[-1] // 2)

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        ready = self.norm(rows)
        if outside is not None:
            ready = ready.masked_fill(outside[..., None], 0.0)
        return rows[:, self.reach : rows.shape[1] - self.reach] + convolve_rows(ready, self.weight, None, self.dilation)


def head(rows: Tensor) -> Tensor:
    return rows[..., :4] * 2 - rows[..., 4:5]


def slow(layers: list[PostNormConvLayer], rows: Tensor) -> Tensor:
    for weights in layers:
        rows = plain_layer(rows, weights)
    return head(rows)


def every_mutant(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions, changed rows, and whole inputs of one mutant a position, in an order that is not sorted."""
    length = rows.shape[0]
    positions = torch.randperm(length, generator=torch.Generator().manual_seed(5))
    changed = torch.randn(length, rows.shape[1], generator=torch.Generator().manual_seed(6), dtype=rows.dtype)
    whole = rows.repeat(length, 1, 1)
    whole[torch.arange(length), positions] = changed
    return positions, changed, whole


@pytest.mark.parametrize("length", [1, 5, 19, 64])
@pytest.mark.parametrize("budget", [7, 300, 100_000])
def test_every_mutant_scores_as_in_a_full_pass(length: int, budget: int) -> None:
    layers = [layer(9, 1, 1), layer(3, 2, 2), layer(3, 4, 3)]
    rows = torch.randn(length, CHANNELS, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    cone = Cone(layers, head, rows_per_product=budget)
    reference = cone.reference(rows)
    positions, changed, whole = every_mutant(rows)
    torch.testing.assert_close(reference.scores, slow(layers, rows[None])[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(cone.scores(reference, positions, changed), slow(layers, whole), rtol=0, atol=1e-12)


def test_rows_beyond_the_cone_are_the_references_own_bit_for_bit() -> None:
    cone = Cone([layer(3, 1, 1), layer(3, 2, 2)], head)
    rows = torch.randn(40, CHANNELS, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    reference = cone.reference(rows)
    out = cone.scores(reference, torch.tensor([20]), torch.zeros(1, CHANNELS, dtype=torch.float64))[0]
    assert cone.reach == 3
    changed = (out != reference.scores).any(-1)
    assert changed.nonzero().flatten().tolist() == list(range(17, 24))


def test_a_layer_that_normalises_before_it_convolves_keeps_its_zero_padding() -> None:
    generator = torch.Generator().manual_seed(8)
    kernel = torch.randn(CHANNELS, CHANNELS, 1, 5, generator=generator, dtype=torch.float64)
    norm = NormWeights(None, None)
    biased = NormWeights(torch.ones(CHANNELS, dtype=torch.float64), torch.full((CHANNELS,), 0.7, dtype=torch.float64))
    layers: list[LocalLayer] = [PreNormLayer(kernel, norm, 1), PreNormLayer(kernel * 0.3, biased, 2)]
    rows = torch.randn(23, CHANNELS, generator=generator, dtype=torch.float64)
    cone = Cone(layers, head)
    positions, changed, whole = every_mutant(rows)

    def padded(x: Tensor) -> Tensor:
        for one in layers:
            assert isinstance(one, PreNormLayer)
            x = x + functional.conv1d(one.norm(x).transpose(1, 2), one.weight.squeeze(2), padding="same", dilation=one.dilation).transpose(
                1, 2
            )
        return head(x)

    torch.testing.assert_close(cone.scores(cone.reference(rows), positions, changed), padded(whole), rtol=0, atol=1e-12)


def test_fewer_rows_are_computed_than_in_full_passes_and_never_more() -> None:
    counted: list[int] = []

    @dataclass
    class Counting:
        reach: int

        def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
            counted.append(rows.shape[0] * (rows.shape[1] - 2 * self.reach))
            return rows[:, self.reach : rows.shape[1] - self.reach]

    rows = torch.zeros(30, 4)
    for reaches, expected in (((1, 2), 30 * (3 + 7)), ((40, 50), 30 * (30 + 30))):
        cone = Cone([Counting(reach) for reach in reaches], lambda x: x, rows_per_product=1_000_000)
        reference = cone.reference(rows)
        counted.clear()
        cone.scores(reference, torch.arange(30), torch.ones(30, 4))
        assert sum(counted) == expected


def test_the_gain_of_the_published_gpn_at_512_bases_is_small_and_said_so() -> None:
    @dataclass
    class Reach:
        reach: int

        def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
            raise NotImplementedError

    published = Cone([Reach(4 * min(32, 2 ** (i % 6))) for i in range(25)], lambda x: x)
    assert published.reach == 1012
    assert 1.2 < published.gain(512) < 1.5
    small = Cone([Reach(2**i) for i in range(6)], lambda x: x)
    assert small.reach == 63
    assert small.gain(512) > 10


def test_a_layer_that_looks_at_the_whole_sequence_is_found_and_full_passes_are_used(caplog: pytest.LogCaptureFixture) -> None:
    @dataclass
    class Leaking:
        reach: int = 2

        def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
            return rows[:, 2 : rows.shape[1] - 2] + rows.mean(1, keepdim=True)

    like = torch.zeros(1)
    assert proven_local(layer(5, 1, 3), CHANNELS, like.double())
    assert not proven_local(Leaking(), CHANNELS, like)
    table = torch.randn(8, CHANNELS, generator=torch.Generator().manual_seed(1))
    ids = torch.tensor([[3, 4, 5, 6, 3, 3, 4]])
    with caplog.at_level(logging.WARNING):
        assert not prove(Cone([Leaking()], head), lambda x: head(table[x]), lambda x: table[x], ids, 5)
    assert "full passes" in caplog.text


def test_a_cone_that_is_not_the_models_is_found() -> None:
    layers = [layer(3, 1, 1), layer(3, 2, 2)]
    table = torch.randn(8, CHANNELS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ids = torch.tensor([[3, 4, 5, 6, 3, 3, 4]])
    assert prove(Cone(layers, head), lambda x: slow(layers, table[x]), lambda x: table[x], ids, 5)
    assert not prove(Cone(layers[:1], head), lambda x: slow(layers, table[x]), lambda x: table[x], ids, 5)


NEWER = {"model_type": "GPN", "hidden_size": 16, "num_hidden_layers": 4, "intermediate_size": 24, "dilation_cycle": 3}


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "ConvNet", "hidden_size": 12, "n_layers": 4, "kernel_size": 9, "dilation_cycle": 3},
        NEWER,
        NEWER | {"bias": True, "depthwise": True},
        NEWER | {"encoder": "bytenet", "slim": True, "bias": True},
    ],
)
def test_every_layout_of_gpn_scores_mutants_as_its_network_does(config: dict[str, object]) -> None:
    torch.manual_seed(3)
    net = GpnNet(GpnConfig.read(config)).double().eval()
    for parameter in net.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    ids = torch.randint(3, 7, (41,), generator=torch.Generator().manual_seed(2))
    mutants = ids.repeat(41, 1)
    mutants[torch.arange(41), torch.arange(41)] = (ids - 3 + 1) % 4 + 3
    with torch.inference_mode():
        expected = net(mutants)
        cone = gpn_cone(net)
        assert cone is not None
        assert prove(cone, net, net.embed, ids[None, :15], 6)
        changed = net.embed(mutants[torch.arange(41), torch.arange(41)][:, None])[:, 0]
        got = cone.scores(cone.reference(net.embed(ids[None])[0]), torch.arange(41), changed)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-11)
        torch.testing.assert_close(cone.full(net.embed(mutants)), expected, rtol=0, atol=1e-11)
        torch.testing.assert_close(net(mutants), expected, rtol=0, atol=1e-11)


def test_gpn_with_kernels_without_a_centre_row_has_no_cone() -> None:
    assert gpn_cone(GpnNet(GpnConfig.read({"model_type": "ConvNet", "hidden_size": 8, "n_layers": 2, "kernel_size": 4}))) is None


@pytest.mark.parametrize("normalised", [False, True])
def test_the_gpn_adapter_scores_mutants_as_whole_passes_do(tiny: Path, normalised: bool) -> None:
    model = adapter.load(tiny / "gpn" / "checkpoint", LoadOptions())
    assert isinstance(model, MutantModel)
    reference = model.prepare(NucleotideSequence("ACGTTGCANTCGATCGGCTAAGCTTACGNA"))
    positions, alternates = torch.arange(30).repeat_interleave(4), torch.arange(4).repeat(30)
    with torch.inference_mode():
        got = model.mutant_logits(reference, positions, alternates, normalised=normalised)
        expected = model.base_logits(reference, model.mutants(reference, positions, alternates), normalised=normalised)
    assert model.cone is not None
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-5)
