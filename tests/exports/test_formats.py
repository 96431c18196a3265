"""Each export reads back, with the format's own library, as the numbers that went in, on the right genome coordinates."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import bioframe
import cooler
import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest
import RNA

from engine.analyses.essential import EssentialGenes
from engine.core.errors import ParameterError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.exports import formats
from engine.exports.bigwig import embedded_provenance
from engine.exports.script import arguments_of
from engine.sources.annotation import parse_annotation
from tests.exports.conftest import LETTERS, MAKERS, contacts, dependency, effects, on, probabilities, provenance, segmentation, tokens


def stated(result: Any) -> dict[str, Any]:
    """The provenance as files say it: with the name of a record that has no place."""
    return result.provenance.as_dict() | {"name": "" if result.sequence.locus else result.sequence.name}


def contig(sequence: NucleotideSequence) -> str:
    return "chrT" if sequence.locus else "my_seq"


def position(sequence: NucleotideSequence, index: int) -> int:
    """1-based coordinate worked out by hand: 101..110 forward, 110..101 reverse, 1..10 without a locus."""
    if sequence.locus is None:
        return index + 1
    return 101 + index if str(sequence.locus.strand) == "+" else 110 - index


def comment_json(text: str) -> dict[str, Any]:
    line = next(line for line in text.splitlines() if line.startswith("# locuscope_provenance: "))
    return json.loads(line.partition(": ")[2])


@pytest.mark.parametrize("kind", MAKERS)
def test_npz_holds_letters_provenance_and_every_array_without_pickle(kind: str, tmp_path: Path) -> None:
    result = MAKERS[kind](on("+"))
    formats.write(result, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    assert str(arrays["sequence"]) == LETTERS
    assert json.loads(str(arrays["provenance"])) == stated(result)
    main = {"effects": "llr", "segmentation": "probabilities", "probabilities": "probabilities", "tokens": "probabilities"}.get(
        kind, "values"
    )
    source = {"effects": "llr", "tokens": "probabilities"}.get(kind, "values")
    np.testing.assert_array_equal(arrays[main], getattr(result, source))
    assert arrays[main].dtype == np.float32


def test_npz_of_contacts_and_segments_have_the_names_of_the_design(tmp_path: Path) -> None:
    formats.write(contacts(on("+")), tmp_path / "c.npz")
    formats.write(segmentation(on("+")), tmp_path / "s.npz")
    with np.load(tmp_path / "c.npz") as found:
        assert found["pairs"].tolist() == [[0, 8], [1, 7], [2, 6]]
        assert str(found["dot_bracket"]) == "(((...)))."
    with np.load(tmp_path / "s.npz") as found:
        assert found["elements"].tolist() == ["tRNA", "CDS_forward", "odd; name"]


def test_no_text_of_a_csv_is_run_by_a_spreadsheet(tmp_path: Path) -> None:
    genes = "@SUM(A1)=+:1-9;+cmd=+:10-18;-x=-:19-27;ok=+:28-36"
    sequence = NucleotideSequence("ACGT" * 9)
    deltas = np.full((4, 1, 1), -0.5)
    found = EssentialGenes(sequence, genes, ("start",), "start", deltas, 1.0, False, provenance(sequence, "essential"))
    names = {}
    for end, delimiter in ((".csv", ","), (".tsv", "\t")):
        formats.write(found, tmp_path / f"x{end}")
        with (tmp_path / f"x{end}").open(newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter=delimiter))
        names[end] = sorted(row["gene"] for row in rows)
        assert {row["strand"] for row in rows} == {"+", "-"}
        assert {row["delta_start"] for row in rows} == {"-0.5"}
    assert names == {".csv": ["'+cmd", "'-x", "'@SUM(A1)", "ok"], ".tsv": ["+cmd", "-x", "@SUM(A1)", "ok"]}


@pytest.mark.parametrize(("suffix", "separator"), [(".tsv", "\t"), (".csv", ",")])
def test_the_effects_table_reads_in_pandas_as_it_is(sequence: NucleotideSequence, suffix: str, separator: str, tmp_path: Path) -> None:
    result = effects(sequence)
    formats.write(result, tmp_path / f"x{suffix}")
    frame = pd.read_csv(tmp_path / f"x{suffix}", sep=separator)
    assert list(frame.columns[:5]) == ["position", "ref", "alt", "llr", "influence"]
    assert len(frame) == 27  # nine known letters, three substitutions each
    assert result.llr is not None
    for row in frame.itertuples():
        assert LETTERS[row.position - 1] == row.ref != row.alt
        assert np.float32(row.llr) == result.llr[row.position - 1, "ACGT".index(row.alt)]
        if sequence.locus:
            assert (row.contig, row.genome_position) == ("chrT", position(sequence, row.position - 1))
            assert row.genome_strand == ("-" if position(sequence, 0) == 110 else "+")
    assert json.loads(frame["provenance"][0]) == stated(result)
    assert frame["provenance"][1:].isna().all()


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "effects"])
def test_every_result_has_a_table_of_one_shape(kind: str, tmp_path: Path) -> None:
    formats.write(MAKERS[kind](on("-")), tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="") as handle:
        rows = list(csv.reader(handle))
    assert {len(row) for row in rows} == {len(rows[0])}
    count = {"dependency": 10, "contacts": 3, "segmentation": 10, "probabilities": 10, "pair": 4, "tokens": 2}[kind]
    assert len(rows) == count + 1
    assert json.loads(rows[1][-1])["sequence_sha256"] == on("-").sha256


def test_a_table_of_pairs_has_the_genome_coordinates_of_both_bases(sequence: NucleotideSequence, tmp_path: Path) -> None:
    formats.write(MAKERS["contacts"](sequence), tmp_path / "x.tsv")
    frame = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    if sequence.locus is None:
        assert list(frame.columns[5:]) == ["provenance"]
        return
    assert list(frame.columns[5:]) == ["contig", "genome_position", "genome_position_2", "genome_strand", "provenance"]
    assert frame["genome_position"].tolist() == [position(sequence, i - 1) for i in frame["i"]]
    assert frame["genome_position_2"].tolist() == [position(sequence, j - 1) for j in frame["j"]]


def test_the_map_table_keeps_every_number_and_leaves_unknown_cells_empty(tmp_path: Path) -> None:
    result = dependency(on("+"))
    formats.write(result, tmp_path / "x.tsv")
    frame = pd.read_csv(tmp_path / "x.tsv", sep="\t")
    np.testing.assert_array_equal(frame[[str(n) for n in range(1, 11)]].to_numpy(np.float32), result.values)


def test_bedgraph_places_each_track_on_the_forward_strand(sequence: NucleotideSequence, tmp_path: Path) -> None:
    result = effects(sequence)
    formats.write(result, tmp_path / "x.bedgraph")
    text = (tmp_path / "x.bedgraph").read_text()
    assert comment_json(text) == stated(result)
    names = [line for line in text.splitlines() if line.startswith("track type=bedGraph")]
    strand = " (along - strand)" if sequence.locus and position(sequence, 0) == 110 else ""
    assert [f'name="influence{strand}"' in names[0], f'name="llr{strand}"' in names[1], len(names)] == [True, True, 2]
    influence = text.split("track ")[1].splitlines()[1:]
    rows = [line.split("\t") for line in influence]
    starts = [int(row[1]) for row in rows]
    assert starts == sorted(starts)
    # influence of letter i is 3 i for each of the nine known letters
    expected = {position(sequence, index) - 1: 3.0 * index for index in range(9)}
    assert {int(row[1]): float(row[3]) for row in rows} == expected
    assert all(row[0] == contig(sequence) and int(row[2]) == int(row[1]) + 1 for row in rows)


def test_equal_neighbours_join_in_bedgraph(tmp_path: Path) -> None:
    formats.write(segmentation(on("+")), tmp_path / "x.bg")
    last = (tmp_path / "x.bg").read_text().split("track ")[3].splitlines()
    assert last[1:] == ["chrT\t100\t110\t0.25"]


def test_bigwig_reads_back_with_its_library_and_carries_its_provenance(sequence: NucleotideSequence, tmp_path: Path) -> None:
    result = effects(sequence)
    formats.write(result, tmp_path / "x.bw")
    with pyBigWig.open(str(tmp_path / "x.bw")) as found:
        start = 100 if sequence.locus else 0
        assert found.chroms() == {contig(sequence): start + 10}
        values = found.values(contig(sequence), start, start + 10)
        expected = [np.nan] * 10
        for index in range(9):
            expected[position(sequence, index) - 1 - start] = 3.0 * index
        np.testing.assert_array_equal(values, expected)
        assert found.stats(contig(sequence), start, start + 10, type="max") == [24.0]
    assert json.loads(embedded_provenance(tmp_path / "x.bw")) == stated(result)


def test_all_tracks_come_as_a_zip_of_bigwigs(tmp_path: Path) -> None:
    formats.write(segmentation(on("-")), tmp_path / "x.bw.zip")
    with zipfile.ZipFile(tmp_path / "x.bw.zip") as archive:
        assert sorted(archive.namelist()) == [
            *(f"{name}.reverse_strand.bw" for name in ("CDS_forward", "odd_name")),
            "provenance.json",
            "tRNA.reverse_strand.bw",
        ]
        archive.extract("tRNA.reverse_strand.bw", tmp_path)
    with pyBigWig.open(str(tmp_path / "tRNA.reverse_strand.bw")) as found:
        assert found.values("chrT", 106, 110) == [0.0, 1.0, 0.75, 0.5]  # letters 0..2 are the last three bases on the reverse strand


def test_what_is_said_of_a_letter_says_of_which_strand_and_of_which_alphabet(tmp_path: Path) -> None:
    """P(A) of the first letter read is 1: of the reverse strand that is base 110 of the contig, where the forward strand has the letter's partner."""
    note = "# letters are those of the reverse strand (-), so that A stands where the forward strand has T; positions are of the forward strand\n"
    texts = {}
    for strand in "+-":
        formats.write(probabilities(on(strand)), tmp_path / "x.bg")
        texts[strand] = (tmp_path / "x.bg").read_text()
    assert 'name="p_A (along - strand)" description="probability of A (along - strand); ' in texts["-"]
    assert note in texts["-"]
    assert "chrT\t109\t110\t1.0" in texts["-"].split('name="p_A')[1]
    assert 'name="p_A" description="probability of A; ' in texts["+"]
    assert note not in texts["+"]
    assert "chrT\t100\t101\t1.0" in texts["+"].split('name="p_A')[1]
    formats.write(probabilities(on("+")), tmp_path / "x.bw.zip")
    with zipfile.ZipFile(tmp_path / "x.bw.zip") as archive:
        assert "p_A.bw" in archive.namelist()


def test_files_of_an_rna_say_that_their_t_is_its_u(tmp_path: Path) -> None:
    rna, told = (
        NucleotideSequence(LETTERS.replace("T", "U"), Alphabet.RNA, name="r"),
        "the sequence is an RNA: T in names and alleles stands for U",
    )
    formats.write(probabilities(rna), tmp_path / "x.bg")
    assert f"# {told}\n" in (tmp_path / "x.bg").read_text()
    formats.write(effects(rna), tmp_path / "x.vcf")
    assert f"##letters={told}\n" in (tmp_path / "x.vcf").read_text()
    formats.write(effects(on("+")), tmp_path / "x.vcf")
    assert "##letters" not in (tmp_path / "x.vcf").read_text()


def test_entropy_of_the_main_probability_track_is_worked_out_by_hand(tmp_path: Path) -> None:
    formats.write(probabilities(on("+")), tmp_path / "x.bw")
    with pyBigWig.open(str(tmp_path / "x.bw")) as found:
        assert found.values("chrT", 100, 102) == [0.0, 1.75]  # certain; 1/2 + 2/4 + 3/8 + 3/8


def test_bed_segments_have_coordinates_colours_and_the_strand_of_their_element(sequence: NucleotideSequence, tmp_path: Path) -> None:
    formats.write(segmentation(sequence), tmp_path / "x.bed")
    text = (tmp_path / "x.bed").read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith(("#", "track"))]
    by_name = {row[3]: row for row in rows}
    assert set(by_name) == {"tRNA", "CDS_forward"}
    low, high = sorted((position(sequence, 0), position(sequence, 2)))
    assert (int(by_name["tRNA"][1]), int(by_name["tRNA"][2]), by_name["tRNA"][4], by_name["tRNA"][5]) == (low - 1, high, "750", ".")
    assert by_name["CDS_forward"][5] == ("-" if position(sequence, 0) == 110 else "+")
    assert all(len(row) == 9 and row[0] == contig(sequence) and row[8].count(",") == 2 for row in rows)
    assert comment_json(text)["analysis"] == "segmentation"


def test_tokens_are_bed_intervals(tmp_path: Path) -> None:
    formats.write(tokens(on("-")), tmp_path / "x.bed")
    rows = [line.split("\t")[:5] for line in (tmp_path / "x.bed").read_text().splitlines() if line.startswith("chrT")]
    assert rows == [["chrT", "100", "104", "CCCN", "250"], ["chrT", "104", "110", "GGGAAA", "500"]]


def test_gff3_has_ontology_terms_one_based_coordinates_and_escaped_names(sequence: NucleotideSequence, tmp_path: Path) -> None:
    result = segmentation(sequence)
    values = result.values.copy()
    values[9, 2] = 0.9
    formats.write(type(result)(sequence, result.elements, values, result.provenance), tmp_path / "x.gff3")
    lines = (tmp_path / "x.gff3").read_text().splitlines()
    first = 101 if sequence.locus else 1
    assert lines[:2] == ["##gff-version 3", f"##sequence-region {contig(sequence)} {first} {first + 9}"]
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    kinds = {row[2]: row for row in rows}
    assert set(kinds) == {"tRNA", "CDS_region", "sequence_feature"}
    assert int(kinds["sequence_feature"][3]) == int(kinds["sequence_feature"][4]) == position(sequence, 9)
    assert "Name=odd%3B name" in kinds["sequence_feature"][8]
    low, high = sorted((position(sequence, 5), position(sequence, 9)))
    assert (int(kinds["CDS_region"][3]), int(kinds["CDS_region"][4])) == (low, high)
    assert all(len(row) == 9 and "model=test-model" in row[8] for row in rows)
    assert [int(row[3]) for row in rows] == sorted(int(row[3]) for row in rows)


def test_bedpe_pairs_lie_left_to_right_with_their_scores(sequence: NucleotideSequence, tmp_path: Path) -> None:
    formats.write(contacts(sequence), tmp_path / "x.bedpe")
    text = (tmp_path / "x.bedpe").read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert len(rows) == 3
    left, right = sorted((position(sequence, 0), position(sequence, 8)))
    assert rows[0][:8] == [contig(sequence), str(left - 1), str(left), contig(sequence), str(right - 1), str(right), "G1-C9", "3.0"]
    assert comment_json(text)["analysis"] == "contacts"


def test_bedpe_of_a_map_has_the_strongest_pairs_of_the_larger_direction_and_says_how_many(tmp_path: Path) -> None:
    formats.write(dependency(on("+"), (2, 6)), tmp_path / "x.bedpe")
    text = (tmp_path / "x.bedpe").read_text()
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    assert "# the 6 strongest of 6 pairs" in text
    # cells hold (4 i + j + 1) / 8: the strongest pair is (3, 2) of the window, letters 5 and 6 of the sequence
    assert (rows[0][1], rows[0][4], rows[0][7]) == ("104", "105", "1.875")
    assert [float(row[7]) for row in rows] == sorted((float(row[7]) for row in rows), reverse=True)


def test_dot_bracket_folds_back_in_viennarna(tmp_path: Path) -> None:
    result = contacts(on("+"))
    formats.write(result, tmp_path / "x.dbn")
    header, letters, structure = (tmp_path / "x.dbn").read_text().splitlines()
    assert (letters, list(RNA.ptable(structure))[1:10]) == ("GGGAAACCCN", [9, 8, 7, 0, 0, 0, 3, 2, 1])
    assert json.loads(header.partition("provenance: ")[2]) == stated(result)


def test_ct_and_bpseq_agree_on_every_partner(tmp_path: Path) -> None:
    result = contacts(on("-"))
    formats.write(result, tmp_path / "x.ct")
    formats.write(result, tmp_path / "x.bpseq")
    lines = (tmp_path / "x.ct").read_text().splitlines()
    assert lines[0].split()[0] == "10"
    assert '"analysis": "contacts"' in lines[0]
    table = [line.split() for line in lines[1:]]
    assert [int(row[4]) for row in table] == [9, 8, 7, 0, 0, 0, 3, 2, 1, 0]
    assert [(int(row[0]), int(row[2]), int(row[3])) for row in table] == [(n, n - 1, (n + 1) % 11) for n in range(1, 11)]
    text = (tmp_path / "x.bpseq").read_text()
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    assert rows == [[row[0], row[1], row[4]] for row in table]
    assert comment_json(text)["analysis"] == "contacts"


def test_igv_arcs_have_colours_first_and_one_based_positions(sequence: NucleotideSequence, tmp_path: Path) -> None:
    formats.write(contacts(sequence), tmp_path / "x.bp")
    lines = (tmp_path / "x.bp").read_text().splitlines()
    header = [line.split("\t") for line in lines if line.startswith("color:")]
    assert [len(row) for row in header] == [5] * 4
    assert json.loads(header[0][4].partition(": ")[2])["analysis"] == "contacts"
    rows = [line.split("\t") for line in lines[4:]]
    left, right = sorted((position(sequence, 0), position(sequence, 8)))
    assert rows[0] == [contig(sequence), str(left), str(left), str(right), str(right), "2"]
    assert [int(row[5]) for row in rows] == [2, 1, 0]


def test_igv_arcs_of_equal_scores_have_one_colour(tmp_path: Path) -> None:
    found = replace(contacts(on("+")), scores=np.array([3.0, 1.5, 1.5], np.float32))
    formats.write(found, tmp_path / "x.bp")
    assert [line.split("\t")[5] for line in (tmp_path / "x.bp").read_text().splitlines()[4:]] == ["2", "1", "1"]


def test_cooler_gives_the_map_back_on_genome_coordinates(sequence: NucleotideSequence, tmp_path: Path) -> None:
    result = dependency(sequence)
    formats.write(result, tmp_path / "x.cool")
    found = cooler.Cooler(str(tmp_path / "x.cool"))
    start = 100 if sequence.locus else 0
    matrix = found.matrix(balance=False).fetch((contig(sequence), start, start + 10))
    expected = np.nan_to_num(result.values)
    if position(sequence, 0) == 110:
        expected = expected[::-1, ::-1]
    np.testing.assert_array_equal(matrix, expected)
    bins = found.bins().fetch((contig(sequence), start, start + 10))
    assert (bins["start"].iloc[0], bins["end"].iloc[-1], len(bins)) == (start, start + 10, 10)
    assert found.info["metadata"]["provenance"] == stated(result)
    assert found.storage_mode == "square"


@pytest.mark.parametrize("strand", ["+", "-"])
def test_cooler_of_a_window_starts_at_the_window(strand: str, tmp_path: Path) -> None:
    formats.write(dependency(on(strand), (2, 6)), tmp_path / "x.cool")
    bins = cooler.Cooler(str(tmp_path / "x.cool")).bins()[:]
    expected = (102, 106) if strand == "+" else (104, 108)
    assert (bins["start"].iloc[1], bins["end"].iloc[-1]) == expected


def test_cooler_of_contacts_is_symmetric(tmp_path: Path) -> None:
    result = contacts(on(""))
    formats.write(result, tmp_path / "x.cool")
    found = cooler.Cooler(str(tmp_path / "x.cool"))
    assert (found.storage_mode, found.binsize) == ("symmetric-upper", 1)
    np.testing.assert_array_equal(found.matrix(balance=False)[:], result.values)


def test_the_script_is_python_that_calls_the_command_line_with_the_same_letters(tmp_path: Path) -> None:
    result = contacts(on("+"))
    formats.write(result, tmp_path / "repeat.py")
    text = (tmp_path / "repeat.py").read_text()
    stub = tmp_path / "engine"
    stub.mkdir()
    (stub / "__init__.py").write_text("")
    (stub / "__main__.py").write_text("import json, sys\nprint(json.dumps([*sys.argv[1:], open(sys.argv[-1]).read()]))\n")
    done = subprocess.run([sys.executable, "repeat.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    called = json.loads(done.stdout)
    assert called[:3] == ["contacts", "--model", "test-model"]
    assert called[-3] == "--fasta"
    assert called[-1] == f">test1:chrT:101-110\n{LETTERS}\n"
    assert "--apc" in called
    assert "--symmetry" not in called
    broken = text.replace("    GGGAAACCCN", "    GGGAAACCCA")
    (tmp_path / "repeat.py").write_text(broken)
    failed = subprocess.run([sys.executable, "repeat.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "not those of the result" in failed.stderr


def test_script_arguments_name_only_what_differs_from_the_defaults() -> None:
    sequence = on("+")
    stamp = provenance(sequence, "dependency")
    stamp.parameters.update({"metric": "log_ratio", "epsilon": 1e-10, "window": [2, 6]})
    assert arguments_of(stamp)[7:] == ["--metric", "log_ratio", "--epsilon", "1e-10", "--window", "3-6", "--out", "map.npz"]


def test_a_result_offers_only_the_formats_that_can_hold_it() -> None:
    names = {kind: {item.name for item in formats.formats_for(make(on("+")))} for kind, make in MAKERS.items()}
    assert {"dbn", "ct", "bpseq", "bp", "cool", "bedpe"} <= names["contacts"]
    assert names["pair"] == {"npz", "tsv", "csv", "script"}
    assert "bigwig" not in names["segmentation"]
    assert {"bed", "gff3", "bedgraph", "bigwigs"} <= names["segmentation"]


@pytest.mark.parametrize(("name", "kind"), [("x.ct", "effects"), ("x", "effects"), ("x.docx", "contacts"), ("x.bw", "segmentation")])
def test_a_file_name_that_means_no_format_gets_one_sentence_and_leaves_no_file(name: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"end it with one of \.npz"):
        formats.write(MAKERS[kind](on("+")), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_fails_half_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.bed"
    target.write_text("old")

    def fails(result: Any, path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    broken = formats.Format("bed", ".bed", "", "", "", fails)
    monkeypatch.setattr(formats, "format_of", lambda *_: broken)
    with pytest.raises(OSError, match="disk full"):
        formats.write(segmentation(on("+")), target)
    assert [path.name for path in tmp_path.iterdir()] == ["x.bed"]
    assert target.read_text() == "old"


def test_a_download_has_the_bytes_of_the_file() -> None:
    frame = pd.read_csv(io.BytesIO(formats.content(effects(on("+")), "csv")))
    assert len(frame) == 27


def test_gff3_opens_in_htslib_and_in_our_own_reader_as_the_same_segments(tmp_path: Path) -> None:
    formats.write(segmentation(on("-")), tmp_path / "x.gff3")
    ours = list(parse_annotation((tmp_path / "x.gff3").read_text().splitlines(), "gff3"))
    packed = pysam.tabix_index(str(tmp_path / "x.gff3"), preset="gff", keep_original=True)
    with pysam.TabixFile(packed, parser=pysam.asGFF3()) as table:
        rows = [(row.feature, row.start, row.end, row.strand or ".", row.to_dict()["Name"]) for row in table.fetch("chrT")]
    assert rows == [("CDS_region", 100, 105, "-", "CDS_forward"), ("tRNA", 107, 110, ".", "tRNA")]
    assert [(item.kind, item.start, item.end, item.strand, item.attributes["Name"]) for item in ours] == rows


@pytest.mark.parametrize("contig", ["a;b=c", "100%25", ">odd", "HLA-A*01:01", "gi|1|x"])
def test_a_contig_of_gff3_is_read_back_by_its_name_whatever_signs_are_in_it(contig: str, tmp_path: Path) -> None:
    placed = replace(on("+"), locus=replace(on("+").locus, contig=contig))
    formats.write(segmentation(placed), tmp_path / "x.gff3")
    rows = list(parse_annotation((tmp_path / "x.gff3").read_text().splitlines(), "gff3"))
    assert {row.contig for row in rows} == {contig}
    assert len(rows) == 2


@pytest.mark.parametrize(("kind", "suffix", "schema", "count"), [("segmentation", ".bed", "bed9", 2), ("contacts", ".bedpe", "bedpe", 3)])
def test_interval_tables_open_in_bioframe(kind: str, suffix: str, schema: str, count: int, tmp_path: Path) -> None:
    formats.write(MAKERS[kind](on("+")), tmp_path / f"x{suffix}")
    lines = [line for line in (tmp_path / f"x{suffix}").read_text().splitlines() if not line.startswith("track")]
    frame = bioframe.read_table(io.StringIO("\n".join(lines)), schema=schema, comment="#")
    assert len(frame) == count
    first, last = (frame["start"], frame["end"]) if schema == "bed9" else (frame["start1"], frame["end2"])
    assert (first >= 100).all()
    assert (last <= 110).all()


def test_a_partial_map_says_that_it_is_partial_and_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    whole = dependency(on("+"))
    values = whole.values.copy()
    values[5:] = np.nan
    done = np.arange(10) < 5
    part = replace(whole, values=values, provenance=replace(whole.provenance, partial=True), rows_done=done)
    formats.write(part, tmp_path / "x.npz")
    formats.write(part, tmp_path / "x.bedpe")
    formats.write(part, tmp_path / "x.cool")
    with np.load(tmp_path / "x.npz") as archive:
        assert archive["rows_done"].tolist() == done.tolist()
    text = (tmp_path / "x.bedpe").read_text()
    assert text.splitlines()[0].endswith("partial result")
    assert comment_json(text)["partial"] is True
    assert "the 35 strongest of 35 pairs" in text  # 45 pairs less the 10 among the last five bases
    assert cooler.Cooler(str(tmp_path / "x.cool")).pixels()[:]["bin1_id"].max() == 5  # rows 0..4 behind one wide bin


@pytest.mark.parametrize("end", [".npz", ".tsv", ".bedgraph", ".bed"])
def test_letters_without_a_place_keep_their_name_in_every_file(end: str, tmp_path: Path) -> None:
    sequence = NucleotideSequence(LETTERS, name="generated_by_megadna_T1_seed0_after_4_of_x")
    result = segmentation(sequence)
    formats.write(result, tmp_path / f"x{end}")
    if end == ".npz":
        with np.load(tmp_path / "x.npz") as arrays:
            text = str(arrays["provenance"])
    else:
        text = (tmp_path / f"x{end}").read_text()
    assert "generated_by_megadna_T1_seed0_after_4_of_x" in text
    assert result.provenance.name == ""
