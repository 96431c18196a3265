"""The page RNA: the structure drawn, two structures held against each other, pair probabilities beside contacts, a pair tested."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses.compensation import Compensation
from engine.core.base_pairs import Agreement, dot_bracket, partners
from engine.core.errors import LocuscopeError
from engine.core.evaluation import compensation_words, contacts_words
from engine.core.sequence import Alphabet
from engine.exports import figure as figures
from engine.exports import formats
from engine.service.jobs import Job
from engine.sources.structures import known_pairs
from engine.views.layouts import RADIAL
from engine.views.secondary_structure import Named, arcs_of_two, combinations, drawing, two_maps
from pages._ui import address_bar, choices, downloads, explorer, memory, polling, rna_address, rna_options, state, turning
from pages._ui.buttons import button
from pages._ui.grid import grid
from pages._ui.kept_choice import keep, kept_choice, kept_switch, left_at
from pages._ui.question import Shown
from pages._ui.rna_address import COLOURS, LAYOUTS
from pages._ui.rna_work import READ, Reading, RnaWork, models
from pages._ui.text import plain, show_caption, show_error, show_info, show_warning

WORK, PAIR, TEST = "rna-work", "rna-pair", "rna-test-job"
WANTED, KNOWN = "rna-wanted", "rna-known"
BEGAN, AGAIN, FILES = "rna-began", "rna-test-again", "rna-files"
DRAWN, AGAINST, COLOUR, LAYOUT = "rna-draw", "rna-against", "rna-colour", "rna-layout"
MOST_WAIT_SECONDS = 0.2
"""Longest wait of the page for an answer that is nearly there."""
WIDE = 470
"""Pixels of the name of a structure, which says how it was read; two of them stand beside each other on a screen of 1024."""
LONGEST_KNOWN = 2000
"""Symbols of a known structure that the address carries."""


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("RNA", anchor=False)
    shown = explorer.locus_beside(shared, session, ", read as RNA")
    if shown is None:
        return
    _begin(shown)
    model, parameters = _asked(shared, session)
    if parameters is None:
        return
    work = _work(shared, session, shown, model, parameters)
    for sentence in work.sentences():
        show_warning(sentence)
    known, own = _known(shared, shown)
    _write_address(session, work, parameters, own)
    if not work.jobs and work.usable:
        _offer(work)
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "rna")
    if work.cancelled:
        show_info(work.cancelled)
        _offer(work)
    memory.offer(session, shared.engine.model(model).card, [found for name in work.requests if (found := work.result(name)) is not None])
    if work.contacts is not None or work.result("fold") is not None:
        _rooms(shared, shown, work, known)


def _begin(shown: Shown) -> None:
    """At the first run of a visit, what the address asks for; what it has that cannot be meant is said until another sequence is shown."""
    if BEGAN not in st.session_state:
        wanted = rna_address.read(st.query_params.to_dict(), len(shown.sequence))
        st.session_state[BEGAN] = (shown.identity, wanted.problems)
        st.session_state[FILES] = (shown.identity, wanted.own)
        if wanted.pair:
            st.session_state[PAIR] = wanted.pair
        if wanted.tested:
            st.session_state[AGAIN] = wanted.tested
        for key, value in ((DRAWN, wanted.drawn), (AGAINST, wanted.against), (COLOUR, wanted.colour), (LAYOUT, wanted.layout)):
            if value:
                keep(key, value)
    identity, problems = st.session_state[BEGAN]
    for problem in problems if identity == shown.identity else ():
        show_error(problem)


def _offer(work: RnaWork) -> None:
    """The button that starts it."""
    if button("Compute", type="primary", key="rna-go"):
        work.start()
        st.rerun()


def _asked(shared: state.Shared, session: state.Session) -> tuple[str, Reading | None]:
    """The model and how contacts are read; None for values that cannot be, which are said."""
    usable = models(shared.engine)
    left, right = st.columns([3, 5], vertical_alignment="bottom")
    given = st.session_state.get(WANTED, st.query_params.to_dict())  # as the page stood last, at first what the address asks for
    wanted = next((name for name in (given.get("by", ""), session.question.model) if name in usable), usable[0])
    usual = usable.index(wanted)
    model = left.selectbox("Model", usable, index=usual, format_func=choices.titles(shared.engine), key="rna-model")
    with right.container(horizontal=True, vertical_alignment="bottom"), st.popover("How contacts are read"):
        try:
            parameters: Reading | None = rna_options.parameters(given)
        except LocuscopeError as error:
            show_error(str(error))
            parameters = None
    if parameters is None:
        st.error("The options of the contacts cannot be used together; open them to see why.")
    return model, parameters


def _work(shared: state.Shared, session: state.Session, shown: Shown, model: str, parameters: Reading) -> RnaWork:
    """The computations of what is asked now; those asked before that nobody needs any more are given up."""
    species = session.question.species if model == session.question.model else ""
    now = RnaWork.of(shared.engine, session.visitor, shown.sequence, model, species, parameters)
    before: RnaWork | None = st.session_state.get(WORK)
    if before is not None and now.same_question(before):
        return before
    st.session_state[WORK] = now
    if before is not None:
        st.session_state.pop(PAIR, None)
        st.session_state.pop(AGAIN, None)
    if now.small:
        now.start()
    if before is not None:
        for name, job in before.jobs.items():
            if name not in now.jobs or now.jobs[name] is not job:
                job.cancel(session.visitor)
    return now


def _known(shared: state.Shared, shown: Shown) -> tuple[Named | None, tuple[str, ...]]:
    """A structure that is known: of the example, pasted or uploaded; what was pasted for a sequence stays with it while other pages are open.
    And what was given as a file, now or where the address comes from."""
    usual = shown.example.structure if shown.example is not None and len(shown.whole) == len(shown.sequence) else ""
    identity, given = st.session_state.get(KNOWN, (shown.identity, st.query_params.get("known", "")[:LONGEST_KNOWN] or usual))
    with st.expander("Known structure and reactivities", expanded=False):
        left, right = st.columns(2)
        with left:
            value = given if identity == shown.identity else usual
            text = st.text_area("Dot-bracket, CT or BPSEQ", value, key=f"rna-known-{shown.identity}", height=90)
            st.session_state[KNOWN] = (shown.identity, text)
            types = ("dbn", "db", "vienna", "ct", "bpseq", "txt", "gz")
            of_file = rna_options.text_file(shared, "or a file", "rna-known-file", types)
            text = of_file or text
        with right:
            rna_options.reactivity_input(shared, len(shown.sequence))
    given_files = {"structure": bool(of_file), "reactivities": rna_options.REACTIVITY in st.session_state}
    own = _files(shown, tuple(name for name, there in given_files.items() if there))
    try:
        return Named("known structure", known_pairs(text, shown.sequence)) if text.strip() else None, own
    except LocuscopeError as error:
        show_error(str(error))
        return None, own


def _files(shown: Shown, there: tuple[str, ...]) -> tuple[str, ...]:
    """What is ``there`` of a file, and what the address had of one, which is asked for until it is given or done without."""
    identity, wanted = st.session_state.get(FILES, ("", ()))
    missing = tuple(name for name in wanted if name not in there) if identity == shown.identity else ()
    st.session_state[FILES] = (shown.identity, missing)
    if missing:
        show_info(
            f"The address is of {' and '.join(missing)} of a file, which no address carries; give the file again under "
            "Known structure and reactivities."
        )
        st.button("Go on without", key="rna-without-files", on_click=st.session_state.pop, args=(FILES, None))
    return tuple(name for name in rna_address.FILES if name in {*there, *missing})


def structures(work: RnaWork, known: Named | None) -> dict[str, Named]:
    """Every structure there is of this RNA, by its name in the address."""
    from engine.views.panels.dot_bracket import counted

    found: dict[str, Named] = {}
    contacts, fold = work.contacts, work.result("fold")
    if contacts is not None:
        recipe = contacts.provenance.parameters["recipe"]
        found["contacts"] = Named(f"{contacts.provenance.card.title}, {rna_options.RECIPE_WORDS.get(recipe, recipe)}", contacts.pairs)
    if fold is not None:
        found["fold"] = Named("ViennaRNA, least free energy", fold.pairs)
    found["stems"] = Named("stem counter", counted(work.sequence.as_dna()))
    if known is not None:
        found["known"] = known
    return found


def agreement_table(found: dict[str, Named]) -> pd.DataFrame:
    """Sensitivity and PPV of each structure (row) held against each other one."""
    rows = []
    for named in found.values():
        for against in found.values():
            if against is not named:
                both = Agreement.of(named.pairs.tolist(), against.pairs.tolist())
                rows.append(
                    {
                        "structure": named.name,
                        "held against": against.name,
                        "pairs": both.found,
                        "in both": both.both,
                        "sensitivity": both.sensitivity,
                        "PPV": both.ppv,
                    }
                )
    return pd.DataFrame(rows)


def _rooms(shared: state.Shared, shown: Shown, work: RnaWork, known: Named | None) -> None:
    """Drawing, comparison and test."""
    found = structures(work, known)
    names = list(found)
    with st.container(horizontal=True, vertical_alignment="top"):
        drawn = kept_choice("Draw", names, names[0], DRAWN, width=WIDE, format_func=lambda name: found[name].name)
        others = [name for name in names if name != drawn]
        against = kept_choice("Hold against", others, others[-1], AGAINST, width=WIDE, format_func=lambda name: found[name].name)
        kinds = rna_options.colourings(work, shown)
        colour = kept_choice("Colour by", list(kinds), COLOURS[0], COLOUR, width=220)
        by = kept_switch("Layout", LAYOUTS, LAYOUTS[0], LAYOUT)
    dark = st.context.theme.type == "dark"
    left, right = st.columns([7, 5], gap="medium")
    with left:
        _drawing(shown, work, found[drawn], kinds[colour], RADIAL if by == RADIAL else "", dark=dark)
    with right:
        _test(shared, work, found[drawn], dark=dark)
    upper, lower = plain(found[drawn].name), plain(found[against].name)
    st.markdown(f"**{upper}** over the sequence, **{lower}** under it; what both have is in the accent.")
    st.plotly_chart(arcs_of_two(work.sequence, found[drawn], found[against], dark=dark), key="rna-arcs", width="content", theme=None)
    st.markdown(
        "**How well any two agree**: sensitivity is the share of the pairs held against that are found, PPV the share of those found that are in it."
    )
    grid(
        agreement_table(found),
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in ("sensitivity", "PPV")},
    )
    if work.contacts is not None:
        origin = work.contacts.provenance
        show_caption(contacts_words(origin.card, origin.parameters, rna=work.contacts.sequence.alphabet is Alphabet.RNA))
    _probabilities(work, dark=dark)
    _exports(shown, work)


def _drawing(shown: Shown, work: RnaWork, named: Named, colouring: Any, by: str, *, dark: bool) -> None:
    """The structure; a click on a base chooses it and its partner."""
    selected: tuple[int, ...] = st.session_state.get(PAIR, ())
    drawn = drawing(work.sequence, named.pairs, colouring, by=by, selected=selected, dark=dark)
    which = drawn.layout.meta["layout"]
    event: Any = st.plotly_chart(drawn, key="rna-drawing", on_select="rerun", selection_mode="points", width="content", theme=None)
    note = (
        ""
        if which != RADIAL or by
        else " ViennaRNA is not installed here, so its layout and its structure of least free energy are missing."
    )
    show_caption(f"Layout: {which}. Pairs that cross the nested structure are curves. Click a base to choose its pair.{note}")
    chosen = [point.get("customdata") for point in event.selection.points] if event is not None else []
    index = chosen[0][0] if chosen and isinstance(chosen[0], list) else chosen[0] if chosen else None
    if isinstance(index, int) and 0 <= index < len(work.sequence):
        other = int(partners(len(work.sequence), named.pairs)[index])
        pair = tuple(sorted((index, other))) if other >= 0 else (index,)
        if pair != selected:
            st.session_state[PAIR] = pair
            st.rerun()
    kind = st.segmented_control("Save the drawing as", list(downloads.FIGURES), required=True, key="rna-figure-kind")
    origin = work.contacts or work.result("fold")
    if kind is not None and origin is not None:
        data = partial(figures.figure_bytes, drawn, kind, origin.provenance, width=720, height=720)
        st.download_button(
            f"Download .{kind}", data, f"{downloads.stem(shown)}.structure.{kind}", figures.MEDIA_TYPES[kind], on_click="ignore"
        )


def _test(shared: state.Shared, work: RnaWork, named: Named, *, dark: bool) -> None:
    """The compensation test of the chosen pair."""
    st.markdown("**Compensation test** · does a pair behave like a base pair?")
    length = len(work.sequence)
    chosen: tuple[int, ...] = st.session_state.get(PAIR, ())
    usual = (
        chosen
        if len(chosen) == 2
        else tuple(named.pairs[0].tolist())
        if len(named.pairs) and not chosen
        else (*chosen, (chosen or (0,))[0] + 1)
    )
    with st.form("rna-compensation", border=False):
        one, two, go = st.columns([2, 2, 2], vertical_alignment="bottom")
        i = one.number_input("One base", 1, length, min(length, usual[0] + 1), key=f"rna-i-{usual}")
        j = two.number_input("The other", 1, length, min(length, usual[1] + 1), key=f"rna-j-{usual}")
        asked = go.form_submit_button("Test", type="primary", width="stretch")
    if asked:
        try:
            pair = tuple(sorted((int(i) - 1, int(j) - 1)))
            request = work.test(pair)
            job = shared.engine.submit(request, state.session().visitor)
            st.session_state[TEST] = (pair, request, job)
            st.session_state[PAIR] = pair
            job.wait(MOST_WAIT_SECONDS)
            st.rerun()
        except LocuscopeError as error:
            show_error(str(error))
    _test_again(shared, work)
    asked_for: Job | None = st.session_state.get(TEST, ((), None, None))[2]
    if asked_for is not None and not asked_for.finished:
        polling.follow(shared.engine, True, _test_progress, asked_for, state.session().visitor)
        return
    if asked_for is not None and asked_for.error is not None:
        show_error(str(asked_for.error))
    if asked_for is not None and asked_for.state == "cancelled" and asked_for.request.sequence.letters == work.sequence.letters:
        show_info(polling.CANCELLED)
    found: Compensation | None = asked_for.result if asked_for is not None else None
    if found is None or found.sequence.letters != work.sequence.letters:
        st.caption("16 combinations of the letters at two bases: in a stem, the rest of the RNA is disturbed least where both still pair.")
        return
    drawn = combinations(found.values, (found.first, found.second), dark=dark)
    st.plotly_chart(drawn, key="rna-test-table", width="content", theme=None)
    show_caption(
        f"{found.words()} Framed: letters that pair (thick) and wobble (thin); bits at the most disturbed other base; 0.00: the letters that stand there."
    )
    show_caption(compensation_words(found.provenance.card))
    if button("Open this pair in the explorer", key="rna-open-pair"):
        state.session().focus(found.first, found.second)
        turning.turn_to("pages/explorer.py")


def _test_again(shared: state.Shared, work: RnaWork) -> None:
    """The test that the address is of, where its answer is in the store; otherwise it waits for its button."""
    pair: tuple[int, ...] = st.session_state.pop(AGAIN, ())
    if not pair:
        return
    try:
        request = work.test(pair)
        if shared.engine.stored(request) is not None:
            st.session_state[TEST] = (pair, request, shared.engine.submit(request, state.session().visitor))
    except LocuscopeError as error:
        show_error(str(error))


def _test_progress(job: Job, visitor: str) -> None:
    if job.finished:
        st.rerun()
    words = f"{job.done:,} of {job.total:,} {job.unit}" if job.total else job.stage
    st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=plain(words))
    if button("Cancel", key="rna-test-cancel"):
        job.cancel(visitor)


def _probabilities(work: RnaWork, *, dark: bool) -> None:
    """Pair probabilities by energies over the diagonal, the model's contact scores under it."""
    contacts, fold = work.contacts, work.result("fold")
    if contacts is None or fold is None:
        return
    with st.expander(
        f"Pair probabilities of ViennaRNA ({fold.energy:.1f} kcal/mol) beside the contacts of {contacts.provenance.card.title}"
    ):
        names = ("pair probability, ViennaRNA", f"contact score, {contacts.provenance.card.title}")
        st.plotly_chart(
            two_maps(work.sequence, fold.values, contacts.values, names, dark=dark), key="rna-two-maps", width="content", theme=None
        )


def _exports(shown: Shown, work: RnaWork) -> None:
    """Files of the structures."""
    with st.expander("Export"):
        for name in READ:
            found = work.result(name)
            if found is None:
                continue
            st.markdown(f"**{plain(found.provenance.card.title)}**")
            st.code(f"{found.sequence.letters}\n{dot_bracket(len(found.sequence), found.pairs)}", language=None)
            with st.container(horizontal=True):
                for item in formats.formats_for(found):
                    file = f"{downloads.stem(shown)}.{name}{item.suffix}"
                    make = partial(formats.content, found, item.name)
                    st.download_button(item.suffix, make, file, item.media_type, on_click="ignore", help=item.title, key=f"rna-{file}")


def _write_address(session: state.Session, work: RnaWork, parameters: Reading, own: tuple[str, ...]) -> None:
    """What is on this page, in the address bar."""
    shown = session.on_screen
    values = rna_options.texts(parameters) | ({"by": work.model} if work.model != session.question.model else {})
    st.session_state[WANTED] = dict(values)
    values |= rna_address.Wanted(
        left_at(DRAWN, ""),
        left_at(AGAINST, ""),
        left_at(COLOUR, COLOURS[0]),
        left_at(LAYOUT, LAYOUTS[0]),
        st.session_state.get(PAIR, ()),
        _tested(work),
        own,
    ).texts()
    known = st.session_state.get(f"rna-known-{shown.identity}", "")
    usual = shown.example.structure if shown.example is not None else ""
    if known and known != usual and len(known) <= LONGEST_KNOWN:
        values["known"] = known
    address_bar.write_about("rna", values)


def _tested(work: RnaWork) -> tuple[int, ...]:
    """The pair whose test is on the page, or will be; that of another model or another sequence has no place in the address."""
    again: tuple[int, ...] = st.session_state.get(AGAIN, ())
    pair: tuple[int, ...]
    pair, request, _ = st.session_state.get(TEST, ((), None, None))
    return again or (pair if pair and request == work.test(pair) else ())
