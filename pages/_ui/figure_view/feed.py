"""What goes to one figure in the browser, made anew only when what it is made of has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.views import beside, live, wire
from engine.views.figure import locus_figure

if TYPE_CHECKING:
    from engine.analyses.dependency import DependencyMap
    from engine.analyses.pair import PairTable
    from engine.views.evidence import FigureStyle, LocusEvidence
    from engine.views.live import Node

MAP = "dependency"


@dataclass(frozen=True)
class Chosen:
    """What is selected: one base, or the changed and the read base of a pair (0-based); its table, or words in its place."""

    places: tuple[int, ...]
    table: PairTable | None = None
    note: str = ""


@dataclass
class Feed:
    """The envelopes of one view."""

    address: wire.Address
    _kept: dict[str, tuple[Any, bytes]] = field(default_factory=dict)
    _facts: Mapping[str, Any] = field(default_factory=dict)

    def envelopes(
        self,
        evidence: LocusEvidence,
        style: FigureStyle,
        *,
        states: Mapping[str, str] | None = None,
        progress: Sequence[Node] = (),
        status: Mapping[str, Any] | None = None,
        chosen: Chosen | None = None,
        window: tuple[int, int] | None = None,
    ) -> dict[str, bytes]:
        """Everything the browser should have now; unchanged parts are the same bytes as before.

        ``states`` are words about analyses that are not finished, ``progress`` nodes for the tool bar, ``status`` what else its header says.
        While a map grows, its cells go at each call, the figure around them once; when it has stopped, the figure that says how far it is.
        """
        found: DependencyMap | None = evidence.results.get(MAP)
        if found is not None:  # before the figure, which is then drawn once with it
            self._keep("map", (found, style), lambda: wire.map_envelope(self.address, found, style))
        self._keep("figure", (_made_of(evidence), style), lambda: self._figure(evidence, style))
        if found is not None and window is not None and found.complete:
            start, end = _widened(window, found)
            self._keep("window", (found, style, window), lambda: wire.window_envelope(self.address, found, start, end, style))
        if chosen is not None:
            self._keep("card", (chosen, found, style), lambda: self._card(evidence, style, chosen))
        header = {"states": dict(states or {}), "nodes": list(progress), **(status or {})}
        self._kept["status"] = (None, wire.envelope(self.address, "status", header))
        return {kind: data for kind, (_, data) in self._kept.items()}

    @property
    def held_bytes(self) -> int:
        """Bytes of what was packed for the browser."""
        return sum(len(data) for _, data in self._kept.values())

    def picture(self, data: bytes) -> None:
        """A figure that the browser shall save."""
        self._kept["picture"] = (None, data)

    def _keep(self, kind: str, made_of: Any, make: Callable[[], bytes]) -> None:
        if kind not in self._kept or self._kept[kind][0] != made_of:
            self._kept[kind] = (made_of, make())

    def _figure(self, evidence: LocusEvidence, style: FigureStyle) -> bytes:
        figure = locus_figure(evidence, style)
        words = list(evidence.words().values())
        self._facts = live.facts(figure, words, dark=style.dark)
        tabs = beside.tabs(evidence, style, self._facts, words)
        self._kept["side"] = (None, wire.envelope(self.address, "side", {"tabs": tabs}))
        return wire.figure_envelope(self.address, figure, self._facts, dark=style.dark)

    def _card(self, evidence: LocusEvidence, style: FigureStyle, chosen: Chosen) -> bytes:
        if len(chosen.places) == 1:
            nodes = beside.base_card(evidence, style, self._facts, chosen.places[0])
        else:
            nodes = beside.pair_card(evidence, style, (chosen.places[0], chosen.places[1]), chosen.table, chosen.note)
        header = {"of": ",".join(str(place + 1) for place in chosen.places), "nodes": nodes}
        return wire.envelope(self.address, "card", header)


def _made_of(evidence: LocusEvidence) -> tuple[Any, ...]:
    """What a figure is made of; a map that grows counts as such, however far it is, a band that does by its rows."""
    results = tuple(
        (name, getattr(found, "done", "partial") if name in evidence.growing else found) for name, found in evidence.results.items()
    )
    return (
        results,
        evidence.growing,
        tuple(evidence.states.items()),
        evidence.features,
        evidence.marks,
        evidence.title,
        evidence.own,
        evidence.highlights,
    )


def _widened(window: tuple[int, int], found: DependencyMap) -> tuple[int, int]:
    """The window with as much around it as goes exactly, so that small steps ask for nothing."""
    start, end = window
    margin = max(0, (wire.EXACT_WIDTH - (end - start)) // 2)
    return max(found.offset, start - margin), min(found.offset + len(found.values), end + margin)
