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
class _Six:
    """The codons that hold a base, int64 (6,) each: their strand, the base's place in the codon and ``at`` on the strand, the codon's ``number``
    and ``frame``, and the numbers of the last stop before and of the next one behind it.
    """

    strand: Tensor
    place: Tensor
    at: Tensor
    number: Tensor
    frame: Tensor
    before: Tensor
    behind: Tensor


@dataclass(frozen=True, eq=False)
class CodonReference:
    """Both strands of a reference of T tokens in codons, which start at every letter; C = codons / 3, a frame each by remainder.

    ``letters`` int64 (2, T); ``total`` float64 (2, C + 1, 3, 4): running totals of codons and their scores; ``before``, ``behind`` int64
    (2, C, 3): numbers of the last stop before and the next one behind each codon, -1 and C where there is none; ``judged`` (2, 3 C, dialects);
    ``spelt`` (T, 6 * dialects, 4); ``none`` the score of no frame; ``framed`` (T, 6 * dialects) weights of the frames; ``votes`` (T, 4).
    """

    layer: CodonLayer
    letters: Tensor
    total: Tensor
    before: Tensor
    behind: Tensor
    judged: Tensor
    spelt: Tensor
    none: Tensor
    framed: Tensor
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
        tracks, votes = layer.tracks(ids[None])
        framed = tracks[0, :, -layer.WEIGHTS :].clone()
        return cls(layer, letters, total, before, behind, judged, both, layer.none_of(ids[None])[0], framed, votes[0])

    def mutants(self, row: int, tokens: Tensor) -> tuple[Tensor, Tensor, int]:
        """When row ``row`` becomes ``tokens`` (G,): votes (G, T, 4), and by how much the weights of the frames change, (G, R, 6 * dialects), in the
        rows that hear of it, and the first of these."""
        judged, begin, end = self._judged(row, tokens)
        groups, length = len(tokens), self.letters.shape[1]
        spelt = self.spelt[begin:end].repeat(groups, 1, 1, 1)
        low, high = max(0, row - SPELT), min(length, row + SPELT + 1)
        spelt[:, low - begin : high - begin] = self._spelt(row, tokens, low, high)
        scores = torch.cat((self._frames(judged, begin, end), self.none.expand(groups, end - begin, 1)), dim=-1)
        framed = torch.softmax(scores.float(), dim=-1)[..., :-1]
        votes = self.votes.repeat(groups, 1, 1)
        votes[:, begin:end] = (framed[..., None] * spelt).sum(-2)
        return votes, framed - self.framed[begin:end], begin

    def _frames(self, judged: Tensor, begin: int, end: int) -> Tensor:
        """Scores (G, end - begin, 6 * dialects) of the frames around bases ``begin`` to ``end``, from judged codons (G, 2, 3 C, dialects)."""
        length = self.letters.shape[1]
        ahead = [judged[:, 0, begin + 2 - place : end + 2 - place] for place in range(PLACES)]
        back = [judged[:, 1, length - end + 2 - place : length - begin + 2 - place].flip(1) for place in range(PLACES)]
        return torch.cat((*ahead, *back), dim=-1)

    def _judged(self, row: int, tokens: Tensor) -> tuple[Tensor, int, int]:
        """Judged codons (G, 2, 3 C, dialects), and the first and the end of the bases that hear of the change."""
        length, count = self.letters.shape[1], self.before.shape[1]
        six = self._changed(row)
        first, last = six.before.clamp(min=0), six.behind.clamp(max=count - 1)
        sizes = last - first + 1
        which = torch.repeat_interleave(torch.arange(len(sizes), device=tokens.device), sizes)
        number = first[which] + torch.arange(len(which), device=tokens.device) - (sizes.cumsum(0) - sizes)[which]
        features = self._features(number, which, six, *self._worth(tokens, six))
        judged = self.judged.repeat(len(tokens), 1, 1, 1)
        judged[:, six.strand[which], PLACES * number + six.frame[which]] = self.layer.judge(features.to(judged.dtype))
        ends = torch.stack((PLACES * first + six.frame - 2, PLACES * last + six.frame), dim=1)
        ends[PLACES:] = length - 1 - ends[PLACES:].flip(1)
        low, high = int(ends[:, 0].min()), int(ends[:, 1].max())
        return judged, max(0, min(low, row - SPELT)), min(length, max(high, row + SPELT) + 1)

    def _changed(self, row: int) -> _Six:
        """The six codons that hold the base of ``row``."""
        device = self.letters.device
        strand = torch.arange(2, device=device).repeat_interleave(PLACES)
        place = torch.arange(PLACES, device=device).repeat(2)
        at = torch.tensor((row, self.letters.shape[1] - 1 - row), device=device)[strand]
        codon = at + 2 - place  # whose letter number ``place`` the base is
        number, frame = codon // PLACES, codon % PLACES
        before, behind = self.before[strand, number, frame], self.behind[strand, number, frame]
        return _Six(strand, place, at, number, frame, before, behind)

    def _worth(self, tokens: Tensor, six: _Six) -> tuple[Tensor, Tensor]:
        """By how much the scores of the six codons grow, float64 (G, 6, 4), and whether they are stops, (G, 6)."""
        own = torch.stack((tokens, reverse_complement(tokens[:, None])[:, 0]), dim=1)
        own = torch.where(is_base(own), own - BASE, OTHER)
        wide = functional.pad(self.letters, (2, 2), value=OTHER)
        start = six.at - six.place + 2
        letters = torch.stack([wide[six.strand, start + offset] for offset in range(PLACES)], dim=-1).repeat(len(own), 1, 1)
        letters.scatter_(2, six.place.expand(len(own), -1)[..., None], own[:, six.strand][..., None])
        codes = self.layer.codes(letters[..., 0], letters[..., 1], letters[..., 2])
        old = self.total[six.strand, six.number + 1, six.frame] - self.total[six.strand, six.number, six.frame]
        return self.layer.worth()[codes] - old, self.layer.is_stop[codes]

    def _features(self, number: Tensor, which: Tensor, six: _Six, more: Tensor, stops: Tensor) -> Tensor:
        """Features (G, N, n) of codons ``number`` (N,) of the frames ``which`` (N,), with the changed codons' growth and stops as of `_worth`."""
        strand, frame, own = six.strand[which], six.frame[which], six.number[which]
        stop, gained = stops[:, which], more[:, which]
        later, earlier = number > own, number < own
        start = torch.where(later, torch.where(stop, own, six.before[which]), self.before[strand, number, frame])
        end = torch.where(earlier, torch.where(stop, own, six.behind[which]), self.behind[strand, number, frame])
        up = self.total[strand, number, frame] - self.total[strand.expand_as(start), start + 1, frame.expand_as(start)]
        down = self.total[strand.expand_as(end), end, frame.expand_as(end)] - self.total[strand, number + 1, frame]
        up, down = up + gained * (later & ~stop)[..., None], down + gained * (earlier & ~stop)[..., None]
        return self.layer.features(up, down, start >= 0, end < self.before.shape[1])

    def _spelt(self, row: int, tokens: Tensor, low: int, high: int) -> Tensor:
        """Spelling (G, high - low, 6 * dialects, 4) of the bases ``low`` to ``high`` around ``row``."""
        length = self.letters.shape[1]
        begin, end = max(0, low - SPELT), min(length, high + SPELT)
        ahead = self.letters[0, begin:end].repeat(len(tokens), 1)
        ahead[:, row - begin] = torch.where(is_base(tokens), tokens - BASE, OTHER)
        back = torch.where(ahead < OTHER, 3 - ahead, OTHER).flip(1)
        both = torch.cat((self.layer.spelt(ahead), self.layer.spelt(back).flip(1).flip(-1)), dim=2).flatten(2, 3)
        return both[:, low - begin : high - begin]
