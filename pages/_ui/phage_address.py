"""What the address says of the page Phage: the room, the model that reads, and the parameters of the room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.analyses.essential import EssentialParameters
from engine.analyses.generate import GenerateParameters
from engine.analyses.loss import LossParameters
from engine.core.errors import ParameterError
from engine.core.parameters import Field, fields_of
from pages._ui.address_values import AddressValues

ROOMS = {"Loss": "loss", "Essential genes": "essential", "Generate": "generate"}
"""Title of a room → its analysis, which is its name in the address."""
_OFFERED: Mapping[str, tuple[str, ...]] = {
    "loss": ("small", "large"),
    "essential": ("parts", "by", "repeats", "seed"),
    "generate": ("length", "temperature", "seed"),
}
LONGEST_PROMPT_BP = 200_000
LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Wanted:
    """``room``: an analysis of `ROOMS`; ``model`` and ``species`` that read, empty for the usual ones; the parameters of each room; ``prompt``: its
    bases, 0 for the usual ones; ``own``: an uploaded genome, which no address carries; ``problems``: one sentence for each value of the address that was left out."""

    room: str = "loss"
    model: str = ""
    species: str = ""
    loss: LossParameters = field(default_factory=LossParameters)
    essential: EssentialParameters = field(default_factory=EssentialParameters)
    generate: GenerateParameters = field(default_factory=GenerateParameters)
    prompt: int = 0
    own: bool = False
    problems: tuple[str, ...] = ()

    @property
    def parameters(self) -> LossParameters | EssentialParameters | GenerateParameters:
        """Those of the room."""
        found: LossParameters | EssentialParameters | GenerateParameters = getattr(self, self.room)
        return found

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        values = {"room": self.room, "by-model": self.model, "domain": self.species, "phage": "own" if self.own else ""}
        if self.room == "generate" and self.prompt:
            values["prompt"] = str(self.prompt)
        values |= {item.name: item.text_of(value) for item, value in self.parameters.changes() if item.name in _OFFERED[self.room]}
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], species: Mapping[str, tuple[str, ...]]) -> Wanted:
    """What an address asks for, of these models and their species; what cannot be meant is left out, and said."""
    values = AddressValues(query)
    room = values.choice("room", ROOMS.values(), "loss")
    model = values.choice("by-model", species)
    domain = values.choice("domain", species.get(model, ()))
    prompt = values.number("prompt", 1, LONGEST_PROMPT_BP, 0) if room == "generate" else 0
    kinds = {"loss": LossParameters, "essential": EssentialParameters, "generate": GenerateParameters}
    offered: dict[str, Field] = {item.name: item for item in fields_of(kinds[room]) if item.name in _OFFERED[room]}
    given = values.fields(offered)
    if given.get("seed", 0) > LARGEST_SEED:
        del given["seed"]
        values.problems.append(f"The address has a seed above {LARGEST_SEED:,}, so it was left out; the page takes 0 to {LARGEST_SEED:,}.")
    try:
        parameters = kinds[room](**given)
    except ParameterError as error:
        values.problems.append(f"The address does not fit together, so its parameters were left out: {error}")
        parameters = kinds[room]()
    own = values.choice("phage", ("own",)) == "own"
    return Wanted(room, model, domain, prompt=prompt, own=own, problems=tuple(values.problems), **{room: parameters})
