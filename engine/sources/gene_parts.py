"""From the lines of one transcript to its model: parts in the order of reading, phase, stop codon, genetic code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from engine.core.organelles import PLASTID, is_mitochondrion, is_plastid
from engine.core.transcripts import SHORTEST_INTRON_BP, Part, Recoded, Transcript
from engine.sources.gene_lines import CODING, EXON, INTRON, STOP, UTR, WHOLE
from engine.sources.genetic_codes import Organism

_CONTIGS_TOLD = 3


class Row(NamedTuple):
    """One line of a transcript, 0-based half-open; ``order`` is its part number (0 without one), ``name`` the number of a CDS line's ID."""

    kind: int
    start: int
    end: int
    forward: bool
    phase: int
    order: int
    contig: str
    name: int = -1


@dataclass
class Group:
    """The lines that belong to one transcript, in the order of the file.

    ``names``: IDs of its CDS lines by their number. ``holder``: what the parts belong to when it is a transcript (kind, start, end), None
    when it is a gene or unknown. ``code``: the stated table, 0 without one; ``gtf``: coding parts end before the stop codon.
    """

    name: str
    gene: str
    rows: list[Row]
    names: Mapping[int, str] = field(default_factory=dict)
    holder: tuple[str, int, int] | None = None
    code: int = 0
    recoded: tuple[Recoded, ...] = ()
    start_known: bool = True
    stop_known: bool = True
    pseudo: bool = False
    trans_spliced: bool = False
    preferred: bool = False
    gtf: bool = False
    has_exons: bool = False

    @property
    def is_transcript(self) -> bool:
        """Whether the lines belong to a transcript, not straight to a gene."""
        return self.has_exons or self.holder is not None


@dataclass(frozen=True)
class Codes:
    """How contigs are read where no line says it.

    ``given``: what the user states by contig, ``""`` for all that are neither mitochondria nor plastids. ``organism``: what the annotation
    names. ``organelles``: contigs of which it says what they are. ``passed_over`` fills with the contigs on which the table for all was not
    taken, and why.
    """

    given: Mapping[str, int] = field(default_factory=dict)
    organism: Organism | None = None
    organelles: Mapping[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)

    def of(self, contig: str, stated: int) -> tuple[int, str, str]:
        """Table (0 = not known), problem, and note for a contig with ``stated`` table (0 = none)."""
        if contig in self.given:
            return self.given[contig], "", ""
        if stated:
            self._pass_over(contig, "of which the annotation states another table", stated)
            return stated, "", ""
        where = self.organelles.get(contig, "")
        if where == "mitochondrion" or (not where and is_mitochondrion(contig)):
            taken = self._mitochondrial(contig)
            self._pass_over(contig, "which is a mitochondrion", taken[0])
            return taken
        if where in ("plastid", "chloroplast") or (not where and is_plastid(contig)):
            self._pass_over(contig, "which is a plastid", PLASTID)
            return PLASTID, "", ""
        if self.given.get(""):
            return self.given[""], "", ""
        usual = self.organism.nuclear if self.organism is not None else 1
        note = f"Read by the genetic code {usual}, the usual one of {self.organism.name}." if self.organism and usual != 1 else ""
        return usual, "", note

    def _pass_over(self, contig: str, why: str, taken: int) -> None:
        if self.given.get("", taken) != taken:
            self.passed_over.setdefault(contig, why)

    def note(self) -> str:
        """One sentence where the table for all contigs was not taken; empty where it was taken everywhere or none was given."""
        if not self.passed_over:
            return ""
        table = self.given[""]
        told = [f"{contig[:40]}, {why}" for contig, why in list(self.passed_over.items())[:_CONTIGS_TOLD]]
        more = len(self.passed_over) - len(told)
        first = next(iter(self.passed_over))[:40]
        return (
            f"The genetic code {table} is given for all contigs but not taken for {'; '.join(told)}{f'; and {more:,} more' if more else ''}; "
            f"give {first}={table} where it is meant."
        )

    def _mitochondrial(self, contig: str) -> tuple[int, str, str]:
        organism = self.organism
        if organism is not None and organism.mitochondrial:
            usual = organism.mitochondrial
            return (
                usual,
                "",
                f"Read by the genetic code {usual}, the usual one of {organism.name} mitochondria; the annotation states none.",
            )
        short = contig[:40]
        return (
            0,
            f"{short} is a mitochondrion and the annotation states no genetic code; state it, for instance {short}=2 for a vertebrate or "
            f"{short}=3 for a yeast.",
            "",
        )


def made(group: Group, codes: Codes, circles: Mapping[str, int]) -> Iterator[Transcript]:
    """The transcripts of a group: one, or one for each of several coding sequences that are alternatives."""
    if group.pseudo:
        rows = [row._replace(kind=EXON) if row.kind == CODING else row for row in group.rows]
        group = Group(group.name, group.gene, rows, preferred=group.preferred, trans_spliced=group.trans_spliced, holder=group.holder)
    alternatives = _alternatives(group)
    for coding in alternatives or [[]]:
        name = group.name
        if coding and (len(alternatives) > 1 or not group.is_transcript):
            name = group.names.get(coding[0].name) or name
        yield _transcript(group, name, coding, codes, circles)


def _alternatives(group: Group) -> list[list[Row]]:
    """Coding lines, those of alternative coding sequences apart.

    Lines with one ID are one coding sequence. Below a gene, each ID is its own. Below a transcript, other IDs are parts of the same one (some
    programs number lines) unless they overlap or lie in one exon.
    """
    coding = [row for row in group.rows if row.kind == CODING]
    by_name: dict[int, list[Row]] = {}
    for row in coding:
        by_name.setdefault(row.name, []).append(row)
    if len(by_name) < 2 or (group.is_transcript and not _apart(list(by_name.values()), group)):
        return [coding] if coding else []
    return list(by_name.values())


def _apart(sets: Sequence[Sequence[Row]], group: Group) -> bool:
    exons = [row for row in group.rows if row.kind == EXON]
    for number, rows in enumerate(sets):
        others = [row for other in sets[number + 1 :] for row in other]
        for row in rows:
            for other in others:
                together = any(e.start <= min(row.start, other.start) and max(row.end, other.end) <= e.end for e in exons)
                if together or (row.start < other.end and other.start < row.end):
                    return True
    return False


def _transcript(group: Group, name: str, coding_rows: Sequence[Row], codes: Codes, circles: Mapping[str, int]) -> Transcript:
    coding_rows = list(dict.fromkeys(coding_rows))
    circle = circles.get(group.rows[0].contig, 0)
    coding, phases, problem = _ordered(coding_rows, group, circle)
    exons = _exons(group, coding_rows, circle)
    phase = max(0, phases[0]) if phases else 0
    phases_differ = bool(coding) and _phases_differ(coding, phases)
    if coding:
        coding = _with_stop(coding, [row for row in group.rows if row.kind == STOP], circle)
    if problem:
        problem = f"The coding parts of {name[:60]} {problem}."
    code, unknown, note = codes.of(coding[0].contig, group.code) if coding else (1, "", "")
    return Transcript(
        name,
        group.gene or name,
        exons,
        coding,
        phase,
        code,
        group.recoded if coding else (),
        start_known=group.start_known,
        stop_known=group.stop_known,
        stop_apart=group.gtf and bool(coding) and not any(row.kind == STOP for row in group.rows),
        circle=circle if any(part.end == circle for part in exons) else 0,
        preferred=group.preferred,
        phases_differ=phases_differ,
        problem=problem or unknown,
        note=note,
    )


def _ordered(rows: Sequence[Row], group: Group, circle: int) -> tuple[tuple[Part, ...], list[int], str]:
    """Coding parts 5'→3' with the phase of each, and what is wrong with them (the end of a sentence)."""
    if not rows:
        return (), [], ""
    several = len({(row.contig, row.forward) for row in rows}) > 1
    if several or group.trans_spliced:
        numbered = sorted(rows, key=lambda row: row.order) if all(row.order for row in rows) else rows
        return tuple(_part(row) for row in numbered), [row.phase for row in numbered], ""
    forward = rows[0].forward
    unrolled = sorted(_unrolled(rows, circle), key=lambda row: row.start, reverse=not forward)
    for left, right in pairwise(unrolled):
        if min(left.end, right.end) - max(left.start, right.start) >= SHORTEST_INTRON_BP:
            return (
                tuple(_part(row) for row in rows),
                [row.phase for row in unrolled],
                "overlap, and nothing says that they are alternatives",
            )
    parts: list[Part] = []
    phases: list[int] = []
    for row in unrolled:
        folded = _folded(row, circle)
        parts += folded
        phases += [row.phase] + [-1] * (len(folded) - 1)
    return tuple(parts), phases, ""


def _part(row: Row) -> Part:
    return Part(row.start, row.end, row.forward, row.contig)


def _unrolled(rows: Sequence[Row], circle: int) -> list[Row]:
    """Rows of a circle in coordinates that go on over the origin: those behind it are moved by one turn."""
    if not circle or len(rows) < 2 or min(row.start for row in rows) or max(row.end for row in rows) != circle:
        return list(rows)
    ascending = sorted(rows, key=lambda row: row.start)
    gaps = [right.start - left.end for left, right in pairwise(ascending)]
    widest = gaps.index(max(gaps))
    behind = [row._replace(start=row.start + circle, end=row.end + circle) for row in ascending[: widest + 1]]
    return ascending[widest + 1 :] + behind


def _folded(row: Row, circle: int) -> list[Part]:
    """A row as parts inside the contig: two where it passes the origin of a circle."""
    if not circle or row.end <= circle:
        return [_part(row)]
    if row.start >= circle:
        return [_part(row._replace(start=row.start - circle, end=row.end - circle))]
    parts = [_part(row._replace(end=circle)), _part(row._replace(start=0, end=row.end - circle))]
    return parts if row.forward else parts[::-1]


def _phases_differ(coding: Sequence[Part], phases: Sequence[int]) -> bool:
    read = -max(0, phases[0])
    for part, phase in zip(coding, phases, strict=True):
        if read >= 0 and phase >= 0 and phase != -read % 3:
            return True
        read += part.end - part.start
    return False


def _with_stop(coding: tuple[Part, ...], stops: Sequence[Row], circle: int) -> tuple[Part, ...]:
    """Coding parts with the bases of a stop codon that GTF leaves out of them."""
    last = coding[-1]
    beyond = [row for row in stops if (row.contig, row.forward) == (last.contig, last.forward)]
    for row in sorted(beyond, key=lambda row: row.start, reverse=not last.forward):
        for part in _folded(row, circle):
            if not any(part.start < other.end and other.start < part.end and part.contig == other.contig for other in coding):
                coding = (*coding, part)
    return coding


def _exons(group: Group, coding_rows: Sequence[Row], circle: int) -> tuple[Part, ...]:
    """Exons 5'→3': the exon lines with all coding bases; without such lines the coding and untranslated parts, or the transcript's extent."""
    wanted = {EXON, UTR, STOP, WHOLE} if group.has_exons else {UTR, STOP, WHOLE}
    rows = [row for row in group.rows if row.kind in wanted and (row.kind != WHOLE or len(group.rows) == 1)]
    if not rows and group.holder is not None:
        rows = _between_introns(group, coding_rows)
    rows = [*rows, *coding_rows] or list(group.rows)
    closed = not any(row.kind == EXON for row in rows)
    several = len({(row.contig, row.forward) for row in rows}) > 1
    if several or group.trans_spliced:
        ordered, _, _ = _ordered([row for row in rows if row.kind == EXON] or rows, group, circle)
        return ordered
    merged: list[Row] = []
    for row in sorted(_unrolled(rows, circle), key=lambda row: row.start):
        apart = row.start - merged[-1].end if merged else SHORTEST_INTRON_BP
        if apart <= 0 or (closed and apart < SHORTEST_INTRON_BP):
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, row.end))
        else:
            merged.append(row)
    forward = rows[0].forward
    return tuple(part for row in (merged if forward else reversed(merged)) for part in _folded(row, circle))


def _between_introns(group: Group, coding_rows: Sequence[Row]) -> list[Row]:
    """Exons of a transcript of which only the extent, introns and coding parts are given."""
    if group.holder is None or not coding_rows or len({(row.contig, row.forward) for row in group.rows}) > 1:
        return []
    _, start, end = group.holder
    ascending = sorted(coding_rows, key=lambda row: row.start)
    introns = [(row.start, row.end) for row in group.rows if row.kind == INTRON]
    introns += [(left.end, right.start) for left, right in pairwise(ascending) if right.start - left.end >= SHORTEST_INTRON_BP]
    found, place = [], start
    for first, last in [*sorted(introns), (end, end)]:
        if first > place:
            found.append(ascending[0]._replace(kind=UTR, start=place, end=first))
        place = max(place, last)
    return found
