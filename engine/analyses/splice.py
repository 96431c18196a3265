"""Splice sites that a variant makes or breaks: the largest gain and loss of acceptor and donor probability, and where.

As in SpliceAI (Jaganathan et al., Cell 2019) and CI-SpliceAI (Strauch et al., PLoS ONE 2022): the probabilities of every base within a
distance of the changed bases, with the variant minus without. Deleted bases have probability 0 with the variant; inserted bases count at
the base before them, the largest of them. Masking happens before the largest is taken, so that what is masked hides nothing. The variant is
trimmed first: letters that REF and ALT share at either end change nothing.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.provenance import stamp
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import SpliceModel, SpliceWindow
from engine.core.sequence import NucleotideSequence
from engine.core.splicing import SiteChange, SpliceGene, SpliceParameters, SpliceScore, SpliceScores
from engine.core.transcripts import SHORTEST_INTRON_BP, Transcript
from engine.core.variants import Variant

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
_SPANS_AT_ONCE = 16


@dataclass(frozen=True)
class SpliceSpan:
    """Variants that one window of letters serves, on one strand.

    Parameters
    ----------
    letters : str
        Forward strand, upper case, N where nothing is known or read.
    start : int
        Position of the first letter on its contig, 0-based; may be negative where letters stand for nothing.
    strand : str
        ``+`` or ``-``: the strand that is read.
    gene : SpliceGene or None
        Whose strand and annotated sites they are.
    rows : tuple of (int, SpliceScore)
        Each variant's place in the answer, and its row without scores. Their letters are those of the reference.
    """

    letters: str
    start: int
    strand: str
    gene: SpliceGene | None
    rows: tuple[tuple[int, SpliceScore], ...]


def changed(variant: Variant) -> tuple[int, str, str]:
    """0-based position, reference and alternate letters of what a variant changes, without bases that both alleles share."""
    change = variant.change
    if change is None:
        return variant.position - 1, variant.reference, variant.alternate
    return change.start, change.reference, change.alternate


def splice_genes(transcripts: Iterable[Transcript]) -> tuple[SpliceGene, ...]:
    """Genes of an annotation: the transcripts of one name, contig and strand, with all their splice sites, in the order of the first.

    A transcript whose parts lie on both strands or two contigs (trans-splicing) has no strand of its own and is left out.
    """
    groups: dict[tuple[str, str, str], list[Transcript]] = {}
    for transcript in transcripts:
        places = {(part.contig, part.forward) for part in transcript.exons}
        if len(places) == 1:
            contig, forward = places.pop()
            groups.setdefault((contig, "+" if forward else "-", transcript.gene), []).append(transcript)
    return tuple(_gene(*key, group) for key, group in groups.items())


def _gene(contig: str, strand: str, name: str, transcripts: Sequence[Transcript]) -> SpliceGene:
    forward = strand == "+"
    acceptors, donors = set(), set()
    for transcript in transcripts:
        for before, after in itertools.pairwise(transcript.exons):
            if (after.start - before.end if forward else before.start - after.end) >= SHORTEST_INTRON_BP:
                donors.add(before.end - 1 if forward else before.start)
                acceptors.add(after.start if forward else after.end - 1)
    parts = [part for transcript in transcripts for part in transcript.exons]
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    return SpliceGene(name, contig, strand, start, end, frozenset(acceptors), frozenset(donors))


def splice(
    model: SpliceModel,
    spans: Iterable[SpliceSpan],
    unscored: Sequence[tuple[int, SpliceScore]],
    count: int,
    parameters: SpliceParameters | None = None,
    monitor: Monitor | None = None,
) -> SpliceScores:
    """Score the variants of ``spans``; ``count`` rows in the order of their places, those of ``unscored`` among them.

    ``spans`` is read a few at a time, so their letters need not be in memory together.

    Raises
    ------
    CapabilityMissing
        The model knows no splice sites.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, SpliceModel):
        raise CapabilityMissing(f"{model.card.title} does not predict splice sites of changed letters; choose cispliceai.")
    chosen, watcher, began = parameters or SpliceParameters(), monitor or SilentMonitor(), time.perf_counter()
    watcher.start(count, "variants")
    watcher.advance(len(unscored))
    placed = list(unscored)
    digest, bases = hashlib.sha256(), 0
    remaining = iter(spans)

    def take(_start: int, _end: int, found: list[tuple[int, SpliceScore]]) -> None:
        placed.extend(found)
        watcher.advance(len(found))

    while some := list(itertools.islice(remaining, _SPANS_AT_ONCE)):
        for span in some:
            digest.update(f"{span.strand}{span.letters}\0{[str(row.variant) for _, row in span.rows]}\n".encode())
            bases += len(span.letters)
        batches(len(some), 1, lambda start, _end, some=some: scored_span(model, some[start], chosen), take, device=model.device)  # type: ignore[misc]
    rows = tuple(row for _, row in sorted(placed, key=lambda item: item[0]))
    provenance = stamp("splice", VERSION, model, chosen, NucleotideSequence("N"), time.perf_counter() - began)
    return SpliceScores(rows, replace(provenance, sequence_sha256=digest.hexdigest(), sequence_length=bases))


def scored_span(model: SpliceModel, span: SpliceSpan, parameters: SpliceParameters) -> list[tuple[int, SpliceScore]]:
    """Places and rows of the variants of one span."""
    changes = [changed(row.variant) for _, row in span.rows]
    first = min(position for position, _, _ in changes) - span.start
    last = max(position + len(reference) for position, reference, _ in changes) - span.start
    length, reverse, flank = len(span.letters), span.strand == "-", parameters.distance_bp + model.context_bp
    if first < flank or last > length - flank:
        raise ParameterError(
            f"The letters reach {min(first, length - last):,} bases beyond a variant; {flank:,} are needed at either side."
        )
    letters = NucleotideSequence(span.letters).reverse_complement().letters if reverse else span.letters
    window = model.splice_window(letters, *((length - last, length - first) if reverse else (first, last)))
    found = []
    for (place, row), (position, reference, alternate) in zip(span.rows, changes, strict=True):
        before, after = _compared(model, window, span, (position - span.start, len(reference), alternate), parameters.distance_bp)
        sites = _largest(before, after, span, position - span.start - parameters.distance_bp, parameters.masked)
        found.append((place, row.with_changes(*sites)))
    return found


def _compared(
    model: SpliceModel, window: SpliceWindow, span: SpliceSpan, change: tuple[int, int, str], distance_bp: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities (n, 2) without and with the change, both on the reference's bases from ``distance_bp`` before to behind it, forward."""
    start, width, alternate = change
    end, length, context = start + width, len(span.letters), model.context_bp
    first, last, shift = start - distance_bp, end + distance_bp, len(alternate) - width
    if span.strand == "-":
        letters = NucleotideSequence(alternate).reverse_complement().letters if alternate else ""
        after = window.changed(length - end, length - start, letters, length - last, length + shift - first)[::-1]
        before = window.probabilities[::-1][first - context : last - context]
    else:
        after = window.changed(start, end, alternate, first, last + shift)
        before = window.probabilities[first - context : last - context]
    return before.astype(np.float64), on_reference(after.astype(np.float64), distance_bp, width, len(alternate))


def on_reference(after: NDArray[np.float64], flank: int, deleted: int, inserted: int) -> NDArray[np.float64]:
    """Values (flank + inserted + flank, k) of changed letters on the ``flank + deleted + flank`` bases of the reference.

    Bases are paired from the left; deleted ones without a partner get 0, inserted ones without one count at the base before them.
    """
    if inserted <= deleted:
        cut = flank + inserted
        return np.concatenate((after[:cut], np.zeros((deleted - inserted, after.shape[1])), after[cut:]))
    before = flank + deleted - 1
    behind = before + 1 + inserted - deleted
    return np.concatenate((after[:before], after[before:behind].max(0, keepdims=True), after[behind:]))


def _largest(before: NDArray[np.float64], after: NDArray[np.float64], span: SpliceSpan, first: int, masked: bool) -> list[SiteChange]:
    """The four largest changes in the order of `KINDS`; ``first``: index of the first row's letter. A base that is N is no site."""
    gene, letters = span.gene, span.letters[first : first + len(before)]
    places = range(span.start + first, span.start + first + len(before))
    unread = np.array([letter == "N" for letter in letters])
    found: list[SiteChange] = []
    for column, annotated in enumerate((gene.acceptors, gene.donors) if gene is not None else (frozenset(), frozenset())):
        known = np.array([place in annotated for place in places])
        gain = after[:, column] - before[:, column]
        for delta, hidden in ((gain, known), (-gain, ~known)):
            seen = np.where(unread | hidden if masked else unread, 0.0, delta)
            index = int(seen.argmax())
            here = float(before[index, column]), float(after[index, column])
            found.append(SiteChange(float(seen[index]), places[index] + 1, *here) if seen[index] > 0 else SiteChange(0.0))
    return found
