"""Small results of every type, on a locus of either strand and without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.analyses.contacts import ContactMap
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.analyses.effects import VariantEffects
from engine.analyses.pair import PairTable
from engine.analyses.probabilities import BaseProbabilities
from engine.analyses.segmentation import Segmentation
from engine.analyses.tokens import TokenTrack
from engine.core.card import Capability, ModelCard
from engine.core.locus import Locus
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence

LETTERS = "GGGAAACCCN"
CARD = ModelCard(
    id="test-model",
    title='A "quoted" model',
    alphabet=Alphabet.DNA,
    max_length=100,
    capabilities=frozenset({Capability.DEPENDENCY}),
    revision="r1",
    weights_sha256="0" * 64,
    licence="none",
    source="tests",
)


def provenance(sequence: NucleotideSequence, analysis: str) -> Provenance:
    locus = str(sequence.locus) if sequence.locus else ""
    return Provenance(
        analysis, "1", CARD, DependencyParameters().as_dict(), sequence.sha256, len(sequence), locus, "float32", "cpu", 0.5, {"torch": "2"}
    )


def on(strand: str) -> NucleotideSequence:
    """LETTERS at chrT:101-110 of test1 read on this strand, or without a locus for an empty strand."""
    if not strand:
        return NucleotideSequence(LETTERS, name="my seq")
    return NucleotideSequence(LETTERS, locus=Locus.parse(f"test1:chrT:101-110:{strand}"), name="r")


def effects(sequence: NucleotideSequence) -> VariantEffects:
    llr = np.full((10, 4), np.nan, np.float32)
    influence = np.full((10, 4), np.nan, np.float32)
    for index, letter in enumerate(LETTERS):
        for column, base in enumerate("ACGT"):
            if letter != "N" and letter != base:
                llr[index, column] = -(index + column / 10)
                influence[index, column] = index * 3
    return VariantEffects(sequence, provenance(sequence, "effects"), llr, influence)


def dependency(sequence: NucleotideSequence, window: tuple[int, int] = (0, 10)) -> DependencyMap:
    width = window[1] - window[0]
    values = (np.arange(width * width, dtype=np.float32).reshape(width, width) + 1) / 8
    np.fill_diagonal(values, 0)
    values[1, 2] = np.nan
    return DependencyMap(sequence, values, provenance(sequence, "dependency"), offset=window[0])


def contacts(sequence: NucleotideSequence) -> ContactMap:
    values = np.zeros((10, 10), np.float32)
    pairs = np.array([[0, 8], [1, 7], [2, 6]])
    for score, (i, j) in zip((3, 2, 1), pairs, strict=True):
        values[i, j] = values[j, i] = score
    stamp = replace(provenance(sequence, "contacts"), parameters={"symmetry": "max", "apc": True, "minimum_loop": 3, "threshold": None})
    return ContactMap(sequence, values, pairs, np.array([3, 2, 1]), "(((...))).", stamp)


def segmentation(sequence: NucleotideSequence) -> Segmentation:
    values = np.zeros((10, 3), np.float32)
    values[0:3, 0] = (0.5, 0.75, 1.0)
    values[5:10, 1] = 0.8
    values[:, 2] = 0.25
    return Segmentation(sequence, ("tRNA", "CDS_forward", "odd; name"), values, provenance(sequence, "segmentation"))


def probabilities(sequence: NucleotideSequence) -> BaseProbabilities:
    values = np.tile(np.array([[0.5, 0.25, 0.125, 0.125]], np.float32), (10, 1))
    values[0] = (1, 0, 0, 0)
    return BaseProbabilities(sequence, values, provenance(sequence, "probabilities"))


def pair_table(sequence: NucleotideSequence) -> PairTable:
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    values[2] = np.nan
    return PairTable(sequence, 0, 8, values, provenance(sequence, "pair"))


def tokens(sequence: NucleotideSequence) -> TokenTrack:
    spans, strings = np.array([[0, 6], [6, 10]]), ("GGGAAA", "CCCN")
    return TokenTrack(sequence, spans, strings, np.array([0.5, 0.25], np.float32), provenance(sequence, "tokens"))


MAKERS = {
    "effects": effects,
    "dependency": dependency,
    "contacts": contacts,
    "segmentation": segmentation,
    "probabilities": probabilities,
    "pair": pair_table,
    "tokens": tokens,
}


@pytest.fixture(params=["+", "-", ""], ids=["forward", "reverse", "no locus"])
def sequence(request: pytest.FixtureRequest) -> NucleotideSequence:
    return on(request.param)
