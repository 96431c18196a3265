"""Gains and losses of splice sites, worked out by hand on a model that sees AG and GT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.analyses.splice import SpliceSpan, changed, on_reference, splice, splice_genes
from engine.core.errors import Cancelled, CapabilityMissing, ParameterError
from engine.core.progress import SilentMonitor
from engine.core.sequence import NucleotideSequence
from engine.core.splicing import KINDS, SpliceGene, SpliceParameters, SpliceScore, SpliceScores
from engine.core.transcripts import Part, Transcript
from engine.core.variants import Variant
from tests.splice_toy import CONTEXT, ToySites

#          0         1         2         3
#          0123456789012345678901234567890123456789
LETTERS = "CCCCCCCCCCAGCCCCCCGTCCCCCCCCCCCCCCCCCCCC"
"""One acceptor, base 12 (behind AG at 10), and one donor, base 17 (before GT at 18)."""


def scored(
    variants: list[Variant],
    letters: str = LETTERS,
    strand: str = "+",
    gene: SpliceGene | None = None,
    start: int = 0,
    **parameters: Any,
) -> list[SpliceScore]:
    chosen = SpliceParameters(**{"distance_bp": 8, **parameters})
    rows = tuple((place, SpliceScore(variant, "scored", strand=strand)) for place, variant in enumerate(variants))
    return list(splice(ToySites(), [SpliceSpan(letters, start, strand, gene, rows)], [], len(rows), chosen).rows)


def variant(position: int, reference: str, alternate: str) -> Variant:
    return Variant("chr1", position, reference, alternate)


def told(row: SpliceScore) -> dict[str, tuple[float, int, float, float]]:
    """What changes, by kind: delta, 1-based position, from, to."""
    found = zip(KINDS, row.changes, strict=True)
    return {kind: (c.delta, c.position, c.reference, c.alternate) for kind, c in found if c is not None and c.delta}


def test_a_substitution_that_breaks_a_donor_loses_it_where_it_was() -> None:
    (row,) = scored([variant(19, "G", "A")])
    assert told(row) == {"donor_loss": (0.5, 18, 0.5, 0.0)}
    assert row.score == 0.5
    assert row.acceptor_gain is not None
    assert (row.acceptor_gain.delta, row.acceptor_gain.position) == (0.0, None)


def test_a_weakened_donor_loses_the_difference() -> None:
    (row,) = scored([variant(20, "T", "A")])
    assert told(row) == {"donor_loss": (0.25, 18, 0.5, 0.25)}


def test_a_substitution_that_makes_an_acceptor_gains_it_behind_the_ag() -> None:
    (row,) = scored([variant(25, "C", "A")], LETTERS[:25] + "G" + LETTERS[26:])
    assert told(row) == {"acceptor_gain": (0.75, 27, 0.0, 0.75)}


def test_only_sites_within_the_distance_are_compared() -> None:
    breaks_both = [variant(11, "A", "C")]
    assert told(scored(breaks_both, distance_bp=1)[0]) == {}
    assert told(scored(breaks_both, distance_bp=2)[0]) == {"acceptor_loss": (0.75, 13, 0.75, 0.0)}


def test_a_gene_on_the_reverse_strand_is_read_there_and_told_in_forward_positions() -> None:
    letters = NucleotideSequence(LETTERS).reverse_complement().letters
    # base i of LETTERS is base 39 - i here: the donor stands at base 22 (position 23), its GT as AC at 20 and 21
    (row,) = scored([variant(22, "C", "T")], letters, "-")
    assert told(row) == {"donor_loss": (0.5, 23, 0.5, 0.0)}
    assert told(scored([variant(22, "C", "T")], letters, "+")[0]) == {}


def test_the_window_may_start_anywhere_on_the_contig() -> None:
    (row,) = scored([variant(1_000_019, "G", "A")], start=1_000_000)
    assert told(row) == {"donor_loss": (0.5, 1_000_018, 0.5, 0.0)}


def test_a_deletion_loses_the_deleted_sites_and_moves_nothing_else() -> None:
    (row,) = scored([variant(16, "CCCG", "C")])  # CC and the donor's G go, the T stays: C C T, no donor
    assert told(row) == {"donor_loss": (0.5, 18, 0.5, 0.0)}
    (far,) = scored([variant(14, "CCC", "C")])  # two C between the sites: both sites stay, moved in the letters only
    assert told(far) == {}


def test_an_insertion_counts_at_the_base_before_it() -> None:
    (row,) = scored([variant(25, "C", "CAGC")])  # ...C AG C C: the acceptor is the last inserted base, told at the anchor
    assert told(row) == {"acceptor_gain": (0.75, 25, 0.0, 0.75)}


def test_padded_alleles_score_as_the_letters_that_differ() -> None:
    plain, padded = scored([variant(19, "G", "A"), variant(17, "CCGTC", "CCATC")])
    assert told(plain) == told(padded) == {"donor_loss": (0.5, 18, 0.5, 0.0)}


def test_several_bases_are_replaced_at_once() -> None:
    (row,) = scored([variant(11, "AG", "TC")], distance_bp=6)
    assert told(row) == {"acceptor_loss": (0.75, 13, 0.75, 0.0)}
    (longer,) = scored([variant(19, "GT", "CAGG")])
    assert told(longer)["donor_loss"] == (0.5, 18, 0.5, 0.0)
    assert told(longer)["acceptor_gain"][:2] == (0.75, 20)  # CAG|G: the last inserted base has no partner, base 20 stands for it


def gene(acceptors: set[int], donors: set[int]) -> SpliceGene:
    return SpliceGene("G", "chr1", "+", 0, 40, frozenset(acceptors), frozenset(donors))


def test_masking_leaves_out_losses_of_unannotated_sites_and_gains_of_annotated_ones() -> None:
    breaks, makes = variant(19, "G", "A"), variant(25, "C", "A")
    letters = LETTERS[:25] + "G" + LETTERS[26:]
    for masked, annotated, expected in (
        (False, gene(set(), set()), ["donor_loss", "acceptor_gain"]),
        (True, gene(set(), {17}), ["donor_loss", "acceptor_gain"]),
        (True, gene({26}, set()), ["", ""]),
        (True, gene(set(), set()), ["", "acceptor_gain"]),
    ):
        rows = scored([breaks, makes], letters, gene=annotated, masked=masked)
        assert [",".join(told(row)) for row in rows] == expected, (masked, annotated)


def test_what_is_masked_does_not_hide_a_smaller_change() -> None:
    letters = "CCCCCCCCCCCCCGCCCGCCCCCCCCCCCCCCCCCCCCCC"
    # the last base makes GT (donor at base 16, 0.5), the first GA (donor at base 12, 0.25); with the stronger annotated, the weaker stays
    change = variant(15, "CCCGC", "ACCGT")
    (raw,), (masked,) = scored([change], letters), scored([change], letters, gene=gene(set(), {16}), masked=True)
    assert told(raw)["donor_gain"][:2] == (0.5, 17)
    assert told(masked)["donor_gain"][:2] == (0.25, 13)


def test_alternate_values_are_laid_on_the_bases_of_the_reference() -> None:
    after = np.arange(1, 8, dtype=float)[:, None]
    np.testing.assert_array_equal(on_reference(after, 3, 1, 1)[:, 0], [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(on_reference(after[:6], 3, 2, 0)[:, 0], [1, 2, 3, 0, 0, 4, 5, 6])
    np.testing.assert_array_equal(on_reference(after, 3, 0, 1)[:, 0], [1, 2, 4, 5, 6, 7])
    np.testing.assert_array_equal(on_reference(after[:, :], 2, 1, 3)[:, 0], [1, 2, 5, 6, 7])


def test_alleles_are_trimmed_at_the_end_first() -> None:
    assert changed(variant(10, "CAA", "CA")) == (10, "A", "")
    assert changed(variant(10, "A", "AAA")) == (9, "", "AA")
    assert changed(variant(10, "GTC", "GAC")) == (10, "T", "A")
    assert changed(variant(10, "A", "A")) == (9, "", "")


def parts(*spans: tuple[int, int], forward: bool = True) -> tuple[Part, ...]:
    return tuple(Part(start, end, forward, "chr1") for start, end in spans)


def test_the_genes_of_an_annotation_have_the_sites_of_all_their_transcripts() -> None:
    one = Transcript("t1", "ABC1", parts((10, 20), (33, 43), (60, 70)))
    other = Transcript("t2", "ABC1", parts((5, 20), (35, 43)))
    back = Transcript("t3", "XYZ", parts((33, 43), (10, 20), forward=False))
    first, second = splice_genes([one, back, other])
    assert (first.name, first.start, first.end) == ("ABC1", 5, 70)
    assert (first.donors, first.acceptors) == ({19, 42}, {33, 60, 35})
    assert (second.donors, second.acceptors) == ({33}, {19})


def test_rows_come_in_the_order_of_their_places_with_those_that_were_not_scored() -> None:
    one, two = variant(19, "G", "A"), variant(25, "C", "A")
    spans = [
        SpliceSpan(LETTERS, 0, "+", None, ((2, SpliceScore(two, "scored")),)),
        SpliceSpan(LETTERS, 0, "+", None, ((0, SpliceScore(one, "scored")),)),
    ]
    unscored = [(1, SpliceScore(one, "outside", note="elsewhere"))]
    found = splice(ToySites(), spans, unscored, 3, SpliceParameters(8))
    assert isinstance(found, SpliceScores)
    assert [row.status for row in found.rows] == ["scored", "outside", "scored"]
    assert found.rows[1].score is None
    assert found.provenance.analysis == "splice"
    assert found.provenance.sequence_length == 80
    assert found.provenance.parameters == {"distance_bp": 8, "masked": False, "outside": False}


def test_the_hash_of_what_was_read_changes_with_letters_and_variants() -> None:
    def read(letters: str, change: Variant) -> str:
        span = SpliceSpan(letters, 0, "+", None, ((0, SpliceScore(change, "scored")),))
        return splice(ToySites(), [span], [], 1, SpliceParameters(8)).provenance.sequence_sha256

    base = read(LETTERS, variant(19, "G", "A"))
    assert base == read(LETTERS, variant(19, "G", "A"))
    assert len({base, read(LETTERS, variant(19, "G", "C")), read(LETTERS[:-1] + "A", variant(19, "G", "A"))}) == 3


def test_a_stop_ends_it_and_other_models_are_refused() -> None:
    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            if done:
                raise Cancelled("stopped")

    span = SpliceSpan(LETTERS, 0, "+", None, ((0, SpliceScore(variant(19, "G", "A"), "scored")),))
    with pytest.raises(Cancelled):
        splice(ToySites(), [span], [], 1, SpliceParameters(8), Stop())
    with pytest.raises(CapabilityMissing, match="choose cispliceai"):
        splice(type("Other", (), {"card": replace(ToySites().card, title="Other")})(), [], [], 0)


def test_a_distance_out_of_range_is_refused() -> None:
    for distance in (0, 10_001):
        with pytest.raises(ParameterError, match="1 to 10,000"):
            SpliceParameters(distance)


def test_letters_that_do_not_reach_far_enough_are_refused() -> None:
    for position in (12, 29):
        with pytest.raises(ParameterError, match="12 are needed"):
            scored([variant(position, LETTERS[position - 1], "T")])


def test_context_reaches_beyond_the_compared_bases() -> None:
    model = ToySites()
    letters = LETTERS[: 18 + 1 + 8 + CONTEXT]
    span = SpliceSpan(letters, 0, "+", None, ((0, SpliceScore(variant(19, "G", "A"), "scored")),))
    assert splice(model, [span], [], 1, SpliceParameters(8)).rows[0].score == 0.5
    assert model.read == [letters]
