"""Gene models of GenBank and EMBL records: joined locations in the order of reading, with codon start, code and recoded codons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.transcripts import Transcripts
from engine.sources.door import LeftOut
from engine.sources.genbank import parsed_records
from engine.sources.gene_lines import CODING, EXON, WHOLE, part_kind, recoded_of
from engine.sources.gene_parts import Codes, Group, Row, made
from engine.sources.genetic_codes import organism_of
from engine.sources.kinds import TextKind

_NAMES = ("protein_id", "transcript_id", "locus_tag", "gene", "product")


def flat_file_transcripts(lines: Iterable[str], kind: TextKind, given: Mapping[str, int], left_out: LeftOut) -> Transcripts:
    """Transcripts of all records of a GenBank or EMBL file; contigs are named accession.version.

    ``given``: genetic codes that the user states by contig, ``""`` for all. Records that do not parse go to ``left_out``.
    """
    models = Transcripts()
    passed_over = dict[str, str]()
    for contig, record in parsed_records(lines, kind, left_out):
        _add(models, contig, record, given, passed_over)
    models.note(Codes(given, passed_over=passed_over).note())
    return models


def _add(models: Transcripts, contig: str, record: Any, given: Mapping[str, int], passed_over: dict[str, str]) -> None:
    circle = len(record) if record.annotations.get("topology") == "circular" else 0
    sources = [feature for feature in record.features if feature.type == "source"]
    told = [text for item in sources for key in ("organism", "db_xref") for text in item.qualifiers.get(key, [])]
    organelle = next((text.partition(":")[0] for item in sources for text in item.qualifiers.get("organelle", [])), "")
    codes = Codes(given, organism_of(told), {contig: organelle} if organelle else {}, passed_over)
    messengers = [feature for feature in record.features if feature.type == "mRNA" and feature.location is not None]
    for number, feature in enumerate(record.features):
        if feature.location is None:
            continue
        group = _group(feature, number, contig, messengers)
        if group is not None:
            for transcript in made(group, codes, {contig: circle} if circle else {}):
                models.append(transcript)


def _group(feature: Any, number: int, contig: str, messengers: list[Any]) -> Group | None:
    kind = CODING if feature.type == "CDS" else part_kind(feature.type)
    if kind not in (CODING, WHOLE):
        return None
    several = len(feature.location.parts) > 1
    rows = list(_rows(feature, contig, CODING if kind == CODING else EXON if several else WHOLE))
    if not rows:
        return None
    qualifiers = feature.qualifiers
    holder = None
    if kind == CODING:
        messenger = next((item for item in messengers if _carries(item, feature)), None)
        rows += _rows(messenger, contig, EXON) if messenger is not None else []
        rows[0] = rows[0]._replace(phase=_phase(qualifiers))
        holder = ("mRNA", 0, 0) if messenger is not None else None
    first, last = feature.location.parts[0], feature.location.parts[-1]
    return Group(
        next((qualifiers[key][0] for key in _NAMES if qualifiers.get(key)), f"{feature.type} {number + 1}"),
        next((qualifiers[key][0] for key in ("gene", "locus_tag") if qualifiers.get(key)), ""),
        rows,
        holder=holder,
        code=_code(qualifiers),
        recoded=tuple(item for text in qualifiers.get("transl_except", []) for item in recoded_of(text)),
        start_known=not _is_open(first.start if first.strand != -1 else first.end),
        stop_known=not _is_open(last.end if last.strand != -1 else last.start),
        pseudo="pseudo" in qualifiers or "pseudogene" in qualifiers,
        trans_spliced="trans_splicing" in qualifiers,
        has_exons=any(row.kind == EXON for row in rows),
    )


def _rows(feature: Any, contig: str, kind: int) -> Iterator[Row]:
    """One row a part; parts of other records and places without known ends are left out."""
    for order, part in enumerate(feature.location.parts, start=1):
        try:
            start, end = int(part.start), int(part.end)
        except (TypeError, ValueError):
            continue
        if part.ref is None and start < end:
            yield Row(kind, start, end, part.strand != -1, -1, order, contig)


def _carries(messenger: Any, coding: Any) -> bool:
    """Whether a messenger RNA is that of a coding sequence: the same gene, and every coding part inside one of its exons."""
    same = any(
        messenger.qualifiers.get(key) and messenger.qualifiers.get(key) == coding.qualifiers.get(key) for key in ("locus_tag", "gene")
    )
    exons = [(int(part.start), int(part.end)) for part in messenger.location.parts]
    return same and all(any(start <= int(part.start) and int(part.end) <= end for start, end in exons) for part in coding.location.parts)


def _phase(qualifiers: Mapping[str, list[str]]) -> int:
    text = qualifiers.get("codon_start", ["1"])[0]
    return int(text) - 1 if text in ("1", "2", "3") else 0


def _code(qualifiers: Mapping[str, list[str]]) -> int:
    text = qualifiers.get("transl_table", [""])[0]
    return int(text) if len(text) < 5 and text.isascii() and text.isdigit() else -1 if text else 0


def _is_open(position: Any) -> bool:
    return type(position).__name__ in ("BeforePosition", "AfterPosition")
