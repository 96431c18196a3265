"""Registered references and annotations: every packing, aliases, indexes, and settings that are wrong."""

from __future__ import annotations

import gzip
import re
import threading
from pathlib import Path

import pysam
import pytest

from engine.core.errors import FileFormatError, LocusError, ParameterError, SourceUnavailable
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.sources.annotation import gtf_attributes, parse_annotation
from engine.sources.annotation_index import FeatureIndex, TabixAnnotation, open_annotation
from engine.sources.assemblies import assemblies, canonical, find_contig, find_contigs_of, is_accession, nearest
from engine.sources.genomes import GenomeSet
from engine.sources.outward_links import hub_names
from engine.sources.reference import Reference
from engine.sources.understand import understand
from tests.sources.conftest import CHR_I, CHR_II, GFF, fasta_text


def registered(folder: Path, fasta: Path, annotation: Path | None = None) -> GenomeSet:
    extra = f";{annotation}" if annotation else ""
    return GenomeSet(Settings(home=folder / "home", genomes=f"mine={fasta}{extra}", offline=True))


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
def test_a_reference_reads_the_same_in_every_packing_and_nothing_is_written_beside_it(packing: str, tmp_path: Path) -> None:
    folder = tmp_path / "read"
    folder.mkdir()
    path = folder / ("r.fa" if packing == "plain" else "r.fa.gz")
    if packing == "plain":
        path.write_text(fasta_text().lower().replace("chri", "chrI"))
    elif packing == "gzip":
        path.write_bytes(gzip.compress(fasta_text().encode(), mtime=0))
    else:
        (tmp_path / "r.fa").write_text(fasta_text())
        pysam.tabix_compress(str(tmp_path / "r.fa"), str(path))
    genomes = registered(tmp_path, path)
    name = "chrI"
    assert genomes.fetch(Locus("mine", name, 95, 205)).letters == CHR_I[95:205]
    assert list(folder.iterdir()) == [path]
    again = registered(tmp_path, path)
    assert again.fetch(Locus("mine", name, 300, 310)).letters == CHR_I[300:310]


def test_while_one_genome_is_indexed_the_others_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("slow", "quick"):
        (tmp_path / f"{name}.fa").write_text(fasta_text())
    names = ",".join(f"{name}={tmp_path / name}.fa" for name in ("slow", "quick"))
    genomes = GenomeSet(Settings(home=tmp_path / "home", genomes=names, offline=True))
    begun, go_on = threading.Event(), threading.Event()

    def opened(name: str, *given: object) -> Reference:
        if name == "slow":
            begun.set()
            assert go_on.wait(60)
        return Reference(name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("engine.sources.genomes.Reference", opened)
    waiting = threading.Thread(target=genomes.contigs, args=("slow",))
    waiting.start()
    assert begun.wait(60)
    found: list[dict[str, int]] = []
    other = threading.Thread(target=lambda: found.append(genomes.contigs("quick")), daemon=True)
    other.start()
    other.join(60)
    answered = bool(found)
    go_on.set()
    waiting.join(60)
    assert answered


def test_contigs_have_their_lengths_in_file_order(genomes: GenomeSet) -> None:
    assert genomes.names() == ("R64",)
    assert list(genomes.contigs("sacCer3").items()) == [("chrI", 310), ("chrII", 50)]


def test_a_registered_genome_keeps_the_name_it_was_given_beside_the_public_one(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">NC_000913.3\nACGT\n")
    names = ",".join(f"{name}={tmp_path / 'a.fa'}" for name in ("K12", "sacCer3", "R64x", "grch38"))
    genomes = GenomeSet(Settings(home=tmp_path / "home", genomes=names, offline=True))
    assert genomes.names() == ("ASM584v2", "R64", "R64x", "GRCh38")
    assert [genomes.words_for(name) for name in genomes.names()] == ["K12 (ASM584v2)", "sacCer3 (R64)", "R64x", "grch38 (GRCh38)"]
    assert genomes.words_for("k12") == "K12 (ASM584v2)"


def test_a_genbank_file_is_reference_and_annotation_in_one(tmp_path: Path) -> None:
    from tests.sources.test_understand import GENBANK

    path = tmp_path / "r.gbk.gz"
    path.write_bytes(gzip.compress(GENBANK.encode(), mtime=0))
    genomes = registered(tmp_path, path)
    assert genomes.contigs("mine") == {"TEST1.1": 60}
    found = genomes.features(Locus("mine", "TEST1.1", 8, 14))
    assert [(item.kind, item.start, item.end, item.strand) for item in found] == [("CDS", 1, 6, "+"), ("gene", 2, 6, "-")]
    assert str(understand("abcd", genomes, Settings(home=tmp_path)).records[0].locus) == "mine:TEST1.1:11-20:-"


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.fa.gz"
    path.write_bytes(gzip.compress(b">a\nACGT\n", mtime=0))
    assert registered(tmp_path, path).fetch(Locus("mine", "a", 0, 4)).letters == "ACGT"
    path.write_bytes(gzip.compress(b">a\nTTTTTT\n", mtime=0))
    assert registered(tmp_path, path).fetch(Locus("mine", "a", 0, 6)).letters == "TTTTTT"


def test_many_threads_open_a_reference_once_and_read_right(genomes: GenomeSet) -> None:
    found: dict[int, str] = {}

    def read(number: int) -> None:
        found[number] = genomes.fetch(Locus("R64", "chrI", number, number + 10)).letters

    threads = [threading.Thread(target=read, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: CHR_I[number : number + 10] for number in range(24)}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"ACGT\nAC\nACGT\n", FileFormatError),
        (gzip.compress(b">a\nACGT\n", mtime=0)[:-6], FileFormatError),
        (None, SourceUnavailable),
    ],
)
def test_a_registered_file_that_cannot_be_read_is_one_sentence_without_its_folder(
    content: bytes | None, error: type[Exception], tmp_path: Path
) -> None:
    path = tmp_path / "secret" / "r.fa"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        registered(tmp_path, path).fetch(Locus("mine", "a", 0, 4))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["nonsense", "=x.fa", "a=", "a=x.fa,b"])
def test_a_setting_that_does_not_parse_says_how_to_write_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="NAME=FASTA"):
        GenomeSet(Settings(home=tmp_path, genomes=text))


def test_a_locus_wider_than_the_bound_is_refused(genomes: GenomeSet, settings: Settings) -> None:
    with pytest.raises(LocusError, match="up to 100,000"):
        genomes.fetch(Locus("R64", "chrI", 0, 200_000))


def test_a_contig_in_two_assemblies_needs_the_assembly(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">chr1\nACGT\n")
    genomes = GenomeSet(Settings(home=tmp_path / "h", genomes=f"one={tmp_path / 'a.fa'},two={tmp_path / 'a.fa'}", offline=True))
    with pytest.raises(LocusError, match="one, two"):
        genomes.resolve("1:1-2")
    assert genomes.fetch(genomes.resolve("two:1:1-2")).letters == "AC"


def test_features_by_position_include_long_ones_that_began_far_before() -> None:
    lines = ["chr1\tx\tgene\t1\t1000\t.\t+\t.\tID=long", *(f"chr1\tx\tgene\t{n}\t{n + 4}\t.\t+\t.\tID=s{n}" for n in range(10, 990, 10))]
    index = FeatureIndex(parse_annotation(lines, "gff3"))
    assert [item.name for item in index.overlapping("chr1", 899, 905)] == ["long", "s900"]
    assert index.overlapping("chr1", 1000, 2000) == ()
    assert index.overlapping("chr2", 0, 10) == ()


def test_gtf_attributes_keep_semicolons_inside_quotes() -> None:
    assert gtf_attributes('gene_id "G1"; note "a; b"; level 2; gene_name "X";') == {
        "gene_id": "G1",
        "note": "a; b",
        "level": "2",
        "gene_name": "X",
    }


def test_bed_is_zero_based_and_gtf_is_one_based(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text('track name="x"\nchr1\t10\t20\tpeak\t5\t-\n')
    (tmp_path / "a.gtf").write_text('#!x\nchr1\ts\texon\t11\t20\t.\t-\t.\tgene_id "G";\n')
    for name in ("a.bed", "a.gtf"):
        (found,) = open_annotation(tmp_path / name).overlapping("chr1", 0, 100)
        assert (found.start, found.end, found.strand) == (10, 20, "-")


def test_an_annotation_with_a_tabix_index_is_read_through_it(tmp_path: Path) -> None:
    body = [line for line in GFF.splitlines() if line.startswith("chr")]
    (tmp_path / "a.gff3").write_text("\n".join(sorted(body)) + "\n")
    pysam.tabix_index(str(tmp_path / "a.gff3"), preset="gff", force=True, keep_original=True)
    annotation = open_annotation(tmp_path / "a.gff3.gz")
    assert isinstance(annotation, TabixAnnotation)
    assert [item.name for item in annotation.overlapping("chrI", 21, 23)] == ["TFC3", "YAL001C_intron"]
    assert annotation.contigs() == ("chrI", "chrII")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.gff3", "chr1\tx\tgene\t5\n", "line 1 has 4 columns"),
        ("a.gff3", "##gff-version 3\nchr1\tx\tgene\t9\t3\t.\t+\t.\tID=a\n", "spans 9-3"),
        ("a.gff3", "chr1\tx\tgene\tten\t3\t.\t+\t.\tID=a\n", "the coordinate 'ten'"),
        ("a.bed", "chr1\t20\t10\n", "0-based half-open"),
        ("a.bed", f"chr1\t20\t{10**30}\n", "not a whole number that a contig could have"),
        ("a.bed", "chr1\n", "no start and end"),
        ("a.xls", "x\n", "no known kind"),
    ],
)
def test_broken_annotation_gets_one_sentence(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FileFormatError, match=r"annotation|BED") as caught:
        open_annotation(tmp_path / name)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("4", "chrIV"),
        ("chr4", "chrIV"),
        ("IV", "chrIV"),
        ("chriv", "chrIV"),
        ("NC_001136.10", "chrIV"),
        ("mito", "chrMT"),
        ("M", "chrMT"),
        ("XX", None),
    ],
)
def test_contig_aliases_of_yeast(given: str, expected: str | None) -> None:
    table = next(row for row in assemblies() if row.name == "R64").contigs
    assert find_contig(given, ["chrI", "chrIV", "chrMT"], table) == expected


def test_no_alias_of_an_assembly_means_two_contigs_and_no_synonym_two_assemblies() -> None:
    names = [name.casefold() for row in assemblies() for name in (row.name, *row.synonyms)]
    assert len(names) == len(set(names))
    for row in assemblies():
        for contig, others in row.contigs.items():
            for other in others:
                assert find_contig(other, row.contigs, row.contigs) == contig
    assert canonical("HG19") == "GRCh37"


def test_every_accession_is_proven_or_left_out() -> None:
    """`proven` says where each was held against a public source; an accession or database name that none of its lines speaks of is written from
    memory and has no place in the table."""
    for row in assemblies():
        said = " ".join(row.proven)
        given = [name for name in (row.ncbi, row.ucsc, *row.synonyms) if re.match(r"GC[AF]_\d", name) or name == row.ucsc]
        assert [name for name in given if name and name not in said] == [], row.name
        accessions = {other for contig, others in row.contigs.items() for other in (contig, *others) if is_accession(other)}
        assert not accessions or "contigs" in said or {name for name in accessions if name in said} == accessions, row.name


def test_the_mitochondrion_of_hg19_at_ucsc_is_another_record_than_that_of_grch37() -> None:
    """hg19 has both: chrM is NC_001807, and chrMT is NC_012920.1, which is what GRCh37 has."""
    table = next(row for row in assemblies() if row.name == "GRCh37").contigs
    assert find_contig("NC_012920.1", ["chr1", "chrM", "chrMT"], table) == "chrMT"
    assert find_contig("MT", ["chr1", "chrM", "chrMT"], table) == "chrMT"
    assert find_contig("chrM", ["chr1", "chrM", "chrMT"], table) == "chrM"
    assert hub_names("GRCh37", "MT")[:2] == ("hg19", "chrMT")


@pytest.mark.parametrize(
    ("assembly_name", "name", "contigs", "expected"),
    [
        ("R64", "chrIV", ("chrIV", "IV", "chrV", "NC_001136.10", "NC_001136.9"), ("chrIV", "IV", "NC_001136.10")),
        ("R64", "IV", ("chrV", "4", "chrIV"), ("4", "chrIV")),
        ("R64", "chrM", ("Mito", "chrMT", "chrM"), ("Mito", "chrMT", "chrM")),
        ("GRCh37", "MT", ("chrM", "chrMT", "MT"), ("chrMT", "MT")),
        ("GRCh37", "chrM", ("chrM", "chrMT", "MT"), ("chrM",)),
        ("", "chr7", ("7", "chr7", "chr17"), ("7", "chr7")),
        ("", "chrM", ("chrM", "MT"), ("chrM",)),
        ("", "NC_1234567", ("NC_1234567", "NC_1234567.1", "NC_1234567.2"), ("NC_1234567",)),
        ("", "chr7", ("chr8",), ()),
    ],
)
def test_all_names_of_a_contig_in_a_file_are_found(
    assembly_name: str, name: str, contigs: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert find_contigs_of(assembly_name, name, contigs) == expected


@pytest.mark.parametrize("given", ["chrM", "MT", "NC_012920.1", "NC_012920", "gi|251831106|ref|NC_012920.1|"])
def test_a_record_named_as_older_files_of_ncbi_do_is_found_by_its_accession(given: str) -> None:
    table = next(row for row in assemblies() if row.name == "GRCh38").contigs
    records = ["gi|251831106|ref|NC_012920.1|", "gb|U00096.3|"]
    assert find_contig(given, records, table) == records[0]
    assert find_contig("NC_012920.2", records, table) is None
    assert find_contig("ref|U00096.3|", records) == records[1]


def test_nearest_names_are_offered_for_a_slip() -> None:
    assert nearest("chrIVV", ["chrI", "chrIV", "chrX"], 1) == "chrIV"
    assert nearest("zzz", ["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_lengths_of_the_second_contig_hold(genomes: GenomeSet) -> None:
    assert genomes.fetch(Locus("R64", "chrII", 0, 50)).letters == CHR_II


def test_real_genomes_and_their_annotations_are_read(shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / "genomes"
    genomes = GenomeSet(
        Settings(
            home=tmp_path,
            genomes=f"R64={data}/yeast/S_cerevisiae_S288C_R64.fa.gz;{data}/yeast/S_cerevisiae_S288C_R64.gff3.gz,"
            f"K12={data}/annotated/E_coli_K12_MG1655.fna.gz;{data}/annotated/E_coli_K12_MG1655.gff.gz,"
            f"lambda={data}/annotated/phage_lambda_NC_001416.gbk.gz",
            offline=True,
        )
    )
    settings = Settings(home=tmp_path, offline=True)
    intron = understand("chrII:407,028-407,122:-", genomes, settings)
    assert intron.records[0].letters.startswith("GTATGT")
    assert ("intron", 0, 95, "+") in {(item.kind, item.start, item.end, item.strand) for item in intron.features}
    lac = understand("NC_000913.3:366296-366428:-", genomes, settings)
    assert ("lacZ", "+") in {(item.name, item.strand) for item in lac.features}
    assert understand("lacZ", genomes, settings).records[0].letters.startswith("ATGACCATGATTACG")
    operator = understand("lambda:NC_001416:37951-37967", genomes, settings)
    assert operator.records[0].letters == "TATCACCGCAAGGGATA"
    assert "operator-r3" in {item.name for item in operator.features}
