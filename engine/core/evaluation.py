"""What was measured of the shipped models on what they never saw, for the places that show their answers: assets/models/evaluation.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.card import ModelCard

PATH = Path(__file__).resolve().parents[2] / "assets" / "models" / "evaluation.json"
OTHERS = (PATH.parent / "locuscope-local" / "evaluation.json",)
"""Tables of further shipped models."""
CONTACTS = "contacts"
PARTS = ("bits", CONTACTS, "variants", "segmentation", "cost")
"""Parts of a table; that of contacts is the one shown beside answers."""
READINGS = {"stems": "stems_dna", "stems_rna": "stems", "cells": "cells", "published": "published"}
"""Row of the table of contacts, by the recipe; ``stems`` of an RNA are those of its map read as RNA."""
_USUAL = {"symmetry": "max", "apc": False, "minimum_loop": 3, "partners": 1}
"""Settings that what was measured was measured with, besides each recipe's own threshold and letters."""
BASELINES = {"stem_counter": "stem counter", "viennarna": "ViennaRNA"}
SAID = ("tRNA, ArchiveII", "nine seen families, Rfam seeds", "families never seen, one RNA each", "pseudoknots, PseudoBase")
"""Sets that are named where contacts are shown."""


@cache
def measured(path: Path = PATH) -> Mapping[str, Any]:
    """The whole table; empty without one."""
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _of(card: ModelCard) -> Mapping[str, Any]:
    """What was measured of contacts with the weights of ``card``; empty for others."""
    for path in (PATH, *OTHERS):
        table = measured(path)
        if table.get("weights_sha256", {}).get(CONTACTS) == card.weights_sha256:
            found: Mapping[str, Any] = table.get(CONTACTS, {})
            return found
    return {}


def contact_sets(card: ModelCard | None = None) -> list[Mapping[str, Any]]:
    """Measured sets of RNA contacts; with ``card`` none unless its weights are those that were measured."""
    table = measured().get(CONTACTS, {}) if card is None else _of(card)
    rows: list[Mapping[str, Any]] = table.get("sets", [])
    return rows


def compensation_words(card: ModelCard) -> str:
    """How often the compensation test calls a pair, of bases that pair and that do not; empty for weights that were not measured."""
    parts = [
        f"{row['first'][0]:.0%} of {row['bases']} ({row['first'][1]:.0%} to {row['first'][2]:.0%}, n = {row['tested']})"
        for row in _of(card).get("compensation", [])
    ]
    return f"In RNAs unlike those trained on, the test calls a pair in {', '.join(parts)}." if parts else ""


def changed_settings(parameters: Mapping[str, Any]) -> list[str]:
    """Names of the settings of ``parameters`` (those of the provenance of contacts) that are not those that were measured."""
    recipe = parameters.get("recipe")
    given = parameters.get("threshold_given")
    usual = recipe == "published" and given == 0
    found = [] if given is None or usual else ["threshold"]
    found += [name for name, value in _USUAL.items() if parameters.get(name, value) != value]
    found += ["any_letters"] if parameters.get("any_letters", False) and recipe != "published" else []
    return found + (["precision"] if parameters.get("precision") == "sparse" else [])


def contacts_words(card: ModelCard, parameters: Mapping[str, Any], *, rna: bool) -> str:
    """Sensitivity and PPV of the structures that a recipe shows, beside the baselines'; empty for weights that were not measured.

    ``parameters``: of the provenance of the contacts; where a setting is not the measured one, that is said instead of numbers. ``rna``:
    whether the letters were given as RNA.
    """
    recipe = str(parameters.get("recipe", ""))
    reading = "stems" if recipe == "stems" and rna else READINGS.get(recipe, "")
    changed = [name.replace("_", " ") for name in changed_settings(parameters)]
    if changed and any(reading in row["readings"] for row in contact_sets(card)):
        return f"How often such pairs are right was measured with the usual settings only; changed here: {', '.join(changed)}."
    parts = []
    for row in contact_sets(card):
        own = row["readings"].get(reading)
        if own is None or row["set"] not in SAID:
            continue
        others = ", ".join(f"{words} {_pair(row['readings'][name])}" for name, words in BASELINES.items() if name in row["readings"])
        parts.append(f"{row['set']}, {row['median_length']} nt: {_pair(own)} ({others}; n = {row['rnas']})")
    return f"Pairs found / pairs right on RNAs unlike those trained on: {'; '.join(parts)}." if parts else ""


def _pair(values: Mapping[str, list[float]]) -> str:
    return f"{values['sensitivity'][0]:.2f} / {values['ppv'][0]:.2f}"
