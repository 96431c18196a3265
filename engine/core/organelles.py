"""Which contigs are mitochondria or plastids, by their usual names and accessions: they are read by other genetic codes than the nucleus."""

from __future__ import annotations

import re

_MITOCHONDRIA = re.compile(r"(?:chr|dmel_)?(?:m|mt|mtdna|mito|mitochondri(?:on|al))(?:_genome)?", re.IGNORECASE)
_PLASTIDS = re.compile(r"(?:chrc|chrpt|pt|cp|chloroplast|plastid)(?:_genome)?", re.IGNORECASE)
_MITOCHONDRIAL_ACCESSIONS = frozenset(
    ["NC_012920", "J01415", "NC_001224", "NC_005089", "NC_001665", "NC_002333", "NC_024511", "NC_001328", "NC_001323"]
)

USUAL_TABLE = "usual_transl_table"
"""Attribute of a coding part: NCBI's table by which its organism reads such a contig, where the annotation states none and it is not 1."""
PLASTID = 11
"""NCBI's table of the code of plastids."""


def is_mitochondrion(contig: str) -> bool:
    """Whether a contig's name says that it is a mitochondrion."""
    return _MITOCHONDRIA.fullmatch(contig) is not None or contig.partition(".")[0] in _MITOCHONDRIAL_ACCESSIONS


def is_plastid(contig: str) -> bool:
    """Whether a contig's name says that it is a plastid."""
    return _PLASTIDS.fullmatch(contig) is not None
