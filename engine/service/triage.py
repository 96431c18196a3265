"""From the variants of a VCF and a reference to the sites a model scores: windows, checks of the reference allele, consequences."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.analyses.consequence import GeneModels
from engine.analyses.consequence_reading import BlockLetters
from engine.analyses.triage import Site
from engine.core.alleles import Change, as_vcf, placements
from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError, LocusError
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.core.transcripts import Transcripts
from engine.core.variants import TriageParameters, Variant
from engine.sources.assemblies import find_contig
from engine.sources.compressed import GZIP_MAGIC
from engine.sources.genomes import GenomeSet
from engine.sources.transcripts import read_transcripts

_HEADERS_BYTES = 100_000_000
_PLACED_HEADER = re.compile(r"^>(?P<record>\S+)\s+(?P<contig>[^\s:]+):(?P<start>[\d,]+)-(?P<end>[\d,]+)(?:\s|$)")


@dataclass(frozen=True)
class Piece:
    """A record of the reference: ``length`` bases of ``contig`` from 0-based ``offset`` on; a whole contig has offset 0."""

    record: str
    contig: str
    offset: int
    length: int

    def covers(self, start: int, end: int) -> bool:
        """Whether the contig's ``[start, end)`` lies in it."""
        return self.offset <= start and end <= self.offset + self.length


@dataclass(frozen=True, eq=False)
class ReferenceLetters:
    """Letters of one registered assembly by contig, contig names understood in their usual other spellings.

    ``pieces``: records that are parts of contigs, as their headers say (``>NAME chr17:41100001-41300000``).
    """

    genomes: GenomeSet
    assembly: str
    pieces: tuple[Piece, ...] = ()

    @classmethod
    def of_file(cls, path: Path, settings: Settings) -> ReferenceLetters:
        """A FASTA file that a user of the command line named."""
        if not path.is_file():
            raise FileFormatError(f"The reference {str(path)!r} is not there; give the path of a FASTA file.")
        if set(",;") & set(str(path)):
            raise FileFormatError(f"The path {str(path)!r} has a comma or a semicolon, which cannot be read here; rename it.")
        name = "reference"
        found = cls(GenomeSet(replace(settings, genomes=f"{name}={path}")), name)
        return replace(found, pieces=_pieces(path, found.genomes.contigs(name)))

    def transcripts(self, codes: Mapping[str, int] | None = None) -> Transcripts:
        """Gene models of the annotation that is registered with the assembly, read by the genetic codes that are stated (by contig); none
        without one, or when it is BED."""
        path = self.genomes.annotation_file(self.assembly)
        gene_models = path is not None and not path.name.casefold().removesuffix(".gz").endswith((".bed", ".narrowpeak", ".broadpeak"))
        return read_transcripts(path, codes) if path is not None and gene_models else Transcripts()

    def extent(self, contig: str, position: int) -> tuple[int, int]:
        """The 0-based half-open stretch of a contig that is held around a position; empty where nothing is."""
        piece = self.piece(contig, position, position)
        return (
            (position, position) if piece is None or not piece.covers(position, position) else (piece.offset, piece.offset + piece.length)
        )

    def piece(self, contig: str, start: int, end: int) -> Piece | None:
        """The record that holds ``[start, end)`` of a contig, or the contig itself; None when the reference has nothing of it."""
        lengths = self.genomes.contigs(self.assembly)
        whole = find_contig(contig, lengths)
        if whole is not None:
            return Piece(whole, whole, 0, lengths[whole])
        named = [piece for piece in self.pieces if find_contig(contig, (piece.contig,))]
        return next((piece for piece in named if piece.covers(start, end)), named[0] if named else None)

    def letters(self, contig: str, start: int, end: int) -> str:
        """Upper-case forward letters of a contig, 0-based half-open. Raises `LocusError` when the reference does not have them."""
        piece = self.piece(contig, start, end)
        if piece is None or not piece.covers(start, end):
            raise LocusError(f"The reference has no {contig}:{start + 1:,}-{end:,}; give annotation and reference of one assembly.")
        return self.genomes.fetch(Locus(self.assembly, piece.record, start - piece.offset, end - piece.offset)).letters


def _pieces(path: Path, lengths: dict[str, int]) -> tuple[Piece, ...]:
    """Records of a small FASTA file that its headers place on a contig; a file of more than `_HEADERS_BYTES` is taken to be whole contigs."""
    if path.stat().st_size > _HEADERS_BYTES:
        return ()
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        headers = [line.decode("utf-8", "replace") for line in (gzip.GzipFile(fileobj=raw) if zipped else raw) if line.startswith(b">")]
    found = []
    for match in map(_PLACED_HEADER.match, headers):
        if match is not None:
            start, end = int(match["start"].replace(",", "")) - 1, int(match["end"].replace(",", ""))
            if lengths.get(match["record"]) == end - start:
                found.append(Piece(match["record"], match["contig"], start, end - start))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class TriageRequest:
    """A question about the variants of a VCF.

    Parameters
    ----------
    variants : tuple of Variant
        From `engine.sources.vcf`.
    reference : ReferenceLetters
        The assembly they were called on.
    transcripts : Transcripts
        Gene models for consequences; may be empty.
    model, parameters, species, weights, device, dtype
        As in `engine.service.engine.Request`.
    """

    variants: tuple[Variant, ...]
    reference: ReferenceLetters
    transcripts: Transcripts = field(default_factory=Transcripts)
    model: str = ""
    parameters: TriageParameters = TriageParameters()
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""


def place_variants(
    variants: Sequence[Variant], reference: ReferenceLetters, window_bp: int, transcripts: Transcripts | None = None
) -> Iterator[Site]:
    """The window of every variant, in order; what cannot be placed says why.

    The window has ``window_bp`` bases with the first base that changes at ``window_bp // 2``, whatever pads the alleles, and is cut at the
    ends of the contig.
    """
    letters = BlockLetters(reference)
    models = GeneModels(transcripts, letters) if transcripts else None
    return (_placed(variant, reference, window_bp, models, letters) for variant in variants)


def _placed(variant: Variant, reference: ReferenceLetters, window_bp: int, models: GeneModels | None, letters: BlockLetters) -> Site:
    first, last = variant.position - 1, variant.position - 1 + len(variant.reference)
    piece = reference.piece(variant.contig, first, last)
    if piece is None:
        return Site(
            variant, None, status="outside", note=f"The reference has no contig {variant.contig}; give the assembly the VCF was made with."
        )
    if not piece.covers(first, last):
        held = f"{piece.contig}:{piece.offset + 1:,}-{piece.offset + piece.length:,}"
        return Site(variant, None, status="outside", note=f"The reference has {held} only; check the assembly.")
    change = variant.change or Change(first, variant.reference, "")
    start = max(piece.offset, change.start - window_bp // 2)
    end = max(change.end, min(piece.offset + piece.length, change.start - window_bp // 2 + window_bp))
    window = reference.genomes.fetch(Locus(reference.assembly, piece.record, start - piece.offset, end - piece.offset))
    found = letters.letters(variant.contig, first, last)
    if found != variant.reference:
        note = f"REF is {variant.reference[:20]} but the reference has {found[:20]}; check the assembly and the strand."
        return Site(variant, window, first - start, "reference_mismatch", note)
    return Site(variant, window, first - start, consequences=_consequences(variant, models), left_aligned=_left_aligned(variant, letters))


def _left_aligned(variant: Variant, letters: BlockLetters) -> tuple[int, str, str] | None:
    """Position and alleles as `ScoredVariant` has them; None for symbolic alleles and where nothing changes."""
    if variant.change is None or variant.kind == "same":
        return None

    def around(start: int, end: int) -> str:
        return letters.clipped(variant.contig, start, end)

    return as_vcf(placements(variant.change, around)[0], around)


def _consequences(variant: Variant, models: GeneModels | None) -> tuple[Consequence, ...]:
    if models is None or variant.change is None:
        return ()
    contig = find_contig(variant.contig, models.contigs)
    return () if contig is None else models.consequences(contig, variant)
