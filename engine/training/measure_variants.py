"""Variant effects that biology predicts: stops and changed amino acids in genes, start codons, promoter boxes, splice sites.

Each is scored by llr and by influence, and beside them by what knows little: the llr of a Markov model of the letters on both sides, and, inside
genes, how common the two codons are in the genes of the training genomes (codon usage, which must be told the frame).
"""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analyses.ranking import auroc
from engine.training.annotation import Contig, annotated_contigs, bit
from engine.training.both_sides import BothSides
from engine.training.codons import CODE
from engine.training.corpus import Corpus
from engine.training.letters import UNKNOWN, Codes, decode, encode, reverse_complement
from engine.training.measure_language import both_sides
from engine.training.metrics import intervals
from engine.training.pieces import Pieces
from engine.training.scoring import Scorer

WINDOW = 511
KINDS = ("synonymous", "missense", "stop-gained")
START_LOST = "start-lost"
STARTS = {"bacteria": ("ATG", "GTG", "TTG"), "phage": ("ATG", "GTG", "TTG"), "yeast": ("ATG",)}
"""Start codons of each domain."""
ORDER = 5
"""Of the Markov model of both sides."""


@dataclass(frozen=True)
class Gene:
    """An uninterrupted coding gene inside its window: letters on the gene's strand, first base of the start codon, length of the CDS."""

    domain: str
    codes: Codes
    start: int
    length: int


@dataclass(frozen=True)
class Variant:
    """A single-nucleotide substitution in a window, its kind (`KINDS` or `START_LOST`), and the codon there before and after it."""

    domain: str
    codes: Codes
    position: int
    alternate: int
    kind: str
    before: str
    after: str


def genes(contig: Contig, flank: int) -> Iterator[Gene]:
    """Genes of 300 to 6,000 bases in one block, whose stop codon is where the annotation says, with `flank` bases on either side."""
    for strand, side in ((1, "forward"), (-1, "reverse")):
        starts = np.flatnonzero(contig.labels & bit(f"start_codon_{side}"))
        first = [int(s) for s in starts[::3]] if starts.size % 3 == 0 else []
        codes = contig.codes if strand > 0 else reverse_complement(contig.codes)
        for place in first:
            low = place if strand > 0 else contig.codes.size - place - 3
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
        if CODE.get(letters[place : place + 3]) == "*":
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
    """`each` substitutions of every kind between the 10th codon and the last fifth of a gene."""
    first, last = gene.start + 30, gene.start + int(gene.length * 0.8) // 3 * 3
    groups: dict[str, list[tuple[int, int, str, str]]] = {kind: [] for kind in KINDS}
    for codon in range(first, last, 3):
        triplet = gene.codes[codon : codon + 3]
        before = decode(triplet)
        for place, alternate in itertools.product(range(3), range(4)):
            changed = triplet.copy()
            changed[place] = alternate
            after = decode(changed)
            if alternate != triplet[place] and CODE[before] != "*":
                kind = "stop-gained" if CODE[after] == "*" else "synonymous" if CODE[after] == CODE[before] else "missense"
                groups[kind].append((codon + place, alternate, before, after))
    out = []
    for kind, found in groups.items():
        for index in rng.permutation(len(found))[:each]:
            place, alternate, before, after = found[int(index)]
            codes, position = _window(gene, place)
            out.append(Variant(gene.domain, codes, position, alternate, kind, before, after))
    return out


def start_lost(gene: Gene, each: int, rng: np.random.Generator) -> list[Variant]:
    """Up to `each` substitutions in a gene's start codon after which it is none; nothing where the codon is none to begin with."""
    triplet = gene.codes[gene.start : gene.start + 3]
    before, found = decode(triplet), []
    if before not in STARTS[gene.domain]:
        return []
    for place, alternate in itertools.product(range(3), range(4)):
        changed = triplet.copy()
        changed[place] = alternate
        if alternate != triplet[place] and decode(changed) not in STARTS[gene.domain]:
            found.append((place, alternate, decode(changed)))
    out = []
    for index in rng.permutation(len(found))[:each]:
        place, alternate, after = found[int(index)]
        codes, position = _window(gene, gene.start + place)
        out.append(Variant(gene.domain, codes, position, alternate, START_LOST, before, after))
    return out


def _llr(scorer: Scorer, variant: Variant) -> float:
    logits = scorer.masked_logits(variant.codes, np.array([variant.position]), variant.domain)[0]
    return float(logits[variant.alternate] - logits[int(variant.codes[variant.position])])


class CodonUsage:
    """How common each codon is in the genes of contigs, by domain; phages, of which none has labels to learn from, have that of bacteria."""

    def __init__(self, contigs: list[Contig]) -> None:
        self._counts: dict[str, Counter[str]] = {}
        for contig in contigs:
            counts = self._counts.setdefault(contig.domain, Counter())
            for gene in genes(contig, flank=0):
                letters = decode(gene.codes)
                counts.update(letters[place : place + 3] for place in range(0, gene.length, 3))

    def score(self, variant: Variant) -> float:
        """ln of how often the codon afterwards stands in genes, less that of the codon before."""
        counts = self._counts.get(variant.domain) or self._counts["bacteria"]
        return float(np.log((counts[variant.after] + 0.5) / (counts[variant.before] + 0.5)))


Scores = dict[str, NDArray[np.float64]]
"""Scores of the places or substitutions of one gene or window; the higher, the worse."""


def ranked(name: str, clusters: list[tuple[NDArray[np.bool_], Scores]]) -> dict[str, Any]:
    """AUROC of every score for the harmful ones, with the 95 % interval over clusters (genes, windows), whose places go together."""

    def draw(picks: NDArray[np.intp]) -> dict[str, float]:
        chosen = [clusters[int(k)] for k in picks]
        truth = np.concatenate([harmful for harmful, _ in chosen])
        return {score: auroc(np.concatenate([values[score] for _, values in chosen]), truth) for score in clusters[0][1]}

    harmful = np.concatenate([truth for truth, _ in clusters]) if clusters else np.zeros(0, dtype=np.bool_)
    counts = {"measurement": name, "clusters": len(clusters), "harmful": int(harmful.sum()), "others": int((~harmful).sum())}
    return counts | {"auroc": intervals(draw, len(clusters), 13) if clusters else {}}


@dataclass(frozen=True)
class Judges:
    """What scores variants: the language model, Markov models of both sides by domain, codon usage."""

    scorer: Scorer
    sides: Callable[[str], BothSides]
    usage: CodonUsage

    def around(self, codes: Codes, domain: str) -> NDArray[np.float64]:
        """ln P (L, 4) of each letter by the Markov model of both sides."""
        found: NDArray[np.float64] = np.log(self.sides(domain).probabilities(codes)[f"left_right_{ORDER}"])
        return found

    def coding(self, variants: list[Variant]) -> Scores:
        """Scores of substitutions in a gene."""
        around = [self.around(v.codes, v.domain)[v.position, [v.alternate, int(v.codes[v.position])]] for v in variants]
        return {
            "llr": np.array([-_llr(self.scorer, v) for v in variants]),
            "influence": np.array([self.scorer.influence(v.codes, v.position, v.domain)[v.alternate] for v in variants], dtype=np.float64),
            "left_right": np.array([before - after for after, before in around]),
            "codon_usage": np.array([-self.usage.score(v) for v in variants]),
        }

    def places(self, window: Marked) -> Scores:
        """Scores of positions: means over the three substitutions."""
        places = np.array(window.inside + window.outside, dtype=np.intp)
        llr, influence = position_scores(self.scorer, window.codes, places, window.domain)
        around = self.around(window.codes, window.domain)[places]
        own = around[np.arange(places.size), window.codes[places]]
        return {"llr": -llr, "influence": influence, "left_right": own - (around.sum(1) - own) / 3}


GIVEN = ("influence",)
"""Scores left out of stop-gained rows: the codon layer, which was given the stop codons, changes all of a frame there by construction."""


def coding_rows(judges: Judges, sample: list[Gene], domain: str, each: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Stop-gained and missense against synonymous substitutions in the genes of one domain."""
    own = [coding_variants(gene, each, rng) for gene in sample if gene.domain == domain]
    scored = [(variants, judges.coding(variants)) for variants in own if variants]
    return [against_synonymous(kind, scored, domain) for kind in KINDS[1:]]


def start_row(judges: Judges, sample: list[Gene], domain: str, each: int, rng: np.random.Generator) -> dict[str, Any]:
    """Substitutions after which a gene of one domain has no start codon against synonymous ones in the same gene."""
    scored = []
    for gene in (one for one in sample if one.domain == domain):
        others = [v for v in coding_variants(gene, each, rng) if v.kind == KINDS[0]]
        variants = start_lost(gene, each, rng) + others
        scored.append((variants, judges.coding(variants)))
    return against_synonymous(START_LOST, scored, domain)


def against_synonymous(kind: str, scored: list[tuple[list[Variant], Scores]], domain: str) -> dict[str, Any]:
    """`ranked` of the substitutions of one kind against the synonymous ones, gene by gene."""
    clusters = []
    for variants, scores in scored:
        kept = np.array([v.kind in (kind, KINDS[0]) for v in variants])
        harmful = np.array([v.kind == kind for v in variants])
        left = {name: values[kept] for name, values in scores.items() if kind != "stop-gained" or name not in GIVEN}
        clusters.append((harmful[kept], left))
    return ranked(f"{kind} against synonymous, {domain}", clusters)


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


def marked_positions(judges: Judges, name: str, windows: list[Marked]) -> dict[str, Any]:
    """Element positions against flank positions."""
    truth = [np.arange(len(window.inside) + len(window.outside)) < len(window.inside) for window in windows]
    return ranked(name, [(inside, judges.places(window)) for inside, window in zip(truth, windows, strict=True)])


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


def variants(scorer: Scorer, corpus: Corpus, data: Path, most: int, kept: Pieces, seed: int = 13) -> list[dict[str, Any]]:
    """Every measurement on held-out contigs (promoters: E. coli, which is in the corpus), each a piece of its own."""

    @cache
    def held_out() -> list[Contig]:
        return annotated_contigs(data, held_out=True)

    @cache
    def sample() -> list[Gene]:
        return sample_genes(held_out(), most, np.random.default_rng(seed))

    @cache
    def judges() -> Judges:
        return Judges(scorer, cache(partial(_sides, corpus)), CodonUsage(annotated_contigs(data, held_out=False)))

    def boxes() -> list[Marked]:
        return promoters(data / "benchmarks" / "ecoli_promoters_positive.fasta.gz", most, np.random.default_rng(seed))

    def row(name: str, windows: Callable[[], list[Marked]]) -> dict[str, Any]:
        return kept(f"variants: {name}", lambda: marked_positions(judges(), name, windows()))  # type: ignore[no-any-return]

    rows: list[dict[str, Any]] = []
    for number, domain in enumerate(("bacteria", "phage", "yeast")):
        rng = np.random.default_rng((seed, number))
        rows += kept(f"variants: {domain}", partial(lambda d, r: coding_rows(judges(), sample(), d, 2, r), domain, rng))
    for number, domain in enumerate(("bacteria", "phage", "yeast")):
        rng = np.random.default_rng((seed, number, 1))
        rows.append(kept(f"variants: start lost, {domain}", partial(lambda d, r: start_row(judges(), sample(), d, 2, r), domain, rng)))
    rows.append(row("start codon against its flanks", lambda: start_codons(sample())))
    rows.append(row("-10 and -35 boxes against their flanks (E. coli, in the corpus)", boxes))
    rows.append(row("splice sites of yeast introns against the intron", lambda: splice_sites(held_out())))
    return rows


def _sides(corpus: Corpus, domain: str) -> BothSides:
    return both_sides(corpus, domain, orders=(ORDER,), width=0)
