"""The memory layer of the shipped language model: what followed, and what came before, the same words in the RNAs of the corpus."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, MASK, is_base

WORD = 12  # bases of a word
STARTS = (-12, 1, -24, 13)  # where the words that speak of a base begin, from the base on
NEAR = 2  # of these, the words next to the base: by them the layer judges itself
SPAN = 64  # bases on either side, beyond the words, over which it does
TOPS = (3, 4, 6, 9, 14, 25, 60)  # steps of how often the commonest letter was seen
SHARES = (0.5, 0.65, 0.8, 0.93)  # steps of its share of all letters seen
LEVELS = (len(TOPS) + 1) * (len(SHARES) + 1)


class Asked:
    """A yes or no of the device, which the host can go on without until it needs it: by then a GPU has long given it, and has more to do."""

    def __init__(self, truth: Tensor) -> None:
        """``truth``: bool, one number."""
        self._truth, self._given = truth, None
        if truth.device.type == "cuda":
            self._truth = torch.empty((), dtype=torch.bool, pin_memory=True)
            self._truth.copy_(truth, non_blocking=True)
            self._given = torch.cuda.current_stream(truth.device).record_event()

    def answer(self) -> bool:
        """Waits until what was queued before the question is done, for nothing that was queued after it."""
        if self._given is not None:
            self._given.synchronize()
        return bool(self._truth)


class MemoryLayer(nn.Module):
    """Votes (B, T, 4) on the masked letters of ids (B, T), from words that the training RNAs hold at least twice.

    Four words of twelve bases speak of a base: the one that ends before it, the one that begins behind it, and the next ones further out.
    A word that was seen beside a base at least twice votes for the letter it was seen with most, by a learned `score` of how often and how
    purely; of the four votes for a letter the highest counts. Votes count as far as the layer is right nearby: in `SPAN` bases on either
    side, none of them within reach of the base, `trust` weighs how many letters its nearest words named rightly and wrongly. `strength`,
    by domain, is zero outside RNA. Of a base that is shown the layer says nothing: dependency maps, which are read without masks, ask what
    bases do to one another, and a word that a substitution breaks is no answer to that.

    A table of the words next to a base is held as two rows of bytes: the steps from one word's number to the next (0 to 255), and per
    word 0 for nothing (a step too long for one byte) or 1 + 4 level + letter. A word's number writes its letters in base four.
    """

    tables: Tensor

    def __init__(self, sizes: tuple[int, ...] = (0,) * len(STARTS)) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.ones(len(STARTS), LEVELS))
        self.trust = nn.Parameter(torch.tensor([0.1, -0.1, 0.0]))
        self.strength = nn.Parameter(torch.tensor([1.0 if domain == "rna" else 0.0 for domain in DOMAINS]))
        for place, size in enumerate(sizes):
            self.register_buffer(f"words{place}", torch.zeros(2, size, dtype=torch.uint8))
        self.register_buffer("tables", torch.zeros(len(sizes), 4**WORD, dtype=torch.uint8), persistent=False)
        self._unpacked = False

    def unpacked(self) -> Tensor:
        """The code of every word's number, uint8 (words, 4 ** WORD); unpacked when it is first asked for."""
        if not self._unpacked:
            for place, table in enumerate(self.tables):
                steps, codes = self.get_buffer(f"words{place}")
                table[steps.long().cumsum(0)] = codes
            self._unpacked = True
        return self.tables

    def speaks(self, ids: Tensor) -> Asked:
        """Whether there is anything to say: a letter is masked, in a domain where votes count."""
        return Asked(((ids == MASK) & (self.strength[ids[:, :1] - DOMAIN] != 0)).any())

    def forward(self, ids: Tensor, speaks: Asked | None = None) -> Tensor:
        """Votes in the scale of logits. ``speaks``: of `speaks`, asked before; else it is asked now."""
        hidden = ids == MASK
        if not (speaks or self.speaks(ids)).answer():
            return torch.zeros(*ids.shape, 4, device=ids.device)
        known = is_base(ids)
        letters = torch.where(known, ids - BASE, 0)
        reach = (-min(STARTS), WORD + max(STARTS) - 1)
        number = word_numbers(functional.pad(letters, reach))
        read = functional.pad(known, reach).unfold(1, WORD, 1).all(dim=-1)
        length = ids.shape[1]
        codes = []
        for start, table in zip(STARTS, self.unpacked(), strict=True):
            part = slice(start - min(STARTS), start - min(STARTS) + length)
            codes.append(table[number[:, part]].long() * read[:, part])
        held = torch.stack(codes, dim=-1)
        votes = self.weigh(held, record(held, torch.where(known, letters, -1)))
        return votes * (self.strength[ids[:, 0] - DOMAIN][:, None] * hidden)[..., None]

    def weigh(self, codes: Tensor, seen: Tensor) -> Tensor:
        """Votes (..., 4) of the words' codes (..., words) and their `record` (..., 2)."""
        score = functional.softplus(self.score)[torch.arange(codes.shape[-1], device=codes.device), (codes - 1).clamp(min=0) // 4]
        votes = (functional.one_hot((codes - 1) % 4, 4) * (score * (codes > 0))[..., None]).amax(dim=-2)
        return votes * torch.sigmoid(seen @ self.trust[:2] + self.trust[2])[..., None]


def record(codes: Tensor, letters: Tensor) -> Tensor:
    """How many letters near each base its nearest words name rightly and wrongly, float32 (B, T, 2).

    codes (B, T, words), letters (B, T), -1 where none is read.
    """
    nearest = codes[..., :NEAR]
    named = (nearest > 0) & (letters >= 0)[..., None]
    right = named & ((nearest - 1) % 4 == letters[..., None])
    return nearby(torch.stack((right.sum(-1), (named & ~right).sum(-1)), dim=-1).float())


def word_numbers(letters: Tensor) -> Tensor:
    """Numbers (B, n - WORD + 1) of the words that begin at each of the letters (B, n), which are 0 to 3."""
    pairs = letters[:, :-1] * 4 + letters[:, 1:]
    fours = pairs[:, :-2] * 16 + pairs[:, 2:]
    eights = fours[:, :-4] * 256 + fours[:, 4:]
    return eights[:, :-4] * 256 + fours[:, 8:]


def nearby(x: Tensor) -> Tensor:
    """Sums of x (B, T, n) over the `SPAN` bases before and behind each base that begin `WORD` bases from it."""
    length = x.shape[1]
    total = functional.pad(x.cumsum(dim=1), (0, 0, 1, 0))
    place = torch.arange(length, device=x.device)

    def upto(end: Tensor) -> Tensor:
        return total[:, end.clamp(0, length)]

    before = upto(place - WORD) - upto(place - WORD - SPAN)
    behind = upto(place + WORD + 1 + SPAN) - upto(place + WORD + 1)
    return before + behind
