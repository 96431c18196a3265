"""One visitor's triage: what was asked, its job, and which of its rows is open on the other pages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import uuid4

import pandas as pd
import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.variants import ScoredVariant, Triage
from engine.service.jobs import Job
from engine.service.surroundings import surroundings
from engine.service.triage import TriageRequest
from engine.service.visitor_files import VisitorFolder
from engine.sources.locus_text import LocusText
from pages._ui import search
from pages._ui.address import LONGEST_ALLELE, AddressState
from pages._ui.question import Question
from pages._ui.state import Session, Shared

SLOT = "triage-desk"


@dataclass
class Desk:
    """The request, its job, the name and bytes of the VCF, the folder of an uploaded reference; the rows in the order of the table (``orders``:
    how many orders there were, each of which has a table of its own), the one
    that was clicked last, the one that is open, its question, and one sentence where it could not be opened;
    the public ``assembly`` the variants were called on, as far as it is known; the rows as a table; ``notes`` on how the files were read;
    ``identity`` names what the visitor sets of its table: filters, order, columns, the tick."""

    job: Job
    request: TriageRequest
    name: str
    content: bytes = field(repr=False)
    folder: VisitorFolder | None = field(default=None, repr=False)
    order: tuple[int, ...] = ()
    orders: int = 0
    picked: int | None = None
    row: int | None = None
    problem: str = ""
    question: Question | None = None
    assembly: str = ""
    frame: pd.DataFrame | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    identity: str = field(default_factory=lambda: uuid4().hex)

    @property
    def result(self) -> Triage | None:
        """What was computed; None before it is finished."""
        return self.job.result if isinstance(self.job.result, Triage) else None

    @property
    def window_bp(self) -> int:
        """Bases of the window that was scored: what was asked for, or what the model reads at most; that asked for before it is finished."""
        found = self.result
        return self.request.parameters.window_bp if found is None else int(found.provenance.parameters["window_bp"])

    def put_in_order(self, rows: tuple[int, ...]) -> None:
        """The rows as the table has them now; what was clicked in another order is clicked no more, what is open stays open."""
        if rows != self.order:
            self.order, self.orders, self.picked = rows, self.orders + 1, None

    def neighbour(self, step: int) -> int | None:
        """The row after (1) or before (-1) the open one in the order of the table."""
        if self.row not in self.order:
            return None
        place = self.order.index(self.row) + step
        return self.order[place] if 0 <= place < len(self.order) else None


def of_session() -> Desk | None:
    """The visitor's triage, if there is one."""
    found: Desk | None = st.session_state.get(SLOT)
    return found


def opened(session: Session) -> tuple[Desk, ScoredVariant] | None:
    """The row whose allele is on screen, if it is one of a triage."""
    desk, now = of_session(), session.question
    if desk is None or desk.question is None or desk.row is None or desk.result is None:
        return None
    same = (desk.question.text, desk.question.allele) == (now.text, now.allele)
    return (desk, desk.result.rows[desk.row]) if same else None


def why_closed(row: ScoredVariant) -> str:
    """One sentence why reference and alternate of a row cannot be shown; empty where they can."""
    change = row.variant.change
    if row.status in ("outside", "reference_mismatch") or row.variant.problem:
        return row.note
    if change is None or row.variant.kind == "same":
        return f"The allele {row.variant.alternate[:20]} changes no letters, so there is nothing to compare."
    if max(len(change.reference), len(change.alternate)) > LONGEST_ALLELE:
        return f"Alleles of more than {LONGEST_ALLELE} bases are not shown beside the reference."
    return ""


def open_row(shared: Shared, session: Session, desk: Desk, number: int) -> str:
    """Put a row's surroundings with its allele on screen, for all pages; one sentence where that cannot be."""
    result = desk.result
    row = result.rows[number] if result is not None else None
    if row is None:
        return "The triage is not finished."
    if why := why_closed(row):
        return why
    try:
        question = _question(shared, desk, row)
    except LocuscopeError as error:
        return str(error)
    session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
    session.say("")
    desk.question = question
    search.ask(shared, session, question)
    return ""


def _question(shared: Shared, desk: Desk, row: ScoredVariant) -> Question:
    """The window that was scored, cut to the allele's surroundings."""
    reference = desk.request.reference
    found = surroundings(reference, row.variant, desk.window_bp)
    piece, first, last = found.piece, found.first, found.last
    if reference.assembly in shared.genomes.names():
        text = str(LocusText(reference.assembly, piece.record, first - piece.offset, last - piece.offset))
    else:
        text = f">{piece.contig} {piece.contig}:{first + 1}-{last}\n{reference.letters(row.variant.contig, first, last)}"
    model = desk.request.model or shared.settings.model
    return Question(text, model, window=found.window, species=desk.request.species, allele=found.change)
