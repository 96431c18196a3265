"""Gene models: what of a contig is transcribed and translated."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import FileFormatError

Interval = tuple[int, int]


@dataclass(frozen=True)
class Transcript:
    """A transcript, coordinates 0-based half-open on the forward strand.

    Parameters
    ----------
    identifier, gene : str
        As the annotation names them; ``gene`` is the symbol where there is one.
    contig, strand : str
        Contig name; ``+`` or ``-``.
    exons, coding : tuple of (start, end)
        Sorted, not overlapping; ``coding`` is empty for a non-coding transcript.
    table : int
        NCBI number of its genetic code.
    """

    identifier: str
    gene: str
    contig: str
    strand: str
    exons: tuple[Interval, ...]
    coding: tuple[Interval, ...] = ()
    table: int = 1

    def __post_init__(self) -> None:
        if not self.exons or self.strand not in ("+", "-"):
            raise FileFormatError(f"The transcript {self.identifier!r} needs at least one exon and the strand + or -.")

    @property
    def start(self) -> int:
        """0-based first base."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """0-based end, half-open."""
        return self.exons[-1][1]

    @property
    def forward(self) -> bool:
        """Whether it is read on the forward strand."""
        return self.strand == "+"
