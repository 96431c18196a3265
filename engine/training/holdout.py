"""What no training step ever sees: whole genomes, whole chromosomes, whole RNA families, and a tenth of the sequences of the others."""

from __future__ import annotations

import hashlib

BACTERIA = {
    "GCF_000006745": "Vibrio cholerae O1 N16961",
    "GCF_000017005": "Streptococcus gordonii CH1",
    "GCF_000017205": "Pseudomonas aeruginosa PA7",
    "Neisseria_meningitidis_MC58": "Neisseria meningitidis MC58",
}
"""Whole bacterial genomes; Neisseria is the only one of its class (Betaproteobacteria) in the data, the others have relatives in training."""

YEAST = {"S_arboricola_H6": "Saccharomyces arboricola H6", "C_albicans_SC5314_chr6A": "Candida albicans SC5314 chromosome 6"}
"""A whole genome and a whole chromosome."""

YEAST_CHROMOSOMES = ("chrXI", "chrXIV")
"""Chromosomes of S. cerevisiae and, as near-duplicates, of every Saccharomyces strain."""

YEAST_NEAR_DUPLICATES = (
    "S_cerevisiae_DBVPG6044",
    "S_cerevisiae_SK1",
    "S_cerevisiae_UWOPS034614",
    "S_paradoxus_N44",
    "S_paradoxus_UFRJ50816",
    "S_paradoxus_UWOPS919171",
    "S_paradoxus_YPS138",
)
"""Strains left out of the corpus because S288C and CBS432 already stand for their species."""

PHAGE_ANCHORS = ("NC_001416", "NC_001604")
"""Lambda and T7: they and every phage of their clusters are held out."""

NAMED_FAMILIES = {
    "RF00005": "tRNA",
    "RF00001": "5S rRNA",
    "RF00162": "SAM",
    "RF00059": "TPP",
    "RF00174": "cobalamin",
    "RF01739": "glnA",
    "RF00013": "6S",
    "RF00023": "tmRNA",
    "RF00010": "RNase P",
    "RF00008": "hammerhead",
}
"""Families that the evaluation reports one by one; never held out as a whole."""


def _bucket(text: str, buckets: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % buckets


def family_is_held_out(accession: str, clan: str) -> bool:
    """One family in twenty, decided by clan so that relatives stay on the same side."""
    return accession not in NAMED_FAMILIES and _bucket("family " + clan, 20) == 0


def sequence_is_held_out(name: str) -> bool:
    """One sequence in ten, decided by the accession without its coordinates."""
    return _bucket("sequence " + name.split("/")[0], 10) == 0


def phage_cluster_is_held_out(members: list[str]) -> bool:
    """One cluster in twenty, and those of lambda and T7."""
    if any(anchor in name for name in members for anchor in PHAGE_ANCHORS):
        return True
    return _bucket("phage " + min(members), 20) == 0
