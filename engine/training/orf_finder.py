"""The weak baseline of the segmenter: open reading frames from a start codon to the stop, the longest ones first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.annotation import Labels, bit
from engine.training.letters import Codes, reverse_complement

SHORTEST = 300
OVERLAP = 0.3


def _codon_numbers(codes: Codes) -> NDArray[np.int64]:
    wide = codes.astype(np.int64)
    numbers = wide[:-2] * 16 + wide[1:-1] * 4 + wide[2:]
    numbers[(codes[:-2] > 3) | (codes[1:-1] > 3) | (codes[2:] > 3)] = -1
    return numbers


STARTS = {"ATG": (14,), "ATG, GTG, TTG": (14, 46, 62)}
"""Numbers of the start codons, by what the choice is called."""
STOPS = (3 * 16 + 0 * 4 + 0, 3 * 16 + 0 * 4 + 2, 3 * 16 + 2 * 4 + 0)  # TAA, TAG, TGA


def open_frames(codes: Codes, shortest: int = SHORTEST, begins: tuple[int, ...] = STARTS["ATG"]) -> list[tuple[int, int]]:
    """(start, end) of the longest frame from a start codon before every stop codon of the forward strand, stop included."""
    numbers = _codon_numbers(codes)
    out = []
    for frame in range(3):
        own = numbers[frame::3]
        begin = 0
        for stop in np.flatnonzero(np.isin(own, STOPS)):
            starts = np.flatnonzero(np.isin(own[begin:stop], begins))
            if starts.size and (stop - begin - starts[0] + 1) * 3 >= shortest:
                out.append((frame + 3 * (begin + int(starts[0])), frame + 3 * int(stop) + 3))
            begin = int(stop) + 1
    return out


def predict(codes: Codes, shortest: int = SHORTEST, begins: tuple[int, ...] = STARTS["ATG"]) -> Labels:
    """Labels of CDS, start and stop codons on both strands; overlapping frames give way to longer ones."""
    length = codes.size
    both = [(low, high, 1) for low, high in open_frames(codes, shortest, begins)]
    both += [(length - high, length - low, -1) for low, high in open_frames(reverse_complement(codes), shortest, begins)]
    taken, kept = np.zeros(length, dtype=np.bool_), []
    for low, high, strand in sorted(both, key=lambda f: f[0] - f[1]):
        if taken[low:high].mean() <= OVERLAP:
            taken[low:high] = True
            kept.append((low, high, strand))
    return labelled(length, kept)


def labelled(length: int, frames: list[tuple[int, int, int]]) -> Labels:
    """Labels of genes in one block: (start, end, strand), stop codon included."""
    labels = np.zeros(length, dtype=np.uint16)
    for low, high, strand in frames:
        side, first, last = ("forward", slice(low, low + 3), slice(high - 3, high))
        if strand < 0:
            side, first, last = "reverse", slice(high - 3, high), slice(low, low + 3)
        labels[low:high] |= bit(f"CDS_{side}")
        labels[first] |= bit(f"start_codon_{side}")
        labels[last] |= bit(f"stop_codon_{side}")
    return labels
