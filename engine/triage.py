"""From the variants of a VCF and a reference to the sites a model scores: windows, checks of the reference allele, consequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.analyses.consequence import GeneModels
from engine.analyses.triage import Site
from engine.core.errors import LocusError
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.core.transcripts import Transcript
from engine.core.variants import TriageParameters, Variant
from engine.sources.assemblies import find_contig
from engine.sources.genomes import GenomeSet
from engine.sources.transcripts import read_transcripts


@dataclass(frozen=True, eq=False)
class ReferenceLetters:
    """Letters of one registered assembly by contig, contig names understood in their usual other spellings."""

    genomes: GenomeSet
    assembly: str

    @classmethod
    def of_file(cls, path: Path, settings: Settings) -> ReferenceLetters:
        """A FASTA file that a user of the command line named."""
        name = "reference"
        return cls(GenomeSet(replace(settings, genomes=f"{name}={path}")), name)

    def transcripts(self) -> tuple[Transcript, ...]:
        """Gene models of the annotation that is registered with the assembly; none without one, or when it is no GFF3 or GTF."""
        path = self.genomes.annotation_file(self.assembly)
        gene_models = path is not None and path.name.casefold().removesuffix(".gz").endswith((".gff3", ".gff", ".gtf"))
        return read_transcripts(path) if path is not None and gene_models else ()

    def contig(self, name: str, among: Sequence[str] | None = None) -> str | None:
        """The contig that ``name`` means, of the assembly or of ``among``; None when there is none."""
        return find_contig(name, self.genomes.contigs(self.assembly) if among is None else among)

    def length(self, contig: str) -> int:
        """Bases of a contig by its own name."""
        return self.genomes.contigs(self.assembly)[contig]

    def letters(self, contig: str, start: int, end: int) -> str:
        """Upper-case forward letters, 0-based half-open."""
        return self.genomes.fetch(Locus(self.assembly, contig, start, end)).letters


@dataclass(frozen=True, eq=False)
class TriageRequest:
    """A question about the variants of a VCF.

    Parameters
    ----------
    variants : tuple of Variant
        From `engine.sources.vcf`.
    reference : ReferenceLetters
        The assembly they were called on.
    transcripts : tuple of Transcript
        Gene models for consequences; may be empty.
    model, parameters, species, weights, device, dtype
        As in `engine.service.Request`.
    """

    variants: tuple[Variant, ...]
    reference: ReferenceLetters
    transcripts: tuple[Transcript, ...] = ()
    model: str = ""
    parameters: TriageParameters = TriageParameters()
    species: str = ""
    weights: Path | None = None
    device: str = ""
    dtype: str = ""


def place_variants(
    variants: Sequence[Variant], reference: ReferenceLetters, window_bp: int, transcripts: Sequence[Transcript] = ()
) -> Iterator[Site]:
    """The window of every variant, in order; what cannot be placed says why.

    The window has ``window_bp`` bases with the variant at ``window_bp // 2``, and is cut at the ends of the contig.
    """
    models = GeneModels(transcripts, lambda contig, start, end: _annotated_letters(reference, contig, start, end)) if transcripts else None
    return (_placed(variant, reference, window_bp, models) for variant in variants)


def _placed(variant: Variant, reference: ReferenceLetters, window_bp: int, models: GeneModels | None) -> Site:
    contig = reference.contig(variant.contig)
    if contig is None:
        return Site(
            variant, None, status="outside", note=f"The reference has no contig {variant.contig}; give the assembly the VCF was made with."
        )
    first, last = variant.position - 1, variant.position - 1 + len(variant.reference)
    length = reference.length(contig)
    if last > length:
        return Site(variant, None, status="outside", note=f"{contig} has {length:,} bases in the reference; check the assembly.")
    consequence, gene = _consequence(variant, models, reference)
    start, end = max(0, first - window_bp // 2), min(length, first - window_bp // 2 + window_bp)
    window = reference.genomes.fetch(Locus(reference.assembly, contig, start, max(end, last)))
    found = window.letters[first - start : last - start]
    if found != variant.reference:
        note = f"REF is {variant.reference[:20]} but the reference has {found[:20]}; check the assembly and the strand."
        return Site(variant, window, first - start, "reference_mismatch", note)
    return Site(variant, window, first - start, consequence=consequence, gene=gene)


def _consequence(variant: Variant, models: GeneModels | None, reference: ReferenceLetters) -> tuple[str, str]:
    if models is None or variant.kind == "symbolic":
        return "", ""
    contig = reference.contig(variant.contig, models.contigs)
    return ("intergenic_variant", "") if contig is None else models.consequence(contig, variant)


def _annotated_letters(reference: ReferenceLetters, contig: str, start: int, end: int) -> str:
    """Letters by the annotation's contig name. Raises `LocusError` when the reference does not have it."""
    own = reference.contig(contig)
    if own is None:
        raise LocusError(f"The annotation has genes on {contig}, which the reference lacks; give annotation and reference of one assembly.")
    return reference.letters(own, start, end)
