"""Options of the page RNA: how contacts are read, what the drawing is coloured by, files that are laid on the sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from engine.analyses.contacts import RECIPES
from engine.core.arithmetic import largest_of_known
from engine.core.errors import LocuscopeError, ParameterError
from engine.core.parameters import Field, fields_of
from engine.sources.structures import reactivities, read_text
from engine.views.secondary_structure import Colouring
from pages._ui import state
from pages._ui.kept_file import kept_file
from pages._ui.question import Shown
from pages._ui.rna_work import Reading, RnaWork
from pages._ui.text import show_error

RECIPE_WORDS = dict(RECIPES)
OFFERED = ("recipe", "symmetry", "apc", "minimum_loop", "threshold", "any_letters", "partners")
"""Published options of the contacts, by the names of their fields; also their names in the address."""
REACTIVITY = "rna-reactivity"


def parameters(given: Mapping[str, str]) -> Reading:
    """Draw the options; the parameters they make. ``given``: texts of the address, where the widgets start. Raises `ParameterError`."""
    values: dict[str, Any] = {}
    for field in fields_of(Reading):
        if field.name in OFFERED:
            values[field.name] = _widget(field, _start(field, given.get(field.name)))
    st.caption(
        "Along stems only the first, the third of these and the threshold have a meaning; the others are of the recipes pair by pair."
    )
    return Reading(**values)


def _start(field: Field, text: str | None) -> Any:
    """Where a widget starts; a text of the address that is not allowed is left out."""
    if text is None:
        return field.default
    try:
        value = field.value_of(text[:40])
        field.check(value)
    except (ParameterError, ValueError):
        return field.default
    return value


def _widget(field: Field, start: Any) -> Any:
    option, label, key = field.option, field.option.title or field.name.replace("_", " "), f"rna-set-{field.name}"
    if option.choices:
        words = dict(option.words)
        return st.selectbox(
            label,
            option.choices,
            index=option.choices.index(start),
            format_func=lambda text: words.get(text, text),
            help=option.help,
            key=key,
        )
    if field.kind is bool:
        return st.toggle(label, value=start, help=option.help, key=key)
    if field.kind is int:
        return int(st.number_input(label, int(option.low or 0), int(option.high or 100), int(start), help=option.help, key=key))
    text = st.text_input(label, value="" if start is None else str(start), placeholder="by itself", help=option.help, key=key)
    return field.value_of(text) if text.strip() else None


def texts(chosen: Reading) -> dict[str, str]:
    """What the address says of options that are not the usual ones."""
    return {field.name: field.text_of(value) for field, value in chosen.changes() if field.name in OFFERED}


def text_file(shared: state.Shared, title: str, key: str, types: Sequence[str]) -> str:
    """The text of a file that is given here; empty without one."""
    kept = kept_file(shared, title, key, lambda name, data, _: read_text(name, data), types=types)
    return kept.found or "" if kept is not None else ""


def reactivity_input(shared: state.Shared, length: int) -> None:
    """Where reactivities come in; they are kept for sequences of this length."""
    title = "Reactivities: lines of position and value, or one value a base"
    text = text_file(shared, title, "rna-reactivity-file", ("txt", "shape", "react", "dat", "csv", "tsv", "gz"))
    st.session_state.pop(REACTIVITY, None)
    if not text:
        return
    try:
        st.session_state[REACTIVITY] = reactivities(text, length)
    except LocuscopeError as error:
        show_error(str(error))


def colourings(work: RnaWork, shown: Shown) -> dict[str, Colouring | None]:
    """What there is to colour the bases by."""
    found: dict[str, Colouring | None] = {"letters": None}
    contacts, probabilities, fold = work.contacts, work.result("probabilities"), work.result("fold")
    if contacts is not None:
        unit = "" if contacts.provenance.parameters["recipe"].startswith("stems") else "bits"
        found["contact score"] = Colouring("strongest contact", largest_of_known(contacts.values), unit, low=0.0)
    dependency = work.result("dependency")
    if dependency is not None:
        found["dependency"] = Colouring("strongest dependency", largest_of_known(dependency.values.T), dependency.unit, low=0.0)
    if probabilities is not None:
        codes = np.array(["ACGT".find(letter) for letter in shown.sequence.as_dna()])
        values = np.where(codes >= 0, probabilities.values[np.arange(len(codes)), np.maximum(codes, 0)], np.nan).astype(np.float32)
        found["reconstruction"] = Colouring("P of the letter there", values, low=0.0, high=1.0)
    if fold is not None:
        found["probability of pairing"] = Colouring("P paired, ViennaRNA", fold.tracks()[0].values, low=0.0, high=1.0)
    measured = st.session_state.get(REACTIVITY)
    if measured is not None and len(measured) == len(work.sequence):
        found["reactivity"] = Colouring("reactivity", measured, low=0.0)
    return found
