"""Triage of a VCF back into VCF: the records of the input with INFO fields added, provenance in header lines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from engine.core.errors import FileFormatError
from engine.core.variants import ScoredVariant, Triage

FIELDS = (
    ("LCS_LLR", "Float", "ln p(alternate) - ln p(reference), position masked; negative = unlikely"),
    ("LCS_INFLUENCE", "Float", "Mean over the other bases of the window of the largest absolute change in log2 odds"),
    ("LCS_DLL", "Float", "ln P(window with the allele) - ln P(window)"),
    ("LCS_STATUS", "String", "scored, reference_mismatch, outside or not_scored"),
    ("LCS_CONSEQUENCE", "String", "Consequence by the annotation, Sequence Ontology terms"),
)
"""INFO fields, one value an alternate allele."""


def write_triage_vcf(triage: Triage, source: Path, path: Path) -> None:
    """Write the records of ``source`` to ``path`` (``.vcf``, ``.vcf.gz`` bgzipped) with `FIELDS` added.

    Raises
    ------
    FileFormatError
        ``source`` is not the VCF that was triaged, or cannot be copied.
    """
    import pysam

    rows: dict[int, list[ScoredVariant]] = {}
    for row in triage.rows:
        rows.setdefault(row.variant.record, []).append(row)
    before = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(source)) as reader:
            header = _header(reader.header, triage)
            with pysam.VariantFile(str(path), "wz" if path.suffix == ".gz" else "w", header=header) as writer:
                for number, record in enumerate(reader):
                    record.translate(header)
                    _annotate(record, rows.get(number, []))
                    writer.write(record)
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{source.name} cannot be copied as a VCF: {error}; write a table (.tsv) instead.") from error
    finally:
        pysam.set_verbosity(before)


def _header(original: Any, triage: Triage) -> Any:
    header = original.copy()
    for name, kind, description in FIELDS:
        if name in header.info:
            header.info.remove_header(name)
        header.add_line(f'##INFO=<ID={name},Number=A,Type={kind},Description="{description}">')
    header.add_line(f"##locuscope_provenance={triage.provenance.to_json()}")
    for row in triage.rows:
        if row.variant.contig not in header.contigs:
            header.contigs.add(row.variant.contig)
    return header


def _annotate(record: Any, rows: list[ScoredVariant]) -> None:
    """Add the values of every alternate allele of one record."""
    alternates = len(record.alts or ())
    if [row.variant.allele for row in rows] != list(range(alternates)):
        raise FileFormatError(f"The record {record.contig}:{record.pos} is not the one that was triaged; give the same VCF.")
    if not rows:
        return
    for name, values in (
        ("LCS_LLR", [row.llr for row in rows]),
        ("LCS_INFLUENCE", [row.influence for row in rows]),
        ("LCS_DLL", [row.delta_log_likelihood for row in rows]),
    ):
        if any(value is not None and math.isfinite(value) for value in values):
            record.info[name] = tuple(values)
    record.info["LCS_STATUS"] = tuple(row.status for row in rows)
    if any(row.consequence for row in rows):
        record.info["LCS_CONSEQUENCE"] = tuple(row.consequence or "." for row in rows)
