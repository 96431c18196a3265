"""What a sentence repeats of what was given: short, on one line, and no more than it needs."""

from __future__ import annotations

LONGEST_QUOTE = 80
"""Characters of an input that a sentence repeats at most."""

_LONGEST_FILE_NAME = 60


def quoted(text: object, most: int = LONGEST_QUOTE) -> str:
    """``text`` in quotation marks with control characters written out, cut behind ``most`` characters (``…`` says so)."""
    given = str(text)
    return repr(given) if len(given) <= most else f"{given[: most - 1] + '…'!r}"


def file_name(name: str) -> str:
    """The name of a file in quotation marks; of a long one its end, which tells the format."""
    return repr(name) if len(name) <= _LONGEST_FILE_NAME else f"{'…' + name[1 - _LONGEST_FILE_NAME :]!r}"
