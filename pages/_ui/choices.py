"""What is computed on the explorer and how: read from the declared analyses, so that a new one is in the menu and the address by itself."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.analyses.declared import Declared, analyses
from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.parameters import Field, Parameters, fields_of
from engine.core.quoting import quoted
from pages._ui.text import plain, show_error

if TYPE_CHECKING:
    from engine.service.engine import Engine

HOSTED = "By AlphaGenome, a hosted model: nothing is sent before you press *Ask AlphaGenome*."
MOST_RADIO = 5
"""Choices that stand below each other; more go into a list."""


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


def titles(engine: Engine, none: str = "") -> Callable[[str], str]:
    """What pickers call the model of an id, as `model_titles`; ``none``: what they call the empty one."""
    known = {"": none, **model_titles(row.card for row in engine.models())}
    return known.__getitem__


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
    values: dict[str, Any] = {}
    for field in fields_of(analysis.parameters):
        text = chosen.get(field.option.address) if field.option.address else None
        values[field.name] = getattr(start, field.name) if text is None else field.value_of(text)
    return type(start)(**values)


def menu(
    chosen: tuple[tuple[str, str], ...], asked: tuple[str, ...], card: ModelCard, hosted: Callable[[Declared], str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Draw the menu; the settings that are not the usual ones and the further analyses, as they are now.

    ``hosted``: why a hosted model cannot be asked about a place now; empty where it can.
    """
    now, ticked = dict(chosen), list[str]()
    own = {name: row for name, row in on_demand().items() if not row.of_place}
    _settings({name: row for name, row in settings().items() if not row.analysis.of_place}, now)
    for name, analysis in own.items():
        why = "" if analysis.lends and analysis.default_model else analysis.cannot(card)
        _box(name, analysis, asked, why, ticked)
    places = {name: row for name, row in on_demand().items() if row.of_place}
    if places:
        st.caption(HOSTED, help="\n\n".join(dict.fromkeys(filter(None, map(hosted, places.values())))) or None)
    for name, analysis in places.items():
        _box(name, analysis, asked, hosted(analysis), ticked)
    _settings({name: row for name, row in settings().items() if row.analysis.of_place and set(ticked) & _readers(name)}, now)
    return tuple(sorted(now.items())), tuple(ticked)


def _readers(setting: str) -> set[str]:
    """Names of the analyses that have this setting."""
    return {name for name, row in analyses().items() if any(field.option.address == setting for field in fields_of(row.parameters))}


def _settings(rows: Mapping[str, Setting], now: dict[str, str]) -> None:
    for name, row in rows.items():
        text = _widget(row, now.get(name, row.usual))
        if text == row.usual:
            now.pop(name, None)
        else:
            now[name] = text


def _box(name: str, analysis: Declared, asked: tuple[str, ...], why: str, ticked: list[str]) -> None:
    is_asked = name in asked
    if st.checkbox(
        analysis.title, value=is_asked, disabled=bool(why) and not is_asked, help=plain(why or analysis.summary), key=f"asked-{name}"
    ):
        ticked.append(name)


def _widget(row: Setting, text: str) -> str:
    """One setting; its text as it is now."""
    option, label = row.field.option, row.field.option.title or row.field.name
    show = functools.partial(_words, row)
    if len(option.choices) > MOST_RADIO:
        picked = st.selectbox(
            label, option.choices, index=option.choices.index(text), format_func=show, help=option.help, key=f"set-{row.name}"
        )
        return str(picked)
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
