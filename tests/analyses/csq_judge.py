"""bcftools csq as a judge: random variants at gene ends, junctions and elsewhere, its answers, and what is known to differ and why.

Its GFF3 dialect is written from the annotation's own lines, not from what the product reads, and its most severe term is taken by the
product's order. The known differences, with who is right:

- ``gap``: csq takes every gap between coding parts for an intron, one base of a programmed frameshift too. We are right.
- ``start``: csq knows ATG only; starts of the table (GTG, TTG) are starts. It looks for the start codon in the first coding part only and
  misses one that an intron splits; it takes an insertion right behind ATG for the loss of it. We are right.
- ``elsewhere``: an indel in a repeat is judged where the record writes it; we look at both ends of the repeat. A stop codon, start codon or
  splice site that stands there unchanged is unchanged: the letters are the same. We are right.
- ``over an end``: for a deletion that goes beyond the coding sequence csq gives ``coding_sequence_variant`` or counts the bases outside into
  the frame (its source says that such deletions are not checked). We are right.
- ``boundary``: an insertion right between an exon and an intron is a change of the splice site to csq, of the exon to us, since GT or AG
  still follow. Neither can be shown.
- ``window``: csq looks at the window around an indel: it sees stops that the whole protein does not have, misses some that it has, and
  calls a stop codon that is made again a frameshift or an insertion. We are right.
"""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from engine.core.alleles import placements
from engine.core.consequences import RANKS
from engine.core.variants import Variant
from tests.analyses.gene_models import mirrored

_FROM_THE_PROTEIN = ("stop_gained", "stop_lost", "stop_retained_variant", "inframe_deletion", "inframe_insertion", "frameshift_variant")
_TERMS = {
    "missense": "missense_variant",
    "synonymous": "synonymous_variant",
    "frameshift": "frameshift_variant",
    "intron": "intron_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "splice_region": "splice_region_variant",
    "splice_acceptor": "splice_acceptor_variant",
    "splice_donor": "splice_donor_variant",
    "stop_retained": "stop_retained_variant",
    "start_retained": "start_retained_variant",
    "coding_sequence": "coding_sequence_variant",
    "non_coding": "non_coding_transcript_exon_variant",
}


@dataclass(frozen=True)
class Coding:
    """A coding sequence: its parts (0-based half-open) and phases in ascending order, and its exons."""

    name: str
    contig: str
    strand: str
    parts: tuple[tuple[int, int, str], ...]
    exons: tuple[tuple[int, int], ...] = ()

    @property
    def gaps(self) -> list[int]:
        return [right[0] - left[1] for left, right in pairwise(self.parts)]

    def letters(self, contig: str) -> str:
        joined = "".join(contig[start:end] for start, end, _ in self.parts)
        return joined if self.strand == "+" else mirrored(joined)


def read_fasta(path: Path) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            if line.startswith(">"):
                here = found.setdefault(line[1:].split()[0], [])
            else:
                here.append(line.strip().upper())
    return {name: "".join(parts) for name, parts in found.items()}


def coding_of(path: Path, key: str) -> list[Coding]:
    """Coding sequences of a GFF3 by the attribute that names them, without pseudogenes; read by other means than the product's."""
    found: dict[str, list[list[str]]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 9 and fields[2] == "CDS" and "pseudo=true" not in fields[8]:
                name = re.search(rf"(?:^|;){key}=([^;]*)", fields[8])
                if name is not None:
                    found.setdefault(unquote(name[1]), []).append(fields)
    made = []
    for name, rows in found.items():
        parts = tuple(sorted((int(row[3]) - 1, int(row[4]), row[7]) for row in rows))
        made.append(Coding(name, rows[0][0], rows[0][6], parts))
    return made


def write_dialect(genes: Iterable[Coding], path: Path) -> None:
    """The GFF3 that csq reads: identifiers with prefixes, biotypes, exons."""
    lines = ["##gff-version 3"]
    for number, gene in enumerate(genes):
        exons = gene.exons or tuple(part[:2] for part in gene.parts)

        def row(kind: str, start: int, end: int, phase: str, said: str, gene: Coding = gene) -> str:
            return f"{gene.contig}\tx\t{kind}\t{start + 1}\t{end}\t.\t{gene.strand}\t{phase}\t{said}"

        whole = (min(start for start, _ in exons), max(end for _, end in exons))
        first, last = gene.parts[0][0], gene.parts[-1][1]
        five, three = ("five_prime_UTR", "three_prime_UTR") if gene.strand == "+" else ("three_prime_UTR", "five_prime_UTR")
        lines.append(row("gene", *whole, ".", f"ID=gene:g{number};biotype=protein_coding;Name=g{number}"))
        lines.append(row("mRNA", *whole, ".", f"ID=transcript:t{number};Parent=gene:g{number};biotype=protein_coding"))
        lines += [row("exon", start, end, ".", f"Parent=transcript:t{number}") for start, end in exons]
        lines += [row(five, start, min(end, first), ".", f"Parent=transcript:t{number}") for start, end in exons if start < first]
        lines += [row("CDS", start, end, phase, f"Parent=transcript:t{number}") for start, end, phase in gene.parts]
        lines += [row(three, max(start, last), end, ".", f"Parent=transcript:t{number}") for start, end in exons if end > last]
    path.write_text("\n".join(lines) + "\n")


def random_variants(contigs: Mapping[str, str], genes: list[Coding], rng: random.Random, counts: Mapping[str, int]) -> list[Variant]:
    """Variants named by their kind; a third at the ends of coding sequences, every seventh at a junction, the others in coding parts."""
    junctions = [(gene.contig, edge) for gene in genes for left, right in pairwise(gene.parts) for edge in (left[1], right[0])]
    found: list[Variant] = []
    for kind, count in counts.items():
        missing = count
        while missing:
            gene = rng.choice(genes)
            contig, place, draw = gene.contig, 0, rng.random()
            if draw < 0.35:
                place = rng.choice((gene.parts[0][0], gene.parts[-1][1] - 1)) + rng.randint(-6, 6)
            elif draw < 0.5 and junctions:
                contig, place = rng.choice(junctions)
                place += rng.randint(-11, 11)
            else:
                start, end, _ = rng.choice(gene.parts)
                place = rng.randint(start - 5, end + 3)
            alleles = _alleles(kind, contigs[contig], place, rng) if 20 < place < len(contigs[contig]) - 40 else None
            if alleles is not None and set("".join(alleles)) <= set("ACGT"):
                found.append(Variant(contig, place + 1, *alleles, identifier=kind))
                missing -= 1
    return found


def _alleles(kind: str, letters: str, place: int, rng: random.Random) -> tuple[str, str]:
    def other(base: str) -> str:
        return rng.choice([letter for letter in "ACGT" if letter != base])

    if kind == "SNV":
        return letters[place], other(letters[place])
    if kind == "MNV":
        old = letters[place : place + rng.randint(2, 4)]
        return old, other(old[0]) + "".join(rng.choices("ACGT", k=len(old) - 2)) + other(old[-1])
    size = rng.choice((1, 1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 6, 9, 12))
    if rng.random() < 0.5:
        return letters[place : place + size + 1], letters[place]
    return letters[place], letters[place] + "".join(rng.choices("ACGT", k=size))


def judged(contigs: Mapping[str, str], genes: list[Coding], variants: list[Variant], table: int, folder: Path) -> dict[int, str]:
    """csq's most severe term by the number of the variant; empty for none, missing for a record on which it stops."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "r.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in contigs.items()))
    (folder / "r.fa.fai").unlink(missing_ok=True)
    write_dialect(genes, folder / "genes.gff3")
    order = sorted(range(len(variants)), key=lambda number: (variants[number].contig, variants[number].position))
    answers: dict[int, str] = {}
    waiting = [order[first : first + 2000] for first in range(0, len(order), 2000)]
    while waiting:
        numbers = waiting.pop()
        found = _asked(contigs, variants, numbers, table, folder)
        if found is not None:
            answers |= found
        elif len(numbers) > 1:
            waiting += [numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]]
    return answers


def _asked(contigs: Mapping[str, str], variants: list[Variant], numbers: list[int], table: int, folder: Path) -> dict[int, str] | None:
    head = ["##fileformat=VCFv4.2", *(f"##contig=<ID={name},length={len(text)}>" for name, text in contigs.items())]
    rows = [(variants[number], number) for number in numbers]
    lines = [f"{v.contig}\t{v.position}\t{number}\t{v.reference}\t{v.alternate}\t.\t.\t." for v, number in rows]
    (folder / "in.vcf").write_text("\n".join([*head, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", *lines]) + "\n")
    names = [str(folder / name) for name in ("r.fa", "genes.gff3", "out.vcf", "in.vcf")]
    code = "import sys; from pysam import bcftools; f, g, o, v = sys.argv[1:5]; more = ['-C', sys.argv[5]] if sys.argv[5] != '1' else []\n"
    code += "bcftools.csq('-f', f, '-g', g, '--local-csq', '--ncsq', '64', '-o', o, *more, v, catch_stdout=False)"
    done = subprocess.run([sys.executable, "-c", code, *names, str(table)], capture_output=True, check=False)
    if done.returncode:
        return None
    found = {}
    for line in (folder / "out.vcf").read_text().splitlines():
        if not line.startswith("#"):
            fields = line.split("\t")
            match = re.search(r"BCSQ=([^;]+)", fields[7])
            found[int(fields[2])] = _worst(match[1] if match else "")
    return found


def _worst(text: str) -> str:
    entries = (entry.partition("|")[0].lstrip("*") for entry in text.split(",") if entry and not entry.startswith("@"))
    terms = {_TERMS.get(term, term) for entry in entries for term in entry.split("&")}
    return min((term for term in terms if term in RANKS), key=RANKS.__getitem__, default="")


def named_difference(variant: Variant, genes: Iterable[Coding], contigs: Mapping[str, str], ours: str) -> str:
    """Which of the known differences it is; empty for none. Whether we are right is for the whole translation to say."""
    change, letters = variant.change, contigs[variant.contig]
    assert change is not None
    left, right = placements(change, lambda start, end: letters[max(0, start) : end])
    names = set()
    for gene in genes:
        first, last = gene.parts[0][0], gene.parts[-1][1]
        if gene.contig != variant.contig or left.start > last + 12 or right.end < first - 12:
            continue
        gaps = zip(gene.gaps, gene.parts, strict=False)
        if any(gap < 13 and part[1] - 12 <= right.end and left.start <= part[1] + 13 for gap, part in gaps):
            names.add("gap")
        if any(edge in (left.start, right.start) for a, b in pairwise(gene.parts) for edge in (a[1], b[0])) and left.start == left.end:
            names.add("boundary")
        opening = gene.parts[0] if gene.strand == "+" else gene.parts[-1]
        start, behind = (first, first + 3) if gene.strand == "+" else (last - 3, last)
        if opening[1] - opening[0] < 3 or (left.start <= behind and start <= right.end):
            names.add("start")
        if any(end.start < edge < end.end for edge in (first, last) for end in (left, right, change)):
            names.add("over an end")
    names |= {"elsewhere"} if left != right else set()
    names |= {"window"} if change.is_indel and ours in _FROM_THE_PROTEIN else set()
    return next((name for name in ("gap", "boundary", "start", "over an end", "elsewhere", "window") if name in names), "")
