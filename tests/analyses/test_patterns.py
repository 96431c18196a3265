"""Patterns with q-values: worked out by hand, kept as controls, the same by any door, and a planted hairpin above every control."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.dependency import dependency_map
from engine.analyses.pattern_controls import ControlParameters, PatternControls, pattern_controls, shuffle
from engine.analyses.pattern_scores import CELL_LIMITS, KINDS, PatternScores
from engine.analyses.patterns import PatternParameters, Patterns, cell_q, patterns, q_values
from engine.core.errors import Cancelled, ParameterError
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.exports import formats
from engine.service.engine import Engine, Request
from tests.analyses.toys import ToyModel, Watcher
from tests.fake_model import Calls, FakeRegistry

HAIRPIN = NucleotideSequence("ACGGTTAACCATTGCAGGCATCGA", name="toy")


def test_q_values_by_hand() -> None:
    """Two controls of 4 shuffles. At 5: (1 + 0) / (4 · 1); at 3: (1 + 1) / (4 · 2); at 2, a tie with a control: (1 + 2) / (4 · 3); at 1:
    (1 + 2) / (4 · 4), which is the least and so stands for all."""
    found = q_values(np.array([3, 5, 2, 1], np.float32), np.array([2, 4], np.float32), 4)
    assert found.tolist() == pytest.approx([3 / 16, 3 / 16, 3 / 16, 3 / 16])
    assert q_values(np.array([3, 5], np.float32), np.array([2, 4], np.float32), 4).tolist() == pytest.approx([0.25, 0.25])
    assert q_values(np.array([5, 3], np.float32), np.array([4, 4, 3.5], np.float32), 4).tolist() == pytest.approx([0.25, 0.5])
    assert q_values(np.array([1], np.float32), np.full(9, 2, np.float32), 4).tolist() == [1]
    assert len(q_values(np.zeros(0, np.float32), np.zeros(3, np.float32), 4)) == 0


def test_without_a_difference_q_is_seldom_small() -> None:
    """Scores of the same distribution: of 200 sequences with 10 places each, held against 20 shuffles, few have one up to 0.1."""
    generator = np.random.default_rng(3)
    hits = sum(
        bool(
            (
                q_values(generator.exponential(size=10).astype(np.float32), generator.exponential(size=200).astype(np.float32), 20) <= 0.1
            ).any()
        )
        for _ in range(200)
    )
    assert hits <= 0.1 * 200 + 3 * np.sqrt(18)


def test_controls_are_the_maps_of_the_shuffles() -> None:
    model, watcher = ToyModel(3), Watcher()
    found = pattern_controls(model, HAIRPIN, ControlParameters(3, seed=4), watcher)
    assert (watcher.done, watcher.total) == (3 * (1 + 3 * 24), 3 * (1 + 3 * 24))
    for number in range(3):
        letters = shuffle(HAIRPIN.letters, 4, number)
        assert Counter(pairwise(letters)) == Counter(pairwise(HAIRPIN.letters))
        expected = PatternScores.of(dependency_map(model, NucleotideSequence(letters)).values).hits()
        mine = found.numbers == number
        assert [KINDS[kind] for kind in found.kinds[mine]] == [hit.kind for hit in expected]
        assert found.scores[mine].tolist() == [np.float32(hit.score) for hit in expected]


def test_a_stopped_run_of_controls_goes_on() -> None:
    model = ToyModel(3)
    whole = pattern_controls(model, HAIRPIN, ControlParameters(3))
    stopping = Watcher(stop_after=100)
    with pytest.raises(Cancelled):
        pattern_controls(model, HAIRPIN, ControlParameters(3), stopping)
    partial = stopping.partials[-1]
    assert isinstance(partial, PatternControls)
    assert (partial.finished, partial.complete, partial.provenance.partial) == (1, False, True)
    rest = Watcher()
    again = pattern_controls(model, HAIRPIN, ControlParameters(3), rest, partial)
    for name, values in whole.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], values)
    assert again.complete


def made(letters: str = HAIRPIN.letters, shuffles: int = 4, **more: float) -> Patterns:
    model, sequence = ToyModel(3), NucleotideSequence(letters, name="toy")
    controls = pattern_controls(model, sequence, ControlParameters(shuffles)) if shuffles else None
    return patterns(dependency_map(model, sequence), controls, PatternParameters(shuffles=shuffles, **more))


def test_every_face_says_the_same(tmp_path: Path) -> None:
    found = made(rate=1)
    rows = found.rows().columns
    assert len(rows["kind"]) == len(found.q) == len(found.kept)
    assert (np.diff(found.q) >= 0).all()
    for kind, start, end, letters in zip(rows["kind"], rows["first_start"], rows["first_end"], rows["first_letters"], strict=True):
        assert HAIRPIN.letters[start - 1 : end] == letters
        assert len(letters) == {"block": 6, "stem": 5, "repeat": 5}.get(kind, 1)
    names = {item.name for item in formats.formats_for(found)}
    assert {"npz", "tsv", "bed", "bedpe", "bedgraph", "bigwig", "bigwigs"} <= names
    formats.write(found, tmp_path / "p.bedpe")
    stems = found.kinds == KINDS.index("stem")
    first, second = found.places[stems][0]
    pairs = {tuple(map(int, line.split("\t")[1:6:3])) for line in (tmp_path / "p.bedpe").read_text().splitlines() if line[0] != "#"}
    assert {(first + step, second + 4 - step) for step in range(5)} <= pairs
    assert [track.name for track in found.tracks()] == ["block_score", "stem_score", "repeat_score", "hotspot_score", "target_score"]
    assert "4 dinucleotide-shuffled sequences (seed 0)" in found.words()


def test_the_rate_decides_what_is_written_and_nothing_else() -> None:
    strict, loose = made(rate=0), made(rate=1)
    np.testing.assert_array_equal(strict.q, loose.q)
    assert len(strict.rows().bases) == len(loose.rows().bases)
    assert not strict.intervals()
    assert len(strict.pairs_of_bases().indices) == 0
    assert len(loose.intervals()) > len(loose.q) / 2
    assert "no place alone can have less than 0.25" in strict.words()


def test_without_controls_there_is_no_q() -> None:
    found = made(shuffles=0)
    assert np.isnan(found.q).all()
    assert len(found.intervals()) > 0
    assert "no q-value" in found.words()


def test_a_base_that_is_not_known_is_no_pattern() -> None:
    found = made("ACGGTTAACCNNNNCAGGCATCGA", shuffles=1)
    assert np.isfinite(found.place_scores).all()


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 6"):
        PatternParameters().check(5)
    with pytest.raises(ParameterError, match="0 to 100"):
        PatternParameters(shuffles=101)


def test_the_engine_keeps_the_controls_for_every_question_about_these_letters(tmp_path: Path) -> None:
    calls = Calls()
    engine = Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", calls))
    sequence = NucleotideSequence("ACGGTTAACCATTGCA" * 2)
    request = Request("patterns", sequence, parameters=PatternParameters(shuffles=3))
    assert engine.estimate(request).passes == 4 * (1 + 3 * 32)
    found = engine.run(request)
    computed = calls.passes
    other = engine.run(Request("patterns", sequence, parameters=PatternParameters(shuffles=3, rate=0.5)))
    assert calls.passes == computed
    np.testing.assert_array_equal(found.q, other.q)
    engine._store._kept.clear()
    again = engine.stored(request)
    np.testing.assert_array_equal(again.places, found.places)
    assert again.words() == found.words()


def test_patterns_can_be_cancelled(tmp_path: Path) -> None:
    calls = Calls(seconds=0.05, batch=1)
    engine = Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", calls))
    job = engine.submit(Request("patterns", NucleotideSequence("ACGGTTAACC" * 4), parameters=PatternParameters(shuffles=2)), "me")
    while not job.done:
        time.sleep(0.01)
    job.cancel("me")
    assert job.wait(60)
    with pytest.raises(Cancelled):
        job.answer()


@pytest.mark.long
def test_a_trna_in_random_letters_stands_above_every_control(tmp_path: Path) -> None:
    """The shipped model; a tRNA of the examples between letters drawn evenly."""
    from engine.sources.examples import EXAMPLES

    example = next(item for item in EXAMPLES if "trna" in item.id.casefold())
    trna = example.sequence.as_dna()
    generator = np.random.default_rng(11)
    left, right = ("".join(generator.choice(list("ACGT"), 20)) for _ in range(2))
    sequence = NucleotideSequence(left + trna + right)
    engine = Engine(Settings(home=tmp_path / "home"), keep_on_disk=False)
    found = engine.run(Request("patterns", sequence, "locuscope", PatternParameters(shuffles=2)))
    stem = KINDS.index("stem")
    best = np.flatnonzero(found.kinds == stem)[0]
    assert found.place_scores[best] > found.control_scores[found.control_kinds == stem].max()
    first, second = found.places[best]
    assert 20 <= first < second < 20 + len(trna)
    assert found.rows().columns["fitting"][best] >= 0.8


def test_the_rate_of_a_threshold_by_hand() -> None:
    """Four cells of 3 bits in the map and two of 2 bits in 4 shuffles: at 2 bits (1 + 2) / (4 · 4), above it (1 + 0) / (4 · 4)."""
    values = np.zeros((12, 12), np.float32)
    values[[0, 1, 2, 3], [8, 9, 10, 11]] = 3
    shuffled = np.where(CELL_LIMITS <= 2, 2, 0).astype(np.int64)
    empty = np.zeros(0, np.int64)
    provenance = pattern_controls(ToyModel(3), HAIRPIN, ControlParameters(1)).provenance
    controls = PatternControls(HAIRPIN, 4, 4, empty, empty, empty.reshape(0, 2), empty, shuffled, provenance)
    found = cell_q(values, controls)
    assert found[CELL_LIMITS <= 2] == pytest.approx(3 / 16)
    assert found[(CELL_LIMITS > 2) & (CELL_LIMITS <= 3)] == pytest.approx(1 / 16)
    assert np.isnan(found[CELL_LIMITS > 3]).all()
