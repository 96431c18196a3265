"""What a step of training is drawn as, here and by processes ahead of a device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.models.locuscope.network import MINIMUM_LOOP
from engine.models.locuscope.tokens import BASE, DOMAIN
from engine.training import drawn
from engine.training.batches import IGNORE, KINDS, Batch, Batches
from engine.training.drawn import Drawer, DrawerAhead, Drawing
from tests.training.toy import toy_corpus


def batch(partners: list[list[int]]) -> Batch:
    """Rows of A without masks; three times as many as ``partners``, of which a third is substituted."""
    length = len(partners[0])
    ids = np.full((3 * len(partners), length), BASE, dtype=np.int64)
    ids[:, 0] = DOMAIN
    targets = np.full_like(ids, IGNORE)
    targets[0, 2], targets[1, 1] = BASE, BASE + 3
    ids[1, 1] = BASE + 1
    return Batch(ids, targets, np.array(partners * 3), "rna")


def test_the_letters_that_are_asked_for_are_named_by_their_places() -> None:
    found = drawn.drawn(batch([[IGNORE, 0, 0, 0, 0]]), None)
    assert found.places.tolist() == [2, 6]
    assert found.letters.tolist() == [BASE, BASE + 3]
    assert (found.ids.dtype, found.ids.shape, found.shaped) == (np.uint8, (3, 5), None)


def test_of_a_base_without_a_partner_every_other_base_should_keep_still() -> None:
    found = drawn.shaped(batch([[IGNORE, 0, 0, 0, 0, 0, 0]]), np.random.default_rng(1))
    place = int(np.flatnonzero(found.ids[0] != found.ids[1])[0])
    assert np.flatnonzero(~found.quiet[0]).tolist() == [0, place]
    assert found.partners.size == found.others.size == 0


def test_of_a_paired_base_the_partner_is_ranked_against_the_annotated_others_near_ones_more_often() -> None:
    """Every base is paired with the one 10 further (or back): whichever is drawn, its partner is known, and nothing should keep still."""
    row = [IGNORE, *(11 + i for i in range(10)), *(1 + i for i in range(10))]
    found = drawn.shaped(batch([row, row]), np.random.default_rng(2))
    assert not found.quiet.any()
    places = [int(np.flatnonzero(found.ids[i] != found.ids[2 + i])[0]) for i in range(2)]
    assert found.partners.tolist() == [i * 21 + row[place] for i, place in enumerate(places)]
    forbidden = {*found.partners.tolist(), 0, 21, places[0], 21 + places[1]}
    assert not forbidden & set(found.others.tolist())
    assert found.others.size == drawn.RANKED
    columns, rows = found.others % 21, found.others // 21
    near = np.abs(columns - np.array(places)[rows]) <= MINIMUM_LOOP
    free = {place: sum(0 < abs(c - place) <= MINIMUM_LOOP for c in range(1, 21)) for place in places}
    total = sum(drawn.NEAR * n + (18 - n) for n in free.values())
    assert near.mean() == pytest.approx(sum(drawn.NEAR * n for n in free.values()) / total, abs=0.05)
    assert drawn.MINIMUM_LOOP == MINIMUM_LOOP


def test_rows_fill_their_buckets_without_padding() -> None:
    corpus = toy_corpus()
    plain, bucketed = Batches(corpus, 1, 512), Batches(corpus, 1, 512, bucket=32)
    seen = set()
    for step in range(60):
        one = bucketed.draw(0, step, 0, 0.3)
        seen.add(one.kind)
        assert one.ids.shape[1] % 32 == 0
        assert one.ids.size <= 512 or len(one.ids) == 1
    assert seen == set(KINDS)
    assert any(plain.draw(0, step, 0, 0.3).ids.shape[1] % 32 for step in range(60))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_processes_ahead_draw_what_this_one_would(tmp_path: Path, accumulate: int) -> None:
    corpus, drawing = toy_corpus(), Drawing(seed=4, tokens=128, bucket=8)
    corpus.save(tmp_path / "corpus.npz")
    here, ahead = Drawer(corpus, drawing), DrawerAhead(tmp_path / "corpus.npz", drawing, 1, accumulate)
    try:
        for step in (5, 6, 7, 3):  # begun anywhere, and begun again
            for micro in range(accumulate):
                wanted, found = here(0, step, micro, 0.3), ahead(0, step, micro, 0.3)
                assert (wanted.kind, wanted.shaped is None) == (found.kind, found.shaped is None)
                np.testing.assert_array_equal(wanted.ids, found.ids)
                np.testing.assert_array_equal(wanted.places, found.places)
                if wanted.shaped is not None and found.shaped is not None:
                    np.testing.assert_array_equal(wanted.shaped.others, found.shaped.others)
    finally:
        ahead.close()
