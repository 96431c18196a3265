"""Gene models out of an annotation: exons and coding parts grouped by transcript, in the order of reading.

The file is read as a stream, so that one of gigabytes takes the memory of its gene models only. A line that cannot be used is left out and
said; a transcript that cannot be read says why (`Transcript.problem`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from engine.core.errors import FileFormatError, ParameterError
from engine.core.quoting import file_name, quoted
from engine.core.transcripts import Transcripts
from engine.sources.assemblies import find_contig
from engine.sources.door import OWN_FILES, LeftOut, TextLines
from engine.sources.flat_file_models import flat_file_transcripts
from engine.sources.gene_columns import Columns
from engine.sources.gene_lines import gene_lines
from engine.sources.gene_parts import Codes, made
from engine.sources.genetic_codes import organism_of
from engine.sources.kinds import EMBL, GENBANK

_WANTED = "a GFF3, GTF or GenBank file"
_LOG = logging.getLogger(__name__)

Lines = Callable[[], Iterable[str]]
"""Opens the lines of an annotation anew."""


def read_transcripts(path: Path, codes: Mapping[str, int] | None = None, name: str = "") -> Transcripts:
    """Every transcript of a GFF3, GTF or GenBank file, gzipped or not; which of them it is shows in its lines.

    ``codes``: genetic codes that the user states (`engine.sources.genetic_codes.given_codes`). ``name``: what the user calls the file. What was left out, and where a stated code was
    not taken, is in the ``notes`` of the transcripts.

    Raises
    ------
    FileFormatError
        The file cannot be read, or holds no gene model.
    ParameterError
        A genetic code is stated for a contig that the annotation does not have.
    """
    left_out, guessed, label = LeftOut(), list[str](), name or path.name
    with _opened(path, label) as lines:
        kind = lines.kind
    if kind is GENBANK or kind is EMBL:
        with _opened(path, label) as lines:
            found = flat_file_transcripts(lines, kind, codes or {}, left_out)
            guessed = lines.notes
    else:
        found = transcripts_of(lambda: _lines(path, label, guessed), codes, left_out)
    found.stated_codes = dict(codes or {})
    for note in (left_out.note(label), *guessed[:1]):
        found.note(note)
    if not found:
        reason = f" {left_out.note(label)}" if left_out.count else ""
        raise FileFormatError(f"The file {file_name(label)} holds no exons or coding parts; give {_WANTED} with gene models.{reason}")
    for note in found.notes:
        _LOG.warning("%s", note)
    return found


def _opened(path: Path, label: str) -> TextLines:
    return TextLines(label, path, OWN_FILES, _WANTED)


def _lines(path: Path, label: str, guessed: list[str]) -> Iterator[str]:
    with _opened(path, label) as lines:
        try:
            yield from lines
        finally:
            guessed += lines.notes


def transcripts_of(lines: Lines, codes: Mapping[str, int] | None = None, left_out: LeftOut | None = None) -> Transcripts:
    """Transcripts in the order of their first part. Lines are opened again where a part's symbol stands at what it belongs to.

    Parts are grouped by ``Parent`` (GFF3) or ``transcript_id`` (GTF) and contig, over contigs only for trans-splicing; a coding part
    directly under a gene makes a transcript of it.
    """
    columns = Columns(left_out if left_out is not None else LeftOut())
    for line in gene_lines(lines(), columns.told, columns.left_out):
        columns.take(line)
    holders = columns.holders()
    while not holders.is_complete:
        for line in gene_lines(lines(), [], LeftOut()):
            holders.take(line)
        holders.close()
    reading = Codes(_known(codes or {}, columns.contigs), organism_of(columns.told), columns.organelles)
    models = Transcripts()
    for group in columns.groups(holders):
        for transcript in made(group, reading, columns.circles):
            models.append(transcript)
    models.note(reading.note())
    return models


def _known(codes: Mapping[str, int], contigs: Iterable[str]) -> dict[str, int]:
    """Codes that the user states, by the annotation's contig names."""
    known = {}
    for name, table in codes.items():
        contig = find_contig(name, contigs) if name else ""
        if contig is None:
            raise ParameterError(
                f"A genetic code is stated for {quoted(name, 40)}, which has no gene models in the annotation; check the name."
            )
        known[contig] = table
    return known
