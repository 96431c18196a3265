"""Arcs between the bases of the strongest pairs, in four strengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.findings import Pairs, pairs_of, rows_done, signed
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState
from engine.views.palettes import DIVERGING, theme
from engine.views.panel import Drawn, Panel
from engine.views.paths import joined, lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTHS = 4
POINTS = 36
LOWEST, TALLEST = 0.08, 0.96
"""Heights of the nearest and of the widest pair, in parts of the panel."""


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a strength and colour, the weakest first, so that strong arcs lie over faint ones."""
    pairs, both_signs = _pairs(evidence, style)
    state = _state(evidence, found_any=len(pairs.places) > 0, live=style.live)
    map_or_contacts = evidence.results.get("dependency") or evidence.results.get("band") or evidence.results["contacts"]
    unit = getattr(map_or_contacts, "unit", "bits")
    words: dict[str, Any] = {
        "title": "Pairs gained and lost" if both_signs else None,
        "unit": unit,
        "model": map_or_contacts.provenance.answered_by,
    }
    if not len(pairs.places):
        return Drawn(state=state, **words)
    heights = arc_heights(pairs.places)
    strength = np.abs(pairs.values) / np.abs(pairs.values).max()
    step = np.minimum((strength * STRENGTHS).astype(int), STRENGTHS - 1)
    colours = np.array(_colours(evidence, pairs, style, both_signs=both_signs))
    traces: list[dict[str, Any]] = []
    for level in range(STRENGTHS):
        for colour in dict.fromkeys(colours[step == level].tolist()):
            chosen = (step == level) & (colours == colour)
            part = (level + 0.5) / STRENGTHS
            traces.append(lines(joined(*curves(pairs.places[chosen], heights[chosen])), colour, 0.8 + 2 * part, opacity=0.25 + 0.75 * part))
    if len(style.selected) == 2 and not style.live:
        traces.append(_selected(style.selected, int((pairs.places[:, 1] - pairs.places[:, 0]).max()), theme(dark=style.dark)["accent"]))
    facts = {"arcs": {"i": pairs.places[:, 0] + 1, "j": pairs.places[:, 1] + 1, "value": pairs.values, "height": heights}}
    return Drawn(tuple(traces), {"visible": False, "range": [0, 1]}, state=state, facts=facts, **words)


def _pairs(evidence: LocusEvidence, style: FigureStyle) -> tuple[Pairs, bool]:
    found = evidence.results.get("dependency")
    if found is not None:
        return pairs_of(found, style.arcs, style.minimum_distance, style.threshold), signed(found)
    band = evidence.results.get("band")
    if band is not None:
        return Pairs(*band.strongest(style.arcs, style.minimum_distance, style.threshold)), False
    contacts = evidence.results["contacts"]
    return Pairs(contacts.pairs, contacts.scores), False


def _state(evidence: LocusEvidence, *, found_any: bool, live: bool) -> PanelState | None:
    """A map that is not finished has the pairs of its computed rows only, and says so."""
    found = evidence.results.get("dependency") or evidence.results.get("band")
    if found is None or found.complete:
        return None if found_any else PanelState("result", "no pair passes the filters")
    if "dependency" not in evidence.results:
        return PanelState("partial", f"partial, {found.done:,} of {len(found.values):,} rows: pairs of these rows only")
    rows = "partial" if live else f"partial, {int(rows_done(found).sum()):,} of {len(found.values):,} rows"
    return PanelState("partial", f"{rows}: pairs of these rows only" if found_any else f"{rows}: too few to tell which pairs are strongest")


def _selected(pair: tuple[int, ...], widest: int, colour: str) -> dict[str, Any]:
    """The arc of a selected pair, whether it is among the strongest or not."""
    places = np.array([sorted(pair)], np.int64)
    return lines(
        joined(*curves(places, np.minimum(arc_heights(places, widest), 1))),
        colour,
        2.5,
        line={"color": colour, "width": 2.5, "dash": "dash"},
    )


def arc_heights(places: NDArray[np.int64], widest: int = 0) -> NDArray[np.float32]:
    """Height of each arc, float32 (n,) in parts of the panel: by the root of the distance, so that near pairs are seen beside far ones."""
    spans = (places[:, 1] - places[:, 0]).astype(np.float32)
    return np.asarray(LOWEST + (TALLEST - LOWEST) * np.sqrt(spans / (widest or spans.max())), np.float32)


def curves(places: NDArray[np.int64], heights: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Half ellipses between the two bases of each pair (n, 2), as points (n, `POINTS`) of x and of y."""
    angle = np.linspace(0, np.pi, POINTS)
    middle, radius = places.mean(axis=1) + 1, (places[:, 1] - places[:, 0]) / 2
    return middle[:, None] - radius[:, None] * np.cos(angle), heights[:, None] * np.sin(angle)


def _colours(evidence: LocusEvidence, pairs: Pairs, style: FigureStyle, *, both_signs: bool) -> list[str]:
    """Gained red and lost blue in a difference; else base pairs in the accent, others in the colour of bars."""
    if both_signs:
        return [DIVERGING[-3] if value > 0 else DIVERGING[2 if style.dark else 1] for value in pairs.values]
    contacts = evidence.results.get("contacts")
    paired = set() if contacts is None else {(int(i), int(j)) for i, j in contacts.pairs}
    colours = theme(dark=style.dark)
    return [colours["accent" if (int(i), int(j)) in paired else "bar"] for i, j in pairs.places]


PANEL = Panel(
    id="arcs",
    title="Strongest pairs",
    unit="bits",
    help=(
        "Arcs join the pairs of bases that depend on each other most in the map, thicker and darker for stronger ones, in another colour where "
        "the pair is also a possible base pair."
    ),
    reading="Nested arcs: a stem; crossing arcs: a pseudoknot; many arcs from one place: a motif.",
    order=20,
    height=74,
    draw=draw,
    analyses=("dependency", "band", "contacts"),
)
