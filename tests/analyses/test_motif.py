"""Planted places on both strands: their own logo is exact, and what a model predicts is what it says of each place by itself."""

from __future__ import annotations

import numpy as np
import pytest

from engine.analyses.motif import motif, passes_of
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.motif import AlignedPlaces, MotifParameters
from engine.core.sequence import NucleotideSequence
from engine.service.embedding_places import GenomeOfRecords
from engine.service.motif_places import choose_aligned, read_aligned
from tests.analyses.toys import ToyModel

GENE = "TATAATGCCATGGAACATAAGT"  # 10 bases, then the coding sequence ATGGAACATAAGT...
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def reverse(letters: str) -> str:
    return letters.translate(COMPLEMENT)[::-1]


def genome(strands: str = "+-+-+", *, open_end: bool = False) -> GenomeOfRecords:
    """Random letters with the same gene on either strand: ``TATAATGCC|ATGGAACATAAGTAA`` with an intron in its middle."""
    generator = np.random.default_rng(3)
    exons, intron, upstream = ("ATGGAACAT", "AAGTAA"), "GTAAGTCCCTTTTTTTCAG", "TATAATGCC"
    letters, features = "".join(generator.choice(list("ACGT"), 40)), []
    for number, strand in enumerate(strands):
        whole = upstream + exons[0] + intron + exons[1]
        spans = [(len(upstream), len(upstream) + 9), (len(upstream) + 28, len(whole))]
        if strand == "-":
            whole, spans = reverse(whole), [(len(whole) - end, len(whole) - start) for start, end in spans]
        for start, end in sorted(spans):
            more = {"Parent": f"t{number}"} | ({"partial": "true"} if open_end and number == 0 else {})
            features.append(Feature("CDS", f"g{number}", len(letters) + start, len(letters) + end, strand, "", more))
        letters += whole + "".join(generator.choice(list("ACGT"), 40))
    return GenomeOfRecords((NucleotideSequence(letters, name="c"),), (tuple(features),))


def spelled(counts: np.ndarray) -> str:
    """The letters of a logo in which all places agree."""
    assert set(counts.ravel().tolist()) <= {0, counts.sum(axis=1)[0]}
    return "".join("ACGT"[row.argmax()] for row in counts)


@pytest.mark.parametrize(
    ("at", "before", "after", "spells"),
    [
        ("start", 9, 9, "TATAATGCCATGGAACAT"),
        ("stop", 3, 3, "AAGTAA"),
        ("donor", 4, 6, "ACATGTAAGT"),
        ("acceptor", 6, 3, "TTTCAGAAG"),
    ],
)
def test_a_planted_motif_is_exact_on_both_strands(at: str, before: int, after: int, spells: str) -> None:
    own = genome()
    parameters = MotifParameters(at=at, before=before, after=after, context_bp=60)  # type: ignore[arg-type]
    aligned = choose_aligned(own, parameters, 1_000)
    assert (len(aligned.places), aligned.found, aligned.left_out) == (5, 5, {})
    found = motif(ToyModel(reach=5), aligned, read_aligned(own, aligned, parameters, 1_000), parameters)
    assert spelled(found.counts) == spells
    assert parameters.positions().tolist() == [*range(-before, 0), *range(1, after + 1)]


@pytest.mark.parametrize("unmasked", [False, True])
def test_predictions_are_those_of_each_place_by_itself(unmasked: bool) -> None:
    own, model = genome(), ToyModel(reach=8, max_length=50)
    parameters = MotifParameters(before=5, after=4, context_bp=500, unmasked=unmasked)
    aligned = choose_aligned(own, parameters, model.card.max_length)
    found = motif(model, aligned, read_aligned(own, aligned, parameters, model.card.max_length), parameters)
    letters, expected = own.letters("c", 0, own.contigs()["c"]), []
    for place in aligned.places:
        start = min(max(0, place.start - (50 - 9) // 2), len(letters) - 50)
        part, first = letters[start : start + 50], place.start - start
        if place.strand == "-":
            part, first = reverse(part), 50 - first - 9
        rows = []
        for index in range(first, first + 9):
            asked = part if unmasked else part[:index] + "?" + part[index + 1 :]
            odds = np.exp(model.vocabulary_logits(asked)[index, :4])
            rows.append(odds / odds.sum())
        expected.append(rows)
    np.testing.assert_allclose(found.each, expected, atol=1e-6)
    np.testing.assert_allclose(found.predicted, np.mean(expected, axis=0), atol=1e-6)
    assert passes_of(5, model.card, parameters) == (5 if unmasked else 45)
    assert found.provenance.parameters["at"] == "start"


def test_a_model_that_knows_the_places_costs_no_bits_and_differs_from_them_nowhere() -> None:
    own = genome()
    parameters = MotifParameters(before=2, after=3, context_bp=40)
    aligned = choose_aligned(own, parameters, 1_000)
    found = motif(ToyModel(reach=3), aligned, read_aligned(own, aligned, parameters, 1_000), parameters)
    sure = type(found)(aligned, np.eye(4, dtype=np.float32)[found.letters], found.letters, parameters, found.provenance)
    model, matrix, composition = sure.bits()
    assert (model.value, sure.divergence().max()) == (0, 0)
    assert matrix.value == pytest.approx(-np.log2((4 + 0.25) / 5))  # four others agree, one pseudocount
    share = np.bincount([1, 1, 0, 3, 2], minlength=4) / 5  # C C A T G
    assert composition.value == pytest.approx(-np.log2(share[[1, 1, 0, 3, 2]]).mean())
    assert "5 of 5 start codons" in sure.words()
    assert f"{matrix.value:.3f} by the {matrix.name}, {composition.value:.3f} by the {composition.name}." in sure.words()


def test_what_is_left_out_is_counted_with_its_reason() -> None:
    own = genome(open_end=True)
    record, features = own._records["c"]
    letters = record.letters[:150] + "N" + record.letters[151:]  # in the context of the second gene
    twice = Feature("CDS", "again", features[-2].start, features[-2].end, "+", "", {"Parent": "other"})
    edge = Feature("CDS", "edge", 1, 31, "+", "", {"Parent": "edge"})
    changed = GenomeOfRecords((NucleotideSequence(letters, name="c"),), ((*features, twice, edge),))
    parameters = MotifParameters(before=5, after=3, context_bp=40, most=1)
    aligned = choose_aligned(changed, parameters, 1_000)
    assert sum(aligned.left_out.values()) + len(aligned.places) == aligned.found == 7
    reasons = set(aligned.left_out)
    assert {"of genes whose ends are not known", "named by several transcripts", "too near the end of their contig", "not drawn"} <= reasons
    with pytest.raises(ParameterError, match=r"has no feature 'exon'; it has CDS"):
        choose_aligned(changed, MotifParameters(at="feature", feature="exon"), 1_000)
    with pytest.raises(ParameterError, match=r"The logo has 40 bases; the model is to read 30 in all"):
        choose_aligned(changed, MotifParameters(), 30)


def test_features_are_aligned_at_the_base_that_is_named() -> None:
    letters = "ACGTTGCAACGGTCATTACG"
    features = [Feature("region", "f", 5, 10, "+"), Feature("region", "r", 5, 10, "-"), Feature("region", "n", 5, 10, ".")]
    own = GenomeOfRecords((NucleotideSequence(letters, name="c"),), (features,))
    for anchor, forward, back in (("first", 5, 9), ("middle", 7, 7), ("last", 9, 5)):
        parameters = MotifParameters(at="feature", feature="region", anchor=anchor, before=0, after=1)  # type: ignore[arg-type]
        aligned = choose_aligned(own, parameters, 1_000)
        assert {(place.start, place.strand) for place in aligned.places} == {(forward, "+"), (back, "-")}
        assert aligned.left_out == {"without a strand": 1}
    assert AlignedPlaces(()).told() == ""
