"""Addresses of public sites for a variant."""

from __future__ import annotations

import pytest

from engine.core.variants import Variant
from engine.sources.outward_links import outward_links


def urls(assembly: str, variant: Variant) -> dict[str, str]:
    return {link.title: link.url for link in outward_links(assembly, variant)}


def test_a_human_variant_is_linked_by_the_names_each_site_expects() -> None:
    found = urls("hg38", Variant("chr17", 43094464, "A", "G"))
    assert found == {
        "UCSC": "https://genome.ucsc.edu/cgi-bin/hgTracks?db=hg38&position=chr17%3A43094464-43094464",
        "Ensembl": "https://www.ensembl.org/Homo_sapiens/Location/View?r=17%3A43094464-43094464",
        "gnomAD": "https://gnomad.broadinstitute.org/variant/17-43094464-A-G?dataset=gnomad_r4",
        "ClinVar": "https://www.ncbi.nlm.nih.gov/clinvar/?term=17%5Bchr%5D+AND+43094464%5Bchrpos38%5D",
        "SpliceAI-lookup": "https://spliceailookup.broadinstitute.org/#variant=17-43094464-A-G&hg=38",
    }


def test_the_older_assembly_has_its_own_servers_and_padding_goes() -> None:
    found = urls("GRCh37", Variant("17", 100, "TAC", "TGC"))
    assert found["Ensembl"].startswith("https://grch37.ensembl.org/")
    assert "/17-101-A-G?dataset=gnomad_r2_1" in found["gnomAD"]
    assert "chrpos37" in found["ClinVar"]


def test_yeast_has_genome_browsers_only() -> None:
    found = urls("R64", Variant("chrIV", 9, "A", "T"))
    assert set(found) == {"UCSC", "Ensembl"}
    assert "db=sacCer3" in found["UCSC"]
    assert found["Ensembl"] == "https://fungi.ensembl.org/Saccharomyces_cerevisiae/Location/View?r=IV%3A9-9"


@pytest.mark.parametrize("assembly", ["", "reference", "mine"])
def test_an_unknown_assembly_has_no_links(assembly: str) -> None:
    assert urls(assembly, Variant("chr1", 9, "A", "T")) == {}


def test_a_record_that_cannot_be_used_or_has_no_letters_is_not_looked_up_by_its_alleles() -> None:
    assert urls("GRCh38", Variant(".", 0, ".", ".", problem="broken")) == {}
    assert set(urls("GRCh38", Variant("1", 9, "A", "<DEL>"))) == {"UCSC", "Ensembl"}
