"""The codon layer: open stretches against a plain loop, both strands alike, and no word of a base's own letter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.models.locuscope.codons import OTHER, CodonLayer
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, MASK, reverse_complement

STOPS = ("TAA", "TAG", "TGA")


def layer() -> CodonLayer:
    torch.manual_seed(1)
    held = CodonLayer().double()
    with torch.no_grad():
        held.spelling.normal_()
    return held


def tokens(length: int, domain: str, seed: int = 2) -> torch.Tensor:
    bases = torch.from_numpy(np.random.default_rng(seed).integers(BASE, BASE + 4, size=length))
    return torch.cat((torch.tensor([DOMAIN + DOMAINS.index(domain)]), bases))[None]


def stretch(letters: str, start: int, usage: torch.Tensor) -> list[float]:
    """Features of the open stretch around the codon at `start`, codon by codon."""
    out: dict[str, tuple[int, torch.Tensor, float]] = {}
    for side, step in (("up", -3), ("down", 3)):
        count, score, ended, place = 0, torch.zeros(usage.shape[1], dtype=usage.dtype), 0.0, start + step
        while -3 < place < len(letters):
            codon = letters[max(place, 0) : place + 3] if place >= 0 else ""
            if codon in STOPS:
                ended = 1.0
                break
            if len(codon) == 3 and "N" not in codon:
                count += 1
                score = score + usage["ACGT".index(codon[0]) * 16 + "ACGT".index(codon[1]) * 4 + "ACGT".index(codon[2])]
            place += step
        out[side] = (count, score, ended)
    (n_up, up, up_end), (n_down, down, down_end) = out["up"], out["down"]
    return [
        float(np.log2(1 + n_up) / 8),
        float(np.log2(1 + n_down) / 8),
        *torch.asinh(torch.cat((up, down)) / 4).tolist(),
        up_end,
        down_end,
    ]


def test_open_stretches_equal_a_loop_over_codons() -> None:
    held = layer()
    letters = "ACGNTTACATGACCGGTAACCATAGACGTCCNATGCATTTAAACG"
    codes = torch.tensor([["ACGTN".index(letter) for letter in letters]])
    assert OTHER == 4
    with torch.no_grad():
        got = held._stretches(codes)[0]
        for base in range(len(letters)):
            for place in range(3):
                expected = stretch(letters, base - place, held.usage)
                assert got[base, place].tolist() == pytest.approx(expected, abs=1e-9), (base, place)


def test_both_strands_are_read_alike() -> None:
    held, ids = layer(), tokens(100, "bacteria")
    other = torch.cat((ids[:, :1], reverse_complement(ids[:, 1:])), dim=1)
    _, votes = held.tracks(ids)
    _, mirrored = held.tracks(other)
    torch.testing.assert_close(mirrored[:, 1:].flip(1).flip(-1), votes[:, 1:])


def test_a_base_has_no_say_in_what_is_said_of_it() -> None:
    held, ids = layer(), tokens(100, "phage")
    tracks, votes = held.tracks(ids)
    for letter in (MASK, BASE, BASE + 1, BASE + 2, BASE + 3):
        changed = ids.clone()
        changed[0, 50] = letter
        others, said = held.tracks(changed)
        torch.testing.assert_close(others[0, 50], tracks[0, 50])
        torch.testing.assert_close(said[0, 50], votes[0, 50])


def test_an_untrained_layer_speaks_against_a_stop_codon() -> None:
    """TA? in one of the frames: A and G would stop it."""
    torch.manual_seed(0)
    held = CodonLayer()
    ids = torch.tensor([[DOMAIN + 1, *(BASE + "ACGT".index(c) for c in "GCCTAAGCC")]])
    ids[0, 6] = MASK
    _, votes = held.tracks(ids)
    assert votes[0, 6, [0, 2]].max() < votes[0, 6, [1, 3]].min()


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_any_length_has_tracks(length: int) -> None:
    tracks, votes = layer().tracks(tokens(length, "unknown"))
    assert tracks.shape == (1, length + 1, CodonLayer.TRACKS)
    assert votes.shape == (1, length + 1, 4)
