"""GenBank flat files: letters and features through Biopython."""

from __future__ import annotations

import io
import warnings
from typing import Any

from engine.core.errors import FileFormatError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.sources.letters import sequence_from

_NAMES = ("gene", "locus_tag", "standard_name", "label", "bound_moiety", "regulatory_class", "product", "note")
_SKIPPED = frozenset({"source", "translation"})
_STRANDS = {1: "+", -1: "-"}


def _qualifiers(feature: Any) -> dict[str, str]:
    return {key: "; ".join(str(value) for value in values)[:500] for key, values in feature.qualifiers.items() if key not in _SKIPPED}


def _span(part: Any, length: int) -> tuple[int, int] | None:
    """Interval of one part of a location; None for parts of other records, unknown ends and places between two bases."""
    if part.ref is not None:
        return None
    try:
        start, end = int(part.start), int(part.end)
    except (TypeError, ValueError):
        return None
    return (start, min(end, length)) if 0 <= start < min(end, length) else None


def _features(record: Any, contig: str, length: int) -> tuple[Feature, ...]:
    """Features of a record; a joined location becomes one feature a part (``part`` = ``2/3``)."""
    found: list[Feature] = []
    for feature in record.features:
        if feature.type == "source" or feature.location is None:
            continue
        attributes = _qualifiers(feature)
        name = next((attributes[key] for key in _NAMES if attributes.get(key)), "")[:80]
        parts = feature.location.parts
        for number, part in enumerate(parts, start=1):
            span = _span(part, length)
            if span is None:
                continue
            start, end = span
            extra = attributes | {"part": f"{number}/{len(parts)}"} if len(parts) > 1 else attributes
            found.append(Feature(feature.type, name, start, end, _STRANDS.get(part.strand, "."), contig, extra))
    return tuple(found)


def _letters(record: Any) -> str:
    from Bio.Seq import UndefinedSequenceError

    try:
        return str(record.seq)
    except UndefinedSequenceError as error:
        raise FileFormatError(
            f"The GenBank record {record.id[:60]!r} has no letters (no ORIGIN part); download it with its sequence."
        ) from error


def parse_genbank(text: str) -> tuple[tuple[NucleotideSequence, ...], tuple[tuple[Feature, ...], ...]]:
    """Records and, for each, its features in 0-based half-open coordinates of the record (contig = accession.version).

    Each record gets the locus ``accession:1-length`` without an assembly.

    Raises
    ------
    FileFormatError
        Not GenBank, damaged, or without letters.
    SequenceError
        Letters that cannot be used.
    """
    from Bio import SeqIO

    records: list[NucleotideSequence] = []
    features: list[tuple[Feature, ...]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Biopython warns about harmless deviations of header lines
        try:
            parsed = list(SeqIO.parse(io.StringIO(text), "genbank"))
        except (ValueError, AssertionError, IndexError, KeyError, AttributeError, TypeError) as error:
            raise FileFormatError(
                "The GenBank text does not parse; give the flat file as NCBI writes it, from LOCUS to //, with ORIGIN and letters."
            ) from error
    if not parsed:
        raise FileFormatError("The GenBank text has no record; give the flat file as NCBI writes it, from LOCUS to //.")
    for record in parsed:
        letters = _letters(record)
        if not letters:
            raise FileFormatError(f"The GenBank record {record.id[:60]!r} has no letters; download it with its sequence.")
        contig = record.id if record.id and record.id != "<unknown id>" else record.name
        sequence = sequence_from(letters, contig, None, f" of GenBank record {contig[:60]!r}")
        records.append(NucleotideSequence(sequence.letters, sequence.alphabet, Locus("", contig, 0, len(sequence)), contig))
        features.append(_features(record, contig, len(sequence)))
    return tuple(records), tuple(features)
