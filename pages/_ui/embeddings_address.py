"""What the address says of the page Embeddings: the genome, which places by which model, and how their map is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.embedding import MOST_PLACES, EmbeddingParameters, ProjectionParameters
from engine.core.parameters import fields_of
from engine.views.embedding_map import COLOURS
from pages._ui.address_values import AddressValues
from pages._ui.genome_source import genome_of

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
    values = AddressValues(query)
    window = values.number("windows", SHORTEST_BP, LONGEST_BP, USUAL_WINDOW_BP)
    offered = {item.name: item for item in fields_of(ProjectionParameters) if item.name in OFFERED}
    return Wanted(
        genome_of(values, genomes, ("places", "states")),
        _PLACES.get(values.choice("places", _PLACES), ""),
        window,
        values.number("step", SHORTEST_BP, LONGEST_BP, window),
        tuple(kind.strip() for kind in values.text("kinds")[:_LONGEST].split(",") if kind.strip()),
        values.number("most", 0, MOST_PLACES, USUAL_MOST),
        values.choice("states", models),
        ProjectionParameters(**values.fields(offered)),
        values.choice("layout", LAYOUTS),
        values.choice("colour", COLOURS),
        values.text("embedded") == "1",
        tuple(values.problems),
    )
