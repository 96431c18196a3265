"""Addresses of public sites for a variant."""

from __future__ import annotations

import pytest

from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.variants import Variant
from engine.sources.outward_links import MOST_GENES, gene_links, outward_links, place_links


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


def test_a_mitochondrion_is_called_as_each_site_calls_it_and_what_none_has_is_not_linked() -> None:
    yeast = {link.title: link.url for link in place_links(Locus("R64", "chrmt", 0, 10))}
    assert yeast["Ensembl"].endswith("?r=Mito%3A1-10")
    assert yeast["UCSC"].endswith("position=chrM%3A1-10")
    assert yeast["SGD JBrowse"].endswith("?loc=chrmt%3A1..10")
    assert urls("GRCh38", Variant("MT", 8602, "T", "C"))["Ensembl"].endswith("?r=MT%3A8602-8602")
    assert urls("GRCh38", Variant("MT", 8602, "T", "C"))["UCSC"].endswith("position=chrM%3A8602-8602")
    assert place_links(Locus("R64", "2-micron", 0, 10)) == ()
    assert urls("R64", Variant("chr4", 9, "A", "T"))["Ensembl"].endswith("?r=IV%3A9-9")


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


def test_a_yeast_locus_is_linked_to_four_browsers_by_the_names_each_expects() -> None:
    found = {link.title: link.url for link in place_links(Locus("R64", "chrIV", 1233, 1533, "-"))}
    assert found == {
        "UCSC": "https://genome.ucsc.edu/cgi-bin/hgTracks?db=sacCer3&position=chrIV%3A1234-1533",
        "Ensembl": "https://fungi.ensembl.org/Saccharomyces_cerevisiae/Location/View?r=IV%3A1234-1533",
        "NCBI": "https://www.ncbi.nlm.nih.gov/nuccore/NC_001136.10?report=genbank&from=1234&to=1533",
        "SGD JBrowse": "https://browse.yeastgenome.org/?loc=chrIV%3A1234..1533",
    }


@pytest.mark.parametrize(
    ("place", "titles"),
    [
        (Locus("ASM584v2", "NC_000913.3", 0, 300), {"NCBI"}),
        (Locus("", "NC_001416.1", 0, 300), {"NCBI"}),
        (Locus("mine", "contig_1", 0, 300), set()),
    ],
)
def test_a_place_is_linked_only_where_it_is_known(place: Locus, titles: set[str]) -> None:
    assert {link.title for link in place_links(place)} == titles


def test_the_corona_virus_has_the_name_of_its_contig_at_ucsc() -> None:
    found = {link.title: link.url for link in place_links(Locus("ASM985889v3", "NC_045512.2", 0, 300))}
    assert found["UCSC"].endswith("db=wuhCor1&position=NC_045512v2%3A1-300")


def test_genes_are_linked_by_the_identifiers_of_their_annotation_alone() -> None:
    thra = Feature("gene", "thrA", 336, 2799, "+", "", {"Dbxref": "ASAP:ABE-0000008,ECOCYC:EG10998,GeneID:945803"})
    pau8 = Feature("gene", "PAU8", 0, 9, "-", "", {"dbxref": "SGD:S000002142"})
    odd = Feature("gene", "odd", 0, 9, "-", "", {"dbxref": "SGD:javascript:alert(1)"})
    coding = Feature("CDS", "thrA", 336, 2799, "+", "", {"Dbxref": "ECOCYC:EG10998"})
    assert [(link.title, link.url) for link in gene_links((thra, pau8, odd, coding))] == [
        ("thrA at EcoCyc", "https://ecocyc.org/gene?orgid=ECOLI&id=EG10998"),
        ("thrA at NCBI Gene", "https://www.ncbi.nlm.nih.gov/gene/945803"),
        ("PAU8 at SGD", "https://www.yeastgenome.org/locus/S000002142"),
    ]
    many = [Feature("gene", f"g{k}", k, k + 9, ".", "", {"dbxref": f"GeneID:{k + 1}"}) for k in range(50)]
    assert len(gene_links(many)) == MOST_GENES
