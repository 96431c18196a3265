"""Ensembl REST API: letters and genes of a locus (https://rest.ensembl.org/, sequence/region and overlap/region)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from engine.core.errors import LocusError, SourceUnavailable
from engine.core.features import Feature
from engine.core.settings import Settings
from engine.sources.http import Answer, Service

BASE_URL = "https://rest.ensembl.org"
LONGEST_BP = 10_000_000
_KINDS = ("gene", "exon", "cds")


class Ensembl:
    """Ensembl's interface; fifteen requests a second are allowed, ten are used."""

    def __init__(self, settings: Settings, base_url: str = BASE_URL, first_wait_seconds: float = 0.5) -> None:
        self._service = Service("Ensembl", base_url, settings, 0.1 if base_url.startswith("https") else 0.0, first_wait_seconds)

    def _checked(self, answer: Answer, what: str) -> str:
        if answer.status in (400, 404):
            raise LocusError(f"Ensembl has no {what}; check the species, the contig's name and its length.")
        if answer.status != 200:
            raise SourceUnavailable(f"Ensembl answered with status {answer.status}; try again later.")
        return answer.text

    def letters(self, species: str, contig: str, start: int, end: int, assembly: str = "") -> str:
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
        answer = self._service.get(f"/sequence/region/{quote(species)}/{quote(region, safe=':.')}", parameters, "text/plain")
        return self._checked(answer, f"{species} {contig}:{start + 1:,}-{end:,}").strip().upper()

    def features(self, species: str, contig: str, start: int, end: int, assemblies: frozenset[str] = frozenset()) -> tuple[Feature, ...]:
        """Genes, exons and coding parts that meet ``[start, end)``, in coordinates of the contig (0-based half-open).

        ``assemblies``: names the service's assembly may have; features of another one are refused. Raises as `letters`.
        """
        region = f"{contig}:{start + 1}-{end}"
        parameters = {"feature": list(_KINDS), "content-type": "application/json"}
        answer = self._service.get(f"/overlap/region/{quote(species)}/{quote(region, safe=':-')}", parameters, "application/json")
        text = self._checked(answer, f"{species} {contig}:{start + 1:,}-{end:,}")
        try:
            items = json.loads(text)
            served = {str(item["assembly_name"]) for item in items if "assembly_name" in item}
            if assemblies and served - assemblies:
                raise SourceUnavailable(f"Ensembl now serves {', '.join(sorted(served))} for {species}, another assembly than asked for.")
            return tuple(_feature(item, contig) for item in items)
        except (ValueError, KeyError, TypeError) as error:
            raise SourceUnavailable("Ensembl did not answer with a list of features; try again later.") from error


def _feature(item: dict[str, Any], contig: str) -> Feature:
    strand = {1: "+", -1: "-"}.get(item.get("strand", 0), ".")
    name = str(item.get("external_name") or item.get("gene_id") or item.get("id") or "")
    texts = {
        key: str(value) for key, value in item.items() if isinstance(value, str | int | float) and key not in ("start", "end", "strand")
    }
    return Feature(str(item["feature_type"]), name, int(item["start"]) - 1, int(item["end"]), strand, contig, texts)
