"""Pointers of Git LFS: the small text that lies in a repository in the place of a large file that was not fetched."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import WeightsInvalid

_START = b"version https://git-lfs."


def refuse_pointer(path: Path) -> Path:
    """The path itself. Raises `WeightsInvalid` when the file is a pointer and not the weights; a file that cannot be read is left to the reader."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_START))
    except OSError:
        return path
    if start == _START:
        raise WeightsInvalid(
            f"{path.name} in {path.parent} is a pointer of Git LFS and not the weights themselves; fetch them with git lfs pull, or download the "
            "file from the model's page."
        )
    return path
