"""Proteins and their single amino-acid substitutions, as published tables score them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.core.card import ModelCard
from engine.core.errors import ParameterError
from engine.core.provenance import Provenance
from engine.core.results import frozen_array
from engine.core.version import VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.variants import Variant

AMINO_ACIDS = "AVILMFWYCGPSTNQDEHKR"
"""The twenty, by their nature: small and oily, aromatic, special, polar, acid, basic."""

UNKNOWN = "X"
CLASSES = ("likely_benign", "ambiguous", "likely_pathogenic")
"""Classes of the authors of AlphaMissense, as their table of GRCh38 spells them."""
LIKELY_BENIGN_BELOW, LIKELY_PATHOGENIC_ABOVE = 0.34, 0.564
"""Published thresholds of the classes (90 % precision on ClinVar)."""
_SPELLINGS = {name: number for number, name in enumerate(CLASSES)} | {"benign": 0, "pathogenic": 2}
NO_CLASS = -1


def class_number(text: str) -> int:
    """Index into `CLASSES` of a class as any published table spells it: those of proteins and of GRCh37 write ``benign`` and ``pathogenic``.

    Raises `ValueError` for another word.
    """
    number = _SPELLINGS.get(text)
    if number is None:
        raise ValueError(f"{text[:40]!r} is not in {', '.join(_SPELLINGS)}")
    return number


@dataclass(frozen=True)
class Substitution:
    """``reference`` at 1-based ``position`` of ``protein`` becomes ``alternate``; one-letter codes."""

    protein: str
    position: int
    reference: str
    alternate: str

    @property
    def change(self) -> str:
        """Such as ``G551D``."""
        return f"{self.reference}{self.position}{self.alternate}"

    def __str__(self) -> str:
        """Such as ``P13569:G551D``."""
        return f"{self.protein}:{self.change}"


@dataclass(frozen=True)
class MissenseScore:
    """What a table says of one substitution: its value (0 to 1, high = pathogenic), class, transcript, and the substitution in the protein.

    ``transcript`` is empty where the table is one of proteins; ``substitution`` is None where the table does not name it.
    """

    value: float
    label: str
    transcript: str = ""
    substitution: Substitution | None = None


@dataclass(frozen=True, eq=False)
class ProteinScores:
    """Scores of every substitution of one protein.

    Parameters
    ----------
    protein : str
        UniProt accession.
    residues : str
        Reference amino acids, length L; `UNKNOWN` where the table has no row of a position.
    values : NDArray[np.float32]
        (20, L) by `AMINO_ACIDS`, 0 to 1, high = pathogenic; NaN at the reference and where the table has no row.
    classes : NDArray[np.int8]
        (20, L), index into `CLASSES`, `NO_CLASS` where there is no value.
    card : ModelCard
        Whose scores they are.
    table : str
        Name, size and time of change of the file they were read from.
    """

    protein: str
    residues: str
    values: NDArray[np.float32]
    classes: NDArray[np.int8]
    card: ModelCard
    table: str = ""

    def __post_init__(self) -> None:
        shape = (len(AMINO_ACIDS), len(self.residues))
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, shape, "values"))
        object.__setattr__(self, "classes", frozen_array(self.classes, np.int8, shape, "classes"))

    def __len__(self) -> int:
        return len(self.residues)

    @property
    def provenance(self) -> Provenance:
        """Where the scores come from; ``sequence`` are the reference amino acids."""
        digest = hashlib.sha256(self.residues.encode()).hexdigest()
        asked = {"protein": self.protein, "table": self.table}
        software = {"locuscope": VERSION}
        return Provenance("protein", "1", self.card, asked, digest, len(self), self.protein, "text", "table", 0.0, software)

    def means(self) -> NDArray[np.float32]:
        """Mean score of the substitutions of each position, float32 (L,); NaN where there is none."""
        counts = np.isfinite(self.values).sum(axis=0)
        sums = np.nansum(self.values, axis=0)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)

    def score(self, substitution: Substitution) -> MissenseScore | None:
        """The score of a substitution; None where the table has none.

        Raises `ParameterError` for a position outside the protein, or another reference amino acid.
        """
        place, wanted = substitution.position - 1, substitution
        if not 0 <= place < len(self):
            raise ParameterError(f"{wanted.protein} has {len(self):,} amino acids; position {wanted.position:,} does not exist.")
        there = self.residues[place]
        if there not in (UNKNOWN, wanted.reference):
            raise ParameterError(
                f"{wanted.protein} has {there} at position {wanted.position:,}, not {wanted.reference}; check the protein and its isoform."
            )
        row = AMINO_ACIDS.index(wanted.alternate)
        value, label = float(self.values[row, place]), int(self.classes[row, place])
        return None if np.isnan(value) else MissenseScore(value, CLASSES[label], substitution=wanted)

    def words(self) -> str:
        """How many substitutions are in which class, in one sentence."""
        known = self.classes[self.classes != NO_CLASS]
        shares = ", ".join(
            f"{np.count_nonzero(known == number) / max(1, known.size):.0%} {name.replace('_', ' ')}" for number, name in enumerate(CLASSES)
        )
        return f"{self.protein}: {len(self):,} amino acids, {known.size:,} substitutions scored by {self.card.title}: {shares}."


@dataclass(frozen=True)
class LookedUp:
    """What a table says of one variant.

    ``text``: as it was given; ``variant`` on ``assembly`` where it is one of the DNA; ``score`` None where there is none, ``note`` says why.
    ``protein``: the accession, for a line that names a protein without a substitution, too.
    """

    text: str
    assembly: str = ""
    variant: Variant | None = None
    substitution: Substitution | None = None
    score: MissenseScore | None = None
    note: str = ""
    named: str = ""

    @property
    def protein(self) -> str:
        """UniProt accession; empty where none is known."""
        return self.substitution.protein if self.substitution is not None else self.named

    @property
    def label(self) -> str:
        """The class, in words."""
        return self.score.label.replace("_", " ") if self.score is not None else ""
