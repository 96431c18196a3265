"""What a panel is: one band of the figure with an x axis it shares and a y axis of its own.

A panel is one file in `engine.views.panels` with a ``PANEL``, or a module of an installed package with one, named by an entry point of the group
``locuscope.panels`` such as ``gc = "my_package.gc_panel"`` (or ``"my_package.gc_panel:PANEL"``); there is no list of them anywhere. A package that
cannot be used is left out with a sentence.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.brought import NAME, Unusable, kind_of, read_packages
from engine.core.quoting import quoted
from engine.views.evidence import FigureStyle, LocusEvidence, PanelState

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUP = "locuscope.panels"


@dataclass(frozen=True)
class Readout:
    """One value a base for the read-out under the pointer: float32 (L,), NaN where there is none.

    ``position``: the values are 1-based positions in the sequence, to be shown as the ruler shows them.
    """

    label: str
    values: NDArray[Any]
    digits: int = 2
    unit: str = ""
    position: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", np.ascontiguousarray(self.values, np.float32))


@dataclass(frozen=True)
class Choice:
    """One part of a panel that can be switched off: its name, which of the panel's traces it is, its colour."""

    name: str
    trace: int
    colour: str


@dataclass(frozen=True)
class Label:
    """A name over the bases ``start`` to ``end`` (axis values) at ``y``; drawn where it fits. ``note``: what else is told of it at the pointer."""

    text: str
    start: float
    end: float
    y: float
    note: str = ""


@dataclass(frozen=True)
class Drawn:
    """A panel as it is drawn.

    Parameters
    ----------
    traces : tuple of dict
        Plotly traces without axes.
    images : tuple of dict
        Plotly images without axes.
    axis : mapping
        Layout of the y axis; a ``range`` is needed, because nothing is drawn outside it.
    height : int or None
        Pixels; None = the panel's usual height.
    title, unit : str or None
        Where they depend on what is drawn.
    model : str
        Title of the model that answered.
    readout : tuple of Readout
        For the pointer.
    choices : tuple of Choice
        Parts that can be switched off.
    labels : tuple of Label
        Names inside the panel.
    near, far : pair of float or None
        Two ranges of the y axis: in the first, letters stand; in the second, further down the same axis, plain blocks for bases too narrow
        for letters. The script shows one or the other by setting the axis' range, which costs no redrawing.
    state : PanelState or None
        None = a result.
    note : str
        What is said of this answer behind the panel's reading: how good it was measured to be, say.
    shapes : tuple of dict
        Plotly shapes with ``yref`` left out.
    facts : mapping
        What the script must know besides, JSON values and arrays.
    """

    traces: tuple[dict[str, Any], ...] = ()
    axis: Mapping[str, Any] = field(default_factory=dict)
    images: tuple[dict[str, Any], ...] = ()
    height: int | None = None
    title: str | None = None
    unit: str | None = None
    model: str = ""
    readout: tuple[Readout, ...] = ()
    choices: tuple[Choice, ...] = ()
    labels: tuple[Label, ...] = ()
    near: tuple[float, float] | None = None
    far: tuple[float, float] | None = None
    state: PanelState | None = None
    note: str = ""
    shapes: tuple[dict[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


Draw = Callable[[LocusEvidence, FigureStyle], Drawn]


@dataclass(frozen=True)
class Panel:
    """A kind of panel.

    Parameters
    ----------
    id : str
        Its name in addresses and settings.
    title, unit : str
        On screen, in plain words.
    help : str
        One sentence: what it shows, with the field's own term.
    order : int
        Where it stands, smallest at the top.
    height : int
        Pixels.
    draw : callable
        (evidence, style) to `Drawn`; called when ``when`` holds and a result of ``analyses`` is there.
    analyses : tuple of str
        Names of the analyses it reads; empty for panels of the sequence itself.
    when : callable or None
        evidence to bool, whether there is such a panel; None = when one of ``analyses`` has a result or a state.
    reading : str
        One sentence for the page Help: how to read it.
    live : bool
        Whether a live figure has it; the script draws the ruler itself.
    """

    id: str
    title: str
    unit: str
    help: str
    order: int
    height: int
    draw: Draw
    analyses: tuple[str, ...] = ()
    when: Callable[[LocusEvidence], bool] | None = None
    reading: str = ""
    live: bool = True

    def belongs(self, evidence: LocusEvidence) -> bool:
        """Whether a figure of this evidence has this panel."""
        if self.when is not None:
            return self.when(evidence)
        return any(name in evidence.results or name in evidence.states for name in self.analyses)

    def drawn(self, evidence: LocusEvidence, style: FigureStyle) -> Drawn:
        """The panel, or an empty one with the sentence that says why."""
        given = next((evidence.states[name] for name in self.analyses if name in evidence.states), None)
        if self.analyses and not any(name in evidence.results for name in self.analyses):
            return Drawn(state=given)
        found = self.draw(evidence, style)
        return replace(found, state=given) if given is not None and given.kind == "partial" and found.traces else found


def panels() -> tuple[Panel, ...]:
    """All kinds of panels, top to bottom: one a file of the package, read anew so that a planted one is found, and those of installed packages."""
    own = _own()
    return tuple(sorted((*own, *_brought(frozenset(panel.id for panel in own))[0]), key=lambda panel: (panel.order, panel.id)))


def left_out() -> tuple[str, ...]:
    """One sentence on each panel of an installed package that cannot be used."""
    return _brought(frozenset(panel.id for panel in _own()))[1]


def _own() -> list[Panel]:
    package = importlib.import_module("engine.views.panels")
    names = sorted(item.name for item in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}").PANEL for name in names]


@functools.cache
def _brought(taken: frozenset[str]) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    """The panels of installed packages, beside those whose ids are ``taken``, and what is said of packages that are left out."""
    found: list[Panel] = []

    def take(panel: object, package: str) -> None:
        found.append(_checked(panel, taken | {other.id for other in found}))

    left = read_packages(GROUP, "PANEL", "panel", take)
    return tuple(found), left


def _checked(panel: object, taken: frozenset[str]) -> Panel:
    """``panel``. Raises `Unusable` for what is none, or would get into the way of those whose ids are ``taken``."""
    from engine.views.own_panels import PREFIX

    if not isinstance(panel, Panel):
        raise Unusable(f"it is {kind_of(panel)}, not a Panel")
    if not isinstance(panel.id, str) or not NAME.fullmatch(panel.id) or panel.id.startswith(PREFIX):
        raise Unusable(f"its id is {quoted(panel.id, 40)}, not small letters, digits, '-' and '_' that do not begin with {PREFIX}")
    if panel.id in taken:
        raise Unusable(f"its id {panel.id!r} is taken")
    for what, kind in (
        ("title", str),
        ("unit", str),
        ("help", str),
        ("reading", str),
        ("order", int),
        ("height", int),
        ("analyses", tuple),
    ):
        if not isinstance(value := getattr(panel, what), kind):
            raise Unusable(f"its {what} is {kind_of(value)}, not {kind_of(kind())}")
    if not callable(panel.draw) or not (panel.when is None or callable(panel.when)):
        raise Unusable("its draw or when is no function")
    return panel


def drawn_analyses() -> frozenset[str]:
    """Names of the analyses that some panel reads."""
    return frozenset(name for panel in panels() for name in panel.analyses)


def arranged(style: FigureStyle, own: Sequence[Panel] = ()) -> list[Panel]:
    """The kinds of panels a style shows, those of a visitor's ``own`` tracks among them, in its order."""
    place = {name: number for number, name in enumerate(style.order)}
    known = sorted((*panels(), *own), key=lambda panel: panel.order)
    kept = [panel for panel in known if panel.id not in style.hidden and (panel.live or not style.live)]
    return sorted(kept, key=lambda panel: place.get(panel.id, len(place)))
