"""What a variant does to the gene models it meets: the most severe Sequence Ontology term, as Ensembl's VEP orders them.

Only single-base substitutions inside coding parts are translated; other changes there are called by their length. Splice sites are the
two bases of an intron next to an exon. Genes are looked for up to `NEAR_BP` away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from engine.core.transcripts import Transcript
from engine.core.variants import Variant

SEVERITY = (
    "splice_acceptor_variant",
    "splice_donor_variant",
    "stop_gained",
    "frameshift_variant",
    "stop_lost",
    "start_lost",
    "inframe_insertion",
    "inframe_deletion",
    "missense_variant",
    "stop_retained_variant",
    "synonymous_variant",
    "coding_sequence_variant",
    "5_prime_UTR_variant",
    "3_prime_UTR_variant",
    "non_coding_transcript_exon_variant",
    "intron_variant",
    "upstream_gene_variant",
    "downstream_gene_variant",
    "intergenic_variant",
)
"""From the most to the least severe."""

NEAR_BP = 1000
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_OTHER_CODES: dict[int, dict[str, str]] = {
    2: {"AGA": "*", "AGG": "*", "ATA": "M", "TGA": "W"},
    3: {"ATA": "M", "CTT": "T", "CTC": "T", "CTA": "T", "CTG": "T", "TGA": "W"},
    4: {"TGA": "W"},
    5: {"AGA": "S", "AGG": "S", "ATA": "M", "TGA": "W"},
    12: {"CTG": "S"},
}
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")

Fetch = Callable[[str, int, int], str]


@cache
def genetic_code(table: int) -> dict[str, str]:
    """Amino acid of each codon; tables 1 and 11 share theirs, a table that is not known here reads as 1."""
    codons = [a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"]
    return {**dict(zip(codons, _AMINO_ACIDS, strict=True)), **_OTHER_CODES.get(table, {})}


class GeneModels:
    """Transcripts by place, and the letters of their coding parts as they are needed.

    Parameters
    ----------
    transcripts : iterable of Transcript
        From `engine.sources.transcripts`.
    fetch : callable
        ``fetch(contig, start, end)``: upper-case forward letters, 0-based half-open, by the transcripts' contig names.
    """

    def __init__(self, transcripts: Iterable[Transcript], fetch: Fetch) -> None:
        self._fetch = fetch
        self._contigs: dict[str, list[Transcript]] = {}
        for transcript in transcripts:
            self._contigs.setdefault(transcript.contig, []).append(transcript)
        self._edges = {name: np.array([(t.start, t.end) for t in found]) for name, found in self._contigs.items()}
        self._coding: dict[str, str] = {}

    @property
    def contigs(self) -> tuple[str, ...]:
        """Contigs that have gene models."""
        return tuple(self._contigs)

    def consequence(self, contig: str, variant: Variant) -> tuple[str, str]:
        """Most severe term and the genes it holds for, of a variant on ``contig`` (as the annotation names it)."""
        start, end = variant.position - 1, variant.position - 1 + len(variant.reference)
        found: dict[str, list[str]] = {}
        for transcript in self._near(contig, start, end):
            found.setdefault(self._of(transcript, variant, start, end), []).append(transcript.gene)
        if not found:
            return "intergenic_variant", ""
        worst = min(found, key=SEVERITY.index)
        return worst, ",".join(dict.fromkeys(found[worst]))

    def _near(self, contig: str, start: int, end: int) -> list[Transcript]:
        edges = self._edges.get(contig)
        if edges is None:
            return []
        meets = (edges[:, 0] < end + NEAR_BP) & (edges[:, 1] > start - NEAR_BP)
        return [self._contigs[contig][index] for index in np.flatnonzero(meets)]

    def _of(self, transcript: Transcript, variant: Variant, start: int, end: int) -> str:
        if end <= transcript.start or start >= transcript.end:
            before = end <= transcript.start
            return "upstream_gene_variant" if before == transcript.forward else "downstream_gene_variant"
        splice = _splice_site(transcript, start, end)
        if splice:
            return splice
        if any(s < end and start < e for s, e in transcript.coding):
            return self._coding_change(transcript, variant, start)
        if any(s < end and start < e for s, e in transcript.exons):
            if not transcript.coding:
                return "non_coding_transcript_exon_variant"
            before = start < transcript.coding[0][0]
            return "5_prime_UTR_variant" if before == transcript.forward else "3_prime_UTR_variant"
        return "intron_variant"

    def _coding_change(self, transcript: Transcript, variant: Variant, start: int) -> str:
        change = len(variant.alternate) - len(variant.reference)
        if variant.kind in ("insertion", "deletion") and change:
            if change % 3:
                return "frameshift_variant"
            return "inframe_insertion" if change > 0 else "inframe_deletion"
        if variant.kind != "substitution":
            return "coding_sequence_variant"
        letters = self._letters(transcript)
        index = _index_in_coding(transcript, start)
        alternate = variant.alternate if transcript.forward else variant.alternate.translate(_COMPLEMENT)
        first = index - index % 3
        codon = letters[first : first + 3]
        return _codon_change(codon, index - first, alternate, first == 0, transcript.table)

    def _letters(self, transcript: Transcript) -> str:
        """Coding letters of a transcript, 5'→3'."""
        if transcript.identifier not in self._coding:
            letters = "".join(self._fetch(transcript.contig, start, end) for start, end in transcript.coding)
            self._coding[transcript.identifier] = letters if transcript.forward else letters.translate(_COMPLEMENT)[::-1]
        return self._coding[transcript.identifier]


def _codon_change(codon: str, place: int, alternate: str, is_start: bool, table: int) -> str:
    code = genetic_code(table)
    changed = codon[:place] + alternate + codon[place + 1 :]
    before, after = code.get(codon, ""), code.get(changed, "")
    if not before or not after:
        return "coding_sequence_variant"
    if is_start and after != "M":
        return "start_lost"
    if before == after:
        return "stop_retained_variant" if before == "*" else "synonymous_variant"
    if after == "*":
        return "stop_gained"
    return "stop_lost" if before == "*" else "missense_variant"


def _index_in_coding(transcript: Transcript, position: int) -> int:
    """Index in the coding letters, 5'→3', of a forward 0-based position inside a coding part."""
    before = sum(min(end, position) - start for start, end in transcript.coding if start < position)
    total = sum(end - start for start, end in transcript.coding)
    return before if transcript.forward else total - 1 - before


def _splice_site(transcript: Transcript, start: int, end: int) -> str:
    """Donor or acceptor when one of the two intron bases next to an exon is changed; the acceptor is the more severe."""
    donor = False
    for (_, left), (right, _) in zip(transcript.exons, transcript.exons[1:], strict=False):
        at_left = start < min(left + 2, right) and end > left
        at_right = start < right and end > max(right - 2, left)
        if at_right if transcript.forward else at_left:
            return "splice_acceptor_variant"
        donor = donor or (at_left if transcript.forward else at_right)
    return "splice_donor_variant" if donor else ""
