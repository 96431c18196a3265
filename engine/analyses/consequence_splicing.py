"""Where a change meets the structure of a transcript: its ends, exons, introns and splice sites."""

from __future__ import annotations

from typing import NamedTuple

from engine.core.alleles import Change
from engine.core.transcripts import SHORTEST_INTRON_BP, Part, Transcript

SITE_BP = 2
"""Bases of an intron next to an exon that make a splice donor or acceptor."""

REGION_EXON_BP = 3
REGION_INTRON_BP = 8
"""``splice_region_variant``: this many bases on either side, the site itself left out."""


class Site(NamedTuple):
    """A splice site: the boundary between exon and intron (0-based), and whether the intron lies to the right of it on the forward strand."""

    boundary: int
    intron_right: bool
    donor: bool
    contig: str


def untranslated(transcript: Transcript) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Exonic parts before and behind the coding sequence, 5'→3'."""
    exons, first, last = transcript.exons, transcript.coding[0], transcript.coding[-1]
    begins = next((index for index, exon in enumerate(exons) if _holds(exon, first)), None)
    ends = next((index for index in reversed(range(len(exons))) if _holds(exons[index], last)), None)
    before = () if begins is None else (*exons[:begins], _between(exons[begins], exons[begins].first, first.first))
    after = () if ends is None else (_between(exons[ends], last.last, exons[ends].last), *exons[ends + 1 :])
    return tuple(part for part in before if part.end > part.start), tuple(part for part in after if part.end > part.start)


def _holds(exon: Part, part: Part) -> bool:
    return exon[2:] == part[2:] and exon.start <= part.start and part.end <= exon.end


def _between(exon: Part, first: int, last: int) -> Part:
    return exon._replace(start=min(first, last), end=max(first, last))


class Structure:
    """Introns and splice sites of a transcript. Gaps shorter than `SHORTEST_INTRON_BP` are neither."""

    def __init__(self, transcript: Transcript) -> None:
        self.spans, self._circle = transcript.spans(), transcript.circle
        ends = {edge for part in transcript.exons for edge in part[:2]}
        self._passes_origin = bool(self._circle) and {0, self._circle} <= ends
        self.exons, self.coding = transcript.exons, transcript.coding
        self.five, self.three = untranslated(transcript) if transcript.coding else ((), ())
        self.introns: list[Part] = []
        self.sites: list[Site] = []
        for left, right in zip(transcript.exons, transcript.exons[1:], strict=False):
            self._join(left, right, transcript.circle)

    def _join(self, left: Part, right: Part, circle: int) -> None:
        low, high = (left.end, right.start) if left.forward else (right.end, left.start)
        gap = high - low
        if left[2:] == right[2:] and gap < SHORTEST_INTRON_BP:
            over_the_origin = circle and gap + circle < SHORTEST_INTRON_BP
            if gap > -SHORTEST_INTRON_BP or over_the_origin:
                return
        elif left[2:] == right[2:]:
            self.introns.append(Part(low, high, left.forward, left.contig))
        self.sites.append(Site(left.last, left.forward, True, left.contig))
        self.sites.append(Site(right.first, not right.forward, False, right.contig))

    def splice_terms(self, change: Change, contig: str) -> set[str]:
        """Terms of the splice sites that a change meets."""
        found: set[str] = set()
        start, end = change.start, change.end
        for site in self.sites:
            if site.contig != contig or end < site.boundary - REGION_INTRON_BP or start > site.boundary + REGION_INTRON_BP:
                continue
            first, last = (start - site.boundary, end - site.boundary)
            if not site.intron_right:
                first, last = -last, -first
            if _meets(first, last, 0, SITE_BP):
                found.add("splice_donor_variant" if site.donor else "splice_acceptor_variant")
            elif _meets(first, last, -REGION_EXON_BP, REGION_INTRON_BP):
                found.add("splice_region_variant")
        return found

    def meets_intron(self, change: Change, contig: str) -> bool:
        """Whether a change meets an intron beyond the splice sites at its ends."""
        inner = SITE_BP - (change.start == change.end)
        return any(
            part.contig == contig and _meets(change.start, change.end, part.start + inner, part.end - inner) for part in self.introns
        )

    def meets_exon(self, change: Change, contig: str) -> bool:
        """Whether a change meets an exon; an insertion right between an exon and an intron does."""
        if any(part.contig == contig and _meets(change.start, change.end, part.start, part.end) for part in self.exons):
            return True
        return change.start == change.end and any(site.contig == contig and site.boundary == change.start for site in self.sites)

    def untranslated_terms(self, change: Change, contig: str) -> set[str]:
        """Terms of the untranslated regions that a change meets; an insertion right at the edge of one does."""
        wide = change.start == change.end
        low, high = change.start - wide, change.end + wide
        found = set()
        for term, parts in (("5_prime_UTR_variant", self.five), ("3_prime_UTR_variant", self.three)):
            if any(part.contig == contig and _meets(low, high, part.start, part.end) for part in parts):
                found.add(term)
        return found

    def between_coding_parts(self, change: Change, contig: str) -> bool:
        """Whether a change lies between the first and the last coding base of a contig."""
        here = [part for part in self.coding if part.contig == contig]
        return any(part.start <= change.start for part in here) and any(change.end <= part.end for part in here)

    def ablated(self, change: Change, contig: str) -> bool:
        """Whether a change removes the whole transcript."""
        return all(part.contig == contig and change.start <= part.start and part.end <= change.end for part in self.spans)

    def beside(self, change: Change, contig: str, near_bp: int) -> str:
        """Term of a change outside the transcript: on which side it lies; empty ``near_bp`` or more away."""
        distances = {"upstream_gene_variant": self._distance(change, contig, first=True)}
        distances["downstream_gene_variant"] = self._distance(change, contig, first=False)
        term = min(distances, key=distances.__getitem__)
        return term if distances[term] < near_bp else ""

    def holds(self, change: Change, contig: str) -> bool:
        """Whether a change meets the stretch from the transcript's first base to its last."""
        if change.start == change.end and change.start in (0, self._circle) and self._passes_origin:
            return True
        return any(part.contig == contig and _meets(change.start, change.end, part.start, part.end) for part in self.spans)

    def _distance(self, change: Change, contig: str, *, first: bool) -> int:
        part = self.spans[0] if first else self.spans[-1]
        if part.contig != contig:
            return 1 << 62
        edge = part.first if first else part.last
        outside = change.end <= edge if part.forward == first else change.start >= edge
        return abs(edge - (change.end if part.forward == first else change.start)) if outside else 1 << 62


def _meets(start: int, end: int, low: int, high: int) -> bool:
    """Whether ``[start, end)`` meets ``[low, high)``; a point, where letters come in, must lie strictly inside."""
    return low < end and start < high
