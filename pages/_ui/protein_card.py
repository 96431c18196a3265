"""The card of the chosen variant on the page Protein: every part with its source, or why it is empty."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from engine.core.card import Capability
from engine.core.transcripts import Transcripts
from engine.core.variant_card import PARTS, VariantCard
from engine.core.variants import Variant
from engine.exports.card_files import FORMATS, card_rows
from engine.service.proteins import registered
from engine.service.triage import ReferenceLetters
from engine.service.variant_card import SERVICE, CardRequest, make_card
from pages._ui import choices, reading, state
from pages._ui.buttons import button
from pages._ui.grid import grid
from pages._ui.protein_desk import ProteinDesk
from pages._ui.text import plain, show_caption, show_error

READING = "variant-card"
COLUMNS = ("what", "value", "class", "of")


def section(shared: state.Shared, desk: ProteinDesk) -> None:
    """Ask for the card, and draw it once it is there."""
    row, number = desk.row, desk.chosen
    if row is None or number is None:
        return
    if row.variant is None:
        show_caption(
            "Which change of the DNA it is does not follow from the protein; look up the variant by its place in the genome for its card."
        )
        return
    with st.container(border=True, key="variant-card"):
        st.markdown(f"**Card of {plain(str(row.variant))}** ({plain(row.assembly)})")
        request = _asked(shared, desk, row.variant, row.assembly)
        visitor = state.session().visitor
        if button("Fill the card", type="primary", key="card-ask"):
            reading.begin(
                READING,
                "what is known of the variant",
                lambda monitor: make_card(shared.engine, _with_genes(request, desk), monitor, visitor),
                lambda found: setattr(desk, "card", (number, found)),
                show_error,
            )
        reading.show(shared.engine, READING)
        if desk.card is not None and desk.card[0] == number:
            _drawn(desk.card[1])


def _asked(shared: state.Shared, desk: ProteinDesk, variant: Variant, assembly: str) -> CardRequest:
    """What is asked beside the tables, as the widgets state it."""
    reference = _reference(shared, desk)
    why_not = shared.engine.model(SERVICE).why_not
    able = [row.card.id for row in shared.engine.models_that_can(Capability.EFFECTS)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        models = st.multiselect(
            "Language models",
            able,
            format_func=choices.titles(shared.engine),
            key="card-models",
            width=380,
            disabled=reference is None,
            placeholder="none" if reference is not None else f"{assembly} is not registered here",
        )
        asked = st.checkbox(
            "Ask AlphaGenome",
            key="card-alphagenome",
            disabled=bool(why_not),
            help=plain(why_not or "Sends place and alleles to Google DeepMind's service; non-commercial use only."),
        )
    if why_not:
        show_caption(why_not)
    return CardRequest(variant, assembly, reference, Transcripts(), tuple(models), asked)


def _reference(shared: state.Shared, desk: ProteinDesk) -> ReferenceLetters | None:
    return desk.wish.reference if desk.wish is not None else registered(shared.genomes, desk.row.assembly if desk.row is not None else "")


def _with_genes(request: CardRequest, desk: ProteinDesk) -> CardRequest:
    """With gene models, which may take a while to read."""
    if desk.wish is not None:
        return replace(request, transcripts=desk.wish.transcripts)
    return replace(request, transcripts=request.reference.transcripts()) if request.reference is not None else request


def _drawn(card: VariantCard) -> None:
    show_caption(card.words())
    rows = card_rows(card)
    for name, title in PARTS.items():
        own = [row[1:] for row in rows if row[0] == name and row[1]]
        st.markdown(" · ".join(filter(None, (f"**{plain(title)}**", plain(card.how_many(name))))))
        if own:
            grid(pd.DataFrame(own, columns=COLUMNS), hide_index=True, height=min(320, 38 + 35 * len(own)), key=f"card-{name}")
        if name in card.notes:
            show_caption(card.notes[name])
    if card.sources:
        show_caption("Sources: " + "; ".join(f"{name} {text}" for name, text in card.sources.items()))
    stem = f"{card.variant.contig}-{card.variant.position}".replace("/", "-")[:60]
    with st.container(horizontal=True):
        for end, write in FORMATS.items():
            st.download_button(f"Card ({end})", partial(write, card), f"{stem}{end}", on_click="ignore", key=f"card{end}")
