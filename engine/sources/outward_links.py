"""Where public sites show a variant, a place or a gene: addresses to be opened by a click, nothing is asked of them here."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.variants import Variant
from engine.sources.assemblies import Assembly, assembly, find_contig, is_accession

_HUMAN = {"GRCh38": ("38", "gnomad_r4", "https://www.ensembl.org"), "GRCh37": ("37", "gnomad_r2_1", "https://grch37.ensembl.org")}
_FUNGI = "https://fungi.ensembl.org"
_GENES = {
    "SGD": ("SGD", re.compile(r"S\d{9}"), "https://www.yeastgenome.org/locus/{}"),
    "ECOCYC": ("EcoCyc", re.compile(r"(?:EG|G)\d[\w-]{0,12}|G0-\d{1,8}"), "https://ecocyc.org/gene?orgid=ECOLI&id={}"),
    "GENEID": ("NCBI Gene", re.compile(r"\d{1,12}"), "https://www.ncbi.nlm.nih.gov/gene/{}"),
}
"""By the database of a cross-reference: its site, the form of its identifiers, the address of a gene there."""
_REFERENCES = ("Dbxref", "dbxref", "db_xref")
_MITOCHONDRIA = {
    "saccharomyces_cerevisiae": "Mito",
    "drosophila_melanogaster": "mitochondrion_genome",
    "caenorhabditis_elegans": "MtDNA",
}
"""Names of the mitochondrion at Ensembl, where it is not MT."""
MOST_GENES = 6
"""Genes of a window that are linked one by one."""


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
    found = _browsers(row, variant.contig, first, last)
    if row.name in _HUMAN and variant.change is not None and len(reference) + len(alternate) <= 200:
        found += _human(row.name, _plain(variant.contig), first, reference, alternate)
    return tuple(found)


def place_links(locus: Locus) -> tuple[OutwardLink, ...]:
    """Genome browsers that show this place; none for an assembly that no public site is known to have."""
    row = assembly(locus.assembly) if locus.assembly else None
    first, last = locus.start + 1, locus.end
    main = find_contig(locus.contig, row.contigs, row.contigs) if row is not None else None
    names = (locus.contig, *((main, *row.contigs[main]) if row is not None and main is not None else ()))
    found = _browsers(row, locus.contig, first, last) if row is not None else []
    accession = next((name for name in names if is_accession(name)), "")
    if accession:
        query = urlencode({"report": "genbank", "from": first, "to": last})
        found.append(OutwardLink("NCBI", f"https://www.ncbi.nlm.nih.gov/nuccore/{quote(accession)}?{query}"))
    if row is not None and row.name == "R64" and main is not None:
        there = "chrmt" if _is_mitochondrion(main) else main
        found.append(OutwardLink("SGD JBrowse", f"https://browse.yeastgenome.org/?{urlencode({'loc': f'{there}:{first}..{last}'})}"))
    return tuple(found)


def gene_links(features: Iterable[Feature]) -> tuple[OutwardLink, ...]:
    """The pages of up to `MOST_GENES` genes at the databases their annotation refers to."""
    found: dict[str, OutwardLink] = {}
    genes: set[str] = set()
    for feature in features:
        for site, identifier, address in _references(feature):
            genes.add(feature.name)
            if len(genes) <= MOST_GENES:
                url = address.format(quote(identifier))
                found.setdefault(url, OutwardLink(f"{feature.name[:40]} at {site}", url))
    return tuple(found.values())


def _references(feature: Feature) -> Iterator[tuple[str, str, str]]:
    """Site, identifier and form of the address of each database that a gene's annotation names."""
    if not feature.name or "gene" not in feature.kind:
        return
    texts = itertools.chain.from_iterable(feature.attributes.get(key, "").split(",") for key in _REFERENCES)
    for text in texts:
        database, _, identifier = text.strip().partition(":")
        site = _GENES.get(database.upper())
        if site is not None and site[1].fullmatch(identifier):
            yield site[0], identifier, site[2]


def _browsers(row: Assembly, contig: str, first: int, last: int) -> list[OutwardLink]:
    """UCSC and Ensembl, where they have the assembly and the contig is one they are known to have, or is written as they write further ones."""
    main = find_contig(contig, row.contigs, row.contigs)
    listed = main is not None or not row.contigs
    found = [_ucsc(row, main or contig, first, last)] if row.ucsc and (listed or contig.startswith("chr")) else []
    return found + ([_ensembl(row, main or contig, first, last)] if row.ensembl and (listed or is_accession(contig)) else [])


def hub_names(assembly_name: str, contig: str) -> tuple[str, str, str]:
    """Genome and contig as UCSC calls them, and the organism; empty texts for what is not known."""
    row = assembly(assembly_name) if assembly_name else None
    if row is None:
        return "", "", ""
    return row.ucsc, _ucsc_contig(row, contig) if row.ucsc else "", row.organism


def _ucsc_contig(row: Assembly, contig: str) -> str:
    main = find_contig(contig, row.contigs, row.contigs) or contig
    own = next((name for name in row.contigs.get(main, ()) if re.fullmatch(r"NC_\d+v\d+", name)), f"chr{_plain(contig)}")
    return own if main not in row.contigs or not main.startswith("chr") else main


def _ucsc(row: Assembly, contig: str, first: int, last: int) -> OutwardLink:
    place = f"{_ucsc_contig(row, contig)}:{first}-{last}"
    return OutwardLink("UCSC", f"https://genome.ucsc.edu/cgi-bin/hgTracks?{urlencode({'db': row.ucsc, 'position': place})}")


def _ensembl(row: Assembly, main: str, first: int, last: int) -> OutwardLink:
    host = _HUMAN[row.name][2] if row.name in _HUMAN else _FUNGI if row.ensembl == "saccharomyces_cerevisiae" else "https://www.ensembl.org"
    name = _MITOCHONDRIA.get(row.ensembl, "MT") if _is_mitochondrion(main) else _plain(main)
    place = urlencode({"r": f"{name}:{first}-{last}"})
    return OutwardLink("Ensembl", f"{host}/{quote(row.ensembl.capitalize())}/Location/View?{place}")


def _human(name: str, contig: str, position: int, reference: str, alternate: str) -> list[OutwardLink]:
    number, dataset, _ = _HUMAN[name]
    variant = quote(f"{contig}-{position}-{reference}-{alternate}")
    term = f"{'MT' if contig == 'M' else contig}[chr] AND {position}[chrpos{number}]"
    return [
        OutwardLink("gnomAD", f"https://gnomad.broadinstitute.org/variant/{variant}?dataset={dataset}"),
        OutwardLink("ClinVar", f"https://www.ncbi.nlm.nih.gov/clinvar/?{urlencode({'term': term})}"),
        OutwardLink("SpliceAI-lookup", f"https://spliceailookup.broadinstitute.org/#variant={variant}&hg={number}"),
    ]


def _plain(contig: str) -> str:
    """The contig without ``chr``; the mitochondrion is M."""
    if _is_mitochondrion(contig):
        return "M"
    return contig[3:] if contig.casefold().startswith("chr") else contig


def _is_mitochondrion(contig: str) -> bool:
    return contig.casefold().removeprefix("chr") in ("m", "mt", "mito")
