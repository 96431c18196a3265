"""What the analyses keep of each batch of mutants: row maxima, influence, likelihood differences.

Every reader reduces a batch by itself and then writes into arrays on the model's device; a batch may hold a part of a base's three
substitutions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.log_odds import Scale
from engine.analyses.substitutions import Window, letter_codes, own_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

ROWS_AT_ONCE = 64


def largest_of_four(change: Tensor) -> Tensor:
    """Maximum over the last axis of (..., 4); NaN where a prediction cannot be compared."""
    import torch

    a, c, g, t = change.unbind(-1)
    return torch.maximum(torch.maximum(a, c), torch.maximum(g, t))


class RowMaxima:
    """Rows of a dependency map: max over a base's substitutions of max_n |Δ score at j|, float32 (W, W) on the device.

    ``known``: bool (W,) rows that are computed already, and the map float32 (W, W) that has them.
    """

    def __init__(self, scale: Scale, window: Window, known: tuple[NDArray[np.bool_], NDArray[np.float32]] | None = None) -> None:
        self._scale, self._window, self._known = scale, window, known
        self._reference: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def normalised(self) -> bool:
        """As its scale."""
        return self._scale.normalised

    def start(self, reference: Tensor) -> None:
        """Keep the reference's scores of the window."""
        import torch

        first, last = self._window
        self._reference = self._scale(reference[first:last])
        self.values = torch.full((last - first, last - first), -math.inf, dtype=torch.float32, device=reference.device)
        if self._known is not None:
            rows, values = self._known
            found = torch.from_numpy(values[rows]).to(reference.device)
            self.values[torch.from_numpy(rows.copy()).to(reference.device)] = torch.where(torch.isnan(found), -math.inf, found)

    def reduced(self, positions: Tensor, alternates: Tensor, logits: Tensor) -> Tensor:
        """Magnitudes float32 (B, W), −inf where nothing can be compared."""
        import torch

        if self._reference is None:
            raise RuntimeError("a reader reduces mutants only after it has seen the reference")
        first, last = self._window
        change = (self._scale(logits[:, first:last]) - self._reference).abs()
        magnitude = largest_of_four(change).float()
        return torch.where(torch.isnan(magnitude), -math.inf, magnitude)

    def take(self, positions: Tensor, alternates: Tensor, reduced: Tensor) -> None:
        """Raise each changed base's row to the batch's magnitudes."""
        import torch

        if self.values is None:
            raise RuntimeError("a reader takes mutants only after it has seen the reference")
        first, last = self._window
        if self.values.device.type == "cpu":  # a scatter wakes all cores, which then spin beside the passes
            for place, magnitude in zip((positions - first).tolist(), reduced, strict=True):
                torch.maximum(self.values[place], magnitude, out=self.values[place])
            return
        rows = (positions - first)[:, None].expand(-1, last - first)
        self.values.scatter_reduce_(0, rows, reduced, "amax")

    def to_numpy(self, *, causal: bool, finished: bool) -> NDArray[np.float32]:
        """The map float32 (W, W): NaN where nothing could be compared, diagonal 0; 0 upstream of a causal model's changes.

        ``finished`` allows to reuse the memory the rows lie in; nothing may be taken afterwards.
        """
        import torch

        if self.values is None:
            raise RuntimeError("a map is read only after the scan has started")
        with torch.inference_mode():
            values = self.values.cpu()
            values = values.clone() if values is self.values and not finished else values
            for low in range(0, len(values), ROWS_AT_ONCE):  # of a whole map, what is infinite takes more memory than the map
                rows = values[low : low + ROWS_AT_ONCE]
                rows.masked_fill_(torch.isinf(rows), math.nan)
            if causal:
                values.triu_(1)
            values.fill_diagonal_(0.0)
            array: NDArray[np.float32] = values.numpy()
        return array


class InfluenceMeans:
    """Influence float64 (L, 4) of each substitution: a mean over bases j of max_n Δ score at j; NaN where nothing was computed.

    ``signed`` takes the maximum without the absolute value, ``with_own`` keeps j = i, and ``divisor`` is added to L in the mean's
    denominator (−1 or 0): the published variants differ in these (see `engine.analyses.effects`).
    Bases whose predictions cannot be compared leave the mean: the sum is scaled to the number of bases that can.
    ``known``: float32 (L, 4), values that are computed already, NaN elsewhere.
    """

    def __init__(
        self,
        scale: Scale,
        length: int,
        *,
        signed: bool = False,
        with_own: bool = False,
        divisor: int = -1,
        known: NDArray[np.float32] | None = None,
    ) -> None:
        self._scale, self._length, self._known = scale, length, known
        self._signed, self._with_own, self._divisor = signed, with_own, divisor
        self._reference: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def normalised(self) -> bool:
        """As its scale."""
        return self._scale.normalised

    def start(self, reference: Tensor) -> None:
        """Keep the reference's scores."""
        import torch

        self._reference = self._scale(reference)
        self.values = torch.full((self._length, 4), math.nan, dtype=torch.float64, device=reference.device)
        if self._known is not None:
            self.values.copy_(torch.from_numpy(self._known.astype(np.float64)))

    def reduced(self, positions: Tensor, alternates: Tensor, logits: Tensor) -> Tensor:
        """Each mutant's mean, float64 (B,)."""
        import torch

        if self._reference is None:
            raise RuntimeError("a reader reduces mutants only after it has seen the reference")
        change = self._scale(logits) - self._reference
        magnitude = largest_of_four(change if self._signed else change.abs()).double()
        counted = ~torch.isnan(magnitude)
        own = own_columns(positions, self._length)
        if not self._with_own:
            counted &= ~own
        total = torch.where(counted, magnitude, 0.0).sum(-1)
        present = counted.sum(-1)
        everything = self._length if self._with_own else self._length - 1
        scaled = total * everything / present
        return scaled / max(1, self._length + self._divisor)

    def take(self, positions: Tensor, alternates: Tensor, reduced: Tensor) -> None:
        """Write each mutant's mean."""
        if self.values is None:
            raise RuntimeError("a reader takes mutants only after it has seen the reference")
        self.values[positions, alternates] = reduced

    def to_numpy(self) -> NDArray[np.float64]:
        """Influence float64 (L, 4)."""
        if self.values is None:
            raise RuntimeError("influence is read only after the scan has started")
        array: NDArray[np.float64] = self.values.cpu().numpy()
        return array


class LikelihoodDifferences:
    """ln P(mutant) − ln P(reference) float64 (L, 4), summed over the bases a causal model scores; NaN where nothing was computed."""

    normalised = True

    def __init__(self, letters: str) -> None:
        self._codes = letter_codes(letters)
        self._total: Tensor | None = None
        self.values: Tensor | None = None

    def _log_likelihood(self, logits: Tensor, codes: Tensor) -> Tensor:
        import torch

        chosen = logits.double().gather(-1, codes.clamp(min=0)[..., None])[..., 0]
        return torch.where(codes >= 0, chosen, 0.0).sum(-1)

    def start(self, reference: Tensor) -> None:
        """Keep the reference's log-likelihood."""
        import torch

        self._device_codes = torch.from_numpy(self._codes).to(reference.device)
        self._total = self._log_likelihood(reference, self._device_codes)
        self.values = torch.full((len(self._codes), 4), math.nan, dtype=torch.float64, device=reference.device)

    def reduced(self, positions: Tensor, alternates: Tensor, logits: Tensor) -> Tensor:
        """Each mutant's difference, float64 (B,)."""
        if self._total is None:
            raise RuntimeError("a reader reduces mutants only after it has seen the reference")
        codes = self._device_codes.repeat(len(positions), 1)
        codes.scatter_(1, positions[:, None], alternates[:, None])
        return self._log_likelihood(logits, codes) - self._total

    def take(self, positions: Tensor, alternates: Tensor, reduced: Tensor) -> None:
        """Write each mutant's difference."""
        if self.values is None:
            raise RuntimeError("a reader takes mutants only after it has seen the reference")
        self.values[positions, alternates] = reduced

    def to_numpy(self) -> NDArray[np.float64]:
        """Differences float64 (L, 4)."""
        if self.values is None:
            raise RuntimeError("differences are read only after the scan has started")
        array: NDArray[np.float64] = self.values.cpu().numpy()
        return array
