"""GenBank and EMBL flat files: letters and features through Biopython, one record at a time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from engine.core.errors import FileFormatError, InputError
from engine.core.features import Feature
from engine.core.locus import Locus, is_contig_name
from engine.core.quoting import quoted
from engine.core.sequence import NucleotideSequence
from engine.sources.door import OWN_FILES, Bounds, LeftOut
from engine.sources.kinds import EMBL, GENBANK, TextKind
from engine.sources.letters import sequence_from

_NAMES = ("gene", "locus_tag", "standard_name", "label", "bound_moiety", "regulatory_class", "product", "note")
_SKIPPED = frozenset({"source", "translation"})
_STRANDS = {1: "+", -1: "-"}
_FOREIGN = (ValueError, LookupError, AttributeError, TypeError, AssertionError, ArithmeticError, RecursionError, NotImplementedError)
_END_OF_RECORD = "//"
_EMBL_LINES = frozenset({"ID", "AC", "SV", "FT", "SQ", "  "})

Records = tuple[tuple[NucleotideSequence, ...], tuple[tuple[Feature, ...], ...]]


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


def _phases(feature: Any) -> list[str]:
    """Bases before the first whole codon of each part of a coding sequence, as GFF3 has them; empty for others, pseudogenes, and where a part is
    elsewhere or of unknown length."""
    parts, told = feature.location.parts, feature.qualifiers
    begins = told.get("codon_start", ["1"])[0]
    whole = all(_span(part, 1 << 62) is not None for part in parts)
    joined = len(parts) == 1 or getattr(feature.location, "operator", "") == "join"
    if feature.type != "CDS" or begins not in ("1", "2", "3") or {"pseudo", "pseudogene"} & set(told) or not whole or not joined:
        return []
    found, read = [], 1 - int(begins)
    for part in parts:
        found.append(str(-read % 3))
        read += int(part.end) - int(part.start)
    return found


def _features(record: Any, contig: str, length: int) -> tuple[Feature, ...]:
    """Features of a record; a joined location becomes one feature a part (``part`` = ``2/3``)."""
    found: list[Feature] = []
    for feature in record.features:
        if feature.type == "source" or feature.location is None:
            continue
        attributes = _qualifiers(feature)
        name = next((attributes[key] for key in _NAMES if attributes.get(key)), "")[:80]
        parts = feature.location.parts
        phases = _phases(feature)
        for number, part in enumerate(parts, start=1):
            span = _span(part, length)
            if span is None:
                continue
            start, end = span
            extra = attributes | ({"phase": phases[number - 1]} if phases else {})
            extra |= {"part": f"{number}/{len(parts)}"} if len(parts) > 1 else {}
            found.append(Feature(feature.type, name, start, end, _STRANDS.get(part.strand, "."), contig, extra))
    return tuple(found)


def _letters(record: Any) -> str:
    from Bio.Seq import UndefinedSequenceError

    try:
        letters = str(record.seq)
    except UndefinedSequenceError:
        letters = ""
    if not letters:
        raise FileFormatError("has no letters (no ORIGIN part); download it with its sequence")
    return letters


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines of one record after the other; a last one may lack its end."""
    chunk: list[str] = []
    for line in lines:
        if line.startswith(_END_OF_RECORD):
            if any(text.strip() for text in chunk):
                yield chunk
            chunk = []
        elif chunk or line.strip():
            chunk.append(line)
    if any(text.strip() for text in chunk):
        yield chunk


def _header(line: str) -> str:
    """A LOCUS line that Biopython reads, with the name in one word: editors of plasmids leave it out or put spaces into it."""
    words = line.split()
    unit = next((place for place, word in enumerate(words) if word in ("bp", "aa", "rc") and place > 1 and words[place - 1].isdigit()), 0)
    if len(line) > 500 or not unit or unit == 3:
        return line
    name = "_".join(words[1 : unit - 1]) or "unnamed"
    return f"LOCUS       {name} {words[unit - 1]} {' '.join(words[unit:])}"


def _needed(lines: list[str]) -> Iterator[str]:
    """Names, features and letters; references and comments, which are often broken, are not read."""
    header = True
    for line in lines:
        header = header and not line.startswith(("FEATURES", "ORIGIN", "CONTIG"))
        if not header or line.startswith(("ACCESSION", "VERSION")):
            yield line


def _needed_of_embl(lines: list[str]) -> Iterator[str]:
    """Names, features and letters of an EMBL record; the headline of the features as Biopython looks for it."""
    features = False
    for line in lines:
        if line.startswith("FT") and not features:
            features = True
            yield "FH   Key             Location/Qualifiers"
            yield "FH"
        if line[:2] in _EMBL_LINES:
            yield line


def _name_of(record: Any, number: int) -> str:
    """Accession with version, or the locus's name, as one word."""
    known = ("", ".", "<unknown id>", "<unknown name>", "unnamed")
    texts = ("_".join(str(text).split()) for text in (record.id, record.name) if text and str(text) not in known)
    return next((text for text in texts if is_contig_name(text)), f"record_{number}")


def _parsed(chunk: list[str], kind: TextKind) -> Any:
    from Bio import SeqIO

    chunk = [_header(chunk[0].lstrip()), *_needed(chunk[1:])] if kind is GENBANK else [*_needed_of_embl(chunk)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Biopython warns about harmless deviations of header lines
        try:
            return next(iter(SeqIO.parse(io.StringIO("\n".join([*chunk, _END_OF_RECORD, ""])), kind.name)))
        except (*_FOREIGN, StopIteration) as error:
            what = "NCBI writes it, from LOCUS to //" if kind is GENBANK else "ENA writes it, from ID to //"
            raise FileFormatError(f"does not parse; give the flat file as {what}, with its letters") from error


def parsed_records(lines: Iterable[str], kind: TextKind = GENBANK, left_out: LeftOut | None = None) -> Iterator[tuple[str, Any]]:
    """Records of Biopython with the names of their contigs, one at a time; one that does not parse goes to ``left_out``."""
    what = "EMBL" if kind is EMBL else "GenBank"
    for number, chunk in enumerate(_chunks(lines), start=1):
        try:
            record = _parsed(chunk, kind)
        except FileFormatError as error:
            if left_out is not None:
                left_out.add(f"{what} record {number:,}, {quoted(chunk[0][:200].strip(), 60)}, {error}")
            continue
        yield _name_of(record, number), record


def parse_flat_file(lines: Iterable[str], bounds: Bounds = OWN_FILES, kind: TextKind = GENBANK, left_out: LeftOut | None = None) -> Records:
    """Records and, for each, its features in 0-based half-open coordinates of the record (contig = accession.version).

    Each record gets the locus ``accession:1-length`` without an assembly. A record that cannot be read goes to ``left_out``.

    Raises
    ------
    FileFormatError
        Not one record can be read, or there are more than the bounds allow.
    """
    what = "EMBL" if kind is EMBL else "GenBank"
    skipped = left_out if left_out is not None else LeftOut()
    records: list[NucleotideSequence] = []
    features: list[tuple[Feature, ...]] = []
    count = 0
    for number, chunk in enumerate(_chunks(lines), start=1):
        if number > bounds.records:
            raise FileFormatError(f"The {what} text has more than {bounds.records:,} records; cut out those that are needed.")
        try:
            record = _parsed(chunk, kind)
            contig = _name_of(record, number)
            sequence = sequence_from(_letters(record), contig, None, f" of {what} record {quoted(contig, 60)}")
        except FileFormatError as error:
            skipped.add(f"{what} record {number:,}, {quoted(chunk[0][:200].strip(), 60)}, {error}")
            continue
        except InputError as error:
            skipped.add(f"{what} record {number:,}: {str(error).rstrip('.')}")
            continue
        found = _features(record, contig, len(sequence))
        count += len(found)
        if count > bounds.features:
            raise FileFormatError(f"The {what} text has more than {bounds.features:,} features; cut out the part that is needed.")
        records.append(NucleotideSequence(sequence.letters, sequence.alphabet, Locus("", contig, 0, len(sequence)), contig))
        features.append(found)
    if not records:
        reason = f": {skipped.first[0]}" if skipped.first else ""
        raise FileFormatError(f"The {what} text has no record that can be read{reason}.")
    return tuple(records), tuple(features)
