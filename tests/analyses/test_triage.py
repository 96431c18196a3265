"""Scores of variants are those of the effects of their windows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.analyses.effects import variant_effects
from engine.analyses.triage import Site, triage
from engine.core.card import Capability, ModelCard
from engine.core.protocols import Prepared
from engine.core.sequence import BASES, NucleotideSequence
from engine.core.variants import TriageParameters, Variant
from engine.models.entry import LoadOptions
from tests.analyses.toys import Watcher
from tests.fake_model import Calls, PairModel, card


class CausalModel(PairModel):
    """Base j is predicted to be the complement of base j − 1, with score 2; the first base is predicted by nothing."""

    def base_logits(self, reference, ids, *, normalised=False):  # type: ignore[no-untyped-def]
        import torch

        scores = torch.zeros(*ids.shape, 4)
        scores[:, 1:] = 2.0 * torch.nn.functional.one_hot(3 - ids[:, :-1], 4).float()
        return torch.log_softmax(scores, dim=-1) if normalised else scores


def model(**changes: object) -> PairModel:
    return PairModel(card(**changes), Calls(), LoadOptions(), 10)


def causal() -> CausalModel:
    return CausalModel(card(causal=True, masked=False), Calls(), LoadOptions(), 10)


WINDOW = NucleotideSequence("GGGACTTTTGTCCA")


def site(index: int, reference: str, alternate: str) -> Site:
    return Site(Variant("chrI", 101 + index, reference, alternate), WINDOW, index)


@pytest.mark.parametrize("index", [0, 3, 7, 13])
def test_a_substitution_scores_as_in_the_effects_of_its_window(index: int) -> None:
    reference = WINDOW.letters[index]
    effects = variant_effects(model(), WINDOW)
    alternates = [base for base in BASES if base != reference]
    rows = triage(model(), [site(index, reference, base) for base in alternates], 3).rows
    for row, base in zip(rows, alternates, strict=True):
        assert effects.llr is not None
        assert effects.influence is not None
        assert row.status == "scored"
        assert row.llr == pytest.approx(float(effects.llr[index, BASES.index(base)]), rel=1e-6)
        assert row.influence == pytest.approx(float(effects.influence[index, BASES.index(base)]), rel=1e-6)


class Roomy(PairModel):
    """Has room for ``room`` passes in a batch and notes how many rows each pass had."""

    room = 7

    def passes_per_batch(self, reference: Prepared) -> int:
        return self.room

    def base_logits(self, reference, ids, *, normalised=False):  # type: ignore[no-untyped-def]
        self.rows = [*getattr(self, "rows", []), len(ids)]
        return super().base_logits(reference, ids, normalised=normalised)


def test_variants_share_passes_where_a_batch_has_room_and_score_as_they_do_alone() -> None:
    shorter = replace(site(3, "A", "C"), window=NucleotideSequence(WINDOW.letters[:13]))
    lost = Site(Variant("chrQ", 5, "A", "C"), None, status="outside", note="no contig chrQ")
    sites = [
        site(3, "A", "C"),
        lost,
        site(0, "G", "T"),
        site(3, "A", "AT"),
        site(7, "T", "C"),
        shorter,
        site(8, "T", "A"),
        site(13, "A", "C"),
    ]
    roomy = Roomy(card(), Calls(), LoadOptions(), 10)
    watcher = Watcher()
    together = triage(roomy, sites, len(sites), monitor=watcher).rows
    alone = [triage(model(), [one], 1).rows[0] for one in sites]
    assert [row.variant for row in together] == [one.variant for one in sites]
    assert [row.status for row in together] == [row.status for row in alone]
    for mine, theirs in zip(together, alone, strict=True):
        assert mine.note == theirs.note
        assert [mine.llr is None, mine.influence is None] == [theirs.llr is None, theirs.influence is None]
        if theirs.llr is not None:
            assert mine.llr == pytest.approx(theirs.llr, rel=1e-6)
            assert mine.influence == pytest.approx(theirs.influence, rel=1e-6)
    assert roomy.rows == [6, 1, 2, 1, 2, 6]  # two variants side by side; two alone, masked and with its mutant; two side by side again
    assert watcher.done == len(sites)


def test_by_hand_the_ratio_is_the_difference_of_the_scores_of_the_two_bases() -> None:
    """Base 0 pairs with base 13 (A), so T is predicted there: reference G scores 0, T scores 3."""
    to_t, to_c = triage(model(), [site(0, "G", "T"), site(0, "G", "C")], 2).rows
    assert to_t.llr == pytest.approx(3.0)
    assert to_c.llr == pytest.approx(0.0, abs=1e-6)


def test_a_masked_model_says_of_indels_that_they_are_not_scored() -> None:
    rows = triage(
        model(), [site(3, "A", "AT"), site(3, "AC", "A"), site(3, "ACT", "GTT"), site(3, "A", "<DEL>"), site(3, "A", "N")], 5
    ).rows
    assert [row.status for row in rows] == ["not_scored"] * 5
    assert [row.note.split(" is")[0] for row in rows[:3]] == ["An insertion", "A deletion", "A change of several bases"]
    assert all(row.llr is None for row in rows)


def test_a_causal_model_scores_substitutions_and_indels_by_the_likelihood_of_the_window() -> None:
    def likelihood(letters: str) -> float:
        total = np.log(0.25)
        for before, base in itertools.pairwise(letters):
            fits = "ACGT".index(before) + "ACGT".index(base) == 3
            total += (2.0 if fits else 0.0) - np.log(np.exp(2.0) + 3)
        return float(total)

    letters = WINDOW.letters
    rows = triage(causal(), [site(3, "A", "C"), site(3, "A", "AT"), site(3, "AC", "A")], 3).rows
    changed = [letters[:3] + "C" + letters[4:], letters[:3] + "AT" + letters[4:], letters[:3] + "A" + letters[5:]]
    for row, alternate in zip(rows, changed, strict=True):
        assert row.delta_log_likelihood == pytest.approx(likelihood(alternate) - likelihood(letters), abs=1e-5)
        assert row.llr is None


def test_a_site_that_could_not_be_placed_keeps_its_reason() -> None:
    lost = Site(Variant("chrQ", 5, "A", "C"), None, status="outside", note="no contig chrQ")
    result = triage(model(), [lost, site(3, "A", "C")], 2)
    assert [row.status for row in result.rows] == ["outside", "scored"]
    assert result.rows[0].note == "no contig chrQ"
    assert result.ranks()[0] is None


def test_the_provenance_covers_variants_and_windows() -> None:
    first = triage(model(), [site(3, "A", "C")], 1, TriageParameters(14)).provenance
    same = triage(model(), [site(3, "A", "C")], 1, TriageParameters(14)).provenance
    other = triage(model(), [site(3, "A", "G")], 1, TriageParameters(14)).provenance
    assert first.sequence_sha256 == same.sequence_sha256 != other.sequence_sha256
    assert first.parameters == {"window_bp": 14}
    assert not first.partial


def test_ranks_start_with_the_most_unlikely_and_ties_share_the_lower() -> None:
    result = triage(model(), [site(0, "G", "T"), site(0, "G", "C"), site(0, "G", "A")], 3)
    assert [round(row.llr or 0, 3) for row in result.rows] == [3.0, 0.0, 0.0]
    assert result.ranks() == (3, 1, 1)


def test_a_model_card_without_a_mask_gets_influence_alone() -> None:
    unmasked: ModelCard = card(masked=False, capabilities=frozenset({Capability.EFFECTS}))
    row = triage(PairModel(unmasked, Calls(), LoadOptions(), 10), [site(3, "A", "C")], 1).rows[0]
    assert row.llr is None
    assert row.influence is not None
    assert row.score == -row.influence
