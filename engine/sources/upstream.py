"""The stretch before a gene that a model of promoters was trained on: so many bases in front of the start codon, and the codon itself."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.errors import LocusError
from engine.core.features import Feature
from engine.core.locus import Locus, Strand, split_names
from engine.core.quoting import quoted
from engine.sources.assemblies import assembly
from engine.sources.genomes import GenomeSet

CODON_BP = 3


def upstream_locus(genomes: GenomeSet, text: str, upstream_bp: int) -> Locus:
    """``upstream_bp`` bases before the start codon and the codon, on the strand of the gene or transcript that ``text`` names (``GAL1``, ``R64:GAL1``).

    Raises
    ------
    LocusError
        No registered annotation has a coding gene of this name, its transcripts start at different codons, the start codon is not part of
        what is annotated, or the contig ends before that.
    """
    named, gene = split_names(text.strip())
    if named and not genomes.knows(named):
        named, gene = "", text.strip()
    for registered, annotation in genomes.annotations(named):
        transcripts = annotation.coding(gene)
        starts = {name: _start(parts) for name, parts in transcripts.items()}
        if len(set(starts.values())) > 1:
            raise LocusError(
                f"The transcripts of {quoted(gene, 40)} start at {len(set(starts.values()))} codons; name one of them: {', '.join([*starts][:6])}."
            )
        for parts in transcripts.values():
            _check_whole(gene, _first(parts))
        for contig, position, forward in starts.values():
            found = genomes.contig_of(registered, contig)
            if found is not None:
                return _window(genomes, registered, found, position, forward, upstream_bp, gene)
    raise LocusError(
        f"No registered annotation has a coding gene {quoted(gene, 40)}; register its genome with LOCUSCOPE_GENOMES=NAME=FASTA;ANNOTATION."
    )


def species_of(assembly_name: str, known: Sequence[str]) -> str:
    """The species token among ``known`` of the organism of a public assembly; empty where there is none."""
    row = assembly(assembly_name)
    token = "_".join(row.organism.lower().split()[:2]) if row is not None else ""
    return token if token in known else ""


def _start(parts: Sequence[Feature]) -> tuple[str, int, bool]:
    """Contig, 0-based position of the first base of the start codon, and whether it lies on the forward strand."""
    first = _first(parts)
    forward = first.strand != "-"
    return first.contig, first.start if forward else first.end - 1, forward


def _first(parts: Sequence[Feature]) -> Feature:
    """The coding part that is read first."""
    coding = [part for part in parts if part.kind == "CDS"]
    return min(coding, key=lambda part: part.start) if coding[0].strand != "-" else max(coding, key=lambda part: part.end)


def _check_whole(gene: str, first: Feature) -> None:
    """Raise `LocusError` where the annotation says that a coding sequence begins before its first part: by the phase, by NCBI's open range, or
    by Ensembl's tag."""
    told = first.attributes
    open_end = "start_range" if first.strand != "-" else "end_range"
    if told.get("phase", "0") != "0" or open_end in told or "cds_start_NF" in told.get("tag", ""):
        raise LocusError(
            f"The coding sequence of {quoted(gene, 40)} is annotated as incomplete at its start, so its start codon is not known; name a transcript "
            "that is whole, or give --locus."
        )


def start_codon_note(gene: str, letters: str) -> str:
    """One sentence where the window before a gene does not end with ATG; else empty."""
    codon = letters[-CODON_BP:]
    return (
        ""
        if codon == "ATG"
        else f"The annotated start codon of {gene[:40]} is {codon}, not ATG; check that the annotation has its beginning."
    )


def _window(genomes: GenomeSet, registered: str, contig: str, position: int, forward: bool, upstream_bp: int, gene: str) -> Locus:
    length = genomes.contigs(registered)[contig]
    start, end = (position - upstream_bp, position + CODON_BP) if forward else (position + 1 - CODON_BP, position + 1 + upstream_bp)
    if start < 0 or end > length:
        held = position if forward else length - 1 - position
        raise LocusError(f"Before {quoted(gene, 40)} the contig {contig} has {held:,} bases; {upstream_bp:,} are needed.")
    return Locus(registered, contig, start, end, Strand.FORWARD if forward else Strand.REVERSE)
