"""Shipped example loci: short textbook pieces of public genomes, each with what to look for.

One JSON file an example in ``assets/examples``; feature coordinates there are 1-based inclusive positions in the letters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.sequence import Alphabet, NucleotideSequence

TEXTS = ("id", "title", "short", "what_to_see", "organism", "accession", "source", "structure", "structure_source")
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"


@dataclass(frozen=True)
class Example:
    """A short locus with a reason to look at it.

    Parameters
    ----------
    id, title, short : str
        Identifier (the input box takes it), name on screen, and its name where there is little room.
    what_to_see : str
        One sentence: what to look for.
    organism, accession, source : str
        Where the letters come from.
    sequence : NucleotideSequence
        The letters with their locus.
    structure : str
        Dot-bracket of the reference structure, as long as the letters; empty when there is none.
    structure_source : str
        Where the structure comes from.
    analyses : tuple of str
        Analyses that show it, most telling first.
    features : tuple of Feature
        Annotated elements, indices into the letters.
    """

    id: str
    title: str
    short: str
    what_to_see: str
    organism: str
    accession: str
    source: str
    sequence: NucleotideSequence
    structure: str
    structure_source: str
    analyses: tuple[str, ...]
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        if self.structure and len(self.structure) != len(self.sequence):
            raise InputError(f"Example {self.id} has {len(self.structure)} structure symbols for {len(self.sequence)} letters.")

    @property
    def locus(self) -> Locus | None:
        """Where the letters lie."""
        return self.sequence.locus


def _read(path: Path) -> tuple[int, Example]:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    sequence = NucleotideSequence(values["letters"], Alphabet(values["alphabet"]), Locus.parse(values["locus"]), values["id"])
    features = tuple(Feature(item["kind"], item["name"], item["start"] - 1, item["end"], item["strand"]) for item in values["features"])
    texts = {key: values[key] for key in TEXTS}
    return values["order"], Example(sequence=sequence, analyses=tuple(values["analyses"]), features=features, **texts)


@cache
def _load() -> tuple[Example, ...]:
    return tuple(example for _, example in sorted((_read(path) for path in FOLDER.glob("*.json")), key=lambda pair: pair[0]))


EXAMPLES: tuple[Example, ...] = _load()


def example(name: str) -> Example | None:
    """The example with this id, title or short title (case and surrounding space ignored); None when there is none."""
    wanted = name.strip().casefold()
    return next((item for item in EXAMPLES if wanted in (item.id.casefold(), item.title.casefold(), item.short.casefold())), None)
