"""Figures that survive whatever ends the run: each is printed and written as soon as it is there, and a second call reads them.

One line of JSON a figure in ``rows-NNN.jsonl``, each file of at most so many bytes, and all of it as aligned text in ``table.txt``. A step that came
to its end leaves a line of its own; a step counts as done only for the same code, device and versions (`Ledger.key`).
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.bench.measure import Row, table

PIECE_BYTES = 15 * 2**20
_LONGEST_TEXT = 2000


class Ledger:
    """What is known of a run in ``folder``.

    Parameters
    ----------
    key : str
        What decides the figures: steps that ended under another key are done again.
    piece_bytes : int
        No file becomes larger.
    earlier : Path or None
        A folder of an earlier run, which may be read-only: its figures and checkpoints are taken over where this one has none.
    """

    def __init__(self, folder: Path, key: str, piece_bytes: int = PIECE_BYTES, earlier: Path | None = None) -> None:
        self.folder, self.key, self.piece_bytes = folder, key, piece_bytes
        folder.mkdir(parents=True, exist_ok=True)
        if earlier is not None and not any(folder.iterdir()):
            _copy(earlier, folder)
        self._began = time.monotonic()

    def files(self) -> list[Path]:
        """The pieces, in order."""
        return sorted(self.folder.glob("rows-*.jsonl"))

    def lines(self) -> Iterator[dict[str, Any]]:
        """Everything that was written, in order; a line that was cut off is left out."""
        for path in self.files():
            for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    yield json.loads(text)
                except ValueError:
                    continue

    def rows(self) -> list[Row]:
        """The figures under this key, the newest of those that were taken twice."""
        found = {}
        for line in self.lines():
            if "what" in line and line.get("key") == self.key:
                value = math.nan if line["value"] is None else line["value"]
                found[line["group"], line["what"], line["unit"]] = Row(line["group"], line["what"], value, line["unit"], line["note"])
        return list(found.values())

    def is_done(self, step: str) -> bool:
        """Whether ``step`` came to its end under this key."""
        return any(line.get("done") == step and line.get("key") == self.key for line in self.lines())

    def tell(self, row: Row) -> None:
        """Print and keep a figure."""
        value = row.value if math.isfinite(row.value) else None
        self._write(asdict(row) | {"value": value}, f"{row.group} | {row.what}: {row.value:.4g} {row.unit}  {row.note}".rstrip())

    def say(self, kind: str, step: str, text: str = "") -> None:
        """Print and keep what became of a step: ``done``, ``failed``, ``left out``."""
        self._write({kind: step, "text": text[-_LONGEST_TEXT:]}, f"{kind}: {step}  {text[-_LONGEST_TEXT:]}".rstrip())

    def summarise(self) -> None:
        """Write ``table.txt``, in place of the older one."""
        fresh = self.folder / "table.new"
        fresh.write_text((table(self.rows()) + "\n")[: self.piece_bytes], encoding="utf-8")
        fresh.replace(self.folder / "table.txt")

    def _write(self, values: dict[str, Any], words: str) -> None:
        seconds = time.monotonic() - self._began
        sys.stdout.write(f"{seconds:6.1f} s  {words}\n")
        sys.stdout.flush()
        text = json.dumps({"s": round(seconds, 1), "key": self.key, **values}) + "\n"
        pieces = self.files()
        path = pieces[-1] if pieces else self.folder / "rows-000.jsonl"
        if pieces and path.stat().st_size + len(text.encode()) > self.piece_bytes:
            path = self.folder / f"rows-{len(pieces):03d}.jsonl"
        if path.is_file() and not path.read_bytes().endswith(b"\n"):
            text = "\n" + text  # a line that was cut off keeps to itself
        with path.open("a", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())


def tell_all(ledger: Ledger, rows: Iterable[Row]) -> None:
    """Each of ``rows`` as it comes."""
    for row in rows:
        ledger.tell(row)


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
