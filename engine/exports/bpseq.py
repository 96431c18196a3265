"""BPSEQ: one line a base: index, letter, partner (0 = none); comment lines start with #."""

from __future__ import annotations

from pathlib import Path

from engine.core.results import Result
from engine.exports.ct import partners
from engine.exports.provenance import comments


def write(result: Result, path: Path) -> None:
    """Write the table; positions are 1-based in the letters."""
    rows = enumerate(zip(result.sequence.as_rna(), partners(result), strict=True), start=1)
    lines = [*comments(result), *(f"{index} {letter} {partner}" for index, (letter, partner) in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
