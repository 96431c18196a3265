"""Local networks: how far a substitution reaches, and exact mutants against whole passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.analyses.dependency import DependencyParameters, dependency_map
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.locuscope import adapter
from engine.models.locuscope.adapter import Locuscope
from engine.models.locuscope.codon_mutants import CodonReference
from engine.models.locuscope.codons import CodonLayer
from engine.models.locuscope.local import LocalFast
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import ANY, BASE, DOMAIN, MASK
from engine.models.registry import entry

CONFIG = NetConfig(
    width=24, layers=2, heads=2, hidden=40, kernel=3, stem_heads=2, stem_radius=2, max_length=200, windows=(3, 5), reader=16, frames=True
)


def drawn_net(config: NetConfig = CONFIG) -> LocuscopeNet:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        net = LocuscopeNet(config)
        for name, weight in net.named_parameters():
            if name in ("head.weight", "reader.out.weight", "reader.frames.weight", "codons.spelling"):
                torch.nn.init.normal_(weight, std=0.5)
    return net.eval()


def drawn_letters(length: int, seed: int = 3) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGTN"), length, p=(0.24, 0.24, 0.24, 0.24, 0.04)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Locuscope:
    folder = tmp_path_factory.mktemp("local")
    net = drawn_net()
    net.config.write(folder / "config.json")
    save_file({name: value.contiguous() for name, value in net.state_dict().items()}, folder / "model.safetensors")
    loaded = entry("locuscope").load(folder, LoadOptions())
    assert isinstance(loaded, Locuscope)
    assert loaded.net.config == CONFIG
    return loaded


def test_the_receptive_field_is_what_the_windows_add_up_to() -> None:
    assert CONFIG.reaches == (4, 8, 14)
    assert CONFIG.receptive_field == 29
    assert NetConfig().receptive_field == 0
    with pytest.raises(ValueError, match="as many windows"):
        NetConfig(layers=3, windows=(4, 4), reader=8)


@pytest.mark.parametrize("row", [1, 2, 15, 60, 119, 120])
def test_a_substitution_reaches_no_further_in_the_blocks(row: int) -> None:
    """In float64, so that nothing is lost in rounding; the votes, which hear of all letters, stand apart from the blocks."""
    net = drawn_net().double()
    reach = CONFIG.reaches[-1]
    ids = torch.tensor([[DOMAIN, *(np.random.default_rng(1).integers(BASE, ANY, 120))]])
    changed = ids.clone()
    changed[0, row] = (changed[0, row] - BASE + 1) % 4 + BASE
    with torch.inference_mode():
        moved = (net.trunk(net.embedding(changed)) - net.trunk(net.embedding(ids))).abs()[0].amax(-1)
    rows = moved.nonzero().flatten()
    assert rows.min() == max(1, row - reach)
    assert rows.max() == min(120, row + reach)


@pytest.mark.parametrize("length", [1, 2, 9, 90])
@pytest.mark.parametrize("normalised", [False, True])
def test_exact_mutants_and_masks_are_those_of_whole_passes(
    model: Locuscope, monkeypatch: pytest.MonkeyPatch, length: int, normalised: bool
) -> None:
    monkeypatch.setattr(adapter, "WHOLE_UP_TO", 0)
    assert model.precisions == ("exact",)
    assert not model.exact_by_passes
    prepared = model.prepare(NucleotideSequence(drawn_letters(length)))
    positions = torch.arange(length).repeat_interleave(4)[torch.randperm(4 * length, generator=torch.Generator().manual_seed(1))]
    alternates = torch.arange(4).repeat(length)
    with torch.inference_mode():
        got = model.mutant_logits(prepared, positions, alternates, normalised=normalised)
        expected = model.base_logits(prepared, model.mutants(prepared, positions, alternates), normalised=normalised)
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
        expected = model.base_logits(prepared, model.masked(prepared, positions))
        torch.testing.assert_close(model.masked_logits(prepared, positions), expected, atol=1e-5, rtol=1e-5)


def test_the_map_is_that_of_whole_passes(model: Locuscope, monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = NucleotideSequence(drawn_letters(70))
    monkeypatch.setattr(adapter, "WHOLE_UP_TO", 0)
    got = dependency_map(model, sequence).values
    monkeypatch.setattr(Locuscope, "exact_by_passes", True)
    slowly = dependency_map(model, sequence, DependencyParameters(precision="exact")).values
    np.testing.assert_allclose(got, slowly, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(("length", "by_passes"), [(adapter.WHOLE_UP_TO, True), (adapter.WHOLE_UP_TO + 1, False)])
def test_a_short_sequence_is_read_whole(model: Locuscope, monkeypatch: pytest.MonkeyPatch, length: int, by_passes: bool) -> None:
    prepared = model.prepare(NucleotideSequence(drawn_letters(length)))
    asked: list[int] = []
    monkeypatch.setattr(LocalFast, "scores", lambda *given: asked.append(1) or torch.zeros(1, length + 1, 4))
    model.mutant_logits(prepared, torch.tensor([3]), torch.tensor([1]))
    assert bool(asked) is not by_passes


def test_shared_parts_are_for_local_networks() -> None:
    with pytest.raises(ValueError, match="no windows"):
        LocalFast(LocuscopeNet(NetConfig(width=8, layers=1, heads=1, hidden=8)))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 130])
def test_codon_votes_and_frames_of_mutants_are_those_of_the_whole_layer(length: int) -> None:
    torch.manual_seed(2)
    layer = CodonLayer()
    torch.nn.init.normal_(layer.spelling)
    letters = drawn_letters(length)
    ids = torch.tensor([DOMAIN + 1, *(BASE + "ACGTN".index(letter) for letter in letters)])
    tokens = torch.tensor([MASK, BASE, BASE + 1, BASE + 2, BASE + 3, ANY])
    with torch.inference_mode():
        reference = CodonReference.of(layer, ids)
        for row in range(1, length + 1):
            mutants = ids.repeat(len(tokens), 1)
            mutants[:, row] = tokens
            tracks, expected = layer.tracks(mutants)
            votes, moved, begin = reference.mutants(row, tokens)
            torch.testing.assert_close(votes, expected, atol=1e-5, rtol=1e-5)
            framed = reference.framed.repeat(len(tokens), 1, 1)
            framed[:, begin : begin + moved.shape[1]] += moved
            torch.testing.assert_close(framed, tracks[..., -layer.WEIGHTS :], atol=1e-5, rtol=1e-5)
