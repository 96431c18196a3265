"""Gene models out of an annotation: exons and coding parts grouped by transcript, in the order of reading.

The file is read as a stream, so that one of gigabytes takes the memory of its gene models only. A line that cannot be used is left out and
said; a transcript that cannot be read says why (`Transcript.problem`).
"""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.core.errors import FileFormatError, ParameterError
from engine.core.transcripts import Transcripts
from engine.sources.assemblies import find_contig
from engine.sources.compressed import GZIP_MAGIC
from engine.sources.genbank_models import genbank_transcripts
from engine.sources.gene_columns import Columns
from engine.sources.gene_lines import gene_lines
from engine.sources.gene_parts import Codes, made
from engine.sources.genetic_codes import organism_of

_LOG = logging.getLogger(__name__)

Lines = Callable[[], Iterable[str]]
"""Opens the lines of an annotation anew."""


def read_transcripts(path: Path, codes: Mapping[str, int] | None = None) -> Transcripts:
    """Every transcript of a GFF3, GTF or GenBank file, gzipped or not; which of them it is shows in its lines.

    ``codes``: genetic codes that the user states (`engine.sources.genetic_codes.given_codes`).

    Raises
    ------
    FileFormatError
        The file cannot be read, or holds no gene model.
    ParameterError
        A genetic code is stated for a contig that the annotation does not have.
    """
    problems: list[str] = []
    if next(_lines(path), "").startswith("LOCUS "):
        with _opened(path) as text:
            found = genbank_transcripts(path, text, codes or {})
    else:
        found = transcripts_of(lambda: _lines(path), codes, problems)
    if problems:
        more = f", and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        _LOG.warning("%s: %s; left out%s", path.name[-60:], problems[0], more)
    if not found:
        raise FileFormatError(f"{path.name[-60:]} holds no exons or coding parts; give a GFF3, GTF or GenBank file with gene models.")
    return found


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """The text of a file, unpacked; lines end at line feeds and carriage returns and nowhere else."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            data = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if zipped else raw
            yield io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None)
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "the gzip file is damaged"
        raise FileFormatError(f"The annotation {path.name[-60:]} cannot be read: {why}; give a GFF3, GTF or GenBank file.") from error


def _lines(path: Path) -> Iterator[str]:
    with _opened(path) as text:
        for line in text:
            yield line.removesuffix("\n")


def transcripts_of(lines: Lines, codes: Mapping[str, int] | None = None, problems: list[str] | None = None) -> Transcripts:
    """Transcripts in the order of their first part. Lines are opened again where a part's symbol stands at what it belongs to.

    Parts are grouped by ``Parent`` (GFF3) or ``transcript_id`` (GTF) and contig, over contigs only for trans-splicing; a coding part
    directly under a gene makes a transcript of it.
    """
    columns = Columns(problems if problems is not None else [])
    for line in gene_lines(lines(), columns.told, columns.problems):
        columns.take(line)
    holders = columns.holders()
    while not holders.is_complete:
        for line in gene_lines(lines(), [], []):
            holders.take(line)
        holders.close()
    reading = Codes(_known(codes or {}, columns.contigs), organism_of(columns.told), columns.organelles)
    models = Transcripts()
    for group in columns.groups(holders):
        for transcript in made(group, reading, columns.circles):
            models.append(transcript)
    return models


def _known(codes: Mapping[str, int], contigs: Iterable[str]) -> dict[str, int]:
    """Codes that the user states, by the annotation's contig names."""
    known = {}
    for name, table in codes.items():
        contig = find_contig(name, contigs) if name else ""
        if contig is None:
            raise ParameterError(f"A genetic code is stated for {name[:40]!r}, which has no gene models in the annotation; check the name.")
        known[contig] = table
    return known
