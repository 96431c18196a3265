"""The codon layer of the shipped language model: what the six reading frames around a base say of its letter."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, is_base, reverse_complement

OTHER = 4  # in place of a letter that is masked, unknown or outside
STOPS = tuple(16 * "ACGT".index(a) + 4 * "ACGT".index(b) + "ACGT".index(c) for a, b, c in ("TAA", "TAG", "TGA"))
UNREAD = 64  # in place of a codon with such a letter


class CodonLayer(nn.Module):
    """Votes (B, T, 4) on the letters A, C, G, T of ids (B, T).

    A base lies in six codons: three places, two strands. In each of these frames the codons before and behind the base's own, up to the
    next stop codon or the edge, are counted and summed by three learned codon `usage` scores; `judge` weighs the frames by that, against
    each other and against `none` of the base's domain. The votes are what the frames so weighed expect: `spelling` scores the four
    letters by the codon's two other letters, in four dialects. The base's own letter plays no part in what is said of it.
    """

    DIALECTS, USAGES = 4, 3
    FEATURES = 4 + 2 * USAGES
    WEIGHTS = 6 * DIALECTS
    TRACKS = 6 * FEATURES + WEIGHTS

    is_stop: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.usage = nn.Parameter(torch.randn(UNREAD, self.USAGES) * 0.1)
        self.judge = nn.Sequential(nn.Linear(self.FEATURES, 16), nn.GELU(), nn.Linear(16, self.DIALECTS))
        self.none = nn.Parameter(torch.tensor([4.0 if domain == "rna" else 1.0 for domain in DOMAINS]))
        self.spelling = nn.Parameter(self._first_spelling())
        is_stop = torch.zeros(UNREAD + 1, dtype=torch.bool)
        is_stop[list(STOPS)] = True
        self.register_buffer("is_stop", is_stop, persistent=False)

    def _first_spelling(self) -> Tensor:
        """Scores (3 * 25, dialects * 4) that say no more than: no stop codon."""
        scores = torch.zeros(3, 5, 5, self.DIALECTS, 4)
        for stop in STOPS:
            a, b, c = stop // 16, stop // 4 % 4, stop % 4
            scores[0, b, c, :, a] = scores[1, a, c, :, b] = scores[2, a, b, :, c] = -2.0
        return scores.view(75, -1)

    def codes(self, first: Tensor, second: Tensor, third: Tensor) -> Tensor:
        """Numbers of codons of letters 0 to 4: 0 to 63, `UNREAD` where a letter is `OTHER`."""
        read = (first < OTHER) & (second < OTHER) & (third < OTHER)
        return torch.where(read, 16 * first + 4 * second + third, UNREAD)

    def worth(self) -> Tensor:
        """What each codon adds to a stretch, (65, 1 + USAGES): one codon and its scores; nothing, where it is a stop or unread."""
        worth = torch.cat((torch.ones_like(self.usage[:, :1]), self.usage), dim=1)
        return functional.pad(worth, (0, 0, 0, 1)) * ~self.is_stop[:, None]

    def open_stretches(self, letters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the codons that start at every letter (B, T), C = ceil((T + 2) / 3) a frame: running totals of `worth` (B, C + 1, 3, 1 + USAGES),
        and the numbers (B, C, 3) of the last stop before each codon, -1 for none, and of the next one behind it, C for none. The first codon
        of the first frame begins two letters before the first letter.
        """
        length = letters.shape[1]
        count = -(-(length + 2) // 3)
        wide = functional.pad(letters, (2, 3 * count - length), value=OTHER)
        codons = self.codes(*(wide[:, place : place + 3 * count] for place in range(3))).view(-1, count, 3)
        stop = self.is_stop[codons]
        total = functional.pad(self.worth()[codons].cumsum(dim=1), (0, 0, 0, 0, 1, 0))
        number = torch.arange(count, device=letters.device)[:, None]
        seen = torch.where(stop, number, -1).cummax(dim=1).values
        before = functional.pad(seen[:, :-1], (0, 0, 1, 0), value=-1)
        coming = torch.where(stop, number, count).flip(1).cummin(dim=1).values.flip(1)
        behind = functional.pad(coming[:, 1:], (0, 0, 0, 1), value=count)
        return total, before, behind

    @staticmethod
    def features(up: Tensor, down: Tensor, stopped_before: Tensor, stopped_behind: Tensor) -> Tensor:
        """Features (..., FEATURES) of the sums (..., 1 + USAGES) of the codons before and behind, and of whether stops end them (...)."""
        sizes = torch.stack((up[..., 0], down[..., 0]), dim=-1)
        scores = torch.cat((up[..., 1:], down[..., 1:]), dim=-1)
        ends = torch.stack((stopped_before, stopped_behind), dim=-1)
        return torch.cat((torch.log2(1 + sizes.clamp(min=0)) / 8, torch.asinh(scores / 4), ends.to(scores.dtype)), dim=-1)

    def _stretches(self, letters: Tensor, rows: Tensor | None = None) -> Tensor:
        """Features (B, T, 3, FEATURES) of the open stretch around each base's codon, by its place in the codon; letters (B, T) are 0 to 4.
        ``rows`` (B,): of that base of each input alone, (B, 1, 3, FEATURES)."""
        batch, length = letters.shape
        total, before, behind = self.open_stretches(letters)
        count = before.shape[1]

        def sums(index: Tensor) -> Tensor:
            return total.gather(1, index[..., None].expand(-1, -1, -1, total.shape[-1]))

        up, down = total[:, :-1] - sums(before + 1), sums(behind) - total[:, 1:]
        codons = [part.flatten(1, 2) for part in (up, down, before >= 0, behind < count)]
        if rows is not None:
            each, own = torch.arange(batch, device=rows.device)[:, None], rows[:, None] + torch.arange(2, -1, -1, device=rows.device)
            return self.features(*(part[each, own] for part in codons))[:, None]
        features = self.features(*codons)
        return torch.stack([features[:, 2 - place : 2 - place + length] for place in range(3)], dim=2)

    def spelt(self, letters: Tensor, rows: Tensor | None = None) -> Tensor:
        """Scores (B, T, 3, dialects, 4) of the four letters at each base, by its place in the codon; ``rows`` as in `tracks`."""
        wide = functional.pad(letters, (2, 2), value=OTHER)
        size = letters.shape[1]
        back2, back1, next1, next2 = (wide[:, k : k + size] for k in (0, 1, 3, 4))
        others = torch.stack((5 * next1 + next2, 25 + 5 * back1 + next1, 50 + 5 * back2 + back1), dim=-1)
        if rows is not None:
            others = others[torch.arange(len(rows), device=rows.device), rows][:, None]
        return self.spelling[others].view(*others.shape, self.DIALECTS, 4)

    def none_of(self, ids: Tensor) -> Tensor:
        """Score (B, 1, 1) of no frame at all, by the domain of ids (B, T)."""
        return self.none[ids[:, 0] - DOMAIN][:, None, None]

    def tracks(self, ids: Tensor, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features and weights of the frames, (B, T, TRACKS), where nothing is coding near 0, and the votes (B, T, 4). ``rows`` (B,): of that
        row of each input alone, with 1 in place of T."""
        strands = (ids, reverse_complement(ids))
        letters = [torch.where(is_base(strand), strand - BASE, OTHER) for strand in strands]
        at = (None, None) if rows is None else (rows, ids.shape[1] - 1 - rows)
        features = [self._stretches(*held) for held in zip(letters, at, strict=True)]
        spelt = [self.spelt(*held) for held in zip(letters, at, strict=True)]
        features[1], spelt[1] = features[1].flip(1), spelt[1].flip(1).flip(-1)
        both = torch.cat(features, dim=2)
        judged = self.judge(both).flatten(2)
        none = self.none_of(ids).expand(-1, both.shape[1], -1)
        weights = torch.softmax(torch.cat((judged.float(), none), dim=-1), dim=-1)
        speaks = 1 - weights[..., -1:]
        framed = weights[..., :-1]
        votes = torch.einsum("btk,btkn->btn", framed, torch.cat(spelt, dim=2).flatten(2, 3))
        return torch.cat((both.flatten(2) * speaks, framed), dim=-1), votes
