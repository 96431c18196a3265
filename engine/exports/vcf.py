"""Triage of a VCF back into VCF: the lines of the input with INFO fields added, provenance in a header line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError
from engine.core.packages import needed
from engine.core.variants import ScoredVariant, Triage
from engine.exports import splice_field

FIELDS = (
    ("LCS_LLR", "Float", "ln p(alternate) - ln p(reference), position masked; negative = unlikely"),
    ("LCS_INFLUENCE", "Float", "Mean over the other bases of the window of the largest absolute change in log2 odds"),
    ("LCS_DLL", "Float", "ln P(window with the allele) - ln P(window), windows of equal length"),
    ("LCS_MEAN_DLL", "Float", "LCS_DLL per base"),
    (
        "LCS_DPLL",
        "Float",
        "Indels and several bases by a masked model: change of the window's pseudo-log-likelihood, nothing masked; no likelihood",
    ),
    ("LCS_LLR_QUANTILE", "Float", "Share of measured substitutions of the same consequence class whose LCS_LLR is as low or lower"),
    (
        "LCS_INFLUENCE_QUANTILE",
        "Float",
        "Share of measured substitutions of the same consequence class whose LCS_INFLUENCE is as high or higher",
    ),
    ("LCS_RANK", "Integer", "1 = least expected of its kind (substitutions, several bases, indels apart); missing where no score ranks it"),
    ("LCS_UNRANKED", "String", "Scores that were measured below chance for this class and do not rank it, joined by +"),
    ("LCS_STATUS", "String", "scored, reference_mismatch, outside or not_scored"),
    ("LCS_CONSEQUENCE", "String", "Most severe consequence by the annotation, a Sequence Ontology term"),
    ("LCS_IMPACT", "String", "Its impact class: HIGH, MODERATE, LOW or MODIFIER"),
    ("LCS_AM", "Float", "AlphaMissense pathogenicity, 0 to 1, the highest of the transcripts in its table"),
    ("LCS_AM_CLASS", "String", "Its class: likely_benign, ambiguous or likely_pathogenic"),
    ("LCS_AM_PROTEIN", "String", "The substitution in the protein, UniProt accession:change"),
    ("LCS_CLINVAR", "String", "ClinVar's classification of the allele; percent-encoded"),
    ("LCS_CLINVAR_REVIEW", "String", "Its review status; percent-encoded"),
    ("LCS_CLINVAR_ID", "String", "Its variation ID"),
    ("LCS_LEFT_ALIGNED", "String", "Position|reference|alternate without padding, an indel as far left as it goes"),
)
"""INFO fields, one value an alternate allele."""

TRANSCRIPTS = (
    "LCS_TRANSCRIPTS",
    "Consequences, one a transcript, the most severe first; percent-encoded. Format: Allele|Consequence|IMPACT|Gene|Transcript|HGVSc|HGVSp|"
    "Genetic_code|Note",
)
"""INFO field with any number of values: its name and description."""

NOTES = ("LCS_NOTE", "Why alleles of the record have no score, each reason once; percent-encoded")
"""As `TRANSCRIPTS`."""

Row = TypeVar("Row")
_INFO = 7
_PLAIN = "()*+-.:<>?_&[]@/"


def write_triage_vcf(triage: Triage, source: Iterable[str], path: Path) -> None:
    """Write the lines of ``source`` (the VCF that was triaged) to ``path`` with `FIELDS` added; ``.gz`` and ``.bgz`` are bgzipped.

    Raises
    ------
    FileFormatError
        ``source`` is not the VCF that was triaged.
    """
    write_lines(vcf_lines(triage, source), path)


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write lines, each with its end, as text; ``.gz`` and ``.bgz`` are bgzipped."""
    if not path.name.casefold().endswith((".gz", ".bgz")):
        with path.open("w", encoding="utf-8", newline="\n") as plain:
            plain.writelines(lines)
        return
    pysam = needed("pysam")

    with pysam.BGZFile(str(path), "wb") as handle:
        for line in lines:
            handle.write(line.encode())


def vcf_lines(triage: Triage, source: Iterable[str]) -> Iterator[str]:
    """Lines of the VCF with the scores, each with its end; headers that stand between records, as in joined files, are left out."""
    described = (
        *(f'##INFO=<ID={name},Number=A,Type={kind},Description="{text}">' for name, kind, text in FIELDS),
        splice_field.HEADER,
        *(f'##INFO=<ID={name},Number=.,Type=String,Description="{text}">' for name, text in (TRANSCRIPTS, NOTES)),
        f"##locuscope_provenance={triage.provenance.to_json()}",
    )
    ranked = zip(triage.rows, triage.ranks(), strict=True)
    groups = ((record, list(own)) for record, own in itertools.groupby(ranked, key=lambda pair: pair[0].variant.record))
    return with_fields(source, "LCS_", described, groups, _annotated)


def with_fields(
    source: Iterable[str],
    mine: str,
    described: Iterable[str],
    rows: Iterable[tuple[int, Sequence[Row]]],
    annotated: Callable[[str, Sequence[Row]], str],
) -> Iterator[str]:
    """Lines of a VCF with header lines ``described`` and every record as ``annotated(line, its rows)``, each with its end.

    ``rows``: by the index of their record, in the order of the file. ``mine``: how the names of our INFO fields begin; definitions of an earlier run are left out, and so are headers that stand between
    records, as in joined files. Raises `FileFormatError` when there are rows for more records than the source has.
    """
    record = 0
    header = False
    left = iter(rows)
    following = next(left, None)
    for line in source:
        if line.startswith(f"##INFO=<ID={mine}") or not line.strip():
            continue
        if line.startswith("#"):
            if not header and line.startswith("#CHROM"):
                header = True
                yield from (f"{text}\n" for text in described)
                yield f"{line}\n"
            elif not header:
                yield f"{line}\n"
            continue
        here: Sequence[Row] = ()
        if following is not None and following[0] == record:
            here = following[1]
            following = next(left, None)
        yield annotated(line, here) + "\n"
        record += 1
    if following is not None:
        raise FileFormatError("The scores belong to a VCF with more records; give the VCF that was scored.")


def _annotated(line: str, ranked: Sequence[tuple[ScoredVariant, int | None]]) -> str:
    """One record with the values of its alternate alleles."""
    rows = [row for row, _ in ranked]
    columns = line.split("\t")
    alternates = [text.upper() for text in columns[4].split(",") if text not in (".", "")] if len(columns) > 4 else []
    if any(row.variant.problem for row in rows):
        return _with_info(columns, (("LCS_STATUS", [row.status for row in rows]), (NOTES[0], _notes(rows))))
    here = [(str(row.variant.position), row.variant.alternate.upper()) for row in rows]
    if here != [(columns[1].lstrip("0"), alternate) for alternate in alternates]:
        raise FileFormatError(f"The record {':'.join(columns[:2])[:80]} is not the one that was triaged; give the same VCF.")
    if not rows:
        return line
    values = (
        ("LCS_LLR", [_number(row.llr) for row in rows]),
        ("LCS_INFLUENCE", [_number(row.influence) for row in rows]),
        ("LCS_DLL", [_number(row.delta_log_likelihood) for row in rows]),
        ("LCS_MEAN_DLL", [_number(row.mean_delta_log_likelihood) for row in rows]),
        ("LCS_DPLL", [_number(row.delta_pseudo_log_likelihood) for row in rows]),
        ("LCS_LLR_QUANTILE", [_number(row.llr_quantile) for row in rows]),
        ("LCS_INFLUENCE_QUANTILE", [_number(row.influence_quantile) for row in rows]),
        ("LCS_RANK", ["." if rank is None else str(rank) for _, rank in ranked]),
        ("LCS_UNRANKED", ["+".join(row.unranked) or "." for row in rows]),
        ("LCS_STATUS", [row.status for row in rows]),
        ("LCS_CONSEQUENCE", [row.consequence or "." for row in rows]),
        ("LCS_IMPACT", [row.consequences[0].impact if row.consequences else "." for row in rows]),
        ("LCS_AM", [_number(row.missense.value if row.missense else None) for row in rows]),
        ("LCS_AM_CLASS", [row.missense.label if row.missense else "." for row in rows]),
        ("LCS_AM_PROTEIN", [str((row.missense and row.missense.substitution) or ".") for row in rows]),
        ("LCS_CLINVAR", [_told(row.clinical.significance if row.clinical else None) for row in rows]),
        ("LCS_CLINVAR_REVIEW", [_told(row.clinical.review if row.clinical else None) for row in rows]),
        ("LCS_CLINVAR_ID", [_told(row.clinical.identifier if row.clinical else None) for row in rows]),
        ("LCS_LEFT_ALIGNED", ["|".join(map(str, row.left_aligned)) if row.left_aligned else "." for row in rows]),
        (
            splice_field.FIELD,
            [splice_field.entry(row.splice) for row in rows if row.splice is not None and row.splice.score is not None] or ["."],
        ),
        (TRANSCRIPTS[0], [_transcript(row.variant.alternate, item) for row in rows for item in row.consequences] or ["."]),
        (NOTES[0], _notes(rows)),
    )
    return _with_info(columns, values)


def _with_info(columns: list[str], values: Iterable[tuple[str, Sequence[str]]]) -> str:
    """The record with INFO fields; those that are missing for every allele are left out. Columns that a broken record lacks become missing."""
    columns = columns + ["."] * (_INFO + 1 - len(columns))
    kept = [item for item in columns[_INFO].split(";") if item not in (".", "") and not item.startswith("LCS_")]
    added = [f"{name}={','.join(texts)}" for name, texts in values if set(texts) != {"."}]
    columns[_INFO] = ";".join(kept + added)
    return "\t".join(columns)


def _transcript(allele: str, item: Consequence) -> str:
    code = str(item.genetic_code or "")
    cells = (allele, "&".join(item.terms), item.impact, item.gene, item.transcript, item.hgvs_c, item.hgvs_p, code, item.note)
    return "|".join(quote(cell, safe=_PLAIN) for cell in cells)


def _told(text: str | None) -> str:
    return quote(text, safe=_PLAIN) if text else "."


def _notes(rows: Sequence[ScoredVariant]) -> list[str]:
    return [quote(note, safe=_PLAIN) for note in dict.fromkeys(row.note for row in rows if row.note)] or ["."]


def _number(value: float | None) -> str:
    return "." if value is None else f"{value:.6g}"
