"""One registered local reference: an indexed FASTA (plain, bgzip, gzip or GenBank) read through pyfaidx."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.errors import FileFormatError, LocusError, SourceUnavailable
from engine.core.locus import Locus

_BGZF = b"\x1f\x8b\x08\x04"
_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def _is_bgzf(path: Path) -> bool:
    with path.open("rb") as handle:
        head = handle.read(18)
    return head[:4] == _BGZF and head[12:14] == b"BC"


def _unpack(source: Path, target: BinaryIO) -> None:
    import gzip

    try:
        with gzip.open(source, "rb") as handle:
            shutil.copyfileobj(handle, target, 1 << 20)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"The reference {source.name!r} is not a whole gzip file; copy it again.") from error


def _genbank_to_fasta(source: Path, target: BinaryIO) -> None:
    from engine.sources.annotation import BOUND_BYTES
    from engine.sources.compressed import text_of
    from engine.sources.genbank import parse_genbank

    for record in parse_genbank(text_of(source.name, source.read_bytes(), BOUND_BYTES))[0]:
        lines = [record.letters[at : at + 70] for at in range(0, len(record), 70)]
        target.write(f">{record.name}\n".encode() + "\n".join(lines).encode() + b"\n")


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

    Raises
    ------
    SourceUnavailable
        The file is not there.
    FileFormatError
        It is no FASTA that can be indexed.
    """

    def __init__(self, name: str, path: Path, cache: Path) -> None:
        if not path.is_file():
            raise SourceUnavailable(
                f"The reference {name} is registered as {path.name!r}, which is not there; correct the setting genomes."
            )
        self.name = name
        self._cache = cache
        self._fasta = self._open(path)
        self._lengths = {name: int(record.rlen) for name, record in self._fasta.faidx.index.items()}

    def _open(self, path: Path) -> Any:
        from filelock import FileLock
        from pyfaidx import Fasta, FastaIndexingError, FetchError

        stat = path.stat()
        key = hashlib.sha256(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()[:16]
        self._cache.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self._cache / f"{key}.lock")):
            plain = path
            suffix = path.name.casefold().removesuffix(".gz")
            if suffix.endswith(_GENBANK):
                plain = self._derived(path, key, _genbank_to_fasta)
            elif _is_gzip(path) and not _is_bgzf(path):
                plain = self._derived(path, key, _unpack)
            index = self._cache / f"{key}.fai"
            try:
                gzi = {"gzi_indexname": str(self._cache / f"{key}.gzi")} if _is_bgzf(plain) else {}
                return Fasta(str(plain), indexname=str(index), as_raw=True, sequence_always_upper=True, rebuild=True, **gzi)
            except (FastaIndexingError, FetchError, ValueError, OSError) as error:
                index.unlink(missing_ok=True)
                raise FileFormatError(
                    f"The reference {path.name!r} cannot be indexed as FASTA; lines of a record must have one length."
                ) from error

    def _derived(self, path: Path, key: str, make: Callable[[Path, BinaryIO], None]) -> Path:
        target = self._cache / f"{key}.fa"
        if not target.is_file():
            descriptor, temporary = tempfile.mkstemp(dir=self._cache, suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    make(path, handle)
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
                f"{self.name}:{locus.contig} has {length:,} bases; {locus.start + 1:,}-{locus.end:,} is outside; give coordinates from 1 to {length:,}."
            )
        return str(self._fasta.faidx.fetch(locus.contig, locus.start + 1, locus.end))
