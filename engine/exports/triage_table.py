"""Triage of a VCF as a tab-separated table: one row an alternate allele, provenance in comment lines."""

from __future__ import annotations

from pathlib import Path

from engine.core.variants import ScoredVariant, Triage

COLUMNS = (
    "contig",
    "position",
    "id",
    "reference",
    "alternate",
    "llr",
    "influence",
    "delta_log_likelihood",
    "rank",
    "consequence",
    "gene",
    "status",
    "note",
)


def write_triage_table(triage: Triage, path: Path) -> None:
    """Write ``triage`` as TSV: ``#`` lines with the provenance (JSON), one header line, positions 1-based, empty cells for no value."""
    lines = [f"# locuscope triage\n# provenance: {triage.provenance.to_json()}\n", "\t".join(COLUMNS) + "\n"]
    lines += ["\t".join(_cells(row, rank)) + "\n" for row, rank in zip(triage.rows, triage.ranks(), strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def _cells(row: ScoredVariant, rank: int | None) -> list[str]:
    variant = row.variant
    place = [variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate]
    scores = [_number(row.llr), _number(row.influence), _number(row.delta_log_likelihood), "" if rank is None else str(rank)]
    return [text.replace("\t", " ").replace("\n", " ") for text in (*place, *scores, row.consequence, row.gene, row.status, row.note)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
