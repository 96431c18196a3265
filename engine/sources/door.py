"""The one door for bytes: every upload, file, answer of a service and paste is unpacked, decoded, split into lines and counted here.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` and nowhere else. Text is UTF-8 with or without mark, UTF-16, or Latin-1 (which is said). A zero byte in
a text becomes the visible sign ␀, so that it spoils one line and not the file. Gzip is unpacked, bgzip with it; other packings are named.
Everything has a bound, and everything takes time in proportion to what is read.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from engine.core.errors import FileFormatError
from engine.core.quoting import file_name
from engine.core.settings import Settings
from engine.core.typography import NUL_SIGN
from engine.sources.kinds import TextKind, how_to_unpack, packing, text_kind

GZIP_MAGIC = b"\x1f\x8b"
_WINDOW = 1 << 18
_FIRST_BITE = 512
_HEAD = 1 << 12
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
DAMAGED = f"holds a zero byte (shown as {NUL_SIGN}), so it is damaged"
"""Why a line with `NUL_SIGN` is not used: the end of a sentence that names the line."""


@dataclass(frozen=True)
class Bounds:
    """How much one input may hold.

    Parameters
    ----------
    text_bytes : int
        Bytes, as given and after unpacking.
    lines, records, features, alleles : int
        Lines; sequences; annotated intervals; alternate alleles of a VCF.
    alleles_of_record, attributes : int
        Alternate alleles of one VCF record; attributes of one annotated interval.
    """

    text_bytes: int = 50_000_000
    lines: int = 5_000_000
    records: int = 10_000
    features: int = 500_000
    alleles: int = 200_000
    alleles_of_record: int = 1_000
    attributes: int = 1_000

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """What a visitor may give, in proportion to the setting ``max_upload_bytes``."""
        size = settings.max_upload_bytes
        return cls(size, max(size // 10, 10_000), max(size // 5_000, 1_000), max(size // 100, 10_000), max(size // 250, 10_000))


OWN_FILES = Bounds(text_bytes=1 << 40, lines=1 << 40, records=10_000_000, features=100_000_000, alleles=100_000_000)
"""For files that whoever runs this installation names: registered genomes, and those of the command line."""


@dataclass
class LeftOut:
    """What of a file could not be used: how many lines or records, and the first few with the reason."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        """One more; ``reason`` is part of a sentence that names the line."""
        self.count += 1
        if len(self.first) < 3:
            self.first.append(reason)

    def note(self, name: str) -> str:
        """One sentence for the reader of the result; empty when all was used."""
        if not self.count:
            return ""
        what = "1 line" if self.count == 1 else f"{self.count:,} lines"
        return f"{what} of {file_name(name)} left out: {'; '.join(self.first)}{'; ...' if self.count > len(self.first) else ''}."


class _Unpacked(io.RawIOBase):
    """Gzip members one behind the other, unpacked in small bites, so that neither many empty ones nor one that swells cost more than they show."""

    def __init__(self, source: BinaryIO, label: str) -> None:
        super().__init__()
        self._source, self._label = source, label
        self._window, self._place, self._bite = b"", 0, _FIRST_BITE
        self._member: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._source.close()
        super().close()

    def _piece(self, most: int) -> bytes:
        while self._member is not None or self._begin():
            if self._place >= len(self._window):
                self._window, self._place = self._source.read(_WINDOW), 0
            bite = self._window[self._place : self._place + self._bite]
            if not bite:
                raise FileFormatError(f"The gzip file {self._label} ends too early; copy it again.")
            try:
                piece: bytes = self._member.decompress(bite, most)
            except zlib.error as error:
                raise FileFormatError(f"The gzip file {self._label} is damaged; pack it again or give it unpacked.") from error
            left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._place += len(bite) - len(left)
            self._bite = min(self._bite * 2, _WINDOW)
            if self._member.eof:
                self._member = None
            if piece:
                return piece
        return b""

    def _begin(self) -> bool:
        """Start the next member; False at the end of the file. Zeros between members are padding."""
        while True:
            rest = self._window[self._place :].lstrip(b"\0") if self._window[self._place : self._place + 1] == b"\0" else None
            if rest is not None:
                self._window, self._place = rest, 0
            if len(self._window) - self._place >= 2:
                break
            more = self._source.read(_WINDOW)
            if not more:
                break
            self._window, self._place = self._window[self._place :] + more, 0
        start = self._window[self._place : self._place + 2]
        if not start:
            return False
        if start != GZIP_MAGIC:
            raise FileFormatError(f"The gzip file {self._label} has other bytes behind its end; pack it again.")
        self._member, self._bite = zlib.decompressobj(wbits=31), _FIRST_BITE
        return True


class _Counted(io.RawIOBase):
    """Bytes that are read through it are counted, and refused beyond the bound."""

    def __init__(self, source: Any, label: str, bound: int) -> None:
        super().__init__()
        self._source, self._label, self._bound, self._count = source, label, bound, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._source.readinto(buffer) or 0
        self._count += count
        if self._count > self._bound:
            raise FileFormatError(f"The file {self._label} unpacks to more than {self._bound:,} bytes, the limit; cut out the part needed.")
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


def unpacked(source: BinaryIO, name: str, bound: int) -> io.BufferedReader:
    """The bytes of a file, of a gzipped one those inside, ``bound`` at most.

    Raises
    ------
    FileFormatError
        While it is read: damaged or cut gzip, more bytes than the bound.
    """
    label = file_name(name)
    raw = io.BufferedReader(source) if isinstance(source, io.RawIOBase) else source
    zipped = raw.read(2) == GZIP_MAGIC
    raw.seek(0)
    inner: Any = _Unpacked(raw, label) if zipped else raw
    return io.BufferedReader(_Counted(inner, label, bound), _WINDOW)


_UNREADABLE = "\ufffd"


class TextLines:
    """Lines of one text, without their ends, in order; to be read once and closed.

    ``name`` is the file's; ``notes``, complete when all is read, say what a reader of the result has to know (an encoding that was guessed);
    ``kind`` is the format that the first lines show, None for plain letters. ``is_plain``: it begins as UTF-8 without mark whose lines end in
    ``\\n``, so that other programs can index it as it lies there.
    """

    def __init__(self, name: str, data: bytes | Path, bounds: Bounds, wanted: str) -> None:
        self.name, self.notes = name, list[str]()
        self._bounds, self._wanted, self._label = bounds, wanted, file_name(name)
        source = io.BytesIO(self._whole(data)) if isinstance(data, bytes) else self._opened(data)
        self._raw = source
        try:
            self._stream = unpacked(source, name, bounds.text_bytes)
            head = self._stream.peek(_HEAD)[:_HEAD]
            self._encoding = self._encoding_of(head)
        except BaseException:
            source.close()
            raise
        self.head = head.decode("utf-8" if self._encoding == "latin-1" else self._encoding, "replace").lstrip("\ufeff")

        self.is_plain = self._encoding == "latin-1" and not head.startswith(b"\xef\xbb\xbf") and (b"\n" in head or b"\r" not in head)

    @property
    def kind(self) -> TextKind | None:
        """The format that the first lines show."""
        return text_kind(self.head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()

    def __iter__(self) -> Iterator[str]:
        """Lines in order, with `NUL_SIGN` for a zero byte. Raises `FileFormatError` at a bound and at damaged gzip."""
        wide = self._encoding.startswith("utf-16")
        reader = io.TextIOWrapper(self._stream, encoding=self._encoding, errors="replace", newline=None)
        number, guessed, damaged = 0, False, False
        try:
            for line in reader:
                number += 1
                if number > self._bounds.lines:
                    raise FileFormatError(f"The file {self._label} has more than {self._bounds.lines:,} lines; cut out the part needed.")
                text = line[:-1] if line.endswith("\n") else line
                if number == 1:
                    text = text.removeprefix("\ufeff").removeprefix("ï»¿")
                if not wide and not text.isascii():
                    text, latin = _decoded(text)
                    guessed = guessed or latin
                damaged = damaged or (wide and _UNREADABLE in text)
                if "\0" in text:
                    text = text.replace("\0", NUL_SIGN)
                yield text.removesuffix("\x1a")
        finally:
            if guessed:
                self.notes.append(f"The file {self._label} is not UTF-8 everywhere; the rest was read as Latin-1.")
            if damaged:
                self.notes.append(f"The file {self._label} is damaged: some of its UTF-16 is no letter and reads as {_UNREADABLE}.")

    def text(self) -> str:
        """All lines, joined by ``\\n``."""
        return "\n".join(self)

    def _whole(self, data: bytes) -> bytes:
        bound = self._bounds.text_bytes
        if len(data) > bound:
            raise FileFormatError(
                f"The file {self._label} has {len(data):,} bytes; up to {bound:,} are taken; cut out the part that is needed."
            )
        return data

    def _opened(self, path: Path) -> BinaryIO:
        try:
            return path.open("rb")
        except OSError as error:
            raise FileFormatError(f"The file {self._label} cannot be read: {error.strerror}; give the path of {self._wanted}.") from error

    def _encoding_of(self, head: bytes) -> str:
        words = packing(head)
        if words:
            advice = how_to_unpack(words)
            raise FileFormatError(
                f"The file {self._label} is {words}; {f'{advice}, and ' if advice else ''}give {self._wanted} as text or packed with gzip."
            )
        if not head.strip(b" \t\r\n\0") or head in (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"):
            raise FileFormatError(f"The file {self._label} is empty; give {self._wanted}.")
        if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
            raise FileFormatError(f"The file {self._label} is text in UTF-32; save it as UTF-8.")
        if head.startswith(b"\xff\xfe"):
            return "utf-16-le"
        if head.startswith(b"\xfe\xff"):
            return "utf-16-be"
        wide = _wide_without_mark(head)
        if not wide and _is_binary(head):
            raise FileFormatError(f"The file {self._label} is not text; give {self._wanted} as text or packed with gzip.")
        return wide or "latin-1"  # byte for byte; every line is decoded by itself


def _wide_without_mark(head: bytes) -> str:
    """UTF-16 shows as a zero beside every letter; empty for anything else."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.9 * half and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.9 * half and not odd else ""


def _is_binary(head: bytes) -> bool:
    """Whether control characters are more than damage to a text: over one in fifty, in what does not begin as a known format does."""
    return 50 * len(_CONTROL.findall(head)) > len(head) + 50 and text_kind(head.decode("latin-1")) is None


def _decoded(text: str) -> tuple[str, bool]:
    """A line that was read byte for byte, as UTF-8, or else as the Latin-1 of Windows; and whether it was the latter."""
    data = text.encode("latin-1")
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), True


def lines_of(text: str) -> Iterator[str]:
    """Lines of a text in memory, without their ends, split as `TextLines` splits."""
    for line in io.StringIO(text, newline=None):
        yield line[:-1] if line.endswith("\n") else line


def read_json(text: str, whose: str) -> Any:
    """JSON from outside. Raises `FileFormatError` for text that is none, is nested too deep, or holds NaN or infinite numbers."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FileFormatError(f"{whose} is not JSON that can be read.") from error
