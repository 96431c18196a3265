"""Gene models of GenBank records, by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from engine.core.errors import FileFormatError
from engine.core.transcripts import Part, Recoded
from engine.sources.genbank import parse_flat_file
from engine.sources.transcripts import read_transcripts

HEAD = """LOCUS       TEST                      60 bp    DNA     {shape} BCT 01-JAN-2020
DEFINITION  Invented.
ACCESSION   TEST
VERSION     TEST.1
FEATURES             Location/Qualifiers
     source          1..60
                     /organism="{organism}"
                     /mol_type="genomic DNA"
"""
TAIL = """ORIGIN
        1 acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt
//
"""


def feature(kind: str, location: str, *qualifiers: str) -> str:
    return "".join([f"     {kind:<16}{location}\n", *(f"                     /{text}\n" for text in qualifiers)])


def read(tmp_path: Path, *features: str, shape: str = "linear", organism: str = "nothing known"):  # type: ignore[no-untyped-def]
    path = tmp_path / "genes.gb"
    path.write_text(HEAD.format(shape=shape, organism=organism) + "".join(features) + TAIL)
    return read_transcripts(path)


def test_joined_parts_are_read_on_their_strand_with_codon_start_and_code(tmp_path: Path) -> None:
    (one,) = read(tmp_path, feature("CDS", "complement(join(<1..9,20..30))", 'gene="abc"', "codon_start=2", "transl_table=4"))
    assert (one.identifier, one.gene, one.phase, one.code) == ("abc", "abc", 1, 4)
    assert one.coding == (Part(19, 30, False, "TEST.1"), Part(0, 9, False, "TEST.1"))
    assert (one.start_known, one.stop_known) == (True, False)


def test_a_gene_over_the_origin_of_a_circular_record_stays_one(tmp_path: Path) -> None:
    (one,) = read(tmp_path, feature("CDS", "join(52..60,1..9)", 'locus_tag="L1"'), shape="circular")
    assert (one.coding, one.circle) == ((Part(51, 60, True, "TEST.1"), Part(0, 9, True, "TEST.1")), 60)


def test_slippage_trans_splicing_and_recoded_codons_are_kept(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        feature("CDS", "join(1..9,9..20)", 'gene="slip"', "ribosomal_slippage"),
        feature("CDS", "join(complement(40..48),1..9)", 'gene="trans"', "trans_splicing"),
        feature("CDS", "10..21", 'gene="sec"', "transl_except=(pos:13..15,aa:Sec)"),
        feature("CDS", "22..30", 'gene="gone"', "pseudo"),
    )
    slip, trans, sec, gone = found
    assert [part[:2] for part in slip.coding] == [(0, 9), (8, 20)]
    assert [part[:3] for part in trans.coding] == [(39, 48, False), (0, 9, True)]
    assert sec.recoded == (Recoded(12, 15, "U"),)
    assert gone.coding == ()


def test_a_messenger_rna_gives_its_exons_to_the_coding_sequence_it_carries(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        feature("mRNA", "join(1..20,40..60)", 'gene="abc"'),
        feature("CDS", "join(10..20,40..50)", 'gene="abc"', 'protein_id="P.1"'),
        feature("tRNA", "join(2..8,12..18)", 'gene="trnA"'),
        feature("rRNA", "22..30", 'locus_tag="rrn"'),
    )
    assert [(one.identifier, [part[:2] for part in one.exons], [part[:2] for part in one.coding]) for one in found] == [
        ("P.1", [(0, 20), (39, 60)], [(9, 20), (39, 50)]),
        ("trnA", [(1, 8), (11, 18)], []),
        ("rrn", [(21, 30)], []),
    ]


def test_the_organism_of_the_record_decides_where_no_table_is_stated(tmp_path: Path) -> None:
    (one,) = read(tmp_path, feature("CDS", "1..9", 'gene="a"'), organism="Candida albicans SC5314")
    assert (one.code, one.note) == (12, "Read by the genetic code 12, the usual one of Candida albicans.")


def test_a_record_that_does_not_parse_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    good = HEAD.format(shape="linear", organism="x") + feature("CDS", "1..9", 'gene="a"') + TAIL
    path = tmp_path / "genes.gb.gz"
    path.write_bytes(gzip.compress(("LOCUS       broken bp nonsense\nFEATURES  x\n//\n" + good).encode(), mtime=0))
    assert [one.gene for one in read_transcripts(path)] == ["a"]


def test_a_record_without_genes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no exons or coding parts"):
        read(tmp_path)


def test_the_parts_that_are_shown_have_the_frame_of_the_whole_coding_sequence() -> None:
    text = HEAD.format(shape="linear", organism="x") + "".join(
        (
            feature("CDS", "join(1..10,20..30)", 'gene="plus"', "codon_start=2"),
            feature("CDS", "complement(join(1..9,20..30))", 'gene="minus"'),
            feature("CDS", "join(1..9,OTHER.1:1..10,20..30)", 'gene="elsewhere"'),
            feature("CDS", "1..9", 'gene="gone"', "pseudo"),
            feature("gene", "1..9", 'gene="whole"'),
        )
    )
    ((_,), (found,)) = parse_flat_file((text + TAIL).splitlines())
    assert [(one.name, one.start, one.attributes.get("phase")) for one in found] == [
        ("plus", 0, "1"),
        ("plus", 19, "0"),
        ("minus", 19, "0"),
        ("minus", 0, "1"),
        ("elsewhere", 0, None),
        ("elsewhere", 19, None),
        ("gone", 0, None),
        ("whole", 0, None),
    ]
