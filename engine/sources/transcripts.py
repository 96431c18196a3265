"""Gene models out of an annotation: exons and coding parts grouped by transcript, in the order of reading.

The file is read as a stream, so that one of gigabytes takes the memory of its gene models only. A line that cannot be used is left out and
said; a transcript that cannot be read says why (`Transcript.problem`).
"""

from __future__ import annotations

import gzip
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from engine.core.errors import FileFormatError, ParameterError
from engine.core.transcripts import Transcripts
from engine.sources.assemblies import find_contig
from engine.sources.compressed import GZIP_MAGIC
from engine.sources.gene_columns import Columns, Holder
from engine.sources.gene_lines import attributes_of, gene_lines, parents_of
from engine.sources.gene_parts import Codes, made
from engine.sources.genetic_codes import organism_of

_LOG = logging.getLogger(__name__)
_SYMBOLS = ("gene", "gene_name", "Name", "gene_id", "locus_tag", "ID")
_DEEPEST = 6

Lines = Callable[[], Iterable[str]]
"""Opens the lines of an annotation anew."""


def read_transcripts(path: Path, codes: Mapping[str, int] | None = None) -> Transcripts:
    """Every transcript of a GFF3 or GTF file, gzipped or not.

    ``codes``: genetic codes that the user states (`engine.sources.genetic_codes.given_codes`).

    Raises
    ------
    FileFormatError
        The file cannot be read, or holds no gene model.
    ParameterError
        A genetic code is stated for a contig that the annotation does not have.
    """
    problems: list[str] = []
    found = transcripts_of(lambda: _lines(path), codes, problems)
    if problems:
        more = f", and {len(problems) - 1:,} more" if len(problems) > 1 else ""
        _LOG.warning("%s: %s; left out%s", path.name[-60:], problems[0], more)
    if not found:
        raise FileFormatError(f"{path.name[-60:]} holds no exons or coding parts; give a GFF3 or GTF file with gene models.")
    return found


def _lines(path: Path) -> Iterator[str]:
    """Lines of a file, unpacked; they end at line feeds and carriage returns and nowhere else."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            data = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if zipped else raw
            for line in io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline=None):
                yield line.removesuffix("\n")
    except (OSError, EOFError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "the gzip file is damaged"
        raise FileFormatError(f"The annotation {path.name[-60:]} cannot be read: {why}; give a GFF3 or GTF file.") from error


def transcripts_of(lines: Lines, codes: Mapping[str, int] | None = None, problems: list[str] | None = None) -> Transcripts:
    """Transcripts in the order of their first part. Lines are opened again where a part's symbol stands at what it belongs to.

    Parts are grouped by ``Parent`` (GFF3) or ``transcript_id`` (GTF) and contig, over contigs only for trans-splicing; a coding part
    directly under a gene makes a transcript of it.
    """
    columns = Columns(problems if problems is not None else [])
    for line in gene_lines(lines(), columns.told, columns.problems):
        columns.take(line)
    holders = _holders(columns.unresolved(), lines)
    reading = Codes(_known(codes or {}, columns.contigs), organism_of(columns.told), columns.organelles)
    models = Transcripts()
    for group in columns.groups(holders):
        for transcript in made(group, reading, columns.circles):
            models.append(transcript)
    return models


def _holders(wanted: set[str], lines: Lines) -> dict[str, Holder]:
    """The features of these names, and what they belong to in turn; a parent may stand behind what it holds."""
    holders: dict[str, Holder] = {}
    for _ in range(_DEEPEST):
        found: dict[str, Holder] = {}
        for line in gene_lines(lines(), [], []) if wanted else ():
            text = line.attributes
            if "ID=" not in text:
                continue
            name = unquote(text.partition("ID=")[2].partition(";")[0])
            if name not in wanted:
                continue
            attributes = attributes_of(text)
            symbol = next((unquote(attributes[key]) for key in _SYMBOLS if attributes.get(key)), "")
            found[name] = Holder(next(iter(parents_of(attributes)), ""), symbol, line.kind, line.start, line.end)
        holders |= found
        wanted = {holder.parent for holder in found.values() if holder.parent} - set(holders)
        if not wanted:
            break
    return holders


def _known(codes: Mapping[str, int], contigs: Iterable[str]) -> dict[str, int]:
    """Codes that the user states, by the annotation's contig names."""
    known = {}
    for name, table in codes.items():
        contig = find_contig(name, contigs) if name else ""
        if contig is None:
            raise ParameterError(f"A genetic code is stated for {name[:40]!r}, which has no gene models in the annotation; check the name.")
        known[contig] = table
    return known
