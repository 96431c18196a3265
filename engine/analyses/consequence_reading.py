"""A coding transcript as the ribosome reads it: its letters in one line, and where a change of the genome falls in that line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

from engine.analyses.consequence_splicing import Structure, untranslated
from engine.analyses.genetic_code import GeneticCode, genetic_code
from engine.core.alleles import Change
from engine.core.errors import LocusError, SequenceError
from engine.core.sequence import reversed_complement
from engine.core.transcripts import Part, Transcript

BEFORE_BP = 100
"""Letters kept in front of the coding sequence: enough to see whether a start codon is made again."""

AFTER_BP = 3000
"""Letters read behind a coding sequence that has no untranslated region, in search of the next stop."""

BLOCK_BP = 1 << 16
KEPT_BLOCKS = 64


class Genome(Protocol):
    """Letters by contig, in the spelling of the gene models."""

    def letters(self, contig: str, start: int, end: int) -> str:
        """Upper-case forward letters, 0-based half-open. Raises `LocusError` for what the reference does not have,
        `SequenceError` for letters that are none of a nucleotide."""

    def extent(self, contig: str, position: int) -> tuple[int, int]:
        """The stretch of known letters around a 0-based position, half-open; ``(position, position)`` where there are none."""


class BlockLetters:
    """Letters of a genome read in blocks, which are kept: neighbouring variants and genes ask for the same ones."""

    def __init__(self, genome: Genome) -> None:
        self._genome = genome
        self._block = lru_cache(KEPT_BLOCKS)(self._read)
        self._stretches: dict[str, list[tuple[int, int]]] = {}

    def extent(self, contig: str, position: int) -> tuple[int, int]:
        """As `Genome.extent`."""
        known = self._stretches.setdefault(contig, [])
        for low, high in known:
            if low <= position <= high:
                return low, high
        known.append(self._genome.extent(contig, position))
        return known[-1]

    def _read(self, contig: str, number: int, low: int, high: int) -> str | None:
        try:
            return self._genome.letters(contig, max(low, number * BLOCK_BP), min(high, (number + 1) * BLOCK_BP))
        except SequenceError:
            return None  # a letter that is none of a nucleotide; what lies elsewhere in the block is still to be had

    def letters(self, contig: str, start: int, end: int) -> str:
        """As `Genome.letters`."""
        low, high = self.extent(contig, start)
        if start < low or end > high:
            raise LocusError(f"The reference has no {contig}:{start + 1:,}-{end:,}; give annotation and reference of one assembly.")
        found = []
        place = start
        while place < end:
            number = place // BLOCK_BP
            block = self._block(contig, number, low, high)
            if block is None:
                return self._genome.letters(contig, start, end)
            first = max(low, number * BLOCK_BP)
            found.append(block[place - first : end - first])
            place = (number + 1) * BLOCK_BP
        return "".join(found)

    def clipped(self, contig: str, start: int, end: int) -> str:
        """The same, without what lies beyond the known stretch; nothing where a letter is none of a nucleotide."""
        low, high = self.extent(contig, start if start < end else end)
        start, end = max(low, start), min(high, end)
        try:
            return self.letters(contig, start, end) if start < end else ""
        except SequenceError:
            return ""


Place = tuple[int, int, str]
"""A stretch of a line that is replaced: its first index, its end, and the letters that come in."""


class Piece(NamedTuple):
    """A stretch of the genome in the line of letters: its first base read is number ``offset``."""

    start: int
    end: int
    forward: bool
    contig: str
    offset: int


class Reading:
    """The coding sequence of a transcript between what stands before and behind it, as one line of letters on the transcript's strand.

    Attributes
    ----------
    begin, end : int
        Index in the line of the first coding base, and the end of the coding sequence.
    frame : int
        Index of the first whole codon's first base.
    codons : int
        Number of whole codons.
    starts, stops : bool
        Whether the first codon is a known start and the last a stop.

    Raises
    ------
    LocusError, SequenceError
        The reference does not have all coding letters.
    """

    def __init__(self, transcript: Transcript, code: GeneticCode, genome: BlockLetters, structure: Structure) -> None:
        self.transcript, self.code = transcript, code
        self._genome = genome
        before, self._after = structure.five, structure.three
        coding = "".join(self._letters(part) for part in transcript.coding)
        lead = _last_bases(before, BEFORE_BP) if before else self._flank(transcript.coding[0], BEFORE_BP, upstream=True)
        if not self._after:
            self._after = self._flank(transcript.coding[-1], AFTER_BP, upstream=False)
        opening = "".join(self._letters(part) for part in lead)
        self.begin, self.end = len(opening), len(opening) + len(coding)
        self.frame = self.begin + transcript.phase
        self.pieces = _in_line((*lead, *transcript.coding, *self._after))
        self._recoded = self._recoded_codons()
        left_over = (len(coding) - transcript.phase) % 3
        closing = left_over and self._recoded.get((len(coding) - transcript.phase) // 3) == "*"
        self.text = opening + coding + ("A" * (3 - left_over) if closing else "")
        self.completed = bool(closing)
        self.codons = (len(self.text) - self.frame) // 3
        self.starts = self._knows_its_start()
        last = self.codon(self.codons - 1) if self.codons else ""
        self.stops = bool(last) and (self._recoded.get(self.codons - 1, "") == "*" or last in code.stops)

    def _letters(self, part: Part | Piece) -> str:
        letters = self._genome.letters(part.contig, part.start, part.end)
        return letters if part.forward else reversed_complement(letters)

    def _flank(self, part: Part, width: int, *, upstream: bool) -> tuple[Part, ...]:
        """Letters of the genome next to the coding sequence, as far as the reference has them."""
        edge = part.first if upstream else part.last
        low, high = self._genome.extent(part.contig, part.start)
        leftward = part.forward == upstream
        start, end = (max(low, edge - width), edge) if leftward else (edge, min(high, edge + width))
        return (part._replace(start=start, end=end),) if start < end else ()

    def _recoded_codons(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for item in self.transcript.recoded:
            for piece in self.pieces:
                base = item.start if piece.forward else item.end - 1
                if piece.start <= base < piece.end:
                    place = piece.offset + (base - piece.start if piece.forward else piece.end - 1 - base)
                    if self.frame <= place < self.end and (place - self.frame) % 3 == 0:
                        found[(place - self.frame) // 3] = item.amino_acid
        return found

    def _knows_its_start(self) -> bool:
        transcript = self.transcript
        if not transcript.start_known or transcript.phase or not self.codons:
            return False
        return self.codon(0) in self.code.starts or self._recoded.get(0) == "M"

    @cached_property
    def tail(self) -> str:
        """Letters behind the coding sequence: its untranslated region, or the genome where none is annotated. Empty after poly(A)."""
        return "" if self.completed else "".join(self._letters(part) for part in self._after)

    @cached_property
    def has_stop_inside(self) -> bool:
        """Whether a codon before the last one is read as a stop."""
        return any(self.amino_acid(number) == "*" for number in range(self.codons - 1))

    def codon(self, number: int) -> str:
        """Letters of a codon, counted from 0."""
        first = self.frame + 3 * number
        return self.text[first : first + 3]

    def amino_acid(self, number: int) -> str:
        """One letter of the codon with this number, counted from 0; ``*`` for the stop at the end."""
        if number in self._recoded:
            return self._recoded[number]
        if number == 0 and self.starts:
            return "M"
        codon = self.codon(number)
        return "*" if self.stops and number == self.codons - 1 else self.code.amino_acid(codon)

    def amino_acids(self, first: int, end: int) -> str:
        """Amino acids of a range of codons."""
        return "".join(self.amino_acid(number) for number in range(max(0, first), min(end, self.codons)))

    def places(self, change: Change, contig: str) -> tuple[Place, ...]:
        """Where a change falls in the line: for each stretch its first index, its end, and the letters that come in, on the transcript's strand.

        More than one where bases are read twice; none where it touches no base of the line. An insertion between two stretches belongs to
        the end of the first.
        """
        here = [piece for piece in self.pieces if piece.contig == contig and piece.start <= change.end and change.start <= piece.end]
        if not here:
            return ()
        return _inserted(here, change) if not change.reference else _covered(here, change)


def with_its_stop(transcript: Transcript, genome: BlockLetters) -> Transcript:
    """A transcript of GTF with the stop codon that stands right behind its coding parts; the transcript itself where none does."""
    code = genetic_code(transcript.code)
    exons, after = transcript.exons, untranslated(transcript)[1]
    if not after:
        last = transcript.coding[-1]
        after = (
            last._replace(start=last.end, end=last.end + 3)
            if last.forward
            else last._replace(start=max(0, last.start - 3), end=last.start),
        )
        exons = (*exons, *after)
    behind = _first_bases(after, 3)
    ends, following = ("".join(letters_of(part, genome) for part in parts) for parts in (_last_bases(transcript.coding, 3), behind))
    if code is None or ends in code.stops or following not in code.stops:
        return transcript
    return replace(transcript, exons=exons, coding=(*transcript.coding, *behind), stop_apart=False)


def letters_of(part: Part | Piece, genome: BlockLetters) -> str:
    """Letters of a part, 5'→3'; empty where the reference does not have them."""
    letters = genome.clipped(part.contig, part.start, part.end)
    return letters if part.forward else reversed_complement(letters)


def _first_bases(parts: Sequence[Part], width: int) -> tuple[Part, ...]:
    """The first ``width`` bases of parts in the order of reading."""
    turned = [part._replace(forward=not part.forward) for part in reversed(parts)]
    return tuple(part._replace(forward=not part.forward) for part in reversed(_last_bases(turned, width)))


def _last_bases(parts: Sequence[Part], width: int) -> tuple[Part, ...]:
    """The last ``width`` bases of parts in the order of reading."""
    kept: list[Part] = []
    for part in reversed(parts):
        if width <= 0:
            break
        size = min(width, part.end - part.start)
        kept.append(part._replace(start=part.end - size) if part.forward else part._replace(end=part.start + size))
        width -= size
    return tuple(reversed(kept))


def _in_line(parts: Sequence[Part]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    offset = 0
    for part in parts:
        pieces.append(Piece(*part, offset))
        offset += part.end - part.start
    return tuple(pieces)


def _covered(pieces: Sequence[Piece], change: Change) -> tuple[Place, ...]:
    """Stretches of the line that a change takes the place of; those that follow each other are one, unless bases are read twice.

    Of as many letters as are replaced, each stays with its base. Others come in with the first stretch of the line.
    """
    spans: list[Place] = []
    read: list[tuple[int, int]] = []
    same_length = len(change.reference) == len(change.alternate)
    for piece in pieces:
        low, high = max(change.start, piece.start), min(change.end, piece.end)
        if low >= high:
            continue
        twice = any(low < end and start < high for start, end in read)
        new = change.alternate[low - change.start : high - change.start] if same_length else change.alternate if not read or twice else ""
        new = new if piece.forward else reversed_complement(new)
        first = piece.offset + (low - piece.start if piece.forward else piece.end - high)
        if spans and spans[-1][1] == first and not twice:
            spans[-1] = (spans[-1][0], first + high - low, spans[-1][2] + new)
        else:
            spans.append((first, first + high - low, new))
        read.append((low, high))
    return tuple(spans)


def _inserted(pieces: Sequence[Piece], change: Change) -> tuple[Place, ...]:
    place = change.start
    inside = [piece for piece in pieces if piece.start < place < piece.end]
    found: dict[int, str] = {}
    for piece in inside or pieces[:1]:
        index = piece.offset + (place - piece.start if piece.forward else piece.end - place)
        found[index] = change.alternate if piece.forward else reversed_complement(change.alternate)
    return tuple((index, index, letters) for index, letters in found.items())
