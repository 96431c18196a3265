"""Variant effects that biology predicts: stops in genes, lost start codons, promoter boxes, splice sites; by llr and by influence."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analyses.ranking import auroc
from engine.training.annotation import Contig, bit
from engine.training.letters import UNKNOWN, Codes, decode, encode, reverse_complement
from engine.training.scoring import Scorer

WINDOW = 511
_CODE = dict(
    zip(
        (a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)


@dataclass(frozen=True)
class Gene:
    """An uninterrupted coding gene inside its window: letters on the gene's strand, first base of the start codon, length of the CDS."""

    domain: str
    codes: Codes
    start: int
    length: int


@dataclass(frozen=True)
class Variant:
    """A single-nucleotide substitution in a window; `harmful` is the class."""

    domain: str
    codes: Codes
    position: int
    alternate: int
    harmful: bool


def genes(contig: Contig, flank: int) -> Iterator[Gene]:
    """Genes of 300 to 6,000 bases in one block, whose stop codon is where the annotation says, with `flank` bases on either side."""
    for strand, side in ((1, "forward"), (-1, "reverse")):
        starts = np.flatnonzero(contig.labels & bit(f"start_codon_{side}"))
        first = [int(s) for s in starts[::3]] if starts.size % 3 == 0 else []
        for place in first:
            low = place if strand > 0 else contig.codes.size - place - 3
            codes = contig.codes if strand > 0 else reverse_complement(contig.codes)
            length = _open_frame(codes[low : low + 6000])
            if length >= 300 and low >= flank and low + length + flank <= codes.size:
                around = codes[low - flank : low + length + flank]
                if (around < UNKNOWN).all():
                    yield Gene(contig.domain, around, flank, length)


def _open_frame(codes: Codes) -> int:
    """Bases up to and with the first in-frame stop codon; 0 without one or without a start codon."""
    letters = decode(codes)
    if letters[:3] not in ("ATG", "GTG", "TTG"):
        return 0
    for place in range(0, len(letters) - 2, 3):
        if _CODE.get(letters[place : place + 3]) == "*":
            return place + 3
    return 0


def sample_genes(contigs: list[Contig], most: int, rng: np.random.Generator) -> list[Gene]:
    """Up to `most` genes of each domain."""
    out: list[Gene] = []
    for domain in sorted({c.domain for c in contigs}):
        found = [g for c in contigs if c.domain == domain for g in genes(c, flank=60)]
        out += [found[int(i)] for i in rng.permutation(len(found))[:most]]
    return out


def _window(gene: Gene, place: int) -> tuple[Codes, int]:
    low = min(max(place - WINDOW // 2, 0), max(0, gene.codes.size - WINDOW))
    return gene.codes[low : low + WINDOW], place - low


def coding_variants(gene: Gene, each: int, rng: np.random.Generator) -> list[Variant]:
    """`each` stop-gained and `each` synonymous substitutions between the 10th codon and the last fifth of a gene."""
    first, last = gene.start + 30, gene.start + int(gene.length * 0.8) // 3 * 3
    groups: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for codon in range(first, last, 3):
        triplet = gene.codes[codon : codon + 3]
        for place in range(3):
            for alternate in range(4):
                changed = triplet.copy()
                changed[place] = alternate
                before, after = _CODE[decode(triplet)], _CODE[decode(changed)]
                if alternate != triplet[place] and before != "*" and (after == "*" or after == before):
                    groups[after == "*"].append((codon + place, alternate))
    out = []
    for harmful, found in groups.items():
        for index in rng.permutation(len(found))[:each]:
            codes, position = _window(gene, found[int(index)][0])
            out.append(Variant(gene.domain, codes, position, found[int(index)][1], harmful))
    return out


def _llr(scorer: Scorer, variant: Variant) -> float:
    logits = scorer.masked_logits(variant.codes, np.array([variant.position]), variant.domain)[0]
    return float(logits[variant.alternate] - logits[int(variant.codes[variant.position])])


def _two_scores(name: str, harmful: NDArray[np.bool_], llr: NDArray[np.float64], influence: NDArray[np.float64]) -> dict[str, Any]:
    """AUROC of low llr and of high influence for the harmful class."""
    return {
        "measurement": name,
        "harmful": int(harmful.sum()),
        "others": int((~harmful).sum()),
        "auroc_llr": auroc(-llr, harmful),
        "auroc_influence": auroc(influence, harmful),
    }


def stop_gained(scorer: Scorer, sample: list[Gene], each: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Stop-gained against synonymous substitutions, by domain and together."""
    variants = [v for gene in sample for v in coding_variants(gene, each, rng)]
    llr = np.array([_llr(scorer, v) for v in variants])
    influence = np.array([scorer.influence(v.codes, v.position, v.domain)[v.alternate] for v in variants])
    harmful, domain = np.array([v.harmful for v in variants]), np.array([v.domain for v in variants])
    rows = [_two_scores("stop-gained against synonymous, all", harmful, llr, influence)]
    for name in np.unique(domain):
        own = domain == name
        rows.append(_two_scores(f"stop-gained against synonymous, {name}", harmful[own], llr[own], influence[own]))
    return rows


def position_scores(scorer: Scorer, codes: Codes, places: NDArray[np.intp], domain: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the three substitutions at each position: (llr, influence)."""
    logits = scorer.masked_logits(codes, places, domain).double().numpy()
    own = logits[np.arange(places.size), codes[places]]
    llr = (logits.sum(1) - own) / 3 - own
    influence = np.array([np.nanmean(scorer.influence(codes, int(p), domain)) for p in places])
    return llr, influence


@dataclass(frozen=True)
class Marked:
    """A window with positions of an element and positions of its flanks."""

    domain: str
    codes: Codes
    inside: tuple[int, ...]
    outside: tuple[int, ...]


def marked_positions(scorer: Scorer, name: str, windows: list[Marked]) -> dict[str, Any]:
    """Element positions against flank positions."""
    llr: list[NDArray[np.float64]] = []
    influence: list[NDArray[np.float64]] = []
    harmful: list[bool] = []
    for window in windows:
        places = np.array(window.inside + window.outside, dtype=np.intp)
        one, two = position_scores(scorer, window.codes, places, window.domain)
        llr.append(one)
        influence.append(two)
        harmful += [True] * len(window.inside) + [False] * len(window.outside)
    if not windows:
        return {"measurement": name, "harmful": 0, "others": 0}
    return _two_scores(name, np.array(harmful), np.concatenate(llr), np.concatenate(influence))


def start_codons(sample: list[Gene]) -> list[Marked]:
    """The start codon against bases 12 to 30 upstream and downstream of it."""
    out = []
    for gene in sample:
        codes, place = _window(gene, gene.start)
        flank = tuple(place + d for d in (-30, -25, -20, 15, 20, 25, 30))
        out.append(Marked(gene.domain, codes, (place, place + 1, place + 2), flank))
    return out


def promoters(path: Path, most: int, rng: np.random.Generator) -> list[Marked]:
    """Strong sigma-70 promoters of 81 bases with the transcription start at the 61st: -12 to -7 and -35 to -30 against the bases around."""
    with gzip.open(path, "rt") as handle:
        records = handle.read().split(">")[1:]
    rows = [(r.split("\n")[0], encode("".join(r.split("\n")[1:]))) for r in records]
    fit = [codes for title, codes in rows if "SIGMA70" in title and "STRONG" in title and codes.size == 81 and (codes < UNKNOWN).all()]
    start = 60
    boxes = tuple(start + d for d in (*range(-12, -6), *range(-35, -29)))
    flank = tuple(start + d for d in (*range(-56, -44), *range(-24, -17)))
    return [Marked("bacteria", fit[int(i)], boxes, flank) for i in rng.permutation(len(fit))[:most]]


def splice_sites(contigs: list[Contig]) -> list[Marked]:
    """First six and last three bases of yeast introns against intron bases 20 to 40 from either end."""
    out = []
    for contig in contigs:
        for codes, labels in ((contig.codes, contig.labels), (reverse_complement(contig.codes), _reversed(contig.labels))):
            for low, high in _introns(labels):
                if high - low >= 90 and decode(codes[low : low + 2]) == "GT" and decode(codes[high - 2 : high]) == "AG":
                    for place, inside in ((low, range(low, low + 6)), (high, range(high - 3, high))):
                        first = min(max(place - WINDOW // 2, 0), codes.size - WINDOW)
                        flank = range(low + 20, low + 40, 3) if place == low else range(high - 40, high - 20, 3)
                        window = codes[first : first + WINDOW]
                        out.append(Marked("yeast", window, tuple(p - first for p in inside), tuple(p - first for p in flank)))
    return out


def _reversed(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return labels[::-1]


def _introns(labels: NDArray[np.uint16]) -> Iterator[tuple[int, int]]:
    inside = np.concatenate(([False], (labels & bit("intron")) > 0, [False]))
    edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
    yield from zip((int(e) for e in edges[::2]), (int(e) for e in edges[1::2]), strict=True)


def variants(scorer: Scorer, contigs: list[Contig], data: Path, most: int, seed: int = 13) -> list[dict[str, Any]]:
    """Every measurement on held-out contigs (promoters: E. coli, whose relatives are in the corpus)."""
    rng = np.random.default_rng(seed)
    sample = sample_genes(contigs, most, rng)
    rows = stop_gained(scorer, sample, 2, rng)
    rows.append(marked_positions(scorer, "start codon against its flanks", start_codons(sample)))
    boxes = promoters(data / "benchmarks" / "ecoli_promoters_positive.fasta.gz", most, rng)
    rows.append(marked_positions(scorer, "-10 and -35 boxes against their flanks (E. coli)", boxes))
    rows.append(marked_positions(scorer, "splice sites of yeast introns against the intron", splice_sites(contigs)))
    return rows
