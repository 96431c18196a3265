"""A VCF from the file to the scores and back into files, on a small genome and on real genes."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pysam
import pytest

from engine.core.errors import Cancelled, FileFormatError
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.core.transcripts import Transcript, Transcripts
from engine.core.variants import TriageParameters, Variant
from engine.exports.triage_script import arguments_of
from engine.exports.triage_table import COLUMNS, write_triage_table
from engine.exports.vcf import write_triage_vcf
from engine.service.engine import Engine
from engine.service.triage import AlleleRequest, ReferenceLetters, TriageRequest, other_reference, place_variants
from engine.sources.door import OWN_FILES
from engine.sources.genomes import GenomeSet
from engine.sources.transcripts import read_transcripts
from engine.sources.vcf import open_vcf, parse_vcf, read_vcf
from tests.fake_model import Calls, FakeRegistry
from tests.transcripts import simple_parts

CONTIG = "TTTTTATGGCATGTAAGTTTTCAGGATTAACCCCCCCCCC" + "ACGT" * 50
HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=240>\n##contig=<ID=chrQ,length=50>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)
RECORDS = [
    "chr1\t9\trs1\tG\tT,C\t.\t.\t.",
    "chr1\t10\t.\tA\tC\t.\t.\t.",
    "chr1\t12\t.\tT\tTA\t.\t.\t.",
    "chrQ\t5\t.\tA\tC\t.\t.\t.",
    "chr1\t239\t.\tG\tA\t.\t.\t.",
    "chr1\t20\t.\tT\t<DEL>\t.\t.\t.",
    "chr1\t30\t.\tA\t.\t.\t.\t.",
]
GFF = (
    "##gff-version 3\n"
    "1\tx\tgene\t4\t34\t.\t+\t.\tID=g1;gene=ABC1\n"
    "1\tx\tmRNA\t4\t34\t.\t+\t.\tID=t1;Parent=g1\n"
    "1\tx\texon\t4\t12\t.\t+\t.\tParent=t1\n"
    "1\tx\texon\t25\t34\t.\t+\t.\tParent=t1\n"
    "1\tx\tCDS\t6\t12\t.\t+\t0\tParent=t1\n"
    "1\tx\tCDS\t25\t29\t.\t+\t2\tParent=t1\n"
)


def lines_of_file(path: Path) -> list[str]:
    with open_vcf(path, path.name) as lines:
        return list(lines)


@pytest.fixture
def vcf(tmp_path: Path) -> Path:
    path = tmp_path / "in.vcf"
    path.write_text(HEADER + "\n".join(RECORDS) + "\n")
    return path


@pytest.fixture
def reference(tmp_path: Path) -> ReferenceLetters:
    path = tmp_path / "ref.fa"
    path.write_text(f">1 small\n{CONTIG}\n")
    return ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", Calls()))


@pytest.fixture
def gff(tmp_path: Path) -> Path:
    path = tmp_path / "genes.gff3.gz"
    path.write_bytes(gzip.compress(GFF.encode(), mtime=0))
    return path


def test_every_alternate_allele_becomes_a_variant_with_its_record(vcf: Path) -> None:
    variants = read_vcf(vcf)
    assert [(v.contig, v.position, v.reference, v.alternate, v.record, v.allele) for v in variants[:3]] == [
        ("chr1", 9, "G", "T", 0, 0),
        ("chr1", 9, "G", "C", 0, 1),
        ("chr1", 10, "A", "C", 1, 0),
    ]
    assert [v.kind for v in variants] == ["substitution"] * 3 + ["insertion", "substitution", "substitution", "symbolic"]
    assert variants[0].identifier == "rs1"


@pytest.mark.parametrize(
    ("info", "frequencies"),
    [
        ("DP=9;AF=0.25,0.5", [0.25, 0.5]),
        ("CAF=0.7,0.2,0.1", [0.2, 0.1]),
        ("CAF=[0.7,.,0.1]", [None, 0.1]),
        ("AC=3,1;AN=10", [0.3, 0.1]),
        ("AF=0.25", [None, None]),
        ("AF=1.5,-1", [None, None]),
        ("AC=3,1;AN=0", [None, None]),
        (".", [None, None]),
    ],
)
def test_the_allele_frequency_of_the_file_comes_with_its_variants(info: str, frequencies: list[float | None]) -> None:
    text = HEADER + f"chr1\t9\trs1\tG\tT,C\t.\t.\t{info}\n"
    assert [one.frequency for one in read_vcf(text.encode(), "x.vcf")] == pytest.approx(frequencies)


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path: Path, vcf: Path) -> None:
    zipped, blocks = tmp_path / "a.vcf.gz", tmp_path / "b.vcf.gz"
    zipped.write_bytes(gzip.compress(vcf.read_bytes(), mtime=0))
    pysam.tabix_compress(str(vcf), str(blocks))
    assert read_vcf(zipped) == read_vcf(blocks) == read_vcf(vcf)


def test_pysam_reads_the_same_alleles(vcf: Path) -> None:
    with pysam.VariantFile(str(vcf)) as handle:
        expected = [(r.contig, r.pos, r.ref, a) for r in handle for a in r.alts or ()]
    assert [(v.contig, v.position, v.reference, v.alternate) for v in read_vcf(vcf)] == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello\nworld\n", "'mine.vcf' is not a VCF: line 1 comes before the header"),
        (">chr1\nACGT\n", "not a VCF"),
        (HEADER, "holds no variants"),
        (HEADER + "chr1\tnine\t.\tA\tC\t.\t.\t.\n", "Line 5 of 'mine.vcf' has the position 'nine'"),
        (HEADER + "chr1\t0\t.\tA\tC\t.\t.\t.\n", "positions start at 1"),
        (HEADER + "chr1\t9\t.\tX\tC\t.\t.\t.\n", "reference allele 'X'"),
        (HEADER + "chr1\t9\n", "has 2 columns"),
        (HEADER.replace("#CHROM", "#chrom") + "chr1\t9\t.\tA\tC\t.\t.\t.\n", "header line #CHROM"),
    ],
)
def test_what_is_not_a_vcf_is_one_sentence_with_the_line(content: str, words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        parse_vcf("mine.vcf", content.split("\n"))


def test_a_contig_or_field_that_the_header_does_not_define_is_no_obstacle(
    tmp_path: Path, reference: ReferenceLetters, engine: Engine
) -> None:
    """htslib ends the process when such a record is copied."""
    text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t9\t.\tG\tT\t.\tweird\tFOO=1;BAR\n"
    result = engine.run_triage(TriageRequest(parse_vcf("a", text.split("\n")), reference, parameters=TriageParameters(20)))
    write_triage_vcf(result, text.split("\n"), tmp_path / "out.vcf")
    assert (tmp_path / "out.vcf").read_text().splitlines()[-1].startswith("1\t9\t.\tG\tT\t.\tweird\tFOO=1;BAR;LCS_LLR=")


def test_fields_of_an_earlier_run_are_replaced(tmp_path: Path, vcf: Path, reference: ReferenceLetters, engine: Engine) -> None:
    result = engine.run_triage(TriageRequest(read_vcf(vcf), reference, parameters=TriageParameters(20)))
    write_triage_vcf(result, lines_of_file(vcf), tmp_path / "once.vcf")
    write_triage_vcf(result, lines_of_file(tmp_path / "once.vcf"), tmp_path / "twice.vcf")
    once = [line for line in (tmp_path / "once.vcf").read_text().splitlines() if not line.startswith("##locuscope")]
    twice = [line for line in (tmp_path / "twice.vcf").read_text().splitlines() if not line.startswith("##locuscope")]
    assert once == twice


def test_too_many_variants_are_refused(vcf: Path) -> None:
    with pytest.raises(FileFormatError, match="more than 2 variants"):
        read_vcf(vcf, bounds=replace(OWN_FILES, alleles=2))


def test_windows_are_centred_and_cut_at_the_ends_of_the_contig(vcf: Path, reference: ReferenceLetters) -> None:
    sites = list(place_variants(read_vcf(vcf), reference, 20))
    assert [(site.window.letters if site.window else None, site.index) for site in (sites[0], sites[5])] == [
        (CONTIG[:18], 8),
        (CONTIG[228:240], 10),
    ]
    assert sites[2].window is not None
    assert sites[2].window.letters[sites[2].index] == "C"


def test_each_row_says_what_kept_it_from_being_scored(vcf: Path, reference: ReferenceLetters, engine: Engine) -> None:
    result = engine.run_triage(TriageRequest(read_vcf(vcf), reference, parameters=TriageParameters(20)))
    assert [row.status for row in result.rows] == [
        "scored",
        "scored",
        "reference_mismatch",
        "scored",
        "outside",
        "scored",
        "not_scored",
    ]
    assert result.rows[2].note == "REF is A but the reference has C; check the assembly and the strand."
    assert "no contig chrQ" in result.rows[4].note
    assert result.provenance.parameters == {"window_bp": 20, "influence": True}


def test_the_table_has_one_row_an_allele_and_the_provenance(
    tmp_path: Path, vcf: Path, reference: ReferenceLetters, engine: Engine, gff: Path
) -> None:
    request = TriageRequest(read_vcf(vcf), reference, read_transcripts(gff), parameters=TriageParameters(20))
    out = tmp_path / "out.tsv"
    write_triage_table(engine.run_triage(request), out)
    lines = out.read_text().splitlines()
    assert lines[1].startswith("# provenance: {")
    assert lines[2] == "\t".join(COLUMNS)
    rows = [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[3:]]
    assert len(rows) == 7
    assert (rows[0]["consequence"], rows[0]["gene"], rows[0]["position"]) == ("missense_variant", "ABC1", "9")
    assert rows[3]["consequence"] == "frameshift_variant"
    assert rows[5]["consequence"] == "downstream_gene_variant"
    assert rows[2]["llr"] == ""
    told = ("impact", "consequences", "transcript", "hgvs_c", "hgvs_p", "genetic_code", "left_aligned_position", "left_aligned_alternate")
    assert [rows[0][name] for name in told] == ["MODERATE", "missense_variant", "t1", "c.4G>T", "p.(Ala2Ser)", "1", "9", "T"]
    assert rows[3]["hgvs_c"] == "c.7_7+1insA"
    assert lines[2].split("\t")[:13] == list(COLUMNS[:13])
    assert COLUMNS[12] == "note"
    assert '"gene_models": "' in lines[1]
    assert float(rows[0]["influence"]) > 0


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
def test_the_vcf_keeps_its_records_and_gains_fields_that_pysam_reads_back(
    tmp_path: Path, vcf: Path, reference: ReferenceLetters, engine: Engine, name: str
) -> None:
    result = engine.run_triage(TriageRequest(read_vcf(vcf), reference, parameters=TriageParameters(20)))
    out = tmp_path / name
    write_triage_vcf(result, lines_of_file(vcf), out)
    with pysam.VariantFile(str(out)) as handle:
        records = list(handle)
        assert "locuscope_provenance" in str(handle.header)
    assert [(r.contig, r.pos, r.ref, r.alts) for r in records][:2] == [("chr1", 9, "G", ("T", "C")), ("chr1", 10, "A", ("C",))]
    assert len(records) == len(RECORDS)
    expected = tuple(row.llr for row in result.rows[:2])
    assert records[0].info["LCS_LLR"] == pytest.approx(expected, rel=1e-5)
    assert records[0].info["LCS_STATUS"] == ("scored", "scored")
    assert records[1].info["LCS_STATUS"] == ("reference_mismatch",)
    assert "LCS_LLR" not in records[1].info
    assert records[0].info["LCS_LEFT_ALIGNED"] == ("9|G|T", "9|G|C")


def test_the_vcf_gains_one_entry_a_transcript_and_allele(
    tmp_path: Path, vcf: Path, reference: ReferenceLetters, engine: Engine, gff: Path
) -> None:
    result = engine.run_triage(TriageRequest(read_vcf(vcf), reference, read_transcripts(gff), parameters=TriageParameters(20)))
    with open_vcf(vcf, vcf.name) as source:
        write_triage_vcf(result, source, tmp_path / "out.vcf")
    with pysam.VariantFile(str(tmp_path / "out.vcf")) as handle:
        first = next(iter(handle))
    assert first.info["LCS_CONSEQUENCE"] == ("missense_variant", "missense_variant")
    assert first.info["LCS_IMPACT"] == ("MODERATE", "MODERATE")
    assert first.info["LCS_TRANSCRIPTS"] == (
        "T|missense_variant|MODERATE|ABC1|t1|c.4G>T|p.(Ala2Ser)|1|",
        "C|missense_variant|MODERATE|ABC1|t1|c.4G>C|p.(Ala2Pro)|1|",
    )


def test_a_contig_without_annotation_has_no_consequence(reference: ReferenceLetters) -> None:
    elsewhere = Transcripts([Transcript("t", "g", simple_parts(((3, 34),), "+", "22"))])
    (site,) = place_variants([Variant("1", 9, "G", "T")], reference, 20, elsewhere)
    assert site.consequences == ()


@pytest.mark.parametrize(("position", "alleles"), [(9, "G>T"), (8, "GG>GT"), (9, "GC>TC"), (7, "TGGCA>TGTCA")])
def test_a_padded_substitution_has_the_window_and_the_score_of_the_plain_one(
    reference: ReferenceLetters, engine: Engine, position: int, alleles: str
) -> None:
    old, new = alleles.split(">")
    plain, padded = Variant("1", 9, "G", "T"), Variant("1", position, old, new)
    result = engine.run_triage(TriageRequest((plain, padded), reference, parameters=TriageParameters(10)))
    assert result.rows[1].status == "scored"
    assert (result.rows[1].llr, result.rows[1].influence) == (result.rows[0].llr, result.rows[0].influence)
    first, second = place_variants([plain, padded], reference, 10)
    assert first.window is not None
    assert second.window is not None
    assert (first.window.letters, first.place) == (second.window.letters, second.place)


@pytest.mark.parametrize(
    ("position", "ref", "alt"), [(51, "GTA", "G"), (51, "G", "GTTA"), (51, "GTA", "GC"), (51, CONTIG[50:90], "G"), (238, "CGT", "C")]
)
def test_the_letters_behind_a_change_of_length_fill_its_window(reference: ReferenceLetters, position: int, ref: str, alt: str) -> None:
    """With the alternate in it the window goes on as the contig does, as long as it was where the contig reaches."""
    assert CONTIG[position - 1 :].startswith(ref)
    (site,) = place_variants([Variant("1", position, ref, alt)], reference, 20)
    assert site.window is not None
    changed = CONTIG[: position - 1] + alt + CONTIG[position - 1 + len(ref) :]
    start = site.change.start - 10
    whole = site.window.letters[: site.place] + site.change.alternate + site.behind
    assert site.window.letters == CONTIG[start : start + 20]
    assert whole == changed[start : start + 20]


@pytest.mark.parametrize(("position", "ref", "alt"), [(51, "G", "C"), (51, "GTA", "G"), (51, "G", "GTTA"), (4, "T", "A"), (235, "G", "C")])
def test_an_allele_of_a_window_on_screen_has_the_site_and_the_score_of_its_triage(
    reference: ReferenceLetters, engine: Engine, position: int, ref: str, alt: str
) -> None:
    variant = Variant("1", position, ref, alt)
    (site,) = place_variants([variant], reference, 20)
    removed = max(0, len(site.change.reference) - len(site.change.alternate))
    start = site.change.start - site.place
    shown = NucleotideSequence(CONTIG[start : start + len(site.window) + removed])
    request = AlleleRequest(shown, replace(site.change, start=site.place))
    (again,) = request.sites(20)
    assert (again.window.letters, again.place, again.behind) == (site.window.letters, site.place, site.behind)
    scored = engine.run_triage(request).rows[0]
    expected = engine.run_triage(TriageRequest((variant,), reference, parameters=TriageParameters(20))).rows[0]
    assert (scored.llr, scored.influence, scored.status) == (expected.llr, expected.influence, expected.status)


def test_the_padding_is_checked_against_the_reference_too(reference: ReferenceLetters) -> None:
    (site,) = place_variants([Variant("1", 8, "AG", "AT")], reference, 10)
    assert site.status == "reference_mismatch"


def test_alleles_that_are_the_same_are_not_scored(reference: ReferenceLetters, engine: Engine) -> None:
    (row,) = engine.run_triage(TriageRequest((Variant("1", 9, "G", "G"),), reference, parameters=TriageParameters(10))).rows
    assert (row.status, row.llr, row.consequences, row.left_aligned) == ("not_scored", None, (), None)
    assert row.note == "REF and ALT are the same letters; nothing changes."


def test_an_indel_is_left_aligned_for_output(reference: ReferenceLetters) -> None:
    """TTTTTATGGCATG: one of the first five T, written at the last of them."""
    sites = place_variants([Variant("1", 4, "TT", "T"), Variant("1", 8, "GG", "GT"), Variant("1", 9, "G", "<DEL>")], reference, 10)
    assert [site.left_aligned for site in sites] == [(1, "TT", "T"), (9, "G", "T"), None]


def test_a_gene_that_the_cut_reference_has_in_part_only_says_so(tmp_path: Path) -> None:
    path = tmp_path / "parts.fa"
    path.write_text(f">left chr7:1,001-1,240\n{CONTIG}\n")
    cut = ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))
    genes = Transcripts([Transcript("t", "g", simple_parts(((900, 1020),), "+", "7"), simple_parts(((900, 1020),), "+", "7"))])
    (site,) = place_variants([Variant("chr7", 1009, "G", "T")], cut, 20, genes)
    assert (site.status, site.consequences[0].terms) == ("scored", ("coding_sequence_variant",))
    assert "cannot be read: The reference has no 7:901-1,020" in site.consequences[0].note


def test_another_vcf_cannot_be_annotated_with_these_scores(tmp_path: Path, vcf: Path, reference: ReferenceLetters, engine: Engine) -> None:
    result = engine.run_triage(TriageRequest(read_vcf(vcf)[:1], reference, parameters=TriageParameters(20)))
    with pytest.raises(FileFormatError, match="same VCF"):
        write_triage_vcf(result, lines_of_file(vcf), tmp_path / "out.vcf")


def test_a_triage_can_be_stopped_and_keeps_its_rows(tmp_path: Path) -> None:
    calls = Calls(seconds=0.02)
    engine = Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", calls))
    letters = "".join(f"A{'CGT'[n % 3]}{'CGT'[n // 3 % 3]}{'CGT'[n // 9 % 3]}" for n in range(60))  # no window twice
    (tmp_path / "unlike.fa").write_text(f">1\n{letters}\n")
    reference = ReferenceLetters.of_file(tmp_path / "unlike.fa", Settings(home=tmp_path / "home"))
    variants = tuple(Variant("1", 41 + 4 * n, "A", "C", record=n) for n in range(40))
    job = engine.submit_triage(TriageRequest(variants, reference, parameters=TriageParameters(20)))
    while job.partial is None:
        assert not job.wait(0.01)
    job.cancel()
    assert job.wait(60)
    assert job.state == "cancelled"
    assert 0 < len(job.partial.rows) < 40
    assert job.partial.provenance.partial
    with pytest.raises(Cancelled):
        job.answer()


def test_another_registered_genome_that_has_the_contigs_is_named(tmp_path: Path) -> None:
    (tmp_path / "yeast.fa").write_text(f">chrI\n{CONTIG}\n")
    (tmp_path / "coli.fa").write_text(f">NC_000913.3\n{CONTIG}\n")
    files = {"R64": "yeast.fa", "K12": "coli.fa", "broken": "nowhere.fa"}

    def set_of(*names: str) -> GenomeSet:
        text = ",".join(f"{name}={tmp_path / files.get(name, 'coli.fa')}" for name in names)
        return GenomeSet(Settings(home=tmp_path / "home", genomes=text, offline=True))

    coli, yeast = (Variant(contig, 9, "G", "T") for contig in ("NC_000913.3", "chrI"))
    genomes = set_of("R64", "K12", "broken")
    said = other_reference([coli, coli], ReferenceLetters(genomes, "R64"))
    assert said == "R64 has none of the contigs of these variants, K12 (ASM584v2) has all of them; choose K12 (ASM584v2) as the reference."
    assert other_reference([coli, yeast], ReferenceLetters(genomes, "R64")) == ""
    assert other_reference([coli], ReferenceLetters(genomes, "ASM584v2")) == ""
    assert other_reference([], ReferenceLetters(genomes, "R64")) == ""
    assert other_reference([Variant("chrQ", 9, "G", "T")], ReferenceLetters(genomes, "R64")) == ""
    assert other_reference([coli], ReferenceLetters(set_of("R64", "K12", "mine"), "R64")) == ""  # two have it
    own = ReferenceLetters.of_file(tmp_path / "yeast.fa", Settings(home=tmp_path / "home", genomes=f"K12={tmp_path / 'coli.fa'}"))
    assert other_reference([coli], own) == ""


def test_a_registered_genome_brings_its_gene_models(tmp_path: Path, gff: Path) -> None:
    fasta = tmp_path / "ref.fa"
    fasta.write_text(f">1\n{CONTIG}\n")
    settings = Settings(home=tmp_path / "home", genomes=f"Small={fasta};{gff},Bare={fasta}")
    assert [t.gene for t in ReferenceLetters(GenomeSet(settings), "Small").transcripts()] == ["ABC1"]
    assert not ReferenceLetters(GenomeSet(settings), "Bare").transcripts()


def test_records_that_are_parts_of_contigs_are_placed_by_their_headers(tmp_path: Path) -> None:
    path = tmp_path / "parts.fa"
    path.write_text(f">left chr7:1,001-1,240 a part\n{CONTIG}\n>right chr7:5001-5240\n{CONTIG[::-1]}\n>wrong chr8:1-10\n{CONTIG}\n")
    reference = ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))
    variants = [
        Variant("7", 1009, "G", "T"),
        Variant("chr7", 5001, CONTIG[-1], "A"),
        Variant("7", 3000, "G", "T"),
        Variant("8", 5, "A", "C"),
    ]
    sites = list(place_variants(variants, reference, 20))
    assert [site.status for site in sites] == ["scored", "scored", "outside", "outside"]
    assert [(site.window.letters if site.window else "", site.index) for site in sites[:2]] == [(CONTIG[:18], 8), (CONTIG[::-1][:10], 0)]
    assert "chr7:1,001-1,240 only" in sites[2].note
    assert "no contig 8" in sites[3].note


def test_contigs_are_found_by_every_name_that_the_box_takes(tmp_path: Path, engine: Engine) -> None:
    """Window, REF, gene models and the file that is written: by all of a contig's names, in the words of the VCF."""
    fasta, gff = tmp_path / "yeast.fa", tmp_path / "genes.gff3"
    fasta.write_text(f">chrI\n{CONTIG}\n>chrII\n{CONTIG[::-1]}\n")
    gff.write_text(GFF.replace("\n1\t", "\nNC_001133.9\t"))
    settings = Settings(home=tmp_path / "home", genomes=f"R64={fasta};{gff}")
    genomes = GenomeSet(settings)
    registered, given = ReferenceLetters(genomes, "R64"), ReferenceLetters.of_file(fasta, settings, gff, "R64")
    names = ["chrI", "chr1", "I", "1", "NC_001133.9", "CHRI"]
    (tmp_path / "in.vcf").write_text(HEADER + "".join(f"{name}\t9\t.\tG\tT\t.\t.\t.\n{name}\t9\t.\tC\tT\t.\t.\t.\n" for name in names))
    variants = read_vcf(tmp_path / "in.vcf")
    for name in names:
        assert genomes.resolve(f"R64:{name}:9").contig == "chrI"
    for reference in (registered, given):
        sites = list(place_variants(variants, reference, 20, read_transcripts(gff)))
        assert [site.status for site in sites] == ["scored", "reference_mismatch"] * len(names)
        assert [[one.gene for one in site.consequences] for site in sites[::2]] == [["ABC1"]] * len(names)
        found = engine.run_triage(TriageRequest(variants, reference, read_transcripts(gff), "pairs", TriageParameters(20)))
        assert arguments_of(found.provenance)[-2:] == ["--assembly", "R64"]  # a script needs the names, too
        write_triage_vcf(found, lines_of_file(tmp_path / "in.vcf"), tmp_path / "out.vcf")
        assert [line.split("\t")[0] for line in lines_of_file(tmp_path / "out.vcf") if line[0] != "#"] == [
            name for name in names for _ in "12"
        ]


def test_a_contig_that_is_unknown_is_told_with_those_there_are(tmp_path: Path) -> None:
    fasta = tmp_path / "yeast.fa"
    fasta.write_text("".join(f">chr{name}\n{CONTIG}\n" for name in ("I", "II", "III", "IV")))
    settings = Settings(home=tmp_path / "home", genomes=f"R64={fasta}")
    (site,) = place_variants([Variant("plasmid", 9, "G", "T")], ReferenceLetters(GenomeSet(settings), "R64"), 20)
    told = "The reference has no contig plasmid, but contigs such as chrI, chrII, chrIII and 1 more; give the assembly the variants were called on"
    assert (site.status, site.note) == ("outside", f"{told}.")
    (site,) = place_variants([Variant("plasmid", 9, "G", "T")], ReferenceLetters.of_file(fasta, settings), 20)
    assert site.note == f"{told}, or say which public one the reference is (--assembly, on the page My FASTA is)."


def test_clinvar_alleles_fit_the_brca1_window_of_their_assembly(shared: Path, tmp_path: Path) -> None:
    """All BRCA1 substitutions of a GRCh37 ClinVar have the reference's base in the GRCh37 window, few in another place."""
    data = shared / "data"
    reference = ReferenceLetters.of_file(data / "genomes" / "human" / "BRCA_loci.fa.gz", Settings(home=tmp_path))
    variants = [
        v for v in read_vcf(data / "benchmarks" / "clinvar_GRCh37_2016.vcf.gz") if v.contig == "17" and 41_196_000 < v.position < 41_278_000
    ]
    chosen = [variant for variant in variants if variant.kind == "substitution"][:300]
    assert len(chosen) == 300
    assert {site.status for site in place_variants(chosen, reference, 21)} == {"scored"}
    moved = [Variant("17", v.position + 1_850_000, v.reference, v.alternate) for v in chosen]
    assert sum(site.status == "reference_mismatch" for site in place_variants(moved, reference, 21)) > 150


def test_real_yeast_genes_start_with_atg_and_end_with_a_stop(shared: Path, tmp_path: Path) -> None:
    """A C instead of the first base of a gene loses the start, one in the middle of the stop codon (TCA, TCG) loses the stop."""
    folder = shared / "data" / "genomes" / "yeast"
    transcripts = read_transcripts(folder / "S_cerevisiae_S288C_R64.gff3.gz")
    reference = ReferenceLetters.of_file(folder / "S_cerevisiae_S288C_R64.fa.gz", Settings(home=tmp_path))
    names = {"YAL003W_mRNA": "EFB1", "YAL001C_mRNA": "TFC3"}
    chosen = [t for t in transcripts if t.identifier in names]
    assert {t.gene for t in chosen} == set(names.values())
    found = []
    for transcript in chosen:
        begins, ends = transcript.coding[0], transcript.coding[-1]
        first = begins.start if begins.forward else begins.end - 1
        stop = ends.end - 2 if ends.forward else ends.start + 1
        for position in (first, stop):
            base = reference.letters(begins.contig, position, position + 1)
            variant = Variant(begins.contig, position + 1, base, "C" if begins.forward else "G")
            (site,) = place_variants([variant], reference, 51, Transcripts(chosen))
            found.append((site.status, site.consequences[0].term, site.consequences[0].gene))
    assert found == [
        ("scored", "start_lost", "EFB1"),
        ("scored", "stop_lost", "EFB1"),
        ("scored", "start_lost", "TFC3"),
        ("scored", "stop_lost", "TFC3"),
    ]


def test_a_bcf_is_read_like_the_vcf_it_came_from(tmp_path: Path, vcf: Path) -> None:
    import pysam.bcftools

    path = tmp_path / "in.bcf"
    pysam.bcftools.view("-Ob", "-o", str(path), str(vcf), catch_stdout=False)
    assert read_vcf(path) == read_vcf(vcf)
    assert read_vcf(path.read_bytes(), "upload.bcf") == read_vcf(vcf)
    (tmp_path / "broken.bcf").write_bytes(path.read_bytes()[:60])
    with pytest.raises(FileFormatError):
        read_vcf(tmp_path / "broken.bcf")
