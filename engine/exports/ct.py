"""Connectivity table (mfold, RNAstructure): length and title, then one line a base: index, letter, previous, next, partner (0 = none), index."""

from __future__ import annotations

from pathlib import Path

from engine.core import base_pairs
from engine.core.results import Result
from engine.exports.provenance import KEY


def partners(result: Result) -> list[int]:
    """1-based partner of each base, 0 for none; of several the strongest."""
    found: list[int] = (base_pairs.partners(len(result.sequence), result.pairs_of_bases().indices) + 1).tolist()
    return found


def write(result: Result, path: Path) -> None:
    """Write the table; positions are 1-based in the letters."""
    letters = result.sequence.as_rna()
    lines = [f"{len(letters)}\t{result.sequence.name.strip() or 'sequence'} {KEY}: {result.provenance.to_json()}"]
    for index, (letter, partner) in enumerate(zip(letters, partners(result), strict=True), start=1):
        following = 0 if index == len(letters) else index + 1
        lines.append(f"{index}\t{letter}\t{index - 1}\t{following}\t{partner}\t{index}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
