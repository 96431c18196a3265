"""What the bases of a corpus' genomes are, as far as gene finders and annotations say: coding frames and the sites where genes begin and are spliced.

A table of stretches beside the packed corpus, about a hundredth of its size; `engine.training.find_labels` makes it. A *mark* is one byte a base:
its frame in the three low bits, its site in the others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.training.corpus import Corpus

Marks = NDArray[np.uint8]

NO_GENE, UNSURE = 0, 7
"""Frames besides 1 + p, the p-th base of a codon, and `REVERSE` + p, that of one on the other strand: outside genes, and not known."""
REVERSE = 4
FRAMES = 7
SITES = ("start_codon", "ribosome_binding_site", "splice_donor", "splice_acceptor")
"""Site 0 is none; 1 + 2 s is that of SITES[s], 2 + 2 s that on the other strand."""
SITE_CLASSES = 1 + 2 * len(SITES)


def _mirror() -> Marks:
    frames = (NO_GENE, 4, 5, 6, 1, 2, 3, UNSURE)
    sites = (0, *(1 + (s ^ 1) for s in range(2 * len(SITES))))
    return np.array([frames[m % 8] + 8 * sites[m // 8] for m in range(8 * SITE_CLASSES)], dtype=np.uint8)


_MIRROR = _mirror()


def mirrored(marks: Marks) -> Marks:
    """Marks of the other strand, its first base first."""
    return _MIRROR[marks[::-1]]


def frames(marks: Marks) -> NDArray[np.uint8]:
    """Frames of marks; `UNSURE` where nothing is known."""
    return marks & np.uint8(7)


def sites(marks: Marks) -> NDArray[np.uint8]:
    """Sites of marks, 0 where there is none."""
    return marks >> np.uint8(3)


@dataclass(frozen=True)
class Stretch:
    """Bases ``low`` to ``high`` (0-based, half-open) of a piece. ``site``: its place in `SITES`, -1: coding, with ``place`` the place in its codon
    of the first base in reading direction. ``strand``: 1 or -1.
    """

    low: int
    high: int
    strand: int
    site: int = -1
    place: int = 0

    def within(self, low: int, high: int) -> Stretch | None:
        """What lies in bases ``low`` to ``high``, counted from ``low``; None where nothing does."""
        first, last = max(self.low, low), min(self.high, high)
        if first >= last:
            return None
        lost = first - self.low if self.strand > 0 else self.high - last
        return replace(self, low=first - low, high=last - low, place=(self.place + lost) % 3 if self.site < 0 else 0)


def gene(blocks: list[tuple[int, int]], strand: int, *, place: int = 0, start: bool = True) -> list[Stretch]:
    """Stretches of a gene of coding blocks (0-based, half-open, ascending): each block in its frame and, where the gene's ``start`` is there, the
    three bases of its start codon. ``place``: in its codon, of the first base in reading direction.
    """
    found, read, begun = [], place, 3 if start else 0
    for low, high in blocks if strand > 0 else blocks[::-1]:
        found.append(Stretch(low, high, strand, place=read % 3))
        taken = min(begun, high - low)
        if taken:
            found.append(Stretch(*((low, low + taken) if strand > 0 else (high - taken, high)), strand, SITES.index("start_codon")))
        read, begun = read + high - low, begun - taken
    return found


def marked(length: int, stretches: list[Stretch]) -> Marks:
    """Marks of ``length`` bases. Where genes of several frames overlap the frame is `UNSURE`; of several sites the last one counts."""
    frame, site = np.zeros(length, dtype=np.uint8), np.zeros(length, dtype=np.uint8)
    for one in stretches:
        part = slice(one.low, one.high)
        if one.site >= 0:
            site[part] = 1 + 2 * one.site + (one.strand < 0)
            continue
        own = (np.arange(one.high - one.low) + one.place) % 3 + (1 if one.strand > 0 else REVERSE)
        own = own if one.strand > 0 else own[::-1]
        frame[part] = np.where((frame[part] == NO_GENE) | (frame[part] == own), own, UNSURE)
    return frame + 8 * site


@dataclass(frozen=True)
class Labels:
    """``rows`` int32 (n, 6): piece, low, high, strand, site, place as in `Stretch`. ``known`` bool (pieces,): whether anything is said of a piece.
    ``corpus``: `fingerprint` of the corpus; ``sources``: what said it, by genome.
    """

    rows: NDArray[np.int32]
    known: NDArray[np.bool_]
    corpus: str
    sources: dict[str, str]

    @classmethod
    def of(cls, corpus: Corpus, found: dict[int, list[Stretch]], sources: dict[str, str]) -> Labels:
        """``found``: stretches of each piece that something is known of."""
        rows = [(piece, s.low, s.high, s.strand, s.site, s.place) for piece, own in sorted(found.items()) for s in own]
        known = np.zeros(len(corpus.domain), dtype=np.bool_)
        known[list(found)] = True
        return cls(np.array(rows, dtype=np.int32).reshape(-1, 6), known, fingerprint(corpus), sources)

    def save(self, path: Path) -> None:
        """Write the npz."""
        names = np.frombuffer(json.dumps({"corpus": self.corpus, "sources": self.sources}).encode(), dtype=np.uint8)
        with path.open("wb") as handle:
            np.savez_compressed(handle, rows=self.rows, known=self.known, names=names)

    @classmethod
    def load(cls, path: Path) -> Labels:
        """Read the npz. Raises `WeightsMissing` with the command that makes one."""
        if not path.is_file():
            raise WeightsMissing(
                f"no labels at {path}; make them where the genomes are: python -m engine.training labels --data DIR --corpus FILE"
            )
        with np.load(path, allow_pickle=False) as held:
            names = json.loads(held["names"].tobytes())
            return cls(held["rows"], held["known"], names["corpus"], names["sources"])

    def check(self, corpus: Corpus) -> None:
        """Raises `WeightsInvalid` for another corpus than the labels were made for."""
        if self.corpus != fingerprint(corpus):
            raise WeightsInvalid(
                "the labels were made for another corpus; make them anew: python -m engine.training labels --data DIR --corpus FILE"
            )

    def marks(self, corpus: Corpus) -> Marks:
        """Marks of every base of ``corpus.dna``. Raises as `check` does."""
        self.check(corpus)
        out = np.full(corpus.dna.size, UNSURE, dtype=np.uint8)
        bounds = np.searchsorted(self.rows[:, 0], np.arange(len(self.known) + 1))
        for piece in np.flatnonzero(self.known):
            own = [Stretch(*map(int, row)) for row in self.rows[bounds[piece] : bounds[piece + 1], 1:]]
            low, high = int(corpus.start[piece]), int(corpus.start[piece + 1])
            out[low:high] = marked(high - low, own)
        return out


def fingerprint(corpus: Corpus) -> str:
    """Hash of the genomes of a corpus."""
    return hashlib.sha256(corpus.start.tobytes() + corpus.dna.tobytes()).hexdigest()


def beside(corpus: Path) -> Path:
    """Where the labels of the packed corpus lie."""
    return corpus.with_suffix(".labels.npz")
