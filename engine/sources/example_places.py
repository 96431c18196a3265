"""What the shipped examples hold of a locus, so that it needs no registered genome."""

from __future__ import annotations

from engine.core.features import Feature
from engine.core.locus import Locus, Strand
from engine.core.sequence import NucleotideSequence
from engine.sources.assemblies import canonical
from engine.sources.examples import EXAMPLES


def _same_place(locus: Locus, other: Locus) -> bool:
    return (canonical(other.assembly), other.contig) == (canonical(locus.assembly), locus.contig)


def from_examples(locus: Locus) -> NucleotideSequence | None:
    """Letters of a locus that lies inside a shipped DNA example; None when none covers it."""
    for item in EXAMPLES:
        place = item.locus
        if place is None or not _same_place(locus, place) or not (place.start <= locus.start and locus.end <= place.end):
            continue
        whole = item.sequence if place.strand is locus.strand else item.sequence.reverse_complement()
        first = locus.start - place.start if locus.strand is Strand.FORWARD else place.end - locus.end
        part = whole.window(first, first + locus.width_bp)
        return NucleotideSequence(part.letters, part.alphabet, locus, str(locus))
    return None


def features_from_examples(locus: Locus) -> tuple[Feature, ...]:
    """Features of the shipped examples that meet the locus."""
    found: list[Feature] = []
    for item in EXAMPLES:
        place = item.locus
        if place is None or not _same_place(locus, place) or place.end <= locus.start or locus.end <= place.start:
            continue
        for feature in item.features:
            window = place.window(feature.start, feature.end)
            strand = feature.strand if place.strand is Strand.FORWARD else {"+": "-", "-": "+", ".": "."}[feature.strand]
            moved = Feature(feature.kind, feature.name, window.start, window.end, strand, place.contig, feature.attributes)
            inside = moved.relative_to(locus)
            if inside is not None:
                found.append(inside)
    return tuple(dict.fromkeys(found))
