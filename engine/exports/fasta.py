"""FASTA of the letters that a result made, with the provenance behind the name; 80 letters a line."""

from __future__ import annotations

from pathlib import Path

from engine.core.results import Result
from engine.exports.provenance import KEY


def write(result: Result, path: Path) -> None:
    """Write the record."""
    record = result.written
    lines = [record.letters[at : at + 80] for at in range(0, len(record), 80)]
    path.write_text(f">{record.name} {KEY}: {result.provenance.to_json()}\n" + "\n".join(lines) + "\n", encoding="utf-8")
