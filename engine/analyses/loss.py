"""How well a model knows each base: −ln P of the base that stands there, along a whole phage, and its means over 50 bases and 5 kb.

A causal model gives P(base | all bases before it) under the softmax over its whole vocabulary, as megaDNA's authors do (Shao and Yan, Nature
Communications 2024, 15:9392). A masked model predicts each base with it masked, from both sides: a pseudo-loss, which is lower than a loss of the
same knowledge and is compared with other pseudo-losses only. Several bases are masked in one pass, far apart.

What is longer than the model reads is cut into windows that overlap by a half: a causal model has half a window before each base, a masked
one a quarter on either side, but for the ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.declared import Declared
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import letter_codes
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import CapabilityMissing
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel, Prepared
from engine.core.results import Result, Table, Track, frozen_array, place
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.core.provenance import Provenance

VERSION = "1"
APART_BP = 50
MOST_MASKED_IDS = 1 << 22
"""Token ids of singly masked inputs that are held while bases are masked together."""


def apart_option() -> Any:
    """The field ``apart``: how far apart the bases are that one pass of a masked model masks."""
    return option(
        APART_BP,
        "--apart",
        "Bases that a masked model predicts in one pass are this far apart.",
        metavar="BP",
        low=2,
        high=10_000,
        unit="bp",
    )


@dataclass(frozen=True)
class LossParameters(Parameters):
    """``small``, ``large``: bases of the two means; ``apart``: distance of the bases that a masked model predicts in one pass."""

    small: int = option(50, "--small", "Bases of the windows side by side.", metavar="BP", low=1, high=100_000, unit="bp")
    large: int = option(5000, "--large", "Bases of the moving mean.", metavar="BP", low=1, high=1_000_000, unit="bp")
    apart: int = apart_option()


@dataclass(frozen=True, eq=False)
class LossTrack(Result):
    """``values`` float32 (L,): nats, NaN at letters that are none of the four bases; ``pseudo``: of a masked model; ``small`` and ``large`` in bases."""

    sequence: NucleotideSequence
    values: NDArray[np.float32]
    pseudo: bool
    small: int
    large: int
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (len(self.sequence),), "losses"))

    @property
    def name(self) -> str:
        """``loss``, or ``pseudo-loss`` of a masked model."""
        return "pseudo-loss" if self.pseudo else "loss"

    @property
    def mean(self) -> float:
        """Nats per base over everything."""
        return float(np.nanmean(self.values.astype(np.float64)))

    def blocks(self) -> NDArray[np.float32]:
        """Mean of the window of ``small`` bases that each base is in, float32 (L,)."""
        return block_means(self.values, self.small)

    def moving(self) -> NDArray[np.float32]:
        """Mean of the ``large`` bases around each base, float32 (L,)."""
        return moving_means(self.values, self.large)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``loss`` (or ``pseudo_loss``), ``small_means`` and ``large_means``."""
        return {self.name.replace("-", "_"): self.values, "small_means": self.blocks(), "large_means": self.moving()}

    def rows(self) -> Table:
        """One row a base."""
        bases = np.arange(len(self.values))
        return Table({"position": bases + 1, "base": list(self.sequence.letters), **self.arrays()}, bases)

    def readable(self) -> Table:
        """One row a window of ``small`` bases."""
        first = np.arange(0, len(self.values), self.small)
        last = np.minimum(first + self.small, len(self.values))
        return Table(
            {"start": first + 1, "end": last, self.name: self.blocks()[first], "around": self.moving()[(first + last) // 2]}, first
        )

    def tracks(self) -> tuple[Track, ...]:
        """Each base, the windows, the moving mean."""
        key, name = self.name.replace("-", "_"), self.name
        return (
            Track(key, f"{name}, nats per base", self.values),
            Track(f"{key}_{self.small}_bp", f"mean {name} of windows of {self.small:,} bp", self.blocks()),
            Track(f"{key}_{self.large}_bp", f"mean {name} of {self.large:,} bp around", self.moving()),
        )

    def words(self) -> str:
        """The mean, where the moving mean is lowest and highest, and what a pseudo-loss is."""
        around = self.moving()
        low, high = int(np.nanargmin(around)), int(np.nanargmax(around))
        what = (
            " Each base was predicted from both sides, with it masked: a pseudo-loss, not to be compared with the loss of a model that reads from left to right."
            if self.pseudo
            else " Each base was predicted from the bases before it."
        )
        return (
            f"Mean {self.name} by {self.provenance.card.title} {self.mean:.3f} nats per base over {len(self.values):,} bases (1.386 = no idea); over "
            f"{self.large:,} bp it is lowest around {place(self.sequence, low)} ({around[low]:.3f}) and highest around {place(self.sequence, high)} ({around[high]:.3f}).{what}"
        )


def block_means(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Mean of the window of ``width`` bases, side by side from the first, that each base is in; NaN bases are left out, the last may be shorter."""
    first = np.arange(0, len(values), width)
    sums = np.add.reduceat(np.nan_to_num(values.astype(np.float64)), first)
    counts = np.add.reduceat(np.isfinite(values).astype(np.int64), first)
    return np.repeat(_quotients(sums, counts), width)[: len(values)]


def moving_means(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Mean of the ``width`` bases around each base (half of them before it), fewer at the ends; NaN bases are left out."""
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values.astype(np.float64)))])
    counts = np.concatenate([[0], np.cumsum(np.isfinite(values))])
    low = np.maximum(np.arange(len(values)) - width // 2, 0)
    high = np.minimum(np.arange(len(values)) - width // 2 + width, len(values))
    return _quotients(sums[high] - sums[low], counts[high] - counts[low])


def _quotients(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


class Piece(NamedTuple):
    """Bases ``[start, end)`` are read and those of ``[first, last)`` are answered for."""

    start: int
    end: int
    first: int
    last: int


def pieces(length: int, longest: int, *, causal: bool) -> tuple[Piece, ...]:
    """Windows of at most ``longest`` bases that answer for each of ``length`` bases once."""
    if length <= longest:
        return (Piece(0, length, 0, length),)
    before, after = (longest // 2, 0) if causal else (longest // 4, longest // 4)
    found = [Piece(0, longest, 0, max(1, longest - after))]
    while found[-1].last < length:
        first = found[-1].last
        start = min(max(0, first - before), length - longest)
        end = start + longest
        found.append(Piece(start, end, first, length if end == length else end - after))
    return tuple(found)


def passes(length: int, apart: int, card: ModelCard) -> int:
    """Forward passes that the losses of ``length`` bases take."""
    plan = pieces(length, card.max_length, causal=card.causal)
    return len(plan) if card.causal else sum(min(apart, piece.end - piece.start) for piece in plan)


def check_model(model: NucleotideModel) -> None:
    """Raise `CapabilityMissing` for a model that is neither causal nor masked."""
    if not isinstance(model, NucleotideModel):
        raise CapabilityMissing(f"{model.card.title} does not predict single bases; choose a nucleotide language model.")
    if not (model.card.causal or model.card.masked):
        raise CapabilityMissing(
            f"{model.card.title} has no mask token and does not read from left to right, so it has no loss; choose another model."
        )


def base_losses(model: NucleotideModel, sequence: NucleotideSequence, apart: int, advance: Callable[[int], None]) -> NDArray[np.float64]:
    """−ln P of each base in nats, float64 (L,); NaN at letters that are none of the four bases. Call under ``torch.inference_mode``.

    ``advance`` is told of passes (`passes`) and may raise to stop.
    """
    values = np.full(len(sequence), np.nan)
    for piece in pieces(len(sequence), model.card.max_length, causal=model.card.causal):
        part = sequence.window(piece.start, piece.end)
        reference, codes = model.prepare(part), letter_codes(part.letters)
        if model.card.causal:
            scores = model.base_logits(reference, reference.ids[None], normalised=True)[0].double().cpu().numpy()
            found = np.where(codes >= 0, -np.take_along_axis(scores, np.maximum(codes, 0)[:, None], axis=1)[:, 0], np.nan)
            advance(1)
        else:
            found = _masked_losses(model, reference, codes, apart, advance)
        values[piece.first : piece.last] = found[piece.first - piece.start : piece.last - piece.start]
    return values


def _masked_losses(
    model: NucleotideModel, reference: Prepared, codes: NDArray[np.int64], apart: int, advance: Callable[[int], None]
) -> NDArray[np.float64]:
    """As `base_losses`, of one window: pass r masks every known base whose index leaves the rest r when divided by ``apart``."""
    import torch

    values = np.full(len(codes), np.nan)
    known = np.flatnonzero(codes >= 0)
    classes = [known[known % apart == rest] for rest in range(min(apart, len(codes)))]

    def compute(start: int, end: int) -> list[NDArray[np.float64]]:
        ids = torch.stack([_masked_together(model, reference, places) for places in classes[start:end]])
        scores = torch.log_softmax(model.base_logits(reference, ids).double(), dim=-1).cpu().numpy()
        return [-row[places, codes[places]] for row, places in zip(scores, classes[start:end], strict=True)]

    def take(start: int, end: int, found: list[NDArray[np.float64]]) -> None:
        for places, losses in zip(classes[start:end], found, strict=True):
            values[places] = losses
        advance(end - start)

    batches(len(classes), model.passes_per_batch(reference), compute, take, device=model.device)
    return values


def _masked_together(model: NucleotideModel, reference: Prepared, places: NDArray[np.int64]) -> torch.Tensor:
    """Token ids (T,) with all of ``places`` masked, each as the model masks one."""
    import torch

    ids: Tensor = reference.ids.clone()
    step = max(1, MOST_MASKED_IDS // len(ids))
    for begin in range(0, len(places), step):
        rows = model.masked(reference, torch.from_numpy(places[begin : begin + step]).to(ids.device))
        changed = rows != reference.ids
        ids = torch.where(changed.any(dim=0), rows.gather(0, changed.long().argmax(dim=0, keepdim=True))[0], ids)
    return ids


def loss_track(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: LossParameters | None = None, monitor: Monitor | None = None
) -> LossTrack:
    """The loss of every base.

    Raises
    ------
    CapabilityMissing
        The model is neither causal nor masked.
    SequenceError
        It cannot read the sequence.
    Cancelled
        Through ``monitor.advance``.
    """
    import torch

    chosen, watcher = parameters or LossParameters(), monitor or SilentMonitor()
    check_model(model)
    began = time.perf_counter()
    watcher.start(passes(len(sequence), chosen.apart, model.card))
    with torch.inference_mode():
        values = base_losses(model, sequence, chosen.apart, watcher.advance).astype(np.float32)
    provenance = stamp("loss", VERSION, model, chosen, sequence, time.perf_counter() - began, masked=not model.card.causal)
    return LossTrack(sequence, values, not model.card.causal, chosen.small, chosen.large, provenance)


def _passes(sequence: NucleotideSequence, parameters: LossParameters, card: ModelCard, offer: Offer) -> int:
    return passes(len(sequence), parameters.apart, card)


DECLARED = (
    Declared(
        name="loss",
        command="loss",
        version=VERSION,
        title="Loss",
        summary="How well the model knows each base of a whole phage: −ln P in nats, with means of 50 bp and 5 kb; a pseudo-loss of a masked model.",
        capability=Capability.PROBABILITIES,
        parameters=LossParameters,
        result=LossTrack,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: loss_track(model, sequence, parameters, monitor),
        tiled=True,
        pace="windows",
        shown="asked",
        order=60,
        windows=False,
    ),
)
