"""Ensembl REST API: letters, genes and variants of a locus (https://rest.ensembl.org/, sequence/region, overlap/region and variation)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from engine.core.errors import FileFormatError, LocusError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.sources.door import Bounds, read_json
from engine.sources.http import Answer, Service

BASE_URL = "https://rest.ensembl.org"
LONGEST_BP = 10_000_000
_KINDS = ("gene", "exon", "cds")
_HUMAN = "homo_sapiens"


class Ensembl:
    """Ensembl's interface; fifteen requests a second are allowed, ten are used."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self._bounds = Bounds.of(settings)
        self.service = Service("Ensembl", base_url, settings, 0.1 if base_url.startswith("https") else 0.0, first_wait_seconds)

    def _checked(self, answer: Answer, what: str) -> str:
        if answer.status in (400, 404):
            raise LocusError(f"Ensembl has no {what}; check the species, the contig's name and its length.")
        if answer.status != 200:
            raise SourceUnavailable(f"Ensembl answered with status {answer.status}; try again later.")
        return answer.text

    def letters(self, species: str, contig: str, start: int, end: int, assembly: str = "", monitor: Monitor | None = None) -> str:
        """Upper-case forward-strand letters of ``[start, end)`` (0-based half-open) of the species' assembly with this name.

        Raises
        ------
        LocusError
            No such species, contig or coordinates, or more than ten million bases.
        SourceUnavailable
            Ensembl cannot be reached.
        """
        if end - start > LONGEST_BP:
            raise LocusError(f"Ensembl gives up to {LONGEST_BP:,} bases at once; {end - start:,} were asked for; name a part.")
        region = f"{contig}:{start + 1}..{end}:1"
        parameters = {"content-type": "text/plain"} | ({"coord_system_version": assembly} if assembly else {})
        answer = self.service.get(f"/sequence/region/{quote(species)}/{quote(region, safe=':.')}", parameters, "text/plain", monitor)
        return self._checked(answer, f"{species} {contig[:80]}:{start + 1:,}-{end:,}").strip().upper()

    def features(
        self,
        species: str,
        contig: str,
        start: int,
        end: int,
        assemblies: frozenset[str] = frozenset(),
        monitor: Monitor | None = None,
    ) -> tuple[Feature, ...]:
        """Genes, exons and coding parts that meet ``[start, end)``, in coordinates of the contig (0-based half-open).

        ``assemblies``: names the service's assembly may have; features of another one are refused. Raises as `letters`.
        """
        region = f"{contig}:{start + 1}-{end}"
        parameters = {"feature": list(_KINDS), "content-type": "application/json"}
        path = f"/overlap/region/{quote(species)}/{quote(region, safe=':-')}"
        answer = self.service.get(path, parameters, "application/json", monitor)
        text = self._checked(answer, f"{species} {contig[:80]}:{start + 1:,}-{end:,}")
        try:
            items = read_json(text, "The answer of Ensembl")
            served = {str(item["assembly_name"])[:80] for item in items if "assembly_name" in item}
            if assemblies and served - assemblies:
                raise SourceUnavailable(
                    f"Ensembl now serves {', '.join(sorted(served)[:5])} for {species}, another assembly than asked for."
                )
            return tuple(_feature(item, contig) for item in items[: self._bounds.features])
        except (FileFormatError, LocusError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SourceUnavailable("Ensembl did not answer with a list of features; try again later.") from error

    def variation(self, identifier: str, monitor: Monitor | None = None) -> tuple[Locus, tuple[str, ...]]:
        """Place on the human chromosome and alleles, the reference's first, of a dbSNP identifier. Raises as `letters`."""
        path = f"/variation/{_HUMAN}/{quote(identifier, safe='')}"
        answer = self.service.get(path, {"content-type": "application/json"}, "application/json", monitor)
        if answer.status in (400, 404):
            raise LocusError(f"Ensembl has no human variant {quoted(identifier, 40)}; check the number, or write its place.")
        text = self._checked(answer, f"variant {quoted(identifier, 40)}")
        try:
            mapped = [item for item in read_json(text, "The answer of Ensembl")["mappings"] if item["coord_system"] == "chromosome"]
            found = mapped[0]
            alleles = tuple(str(allele).upper() for allele in str(found["allele_string"]).split("/")[:20])
            place = Locus(str(found["assembly_name"]), str(found["seq_region_name"]), int(found["start"]) - 1, int(found["end"]))
        except (FileFormatError, LocusError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SourceUnavailable(f"Ensembl did not answer with one place of {quoted(identifier, 40)}; write its place.") from error
        return place, alleles


def _feature(item: dict[str, Any], contig: str) -> Feature:
    strand = {1: "+", -1: "-"}.get(item.get("strand", 0), ".")
    name = str(item.get("external_name") or item.get("gene_id") or item.get("id") or "")[:80]
    texts = {
        key: str(value)[:500]
        for key, value in item.items()
        if isinstance(value, str | int | float) and key not in ("start", "end", "strand")
    }
    return Feature(str(item["feature_type"])[:80], name, int(item["start"]) - 1, int(item["end"]), strand, contig, texts)
