"""What a database of clinical variants says of one allele."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClinicalRecord:
    """A record of ClinVar.

    ``identifier``: its variation ID. ``significance``: the germline classification in ClinVar's own words (``Pathogenic``); empty where the record has
    none. ``review``: its review status. ``condition``: what it was classified for.
    """

    identifier: str
    significance: str = ""
    review: str = ""
    condition: str = ""

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://www.ncbi.nlm.nih.gov/clinvar/variation/{self.identifier}/" if self.identifier.isdigit() else ""
