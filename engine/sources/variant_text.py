"""Variants as biologists write them: ``chrom-pos-ref-alt`` with any usual signs between, rows of VCF, and HGVS at g., m., c. and n."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.core.errors import LocusError
from engine.core.locus import contig_in_text, is_assembly_name, is_contig_name, split_names
from engine.core.quoting import quoted
from engine.core.sequence import reversed_complement
from engine.core.typography import upper
from engine.sources.locus_text import (
    LONGEST_LINE,
    SAID_ASSEMBLY,
    KnownAssembly,
    LocusText,
    around,
    could_be_letters,
    in_table,
    is_contig,
    whole_number,
)

_BUILDS = {"b37": "GRCh37", "b38": "GRCh38", "hg19": "GRCh37", "hg38": "GRCh38", "grch37": "GRCh37", "grch38": "GRCh38"}
_BUILD = re.compile(r"[_-](?P<build>b37|b38|hg19|hg38|grch37|grch38)$", re.IGNORECASE)
_ALLELES = re.compile(
    r"(?P<before>.{1,300}?)(?:\s?[:>_/-]\s?|\s)(?P<ref>[ACGTUN]{1,200}|-)(?P<sign>\s?[:>/_-]\s?|\s)(?P<alt>[ACGTUN]{1,200}|-)$",
    re.IGNORECASE,
)
_TIGHT = re.compile(r"(?P<before>.{1,300}?\d)(?P<ref>[ACGTUN]{1,200})(?P<sign>\s?[:>/_-]\s?|\s)(?P<alt>[ACGTUN]{1,200}|-)$", re.IGNORECASE)
_PLACE = re.compile(r"(?P<head>.{1,300}?)(?P<sign>\s?[:_-]\s?|\s)(?:[gm]\.)?(?P<position>\d[\d,]{0,20})$", re.ASCII)
_SPAN = re.compile(r"(?P<contig>[^\s:]{1,255}):(?P<first>\d[\d,]{0,20})-(?P<last>\d[\d,]{0,20})", re.ASCII)
_LETTERS = re.compile(r"[ACGTUN]{1,200}", re.IGNORECASE)

_HGVS = re.compile(r"(?:(?P<reference>[^\s:]{1,300}(?::[^\s:]{1,300})?)\s?:\s?)?(?P<kind>[gmcnrp])\.(?P<change>\S.{0,300})", re.IGNORECASE)
_WITHOUT_KIND = re.compile(
    r"(?P<head>[^\s:]{1,300}(?::[^\s:]{1,300})?)\s?:\s?(?P<change>\d{1,12}(?:_\d{1,12})?\s?(?:delins|del|dup|ins|inv)\s?[ACGTUN]{0,200})",
    re.IGNORECASE | re.ASCII,
)
"""A change at positions of a chromosome as HGVS writes it, but for the g."""
_PROTEIN = re.compile(r"\s\(?p\.\(?[A-Za-z0-9*=_?]{1,60}\)?\)?$", re.ASCII)
"""What a change does to the protein, as ClinVar writes it behind the change."""
_SPACED = re.compile(r"(?P<name>[^\s:]{1,100})\s(?P<change>[cn]\.[-*\d]\S{0,300})", re.ASCII)
_GENE_IN_BRACKETS = re.compile(r"(?P<name>[^()]{1,200})\([^()]{1,100}\)")
_HGVS_POSITION = r"[-*]?\d{1,12}(?:[+-]\d{1,12})?"
_CHANGE = re.compile(
    rf"(?P<first>{_HGVS_POSITION})(?:_(?P<last>{_HGVS_POSITION}))?\s?"
    r"(?:(?P<ref>[ACGTUN]{1,200})>(?P<alt>[ACGTUN]{1,200})"
    r"|(?P<edit>delins|del|dup|ins|inv|=)(?P<letters>[ACGTUN]{0,200})(?:ins(?P<inserted>[ACGTUN]{1,200}))?)?$",
    re.IGNORECASE | re.ASCII,
)
_COUNTED = re.compile(r"(?P<region>[-*]?)(?P<base>\d{1,12})(?P<offset>[+-]\d{1,12})?", re.ASCII)


@dataclass(frozen=True)
class Change:
    """What is changed, in HGVS terms.

    Parameters
    ----------
    reference : str
        Upper-case letters that were given for what is replaced; empty when none were.
    alternate : str
        Upper-case letters in their place; for ``dup`` and ``inv`` they follow from the reference.
    edit : str
        ``sub`` (letters for letters), ``del``, ``ins``, ``dup``, ``inv``, or ``=``.
    """

    reference: str
    alternate: str
    edit: str = "sub"

    def applied(self, there: str) -> str:
        """The letters in place of ``there``, the reference's own."""
        if self.edit == "dup":
            return there + there
        if self.edit == "inv":
            return reversed_complement(there)
        return there if self.edit == "=" else self.alternate


@dataclass(frozen=True)
class VariantText:
    """A variant as written, on the forward strand.

    ``locus`` is the window around it, its ``position`` the first base that is replaced (1-based), ``last`` the last one; ``last`` is one less
    than the position where letters are put in front of it.
    """

    locus: LocusText
    last: int
    change: Change

    def __str__(self) -> str:
        """The normal form, which reads back to the same variant."""
        first, change = self.locus.position or 1, self.change
        names = contig_in_text(self.locus.contig)
        names = f"{self.locus.assembly}:{names}" if self.locus.assembly else names
        if change.edit == "sub" and change.reference:
            return f"{names}:{first:,} {change.reference}>{change.alternate or '-'}"
        place = f"{first}" if self.last == first else f"{first}_{self.last}"
        if change.edit == "ins":
            place = f"{first - 1}_{first}"
        if change.edit == "sub":
            return f"{names}:g.{place}delins{change.alternate}"
        return f"{names}:g.{place}{change.edit}{change.alternate if change.edit == 'ins' else change.reference}"


@dataclass(frozen=True)
class CodingPosition:
    """A position counted along a transcript: ``base`` from 1; ``region`` ``-`` before the start codon, ``*`` behind the stop codon, else empty;
    ``offset`` bases into the intron behind (+) or in front of (-) that base."""

    base: int
    offset: int = 0
    region: str = ""

    def __str__(self) -> str:
        """As HGVS writes it."""
        return f"{self.region}{self.base}{f'{self.offset:+d}' if self.offset else ''}"


@dataclass(frozen=True)
class CodingText:
    """A change at positions of a transcript (``kind`` c) or of its exons (n), letters on the transcript's strand."""

    assembly: str
    name: str
    kind: str
    first: CodingPosition
    last: CodingPosition
    change: Change

    def __str__(self) -> str:
        """The normal form."""
        change = self.change
        where = f"{self.first}" if self.first == self.last else f"{self.first}_{self.last}"
        what = f"{change.reference}>{change.alternate}" if change.edit == "sub" and change.reference else _edit_words(change)
        return f"{f'{self.assembly}:' if self.assembly else ''}{self.name}:{self.kind}.{where}{what}"


def _edit_words(change: Change) -> str:
    if change.edit == "sub":
        return f"delins{change.alternate}"
    return f"{change.edit}{change.alternate if change.edit == 'ins' else change.reference}"


def parse_variant_line(line: str, known: KnownAssembly = in_table) -> VariantText | CodingText | LocusText | None:
    """Read a variant out of a plain line (`engine.sources.locus_text.plain_line`); a place where HGVS names one without a change; None when
    the line is neither.

    Raises
    ------
    LocusError
        It is HGVS, but not such as can be placed.
    """
    if len(line) > LONGEST_LINE:
        return None
    return _row_of_vcf(line) or _hgvs(_usual(line, known), known) or _with_letters(line, known)


def _usual(line: str, known: KnownAssembly) -> str:
    """HGVS as `_hgvs` reads it: the protein behind it left out, an assembly in brackets put in front, and the colon or the g. that is often left out."""
    plain = _PROTEIN.sub("", line)
    said = SAID_ASSEMBLY.search(plain)
    if said is not None and ":" in plain and (name := next((text for text in (said["name"], said["other"]) if text and known(text)), "")):
        plain = f"{name}:{plain[: said.start()].rstrip()}"
    spaced = _SPACED.fullmatch(plain)
    if spaced is not None:
        return f"{spaced['name']}:{spaced['change']}"
    bare = _WITHOUT_KIND.fullmatch(plain)
    return f"{bare['head']}:g.{''.join(bare['change'].split())}" if bare is not None else plain


def _row_of_vcf(line: str) -> VariantText | None:
    """A row copied out of a VCF: contig, position, identifier, reference, alternate; of several alternates the first, which its note says."""
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 5 or not (fields[1].isascii() and fields[1].isdigit()) or not is_contig_name(fields[0]):
        return None
    if not is_contig(fields[0]) and (fields[2].isdigit() or could_be_letters(fields[2])):
        return None
    alternate, *others = fields[4].split(",")
    if not _LETTERS.fullmatch(fields[3]) or not _LETTERS.fullmatch(alternate):
        return None
    position = whole_number(fields[1][:30])
    if (
        fields[2].isascii() and fields[2].isdigit() and int(fields[2][:20]) != position
    ):  # an end instead of an identifier: a row of a BED file
        if int(fields[2][:20]) != position + len(fields[3]):
            return None
        position += 1
    found = _made("", fields[0], position, fields[3], alternate)
    if found is None or not others:
        return found
    note = f"Of the alternates {fields[4][:60]} the first is taken."
    return replace(found, locus=replace(found.locus, note=note))


def alleles_apart(line: str) -> tuple[str, ...]:
    """The line, or where it is a row copied out of a VCF with several alternates, such a row for each."""
    sign = "\t" if "\t" in line else " "
    fields = line.split("\t") if "\t" in line else line.split()
    if len(line) > LONGEST_LINE or len(fields) < 5 or "," not in fields[4] or _row_of_vcf(line) is None:
        return (line,)
    return tuple(sign.join((*fields[:4], one, *fields[5:])) for one in fields[4].split(","))


def _with_letters(line: str, known: KnownAssembly) -> VariantText | None:
    build = _BUILD.search(line)
    if build is not None:
        line = line[: build.start()]
    for pattern in (_ALLELES, _TIGHT):
        match = pattern.fullmatch(line)
        place = _PLACE.fullmatch(match["before"].strip()) if match is not None else None
        if match is None or place is None or (match["ref"] == "-" and match["alt"] == "-"):
            continue
        names = split_names(place["head"].strip())
        build_before, hyphen, contig = names[1].partition("-")
        if not names[0] and hyphen and known(build_before):
            names = (build_before, contig)
        told = (
            ":" in place["sign"] or ">" in match["sign"] or len(line.split()) == 1
        )  # as nobody writes letters with their position numbers
        if not (is_contig_name if told else is_contig)(names[1]) or (len(names[1]) > 1 and names[1][-1] in ":-"):
            continue
        if names[0] and not known(names[0]):
            spanned = _spanned(match["before"].strip(), match["ref"], match["alt"])
            if spanned is not None:
                return spanned
        named = names[0] or (_BUILDS[build["build"].lower()] if build is not None else "")
        return _made(named, names[1], whole_number(place["position"]), match["ref"], match["alt"])
    return None


def _spanned(before: str, reference: str, alternate: str) -> VariantText | None:
    """Letters behind an interval, ``chr7:117480098-117480099 GA>TT``; None where there is no interval. Raises `LocusError` for one of another
    length than the letters."""
    match = _SPAN.fullmatch(before)
    if match is None:
        return None
    first, last = whole_number(match["first"]), whole_number(match["last"])
    letters = len(_dna(reference))
    if last - first + 1 != letters:
        raise LocusError(f"{letters} letters are given for the interval from {first:,} to {last:,}; write the letters of all its bases.")
    return _made("", match["contig"], first, reference, alternate)


def _made(assembly_name: str, contig: str, position: int, reference: str, alternate: str) -> VariantText | None:
    if not is_contig_name(contig) or (assembly_name and not is_assembly_name(assembly_name)):
        return None
    if position < 1:
        raise LocusError(f"Position {position} does not exist; coordinates are 1-based, so the first base is 1.")
    replaced, letters = _dna(reference), _dna(alternate)
    locus = around(assembly_name, contig, position)
    if not replaced:
        return VariantText(locus, position - 1, Change("", letters, "ins"))
    return VariantText(locus, position + len(replaced) - 1, Change(replaced, letters))


def _dna(letters: str) -> str:
    return upper(letters).replace("U", "T").removesuffix("-")


def _hgvs(line: str, known: KnownAssembly) -> VariantText | CodingText | LocusText | None:
    match = _HGVS.fullmatch(line)
    if match is None or match["kind"] not in "gmcnrp":
        return None
    kind, change = match["kind"], match["change"]
    if not change[0].isdigit() and change[0] not in "-*([?" and kind != "p":
        return None
    if kind in "pr":
        what = "a protein" if kind == "p" else "an RNA"
        raise LocusError(f"{quoted(line)} counts along {what}; write the change of the DNA at g. or c., such as R64:chrIV:g.1234A>G.")
    if match["reference"] is None:
        raise LocusError(f"{quoted(line)} does not say of what sequence; put it in front, such as R64:chrIV:{line[:60]}.")
    found = _CHANGE.fullmatch(change)
    if found is None:
        raise LocusError(f"The change {quoted(change)} cannot be read; write it such as 123A>G, 123del, 123_125dup or 123_124insT.")
    reference = _GENE_IN_BRACKETS.sub(r"\g<name>", match["reference"])
    assembly_name, name = split_names(reference)
    if assembly_name and not known(assembly_name) and kind in "cn":
        assembly_name, name = "", reference
    if kind in "gm":
        return _placed(assembly_name, name, found)
    first, last = _counted(found["first"]), _counted(found["last"] or found["first"])
    return CodingText(assembly_name, name, kind, first, last, _change_of(found))


def _placed(assembly_name: str, contig: str, found: re.Match[str]) -> VariantText | LocusText | None:
    texts = (found["first"], found["last"] or found["first"])
    if not all(text.isdigit() for text in texts):
        raise LocusError(f"The position {quoted(texts[0], 30)} is not one of a chromosome; at g. positions are counted from 1.")
    first, last = (int(text) for text in texts)
    change = _change_of(found)
    if first < 1 or last < first:
        raise LocusError(f"The positions {first:,} to {last:,} are not usable; they are 1-based, the first is not after the last.")
    if found["ref"] is None and found["edit"] is None:
        if not is_contig_name(contig):
            return None
        return LocusText(assembly_name, contig, first - 1, last) if found["last"] is not None else around(assembly_name, contig, first)
    if change.edit == "ins":
        if last != first + 1:
            raise LocusError(f"Letters are put in between two neighbours, such as {first}_{first + 1}ins{change.alternate[:20]}.")
        first, last = last, first
    elif change.reference:
        if found["last"] is not None and len(change.reference) != last - first + 1:
            raise LocusError(f"{len(change.reference)} letters are given for the {last - first + 1:,} bases from {first:,} to {last:,}.")
        last = first + len(change.reference) - 1
    if not is_contig_name(contig):
        return None
    return VariantText(around(assembly_name, contig, first), last, change)


def _change_of(found: re.Match[str]) -> Change:
    if found["ref"] is not None:
        return Change(_dna(found["ref"]), _dna(found["alt"]))
    edit, letters, inserted = (found["edit"] or "=").lower(), _dna(found["letters"] or ""), _dna(found["inserted"] or "")
    if edit == "delins" or (edit == "del" and inserted):
        return Change("" if edit == "delins" else letters, letters if edit == "delins" else inserted)
    if edit == "ins":
        if not letters:
            raise LocusError("Letters are missing behind ins; write them, such as 123_124insT.")
        return Change("", letters, "ins")
    return Change(letters, "", edit)


def _counted(text: str) -> CodingPosition:
    match = _COUNTED.fullmatch(text)
    if match is None or int(match["base"]) < 1:
        raise LocusError(f"The position {quoted(text, 30)} is none of a transcript; they are counted from 1, such as 76, -14, *32 or 88+2.")
    return CodingPosition(int(match["base"]), int(match["offset"] or 0), match["region"])
