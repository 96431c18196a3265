"""The ranked table of a run over a genome, with the genes beside each place, and which windows an annotation leaves to be looked at."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.results import Table, WindowAnswer
from engine.genome.windows import Stretch, written
from engine.sources.annotation_index import GENE_KINDS, Annotation, open_annotation
from engine.sources.assemblies import find_contig

if TYPE_CHECKING:
    from engine.core.features import Feature

FARTHEST_BP = 50_000
CONTEXT_BP = 100
"""Bases to each side of a place in the locus that opens it."""
NEIGHBOURS = ("genes_here", "gene_before", "bases_to_it", "gene_after", "bases_to_that")
_GENES = GENE_KINDS - {"CDS"}


class Neighbours:
    """Genes of an annotation around places of a genome."""

    def __init__(self, path: Path) -> None:
        self._annotation: Annotation = open_annotation(path)
        self._contigs = self._annotation.contigs()

    def non_coding(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """The stretches without windows more than half of which is coding."""
        for stretch in stretches:
            kept = tuple(
                window
                for window in stretch.windows
                if 2 * self._coding(window.contig, window.start, window.end) <= window.end - window.start
            )
            if kept:
                yield dataclasses.replace(stretch, windows=kept)

    def _coding(self, contig: str, start: int, end: int) -> int:
        """Coding bases of ``[start, end)``."""
        mask = np.zeros(end - start, bool)
        for item in self._overlapping(contig, start, end):
            if item.kind == "CDS":
                mask[max(0, item.start - start) : item.end - start] = True
        return int(mask.sum())

    def _overlapping(self, contig: str, start: int, end: int) -> tuple[Feature, ...]:
        name = find_contig(contig, self._contigs)
        return () if name is None else self._annotation.overlapping(name, max(0, start), end)

    def of(self, contig: str, start: int, end: int) -> tuple[Any, ...]:
        """`NEIGHBOURS` of ``[start, end)``: genes that meet it with their strand, and the next one to each side within 50,000 bases."""
        near = [item for item in self._overlapping(contig, start - FARTHEST_BP, end + FARTHEST_BP) if item.kind in _GENES]
        here = dict.fromkeys(_named(item) for item in near if item.start < end and item.end > start)
        before = max((item for item in near if item.end <= start), key=lambda item: item.end, default=None)
        after = min((item for item in near if item.start >= end), key=lambda item: item.start, default=None)
        left = ("", "") if before is None else (_named(before), start - before.end)
        right = ("", "") if after is None else (_named(after), after.start - end)
        return (",".join(here), *left, *right)


def _named(gene: Feature) -> str:
    return f"{gene.name or gene.kind}({gene.strand})"


def answers(stretches: Iterable[Stretch], folder: Path) -> Iterator[WindowAnswer]:
    """What is stored of every window, in the order of the genome."""
    for stretch in stretches:
        path = written(stretch, folder)
        if path is None:
            continue
        with np.load(path, allow_pickle=False) as archive:
            names: dict[str, list[str]] = {}
            for name in archive.files:
                names.setdefault(name.partition("/")[0], []).append(name)
            for window in stretch.windows:
                arrays = {name.partition("/")[2]: archive[name] for name in names.get(window.name, ()) if "/track_" not in name}
                if arrays:
                    yield WindowAnswer(window.contig, window.start, window.end, window.first, window.last, arrays)


def write_ranked(
    rank: Callable[[Iterable[WindowAnswer], Any], Table],
    parameters: Any,
    stretches: Iterable[Stretch],
    lengths: dict[str, int],
    folder: Path,
    neighbours: Neighbours | None,
) -> None:
    """Write ``ranked.tsv``: the columns of the analysis, a locus to open, and the neighbouring genes where there is an annotation."""
    table = rank(answers(stretches, folder), parameters)
    columns = table.columns
    with (folder / "ranked.tsv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(["rank", *columns, "locus", *(NEIGHBOURS if neighbours is not None else ())])
        for rank_of, row in enumerate(zip(*columns.values(), strict=True), start=1):
            place = dict(zip(columns, row, strict=True))
            contig, start, end = place["contig"], place["first_start"] - 1, place["second_end"]
            locus = f"{contig}:{max(1, start + 1 - CONTEXT_BP)}-{min(lengths[contig], end + CONTEXT_BP)}"
            genes = neighbours.of(contig, start, end) if neighbours is not None else ()
            writer.writerow([rank_of, *(_cell(value) for value in row), locus, *genes])


def _cell(value: Any) -> Any:
    if isinstance(value, np.floating):
        return "" if np.isnan(value) else str(value)
    return value
