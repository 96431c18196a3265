"""Which places are embedded: windows with their class, features on their strand, what lies between, and what is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.core import embedding
from engine.core.embedding import INTERGENIC, EmbeddingParameters
from engine.core.errors import Cancelled, ParameterError
from engine.core.features import Feature
from engine.core.genome_place import GenomePlace
from engine.core.progress import SilentMonitor
from engine.core.sequence import NucleotideSequence
from engine.service import embedding_places
from engine.service.embedding_places import USUAL, GenomeOfRecords, choose_places, kinds_of, read_places

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


def test_an_annotation_without_genes_has_its_own_kinds_and_nothing_between_genes() -> None:
    """A BED of peaks says where peaks are, not that the rest of the genome is intergenic."""
    peaks = (Feature("region", "one", 100, 300, "-"), Feature("region", "short", 400, 410), Feature("region", "past", 700, 801))
    chosen = choose_places(genome(features=peaks), EmbeddingParameters())
    assert [(place.kind, place.locus) for place in chosen.places] == [("region", "chr1:101-300:-")]
    assert chosen.words() == "1 places, 200 bases (2 below 20 bases or past the end of their contig are left out)"
    assert kinds_of(genome(features=peaks)) == ["region"]
    with pytest.raises(ParameterError, match="no intergenic; it has region"):
        choose_places(genome(features=peaks), EmbeddingParameters(kinds="intergenic"))
    windows = choose_places(genome(features=peaks), EmbeddingParameters(window_bp=100))
    assert {place.kind for place in windows.places} == {""}


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
    whole = choose_places(genome(), EmbeddingParameters(window_bp=50))
    assert Counter(place.kind for place in whole.places) == {"CDS": 4, "tRNA": 2, "intergenic": 10}
    assert Counter(place.kind for place in chosen.places) == {"CDS": 2, "tRNA": 2, "intergenic": 2}
    assert [place for place in whole.places if place in chosen.places] == list(chosen.places)
    assert chosen == choose_places(genome(), EmbeddingParameters(window_bp=50, per_class=2))
    found = choose_places(genome("N" * 200 + LETTERS, ()), EmbeddingParameters(window_bp=100))
    assert (len(found.places), found.unknown) == (8, 2)


def test_too_many_too_few_and_unknown_kinds_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="no exon; it has CDS, gene, misc, tRNA, intergenic"):
        choose_places(genome(), EmbeddingParameters(kinds="exon"))
    with pytest.raises(
        ParameterError, match=r"^There are no annotated features to read; give an annotation that has some, or the width of windows\.$"
    ):
        choose_places(genome(features=()), EmbeddingParameters())
    monkeypatch.setattr(embedding, "MOST_PLACES", 3)
    with pytest.raises(ParameterError, match="These are 16 places; at most 3"):
        choose_places(genome(), EmbeddingParameters(window_bp=50))
    monkeypatch.setattr(embedding, "FEWEST_PLACES", 5)
    with pytest.raises(ParameterError, match="There is 1 such place; at least 5"):
        choose_places(genome(), EmbeddingParameters(kinds="tRNA"))


def _slow_class(start: int, width: int, features: tuple[Feature, ...]) -> str:
    """Base by base: the kind that covers half of a window, the first of two; else what genes leave free."""
    kinds = [name for name in USUAL if name != INTERGENIC]
    codes, genes = [""] * 10_000, [False] * 10_000
    for item in features:
        for place in range(item.start, item.end):
            codes[place] = item.kind if item.kind in kinds else codes[place]
            genes[place] = genes[place] or item.kind in ("gene", *kinds)
    inside = codes[start : start + width]
    for kind in kinds:
        if 2 * inside.count(kind) >= width:
            return kind
    return INTERGENIC if 2 * sum(genes[start : start + width]) < width else ""


@pytest.mark.parametrize(("width", "step"), [(20, 20), (31, 7), (60, 200)])
def test_classes_of_windows_are_those_of_counting_base_by_base(width: int, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_places, "_BASES_AT_ONCE", 150)
    random = np.random.default_rng(3)
    starts = sorted(random.integers(0, 760, 30).tolist())
    kinds = random.choice(["CDS", "tRNA", "gene", "rRNA", "misc"], 30).tolist()
    features = tuple(Feature(kind, kind, start, start + 10 + 2 * (start % 15), "+") for kind, start in zip(kinds, starts, strict=True))
    chosen = choose_places(genome(features=features), EmbeddingParameters(window_bp=width, step_bp=step))
    assert [place.start for place in chosen.places] == list(range(0, 800 - width + 1, step))
    assert [place.kind for place in chosen.places] == [_slow_class(place.start, width, features) for place in chosen.places]


class _Endless(GenomeOfRecords):
    """A genome whose features may not be asked for."""

    def __init__(self) -> None:
        super().__init__((), ())

    def contigs(self) -> dict[str, int]:
        return {f"chr{number}": 150_000_000 for number in range(1, 23)}

    def features(self, contig: str) -> tuple[Feature, ...]:
        raise AssertionError(contig)


def test_windows_are_counted_before_any_is_made_and_a_look_can_stop_them() -> None:
    with pytest.raises(ParameterError, match="These are 165,000,000 places; at most 50,000"):
        choose_places(_Endless(), EmbeddingParameters(window_bp=20))
    with pytest.raises(ParameterError, match="These are 165,000,000 windows; some of each class are drawn from 20,000,000 at most"):
        choose_places(_Endless(), EmbeddingParameters(window_bp=20, per_class=500))

    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            raise Cancelled("stopped")

    for parameters in (EmbeddingParameters(window_bp=1000, per_class=500), EmbeddingParameters()):
        with pytest.raises(Cancelled):
            choose_places(_Endless(), parameters, Stop())


def test_codes_of_several_bases_are_turned_with_their_strand() -> None:
    genome = GenomeOfRecords((NucleotideSequence("AACRYGTTKB"),), ((),))
    places = [GenomePlace("record1", 0, 10, "-", "", "CDS")]
    assert [record.letters for _, record in read_places(genome, places)] == ["VMAACRYGTT"]
