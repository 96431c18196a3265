"""What a figure is made of: the results for one sequence, how far the others are, and how all of it shall look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine.core.errors import ParameterError
from engine.views.palettes import BASE_COLOURS, PALETTES

if TYPE_CHECKING:
    from engine.core.features import Feature
    from engine.core.own_tracks import OwnTrack
    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

Shape = Literal["square", "wide", "triangle"]
SHAPES = ("square", "wide", "triangle")
SYMMETRIES = ("none", "max", "mean")
GENE_ROWS = ("merged", "transcripts")
LEFT, RIGHT = 96, 72
"""Pixels beside the panels: row names and ticks on the left, colour bars on the right."""
MOST_LETTERS = 20_000
"""Bases of a sequence without a result whose letters are drawn; of longer ones only what is annotated."""


class Result(Protocol):
    """What every result has; what else it has, the panel that reads it knows."""

    @property
    def sequence(self) -> NucleotideSequence:
        """The letters the result is about."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Where it comes from."""
        ...


@dataclass(frozen=True)
class PanelState:
    """Why a panel is empty or not whole: it *cannot* be there, *waits* to be computed, is *partial*; ``words`` say it in one sentence."""

    kind: Literal["cannot", "waiting", "partial", "result"]
    words: str = ""


@dataclass(frozen=True)
class Mark:
    """A base that is marked in every panel, such as the one a comparison changes; ``place`` is its 0-based index."""

    place: int
    label: str


@dataclass(frozen=True)
class Highlight:
    """Bases ``[start, end)`` of the letters that are coloured through all panels; ``colour`` as ``#rrggbb``, ``note`` what was said of them."""

    start: int
    end: int
    name: str
    colour: str
    note: str = ""


@dataclass(frozen=True)
class LocusEvidence:
    """What is known about one sequence.

    Parameters
    ----------
    sequence : NucleotideSequence
        The letters every result belongs to.
    results : mapping of str to result
        By the name of their analysis: ``dependency``, ``effects``, ``probabilities``, ``segmentation``, ``contacts``, ``tokens``, any other.
    features : tuple of Feature
        Annotation in indices of the letters (`Feature.relative_to`).
    states : mapping of str to PanelState
        For analyses without a (whole) result, what shall stand in their panels.
    marks : tuple of Mark
        Bases to mark.
    title : str
        What it is called; empty = the name of the sequence.
    own : tuple of OwnTrack
        Tracks that the visitor brought, a panel each.
    highlights : tuple of Highlight
        Stretches that are coloured through all panels.
    growing : frozenset of str
        Analyses whose partial result grows on while the figure around it is kept: nothing is said of how far they are.

    Raises
    ------
    ParameterError
        A result of another sequence, or a mark outside it.
    """

    sequence: NucleotideSequence
    results: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    states: Mapping[str, PanelState] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    title: str = ""
    own: tuple[OwnTrack, ...] = ()
    highlights: tuple[Highlight, ...] = ()
    growing: frozenset[str] = frozenset()

    @property
    def has_letters(self) -> bool:
        """Whether bases are told one by one: of a sequence longer than `MOST_LETTERS` they are not where no model read its letters."""
        return len(self.sequence) <= MOST_LETTERS or any(not getattr(found, "of_place", False) for found in self.results.values())

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", MappingProxyType({name: found for name, found in self.results.items() if found is not None}))
        object.__setattr__(self, "states", MappingProxyType(dict(self.states)))
        for name, found in self.results.items():
            if found.sequence.sha256 != self.sequence.sha256:
                raise ParameterError(f"The {name} belongs to another sequence; give results of the sequence that is drawn.")
        for mark in self.marks:
            if not 0 <= mark.place < len(self.sequence):
                raise ParameterError(f"The mark at {mark.place + 1:,} is outside the sequence of {len(self.sequence):,} bases.")

    def words(self) -> dict[str, str]:
        """What each result says that does not grow, by its analysis; bases are named as the ruler of this sequence does."""
        settled = {name: found for name, found in self.results.items() if name not in self.growing}
        return {
            name: replace(found, sequence=replace(found.sequence, locus=self.sequence.locus)).words() for name, found in settled.items()
        }


@dataclass(frozen=True)
class FigureStyle:
    """How a figure looks.

    Parameters
    ----------
    live : bool
        For the component in the browser: the map's cells are left out (their bytes go beside the figure), as are titles, colour bars and
        labels, which the script draws. Otherwise the figure is whole.
    still : bool
        For files without a pointer (PNG, SVG, PDF): cells are pictures that stay sharp in every viewer, and nothing is kept for hover.
    shape : str
        Of the map: ``square``, ``wide`` (cells as wide as bases, rows as low as fits) or ``triangle`` (each pair once, hanging from the
        sequence).
    colours : str
        Palette of magnitudes, one of `engine.views.palettes.PALETTES`; signed values are always blue and red.
    bases : str
        Colours of the letters: ``safe`` for all readers, ``igv``.
    colour_limit : float or None
        Value of the last colour; None = the ``percentile`` of all cells off the diagonal.
    percentile : float
        50 to 100.
    log : bool
        Colours by the logarithm, over the two decades below the limit.
    symmetry : str
        ``none`` (row changed, column read), ``max`` or ``mean`` of both directions.
    threshold, hide_near : float, int
        Cells under the threshold, and nearer to the diagonal than ``hide_near`` bases, are drawn as nothing.
    genes : str
        ``merged``: a row a gene, with the parts of all its transcripts; ``transcripts``: a row each.
    arcs, minimum_distance : int
        How many arcs, and how far apart their bases are at least.
    first, last : int or None
        The region shown, 1-based inclusive; None = to the end.
    rows : (int, int) or None
        Rows of the map shown, 1-based inclusive, where they are others than the region; a triangle has none.
    off : tuple of str
        Parts of panels that are switched off, as ``elements/tRNA``.
    hidden, order, heights
        Panels left out; panels in another order than the usual one (those not named follow); heights in pixels. By panel id.
    folded : bool
        Element rows in which nothing is seen become one line.
    selected : tuple of int
        0-based: one base, or the changed and the read base of a pair, marked as on screen.
    dark, width
        Theme, and width in pixels of the whole figure.
    """

    live: bool = False
    still: bool = False
    shape: Shape = "square"
    colours: str = "cividis"
    bases: str = "safe"
    colour_limit: float | None = None
    percentile: float = 99.5
    log: bool = False
    symmetry: str = "none"
    threshold: float = 0.0
    hide_near: int = 1
    genes: str = "merged"
    arcs: int = 40
    minimum_distance: int = 4
    first: int | None = None
    last: int | None = None
    rows: tuple[int, int] | None = None
    off: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    heights: Mapping[str, int] = field(default_factory=dict)
    folded: bool = True
    selected: tuple[int, ...] = ()
    dark: bool = False
    width: int = 1000

    def __post_init__(self) -> None:
        for label, value, allowed in (
            ("shape of the map", self.shape, SHAPES),
            ("palette", self.colours, tuple(PALETTES)),
            ("base colours", self.bases, tuple(BASE_COLOURS)),
            ("symmetry", self.symmetry, SYMMETRIES),
            ("rows of genes", self.genes, GENE_ROWS),
        ):
            if value not in allowed:
                raise ParameterError(f"The {label} is {str(value)[:40]!r}; allowed: {', '.join(allowed)}.")
        if not 50 <= self.percentile <= 100:
            raise ParameterError(f"The percentile of the colour limit is {self.percentile:g}; allowed: 50 to 100.")
        if self.colour_limit is not None and not self.colour_limit > 0:
            raise ParameterError(f"The colour limit is {self.colour_limit:g}; it must be above 0.")
        object.__setattr__(self, "heights", MappingProxyType(dict(self.heights)))

    def for_file(self, kind: str) -> FigureStyle:
        """The style of a file of this kind (``png``, ``svg``, ``pdf``, ``html``)."""
        return replace(self, live=False, still=kind != "html")

    @property
    def plot_width(self) -> int:
        """Pixels between the axes."""
        return self.width - LEFT - RIGHT

    @property
    def zooms_alone(self) -> bool:
        """Whether plotly zooms the figure without our script."""
        return not (self.live or self.still)

    def region(self, length: int) -> tuple[int, int]:
        """First and last base shown, 1-based inclusive, of a sequence of ``length``."""
        first = min(max(1, self.first or 1), length)
        return first, min(max(first, self.last or length), length)

    def row_region(self, length: int) -> tuple[int, int]:
        """First and last row of the map shown, as `region`."""
        return self.region(length) if self.rows is None else replace(self, first=self.rows[0], last=self.rows[1]).region(length)

    def base_width(self, length: int) -> float:
        """Pixels of one base."""
        first, last = self.region(length)
        return self.plot_width / (last - first + 1)
