"""Exact scoring of point mutants of a dilated convolutional stack: only the cone of rows that a change can reach is computed.

A stack is a list of local layers. Layer l reaches `reach` rows to either side, so after it a change at row p has reached rows
p - w to p + w, w = the sum of reaches so far; every other row is the reference's. All mutants of a batch are computed in windows of one
width that are shifted to stay inside the sequence, so a window that would grow beyond the sequence simply becomes the whole sequence and
the computation a full one: never more rows than a full pass, never another answer.

The idea of recomputing the affected interval only is fastISM's (Nair et al., Bioinformatics 2022, btac135); here one batch mixes
positions, and edges need no padding values of their own. Written for any stack that can be described by `LocalLayer`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from engine.core.errors import ModelError
from engine.core.progress import interruption_point

_log = logging.getLogger(__name__)

ROWS_PER_PRODUCT = 3072
"""Rows of one matrix product on a CPU: more leave the cache (2,048 to 4,096 were equally fast at 128 channels)."""
ROWS_PER_PRODUCT_ON_A_GPU = 1 << 17
"""More than a batch has: a GPU wants few products, however large."""


class LocalLayer(Protocol):
    """A layer whose output row i depends on input rows i - reach to i + reach only, with zero rows beyond the ends."""

    @property
    def reach(self) -> int:
        """Rows to either side."""

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        """(B, n + 2 * reach, C) to (B, n, C). ``outside``: bool (B, n + 2 * reach), rows beyond the ends of the sequence; None if there are none.

        Rows beyond the ends come in as zeros; a layer that does something to rows before it convolves must zero them again.
        """


def convolve_rows(rows: Tensor, weight: Tensor, bias: Tensor | None, dilation: int, groups: int = 1) -> Tensor:
    """Valid convolution over positions without a copy: (B, n, C_in) to (B, n - dilation * (K - 1), C_out).

    ``weight`` (C_out, C_in, 1, K), best stored channels-last (`channels_last_weight`). The row-major input is read as a
    channels-last image of height 1, which is what CPU and GPU kernels want (1.2 times the speed of transposing to conv1d and back).
    """
    image = rows.transpose(1, 2).unsqueeze(2)
    return functional.conv2d(image, weight, bias, dilation=(1, dilation), groups=groups).squeeze(2).transpose(1, 2)


def channels_last_weight(weight: Tensor) -> Tensor:
    """Conv1d weight (C_out, C_in, K) as a channels-last conv2d weight (C_out, C_in, 1, K)."""
    return weight.detach().unsqueeze(2).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, eq=False)
class NormWeights:
    """LayerNorm over channels: weight and bias (C,) or None."""

    weight: Tensor | None
    bias: Tensor | None = None
    epsilon: float = 1e-5

    def __call__(self, rows: Tensor) -> Tensor:
        """Normalise the last axis."""
        return functional.layer_norm(rows, (rows.shape[-1],), self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, eq=False)
class PostNormConvLayer:
    """GPN's layer: x + LN(GELU(conv(x))), then x + LN(GELU(linear(x))) (songlab-cal/gpn, gpn/legacy.py).

    ``conv_weight`` (C, C, K) with odd K, ``linear_weight`` (C, C), biases (C,) or None.
    """

    conv_weight: Tensor
    conv_bias: Tensor | None
    dilation: int
    conv_norm: NormWeights
    linear_weight: Tensor
    linear_bias: Tensor | None
    linear_norm: NormWeights

    def __post_init__(self) -> None:
        if self.conv_weight.dim() == 3:
            object.__setattr__(self, "conv_weight", channels_last_weight(self.conv_weight))
        if self.conv_weight.shape[-1] % 2 == 0:
            raise ModelError(f"A kernel of {self.conv_weight.shape[-1]} has no centre row; only odd kernels keep the length.")

    @property
    def reach(self) -> int:
        """Rows to either side."""
        return self.dilation * (self.conv_weight.shape[-1] // 2)

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        """See `LocalLayer`; zero rows stay zero rows here, so ``outside`` is not needed."""
        reach = self.reach
        moved = functional.gelu(convolve_rows(rows, self.conv_weight, self.conv_bias, self.dilation))
        middle = rows[:, reach : rows.shape[1] - reach] + self.conv_norm(moved)
        return middle + self.linear_norm(functional.gelu(functional.linear(middle, self.linear_weight, self.linear_bias)))


@dataclass(frozen=True, eq=False)
class ConeReference:
    """The reference's rows before every layer, and its scores.

    ``padded[l]``: (reach_l + L + reach_l, C) rows before layer l with zero rows beyond the ends. ``scores`` (L, K).
    """

    padded: tuple[Tensor, ...]
    scores: Tensor

    @property
    def length(self) -> int:
        """L."""
        return self.scores.shape[0]


@dataclass(frozen=True, eq=False)
class _Places:
    """Numbers int64 (B,) of the mutants of a batch, on their device and on the host, which decides by them without waiting for the device."""

    there: Tensor
    here: Tensor

    @classmethod
    def of(cls, there: Tensor) -> _Places:
        """Asks the device once."""
        return cls(there, there.cpu())

    def __getitem__(self, part: slice) -> _Places:
        there = self.there[part]
        return _Places(there, there if self.here is self.there else self.here[part])

    def each(self, work: Callable[[Tensor], Tensor]) -> _Places:
        """``work`` on both; on a CPU, where both are one, once."""
        there = work(self.there)
        return _Places(there, there if self.here is self.there else work(self.here))


@dataclass(frozen=True, eq=False)
class _Windows:
    """Changed rows of some mutants: ``rows`` (B, W, C) are sequence rows ``start[b]`` to ``start[b] + W``."""

    positions: _Places
    start: _Places
    rows: Tensor
    half: int


class Cone:
    """Scores mutants of a local stack by cone recomputation.

    Parameters
    ----------
    layers : sequence of LocalLayer
        The stack, in order.
    head : callable
        (..., C) to (..., K) scores; acts on each row alone.
    rows_per_product : int or None
        Largest number of rows in one product; batches split as their windows grow. None: as suits the device.
    """

    def __init__(self, layers: Sequence[LocalLayer], head: Callable[[Tensor], Tensor], rows_per_product: int | None = None) -> None:
        self.layers = tuple(layers)
        self.head = head
        self.rows_per_product = rows_per_product

    @property
    def reach(self) -> int:
        """Rows to either side that a change can reach at all."""
        return sum(layer.reach for layer in self.layers)

    def gain(self, length: int) -> float:
        """Rows of full passes over rows computed here, averaged over every position of a sequence of ``length``."""
        half, rows = 0, 0.0
        for layer in self.layers:
            half += layer.reach
            missing = max(0, length - half - 1)
            outside = missing * (missing + 1) / length  # rows that windows clipped at either end leave out, averaged over positions
            rows += max(1.0, length - outside)
        return len(self.layers) * length / rows if rows else 1.0

    def full(self, rows: Tensor) -> Tensor:
        """Scores (B, L, K) of whole inputs (B, L, C) in the layout of the cone, without keeping anything."""
        start = _at_the_beginning(rows.device)
        for layer in self.layers:
            interruption_point()
            wide = functional.pad(rows, (0, 0, layer.reach, layer.reach))
            rows = layer(wide, _beyond(start, rows.shape[1], layer.reach, rows.shape[1]))
        return self.head(rows)

    def reference(self, rows: Tensor) -> ConeReference:
        """Run the reference, rows (L, C) before the first layer, and keep what mutants share."""
        padded, current = [], rows.unsqueeze(0)
        for layer in self.layers:
            interruption_point()
            wide = functional.pad(current, (0, 0, layer.reach, layer.reach))
            padded.append(wide[0])
            current = layer(wide, _beyond(_at_the_beginning(rows.device), rows.shape[0], layer.reach, rows.shape[0]))
        return ConeReference(tuple(padded), self.head(current)[0])

    def scores(self, reference: ConeReference, positions: Tensor, changed: Tensor) -> Tensor:
        """Scores (B, L, K) of B mutants.

        Parameters
        ----------
        reference : ConeReference
            Of the unchanged sequence.
        positions : Tensor
            int64 (B,), the changed row of each mutant.
        changed : Tensor
            (B, C), what stands in that row before the first layer.
        """
        order = torch.argsort(positions, stable=True)
        out = reference.scores.unsqueeze(0).repeat(positions.shape[0], 1, 1)
        places = _Places.of(positions[order])
        first = _Windows(places, places, changed[order].unsqueeze(1), 0)
        self._descend(reference, 0, first, order, out)
        return out

    def _descend(self, reference: ConeReference, level: int, windows: _Windows, where: Tensor, out: Tensor) -> None:
        """Run from ``level`` to the head and write the scores of mutant b to ``out[where[b]]``; halves the batch when it grows too large."""
        while level < len(self.layers):
            interruption_point()
            start, width = self._next_window(reference.length, windows, self.layers[level].reach)
            count = len(windows.rows)
            if count > 1 and count * width > self._most_rows(windows.rows.device):
                middle = count // 2
                for part in (slice(0, middle), slice(middle, count)):
                    piece = _Windows(windows.positions[part], windows.start[part], windows.rows[part], windows.half)
                    self._descend(reference, level, piece, where[part], out)
                return
            windows = self._step(reference, level, windows, start, width)
            level += 1
        scores = self.head(windows.rows)
        columns = windows.start.there[:, None] + torch.arange(scores.shape[1], device=scores.device)
        out[where[:, None], columns] = scores.to(out.dtype)

    def _most_rows(self, device: torch.device) -> int:
        if self.rows_per_product is not None:
            return self.rows_per_product
        return ROWS_PER_PRODUCT if device.type == "cpu" else ROWS_PER_PRODUCT_ON_A_GPU

    def _next_window(self, length: int, windows: _Windows, reach: int) -> tuple[_Places, int]:
        """Start (B,) and common width of the rows that change once a layer of ``reach`` has run."""
        half = windows.half + reach
        low = (windows.positions.here - half).clamp(min=0)
        high = (windows.positions.here + half + 1).clamp(max=length)
        width = max(int((high - low).max()), windows.rows.shape[1])
        return windows.positions.each(lambda places: (places - half).clamp(min=0).clamp(max=length - width)), width

    def _step(self, reference: ConeReference, level: int, windows: _Windows, start: _Places, width: int) -> _Windows:
        """One layer: reference flanks around the changed rows, then a valid convolution."""
        layer = self.layers[level]
        reach, old = layer.reach, windows.rows.shape[1]
        if old == reference.length:
            buffer = functional.pad(windows.rows, (0, 0, reach, reach))
        else:
            padded = reference.padded[level]
            wide, channels = width + 2 * reach, padded.shape[-1]
            every = padded.as_strided((padded.shape[0] - wide + 1, wide, channels), (channels, channels, 1))
            buffer = every.index_select(0, start.there)
            offsets = windows.start.here - start.here + reach
            first = int(offsets[0])
            if bool((offsets == first).all()):
                buffer[:, first : first + old] = windows.rows
            else:
                offset = windows.start.there - start.there + reach
                columns = offset[:, None] + torch.arange(old, device=offset.device)
                rows = torch.arange(buffer.shape[0], device=offset.device)[:, None] * wide
                buffer.view(-1, channels).index_copy_(0, (rows + columns).flatten(), windows.rows.reshape(-1, channels))
        rows = layer(buffer, _beyond(start, width, reach, reference.length))
        return _Windows(windows.positions, start, rows, windows.half + reach)


def _beyond(start: _Places, width: int, reach: int, length: int) -> Tensor | None:
    """Bool (B, width + 2 * reach): rows beyond the ends of the sequence; None where no window touches an end."""
    if int(start.here.min()) >= reach and int(start.here.max()) + width + reach <= length:
        return None
    place = start.there[:, None] - reach + torch.arange(width + 2 * reach, device=start.there.device)
    return (place < 0) | (place >= length)


def _at_the_beginning(device: torch.device) -> _Places:
    return _Places(torch.zeros(1, dtype=torch.long, device=device), torch.zeros(1, dtype=torch.long))


def proven_local(layer: LocalLayer, channels: int, like: Tensor) -> bool:
    """Whether a change of one row leaves every row beyond ``layer.reach`` bit for bit the same (perturbation test on random rows).

    ``like`` gives device and dtype. A layer with a global operation (pooling, norm over positions) fails.
    """
    reach = layer.reach
    length = 2 * reach + 9
    generator = torch.Generator().manual_seed(7)
    rows = torch.randn(1, length + 2 * reach, channels, generator=generator).to(like)
    changed = rows.clone()
    row = reach + 1  # the second row of the output
    changed[0, row] = torch.randn(channels, generator=generator).to(like)
    different = (layer(rows, None) != layer(changed, None)).any(-1)[0]
    return not bool(different[reach + 2 :].any()) and bool(different[1])


def prove(cone: Cone, full: Callable[[Tensor], Tensor], embed: Callable[[Tensor], Tensor], ids: Tensor, other: int) -> bool:
    """Whether ``cone`` may stand in for the model: every layer local, and one mutant scored as the whole model scores it.

    Parameters
    ----------
    cone : Cone
        Built from the model's weights.
    full : callable
        The model itself: ids (1, T) to scores (1, T, K).
    embed : callable
        ids (1, T) to rows (1, T, C) before the first layer.
    ids : Tensor
        int64 (1, T), a short test sequence; ``other`` is the token put at its second place.

    Logs a warning when it does not hold; the caller then computes full passes.
    """
    rows = embed(ids)
    if not all(proven_local(layer, rows.shape[-1], rows) for layer in cone.layers):
        _log.warning("A layer depends on rows beyond its receptive field; mutants are computed by full passes.")
        return False
    mutant = ids.clone()
    mutant[0, 1] = other
    place = torch.ones(1, dtype=torch.long, device=ids.device)
    quick = cone.scores(cone.reference(rows[0]), place, embed(mutant)[:, 1])
    slow = full(mutant)
    if not bool(slow.isfinite().all()):
        return False  # no fault of the cone: whoever reads the model's scores refuses them
    error = float((quick - slow).abs().max())
    allowed = (1e-3 if rows.dtype in (torch.float32, torch.float64) else 5e-2) * max(1.0, float(slow.abs().max()))
    if not error <= allowed:
        _log.warning("The cone differs from the model by %.2g; mutants are computed by full passes.", error)
        return False
    return True
