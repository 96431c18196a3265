"""Gene structure labels of annotated genomes: one bit an element at every base."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError
from engine.training import holdout
from engine.training.corpus import read_fasta
from engine.training.letters import Codes, encode, reverse_complement

Labels = NDArray[np.uint16]

ELEMENTS = (
    "CDS_forward",
    "CDS_reverse",
    "start_codon_forward",
    "start_codon_reverse",
    "stop_codon_forward",
    "stop_codon_reverse",
    "RBS_region_forward",
    "RBS_region_reverse",
    "tRNA",
    "rRNA",
    "ncRNA",
    "intron",
    "splice_donor",
    "splice_acceptor",
)
"""In the order of the output; the RBS region is the 20 bases upstream of a bacterial or phage start codon, donor and acceptor are the
first and last two bases of an intron, and the RNAs and introns are marked whichever strand they lie on."""

MIRROR = (1, 0, 3, 2, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13)
"""Element i of a sequence is element MIRROR[i] of its reverse complement."""

RBS_BASES = 20
_RNA = {"tRNA": "tRNA", "rRNA": "rRNA", "ncRNA": "ncRNA", "tmRNA": "ncRNA"}
_GFF_RNA = {"tRNA_gene": "tRNA", "rRNA_gene": "rRNA", "snoRNA_gene": "ncRNA", "snRNA_gene": "ncRNA", "ncRNA_gene": "ncRNA"}
_WITHOUT_NCRNA = ("Neisseria", "Streptococcus", "Yersinia", "Brucella", "Shigella", "phage")


@dataclass(frozen=True)
class Contig:
    """A contig with its labels. `known` has a bit for every element that the annotation lists at all."""

    genome: str
    name: str
    domain: str
    codes: Codes
    labels: Labels
    known: int
    held_out: bool


def bit(element: str) -> int:
    """Bit of an element."""
    return 1 << ELEMENTS.index(element)


def mirrored(labels: Labels) -> Labels:
    """Labels of the reverse complement."""
    out = np.zeros_like(labels)
    for element, other in enumerate(MIRROR):
        out |= ((labels >> element) & 1).astype(np.uint16) << other
    return out[::-1]


def mark_gene(labels: Labels, blocks: list[tuple[int, int]], strand: int, with_rbs: bool) -> None:
    """Mark one coding gene: CDS blocks (0-based half-open, ascending), its start and stop codons, and the bases upstream of the start."""
    side = "forward" if strand >= 0 else "reverse"
    coding = np.concatenate([np.arange(low, high) for low, high in blocks])
    labels[coding] |= bit(f"CDS_{side}")
    ordered = coding if strand >= 0 else coding[::-1]
    if ordered.size < 6:
        return
    labels[ordered[:3]] |= bit(f"start_codon_{side}")
    labels[ordered[-3:]] |= bit(f"stop_codon_{side}")
    if with_rbs:
        begin = int(ordered[0])
        low, high = (begin - RBS_BASES, begin) if strand >= 0 else (begin + 1, begin + 1 + RBS_BASES)
        labels[max(0, low) : max(0, high)] |= bit(f"RBS_region_{side}")


def mark_intron(labels: Labels, low: int, high: int, strand: int, spliceosomal: bool) -> None:
    """Mark an intron and, where the spliceosome cuts it (not in tRNA genes), its splice sites."""
    labels[low:high] |= bit("intron")
    if not spliceosomal:
        return
    first, last = slice(low, low + 2), slice(high - 2, high)
    donor, acceptor = (first, last) if strand >= 0 else (last, first)
    labels[donor] |= bit("splice_donor")
    labels[acceptor] |= bit("splice_acceptor")


def _known(genome: str) -> int:
    every = (1 << len(ELEMENTS)) - 1
    return every & ~bit("ncRNA") if genome.startswith(_WITHOUT_NCRNA) else every


def read_genbank(path: Path, genome: str, domain: str, held_out: bool) -> Iterator[Contig]:
    """Contigs of a gzipped GenBank file of a bacterium or phage."""
    from Bio import SeqIO

    with gzip.open(path, "rt") as handle:
        for record in SeqIO.parse(handle, "genbank"):
            codes = encode(str(record.seq))
            labels = np.zeros(codes.size, dtype=np.uint16)
            for feature in record.features:
                if feature.type == "CDS" and "pseudo" not in feature.qualifiers:
                    blocks = sorted((int(part.start), int(part.end)) for part in feature.location.parts)
                    mark_gene(labels, blocks, feature.location.strand or 1, with_rbs=True)
                elif feature.type in _RNA:
                    labels[int(feature.location.start) : int(feature.location.end)] |= bit(_RNA[feature.type])
            yield Contig(genome, str(record.id), domain, codes, labels, _known(genome), held_out)


def gff_rows(path: Path) -> Iterator[tuple[str, str, int, int, int, dict[str, str]]]:
    """Contig, kind, 0-based half-open bounds, strand and attributes of every row of a gzipped GFF3 file."""
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("##FASTA"):
                return
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 9:
                pairs = (item.split("=", 1) for item in fields[8].split(";") if "=" in item)
                tags = {key: unquote(value) for key, value in pairs}
                yield fields[0], fields[2], int(fields[3]) - 1, int(fields[4]), -1 if fields[6] == "-" else 1, tags


def read_yeast(fasta: Path, gff: Path) -> Iterator[Contig]:
    """Nuclear chromosomes of S. cerevisiae with SGD's annotation; dubious open reading frames are not labelled."""
    contigs = {name: codes for name, codes in read_fasta(fasta) if "m" not in name.lower().removeprefix("chr")}
    if not contigs:
        raise FileFormatError(f"{fasta.name} has no nuclear chromosome; it should be S288C with names chrI to chrXVI")
    labels = {name: np.zeros(codes.size, dtype=np.uint16) for name, codes in contigs.items()}
    genes: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    for contig, kind, low, high, strand, tags in gff_rows(gff):
        if contig not in labels:
            continue
        if kind == "CDS" and tags.get("orf_classification") != "Dubious":
            genes.setdefault((contig, tags.get("Parent", f"{low}"), strand), []).append((low, high))
        elif kind in ("intron", "five_prime_UTR_intron"):
            mark_intron(labels[contig], low, high, strand, "mRNA" in tags.get("Parent", "mRNA"))
        elif kind in _GFF_RNA:
            labels[contig][low:high] |= bit(_GFF_RNA[kind])
    for (contig, _, strand), blocks in genes.items():
        mark_gene(labels[contig], sorted(blocks), strand, with_rbs=False)
    for name, codes in contigs.items():
        yield Contig("S_cerevisiae_S288C", name, "yeast", codes, labels[name], _known("yeast"), name in holdout.YEAST_CHROMOSOMES)


TRAINING = {
    "E_coli_K12_MG1655": "E_coli_K12_MG1655.gbff.gz",
    "Streptococcus_pyogenes_M1_GAS": "Streptococcus_pyogenes_M1_GAS.gb.gz",
    "Yersinia_pestis_KIM": "Yersinia_pestis_KIM.gb.gz",
    "Brucella_melitensis_16M": "Brucella_melitensis_16M.gb.gz",
    "Paracoccus_sp._SCN_68-21": "Paracoccus_sp._SCN_68-21.gb.gz",
}
HELD_OUT = {
    "Neisseria_meningitidis_MC58": ("Neisseria_meningitidis_MC58.gb.gz", "bacteria"),
    "phage_lambda": ("phage_lambda_NC_001416.gbk.gz", "phage"),
    "phage_T7": ("phage_T7_NC_001604.gb.gz", "phage"),
}


def annotated_contigs(data: Path, held_out: bool) -> list[Contig]:
    """Every labelled contig of the training part or of the held-out part of `data`."""
    folder = data / "genomes"
    out: list[Contig] = []
    if held_out:
        for genome, (name, domain) in HELD_OUT.items():
            out += read_genbank(folder / "annotated" / name, genome, domain, held_out=True)
    else:
        for genome, name in TRAINING.items():
            out += read_genbank(folder / "annotated" / name, genome, "bacteria", held_out=False)
    yeast = read_yeast(folder / "yeast" / "S_cerevisiae_S288C_R64.fa.gz", folder / "yeast" / "S_cerevisiae_S288C_R64.gff3.gz")
    return out + [contig for contig in yeast if contig.held_out == held_out]


def flipped(contig: Contig) -> Contig:
    """The contig's other strand with its labels."""
    return Contig(
        contig.genome, contig.name, contig.domain, reverse_complement(contig.codes), mirrored(contig.labels), contig.known, contig.held_out
    )
