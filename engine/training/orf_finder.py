"""The baseline of the segmenter: open reading frames from ATG to stop, the longest ones first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.annotation import Labels, bit
from engine.training.letters import Codes, reverse_complement

SHORTEST = 300


def _codon_numbers(codes: Codes) -> NDArray[np.int64]:
    wide = codes.astype(np.int64)
    numbers = wide[:-2] * 16 + wide[1:-1] * 4 + wide[2:]
    numbers[(codes[:-2] > 3) | (codes[1:-1] > 3) | (codes[2:] > 3)] = -1
    return numbers


ATG = 0 * 16 + 3 * 4 + 2
STOPS = (3 * 16 + 0 * 4 + 0, 3 * 16 + 0 * 4 + 2, 3 * 16 + 2 * 4 + 0)  # TAA, TAG, TGA


def open_frames(codes: Codes, shortest: int = SHORTEST) -> list[tuple[int, int]]:
    """(start, end) of the longest ATG-to-stop frame before every stop codon of the forward strand, stop included."""
    numbers = _codon_numbers(codes)
    out = []
    for frame in range(3):
        own = numbers[frame::3]
        begin = 0
        for stop in np.flatnonzero(np.isin(own, STOPS)):
            starts = np.flatnonzero(own[begin:stop] == ATG)
            if starts.size and (stop - begin - starts[0] + 1) * 3 >= shortest:
                out.append((frame + 3 * (begin + int(starts[0])), frame + 3 * int(stop) + 3))
            begin = int(stop) + 1
    return out


def predict(codes: Codes, shortest: int = SHORTEST) -> Labels:
    """Labels of CDS, start and stop codons on both strands; overlapping frames give way to longer ones."""
    length = codes.size
    both = [(low, high, 1) for low, high in open_frames(codes, shortest)]
    both += [(length - high, length - low, -1) for low, high in open_frames(reverse_complement(codes), shortest)]
    labels = np.zeros(length, dtype=np.uint16)
    taken = np.zeros(length, dtype=np.bool_)
    for low, high, strand in sorted(both, key=lambda f: f[0] - f[1]):
        if taken[low:high].mean() > 0.3:
            continue
        taken[low:high] = True
        side, first, last = ("forward", slice(low, low + 3), slice(high - 3, high))
        if strand < 0:
            side, first, last = "reverse", slice(high - 3, high), slice(low, low + 3)
        labels[low:high] |= bit(f"CDS_{side}")
        labels[first] |= bit(f"start_codon_{side}")
        labels[last] |= bit(f"stop_codon_{side}")
    return labels
