"""The bar over the figure: the whole contig with its genes and what of it is in view; a click or a key moves along it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.views.thinning import coverage
from pages._ui import served
from pages._ui.figure_view import Wish

if TYPE_CHECKING:
    from engine.core.features import Feature
    from pages._ui.surroundings import Surroundings

FOLDER = Path(__file__).parent
TRIGGERS = ("move", "hop")
BINS = 1200
"""Stretches of a contig whose share of genes is drawn."""

_bar = st.components.v2.component(
    "locuscope.overview",
    html=(FOLDER / "bar.html").read_text(encoding="utf-8"),
    css=(FOLDER / "bar.css").read_text(encoding="utf-8"),
    js=served.loader("overview_bar"),
    isolate_styles=False,
)


def shares(features: tuple[Feature, ...], length: int) -> list[str]:
    """How much of each of `BINS` stretches are genes, a digit 0 to 9 each, of the forward and the reverse strand."""
    found = np.ceil(coverage(features, length, BINS) * 9).astype(int)
    return ["".join(map(str, row)) for row in found.tolist()]


def mount(around: Surroundings, genes: list[str], facts: Mapping[str, Any]) -> Wish | None:
    """Show the bar; returns where to go: ``move`` with ``start`` and ``end`` on the contig, ``hop`` with ``by`` (1 or -1), ``start`` and ``end``."""
    place = {"name": around.name, "length": around.length, "start": around.start, "end": around.end, "reverse": around.reverse}
    noted: dict[str, Any] = {f"on_{name}_change": _noted for name in TRIGGERS}
    result = _bar(key=f"overview-{facts['target']}", data={**place, "genes": genes, **facts}, **noted)
    for name in TRIGGERS:
        values = result.get(name)
        if isinstance(values, Mapping):
            return Wish(name, values)
    return None


def _noted() -> None:
    """The return value of the mount says what happened."""
