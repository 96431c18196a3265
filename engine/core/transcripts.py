"""Gene models: what of a contig is transcribed and translated, and how it is read."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError

SHORTEST_INTRON_BP = 13
"""A shorter gap between two parts is a programmed frameshift or an error of the assembly, not an intron."""


LARGEST_PACKED = 0xFFFF_FFFF


class Part(NamedTuple):
    """A stretch of a transcript: 0-based half-open on the forward strand of ``contig``, read forward or in reverse."""

    start: int
    end: int
    forward: bool
    contig: str

    @property
    def first(self) -> int:
        """The boundary (0-based, between two bases) where reading begins."""
        return self.start if self.forward else self.end

    @property
    def last(self) -> int:
        """The boundary where reading ends."""
        return self.end if self.forward else self.start


class Recoded(NamedTuple):
    """A codon that is read as another amino acid than the genetic code says; place as in `Part`, ``amino_acid`` in one letter, ``*`` a stop."""

    start: int
    end: int
    amino_acid: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A transcript. Parts stand in the order of reading, 5'→3': they may lie on both strands or two contigs (trans-splicing), pass the
    origin of a circle, leave out or repeat a base (ribosomal slippage).

    Parameters
    ----------
    identifier, gene : str
        As the annotation names them; ``gene`` is the symbol where there is one.
    exons, coding : tuple of Part
        At least one exon; ``coding`` is empty for a transcript that is not translated.
    phase : int
        Bases of the first coding part before the first whole codon, 0 to 2.
    code : int
        NCBI number of the genetic code; 0 where the annotation leaves it open and nothing tells it.
    recoded : tuple of Recoded
        Selenocysteine, pyrrolysine, stops completed by polyadenylation and the like.
    start_known, stop_known : bool
        False where the annotation says that the coding sequence goes on beyond what is annotated.
    stop_apart : bool
        Whether the coding parts end before the stop codon, as in GTF, and no line says where it is: the next codon is it when it is a stop.
    circle : int
        Length of the contig in bases when it is circular, else 0.
    preferred : bool
        Whether the annotation marks it as the transcript to report (MANE Select, RefSeq Select, Ensembl canonical).
    phases_differ : bool
        Whether the stated phases of its coding parts do not follow from their lengths: an error if the reading meets a stop inside.
    problem : str
        Why its protein cannot be read; empty when it can.
    note : str
        What was decided by what is usual.
    """

    identifier: str
    gene: str
    exons: tuple[Part, ...]
    coding: tuple[Part, ...] = ()
    phase: int = 0
    code: int = 1
    recoded: tuple[Recoded, ...] = ()
    start_known: bool = True
    stop_known: bool = True
    stop_apart: bool = False
    circle: int = 0
    preferred: bool = False
    phases_differ: bool = False
    problem: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.exons:
            raise FileFormatError(f"The transcript {self.identifier[:80]!r} has no exon; give at least one.")

    def spans(self) -> tuple[Part, ...]:
        """Stretches from one part to another with nothing but introns between; one, except after trans-splicing and over an origin."""
        found: list[Part] = []
        for part in self.exons:
            before = found[-1] if found else part
            goes_on = before.start <= part.start if part.forward else before.end >= part.end
            if found and goes_on and before[2:] == part[2:]:
                found[-1] = Part(min(before.start, part.start), max(before.end, part.end), part.forward, part.contig)
            else:
                found.append(part)
        return tuple(found)


class Edges(NamedTuple):
    """Stretches of transcripts by place: ``contigs`` (names), and per stretch its contig's index, 0-based start, end, and transcript (n,)."""

    contigs: tuple[str, ...]
    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    transcript: NDArray[np.int64]


class Texts(Sequence[str]):
    """Many short texts as one block of bytes: a tenth of what as many `str` take."""

    def __init__(self, items: Iterable[str] = ()) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])
        for item in items:
            self.append(item)

    def append(self, text: str) -> None:
        """Add one at the end."""
        self._bytes += text.encode("utf-8", "surrogateescape")
        if len(self._bytes) > LARGEST_PACKED and self._ends.typecode == "I":
            self._ends = array("q", self._ends)
        self._ends.append(len(self._bytes))

    def are_full(self) -> NDArray[np.bool_]:
        """For each text, whether it is not empty, (n,)."""
        return np.diff(np.array(self._ends, dtype=np.int64)) > 0

    def feed(self, digest: Any) -> None:
        """Update a hash of `hashlib` with the texts and where each ends."""
        digest.update(self._bytes)
        digest.update(memoryview(self._ends))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode("utf-8", "surrogateescape")


class Transcripts(Sequence[Transcript]):
    """Gene models in the order they were added, packed: a genome's worth has a million parts, and only those that are met are unpacked.

    A transcript on one strand of one contig takes 8 bytes a part and about 40 with its names; one with anything unusual is kept as it is.
    ``notes``: sentences on how they were read, for the reader of a result; no part of what they are. ``stated_codes``: the genetic codes that a
    user stated for them, by contig, ``""`` for all others.
    """

    def __init__(self, transcripts: Iterable[Transcript] = ()) -> None:
        self._identifiers, self._genes = Texts(), Texts()
        self._contigs: dict[str, int] = {}
        self._names: list[str] = []
        self._rows = array("i")  # contig; flags, phase and code; number of exons; number of what is said of it
        self._said: dict[tuple[str, str], int] = {("", ""): 0}  # problem and note
        self._places = array("I")
        self._ends = array("q", [0])
        self._unusual: dict[int, Transcript] = {}
        self._unpacked: list[tuple[str, str]] = []
        self.notes: tuple[str, ...] = ()
        self.stated_codes: dict[str, int] = {}
        for transcript in transcripts:
            self.append(transcript)

    def append(self, transcript: Transcript) -> None:
        """Add one at the end."""
        exons, coding = transcript.exons, transcript.coding
        if _is_unusual(transcript):
            self._unusual[len(self)] = transcript
            exons, coding = exons[:0], coding[:0]
        contig = self._numbered(transcript.exons[0].contig)
        same = exons == coding
        flags = transcript.exons[0].forward | transcript.start_known << 1 | transcript.stop_known << 2
        flags |= transcript.preferred << 3 | transcript.stop_apart << 4 | same << 5 | transcript.phases_differ << 6
        said = self._said.setdefault((transcript.problem, transcript.note), len(self._said))
        self._rows.extend((contig, flags | transcript.phase << 8 | transcript.code + 1 << 16, len(exons), said))
        for part in exons if same else exons + coding:
            self._places.extend(part[:2])
        self._ends.append(len(self._places) // 2)
        self._identifiers.append(transcript.identifier)
        self._genes.append(transcript.gene)

    def note(self, sentence: str) -> None:
        """Add to ``notes``; an empty sentence adds nothing."""
        self.notes += (sentence,) if sentence else ()

    def _numbered(self, contig: str) -> int:
        if contig not in self._contigs:
            self._contigs[contig] = len(self._names)
            self._names.append(contig)
        return self._contigs[contig]

    def __len__(self) -> int:
        return len(self._identifiers)

    def __iter__(self) -> Iterator[Transcript]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Transcript: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Transcript, ...]: ...

    def __getitem__(self, index: int | slice) -> Transcript | tuple[Transcript, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        if not 0 <= index < len(self):
            raise IndexError(index)
        kept = self._unusual.get(index)
        if kept is not None:
            return kept
        contig, flags, exons, said = self._rows[4 * index : 4 * index + 4]
        problem, note = self._texts()[said]
        name = self._names[contig]
        flat = self._places[2 * self._ends[index] : 2 * self._ends[index + 1]]
        parts = tuple(Part(flat[place], flat[place + 1], bool(flags & 1), name) for place in range(0, len(flat), 2))
        return Transcript(
            self._identifiers[index],
            self._genes[index],
            parts[:exons],
            parts if flags & 32 else parts[exons:],
            flags >> 8 & 3,
            (flags >> 16) - 1,
            start_known=bool(flags & 2),
            stop_known=bool(flags & 4),
            preferred=bool(flags & 8),
            stop_apart=bool(flags & 16),
            phases_differ=bool(flags & 64),
            problem=problem,
            note=note,
        )

    def _texts(self) -> list[tuple[str, str]]:
        if len(self._unpacked) != len(self._said):
            self._unpacked = list(self._said)
        return self._unpacked

    @property
    def sha256(self) -> str:
        """Hash of everything that is said of the transcripts: it names the gene models a consequence comes from."""
        digest = hashlib.sha256()
        for column in (self._rows, self._places, self._ends):
            digest.update(memoryview(column))
        for texts in (self._identifiers, self._genes):
            texts.feed(digest)
        digest.update(repr((self._names, list(self._said), list(self._unusual.items()))).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def edges(self) -> Edges:
        """Where every transcript lies, without unpacking it."""
        ends = np.array(self._ends, dtype=np.int64)
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, 4)
        plain = np.flatnonzero(np.diff(ends) > 0)
        places = np.array(self._places, dtype=np.int64).reshape(-1, 2)
        first, last = places[ends[plain]], places[ends[plain] + rows[plain, 2] - 1]
        spans = [(index, span) for index, transcript in self._unusual.items() for span in transcript.spans()]
        more = np.array([(self._numbered(s.contig), s.start, s.end, index) for index, s in spans], dtype=np.int64).reshape(-1, 4)
        return Edges(
            tuple(self._names),
            np.concatenate([rows[plain, 0], more[:, 0]]),
            np.concatenate([np.minimum(first[:, 0], last[:, 0]), more[:, 1]]),
            np.concatenate([np.maximum(first[:, 1], last[:, 1]), more[:, 2]]),
            np.concatenate([plain, more[:, 3]]),
        )


def _is_unusual(transcript: Transcript) -> bool:
    """Whether a transcript says anything that the packed form has no place for."""
    if transcript.recoded or transcript.circle:
        return True
    first = transcript.exons[0]
    if any(part[2:] != first[2:] or part.end > LARGEST_PACKED for part in (*transcript.exons, *transcript.coding)):
        return True
    return len(transcript.exons) > 1 and len(transcript.spans()) > 1
