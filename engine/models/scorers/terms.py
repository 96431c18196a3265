"""Terms of tables and services: shown before first use, and remembered once accepted."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from engine.core.card import ModelCard
from engine.core.errors import ResourceExhausted


def _file(card: ModelCard, home: Path) -> Path:
    return home / "terms" / f"{card.id}.json"


def accept(card: ModelCard, home: Path) -> None:
    """Remember that the terms on the card were shown and accepted. Raises `ResourceExhausted` when ``home`` cannot be written."""
    path = _file(card, home)
    record = {"licence": card.licence, "source": card.source, "accepted": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record), encoding="utf-8")
    except OSError as error:
        raise ResourceExhausted(
            f"Cannot write to {home} ({error.strerror}); set LOCUSCOPE_HOME to a folder that can be written."
        ) from error


def accepted(card: ModelCard, home: Path) -> bool:
    """Whether exactly the licence now on the card was accepted."""
    try:
        record = json.loads(_file(card, home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("licence") == card.licence


def missing_acceptance(card: ModelCard, home: Path) -> str:
    """One sentence with the terms when they were not accepted yet, else an empty text."""
    if accepted(card, home):
        return ""
    return (
        f"{card.title} is used under these terms: {card.licence} ({card.source}); accept them on the Models page or by "
        f"'python -m engine install {card.id}'."
    )
