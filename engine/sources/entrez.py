"""NCBI E-utilities efetch: letters and GenBank records of an accession (https://www.ncbi.nlm.nih.gov/books/NBK25499/)."""

from __future__ import annotations

import re

from engine.core.errors import LocusError, SourceUnavailable
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.sources.door import lines_of
from engine.sources.http import Answer, Service

BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
_ACCESSION = re.compile(r"^[A-Za-z]{1,6}_?[A-Za-z]{0,4}\d{5,12}(\.\d{1,3})?$")


class Entrez:
    """The nucleotide database of NCBI; three requests a second at most, as NCBI asks of clients without a key."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self._settings = settings
        self.service = Service("NCBI", base_url, settings, 0.34, first_wait_seconds)

    def _fetch(self, accession: str, kind: str, monitor: Monitor | None, span: tuple[int, int] | None = None) -> Answer:
        if not _ACCESSION.match(accession):
            raise LocusError(f"{quoted(accession, 40)} is not an accession NCBI could have; write one such as NC_000913.3.")
        parameters: dict[str, str | int] = {"db": "nuccore", "id": accession, "rettype": kind, "retmode": "text", "tool": "locuscope"}
        if span is not None:
            parameters |= {"seq_start": span[0] + 1, "seq_stop": span[1], "strand": 1}
        if self._settings.contact_email:
            parameters["email"] = self._settings.contact_email
        answer = self.service.get("/efetch.fcgi", parameters, "text/plain", monitor)
        if answer.status in (400, 404) or answer.text.lstrip().startswith(("Error", "<?xml", "{")):
            place = f" with positions {span[0] + 1:,}-{span[1]:,}" if span is not None else ""
            raise LocusError(f"NCBI has no record {accession!r}{place}; check the accession, its version and length.")
        if answer.status != 200:
            raise SourceUnavailable(f"NCBI answered with status {answer.status}; try again later.")
        return answer

    def letters(self, accession: str, start: int, end: int, monitor: Monitor | None = None) -> str:
        """Upper-case forward-strand letters of ``[start, end)`` (0-based half-open).

        Raises
        ------
        LocusError
            No such accession, or it is shorter.
        SourceUnavailable
            NCBI cannot be reached.
        """
        text = self._fetch(accession, "fasta", monitor, (start, end)).text.strip()
        header, *lines = [*lines_of(text)] or [""]
        if not header.startswith(">"):
            raise SourceUnavailable("NCBI did not answer with FASTA; try again later.")
        if not _is_of(header[1:], accession):
            raise SourceUnavailable(f"NCBI answered with another record than {accession}: {quoted(header)}; try again later.")
        return "".join(lines).strip().upper()

    def flat_file(self, accession: str, monitor: Monitor | None = None) -> str:
        """The whole GenBank record, with letters and features. Raises as `letters`."""
        text = self._fetch(accession, "gbwithparts", monitor).text.lstrip()
        if not text.startswith("LOCUS"):
            raise SourceUnavailable("NCBI did not answer with a GenBank record; try again later.")
        if accession.partition(".")[0].upper() not in text[:4000].upper():
            raise SourceUnavailable(f"NCBI answered with another record than {accession}; try again later.")
        return text


def _is_of(header: str, accession: str) -> bool:
    """Whether a FASTA header is of the accession; one without a version may get any."""
    told, asked = header.upper(), accession.upper()
    return told.startswith(asked) or f"|{asked}" in told
