"""Every example of triage does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.settings import Settings
from engine.service.triage import ReferenceLetters, place_variants
from engine.service.variant_list import read_variant_list
from engine.sources.door import OWN_FILES
from engine.sources.transcripts import read_transcripts
from engine.sources.triage_examples import SINGLES, TABLES
from engine.sources.vcf import read_vcf


def references(place: object, home: Path):  # type: ignore[no-untyped-def]
    return ReferenceLetters.of_file(place.reference, Settings(home=home)), read_transcripts(place.genes)


@pytest.mark.parametrize("example", TABLES, ids=lambda item: item.place)
def test_every_variant_of_a_table_fits_its_reference_and_has_a_consequence(example, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    reference, genes = references(example, tmp_path)
    sites = list(place_variants(read_vcf(example.variants), reference, 512, genes))
    assert {site.status for site in sites} == {"scored"}
    assert all(site.consequences for site in sites)


def test_the_names_of_the_lacz_and_brca1_variants_are_what_they_do(tmp_path: Path) -> None:
    for example in TABLES:
        reference, genes = references(example, tmp_path)
        for site in place_variants(read_vcf(example.variants), reference, 512, genes):
            name, first = site.variant.identifier, site.consequences[0]
            if name.startswith("c."):
                assert first.hgvs_c == name
            elif name.endswith("*"):
                assert first.term == "stop_gained"
            elif name.endswith("="):
                assert first.term == "synonymous_variant"
            elif "start_lost" in name:
                assert first.term == "start_lost"


def test_the_protein_of_brca1_is_read_over_all_its_exons(tmp_path: Path) -> None:
    reference, genes = references(TABLES[1], tmp_path)
    told = {
        site.variant.identifier: site.consequences[0].hgvs_p for site in place_variants(read_vcf(TABLES[1].variants), reference, 512, genes)
    }
    # as ClinVar and the literature name them
    assert told["c.5095C>T"] == "p.(Arg1699Trp)"
    assert told["c.5123C>A"] == "p.(Ala1708Glu)"
    assert told["c.5177_5180del"] == "p.(Arg1726LysfsTer3)"


@pytest.mark.parametrize(
    ("title", "status", "kind", "term"),
    [
        ("substitution", "scored", "substitution", "stop_gained"),
        ("insertion", "scored", "insertion", "frameshift_variant"),
        ("deletion", "scored", "deletion", "inframe_deletion"),
        ("several bases", "scored", "complex", "missense_variant"),
        ("splice site", "scored", "substitution", "splice_donor_variant"),
        ("lost start", "scored", "substitution", "start_lost"),
        ("reverse strand", "scored", "substitution", "missense_variant"),
        ("wrong reference", "reference_mismatch", "substitution", ""),
    ],
)
def test_each_single_variant_is_of_its_kind(title: str, status: str, kind: str, term: str, tmp_path: Path) -> None:
    example = next(item for item in SINGLES if item.title == title)
    reference, genes = references(example, tmp_path)
    (variant,) = read_variant_list(example.text, reference, OWN_FILES).variants
    (site,) = place_variants([variant], reference, 512, genes)
    assert (site.status, variant.kind) == (status, kind)
    assert (site.consequences[0].term if site.consequences else "") == term
