"""ln p(alternate) − ln p(reference) of substitutions whose base is masked, by each model's own recipe: in windows, on both strands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.substitutions import Scan, letter_codes
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.core.protocols import NucleotideModel


@dataclass(frozen=True)
class Strand:
    """One reading direction of the input: what to feed and how to bring answers back."""

    sequence: NucleotideSequence
    reverse: bool

    def index(self, position: int) -> int:
        """Index on this strand of forward ``position``."""
        return len(self.sequence) - 1 - position if self.reverse else position

    def forward_bases(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Columns A, C, G, T of this strand as columns of the forward strand (the complement reverses their order)."""
        return values[..., ::-1] if self.reverse else values

    def windows(self, positions: NDArray[np.int64], width: int) -> Iterator[tuple[NucleotideSequence, int]]:
        """Window of ``width`` bases around each forward position, N outside the sequence, and the index of the base in it."""
        flank = "N" * width
        letters = flank + self.sequence.letters + flank
        even_reverse = self.reverse and width % 2 == 0
        centre = width // 2 - 1 if even_reverse else width // 2
        for position in positions:
            start = self.index(int(position)) - centre + width
            yield NucleotideSequence(letters[start : start + width], self.sequence.alphabet), centre


def strands_of(sequence: NucleotideSequence, *, both: bool) -> tuple[Strand, ...]:
    """The letters as they stand, and, for ``both``, their reverse complement."""
    forward = Strand(sequence, reverse=False)
    return (forward, Strand(sequence.reverse_complement(), reverse=True)) if both else (forward,)


def log_likelihood_ratios(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    monitor: Monitor,
    positions: NDArray[np.int64] | None = None,
    scan: Scan | None = None,
) -> NDArray[np.float64]:
    """ln p(alternate) − ln p(reference) with the base masked, float64 (L, 4), NaN at the reference base and at ambiguous letters.

    ``positions``: int64 (n,) bases to compute, all the others stay NaN; None = every base. ``scan``: of ``sequence``, when the caller has it.
    """
    recipe = model.effect_recipe
    codes = letter_codes(sequence.letters)
    positions = np.flatnonzero(codes >= 0) if positions is None else positions[codes[positions] >= 0]
    strands = strands_of(sequence, both=recipe.both_strands)
    result = np.full((len(sequence), 4), np.nan)
    total = np.zeros((len(positions), 4))
    for strand in strands:
        if recipe.window_bp is None:
            known = scan if scan is not None and not strand.reverse else Scan.of(model, strand.sequence)
            scores = _masked_whole(known, strand, positions, monitor)
        else:
            scores = _masked_windows(model, strand, positions, recipe.window_bp, monitor)
        total += strand.forward_bases(scores)
    own = codes[positions]
    result[positions] = (total - np.take_along_axis(total, own[:, None], axis=1)) / len(strands)
    result[positions, own] = np.nan
    return result


def _masked_whole(scan: Scan, strand: Strand, positions: NDArray[np.int64], monitor: Monitor) -> NDArray[np.float64]:
    """Scores (n, 4) of the four bases at each position of the whole sequence with that position masked."""
    import torch

    here = np.array([strand.index(int(position)) for position in positions], dtype=np.int64)
    scores = np.zeros((len(positions), 4))

    def compute(start: int, end: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = scan.masked_scores(scan.tensor(here[start:end])).double().cpu().numpy()
        return found

    def take(start: int, end: int, found: NDArray[np.float64]) -> None:
        scores[start:end] = found
        monitor.advance(end - start)

    with torch.inference_mode():
        batches(len(positions), scan.batch_size, compute, take, device=scan.model.device)
    return scores


def _masked_windows(
    model: NucleotideModel, strand: Strand, positions: NDArray[np.int64], width: int, monitor: Monitor
) -> NDArray[np.float64]:
    """Scores (n, 4) of the four bases in the masked centre of a window around each position.

    The windows of a batch differ in their letters; a model with a windowed recipe scores token ids alone.
    """
    import torch

    scores = np.zeros((len(positions), 4))
    with torch.inference_mode():
        windows = [(model.prepare(window), centre) for window, centre in strand.windows(positions, width)]

        def compute(start: int, end: int) -> NDArray[np.float64]:
            rows = [model.masked(window, torch.tensor([centre], device=model.device)) for window, centre in windows[start:end]]
            first, centre = windows[start]
            found: NDArray[np.float64] = model.base_logits(first, torch.cat(rows))[:, centre].double().cpu().numpy()
            return found

        def take(start: int, end: int, found: NDArray[np.float64]) -> None:
            scores[start:end] = found
            monitor.advance(end - start)

        if windows:
            batches(len(positions), model.passes_per_batch(windows[0][0]), compute, take, device=model.device)
    return scores
