"""UCSC REST API: letters of a locus (https://api.genome.ucsc.edu/, getData/sequence)."""

from __future__ import annotations

from engine.core.errors import FileFormatError, LocusError, SourceUnavailable
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.sources.door import read_json
from engine.sources.http import Service

BASE_URL = "https://api.genome.ucsc.edu"


class Ucsc:
    """The UCSC genome browser's interface; one request a second at most, as UCSC asks."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self.service = Service("UCSC", base_url, settings, 1.0 if base_url == BASE_URL else 0.0, first_wait_seconds)

    def letters(self, database: str, contig: str, start: int, end: int, monitor: Monitor | None = None) -> str:
        """Upper-case forward-strand letters of ``[start, end)`` (0-based half-open, as the service counts).

        Raises
        ------
        LocusError
            No such database, contig or coordinates.
        SourceUnavailable
            UCSC cannot be reached or answers with something else.
        """
        parameters = {"genome": database, "chrom": contig, "start": start, "end": end}
        answer = self.service.get("/getData/sequence", parameters, "application/json", monitor)
        try:
            values = read_json(answer.text, "The answer of UCSC")
        except FileFormatError as error:
            raise SourceUnavailable(f"UCSC did not answer with JSON (status {answer.status}); try again later.") from error
        if not isinstance(values, dict) or "error" in values or answer.status in (400, 404):
            raise LocusError(f"UCSC has no {database}:{contig[:80]}:{start + 1:,}-{end:,}; check the contig's name and length.")
        letters = values.get("dna")
        if answer.status != 200 or not isinstance(letters, str):
            raise SourceUnavailable(f"UCSC did not answer with letters (status {answer.status}); try again later.")
        told = {name: values[name] for name in ("genome", "start") if name in values}
        if told != {name: parameters[name] for name in told}:
            raise SourceUnavailable(f"UCSC answered for another place than was asked for, {quoted(told)}; try again later.")
        return letters.upper()
