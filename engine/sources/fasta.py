"""FASTA text, read line by line; a record that cannot be used is left out and said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.core.errors import FileFormatError, InputError, LocusError
from engine.core.locus import Locus
from engine.core.quoting import quoted
from engine.core.sequence import NucleotideSequence
from engine.sources.door import OWN_FILES, Bounds, LeftOut
from engine.sources.letters import sequence_from

_STRUCTURE = re.compile(r"[().\[\]{}<>,~&|-]{3,}")


def _locus_of(name: str, length: int) -> Locus | None:
    """A locus written as the record's name (``contig:start-end``, as samtools faidx writes it), when its width fits."""
    if ":" not in name:
        return None
    try:
        locus = Locus.parse(name)
    except LocusError:
        return None
    return locus if locus.width_bp == length else None


def _is_structure(line: str) -> bool:
    """Whether a line is a structure in dot-bracket, as RNAfold writes below the letters, with or without its energy."""
    first = line.split(" ", 1)[0]
    return ("(" in first or "[" in first or "<" in first) and _STRUCTURE.fullmatch(first) is not None


def _record(header: str, lines: list[str], number: int) -> NucleotideSequence:
    words = header.split(None, 1)
    name = words[0] if words else f"record {number}"
    if not any(line.strip() for line in lines):
        raise FileFormatError(f"The FASTA record {quoted(name, 60)} has no letters; add them or remove its header line.")
    sequence = sequence_from("\n".join(lines), name, None, f" of FASTA record {quoted(name, 60)}")
    locus = _locus_of(name, len(sequence))
    return sequence if locus is None else NucleotideSequence(sequence.letters, sequence.alphabet, locus, name)


def _parts(lines: Iterable[str], left_out: LeftOut) -> Iterator[tuple[str, list[str]]]:
    """Header and lines of each record; comment and structure lines are passed over."""
    header: str | None = None
    part: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            if header is not None:
                yield header, part
            header, part = line[1:].strip(), []
        elif line.startswith(";"):
            continue
        elif header is not None:
            if part and _is_structure(line):
                left_out.add(f"line {number:,} is a structure in dot-bracket, which is not read")
            else:
                part.append(line)
        elif line.strip():
            raise FileFormatError(f"Line {number:,} of the FASTA text comes before the first header; a record starts with a line '>name'.")
    if header is None:
        raise FileFormatError("The FASTA text has no header; a record starts with a line '>name'.")
    yield header, part


def parse_fasta(lines: Iterable[str], bounds: Bounds = OWN_FILES, left_out: LeftOut | None = None) -> tuple[NucleotideSequence, ...]:
    """Records of a FASTA text in file order; a name such as ``R64:chrIV:1-300`` whose width fits becomes the locus.

    A record without letters, or with letters that are no nucleotides, goes to ``left_out``.

    Raises
    ------
    FileFormatError
        Text before the first ``>``, no record, or more records than the bounds allow.
    InputError
        Not one record can be used: what is wrong with the first.
    """
    skipped = left_out if left_out is not None else LeftOut()
    records: list[NucleotideSequence] = []
    problem: InputError | None = None
    for number, (header, part) in enumerate(_parts(lines, skipped), start=1):
        if number > bounds.records:
            raise FileFormatError(f"The FASTA text has more than {bounds.records:,} records; cut out those that are needed.")
        try:
            records.append(_record(header, part, number))
        except InputError as error:
            problem = problem or error
            skipped.add(str(error).rstrip("."))
    if not records:
        raise problem or FileFormatError("The FASTA text has no record.")
    return tuple(records)
