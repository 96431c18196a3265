"""Outputs of every command on the shipped models, and every help text, kept as files: a change of the house must change none of them.

``python -m tests.commands.golden_commands FOLDER`` writes them anew, which is right only when a number is meant to change.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

import numpy as np

from engine.commands.app import main

FOLDER = Path(__file__).parent / "golden"
TRNA = "GGGGCUAUAGCUCAGCUGGGAGAGCGCUUGCAUGGCAUGCAAGAGGUCAGCGGUUCGAUCCCGCUUAGCUCCACCA"
LAC = "GCGCAACGCAATTAATGTGAGTTAGCTCACTCATTAGGCACCCCAGGCTTTACACTTTATGCTTCCGGCTCGTATGTTGTGTGGAATTGTGAGCGGATAACAATTTC"
ANSWERS: dict[str, list[str]] = {
    "probabilities": ["probabilities", "--sequence", LAC],
    "probabilities-masked": ["probabilities", "--sequence", TRNA, "--masked", "--species", "rna"],
    "map": ["map", "--sequence", TRNA, "--precision", "exact"],
    "map-window": ["map", "--sequence", LAC, "--precision", "exact", "--window", "31-90", "--metric", "log_ratio", "--species", "bacteria"],
    "map-saturated": ["map", "--sequence", LAC[:60], "--precision", "exact", "--epsilon", "1e-10"],
    "effects": ["effects", "--sequence", LAC],
    "effects-manuscript": ["effects", "--sequence", LAC[:70], "--influence", "authors_manuscript"],
    "segment": ["segment", "--sequence", LAC * 3],
    "segment-both": ["segment", "--sequence", LAC * 2, "--both-strands", "--species", "bacteria"],
    "contacts": ["contacts", "--sequence", TRNA, "--recipe", "cells"],
    "contacts-published": ["contacts", "--sequence", TRNA, "--threshold", "0", "--any-letters", "--apc", "--symmetry", "mean"],
    "pair": ["pair", "--sequence", TRNA, "--changed", "3", "--read", "70"],
}
HELPS = ("", "models", "probabilities", "map", "effects", "segment", "contacts", "pair", "tokens", "triage", "scan", "scores", "tracks",
         "install", "bench", "alignment", "protein", "card",
         "embeddings", "element-effects", "junctions", "chromatin-contacts", "mutagenesis", "motif", "vocabulary",
         "next-kmer", "compare", "element-scores")  # fmt: skip


def answer(name: str, folder: Path) -> dict[str, np.ndarray]:
    """The arrays that a command writes, without its provenance."""
    out = folder / f"{name}.npz"
    status = main([*ANSWERS[name], "--device", "cpu", "--out", str(out)])
    if status:
        raise AssertionError(f"{name} ended with status {status}")
    with np.load(out, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files if key != "provenance"}


def help_text(command: str) -> str:
    """What ``--help`` prints, 200 columns wide."""
    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "200"
    try:
        with contextlib.redirect_stdout(printed):
            main([command, "--help"] if command else ["--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def write(folder: Path) -> None:
    """Write every golden file."""
    folder.mkdir(exist_ok=True)
    for name in ANSWERS:
        found = answer(name, folder)
        np.savez_compressed(folder / f"{name}.npz", **found)
    for command in HELPS:
        (folder / f"help-{command or 'engine'}.txt").write_text(help_text(command), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
