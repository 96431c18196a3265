"""One registered local reference: an indexed FASTA (plain, bgzip, gzip or GenBank) read through pyfaidx."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.errors import FileFormatError, LocusError, SourceUnavailable
from engine.core.locus import Locus, is_contig_name
from engine.core.quoting import file_name, quoted
from engine.sources.door import GZIP_MAGIC, OWN_FILES, Bounds, TextLines, unpacked
from engine.sources.genbank import parse_flat_file
from engine.sources.kinds import EMBL, FASTA, GENBANK

_BGZF = b"\x1f\x8b\x08\x04"
_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")
_LINE = 80
_WANTED = "FASTA"


def is_gzip(path: Path) -> bool:
    """Whether a file is packed with gzip or bgzip."""
    with path.open("rb") as handle:
        return handle.read(2) == GZIP_MAGIC


def _is_bgzf(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(18)
    return head[:4] == _BGZF and head[12:14] == b"BC"


def _unpacked(source: Path, target: BinaryIO, bounds: Bounds) -> None:
    with source.open("rb") as raw, unpacked(raw, source.name, bounds.text_bytes) as stream:
        shutil.copyfileobj(stream, target, 1 << 20)


def _from_flat_file(source: Path, target: BinaryIO, bounds: Bounds) -> None:
    with TextLines(source.name, source, bounds, "GenBank") as lines:
        for record in parse_flat_file(lines, bounds, EMBL if lines.kind is EMBL else GENBANK)[0]:
            _write_record(target, record.name, [record.letters])


def _rewritten(source: Path, target: BinaryIO, bounds: Bounds) -> None:
    """FASTA that can be indexed: UTF-8, lines of one length that end in ``\\n``, none of them empty."""
    header, part = "", list[str]()
    with TextLines(source.name, source, bounds, _WANTED) as lines:
        for line in lines:
            if line.startswith(">"):
                if header:
                    _write_record(target, header, part)
                header, part = line[1:].strip() or "unnamed", []
            elif not line.startswith(";"):
                part.append("".join(line.split()))
    if header:
        _write_record(target, header, part)


def _write_record(target: BinaryIO, header: str, parts: list[str]) -> None:
    target.write(f">{header}\n".encode())
    letters = "".join(parts)
    for place in range(0, len(letters), _LINE):
        target.write(letters[place : place + _LINE].encode() + b"\n")


class Reference:
    """Letters of an assembly on this disk.

    Parameters
    ----------
    name : str
        Canonical name of the assembly.
    path : Path
        FASTA (plain, bgzip or gzip) or GenBank.
    cache : Path
        Folder for unpacked copies and indexes; nothing is ever written beside ``path``.
    bounds : Bounds
        How much an unpacked copy may hold.

    Raises
    ------
    SourceUnavailable
        The file is not there.
    FileFormatError
        It is no FASTA that can be indexed.
    """

    def __init__(self, name: str, path: Path, cache: Path, bounds: Bounds = OWN_FILES) -> None:
        if not path.is_file():
            raise SourceUnavailable(
                f"The reference {name} is registered as {file_name(path.name)}, which is not there; correct the setting LOCUSCOPE_GENOMES."
            )
        self.name = name
        self._cache, self._bounds, self._label = cache, bounds, file_name(path.name)
        try:
            self._fasta = self._open(path)
        except OSError as error:
            raise SourceUnavailable(f"The reference {self._label} cannot be opened: {error.strerror or error}.") from error
        self._lengths = {name: int(record.rlen) for name, record in self._fasta.faidx.index.items()}
        odd = next((contig for contig in self._lengths if not is_contig_name(contig)), None)
        if odd is not None:
            raise FileFormatError(f"The reference {self._label} has a contig called {quoted(odd, 40)}; names have 1 to 255 visible signs.")

    def _open(self, path: Path) -> Any:
        from filelock import FileLock

        stat = path.stat()
        key = hashlib.sha256(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:16]
        self._cache.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self._cache / f"{key}.lock")):
            plain, is_plain = self._plain(path, key)
            if not is_plain:
                return self._indexed(self._derived(plain, f"{key}r", _rewritten), f"{key}r")
            found = self._indexed(plain, key, first=True)
            return found or self._indexed(self._derived(plain, f"{key}r", _rewritten), f"{key}r")

    def _plain(self, path: Path, key: str) -> tuple[Path, bool]:
        """A file of FASTA that may be indexed, and whether its first lines let that be tried."""
        with TextLines(path.name, path, self._bounds, _WANTED) as lines:
            kind, is_plain = lines.kind, lines.is_plain
            starts = lines.head.lstrip("\ufeff \t\r\n")
        if kind in (GENBANK, EMBL) or path.name.casefold().removesuffix(".gz").endswith(_GENBANK):
            return self._derived(path, key, _from_flat_file), True
        if kind is not FASTA:
            what = f"is {kind.words}; give FASTA" if kind is not None else "has no header; a record of FASTA starts with a line '>name'"
            raise FileFormatError(f"The reference {self._label} {what}.")
        if not starts.startswith(">"):
            is_plain = False
        if is_gzip(path) and (not _is_bgzf(path) or not is_plain):
            return self._derived(path, key, _unpacked), is_plain
        return path, is_plain

    def _indexed(self, plain: Path, key: str, *, first: bool = False) -> Any:
        """The indexed file; None when it cannot be indexed as it lies there and this was the ``first`` attempt."""
        from pyfaidx import Fasta, FastaIndexingError, FetchError

        index = self._cache / f"{key}.fai"
        try:
            gzi = {"gzi_indexname": str(self._cache / f"{key}.gzi")} if _is_bgzf(plain) else {}
            return Fasta(str(plain), indexname=str(index), as_raw=True, sequence_always_upper=True, rebuild=True, **gzi)
        except (FastaIndexingError, FetchError, ValueError, LookupError) as error:
            index.unlink(missing_ok=True)
            if "duplicate" in str(error).casefold():
                raise FileFormatError(f"The reference {self._label} holds two records with the same name; rename one of them.") from error
            if first:
                return None
            raise FileFormatError(
                f"The reference {self._label} cannot be indexed as FASTA; a record is a line '>name' and lines of letters."
            ) from error

    def _derived(self, path: Path, key: str, make: Callable[[Path, BinaryIO, Bounds], None]) -> Path:
        target = self._cache / f"{key}.fa"
        if not target.is_file():
            descriptor, temporary = tempfile.mkstemp(dir=self._cache, suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    make(path, handle, self._bounds)
                Path(temporary).replace(target)
            finally:
                Path(temporary).unlink(missing_ok=True)
        return target

    def contigs(self) -> dict[str, int]:
        """Contig names and lengths in bases, in file order."""
        return dict(self._lengths)

    def letters(self, locus: Locus) -> str:
        """Upper-case forward-strand letters of the locus, whose contig is one of `contigs`.

        Raises
        ------
        LocusError
            The end is behind the contig's end.
        """
        length = self._lengths[locus.contig]
        if locus.end > length:
            raise LocusError(
                f"{self.name}:{locus.contig[:80]} has {length:,} bases; {locus.start + 1:,}-{locus.end:,} is outside; "
                f"give coordinates from 1 to {length:,}."
            )
        return str(self._fasta.faidx.fetch(locus.contig, locus.start + 1, locus.end))
