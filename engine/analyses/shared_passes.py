"""Forward passes that several scans of one model share.

A scan makes the token ids of its next batch before it lets others have the device, and offers them. Whoever computes next fills the room left
in the own batch with such offers, if the model reads their references alike (`Prepared.layout`); their scans find the scores when their turn
comes. On a GPU a batch has room for the short sequences of several visitors. What another scan adds to a batch changes a score by no more
than rounding. On a CPU nothing is shared: there is no room to be filled, and an answer is the same to the last bit whoever else asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from engine.analyses.batches import note_unusual
from engine.core.protocols import MutantModel, NucleotideModel, PreciseMutantModel, Prepared

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(eq=False)
class Offer:
    """Token ids (B, T) of one batch of one scan; ``span`` says which of its substitutions, ``scores`` (B, L, 4) are there once computed,
    ``shared`` says whether in one pass with others."""

    reference: Prepared
    ids: Tensor = field(repr=False)
    normalised: bool
    span: tuple[int, int]
    scores: Tensor | None = None
    shared: bool = False

    def goes_with(self, other: Offer) -> bool:
        """Whether one pass can compute both."""
        return self.normalised == other.normalised and self.reference.layout == other.reference.layout


class SharedPasses:
    """The offers that wait for passes of one model, whose lock the caller of `take` holds."""

    def __init__(self) -> None:
        self._waiting: list[Offer] = []
        self._lock = threading.Lock()

    def offer(self, offer: Offer) -> Offer:
        """Let any scan compute it from now on."""
        with self._lock:
            self._waiting.append(offer)
        return offer

    def withdraw(self, offer: Offer) -> None:
        """Nobody wants it any more."""
        with self._lock:
            if offer in self._waiting:
                self._waiting.remove(offer)

    def take(self, model: NucleotideModel, offer: Offer) -> Tensor:
        """Scores of an offer: as another scan left them, or computed now, together with the others that there is room for."""
        if offer.scores is None:
            together = [offer, *self._companions(offer, model.passes_per_batch(offer.reference) - len(offer.ids))]
            return self._computed(model, together)
        return offer.scores

    def _companions(self, offer: Offer, room: int) -> list[Offer]:
        found = []
        with self._lock:
            for other in self._waiting:
                if other is not offer and other.scores is None and len(other.ids) <= room and offer.goes_with(other):
                    found.append(other)
                    room -= len(other.ids)
        return found

    @staticmethod
    def _computed(model: NucleotideModel, together: list[Offer]) -> Tensor:
        """Scores of the first of ``together``; the others keep theirs."""
        import torch

        first = together[0]
        ids = first.ids if len(together) == 1 else torch.cat([offer.ids for offer in together])
        scores, row = model.base_logits(first.reference, ids, normalised=first.normalised), len(first.ids)
        first.shared = len(together) > 1
        for offer in together[1:]:
            offer.shared, offer.scores = True, scores[row : row + len(offer.ids)]
            row += len(offer.ids)
        return scores[: len(first.ids)]


def worth_sharing(device: str) -> bool:
    """Whether scans on a torch device share passes."""
    return device != "cpu"


_passes: WeakKeyDictionary[NucleotideModel, SharedPasses] = WeakKeyDictionary()
_making = threading.Lock()


def shared_passes(model: NucleotideModel, precision: str) -> SharedPasses | None:
    """Where scans of ``model`` meet; None where its mutants are scored by faster ways than whole passes, which share nothing between references."""
    plain = model.exact_by_passes and precision == "exact" if isinstance(model, PreciseMutantModel) else not isinstance(model, MutantModel)
    if not plain:
        return None
    with _making:
        return _passes.setdefault(model, SharedPasses())


class Ahead:
    """The batches of one scan: the next one is offered while others have the device.

    ``ids(start, end)``: token ids of the mutants ``start`` to ``end``, as `Offer` has them.
    """

    def __init__(
        self, passes: SharedPasses, model: NucleotideModel, reference: Prepared, normalised: bool, ids: Callable[[int, int], Tensor]
    ) -> None:
        self._passes, self._model, self._reference, self._normalised, self._ids = passes, model, reference, normalised, ids
        self._offer: Offer | None = None

    def prepare(self, start: int, end: int) -> Offer:
        """Offer a batch instead of what was offered before."""
        self.close()
        self._offer = Offer(self._reference, self._ids(start, end), self._normalised, (start, end))
        return self._passes.offer(self._offer)

    def scores(self, start: int, end: int) -> Tensor:
        """Scores (B, L, 4) of a batch, the prepared one or another."""
        known = self._offer
        offer = known if known is not None and known.span == (start, end) else self.prepare(start, end)
        try:
            return self._passes.take(self._model, offer)
        finally:
            if offer.shared:
                note_unusual("shared")
            self.close()

    def close(self) -> None:
        """Take back what was offered."""
        if self._offer is not None:
            self._passes.withdraw(self._offer)
        self._offer = None
