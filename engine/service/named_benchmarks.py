"""Benchmarks by name: what each measures, what its table must be, the papers' own figure, and what was measured here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.calibration import shipped
from engine.core.consequences import IMPACTS
from engine.core.errors import ParameterError
from engine.core.evaluation import contact_sets
from engine.core.quoting import quoted
from engine.exports.benchmark_table import LATER, MEASURES
from engine.sources.labelled import CLASS, NEGATIVE, POSITIVE, SEQUENCE

RESULTS = Path(__file__).resolve().parents[2] / "assets" / "benchmarks"
NOT_RUN = "not run"
MEAN = "mean"


@dataclass(frozen=True)
class Preset:
    """How the public table of a benchmark is read: options of the command ``benchmark`` by their names there."""

    label: str
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    group: str = ""
    columns: str = ""
    baselines: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()
    assembly: str = ""
    sequences: str = ""
    absolute: bool = False

    def or_else(self, usual: Preset, *, with_assembly: bool) -> Preset:
        """These options, and those of ``usual`` where they are empty; its assembly only ``with_assembly``."""
        found = {item.name: getattr(self, item.name) or getattr(usual, item.name) for item in fields(self) if item.name != "assembly"}
        return Preset(**found, assembly=self.assembly or (usual.assembly if with_assembly else ""))


@dataclass(frozen=True)
class Headline:
    """Which of the measured numbers stands for a benchmark: of the first score whose name ends with ``score``, by ``measure``, on the class
    ``group`` or, where that is `MEAN`, the mean over all classes. What is empty is the first there is."""

    score: str = ""
    measure: str = ""
    group: str = "all"


@dataclass(frozen=True)
class NamedBenchmark:
    """One row of the page.

    ``data``: which public table it takes. ``published``: the figure of the paper, with its source; empty where we know none.
    ``preset``: how that table is read; None where another ``command`` measures it. ``files``: how many files the table comes in.
    ``why_not``: one sentence why it was not run, or not on all of the table; empty where it was.
    """

    id: str
    title: str
    measure: str
    data: str
    published: str = ""
    preset: Preset | None = None
    command: str = ""
    files: int = 1
    headline: Headline = Headline()
    why_not: str = ""

    @property
    def how(self) -> str:
        """The command that measures it."""
        if self.preset is None:
            return self.command
        names = "--data TABLE" if self.files == 1 else "--data POSITIVES.fa --data NEGATIVES.fa"
        return f"python -m engine benchmark {self.id} {names} --model ID" + ("" if self.preset.sequences else " --fasta REFERENCE")


_EVALUATE = "python -m engine.training evaluate --data DIR --corpus CORPUS.npz"
_PREPRINT = "Tomaz da Silva et al., notebooks of the preprint of 2024"

BENCHMARKS: tuple[NamedBenchmark, ...] = (
    NamedBenchmark(
        "classes",
        "Consequence classes on held-out genes",
        "AUROC of each class against synonymous substitutions",
        "four genomes that the shipped model was not trained on",
        command="python -m engine.training classes --data DIR",
    ),
    NamedBenchmark(
        "brca1",
        "BRCA1, saturation genome editing",
        "AUROC of loss of function against functional, SNVs outside of coding changes",
        "Findlay et al., Nature 2018, supplementary table 1 saved as text: rows Intronic, Splice region and Synonymous",
        "CADD and phyloP stand in the paper's own table and are the baselines",
        Preset(
            "func.class",
            ("LOF",),
            ("FUNC",),
            "consequence",
            "chromosome,position (hg19),reference,alt",
            ("phyloP (mammalian)", "CADD.score"),
            assembly="GRCh37",
        ),
    ),
    NamedBenchmark(
        "clinvar",
        "ClinVar, pathogenic or not",
        "AUROC of pathogenic against other records",
        "a ClinVar VCF of 2016 with the INFO field PATHOGENIC",
        f"non-coding variants only: AUROC 0.948 SpeciesLM metazoa, 0.978 phyloP ({_PREPRINT})",
        Preset("PATHOGENIC", ("1",), ("0",), assembly="GRCh37"),
        headline=Headline("largest change", "auroc", "intron"),
        why_not="Only 2,000 records around BRCA1 were run, drawn with seed 1: no more of GRCh37 was at hand (UCSC and Ensembl have it), nor the "
        "weights of SpeciesLM metazoa, which the published figure is of (see the page Models).",
    ),
    NamedBenchmark(
        "mpra",
        "Saturation mutagenesis of promoters and enhancers",
        "correlation of the influence with |log2 fold change|, element by element",
        "Kircher et al., Nature Communications 2019",
        f"mean Pearson r 0.375 over nine promoters, SpeciesLM metazoa ({_PREPRINT})",
        Preset("Coefficient", group="Element", columns="Chrom,Pos,Ref,Alt", assembly="GRCh38", absolute=True),
        headline=Headline("influence", "pearson", MEAN),
        why_not="Only the substitutions of the nine promoters of the published figure were run; the weights of SpeciesLM metazoa, which the published figure is of, were not "
        "at hand (see the page Models).",
    ),
    NamedBenchmark(
        "chip-exo",
        "Transcription factors of yeast",
        "AUROC of block scores at motif bases within ChIP-exo peaks against other promoter bases",
        "Rossi et al., Nature 2021",
        f"AUROC 0.82, SpeciesLM fungi ({_PREPRINT})",
        why_not="Only 27 promoters of 300 bases were run, drawn with seed 1 of those with a labelled base; the weights of SpeciesLM fungi, which the "
        "published figure is of, were not at hand (see the page Models).",
        command="python -m engine scan --fasta R64.fa --gff R64.gff3 --analysis patterns --non-coding --out DIR, whose bases you label by the peaks: "
        "python -m engine benchmark bases.tsv --label motif --positive 1 --negative 0 --score block_score",
    ),
    NamedBenchmark(
        "archiveii",
        "RNA contacts, ArchiveII and PseudoBase",
        "auPRC and AUROC of contacts, sensitivity and PPV of the structures shown",
        "structures of ArchiveII and PseudoBase, near copies of training RNAs left out",
        command=_EVALUATE,
    ),
    NamedBenchmark(
        "rfam",
        "RNA contacts, Rfam families",
        "auPRC and AUROC of contacts, sensitivity and PPV of the structures shown, on held-out RNAs",
        "seed alignments of Rfam 14.2",
        command=_EVALUATE,
    ),
    NamedBenchmark(
        "promoters",
        "Promoters of E. coli",
        "AUROC of promoters against stretches of genes, by the mean ln p of a base; GC content beside it",
        "promoters of RegulonDB and as many other sequences, two FASTA files",
        preset=Preset(CLASS, (POSITIVE,), (NEGATIVE,), sequences=SEQUENCE),
        files=2,
    ),
    NamedBenchmark(
        "lambda",
        "Essential genes of phage lambda",
        "AUROC of essential genes by in-silico mutagenesis",
        "NC_001416 and its essential genes",
        command="python -m engine essential --fasta NC_001416.gb --model megadna --labels known.tsv --label essential --out genes.tsv",
        why_not="Neither the weights of megaDNA (the page Models says where they come from) nor a table of lambda's essential genes (its paper, "
        "Nature Communications 2024, 15:9392, has the labels) were at hand.",
    ),
    NamedBenchmark(
        "dms",
        "Deep mutational scan of infA",
        "Spearman's correlation of a regression on embeddings",
        "measured fitness of infA: a record of its 219 bases a variant, and a table with the columns name and fitness",
        command="python -m engine embeddings --fasta variants.fa --windows 219 --labels fitness.tsv --label fitness --out places.npz",
        why_not="No table of measured fitness of infA was at hand; it comes with the paper of the scan (Kelsic et al., Cell Systems 2016).",
    ),
)


def named(name: str) -> NamedBenchmark:
    """The benchmark of this name. Raises `ParameterError` with those there are."""
    found = next((item for item in BENCHMARKS if item.id == name), None)
    if found is None:
        raise ParameterError(f"There is no benchmark {quoted(name, 30)}; there are {', '.join(item.id for item in BENCHMARKS)}.")
    return found


def is_named(name: str) -> bool:
    """Whether there is a benchmark of this name."""
    return any(item.id == name for item in BENCHMARKS)


@dataclass(frozen=True)
class Line:
    """One measured number: what was scored by what, its 95 % interval where there is one, on how many."""

    score: str
    group: str
    measure: str
    value: float
    low: float | None = None
    high: float | None = None
    count: int = 0
    positives: int | None = None
    baseline: bool = False


@cache
def measured(name: str) -> tuple[Line, ...]:
    """What was measured of a benchmark with this product; empty where it was not run."""
    if name == "classes":
        return _classes()
    if name in CONTACTS:
        return _contacts(name)
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return ()
    rows: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["measured"]
    return tuple(
        Line(
            row["score"],
            row["class"],
            measure,
            row[measure],
            row[f"{measure}_low"],
            row[f"{measure}_high"],
            row["rows"],
            row["positives"],
            row["kind"] == "baseline",
        )
        for row in rows
        for measure in (*MEASURES, *LATER)
        if row.get(measure) is not None
    )


def read_by(name: str) -> dict[str, str]:
    """The models whose scores the stored table of a benchmark holds, each with the hash over its checkpoint's files; empty without a table."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return {}
    stamp = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    return dict(zip(stamp["model"].split(), stamp["weights"].split(), strict=True))


def _classes() -> tuple[Line, ...]:
    table = shipped("locuscope")
    if table is None:
        return ()
    return tuple(
        Line(f"Locuscope, {score}", name, "auroc", found.auroc, found.low, found.high, found.count + found.neutral, found.count)
        for (name, score), found in table.measured.items()
        if IMPACTS.get(name) in ("HIGH", "MODERATE", "LOW")
    )


CONTACTS = {"archiveii": ("ArchiveII", "PseudoBase"), "rfam": ("Rfam", "families never seen")}
"""Words in the names of the sets of contacts that belong to a benchmark."""
READINGS = {
    "stems": ("Locuscope, along stems", False),
    "cells": ("Locuscope, pair by pair", False),
    "published": ("Locuscope, published recipe", False),
    "stem_counter": ("stem counter", True),
    "shuffled_rows": ("along stems of a shuffled map", True),
    "viennarna": ("ViennaRNA", True),
}


def _contacts(name: str) -> tuple[Line, ...]:
    rows = [row for row in contact_sets() if any(word in row["set"] for word in CONTACTS[name])]
    return tuple(
        Line(title, row["set"], measure, *_interval(row["readings"][key][measure]), row["rnas"], None, baseline)
        for measure in ("auprc", "auroc", "sensitivity", "ppv")
        for row in rows
        for key, (title, baseline) in READINGS.items()
        if key in row["readings"] and math.isfinite(row["readings"][key][measure][0])
    )


def _interval(values: list[float]) -> tuple[float, float, float]:
    value, low, high = values
    return value, low, high


def best(name: str) -> Line | None:
    """The number that stands for it (`Headline`): of a score, no baseline, on all rows, or on the first class where that was not measured; None
    where it was not run."""
    wanted = named(name).headline
    lines = [line for line in measured(name) if not line.baseline and line.score.endswith(wanted.score)]
    lines = [line for line in lines if wanted.measure in ("", line.measure)]
    if wanted.group == MEAN:
        return _mean([line for line in lines if line.group != "all"])
    return next((line for line in lines if line.group == wanted.group), lines[0] if lines else None)


def _mean(lines: Sequence[Line]) -> Line | None:
    """The mean over the classes of one score."""
    if not lines:
        return None
    value = sum(line.value for line in lines) / len(lines)
    return replace(lines[0], group=f"mean of {len(lines)}", value=value, low=None, high=None, count=sum(line.count for line in lines))
