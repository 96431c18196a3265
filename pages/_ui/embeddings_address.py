"""What the address says of the page Embeddings: the genome, which places by which model, and how their map is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.embedding import MOST_PLACES, EmbeddingParameters, ProjectionParameters
from engine.core.errors import ParameterError
from engine.core.parameters import fields_of
from engine.core.quoting import quoted
from engine.views.embedding_map import COLOURS

WINDOWS, FEATURES = "windows", "annotated features"
SHORTEST_BP, LONGEST_BP = 20, 1_000_000
USUAL_WINDOW_BP, USUAL_MOST = 500, 500
LAYOUTS = ("UMAP", "PCA")
_PLACES = {"windows": WINDOWS, "features": FEATURES}
_LONGEST = 500
OFFERED = ("neighbours", "clusters", "resolution")
"""Parameters of the map that the page offers."""


@dataclass(frozen=True)
class Wanted:
    """``genome`` as it is chosen on the page; ``places`` windows or features, empty for the usual ones; ``layout`` and ``colour`` of the map;
    ``embedded``: whether there was a map; ``problems`` one sentence for each value that was left out."""

    genome: str = ""
    places: str = ""
    window_bp: int = USUAL_WINDOW_BP
    step_bp: int = USUAL_WINDOW_BP
    kinds: tuple[str, ...] = ()
    most: int = USUAL_MOST
    model: str = ""
    projecting: ProjectionParameters = field(default_factory=ProjectionParameters)
    layout: str = ""
    colour: str = ""
    embedded: bool = False
    problems: tuple[str, ...] = ()

    def parameters(self) -> EmbeddingParameters:
        """Which places are read."""
        if self.places == WINDOWS:
            return EmbeddingParameters(self.window_bp, self.step_bp, "", self.most)
        return EmbeddingParameters(0, 0, ",".join(self.kinds), self.most)

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        windows = self.places == WINDOWS
        values = {
            "genome": self.genome,
            "places": next((name for name, title in _PLACES.items() if title == self.places), ""),
            "windows": str(self.window_bp) if windows else "",
            "step": str(self.step_bp) if windows and self.step_bp != self.window_bp else "",
            "kinds": "" if windows else ",".join(self.kinds),
            "most": str(self.most) if self.most != USUAL_MOST else "",
            "states": self.model,
            "layout": self.layout,
            "colour": self.colour,
            "embedded": "1" if self.embedded else "",
        }
        values |= {item.name: item.text_of(value) for item, value in self.projecting.changes() if item.name in OFFERED}
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], genomes: tuple[str, ...], models: tuple[str, ...]) -> Wanted:
    """What an address asks for, of these genomes and models; what cannot be meant is left out, and said."""
    problems: list[str] = []

    def choice(name: str, allowed: Mapping[str, str]) -> str:
        text = query.get(name, "")
        if text and text not in allowed:
            shown = ", ".join([*allowed][:12]) or "none"
            problems.append(f"The address has {name}={quoted(text, 40)}; it can be {shown}, so it was left out.")
        return allowed.get(text, "")

    def number(name: str, low: int, high: int, usual: int) -> int:
        text = query.get(name, "")
        if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
            return int(text)
        if text:
            problems.append(f"The address has {name}={quoted(text, 40)}; it takes {low:,} to {high:,}, so it was left out.")
        return usual

    window = number("windows", SHORTEST_BP, LONGEST_BP, USUAL_WINDOW_BP)
    return Wanted(
        choice("genome", {name: name for name in genomes}),
        choice("places", _PLACES),
        window,
        number("step", SHORTEST_BP, LONGEST_BP, window),
        tuple(kind.strip() for kind in query.get("kinds", "")[:_LONGEST].split(",") if kind.strip()),
        number("most", 0, MOST_PLACES, USUAL_MOST),
        choice("states", {name: name for name in models}),
        _projecting(query, problems),
        choice("layout", {name: name for name in LAYOUTS}),
        choice("colour", {name: name for name in COLOURS}),
        query.get("embedded", "") == "1",
        tuple(problems),
    )


def _projecting(query: Mapping[str, str], problems: list[str]) -> ProjectionParameters:
    given = {item: query[item.name] for item in fields_of(ProjectionParameters) if item.name in OFFERED and query.get(item.name)}
    try:
        return ProjectionParameters(**{item.name: item.value_of(text) for item, text in given.items()})
    except ParameterError as error:
        problems.append(f"The address asks for a map that cannot be made, so the usual one is: {error}")
        return ProjectionParameters()
