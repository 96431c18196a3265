"""A plain dependency map as its authors' notebook computes it, on the same weights: what `engine.bench.encoders` compares with.

Procedure of gagneurlab/dependencies_DNALM, compute_and_visualize_dep_maps.ipynb (own code): every mutant as a string, batches of fixed
size, logits over the whole vocabulary brought to the host, softmax there, float32 probabilities with an epsilon, log2 odds as
log2 p − log2(1 − p), and the whole table of effects before its maximum. Six-base tokens are expanded to (batch, L, 6, 4096, 4) as there.
Left out, in its favour: the Hugging Face tokenizer and data loader in 20 processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

EPSILON = 1e-10
SPECIALS = 5


@dataclass(frozen=True)
class PlainModel:
    """A `transformers` BERT with a published vocabulary: special tokens, then k-mers in the order of ``product("ATCG")``, then a species.

    ``batch``: sequences in one forward pass (the notebook's 64 for single bases, 8 for 6-mers).
    """

    bert: Any
    vocabulary: dict[str, int]
    k: int
    species: str
    batch: int
    device: str = "cpu"


def plain_rows(model: PlainModel, letters: str, positions: list[int]) -> NDArray[np.float32]:
    """Rows of the map float32 (len(positions), L) for the bases that are changed, diagonal 0."""
    import torch

    mutants = [(i, base, letters[:i] + base + letters[i + 1 :]) for i in positions for base in "ACGT" if base != letters[i]]
    with torch.no_grad():
        probabilities = _predict(model, [letters, *(mutant for _, _, mutant in mutants)])
    renormalised = probabilities + np.float32(EPSILON)
    renormalised /= renormalised.sum(axis=-1, keepdims=True)
    odds = np.log2(renormalised) - np.log2(1 - renormalised)
    effects = np.zeros((len(positions), len(letters), 4, 4))
    for (i, base, _), row in zip(mutants, odds[1:], strict=True):
        effects[positions.index(i), :, "ACGT".index(base)] = row - odds[0]
    values: NDArray[np.float32] = np.abs(effects).max(axis=(2, 3)).astype(np.float32)
    values[np.arange(len(positions)), positions] = 0
    return values


def _predict(model: PlainModel, sequences: list[str]) -> NDArray[np.float32]:
    """Probabilities float32 (n, L, 4) of A, C, G, T."""
    import torch

    parts = []
    for start in range(0, len(sequences), model.batch):
        ids = torch.tensor([_ids(model, text) for text in sequences[start : start + model.batch]], device=model.device)
        logits = model.bert(input_ids=ids).logits.cpu().float()[:, 2:-1]
        parts.append(_single(model, logits) if model.k == 1 else _expanded(model, logits))
    return torch.cat(parts).numpy()


def _ids(model: PlainModel, letters: str) -> list[int]:
    words = [letters[i : i + model.k] for i in range(len(letters) - model.k + 1)]
    table = model.vocabulary
    return [table["[CLS]"], table[model.species], *(table[word] for word in words), table["[SEP]"]]


def _single(model: PlainModel, logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(-1)[..., [model.vocabulary[base] for base in "ACGT"]]


def _expanded(model: PlainModel, logits: torch.Tensor) -> torch.Tensor:
    """Mean over the six tokens that cover a base of the mass of k-mers with each letter at its place."""
    import torch
    from torch.nn.functional import pad

    k = model.k
    words = [
        word for word, index in sorted(model.vocabulary.items(), key=lambda item: item[1]) if len(word) == k and set(word) <= set("ACGT")
    ]
    letter = torch.tensor([["ACGT".index(base) for base in word] for word in words])
    share = torch.nn.functional.one_hot(letter.T, 4).float()
    probabilities = logits[..., SPECIALS : SPECIALS + len(words)].softmax(-1)
    padded = pad(probabilities, (0, 0, k - 1, k - 1))
    covering = padded.unfold(1, k, 1).permute(0, 1, 3, 2).flip(2)
    return (covering[..., None] * share).sum(3).sum(2) / k
