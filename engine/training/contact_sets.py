"""RNAs of known structure that contacts are measured on: named sets of which nothing, and nothing nearly the same, was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.corpus import HELD_OUT_FAMILY, HELD_OUT_SEQUENCE, Corpus
from engine.training.holdout import NAMED_FAMILIES
from engine.training.near_copies import NEAR, NearCopies
from engine.training.structures import Structure, read_archive, read_dot_bracket, usable

CALIBRATION = "calibration"
"""The set that recipes are chosen and thresholds are set on; nothing of it is in another set."""


@dataclass(frozen=True)
class ContactSample:
    """RNAs a set, longest RNA of the sets of short ones, longest of all, and RNAs a set of those in between.

    ``aside`` are drawn for each set and its first ``most`` measured, so that a smaller run measures a part of the same RNAs and sets its
    thresholds on the same calibration set.
    """

    most: int = 60
    aside: int = 60
    longest: int = 220
    longest_of_all: int = 400
    few: int = 6


@dataclass(frozen=True)
class ContactSet:
    """A named set; ``long``: RNAs too long for whole maps by the dozen, read by thresholded differences."""

    title: str
    structures: tuple[Structure, ...]
    long: bool = False


def contact_sets(corpus: Corpus, data: Path, sample: ContactSample, seed: int = 12) -> list[ContactSet]:
    """The calibration set, then the measured ones, each drawn at random without near copies of training RNAs; none stands in two sets."""
    pick = _Picker(NearCopies.of(corpus), sample, np.random.default_rng(seed))
    trna, others = _seeds(corpus)
    strangers = _seeds_of_unseen(corpus)
    archive = list(read_archive(data / "rna" / "ArchiveII_half.bpseq.tar.gz"))
    knots = list(read_dot_bracket(data / "rna" / "pseudobase.dbn", "pseudoknot"))

    def archived(*families: str) -> list[Structure]:
        return [structure for structure in archive if structure.family in families]

    drawn = {
        "tRNA, Rfam seeds": pick(trna, sample.aside),
        "nine seen families, Rfam seeds": pick(others, sample.aside),
        "families never seen, one RNA each": pick(strangers, sample.aside, one_each=True),
        "tRNA, ArchiveII": pick(archived("tRNA"), sample.aside),
        "5S rRNA and SRP RNA, ArchiveII": pick(archived("5s", "srp"), sample.aside),
        "pseudoknots, PseudoBase": pick(knots, sample.aside),
    }
    found = [ContactSet(title, structures[: sample.most]) for title, structures in drawn.items()]
    for family, title in (("RNaseP", "RNase P RNA"), ("tmRNA", "tmRNA"), ("grp1", "group I introns")):
        found.append(ContactSet(f"{title}, ArchiveII", pick(archived(family), sample.few, long=True), long=True))
    half = sample.aside // 2
    rest = (pick(archived("tRNA"), half), pick(strangers, half, one_each=True), pick(archived("5s", "srp"), half), pick(knots, half))
    return [ContactSet(CALIBRATION, tuple(structure for part in rest for structure in part)), *found]


def _seeds(corpus: Corpus) -> tuple[list[Structure], list[Structure]]:
    """Held-out seeds of tRNA and of the other named families."""
    trna: list[Structure] = []
    others: list[Structure] = []
    for accession, title in NAMED_FAMILIES.items():
        number = corpus.names["families"].index(accession)
        for index in np.flatnonzero((corpus.family == number) & (corpus.split == HELD_OUT_SEQUENCE)):
            row = Structure(corpus.names["rna"][int(index)], title, *corpus.rna_sequence(int(index)))
            (trna if title == "tRNA" else others).append(row)
    return trna, others


def _seeds_of_unseen(corpus: Corpus) -> list[Structure]:
    """Every seed of the families that are held out as a whole."""
    titles = corpus.names["titles"]
    return [
        Structure(corpus.names["rna"][int(i)], titles[int(corpus.family[i])], *corpus.rna_sequence(int(i)))
        for i in np.flatnonzero(corpus.split == HELD_OUT_FAMILY)
    ]


class _Picker:
    """Draws RNAs for one set after the other; none is drawn twice, and with ``one_each`` no second one of a family."""

    def __init__(self, copies: NearCopies, sample: ContactSample, rng: np.random.Generator) -> None:
        self._copies, self._sample, self._rng = copies, sample, rng
        self._drawn: set[bytes] = set()
        self._families: set[str] = set()

    def __call__(self, rows: Iterable[Structure], most: int, *, one_each: bool = False, long: bool = False) -> tuple[Structure, ...]:
        sample, chosen = self._sample, list(rows)
        shortest, longest = (sample.longest + 1, sample.longest_of_all) if long else (0, sample.longest)
        out: list[Structure] = []
        for index in self._rng.permutation(len(chosen)):
            if len(out) == most:
                break
            row = chosen[int(index)]
            key = row.codes.tobytes()
            known = key in self._drawn or (one_each and row.family in self._families)
            if known or not usable(row, longest) or row.codes.size < shortest:
                continue
            if self._copies.identity(row.codes) <= NEAR:
                self._drawn.add(key)
                self._families.add(row.family)
                out.append(row)
        return tuple(out)
