from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.compensation import Compensation, CompensationParameters, compensation
from engine.core.errors import ParameterError, SequenceError
from engine.core.locus import Locus, Strand
from engine.core.protocols import Prepared
from engine.core.sequence import BASES, Alphabet, NucleotideSequence
from tests.analyses.toys import ToyModel, Watcher, toy_card


class Stem:
    """The base in the middle is predicted by whether the first and the last base pair: log odds 0 when they do, falling with each that does not."""

    device, dtype = "cpu", "float32"
    card = toy_card()

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        letters = sequence.as_dna()
        return Prepared(letters, torch.tensor([BASES.index(letter) for letter in letters]))

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        scores = torch.zeros(*ids.shape, 4)
        broken = ids[:, 0] + ids[:, -1] != 3
        scores[broken, ids.shape[1] // 2, 0] = 2.0
        return scores

    def passes_per_batch(self, reference: Prepared) -> int:
        return 5

    def mutants(self, *_: object) -> torch.Tensor:
        raise AssertionError("the test reads whole sequences")

    masked = effect_recipe = mutants


def asked(letters: str, first: int, second: int, model: Any = None, alphabet: Alphabet = Alphabet.DNA) -> Compensation:
    return compensation(model or Stem(), NucleotideSequence(letters, alphabet), CompensationParameters(first, second))


def test_a_pair_that_the_rest_hangs_on_is_compensated_by_every_pairing_letter() -> None:
    found = asked("GAAAC", 0, 4)
    changed = found.values
    assert {(BASES[a] + BASES[b]) for a, b in np.argwhere(changed == 0)} == {"AT", "CG", "GC", "TA"}
    assert np.unique(changed[changed > 0]).size == 1
    assert found.rank == 1
    assert found.behaves_like_a_pair
    assert "behave like a base pair" in found.words()


def test_the_bases_are_counted_as_they_were_asked_for_and_their_coordinates_stand_beside() -> None:
    assert ", G at 1 and C at 5 behave" in asked("GAAAC", 0, 4).words()
    placed = NucleotideSequence("GAAAC", Alphabet.DNA, Locus("", "chrI", 100, 105, Strand.REVERSE))
    found = compensation(Stem(), placed, CompensationParameters(0, 4))
    assert ", G at 1 (chrI:105) and C at 5 (chrI:101) behave" in found.words()


def test_bases_that_nothing_hangs_on_are_no_pair() -> None:
    found = asked("GAAACAA", 1, 3)
    assert not found.values.any()
    assert not found.behaves_like_a_pair
    assert "do not behave" in found.words()


def test_letters_that_disturb_least_without_pairing_are_no_pair() -> None:
    """A map in which equal letters are calm: the pairing match is as good as any that keeps no letter, and behind those that keep some."""
    values = 1 - np.eye(4, dtype=np.float32)
    found = asked("GAAAC", 0, 4)
    equal = Compensation(found.sequence, 0, 4, values, found.provenance)
    assert equal.rank > 1
    assert not equal.behaves_like_a_pair


def table(letters: str, first: int, second: int, values: np.ndarray) -> Compensation:
    """These values of the 16 combinations, at two bases of these letters."""
    found = asked(letters, first, second)
    return Compensation(found.sequence, first, second, values.astype(np.float32), found.provenance)


def test_the_letters_that_stand_there_are_in_neither_mean() -> None:
    """Three double mutants that pair change 0.60, 0.69 and 0.78 bits, so 0.69, and not 0.52 with the 0 of the letters compared with themselves."""
    values = np.full((4, 4), 0.66)
    values[[0, 1, 2, 3], [3, 2, 1, 0]] = 0.60, 0.69, 0.0, 0.78
    paired = table("GAAAC", 0, 4, values)
    assert (
        "pair, they change the most disturbed other base by 0.69 bits (mean of 3), to letters that do not by 0.66 (mean of 10)"
        in paired.words()
    )
    values[[0, 2], [0, 1]] = 0.0, 0.61
    unpaired = table("AAAAA", 0, 4, values)
    assert "by 0.67 bits (mean of 4), to letters that do not by 0.66 (mean of 9)" in unpaired.words()


def test_chance_counts_that_the_letters_that_stand_there_change_nothing() -> None:
    """A with U, all other combinations alike but one, which changes nothing either. By hand, number 1 (ties as well) wherever that one has A or U
    at its place, as one calm combination is all another way can have (6 of 15), and where it pairs besides (C-G, G-C, U-A: 3 of 15)."""
    values = np.ones((4, 4))
    values[0, 3] = values[1, 1] = 0
    found = table("ACCCT", 0, 4, values)
    assert found.chance == pytest.approx(9 / 15, abs=0.01)
    assert "by chance, the 15 values of changed letters dealt at random: 60%" in found.words()


def test_letters_that_pair_or_not_are_all_of_the_chance_where_the_others_are_alike() -> None:
    values = np.ones((4, 4))
    values[0, 3] = 0
    assert table("ACCCT", 0, 4, values).chance == 1
    values = np.ones((4, 4))
    values[0, 1] = 0
    assert table("ACCCC", 0, 4, values).chance == 0
    assert "dealt at random: under 1%" in table("ACCCC", 0, 4, values).words()


def test_by_chance_at_most_one_in_six_of_letters_that_pair_and_one_in_24_of_others() -> None:
    rng = np.random.default_rng(5)
    for letters, limit in (("ACCCT", 1 / 6), ("GCCCC", 1 / 6), ("GCCCT", 1 / 6), ("ACCCC", 1 / 24), ("ACCCA", 1 / 24)):
        for values in (rng.lognormal(0, 0.3, (4, 4)), rng.exponential(size=(4, 4)), rng.normal(9, 0.1, (4, 4))):
            values[BASES.index(letters[0]), BASES.index(letters[4])] = 0
            assert table(letters, 0, 4, values).chance <= limit + 0.01


def test_the_values_are_the_largest_change_elsewhere_by_a_second_route() -> None:
    model, letters, pair = ToyModel(), "ACGTTGCAAC", (2, 7)

    def odds(text: str) -> np.ndarray:
        logits = model.vocabulary_logits(text)[:, :4]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return np.log2(p / (1 - p))

    found = asked(letters, *pair, model=model)
    rest = [index for index in range(len(letters)) if index not in pair]
    for a in range(4):
        for b in range(4):
            text = letters[:2] + BASES[a] + letters[3:7] + BASES[b] + letters[8:]
            expected = np.abs(odds(text) - odds(letters))[rest].max()
            assert found.values[a, b] == pytest.approx(expected, abs=1e-4)


def test_an_rna_is_changed_as_an_rna_and_sixteen_passes_are_told() -> None:
    watcher = Watcher()
    found = compensation(Stem(), NucleotideSequence("GAAAC", Alphabet.RNA), CompensationParameters(0, 4), watcher)
    assert (watcher.total, watcher.done) == (16, 16)
    assert found.rank == 1


def test_every_face_names_the_pair() -> None:
    found = asked("GAAAC", 0, 4)
    rows = found.rows().columns
    assert rows["letters"][3] == "AT"
    assert rows["kind"][3] == "Watson-Crick"
    assert rows["kind"][11] == "wobble"
    assert len(rows["largest_change_bits"]) == 16
    assert set(found.arrays()) == {"values", "first", "second", "rank"}


def test_positions_that_cannot_be_are_one_sentence() -> None:
    with pytest.raises(ParameterError, match="two different"):
        CompensationParameters(3, 3)
    with pytest.raises(ParameterError, match="positions 1 to 5"):
        asked("GAAAC", 0, 5)
    with pytest.raises(ParameterError, match="three bases"):
        asked("GC", 0, 1)
    with pytest.raises(SequenceError, match="Position 2 is N"):
        asked("GNAAC", 1, 4)


def test_the_shipped_model_tells_the_pairs_of_a_stem_from_the_same_bases_two_further() -> None:
    """The five pairs of the T stem of a tRNA, 49-65 to 53-61; one base of each moved by two pairs with nothing."""
    from engine.models.entry import LoadOptions
    from engine.models.registry import entry

    model = entry("locuscope").load(Path(__file__).parents[2] / "assets" / "models" / "locuscope-lm", LoadOptions())
    letters = "GGGGCUAUAGCUCAGCUGGGAGAGCGCUUGCAUGGCAUGCAAGAGGUCAGCGGUUCGAUCCCGCUUAGCUCCACCA"
    ranks = {moved: [asked(letters, 48 + k, 64 - k + moved, model, Alphabet.RNA).rank for k in range(5)] for moved in (0, 2)}
    assert sum(ranks[0]) <= 20
    assert sum(ranks[2]) >= 50
