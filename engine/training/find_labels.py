"""Makes the labels of a corpus' training genomes: bacteria and phages by Prodigal (pyrodigal), yeasts by their annotations.

Nothing is said of held-out genomes, nor of yeasts without an annotation.
"""

from __future__ import annotations

import importlib.util
import itertools
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileFormatError, ParameterError
from engine.models.locuscope.tokens import DOMAINS
from engine.training.annotation import gff_rows
from engine.training.corpus import Corpus, read_fasta
from engine.training.labels import SITES, Labels, Stretch, gene
from engine.training.letters import Codes, decode, encode, reverse_complement

logger = logging.getLogger(__name__)

TRAINS_ON = 100_000
"""Bases of a genome from which on Prodigal is trained on it; shorter ones get its ready-made models, as it advises."""
SHORTEST_INTRON = 20
DONORS, ACCEPTORS = ("GT", "GC"), ("AG",)
RBS = SITES.index("ribosome_binding_site")
DONOR, ACCEPTOR = SITES.index("splice_donor"), SITES.index("splice_acceptor")
_MISMATCHES = {"3Base": "GGA/GAG/AGG", "5BMM": "AGxAG", "4Base": "AGGA/GGAG/GAGG", "6BMM": "AGxAGG/AGGxGG"}
"""Words of Prodigal's names of motifs that are no letters."""


def make(data: Path, corpus: Corpus, annotations: dict[str, Path]) -> Labels:
    """``annotations``: GFF3 files of yeast genomes by their names in the corpus, besides NAME.gff3.gz beside a genome of ``data``.

    Raises `ParameterError` without pyrodigal, and for an annotation of a genome that the corpus has not.
    """
    if importlib.util.find_spec("pyrodigal") is None:
        raise ParameterError("Labels of bacteria and phages need pyrodigal; add it by 'pip install pyrodigal'")
    names = corpus.names["genomes"]
    unknown = sorted(set(annotations) - set(names))
    if unknown:
        raise ParameterError(f"the corpus has no genome {', '.join(unknown)}; --annotation takes one of {', '.join(_yeasts(corpus))}")
    found: dict[int, list[Stretch]] = {}
    sources: dict[str, str] = {}
    for number in np.unique(corpus.genome[~corpus.held_out]):
        pieces = [int(p) for p in np.flatnonzero((corpus.genome == number) & ~corpus.held_out)]
        name = names[number]
        if DOMAINS[corpus.domain[pieces[0]]] != "yeast":
            own, sources[name] = by_prodigal([corpus.piece(p) for p in pieces])
            found |= dict(zip(pieces, own, strict=True))
            continue
        fasta = data / "genomes" / "yeast" / f"{name}.fa.gz"
        gff = annotations.get(name, fasta.with_name(f"{name}.gff3.gz"))
        if name in annotations or gff.is_file():
            found |= {p: own for p, own in by_annotation(fasta, gff, {p: corpus.piece(p) for p in pieces}).items() if own is not None}
            sources[name] = gff.name
        logger.info("labels: %s, %s", name, sources.get(name, "no annotation"))
    return Labels.of(corpus, found, sources)


def _yeasts(corpus: Corpus) -> list[str]:
    own = np.unique(corpus.genome[(corpus.domain == DOMAINS.index("yeast")) & ~corpus.held_out])
    return [corpus.names["genomes"][number] for number in own]


def by_prodigal(pieces: list[Codes]) -> tuple[list[list[Stretch]], str]:
    """Stretches of each piece of one genome, and which Prodigal found them."""
    import pyrodigal

    letters = [decode(codes) for codes in pieces]
    trained = sum(map(len, letters)) >= TRAINS_ON
    finder = pyrodigal.GeneFinder(meta=not trained)
    if trained:
        finder.train(*(text.encode("ascii") for text in letters))
    found = [[s for one in finder.find_genes(text.encode("ascii")) for s in stretches(one, text)] for text in letters]
    return found, "Prodigal, trained on the genome" if trained else "Prodigal, ready-made models"


def stretches(found: Any, letters: str) -> Iterator[Stretch]:
    """Of one gene as pyrodigal gives it, found in ``letters``: its frame, its start codon and the letters of its ribosome binding site."""
    low, high, strand = found.begin - 1, found.end, int(found.strand)
    if (high - low) % 3:
        return
    begins = not (found.partial_begin if strand > 0 else found.partial_end)
    yield from gene([(low, high)], strand, start=begins)
    if begins and found.rbs_motif and found.rbs_spacer:
        upstream = letters[max(0, low - 30) : low] if strand > 0 else decode(reverse_complement(encode(letters[high : high + 30])))
        place = binding_site(upstream, found.rbs_motif, found.rbs_spacer)
        if place is not None:
            far, near = place
            yield Stretch(*((low - far, low - near) if strand > 0 else (high + near, high + far)), strand, RBS)


def binding_site(upstream: str, motif: str, spacer: str) -> tuple[int, int] | None:
    """How far before the start codon the motif begins and ends, with as many bases between as Prodigal says; the longest and nearest; None where the
    letters are not there. ``motif`` and ``spacer`` as Prodigal names them, such as GGA/GAG/AGG and 5-10bp.
    """
    bounds = [int(number) for number in re.findall(r"\d+", spacer)]
    words = [word for name in motif.split("/") for word in _MISMATCHES.get(name, name).split("/")]
    places = []
    for word in words:
        pattern = re.compile(f"(?={word.replace('x', '.')})")
        for match in pattern.finditer(upstream):
            near = len(upstream) - match.start() - len(word)
            if bounds[0] <= near <= bounds[-1]:
                places.append((-len(word), near))
    if not places:
        return None
    length, near = min(places)
    return near - length, near


def by_annotation(fasta: Path, gff: Path, pieces: dict[int, Codes]) -> dict[int, list[Stretch] | None]:
    """Stretches of each piece, which is looked up in the contigs by its letters; None where its contig has no row in the annotation."""
    contigs = dict(read_fasta(fasta))
    genes = annotated_genes(gff)
    if not set(genes) & set(contigs):
        raise FileFormatError(
            f"{gff.name} annotates none of the contigs of {fasta.name} ({', '.join(list(contigs)[:5])}); use its own annotation"
        )
    found: dict[int, list[Stretch] | None] = {}
    for piece, codes in pieces.items():
        name, offset = _placed(codes, contigs)
        own = [s for blocks, strand in genes.get(name, ()) for s in spliced_gene(contigs[name], blocks, strand)]
        cut = [s.within(offset, offset + codes.size) for s in own]
        found[piece] = [s for s in cut if s is not None] if name in genes else None
    return found


def _placed(codes: Codes, contigs: dict[str, Codes]) -> tuple[str, int]:
    for name, whole in contigs.items():
        place = whole.tobytes().find(codes.tobytes())
        if place >= 0:
            return name, place
    raise FileFormatError("the corpus holds a stretch of yeast that is not in the genomes; pack the corpus anew from the same --data")


def annotated_genes(gff: Path) -> dict[str, list[tuple[list[tuple[int, int]], int]]]:
    """Coding blocks and strand of every gene by contig; dubious reading frames and pseudogenes are left out.

    Contigs go by their own name and, where a row says so (RefSeq), by the chromosome's.
    """
    genes: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    others: dict[str, str] = {}
    for contig, kind, low, high, strand, tags in gff_rows(gff):
        if kind == "region" and "chromosome" in tags:
            others[contig] = tags["chromosome"]
        elif kind == "CDS" and tags.get("orf_classification") != "Dubious" and tags.get("pseudo") != "true":
            genes.setdefault((contig, tags.get("Parent", tags.get("ID", f"{low}")), strand), []).append((low, high))
    found: dict[str, list[tuple[list[tuple[int, int]], int]]] = {}
    for (contig, _, strand), blocks in genes.items():
        found.setdefault(others.get(contig, contig), []).append((sorted(blocks), strand))
    return found


def spliced_gene(codes: Codes, blocks: list[tuple[int, int]], strand: int) -> list[Stretch]:
    """Stretches of a gene in a contig's letters: frames, the start codon where one is there, the first and last two bases of introns that begin
    with GT or GC and end with AG.
    """

    def read(low: int, high: int) -> str:
        part = codes[low:high]
        return decode(part if strand > 0 else reverse_complement(part))

    ordered = blocks if strand > 0 else blocks[::-1]
    begins = "".join(read(low, high) for low, high in ordered)[:3] == "ATG"
    found = gene(blocks, strand, start=begins)
    for (_, low), (high, _) in itertools.pairwise(blocks):
        left, right = (low, low + 2), (high - 2, high)
        donor, acceptor = (left, right) if strand > 0 else (right, left)
        if high - low >= SHORTEST_INTRON and read(*donor) in DONORS and read(*acceptor) in ACCEPTORS:
            found += [Stretch(*donor, strand, DONOR), Stretch(*acceptor, strand, ACCEPTOR)]
    return found
