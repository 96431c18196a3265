"""The page Phage: a whole genome's loss, its genes ranked by in-silico mutagenesis, and sequences continued by a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from engine.analyses.essential import EssentialGenes, EssentialParameters
from engine.analyses.generate import Generated, GenerateParameters
from engine.analyses.loss import LossParameters, LossTrack
from engine.core.errors import InputError, LocuscopeError
from engine.core.features import Feature
from engine.core.genes import CodingGene, write_genes
from engine.core.quoting import file_name
from engine.core.sequence import NucleotideSequence
from engine.exports import formats
from engine.service.engine import Request
from engine.service.estimate import time_in_words
from engine.service.jobs import Job
from engine.sources import apart
from engine.sources.coding_genes import genes_of_features, labels_of
from engine.sources.understood import Understood
from engine.views.phage import gene_map, loss_figure
from pages._ui import address_bar, choices, explorer, phage_address, polling, reading, search, state, turning
from pages._ui.address import AddressState
from pages._ui.buttons import button
from pages._ui.grid import CHOOSE, grid
from pages._ui.labelled_file import labelled_file
from pages._ui.phage_address import LARGEST_SEED, ROOMS, Wanted
from pages._ui.question import Question, part_for_box
from pages._ui.text import plain, show_caption, show_error, show_info, show_warning

READING, GIVEN = "phage", "phage-given"
WANTED, LABELLED = "phage-wanted", "phage-label-columns"
CONTEXT_BP = 150
WINDOW_BP = 1000


@dataclass(frozen=True)
class Given:
    """The genome that is worked on, and what is annotated on it; ``of_file``: it was uploaded here."""

    sequence: NucleotideSequence
    features: tuple[Feature, ...]
    label: str
    of_file: bool = False

    @property
    def words(self) -> str:
        """How long it is, and how many coding features it has."""
        coding = sum(item.kind == "CDS" for item in self.features)
        return f"{len(self.sequence):,} bases, {coding:,} coding feature{'' if coding == 1 else 's'}"


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    st.subheader("Phage", anchor=False)
    wanted = _wanted(shared)
    explorer.begin_beside(shared, session, *wanted.problems)
    given = _given(shared, session, expected=wanted.own)
    if given is None:
        address_bar.write("phage", wanted.texts())
        return
    st.markdown(f"**{plain(given.label)}** · {given.words}")
    usual = next(title for title, room in ROOMS.items() if room == wanted.room)
    room = st.segmented_control("Room", list(ROOMS), default=usual, required=True, label_visibility="collapsed", key="phage-room")
    wanted = replace(wanted, room=ROOMS[room])
    usable = [row.card.id for row, why in shared.engine.models_for(wanted.room) if not why]
    if not usable:
        _noted(given, wanted)
        show_info("No model that is installed here continues sequences; megaDNA does: get it on the page Models.")
        return
    {"loss": _loss, "essential": _essential, "generate": _generate}[wanted.room](shared, session, given, usable, wanted)


def _wanted(shared: state.Shared) -> Wanted:
    """What the page showed last, at first what the address asks for."""
    if WANTED not in st.session_state:
        species = {row.card.id: row.card.species for room in ROOMS.values() for row, why in shared.engine.models_for(room) if not why}
        st.session_state[WANTED] = phage_address.read(st.query_params.to_dict(), species)
    wanted: Wanted = st.session_state[WANTED]
    return wanted


def _noted(given: Given, wanted: Wanted) -> None:
    """Keep what the widgets say for who comes back, and write it to the address beside what the explorer shows."""
    st.session_state[WANTED] = wanted = replace(wanted, own=given.of_file)
    (address_bar.write if given.of_file else address_bar.write_about)("phage", wanted.texts())


def _given(shared: state.Shared, session: state.Session, *, expected: bool) -> Given | None:
    """The genome that was uploaded, until its file is taken away, else what the explorer shows; ``expected``: the address had one uploaded."""
    file = st.file_uploader(
        "A whole phage: GenBank (with its genes) or FASTA, gzipped or not; without one, the sequence of the explorer",
        key="phage-file",
        on_change=_changed,
    )
    if file is None:
        kept: Given | None = st.session_state.get(GIVEN, ("", None))[1]
        if kept is None and expected:
            show_info("The address is of an uploaded genome, which no address carries; give the file here.")
        if kept is not None or expected:  # the widget forgets its file while another page is open
            st.button("Use the sequence of the explorer instead", key="phage-forget", on_click=_changed)
            return kept
        shown = session.screen.shown
        return Given(shown.sequence, shown.features, f"{shown.title} (the sequence of the explorer)") if shown is not None else None
    data, identity = reading.received(file, "phage"), file.file_id
    if data is None:
        return None
    known: tuple[str, Given | None] = st.session_state.get(GIVEN, ("", None))
    if known[0] != identity:
        name = file.name
        st.session_state[GIVEN] = (identity, None)

        def then(found: Understood) -> None:
            if not found.records:
                raise InputError("The file holds no sequence.")
            given = Given(found.records[0], found.record_features[0], found.records[0].name or name, of_file=True)
            st.session_state[GIVEN] = (identity, given)

        reading.begin(READING, file_name(name), lambda monitor: apart.read_file(name, data, shared.settings, monitor), then, show_error)
    reading.show(shared.engine, READING)
    found: tuple[str, Given | None] = st.session_state[GIVEN]
    if found[1] is not None and len(found[1].sequence) > 0:
        return found[1]
    return None


def _changed() -> None:
    """A file was given or taken away: what was read before is of no use."""
    st.session_state.pop(GIVEN, None)
    st.session_state[WANTED] = replace(st.session_state[WANTED], own=False)


def _model(shared: state.Shared, usable: list[str], place: Any, wanted: Wanted) -> tuple[str, str]:
    """The model and its species."""
    usual = [name for name in (wanted.model, "megadna", shared.settings.model) if name in usable]
    index = usable.index(usual[0]) if usual else 0
    model = place.selectbox("Model", usable, index=index, format_func=choices.titles(shared.engine), key="phage-model")
    species = shared.engine.model(model).card.species
    if not species:
        return model, ""
    at = species.index(wanted.species) + 1 if wanted.species in species and model == wanted.model else 0
    picked = place.selectbox(
        "Species or domain", ["", *species], at, format_func=lambda name: name or "as the model chooses", key=f"phage-species-{model}"
    )
    return model, picked or ""


def _loss(shared: state.Shared, session: state.Session, given: Given, usable: list[str], wanted: Wanted) -> None:
    left, middle, right = st.columns([3, 2, 2])
    model, species = _model(shared, usable, left, wanted)
    small = middle.number_input("Windows, bp", 1, 100_000, wanted.loss.small, key="phage-small")
    large = right.number_input("Moving mean, bp", 1, 1_000_000, wanted.loss.large, key="phage-large")
    parameters = LossParameters(int(small), int(large))
    _noted(given, replace(wanted, model=model, species=species, loss=parameters))
    request = Request("loss", given.sequence, model, parameters, species)
    found = _answer(shared, session, request)
    if not isinstance(found, LossTrack):
        return
    _chart(loss_figure(found, dark=st.context.theme.type == "dark"), "phage-loss", f"Loss along {given.label}: {found.words()}")
    show_caption(found.words())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = st.number_input("From base", 1, len(given.sequence), 1, key="phage-at")
        end = min(len(given.sequence), int(at) - 1 + WINDOW_BP)
        if button(f"Open {end - int(at) + 1:,} bases in the explorer", key="phage-open-part"):
            _open(shared, session, given, int(at) - 1, end, model)
    _exports(found, "loss")


def _essential(shared: state.Shared, session: state.Session, given: Given, usable: list[str], wanted: Wanted) -> None:
    genes, left_out = genes_of_features(given.features, len(given.sequence))
    if not genes:
        _noted(given, wanted)
        show_info("There are no coding features; upload the phage as a GenBank file, which has its genes.")
        return
    first, second, third, fourth = st.columns([3, 2, 2, 2])
    model, species = _model(shared, usable, first, wanted)
    usual, kinds = wanted.essential, ["all", "start", "coding", "stop"]
    parts = second.selectbox(
        "Replace", kinds, kinds.index(usual.parts), key="phage-parts", help="Start codon, coding bases between the codons, stop codon."
    )
    by = parts if parts != "all" else third.selectbox("Rank by", kinds[1:], kinds[1:].index(usual.by), key="phage-by")
    repeats = fourth.number_input("Repeats", 1, 100, usual.repeats, key="phage-repeats")
    seed = fourth.number_input("Seed", 0, LARGEST_SEED, usual.seed, key="phage-seed")
    if left_out:
        show_caption(f"{left_out:,} coding features without a whole reading of their own are left out.")
    parameters = EssentialParameters(write_genes(genes), parts, by, int(repeats), int(seed))  # type: ignore[arg-type]
    _noted(given, replace(wanted, model=model, species=species, essential=replace(parameters, genes="")))
    found = _answer(shared, session, Request("essential", given.sequence, model, parameters, species))
    if not isinstance(found, EssentialGenes):
        return
    found = _labelled(shared, found)
    _chart(gene_map(found, dark=st.context.theme.type == "dark"), "phage-genes", f"Genes of {given.label}: {found.words()}")
    show_caption(found.words())
    if found.complete:
        _ranked(shared, session, given, found, genes, model)
    _exports(found, "essential")


def _chart(figure: Any, key: str, words: str) -> None:
    """A figure as wide as the page, with what it says for who does not see it."""
    st.plotly_chart(figure, theme=None, key=key, alt=words, config={"displaylogo": False})


def _labelled(shared: state.Shared, found: EssentialGenes) -> EssentialGenes:
    """With the labels of an uploaded table, where there is one that fits."""
    with st.expander("Known essential genes (a table with a column of names and one of yes or no): AUROC"):
        table, identity = labelled_file(shared, "Table, .tsv or .csv", "phage-labels")
        if table is None:
            return found
        try:
            names = list(table.columns)
            usual = names[0], names[min(1, len(names) - 1)]
            known = st.session_state.get(LABELLED, ("",))
            kept = known[1:] if known[0] == identity else usual
            one, two = st.columns(2)
            gene = one.selectbox("Names", names, index=names.index(kept[0]), key="phage-label-gene")
            label = two.selectbox("Essential", names, index=names.index(kept[1]), key="phage-label-label")
            st.session_state[LABELLED] = (identity, gene, label)
            return found.labelled(labels_of(table, gene, label))
        except LocuscopeError as error:
            show_error(str(error))
            return found


def _ranked(
    shared: state.Shared, session: state.Session, given: Given, found: EssentialGenes, genes: tuple[CodingGene, ...], model: str
) -> None:
    table = pd.DataFrame(found.rows().columns)
    changes = {name: st.column_config.NumberColumn(format="%.3g") for name in table.columns if name.startswith("delta_")}
    picked: Any = grid(
        table, hide_index=True, on_select="rerun", selection_mode="single-row", key="phage-table", height=320, column_config=changes
    )
    rows = picked.selection.rows
    if not rows:
        st.caption(f"{CHOOSE}: a button here opens its gene in the explorer.")
        return
    name = str(table.iloc[rows[0]]["gene"])
    gene = next(item for item in genes if item.name == name)
    if button(f"Open {plain(name)} in the explorer", type="primary", key="phage-open-named"):
        start, end = max(0, gene.start - CONTEXT_BP), min(len(given.sequence), gene.end + CONTEXT_BP)
        _open(shared, session, given, start, end, model)


def _generate(shared: state.Shared, session: state.Session, given: Given, usable: list[str], wanted: Wanted) -> None:
    left, middle, right = st.columns([3, 2, 2])
    model, _ = _model(shared, usable, left, wanted)
    usual = min(1000, len(given.sequence), max(1, shared.engine.model(model).card.max_length // 2))
    first = min(wanted.prompt, len(given.sequence)) or usual
    prompt = middle.number_input("Prompt: first bases", 1, len(given.sequence), first, key=f"phage-prompt-{model}")
    length = middle.number_input("Bases to generate", 1, 200_000, wanted.generate.length, key="phage-length")
    temperature = right.number_input("Temperature", 0.0, 10.0, float(wanted.generate.temperature), step=0.1, key="phage-temperature")
    seed = right.number_input("Seed", 0, LARGEST_SEED, wanted.generate.seed, key="phage-generate-seed")
    parameters = GenerateParameters(int(length), float(temperature), int(seed))
    kept = int(prompt) if prompt != usual else 0
    _noted(given, replace(wanted, model=model, species="", generate=parameters, prompt=kept))
    found = _answer(shared, session, Request("generate", given.sequence.window(0, int(prompt)), model, parameters))
    if not isinstance(found, Generated):
        return
    show_warning(found.words())
    grid(pd.DataFrame(found.rows().columns), hide_index=True)
    if button("Open it in the explorer", type="primary", key="phage-open-made"):
        _show(shared, session, f">{found.written.name}\n{found.written.letters}", "")
    _exports(found, "generate")


def _answer(shared: state.Shared, session: state.Session, request: Request) -> Any | None:
    """The answer when it is there; else what it costs, a button, and progress with Cancel. A partial one of a stopped computation is not shown."""
    slot = f"phage-job-{request.analysis}"
    kept: tuple[Request, Job] | None = st.session_state.get(slot)
    try:
        shared.engine.check(request)
        if kept is None or kept[0] != request:
            if kept is not None:
                kept[1].cancel(session.visitor)
            st.session_state.pop(slot, None)
            stored = shared.engine.stored(request)
            if stored is not None:
                return stored
            _offer(shared, session, request, slot)
            return None
    except LocuscopeError as error:
        show_error(str(error))
        return None
    job = kept[1]
    polling.follow(shared.engine, not job.finished, _progress, job, session.visitor)
    if not job.finished:
        return None
    if job.state == "cancelled":
        kept_part = " What was finished of the mutagenesis is kept: Compute goes on from there." if request.analysis == "essential" else ""
        show_info(f"{polling.CANCELLED}{kept_part}")
        _offer(shared, session, request, slot)
        return None
    if job.error is not None:
        show_error(str(job.error))
        return None
    return job.result


def _offer(shared: state.Shared, session: state.Session, request: Request, slot: str) -> None:
    cost = shared.engine.estimate(request)
    card = shared.engine.model(request.model).card
    reads = min(len(request.sequence), card.max_length)
    unit = (
        "bases, one after the other"
        if request.analysis == "generate"
        else f"forward pass{'' if cost.passes == 1 else 'es'} of up to {reads:,} bases"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if button("Compute", type="primary", key=f"{slot}-go"):
            st.session_state[slot] = (request, shared.engine.submit(request, session.visitor))
            st.rerun()
        show_caption(f"{cost.passes:,} {unit}, {time_in_words(cost.seconds)}")


def _progress(job: Job, visitor: str) -> None:
    if job.finished:
        if st.session_state.pop("phage-waits", False):
            st.rerun()
        return
    st.session_state["phage-waits"] = True
    left = f", about {job.seconds_left:.0f} s left" if job.seconds_left else ""
    words = f"{job.done:,} of {job.total:,} {job.unit}{left}" if job.total else job.stage
    st.progress(min(1.0, job.done / max(1, job.total)), text=plain(words))
    if button("Cancel", key="phage-cancel"):
        job.cancel(visitor)


def _exports(found: Any, name: str) -> None:
    with st.expander("Export"), st.container(horizontal=True):
        for item in formats.formats_for(found):
            make: Callable[[], bytes] = partial(formats.content, found, item.name)
            file = f"{name}{item.suffix}"
            st.download_button(item.suffix, make, file, item.media_type, on_click="ignore", help=item.title, key=f"phage-{file}")


def _open(shared: state.Shared, session: state.Session, given: Given, start: int, end: int, model: str) -> None:
    """Bases ``[start, end)`` in the explorer, by the model where it draws maps."""
    fits = shared.engine.model(model).card.max_length >= end - start
    _show(shared, session, part_for_box(given.sequence, start, end), model if fits else "")


def _show(shared: state.Shared, session: state.Session, text: str, model: str) -> None:
    session.exchange = replace(session.exchange, asked=session.exchange.asked or AddressState())
    search.ask(shared, session, Question(text, model or shared.settings.model))
    turning.turn_to("pages/explorer.py")
