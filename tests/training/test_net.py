"""The networks: training and inference agree, biases mean what they say, the head keeps reading frames."""

from __future__ import annotations

import math

import pytest
import torch

from engine.models.locuscope.network import (
    LocuscopeNet,
    NetConfig,
    StemLayer,
    _PiecewiseAttention,
    _rotary_tables,
    _shifted_sum,
    _ShiftedSum,
)
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter, SegmenterConfig
from engine.models.locuscope.tokens import BASE, DOMAIN, MASK
from engine.training.letters import encode
from tests.training.toy import TINY


def tokens(letters: str, domain: int = 4) -> torch.Tensor:
    return torch.tensor([[DOMAIN + domain, *(BASE + int(c) for c in encode(letters))]])


def test_the_attention_of_training_equals_the_textbook_one_forward_and_backward() -> None:
    torch.manual_seed(0)
    given = [torch.randn(3, 2, 7, 4, requires_grad=True) for _ in range(3)]
    bias = torch.randn(2, 7, 7, requires_grad=True)
    out = _PiecewiseAttention.apply(*given, bias)
    plain = torch.softmax(given[0] @ given[1].transpose(-1, -2) + bias, -1) @ given[2]
    torch.testing.assert_close(out, plain)
    weight = torch.randn_like(plain)
    mine = torch.autograd.grad((out * weight).sum(), [*given, bias])
    theirs = torch.autograd.grad((plain * weight).sum(), [*given, bias])
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_the_depthwise_convolution_is_a_sum_of_shifts_with_its_gradient() -> None:
    x = torch.tensor([[[1.0], [2.0], [4.0]]])
    weight = torch.tensor([[10.0], [0.0], [1.0]])
    assert _shifted_sum(x, weight).flatten().tolist() == [1 + 2, 2 + 10 + 4, 4 + 20]
    given = (torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True), torch.randn(3, 3, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(_ShiftedSum.apply, given)


def test_the_first_rotary_frequency_turns_once_per_codon() -> None:
    cos, sin = _rotary_tables(7, 8, 10000.0, torch.device("cpu"))
    assert cos[3, 0].item() == pytest.approx(1.0, abs=1e-5)
    assert sin[3, 0].item() == pytest.approx(0.0, abs=1e-5)
    assert cos[1, 0].item() == pytest.approx(math.cos(2 * math.pi / 3), abs=1e-6)


def test_an_untrained_stem_layer_votes_for_the_partner_of_a_masked_base() -> None:
    """GGCGUC AAAA GACGCC: the masked third base pairs with the third from the end, a G, so C has the vote."""
    torch.manual_seed(0)
    layer = StemLayer(NetConfig())
    ids = tokens("GGCGTCAAAAGACGCC")
    ids[0, 3] = MASK
    _, votes = layer(ids)
    assert int(votes[0, 3].argmax()) == 1


def test_the_domain_sets_how_loudly_the_stem_layer_votes() -> None:
    torch.manual_seed(0)
    layer = StemLayer(NetConfig())
    with torch.no_grad():
        layer.strength.copy_(torch.tensor([1.0, 0.5, 0.0, 1.0, 2.0]))
    _, loud = layer(tokens("GGCGTCAAAAGACGCC", domain=4))
    _, soft = layer(tokens("GGCGTCAAAAGACGCC", domain=1))
    _, mute = layer(tokens("GGCGTCAAAAGACGCC", domain=2))
    torch.testing.assert_close(soft * 4, loud)
    assert not mute.any()


def test_bases_within_a_hairpin_loop_of_each_other_cannot_pair() -> None:
    layer = StemLayer(NetConfig())
    place = torch.arange(10)
    bias = layer.bias(place, place)
    assert (bias[:, 5, 2:9] == -30).all()
    assert (bias[:, 5, 1] > -30).all()
    assert (bias[:, 5, 9] > -30).all()
    torch.testing.assert_close(bias[:, 5, 0], layer.null)


def test_training_and_evaluation_give_the_same_logits() -> None:
    torch.manual_seed(0)
    net = LocuscopeNet(TINY)
    ids = tokens("ACGTTGCAACGGTTAACC")
    with torch.no_grad():
        quiet = net(ids)
    torch.testing.assert_close(net(ids), quiet, rtol=1e-4, atol=1e-5)


def test_a_width_that_does_not_split_into_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="heads"):
        NetConfig(width=10, heads=4)


@pytest.mark.parametrize("length", [1, 47, 48, 100])
def test_the_segmenter_reads_any_length(length: int) -> None:
    net = LocuscopeSegmenter(SegmenterConfig(("a", "b"), inner=8, outer=16, language_model=TINY))
    out = net(torch.full((2, length + 1), BASE))
    assert out.shape == (2, length, 2)


def test_folding_codons_into_channels_and_back_keeps_every_base_in_place() -> None:
    x = torch.arange(2 * 3 * 12.0).view(2, 3, 12)
    folded = x.view(2, 3, 4, 3).transpose(2, 3).reshape(2, 9, 4)
    assert (folded[0, :3, 0] == torch.tensor([0.0, 1.0, 2.0])).all()
    back = folded.view(2, 3, 3, 4).transpose(2, 3).reshape(2, 3, 12)
    assert (back == x).all()
