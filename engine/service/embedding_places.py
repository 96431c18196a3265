"""Which places of a genome are embedded: windows, or annotated features and what lies between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.core.embedding import INTERGENIC, NO_CLASS, EmbeddingParameters, check_count
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.genome_place import GenomePlace
from engine.core.sequence import NucleotideSequence, reversed_complement
from engine.sources.annotation_index import GENE_KINDS
from engine.sources.assemblies import find_contig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.progress import Monitor
    from engine.service.triage import ReferenceLetters
    from engine.sources.annotation_index import Annotation

USUAL = ("CDS", "tRNA", "rRNA", "tmRNA", "ncRNA", "snRNA", "snoRNA", "pseudogene", INTERGENIC)
"""Kinds that are embedded when none are named, as far as they are annotated; where none of them is, every kind that is."""
_OF_GENES = GENE_KINDS | set(USUAL) - {INTERGENIC}
SHORTEST_BP, SHORTEST_GAP_BP, LONGEST_GAP_BP = 20, 50, 1_000
"""A feature or window below is left out, a gap below is none, and of a longer gap the middle is taken."""
MOST_WINDOWS = 20_000_000
"""Windows out of which some are drawn; GRCh38 has as many at steps of 155 bases."""
WINDOW_CLASSES = (*USUAL, NO_CLASS)
_BASES_AT_ONCE = 1_000_000


class Genome(Protocol):
    """Letters and features by contig, on the forward strand, 0-based half-open."""

    def contigs(self) -> Mapping[str, int]:
        """Length of each."""

    def letters(self, contig: str, start: int, end: int) -> str:
        """Upper-case DNA."""

    def features(self, contig: str) -> Sequence[Feature]:
        """All features of a contig, by start."""


class GenomeOfRecords:
    """Records in memory, as they were read, with the features of each in indices of its letters."""

    def __init__(self, records: Sequence[NucleotideSequence], features: Sequence[Sequence[Feature]]) -> None:
        names: dict[str, tuple[NucleotideSequence, Sequence[Feature]]] = {}
        for number, (record, own) in enumerate(zip(records, features, strict=True), start=1):
            first = (record.name.split() or [f"record{number}"])[0][:80]
            names[first if first not in names else f"{first}_{number}"] = (record, own)
        self._records = names

    def record(self, contig: str) -> NucleotideSequence:
        """A record as it was read."""
        return self._records[contig][0]

    def contigs(self) -> Mapping[str, int]:
        """Records by name."""
        return {name: len(record) for name, (record, _) in self._records.items()}

    def letters(self, contig: str, start: int, end: int) -> str:
        """Letters of a record as they stand."""
        return self._records[contig][0].letters[start:end].replace("U", "T")

    def features(self, contig: str) -> Sequence[Feature]:
        """Features of a record."""
        return self._records[contig][1]


class GenomeOfReference:
    """A FASTA file or a registered assembly, without features."""

    def __init__(self, reference: ReferenceLetters) -> None:
        self.reference = reference

    def contigs(self) -> Mapping[str, int]:
        """Contigs of the reference."""
        return self.reference.genomes.contigs(self.reference.assembly)

    def letters(self, contig: str, start: int, end: int) -> str:
        """Letters of a contig."""
        return self.reference.letters(contig, start, end)

    def features(self, contig: str) -> Sequence[Feature]:
        """None."""
        return ()


class Annotated:
    """A genome with the features of an annotation instead of its own, whatever contigs are called there."""

    def __init__(self, genome: Genome, annotation: Annotation) -> None:
        self.genome, self._annotation = genome, annotation

    def contigs(self) -> Mapping[str, int]:
        """Contigs of the genome."""
        return self.genome.contigs()

    def letters(self, contig: str, start: int, end: int) -> str:
        """Letters of the genome."""
        return self.genome.letters(contig, start, end)

    def features(self, contig: str) -> Sequence[Feature]:
        """Features of a contig."""
        name = find_contig(contig, self._annotation.contigs())
        return () if name is None else self._annotation.overlapping(name, 0, self.contigs()[contig])


@dataclass(frozen=True)
class Chosen:
    """The places, and how many were left out: ``unknown`` because more than half of their letters are unknown, ``unfit`` because they are shorter
    than `SHORTEST_BP` or reach past the end of their contig."""

    places: tuple[GenomePlace, ...]
    unknown: int = 0
    unfit: int = 0

    @property
    def bases(self) -> int:
        """Bases of all places."""
        return sum(place.end - place.start for place in self.places)

    def words(self) -> str:
        """How many places and bases, and how many were left out."""
        unknown = f" ({self.unknown:,} with mostly unknown letters are left out)" if self.unknown else ""
        unfit = f" ({self.unfit:,} below {SHORTEST_BP} bases or past the end of their contig are left out)" if self.unfit else ""
        return f"{len(self.places):,} places, {self.bases:,} bases{unknown}{unfit}"


def choose_places(genome: Genome, parameters: EmbeddingParameters, monitor: Monitor | None = None) -> Chosen:
    """The places of a genome that parameters name; what ``monitor.advance`` raises stops it, between two contigs at the latest.

    Raises `ParameterError` for none, too few or too many, and for unknown kinds.
    """

    def look() -> None:
        if monitor is not None:
            monitor.advance(0)

    found, unfit = ([], 0) if parameters.window_bp else _features_of_all(genome, parameters, look)
    drawn = _windows(genome, parameters, look) if parameters.window_bp else _drawn(found, parameters)
    check_count(len(drawn))
    kept = []
    for place in drawn:
        look()
        letters = genome.letters(place.contig, place.start, place.end)
        if 2 * sum(letters.count(base) for base in "ACGT") > len(letters):
            kept.append(place)
    check_count(len(kept))
    return Chosen(tuple(kept), len(drawn) - len(kept), unfit)


def _features_of_all(genome: Genome, parameters: EmbeddingParameters, look: Callable[[], None]) -> tuple[list[GenomePlace], int]:
    """The features of the kinds that are wanted, and what lies between genes where it is; and how many features do not fit."""
    found: list[GenomePlace] = []
    unfit = 0
    seen = set(kinds_of(genome, look))
    wanted = {name.strip() for name in parameters.kinds.split(",") if name.strip()}
    absent = wanted - seen
    if not seen:
        raise ParameterError("There are no annotated features to read; give an annotation that has some, or the width of windows.")
    if absent:
        there = ", ".join([*sorted(seen - {INTERGENIC})[:20], *sorted(seen & {INTERGENIC})])
        raise ParameterError(f"The annotation has no {', '.join(sorted(absent))}; it has {there}.")
    usual = seen & set(USUAL)
    wanted = wanted or (usual if usual - {INTERGENIC} else seen)
    for contig, length in genome.contigs().items():
        look()
        features = tuple(genome.features(contig))
        found += _features(contig, length, features, wanted)
        unfit += sum(item.kind in wanted and not _fits(item, length) for item in features)
    return found, unfit


def _fits(item: Feature, length: int) -> bool:
    return item.width_bp >= SHORTEST_BP and item.end <= length


def read_places(genome: Genome, places: Sequence[GenomePlace]) -> Iterator[tuple[GenomePlace, NucleotideSequence]]:
    """Each place with its letters on its strand."""
    for place in places:
        letters = genome.letters(place.contig, place.start, place.end)
        yield place, NucleotideSequence(reversed_complement(letters) if place.strand == "-" else letters)


def kinds_of(genome: Genome, look: Callable[[], None] = lambda: None) -> list[str]:
    """Kinds of features that can be chosen, those in `USUAL` first; what lies between genes where genes are annotated; what ``look`` raises stops it."""
    found: set[str] = set()
    for contig in genome.contigs():
        look()
        found |= {item.kind for item in genome.features(contig)}
    usual = [name for name in USUAL if name in found]
    return [*usual, *([INTERGENIC] if found & _OF_GENES else []), *sorted(found - set(usual))]


def _windows(genome: Genome, parameters: EmbeddingParameters, look: Callable[[], None]) -> list[GenomePlace]:
    """Windows, counted before any is made: at most ``per_class`` of each class, drawn by their numbers."""
    width, step = parameters.window_bp, parameters.step_bp or parameters.window_bp
    contigs = genome.contigs()
    counts = [len(_starts(length, width, step)) for length in contigs.values()]
    total = sum(counts)
    if not parameters.per_class:
        check_count(total)
    elif total > MOST_WINDOWS:
        raise ParameterError(
            f"These are {total:,} windows; some of each class are drawn from {MOST_WINDOWS:,} at most: take wider steps, or a smaller genome."
        )
    codes = np.empty(total, dtype=np.uint8)
    edges = np.cumsum([0, *counts])
    has_genes = INTERGENIC in kinds_of(genome, look)
    for (contig, length), first, last in zip(contigs.items(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        look()
        codes[first:last] = _window_classes(length, genome.features(contig) if has_genes else (), width, step, look) if last > first else 0
    names = list(contigs)
    made = []
    for number in _some_of_each(codes, WINDOW_CLASSES, parameters):
        at = int(np.searchsorted(edges, number, side="right")) - 1
        start = (number - int(edges[at])) * step
        made.append(GenomePlace(names[at], start, start + width, "+", "", WINDOW_CLASSES[codes[number]]))
    return made


def _starts(length: int, width: int, step: int) -> range:
    return range(0, max(0, length - max(SHORTEST_BP, width) + 1), step)


def _window_classes(length: int, features: Sequence[Feature], width: int, step: int, look: Callable[[], None]) -> NDArray[np.uint8]:
    """Index into `WINDOW_CLASSES` of every window of a contig: the kind that covers half of it, else whether genes cover less than half."""
    starts = _starts(length, width, step)
    if not features:
        return np.full(len(starts), WINDOW_CLASSES.index(NO_CLASS), dtype=np.uint8)
    kinds = [name for name in USUAL if name != INTERGENIC]
    covered = np.zeros(length, dtype=np.int8)
    genes = np.zeros(length, dtype=bool)
    for item in features:
        if item.kind in kinds:
            covered[item.start : item.end] = kinds.index(item.kind) + 1
        if item.kind in _OF_GENES:
            genes[item.start : item.end] = True
    present = sorted({kinds.index(item.kind) for item in features if item.kind in kinds}, reverse=True)
    found = np.empty(len(starts), dtype=np.uint8)
    at_once = max(1, _BASES_AT_ONCE // step)
    for first in range(0, len(starts), at_once):
        look()
        some = starts[first : first + at_once]
        low, high = some[0], some[-1] + width
        places = np.arange(len(some)) * step
        between = 2 * _inside(genes[low:high], places, width) < width
        codes = np.where(between, WINDOW_CLASSES.index(INTERGENIC), WINDOW_CLASSES.index(NO_CLASS))
        for kind in present:  # of two that cover just half each, the first
            codes[2 * _inside(covered[low:high] == kind + 1, places, width) >= width] = WINDOW_CLASSES.index(kinds[kind])
        found[first : first + len(some)] = codes
    return found


def _inside(marked: NDArray[np.bool_], starts: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """How many bases of each window are marked."""
    sums = np.concatenate(([0], np.cumsum(marked, dtype=np.int64)))
    return np.asarray(sums[starts + width] - sums[starts])


def _features(contig: str, length: int, features: Sequence[Feature], wanted: set[str]) -> Iterator[GenomePlace]:
    done: set[tuple[str, int, int, str]] = set()
    for item in features:
        key = (item.kind, item.start, item.end, item.strand)
        if item.kind in wanted and key not in done and _fits(item, length):
            done.add(key)
            yield GenomePlace(contig, item.start, item.end, "-" if item.strand == "-" else "+", item.name, item.kind)
    if INTERGENIC in wanted and features:
        yield from _gaps(contig, length, features)


def _gaps(contig: str, length: int, features: Sequence[Feature]) -> Iterator[GenomePlace]:
    """Stretches between genes."""
    genes = sorted((item.start, item.end) for item in features if item.kind in _OF_GENES)
    reached = 0
    for start, end in [*genes, (length, length)]:
        if start - reached >= SHORTEST_GAP_BP:
            spare = max(0, start - reached - LONGEST_GAP_BP) // 2
            yield GenomePlace(contig, reached + spare, start - spare, "+", "", INTERGENIC)
        reached = max(reached, end)


def _drawn(places: list[GenomePlace], parameters: EmbeddingParameters) -> list[GenomePlace]:
    """At most ``per_class`` places of each class, in the order of the genome."""
    names = sorted({place.kind for place in places})
    codes = np.array([names.index(place.kind) for place in places], dtype=np.int64)
    return [places[number] for number in _some_of_each(codes, names, parameters)]


def _some_of_each(codes: NDArray[Any], names: Sequence[str], parameters: EmbeddingParameters) -> list[int]:
    """Numbers of at most ``per_class`` places of each class (``names[code]``), in order."""
    if not parameters.per_class:
        return list(range(len(codes)))
    generator = np.random.default_rng(parameters.seed)
    kept: list[int] = []
    for name in sorted(names):
        own = np.flatnonzero(codes == names.index(name))
        kept += own.tolist() if len(own) <= parameters.per_class else generator.choice(own, parameters.per_class, replace=False).tolist()
    return sorted(kept)
