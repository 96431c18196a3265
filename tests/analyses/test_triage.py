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
    # three substitutions of one window side by side, and two; one alone, masked and with its mutant; both windows of the insertion
    assert sorted(roomy.rows, reverse=True) == [7, 5, 2, 1, 1, 1]
    assert watcher.done == len(sites)


def test_by_hand_the_ratio_is_the_difference_of_the_scores_of_the_two_bases() -> None:
    """Base 0 pairs with base 13 (A), so T is predicted there: reference G scores 0, T scores 3."""
    to_t, to_c = triage(model(), [site(0, "G", "T"), site(0, "G", "C")], 2).rows
    assert to_t.llr == pytest.approx(3.0)
    assert to_c.llr == pytest.approx(0.0, abs=1e-6)


def test_the_ratio_alone_takes_one_pass_and_is_the_same_number() -> None:
    roomy = Roomy(card(), Calls(), LoadOptions(), 10)
    sites = [site(3, "A", "C"), site(0, "G", "T"), site(7, "T", "C")]
    ratios = triage(roomy, sites, 3, TriageParameters(14, influence=False)).rows
    assert roomy.rows == [3]  # one pass each
    assert [row.llr for row in ratios] == [triage(model(), [one], 1).rows[0].llr for one in sites]
    assert [row.influence for row in ratios] == [None] * 3


def test_the_alternates_of_one_base_share_its_masked_window_and_the_reference() -> None:
    roomy = Roomy(card(), Calls(), LoadOptions(), 10)
    sites = [site(3, "A", base) for base in "CGT"] + [site(7, "T", "C")]
    together = triage(roomy, sites, 4).rows
    assert roomy.rows == [5 + 2]  # the masked base, the reference and three mutants; the other base masked and its mutant
    assert [row.llr for row in together] == [triage(model(), [one], 1).rows[0].llr for one in sites]
    alone = [triage(model(), [one], 1).rows[0].influence for one in sites]
    assert [row.influence for row in together] == pytest.approx(alone, rel=1e-6)


def fitting(letters: str) -> int:
    """Bases that are the complement of the one as far from the other end, which `PairModel` expects with score 3."""
    return sum("ACGT".index(a) + "ACGT".index(b) == 3 for a, b in zip(letters, reversed(letters), strict=True))


def test_a_masked_model_compares_pseudo_likelihoods_of_indels_and_of_several_bases() -> None:
    """GGGACTTTTGTCCA, and behind it GT; ln p of a base is 3 where it fits, else 0, less one number for all."""
    sites = [
        replace(site(3, "A", "AT"), behind="CTTTTGTCCA"),
        replace(site(3, "AC", "A"), behind="TTTTGTCCAG"),
        site(3, "ACT", "GTT"),
    ]
    rows = triage(model(), sites, 3).rows
    for row, alternate in zip(rows, ["GGGATCTTTTGTCC", "GGGATTTTGTCCAG", "GGGGTTTTTGTCCA"], strict=True):
        assert row.status == "scored"
        assert row.delta_pseudo_log_likelihood == pytest.approx(3 * (fitting(alternate) - fitting("GGGACTTTTGTCCA")), abs=1e-4)
        assert (row.llr, row.influence) == (None, None)
    assert any(row.delta_pseudo_log_likelihood for row in rows)


@pytest.mark.parametrize(
    ("index", "reference", "alternate"), [(3, "A", "A" + "T" * 11), (8, "TGT", "ACAACAA"), (13, "A", "AC"), (12, "CA", "C")]
)
def test_an_allele_that_is_not_wholly_compared_is_not_scored(index: int, reference: str, alternate: str) -> None:
    """Of the window's fourteen bases too few are left; a score of a part of the allele would be another allele's."""
    row = triage(model(), [replace(site(index, reference, alternate), behind="")], 1).rows[0]
    assert (row.status, row.delta_pseudo_log_likelihood) == ("not_scored", None)
    assert "bases of its window and contig can be compared" in row.note


def test_an_insertion_that_just_fits_is_scored() -> None:
    row = triage(model(), [replace(site(3, "A", "A" + "T" * 10), behind="CTTTTGTCCA")], 1).rows[0]
    assert row.delta_pseudo_log_likelihood == pytest.approx(3 * (fitting("GGGATTTTTTTTTT") - fitting("GGGACTTTTGTCCA")), abs=1e-4)


def test_what_has_no_letters_is_not_scored_and_says_so() -> None:
    rows = triage(model(), [site(3, "A", "<DEL>"), site(3, "A", "N")], 2).rows
    assert [row.status for row in rows] == ["not_scored"] * 2
    assert [("no letters" in row.note, "any base" in row.note) for row in rows] == [(True, False), (False, True)]


def likelihood(letters: str) -> float:
    """ln P of letters by `CausalModel`, one factor a base."""
    total = np.log(0.25)
    for before, base in itertools.pairwise(letters):
        fits = "ACGT".index(before) + "ACGT".index(base) == 3
        total += (2.0 if fits else 0.0) - np.log(np.exp(2.0) + 3)
    return float(total)


def test_a_causal_model_compares_windows_of_equal_length() -> None:
    """GGGACTTTTGTCCA, and behind it GT: a substitution, an insertion (its last base leaves), a deletion (one comes in), two for one."""
    sites = [
        site(3, "A", "C"),
        replace(site(3, "A", "AT"), behind="CTTTTGTCCA"),
        replace(site(3, "AC", "A"), behind="TTTTGTCCAG"),
        replace(site(4, "CT", "G"), behind="TTTGTCCAG"),
    ]
    rows = triage(causal(), sites, 4).rows
    for row, alternate in zip(rows, ["GGGCCTTTTGTCCA", "GGGATCTTTTGTCC", "GGGATTTTGTCCAG", "GGGAGTTTGTCCAG"], strict=True):
        expected = likelihood(alternate) - likelihood("GGGACTTTTGTCCA")
        assert row.delta_log_likelihood == pytest.approx(expected, abs=1e-5)
        assert row.mean_delta_log_likelihood == pytest.approx(expected / 14, abs=1e-6)
        assert row.llr is None


def test_an_indel_costs_nothing_by_its_length_alone() -> None:
    """Under a model that expects nothing, every window of equal length is equally likely, whatever was taken out or put in."""

    class Even(CausalModel):
        def base_logits(self, reference, ids, *, normalised=False):  # type: ignore[no-untyped-def]
            return super().base_logits(reference, ids, normalised=True) * 0 - np.log(4)

    even = Even(card(causal=True, masked=False), Calls(), LoadOptions(), 10)
    rows = triage(even, [replace(site(3, "ACTT", "A"), behind="TTGTCCAGGT"), site(3, "A", "ATTTT"), site(3, "A", "C")], 3).rows
    assert [row.delta_log_likelihood for row in rows] == pytest.approx([0.0] * 3, abs=1e-6)


def test_at_the_end_of_a_contig_both_windows_are_cut_alike() -> None:
    row = triage(causal(), [site(3, "AC", "A")], 1).rows[0]
    expected = likelihood("GGGATTTTGTCCA") - likelihood("GGGACTTTTGTCC")
    assert row.delta_log_likelihood == pytest.approx(expected, abs=1e-5)
    assert row.mean_delta_log_likelihood == pytest.approx(expected / 13, abs=1e-6)


@pytest.mark.parametrize(("index", "reference", "alternate"), [(12, "CA", "C"), (3, "A", "A" + "T" * 10), (13, "A", "G")])
def test_a_change_with_nothing_behind_it_is_not_scored(index: int, reference: str, alternate: str) -> None:
    row = triage(causal(), [site(index, reference, alternate)], 1).rows[0]
    assert row.status == "not_scored"
    assert "Nothing stands behind the change" in row.note


def test_the_end_token_counts_where_the_models_authors_count_it() -> None:
    class WithEnd(CausalModel):
        def log_likelihoods(self, reference, ids):  # type: ignore[no-untyped-def]
            import torch

            return torch.tensor([likelihood("".join(BASES[code] for code in row)) for row in ids.tolist()], dtype=torch.float64)

        def mutant_log_likelihoods(self, reference, positions, alternates):  # type: ignore[no-untyped-def]
            return self.log_likelihoods(reference, self.mutants(reference, positions, alternates))

    ended = WithEnd(card(causal=True, masked=False), Calls(), LoadOptions(), 10)
    row = triage(ended, [site(3, "A", "C")], 1).rows[0]
    assert row.delta_log_likelihood is not None
    assert row.mean_delta_log_likelihood == pytest.approx(row.delta_log_likelihood / 15)


def test_substitutions_and_indels_are_ranked_apart() -> None:
    sites = [
        site(3, "A", "C"),
        site(3, "A", "ATA"),
        site(6, "T", "A"),
        replace(site(3, "AC", "A"), behind="TTTTGTCCAG"),
        site(3, "AC", "GA"),
    ]
    found = triage(causal(), sites, 5)
    assert [row.ranked_with for row in found.rows] == ["substitutions", "indels", "substitutions", "indels", "several bases"]
    ranks = found.ranks()
    assert sorted([ranks[0], ranks[2]]) == [1, 2]
    assert sorted([ranks[1], ranks[3]]) == [1, 2]
    assert ranks[4] == 1


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
    assert first.parameters == {"window_bp": 14, "influence": True}
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
