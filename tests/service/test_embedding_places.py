"""Which places are embedded: windows with their class, features on their strand, what lies between, and what is refused."""

from __future__ import annotations

import pytest

from engine.core import embedding
from engine.core.embedding import EmbeddingParameters
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.sequence import NucleotideSequence
from engine.service.embedding_places import GenomeOfRecords, choose_places, kinds_of, read_places

LETTERS = "ACGTTGCA" * 100
FEATURES = (
    Feature("gene", "g", 100, 300, "+"),
    Feature("CDS", "g", 100, 300, "+"),
    Feature("CDS", "g", 100, 300, "+"),
    Feature("tRNA", "t", 400, 475, "-"),
    Feature("CDS", "short", 500, 510, "+"),
    Feature("misc", "m", 600, 650, "+"),
)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "FEWEST_PLACES", 1)


def genome(letters: str = LETTERS, features: tuple[Feature, ...] = FEATURES) -> GenomeOfRecords:
    return GenomeOfRecords((NucleotideSequence(letters, name="chr1 a record"),), (features,))


def test_features_come_once_each_with_what_lies_between_the_genes() -> None:
    chosen = choose_places(genome(), EmbeddingParameters())
    assert [(place.kind, place.locus) for place in chosen.places] == [
        ("CDS", "chr1:101-300:+"),
        ("tRNA", "chr1:401-475:-"),
        ("intergenic", "chr1:1-100:+"),
        ("intergenic", "chr1:301-400:+"),
        ("intergenic", "chr1:511-800:+"),
    ]
    assert chosen.bases == 200 + 75 + 100 + 100 + 290
    (_, forward), (_, reverse) = list(read_places(genome(), chosen.places))[:2]
    assert forward.letters == LETTERS[100:300]
    assert reverse.letters == LETTERS[400:475].translate(str.maketrans("ACGT", "TGCA"))[::-1]
    assert kinds_of(genome()) == ["CDS", "tRNA", "intergenic", "gene", "misc"]


def test_of_a_long_gap_the_middle_is_taken() -> None:
    features = (Feature("CDS", "a", 0, 60, "+"), Feature("CDS", "b", 3060, 3120, "+"))
    chosen = choose_places(genome("ACGT" * 780, features), EmbeddingParameters(kinds="intergenic"))
    assert [place.locus for place in chosen.places] == ["chr1:1061-2060:+"]


def test_windows_have_the_class_that_covers_half_of_them() -> None:
    chosen = choose_places(genome(), EmbeddingParameters(window_bp=100, step_bp=100))
    assert [place.kind for place in chosen.places] == [
        "intergenic",
        "CDS",
        "CDS",
        "intergenic",
        "tRNA",
        "intergenic",
        "intergenic",
        "intergenic",
    ]
    assert {place.kind for place in choose_places(genome(features=()), EmbeddingParameters(window_bp=100)).places} == {""}


def test_some_of_each_class_are_drawn_and_mostly_unknown_letters_are_left_out() -> None:
    chosen = choose_places(genome(), EmbeddingParameters(window_bp=50, per_class=2))
    kinds = [place.kind for place in chosen.places]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"CDS": 2, "tRNA": 2, "intergenic": 2} or kinds.count("tRNA") == 1
    assert chosen == choose_places(genome(), EmbeddingParameters(window_bp=50, per_class=2))
    found = choose_places(genome("N" * 200 + LETTERS, ()), EmbeddingParameters(window_bp=100))
    assert (len(found.places), found.unknown) == (8, 2)


def test_too_many_too_few_and_unknown_kinds_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="no exon; it has CDS, gene, misc, tRNA, intergenic"):
        choose_places(genome(), EmbeddingParameters(kinds="exon"))
    with pytest.raises(ParameterError, match="no feature at all; give an annotation, or windows"):
        choose_places(genome(features=()), EmbeddingParameters())
    monkeypatch.setattr(embedding, "MOST_PLACES", 3)
    with pytest.raises(ParameterError, match="These are 16 places; at most 3"):
        choose_places(genome(), EmbeddingParameters(window_bp=50))
    monkeypatch.setattr(embedding, "FEWEST_PLACES", 5)
    with pytest.raises(ParameterError, match="There are 1 such places; at least 5"):
        choose_places(genome(), EmbeddingParameters(kinds="tRNA"))
