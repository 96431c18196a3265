"""How variants change splice sites: parameters, genes, scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.core.parameters import Parameters, option
from engine.core.provenance import Provenance
from engine.core.variants import Status, Variant

KINDS = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss")
"""What can happen to a site, in the order of every table."""


@dataclass(frozen=True)
class SpliceParameters(Parameters):
    """Parameters of splice scores; as the authors do, the bases outside the gene are N unless ``outside``."""

    distance_bp: int = option(
        50, "--distance", "Sites up to this many bases from the changed ones are compared.", metavar="BP", low=1, high=10_000, unit="bases"
    )
    masked: bool = option(False, "--masked", "Leave out gains of annotated sites and losses of sites that are not annotated.")
    outside: bool = option(False, "--outside", "Read the bases outside the gene, too; otherwise they count as N.")


@dataclass(frozen=True)
class SpliceGene:
    """A gene and its annotated splice sites, all isoforms together; 0-based on the forward strand, ``[start, end)``.

    ``acceptors`` are the first bases of exons, ``donors`` the last, in the gene's direction.
    """

    name: str
    contig: str
    strand: str
    start: int
    end: int
    acceptors: frozenset[int] = field(default_factory=frozenset, repr=False)
    donors: frozenset[int] = field(default_factory=frozenset, repr=False)


@dataclass(frozen=True)
class SiteChange:
    """The largest change of one kind: ``delta`` from 0 to 1, and where (1-based, forward strand; None where nothing changes that way).

    ``reference`` and ``alternate`` are the site's probabilities without and with the variant.
    """

    delta: float
    position: int | None = None
    reference: float | None = None
    alternate: float | None = None


@dataclass(frozen=True)
class SpliceScore:
    """A variant on the strand of a gene; one of `KINDS` is None where the variant was not scored.

    ``note`` is one sentence where the status is not ``scored``, or where context was missing.
    """

    variant: Variant
    status: Status
    gene: str = ""
    strand: str = ""
    acceptor_gain: SiteChange | None = None
    acceptor_loss: SiteChange | None = None
    donor_gain: SiteChange | None = None
    donor_loss: SiteChange | None = None
    note: str = ""

    @property
    def changes(self) -> tuple[SiteChange | None, ...]:
        """The four changes in the order of `KINDS`."""
        return self.acceptor_gain, self.acceptor_loss, self.donor_gain, self.donor_loss

    def with_changes(
        self, acceptor_gain: SiteChange, acceptor_loss: SiteChange, donor_gain: SiteChange, donor_loss: SiteChange
    ) -> SpliceScore:
        """The row with what was computed."""
        return replace(self, acceptor_gain=acceptor_gain, acceptor_loss=acceptor_loss, donor_gain=donor_gain, donor_loss=donor_loss)

    @property
    def score(self) -> float | None:
        """The largest of the four, by which variants are ranked."""
        deltas = [change.delta for change in self.changes if change is not None]
        return max(deltas) if deltas else None


@dataclass(frozen=True, eq=False)
class SpliceScores:
    """A row for every variant and gene it lies in (for both strands where there is none), in the order of the variants."""

    rows: tuple[SpliceScore, ...]
    provenance: Provenance

    def strongest(self) -> dict[tuple[int, int], SpliceScore]:
        """The row with the largest change of each variant that was scored, by its record and allele."""
        found: dict[tuple[int, int], SpliceScore] = {}
        for row in self.rows:
            key = (row.variant.record, row.variant.allele)
            if row.score is not None and (key not in found or row.score > (found[key].score or 0)):
                found[key] = row
        return found
