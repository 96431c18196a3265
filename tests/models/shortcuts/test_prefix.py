"""Starting a causal model at the change gives what starting at the beginning gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.core.protocols import MutantModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.megadna import adapter
from engine.models.megadna.network import MegaDnaConfig, MegaDnaNet
from engine.models.megadna.prefix import MegaDnaPrefix
from engine.models.shortcuts.prefix import PrefixStack, causal_read, groups


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass
class PlainBlock:
    """Pre-norm attention and feed-forward, no shift."""

    qkv: Tensor
    out: Tensor
    up: Tensor
    down: Tensor
    heads: int = 2

    def project(self, rows: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = functional.linear(functional.layer_norm(rows, rows.shape[-1:]), self.qkv)
        query, key, value = parts.view(*rows.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return query, key, value

    def attended(self, rows: Tensor, read: Tensor) -> Tensor:
        return rows + functional.linear(read.transpose(1, 2).flatten(2), self.out)

    def fed(self, rows: Tensor, before: Tensor) -> Tensor:
        return rows + functional.linear(functional.gelu(functional.linear(rows, self.up)), self.down)


def stack() -> PrefixStack:
    return PrefixStack(
        [PlainBlock(draw(24, 8, seed=s), draw(8, 8, seed=s + 1), draw(12, 8, seed=s + 2), draw(8, 12, seed=s + 3)) for s in (10, 20)]
    )


@pytest.mark.parametrize("start", [0, 1, 17, 39])
def test_a_suffix_equals_the_end_of_a_whole_pass(start: int) -> None:
    plain = stack()
    rows = draw(2, 40, 8)
    reference = plain.reference(rows)
    torch.testing.assert_close(reference.outputs, plain.outputs(rows), rtol=0, atol=1e-12)
    changed = draw(3, 40 - start, 8, seed=7)
    whole = torch.cat((rows[1:, :start].expand(3, -1, -1), changed), dim=1)
    got = plain.suffix(reference, 1, start, changed)
    torch.testing.assert_close(got, plain.outputs(whole)[:, start:], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("start", "count"), [(0, 300), (5, 300), (280, 20), (100, 129)])
def test_attention_in_blocks_of_queries_is_causal_attention(start: int, count: int) -> None:
    length = start + count
    query, key, value = draw(1, 2, length, 4), draw(1, 1, length, 4, seed=2), draw(1, 1, length, 4, seed=3)
    expected = functional.scaled_dot_product_attention(query, key.expand(-1, 2, -1, -1), value.expand(-1, 2, -1, -1), is_causal=True)
    torch.testing.assert_close(causal_read(query[:, :, start:], key, value, start), expected[:, :, start:], rtol=0, atol=1e-12)


def test_every_mutant_is_in_one_group_that_starts_at_or_before_its_change() -> None:
    positions = torch.tensor([900, 3, 3, 3, 4, 880, 500, 0])
    seen: list[int] = []
    for start, members in groups(positions, 1000):
        assert start == int(positions[members].min())
        seen += members.tolist()
    assert sorted(seen) == list(range(8))
    assert [(start, len(members)) for start, members in groups(torch.arange(90, 99), 100)] == [(90, 3), (93, 2), (95, 2), (97, 1), (98, 1)]


def network(lengths: tuple[int, ...], seed: int = 0) -> MegaDnaNet:
    torch.manual_seed(seed)
    stages = len(lengths)
    widths, heads = (10, 8, 6)[3 - stages :], (2,) * stages
    config = MegaDnaConfig(6, widths, (2,) * stages, lengths, heads, 4, tuple(4 * w for w in widths))
    net = MegaDnaNet(config).double().eval()
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return net


@pytest.mark.parametrize("lengths", [(4, 3, 5), (6, 4), (3, 2, 2), (70,)])
@pytest.mark.parametrize("length", [1, 4, 5, 14, 15, 16, 33, 60])
def test_megadna_without_padding_scores_as_with_it_and_so_do_its_mutants(lengths: tuple[int, ...], length: int) -> None:
    length = min(length, int(np.prod(lengths)))
    net = network(lengths)
    prefix = MegaDnaPrefix(net)
    ids = torch.randint(1, 5, (length,), generator=torch.Generator().manual_seed(3))
    places = torch.randperm(length, generator=torch.Generator().manual_seed(4)).repeat_interleave(2)
    tokens = torch.randint(1, 5, (2 * length,), generator=torch.Generator().manual_seed(5))
    mutants = ids.repeat(2 * length, 1)
    mutants[torch.arange(2 * length), places] = tokens
    with torch.inference_mode():
        expected = net(mutants)
        reference = prefix.reference(ids)
        torch.testing.assert_close(reference.logits, net(ids[None])[0], rtol=0, atol=1e-11)
        torch.testing.assert_close(prefix.logits(mutants), expected, rtol=0, atol=1e-11)
        torch.testing.assert_close(prefix.mutants(reference, places, tokens), expected, rtol=0, atol=1e-11)


def test_a_short_input_never_meets_the_coarsest_embedding() -> None:
    net = network((4, 3, 5))
    seen: list[int] = []
    first = net.stages[0].embed
    assert isinstance(first, nn.Module)
    first.register_forward_hook(lambda module, inputs, output: seen.append(output.numel()))
    prefix = MegaDnaPrefix(net)
    with torch.inference_mode():
        ids = torch.randint(1, 5, (12,))
        prefix.mutants(prefix.reference(ids), torch.arange(12), torch.ones(12, dtype=torch.long))
    assert sum(seen) == 0


@pytest.mark.parametrize("normalised", [False, True])
def test_the_megadna_adapter_scores_mutants_as_whole_passes_do(tiny: Path, normalised: bool) -> None:
    model = adapter.load(tiny / "megadna" / "checkpoint", LoadOptions())
    assert isinstance(model, MutantModel)
    reference = model.prepare(NucleotideSequence("ACGTTGCAATCGATCGGCTAAGCTTACGATGCATTACG"))
    length = reference.length
    positions, alternates = torch.arange(length).repeat_interleave(4), torch.arange(4).repeat(length)
    with torch.inference_mode():
        got = model.mutant_logits(reference, positions, alternates, normalised=normalised)
        whole = model.net(model.mutants(reference, positions, alternates))
        whole = whole.log_softmax(-1) if normalised else whole
    torch.testing.assert_close(got, whole[:, :length, [1, 3, 4, 2]], rtol=0, atol=2e-5)
