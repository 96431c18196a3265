"""UCSC REST API: letters of a locus (https://api.genome.ucsc.edu/, getData/sequence)."""

from __future__ import annotations

import json

from engine.core.errors import LocusError, SourceUnavailable
from engine.core.settings import Settings
from engine.sources.http import Service

BASE_URL = "https://api.genome.ucsc.edu"


class Ucsc:
    """The UCSC genome browser's interface; one request a second at most, as UCSC asks."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self._service = Service("UCSC", base_url, settings, 1.0 if base_url == BASE_URL else 0.0, first_wait_seconds)

    def letters(self, database: str, contig: str, start: int, end: int) -> str:
        """Upper-case forward-strand letters of ``[start, end)`` (0-based half-open, as the service counts).

        Raises
        ------
        LocusError
            No such database, contig or coordinates.
        SourceUnavailable
            UCSC cannot be reached or answers with something else.
        """
        parameters = {"genome": database, "chrom": contig, "start": start, "end": end}
        answer = self._service.get("/getData/sequence", parameters, "application/json")
        try:
            values = json.loads(answer.text)
        except json.JSONDecodeError as error:
            raise SourceUnavailable(f"UCSC did not answer with JSON (status {answer.status}); try again later.") from error
        if not isinstance(values, dict) or "error" in values or answer.status in (400, 404):
            raise LocusError(f"UCSC has no {database}:{contig}:{start + 1:,}-{end:,}; check the contig's name and length.")
        letters = values.get("dna")
        if answer.status != 200 or not isinstance(letters, str):
            raise SourceUnavailable(f"UCSC did not answer with letters (status {answer.status}); try again later.")
        return letters.upper()
