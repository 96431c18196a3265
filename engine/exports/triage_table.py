"""Triage of a VCF as a table: one row an alternate allele; tab-separated, comma-separated, or as a workbook of Excel."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from engine.core.clinical import ClinicalRecord
from engine.core.consequences import Consequence
from engine.core.errors import ParameterError
from engine.core.proteins import MissenseScore
from engine.core.splicing import KINDS, SpliceScore
from engine.core.variants import ScoredVariant, Triage
from engine.exports.spreadsheet import harmless

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
    "mean_delta_log_likelihood",
    "ranked_with",
    "delta_pseudo_log_likelihood",
    "llr_quantile",
    "influence_quantile",
    "unranked",
    "below_chance",
    "allele_frequency",
    "splice_score",
    "splice_change",
    "splice_position",
    "splice_gene",
    "am_pathogenicity",
    "am_class",
    "am_protein_variant",
    "am_transcript",
    "clinvar_significance",
    "clinvar_review",
    "clinvar_id",
    "clinvar_condition",
)
"""From ``impact`` on: of the transcript with the most severe consequence; ``consequences`` are all its terms, joined by ``&``.
``rank``: among the rows with the same ``ranked_with``, by llr or what stands for it; empty where that is among ``unranked``.
``ranked_with``: `engine.core.variants.KINDS`; empty for a row that no model could read.
``am_``: AlphaMissense's highest score among the transcripts of its table, with the class in its own words.
``clinvar_``: the record of ClinVar's file of the very allele, in its own words.
``splice_change``: acceptor_gain, acceptor_loss, donor_gain or donor_loss, whichever is largest, and where. ``other_transcripts``: of every other one ``transcript|gene|terms|impact|hgvs_c|hgvs_p``, joined by ``;``, names percent-encoded."""

NUMBERS = frozenset(
    {
        "position",
        "llr",
        "influence",
        "delta_log_likelihood",
        "mean_delta_log_likelihood",
        "rank",
        "left_aligned_position",
        "delta_pseudo_log_likelihood",
        "llr_quantile",
        "influence_quantile",
        "allele_frequency",
        "splice_score",
        "splice_position",
        "am_pathogenicity",
    }
)
MOST_WORKBOOK_ROWS = 1_048_575
"""Rows of a sheet below its header."""

_LONGEST_CELL = 32_767
_PLAIN = " ()*+-.:<>?_&[]@/=,'"


def write_triage_table(triage: Triage, path: Path) -> None:
    """Write ``triage`` as TSV: ``#`` lines with the provenance (JSON), one header line, positions 1-based, empty cells for no value."""
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"# locuscope triage\n# provenance: {triage.provenance.to_json()}\n")
        handle.writelines(table_lines(triage))


def table_lines(triage: Triage) -> Iterator[str]:
    """The lines of the table, the names of the columns first."""
    yield "\t".join(COLUMNS) + "\n"
    for row, rank in zip(triage.rows, triage.ranks(), strict=True):
        yield "\t".join(cells(row, rank)) + "\n"


def write_triage_csv(triage: Triage, path: Path) -> None:
    """Write ``triage`` as CSV for spreadsheets: one header line; the last column, ``provenance``, holds the JSON in the first row.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow([*COLUMNS, "provenance"])
        origin = triage.provenance.to_json()
        for row, rank in zip(triage.rows, triage.ranks(), strict=True):
            named = zip(COLUMNS, cells(row, rank), strict=True)
            table.writerow([*(text if name in NUMBERS else harmless(text) for name, text in named), origin])
            origin = ""


def write_triage_workbook(triage: Triage, path: Path) -> None:
    """Write ``triage`` as XLSX: sheet ``variants`` with numbers as numbers and everything else as text, sheet ``provenance``.

    Raises
    ------
    ParameterError
        More alleles than a sheet has rows.
    """
    import xlsxwriter

    if len(triage.rows) > MOST_WORKBOOK_ROWS:
        raise ParameterError(
            f"A sheet of Excel has {MOST_WORKBOOK_ROWS:,} rows and there are {len(triage.rows):,} alleles; write .tsv, .csv or .vcf.gz."
        )
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("variants")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(COLUMNS):
            sheet.write_string(0, column, name)
        for line, (row, rank) in enumerate(zip(triage.rows, triage.ranks(), strict=True), start=1):
            for column, (name, text) in enumerate(zip(COLUMNS, cells(row, rank), strict=True)):
                if name in NUMBERS and text:
                    sheet.write_number(line, column, float(text))
                elif text:
                    sheet.write_string(line, column, text[:_LONGEST_CELL])
        origin = book.add_worksheet("provenance")
        for line, (name, value) in enumerate(triage.provenance.as_dict().items()):
            origin.write_string(line, 0, name)
            origin.write_string(line, 1, (value if isinstance(value, str) else json.dumps(value, sort_keys=True))[:_LONGEST_CELL])


def cells(row: ScoredVariant, rank: int | None) -> list[str]:
    """The texts of a row, in the order of `COLUMNS`."""
    variant = row.variant
    place = [variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate]
    texts = [*_consequence_cells(row.consequences), *_left_aligned_cells(row), _number(row.mean_delta_log_likelihood), row.ranked_with]
    texts += [_number(row.delta_pseudo_log_likelihood), _number(row.llr_quantile), _number(row.influence_quantile)]
    texts += ["+".join(row.unranked), row.below_chance, _number(variant.frequency), *_splice_cells(row.splice)]
    texts += [*_missense_cells(row.missense), *_clinical_cells(row.clinical)]
    scores = [_number(row.llr), _number(row.influence), _number(row.delta_log_likelihood), "" if rank is None else str(rank)]
    return [
        text.replace("\t", " ").replace("\n", " ") for text in (*place, *scores, row.consequence, row.gene, row.status, row.note, *texts)
    ]


def _missense_cells(found: MissenseScore | None) -> list[str]:
    if found is None:
        return [""] * 4
    return [_number(found.value), found.label, str(found.substitution or ""), found.transcript]


def _clinical_cells(found: ClinicalRecord | None) -> list[str]:
    return [""] * 4 if found is None else [found.significance, found.review, found.identifier, found.condition]


def _splice_cells(found: SpliceScore | None) -> list[str]:
    if found is None or found.score is None:
        return [""] * 4
    kind, change = max(zip(KINDS, found.changes, strict=True), key=lambda pair: pair[1].delta if pair[1] is not None else -1.0)
    where = "" if change is None or change.position is None else str(change.position)
    return [_number(found.score), kind if found.score else "", where, found.gene]


def _consequence_cells(found: tuple[Consequence, ...]) -> list[str]:
    if not found:
        return [""] * 8
    first = found[0]
    others = ";".join(
        "|".join((quote(item.transcript, _PLAIN), quote(item.gene, _PLAIN), "&".join(item.terms), item.impact, item.hgvs_c, item.hgvs_p))
        for item in found[1:]
    )
    notes = " ".join(dict.fromkeys(item.note for item in found if item.note))
    code = str(first.genetic_code) if first.genetic_code else ""
    return [first.impact, "&".join(first.terms), first.transcript, first.hgvs_c, first.hgvs_p, code, others, notes]


def _left_aligned_cells(row: ScoredVariant) -> list[str]:
    return ["", "", ""] if row.left_aligned is None else [str(cell) for cell in row.left_aligned]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
