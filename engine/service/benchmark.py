"""From labelled rows to a benchmark: labels, scores of columns and of a model, baselines that need no model."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.benchmark import Benchmark, BenchmarkParameters, benchmark
from engine.analyses.splice import changed
from engine.core.card import Capability
from engine.core.errors import ParameterError
from engine.core.numbers import cell_number
from engine.core.sequence import NucleotideSequence
from engine.core.splicing import SpliceGene, SpliceParameters
from engine.core.transcripts import Transcripts
from engine.core.variants import Variant
from engine.sources.labelled import Labelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.service.engine import Engine
    from engine.service.triage import ReferenceLetters

SUBSTITUTION = "transversion"
GC = "GC content"
SPLICE_DISTANCE = "closeness to a splice site"
EXON, INTRON, OUTSIDE_GENES = "exon", "intron", "outside of genes"
_BASES, _PURINES = frozenset("ACGT"), frozenset("AG")


@dataclass(frozen=True, eq=False)
class BenchmarkRequest:
    """A question about labelled rows. ``absolute``: the size of a label of numbers counts, not its sign.

    Parameters
    ----------
    rows : Labelled
        From `engine.sources.labelled`.
    label : str
        Column of the label. ``positive`` and ``negative``: texts of the two classes (other rows are left out); none = measured numbers.
    scores, baselines, lower : tuple of str
        Columns; those in ``lower`` are turned round because low values speak for positives.
    group : str
        Column of the class; empty = what variants do to ``transcripts``, else where they lie in the genes of ``assembly``, else no classes.
    models : tuple of str
        Models that score the variants of the rows, or their ``sequences`` (a column of letters). ``reference``, ``transcripts``, ``assembly``: what they need.
    """

    rows: Labelled
    label: str
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()
    group: str = ""
    models: tuple[str, ...] = ()
    reference: ReferenceLetters | None = None
    transcripts: Transcripts = field(default_factory=Transcripts)
    assembly: str = ""
    splicing: SpliceParameters = SpliceParameters()
    weights: Path | None = None
    device: str = ""
    species: str = ""
    dtype: str = ""
    sequences: str = ""
    absolute: bool = False
    parameters: BenchmarkParameters = field(default_factory=BenchmarkParameters)


@dataclass(frozen=True)
class _Chosen:
    """A model as `engine.service.engine.Engine.submit_on_model` is asked for it."""

    model: str
    species: str
    weights: Path | None
    device: str
    dtype: str


def run_benchmark(engine: Engine, request: BenchmarkRequest, monitor: Monitor) -> Benchmark:
    """The benchmark of a request; the model's scores first, then those of columns.

    Raises
    ------
    ParameterError
        A column that is not there, a label that is no number, no score at all, or no reference for the model.
    """
    labels, kept = labels_of(request)
    if not request.models and not request.scores:
        raise ParameterError("Nothing to measure: name a column with --score, or a model with --model.")
    if len(request.models) > 1 and request.weights is not None:
        raise ParameterError(f"One folder of weights is given for {len(request.models)} models; measure them one by one.")
    variants = tuple(request.rows.variants[index] for index in kept.tolist()) if request.rows.variants else ()
    scores: dict[str, NDArray[np.float64]] = {}
    baselines: dict[str, NDArray[np.float64]] = {}
    if request.sequences:
        letters = [request.rows.column(request.sequences)[index] for index in kept.tolist()]
        baselines[GC] = np.array([_gc(text) for text in letters])
        for model in request.models:
            scores |= _of_sequences(engine, request, model, letters, monitor)
    else:
        for model in request.models:
            scores |= _of_model(engine, request, model, variants, monitor)
    scores |= {name: _numbers(request, name)[kept] for name in request.scores}
    baselines |= {name: _numbers(request, name)[kept] for name in request.baselines}
    if variants:
        baselines[SUBSTITUTION] = np.array([_transversion(variant) for variant in variants])
        genes = _genes(engine, request)
        if genes:
            baselines[SPLICE_DISTANCE] = closeness(variants, genes)
    return benchmark(scores, labels, _classes(engine, request, kept, variants), request.parameters, baselines, monitor)


def _classes(engine: Engine, request: BenchmarkRequest, kept: NDArray[np.int64], variants: Sequence[Variant]) -> list[str]:
    """The class of every row: of its column, else its most severe consequence, else its place in the genes of the assembly."""
    from engine.service.triage import Genes

    if request.group:
        column = request.rows.column(request.group)
        return [column[index] for index in kept.tolist()]
    if variants and request.transcripts and request.reference is not None:
        models = Genes(request.reference, request.transcripts)
        found = [models.consequences(variant) for variant in variants]
        return [items[0].term if items else "" for items in found]
    genes = _genes(engine, request) if variants else ()
    return places(variants, genes) if genes else [""] * len(kept)


def labels_of(request: BenchmarkRequest) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Labels of the rows that have one, and their indices."""
    texts = request.rows.column(request.label)
    if not request.positive and not request.negative:
        values = _numbers(request, request.label)
        kept = np.flatnonzero(np.isfinite(values))
        if not kept.size:
            raise ParameterError(f"The column {request.label[:40]!r} holds no numbers; name its classes with --positive and --negative.")
        return np.abs(values[kept]) if request.absolute else values[kept], kept
    if not request.positive or not request.negative:
        raise ParameterError("Give both --positive and --negative, or neither for a label of numbers.")
    kinds = {**dict.fromkeys(request.negative, False), **dict.fromkeys(request.positive, True)}
    kept = np.array([index for index, text in enumerate(texts) if text in kinds], dtype=np.int64)
    if not kept.size:
        seen = ", ".join(dict.fromkeys(text[:20] for text in texts[:1000] if text))[:80]
        raise ParameterError(f"No row of {request.label[:40]!r} is {' or '.join(kinds)[:80]}; it has {seen}.")
    return np.array([kinds[texts[index]] for index in kept.tolist()], dtype=bool), kept


def _numbers(request: BenchmarkRequest, name: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where a cell holds none; turned round where low values speak for positives."""
    found = [cell_number(text) for text in request.rows.column(name)]
    values = np.array([math.nan if value is None else value for value in found])
    return -values if name in request.lower else values


def _of_model(
    engine: Engine, request: BenchmarkRequest, model: str, variants: Sequence[Variant], monitor: Monitor
) -> dict[str, NDArray[np.float64]]:
    """What the model says of every variant, by the name of the score; NaN where it says nothing."""
    from engine.service.splice import SpliceRequest
    from engine.service.triage import TriageRequest

    if not variants or request.reference is None:
        raise ParameterError("A model needs the variants (columns for contig, position, reference and alternate, or a VCF) and --fasta.")
    card = engine.model(model).card
    numbered = tuple(replace(variant, record=place, allele=0) for place, variant in enumerate(variants))
    if card.can(Capability.SPLICING):
        genes = _genes(engine, request)
        found = engine.run_splice(
            SpliceRequest(numbered, request.reference, genes, "", model, request.splicing, request.weights, request.device),
            monitor,
        )
        strongest = found.strongest()
        values = [strongest[place, 0].score if (place, 0) in strongest else None for place in range(len(numbered))]
        return {f"{card.title}, largest change": _known(values)}
    result = engine.run_triage(
        TriageRequest(numbered, request.reference, Transcripts(), model, weights=request.weights, device=request.device), monitor
    )
    columns = {"-llr": [row.llr for row in result.rows], "influence": [row.influence for row in result.rows]}
    columns["-delta log-likelihood"] = [row.delta_log_likelihood for row in result.rows]
    told = {name: _known(values) for name, values in columns.items()}
    return {
        f"{card.title}, {name}": -values if name.startswith("-") else values for name, values in told.items() if np.isfinite(values).any()
    }


def _of_sequences(
    engine: Engine, request: BenchmarkRequest, model: str, letters: Sequence[str], monitor: Monitor
) -> dict[str, NDArray[np.float64]]:
    """Mean ln p of a base of each sequence: of a causal model given the bases before it, else of the whole sequence, nothing masked."""
    from engine.analyses.triage import mean_log_likelihood
    from engine.service.engine import follow

    visitor = "benchmark"

    def work(loaded: Any, told: Monitor) -> list[float]:
        told.start(len(letters), "sequences")
        found = []
        for text in letters:
            found.append(mean_log_likelihood(loaded, NucleotideSequence(text)))
            told.advance(1)
        return found

    job = engine.submit_on_model(
        "benchmark", _Chosen(model, request.species, request.weights, request.device, request.dtype), Capability.EFFECTS, work, visitor
    )
    values: list[float] = follow(job, visitor, monitor)
    return {f"{engine.model(model).card.title}, mean ln p": np.array(values)}


def _gc(letters: str) -> float:
    """Part of G and C among the letters; NaN for none."""
    known = sum(letters.upper().count(base) for base in "ACGTU")
    return sum(letters.upper().count(base) for base in "GC") / known if known else math.nan


def _known(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def _genes(engine: Engine, request: BenchmarkRequest) -> tuple[SpliceGene, ...]:
    from engine.analyses.splice import splice_genes
    from engine.service.splice import genes_of_assembly

    if request.transcripts:
        return splice_genes(request.transcripts)
    return genes_of_assembly(request.assembly, engine.folder("cispliceai", request.weights)) if request.assembly else ()


def _transversion(variant: Variant) -> float:
    """1 for a change between purine and pyrimidine, 0 for one within; NaN for what is no single base."""
    _, reference, alternate = changed(variant)
    if variant.problem or reference not in _BASES or alternate not in _BASES:
        return math.nan
    return float((reference in _PURINES) != (alternate in _PURINES))


def closeness(variants: Sequence[Variant], genes: Sequence[SpliceGene]) -> NDArray[np.float64]:
    """Minus the bases from the changed ones to the nearest junction of an exon and an intron, float64 (n,); NaN without one on the contig.

    0 is the intron base beside a junction and the exon base beside it.
    """
    from engine.sources.assemblies import find_contig

    ends: dict[str, list[int]] = {}
    for gene in genes:
        forward = gene.strand == "+"
        right, left = (gene.donors, gene.acceptors) if forward else (gene.acceptors, gene.donors)
        ends.setdefault(gene.contig, []).extend([*(place + 1 for place in right), *left])
    junctions = {contig: np.unique(np.array(places)) for contig, places in ends.items()}
    names = {contig: find_contig(contig, junctions) for contig in {variant.contig for variant in variants}}
    return np.array([-_distance(variant, junctions.get(names[variant.contig] or "")) for variant in variants])


def places(variants: Sequence[Variant], genes: Sequence[SpliceGene]) -> list[str]:
    """Where each variant lies: in an intron, in an exon, in either by isoform, or outside of the genes; empty for one that cannot be used.

    A base is of an intron where the nearest junctions at both sides are those of an intron, of any isoform: isoforms are collapsed in ``genes``.
    """
    from engine.sources.assemblies import find_contig

    of_contig: dict[str, list[SpliceGene]] = {}
    for gene in genes:
        of_contig.setdefault(gene.contig, []).append(gene)
    names = {contig: find_contig(contig, of_contig) for contig in {variant.contig for variant in variants}}
    return [_place(variant, of_contig.get(names[variant.contig] or "", ())) for variant in variants]


def _place(variant: Variant, genes: Sequence[SpliceGene]) -> str:
    if variant.problem:
        return ""
    start, reference, _ = changed(variant)
    last = start + max(1, len(reference)) - 1
    found = {word for gene in genes if gene.start <= last and start < gene.end for at in (start, last) for word in _sides(gene, at)}
    return " or ".join(sorted(found)) if found else OUTSIDE_GENES


def _sides(gene: SpliceGene, at: int) -> set[str]:
    """What the junctions next to a base say of it, one at either side: those of an intron, or of an exon."""
    right, left = (gene.donors, gene.acceptors) if gene.strand == "+" else (gene.acceptors, gene.donors)
    edges = sorted([(place + 0.5, EXON) for place in right] + [(place - 0.5, INTRON) for place in left])
    here = bisect.bisect([edge for edge, _ in edges], at)
    other = {EXON: INTRON, INTRON: EXON}
    before = other[edges[here - 1][1]] if here else EXON
    behind = edges[here][1] if here < len(edges) else EXON
    return {before, behind}


def _distance(variant: Variant, junctions: NDArray[np.int64] | None) -> float:
    if junctions is None or not junctions.size or variant.problem:
        return math.nan
    start, reference, _ = changed(variant)
    end = start + len(reference)
    here = np.searchsorted(junctions, [start, end])
    if here[0] < here[1]:
        return 0.0
    near = junctions[max(0, here[0] - 1) : here[0] + 1]
    return float(min(max(int(place) - end, start - int(place)) for place in near.tolist()))
