"""What the address says of the page Motif: the genome, what is laid over each other, and the model that predicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.motif import MotifParameters
from engine.core.parameters import fields_of
from pages._ui.address_values import AddressValues
from pages._ui.genome_source import genome_of

OFFERED = {item.option.flag.removeprefix("--"): item for item in fields_of(MotifParameters) if item.name != "seed"}
"""Parameters that the page offers, by their names in the address: those of the command line."""


@dataclass(frozen=True)
class Wanted:
    """``genome`` as it is chosen on the page; ``parameters`` as they are typed; ``model`` and ``species`` that predict, empty for the usual ones;
    ``own``: places of a file, which no address carries; ``aligned``: whether there was a logo; ``problems`` one sentence for each value that
    was left out."""

    genome: str = ""
    parameters: MotifParameters = field(default_factory=MotifParameters)
    model: str = ""
    species: str = ""
    own: bool = False
    aligned: bool = False
    problems: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        names = {item.name: name for name, item in OFFERED.items()}
        values = {"genome": self.genome, "by": self.model, "domain": self.species, "places": "own" if self.own else ""}
        values |= {names[item.name]: item.text_of(value) for item, value in self.parameters.changes() if item.name in names}
        values["aligned"] = "1" if self.aligned else ""
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], genomes: tuple[str, ...], species: Mapping[str, tuple[str, ...]]) -> Wanted:
    """What an address asks for, of these genomes, by these models and their species; what cannot be meant is left out, and said."""
    values = AddressValues(query)
    model = values.choice("by", species)
    return Wanted(
        genome_of(values, genomes, ("at", "by", "aligned")),
        MotifParameters(**values.fields(OFFERED)),
        model,
        values.choice("domain", species.get(model, ())),
        values.choice("places", ("own",)) == "own",
        values.text("aligned") == "1",
        tuple(values.problems),
    )
