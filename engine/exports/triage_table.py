"""Triage of a VCF as a tab-separated table: one row an alternate allele, provenance in comment lines."""

from __future__ import annotations

from pathlib import Path

from engine.core.consequences import Consequence
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
    "impact",
    "consequences",
    "transcript",
    "hgvs_c",
    "hgvs_p",
    "genetic_code",
    "other_transcripts",
    "consequence_note",
    "left_aligned_position",
    "left_aligned_reference",
    "left_aligned_alternate",
)
"""From ``impact`` on: of the transcript with the most severe consequence; ``consequences`` are all its terms, joined by ``&``.
``other_transcripts``: the same of every other one, ``transcript|gene|terms|impact|hgvs_c|hgvs_p`` joined by ``;``."""


def write_triage_table(triage: Triage, path: Path) -> None:
    """Write ``triage`` as TSV: ``#`` lines with the provenance (JSON), one header line, positions 1-based, empty cells for no value."""
    lines = [f"# locuscope triage\n# provenance: {triage.provenance.to_json()}\n", "\t".join(COLUMNS) + "\n"]
    lines += ["\t".join(_cells(row, rank)) + "\n" for row, rank in zip(triage.rows, triage.ranks(), strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def _cells(row: ScoredVariant, rank: int | None) -> list[str]:
    variant = row.variant
    place = [variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate]
    texts = [*_consequence_cells(row.consequences), *_left_aligned_cells(row)]
    scores = [_number(row.llr), _number(row.influence), _number(row.delta_log_likelihood), "" if rank is None else str(rank)]
    return [
        text.replace("\t", " ").replace("\n", " ") for text in (*place, *scores, row.consequence, row.gene, row.status, row.note, *texts)
    ]


def _consequence_cells(found: tuple[Consequence, ...]) -> list[str]:
    if not found:
        return [""] * 8
    first = found[0]
    others = ";".join(
        "|".join((item.transcript, item.gene, "&".join(item.terms), item.impact, item.hgvs_c, item.hgvs_p)) for item in found[1:]
    )
    notes = " ".join(dict.fromkeys(item.note for item in found if item.note))
    code = str(first.genetic_code) if first.genetic_code else ""
    return [first.impact, "&".join(first.terms), first.transcript, first.hgvs_c, first.hgvs_p, code, others, notes]


def _left_aligned_cells(row: ScoredVariant) -> list[str]:
    return ["", "", ""] if row.left_aligned is None else [str(cell) for cell in row.left_aligned]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
