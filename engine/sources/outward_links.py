"""Where public sites show a variant: addresses to be opened by a click, nothing is asked of them here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from engine.core.variants import Variant
from engine.sources.assemblies import Assembly, assembly

_HUMAN = {"GRCh38": ("38", "gnomad_r4", "https://www.ensembl.org"), "GRCh37": ("37", "gnomad_r2_1", "https://grch37.ensembl.org")}
_FUNGI = "https://fungi.ensembl.org"


@dataclass(frozen=True)
class OutwardLink:
    """The name of a site and the address of the variant's place there."""

    title: str
    url: str


def outward_links(assembly_name: str, variant: Variant) -> tuple[OutwardLink, ...]:
    """Sites that show this place of a known assembly; none for others, and for a record that cannot be used."""
    row = assembly(assembly_name) if assembly_name else None
    if row is None or variant.problem or variant.position < 1:
        return ()
    first, reference, alternate = variant.without_padding()
    last = first + max(1, len(reference)) - 1
    found = [_ucsc(row, variant.contig, first, last)] if row.ucsc else []
    found += [_ensembl(row, variant.contig, first, last)] if row.ensembl else []
    if row.name in _HUMAN and variant.change is not None and len(reference) + len(alternate) <= 200:
        found += _human(row.name, _plain(variant.contig), first, reference, alternate)
    return tuple(found)


def _ucsc(row: Assembly, contig: str, first: int, last: int) -> OutwardLink:
    place = f"chr{_plain(contig)}:{first}-{last}"
    return OutwardLink("UCSC", f"https://genome.ucsc.edu/cgi-bin/hgTracks?{urlencode({'db': row.ucsc, 'position': place})}")


def _ensembl(row: Assembly, contig: str, first: int, last: int) -> OutwardLink:
    host = _HUMAN[row.name][2] if row.name in _HUMAN else _FUNGI if row.ensembl == "saccharomyces_cerevisiae" else "https://www.ensembl.org"
    place = urlencode({"r": f"{_plain(contig)}:{first}-{last}"})
    return OutwardLink("Ensembl", f"{host}/{quote(row.ensembl.capitalize())}/Location/View?{place}")


def _human(name: str, contig: str, position: int, reference: str, alternate: str) -> list[OutwardLink]:
    number, dataset, _ = _HUMAN[name]
    variant = quote(f"{contig}-{position}-{reference}-{alternate}")
    term = f"{contig}[chr] AND {position}[chrpos{number}]"
    return [
        OutwardLink("gnomAD", f"https://gnomad.broadinstitute.org/variant/{variant}?dataset={dataset}"),
        OutwardLink("ClinVar", f"https://www.ncbi.nlm.nih.gov/clinvar/?{urlencode({'term': term})}"),
        OutwardLink("SpliceAI-lookup", f"https://spliceailookup.broadinstitute.org/#variant={variant}&hg={number}"),
    ]


def _plain(contig: str) -> str:
    """The contig without ``chr``; the mitochondrion is M."""
    short = contig[3:] if contig.casefold().startswith("chr") else contig
    return "M" if short.casefold() in ("m", "mt") else short
