"""What is computed on the explorer and how: read from the declared analyses, so that a new one is in the menu and the address by itself."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.analyses.declared import Declared, analyses
from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.parameters import Field, Parameters, fields_of
from engine.core.quoting import quoted
from pages._ui.text import show_error


@dataclass(frozen=True)
class Setting:
    """One parameter that the menu offers: of which analysis, which field, and its name in the address."""

    analysis: Declared
    field: Field

    @property
    def name(self) -> str:
        """Name in the address."""
        return self.field.option.address

    @property
    def usual(self) -> str:
        """The text of its default."""
        return self.field.text_of(self.field.default)


def settings() -> dict[str, Setting]:
    """Every parameter that the menu and the address offer, by its name there."""
    rows = (Setting(analysis, field) for analysis in analyses().values() for field in fields_of(analysis.parameters))
    return {row.name: row for row in rows if row.name}


def on_demand() -> dict[str, Declared]:
    """Analyses that are computed when a box in the menu is ticked."""
    return {name: row for name, row in analyses().items() if row.shown == "asked"}


def model_titles(cards: Iterable[ModelCard]) -> dict[str, str]:
    """What a picker calls each model, by id; two of one title have their ids beside it, or a picker could not tell them apart."""
    known = list(cards)
    seen = Counter(card.title for card in known)
    return {card.id: card.title if seen[card.title] == 1 else f"{card.title} ({card.id})" for card in known}


def read(name: str, text: str) -> str:
    """The text of a setting, checked. Raises `ValueError` for one that is not allowed."""
    row = settings()[name]
    try:
        value = row.field.value_of(text)
        row.field.check(value)
    except ParameterError as error:
        raise ValueError(text) from error
    return row.field.text_of(value)


def parameters_of(analysis: Declared, card: ModelCard, chosen: Mapping[str, str]) -> Parameters:
    """What ``analysis`` is asked with: where it starts for this model, and what was chosen in the menu."""
    start = analysis.starting(card)
    values: dict[str, Any] = {field.name: getattr(start, field.name) for field in fields_of(analysis.parameters)}
    for name, text in chosen.items():
        row = settings().get(name)
        if row is not None and row.analysis.name == analysis.name:
            values[row.field.name] = row.field.value_of(text)
    return type(start)(**values)


def menu(
    chosen: tuple[tuple[str, str], ...], asked: tuple[str, ...], card: ModelCard
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Draw the menu; the settings that are not the usual ones and the further analyses, as they are now."""
    now = dict(chosen)
    for name, row in settings().items():
        text = _widget(row, now.get(name, row.usual))
        if text == row.usual:
            now.pop(name, None)
        else:
            now[name] = text
    ticked = []
    for name, analysis in on_demand().items():
        why = "" if analysis.lends and analysis.default_model else analysis.cannot(card)
        if st.checkbox(analysis.title, value=name in asked, disabled=bool(why), help=why or analysis.summary, key=f"asked-{name}"):
            ticked.append(name)
    return tuple(sorted(now.items())), tuple(ticked)


def _widget(row: Setting, text: str) -> str:
    """One setting; its text as it is now."""
    option, label = row.field.option, row.field.option.title or row.field.name
    show = functools.partial(_words, row)
    if option.choices:
        picked = st.radio(
            label, option.choices, index=option.choices.index(text), format_func=show, help=option.help, key=f"set-{row.name}"
        )
        return str(picked)
    if row.field.kind is bool:
        return str(st.toggle(label, value=row.field.value_of(text), help=option.help, key=f"set-{row.name}"))
    given = st.text_input(label, value=text, help=option.help, key=f"set-{row.name}") or row.usual
    try:
        return read(row.name, given)
    except ValueError:
        show_error(f"{label} is {quoted(given, 40)}: {option.help} The value before is kept.")
        return text


def _words(row: Setting, choice: str) -> str:
    return dict(row.field.option.words).get(choice, choice)
