"""Embeddings by a second route: means of golden-length pieces by hand, k-mers by counting, clusters and regressions of planted labels."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.analyses import projection
from engine.analyses.embedding import embed, gc_share, kmer_shares, mean_state
from engine.analyses.probe import probe
from engine.analyses.projection import STATES, missing_packages, project
from engine.core.card import Capability, ModelCard
from engine.core.embedding import ProjectionParameters
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.genome_place import GenomePlace
from engine.core.sequence import Alphabet, NucleotideSequence

CARD = ModelCard("toy", "Toy", Alphabet.DNA, 10, frozenset({Capability.EMBEDDINGS}), "1", "", "none", "tests")


class Toy:
    """States that say which base it is and where it stands in the piece."""

    card, device, dtype = CARD, "cpu", "float32"

    def embeddings(self, sequence: NucleotideSequence) -> Any:
        assert len(sequence) <= 10
        codes = np.array(["ACGT".index(letter) for letter in sequence.letters])
        return np.stack((codes, np.arange(len(codes))), axis=1).astype(np.float32)


def test_a_place_is_the_mean_over_its_bases_also_in_pieces() -> None:
    assert mean_state(Toy(), NucleotideSequence("ACGT")).tolist() == [1.5, 1.5]
    letters = "ACGTACGTACGTA" * 2
    found = mean_state(Toy(), NucleotideSequence(letters))
    codes = ["ACGT".index(letter) for letter in letters]
    places = [*range(8), *range(9), *range(9)]  # 26 bases in three pieces
    assert found.tolist() == pytest.approx([np.mean(codes), np.mean(places)])


def test_kmers_and_gc_are_counted() -> None:
    letters = "ACGTNACGTACC"
    found = kmer_shares(letters, 2)
    words = [letters[index : index + 2] for index in range(len(letters) - 1)]
    known = [word for word in words if "N" not in word]
    names = [a + b for a in "ACGT" for b in "ACGT"]
    assert found.tolist() == pytest.approx([known.count(name) / len(known) for name in names])
    assert gc_share(letters) == pytest.approx(6 / 11)
    assert kmer_shares("AC", 4).sum() == 0


def test_the_table_holds_places_in_order_and_what_they_were_read_from() -> None:
    places = [GenomePlace("c", index, index + 4, "+", f"p{index}", "x") for index in range(3)]
    letters = [NucleotideSequence(text) for text in ("AAAA", "CCCC", "GGTT")]
    table = embed(Toy(), zip(places, letters, strict=True), 3)
    assert table.vectors[:, 0].tolist() == [0, 1, 2.5]
    assert table.gc.tolist() == [0, 1, 0.5]
    assert table.provenance.sequence_length == 12
    other = embed(Toy(), zip(places, reversed(letters), strict=True), 3)
    assert other.provenance.sequence_sha256 != table.provenance.sequence_sha256
    with pytest.raises(CapabilityMissing, match="gives no hidden states"):
        embed(SimpleNamespace(card=CARD), (), 0)


def planted(seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Three clouds in twenty columns, and which one each row is of."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(3, 20)) * 6
    labels = np.repeat(np.arange(3), 40)
    return (centres[labels] + generator.normal(size=(120, 20))).astype(np.float32), [f"class {number}" for number in labels]


def test_planted_clouds_are_found_and_noise_agrees_with_nothing() -> None:
    vectors, classes = planted()
    noise = np.random.default_rng(1).normal(size=(120, 5)).astype(np.float32)
    found = project(vectors, classes, {"noise": noise}, ProjectionParameters(neighbours=10))
    by_name = {(row.features, row.method): row for row in found.agreements}
    states, chance = by_name[STATES, "k-means"], by_name["noise", "k-means"]
    assert states.value == pytest.approx(1)
    assert abs(chance.value) < 0.1
    assert states.low < 0.01 < states.high < 0.2
    assert found.pca.shape == (120, 20)
    scaled = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    _, values, axes = np.linalg.svd(scaled.astype(np.float64), full_matrices=False)
    assert np.abs(found.pca[:, 0]) == pytest.approx(np.abs(scaled @ axes[0]), abs=1e-3)
    assert found.explained[0] == pytest.approx(values[0] ** 2 / (values**2).sum(), rel=1e-4)
    again = project(vectors, classes, {}, ProjectionParameters(neighbours=10))
    np.testing.assert_array_equal(found.clusters, again.clusters)


def test_what_is_not_installed_is_said_with_its_licence() -> None:
    absent = [name for name in ("umap", "leidenalg") if importlib.util.find_spec(name) is None]
    assert len(missing_packages()) == len(absent)
    vectors, classes = planted()
    found = project(vectors, classes, {}, ProjectionParameters(neighbours=10))
    assert (found.umap is None) == ("umap" in absent)
    assert found.method == ("k-means" if "leidenalg" in absent else "Leiden")
    assert all("is not installed here; add it by 'pip install" in sentence for sentence in found.missing)


def test_clusters_of_many_places_say_after_how_many_rounds_leiden_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, classes = planted()
    assert projection._leiden_name(len(vectors)) == "Leiden"
    monkeypatch.setattr(projection, "WITHOUT_BOUND", len(vectors) - 1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if name == "leidenalg" else None)
    monkeypatch.setattr(projection, "_leiden", lambda space, _: np.zeros(len(space), np.int32))  # the package need not be here
    found = project(vectors, classes, {}, ProjectionParameters(neighbours=10))
    assert found.method == "Leiden, 10 rounds"
    assert {row.method for row in found.agreements} == {"Leiden, 10 rounds", "k-means"}


def test_places_without_classes_or_without_variance_are_still_put_on_a_map() -> None:
    flat = np.ones((6, 3), dtype=np.float32)
    found = project(flat, [""] * 6, {}, ProjectionParameters(neighbours=2))
    assert found.agreements == ()
    assert found.pca.shape == (6, 3)
    assert not found.pca.any()


def test_a_planted_linear_label_is_recovered_and_a_shuffled_one_is_chance() -> None:
    generator = np.random.default_rng(2)
    states = generator.normal(size=(300, 12)).astype(np.float32)
    other = generator.normal(size=(300, 4)).astype(np.float32)
    truth = states @ generator.normal(size=12) + generator.normal(size=300) * 0.1
    groups = [str(index // 10) for index in range(300)]
    features = {STATES: states, "other": other}
    found = probe("y", [f"{value:.6f}" for value in truth], groups, features, STATES)
    by_name = {(row.features, row.measure): row for row in found.scores}
    assert (found.kind, found.rows, found.groups, found.folds) == ("ridge", 300, 30, 5)
    assert by_name[STATES, "R²"].value > 0.98
    assert by_name["other", "R²"].value < 0.1
    assert by_name["other", "Spearman"].low < 0 < by_name["other", "Spearman"].high
    shuffled = generator.permutation(truth)
    lost = probe("y", [f"{value:.6f}" for value in shuffled], groups, features, STATES)
    assert abs(next(row.value for row in lost.scores if row.measure == "Spearman")) < 0.2


def test_classes_are_regressed_by_two_and_by_many_and_groups_stay_together() -> None:
    vectors, classes = planted()
    groups = [str(index % 12) for index in range(120)]
    two = probe("c", [name if name != "class 2" else "" for name in classes], groups, {STATES: vectors, "b": vectors[:, :1]}, STATES)
    assert (two.kind, two.rows, two.scores[0].measure) == ("logistic", 80, "AUROC")
    assert two.scores[0].value == pytest.approx(1)
    many = probe("c", classes, groups, {STATES: vectors}, STATES)
    assert (many.scores[0].measure, many.scores[0].value) == ("balanced accuracy", pytest.approx(1))
    # a label that is its group cannot be known of a group that was not seen
    generator = np.random.default_rng(3)
    marks = generator.normal(size=(40, 3))
    member = np.repeat(np.arange(40), 5)
    leaked = (marks[member] + generator.normal(size=(200, 3)) * 0.01).astype(np.float32)
    label = generator.normal(size=40)[member]
    found = probe("g", [f"{value:.4f}" for value in label], [str(number) for number in member], {STATES: leaked}, STATES)
    assert found.scores[1].value < 0.3


@pytest.mark.parametrize(
    ("texts", "groups", "told"),
    [
        (["1"] * 5 + [""] * 35, ["a"] * 40, "5 places have a label"),
        (["x", "y"] * 20, ["a"] * 40, "all labelled places are in one group|All labelled places"),
        (["x"] * 40, [str(n) for n in range(40)], "has 1 classes"),
    ],
)
def test_labels_that_cannot_be_regressed_are_one_sentence(texts: list[str], groups: list[str], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        probe("y", texts, groups, {STATES: np.zeros((40, 2), dtype=np.float32)}, STATES)
