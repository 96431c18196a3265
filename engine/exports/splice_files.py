"""Splice scores as a tab-separated table, or as an INFO field of the VCF they belong to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.splicing import KINDS, SiteChange, SpliceScore, SpliceScores
from engine.exports.splice_field import FIELD, HEADER, entry
from engine.exports.vcf import with_fields

COLUMNS = (
    *("contig", "position", "id", "reference", "alternate", "gene", "strand", "score"),
    *(f"{kind}{what}" for kind in KINDS for what in ("", "_position", "_from", "_to")),
    *("status", "note"),
)
_INFO = 7


def write_splice_table(scores: SpliceScores, path: Path) -> None:
    """Write TSV: ``#`` lines with the provenance, one header line, a row a variant and gene, positions 1-based, empty cells for no value.

    ``_from`` and ``_to``: probability of the site that changes most without and with the variant.
    """
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"# locuscope splice\n# provenance: {scores.provenance.to_json()}\n" + "\t".join(COLUMNS) + "\n")
        stream.writelines("\t".join(_cells(row)) + "\n" for row in scores.rows)


def _cells(row: SpliceScore) -> list[str]:
    variant = row.variant
    cells = [variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate, row.gene, row.strand]
    cells.append(_number(row.score))
    for change in row.changes:
        told = change or SiteChange(0.0)
        place = "" if told.position is None else str(told.position)
        cells += ["" if change is None else _number(told.delta), place, _number(told.reference), _number(told.alternate)]
    return [text.replace("\t", " ").replace("\n", " ") for text in (*cells, row.status, row.note)]


def splice_vcf_lines(scores: SpliceScores, source: Iterable[str]) -> Iterator[str]:
    """Lines of ``source`` (the VCF that was scored) with the INFO field `FIELD`, each with its end.

    Raises
    ------
    FileFormatError
        ``source`` is not the VCF that was scored.
    """
    described = (
        HEADER,
        f"##locuscope_provenance={scores.provenance.to_json()}",
    )
    groups = ((record, list(own)) for record, own in itertools.groupby(scores.rows, key=lambda row: row.variant.record))
    return with_fields(source, FIELD, described, groups, _annotated)


def _annotated(line: str, rows: Sequence[SpliceScore]) -> str:
    """One record with the values of its alternate alleles."""
    columns = line.split("\t")
    usable = [row for row in rows if not row.variant.problem]
    if any([row.variant.contig, str(row.variant.position)] != [columns[0], columns[1].lstrip("0")] for row in usable):
        raise FileFormatError(f"The record {':'.join(columns[:2])[:80]} is not the one that was scored; give the same VCF.")
    values = [entry(row) for row in usable if row.score is not None]
    if not values:
        return line
    columns += ["."] * (_INFO + 1 - len(columns))
    kept = [item for item in columns[_INFO].split(";") if item not in (".", "") and not item.startswith(f"{FIELD}=")]
    columns[_INFO] = ";".join([*kept, f"{FIELD}={','.join(values)}"])
    return "\t".join(columns)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
