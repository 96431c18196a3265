"""Small genomes and genes for tests of consequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.analyses.consequence import GeneModels
from engine.core.consequences import Consequence
from engine.core.errors import LocusError
from engine.core.transcripts import Part, Transcript, Transcripts
from engine.core.variants import Variant
from engine.sources.transcripts import transcripts_of

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def mirrored(letters: str) -> str:
    return letters.translate(COMPLEMENT)[::-1]


@dataclass(frozen=True)
class Genome:
    """Contigs by name."""

    contigs: Mapping[str, str]

    def letters(self, contig: str, start: int, end: int) -> str:
        if not 0 <= start <= end <= len(self.contigs.get(contig, "")):
            raise LocusError(f"The reference has no {contig}:{start + 1:,}-{end:,}; give annotation and reference of one assembly.")
        return self.contigs[contig][start:end]

    def extent(self, contig: str, position: int) -> tuple[int, int]:
        return 0, len(self.contigs.get(contig, ""))


def models(transcripts: Iterable[Transcript], **contigs: str) -> GeneModels:
    return GeneModels(Transcripts(transcripts), Genome(contigs))


def models_of(annotation: str, contigs: Mapping[str, str], codes: Mapping[str, int] | None = None) -> GeneModels:
    """Gene models of the lines of an annotation, columns separated by spaces, on these contigs."""
    lines = [line if line.startswith("#") else "\t".join(line.split(None, 8)) for line in annotation.strip().splitlines()]
    return GeneModels(transcripts_of(lambda: lines, codes), Genome(contigs))


def first(found: GeneModels, contig: str, position: int, reference: str, alternate: str) -> Consequence:
    """The most severe consequence of alleles at a 1-based position."""
    return found.consequences(contig, Variant(contig, position, reference, alternate))[0]


def mirror_of(transcript: Transcript, length: int) -> Transcript:
    """The same transcript on the other strand of a contig of this length."""

    def turned(parts: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(Part(length - part.end, length - part.start, not part.forward, part.contig) for part in parts)

    return Transcript(transcript.identifier, transcript.gene, turned(transcript.exons), turned(transcript.coding))
