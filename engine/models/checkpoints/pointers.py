"""Weight files that are not what they seem: pointers of Git LFS, and archives that swell when they are read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from engine.core.errors import WeightsInvalid

_START = b"version https://git-lfs."
_SLACK_BYTES = 1_000_000

DAMAGED_ARCHIVE = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)
"""What reading an archive whose bytes were flipped may raise."""


def refuse_pointer(path: Path) -> Path:
    """The path itself. Raises `WeightsInvalid` when the file is a pointer and not the weights; a file that cannot be read is left to the reader."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_START))
    except OSError:
        return path
    if start == _START:
        raise WeightsInvalid(
            f"{path.name} in {path.parent} is a Git LFS pointer and not the weights themselves; fetch them with git lfs pull, or download the "
            "file from the model's page."
        )
    return path


def refuse_swelling(path: Path) -> None:
    """Raise `WeightsInvalid` when a torch archive holds far more bytes than the file has: published ones are not packed.

    A file that is no archive, or is damaged, is left to the reader.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            inside = sum(item.file_size for item in archive.infolist())
        size = path.stat().st_size
    except DAMAGED_ARCHIVE:
        return
    if inside > 2 * size + _SLACK_BYTES:
        raise WeightsInvalid(
            f"{path} holds {inside:,} bytes in an archive of {size:,}, more than weights can; download it again from its publisher."
        )
