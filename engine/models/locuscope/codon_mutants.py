"""The codon layer of mutants, from that of their reference: only the stretches between the stop codons around a base are judged anew.

A base lies in six codons, one a frame. What changes with it are the codon's score and whether it is a stop: the sums of the codons before it, up
to the last stop, count it on the way down, those behind it, up to the next stop, on the way up. All sums are differences of running totals, held
in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.models.locuscope.codons import OTHER, CodonLayer
from engine.models.locuscope.tokens import BASE, is_base, reverse_complement

PLACES = 3
SPELT = 2  # bases to either side whose spelling a letter is part of


@dataclass(frozen=True, eq=False)
class CodonReference:
    """Both strands of a reference of T tokens in codons, which start at every letter; C = codons / 3, a frame each by remainder.

    ``letters`` int64 (2, T); ``total`` float64 (2, C + 1, 3, 4): running totals of codons and their scores; ``before``, ``behind`` int64
    (2, C, 3): numbers of the last stop before and the next one behind each codon, -1 and C where there is none; ``judged`` (2, 3 C, dialects);
    ``spelt`` (T, 6 * dialects, 4); ``none`` the score of no frame; ``votes`` (T, 4).
    """

    layer: CodonLayer
    letters: Tensor
    total: Tensor
    before: Tensor
    behind: Tensor
    judged: Tensor
    spelt: Tensor
    none: Tensor
    votes: Tensor

    @classmethod
    def of(cls, layer: CodonLayer, ids: Tensor) -> CodonReference:
        """Run the layer on ids (T,)."""
        strands = torch.cat((ids[None], reverse_complement(ids[None])))
        letters = torch.where(is_base(strands), strands - BASE, OTHER)
        total, before, behind = layer.open_stretches(letters)
        total = total.double()
        number = torch.arange(before.shape[1], device=ids.device)[:, None].expand_as(before)
        frame = torch.arange(PLACES, device=ids.device).expand_as(before)
        strand = torch.arange(2, device=ids.device)[:, None, None]
        features = layer.features(
            total[strand, number, frame] - total[strand, before + 1, frame],
            total[strand, behind, frame] - total[strand, number + 1, frame],
            before >= 0,
            behind < before.shape[1],
        )
        judged = layer.judge(features.to(layer.usage.dtype)).flatten(1, 2)
        spelt = [layer.spelt(strand[None])[0] for strand in letters]
        both = torch.cat((spelt[0], spelt[1].flip(0).flip(-1)), dim=1).flatten(1, 2)
        return cls(layer, letters, total, before, behind, judged, both, layer.none_of(ids[None])[0], layer.tracks(ids[None])[1][0])

    def mutants(self, row: int, tokens: Tensor) -> Tensor:
        """Votes (G, T, 4) when row ``row`` becomes ``tokens`` (G,)."""
        judged, begin, end = self._judged(row, tokens)
        groups, length = len(tokens), self.letters.shape[1]
        spelt = self.spelt[begin:end].repeat(groups, 1, 1, 1)
        low, high = max(0, row - SPELT), min(length, row + SPELT + 1)
        spelt[:, low - begin : high - begin] = self._spelt(row, tokens, low, high)
        scores = torch.cat((self._frames(judged, begin, end), self.none.expand(groups, end - begin, 1)), dim=-1)
        framed = torch.softmax(scores.float(), dim=-1)[..., :-1]
        votes = self.votes.repeat(groups, 1, 1)
        votes[:, begin:end] = (framed[..., None] * spelt).sum(-2)
        return votes

    def _frames(self, judged: Tensor, begin: int, end: int) -> Tensor:
        """Scores (G, end - begin, 6 * dialects) of the frames around bases ``begin`` to ``end``, from judged codons (G, 2, 3 C, dialects)."""
        length = self.letters.shape[1]
        ahead = [judged[:, 0, begin + 2 - place : end + 2 - place] for place in range(PLACES)]
        back = [judged[:, 1, length - end + 2 - place : length - begin + 2 - place].flip(1) for place in range(PLACES)]
        return torch.cat((*ahead, *back), dim=-1)

    def _judged(self, row: int, tokens: Tensor) -> tuple[Tensor, int, int]:
        """Judged codons (G, 2, 3 C, dialects), and the first and the end of the bases that hear of the change."""
        device, length, count = tokens.device, self.letters.shape[1], self.before.shape[1]
        own = torch.stack((tokens, reverse_complement(tokens[:, None])[:, 0]), dim=1)
        own = torch.where(is_base(own), own - BASE, OTHER)
        strand = torch.arange(2, device=device).repeat_interleave(PLACES)
        place = torch.arange(PLACES, device=device).repeat(2)
        at = torch.tensor((row, length - 1 - row), device=device)[strand]
        codon = at + 2 - place  # whose letter number ``place`` the base is
        changed, frame = codon // PLACES, codon % PLACES
        worth, stops = self._worth(own, at, strand, place)
        old = self.total[strand, changed + 1, frame] - self.total[strand, changed, frame]
        before, behind = self.before[strand, changed, frame], self.behind[strand, changed, frame]
        first, last = before.clamp(min=0), behind.clamp(max=count - 1)
        sizes = last - first + 1
        which = torch.repeat_interleave(torch.arange(len(sizes), device=device), sizes)
        number = first[which] + torch.arange(len(which), device=device) - (sizes.cumsum(0) - sizes)[which]
        features = self._features(number, which, strand, frame, changed, before, behind, stops, worth - old)
        judged = self.judged.repeat(len(tokens), 1, 1, 1)
        judged[:, strand[which], PLACES * number + frame[which]] = self.layer.judge(features.to(judged.dtype))
        ends = torch.stack((PLACES * first + frame - 2, PLACES * last + frame), dim=1)
        ends[PLACES:] = length - 1 - ends[PLACES:].flip(1)
        low, high = int(ends[:, 0].min()), int(ends[:, 1].max())
        return judged, max(0, min(low, row - SPELT)), min(length, max(high, row + SPELT) + 1)

    def _worth(self, own: Tensor, at: Tensor, strand: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
        """Scores float64 (G, 6, 4) of the six changed codons, and whether they are stops, (G, 6)."""
        wide = functional.pad(self.letters, (2, 2), value=OTHER)
        start = at - place + 2
        letters = torch.stack([wide[strand, start + offset] for offset in range(PLACES)], dim=-1).repeat(len(own), 1, 1)
        letters.scatter_(2, place.expand(len(own), -1)[..., None], own[:, strand][..., None])
        codes = self.layer.codes(letters[..., 0], letters[..., 1], letters[..., 2])
        return self.layer.worth()[codes], self.layer.is_stop[codes]

    def _features(
        self,
        number: Tensor,
        which: Tensor,
        strand: Tensor,
        frame: Tensor,
        changed: Tensor,
        before: Tensor,
        behind: Tensor,
        stops: Tensor,
        more: Tensor,
    ) -> Tensor:
        """Features (G, N, n) of codons ``number`` (N,) of the frames ``which`` (N,) around the changed codons; see `_judged` for the others."""
        count = self.before.shape[1]

        def totals(index: Tensor) -> Tensor:
            return self.total[strand[which], index, frame[which]]

        own, stop, gained = changed[which], stops[:, which], more[:, which]
        last, coming = self.before[strand[which], number, frame[which]], self.behind[strand[which], number, frame[which]]
        later, earlier = (number > own), (number < own)
        start = torch.where(later, torch.where(stop, own, before[which]), last)
        end = torch.where(earlier, torch.where(stop, own, behind[which]), coming)
        up = totals(number) - self._totals_at(start + 1, which, strand, frame) + gained * (later & ~stop)[..., None]
        down = self._totals_at(end, which, strand, frame) - totals(number + 1) + gained * (earlier & ~stop)[..., None]
        return self.layer.features(up, down, start >= 0, end < count)

    def _totals_at(self, index: Tensor, which: Tensor, strand: Tensor, frame: Tensor) -> Tensor:
        return self.total[strand[which].expand_as(index), index, frame[which].expand_as(index)]

    def _spelt(self, row: int, tokens: Tensor, low: int, high: int) -> Tensor:
        """Spelling (G, high - low, 6 * dialects, 4) of the bases ``low`` to ``high`` around ``row``."""
        length = self.letters.shape[1]
        begin, end = max(0, low - SPELT), min(length, high + SPELT)
        ahead = self.letters[0, begin:end].repeat(len(tokens), 1)
        ahead[:, row - begin] = torch.where(is_base(tokens), tokens - BASE, OTHER)
        back = torch.where(ahead < OTHER, 3 - ahead, OTHER).flip(1)
        both = torch.cat((self.layer.spelt(ahead), self.layer.spelt(back).flip(1).flip(-1)), dim=2).flatten(2, 3)
        return both[:, low - begin : high - begin]
