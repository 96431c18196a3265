"""The shipped examples are what they say: checked against the genomes they were cut from."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from Bio import SeqIO

from engine.core.locus import Strand
from engine.sources.examples import EXAMPLES, Example, example

GENOMES = {
    "ASM584v2": ("genomes/annotated/E_coli_K12_MG1655.fna.gz", "fasta"),
    "R64": ("genomes/yeast/S_cerevisiae_S288C_R64.fa.gz", "fasta"),
    "ViralProj14204": ("genomes/annotated/phage_lambda_NC_001416.gbk.gz", "genbank"),
    "ViralProj14460": ("genomes/annotated/phage_T7_NC_001604.gb.gz", "genbank"),
}
BY_ID = [pytest.param(item, id=item.id) for item in EXAMPLES]


@pytest.fixture(scope="module")
def genomes(shared: Path) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for assembly, (path, kind) in GENOMES.items():
        with gzip.open(shared / "data" / path, "rt") as handle:
            texts[assembly] = {record.id: str(record.seq).upper() for record in SeqIO.parse(handle, kind)}
    return texts


def paired(structure: str) -> list[tuple[int, int]]:
    pairs = []
    for opening, closing in ("()", "[]"):
        stack: list[int] = []
        for index, symbol in enumerate(structure):
            if symbol == opening:
                stack.append(index)
            elif symbol == closing:
                pairs.append((stack.pop(), index))
        assert not stack
    return pairs


def test_at_least_eight_examples_are_shipped_each_with_a_sentence_and_coordinates() -> None:
    assert len(EXAMPLES) >= 8
    assert len({item.id for item in EXAMPLES}) == len(EXAMPLES)
    assert all(item.what_to_see.endswith(".") and item.accession and item.locus is not None for item in EXAMPLES)


def test_bases_that_a_sentence_names_have_the_numbers_of_the_ruler_and_pair() -> None:
    named = {item.id: re.findall(r"bases ([\d,]*\d) (?:and|to) ([\d,]*\d)", item.what_to_see) for item in EXAMPLES}
    assert {name: found for name, found in named.items() if found} == {
        "ecoli-lac-promoter": [("366,347", "366,319")],
        "t7-gene10-rbs": [("22,903", "22,925")],
    }
    for item in EXAMPLES:
        for one, other in named[item.id]:
            assert item.locus is not None
            places = [item.locus.index_of(int(place.replace(",", ""))) for place in (one, other)]  # refuses what lies outside
            assert "".join(item.sequence.letters[place] for place in places) in ("GC", "AT")


@pytest.mark.parametrize("item", BY_ID)
def test_the_letters_are_those_of_the_genome_at_the_locus(item: Example, genomes: dict[str, dict[str, str]], shared: Path) -> None:
    locus = item.locus
    assert locus is not None
    if locus.assembly in ("ASM985889v3", "ASM904v1"):  # cut from Rfam, whose names carry the place
        with gzip.open(shared / "data/rna/Rfam14.2_seed.train.sto.gz", "rt", encoding="utf-8", errors="replace") as handle:
            row = next(line for line in handle if line.startswith(f"{locus.contig}/{locus.start + 1}-{locus.end} "))
        assert row.split()[1].replace("-", "").replace(".", "") == item.sequence.letters
        return
    contigs = genomes[locus.assembly]
    name = locus.contig if locus.contig in contigs else locus.contig.split(".")[0]
    complement = str.maketrans("ACGT", "TGCA")
    window = contigs[name][locus.start : locus.end]
    assert item.sequence.as_dna() == (window.translate(complement)[::-1] if locus.strand is Strand.REVERSE else window)


@pytest.mark.parametrize("item", BY_ID)
def test_features_lie_inside_and_all_annotated_pairs_are_canonical(item: Example) -> None:
    letters = item.sequence.as_rna()
    assert all(0 <= feature.start < feature.end <= len(letters) for feature in item.features)
    pairs = paired(item.structure)
    canonical = [letters[i] + letters[j] in ("AU", "UA", "GC", "CG", "GU", "UG") for i, j in pairs]
    assert sum(canonical) == len(pairs)


def test_the_boxes_of_the_lac_promoter_and_the_operators_of_lambda_read_as_in_the_textbook() -> None:
    lac, operator = example("ecoli-lac-promoter"), example("lambda-or")
    assert lac is not None
    assert operator is not None
    boxes = {feature.name: lac.sequence.letters[feature.start : feature.end] for feature in lac.features}
    assert (boxes["−35"], boxes["−10"], boxes["O1"]) == ("TTTACA", "TATGTT", "AATTGTGAGCGGATAACAATT")
    sites = {feature.name: operator.sequence.letters[feature.start : feature.end] for feature in operator.features}
    assert (sites["OR1"], sites["OR2"], sites["OR3"]) == ("TACCTCTGGCGGTGATA", "TAACACCGTGCGTGTTG", "TATCACCGCAAGGGATA")


def test_the_two_trnas_of_the_operon_have_the_same_letters_and_the_same_cloverleaf() -> None:
    operon, single = example("ecoli-alawx-operon"), example("ECOLI-TRNA-THR ")
    assert operon is not None
    assert single is not None
    first, second = operon.features
    assert operon.sequence.letters[first.start : first.end] == operon.sequence.letters[second.start : second.end]
    assert operon.structure[second.start : second.end] == single.structure


def test_an_unknown_example_name_finds_nothing() -> None:
    assert example("no such example") is None
