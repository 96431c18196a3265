"""P(A, C, G, T) at every base: reconstruction from the unmasked input, or with each base masked in turn.

A causal model gives P(base | all bases before it). Rows are renormalised over the four bases, so a k-mer model's edge bases, which fewer
k-mers cover, sum to 1 as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.declared import Declared, Needed
from engine.analyses.findings import trust
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import Scan
from engine.analyses.tiling import HALO_BP, Tile, fitting, halo_option, origin_of, parts, stitched, tile_option, tiles, without_unused
from engine.analyses.tiling import passes as passes_of_tiles
from engine.core.arithmetic import entropy
from engine.core.card import Capability, ModelCard, Offer
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel
from engine.core.results import Result, Table, Track, frozen_array, place
from engine.core.sequence import BASES, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"


@dataclass(frozen=True)
class ProbabilityParameters(Parameters):
    """`masked`: mask each position in turn (L passes) instead of one unmasked pass; ``tile``, ``halo``: in tiles (`engine.analyses.tiling`)."""

    masked: bool = option(False, "--masked", "Mask each position in turn; without it the model sees every base, the one it speaks of, too.")
    tile: int | None = tile_option()
    halo: int = halo_option()

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return without_unused(super().as_dict())


@dataclass(frozen=True, eq=False)
class BaseProbabilities(Result):
    """P(base) at each position: ``values`` float32 (L, 4), rows sum to 1."""

    sequence: NucleotideSequence
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence), 4), "probabilities"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``probabilities``."""
        return {"probabilities": self.values}

    def rows(self) -> Table:
        """One row a base: P of the four bases."""
        bases = np.arange(len(self.values))
        columns = {base: self.values[:, column] for column, base in enumerate(BASES)}
        return Table({"position": bases + 1, "base": list(self.sequence.letters), **columns}, bases)

    def readable(self) -> Table:
        """One row a base, with the entropy in bits."""
        table = self.rows()
        columns = {f"P_{name}" if name in BASES else name: values for name, values in table.columns.items()}
        return Table({**columns, "entropy_bits": entropy(self.values)}, table.bases)

    def tracks(self) -> tuple[Track, ...]:
        """The entropy, then P of each base."""
        title = "entropy of the predicted base, bits (0 = certain, 2 = any base)"
        chances = (Track(f"p_{base}", f"probability of {base}", self.values[:, column]) for column, base in enumerate(BASES))
        return (Track("entropy", title, entropy(self.values).astype(np.float32)), *chances)

    def words(self) -> str:
        """How often the model would choose the reference, and how sure it is."""
        bits = entropy(self.values)
        codes = np.array([BASES.find(letter) for letter in self.sequence.as_dna()])
        known = codes >= 0
        right = int((self.values[known].argmax(axis=1) == codes[known]).sum())
        return (
            f"{self.provenance.answered_how} would choose the reference at {right:,} of {int(known.sum()):,} bases; "
            f"mean entropy {bits.mean():.2f} bits, lowest {bits.min():.2f} at {place(self.sequence, int(bits.argmin()))}: "
            f"{trust(self.values)}."
        )


def passes(sequence: NucleotideSequence, parameters: ProbabilityParameters | None = None) -> int:
    """Forward passes: one, or one for every base when each is masked."""
    return len(sequence) if parameters is not None and parameters.masked else 1


def base_probabilities(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: ProbabilityParameters | None = None,
    monitor: Monitor | None = None,
) -> BaseProbabilities:
    """Probabilities float32 (L, 4) in the order A, C, G, T.

    Raises
    ------
    SequenceError, CapabilityMissing
        The model cannot read the sequence, does not score bases, or has no mask token for ``masked``.
    Cancelled
        Through ``monitor.advance``.
    """
    import torch

    chosen = parameters or ProbabilityParameters()
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    scan = Scan.of(model, sequence)
    watcher.start(passes(sequence, chosen))
    logits = np.zeros((len(sequence), 4))

    def masked(start: int, end: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = scan.masked_scores(torch.arange(start, end, device=model.device)).double().cpu().numpy()
        return found

    def take(start: int, end: int, found: NDArray[np.float64]) -> None:
        logits[start:end] = found
        watcher.advance(end - start)

    with torch.inference_mode():
        if chosen.masked:
            batches(len(sequence), scan.batch_size, masked, take, device=model.device)
        else:
            logits[:] = scan.reference_logits(normalised=False).double().cpu().numpy()
            watcher.advance(1)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    values = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    provenance = stamp("probabilities", VERSION, model, chosen, sequence, time.perf_counter() - began, masked=chosen.masked)
    return BaseProbabilities(sequence=sequence, values=values, provenance=provenance)


def tiled_probabilities(
    sequence: NucleotideSequence, parameters: ProbabilityParameters, answers: Mapping[str, BaseProbabilities]
) -> BaseProbabilities:
    """The answers of tiles put together. Raises `ParameterError` without a length of tiles."""
    plan = _plan(sequence, parameters)
    origin = origin_of(answers, plan, "probabilities", VERSION, parameters, sequence)
    return BaseProbabilities(sequence, np.asarray(stitched(plan, answers, "values")), origin)


def _plan(sequence: NucleotideSequence, parameters: ProbabilityParameters) -> tuple[Tile, ...]:
    return tiles(sequence, parameters.tile, parameters.halo) if parameters.tile is not None else ()


def _parts(sequence: NucleotideSequence, parameters: ProbabilityParameters, card: ModelCard) -> Mapping[str, Needed]:
    if parameters.tile is None:
        return {}
    whole = replace(parameters, tile=None, halo=HALO_BP)
    return parts("probabilities", whole, sequence, parameters.tile, parameters.halo, card)


def _run(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: ProbabilityParameters, monitor: Monitor, answers: Mapping[str, Any]
) -> BaseProbabilities:
    if parameters.tile is not None:
        return tiled_probabilities(sequence, parameters, answers)
    return base_probabilities(model, sequence, parameters, monitor)


def _settings(card: ModelCard) -> ProbabilityParameters:
    return ProbabilityParameters(masked=card.masked and not card.causal)


def _lacks(parameters: ProbabilityParameters, card: ModelCard) -> str:
    if not parameters.masked or card.masked:
        return ""
    why = "reads from left to right and has no mask token" if card.causal else "has no mask token"
    return f"{card.title} {why}; ask for probabilities without --masked (masked=false)."


def _passes(sequence: NucleotideSequence, parameters: ProbabilityParameters, card: ModelCard, offer: Offer) -> int:
    if parameters.tile is None:
        return passes(sequence, parameters)
    return passes_of_tiles("probabilities", replace(parameters, tile=None), sequence, _plan(sequence, parameters), card, offer)


def _longer(parameters: ProbabilityParameters, card: ModelCard) -> tuple[str, ProbabilityParameters]:
    tile, halo = fitting(card)
    return "probabilities", replace(parameters, tile=tile, halo=halo)


DECLARED = (
    Declared(
        name="probabilities",
        command="probabilities",
        version=VERSION,
        title="Reconstruction",
        summary="P(A), P(C), P(G), P(T) at each base; of a causal model, given all bases before it.",
        capability=Capability.PROBABILITIES,
        parameters=ProbabilityParameters,
        result=BaseProbabilities,
        passes=_passes,
        run=_run,
        lacks=_lacks,
        parts=_parts,
        longer=_longer,
        shown="always",
        order=20,
        settings=_settings,
    ),
)
