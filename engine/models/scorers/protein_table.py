"""AlphaMissense's table of all amino-acid substitutions, read by protein.

``AlphaMissense_aa_substitutions.tsv.gz`` has 216 million rows (UniProt accession, substitution such as ``G551D``, score, class), grouped by
protein and block-compressed. It has no index; where each protein begins is found in one pass and kept beside the table.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.card import ModelCard
from engine.core.errors import FileFormatError, InputError
from engine.core.proteins import AMINO_ACIDS, NO_CLASS, UNKNOWN, ProteinScores, class_number
from engine.core.provenance import state_of
from engine.core.quoting import quoted

logger = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bytes of text read at once."""
MOST_RESIDUES = 100_000
"""The longest human protein has 35 thousand."""
WAIT_SECONDS = 0.2
"""Between two looks of a question that waits for the search of another."""

_BROKEN = (OSError, ValueError, EOFError, IndexError, RuntimeError, struct.error, zlib.error)
"""What Biopython and the reading of a row raise for a damaged file."""

_COLUMNS = ("uniprot_id", "protein_variant", "am_pathogenicity")
_LONGEST_ACCESSION = 24
_LAYOUT = "# locuscope proteins 2"
_TAB, _NEWLINE = 9, 10

Place = tuple[int, int]
"""Virtual offset of a piece, and bytes from its start."""


def _nothing() -> None:
    return


@dataclass
class _Search:
    """How far the places of the proteins are found: what a search that was stopped leaves for the next one."""

    places: dict[str, Place] = field(default_factory=dict)
    here: int = 0
    """Virtual offset of the text that is read next."""
    carry: bytes = b""
    """The line begun in front of it,"""
    before: Place = (0, 0)
    """and where that line begins."""
    last: bytes = b""
    """First column of the last whole line."""


class ProteinTable:
    """The table of one file; safe to use from several threads.

    ``classify`` gives the class of a score where the table has no column of classes.
    """

    def __init__(self, path: Path, card: ModelCard, classify: Callable[[float], str]) -> None:
        self._path, self._card, self._classify = path, card, classify
        self._lock = threading.Lock()
        self._columns: dict[str, int] = {}
        self._places: dict[str, Place] | None = None
        self._search = _Search()
        self._state = ""

    def protein(self, name: str, look: Callable[[], None] = _nothing) -> ProteinScores:
        """Scores of the protein with this UniProt accession. ``look`` is called now and then and may raise to stop.

        The first question finds where each protein begins; those that come meanwhile wait, and can be stopped, too. What a search that is
        stopped found is not looked for again.

        Raises
        ------
        InputError
            The table has no such protein.
        FileFormatError
            The file is not the published one.
        """
        with self._sentence():
            places = self._known(look)
        place = places.get(name)
        if place is None:
            raise InputError(
                f"The AlphaMissense table has no protein {quoted(name, 40)}; it has {len(places):,} canonical human proteins by their UniProt "
                "accession, such as P13569."
            )
        with self._sentence():
            return self._read(name, place, look)

    @contextmanager
    def _sentence(self) -> Iterator[None]:
        """Says of a file that breaks while it is read what to do about it."""
        try:
            yield
        except _BROKEN as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FileFormatError(
                f"{self._path} cannot be read ({reason[:160]}); the published block-compressed table is needed: download it again, or pack it "
                "anew with 'gunzip -c FILE | bgzip'."
            ) from error

    def _known(self, look: Callable[[], None]) -> dict[str, Place]:
        """Where each protein begins, once one thread has found it."""
        while not self._lock.acquire(timeout=WAIT_SECONDS):
            look()
        try:
            state = state_of(self._path)
            if state != self._state:
                self._state, self._places, self._search = state, None, _Search()
            if self._places is None:
                self._places = self._indexed(look)
            return self._places
        finally:
            self._lock.release()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        from Bio import bgzf

        with self._path.open("rb") as handle:
            yield bgzf.BgzfReader(fileobj=handle, mode="rb")

    def _indexed(self, look: Callable[[], None]) -> dict[str, Place]:
        """Where each protein begins: from the index beside the table, or found now."""
        index = self._path.with_name(f"{self._path.name}.proteins")
        with self._opened() as handle:
            self._columns = self._header(handle)
        kept = self._kept(index)
        if kept is not None:
            return kept
        logger.info("finding the proteins of %s", self._path.name)
        try:
            self._find(look)
        except (FileFormatError, *_BROKEN):
            self._search = _Search()
            raise
        found, self._search = self._search.places, _Search()
        text = "".join(f"{name}\t{offset}\t{skipped}\n" for name, (offset, skipped) in found.items())
        try:
            with tempfile.TemporaryDirectory(dir=index.parent, prefix=f".{index.name}.") as folder:
                part = Path(folder) / index.name
                part.write_text(f"{self._head(text)}\n{text}", encoding="utf-8")
                part.replace(index)
        except OSError as error:
            logger.warning("%s cannot be written (%s); the proteins are looked for again next time", index, error.strerror)
        return found

    def _kept(self, index: Path) -> dict[str, Place] | None:
        """The index beside the table; None where there is none, or one that is broken or of another table."""
        try:
            head, _, text = index.read_text(encoding="utf-8").partition("\n")
        except (OSError, ValueError):
            return None
        if head != self._head(text):
            return None
        return {name: (int(offset), int(skipped)) for name, offset, skipped in (row.split("\t") for row in text.splitlines())}

    def _head(self, text: str) -> str:
        """Of which table the rows of an index are, and that they are whole."""
        return f"{_LAYOUT} {self._state} {hashlib.sha256(text.encode()).hexdigest()}"

    def _header(self, handle: Any) -> dict[str, int]:
        """Column name → index; the line of their names may begin with ``#``."""
        for line in handle:
            names = line.decode("utf-8", "replace").strip().lstrip("#").split("\t")
            if set(_COLUMNS) <= set(names):
                return {name: number for number, name in enumerate(names)}
            if not line.startswith(b"#"):
                break
        raise FileFormatError(
            f"{self._path} has no columns {', '.join(_COLUMNS)}; the published AlphaMissense table of proteins is needed."
        )

    def _find(self, look: Callable[[], None]) -> None:
        """Go on with the search to the end of the file, some whole lines at a time."""
        search = self._search
        with self._opened() as handle:
            handle.seek(search.here)
            while True:
                look()
                here = handle.tell()
                data = handle.read(PIECE)
                text, carried = search.carry + data, len(search.carry)
                end = text.rfind(b"\n") + 1 if data else len(text)
                for start, name in _beginnings(text[:end], search.last) if end else ():
                    search.last = name
                    beginning = (search.before[0], search.before[1] + start) if start < carried else (here, start - carried)
                    self._add(name.decode("ascii", "replace"), beginning)
                if not data:
                    return
                if end or not carried:
                    search.before = (here, max(0, end - carried))
                search.carry, search.here = text[end:], handle.tell()

    def _add(self, name: str, beginning: Place) -> None:
        if name.startswith("#") or name == _COLUMNS[0]:
            return
        if name in self._search.places:
            raise FileFormatError(f"{self._path} is not grouped by protein ({name} stands in two places); download it again.")
        self._search.places[name] = beginning

    def _read(self, name: str, place: Place, look: Callable[[], None]) -> ProteinScores:
        """The rows of one protein, from where they begin until another one does."""
        rows: list[tuple[int, int, float, int]] = []
        residues: dict[int, str] = {}
        for cells in self._rows(name, place, look):
            change, value = cells["protein_variant"], float(cells["am_pathogenicity"])
            position, alternate = int(change[1:-1]), AMINO_ACIDS.find(change[-1])
            if not 1 <= position <= MOST_RESIDUES or alternate < 0 or residues.setdefault(position, change[0]) != change[0]:
                raise ValueError(f"{name} has a row {change[:20]}")
            rows.append((alternate, position - 1, value, class_number(cells.get("am_class") or self._classify(value))))
        length = max(residues)
        values = np.full((len(AMINO_ACIDS), length), np.nan, dtype=np.float32)
        classes = np.full(values.shape, NO_CLASS, dtype=np.int8)
        for alternate, column, value, label in rows:
            values[alternate, column], classes[alternate, column] = value, label
        letters = "".join(residues.get(position, UNKNOWN) for position in range(1, length + 1))
        return ProteinScores(name, letters, values, classes, self._card, state_of(self._path))

    def _rows(self, name: str, place: Place, look: Callable[[], None]) -> Iterator[dict[str, str]]:
        with self._opened() as handle:
            handle.seek(place[0])
            handle.read(place[1])
            for number, line in enumerate(handle):
                if number % 10_000 == 0:
                    look()
                fields = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
                if fields[self._columns["uniprot_id"]] != name:
                    return
                yield {column: fields[at] for column, at in self._columns.items()}


def _beginnings(text: bytes, last: bytes) -> Iterator[tuple[int, bytes]]:
    """Where in whole lines the first column changes, and what it is then; ``last``: of the line in front."""
    letters = np.frombuffer(text, dtype=np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(letters == _NEWLINE)[:-1] + 1)) if text else np.zeros(0, dtype=np.int64)
    padded = np.concatenate((letters, np.full(_LONGEST_ACCESSION, _TAB, dtype=np.uint8)))
    names = padded[starts[:, None] + np.arange(_LONGEST_ACCESSION)]
    names = np.where(np.logical_or.accumulate((names == _TAB) | (names == _NEWLINE), axis=1), 0, names)
    changed = np.concatenate(([True], (names[1:] != names[:-1]).any(axis=1)))
    for number in np.flatnonzero(changed):
        name = names[number].tobytes().rstrip(b"\0")
        if name != last or number:
            yield int(starts[number]), name
