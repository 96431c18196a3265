"""The top of the explorer: one box for everything, examples, upload, model and analysis settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import streamlit as st

from engine.core.card import Capability
from engine.core.errors import LocuscopeError
from engine.core.features import Feature
from engine.core.quoting import file_name, quoted
from engine.service.engine import Engine
from engine.sources import apart, examples
from engine.sources.understood import Understood
from engine.sources.upstream import species_of, upstream_locus
from pages._ui import choices, own_tracks, reading, served, session_file, state
from pages._ui.buttons import button
from pages._ui.question import FILE, Question, resolve
from pages._ui.runs import NO_ELEMENTS
from pages._ui.state import Arrival, Screen, Session, Shared
from pages._ui.text import show_caption

BOX = "search-box"
_NAMES = "search-names"
LONGEST_NAME = 40
_BOX_IS_OF, _BOX_WAS = "search-box-is-of", "search-box-was"
LONGEST_VIEW = 10**9
NOT_INSTALLED = " (not installed)"
READING = "explorer"
"""Where what is being read is shown."""

Part = Callable[[Shared, Session], None]
"""Something of the page that is drawn where this module says."""
LONGEST_PASTE = 5_000_000
"""Characters that can be pasted; longer text comes as a file, whose bound is the setting ``max_upload_bytes``."""
_guard = st.components.v2.component("locuscope.search", html="<i></i>\n", js=served.loader("search_box"), isolate_styles=False)
PLACEHOLDER = "Paste DNA, RNA, FASTA or GenBank · or a locus, {locus} · or an example's name"


def ask(shared: Shared, session: Session, question: Question, note: str = "") -> None:
    """Make ``question`` the one on screen, at once or when it is read, and say ``note`` of it; when it cannot be understood, say why and keep what
    was there."""
    known = session.files.understood
    if known is not None and known[0] == question.text:
        _show(session, question, known[1], note)
        return
    text = question.text

    def work(monitor: reading.Reading) -> Understood:
        return apart.understand_text(text, shared.genomes, shared.settings, monitor)

    reading.begin(READING, quoted(text.strip(), 40), work, lambda found: _show(session, question, found, note), session.say)


def _show(session: Session, question: Question, found: Understood, note: str = "") -> None:
    """Make what was understood the screen; the question is kept in its normal form, which the box and the address then hold."""
    question = replace(question, text=found.normal or question.text)
    session.files = replace(session.files, understood=(question.text, found))
    try:
        record = found.records[question.record] if 0 <= question.record < len(found.records) else found.records[0]
        shown = resolve(question, found, session.files.annotation.get(record.sha256, ()))
        session.screen = Screen(question, shown, note)
    except LocuscopeError as error:
        session.say(str(error))


def unknown(engine: Engine, question: Question) -> str:
    """One sentence when an address or a session file names a model or species there is not; a model that is not installed is shown as what it is."""
    if question.element_model not in ("", NO_ELEMENTS):
        try:
            row = engine.model(question.element_model)
        except LocuscopeError as error:
            return str(error)
        if not row.card.can(Capability.SEGMENTATION):
            return f"It asks for elements by {row.card.title}, which predicts none; choose a model under Analysis."
        if question.element_species and question.element_species not in row.card.species:
            return f"It asks for elements of {quoted(question.element_species)}, which {row.card.title} does not know; choose a species under Analysis."
    if not question.model and not question.species and not question.elsewhere:
        return ""
    try:
        row = engine.model(question.model)
    except LocuscopeError as error:
        return str(error)
    strange = next((name for name in (question.species, question.elsewhere) if name and name not in row.card.species), "")
    if strange and row.card.species:
        return f"It asks for the species {quoted(strange)}, which {row.card.title} does not know; choose one under Analysis."
    return "" if row.card.can(Capability.DEPENDENCY) else f"It asks for {row.card.title}, which has no dependency map."


def change(session: Session, question: Question) -> None:
    """The same sequence by another model, or with other settings."""
    session.screen = replace(session.screen, question=question, problem="")


def bar(shared: Shared, session: Session, menus: Sequence[Part], steps: Part) -> None:
    """Draw the box and its companions: ``menus`` beside the others, ``steps`` before the examples."""
    with st.container(key="search"):
        with st.container(key="wires-search"):
            st.fragment(_helped)(shared)
        _follow_question(session)
        box, model, tools = st.columns([4.3, 1.7, 3.6], vertical_alignment="bottom", gap="small")
        with box, st.form("search", border=False):
            text, go = st.columns([4.4, 1.1], vertical_alignment="bottom", gap="small")
            text.text_area(
                "Sequence or locus",
                key=BOX,
                height=68,
                max_chars=LONGEST_PASTE,
                placeholder=PLACEHOLDER.format(locus=shared.genomes.example_locus()),
                label_visibility="collapsed",
            )
            if go.form_submit_button("Show", type="primary", width="stretch"):
                _submitted(shared, session)
        with model:
            _model_picker(shared, session)
        with tools, st.container(horizontal=True, gap="small"):
            _upload(shared, session)
            own_tracks.menu(shared, session)
            for menu in menus:
                menu(shared, session)
            _settings(shared, session)
        _example_row(shared, session, steps)


def _helped(shared: Shared) -> None:
    """The script of the box; it asks for names while they are typed, and only this runs then."""
    names, start = st.session_state.get(_NAMES, ((), ""))
    _guard(
        key="search-script", data={"longest": LONGEST_PASTE, "names": list(names), "start": start}, on_typed_change=partial(_typed, shared)
    )


def _typed(shared: Shared) -> None:
    """Names that begin as what was typed; what a browser sends is not trusted."""
    script = st.session_state.get("search-script")
    given = None if script is None else script.get("typed")
    start = given.get("start") if isinstance(given, Mapping) else None
    if isinstance(start, str) and start.isprintable() and 0 < len(start) <= LONGEST_NAME:
        st.session_state[_NAMES] = (shared.genomes.names_at_hand(start), start)


def _follow_question(session: Session) -> None:
    """The box holds what is shown: the question in its normal form, nothing for an example or a file. What is typed stays until something
    else is shown."""
    held = _to_hold(session)
    if held is not None:
        st.session_state[BOX] = held
    if session.screen.shown is not None:
        st.session_state[_BOX_IS_OF] = session.question.text
    st.session_state[_BOX_WAS] = st.session_state.get(BOX, "")


def _to_hold(session: Session) -> str | None:
    """What the box is to hold from now on; None where it stays as it is."""
    asked, shown = session.question.text, session.screen.shown
    is_forgotten = BOX not in st.session_state  # by Streamlit, while another page was drawn
    if shown is not None and is_forgotten:
        return _held(session)
    if shown is None or st.session_state.get(_BOX_IS_OF) == asked or st.session_state.get(BOX, "") != st.session_state.get(_BOX_WAS, ""):
        return None
    return _held(session)


def _held(session: Session) -> str:
    """What the box holds of the question that is shown."""
    return "" if session.on_screen.example is not None or session.question.text.startswith(FILE) else session.question.text


def settle(session: Session) -> None:
    """Draw the page again where what was read just now is to stand in the box, which is drawn before it is known. A step along the genome is
    followed by a run of its own."""
    held = _to_hold(session)
    if held is not None and not session.question.moved and held != st.session_state.get(BOX, ""):
        st.rerun()


def _submitted(shared: Shared, session: Session) -> None:
    text = st.session_state.get(BOX) or ""
    before = session.question
    ask(shared, session, before.about(text))


def _model_picker(shared: Shared, session: Session) -> None:
    rows = {row.card.id: (row, why) for row, why in shared.engine.models_for("dependency") if row.card.can(Capability.DEPENDENCY)}
    ids, titles = list(rows), choices.model_titles(row.card for row, _ in rows.values())
    chosen = session.question.model
    picked = st.selectbox(
        "Model",
        ids,
        index=ids.index(chosen) if chosen in ids else 0,
        format_func=lambda model_id: titles[model_id] + NOT_INSTALLED * bool(rows[model_id][1]),
        label_visibility="collapsed",
        help="Models that give a probability to each base. Those not installed are on the page Models.",
    )
    if picked and picked != chosen:
        change(session, session.question.by(picked))


def _upload(shared: Shared, session: Session) -> None:
    with st.popover("File", help="Open a FASTA or GenBank file, or an annotation of what is shown"):
        given = st.file_uploader("FASTA or GenBank, also .gz", key="upload")
        features = st.file_uploader("Annotation of the sequence shown: GFF3, GTF, BED, GenBank", key="annotation")
        st.divider()
        saved = st.file_uploader(f"Session that was saved ({session_file.SUFFIX})", key="session-file")
        too_large = session_file.too_large(session, shared.settings)
        if too_large:
            show_caption(too_large)
        elif session.screen.shown is not None:
            st.download_button(
                "Save this session",
                data=lambda: session_file.content(session, shared.settings),
                file_name=f"session{session_file.SUFFIX}",
                mime="application/gzip",
                on_click="ignore",
                help="Question, view, display, your files and tracks; the file holds their letters. Results are computed or looked up again.",
            )
    if saved is not None and saved.file_id != session.files.session:
        session.files = replace(session.files, session=saved.file_id)
        _with_content(session, saved, "session", lambda data: _reopen(shared, session, saved.name, data))
    if features is not None and features.file_id != session.files.annotated:
        session.files = replace(session.files, annotated=features.file_id)
        _with_content(session, features, "annotation", lambda data: _annotate(shared, session, features.name, data))
    if given is None or given.file_id == session.files.upload:
        return
    session.files = replace(session.files, upload=given.file_id)
    _with_content(session, given, "upload", lambda data: _open(shared, session, given, data))


def _with_content(session: Session, file: Any, place: str, use: Callable[[bytes], None]) -> None:
    """Use what was uploaded; when it is too much, say so."""
    try:
        data = state.uploaded(file, place)
    except LocuscopeError as error:
        session.say(str(error))
    else:
        use(data)


def _open(shared: Shared, session: Session, given: Any, data: bytes) -> None:
    """Show an uploaded file."""
    session.say("")
    name = given.name
    question = session.question.about(f"{FILE}{name} {given.file_id}")

    def work(monitor: reading.Reading) -> Understood:
        return apart.read_file(name, data, shared.settings, monitor)

    reading.begin(READING, file_name(name), work, lambda found: _show(session, question, found), session.say)


def _reopen(shared: Shared, session: Session, name: str, data: bytes) -> None:
    """Go on with a session that was saved."""
    session.say("")

    def then(found: session_file.Opened) -> None:
        problem = unknown(shared.engine, found.question)
        known = replace(found.question.told(""), model="", elements="") if problem else found.question
        question = replace(known, model=known.model or shared.settings.model)
        if found.understood is not None:
            session.files = replace(session.files, understood=(question.text, found.understood))
        session.files = replace(session.files, annotation={**session.files.annotation, **found.annotation})
        session.tracks, session.tracks_read = found.tracks, own_tracks.uploaded()
        session.regions, session.history = found.regions, found.history
        session.regions_turn += 1
        start = found.state.initial(LONGEST_VIEW)
        arrived = Arrival(question, start, uuid4().hex)
        session.exchange = replace(session.exchange, display=found.state.display, arrived=arrived)
        ask(shared, session, question, " ".join(filter(None, (*found.notes, problem))))

    reading.begin(READING, file_name(name), lambda _monitor: session_file.read(name, data, shared), then, session.say)


def _annotate(shared: Shared, session: Session, name: str, data: bytes) -> None:
    """Lay an uploaded annotation on the record that is shown."""
    session.say("")
    whole = session.on_screen.whole

    def work(monitor: reading.Reading) -> tuple[tuple[Feature, ...], str]:
        return apart.read_annotation(name, data, whole, shared.settings, monitor)

    def then(found: tuple[tuple[Feature, ...], str]) -> None:
        session.files = replace(session.files, annotation={**session.files.annotation, whole.sha256: found[0]})
        ask(shared, session, session.question)
        if found[1]:
            session.say(found[1])

    reading.begin(READING, file_name(name), work, then, session.say)


def _settings(shared: Shared, session: Session) -> None:
    question = session.question
    with st.popover("Analysis", help="What is computed; display settings are in the figure"):
        card = shared.engine.model(question.model).card
        chosen, asked = choices.menu(
            question.settings, question.asked, card, lambda analysis: shared.engine.model(analysis.default_model).why_not
        )
        if (chosen, asked) != (question.settings, question.asked):
            change(session, replace(question, settings=chosen, asked=asked))
        _elements(shared, session)
        _species(shared, session)
        _upstream(shared, session)
        st.caption("Probabilities are read with each position masked in turn, where the model has a mask.")


def _elements(shared: Shared, session: Session) -> None:
    """Which model draws the element track, for which species where it takes one."""
    question = session.question
    now = question.element_model
    rows = {row.card.id: (row, why) for row, why in shared.engine.models_for("segmentation") if row.card.can(Capability.SEGMENTATION)}
    titles = choices.model_titles(row.card for row, _ in rows.values())
    there = {model: title + NOT_INSTALLED * bool(rows[model][1]) for model, title in titles.items()}
    words = {"": "the usual model", NO_ELEMENTS: "no elements", **there}
    options = ["", *sorted(titles, key=lambda model: bool(rows[model][1])), NO_ELEMENTS]
    picked = st.selectbox(
        "Elements by",
        options,
        index=options.index(now),
        format_func=words.__getitem__,
        key=f"elements-by-{now}",
        help="Models that say what each base is part of, and gene finders. Those not installed are on the page Models, with the way to get them.",
    )
    if picked is not None and picked != now:
        change(session, replace(question, elements=picked))
        return
    known = shared.engine.model(now).card.species if now not in ("", NO_ELEMENTS) else ()
    if not known:
        return
    index = known.index(question.element_species) + 1 if question.element_species in known else 0
    species = st.selectbox(
        "Species of the elements",
        ["", *known],
        index=index,
        format_func=lambda name: name or "as the model chooses",
        key=f"elements-{question.elements}",
    )
    if species is not None and species != question.element_species:
        change(session, replace(question, elements=f"{now}/{species}" if species else now))


def records(shared: Shared, session: Session) -> None:
    """Which of several records is shown."""
    names, question = session.on_screen.records, session.question
    if len(names) < 2:
        return
    options = list(range(len(names)))
    record = st.selectbox("Record", options, index=question.record, format_func=lambda i: f"{i + 1}: {names[i][:60]}", width=420)
    if record is not None and record != question.record:
        ask(shared, session, replace(question.of_another, record=record, window=None, reverse=False))
        st.rerun()


def _species(shared: Shared, session: Session) -> None:
    known = shared.engine.model(session.question.model).card.species
    if not known:
        return
    options = ["", *known]
    index = options.index(session.question.species) if session.question.species in options else 0
    picked = st.selectbox("Species or domain", options, index=index, format_func=lambda name: name or "as the model chooses")
    if picked is not None and picked != session.question.species:
        change(session, session.question.told(picked))


def _upstream(shared: Shared, session: Session) -> None:
    """The stretch before a gene, for a model that was trained on such."""
    card = shared.engine.model(session.question.model).card
    if not card.upstream_bp or not shared.genomes.names():
        return
    with st.form("upstream", border=False):
        gene = st.text_input(
            f"The {card.upstream_bp:,} bases before a gene, and its start codon",
            key="upstream-gene",
            max_chars=200,
            placeholder="a gene of a registered genome",
            help=f"What {card.title} was trained on: elsewhere its answers are less reliable.",
        )
        sent = st.form_submit_button("Show it")
    if not sent or not gene.strip():
        return
    try:
        locus = upstream_locus(shared.genomes, gene, card.upstream_bp)
    except LocuscopeError as error:
        session.say(str(error))
    else:
        question = session.question.about(str(locus))
        ask(shared, session, question.told(question.species or species_of(locus.assembly, card.species)))
    st.rerun()


def _example_row(shared: Shared, session: Session, steps: Part) -> None:
    shown = session.screen.shown
    with st.container(key="examples", horizontal=True, gap="small"):
        steps(shared, session)
        st.markdown("**Examples**")
        for item in examples.EXAMPLES:
            active = shown is not None and shown.example is not None and shown.example.id == item.id
            if button(
                item.short, key=f"example-{item.id}", help=f"{item.title}. {item.what_to_see}", type="primary" if active else "tertiary"
            ):
                ask(shared, session, session.question.about(item.id))
                st.rerun()


def cards(shared: Shared, session: Session) -> None:
    """Every example as a card with what to see in it."""
    st.subheader("Example loci", anchor=False)
    for start in range(0, len(examples.EXAMPLES), 4):
        for column, item in zip(st.columns(4), examples.EXAMPLES[start : start + 4], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{item.title}**")
                place = f"{item.accession}, {len(item.sequence):,} bases"
                st.caption(f"{item.what_to_see}  \n{item.organism}, {place}")
                if button("Show", key=f"card-{item.id}"):
                    ask(shared, session, session.question.about(item.id))
                    st.rerun()
