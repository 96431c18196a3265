"""Gene models out of GFF3, GTF and GenBank: what belongs together, in which order, by which code."""

from __future__ import annotations

import gzip
import tracemalloc
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.analyses.consequence_reading import BlockLetters, Reading
from engine.analyses.consequence_splicing import Structure
from engine.analyses.genetic_code import genetic_code
from engine.core.errors import FileFormatError, ParameterError
from engine.core.transcripts import LARGEST_PACKED, Part, Recoded, Texts, Transcript, Transcripts
from engine.sources.genetic_codes import given_codes, organism_of
from engine.sources.transcripts import read_transcripts, transcripts_of
from tests.analyses.gene_models import Genome
from tests.transcripts import simple_parts

GFF = """##gff-version 3
1 x gene 4 34 . + . ID=g1;gene=ABC1
1 x mRNA 4 34 . + . ID=t1;Parent=g1
1 x exon 4 12 . + . Parent=t1
1 x exon 25 34 . + . Parent=t1
1 x CDS 6 12 . + 0 Parent=t1
1 x CDS 25 29 . + 2 Parent=t1
"""


def tabbed(text: str) -> str:
    return "\n".join(line if line.startswith("#") else "\t".join(line.split(None, 8)) for line in text.strip().splitlines()) + "\n"


def read(text: str) -> tuple[Transcript, ...]:
    return tuple(transcripts_of(lambda: tabbed(text).splitlines()))


def spans(parts: tuple[Part, ...]) -> list[tuple[int, int]]:
    return [part[:2] for part in parts]


def test_gff3_and_gtf_give_the_same_gene(tmp_path: Path) -> None:
    packed, plain = tmp_path / "genes.gff3.gz", tmp_path / "genes.gff"  # a name that says GFF3 for what is GTF
    packed.write_bytes(gzip.compress(tabbed(GFF).encode(), mtime=0))
    parts = (("exon", 4, 12), ("exon", 25, 34), ("CDS", 6, 12), ("CDS", 25, 26), ("stop_codon", 27, 29))
    plain.write_text(
        "".join(f'1\tx\t{k}\t{a}\t{b}\t.\t+\t.\tgene_id "g1"; transcript_id "t1"; gene_name "ABC1"; note "a; b";\n' for k, a, b in parts)
    )
    (one,), (other,) = read_transcripts(packed), read_transcripts(plain)
    assert (one.identifier, one.gene, spans(one.exons), spans(one.coding)) == ("t1", "ABC1", [(3, 12), (24, 34)], [(5, 12), (24, 29)])
    assert (other.identifier, other.gene, other.exons) == (one.identifier, one.gene, one.exons)
    assert spans(other.coding) == [(5, 12), (24, 26), (26, 29)]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_lines_end_as_lines_do_and_not_at_unicode_separators(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "genes.gff3"
    text = tabbed(GFF).replace("gene=ABC1", "gene=ABC1;Note=first\u2028second\u0085third")
    path.write_bytes(text.replace("\n", ends).encode())
    (one,) = read_transcripts(path)
    assert one.gene == "ABC1"


def test_a_file_that_holds_no_genes_or_cannot_be_unpacked_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.gff3"
    path.write_text("##gff-version 3\n1\tx\trepeat\t4\t34\t.\t+\t.\tID=r\n")
    with pytest.raises(FileFormatError, match="no exons or coding parts"):
        read_transcripts(path)
    path.write_bytes(gzip.compress(tabbed(GFF * 50).encode(), mtime=0)[:-20])
    with pytest.raises(FileFormatError, match="ends too early"):
        read_transcripts(path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_transcripts(tmp_path / "absent.gff3")
    assert not transcripts_of(list)


def test_a_line_that_cannot_be_used_is_left_out_and_the_others_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "genes.gff3"
    path.write_text(tabbed(GFF) + "1\tx\tCDS\t400\t390\t.\t+\t0\tID=bad\n1\tx\tCDS\tten\t20\t.\t+\t0\tID=bad\n1\tx\tCDS\n")
    (one,) = read_transcripts(path)
    assert one.identifier == "t1"
    assert "3 lines of 'genes.gff3' left out: line 8 spans 400-390, which is no interval" in caplog.text


def test_a_symbol_is_found_at_the_gene_before_or_behind_its_parts() -> None:
    lines = GFF.strip().splitlines()
    assert [one.gene for one in read("\n".join([lines[0], *lines[:0:-1]]))] == ["ABC1"]


def test_escaped_commas_in_names_do_not_split_them() -> None:
    (one,) = read("1 x mRNA 4 9 . + . ID=t%2C1;Name=x\n1 x CDS 4 9 . + 0 ID=c;Parent=t%2C1")
    assert (one.identifier, one.gene) == ("t,1", "x")


def test_a_part_with_two_parents_belongs_to_both() -> None:
    found = read("1 x exon 4 9 . + . Parent=t1,t2\n1 x CDS 4 9 . + 0 Parent=t1\n1 x exon 14 19 . + . Parent=t2")
    assert [(one.identifier, spans(one.exons)) for one in found] == [("t1", [(3, 9)]), ("t2", [(3, 9), (13, 19)])]


def test_coding_sequences_with_their_own_ids_below_one_gene_are_apart() -> None:
    found = read("1 x gene 4 30 . + . ID=g;Name=G\n1 x CDS 4 30 . + 0 ID=long;Parent=g\n1 x CDS 10 30 . + 0 ID=short;Parent=g")
    assert [(one.identifier, one.gene, spans(one.coding)) for one in found] == [("long", "G", [(3, 30)]), ("short", "G", [(9, 30)])]


def test_below_a_transcript_numbered_parts_are_one_coding_sequence_and_overlapping_ones_are_two() -> None:
    head = "1 x mRNA 4 60 . + . ID=t\n1 x exon 4 12 . + . Parent=t\n1 x exon 40 60 . + . Parent=t\n"
    (one,) = read(head + "1 x CDS 4 12 . + 0 ID=c.1;Parent=t\n1 x CDS 40 60 . + 0 ID=c.2;Parent=t")
    assert spans(one.coding) == [(3, 12), (39, 60)]
    two = read(head + "1 x CDS 4 12 . + 0 ID=a;Parent=t\n1 x CDS 40 60 . + 0 ID=a;Parent=t\n1 x CDS 43 60 . + 0 ID=b;Parent=t")
    assert [(one.identifier, spans(one.coding)) for one in two] == [("a", [(3, 12), (39, 60)]), ("b", [(42, 60)])]


def test_overlapping_parts_that_nothing_tells_apart_are_an_error_of_that_transcript() -> None:
    (one,) = read("1 x CDS 4 30 . + 0 Parent=g\n1 x CDS 10 60 . + 0 Parent=g")
    assert "overlap" in one.problem


def test_exons_are_untranslated_regions_and_coding_parts_where_no_exon_is_given() -> None:
    lines = "1 x mRNA 1 60 . - . ID=t\n1 x CDS 10 20 . - 0 Parent=t\n1 x CDS 40 50 . - 0 Parent=t\n"
    (one,) = read(lines + "1 x five_prime_UTR 51 60 . - . Parent=t\n1 x three_prime_UTR 1 9 . - . Parent=t")
    assert spans(one.exons) == [(39, 60), (0, 20)]
    (whole,) = read(lines)  # the extent of the transcript says it, too
    assert spans(whole.exons) == [(39, 60), (0, 20)]
    (cut,) = read(lines.replace("1 x mRNA 1 60", "1 x mRNA 1 90") + "1 x five_prime_UTR_intron 53 72 . - . Parent=t")
    assert spans(cut.exons) == [(72, 90), (39, 52), (0, 20)]


def test_an_rna_without_parts_is_one_exon_and_one_with_parts_is_not() -> None:
    found = read(
        "1 x gene 4 30 . + . ID=g;Name=trnA\n1 x tRNA 4 30 . + . ID=r;Parent=g\n1 x rRNA 50 90 . - . ID=s\n1 x exon 60 80 . - . Parent=s"
    )
    assert [(one.gene, spans(one.exons), one.coding) for one in found] == [
        ("trnA", [(3, 30)], ()),
        ("s", [(59, 80)], ()),
    ]


def test_what_the_annotation_says_of_ends_preference_and_codes_is_kept() -> None:
    said = "transl_table=4;partial=true;start_range=.,4;tag=MANE Select,basic;transl_except=(pos:7..9%2Caa:Pyl)"
    (one,) = read(f"1 x CDS 4 30 . + 0 ID=c;Parent=g;{said}")
    assert (one.code, one.start_known, one.stop_known, one.preferred) == (4, False, True, True)
    assert one.recoded == (Recoded(6, 9, "O"),)
    (turned,) = read(f"1 x CDS 4 30 . - 0 ID=c;Parent=g;{said}")
    assert (turned.start_known, turned.stop_known) == (True, False)
    (marked,) = read('1 x CDS 4 30 . + 0 gene_id "g"; transcript_id "t"; tag "cds_start_NF"; tag "mRNA_start_NF";')
    assert not marked.start_known


def test_packed_transcripts_are_those_that_were_added() -> None:
    plain = Transcript(
        "t", "g", simple_parts(((3, 9), (20, 30)), "-", "c"), simple_parts(((5, 9), (20, 22)), "-", "c"), 2, 11, preferred=True
    )
    same = Transcript("é", "", simple_parts(((3, 9),), "+", "d"), simple_parts(((3, 9),), "+", "d"), stop_apart=True, stop_known=False)
    odd = Transcript("o", "g", (Part(5, 9, True, "c"), Part(1, 3, False, "d")), problem="why")
    far = Transcript("f", "g", (Part(5, LARGEST_PACKED + 7, True, "c"),))
    asked = Transcript("a", "g", plain.exons, plain.coding, code=0, start_known=False, problem="no code", phases_differ=True)
    packed = Transcripts([plain, same, odd, far, asked])
    assert packed.sha256 == Transcripts([plain, same, odd, far, asked]).sha256
    assert packed.sha256 != Transcripts([plain, same, odd, far, replace(asked, code=3)]).sha256
    assert list(packed) == [plain, same, odd, far, asked]
    assert packed[1:3] == (same, odd)
    with pytest.raises(IndexError):
        packed[5]
    edges = packed.edges()
    found = {(edges.contigs[c], s, e, t) for c, s, e, t in zip(edges.contig, edges.start, edges.end, edges.transcript, strict=True)}
    assert found == {("c", 3, 30, 0), ("d", 3, 9, 1), ("c", 5, 9, 2), ("d", 1, 3, 2), ("c", 5, LARGEST_PACKED + 7, 3), ("c", 3, 30, 4)}
    assert Texts(["a", "", "b"])[-1] == "b"


@pytest.mark.long
def test_a_gigabyte_of_annotation_would_take_less_than_half_of_one(tmp_path: Path) -> None:
    """Twenty megabytes as GENCODE writes them are read in a fiftieth of a gigabyte and then held in a tenth of it."""
    said = "gene_type=protein_coding;level=2;transcript_support_level=1;tag=basic,appris_principal_1,CCDS;havana_gene=OTTHUMG00000000001.4"

    def lines() -> Iterator[str]:
        for gene in range(4000):
            at, name = 1000 + 20_000 * gene, f"ENST{gene:011d}.3"
            yield f"chr1\tHAVANA\ttranscript\t{at}\t{at + 17_000}\t.\t+\t.\tID={name};Parent=ENSG{gene:011d}.5;{said}"
            for exon in range(9):
                where = f"{at + 2000 * exon}\t{at + 2000 * exon + 149}\t.\t+"
                both = f"Parent={name};gene_name=GENE{gene};{said};exon_number={exon + 1};exon_id=ENSE{gene:011d}.1"
                yield f"chr1\tHAVANA\texon\t{where}\t.\tID=exon:{name}:{exon};{both}"
                yield f"chr1\tHAVANA\tCDS\t{where}\t0\tID=CDS:{name};{both}"

    size = sum(len(line) + 1 for line in lines())
    tracemalloc.start()
    found = transcripts_of(lines)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 20_000_000
    assert len(found) == 4000
    assert held < size / 10
    assert most < size / 2


@pytest.mark.parametrize(
    ("told", "organism", "codes"),
    [
        ("##species https://www.ncbi.nlm.nih.gov/Taxonomy/Browser/wwwtax.cgi?id=9606", "Homo sapiens", (1, 2)),
        ("#description: evidence-based annotation of the human genome (GRCh38), version 44 (Ensembl 110)", "Homo sapiens", (1, 2)),
        ("#!genome-build GRCh38.p14", "Homo sapiens", (1, 2)),
        ("#!genome-version R64-1-1", "Saccharomyces", (1, 3)),
        ("Dbxref=taxon:511145", "Escherichia coli", (11, 0)),
        ("# Candida albicans SC5314", "Candida albicans", (12, 4)),
        ("# an alignment of Homo sapiens and Mus musculus", "", (0, 0)),
        ("# nothing of the kind", "", (0, 0)),
    ],
)
def test_the_organism_is_the_one_that_the_annotation_names(told: str, organism: str, codes: tuple[int, int]) -> None:
    found = organism_of([told])
    assert (found.name if found else "", (found.nuclear, found.mitochondrial) if found else (0, 0)) == (organism, codes)


def test_codes_that_a_user_states_are_checked() -> None:
    assert given_codes(["chrMT=3, 11", "Pt=11"]) == {"chrMT": 3, "": 11, "Pt": 11}
    for text in ("chrMT=7", "chrMT=x", "=", "chrMT=-1"):
        with pytest.raises(ParameterError, match="write CONTIG=TABLE"):
            given_codes([text])
    assert given_codes(["4", "4"]) == {"": 4}
    for texts, whom in ((["3", "4"], "all contigs"), (["chrM=3,chrM=4"], "'chrM'")):
        with pytest.raises(ParameterError, match=f"are both given for {whom}; give one of them"):
            given_codes(texts)
    with pytest.raises(ParameterError, match="'chrQ', which has no gene models"):
        transcripts_of(lambda: tabbed(GFF).splitlines(), {"chrQ": 3})


@pytest.mark.long
def test_every_annotated_protein_of_ten_genbank_files_is_read_as_it_was_deposited(shared: Path) -> None:
    """27,000 proteins of bacteria and phages, with slippage, selenocysteine and starts other than ATG, against /translation."""
    from Bio import SeqIO

    read_so, missed = 0, 0
    for path in sorted((shared / "data" / "genomes" / "annotated").glob("*.gb*.gz")):
        with gzip.open(path, "rt") as text, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            records = list(SeqIO.parse(text, "genbank"))
        wanted: dict[str, Counter[str]] = defaultdict(Counter)
        for record in records:
            wanted[record.id].update(
                f.qualifiers["translation"][0] for f in record.features if f.type == "CDS" and "translation" in f.qualifiers
            )
        genome = BlockLetters(Genome({record.id: str(record.seq).upper() for record in records}))
        for one in read_transcripts(path):
            code = genetic_code(one.code)
            if one.coding and code is not None:
                reading = Reading(one, code, genome, Structure(one))
                protein = reading.amino_acids(0, reading.codons).removesuffix("*")
                if wanted[one.coding[0].contig][protein]:
                    wanted[one.coding[0].contig][protein] -= 1
                    read_so += 1
        missed += sum(left.total() for left in wanted.values())
    assert read_so > 26_900
    assert missed <= 8  # letters that the submitters knew and the record has as N, and one unmarked selenocysteine
