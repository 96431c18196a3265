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
        No registered annotation has a coding gene of this name, its transcripts start at different codons, or the contig ends before that.
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
    coding = [part for part in parts if part.kind == "CDS"]
    forward = coding[0].strand != "-"
    position = min(part.start for part in coding) if forward else max(part.end for part in coding) - 1
    return coding[0].contig, position, forward


def _window(genomes: GenomeSet, registered: str, contig: str, position: int, forward: bool, upstream_bp: int, gene: str) -> Locus:
    length = genomes.contigs(registered)[contig]
    start, end = (position - upstream_bp, position + CODON_BP) if forward else (position + 1 - CODON_BP, position + 1 + upstream_bp)
    if start < 0 or end > length:
        held = position if forward else length - 1 - position
        raise LocusError(f"Before {quoted(gene, 40)} the contig {contig} has {held:,} bases; {upstream_bp:,} are needed.")
    return Locus(registered, contig, start, end, Strand.FORWARD if forward else Strand.REVERSE)
