"""FASTA text: several records, strict about what is broken."""

from __future__ import annotations

from engine.core.errors import FileFormatError, LocusError
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.sources.letters import sequence_from


def _locus_of(name: str, length: int) -> Locus | None:
    """A locus written as the record's name (``contig:start-end``, as samtools faidx writes it), when its width fits."""
    if ":" not in name:
        return None
    try:
        locus = Locus.parse(name)
    except LocusError:
        return None
    return locus if locus.width_bp == length else None


def _record(header: str, lines: list[str], number: int) -> NucleotideSequence:
    words = header.split()
    name = words[0] if words else f"record {number}"
    body = "".join(lines)
    if not body.strip():
        raise FileFormatError(f"The FASTA record {name[:60]!r} has no letters; add them or remove its header line.")
    sequence = sequence_from("\n".join(lines), name, None, f" of FASTA record {name[:60]!r}")
    locus = _locus_of(name, len(sequence))
    return sequence if locus is None else NucleotideSequence(sequence.letters, sequence.alphabet, locus, name)


def parse_fasta(text: str) -> tuple[NucleotideSequence, ...]:
    """Records of a FASTA text in file order; a name such as ``R64:chrIV:1-300`` whose width fits becomes the locus.

    Raises
    ------
    FileFormatError
        Text before the first ``>``, a record without letters, or no record.
    SequenceError
        A record with letters that are no nucleotides, T and U mixed, or all N.
    """
    records: list[NucleotideSequence] = []
    header: str | None = None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(">"):
            if header is not None:
                records.append(_record(header, lines, len(records) + 1))
            header, lines = line[1:].strip(), []
        elif line.startswith(";"):
            continue
        elif header is not None:
            lines.append(line)
        elif line.strip():
            raise FileFormatError(f"Line {number} of the FASTA text comes before the first header; a record starts with a line '>name'.")
    if header is None:
        raise FileFormatError("The FASTA text has no header; a record starts with a line '>name'.")
    records.append(_record(header, lines, len(records) + 1))
    return tuple(records)
