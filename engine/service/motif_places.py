"""Start and stop codons, splice sites and BED places of an annotation, as stretches of one width on the feature's strand."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.core.coding_parts import by_transcript
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.genome_place import GenomePlace
from engine.core.motif import AlignedPlaces, MotifParameters, check_width
from engine.core.sequence import NucleotideSequence, reversed_complement
from engine.core.transcripts import SHORTEST_INTRON_BP

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.service.embedding_places import Genome

STRANDLESS = "without a strand"
OPEN = "of genes whose ends are not known"
TWICE = "named by several transcripts"
SHORT = f"of introns below {SHORTEST_INTRON_BP} bases"
EDGE = "too near the end of their contig"
UNKNOWN = "with unknown letters around them"
NOT_DRAWN = "not drawn"


def choose_aligned(genome: Genome, parameters: MotifParameters, longest: int, monitor: Monitor | None = None) -> AlignedPlaces:
    """The places of ``genome`` that parameters name, in its order; ``longest``: bases that the model reads at most.

    Raises `ParameterError` when nothing is annotated of that kind, and when nothing is left.
    """
    left_out: Counter[str] = Counter(dict.fromkeys((STRANDLESS, OPEN, TWICE, SHORT, EDGE, UNKNOWN, NOT_DRAWN), 0))
    found: list[GenomePlace] = []
    total, kinds = 0, set[str]()
    for contig, length in genome.contigs().items():
        features = genome.features(contig)
        kinds |= {item.kind for item in features}
        anchors = list(_anchors(features, parameters, left_out))
        total += len(anchors)
        once = {(place, strand): name for place, strand, name in reversed(anchors)}
        left_out[TWICE] += len(anchors) - len(once)
        for (anchor, strand), name in sorted(once.items()):
            start = anchor - parameters.before if strand == "+" else anchor - parameters.after + 1
            if start < 0 or start + parameters.width > length:
                left_out[EDGE] += 1
            else:
                found.append(GenomePlace(contig, start, start + parameters.width, strand, name, parameters.at))
    total += sum(left_out[reason] for reason in (STRANDLESS, OPEN, SHORT))
    if not total:
        there = ", ".join(sorted(kinds)[:20]) or "no feature at all"
        wanted = f"feature {parameters.feature[:40]!r}" if parameters.at == "feature" else f"{parameters.at} of a coding sequence"
        raise ParameterError(f"The annotation has no {wanted}; it has {there}.")
    kept = []
    for place in _drawn(found, parameters, left_out):
        if monitor is not None:
            monitor.advance(0)
        letters, _ = _with_context(genome, place, parameters, longest)
        if set(letters) - set("ACGT"):
            left_out[UNKNOWN] += 1
        else:
            kept.append(place)
    check_width(parameters, kept, longest)
    return AlignedPlaces(tuple(kept), {reason: count for reason, count in left_out.items() if count}, total)


def read_aligned(
    genome: Genome, aligned: AlignedPlaces, parameters: MotifParameters, longest: int
) -> Iterator[tuple[GenomePlace, NucleotideSequence, int]]:
    """Each place with its letters and their context on its strand, and where in them it begins."""
    for place in aligned.places:
        letters, first = _with_context(genome, place, parameters, longest)
        yield place, NucleotideSequence(letters), first


def _with_context(genome: Genome, place: GenomePlace, parameters: MotifParameters, longest: int) -> tuple[str, int]:
    """Letters on the place's strand, and the index of its first base; at the end of a contig the context is on the other side."""
    length = genome.contigs()[place.contig]
    width = min(parameters.context_bp, longest, length)
    start = min(max(0, place.start - (width - parameters.width) // 2), length - width)
    letters = genome.letters(place.contig, start, start + width)
    if place.strand == "-":
        return reversed_complement(letters), start + width - place.end
    return letters, place.start - start


def _drawn(found: Sequence[GenomePlace], parameters: MotifParameters, left_out: Counter[str]) -> Sequence[GenomePlace]:
    if not parameters.most or len(found) <= parameters.most:
        return found
    generator = np.random.default_rng(parameters.seed)
    kept = sorted(generator.choice(len(found), parameters.most, replace=False).tolist())
    left_out[NOT_DRAWN] += len(found) - len(kept)
    return [found[number] for number in kept]


def _anchors(features: Iterable[Feature], parameters: MotifParameters, left_out: Counter[str]) -> Iterator[tuple[int, str, str]]:
    """Position +1 (0-based, forward strand), strand and name of every place."""
    if parameters.at == "feature":
        yield from _of_features(features, parameters, left_out)
        return
    for group in by_transcript(features, ("CDS", "stop_codon")).values():
        parts, stops = group.get("CDS", []), group.get("stop_codon", [])
        if not parts:
            continue
        strand, name = parts[0].strand, parts[0].name
        if strand == ".":
            left_out[STRANDLESS] += 1
        elif parameters.at in ("start", "stop"):
            yield from _codon(parts, stops, parameters.at, left_out)
        else:
            for before, after in itertools.pairwise(parts):
                if after.start - before.end < SHORTEST_INTRON_BP:
                    left_out[SHORT] += 1
                    continue
                first, last = (before.end, after.start) if strand == "+" else (after.start - 1, before.end - 1)
                yield (first if parameters.at == "donor" else last), strand, name


def _of_features(features: Iterable[Feature], parameters: MotifParameters, left_out: Counter[str]) -> Iterator[tuple[int, str, str]]:
    for item in features:
        if item.kind != parameters.feature:
            continue
        if item.strand == ".":
            left_out[STRANDLESS] += 1
            continue
        forward = item.strand == "+"
        first, last = (item.start, item.end - 1) if forward else (item.end - 1, item.start)
        middle = item.start + (item.width_bp if forward else item.width_bp - 1) // 2
        yield {"first": first, "middle": middle, "last": last}[parameters.anchor], item.strand, item.name


def _codon(parts: Sequence[Feature], stops: Sequence[Feature], at: str, left_out: Counter[str]) -> Iterator[tuple[int, str, str]]:
    """The first base of the start or the stop codon; in GTF the latter lies behind the coding parts."""
    forward = parts[0].strand == "+"
    first = parts[0] if forward else parts[-1]
    if any(item.attributes.get("partial") == "true" for item in parts) or (at == "start" and first.attributes.get("phase", "0") != "0"):
        left_out[OPEN] += 1
        return
    if at == "start":
        yield (first.start if forward else first.end - 1), first.strand, first.name
        return
    bases = [base for item in (stops or parts) for base in range(item.start, item.end)]
    ordered = sorted(bases)
    codon = ordered[-3:] if forward else ordered[:3]
    yield (codon[0] if forward else codon[-1]), first.strand, first.name
