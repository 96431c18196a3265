"""The figure in the browser: plotly.js draws it, a script links axes, pointer, keys and words.

The figure is the one of `engine.views.figure`. The script is a few modules below ``static/figure_view``, fetched once; what Streamlit sends with
every run is three lines that import it. Each result goes through a wire of its own as bytes, so that what has not changed is not sent again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages._ui import served

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
TRIGGERS = ("pair", "base", "window", "compute", "reverse", "cancel", "display", "picture", "keep")
WIRE = """
export default function ({ data }) {
  const board = (window.__locuscope ||= { early: [] });
  if (data instanceof Uint8Array && board.post) board.post(data);
  else if (data instanceof Uint8Array) board.early.push(data.slice());
}
"""


@cache
def plotly_place() -> str:
    """Where plotly.js is on this server: Streamlit's own copy; without one, that of the installed plotly package, put below ``static``."""
    own = sorted((Path(st.__file__).parent / "static" / "static" / "js").glob("PlotlyChart.*.js"))
    if len(own) == 1:
        return f"static/js/{own[0].name}"
    from plotly.offline import get_plotlyjs

    text = get_plotlyjs().encode()
    name = f"plotly-{hashlib.sha256(text).hexdigest()[:12]}.min.js"
    try:
        if not (served.STATIC / name).is_file():
            (served.STATIC / name).write_bytes(text)
    except OSError as error:
        logger.warning("plotly.js could not be put below %s, so figures cannot be drawn: %s", served.STATIC, error)
    return f"app/static/{name}"


_view = st.components.v2.component(
    "locuscope.figure",
    html=(FOLDER / "view.html").read_text(encoding="utf-8"),
    css=(FOLDER / "view.css").read_text(encoding="utf-8"),
    js=served.loader("figure_view"),
    isolate_styles=False,
)
_wire = st.components.v2.component("locuscope.wire", html="<i></i>\n", js=WIRE, isolate_styles=False)


@dataclass(frozen=True)
class Wish:
    """What the visitor asked of the server inside the view: ``name`` of `TRIGGERS` and the values that go with it."""

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


def mount(meta: Mapping[str, Any], saw: Callable[[Mapping[str, Any]], None] | None = None) -> Wish | None:
    """Show the view; returns what was asked for since the last run. ``saw`` is called with what is seen whenever the visitor leaves it."""
    key = f"view-{meta['target']}"
    noted: dict[str, Any] = {f"on_{name}_change": _noted for name in TRIGGERS}
    length = meta.get("length", len(meta["letters"]))
    usual = {"length": length, "bounds": {"a": 0, "b": length}, "plotly": plotly_place()}
    result = _view(key=key, data={**usual, **meta}, on_seen_change=partial(_seen, key, saw), **noted)
    for name in TRIGGERS:
        values = result.get(name)
        if isinstance(values, Mapping):
            return Wish(name, values)
    return None


def send(target: str, kind: str, payload: bytes) -> None:
    """Bring one envelope to the view named ``target``; unchanged bytes are not sent again."""
    _wire(key=f"wire-{target}-{kind}", data=payload)


def _seen(key: str, saw: Callable[[Mapping[str, Any]], None] | None) -> None:
    """Before the run, so that it is known on whichever page that run is."""
    left = st.session_state.get(key)  # what is drawn on this page no more may have been forgotten
    seen = None if left is None else left.get("seen")
    if saw is not None and isinstance(seen, Mapping):
        saw(seen)


def _noted() -> None:
    """The return value of the mount says what happened."""
