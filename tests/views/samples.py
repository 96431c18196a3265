"""Results with known values for tests of views and pages; nothing of this is ever shown by the product."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.analyses.contacts import ContactMap
from engine.analyses.dependency import DependencyMap
from engine.analyses.effects import VariantEffects
from engine.analyses.pair import PairTable
from engine.analyses.probabilities import BaseProbabilities
from engine.analyses.segmentation import Segmentation
from engine.analyses.tokens import TokenTrack
from engine.core.card import Capability, ModelCard
from engine.core.features import Feature
from engine.core.locus import Locus, Strand
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.views.evidence import LocusEvidence

SEGMENTER = Path(__file__).resolve().parents[2] / "assets" / "models" / "locuscope-segmenter" / "config.json"
LETTERS = "GGGGCTATAGCTCAGCTGGGAGAGCGCTTGCATGGCATGCAAGAGGTCAGCGGTTCGATCCCGCTTAGCTCCACCA"
STRUCTURE = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."
CARD = ModelCard(
    "sample", "Sample model", Alphabet.DNA, 4000, frozenset(Capability), "1", "0" * 64, "Apache-2.0", "tests", description="Made for tests."
)


def sequence(length: int = len(LETTERS), *, locus: bool = False) -> NucleotideSequence:
    letters = (LETTERS * (length // len(LETTERS) + 1))[:length]
    place = Locus("toy", "chrT", 1000, 1000 + length, Strand.REVERSE) if locus else None
    return NucleotideSequence(letters, Alphabet.DNA, place, "sample")


def provenance(analysis: str, given: NucleotideSequence, *, partial: bool = False) -> Provenance:
    return Provenance(
        analysis,
        "1",
        CARD,
        {},
        given.sha256,
        len(given),
        str(given.locus or ""),
        "float32",
        "cpu",
        0.1,
        {"locuscope": "test"},
        partial=partial,
    )


def stem_pairs(structure: str = STRUCTURE) -> list[tuple[int, int]]:
    stack: list[int] = []
    pairs = []
    for index, symbol in enumerate(structure):
        if symbol == "(":
            stack.append(index)
        elif symbol == ")":
            pairs.append((stack.pop(), index))
    return sorted(pairs)


def dependency(given: NucleotideSequence | None = None, rows_done: int | None = None) -> DependencyMap:
    """A faint band near the diagonal and the stems of the tRNA; the strongest pair is (0, 71) with exactly 6 bits, its other way 5."""
    chosen = given or sequence()
    length = len(chosen)
    index = np.arange(length)
    distance = np.abs(index[:, None] - index[None, :])
    values = (1.4 * np.exp(-distance / 2.0) + 0.08 * np.sin(0.37 * index)[:, None] ** 2).astype(np.float32)
    for i, j in stem_pairs():
        if j < length:
            values[i, j], values[j, i] = 4.0 - 0.02 * i, 3.5 - 0.02 * i
    values[0, 71], values[71, 0] = 6.0, 5.0
    np.fill_diagonal(values, 0.0)
    done = None
    if rows_done is not None:
        done = np.zeros(length, bool)
        done[:: max(1, length // rows_done)] = True
        values[~done] = np.nan
    return DependencyMap(chosen, values, provenance("dependency", chosen, partial=done is not None), rows_done=done)


def codes(given: NucleotideSequence) -> np.ndarray:
    return np.array(["ACGT".index(letter) for letter in given.as_dna()])


def probabilities(given: NucleotideSequence | None = None) -> BaseProbabilities:
    """The reference has 0.1 + 0.8 × (i mod 5) / 4 and the others share the rest."""
    chosen = given or sequence()
    length = len(chosen)
    reference = 0.1 + 0.8 * (np.arange(length) % 5) / 4
    values = np.repeat(((1 - reference) / 3)[:, None], 4, axis=1).astype(np.float32)
    values[np.arange(length), codes(chosen)] = reference
    return BaseProbabilities(chosen, values, provenance("probabilities", chosen))


def effects(given: NucleotideSequence | None = None) -> VariantEffects:
    """llr falls from 0 to −4 along the sequence for every substitution; influence is its hundredth part, positive."""
    chosen = given or sequence()
    length = len(chosen)
    llr = np.repeat(np.linspace(0, -4, length, dtype=np.float32)[:, None], 4, axis=1)
    llr[np.arange(length), codes(chosen)] = np.nan
    return VariantEffects(chosen, provenance("effects", chosen), llr=llr, influence=np.abs(llr) / 100)


def segmentation(given: NucleotideSequence | None = None, elements: tuple[str, ...] = ("gene", "CDS", "tRNA")) -> Segmentation:
    """Rises, falls, rises late, and so on for further elements."""
    chosen = given or sequence()
    x = np.linspace(0, 1, len(chosen), dtype=np.float32)
    shapes = (x, 1 - x, x**2)
    values = np.stack([shapes[number % 3] for number in range(len(elements))], axis=1)
    return Segmentation(chosen, elements, values, provenance("segmentation", chosen))


def contacts(given: NucleotideSequence | None = None) -> ContactMap:
    """The tRNA's stems, again and again in a longer sequence."""
    chosen = given or sequence()
    structure = (STRUCTURE * (len(chosen) // len(STRUCTURE))).ljust(len(chosen), ".")
    pairs = np.array(stem_pairs(structure))
    found = dependency(chosen).values
    scores = np.array([found[i, j] for i, j in pairs], np.float32)
    order = np.argsort(-scores, kind="stable")
    return ContactMap(chosen, np.maximum(found, found.T), pairs[order], scores[order], structure, provenance("contacts", chosen))


def pair(changed: int, read: int, given: NucleotideSequence | None = None) -> PairTable:
    chosen = given or sequence()
    values = np.arange(16, dtype=np.float32).reshape(4, 4) - 7.5
    values[codes(chosen)[changed]] = np.nan
    return PairTable(chosen, changed, read, values, provenance("pair", chosen))


def tokens(given: NucleotideSequence | None = None) -> TokenTrack:
    """Words of four bases; their probability rises from 0 to 1."""
    chosen = given or sequence()
    starts = np.arange(0, len(chosen), 4)
    ends = np.minimum(starts + 4, len(chosen))
    words = tuple(chosen.letters[start:end] for start, end in zip(starts, ends, strict=True))
    sure = np.linspace(0, 1, len(words), dtype=np.float32)
    return TokenTrack(chosen, np.stack([starts, ends], axis=1), words, sure, provenance("tokens", chosen))


def everything(given: NucleotideSequence) -> LocusEvidence:
    """Every panel that the shipped models offer, with all elements of the shipped segmenter, genes and sites."""
    elements = tuple(json.loads(SEGMENTER.read_text(encoding="utf-8"))["elements"])
    results = {
        "dependency": dependency(given),
        "effects": effects(given),
        "probabilities": probabilities(given),
        "segmentation": segmentation(given, elements),
        "contacts": contacts(given),
    }
    length = len(given)
    features = [Feature("tRNA", "alaW", 0, min(76, length), "+")]
    features += [Feature("CDS", f"gene{at}", at, min(length, at + 150), "-") for at in range(100, length - 20, 200)]
    features += [Feature("protein_bind", f"site{at}", at, at + 18, "+") for at in range(80, length - 20, 200)]
    return LocusEvidence(given, results, tuple(features))
