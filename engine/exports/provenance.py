"""Provenance as text for formats that have comments, titles or attributes."""

from __future__ import annotations

from typing import Any

from engine.core.provenance import Provenance

KEY = "locuscope_provenance"
"""Name under which the provenance JSON stands in every format."""


def summary(provenance: Provenance) -> str:
    """One short line without quotes: analysis, model and revision, place or name and length, partial or not."""
    length = f"{provenance.sequence_length} bases"
    where = provenance.locus or (f"{provenance.name} ({length})" if provenance.name else length)
    partial = ", partial result" if provenance.partial else ""
    species = f", species {provenance.species}" if provenance.species else ""
    memory = f" ({provenance.memory})" if provenance.memory else ""
    text = f"Locuscope {provenance.analysis} by {provenance.card.id} {provenance.card.revision}{species}{memory} of {where}{partial}"
    return " ".join(text.replace('"', "'").split())


def comments(result: Any, mark: str = "#") -> list[str]:
    """Comment lines: the summary, then the whole provenance as JSON on one line."""
    return [f"{mark} {summary(result.provenance)}", f"{mark} {KEY}: {result.provenance.to_json()}"]


def track_line(kind: str, name: str, description: str, extra: str = "") -> str:
    """A UCSC track line; quotes inside the texts become apostrophes."""
    clean = [text.replace('"', "'").replace("\n", " ") for text in (name, description)]
    return f'track type={kind} name="{clean[0][:60]}" description="{clean[1][:200]}"' + (f" {extra}" if extra else "")
