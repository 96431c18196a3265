"""What lies around the window on screen: the contig of a genome, or the whole record of a file, and where a step along it leads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.analyses.tiling import TILE_BP
from engine.core.errors import LocuscopeError
from engine.core.features import Feature
from engine.core.locus import Locus, Strand
from engine.sources.assemblies import assembly
from engine.sources.locus_text import LocusText
from engine.views.panels.genes import KINDS, WHOLE

if TYPE_CHECKING:
    from pages._ui.question import Question, Shown
    from pages._ui.state import Shared

LEAST = 8
"""Bases of the shortest window."""


@dataclass(frozen=True)
class Surroundings:
    """The contig or record that what is shown is a part of.

    Parameters
    ----------
    assembly, contig : str
        Of a genome; both empty for a record of a file or a paste, whose ``contig`` is its name.
    length : int or None
        Bases of it; None where a public service has it and was not asked.
    start, end : int
        What is shown, 0-based half-open on its forward strand.
    reverse : bool
        Whether the reverse strand is read.
    locus : Locus or None
        Where the whole of a record lies on its contig; None for a record without a place, and where the contig itself is moved along.
    """

    assembly: str
    contig: str
    length: int | None
    start: int
    end: int
    reverse: bool
    in_record: bool
    locus: Locus | None = None

    @property
    def name(self) -> str:
        """On screen."""
        return f"{self.assembly} {self.contig}".strip()

    @property
    def bounds(self) -> dict[str, int]:
        """Where it begins and ends, in indices of what is shown."""
        last = self.length if self.length is not None else self.end + 10 * (self.end - self.start)
        low, high = -self.start, last - self.start
        return {"a": low, "b": high} if not self.reverse else {"a": self.end - last, "b": self.end}

    def shown(self, start: int, end: int) -> tuple[int, int]:
        """Bases of the contig as indices of what is shown, which may lie outside it."""
        return (self.end - end, self.end - start) if self.reverse else (start - self.start, end - self.start)

    def on_contig(self, start: int, end: int) -> tuple[int, int]:
        """Indices of what is shown as bases of the contig (inverse of `shown`)."""
        return (self.end - end, self.end - start) if self.reverse else (self.start + start, self.start + end)

    def fitted(self, start: int, end: int) -> tuple[int, int]:
        """An interval that lies on the contig, as wide as the one given where there is room."""
        width = max(LEAST, end - start)
        if self.length is None:
            low = max(0, start)
            return low, low + width
        width = min(width, self.length)
        low = min(max(0, start), self.length - width)
        return low, low + width

    def window(self, start: int, end: int, most: int, *, follows: bool, tiled: int = 0) -> tuple[int, int]:
        """The window that shows ``[start, end)`` of the contig, so that the next steps need none.

        What models can read (up to ``most`` bases) stays as wide as the window is now, unless the window ``follows`` the view; what is longer
        and computed in tiles (up to ``tiled`` bases) begins and ends where tiles do; what is longer still gets half its width on both sides.
        """
        start, end = self.fitted(start, end)
        width, now = end - start, self.end - self.start
        if most < width <= tiled - 2 * TILE_BP:
            return self.clipped(start // TILE_BP * TILE_BP, -(-end // TILE_BP) * TILE_BP)
        if width > most:
            margin = width // 2
            return self.clipped(start - margin, end + margin)
        if follows or width >= now or now > most:
            return start, end
        middle = (start + end) // 2
        return self.fitted(middle - now // 2, middle - now // 2 + now)

    def clipped(self, start: int, end: int) -> tuple[int, int]:
        """What of an interval lies on the contig."""
        return max(0, start), end if self.length is None else min(end, self.length)

    def question(self, question: Question, start: int, end: int) -> Question:
        """The question about bases ``[start, end)`` of the contig, on the strand that is read now."""
        if self.in_record:
            whole = (start, end) == (0, self.length)
            return replace(question.of_another, window=None if whole else (start, end), moved=True)
        place = LocusText(self.assembly, self.contig, start, end, Strand.REVERSE if self.reverse else Strand.FORWARD)
        return replace(question.about(str(place)), moved=True)


def surroundings(shared: Shared, question: Question, shown: Shown) -> Surroundings:
    """What is shown is a part of this."""
    locus, whole = shown.sequence.locus, shown.whole
    if locus is not None and locus.assembly and not _is_one_of_many(shown):
        row = assembly(locus.assembly)
        reverse = locus.strand is Strand.REVERSE
        if shared.genomes.file(locus.assembly) is not None:
            try:
                length = shared.genomes.contigs(locus.assembly).get(locus.contig)
            except LocuscopeError:
                length = None
            if length is not None and locus.end <= length:
                return Surroundings(locus.assembly, locus.contig, length, locus.start, locus.end, reverse, in_record=False)
        elif row is not None and row.provider and not shared.settings.no_services and shown.example is None:
            return Surroundings(locus.assembly, locus.contig, None, locus.start, locus.end, reverse, in_record=False)
    start, end = question.window or (0, len(whole))
    return Surroundings("", whole.name or "sequence", len(whole), start, end, question.reverse, in_record=True, locus=whole.locus)


def _is_one_of_many(shown: Shown) -> bool:
    """Whether several places were asked for, which a step along one of them must not lose."""
    return len(shown.records) > 1


def annotation(shared: Shared, around: Surroundings, whole: tuple[Feature, ...]) -> tuple[Feature, ...] | None:
    """Features of the contig in its coordinates; ``whole`` are those of the record. None while the annotation is being read."""
    if around.in_record or around.length is None:
        return whole if around.in_record else ()
    if not shared.genomes.has_at_hand(around.assembly):
        return None
    try:
        return shared.genomes.features(Locus(around.assembly, around.contig, 0, around.length))
    except LocuscopeError:
        return ()


def neighbour(features: tuple[Feature, ...], around: Surroundings, start: int, end: int, step: int) -> Feature | None:
    """The next gene to the right on screen (``step`` 1) or to the left (-1) of the middle of ``[start, end)``: one that
    lies wholly beyond it, the nearest first; where no genes are annotated, the next feature."""
    genes = [item for item in features if item.kind in WHOLE] or [item for item in features if item.kind in KINDS] or list(features)
    middle = (start + end) // 2
    if (step > 0) != around.reverse:
        return min((item for item in genes if item.start > middle), key=lambda item: (item.start, item.end), default=None)
    return max((item for item in genes if item.end <= middle), key=lambda item: (item.end, item.start), default=None)
