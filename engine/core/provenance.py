"""Where a result comes from: written into every result, figure and export."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.core.card import ModelCard


def state_of(path: Path) -> str:
    """Name, size and time of change of a large file: enough to tell another one from it, and it is not read for it."""
    stat = path.stat()
    changed = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
    return f"{path.name}, {stat.st_size} bytes, of {changed}Z"


def all_batches(*told: str) -> str:
    """What several answers say of their batches (`Provenance.batches`), as one that reads all of them says it."""
    return ", ".join(sorted({how for text in told for how in text.split(", ") if how}))


@dataclass(frozen=True)
class Provenance:
    """Everything needed to repeat a result.

    Parameters
    ----------
    analysis, version : str
        Name and version of the analysis.
    card : ModelCard
        The model that answered.
    parameters : dict
        The analysis' parameters as plain values.
    sequence_sha256 : str
        Hash of the input letters (as DNA).
    sequence_length : int
        Number of bases.
    locus : str
        The locus as printed, or empty.
    dtype, device : str
        What the model computed in and on.
    processor : str
        Kind of processor behind the device (`engine.core.processor.kind`): it decides which kernels ran.
    threads : int
        Cores that products on a CPU could use; 0 on other devices.
    seconds : float
        Wall time of the computation.
    software : dict of str to str
        Versions of Locuscope, Python and the packages that compute.
    species : str
        Species or domain token given to the model, or empty.
    batches : str
        ``smaller`` where memory ran out, ``shared`` where another question was in the same pass of a GPU: the last bits may differ from those of
        the usual batches. Empty: the usual ones.
    name : str
        What the record of a sequence without a locus was called, as its files say (`engine.exports.formats.write`): stored answers do not hold it.
    memory : str
        What else masked letters were read from besides the network, a table of training sequences, and at how many bases; empty: nothing.
    """

    analysis: str
    version: str
    card: ModelCard
    parameters: dict[str, Any]
    sequence_sha256: str
    sequence_length: int
    locus: str
    dtype: str
    device: str
    seconds: float
    software: dict[str, str] = field(default_factory=dict)
    species: str = ""
    partial: bool = False
    processor: str = ""
    threads: int = 0
    memory: str = ""
    batches: str = ""
    name: str = ""

    @property
    def answered_by(self) -> str:
        """Title of the model, that its memory answered, too, where it did, and that the answer is tiled, where it is."""
        return f"{self._who}, tiled" if self.tiled else self._who

    @property
    def answered_how(self) -> str:
        """As `answered_by`, with how it is tiled."""
        return f"{self._who}, {self.tiled}" if self.tiled else self._who

    @property
    def read_by(self) -> str:
        """As `answered_by`, with the species or domain that the model was told, or that it was told none where it knows some."""
        untold = ", no species or domain named" if self.card.species else ""
        return f"{self.answered_by} as {self.species}" if self.species else f"{self.answered_by}{untold}"

    @property
    def _who(self) -> str:
        return f"{self.card.title} and its memory of relatives" if self.memory else self.card.title

    @property
    def tiled(self) -> str:
        """How an answer was put together from tiles (`engine.analyses.tiling`), in words; empty for one of the whole sequence."""
        tile, halo = self.parameters.get("tile"), self.parameters.get("halo")
        return f"in tiles of {tile:,} bases with {halo:,} read on either side" if tile else ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values; the capability set becomes a sorted list."""
        values = asdict(self)
        values["card"]["capabilities"] = sorted(self.card.capabilities)
        values["card"]["species"] = len(self.card.species)
        values["card"] |= {"assumed": list(self.card.assumed), "assemblies": list(self.card.assemblies)}
        return values

    def to_json(self) -> str:
        """JSON text with sorted keys."""
        return json.dumps(self.as_dict(), sort_keys=True)
