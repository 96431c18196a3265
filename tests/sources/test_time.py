"""Nothing that is read takes time like its square: four times as much takes four times the processor time, not sixteen times."""

from __future__ import annotations

import gc
import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.core.errors import LocuscopeError
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.core.typography import folded
from engine.sources.annotation import gff3_attributes, gtf_attributes
from engine.sources.door import Bounds, TextLines, lines_of, read_json
from engine.sources.fasta import parse_fasta
from engine.sources.genbank import parse_flat_file
from engine.sources.genetic_codes import given_codes
from engine.sources.kinds import EMBL
from engine.sources.letters import sequence_from
from engine.sources.locus_text import plain_line
from engine.sources.records import read_file
from engine.sources.structures import parse_structure, reactivities
from engine.sources.transcripts import transcripts_of
from engine.sources.understand import read_features
from engine.sources.vcf import read_vcf
from pages._ui import address
from pages._ui.text import plain

FLOOR_SECONDS = 0.02
"""Shorter times are noise: the size grows until the small one takes as long, or is `MOST_CHARACTERS` long."""

MOST_CHARACTERS = 1_000_000
MOST_TIMES = 8
"""In the middle between four times, and what a square would take."""

WIDE = replace(Bounds(), text_bytes=1 << 40, lines=1 << 40, records=1 << 40, features=1 << 40, alleles=1 << 40, alleles_of_record=1 << 40)
SETTINGS = Settings(max_upload_bytes=1 << 40, offline=True)
ON = NucleotideSequence("ACGT" * 100, name="c")
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
GENBANK_START = "LOCUS       X 60 bp DNA linear BCT 01-JAN-2020\nFEATURES             Location/Qualifiers\n"
GENBANK_END = "ORIGIN\n        1 acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac\n//\n"
GFF_LINE = "c\tx\tgene\t5\t9\t.\t+\t.\t"


def consume(data: bytes) -> int:
    with TextLines("x", data, WIDE, "text") as lines:
        return sum(len(line) for line in lines)


def features(name: str, text: str) -> Any:
    return read_features(name, text.encode(), ON, SETTINGS)


READERS: dict[str, tuple[Callable[[int], Any], Callable[[Any], Any]]] = {
    "empty gzip members": (lambda n: gzip.compress(b"A\n", mtime=0) + gzip.compress(b"", mtime=0) * n, consume),
    "small gzip members": (lambda n: gzip.compress(b"ACGT\n" * 30, mtime=0) * n, consume),
    "lines": (lambda n: b"abc\n" * n, consume),
    "carriage returns": (lambda n: b"abc\r" * n, consume),
    "one long line": (lambda n: b"a" * n, consume),
    "latin-1 lines": (lambda n: b"\xfc\n" * n, consume),
    "utf-16": (lambda n: ("ü\n" * n).encode("utf-16"), consume),
    "typography": (lambda n: "–\u2009“" * n, folded),
    "letters with numbers": (lambda n: "acgtacgtac 61 " * n, sequence_from),
    "letters with one long number": (lambda n: "acgt " + "1" * n + "x", sequence_from),
    "letters with slashes": (lambda n: "//" * n, sequence_from),
    "letters behind a label": (lambda n: "x" * n + ": ACGT", sequence_from),
    "FASTA records": (lambda n: ">a b c\nACGT\n" * n, lambda text: parse_fasta(lines_of(text))),
    "FASTA lines": (lambda n: ">a\n" + "ACGT\n" * n, lambda text: parse_fasta(lines_of(text))),
    "FASTA header": (lambda n: ">" + "a" * n + "\nACGT\n", lambda text: parse_fasta(lines_of(text))),
    "FASTA header words": (lambda n: ">" + "a " * n + "\nACGT\n", lambda text: parse_fasta(lines_of(text))),
    "FASTA structures": (lambda n: ">a\nACGT\n" + "(((...)))" * n + "\n", lambda text: parse_fasta(lines_of(text))),
    "FASTA records that cannot be read": (lambda n: ">ok\nACGT\n" + ">a\n!\n" * n, lambda text: parse_fasta(lines_of(text))),
    "GenBank records": (lambda n: (GENBANK_START + GENBANK_END) * n, lambda text: parse_flat_file(lines_of(text))),
    "GenBank features": (
        lambda n: GENBANK_START + '     gene            1..9\n                     /gene="a"\n' * n + GENBANK_END,
        lambda text: parse_flat_file(lines_of(text)),
    ),
    "GenBank qualifier": (
        lambda n: (
            GENBANK_START
            + '     gene            1..9\n                     /note="'
            + ("x" * 50 + "\n                     ") * n
            + '"\n'
            + GENBANK_END
        ),
        lambda text: parse_flat_file(lines_of(text)),
    ),
    "GenBank location": (
        lambda n: GENBANK_START + "     gene            join(" + ",\n                     ".join(["1..2"] * n) + ")\n" + GENBANK_END,
        lambda text: parse_flat_file(lines_of(text)),
    ),
    "GenBank nested location": (
        lambda n: GENBANK_START + "     gene            " + "complement(" * n + "1..2" + ")" * n + "\n" + GENBANK_END,
        lambda text: parse_flat_file(lines_of(text)),
    ),
    "GenBank header": (lambda n: "LOCUS       " + "X " * n + "60 bp DNA\n" + GENBANK_END, lambda text: parse_flat_file(lines_of(text))),
    "GenBank references": (
        lambda n: GENBANK_START.replace("FEATURES", "REFERENCE   1\n  AUTHORS   x\n" * n + "FEATURES") + GENBANK_END,
        lambda text: parse_flat_file(lines_of(text)),
    ),
    "EMBL features": (
        lambda n: (
            "ID   X1; SV 1; linear; genomic DNA; STD; PRO; 8 BP.\nFH   Key\n"
            + "FT   gene            1..5\n" * n
            + "SQ   Sequence 8 BP;\n     acgtacgt 8\n//\n"
        ),
        lambda text: parse_flat_file(lines_of(text), kind=EMBL),
    ),
    "GFF3 lines": (lambda n: f"{GFF_LINE}ID=a;Name=b\n" * n, lambda text: features("a.gff3", text)),
    "GFF3 attributes": (lambda n: "a=b%20c;" * n, gff3_attributes),
    "GFF3 one escaped value": (lambda n: "a=" + "%41" * n, gff3_attributes),
    "GTF lines": (lambda n: f'{GFF_LINE}gene_id "a"; note "b; c";\n' * n, lambda text: features("a.gtf", text)),
    "GTF one long word": (lambda n: 'gene_id "a"; ' + "w" * n, gtf_attributes),
    "GTF attributes": (lambda n: 'key "v"; other 5; ' * n, gtf_attributes),
    "GTF quotation marks": (lambda n: '"' * n, gtf_attributes),
    "GTF escaped quotation marks": (lambda n: 'key "' + '\\"' * n, gtf_attributes),
    "GTF backslashes": (lambda n: 'key "' + "\\" * n + '"', gtf_attributes),
    "BED lines": (lambda n: "c\t1\t5\tx\n" * n, lambda text: features("a.bed", text)),
    "BED lines that cannot be read": (lambda n: "c\t1\t5\n" + "c\tx\ty\n" * n, lambda text: features("a.bed", text)),
    "BED contigs": (lambda n: "c\t1\t5\n" + "".join(f"d{i}\t1\t5\n" for i in range(n)), lambda text: features("a.bed", text)),
    "VCF records": (lambda n: HEADER + "c\t5\t.\tA\tG\t.\t.\t.\n" * n, lambda text: read_vcf(text.encode(), "a", WIDE)),
    "VCF alternates": (
        lambda n: HEADER + "c\t5\t.\tA\t" + ",".join(["G"] * n) + "\t.\t.\t.\n",
        lambda text: read_vcf(text.encode(), "a", WIDE),
    ),
    "VCF information": (lambda n: HEADER + "c\t5\t.\tA\tG\t.\t.\t" + "X=1;" * n + "\n", lambda text: read_vcf(text.encode(), "a", WIDE)),
    "VCF positions": (
        lambda n: HEADER + "c\t5\t.\tA\tG\t.\t.\t.\nc\t" + "1" * n + "\t.\tA\tG\t.\t.\t.\n",
        lambda text: read_vcf(text.encode(), "a", WIDE),
    ),
    "VCF headers": (lambda n: "##x=y\n" * n + HEADER + "c\t5\t.\tA\tG\t.\t.\t.\n", lambda text: read_vcf(text.encode(), "a", WIDE)),
    "gene models of GFF3": (
        lambda n: "".join(f"c\tx\tmRNA\t5\t9\t.\t+\t.\tID=t{i}\nc\tx\tCDS\t5\t9\t.\t+\t0\tParent=t{i}\n" for i in range(n)),
        lambda text: transcripts_of(text.splitlines),
    ),
    "gene models of GTF": (
        lambda n: "".join(f'c\tx\texon\t5\t9\t.\t+\t.\tgene_id "g"; transcript_id "t{i}";\n' for i in range(n)),
        lambda text: transcripts_of(text.splitlines),
    ),
    "exons of one gene model": (
        lambda n: "".join(f'c\tx\texon\t{9 * i + 1}\t{9 * i + 5}\t.\t+\t.\tgene_id "g"; transcript_id "t";\n' for i in range(n)),
        lambda text: transcripts_of(text.splitlines),
    ),
    "gene models one inside the other": (
        lambda n: (
            "".join(f"c\tx\tmRNA\t5\t9\t.\t+\t.\tID=t{i};Parent=t{i + 1}\n" for i in range(n)) + "c\tx\tCDS\t5\t9\t.\t+\t0\tParent=t0\n"
        ),
        lambda text: transcripts_of(text.splitlines),
    ),
    "dot-bracket": (lambda n: "(" * n + ")" * n, parse_structure),
    "dot-bracket of many kinds": (lambda n: "([{<" * n + ")]}>" * n, parse_structure),
    "BPSEQ": (lambda n: "".join(f"{i} A 0\n" for i in range(1, n + 1)), parse_structure),
    "CT": (lambda n: f"{n} a\n" + "".join(f"{i} A {i - 1} {i + 1} 0 {i}\n" for i in range(1, n + 1)), parse_structure),
    "reactivities": (lambda n: "".join(f"{i} 0.5\n" for i in range(1, n + 1)), lambda text: reactivities(text, 1 << 24)),
    "genetic codes": (lambda n: "chrM=3," * n, lambda text: given_codes([text])),
    "an address": (lambda n: "ACGT " * n, lambda text: address.parse({"sequence": text, "select": text, "hide": text, "window": text})),
    "JSON lists": (lambda n: "[" + "1," * n + "1]", lambda text: read_json(text, "x")),
    "JSON depth": (lambda n: "[" * n, lambda text: read_json(text, "x")),
    "a line of the box": (lambda n: "“chr1:1,234–" * n, plain_line),
    "Markdown": (lambda n: "[a](http://b) <-* " * n, plain),
    "an upload": (lambda n: gzip.compress((">a\n" + "ACGT\n" * n).encode(), mtime=0), lambda data: read_file("a.fa.gz", data, WIDE)),
}


def seconds(read: Callable[[Any], Any], given: Any) -> float:
    gc.disable()
    began = time.thread_time()  # not of what other tests left running
    try:
        read(given)
    except LocuscopeError:
        pass
    finally:
        took = time.thread_time() - began
        gc.enable()
    return took


@pytest.mark.parametrize("name", READERS)
def test_four_times_as_much_takes_eight_times_as_long_at_most(name: str) -> None:
    make, read = READERS[name]
    seconds(read, make(1))  # imports are no reading
    size = 500
    while len(make(size)) < MOST_CHARACTERS and seconds(read, make(size)) < FLOOR_SECONDS:
        size *= 3
    small, large = make(size), make(4 * size)
    told = ""
    for _ in range(5):  # a busy machine makes one measurement in some wrong
        first, fourth = seconds(read, small), seconds(read, large)
        told = f"{name}: {first:.3f} s for {size:,}, {fourth:.3f} s for {4 * size:,}"
        if fourth <= MOST_TIMES * max(first, FLOOR_SECONDS):
            return
    pytest.fail(told)
