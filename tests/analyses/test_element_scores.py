"""Elements against an annotation, places and another model: masks and measures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.analyses.element_scores import element_scores
from engine.analyses.element_truth import mask_for, truth_of_features, truth_of_model, truth_of_places
from engine.analyses.segmentation import Segmentation
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.exports.element_score_files import scores_text
from engine.service.element_scores import Judge, judged
from tests.views.samples import provenance, sequence

GENE = [
    Feature("CDS", "g", 10, 30, "+", "", {"Parent": "t"}),
    Feature("CDS", "g", 50, 60, "+", "", {"Parent": "t"}),
    Feature("tRNA", "alaV", 62, 70, "-"),
]


def bases(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


def test_masks_of_a_gene_on_either_strand() -> None:
    forward = truth_of_features(GENE, 76)
    assert bases(forward["CDS_forward"]) == [*range(10, 30), *range(50, 60)]
    assert bases(forward["start_codon_forward"]) == [10, 11, 12]
    assert bases(forward["stop_codon_forward"]) == [57, 58, 59]
    assert bases(forward["intron"]) == list(range(30, 50))
    assert (bases(forward["splice_donor"]), bases(forward["splice_acceptor"])) == ([30, 31], [48, 49])
    assert (bases(forward["splice_donor_forward"]), bases(forward["splice_acceptor_forward"])) == ([29], [50])
    assert bases(forward["tRNA"]) == list(range(62, 70))
    assert bases(forward["protein_coding_gene"]) == list(range(10, 60))
    assert "RBS_region_forward" not in forward
    back = truth_of_features([replace(item, strand="-") for item in GENE], 76)
    assert bases(back["start_codon_reverse"]) == [57, 58, 59]
    assert (bases(back["splice_donor"]), bases(back["splice_acceptor"])) == ([48, 49], [30, 31])
    assert (bases(back["splice_donor_reverse"]), bases(back["splice_acceptor_reverse"])) == ([50], [29])
    whole = truth_of_features([Feature("CDS", "g", 30, 60, "+")], 76)
    assert bases(whole["RBS_region_forward"]) == list(range(10, 30))
    cut = truth_of_features([Feature("CDS", "g", 0, 30, "+", "", {"partial": "true"})], 76)
    assert "start_codon_forward" not in cut
    assert bases(cut["stop_codon_forward"]) == [27, 28, 29]


def made(elements: tuple[str, ...], *spans: tuple[int, int, float]) -> Segmentation:
    given = sequence()
    values = np.zeros((len(given), len(elements)), dtype=np.float32)
    for column, (start, end, height) in enumerate(spans):
        values[start:end, column] = height
    return Segmentation(given, elements, values, provenance("segmentation", given))


def test_measures_are_those_of_the_confusion_by_hand() -> None:
    found = made(("CDS_forward", "CDS_reverse", "promoter"), (20, 60, 0.9), (0, 5, 0.4), (0, 1, 1.0))
    scores = judged(found, Judge("the annotation", tuple(GENE)))
    row = scores.rows[0]
    tp, fp, fn, tn = 20, 20, 10, 26
    assert (row.bases, row.called) == (30, 40)
    assert row.f1 == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert row.jaccard == pytest.approx(tp / (tp + fp + fn))
    assert row.mcc == pytest.approx((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))
    assert row.auprc == pytest.approx(20 / 40 * 20 / 30 + 30 / 76 * 10 / 30)  # two steps of recall
    assert row.chance == pytest.approx(30 / 76)
    assert row.mcc_low is None
    assert scores.unjudged == ("promoter",)
    text = scores_text(scores, ".csv")
    assert "# judge: the annotation" in text
    assert text.splitlines()[-2].startswith("CDS_forward,CDS_forward,30,40,")
    with pytest.raises(ParameterError, match="the annotation knows none of the elements of Sample model; it has CDS_forward"):
        judged(made(("promoter",), (0, 5, 1.0)), Judge("the annotation", tuple(GENE)))


def test_a_call_on_the_strand_without_a_gene_is_a_false_one_and_what_has_no_value_is_none() -> None:
    found = made(("CDS_forward", "CDS_reverse", "start_codon_reverse", "promoter"), (10, 40, 0.9), (0, 5, 0.9), (0, 1, 0.4), (0, 1, 1.0))
    scores = judged(found, Judge("the annotation", tuple(GENE)))
    reverse, start = scores.rows[1:]
    assert (reverse.element, reverse.bases, reverse.called) == ("CDS_reverse", 0, 5)
    assert (reverse.mcc, reverse.auprc, reverse.f1, reverse.jaccard) == (None, None, 0, 0)
    assert (start.called, start.mcc, start.f1, start.jaccard) == (0, None, None, None)
    words = scores.words()
    assert "over 1 element that it finds here" in words
    assert "Called where the judge has none: CDS_reverse (5 bases)." in words
    assert "nothing of the kind here: promoter." in words
    assert scores_text(scores, ".csv").splitlines()[-1] == "start_codon_reverse,start_codon_reverse,0,0,,,,,0.0,"


def test_another_model_and_places_are_judges() -> None:
    found = made(("splice_donor", "exon"), (30, 32, 1.0), (10, 30, 1.0))
    other = made(("splice_donor_forward", "splice_donor_reverse", "CDS_forward"), (29, 30, 0.9), (50, 51, 0.9), (10, 30, 0.8))
    masks = truth_of_model(other)
    assert bases(masks["splice_donor"]) == [30, 31, 48, 49]
    scores = judged(found, Judge("the other"), other)
    assert {row.element: row.against for row in scores.rows} == {"splice_donor": "splice_donor", "exon": "CDS, both strands"}
    assert scores.rows[1].mcc == 1
    named = [Feature("region", "Exon", 10, 30), Feature("region", "other", 0, 5)]
    assert [row.element for row in judged(found, Judge("mine", tuple(named))).rows] == ["exon"]
    unnamed = judged(found, Judge("mine", (Feature("region", "peak1", 10, 30),)))
    assert [row.jaccard for row in unnamed.rows] == [0, 1]
    assert truth_of_places([], 9, ("exon",)) == {}


def test_elements_of_both_strands_and_of_tissues_find_their_masks() -> None:
    masks = {
        "start_codon_forward": np.array([1, 0], bool),
        "start_codon_reverse": np.array([0, 1], bool),
        "promoter": np.array([1, 1], bool),
    }
    found = mask_for("start_codon", masks)
    assert found is not None
    assert (found[0], found[1].tolist()) == ("start_codon, both strands", [True, True])
    assert mask_for("promoter_Tissue_invariant", masks) is not None
    assert mask_for("enhancer", masks) is None


def test_intervals_draw_whole_blocks_and_hold_the_value() -> None:
    given = sequence(4_000)
    values = np.zeros((4_000, 1), dtype=np.float32)
    values[:2_000] = 1
    truth = np.arange(4_000) < 2_100
    found = Segmentation(given, ("gene",), values, provenance("segmentation", given))
    row = element_scores(found, {"gene": truth}, "truth").rows[0]
    assert row.mcc_low is not None
    assert row.mcc_high is not None
    assert row.mcc is not None
    assert row.mcc_low < row.mcc < row.mcc_high <= 1
