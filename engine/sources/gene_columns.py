"""Lines of gene models, packed while they are read: columns of numbers and blocks of text, a tenth of what objects take."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from engine.core.transcripts import Recoded, Texts
from engine.sources.door import LeftOut
from engine.sources.gene_lines import CODING, EXON, RECODED_KINDS, WHOLE, GeneLine, attributes_of, parents_of, part_kind, recoded_of
from engine.sources.gene_parts import Group, Row

_SYMBOLS = ("gene", "gene_name", "gene_id", "locus_tag")
_HOLDER_SYMBOLS = ("gene", "gene_name", "Name", "gene_id", "locus_tag", "ID")
_NAMES = ("ID", "protein_id", "locus_tag", "Name", "gene")
_PREFERRED = ("MANE_Select", "MANE Select", "RefSeq Select", "Ensembl_canonical")
_START_OPEN, _STOP_OPEN, _PSEUDO, _TRANS, _PREFER, _GTF, _EXONS, _CODING = (1 << bit for bit in range(8))
_TOLD = 400
_RECENT = 256
_DEEPEST = 6
_MOST_PARTS = 1 << 20


class Columns:
    """Parts of transcripts. Lines with the same name (``Parent`` or ``transcript_id``) on one contig make a group.

    What neighbouring lines have in common (name, contig, symbol, ID of a coding line, flags, code) is kept once, as a run.

    ``told``: what the annotation says of itself, for `organism_of`. ``circles``: lengths of circular contigs. ``organelles``: what contigs
    are said to be. ``left_out``: lines that could not be used.
    """

    def __init__(self, left_out: LeftOut) -> None:
        self.told: list[str] = []
        self.left_out = left_out
        self.circles: dict[str, int] = {}
        self.organelles: dict[str, str] = {}
        self.contigs: dict[str, int] = {}
        self._recoded: dict[tuple[str, str], tuple[Recoded, ...]] = {}
        self._recent: dict[tuple[str, str, str, str, int, int], int] = {}
        self._names, self._symbols, self._ids = Texts(), Texts(), Texts()
        self._keys, self._run_rest = array("q"), array("i")  # a run: hash of its name and contig; contig, flags, code
        self._run, self._start, self._length, self._what = array("i"), array("q"), array("I"), array("i")  # a part

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
        before = self._recoded.get((name, contig), ())
        self._recoded[name, contig] = tuple(dict.fromkeys((*before, *recoded)))

    def _take_part(self, line: GeneLine, kind: int) -> None:
        if line.strand not in ("+", "-"):
            if kind in (CODING, EXON):
                self.left_out.add(f"line {line.number:,} has no strand")
            return
        attributes = attributes_of(line.attributes)
        parents = parents_of(attributes) if kind != WHOLE or "ID" not in attributes else []  # an RNA holds its exons itself
        own = attributes.get("transcript_id", "") if "ID" not in attributes else ""
        names = parents or [own or next((unquote(attributes[key]) for key in _NAMES if attributes.get(key)), "")]
        if kind == CODING and not names[0]:
            names = [f"line {line.number}"]
        flags = _flags(line, attributes, kind) | (_GTF if own and not parents else 0)
        symbols = _SYMBOLS if parents else (*_SYMBOLS[:2], "Name", *_SYMBOLS[2:])
        symbol = next((unquote(attributes[key]) for key in symbols if attributes.get(key)), "")
        identifier, code = (unquote(attributes.get("ID", "")), _code(attributes)) if kind == CODING else ("", 0)
        what = kind | (line.strand == "+") << 3 | (line.phase + 1) << 4 | _order(attributes, flags) << 6
        for name in filter(None, names):
            if kind == CODING and attributes.get("transl_except"):
                self._recode(name, line.contig, recoded_of(attributes["transl_except"]))
            self._run.append(self._run_of(name, line.contig, symbol, identifier, flags, code))
            self._start.append(line.start)
            self._length.append(min(line.end - line.start, 0xFFFF_FFFF))
            self._what.append(what)

    def _run_of(self, name: str, contig: str, symbol: str, identifier: str, flags: int, code: int) -> int:
        key = (name, contig, symbol, identifier, flags, code)
        number = self._recent.get(key)
        if number is None:
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            number = self._recent[key] = len(self._names)
            self._names.append(name)
            self._symbols.append(symbol)
            self._ids.append(identifier)
            self._keys.append(_key(name, contig))
            self._run_rest.extend((self.contigs.setdefault(contig, len(self.contigs)), flags, code))
        return number

    def holders(self) -> Holders:
        """Which features tell more of the groups: a symbol, or the extent of a transcript without exon lines."""
        keys = np.array(self._keys, dtype=np.int64)
        flags = np.array(self._run_rest[1::3], dtype=np.int64)
        known, groups = np.unique(keys, return_inverse=True)
        exons, named = np.zeros(len(known), bool), np.zeros(len(known), bool)
        exons[groups[flags & _EXONS > 0]] = True
        named[groups[self._symbols.are_full()]] = True
        return Holders(known, ~exons, ~named)

    def groups(self, holders: Holders) -> Iterator[Group]:
        """Groups in the order of their first part; trans-spliced ones of one name together over their contigs."""
        runs = np.array(self._keys, dtype=np.int64)[np.array(self._run, dtype=np.int64)]
        order = np.argsort(runs, kind="stable")
        cuts = np.flatnonzero(np.diff(runs[order], prepend=runs[order[:1]] + 1))
        del runs
        first = order[cuts]
        ends = np.append(cuts[1:], len(order))
        spliced: dict[str, Group] = {}
        contigs = list(self.contigs)
        for place in np.argsort(first):
            for group in self._made(order[cuts[place] : ends[place]].tolist(), contigs, holders):
                if not group.trans_spliced:
                    yield group
                elif group.name in spliced:
                    before = spliced[group.name]
                    spliced[group.name] = replace(before, rows=before.rows + group.rows, recoded=before.recoded + group.recoded)
                else:
                    spliced[group.name] = group
        yield from spliced.values()

    def _made(self, parts: list[int], contigs: list[str], holders: Holders) -> Iterator[Group]:
        """The group of parts whose names have one hash; more than one group if the names differ after all."""
        runs = list(dict.fromkeys(self._run[part] for part in parts))
        names = dict.fromkeys((self._names[run], self._run_rest[3 * run]) for run in runs)
        for name, contig in names:
            mine = [run for run in runs if len(names) == 1 or (self._names[run], self._run_rest[3 * run]) == (name, contig)]
            rows = self._rows([part for part in parts if len(names) == 1 or self._run[part] in mine], mine, contigs[contig])
            yield self._group(name, contigs[contig], mine, rows, holders)

    def _rows(self, parts: list[int], runs: list[int], contig: str) -> list[Row]:
        numbers: dict[str, int] = {}
        ids = {run: numbers.setdefault(self._ids[run], len(numbers)) for run in runs}
        rows = []
        for part in parts:
            start, what = self._start[part], self._what[part]
            row = Row(what & 7, start, start + self._length[part], bool(what & 8), (what >> 4 & 3) - 1, what >> 6, contig)
            rows.append(row._replace(name=ids[self._run[part]]) if row.kind == CODING else row)
        return rows

    def _group(self, name: str, contig: str, runs: list[int], rows: list[Row], holders: Holders) -> Group:
        flags = 0
        for run in runs:
            flags |= self._run_rest[3 * run + 1]
        numbers: dict[str, int] = {}
        for run in runs:
            numbers.setdefault(self._ids[run], len(numbers))
        return Group(
            name,
            next(filter(None, (self._symbols[run] for run in runs)), "") or holders.symbol(name, contig),
            rows,
            {number: text for text, number in numbers.items() if text},
            None if flags & _EXONS else holders.extent(name, contig),
            next(filter(None, (self._run_rest[3 * run + 2] for run in runs)), 0),
            self._recoded.get((name, contig), ()),
            start_known=not flags & _START_OPEN,
            stop_known=not flags & _STOP_OPEN,
            pseudo=bool(flags & _PSEUDO),
            trans_spliced=bool(flags & _TRANS),
            preferred=bool(flags & _PREFER),
            gtf=bool(flags & _GTF),
            has_exons=bool(flags & _EXONS),
        )


class Holders:
    """Features that groups belong to, and what those belong to in turn: kind, place, parent, and the symbol of the topmost.

    Packed by the hash of name and contig. ``without_exons`` and ``without_symbol`` tell of which groups more is to be known.
    """

    def __init__(self, groups: NDArray[np.int64], without_exons: NDArray[np.bool_], without_symbol: NDArray[np.bool_]) -> None:
        self._groups, self._exons, self._symbol = groups, without_exons, without_symbol
        self._awaited = groups[without_symbol | without_exons]
        self._kinds: dict[str, int] = {}
        self._keys, self._parents, self._start, self._rest = array("q"), array("q"), array("q"), array("I")
        self._symbols = Texts()
        self._sorted: NDArray[np.int64] = np.zeros(0, np.int64)
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._depth = 0

    @property
    def is_complete(self) -> bool:
        """Whether nothing is awaited that a further reading of the lines could tell."""
        return not len(self._awaited) or self._depth >= _DEEPEST

    def take(self, line: GeneLine) -> None:
        """Keep a feature if it is awaited."""
        text = line.attributes
        if "ID=" not in text:
            return
        key = _key(unquote(text.partition("ID=")[2].partition(";")[0]), line.contig)
        if not self._is_awaited(key, line.kind):
            return
        attributes = attributes_of(text)
        parent = next(iter(parents_of(attributes)), "")
        symbol = "" if parent else next((unquote(attributes[label]) for label in _HOLDER_SYMBOLS if attributes.get(label)), "")
        self._keys.append(key)
        self._parents.append(_key(parent, line.contig) if parent else 0)
        self._start.append(line.start)
        self._rest.extend((min(line.end - line.start, 0xFFFF_FFFF), self._kinds.setdefault(line.kind, len(self._kinds))))
        self._symbols.append(symbol)

    def _is_awaited(self, key: int, kind: str) -> bool:
        place = int(np.searchsorted(self._awaited, key))
        if place == len(self._awaited) or self._awaited[place] != key:
            return False
        if self._depth:
            return True
        group = int(np.searchsorted(self._groups, key))
        return bool(self._symbol[group] or is_transcript(kind))

    def close(self) -> None:
        """After a reading of all lines: the parents of what was found are awaited next."""
        found = np.array(self._keys, dtype=np.int64)
        self._order = np.argsort(found, kind="stable")
        self._sorted = found[self._order]
        parents = np.unique(np.array(self._parents, dtype=np.int64))
        self._awaited = np.setdiff1d(parents[parents != 0], self._sorted, assume_unique=True)
        self._depth += 1

    def _find(self, key: int) -> int | None:
        place = int(np.searchsorted(self._sorted, key))
        return int(self._order[place]) if place < len(self._sorted) and self._sorted[place] == key else None

    def extent(self, name: str, contig: str) -> tuple[str, int, int] | None:
        """Kind and place of the transcript of this name; None for genes and what is not known."""
        row = self._find(_key(name, contig))
        if row is None:
            return None
        width, number = self._rest[2 * row : 2 * row + 2]
        kind = list(self._kinds)[number]
        return (kind, self._start[row], self._start[row] + width) if is_transcript(kind) else None

    def symbol(self, name: str, contig: str) -> str:
        """Symbol of the topmost feature that holds a group; empty when none is known."""
        row = self._find(_key(name, contig))
        for _ in range(_DEEPEST):
            above = self._find(self._parents[row]) if row is not None and self._parents[row] else None
            if above is None:
                break
            row = above
        return "" if row is None else self._symbols[row]


def is_transcript(kind: str) -> bool:
    """Whether a feature type is one of transcripts, not of genes."""
    return kind.endswith(("RNA", "_gene_segment")) or "transcript" in kind


def _key(name: str, contig: str) -> int:
    return hash((name, contig))


def _code(attributes: dict[str, str]) -> int:
    """The table that a line states: 0 where it states none, -1 for what is no number of a table."""
    text = attributes.get("transl_table", "")
    return int(text) if len(text) < 5 and text.isascii() and text.isdigit() else -1 if text else 0


def _order(attributes: dict[str, str], flags: int) -> int:
    text = (attributes.get("part") or (attributes.get("exon_number") if flags & _TRANS else "") or "").partition("/")[0]
    return int(text) % _MOST_PARTS if len(text) < 7 and text.isascii() and text.isdigit() else 0


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
