"""NCBI E-utilities efetch: letters and GenBank records of an accession (https://www.ncbi.nlm.nih.gov/books/NBK25499/)."""

from __future__ import annotations

import re

from engine.core.errors import LocusError, SourceUnavailable
from engine.core.settings import Settings
from engine.sources.http import Service

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
_ACCESSION = re.compile(r"^[A-Za-z]{1,6}_?[A-Za-z]{0,4}\d{5,12}(\.\d{1,3})?$")


class Entrez:
    """The nucleotide database of NCBI; three requests a second at most, as NCBI asks of clients without a key."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self._settings = settings
        self._service = Service("NCBI", base_url, settings, 0.34, first_wait_seconds)

    def _fetch(self, accession: str, start: int, end: int, kind: str) -> str:
        if not _ACCESSION.match(accession):
            raise LocusError(f"{accession[:40]!r} is not an accession NCBI could have; write one such as NC_000913.3.")
        parameters = {
            "db": "nuccore",
            "id": accession,
            "rettype": kind,
            "retmode": "text",
            "seq_start": start + 1,
            "seq_stop": end,
            "strand": 1,
            "tool": "locuscope",
        }
        if self._settings.contact_email:
            parameters["email"] = self._settings.contact_email
        answer = self._service.get("/efetch.fcgi", parameters, "text/plain")
        if answer.status in (400, 404) or answer.text.lstrip().startswith(("Error", "<?xml", "{")):
            raise LocusError(
                f"NCBI has no record {accession!r} with positions {start + 1:,}-{end:,}; check the accession, its version and length."
            )
        if answer.status != 200:
            raise SourceUnavailable(f"NCBI answered with status {answer.status}; try again later.")
        return answer.text

    def letters(self, accession: str, start: int, end: int) -> str:
        """Upper-case forward-strand letters of ``[start, end)`` (0-based half-open).

        Raises
        ------
        LocusError
            No such accession, or it is shorter.
        SourceUnavailable
            NCBI cannot be reached.
        """
        text = self._fetch(accession, start, end, "fasta").strip()
        if not text.startswith(">"):
            raise SourceUnavailable("NCBI did not answer with FASTA; try again later.")
        return "".join(text.splitlines()[1:]).strip().upper()

    def genbank(self, accession: str, start: int, end: int) -> str:
        """GenBank text of ``[start, end)``, with features in coordinates of the part."""
        return self._fetch(accession, start, end, "gb")
