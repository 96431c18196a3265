"""The place of the open row among the substitutions of its window, by a full scan that is asked for, or that the explorer has made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.results import Result
from engine.core.sequence import reversed_complement
from engine.core.variants import ScoredVariant, Variant
from engine.service.jobs import Job
from engine.service.triage import Genes
from engine.service.window_quantiles import scan_of, window_quantiles
from pages._ui import polling
from pages._ui.buttons import button
from pages._ui.state import Session, Shared
from pages._ui.text import show_caption
from pages._ui.triage_desk import Desk

_SLOT = "window-quantile"


@dataclass
class _Scan:
    key: tuple[object, ...]
    job: Job | None = None
    words: str = ""
    waited: bool = False


def section(shared: Shared, session: Session, desk: Desk, row: ScoredVariant) -> None:
    """Draw the sentence, its progress, or the button that asks for it; nothing for what is no substitution."""
    shown = session.on_screen
    if shown.change is None or row.ranked_with != "substitutions":
        return
    request = scan_of(shown.sequence, session.question.model, session.question.species)
    key = (shown.identity, shown.change, session.question.model, session.question.species)
    scan: _Scan | None = st.session_state.get(_SLOT)
    if scan is None or scan.key != key:
        scan = _Scan(key)
        st.session_state[_SLOT] = scan
        try:
            if shared.engine.stored(request) is not None and shared.engine.asked_before(request, session.visitor):
                scan.job = shared.engine.submit(request, session.visitor)
        except LocuscopeError:
            return
    if scan.job is None:
        if button("Place among the substitutions of this window", key="window-quantile-ask", help="Scores all of them, by the same model."):
            try:
                scan.job = shared.engine.submit(request, session.visitor)
            except LocuscopeError as error:
                show_caption(str(error))
                return
        else:
            return
    scan.waited = scan.waited or not scan.job.finished
    polling.follow(shared.engine, not scan.job.finished, _told, session, desk, row, scan)


def _told(session: Session, desk: Desk, row: ScoredVariant, scan: _Scan) -> None:
    job = scan.job
    if job is None:
        return
    if not job.finished:
        st.caption(f"Substitutions of this window: {job.done:,} of {job.total:,} {job.unit}" if job.total else job.stage)
        return
    if scan.waited:
        scan.waited = False
        st.rerun()
    found = job.result
    if not isinstance(found, Result):
        show_caption(str(job.error or "The scan of the window was cancelled."))
        return
    change = session.on_screen.change
    if not scan.words and change is not None:
        place = window_quantiles(found, change, _classes(session, desk, row))
        scan.words = place.words() if place is not None else ""
    show_caption(scan.words)


def _classes(session: Session, desk: Desk, row: ScoredVariant) -> Callable[[int, str], str] | None:
    """What a substitution of the sequence shown does, by the gene models of the triage; None without them."""
    shown, change = session.on_screen, row.variant.change
    if not desk.request.transcripts or shown.change is None or change is None:
        return None
    genes, contig, letters = Genes(desk.request.reference, desk.request.transcripts), row.variant.contig, shown.sequence.as_dna()
    turned = session.question.reverse

    def group_of(index: int, alternate: str) -> str:
        away = index - shown.change.start if shown.change is not None else 0
        place = change.start - away if turned else change.start + away
        reference = reversed_complement(letters[index]) if turned else letters[index]
        variant = Variant(contig, place + 1, reference, reversed_complement(alternate) if turned else alternate)
        found = genes.consequences(variant)
        return found[0].term if found else ""

    return group_of
