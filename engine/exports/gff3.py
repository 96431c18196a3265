"""GFF3: segments with Sequence Ontology types where the element has one, else ``sequence_feature``; 1-based inclusive.

Coding segments are ``CDS_region``: the format demands a phase of ``CDS``, which a segmentation does not know.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from engine.core.results import Result
from engine.exports.place import place_of
from engine.exports.provenance import comments

_TERMS = {
    "cds": "CDS_region",
    "coding": "CDS_region",
    "exon": "exon",
    "intron": "intron",
    "gene": "gene",
    "protein coding gene": "protein_coding_gene",
    "lncrna": "lncRNA_gene",
    "trna": "tRNA",
    "rrna": "rRNA",
    "ncrna": "ncRNA",
    "5utr": "five_prime_UTR",
    "3utr": "three_prime_UTR",
    "5'utr": "five_prime_UTR",
    "3'utr": "three_prime_UTR",
    "splice donor": "five_prime_cis_splice_site",
    "splice acceptor": "three_prime_cis_splice_site",
    "polya signal": "polyA_signal_sequence",
    "promoter": "promoter",
    "enhancer": "enhancer",
    "ctcf bound": "CTCF_binding_site",
    "terminator": "terminator",
    "start codon": "start_codon",
    "stop codon": "stop_codon",
    "ars": "ARS",
    "centromere": "centromere",
    "ltr": "long_terminal_repeat",
    "transposable element": "transposable_element",
    "pseudogene": "pseudogene",
    "operator": "operator",
}


def term(element: str) -> str:
    """Sequence Ontology term of an element's name, or ``sequence_feature``."""
    plain = element.removesuffix("_forward").removesuffix("_reverse").casefold().replace("_", " ").replace("-", " ").strip()
    return _TERMS.get(plain, "sequence_feature")


def _escaped(text: str) -> str:
    return quote(text, safe=" :.^*$@!+?|-_'()/")


def write(result: Result, path: Path) -> None:
    """Write the intervals by forward-strand start; signs of a contig's name that the format keeps for itself are percent-encoded."""
    place = place_of(result.written)
    contig = quote(place.contig, safe=".:^*$@!+_?-|")
    rows = sorted(((*place.interval(item.first, item.last), item) for item in result.intervals()), key=lambda row: row[:2])
    with path.open("w", encoding="utf-8") as handle:
        handle.write(f"##gff-version 3\n##sequence-region {contig} {place.start + 1} {place.end}\n")
        handle.write("\n".join(comments(result)) + "\n")
        source = _escaped(f"Locuscope:{result.provenance.card.id}").replace(" ", "_")
        for number, (start, end, item) in enumerate(rows, start=1):
            fields = {
                "ID": f"segment{number}",
                "Name": item.name,
                "model": result.provenance.card.id,
                "analysis_version": result.provenance.version,
                "sequence_sha256": result.provenance.sequence_sha256,
            }
            if item.note:
                fields["Note"] = item.note
            attributes = ";".join(f"{key}={_escaped(value)}" for key, value in fields.items())
            handle.write(
                f"{contig}\t{source}\t{term(item.name)}\t{start + 1}\t{end}\t{item.score:.6g}\t{place.direction(item.direction)}\t.\t{attributes}\n"
            )
