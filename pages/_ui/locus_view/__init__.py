"""The locus view: one linked figure in the browser, and the wires that bring results to it.

The view draws on a canvas: a 1024 × 1024 map follows zoom and pointer at a frame a step, which a Plotly heatmap (half a second a redraw)
cannot; Plotly draws the figures that leave the page. The figure's facts (letters, annotation, address) go to the view as JSON; each
result goes through a wire of its own as bytes, so that a new result does not send the others again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).parent
TRIGGERS = ("pair", "window", "compute", "reverse", "cancel")


def script() -> str:
    """The view's modules joined in the order of their names: one ES module."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "js").glob("*.js")))


_view = st.components.v2.component(
    "locuscope.view",
    html='<div class="lv"></div>\n',
    css=(FOLDER / "locus_view.css").read_text(encoding="utf-8"),
    js=script(),
    isolate_styles=False,
)
_wire = st.components.v2.component(
    "locuscope.wire", html="<i></i>\n", js=(FOLDER / "wire.js").read_text(encoding="utf-8"), isolate_styles=False
)


@dataclass(frozen=True)
class Wish:
    """What the visitor asked of the server inside the view: ``name`` of `TRIGGERS` and the numbers that go with it."""

    name: str
    values: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Differs for every click."""
        return f"{self.name} {self.values.get('wish', '')}"

    def whole(self, key: str) -> int:
        """A whole number of the wish, or -1 when it is absent or something else (what a browser sends is not trusted)."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else -1


def mount(meta: Mapping[str, Any]) -> Wish | None:
    """Show the view; returns what was asked for since the last run."""
    target = str(meta["target"])
    result = _view(key=f"view-{target}", data=dict(meta), on_pair_change=_noted, on_window_change=_noted, on_compute_change=_noted,
                   on_reverse_change=_noted, on_cancel_change=_noted)  # fmt: skip
    for name in TRIGGERS:
        values = result.get(name)
        if isinstance(values, Mapping):
            return Wish(name, values)
    return None


def send(target: str, kind: str, payload: bytes) -> None:
    """Bring one envelope to the view named ``target``; unchanged bytes are not sent again."""
    _wire(key=f"wire-{target}-{kind}", data=payload)


def _noted() -> None:
    """The return value of the mount says what happened."""
