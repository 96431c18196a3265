"""The row of a triage that was open when its page is loaded anew: ranked again by the allele of the address, as a list of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from engine.core.alleles import as_vcf
from engine.core.locus import Strand, contig_in_text
from pages._ui import address, explorer, reading, search, triage_desk
from pages._ui.address_values import AddressValues
from pages._ui.kept_choice import keep
from pages._ui.state import Session, Shared
from pages._ui.text import show_info

SLOT, _VISITED, _SCORED = "triage-again", "triage-visited", "triage-scored"
NOT_KEPT = "The list it may be from was not kept, for a file never leaves its session: give it again."
LEAST_WINDOW, USUAL_WINDOW, MOST_WINDOW = 3, 512, 20_000
"""Bases of the window of a triage on the page."""


@dataclass(frozen=True)
class Again:
    """``text``: the variant as a line of the list, empty where it cannot be ranked; ``told`` one sentence or more on what is there and what is not."""

    text: str
    told: str


def texts(session: Session) -> dict[str, str]:
    """For the address, while a row is open: the bases of the window in which it was scored."""
    found = triage_desk.opened(session)
    return {"scored": str(found[0].window_bp)} if found is not None else {}


def waits(shared: Shared, session: Session) -> bool:
    """Whether the page waits for the sequence of an address that has an allele and with which the visit begins here; once it is read, the form is
    to start with that allele, and `begins` says so."""
    if _VISITED not in st.session_state:
        st.session_state[_VISITED] = True
        _visit(st.query_params.to_dict())
    if _SCORED not in st.session_state:
        return False
    if session.exchange.asked is None:
        explorer.begin(shared, session)
    reading.show(shared.engine, search.READING)
    return reading.under_way(search.READING)


def begins(shared: Shared, session: Session) -> Again | None:
    """What the address has, once it is read and until `tell` is called; reference, model, window and list of the form start with it."""
    scored: tuple[int, str] | None = st.session_state.get(_SCORED)
    if scored is None:
        return None
    found = _again(shared, session)
    if found.text:
        question, locus = session.question, session.on_screen.whole.locus
        keep("triage-list", found.text)
        keep("triage-assembly", locus.assembly if locus is not None else "")
        keep("triage-model", question.model)
        keep("triage-window", scored[0])
    found = replace(found, told=" ".join(text for text in (scored[1], found.told) if text))
    if not found.text:
        tell(found)
    return found


def of_session() -> Again | None:
    """What was ranked again, or could not be, until something else is ranked."""
    found: Again | None = st.session_state.get(SLOT)
    return found


def tell(again: Again | None) -> None:
    """What `show` is to say from now on; the address is done with."""
    st.session_state.pop(_SCORED, None)
    st.session_state[SLOT] = again


def show() -> None:
    """Say what was ranked again, and what was not kept."""
    again = of_session()
    if again is not None:
        show_info(again.told)


def _visit(query: Mapping[str, str]) -> None:
    asked, values = address.parse(query), AddressValues(query)
    if asked.text and asked.allele is not None:
        window = values.number("scored", LEAST_WINDOW, MOST_WINDOW, USUAL_WINDOW)
        st.session_state[_SCORED] = window, " ".join(values.problems)


def _again(shared: Shared, session: Session) -> Again:
    """The allele on screen as a line of a list, where its reference is registered."""
    shown, allele = session.screen.shown, session.question.allele
    if shown is None or allele is None:
        return Again("", f"{session.screen.problem} {NOT_KEPT}".strip())
    locus = shown.whole.locus
    if locus is None or locus.assembly not in shared.genomes.names():
        where = "has no registered reference, so it is not ranked again; Compare shows it"
        return Again("", f"The allele of the address {where}. {NOT_KEPT}")
    whole, change = shown.whole, allele
    if locus.strand == Strand.REVERSE:
        whole, change = whole.reverse_complement(), allele.turned(len(whole))
    letters = whole.as_dna()
    position, reference, alternate = as_vcf(change, lambda low, high: letters[low:high])
    text = f"{contig_in_text(locus.contig)}:{locus.start + position} {reference}>{alternate}"
    return Again(text, f"The allele of the address was ranked again as a row of its own. {NOT_KEPT}")
