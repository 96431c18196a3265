"""Numbers of shipped tables, read a second way."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def numbers_of_the_calibration() -> dict[tuple[str, str], float]:
    """AUROC of every class of a gene or splice site, by score and class."""
    classes = json.loads((ROOT / "assets" / "calibration" / "locuscope.json").read_text())["classes"]
    of_genes = (
        "stop_gained",
        "start_lost",
        "stop_lost",
        "missense_variant",
        "splice_acceptor_variant",
        "splice_donor_variant",
        "splice_region_variant",
    )
    return {
        (f"Locuscope, {score}", name): classes[name]["against_synonymous"][score]["auroc"]
        for name in of_genes
        for score in ("llr", "influence")
    }
