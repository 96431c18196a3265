"""Vocabulary and next k-mer on a model whose words are worked out by hand."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.next_kmer import NextKmerParameters, look_up, next_kmer, wilson
from engine.analyses.tokens import TokenParameters, chance, token_track
from engine.analyses.vocabulary import VocabularyParameters, vocabulary
from engine.core.card import Capability
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.exports.formats import content
from engine.exports.table import write_tsv
from engine.service.store import decode, encode
from tests.analyses.toys import ToyModel, toy_card

WORDS = ("A", "C", "G", "T", "AC", "GT")


class Words:
    """Reads AC and GT as one word each; expects ``ACGT`` to go on in turn; states say the word and, from layer 1 on, its place."""

    card, device, dtype = toy_card(capabilities=frozenset({Capability.TOKENS})), "cpu", "float32"
    vocabulary_letters = WORDS

    def tokenised(self, sequence: NucleotideSequence) -> tuple[np.ndarray, tuple[str, ...]]:
        letters, spans, texts = sequence.as_dna(), [], []
        while (start := spans[-1][1] if spans else 0) < len(letters):
            width = 2 if letters[start : start + 2] in WORDS[4:] else 1
            spans.append((start, start + width))
            texts.append(letters[start : start + width])
        return np.array(spans, dtype=np.int64).reshape(-1, 2), tuple(texts)

    def token_spans(self, sequence: NucleotideSequence) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
        spans, texts = self.tokenised(sequence)
        return spans, texts, np.full(len(texts), 0.5, dtype=np.float32)

    def token_candidates(self, sequence: NucleotideSequence, tokens: Any, count: int) -> tuple[Any, np.ndarray]:
        texts = self.tokenised(sequence)[1]
        rows, chances = [], [0.6, 0.3, 0.1]
        for token in tokens:
            before = texts[token - 1] if token else "GT"
            follows = {"AC": "GT", "GT": "AC", "A": "C", "C": "GT", "G": "T", "T": "AC"}[before]
            rows.append(("[MASK]", follows, "A")[:count] if token == len(texts) else (follows, "A", "C")[:count])
        return tuple(rows), np.tile(np.float32(chances[: len(rows[0])]), (len(rows), 1))

    def layer_states(self, sequence: NucleotideSequence) -> np.ndarray:
        texts = self.tokenised(sequence)[1]
        own = np.eye(len(WORDS), dtype=np.float32)[[WORDS.index(text) for text in texts]]
        places = np.zeros((len(texts), 2), dtype=np.float32)
        places[np.arange(len(texts)), np.arange(len(texts)) % 2] = 1
        return np.stack([np.concatenate((own, 0 * places), 1), np.concatenate((own, places), 1)])


def cosines(states: np.ndarray, rows: list[int]) -> float:
    pairs = itertools.combinations(rows, 2)
    return float(np.mean([states[a] @ states[b] / np.linalg.norm(states[a]) / np.linalg.norm(states[b]) for a, b in pairs]))


def test_self_similarity_is_the_mean_cosine_over_all_pairs_of_places() -> None:
    sequence = NucleotideSequence("ACGTACACTGTAC")
    found = vocabulary(Words(), sequence)
    _, texts = Words().tokenised(sequence)
    states = Words().layer_states(sequence)
    assert found.tokens == ("AC", "GT", "T")
    assert found.counts.tolist() == [4, 2, 1]
    assert found.gc.tolist() == [0.5, 0.5, 0]
    for number, token in enumerate(found.tokens):
        places = [place for place, text in enumerate(texts) if text == token]
        for layer in range(2):
            expected = cosines(states[layer], places) if len(places) > 1 else np.nan
            np.testing.assert_allclose(found.similarity[layer, number], expected, atol=1e-6)
    assert found.background[0] == pytest.approx(0)
    assert found.tracks()[0].values[0] == pytest.approx(found.similarity[1, 0])
    assert np.isnan(found.tracks()[0].values[8])
    assert found.rows().columns["frequency"][0] == pytest.approx(4 / 7)
    assert dict(found.at(0))["Word in the vocabulary"] == "2 bases, GC 50%, 4 of 7 words here"
    assert "7 words, 3 different ones" in found.words()
    whole = vocabulary(Words(), sequence, VocabularyParameters(unused=True))
    assert sorted(whole.tokens) == sorted(WORDS)
    assert whole.counts.sum() == 7
    again = decode(encode(found, "key"), sequence)
    np.testing.assert_array_equal(again.similarity, found.similarity)


def test_a_token_that_does_not_stand_in_the_sequence_has_no_place_in_the_table(tmp_path: Path) -> None:
    sequence = NucleotideSequence("ACGTACACTGTAC", locus=Locus.parse("test1:chrT:101-113"))
    write_tsv(vocabulary(Words(), sequence, VocabularyParameters(unused=True)), tmp_path / "v.tsv")
    with (tmp_path / "v.tsv").open(newline="") as handle:
        places = {row["token"]: row["contig"] + row["genome_position"] for row in csv.DictReader(handle, delimiter="\t")}
    used = {"AC": "chrT101", "GT": "chrT103", "T": "chrT109"}
    assert places == {**dict.fromkeys(WORDS, ""), **used}


def test_the_next_bases_are_spelled_word_by_word_from_what_is_before() -> None:
    sequence = NucleotideSequence("ACGTACGTACGTTTACGT")
    found = next_kmer(Words(), sequence, NextKmerParameters(k=4, from_bp=2))
    spans = Words().tokenised(sequence)[0]
    assert found.positions.tolist() == [end for end in spans[:, 1].tolist() if 2 <= end <= 14]
    assert found.spelled[0] == "GTAC"
    assert found.truth[:2] == ["GTAC", "ACGT"]
    assert found.right.tolist() == [one == other for one, other in zip(found.spelled, found.truth, strict=True)]
    assert found.probabilities[0] == pytest.approx(0.3**2)
    assert found.looked_up == tuple(look_up(sequence.letters, found.positions.tolist(), 4))
    assert found.looked_up[2:4] == ("----", "ACGT")  # after eight bases ACGT has been followed once, by ACGT
    assert "Chance 0.39%" in found.words()
    with pytest.raises(ParameterError, match="No token ends between base 50 and 14"):
        next_kmer(Words(), sequence, NextKmerParameters(k=4))


def test_wilsons_interval_is_the_published_one() -> None:
    share, low, high = wilson(10, 100)
    assert (share, round(low, 4), round(high, 4)) == (0.1, 0.0552, 0.1744)


def test_candidates_are_in_every_export_and_in_the_card_of_a_base() -> None:
    sequence = NucleotideSequence("ACGTACT")
    found = token_track(Words(), sequence, TokenParameters(candidates=2))
    assert dict(found.at(1)) == {"Word": "AC at 1–2, P 0.500", "Candidates, word masked": "AC 0.600, A 0.300"}
    assert dict(found.at(6))["Next word"] == "[MASK] 0.600, AC 0.300"
    assert [chance(one) for one in (0.404, 0.001, 0.00027)] == ["0.404", "0.001", "2.7e-04"]
    for name in ("tsv", "csv", "bed", "gff3"):
        text = content(found, name).decode()
        assert "GT" in text, name
        assert "0.6" in text, name
    assert "Note=AC 0.600%2C A 0.300" in content(found, "gff3").decode()


def test_models_of_single_bases_are_refused() -> None:
    for analysis in (vocabulary, next_kmer):
        with pytest.raises(CapabilityMissing, match="choose a byte-pair or k-mer model"):
            analysis(ToyModel(), NucleotideSequence("ACGT"))
