"""Bytes of an upload to text: gzip is unpacked up to a bound, never further."""

from __future__ import annotations

import zlib

from engine.core.errors import FileFormatError

GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 16
_OTHER = {b"PK\x03\x04": "a zip archive", b"BZh": "a bzip2 file", b"\xfd7zXZ": "an xz file", b"%PDF": "a PDF", b"\x89PNG": "a picture"}


def gunzip(data: bytes, bound: int) -> bytes:
    """Unpack all gzip members of ``data``; stops as soon as more than ``bound`` bytes come out.

    Raises
    ------
    FileFormatError
        Not gzip, truncated, damaged, or more than ``bound`` bytes inside.
    """
    pieces: list[bytes] = []
    total = 0
    rest = data
    while rest.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(wbits=31)
        pending = rest
        while not member.eof:
            try:
                piece = member.decompress(pending, _CHUNK)
            except zlib.error as error:
                raise FileFormatError("The gzip file is damaged; pack it again or give it unpacked.") from error
            pending = member.unconsumed_tail
            total += len(piece)
            if total > bound:
                raise FileFormatError(f"The gzip file unpacks to more than {bound:,} bytes, the limit; cut out the part that is needed.")
            pieces.append(piece)
            if not piece and not pending and not member.eof:
                raise FileFormatError("The gzip file ends too early; copy it again.")
        rest = member.unused_data.lstrip(b"\0")
    if rest:
        raise FileFormatError("The gzip file has other bytes behind its end; pack it again.")
    return b"".join(pieces)


def text_of(name: str, data: bytes, bound: int) -> str:
    """Text of an upload, unpacked when it is gzip.

    Raises
    ------
    FileFormatError
        Empty, larger than ``bound`` bytes, another packing than gzip, or not text.
    """
    label = repr(name[-60:])
    if len(data) > bound:
        raise FileFormatError(f"The file {label} has {len(data):,} bytes; up to {bound:,} are taken; cut out the part that is needed.")
    for magic, what in _OTHER.items():
        if data.startswith(magic):
            raise FileFormatError(f"The file {label} is {what}; give FASTA or GenBank as text or packed with gzip.")
    if data.startswith(GZIP_MAGIC):
        data = gunzip(data, bound)
    if not data.strip():
        raise FileFormatError(f"The file {label} is empty; give FASTA or GenBank.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"The file {label} is not text; give FASTA or GenBank as text or packed with gzip.") from error
    if "\0" in text:
        raise FileFormatError(f"The file {label} is not text; give FASTA or GenBank as text or packed with gzip.")
    return text
