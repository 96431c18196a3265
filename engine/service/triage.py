"""From the variants of a VCF and a reference to the sites a model scores: windows, checks of the reference allele, consequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from engine.analyses.consequence import GeneModels
from engine.analyses.consequence_reading import BlockLetters
from engine.analyses.triage import Site
from engine.core.alleles import Change, as_vcf, placements
from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError, LocuscopeError, LocusError, SequenceError
from engine.core.locus import Locus
from engine.core.provenance import state_of
from engine.core.quoting import quoted
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.core.transcripts import Transcripts
from engine.core.variants import Triage, TriageParameters, Variant
from engine.sources.assemblies import assembly, nearest
from engine.sources.door import Bounds, TextLines
from engine.sources.genomes import GenomeSet
from engine.sources.transcripts import read_transcripts

_HEADERS_BYTES = 100_000_000
_PLACED_HEADER = re.compile(
    r"^>\s{0,9}(?P<record>\S{1,255})\s{1,9}(?P<contig>[^\s:]{1,255}):(?P<start>[\d,]{1,20})-(?P<end>[\d,]{1,20})(?:\s|$)", re.ASCII
)


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

    ``pieces``: records that are parts of contigs, as their headers say (``>NAME chr17:41100001-41300000``). ``sha256``: of a file whose bytes
    were at hand, which its place and time of change say nothing of.
    """

    genomes: GenomeSet
    assembly: str
    pieces: tuple[Piece, ...] = ()
    sha256: str = ""

    @classmethod
    def of_file(cls, path: Path, settings: Settings, genes: Path | None = None, public: str = "") -> ReferenceLetters:
        """A FASTA file that a user named or uploaded; indexes and unpacked copies go to the folder ``genomes`` of the setting ``home``.

        ``genes``: the annotation that came with it, which transcripts are looked up in by name. ``public``: the public assembly that it is said
        to be; its contigs are found by their other names, too.
        """
        if not path.is_file():
            raise FileFormatError(f"The reference {quoted(path.name)} is not there; give the path of a FASTA file.")
        name, bounds = "reference", Bounds.of(settings)
        came_with = {} if genes is None else {name: genes}
        said = {name: public} if public else {}
        found = cls(GenomeSet(settings, files={name: path}, bounds=bounds, annotations=came_with, public=said), name)
        return replace(found, pieces=_pieces(path, found.genomes.contigs(name), bounds))

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

    @property
    def identity(self) -> str:
        """Names its letters: the file by its bytes, or by its place, size and time of change."""
        if self.sha256:
            return self.sha256
        path = self.genomes.file(self.assembly)
        if path is None:
            return self.assembly
        state = path.stat()
        return f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"

    @property
    def described(self) -> str:
        """Its assembly, or name, size and time of change of its file, which says nothing of where it lies."""
        path = self.genomes.file(self.assembly)
        return self.assembly if path is None else state_of(path)

    def piece(self, contig: str, start: int, end: int) -> Piece | None:
        """The record that holds ``[start, end)`` of a contig, or the contig itself; None when the reference has nothing of it."""
        whole = self.genomes.contig_of(self.assembly, contig)
        if whole is not None:
            return Piece(whole, whole, 0, self.genomes.contigs(self.assembly)[whole])
        named = [piece for piece in self.pieces if self.contig_among(contig, (piece.contig,))]
        return next((piece for piece in named if piece.covers(start, end)), named[0] if named else None)

    def contig_among(self, contig: str, contigs: Iterable[str]) -> str | None:
        """The one of ``contigs``, as gene models or another file call them, that a contig's name means."""
        return self.genomes.contig_among(self.assembly, contig, contigs)

    def without(self, contig: str) -> str:
        """What is said of a contig that the reference does not have: the names it has, and what to do."""
        part_of = {piece.record: piece.contig for piece in self.pieces}
        names = tuple(part_of.get(record, record) for record in self.genomes.contigs(self.assembly))
        told = f"The reference has no contig {contig[:80]}, but contigs such as {_like(contig, names)}"
        or_say = (
            ""
            if self.public or not self.genomes.given
            else ", or say which public one the reference is (--assembly, on the page My FASTA is)"
        )
        return f"{told}; give the assembly the variants were called on{or_say}."

    @property
    def public(self) -> str:
        """The public assembly that it is, by its name or because it was said; empty where nobody knows."""
        row = assembly(self.genomes.public_name(self.assembly))
        return row.name if row is not None else ""

    def letters(self, contig: str, start: int, end: int) -> str:
        """Upper-case forward letters of a contig, 0-based half-open. Raises `LocusError` when the reference does not have them."""
        piece = self.piece(contig, start, end)
        if piece is None:
            raise LocusError(self.without(contig))
        if not piece.covers(start, end):
            raise LocusError(f"The reference has no {contig}:{start + 1:,}-{end:,}; give annotation and reference of one assembly.")
        return self.genomes.fetch(Locus(self.assembly, piece.record, start - piece.offset, end - piece.offset)).letters


@lru_cache(maxsize=256)
def _like(contig: str, names: tuple[str, ...]) -> str:
    return nearest(contig[:80], (name[:80] for name in names))


def _pieces(path: Path, lengths: dict[str, int], bounds: Bounds) -> tuple[Piece, ...]:
    """Records of a small FASTA file that are parts of a contig, as ``>NAME chr17:41100001-41300000`` or, cut by samtools faidx,
    ``>chr17:41100001-41300000`` say; a file of more than `_HEADERS_BYTES` is taken to be whole contigs."""
    if path.stat().st_size > _HEADERS_BYTES:
        return ()
    with TextLines(path.name, path, bounds, "FASTA") as lines:
        headers = [line for line in lines if line.startswith(">")]
    found = []
    for match in map(_PLACED_HEADER.match, headers):
        if match is not None:
            start, end = int(match["start"].replace(",", "")) - 1, int(match["end"].replace(",", ""))
            if lengths.get(match["record"]) == end - start:
                found.append(Piece(match["record"], match["contig"], start, end - start))
    return (*found, *_cut_by_name(lengths))


def _cut_by_name(lengths: dict[str, int]) -> Iterator[Piece]:
    for record, length in lengths.items():
        try:
            place = Locus.parse(record) if ":" in record else None
        except LocusError:
            continue
        if place is not None and place.width_bp == length:
            yield Piece(record, place.contig, place.start, length)


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
    splice : str
        A model of splice sites that is asked, too; empty = none. ``assembly``: GRCh37 or GRCh38 takes its own genes instead of the gene models.
    missense : str
        A table of missense substitutions of ``assembly`` that is read, too; empty = none.
    clinvar : Path or None
        ClinVar's VCF of the assembly, with its index, that is read, too.
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
    splice: str = ""
    assembly: str = ""
    missense: str = ""
    clinvar: Path | None = None

    @property
    def count(self) -> int:
        """Alleles there are."""
        return len(self.variants)

    @property
    def organism(self) -> str:
        """Whose genome it is, where the assembly is a public one; else empty."""
        row = assembly(self.assembly) or assembly(self.reference.assembly)
        return row.organism if row is not None else ""

    @property
    def gene_models(self) -> str:
        """Hash of what the consequences come from; empty without."""
        return self.transcripts.sha256 if self.transcripts else ""

    def sites(self, window_bp: int) -> Iterator[Site]:
        """The window of every variant, in order."""
        return place_variants(self.variants, self.reference, window_bp, self.transcripts)


@dataclass(frozen=True, eq=False)
class AlleleRequest:
    """A question about one allele of a sequence that is on screen; the scores are those of a triage whose window is ``sequence``.

    Parameters
    ----------
    sequence : NucleotideSequence
        What the model sees; of a deletion the last bases fill the window of the alternate.
    change : Change
        In indices and DNA letters of ``sequence``.
    model, species
        As in `engine.service.engine.Request`.
    """

    sequence: NucleotideSequence
    change: Change
    model: str = ""
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""

    @property
    def count(self) -> int:
        """One allele."""
        return 1

    @property
    def organism(self) -> str:
        """Nobody said."""
        return ""

    @property
    def gene_models(self) -> str:
        """There are none."""
        return ""

    @property
    def parameters(self) -> TriageParameters:
        """A window as long as the sequence."""
        return TriageParameters(max(3, len(self.sequence)))

    def sites(self, window_bp: int) -> Iterator[Site]:
        """The one site; of a sequence longer than ``window_bp`` the part around the change."""
        letters, change = self.sequence.as_dna(), self.change
        position, reference, alternate = as_vcf(change, lambda start, end: letters[start:end])
        variant = Variant("sequence", position, reference, alternate)
        removed = max(0, len(change.reference) - len(change.alternate))
        start = max(0, min(change.start - window_bp // 2, len(letters) - window_bp - removed))
        end = max(change.end, min(len(letters) - removed, start + window_bp))
        window = self.sequence.window(start, end)
        longer = len(change.alternate) - len(change.reference)
        yield Site(variant, window, position - 1 - start, behind=letters[change.end : end - longer] if longer else "")


def told_names(request: TriageRequest, found: Triage) -> Triage:
    """With the genetic codes that were stated for the gene models, and the public assembly whose contigs' names were taken, in its provenance."""
    codes, public = request.transcripts.stated_codes, request.reference.public
    told = {**({"genetic_codes": codes} if codes else {}), **({"assembly": public} if public else {})}
    return replace(found, provenance=replace(found.provenance, parameters={**found.provenance.parameters, **told})) if told else found


def shorter_window(asked: TriageParameters, found: Triage) -> str:
    """One sentence where the model reads less than the window that was asked for, and so had its own longest one; else empty."""
    used = int(found.provenance.parameters["window_bp"])
    if used >= asked.window_bp:
        return ""
    return f"The window is {used:,} bases instead of {asked.window_bp:,}: {found.provenance.card.title} reads no more at once."


def other_reference(variants: Iterable[Variant], reference: ReferenceLetters) -> str:
    """One sentence where a registered reference has none of the variants' contigs, and exactly one other has all of them: which; else empty."""
    genomes, contigs = reference.genomes, {variant.contig for variant in variants}
    if genomes.given or any(genomes.contig_of(reference.assembly, contig) is not None for contig in contigs):
        return ""
    others = [name for name in genomes.names() if name != reference.assembly and contigs and _has_all(genomes, name, contigs)]
    if len(others) != 1:
        return ""
    here, there = genomes.words_for(reference.assembly), genomes.words_for(others[0])
    return f"{here} has none of the contigs of these variants, {there} has all of them; choose {there} as the reference."


def _has_all(genomes: GenomeSet, name: str, contigs: Iterable[str]) -> bool:
    """Whether a registered assembly has contigs; one whose file cannot be read has none."""
    try:
        return all(genomes.contig_of(name, contig) is not None for contig in contigs)
    except LocuscopeError:
        return False


def place_variants(
    variants: Sequence[Variant], reference: ReferenceLetters, window_bp: int, transcripts: Transcripts | None = None
) -> Iterator[Site]:
    """The window of every variant, in order; what cannot be placed says why.

    The window has ``window_bp`` bases with the first base that changes at ``window_bp // 2``, whatever pads the alleles, and is cut at the
    ends of the contig.
    """
    genes = Genes(reference, transcripts or Transcripts())
    return (_site(variant, reference, window_bp, genes) for variant in variants)


class Genes:
    """What the variants of one triage do to gene models, and where their alleles stand leftmost."""

    def __init__(self, reference: ReferenceLetters, transcripts: Transcripts) -> None:
        self._reference, self._letters = reference, BlockLetters(reference)
        self._models = GeneModels(transcripts, self._letters) if transcripts else None
        self._contigs: dict[str, str | None] = {}

    def consequences(self, variant: Variant) -> tuple[Consequence, ...]:
        """One a transcript, the most severe first; none without gene models of its contig."""
        if self._models is None or variant.change is None:
            return ()
        if variant.contig not in self._contigs:
            self._contigs[variant.contig] = self._reference.contig_among(variant.contig, self._models.contigs)
        contig = self._contigs[variant.contig]
        return () if contig is None else self._models.consequences(contig, variant)

    def left_aligned(self, variant: Variant) -> tuple[int, str, str] | None:
        """Position and alleles as `ScoredVariant` has them; None for symbolic alleles and where nothing changes."""
        if variant.change is None or variant.kind == "same":
            return None

        def around(start: int, end: int) -> str:
            return self._letters.clipped(variant.contig, start, end)

        return as_vcf(placements(variant.change, around)[0], around)


def _site(variant: Variant, reference: ReferenceLetters, window_bp: int, genes: Genes) -> Site:
    """The window of one variant; what cannot be placed or read is a note of its row and does not end the others."""
    if variant.problem:
        return Site(variant, None, status="not_scored", note=variant.problem)
    try:
        return _placed(variant, reference, window_bp, genes)
    except SequenceError as error:
        return Site(variant, None, status="not_scored", note=f"The reference around it cannot be read: {error}")


def _placed(variant: Variant, reference: ReferenceLetters, window_bp: int, genes: Genes) -> Site:
    first, last = variant.position - 1, variant.position - 1 + len(variant.reference)
    piece = reference.piece(variant.contig, first, last)
    if piece is None:
        return Site(variant, None, status="outside", note=reference.without(variant.contig))
    if not piece.covers(first, last):
        held = f"{piece.contig}:{piece.offset + 1:,}-{piece.offset + piece.length:,}"
        return Site(variant, None, status="outside", note=f"The reference has {held} only; check the assembly.")
    change = variant.change or Change(first, variant.reference, "")
    start, stop = max(piece.offset, change.start - window_bp // 2), piece.offset + piece.length
    end = min(stop, max(change.start + 1, change.start - window_bp // 2 + window_bp))
    window = reference.genomes.fetch(Locus(reference.assembly, piece.record, start - piece.offset, end - piece.offset))
    found = reference.letters(variant.contig, first, last)
    if found != variant.reference:
        note = f"REF is {variant.reference[:20]} but the reference has {found[:20]}; check the assembly and the strand."
        return Site(variant, window, first - start, "reference_mismatch", note)
    consequences, left_aligned = genes.consequences(variant), genes.left_aligned(variant)
    last = min(stop, change.end + end - change.start - len(change.alternate))
    other_length = len(change.reference) != len(change.alternate)
    behind = reference.letters(variant.contig, change.end, last) if other_length and last > change.end else ""
    return Site(variant, window, first - start, consequences=consequences, left_aligned=left_aligned, behind=behind)
