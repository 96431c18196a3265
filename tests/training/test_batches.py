"""What the network is fed: augmentation, masks, and that nothing held out gets in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.models.locuscope.tokens import ANY, BASE, DOMAIN, MASK
from engine.training.alignments import Alignments, structural_units
from engine.training.augment import compensate, invented_rna, is_canonical
from engine.training.batches import IGNORE, KINDS, Batches, Mixture, Row, mask, substituted
from engine.training.corpus import HELD_OUT_SEQUENCE, TRAIN
from engine.training.letters import encode
from tests.training.toy import toy_corpus


def test_compensation_changes_pairs_together_and_nothing_else() -> None:
    codes = encode("GGGGAAAACCCC")
    partner = np.array([11, 10, 9, 8, -1, -1, -1, -1, 3, 2, 1, 0], dtype=np.int32)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(40):
        out = compensate(codes, partner, 1.0, rng)
        assert is_canonical(out, np.arange(4), 11 - np.arange(4)).all()
        assert (out[4:8] == codes[4:8]).all()
        seen.add(out.tobytes())
    assert len(seen) > 30
    assert (codes == encode("GGGGAAAACCCC")).all()


def test_pairs_that_are_not_canonical_are_left_alone() -> None:
    codes = encode("AAAAAA")
    partner = np.array([5, -1, -1, -1, -1, 0], dtype=np.int32)
    assert (compensate(codes, partner, 1.0, np.random.default_rng(0)) == codes).all()


def test_an_invented_rna_pairs_both_ways_with_room_for_its_loops() -> None:
    rng = np.random.default_rng(2)
    for length in (40, 90, 150):
        codes, partner = invented_rna(length, rng)
        left = np.flatnonzero(partner > np.arange(length))
        assert left.size > 0
        assert (partner[partner[left]] == left).all()
        assert (partner[left] - left > 3).all()
        assert is_canonical(codes, left, partner[left]).all()


def test_masks_follow_the_announced_shares() -> None:
    rng = np.random.default_rng(3)
    clean = rng.integers(BASE, ANY, size=(400, 200))
    clean[:, 0] = DOMAIN
    ids = clean.copy()
    targets = mask(ids, rng)
    chosen = targets != IGNORE
    assert (targets[chosen] == clean[chosen]).all()
    assert (ids[~chosen] == clean[~chosen]).all()
    assert not chosen[:, 0].any()
    assert 0.17 < chosen.mean() < 0.23
    bare = ~((ids == MASK).any(axis=1))
    assert 0.18 < bare.mean() < 0.32
    rows = ~bare
    hit = chosen[rows]
    assert abs((ids[rows][hit] == MASK).mean() - 0.80) < 0.03
    assert abs((ids[rows][hit] == clean[rows][hit]).mean() - 0.10) < 0.03


def test_unknown_letters_are_never_a_target() -> None:
    ids = np.full((50, 40), ANY)
    assert (mask(ids, np.random.default_rng(0)) == IGNORE).all()


def test_a_batch_is_a_function_of_seed_rank_and_step() -> None:
    corpus = toy_corpus()
    one, two = Batches(corpus, 7, tokens=256), Batches(corpus, 7, tokens=256)
    for step in range(6):
        a, b = one.draw(1, step, 0), two.draw(1, step, 0)
        assert a.kind == b.kind
        assert (a.ids == b.ids).all()
    assert any(
        (one.draw(0, s, 0).ids.shape != one.draw(1, s, 0).ids.shape) or (one.draw(0, s, 0).ids != one.draw(1, s, 0).ids).any()
        for s in range(3)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_rows_of_one_length_that_start_with_a_domain(kind: str) -> None:
    shares = {name: float(name == kind) for name in KINDS}
    batch = Batches(toy_corpus(), 1, tokens=512, mixture=Mixture(**shares)).draw(0, 3, 0)
    assert batch.kind == kind
    assert ((batch.ids[:, 0] >= DOMAIN) & (batch.ids[:, 0] < DOMAIN + 5)).all()
    assert batch.ids[:, 1:].max() <= ANY


def test_held_out_dna_is_never_drawn() -> None:
    """The held-out piece is all A; no training piece has more than two A (or T) in three bases."""
    batches = Batches(toy_corpus(), 1, tokens=1024, mixture=Mixture(rna=0, invented=0, embedded=0, dna=1))
    for step in range(30):
        batch = batches.draw(0, step, 0)
        clean = np.where(batch.targets == IGNORE, batch.ids, batch.targets)[:, 1:]
        assert ((clean == BASE).mean(axis=1) < 0.8).all()
        assert ((clean == BASE + 3).mean(axis=1) < 0.8).all()


def test_held_out_rna_is_never_drawn() -> None:
    corpus = toy_corpus()
    batches = Batches(corpus, 1)
    assert (corpus.split[batches._order] == 0).all()
    assert batches._order.size == 24


def test_recombination_keeps_columns_and_pairs_together_and_takes_from_training_sequences_only() -> None:
    """Member k of a family is written in the letter k, so that every letter of the result tells where it came from."""
    corpus = toy_corpus()
    own = np.flatnonzero((corpus.family == 0) & (corpus.split == TRAIN))
    letters = corpus.rna.copy()
    for number, index in enumerate(np.flatnonzero(corpus.family == 0)):
        part = slice(int(corpus.rna_start[index]), int(corpus.rna_start[index + 1]))
        letters[part] = 3 if corpus.split[index] != TRAIN else number % 3
    marked = replace(corpus, rna=letters)
    rng = np.random.default_rng(2)
    seen: set[int] = set()
    for _ in range(20):
        out = Alignments(marked).recombine(int(own[0]), 1.0, rng)
        _, partner = marked.rna_sequence(int(own[0]))
        paired = np.flatnonzero(partner >= 0)
        assert out.size == partner.size
        assert (out[paired] == out[partner[paired]]).all()
        seen |= set(out.tolist())
    assert seen == {0, 1, 2}
    assert (Alignments(marked).recombine(int(own[0]), 0.0, rng) == marked.rna_sequence(int(own[0]))[0]).all()


def test_units_are_pairs_and_unpaired_runs() -> None:
    partner = np.array([-1, 6, 5, -1, -1, 2, 1, -1], dtype=np.int32)
    assert structural_units(partner).tolist() == [0, 1, 2, 3, 3, 2, 1, 6]


def test_identity_to_the_nearest_training_sequence() -> None:
    corpus = toy_corpus()
    index = int(np.flatnonzero(corpus.split == TRAIN)[0])
    assert Alignments(corpus).identity(index) == 1.0
    held = int(np.flatnonzero(corpus.split == HELD_OUT_SEQUENCE)[0])
    assert 0.2 < Alignments(corpus).identity(held) < 1.0


def test_partners_are_places_of_canonical_pairs_in_the_row_and_go_both_ways() -> None:
    shares = {name: float(name == "rna") for name in KINDS}
    batches = Batches(toy_corpus(), 1, tokens=512, mixture=Mixture(**shares))
    for step in range(8):
        batch = batches.draw(0, step, 0)
        clean = np.where(batch.targets == IGNORE, batch.ids, batch.targets)
        row, place = np.nonzero(batch.partners > 0)
        assert row.size
        assert (batch.partners[row, batch.partners[row, place]] == place).all()
        for one, other in zip(clean[row, place] - BASE, clean[row, batch.partners[row, place]] - BASE, strict=True):
            assert (int(one), int(other)) in {(0, 3), (3, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
        assert (batch.partners[:, 0] == IGNORE).all()


def test_nothing_is_said_of_pairs_in_genomes() -> None:
    batch = Batches(toy_corpus(), 1, tokens=512, mixture=Mixture(rna=0, invented=0, embedded=0, dna=1)).draw(0, 0, 0)
    assert (batch.partners == IGNORE).all()


def test_a_cut_or_moved_row_keeps_its_whole_pairs() -> None:
    row = Row(encode("GCAAAAGC"), np.array([7, 6, -1, -1, -1, -1, 1, 0], dtype=np.int32))
    assert row.cut(1, 7).partner.tolist() == [5, -1, -1, -1, -1, 0, -2]
    moved = row.inside(encode("TTTTTTTTTT"), 1)
    assert moved.partner.tolist() == [-2, 8, 7, -1, -1, -1, -1, 2, 1, -2]
    assert moved.codes.tolist() == encode("TGCAAAAGCT").tolist()


def test_one_base_of_every_unmasked_row_is_substituted() -> None:
    batch = Batches(toy_corpus(), 1, tokens=512, mixture=Mixture(rna=1, invented=0, embedded=0, dna=0)).draw(0, 1, 0)
    ids, places = substituted(batch, 5, np.random.default_rng(0))
    clean, changed = ids[:5], ids[5:]
    assert not (ids == MASK).any()
    assert ((clean != changed).sum(axis=1) == 1).all()
    assert (clean[np.arange(5), places] != changed[np.arange(5), places]).all()
    assert (clean == np.where(batch.targets == IGNORE, batch.ids, batch.targets)[:5]).all()
