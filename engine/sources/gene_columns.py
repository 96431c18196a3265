"""Lines of gene models, packed while they are read: columns of numbers and blocks of text, a fifth of what objects take."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from engine.core.transcripts import Recoded, Texts
from engine.sources.gene_lines import CODING, EXON, RECODED_KINDS, GeneLine, attributes_of, parents_of, part_kind, recoded_of
from engine.sources.gene_parts import Group, Row

_SYMBOLS = ("gene", "gene_name", "gene_id", "locus_tag")
_NAMES = ("ID", "protein_id", "locus_tag", "Name", "gene")
_PREFERRED = ("MANE_Select", "MANE Select", "RefSeq Select", "Ensembl_canonical")
_START_OPEN, _STOP_OPEN, _PSEUDO, _TRANS, _PREFER, _GTF, _EXONS, _CODING = (1 << bit for bit in range(8))
_TOLD = 400


class Holder(NamedTuple):
    """A feature that holds parts, or another holder: what it belongs to, its symbol, kind and place (0-based half-open)."""

    parent: str
    symbol: str
    kind: str
    start: int
    end: int


class Columns:
    """Parts of transcripts by the group they belong to: a name (``Parent`` or ``transcript_id``) on one contig.

    ``told``: what the annotation says of itself, for `organism_of`. ``circles``: lengths of circular contigs. ``organelles``: what contigs
    are said to be. ``problems``: lines that were left out.
    """

    def __init__(self, problems: list[str]) -> None:
        self.told: list[str] = []
        self.problems = problems
        self.circles: dict[str, int] = {}
        self.organelles: dict[str, str] = {}
        self.contigs: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._names, self._genes, self._ids = Texts(), Texts(), Texts()
        self._group_contig, self._flags, self._codes, self._first_id = array("i"), array("i"), array("h"), array("q")
        self._more_ids: dict[int, dict[int, str]] = {}
        self._symbols: dict[int, str] = {}
        self._recoded: dict[int, tuple[Recoded, ...]] = {}
        self._part_group, self._part_place, self._part_id, self._part_rest = array("i"), array("q"), array("q"), array("i")

    def take(self, line: GeneLine) -> None:
        """Keep what a line says, if it is part of a gene model or tells of a contig."""
        kind = part_kind(line.kind)
        if kind is not None:
            self._take_part(line, kind)
        elif line.kind in RECODED_KINDS:
            attributes = attributes_of(line.attributes)
            for name in parents_of(attributes) or [attributes.get("transcript_id", "")]:
                self._recode(name, line.contig, (Recoded(line.start, line.end, "U"),))
        elif "Is_circular" in line.attributes or "genome=" in line.attributes or "taxon" in line.attributes:
            attributes = attributes_of(line.attributes)
            if attributes.get("Is_circular", "").casefold() == "true":
                self.circles[line.contig] = max(line.end, self.circles.get(line.contig, 0))
            if attributes.get("genome"):
                self.organelles[line.contig] = attributes["genome"]
            if len(self.told) < _TOLD:
                self.told.append(unquote(line.attributes[:500]))

    def _recode(self, name: str, contig: str, recoded: tuple[Recoded, ...]) -> None:
        number = self._numbers.get(f"{name}\0{contig}")
        if number is not None:
            self._recoded[number] = tuple(dict.fromkeys((*self._recoded.get(number, ()), *recoded)))

    def _take_part(self, line: GeneLine, kind: int) -> None:
        if line.strand not in ("+", "-"):
            if kind in (CODING, EXON):
                self.problems.append(f"line {line.number:,} has no strand")
            return
        attributes = attributes_of(line.attributes)
        parents = parents_of(attributes)
        own = attributes.get("transcript_id", "") if "ID" not in attributes else ""
        names = parents or [own or next((unquote(attributes[key]) for key in _NAMES if attributes.get(key)), "")]
        if kind == CODING and not names[0]:
            names = [f"line {line.number}"]
        flags = _flags(line, attributes, kind) | (_GTF if own and not parents else 0)
        order = attributes.get("part") or (attributes.get("exon_number") if flags & _TRANS else "") or ""
        first = order.partition("/")[0]
        part = int(first) if len(first) < 6 and first.isascii() and first.isdigit() else 0
        symbols = _SYMBOLS if parents else (*_SYMBOLS[:2], "Name", *_SYMBOLS[2:])
        symbol = next((unquote(attributes[key]) for key in symbols if attributes.get(key)), "")
        for name in filter(None, names):
            number = self._group(name, line.contig, symbol)
            self._flags[number] |= flags
            self._part_group.append(number)
            self._part_place.extend((line.start, line.end))
            self._part_rest.extend((kind, line.strand == "+", line.phase, part))
            self._part_id.append(self._coding(number, name, line.contig, attributes) if kind == CODING else -1)

    def _coding(self, number: int, name: str, contig: str, attributes: dict[str, str]) -> int:
        table = attributes.get("transl_table", "")
        if table:
            self._codes[number] = int(table) if len(table) < 5 and table.isascii() and table.isdigit() else -1
        if attributes.get("transl_except"):
            self._recode(name, contig, recoded_of(attributes["transl_except"]))
        return self._number_of_id(number, attributes.get("ID", ""))

    def _number_of_id(self, number: int, text: str) -> int:
        """A number for the ID of a coding line: 0 for the first of its group, then its hash, so that a million of them take little room."""
        if not text:
            return -1
        if self._first_id[number] < 0:
            self._first_id[number] = len(self._ids)
            self._ids.append(unquote(text))
        if self._ids[self._first_id[number]] == unquote(text):
            return 0
        hashed = hash(text) & 0x7FFF_FFFF_FFFF_FFFF
        self._more_ids.setdefault(number, {})[hashed] = unquote(text)
        return hashed

    def _group(self, name: str, contig: str, symbol: str) -> int:
        key = f"{name}\0{contig}"
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._names)
            self._names.append(name)
            self._genes.append(symbol)
            self._group_contig.append(self.contigs.setdefault(contig, len(self.contigs)))
            self._flags.append(0)
            self._codes.append(0)
            self._first_id.append(-1)
        elif symbol and not self._genes[number]:
            self._symbols.setdefault(number, symbol)
        return number

    def unresolved(self) -> set[str]:
        """Names of groups whose symbol or exons stand at what they belong to."""
        whole = _EXONS | _CODING
        return {
            self._names[number]
            for number, flags in enumerate(self._flags)
            if flags & whole == _CODING or not (self._genes[number] or number in self._symbols)
        }

    def groups(self, holders: dict[str, Holder]) -> Iterator[Group]:
        """Groups in the order of their first part; trans-spliced ones of one name together over their contigs."""
        order = np.argsort(np.array(self._part_group, dtype=np.int64), kind="stable")
        bounds = np.searchsorted(np.array(self._part_group, dtype=np.int64)[order], np.arange(len(self._names) + 1))
        contigs = list(self.contigs)
        spliced: dict[str, Group] = {}
        for number in range(len(self._names)):
            rows = [self._row(part, contigs[self._group_contig[number]]) for part in order[bounds[number] : bounds[number + 1]].tolist()]
            if not rows:
                continue
            group = self._made(number, rows, holders)
            if not group.trans_spliced:
                yield group
            elif group.name in spliced:
                before = spliced[group.name]
                spliced[group.name] = replace(before, rows=before.rows + rows, recoded=before.recoded + group.recoded)
            else:
                spliced[group.name] = group
        yield from spliced.values()

    def _row(self, part: int, contig: str) -> Row:
        start, end = self._part_place[2 * part : 2 * part + 2]
        kind, forward, phase, order = self._part_rest[4 * part : 4 * part + 4]
        return Row(kind, start, end, bool(forward), phase, order, contig, self._part_id[part])

    def _made(self, number: int, rows: list[Row], holders: dict[str, Holder]) -> Group:
        name, flags = self._names[number], self._flags[number]
        holder = holders.get(name)
        names = dict(self._more_ids.get(number, {}))
        if self._first_id[number] >= 0:
            names[0] = self._ids[self._first_id[number]]
        return Group(
            name,
            self._genes[number] or self._symbols.get(number, "") or _symbol(name, holders),
            rows,
            names,
            (holder.kind, holder.start, holder.end) if holder is not None and _is_transcript(holder.kind) else None,
            self._codes[number],
            self._recoded.get(number, ()),
            start_known=not flags & _START_OPEN,
            stop_known=not flags & _STOP_OPEN,
            pseudo=bool(flags & _PSEUDO),
            trans_spliced=bool(flags & _TRANS),
            preferred=bool(flags & _PREFER),
            gtf=bool(flags & _GTF),
            has_exons=bool(flags & _EXONS),
        )


def _is_transcript(kind: str) -> bool:
    return kind.endswith("RNA") or "transcript" in kind or kind.endswith("_gene_segment")


def _symbol(name: str, holders: dict[str, Holder]) -> str:
    """Symbol of the topmost feature that holds a group; empty when none is known."""
    seen: set[str] = set()
    while name in holders and name not in seen and holders[name].parent in holders:
        seen.add(name)
        name = holders[name].parent
    return holders[name].symbol if name in holders else ""


def _flags(line: GeneLine, attributes: dict[str, str], kind: int) -> int:
    text, forward = line.attributes, line.strand == "+"
    flags = _PREFER if any(mark in text for mark in _PREFERRED) else 0
    if "trans-splicing" in text or "trans_splicing" in text:
        flags |= _TRANS
    if kind != CODING:
        return flags | (_EXONS if kind == EXON else 0)
    flags |= _CODING
    if "cds_start_NF" in text or ("start_range" if forward else "end_range") in attributes:
        flags |= _START_OPEN
    if "cds_end_NF" in text or ("end_range" if forward else "start_range") in attributes:
        flags |= _STOP_OPEN
    if attributes.get("pseudo", "").casefold() == "true" or "pseudogene" in attributes:
        flags |= _PSEUDO
    return flags
