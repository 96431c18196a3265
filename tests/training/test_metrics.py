"""Scores against cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.core.confusion import Confusion
from engine.models.locuscope.network import LocuscopeNet
from engine.training.letters import encode
from engine.training.scoring import Scorer, log2_odds
from tests.training.toy import TINY


def test_confusion_scores() -> None:
    counts = Confusion.of(np.array([1, 1, 0, 0, 1], dtype=bool), np.array([1, 0, 1, 0, 1], dtype=bool))
    assert (counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative) == (2, 1, 1, 1)
    assert counts.f1 == pytest.approx(4 / 6)
    assert counts.mcc == pytest.approx((2 * 1 - 1 * 1) / math.sqrt(3 * 3 * 2 * 2))
    assert Confusion(0, 0, 0, 5).mcc == 0.0


def test_log_odds_from_logits_equal_the_definition() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0], dtype=torch.float64)
    p = torch.softmax(logits, -1)
    torch.testing.assert_close(log2_odds(logits), torch.log2(p / (1 - p)))


def test_the_map_equals_a_slow_loop_over_every_substitution() -> None:
    torch.manual_seed(1)
    scorer = Scorer(LocuscopeNet(TINY).eval(), tokens=60)
    codes = encode("ACGGTCAT")
    held = scorer.dependency_map(codes, "rna")
    slow = np.zeros((8, 8))
    base = log2_odds(scorer.logits(scorer.ids(codes, "rna")))[0]
    for i in range(8):
        for alternate in range(4):
            if alternate != codes[i]:
                changed = codes.copy()
                changed[i] = alternate
                odds = log2_odds(scorer.logits(scorer.ids(changed, "rna")))[0]
                slow[i] = np.maximum(slow[i], (odds - base).abs().amax(-1).numpy())
    np.fill_diagonal(slow, 0)
    np.testing.assert_allclose(held, slow, atol=1e-4)
    assert np.array_equal(scorer.contacts(codes), np.maximum(held, held.T))


def test_influence_is_the_mean_change_at_the_other_positions() -> None:
    torch.manual_seed(2)
    scorer = Scorer(LocuscopeNet(TINY).eval())
    codes = encode("ACGGTCAT")
    held = scorer.influence(codes, 3, "rna")
    assert np.isnan(held[2])
    changed = codes.copy()
    changed[3] = 0
    both = [log2_odds(scorer.logits(scorer.ids(c, "rna")))[0] for c in (codes, changed)]
    delta = (both[1] - both[0]).abs().amax(-1).numpy()
    assert held[0] == pytest.approx(np.delete(delta, 3).sum() / 7, rel=1e-3)


def test_masked_logits_hide_the_base_they_predict() -> None:
    torch.manual_seed(3)
    scorer = Scorer(LocuscopeNet(TINY).eval())
    one = scorer.masked_logits(encode("ACGGTCAT"), np.array([3]), "rna")
    other = scorer.masked_logits(encode("ACGATCAT"), np.array([3]), "rna")
    torch.testing.assert_close(one, other)
