"""Arithmetic of k-mer vocabularies: ids from base codes, and probabilities of bases from scores of k-mers.

Bases are coded A, C, G, T = 0..3 and 4 for any other letter; k-mers are in lexicographic order of A, C, G, T.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from engine.core.sequence import BASES

UNKNOWN = 4
_SMALLEST = 1e-30  # below this a float32 sum of exponentials loses digits
_CODES = np.full(256, UNKNOWN, dtype=np.int64)
_CODES[[ord(base) for base in BASES]] = range(4)


def base_codes(letters: str) -> Tensor:
    """int64 (L,) codes of upper-case DNA letters."""
    return torch.from_numpy(_CODES[np.frombuffer(letters.encode("ascii"), dtype=np.uint8)])


def kmer_ids(vocabulary: Mapping[str, int], k: int) -> Tensor:
    """int64 (4^k,) token id of each k-mer in lexicographic order."""
    return torch.tensor([vocabulary["".join(kmer)] for kmer in itertools.product(BASES, repeat=k)], dtype=torch.int64)


def lookup_table(ids: Tensor, k: int, unknown: int) -> Tensor:
    """int64 (5^k,) token id by base-5 number of the k codes; ``unknown`` where a letter is not a base."""
    table = torch.full((5,) * k, unknown, dtype=torch.int64)
    table[(slice(0, 4),) * k] = ids.view((4,) * k)
    return table.flatten()


def numbers(codes: Tensor, k: int, step: int = 1) -> Tensor:
    """Base-5 number of every window of ``k`` codes at stride ``step``; (..., L) to (..., windows)."""
    count = (codes.shape[-1] - k) // step + 1
    total = torch.zeros((*codes.shape[:-1], count), dtype=torch.int64, device=codes.device)
    for offset in range(k):
        total = total * 5 + codes[..., offset : offset + (count - 1) * step + 1 : step]
    return total


def offset_matrix(k: int) -> Tensor:
    """float32 (4^k, 4k): 1 where the k-mer has base n at offset o, column 4o + n."""
    index = torch.arange(4**k)
    matrix = torch.zeros(4**k, k, 4)
    for offset in range(k):
        base = index // 4 ** (k - 1 - offset) % 4
        matrix[index, offset, base] = 1.0
    return matrix.view(4**k, 4 * k)


def log_marginals(logits: Tensor, matrix: Tensor) -> Tensor:
    """Log-probability of each base at each offset of a k-mer token, softmax over the k-mers alone.

    Parameters
    ----------
    logits : float32 (..., 4^k)
        Scores of the k-mers in lexicographic order.
    matrix : float32 (4^k, 4k)
        From `offset_matrix`.

    Returns
    -------
    float32 (..., k, 4). One matrix product; where a probability is so small that the product would lose digits, sums of exponentials
    with their own maximum instead.
    """
    k = matrix.shape[1] // 4
    marginals = torch.softmax(logits, dim=-1) @ matrix
    if bool((marginals < _SMALLEST).any()):
        return _exact_log_marginals(logits, k)
    return marginals.log().view(*logits.shape[:-1], k, 4)


def _exact_log_marginals(logits: Tensor, k: int) -> Tensor:
    scores = torch.log_softmax(logits, dim=-1)
    columns = []
    for offset in range(k):
        split = scores.view(*logits.shape[:-1], 4**offset, 4, 4 ** (k - 1 - offset))
        columns.append(split.transpose(-3, -2).flatten(-2).logsumexp(-1))
    return torch.stack(columns, dim=-2)


def overlapping_log_probabilities(log_marginal: Tensor) -> Tensor:
    """Log of the mean over the k tokens that cover a base, tokens at stride 1: (B, T, k, 4) to (B, T + k - 1, 4).

    The first and last k − 1 bases are covered by fewer tokens and still divided by k, as the authors do, so their probabilities sum to
    less than 1 (``ReconstructionModel`` of gagneurlab/dependencies_DNALM).
    """
    batch, tokens, k, _ = log_marginal.shape
    if k == 1:
        return log_marginal[:, :, 0]
    padded = torch.full((batch, tokens + k - 1, k, 4), -torch.inf, dtype=log_marginal.dtype, device=log_marginal.device)
    for offset in range(k):
        padded[:, offset : offset + tokens, offset] = log_marginal[:, :, offset]
    return padded.logsumexp(dim=2) - float(np.log(k))
