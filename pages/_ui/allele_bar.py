"""The allele that is on screen, with the score that ranked it and the way to the next one: the same line on every page that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from engine.core.errors import LocuscopeError
from engine.core.variants import ScoredVariant, Triage
from engine.service.jobs import Job
from engine.service.triage import AlleleRequest
from pages._ui import polling, triage_desk, turning
from pages._ui.buttons import button
from pages._ui.question import named
from pages._ui.state import Session, Shared
from pages._ui.text import plain, show_caption

PAGES = {"Explorer": "pages/explorer.py", "Compare": "pages/compare.py", "Figure": "pages/figure.py", "Triage": "pages/triage.py"}
_SCORE = "allele-score"


def bar(shared: Shared, session: Session, here: str) -> None:
    """Draw the line; nothing where no allele is shown. ``here``: title of the page."""
    shown = session.screen.shown
    if shown is None or shown.change is None:
        return
    found = triage_desk.opened(session)
    with st.container(border=True, key=f"allele-bar-{here}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(_name(session, found[1] if found else None))}**", width="content")
            st.space("stretch")
            if found is not None:
                steps(shared, session, found[0], here)
            for title, place in PAGES.items():
                if title != here and (title != "Triage" or found is not None) and button(title, key=f"allele-to-{title}-{here}"):
                    turning.turn_to(place)
        if found is not None:
            show_caption(ranked_words(found[0].result, found[0].row, shared.engine.model(found[0].request.model).card.title))
        else:
            _scored(shared, session)


def _name(session: Session, row: ScoredVariant | None) -> str:
    shown = session.on_screen
    here = named(shown.change) if shown.change is not None else ""
    if row is None:
        return f"{here} in {shown.title}"
    first = row.consequences[0] if row.consequences else None
    told = [str(row.variant), f"({here} below)"]
    if row.variant.identifier.replace("_", " ") not in (".", str(row.variant)):
        told.insert(0, row.variant.identifier[:40])
    if first is not None:
        told += [f"· {first.term.replace('_', ' ')}, {first.impact}", row.gene, first.hgvs_c, first.hgvs_p]
    return " ".join(text for text in told if text)


def ranked_words(result: Triage | None, number: int | None, model: str) -> str:
    """The score that a row of a triage was ranked by, and its place."""
    if result is None or number is None:
        return ""
    row, rank = result.rows[number], result.ranks()[number]
    window = result.provenance.parameters.get("window_bp", 0)
    scores = score_words(row, model, f"in a window of {window:,} bases")
    quantile = "" if row.llr_quantile is None else f" llr is at {row.llr_quantile:.3g} of its class (0 is the least expected)."
    if not scores:
        return row.note or "It has no score."
    if rank is None:
        return f"{scores}. {row.below_chance}"
    among = result.ranked[row.ranked_with]
    placed = f": rank {rank:,} of {among:,} {row.ranked_with}, 1 is the least expected" if among > 1 else ""
    return f"{scores}{placed}.{quantile}"


def score_words(row: ScoredVariant, model: str, where: str) -> str:
    """The scores of a row by their names, and whose they are; empty without any."""
    named_scores = (
        ("llr", row.llr),
        ("influence", row.influence),
        ("Δ ln P", row.delta_log_likelihood),
        ("Δ ln P a base", row.mean_delta_log_likelihood),
        ("Δ pseudo ln P", row.delta_pseudo_log_likelihood),
    )
    told = ", ".join(f"{name} {value:.3g}".replace("-", "−") for name, value in named_scores if value is not None)
    parts = [f"{told} by {model} {where}"] if told else []
    if row.splice is not None and row.splice.score is not None:
        parts.insert(0, f"splice {row.splice.score:.3g} by CI-SpliceAI")
    return "; ".join(parts)


def steps(shared: Shared, session: Session, desk: triage_desk.Desk, here: str) -> None:
    """The rows before and after it in the order of the table."""
    for label, step, key in (("Previous", -1, "k"), ("Next", 1, "j")):
        number = desk.neighbour(step)
        if button(label, key=f"allele-{key}-{here}", shortcut=key, disabled=number is None) and number is not None:
            desk.problem = triage_desk.open_row(shared, session, desk, number)
            desk.row = number
            st.rerun() if not desk.problem or here == "Triage" else turning.turn_to(PAGES["Triage"])


@dataclass
class _Score:
    key: tuple[object, ...]
    job: Job | None
    problem: str = ""
    waited: bool = False


def _scored(shared: Shared, session: Session) -> None:
    """What the model says of an allele that no triage ranked, in the record that is open."""
    question, shown = session.question, session.on_screen
    key = (shown.whole.sha256, question.allele, question.model, question.species)
    known: _Score | None = st.session_state.get(_SCORE)
    if known is None or known.key != key:
        known = _asked(shared, session, key)
        st.session_state[_SCORE] = known
    if known.job is not None:
        known.waited = not known.job.finished
        polling.follow(shared.engine, not known.job.finished, _told, known, shared.engine.model(question.model).card.title)
    elif known.problem:
        show_caption(known.problem)


def _asked(shared: Shared, session: Session, key: tuple[object, ...]) -> _Score:
    question, shown = session.question, session.on_screen
    if question.allele is None:
        return _Score(key, None)
    request = AlleleRequest(shown.whole, question.allele, question.model, question.species)
    try:
        return _Score(key, shared.engine.submit_triage(request, session.visitor))
    except LocuscopeError as error:
        return _Score(key, None, str(error))


def _told(score: _Score, model: str) -> None:
    job = score.job
    if job is None or not job.finished:
        st.caption("Its score is being computed.")
        return
    if score.waited:
        score.waited = False
        st.rerun()
    found = job.result
    if not isinstance(found, Triage):
        show_caption(str(job.error or "The score was cancelled."))
        return
    row = found.rows[0]
    words = score_words(row, model, f"in {found.provenance.sequence_length:,} bases around it")
    show_caption(f"{words}." if words else row.note)
