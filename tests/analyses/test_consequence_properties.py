"""What holds for every gene model and every change, whatever they look like."""

from __future__ import annotations

import random
from dataclasses import replace

from engine.core.consequences import RANKS, Consequence
from engine.core.transcripts import Part, Recoded, Transcript
from engine.core.variants import Variant
from tests.analyses.gene_models import mirrored, models

LENGTH = 160


def any_transcript(rng: random.Random) -> Transcript:
    """Parts of any lengths, gaps and overlaps, translated from anywhere to anywhere, by any table, with anything said of it."""
    place, parts = rng.randint(0, 60), []
    for _ in range(rng.randint(1, 4)):
        end = place + rng.randint(1, 25)
        parts.append(Part(place, min(end, LENGTH), True, "c"))
        place = end + rng.choice((-1, 0, 1, 3, 12, 13, 20))
        if place >= LENGTH - 2:
            break
    exons = tuple(part for part in parts if part.start < part.end)
    first, last = exons[0], exons[-1]
    coding = exons
    if rng.random() < 0.5 and first.end - first.start > 4 and last.end - last.start > 4 and len(exons) > 1:
        coding = (first._replace(start=first.start + 2), *exons[1:-1], last._replace(end=last.end - 2))
    if rng.random() < 0.15:
        coding = ()
    recoded = (Recoded(first.start + 3, first.start + 6, "U"),) if rng.random() < 0.2 else ()
    return Transcript(
        "t",
        "g",
        exons,
        coding,
        rng.randint(0, 2),
        rng.choice((0, 1, 1, 2, 11, 27, 99)),
        recoded,
        start_known=rng.random() < 0.7,
        stop_known=rng.random() < 0.7,
        stop_apart=rng.random() < 0.2,
        phases_differ=rng.random() < 0.2,
        problem="why" if rng.random() < 0.05 else "",
    )


def turned(transcript: Transcript) -> Transcript:
    def parts(given: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(Part(LENGTH - part.end, LENGTH - part.start, False, "c") for part in given)

    recoded = tuple(Recoded(LENGTH - item.end, LENGTH - item.start, item.amino_acid) for item in transcript.recoded)
    return replace(transcript, exons=parts(transcript.exons), coding=parts(transcript.coding), recoded=recoded)


def any_change(rng: random.Random, contig: str) -> Variant:
    start = rng.randint(0, LENGTH - 1)
    old = contig[start : start + rng.choice((1, 1, 1, 2, 3, 4, 7, 30))]
    new = "".join(rng.choices("ACGT", k=rng.choice((1, 1, 1, 2, 3, 4, 7)))) if rng.random() < 0.6 else old[0]
    return Variant("c", start + 1, old, new)


def reversed_variant(variant: Variant) -> Variant:
    start = variant.position - 1
    return Variant("c", LENGTH - start - len(variant.reference) + 1, mirrored(variant.reference), mirrored(variant.alternate))


def told(found: tuple[Consequence, ...]) -> list[tuple[tuple[str, ...], str, str]]:
    return [(one.terms, one.hgvs_c, one.hgvs_p) for one in found]


def test_every_change_of_every_gene_model_has_terms_in_order_and_the_same_ones_on_the_other_strand() -> None:
    rng = random.Random(2)
    for _ in range(1200):
        contig = "".join(rng.choices("ACGT" if rng.random() < 0.9 else "ACGTN", k=LENGTH))
        transcript = any_transcript(rng)
        forward, backward = models([transcript], c=contig), models([turned(transcript)], c=mirrored(contig))
        for _ in range(12):
            variant = any_change(rng, contig)
            if "N" in variant.reference:
                continue
            found = forward.consequences("c", variant)
            for one in found:
                assert one.terms
                assert list(one.terms) == sorted(one.terms, key=RANKS.__getitem__)
            assert told(found) == told(backward.consequences("c", reversed_variant(variant))), (variant, transcript)


def test_bases_that_pad_an_allele_never_matter() -> None:
    rng = random.Random(3)
    for _ in range(300):
        contig = "".join(rng.choices("ACGT", k=LENGTH))
        found = models([any_transcript(rng)], c=contig)
        variant = any_change(rng, contig)
        start, end = variant.position - 1, variant.position - 1 + len(variant.reference)
        before, behind = min(start, rng.randint(0, 5)), rng.randint(0, 5)
        padded = Variant(
            "c",
            variant.position - before,
            contig[start - before : end + behind],
            contig[start - before : start] + variant.alternate + contig[end : end + behind],
        )
        assert told(found.consequences("c", variant)) == told(found.consequences("c", padded)), variant
