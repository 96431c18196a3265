"""A list of variants as people write them (any spelling of the box, one a line) as a VCF of a reference; every line is accounted for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.alleles import as_vcf, trimmed
from engine.core.errors import FileFormatError, LocuscopeError, LocusError
from engine.core.quoting import quoted
from engine.core.variants import Variant
from engine.service.triage import ReferenceLetters
from engine.sources.assemblies import canonical
from engine.sources.box_text import read_line
from engine.sources.coding_positions import TranscriptPlace, variant_of
from engine.sources.door import Bounds, lines_of
from engine.sources.locus_text import plain_line
from engine.sources.variant_text import CodingText, VariantText, alleles_apart

HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
_UNSAID = "is a file of which nobody said that it is that; say which public assembly it is (--assembly, on the page My FASTA is), or leave the name out of the line"
_ID = str.maketrans(dict.fromkeys(" \t;,", "_"))


@dataclass(frozen=True)
class VariantList:
    """The variants of a list, and the same as a VCF (UTF-8) whose records stand in the same order."""

    variants: tuple[Variant, ...]
    vcf: bytes


def read_variant_list(text: str, reference: ReferenceLetters, bounds: Bounds) -> VariantList:
    """Read one variant a line, several of a row of a VCF with several alternates; empty lines and lines that begin with ``#`` are passed over.

    A line that cannot be read, or names another assembly, becomes a variant whose ``problem`` says why.

    Raises
    ------
    FileFormatError
        No line at all, no line that can be used, or too many.
    """
    found: list[Variant] = []
    for number, line in _lines(text):
        if len(found) >= bounds.alleles:
            raise FileFormatError(f"The list has more than {bounds.alleles:,} variants; split it.")
        try:
            found.append(_variant(line, reference, len(found)))
        except LocuscopeError as error:
            problem = f"Line {number:,} of the list: {error}"
            found.append(Variant(".", 0, "N", ".", _identifier(line), len(found), problem=problem))
    if not found:
        raise FileFormatError("The list is empty; write one variant a line, such as chr17:43094464 A>G.")
    if all(one.problem for one in found):
        raise FileFormatError(f"Not one line of the list can be used. {found[0].problem}")
    rows = "".join(f"{one.contig}\t{one.position}\t{one.identifier}\t{one.reference}\t{one.alternate}\t.\t.\t.\n" for one in found)
    return VariantList(tuple(found), (HEADER + rows).encode())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines_of(text), start=1):
        plain = plain_line(line)
        if plain and not plain.startswith("#"):
            yield from ((number, one) for one in alleles_apart(plain))


def _identifier(line: str) -> str:
    return line.translate(_ID)[:80] or "."


def _variant(line: str, reference: ReferenceLetters, record: int) -> Variant:
    asked = read_line(line, reference.genomes.knows)
    if isinstance(asked, CodingText):
        asked = _on_contig(asked, reference)
    if not isinstance(asked, VariantText):
        raise LocusError(f"{quoted(line, 40)} is no variant; write such as chr17:43094464 A>G or chrI:g.20_22del.")
    named = asked.locus.assembly
    is_called = reference.genomes.public_name(reference.assembly)
    if named and reference.assembly in reference.genomes.names() and canonical(named) != canonical(is_called):
        told = f"is {is_called}; choose that assembly" if is_called != reference.assembly or not reference.genomes.given else _UNSAID
        raise LocusError(f"{quoted(line, 40)} names {named}, the reference {told}.")
    contig, start, change = asked.locus.contig, (asked.locus.position or 1) - 1, asked.change
    there = reference.letters(contig, start, asked.last) if asked.last > start else ""
    given = change.reference or there
    if given != there:  # the triage says that it does not fit
        return Variant(contig, start + 1, given, change.alternate or ".", _identifier(line), record)
    what = trimmed(start, there, change.applied(there))
    if not what.reference and not what.alternate:
        return Variant(contig, start + 1, there or "N", there or "N", _identifier(line), record)
    position, ref, alt = as_vcf(what, lambda low, high: reference.letters(contig, low, high))
    return Variant(contig, position, ref, alt, _identifier(line), record)


def _on_contig(text: CodingText, reference: ReferenceLetters) -> VariantText:
    """A change counted along a transcript of the annotation that is registered with the reference, or came with it."""
    for name, annotation in reference.genomes.annotations(reference.assembly):
        transcripts = annotation.coding(text.name)
        if len(transcripts) > 1:
            choice = ", ".join(itertools.islice(transcripts, 6))
            raise LocusError(f"{quoted(text.name, 40)} has {len(transcripts)} transcripts; name one of them: {choice}.")
        for parts in transcripts.values():
            contig = reference.genomes.contig_of(name, parts[0].contig)
            if contig is not None:
                return variant_of(text, TranscriptPlace.of_features(parts), "", contig)
    shown = f"{quoted(str(text), 40)} counts along a transcript"
    if reference.genomes.annotation_file(reference.assembly) is None:
        raise LocusError(f"{shown}, and the reference has no annotation with it; give one, or write the place on the chromosome.")
    if why := reference.genomes.why_without_names(reference.assembly):
        raise LocusError(f"{shown}, which cannot be looked up; write the place on the chromosome. {why}")
    raise LocusError(
        f"{shown}, and the annotation has no transcript or gene {quoted(text.name, 40)} with a coding part; check the name, or write the place on "
        "the chromosome."
    )
