"""Dot-bracket (Vienna) text: a FASTA-like header with the provenance, the letters as RNA, the structure; pseudoknots as further brackets."""

from __future__ import annotations

from pathlib import Path

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import KEY


def write(result: Result, path: Path) -> None:
    """Write three lines."""
    place = place_of(result.sequence)
    name = f"{place.contig}:{place.start + 1}-{place.end}({place.strand})"
    text = f">{name} {KEY}: {result.provenance.to_json()}\n{result.sequence.as_rna()}\n{result.structure()}\n"
    path.write_text(text, encoding="utf-8")
