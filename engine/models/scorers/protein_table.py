"""AlphaMissense's table of all amino-acid substitutions, read by protein.

``AlphaMissense_aa_substitutions.tsv.gz`` has 216 million rows (UniProt accession, substitution such as ``V2M``, score, class), grouped by
protein and block-compressed. It has no index; where each protein begins is found in one pass and kept beside the table.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.card import ModelCard
from engine.core.errors import FileFormatError, InputError
from engine.core.proteins import AMINO_ACIDS, CLASSES, NO_CLASS, UNKNOWN, ProteinScores
from engine.core.quoting import quoted

logger = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bytes of text read at once."""
MOST_RESIDUES = 100_000
"""The longest human protein has 35 thousand."""

_COLUMNS = ("uniprot_id", "protein_variant", "am_pathogenicity")
_LONGEST_ACCESSION = 24
_LAYOUT = "# locuscope proteins 1"
_TAB, _NEWLINE = 9, 10

Place = tuple[int, int]
"""Virtual offset of a piece, and bytes from its start."""


def _nothing() -> None:
    return


class ProteinTable:
    """The table of one file; safe to use from several threads.

    ``classify`` gives the class of a score where the table has no column of classes.
    """

    def __init__(self, path: Path, card: ModelCard, classify: Callable[[float], str]) -> None:
        self._path, self._card, self._classify = path, card, classify
        self._lock = threading.Lock()
        self._columns: dict[str, int] = {}
        self._places: dict[str, Place] | None = None

    def protein(self, name: str, look: Callable[[], None] = _nothing) -> ProteinScores:
        """Scores of the protein with this UniProt accession. ``look`` is called now and then and may raise to stop.

        Raises
        ------
        InputError
            The table has no such protein.
        FileFormatError
            The file is not the published one.
        """
        with self._lock:
            try:
                if self._places is None:
                    self._places = self._indexed(look)
                place = self._places.get(name)
                if place is None:
                    raise InputError(
                        f"The AlphaMissense table has no protein {quoted(name, 40)}; it has {len(self._places):,} canonical human proteins by "
                        "their UniProt accession, such as P13569."
                    )
                return self._read(name, place, look)
            except (OSError, ValueError, EOFError) as error:
                if isinstance(error, InputError):
                    raise
                raise FileFormatError(
                    f"{self._path} cannot be read ({error}); the published block-compressed table is needed: download it again, or pack it "
                    "anew with 'gunzip -c FILE | bgzip'."
                ) from error

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        from Bio import bgzf

        with self._path.open("rb") as handle:
            yield bgzf.BgzfReader(fileobj=handle, mode="rb")

    def _indexed(self, look: Callable[[], None]) -> dict[str, Place]:
        """Where each protein begins: from the index beside the table, or found now."""
        state = self._path.stat()
        head = f"{_LAYOUT} {state.st_size} {state.st_mtime_ns}"
        index = self._path.with_name(f"{self._path.name}.proteins")
        with self._opened() as handle:
            self._columns = self._header(handle)
        if index.is_file():
            first, *rows = index.read_text(encoding="utf-8").splitlines()
            if first == head:
                return {name: (int(offset), int(skipped)) for name, offset, skipped in (row.split("\t") for row in rows)}
        logger.info("finding the proteins of %s", self._path.name)
        found = self._found(look)
        text = "\n".join([head, *(f"{name}\t{offset}\t{skipped}" for name, (offset, skipped) in found.items())])
        try:
            index.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            logger.warning("%s cannot be written (%s); the proteins are looked for again next time", index, error.strerror)
        return found

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

    def _found(self, look: Callable[[], None]) -> dict[str, Place]:
        places: dict[str, Place] = {}
        last = b""
        for piece, carried, before, here in self._pieces(look):
            for start, name in _beginnings(piece, last):
                last = name
                text = name.decode("ascii", "replace")
                if text.startswith("#") or text == _COLUMNS[0]:
                    continue
                if text in places:
                    raise FileFormatError(f"{self._path} is not grouped by protein ({text} stands in two places); download it again.")
                places[text] = (before[0], before[1] + start) if start < carried else (here, start - carried)
        return places

    def _pieces(self, look: Callable[[], None]) -> Iterator[tuple[bytes, int, Place, int]]:
        """Whole lines at a time: the text, how much of it was carried over, where that began, and where the rest begins."""
        carry, before = b"", (0, 0)
        with self._opened() as handle:
            while True:
                look()
                here = handle.tell()
                data = handle.read(PIECE)
                text = carry + data
                end = text.rfind(b"\n") + 1 if data else len(text)
                if end:
                    yield text[:end], len(carry), before, here
                if not data:
                    return
                if end or not carry:
                    before = (here, max(0, end - len(carry)))
                carry = text[end:]

    def _read(self, name: str, place: Place, look: Callable[[], None]) -> ProteinScores:
        """The rows of one protein, from where they begin until another one does."""
        rows: list[tuple[int, int, float, int]] = []
        residues: dict[int, str] = {}
        for cells in self._rows(name, place, look):
            change, value = cells["protein_variant"], float(cells["am_pathogenicity"])
            position, alternate = int(change[1:-1]), AMINO_ACIDS.find(change[-1])
            if not 1 <= position <= MOST_RESIDUES or alternate < 0 or residues.setdefault(position, change[0]) != change[0]:
                raise ValueError(f"{name} has a row {change[:20]}")
            rows.append((alternate, position - 1, value, CLASSES.index(cells.get("am_class") or self._classify(value))))
        length = max(residues)
        values = np.full((len(AMINO_ACIDS), length), np.nan, dtype=np.float32)
        classes = np.full(values.shape, NO_CLASS, dtype=np.int8)
        for alternate, column, value, label in rows:
            values[alternate, column], classes[alternate, column] = value, label
        letters = "".join(residues.get(position, UNKNOWN) for position in range(1, length + 1))
        return ProteinScores(name, letters, values, classes, self._card, self._path.name)

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
