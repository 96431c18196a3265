"""Letters of known assemblies from the one public service the table names for each; never from another one instead."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from engine.core.errors import InputError, LocusError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.sources import ensembl, entrez, ucsc
from engine.sources.assemblies import Assembly, assembly
from engine.sources.letters import sequence_from

REMEMBERED = 64
MOST_ANNOTATED_BP = 1_000_000


def _plain_contig(row: Assembly, contig: str) -> str:
    """A contig as Ensembl names it: without ``chr``, no accession."""
    names = (contig, *row.contigs.get(contig, ()))
    return next((name for name in names if not name.lower().startswith("chr") and "." not in name), contig)


class RemoteGenomes:
    """Asks UCSC, Ensembl or NCBI; the last `REMEMBERED` answers are kept.

    ``base_urls`` replaces the services' addresses (keys ``ucsc``, ``ensembl``, ``ncbi``).
    """

    def __init__(self, settings: Settings, base_urls: Mapping[str, str] | None = None, first_wait_seconds: float = 0.5) -> None:
        self._settings = settings
        self._urls = dict(base_urls or {})
        self._wait = first_wait_seconds
        self._ucsc = ucsc.Ucsc(settings, self._urls.get("ucsc", ucsc.BASE_URL), first_wait_seconds)
        self._entrez = entrez.Entrez(settings, self._urls.get("ncbi", entrez.BASE_URL), first_wait_seconds)
        self._ensembl: dict[str, ensembl.Ensembl] = {}
        self._known: OrderedDict[tuple[str, str, int, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def letters(self, locus: Locus, monitor: Monitor | None = None) -> str:
        """Upper-case forward-strand letters of a locus whose assembly is in the table, or whose contig is an accession (empty assembly).

        Raises
        ------
        LocusError
            The service has no such contig or coordinates.
        SourceUnavailable
            The service cannot be reached, or sends other letters than asked for.
        """
        key = (locus.assembly, locus.contig, locus.start, locus.end)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        letters = self._ask(locus, monitor)
        if len(letters) < locus.width_bp:
            raise LocusError(
                f"{locus} has only {len(letters):,} of its {locus.width_bp:,} bases there; give coordinates inside the contig."
            )
        service = self._service_of(locus)
        if len(letters) > locus.width_bp:
            raise SourceUnavailable(f"{service} sent {len(letters):,} letters where {locus.width_bp:,} were asked for; try again later.")
        try:
            checked = sequence_from(letters).as_dna()
        except InputError as error:
            raise SourceUnavailable(f"{service} sent something that is no sequence: {error}") from error
        if len(checked) != locus.width_bp:
            raise SourceUnavailable(f"{service} sent other signs among the letters of {locus}; try again later.")
        with self._lock:
            self._known[key] = checked
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return checked

    def features(self, locus: Locus, monitor: Monitor | None = None) -> tuple[Feature, ...]:
        """Genes, exons and coding parts of a locus from Ensembl, in coordinates of the contig; empty where Ensembl has not the assembly.

        Raises
        ------
        SourceUnavailable
            Ensembl cannot be reached or serves another assembly by now.
        """
        row = assembly(locus.assembly) if locus.assembly else None
        if row is None or not row.ensembl or locus.width_bp > MOST_ANNOTATED_BP:
            return ()
        names = frozenset((row.name, *row.synonyms))
        return self._ensembl_of(row).features(row.ensembl, _plain_contig(row, locus.contig), locus.start, locus.end, names, monitor)

    def variation(self, identifier: str, monitor: Monitor | None = None) -> tuple[Locus, tuple[str, ...]]:
        """Place and alleles of a dbSNP identifier, from Ensembl. Raises as `features`, and `LocusError` when there is none."""
        row = assembly("GRCh38")
        client = self._ensembl_of(row) if row is not None else ensembl.Ensembl(self._settings)
        return client.variation(identifier, monitor)

    def flat_file(self, accession: str, monitor: Monitor | None = None) -> str:
        """The GenBank record of an accession, from NCBI. Raises as `letters`."""
        return self._entrez.flat_file(accession, monitor)

    @staticmethod
    def _service_of(locus: Locus) -> str:
        row = assembly(locus.assembly) if locus.assembly else None
        return {"ucsc": "UCSC", "ensembl": "Ensembl"}.get(row.provider if row is not None else "", "NCBI")

    def _ask(self, locus: Locus, monitor: Monitor | None) -> str:
        if not locus.assembly:
            return self._entrez.letters(locus.contig, locus.start, locus.end, monitor)
        row = assembly(locus.assembly)
        if row is None:
            raise LocusError(f"The assembly {quoted(locus.assembly, 40)} is not known to any public service.")
        if row.provider == "ucsc":
            return self._ucsc.letters(row.ucsc, locus.contig, locus.start, locus.end, monitor)
        if row.provider == "ensembl":
            return self._ensembl_of(row).letters(row.ensembl, _plain_contig(row, locus.contig), locus.start, locus.end, row.name, monitor)
        if row.provider == "ncbi":
            return self._entrez.letters(locus.contig, locus.start, locus.end, monitor)
        raise SourceUnavailable(f"No public service is named for {row.name}; register it in the setting LOCUSCOPE_GENOMES.")

    def _ensembl_of(self, row: Assembly) -> ensembl.Ensembl:
        url = self._urls.get("ensembl", row.ensembl_server or ensembl.BASE_URL)
        with self._lock:
            if url not in self._ensembl:
                self._ensembl[url] = ensembl.Ensembl(self._settings, url, self._wait)
            return self._ensembl[url]
