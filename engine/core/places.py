"""What may be asked about a place of a public assembly: outputs, widths, tissues; of AlphaGenome's published client."""

from __future__ import annotations

import re

from engine.core.errors import ParameterError
from engine.core.quoting import quoted

WIDTHS_BP = (16_384, 131_072, 524_288, 1_048_576)
"""Interval widths the service takes."""
OUTPUTS = ("ATAC", "CAGE", "CHIP_HISTONE", "CHIP_TF", "DNASE", "PROCAP", "RNA_SEQ", "SPLICE_SITES", "SPLICE_SITE_USAGE")
"""Outputs that are tracks along the sequence."""
TRACK_COUNTS = {
    "ATAC": 167, "CAGE": 546, "CHIP_HISTONE": 1116, "CHIP_TF": 1617, "DNASE": 305, "PROCAP": 12, "RNA_SEQ": 667, "SPLICE_SITES": 4,
    "SPLICE_SITE_USAGE": 734,
}  # fmt: skip
"""Tracks of each output in human, as published; mouse has fewer."""
COARSE = {"CHIP_HISTONE": 128, "CHIP_TF": 128}
"""Bases of a bin, of outputs that have no value a base."""
CONTACT_BP = 2048
"""Bases of a bin of the contact map."""
CONTACT_MAPS = 28
MUTAGENESIS_OUTPUTS = ("ATAC", "CAGE", "CHIP_HISTONE", "CHIP_TF", "DNASE", "PROCAP")
"""Outputs whose recommended scorer looks at what is around the changed base; the others are scored by gene."""
MUTAGENESIS_BP = 10
"""Most bases that are changed in one question."""
TRACKS_OF_A_TISSUE = 64
"""More tracks of one output than any tissue has, for estimates."""
_TERM = re.compile(r"(UBERON|CL|CLO|EFO|NTR):[A-Za-z0-9]{1,20}")


def width_of(length: int, width_bp: int) -> int:
    """The interval width to ask for around ``length`` bases; ``width_bp`` 0 = the smallest that holds them. Raises `ParameterError`."""
    if width_bp and width_bp not in WIDTHS_BP:
        raise ParameterError(f"The interval width is {width_bp:,} bp; allowed: {', '.join(f'{width:,}' for width in WIDTHS_BP)}.")
    if width_bp and width_bp < length:
        raise ParameterError(f"The interval width is {width_bp:,} bp and the locus has {length:,}; give a larger width, or none.")
    return width_bp or next(width for width in WIDTHS_BP if width >= length)


def read_terms(text: str) -> tuple[str, ...]:
    """Tissues and cell types, such as ``UBERON:0002048, CL:0000084``; none in an empty text. Raises `ParameterError`."""
    found = tuple(dict.fromkeys(part for part in re.split(r"[,;\s]+", text.strip()[:400]) if part))
    for term in found:
        if not _TERM.fullmatch(term):
            raise ParameterError(
                f"{quoted(term, 40)} is no tissue or cell type; write its ontology term, such as UBERON:0002048 (lung) or CL:0000084 (T cell)."
            )
    return found


def write_terms(terms: tuple[str, ...]) -> str:
    """As `read_terms` reads it."""
    return ",".join(terms)
