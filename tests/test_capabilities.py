"""No ability without a door: what a card names has its analysis, its command, its panel or page, and an exporter."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.analyses.declared import Declared, analyses
from engine.commands.app import make_app
from engine.core.card import Capability
from engine.exports.formats import formats_of
from engine.models import registry
from engine.views.panel import drawn_analyses
from tests.test_readme import first_cells

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Room:
    """What answers for a capability that is no analysis of one sequence: where it is computed, asked, shown and written."""

    computed: str
    command: str
    page: str
    written: str


ROOMS = {
    Capability.DELTA_LIKELIHOOD: Room("engine/analyses/effects.py", "effects", "explorer", "engine/exports/substitution_vcf.py"),
    Capability.EMBEDDINGS: Room("engine/analyses/embedding.py", "embeddings", "embeddings_page", "engine/exports/embedding_files.py"),
    Capability.SPLICING: Room("engine/analyses/splice.py", "splice", "triage_page", "engine/exports/splice_files.py"),
    Capability.TRACKS: Room("engine/models/scorers/alphagenome.py", "tracks", "protein_card", "engine/exports/predicted_tracks.py"),
    Capability.VARIANT_SCORES: Room("engine/service/variant_card.py", "card", "protein_page", "engine/exports/card_files.py"),
}


def named() -> list[Capability]:
    """Every capability that some card names."""
    return sorted({capability for model in registry.model_ids() for capability in registry.entry(model).card.capabilities})


def commands() -> set[str]:
    return {str(command.name or command.callback.__name__) for command in make_app().registered_commands if command.callback}


def texts_of(path: Path) -> set[str]:
    """Every text that a file writes out."""
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_cards_name_nothing_that_nobody_answers() -> None:
    assert set(named()) == set(Capability), "a capability that no card names is to go"
    assert set(ROOMS) <= set(named())


@pytest.mark.parametrize("capability", named(), ids=str)
def test_a_capability_has_its_analysis_or_a_room(capability: Capability) -> None:
    own = [row for row in analyses().values() if row.capability is capability and not row.package]
    room = ROOMS.get(capability)
    assert own or room is not None
    if room is not None:
        assert (ROOT / room.computed).is_file()
        assert room.command in commands()
        assert room.command in first_cells("Command line")
        assert (ROOT / "pages" / "_ui" / f"{room.page}.py").is_file()
        assert (ROOT / room.written).is_file()


@pytest.mark.parametrize("analysis", analyses().values(), ids=lambda row: row.name)
def test_an_analysis_has_its_command_its_place_on_screen_and_its_files(analysis: Declared) -> None:
    assert analysis.command in commands()
    assert analysis.command in first_cells("Command line")
    shown_by_a_page = any(analysis.name in texts_of(path) for path in (ROOT / "pages" / "_ui").glob("*.py"))
    assert analysis.name in drawn_analyses() or shown_by_a_page or _read_by_another(analysis)
    names = {item.name for item in formats_of(analysis.result)}
    assert {"npz", "tsv", "csv"} <= names


def _read_by_another(analysis: Declared) -> bool:
    """Whether what is computed only for another analysis, such as controls, is read by one that is on screen."""
    cards = [registry.entry(model).card for model in registry.model_ids()]
    for other in analyses().values():
        if other.name != analysis.name and any(
            analysis.name in other.after(other.settled(other.parameters(), card), card) for card in cards if not other.cannot(card)
        ):
            return True
    return False


def test_every_room_of_the_issue_is_a_command() -> None:
    wanted = {
        "alignment",
        "card",
        "compare",
        "compensation",
        "element-effects",
        "element-scores",
        "embeddings",
        "essential",
        "generate",
        "loss",
    }
    assert wanted | {"motif", "next-kmer", "patterns", "protein", "tokens", "vocabulary"} <= commands()
