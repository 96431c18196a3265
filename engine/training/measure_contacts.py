"""RNA contacts on held-out RNAs: recipes on the model's maps, the same recipes on maps that know nothing, and ViennaRNA, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analyses.contacts import ContactParameters, best_pairs, contact_scores, suggested_threshold, weighed
from engine.analyses.ranking import auprc, auroc
from engine.core.base_pairs import Agreement, pairs_of_dot_bracket
from engine.core.stems import pair_weights, run_sums, stem_threshold, strongest_stems
from engine.models.folding.worker import folded
from engine.training.contact_sets import CALIBRATION, ContactSample, ContactSet, contact_sets
from engine.training.corpus import Corpus
from engine.training.kept_maps import KeptMaps
from engine.training.letters import decode
from engine.training.measure_compensation import compensated
from engine.training.metrics import intervals, pair_matrix
from engine.training.near_copies import NEAR
from engine.training.pieces import Pieces
from engine.training.structures import Structure
from engine.training.tables import MOST_GROWTH

PPV = 0.6
"""Thresholds grow with the length by the least of `STEPS` at which this share of the pairs found on the calibration set is right."""
STEPS = np.arange(1.0, MOST_GROWTH + 0.5, 0.5)
APART = 4
"""Cells of bases nearer than this cannot pair; scores are given with and without them."""
TESTED, TESTED_RNAS = ("tRNA, ArchiveII", "families never seen, one RNA each"), 30
"""Sets and RNAs of each on which the compensation test is counted."""
AS_DNA = (CALIBRATION, "tRNA, Rfam seeds", "tRNA, ArchiveII")
"""Sets that are also read as they are when their letters are written with T."""
STEMS = ContactParameters(recipe="stems")

Floats = NDArray[np.float32]
Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Reading:
    """How one RNA is read: ``scores`` (L, L) of each cell, and the pairs of the structure, which may need a threshold's growth."""

    scores: Floats
    structure: Callable[[float], Pairs]


def along_stems(cells: Floats, letters: str) -> Reading:
    """Sums of ``cells`` over the runs of pairs, and the strongest stems."""
    paired = pair_weights(letters, STEMS.minimum_loop) > 0
    return Reading(run_sums(cells, paired), lambda growth: strongest_stems(cells, paired, stem_threshold(growth, len(letters)))[0])


def by_cells(values: Floats, letters: str) -> Reading:
    """Each cell by itself: pairs by their letters above the background of the map."""
    scores = contact_scores(values, ContactParameters(recipe="cells"))
    return Reading(scores, lambda _: best_pairs(scores, suggested_threshold(scores), pair_weights(letters, 0) > 0)[0])


def published(values: Floats) -> Reading:
    """Each cell by itself: any letters, every positive score."""
    scores = contact_scores(values, ContactParameters(recipe="published"))
    return Reading(scores, lambda _: best_pairs(scores)[0])


def vienna(letters: str) -> Reading:
    """Pair probabilities and the minimum free energy structure."""
    answer = folded(letters.replace("T", "U"), 37.0)
    values = np.zeros((len(letters), len(letters)), dtype=np.float32)
    for i, j, probability in answer["pairs"]:
        values[i - 1, j - 1] = values[j - 1, i - 1] = probability
    pairs = pairs_of_dot_bracket(answer["structure"])
    return Reading(values, lambda _: pairs)


def shuffled_rows(values: Floats, seed: int) -> Floats:
    """The map with its rows in another order: the same numbers, of other bases."""
    return values[np.random.default_rng(seed).permutation(len(values))]


CALIBRATED = ("stems", "stems_dna", "stem_counter", "shuffled_rows")
"""Readings whose structure needs a threshold."""


def readings(maps: KeptMaps, structure: Structure, *, long: bool, seed: int, as_dna: bool) -> dict[str, Reading]:
    """Every reading of one RNA by name; with ``as_dna`` also ``stems_dna``, the recipe on the map of the letters written with T."""
    letters = decode(structure.codes)
    values = maps(structure.codes, long=long)
    found = {
        "stems": along_stems(weighed(values, letters, STEMS), letters),
        "stem_counter": along_stems(pair_weights(letters, STEMS.minimum_loop), letters),
        "shuffled_rows": along_stems(weighed(shuffled_rows(values, seed), letters, STEMS), letters),
        "cells": by_cells(values, letters),
        "published": published(values),
        "viennarna": vienna(letters),
    }
    if as_dna:
        found["stems_dna"] = along_stems(weighed(maps(structure.codes, as_rna=False), letters, STEMS), letters)
    return found


def known_pairs(structure: Structure) -> list[tuple[int, int]]:
    """The pairs of a known structure, i < j."""
    return [(i, int(j)) for i, j in enumerate(structure.partner) if j > i]


Read = list[tuple[Structure, dict[str, Reading]]]


def thresholds(calibration: Read) -> dict[str, float]:
    """Of each reading the least growth of the threshold (`STEPS`) at which `PPV` of the pairs found are right; the largest where none is."""
    found = {}
    for name in CALIBRATED:
        rows = [(known_pairs(structure), held[name]) for structure, held in calibration]
        found[name] = next((float(step) for step in STEPS if _ppv(rows, float(step)) >= PPV), float(STEPS[-1]))
    return found


def _ppv(rows: Sequence[tuple[list[tuple[int, int]], Reading]], threshold: float) -> float:
    return together([Agreement.of(reading.structure(threshold), known) for known, reading in rows]).ppv


def together(parts: Sequence[Agreement]) -> Agreement:
    """Counts of several RNAs added up."""
    return Agreement(sum(a.found for a in parts), sum(a.known for a in parts), sum(a.both for a in parts))


@dataclass(frozen=True)
class Scored:
    """Scores of one reading on one RNA."""

    auroc: float
    auprc: float
    auprc_all: float
    agreement: Agreement

    @classmethod
    def of(cls, reading: Reading, structure: Structure, threshold: float) -> Scored:
        """AUROC and AUPRC over cells at least `APART` from the diagonal, AUPRC over all, and the structure at ``threshold``."""
        truth = pair_matrix(structure.partner)
        far, every = np.triu_indices(len(truth), APART), np.triu_indices(len(truth), 1)
        scores = reading.scores
        agreement = Agreement.of(reading.structure(threshold), known_pairs(structure))
        return cls(auroc(scores[far], truth[far]), auprc(scores[far], truth[far]), auprc(scores[every], truth[every]), agreement)


def summed(rows: Sequence[Scored], picks: NDArray[np.intp]) -> dict[str, float]:
    """Means of AUROC and AUPRC over the picked RNAs, sensitivity and PPV of all their pairs together."""
    chosen = [rows[int(k)] for k in picks]
    pairs = together([row.agreement for row in chosen])
    means = {name: float(np.nanmean([getattr(row, name) for row in chosen])) for name in ("auroc", "auprc", "auprc_all")}
    return {**means, "sensitivity": pairs.sensitivity, "ppv": pairs.ppv}


def measured(part: ContactSet, read: Read, at: Mapping[str, float], seed: int) -> dict[str, Any]:
    """One set: every reading with its intervals, and what the model adds to the stem counter, RNA by RNA."""
    names = list(read[0][1])
    scored = {name: [Scored.of(held[name], structure, at.get(name, 0.0)) for structure, held in read] for name in names}
    row: dict[str, Any] = {
        "set": part.title,
        "rnas": len(read),
        "median_length": int(np.median([structure.codes.size for structure, _ in read])),
        "long": part.long,
        "readings": {name: intervals(lambda picks, own=rows: summed(own, picks), len(read), seed) for name, rows in scored.items()},  # type: ignore[misc]
    }
    for name in ("stem_counter", "viennarna"):
        gain = np.array([one.auprc - other.auprc for one, other in zip(scored["stems"], scored[name], strict=True)])
        row[f"auprc_above_{name}"] = intervals(lambda picks, gain=gain: {"auprc": float(np.nanmean(gain[picks]))}, len(read), seed)["auprc"]  # type: ignore[misc]
    return row


SETS = 9
"""Measured sets of `contact_sets`."""


def contacts(maps: KeptMaps, corpus: Corpus, data: Path, sample: ContactSample, kept: Pieces, seed: int = 12) -> dict[str, Any]:
    """Thresholds from the calibration set, and one row a measured set; each is a piece of its own."""

    @cache
    def sets() -> list[ContactSet]:
        return contact_sets(corpus, data, sample, seed)

    def read(part: ContactSet) -> Read:
        as_dna = part.title in AS_DNA
        return [(row, readings(maps, row, long=part.long, seed=number, as_dna=as_dna)) for number, row in enumerate(part.structures)]

    def calibrated() -> dict[str, Any]:
        part = next(part for part in sets() if part.title == CALIBRATION)
        return {"rnas": len(part.structures), "thresholds": thresholds(read(part))}

    def row(number: int) -> dict[str, Any] | None:
        part = [part for part in sets() if part.title != CALIBRATION][number]
        return measured(part, read(part), calibration["thresholds"], seed) if part.structures else None

    calibration = kept("contacts: thresholds", calibrated)
    found = [kept(f"contacts: set {number}", partial(row, number)) for number in range(SETS)]
    return {
        "near_copies_above": NEAR,
        "calibration_rnas": calibration["rnas"],
        "ppv_of_thresholds": PPV,
        "thresholds": calibration["thresholds"],
        "sets": [row for row in found if row is not None],
        "compensation": kept(
            "contacts: compensation",
            lambda: compensated(
                maps, [structure for part in sets() if part.title in TESTED for structure in part.structures[:TESTED_RNAS]]
            ),
        ),
    }
