"""The explorer: search, what was understood and what it costs, the locus view, tables, exports, examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from engine.service.shelf import one_moment
from engine.sources import examples
from engine.sources.outward_links import gene_links, place_links
from engine.views.evidence import MOST_LETTERS
from pages._ui import (
    address,
    allele_bar,
    downloads,
    element_judge,
    figure_view,
    history,
    lessons_page,
    memory,
    moving,
    own_tracks,
    polling,
    reading,
    regions,
    search,
    state,
    tables,
    turning,
)
from pages._ui.address import AddressState
from pages._ui.buttons import button
from pages._ui.figure_view.asked import picture, style_of
from pages._ui.prepared import Price, prepare, price
from pages._ui.question import Question, Shown, address_of, echo, narrowed
from pages._ui.runs import Runs
from pages._ui.state import Session, Shared, Work
from pages._ui.text import plain, show_caption, show_error, show_warning

TARGET = "explorer"
MOST_KEPT = 10**9
OF_FILE = "The letters of your file are in no address; a session (File) holds them."
SENDS = (
    "Sends the place {place}, the kind of question and the tissue to Google DeepMind's AlphaGenome service, under the key of whoever runs this "
    "server; none of your letters, files or tracks. For non-commercial use only; what comes back may not be used to train other models."
)
MOST_WAIT_SECONDS = 0.2
"""Longest wait of a page for an answer that is nearly there."""


def page() -> None:
    """Draw the page."""
    with one_moment():
        _page()


def _page() -> None:
    shared, session = state.shared(), state.session()
    if session.exchange.asked is None:
        begin(shared, session)
    search.bar(shared, session, (regions.menu,), history.buttons)
    with st.container(key="problem"):  # always there, so that the view below keeps its place and its state
        reading.show(shared.engine, search.READING)
        search.settle(session)
        reading.show(shared.engine, own_tracks.READING)
        own_tracks.go_on(session)
        if session.screen.problem:
            show_error(session.screen.problem)
    if session.screen.shown is None:
        search.cards(shared, session)
        return
    runs, cost = computations(shared, session)
    moving.around(shared, session)
    runs.own = own_tracks.placed(session)
    history.note(session)
    history.note_place(session)
    runs.highlights = regions.placed(session)
    with st.container(key="echo"):
        _echo(shared, session, runs, cost)
    allele_bar.bar(shared, session, "Explorer")
    st.fragment(_figure)(shared, session)
    tables.section(runs)
    own_tracks.against_model(runs, runs.own, dark=_dark())
    element_judge.judging(shared, session, runs)
    search.cards(shared, session)
    moving.follow(shared, session)


def begin(shared: Shared, session: Session) -> None:
    """The first run of a session, on whichever page it starts: what the address asks for, else the first example."""
    asked = address.parse(st.query_params.to_dict())
    session.exchange = replace(session.exchange, asked=asked)
    usual = examples.EXAMPLES[0].id
    question = Question.of_address(asked, usual)
    problems = [*asked.problems, search.unknown(shared.engine, question)]
    if problems[-1]:
        question = replace(question.told(""), model="", elements="")
    question = replace(question, model=question.model or shared.settings.model)
    search.ask(shared, session, question)
    if session.screen.shown is None and not reading.under_way(search.READING):
        problems.append(session.screen.problem)
        search.ask(shared, session, question.about(usual))
    if session.screen.shown is not None:
        problems.append(asked.outside(len(session.on_screen.sequence)))
    session.say(" ".join(dict.fromkeys(text for text in problems if text)))


def begin_beside(shared: Shared, session: Session, *problems: str) -> None:
    """What every page beside the explorer begins with: what the address asks for, ``problems`` and that of the box, a file that is being read."""
    if session.exchange.asked is None:
        begin(shared, session)
    for problem in (*problems, session.screen.problem):
        if problem:
            show_error(problem)
    reading.show(shared.engine, search.READING)


def locus_beside(shared: Shared, session: Session, read_as: str = "") -> Shown | None:
    """The same for a page about the sequence of the explorer, which it names; None where there is none yet. ``read_as``: what is done to its letters."""
    begin_beside(shared, session)
    if session.screen.shown is None:
        return None
    shown = session.on_screen
    st.markdown(f"**{plain(shown.title)}** · {plain(echo(shown))}{read_as} (the sequence of the explorer)")
    return shown


def computations(shared: Shared, session: Session) -> tuple[Runs, Price]:
    """The computations of the question on screen; those of the question before that nobody asks for any more are given up."""
    question, shown = session.question, session.on_screen
    before = session.work
    if before.runs is not None and before.price is not None and before.runs.question == question and before.runs.shown is shown:
        return before.runs, before.price
    runs = prepare(shared.engine, session.visitor, shown, question)
    if before.runs is not None:
        runs.go_on_with(before.runs)
    cost = price(runs)
    if cost.problem:  # without a map, nothing of the view before
        runs.jobs.clear()
    session.work = Work(runs, cost)
    state.here(shared, session)
    runs.start(cost.at_once)
    if before.runs is not None:
        before.runs.give_up(runs)
    return runs, cost


def _echo(shared: Shared, session: Session, runs: Runs, cost: Price) -> None:
    """What was understood, what it costs, and the way on when it is long or cannot be done."""
    shown = session.on_screen
    left, right = st.columns([4.1, 5.9], vertical_alignment="center", gap="small")
    about = shown.example.what_to_see if shown.example is not None else " · ".join(shown.notes[1:])
    left.markdown(" · ".join(part for part in (f"**{plain(shown.title)}**", plain(echo(shown)), plain(about)) if part))
    with right.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        lessons_page.back(session)
        _made_for(shared, session)
        _quicker(shared, session)
        spent = "" if runs.way_on and not cost.problem else runs.spent()
        st.caption(spent or cost.words(), help=runs.about_spent if spent else None, width="content")
        if session.question.window is not None and button(f"Whole sequence ({len(shown.whole):,})", key="whole"):
            search.ask(shared, session, replace(session.question, window=None))
            st.rerun()
        if not cost.problem and (words := runs.way_on) and button(words, type="primary", key="compute"):
            runs.start()
            st.rerun()
        alone: Literal["primary", "secondary"] = "primary" if cost.problem else "secondary"
        about_alone = "Compute the element track, and nothing else"
        if (
            runs.elements_wait
            and (cost.problem or runs.way_on)
            and button("Elements alone", type=alone, key="compute-elements", help=about_alone)
        ):
            runs.start_elements()
            st.rerun()
        _ask_hosted(runs)
        downloads.menu(session, dark=_dark())
        _elsewhere(session)
    search.records(shared, session)
    for note in runs.notes():
        show_caption(note)
    if runs.hosted_to_ask:
        show_caption(SENDS.format(place=shown.sequence.locus).replace("Sends", "Ask AlphaGenome sends", 1))
    memory.offer(session, shared.engine.model(session.question.model).card, runs.finished_results().values())
    is_read = shared.engine.model(session.question.model).installed
    too_long = is_read and len(shown.sequence) > moving.most(shared, session)
    if cost.problem and not (too_long and (session.question.moved or shown.kind == "locus")):  # the bar over the figure says it
        show_warning(cost.problem)
        _offer_window(shared, session)


def _ask_hosted(runs: Runs) -> None:
    """The button without which no hosted model is asked; what it sends is said beside it."""
    if runs.hosted_to_ask and button("Ask AlphaGenome", key="ask-hosted", help=plain(SENDS.format(place=runs.shown.sequence.locus))):
        runs.ask_hosted()
        st.rerun()


def _elsewhere(session: Session) -> None:
    """The same place on public sites; nothing is asked of them before a click."""
    shown = session.on_screen
    places = place_links(shown.sequence.locus) if shown.sequence.locus is not None else ()
    genes = gene_links(shown.features) if len(shown.sequence) <= MOST_LETTERS else ()
    if not places and not genes:
        return
    with st.popover("Elsewhere", help="This place on public sites; a click opens one in a new tab"):
        for link in (*places, *genes):
            st.link_button(plain(link.title), link.url, type="tertiary")


def _made_for(shared: Shared, session: Session) -> None:
    """The model that was made for this organism, one click away."""
    question, shown = session.question, session.on_screen
    found = shared.engine.made_for(shown.sequence, shown.organism, question.model)
    if found is None:
        return
    row, group = found
    here = "" if row.installed else " Its weights are not here; the page Models gets them."
    about = f"{row.card.title}: {row.card.description}{here}"
    if button(plain(f"Made for {group}: {row.card.title.split(',')[0]}"), key="made-for", type="tertiary", help=plain(about)):
        if not row.installed:
            turning.turn_to("pages/models.py")
        search.change(session, question.by(row.card.id))
        st.rerun()


def _quicker(shared: Shared, session: Session) -> None:
    """The model that answers long sequences in a fraction of the time, one click away."""
    row = shared.engine.quicker(session.on_screen.sequence, session.question.model)
    if row is None:
        return
    about = f"Exact in a fraction of the time. {row.card.title}: {row.card.description} {row.card.limitations}"
    if button(plain(f"Faster: {row.card.title}"), key="quicker", type="tertiary", help=plain(about)):
        question = session.question.of_another
        search.change(session, question.by(row.card.id).told(question.species.removesuffix(" without memory")))
        st.rerun()


def _offer_window(shared: Shared, session: Session) -> None:
    """For a sequence too long for the model: choose the part to look at."""
    length = len(session.on_screen.sequence)
    card = shared.engine.model(session.question.model).card
    limit = min(card.max_length, shared.settings.max_length)
    if length <= limit:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = st.number_input("Window from", 1, length - limit + 1, 1, step=limit // 2, width=160)
        width = st.number_input("Bases", 8, limit, min(limit, 1000), width=160)
        if button("Use this window", type="primary", key="use-window"):
            begin = int(start) - 1
            end = min(length, begin + int(width))
            search.ask(shared, session, narrowed(session.question, session.on_screen, begin, end))
            st.rerun()


def _figure(shared: Shared, session: Session) -> None:
    """The view and its wires; the wires run again by themselves while something is computed."""
    runs = session.computing
    around, limit = moving.around(shared, session), moving.most(shared, session)
    movable = moving.is_movable(around.place, len(session.on_screen.sequence), limit)
    step = moving.bar(session, around, limit, TARGET, dark=_dark()) if movable else None
    wish = figure_view.mount(_meta(shared, session) | (moving.facts(around.place) if movable else {}), session.saw)
    if step is not None and _is_new(session, step):
        _step(shared, session, step)
    if wish is not None and wish.values.get("view") == session.on_screen.identity and _is_new(session, wish):
        _grant(shared, session, wish)
    polling.follow(shared.engine, not runs.settled, _wires, shared, session, seen=lambda: runs.pictured)


def _is_new(session: Session, wish: figure_view.Wish) -> bool:
    """Whether it was not granted yet: a run that is cut short by a rerun leaves its triggers to the next one."""
    if wish.identity in session.exchange.granted:
        return False
    session.exchange = replace(session.exchange, granted=(*session.exchange.granted[-3:], wish.identity))
    return True


def _step(shared: Shared, session: Session, wish: figure_view.Wish) -> None:
    """Go where the bar over the figure leads."""
    start, end = wish.whole("start"), wish.whole("end")
    if wish.name == "hop":
        moving.hop(shared, session, start, end, 1 if wish.values.get("by") == 1 else -1)
    else:
        moving.go(shared, session, start, end)
    st.rerun()


def _wires(shared: Shared, session: Session) -> None:
    """Bring what is new to the view; once everything is finished, run the whole page."""
    state.here(shared, session)
    runs = session.computing
    was_settled = runs.settled
    with st.container(key="wires"):
        for kind, data in runs.envelopes(style_of(session.display, dark=_dark())).items():
            figure_view.send(TARGET, kind, data)
    settled = session.work.settled
    session.work = replace(session.work, settled=runs.settled)
    if (runs.settled and not was_settled) or (session.work.settled and not settled):
        st.rerun()


def _grant(shared: Shared, session: Session, wish: figure_view.Wish) -> None:
    """Do what was asked for inside the view."""
    runs = session.computing
    length = len(session.on_screen.sequence)
    if wish.name == "pair" and all(0 <= wish.whole(key) < length for key in ("changed", "read")):
        runs.ask_pair(wish.whole("changed"), wish.whole("read"))
        if runs.pair is not None:
            runs.pair.wait(MOST_WAIT_SECONDS)
    elif wish.name == "base" and 0 <= wish.whole("at") < length:
        runs.choose(wish.whole("at"))
    elif wish.name == "display":
        session.exchange = replace(session.exchange, display=dict(wish.values))
    elif wish.name == "picture":
        data = picture(runs.feed.address, runs.evidence(), wish.values, downloads.stem(session.on_screen), dark=_dark())
        if data is not None:
            runs.feed.picture(data)
    elif wish.name == "cancel":
        runs.cancel()
        st.rerun()
    elif wish.name in ("window", "compute"):
        start, end = wish.whole("start"), wish.whole("end")
        if not 0 <= start < end <= length:
            return
        if wish.name == "window":
            runs.window = (start, end)
            return
        search.ask(shared, session, narrowed(session.question, session.on_screen, start, end))
        st.rerun()
    elif wish.name == "keep":
        start, end = wish.whole("start"), wish.whole("end")
        if 0 <= end - start < MOST_KEPT:
            regions.keep(session, start, end)
            st.rerun()
    elif wish.name == "reverse":
        search.ask(shared, session, replace(session.question, reverse=not session.question.reverse))
        st.rerun()


def _meta(shared: Shared, session: Session) -> dict[str, Any]:
    """Facts of the view that are no results."""
    shown = session.on_screen
    runs = session.computing
    asked = session.exchange.asked or AddressState()
    has_letters = runs.reads_letters or len(shown.sequence) <= MOST_LETTERS
    return {
        "target": TARGET,
        "view": runs.feed.address.view,
        "generation": runs.feed.address.generation,
        "letters": shown.sequence.letters if has_letters else "",
        "length": len(shown.sequence),
        "title": shown.title,
        "address": address_of(session.question, shown, shared.settings.model),
        "unaddressed": OF_FILE if session.question.is_of_file else "This sequence is too long for an address of its own.",
        "initial": asked.initial(len(shown.sequence)),
        "arrival": dict(moving.arrival(session)),
        "reverse_of": shown.mirrored_identity,
        "focus": {"places": list(session.exchange.focused[0]), "wish": session.exchange.focused[1]},
    }


def _dark() -> bool:
    return bool(st.context.theme.type == "dark")
