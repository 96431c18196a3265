"""Exact scores of changed letters at the cost of what the change reaches.

Behind each convolution a change of letters ``[start, end)`` reaches its positions and as many more at either side as the convolutions so
far reach; an answer for a few bases needs, from the other end, only what the convolutions to come reach. What lies in both is computed
anew; beside it stand the rows of the reference, behind an insertion or deletion moved by its length. No row is approximated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.models.splice.network import Convolution, SpliceNet, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Rows:
    """Rows (1, C, T) of the positions ``first`` to ``first + T`` of the letters."""

    first: int
    values: Tensor

    @property
    def last(self) -> int:
        """End of the positions, half-open."""
        return self.first + self.values.shape[-1]

    def part(self, first: int, last: int) -> Tensor:
        """The rows of positions ``[first, last)``; nothing where the end is not behind the start. Raises `IndexError` beyond them."""
        if last <= first:
            return self.values[..., :0]
        if first < self.first or last > self.last:
            raise IndexError(f"rows {first} to {last} are asked of {self.first} to {self.last}")
        return self.values[..., first - self.first : last - self.first]


@dataclass(frozen=True)
class Change:
    """Letters ``[start, end)`` of the window replaced by ``length`` others; positions are those of the changed letters."""

    start: int
    end: int
    length: int

    @property
    def shift(self) -> int:
        """How far the letters behind the change move to the right."""
        return self.length - (self.end - self.start)

    def joined(self, kept: Rows, new: Rows, first: int, last: int) -> Tensor:
        """Positions ``[first, last)``: the new rows, and those of the reference beside them."""
        pieces = (
            kept.part(first, min(last, new.first)),
            new.part(max(first, new.first), min(last, new.last)),
            kept.part(max(first, new.last) - self.shift, last - self.shift),
        )
        return torch.cat([piece for piece in pieces if piece.shape[-1]], dim=-1)


class KeptPass:
    """The first pass over a window of letters, kept for the changes to come.

    Parameters
    ----------
    net : SpliceNet
        The networks.
    hot : Tensor
        One-hot (1, 4, L) of the letters.
    first, last : int
        Changes lie in ``[first, last)``; only the rows they can need are kept.

    Attributes
    ----------
    probabilities : ndarray
        Acceptor and donor, float32 (L - 2 * context, 2).
    """

    def __init__(self, net: SpliceNet, hot: Tensor, first: int, last: int) -> None:
        self._net, self._length = net, hot.shape[-1]
        self._first, self._last = first, last
        self._kept: list[Rows] = []
        self._skips: list[Rows] = []
        self.probabilities = self._pass(hot)

    def _pass(self, hot: Tensor) -> NDArray[np.float32]:
        """The whole network, as `SpliceNet.forward` does it, keeping what changes need."""
        net, context = self._net, self._net.context_bp
        rows = net.stem(hot)
        self._skip(net.first_skip(inner(rows, context)))
        reached = 0
        for unit in net.units:
            before = rows
            for half in unit.halves:
                self._keep(rows, reached, max(unit.reach, 2 * half.reach))
                rows = half(rows)
                reached += half.reach
            rows.add_(inner(before, unit.reach))
            if unit.skip is not None:
                self._skip(unit.skip(inner(rows, context - reached)))
        return _sites(net.probabilities(torch.stack([kept.values for kept in self._skips]).sum(0)))

    def _keep(self, rows: Tensor, reached: int, reach: int) -> None:
        """Keep the rows up to ``reach`` positions beside those that a change can reach; the rows begin at position ``reached``."""
        low = max(0, self._first - 2 * reached - reach)
        high = max(low, min(rows.shape[-1], self._last + reach))
        self._kept.append(Rows(low + reached, rows[..., low:high].clone()))

    def _skip(self, values: Tensor) -> None:
        self._skips.append(Rows(self._net.context_bp, values))

    def changed(self, start: int, end: int, alternate: Tensor, first: int, last: int) -> NDArray[np.float32]:
        """Acceptor and donor probability float32 (last - first, 2) of positions ``[first, last)`` of the changed letters.

        ``alternate``: one-hot float32 (1, 4, n) of what replaces the letters ``[start, end)``; n may be 0.
        Raises `ParameterError` outside the window.
        """
        net, context = self._net, self._net.context_bp
        change = Change(start, end, alternate.shape[-1])
        inside = self._first <= start <= end <= self._last and context <= first < last <= self._length + change.shift - context
        if not inside:
            raise ParameterError(
                f"The change {start:,}-{end:,} read at {first:,}-{last:,} is outside the window of {self._length:,} bases that was prepared."
            )
        if start >= last + context or start + change.length <= first - context:
            moved = 0 if start >= last else change.shift
            return self.probabilities[first - moved - context : last - moved - context]
        kept, skips, reached = iter(self._kept), iter(self._skips), 0
        new = Rows(start, net.stem(alternate) if change.length else alternate.new_empty(1, len(net.stem.bias), 0))
        total = _skips_of(change, new, net.first_skip, next(skips), (first, last))
        for unit in net.units:
            before, references = new, []
            for half in unit.halves:
                reached += half.reach
                low = max(start - reached, first - context + reached)
                high = min(start + change.length + reached, last + context - reached)
                references.append(next(kept))
                new = Rows(low, half(change.joined(references[-1], new, low - half.reach, high + half.reach)))
            new.values.add_(change.joined(references[0], before, new.first, new.last))
            if unit.skip is not None:
                total += _skips_of(change, new, unit.skip, next(skips), (first, last))
        return _sites(net.probabilities(total))


def _skips_of(change: Change, new: Rows, skip: Convolution, kept: Rows, answered: tuple[int, int]) -> Tensor:
    """What a skip adds at the positions that are answered for, from new rows where there are some."""
    low, high = max(answered[0], new.first), min(answered[1], new.last)
    rows = new.part(low, high)
    fresh = Rows(low, skip(rows)) if rows.shape[-1] else Rows(new.first, rows)
    return change.joined(kept, fresh, *answered)


def _sites(probabilities: Tensor) -> NDArray[np.float32]:
    """Acceptor and donor columns float32 (n, 2) of probabilities (1, 3, n)."""
    values: NDArray[np.float32] = probabilities[0, 1:].T.float().cpu().numpy()
    return np.ascontiguousarray(values)
