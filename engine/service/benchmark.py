"""From labelled rows to a benchmark: labels, scores of columns and of a model, baselines that need no model."""

from __future__ import annotations

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
        Column of the class; empty = no classes.
    model : str
        A model that scores the variants of the rows, or their ``sequences`` (a column of letters); empty = none. ``reference``, ``transcripts``, ``assembly``: what it needs.
    """

    rows: Labelled
    label: str
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()
    group: str = ""
    model: str = ""
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


def run_benchmark(engine: Engine, request: BenchmarkRequest, monitor: Monitor) -> Benchmark:
    """The benchmark of a request; the model's scores first, then those of columns.

    Raises
    ------
    ParameterError
        A column that is not there, a label that is no number, no score at all, or no reference for the model.
    """
    labels, kept = labels_of(request)
    if not request.model and not request.scores:
        raise ParameterError("Nothing to measure: name a column with --score, or a model with --model.")
    variants = tuple(request.rows.variants[index] for index in kept.tolist()) if request.rows.variants else ()
    scores: dict[str, NDArray[np.float64]] = {}
    baselines: dict[str, NDArray[np.float64]] = {}
    if request.sequences:
        letters = [request.rows.column(request.sequences)[index] for index in kept.tolist()]
        baselines[GC] = np.array([_gc(text) for text in letters])
        scores |= _of_sequences(engine, request, letters, monitor) if request.model else {}
    elif request.model:
        scores |= _of_model(engine, request, variants, monitor)
    scores |= {name: _numbers(request, name)[kept] for name in request.scores}
    baselines |= {name: _numbers(request, name)[kept] for name in request.baselines}
    if variants:
        baselines[SUBSTITUTION] = np.array([_transversion(variant) for variant in variants])
        genes = _genes(engine, request)
        if genes:
            baselines[SPLICE_DISTANCE] = closeness(variants, genes)
    groups = [request.rows.column(request.group)[index] for index in kept.tolist()] if request.group else [""] * len(kept)
    return benchmark(scores, labels, groups, request.parameters, baselines, monitor)


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


def _of_model(engine: Engine, request: BenchmarkRequest, variants: Sequence[Variant], monitor: Monitor) -> dict[str, NDArray[np.float64]]:
    """What the model says of every variant, by the name of the score; NaN where it says nothing."""
    from engine.service.splice import SpliceRequest
    from engine.service.triage import TriageRequest

    if not variants or request.reference is None:
        raise ParameterError("A model needs the variants (columns for contig, position, reference and alternate, or a VCF) and --fasta.")
    card = engine.model(request.model).card
    numbered = tuple(replace(variant, record=place, allele=0) for place, variant in enumerate(variants))
    if card.can(Capability.SPLICING):
        genes = _genes(engine, request)
        found = engine.run_splice(
            SpliceRequest(numbered, request.reference, genes, "", request.model, request.splicing, request.weights, request.device),
            monitor,
        )
        strongest = found.strongest()
        values = [strongest[place, 0].score if (place, 0) in strongest else None for place in range(len(numbered))]
        return {f"{card.title}, largest change": _known(values)}
    result = engine.run_triage(
        TriageRequest(numbered, request.reference, Transcripts(), request.model, weights=request.weights, device=request.device), monitor
    )
    columns = {"-llr": [row.llr for row in result.rows], "influence": [row.influence for row in result.rows]}
    columns["-delta log-likelihood"] = [row.delta_log_likelihood for row in result.rows]
    told = {name: _known(values) for name, values in columns.items()}
    return {
        f"{card.title}, {name}": -values if name.startswith("-") else values for name, values in told.items() if np.isfinite(values).any()
    }


def _of_sequences(engine: Engine, request: BenchmarkRequest, letters: Sequence[str], monitor: Monitor) -> dict[str, NDArray[np.float64]]:
    """Mean ln p of a base of each sequence: of a causal model given the bases before it, else of the whole sequence, nothing masked."""
    from engine.analyses.triage import mean_log_likelihood
    from engine.service.engine import follow

    visitor = "benchmark"

    def work(model: Any, told: Monitor) -> list[float]:
        told.start(len(letters), "sequences")
        found = []
        for text in letters:
            found.append(mean_log_likelihood(model, NucleotideSequence(text)))
            told.advance(1)
        return found

    job = engine.submit_on_model("benchmark", request, Capability.EFFECTS, work, visitor)
    values: list[float] = follow(job, visitor, monitor)
    return {f"{engine.model(request.model).card.title}, mean ln p": np.array(values)}


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
