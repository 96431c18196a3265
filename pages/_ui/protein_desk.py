"""One visitor's looked-up variants: which is chosen, whose protein is shown, and its card."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from engine.core.proteins import LookedUp, ProteinScores, Substitution
from engine.core.transcripts import Transcripts
from engine.core.variant_card import VariantCard
from engine.core.variants import ScoredVariant, Triage
from engine.service.triage import ReferenceLetters
from pages._ui.triage_desk import Desk

SLOT, WISH = "protein-desk", "protein-wish"
HUMAN = ("GRCh38", "GRCh37")
AROUND = 40
"""Residues on either side of a chosen one that are shown at first."""


@dataclass(frozen=True, eq=False)
class Wish:
    """What another page wants looked up: rows that are known, and the letters and gene models they were scored with."""

    rows: tuple[LookedUp, ...]
    chosen: int
    assembly: str
    reference: ReferenceLetters
    transcripts: Transcripts


@dataclass(eq=False)
class ProteinDesk:
    """``rows`` as looked up on ``assembly``, the index of the ``chosen`` one, the ``protein`` that was read last, a ``picked`` cell of its map, the
    ``stretch`` that is seen (1-based inclusive), and the ``card`` with the row it is of; ``given``: the text, for the address; ``source``: what
    they were read from, in words.

    ``asked``: the protein whose map is being read; ``refused``: why there is none, by protein. ``marked``: the substitution of the row that
    the visitor chose in the list, ``choices`` how many there were. ``frame``: the rows as a table, once it was drawn. ``generation`` changes when the page, and not the visitor, chose a row.
    """

    rows: tuple[LookedUp, ...]
    assembly: str
    given: str = ""
    source: str = ""
    chosen: int | None = None
    protein: ProteinScores | None = None
    picked: Substitution | None = None
    stretch: tuple[int, int] = (1, 1)
    card: tuple[int, VariantCard] | None = None
    choices: int = 0
    generation: int = 0
    wish: Wish | None = None
    asked: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    marked: Substitution | None = None
    frame: pd.DataFrame | None = None

    @property
    def row(self) -> LookedUp | None:
        """The chosen row."""
        return self.rows[self.chosen] if self.chosen is not None else None

    @property
    def wanted(self) -> str:
        """The protein of the chosen row; empty for none."""
        return self.row.protein if self.row is not None else ""

    @property
    def seen(self) -> ProteinScores | None:
        """The protein that was read, where it is that of the chosen row."""
        return self.protein if self.protein is not None and self.protein.protein == self.wanted else None

    def choose(self, number: int) -> None:
        """Choose a row; its surroundings are shown."""
        self.chosen, self.picked = number, None
        self.choices += 1
        self.marked = self.rows[number].substitution
        self.show_around()

    def show(self, protein: ProteinScores) -> None:
        """Put a protein on screen; one that is not that of the chosen row any more is dropped."""
        if protein.protein == self.wanted:
            self.protein = protein
            self.show_around()

    def refuse(self, protein: str, why: str) -> None:
        """There is no map of a protein."""
        self.refused[protein] = why

    def show_around(self) -> None:
        """Move the stretch to the chosen substitution, where the protein on screen has it."""
        there = self.row.substitution if self.row is not None else None
        protein = self.seen
        if protein is None:
            return
        middle = there.position if there is not None and there.protein == protein.protein else 1
        first = max(1, min(middle - AROUND, len(protein) - 2 * AROUND))
        self.stretch = (first, min(len(protein), first + 2 * AROUND))

    def of(self, substitution: Substitution) -> int | None:
        """The first row of a substitution."""
        return next((number for number, row in enumerate(self.rows) if row.substitution == substitution), None)


def of_session() -> ProteinDesk | None:
    """The visitor's desk, if there is one."""
    found: ProteinDesk | None = st.session_state.get(SLOT)
    return found


def rows_of_triage(found: Triage, assembly: str) -> tuple[list[int], tuple[LookedUp, ...]]:
    """Rows of a triage that AlphaMissense has, and what it says of them."""
    numbers = [number for number, row in enumerate(found.rows) if row.missense is not None]
    return numbers, tuple(looked_up(found.rows[number], assembly) for number in numbers)


def looked_up(row: ScoredVariant, assembly: str) -> LookedUp:
    """A row of a triage as it would be looked up."""
    there = row.missense.substitution if row.missense is not None else None
    return LookedUp(str(row.variant), assembly, row.variant, there, row.missense, "" if row.missense is not None else "No missense score.")


def wish(desk: Desk, number: int) -> Wish | None:
    """What the page Protein is to show of a row of a triage: its missense variants, or the row alone; None where nothing is known of it."""
    found = desk.result
    if found is None or desk.assembly not in HUMAN:
        return None
    numbers, rows = rows_of_triage(found, desk.assembly)
    if number not in numbers:
        numbers, rows = [number], (looked_up(found.rows[number], desk.assembly),)
    return Wish(rows, numbers.index(number), desk.assembly, desk.request.reference, desk.request.transcripts)
