"""From the variants of a VCF, a reference and genes to the spans of letters a splice model reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.splice import SpliceSpan, changed, splice, splice_genes
from engine.core.errors import ParameterError, SequenceError
from engine.core.progress import Monitor, SilentMonitor
from engine.core.provenance import all_batches
from engine.core.splicing import SpliceGene, SpliceParameters, SpliceScore, SpliceScores
from engine.core.variants import Triage, Variant
from engine.service.triage import ReferenceLetters, TriageRequest
from engine.sources.assemblies import canonical, find_contig_of

MOST_ALLELE_BP = 5_000
"""A longer allele is not scored."""

_MOST_TOGETHER = 8
_MOST_SPAN_BP = 5_000
_PLACED_BETWEEN_LOOKS = 256


@dataclass(frozen=True, eq=False)
class SpliceRequest:
    """A question about the splice sites around the variants of a VCF.

    Parameters
    ----------
    variants : tuple of Variant
        From `engine.sources.vcf`.
    reference : ReferenceLetters
        The assembly they were called on.
    genes : tuple of SpliceGene
        Whose strands are read, and their sites; where a variant lies in none, both strands are read.
    assembly : str
        Takes the genes of the table that comes with the model instead; empty = no table. ``names``: gene models that name those genes.
    model, parameters, weights, device, dtype
        As in `engine.service.requests.Request`.
    """

    variants: tuple[Variant, ...]
    reference: ReferenceLetters
    genes: tuple[SpliceGene, ...] = ()
    assembly: str = ""
    model: str = "cispliceai"
    parameters: SpliceParameters = SpliceParameters()
    weights: Path | None = None
    device: str = ""
    dtype: str = ""
    names: tuple[SpliceGene, ...] = ()


def genes_of_assembly(assembly: str, directory: Path) -> tuple[SpliceGene, ...]:
    """Genes of the table of an assembly in a model's folder. Raises `ParameterError` for an assembly without a table."""
    from engine.models.splice.genes import GENE_TABLES, read_gene_table

    file = GENE_TABLES.get(canonical(assembly))
    if file is None:
        raise ParameterError(
            f"The model comes with genes of {' and '.join(GENE_TABLES)}, not of {assembly[:40]!r}; give an annotation instead."
        )
    return read_gene_table(directory / file)


def named_by(genes: Sequence[SpliceGene], models: Sequence[SpliceGene], assembly_name: str = "") -> tuple[SpliceGene, ...]:
    """Genes of an assembly that an annotation knows by other names: each with the name of the gene model on its strand that has most of its splice sites.

    A gene without a site in common with any, or with as many of two, keeps its own name.
    """
    contigs = {model.contig for model in models}
    names = {contig: find_contig_of(assembly_name, contig, contigs) for contig in {gene.contig for gene in genes}} if models else {}
    of_site: dict[tuple[str, str, str, int], set[str]] = {}
    for model in models:
        for site in _sites(model, model.contig):
            of_site.setdefault(site, set()).add(model.name)
    found = []
    for gene in genes:
        counts = Counter(name for site in _sites(gene, names.get(gene.contig) or "") for name in of_site.get(site, ()))
        (name, most), (_, second) = (*counts.most_common(2), ("", 0), ("", 0))[:2]
        found.append(replace(gene, name=name) if most > second else gene)
    return tuple(found)


def _sites(gene: SpliceGene, contig: str) -> Iterator[tuple[str, str, str, int]]:
    for kind, places in (("acceptor", gene.acceptors), ("donor", gene.donors)):
        yield from ((contig, gene.strand, kind, place) for place in places)


@dataclass(frozen=True, eq=False)
class _Placed:
    """A variant of ``[start, end)`` in one gene or on one strand; ``order``: contig, number of the gene, strand."""

    order: tuple[str, int, str]
    start: int
    end: int
    gene: SpliceGene | None
    row: tuple[int, SpliceScore]


@dataclass(frozen=True, eq=False)
class _Group:
    """Variants near each other in one gene, or on one strand of none."""

    items: tuple[_Placed, ...]

    @property
    def first(self) -> int:
        """Start of the first changed base."""
        return self.items[0].start

    @property
    def last(self) -> int:
        """End of the last changed base."""
        return max(item.end for item in self.items)


def _grouped(items: Sequence[_Placed]) -> list[_Group]:
    """Sorted variants in groups that share a window: of one gene or strand, not too many, not too far apart."""
    groups: list[list[_Placed]] = []
    for item in items:
        here = groups[-1] if groups else []
        fits = here and here[0].order == item.order and len(here) < _MOST_TOGETHER and item.end - here[0].start <= _MOST_SPAN_BP
        if fits:
            here.append(item)
        else:
            groups.append([item])
    return [_Group(tuple(group)) for group in groups]


class SplicePlan:
    """Which variants are scored together, by which genes; ``unscored`` are the rows of the others, each with its place in the answer.

    ``monitor`` may raise to stop while the reference is read.
    """

    def __init__(
        self,
        variants: Sequence[Variant],
        reference: ReferenceLetters,
        genes: Sequence[SpliceGene],
        parameters: SpliceParameters,
        monitor: Monitor | None = None,
    ) -> None:
        self._reference, self._parameters = reference, parameters
        self.unscored: list[tuple[int, SpliceScore]] = []
        self.count = 0
        found = _GenesByPlace(genes, reference)
        watcher = monitor or SilentMonitor()
        placed: list[_Placed] = []
        for number, variant in enumerate(variants):
            placed += self._placed(variant, found)
            if number % _PLACED_BETWEEN_LOOKS == 0:
                watcher.advance(0)
        self._groups = _grouped(sorted(placed, key=lambda item: (item.order, item.start)))

    def _placed(self, variant: Variant, genes: _GenesByPlace) -> list[_Placed]:
        """A variant once for every gene it lies in, or for both strands; nothing, and a row of its own, when it cannot be scored."""
        problem = self._problem(variant)
        if problem is not None:
            self.unscored.append((self.count, problem))
            self.count += 1
            return []
        start, reference, _ = changed(variant)
        end = start + len(reference)
        inside: list[tuple[int, str, SpliceGene | None]] = [
            (number, gene.strand, gene) for number, gene in genes.at(variant.contig, start, max(end, start + 1))
        ]
        items = []
        for number, strand, gene in inside or [(-1, "+", None), (-1, "-", None)]:
            row = SpliceScore(variant, "scored", gene.name if gene is not None else "", strand)
            items.append(_Placed((variant.contig, number, strand), start, end, gene, (self.count, row)))
            self.count += 1
        return items

    def _problem(self, variant: Variant) -> SpliceScore | None:
        """The row of a variant that cannot be scored; None for one that can."""
        if variant.problem:
            return SpliceScore(variant, "not_scored", note=variant.problem)
        if variant.kind == "symbolic":
            return SpliceScore(variant, "not_scored", note=variant.why_unread)
        if variant.reference == variant.alternate:
            return SpliceScore(variant, "not_scored", note="REF and ALT are the same letters; nothing changes.")
        if max(len(variant.reference), len(variant.alternate)) > MOST_ALLELE_BP:
            return SpliceScore(variant, "not_scored", note=f"Alleles of more than {MOST_ALLELE_BP:,} bases are not scored.")
        start, end = variant.position - 1, variant.position - 1 + len(variant.reference)
        piece = self._reference.piece(variant.contig, start, end)
        if piece is None:
            return SpliceScore(variant, "outside", note=self._reference.without(variant.contig))
        if not piece.covers(start, end):
            held = f"{piece.contig[:80]}:{piece.offset + 1:,}-{piece.offset + piece.length:,}"
            return SpliceScore(variant, "outside", note=f"The reference has {held} only; check the assembly.")
        try:
            found = self._reference.letters(variant.contig, start, end)
        except SequenceError as error:
            return SpliceScore(variant, "not_scored", note=f"The reference around it cannot be read: {error}")
        if found != variant.reference:
            note = f"REF is {variant.reference[:20]} but the reference has {found[:20]}; check the assembly and the strand."
            return SpliceScore(variant, "reference_mismatch", note=note)
        return None

    def spans(self, context_bp: int) -> Iterator[SpliceSpan]:
        """The spans, their letters read one by one."""
        return (self._span(group, context_bp) for group in self._groups)

    def _span(self, group: _Group, context_bp: int) -> SpliceSpan:
        flank = self._parameters.distance_bp + context_bp
        contig, _, strand = group.items[0].order
        gene, start, end = group.items[0].gene, group.first - flank, group.last + flank
        piece = self._reference.piece(contig, group.first, group.last)
        low, high = (start, end) if piece is None else (max(start, piece.offset), min(end, piece.offset + piece.length))
        held = low, high
        if gene is not None and not self._parameters.outside:
            low, high = max(low, gene.start), min(high, gene.end)
        letters = "N" * (low - start) + self._reference.letters(contig, low, high) + "N" * (end - high)
        rows = tuple((place, _noting_edges(row, flank, *held)) for place, row in (item.row for item in group.items))
        return SpliceSpan(letters, start, strand, gene, rows)


def _noting_edges(row: SpliceScore, flank: int, first: int, last: int) -> SpliceScore:
    """The row, with a sentence where the reference, of which ``[first, last)`` is read, ends less than ``flank`` bases from the variant."""
    start, reference, _ = changed(row.variant)
    missing = max(0, first - (start - flank)) + max(0, start + len(reference) + flank - last)
    return replace(row, note=f"{missing:,} bases around it are beyond the reference and count as N.") if missing else row


class _GenesByPlace:
    """Genes by contig, whatever its spelling."""

    def __init__(self, genes: Sequence[SpliceGene], reference: ReferenceLetters) -> None:
        self._reference = reference
        self._contigs: dict[str, list[tuple[int, SpliceGene]]] = {}
        for number, gene in enumerate(genes):
            self._contigs.setdefault(gene.contig, []).append((number, gene))
        self._edges = {name: np.array([(gene.start, gene.end) for _, gene in found]) for name, found in self._contigs.items()}
        self._names: dict[str, str | None] = {}

    def at(self, contig: str, start: int, end: int) -> list[tuple[int, SpliceGene]]:
        """Genes that meet ``[start, end)``, each with its number."""
        if contig not in self._names:
            self._names[contig] = self._reference.contig_among(contig, self._contigs)
        name = self._names[contig]
        if name is None:
            return []
        edges = self._edges[name]
        return [self._contigs[name][index] for index in np.flatnonzero((edges[:, 0] < end) & (edges[:, 1] > start))]


def of_triage(request: TriageRequest) -> SpliceRequest:
    """The splice question of a triage: by the genes of its assembly where the model brings them, else by its gene models."""
    from engine.models.splice.genes import GENE_TABLES

    known = canonical(request.assembly) if request.assembly else ""
    assembly = known if known in GENE_TABLES else ""
    models = splice_genes(request.transcripts)
    genes, names = ((), models) if assembly else (models, ())
    return SpliceRequest(request.variants, request.reference, genes, assembly, request.splice, device=request.device, names=names)


def joined(found: Triage, scores: SpliceScores) -> Triage:
    """The triage with the strongest splice change of every allele."""
    strongest = scores.strongest()
    rows = tuple(replace(row, splice=strongest.get((row.variant.record, row.variant.allele))) for row in found.rows)
    splice = {"model": scores.provenance.card.id, "weights_sha256": scores.provenance.card.weights_sha256, **scores.provenance.parameters}
    told = all_batches(found.provenance.batches, scores.provenance.batches)
    return Triage(rows, replace(found.provenance, parameters={**found.provenance.parameters, "splice": splice}, batches=told))


def answer(request: SpliceRequest, directory: Path, model: Callable[[], AbstractContextManager[Any]], monitor: Monitor) -> SpliceScores:
    """The answer to a request; ``model()`` lends the model whose files lie in ``directory``."""
    genes = request.genes or (
        named_by(genes_of_assembly(request.assembly, directory), request.names, request.assembly) if request.assembly else ()
    )
    plan = SplicePlan(request.variants, request.reference, genes, request.parameters, monitor)
    with model() as borrowed:
        return splice(borrowed, plan.spans(borrowed.context_bp), plan.unscored, plan.count, request.parameters, monitor)
