"""Annotated intervals: genes, exons, binding sites, promoter boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.core.errors import LocusError
from engine.core.locus import Locus, Strand
from engine.core.quoting import quoted

STRANDS = ("+", "-", ".")


def _plain(values: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({str(key): str(value) for key, value in values.items()})


@dataclass(frozen=True)
class Feature:
    """An annotated interval, 0-based half-open.

    Parameters
    ----------
    kind : str
        Feature type as the source names it (Sequence Ontology terms in GFF3, feature keys in GenBank).
    name : str
        Label on screen; may be empty.
    start, end : int
        0-based half-open, ``0 <= start < end``: on the forward strand of ``contig``, or, when ``contig`` is empty,
        indices into the letters of the sequence the feature belongs to.
    strand : str
        ``+``, ``-`` or ``.``: relative to the contig, or to the letters when ``contig`` is empty.
    contig : str
        Contig name; empty for features given in indices of a sequence.
    attributes : mapping of str to str
        Further qualifiers of the source, read-only.

    Raises
    ------
    LocusError
        Coordinates out of order or a strand that is none of ``+ - .``.
    """

    kind: str
    name: str
    start: int
    end: int
    strand: str = "."
    contig: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise LocusError(
                f"The feature {quoted(self.name or self.kind)} spans {self.start + 1}-{self.end}; the start is at least 1 and not after the end."
            )
        if self.strand not in STRANDS:
            raise LocusError(
                f"The feature {quoted(self.name or self.kind)} has strand {quoted(self.strand)}; allowed: + - and . for neither."
            )
        object.__setattr__(self, "attributes", _plain(self.attributes))

    @property
    def width_bp(self) -> int:
        """Number of bases."""
        return self.end - self.start

    def cut(self, start: int, end: int) -> Feature:
        """The part inside ``[start, end)``, which it must meet; a feature that is cut says ``partial``, and its ``phase`` (bases up to the next
        whole codon, as in GFF3) is that of the part."""
        low, high = max(self.start, start), min(self.end, end)
        if (low, high) == (self.start, self.end):
            return self
        attributes = {**self.attributes, "partial": "true"}
        if attributes.get("phase") in ("0", "1", "2"):
            lost = self.end - high if self.strand == "-" else low - self.start
            attributes["phase"] = str((int(attributes["phase"]) - lost) % 3)
        return Feature(self.kind, self.name, low, high, self.strand, self.contig, attributes)

    def relative_to(self, locus: Locus) -> Feature | None:
        """The part of a contig's feature inside ``locus``, in indices of the letters read on the locus's strand; None when they do not meet.

        The contig names are taken to be the same; a feature that is cut keeps the attribute ``partial`` = ``true``.
        """
        if self.start >= locus.end or self.end <= locus.start:
            return None
        part = self.cut(locus.start, locus.end)
        start, end, attributes = part.start, part.end, part.attributes
        if locus.strand is Strand.FORWARD:
            return Feature(self.kind, self.name, start - locus.start, end - locus.start, self.strand, "", attributes)
        flipped = {"+": "-", "-": "+", ".": "."}[self.strand]
        return Feature(self.kind, self.name, locus.end - end, locus.end - start, flipped, "", attributes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; coordinates as stored (0-based half-open)."""
        return {
            "kind": self.kind,
            "name": self.name,
            "start": self.start,
            "end": self.end,
            "strand": self.strand,
            "contig": self.contig,
            "attributes": dict(self.attributes),
        }
