"""The table of export formats: which results a format takes, its suffix, and the function that writes it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.core.quoting import file_name, quoted
from engine.core.results import Result
from engine.exports import (
    base_pairs,
    bed,
    bedgraph,
    bedpe,
    bigwig,
    bpseq,
    cool,
    ct,
    dot_bracket,
    fasta,
    gff3,
    npz,
    script,
    substitution_vcf,
    table,
)

_NAME = 200
"""Letters of a record's name that a file says."""


@dataclass(frozen=True)
class Format:
    """A file format a result can be written in.

    Parameters
    ----------
    name : str
        Key in `FORMATS`.
    suffix : str
        Usual end of a file name, with the dot.
    media_type : str
        For downloads.
    title : str
        What it is and what opens it, in a few words.
    face : str
        Face of a result that it shows (`engine.core.results.FACES`); empty = it takes every result.
    write : callable
        ``write(result, path)``.
    other_suffixes : tuple of str
        Further ends of file names that mean the same.
    """

    name: str
    suffix: str
    media_type: str
    title: str
    face: str
    write: Callable[[Any, Path], None]
    other_suffixes: tuple[str, ...] = ()

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All ends of file names."""
        return (self.suffix, *self.other_suffixes)

    def takes(self, kind: type[Result]) -> bool:
        """Whether results of this type can be written so."""
        return kind.repeatable if self.name == "script" else not self.face or self.face in kind.faces


_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_TABLE: tuple[Format, ...] = (
    Format("npz", ".npz", _BYTES, "NumPy archive with every number", "", npz.write),
    Format("tsv", ".tsv", "text/tab-separated-values", "table, tab-separated", "", table.write_tsv, (".txt",)),
    Format("csv", ".csv", "text/csv", "table for spreadsheets", "", table.write_csv),
    Format("bedgraph", ".bedgraph", _TEXT, "tracks for genome browsers, as text", "tracks", bedgraph.write, (".bg", ".bdg")),
    Format("bigwig", ".bw", _BYTES, "main track for genome browsers, indexed", "main track", bigwig.write, (".bigwig",)),
    Format("bigwigs", ".bw.zip", "application/zip", "every track as bigWig, zipped", "tracks", bigwig.write_zip),
    Format("bed", ".bed", _TEXT, "intervals for genome browsers", "intervals", bed.write),
    Format("gff3", ".gff3", _TEXT, "intervals as annotation", "intervals", gff3.write, (".gff",)),
    Format("bedpe", ".bedpe", _TEXT, "pairs of bases as arcs (IGV, JBrowse)", "pairs", bedpe.write),
    Format("dbn", ".dbn", _TEXT, "dot-bracket structure (ViennaRNA, forna)", "structure", dot_bracket.write, (".vienna", ".db")),
    Format("ct", ".ct", _TEXT, "connectivity table (RNAstructure, mfold)", "structure", ct.write),
    Format("bpseq", ".bpseq", _TEXT, "base pairs as bpseq", "structure", bpseq.write),
    Format("bp", ".bp", _TEXT, "base-pair arcs for IGV", "structure", base_pairs.write),
    Format("cool", ".cool", "application/x-hdf5", "whole map for cooler and HiGlass", "matrix", cool.write),
    Format("fasta", ".fa", _TEXT, "letters that a model generated", "letters", fasta.write, (".fasta", ".fna")),
    Format("vcf", ".vcf", _TEXT, "every substitution with its scores", "substitutions", substitution_vcf.write),
    Format("script", ".py", "text/x-python", "Python script that repeats the result", "", script.write),
)

FORMATS: dict[str, Format] = {item.name: item for item in _TABLE}


def formats_for(result: Result) -> tuple[Format, ...]:
    """Formats this result can be written in."""
    return formats_of(type(result))


def formats_of(kind: type[Result]) -> tuple[Format, ...]:
    """Formats that results of this type can be written in."""
    return tuple(item for item in _TABLE if item.takes(kind))


def format_of(result: Result, path: Path, name: str | None = None) -> Format:
    """The format called ``name``, or the one the end of the file name means.

    Raises
    ------
    ParameterError
        No such format, or not for this result; the message lists those that are.
    """
    fitting = formats_for(result)
    allowed = ", ".join(item.suffix for item in fitting)
    what = f"a {result.provenance.analysis} result"
    if name is not None:
        found = FORMATS.get(name)
        if found is None or found not in fitting:
            raise ParameterError(
                f"The format {quoted(name, 20)} is not one for {what}; allowed: {', '.join(item.name for item in fitting)}."
            )
        return found
    lowered = path.name.casefold()
    hits = [item for item in _TABLE for end in item.suffixes if lowered.endswith(end)]
    usable = [item for item in hits if item in fitting]
    if not usable:
        given = "".join(path.suffixes[-1:]) or "no ending"
        raise ParameterError(f"The file name {file_name(path.name)} ({given}) names no format for {what}; end it with one of {allowed}.")
    return max(usable, key=lambda item: len(item.suffix))


def write(result: Result, path: Path, format: str | None = None) -> None:
    """Write ``result`` to ``path`` in the format called ``format``, or by the end of the name; whole or not at all.

    Raises
    ------
    ParameterError
        No format for this result.
    OSError
        The file cannot be written.
    """
    chosen = format_of(result, path, format)
    result = _named(result)
    if path.exists() and not path.is_file():
        chosen.write(result, path)
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".part-", suffix=chosen.suffix)
    os.close(descriptor)
    temporary = Path(name)
    try:
        chosen.write(result, temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _named(result: Result) -> Result:
    """With the name of its record in the provenance, where no locus says what was read; letters that a model generated stay marked by it."""
    sequence = getattr(result, "sequence", None)
    name = sequence.name if sequence is not None and sequence.locus is None else ""
    return replace(result, provenance=replace(result.provenance, name=name[:_NAME])) if name else result  # type: ignore[type-var]


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def content(result: Result, format: str) -> bytes:
    """The bytes of a file in this format, for a download."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"result{format_of(result, Path('x'), format).suffix}"
        write(result, path, format)
        return path.read_bytes()
