"""The one scan under dependency maps, influence, effects and likelihood differences.

Token ids of all single-substitution mutants are written straight into a batch on the device, the batch goes through the model once, and
readers reduce its scores on the device at once: nothing of shape (mutants, L, 4) or (mutants, L, vocabulary) is ever kept. Beyond the
model the scan holds one float32 row per changed base and the scores of one batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engine.analyses.batches import batches, each
from engine.analyses.log_odds import Scale
from engine.analyses.shared_passes import Ahead, shared_passes, worth_sharing
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.parameters import Precision
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import MaskingModel, MutantModel, NucleotideModel, PreciseMutantModel, Prepared
from engine.core.quoting import quoted
from engine.core.sequence import BASES, NucleotideSequence

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

_log = logging.getLogger(__name__)

Window = tuple[int, int]


class Reader(Protocol):
    """Reduces the scores of mutants; everything stays on the model's device."""

    @property
    def normalised(self) -> bool:
        """Whether it needs log-probabilities over the whole vocabulary."""

    def start(self, reference: Tensor) -> None:
        """Scores float32 (L, 4) of the reference sequence."""

    def reduced(self, positions: Tensor, alternates: Tensor, logits: Tensor) -> Tensor:
        """What matters of the scores float32 (B, L, 4) of mutants: base ``positions[b]`` became ``alternates[b]``; NaN where not comparable.

        Changes nothing; several batches may be reduced at once.
        """

    def take(self, positions: Tensor, alternates: Tensor, reduced: Tensor) -> None:
        """Keep what `reduced` made of a batch."""


def letter_codes(letters: str) -> NDArray[np.int64]:
    """Index in A, C, G, T of each letter (U as T), −1 for an ambiguous one; int64 (L,)."""
    table = np.full(256, -1, dtype=np.int64)
    for code, base in enumerate(BASES):
        table[ord(base)] = code
    table[ord("U")] = BASES.index("T")
    return table[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)]


def coarse_to_fine(width: int) -> NDArray[np.int64]:
    """A permutation of 0..width−1 in bit-reversed order: any beginning of it is spread evenly, so that a partial map is a coarse map."""
    bits = max(1, (width - 1).bit_length())
    numbers = np.arange(1 << bits, dtype=np.int64)
    reversed_bits = np.zeros_like(numbers)
    for bit in range(bits):
        reversed_bits |= ((numbers >> bit) & 1) << (bits - 1 - bit)
    return reversed_bits[reversed_bits < width]


def checked_window(window: Window | None, length: int) -> Window:
    """``window`` or the whole sequence. Raises `ParameterError` when it reaches beyond the sequence."""
    if window is None:
        return 0, length
    if window[1] > length:
        raise ParameterError(f"The window {window[0] + 1:,}-{window[1]:,} reaches beyond the sequence; positions 1 to {length:,} exist.")
    return window


@dataclass(frozen=True, eq=False)
class Substitutions:
    """Every single substitution of a window, three of a base in a row; ambiguous letters are not changed.

    ``positions``, ``alternates``: int64 (3n,) in the order they are computed. ``changed``: int64 (n,) bases in that order.
    """

    positions: NDArray[np.int64]
    alternates: NDArray[np.int64]
    changed: NDArray[np.int64]

    @classmethod
    def of(cls, letters: str, window: Window, *, in_order: bool = False) -> Substitutions:
        """Substitutions of ``letters[window]``, coarse to fine, or from left to right with ``in_order``."""
        codes = letter_codes(letters)
        width = window[1] - window[0]
        order = (np.arange(width) if in_order else coarse_to_fine(width)) + window[0]
        changed = order[codes[order] >= 0]
        alternates = (np.arange(1, 4)[None, :] + codes[changed][:, None]) % 4
        return cls(np.repeat(changed, 3), np.sort(alternates, axis=1).ravel(), changed)

    def of_rows(self, wanted: NDArray[np.bool_], offset: int) -> Substitutions:
        """Those of the bases for which ``wanted`` (W,), whose first base has index ``offset``, is True; in the same order."""
        kept = wanted[self.changed - offset]
        threefold = np.repeat(kept, 3)
        return Substitutions(self.positions[threefold], self.alternates[threefold], self.changed[kept])

    def __len__(self) -> int:
        return len(self.positions)


DELTA_FROM_BP = 128
"""Shorter sequences gain little from differences and are computed exactly."""
DELTA_TOLERANCE = 0.01
_PROBED = 4


Looked = Callable[["Tensor", "Tensor", "Tensor", "Tensor"], None]
"""Is shown exact rows before the scan: scores (L, 4) of the reference, positions and alternates (B,), the mutants' scores (B, L, 4)."""


def _is_close(exact: Scan, delta: Scan, looked: Looked | None) -> bool:
    """Whether differences are worth their while on this sequence and within the tolerance."""
    if len(exact.reference.letters) < DELTA_FROM_BP:
        return False
    try:
        return _difference(exact, delta, looked) <= DELTA_TOLERANCE
    except CapabilityMissing as error:
        _log.warning("%s The map is computed exactly.", error)
        return False


def _difference(exact: Scan, other: Scan, looked: Looked | None = None) -> float:
    """How far ``other`` is from ``exact`` on the changes of log2 odds that a few spread substitutions make, relative.

    The larger of two: the norm of the difference over that of the exact changes, and the median over bases of the relative difference.
    ``looked`` is shown the exact rows, two bases at a time. Call under ``torch.inference_mode``.
    """
    import torch

    scale, device = Scale(), exact.model.device
    few = Substitutions.of(exact.reference.letters, (0, len(exact.reference.letters)))
    positions, alternates = (exact.tensor(values[: 3 * _PROBED]) for values in (few.positions, few.alternates))
    if not len(positions):
        return float("inf")
    logits = exact._reference_of_scan(normalised=False)
    reference = scale(logits)

    def scores(scan: Scan, first: int) -> Tensor:
        return scan.mutant_logits(positions[first : first + 3], alternates[first : first + 3], normalised=False)

    def changes(mutants: list[Tensor]) -> Tensor:
        moved = (scale(torch.cat(mutants)) - reference).abs().amax(dim=-1)
        return moved.scatter(1, positions[:, None], 0)

    starts = range(0, len(positions), 3)
    exactly: list[Tensor] = []
    for pair in (starts[begin : begin + 2] for begin in range(0, len(starts), 2)):
        exactly += each(device, *(partial(scores, exact, first) for first in pair))
        if looked is not None:
            end = min(pair[-1] + 3, len(positions))
            looked(logits, positions[:end], alternates[:end], torch.cat(exactly))
    one, two = changes(exactly), changes(each(device, *(partial(scores, other, first) for first in starts)))
    apart = (one - two).abs()
    whole = float(apart.norm() / one.norm()) if float(one.norm()) > 0 else float("inf")
    return max(whole, float((apart / one)[one > 0].median()))


def numbers(model: NucleotideModel, scores: Tensor) -> Tensor:
    """``scores``, which must be numbers: activations beyond the range of float16 end as NaN. Raises `CapabilityMissing` with the remedy."""
    if bool(scores.isnan().any()):
        raise _no_numbers(model)
    return scores


def numbers_of_mutants(model: NucleotideModel, scores: Tensor) -> Tensor:
    """`numbers` for scores of mutants; of a model with gaps of its own (see `MutantsAreNumbers`) as they are."""
    return scores if getattr(model, "leaves_gaps", False) else numbers(model, scores)


def _no_numbers(model: NucleotideModel) -> CapabilityMissing:
    return CapabilityMissing(
        f"{model.card.title} gives no numbers for this sequence in {model.dtype}; "
        f"{'its weights are damaged: install them again' if model.dtype == 'float32' else 'choose the dtype float32'}."
    )


class MutantsAreNumbers:
    """What `numbers` asks of a reference, of all mutants of a scan: one whose activations leave the range of float16 is no gap in the result.

    A model with gaps of its own (``leaves_gaps``: where a mutant's tokens cannot be compared) is not asked. On a GPU the answer is waited for once,
    at the end; on a CPU after each batch.
    """

    def __init__(self, model: NucleotideModel) -> None:
        self._model = model
        self._asked = not getattr(model, "leaves_gaps", False)
        self._doubtful: Tensor | None = None

    def look(self, logits: Tensor) -> Tensor | None:
        """Whether some of a batch's scores are no numbers, a bool on the device. Changes nothing; several batches may be looked at at once."""
        return logits.isnan().any() if self._asked else None

    def take(self, found: Tensor | None) -> None:
        """Keep what `look` said of a batch. Raises `CapabilityMissing` on a CPU."""
        if found is None:
            return
        self._doubtful = found if self._doubtful is None else self._doubtful | found
        if found.device.type == "cpu":
            self.end()

    def end(self) -> None:
        """Raises `CapabilityMissing` when some score was no number."""
        if self._doubtful is not None and bool(self._doubtful):
            raise _no_numbers(self._model)


class Pace:
    """Lets the host queue one batch ahead of a GPU and no further, so that progress, turns and a cancel are about what has been computed.

    A GPU takes work without finishing it: a host that never waits has queued a whole map in milliseconds and holds its device for minutes.
    One batch ahead is enough for the device never to be idle. On a CPU nothing is queued.
    """

    def __init__(self, device: str) -> None:
        self._device = device if device.startswith("cuda") else ""
        self._last: torch.cuda.Event | None = None

    def step(self) -> None:
        """Call after a batch is queued: returns when the batch before it is computed."""
        if not self._device:
            return
        import torch

        queued = torch.cuda.current_stream(self._device).record_event()
        if self._last is not None:
            self._last.synchronize()
        self._last = queued


@dataclass(frozen=True, eq=False)
class Scan:
    """A model, a prepared reference and how precisely its mutants are scored."""

    model: NucleotideModel
    reference: Prepared
    precision: Precision = "exact"
    tau: float = 0.05

    @classmethod
    def of(
        cls,
        model: NucleotideModel,
        sequence: NucleotideSequence,
        precision: Precision = "exact",
        tau: float = 0.05,
        looked: Looked | None = None,
    ) -> Scan:
        """Tokenise ``sequence``. Raises `CapabilityMissing` for a model that does not score bases or has no such precision.

        ``auto`` becomes ``delta`` where the model's usual precision here is ``delta`` and some exact rows of this sequence confirm it,
        otherwise ``exact``; ``looked`` is shown those rows. A precision that is named is never refused for its speed.
        """
        if not isinstance(model, NucleotideModel):
            raise CapabilityMissing(f"{model.card.title} does not predict single bases; choose a nucleotide language model.")
        offered = model.precisions if isinstance(model, PreciseMutantModel) else ("exact",)
        if precision not in (*offered, "auto"):
            raise CapabilityMissing(
                f"{model.card.title} has no precision {quoted(precision)} on this device; it offers {', '.join(offered)}."
            )
        import torch

        with torch.inference_mode():
            reference = model.prepare(sequence)
            if precision != "auto":
                return cls(model, reference, precision, tau)
            exact = cls(model, reference)
            if not isinstance(model, PreciseMutantModel) or model.usual_precision != "delta":
                return exact
            delta = cls(model, reference, "delta")
            return delta if _is_close(exact, delta, looked) else exact

    @property
    def batch_size(self) -> int:
        """Sequences in one forward pass."""
        return max(1, self.model.passes_per_batch(self.reference))

    def reference_logits(self, *, normalised: bool) -> Tensor:
        """Scores float32 (L, 4) of the reference; call under ``torch.inference_mode``. Raises `CapabilityMissing` when they are no numbers."""
        return numbers(self.model, self.model.base_logits(self.reference, self.reference.ids[None], normalised=normalised)[0])

    def mutant_logits(self, positions: Tensor, alternates: Tensor, *, normalised: bool) -> Tensor:
        """Scores float32 (B, L, 4) of mutants by the fastest way the model has at this precision."""
        model, reference = self.model, self.reference
        if isinstance(model, PreciseMutantModel):
            return model.mutant_logits(reference, positions, alternates, normalised=normalised, precision=self.precision, tau=self.tau)
        if isinstance(model, MutantModel):
            return model.mutant_logits(reference, positions, alternates, normalised=normalised)
        return model.base_logits(reference, model.mutants(reference, positions, alternates), normalised=normalised)

    def masked_scores(self, positions: Tensor) -> Tensor:
        """Scores float32 (B, 4) of the four bases at ``positions`` (B,), each masked in its own pass. Raises as `reference_logits`."""
        import torch

        if isinstance(self.model, MaskingModel):
            logits = self.model.masked_logits(self.reference, positions)
        else:
            logits = self.model.base_logits(self.reference, self.model.masked(self.reference, positions))
        return numbers(self.model, logits[torch.arange(len(positions), device=logits.device), positions])

    def tensor(self, values: NDArray[np.int64]) -> Tensor:
        """``values`` on the model's device."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(values)).to(self.model.device)

    def run(
        self,
        substitutions: Substitutions,
        readers: Sequence[Reader],
        monitor: Monitor | None = None,
        after: Callable[[int], None] | None = None,
        begin: int = 0,
    ) -> None:
        """Score ``substitutions`` from the one of index ``begin`` on and give every batch to ``readers``.

        After every batch ``after`` is called with the number of substitutions finished, then ``monitor.advance`` with the batch's number of
        passes (the caller has called ``start``). What ``monitor`` raises to stop the scan goes through. Raises `CapabilityMissing` as
        `MutantsAreNumbers` does.
        """
        import torch

        watcher = monitor or SilentMonitor()
        normalised = any(reader.normalised for reader in readers)
        with torch.inference_mode():
            reference = self._reference_of_scan(normalised)
            for reader in readers:
                reader.start(reference)
            count, size, device = len(substitutions), self.batch_size, self.model.device
            size = size // 3 * 3 if size >= 3 else size  # a base's three stay together where they fit
            positions, alternates = self.tensor(substitutions.positions), self.tensor(substitutions.alternates)
            pace, sound = Pace(device), MutantsAreNumbers(self.model)
            ahead = self._ahead(positions, alternates, normalised) if worth_sharing(device) else None

            def compute(start: int, end: int) -> tuple[list[Tensor], Tensor | None]:
                here, there = positions[start:end], alternates[start:end]
                logits = self.mutant_logits(here, there, normalised=normalised) if ahead is None else ahead.scores(start, end)
                return [reader.reduced(here, there, logits) for reader in readers], sound.look(logits)

            def take(start: int, end: int, computed: tuple[list[Tensor], Tensor | None]) -> None:
                reduced, doubtful = computed
                sound.take(doubtful)
                for reader, found in zip(readers, reduced, strict=True):
                    reader.take(positions[start:end], alternates[start:end], found)
                pace.step()
                if ahead is not None and end < count:
                    ahead.prepare(end, min(count, 2 * end - start))
                if after is not None:
                    after(end)
                watcher.advance(end - start)

            try:
                if ahead is not None and count:
                    ahead.prepare(begin, min(count, begin + size))
                watcher.advance(1)
                batches(count, size, compute, take, device="" if ahead is not None else device, begin=begin)
                sound.end()
            finally:
                if ahead is not None:
                    ahead.close()

    def _reference_of_scan(self, normalised: bool) -> Tensor:
        """`reference_logits`, on one core as the mutants' passes are."""
        return each(self.model.device, lambda: self.reference_logits(normalised=normalised))[0]

    def _ahead(self, positions: Tensor, alternates: Tensor, normalised: bool) -> Ahead | None:
        """Where this scan's batches meet those of others; None for mutants that are scored by faster ways than whole passes."""
        model, reference = self.model, self.reference
        passes = shared_passes(model, self.precision)
        if passes is None:
            return None
        return Ahead(
            passes, model, reference, normalised, lambda start, end: model.mutants(reference, positions[start:end], alternates[start:end])
        )


def own_columns(positions: Tensor, width: int, offset: int = 0) -> Tensor:
    """bool (B, width): the column of each mutant's own changed base (False everywhere when it lies outside the window)."""
    import torch

    columns: torch.Tensor = torch.arange(offset, offset + width, device=positions.device)
    return columns[None, :] == positions[:, None]
