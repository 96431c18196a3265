"""Tracks out of files: every format on a few lines, odd but legal ones of other tools, broken ones with their line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileFormatError, LocuscopeError, ParameterError, SourceUnavailable
from engine.core.own_tracks import TrackFile
from engine.core.settings import Settings
from engine.sources import apart, server_tracks
from engine.sources.door import Bounds
from engine.sources.server_tracks import STRETCHES, ServerTracks
from engine.sources.track_files import pieces, put_together, read_track

PEERS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tracks"
VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def read(name: str, text: str) -> TrackFile:
    return read_track(name, text.encode(), Bounds())


def rows(found: TrackFile, contig: str = "c") -> list[tuple[int, int, float]]:
    own = found.contigs[contig]
    return list(zip(own.starts.tolist(), own.ends.tolist(), own.values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "text", "kind", "expected"),
    [
        ("a.bedgraph", "track type=bedGraph\nc 0 5 1.5\nc\t5\t6\t-2\n", "signal", [(0, 5, 1.5), (5, 6, -2)]),
        ("a.txt", "c 0 5 1.5\n", "signal", [(0, 5, 1.5)]),
        ("a.wig", "fixedStep chrom=c start=11 step=5 span=2\n1\n2\n", "signal", [(10, 12, 1), (15, 17, 2)]),
        ("a.wig", "variableStep chrom=c\n4 0.5\n", "signal", [(3, 4, 0.5)]),
        ("hub.wig", "track type=wiggle_0\n#bedGraph section c:0-5\nc 0 5 1.5\n", "signal", [(0, 5, 1.5)]),
        ("a.csv", "position,value\n3,0.5\n4,0.25\n", "signal", None),
        ("a.csv", "0.5\n0.25\n", "signal", None),
        ("a.tsv", "c\t7\t0.5\n", "signal", [(6, 7, 0.5)]),
    ],
)
def test_signals_are_runs_of_values_from_zero(name: str, text: str, kind: str, expected: list[tuple[int, int, float]] | None) -> None:
    found = read(name, text)
    assert found.kind == kind
    if expected is None:
        assert list(found.contigs) == [""]
        assert rows(found, "")[0][2] == 0.5
    else:
        assert rows(found) == expected


def test_a_table_without_a_contig_counts_from_one_and_knows_missing_values() -> None:
    assert rows(read("a.csv", "position,value\n3,0.5\n5,NA\n"), "")[0] == (2, 3, 0.5)
    assert np.isnan(rows(read("a.csv", "position,value\n3,0.5\n5,NA\n"), "")[1][2])
    assert [start for start, _, _ in rows(read("a.csv", "value\n1\n2\n3\n"), "")] == [0, 1, 2]


def test_blocks_variants_and_pairs_keep_names_and_strands() -> None:
    blocks = read("a.narrowPeak", "c\t5\t9\tpeak\t100\t-\t3\t2\t1\t2\n")
    assert (blocks.kind, blocks.contigs["c"].names, blocks.contigs["c"].strands) == ("blocks", ("peak",), ("-",))
    gtf = read("a.gtf", 'c\tx\texon\t6\t9\t.\t+\t.\tgene_id "g1";\n')
    assert (gtf.contigs["c"].starts[0], gtf.contigs["c"].names) == (5, ("g1",))
    variants = read("a.vcf", VCF + "c\t4\t.\tA\tG,<DEL>\t.\t.\tAF=0.25,0.1\nc\t9\t.\tAC\tA\t.\t.\t.\n")
    assert variants.kind == "variants"
    assert variants.contigs["c"].names == ("A>G", "AC>A")
    assert variants.contigs["c"].values[0] == pytest.approx(0.25)
    pairs = read("a.bedpe", "c\t90\t95\tc\t10\t12\tloop\t7\nc\t1\t2\td\t3\t4\n")
    assert pairs.kind == "pairs"
    assert rows(pairs) == [(10, 12, 7)]
    assert pairs.contigs["c"].others.tolist() == [[90, 95]]
    assert "line 2 joins 'c' and 'd'" in pairs.note


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.bedgraph", "c 0 5 high\n", "line 1 has the value 'high'"),
        ("a.bedgraph", "c 5 5 1\n", "line 1 spans 5-5"),
        ("a.wig", "1\n2\n", "line 1 stands before fixedStep"),
        ("a.bedpe", "c 1 2\n", "line 1 has 3 columns"),
        ("a.bed", "c\tx\t5\n\n", "BED"),
        ("a.csv", "position,value\nseven,1\n", "line 2 has 'seven'"),
        ("a.csv", "a,b,c,d\n1,2,3,4\n", "line 2 has 4 columns"),
        ("a.bw", "not a bigWig\n", "is of no known kind; give BED, bedGraph, wiggle, bigWig"),
    ],
)
def test_a_file_without_a_usable_line_is_refused_with_its_line(name: str, text: str, line: str) -> None:
    with pytest.raises(FileFormatError, match=r".") as caught:
        read(name, text)
    assert line in str(caught.value)


def test_what_is_left_out_names_its_line_and_the_rest_is_read() -> None:
    found = read("a.bedgraph", "c 0 5 1\nc five 6 1\nc 6 7 2\n")
    assert len(found.contigs["c"].starts) == 2
    assert "1 line of 'a.bedgraph' left out: line 2 has 'five'" in found.note


def test_a_track_in_pieces_is_the_same_again() -> None:
    text = "c\t90\t95\tc\t100\t120\tloop\t7\nc\t1\t2\tc\t30\t40\n"
    found = read("a.bedpe", text)
    again = put_together("a.bedpe", pieces(found))
    for name in ("starts", "ends", "values", "others"):
        assert np.array_equal(getattr(again.contigs["c"], name), getattr(found.contigs["c"], name), equal_nan=True)
    assert again.contigs["c"].names == found.contigs["c"].names
    assert again.kind == "pairs"


def test_bigwig_and_bigbed_are_read_in_a_process_of_their_own_and_damage_is_said(tmp_path: Path) -> None:
    big = pytest.importorskip("pyBigWig")
    path = tmp_path / "a.bw"
    table = big.open(str(path), "w")
    table.addHeader([("c", 1000)])
    table.addEntries(["c", "c"], [10, 30], ends=[20, 31], values=[1.5, -2.0])
    table.close()
    settings = Settings(offline=True, home=tmp_path)
    assert rows(apart.read_track("a.bw", path.read_bytes(), settings)) == [(10, 20, 1.5), (30, 31, -2.0)]
    with pytest.raises(LocuscopeError, match=r"damaged|cut short|memory"):
        apart.read_track("a.bw", path.read_bytes()[:200], settings)


def test_gzip_is_unpacked() -> None:
    assert rows(read_track("a.bedgraph.gz", gzip.compress(b"c 0 5 1\n"), Bounds())) == [(0, 5, 1.0)]


def test_the_structure_line_of_a_stockholm_alignment_is_pairs_of_each_sequence_on_its_strand() -> None:
    text = "# STOCKHOLM 1.0\nACC.1/11-16 GC-AAGC\nREV.1/26-20 GCAAAGC\nmine GCAAA--\n#=GC SS_cons <<...>>\n//\n"
    found = read("a.sto", text)
    assert found.kind == "pairs"
    pairs = {
        contig: [(*pair, *other) for pair, other in zip(zip(own.starts, own.ends, strict=True), own.others.tolist(), strict=True)]
        for contig, own in found.contigs.items()
    }
    assert pairs == {"ACC.1": [(10, 11, 15, 16), (11, 12, 14, 15)], "REV.1": [(19, 20, 25, 26), (20, 21, 24, 25)]}
    with pytest.raises(FileFormatError, match="no structure line"):
        read("a.sto", "# STOCKHOLM 1.0\na ACGT\nb ACGT\n//\n")


REFUSED = {
    "TadDomains_rtf.bed": "RTF",
    "bed__muc1.refgene": "no line",
    "bed__myc.refgene": "no line",
    "bed__myc_refGene_genePredExt.txt": "line 1",
    "gbk__pten_test.gbk": "GenBank",
    "mm10_chr2_malformed.maf": "MAF",
    "vcf__SRP32_v4.sorted.0.vcf.idx": "not text",
}
SIGNALS = (".wig", ".bw")


@pytest.mark.parametrize("path", sorted(PEERS.glob("*.*")), ids=lambda path: path.name)
def test_a_file_of_another_tool_is_read_or_refused_with_the_reason(path: Path) -> None:
    if path.name in REFUSED:
        with pytest.raises(LocuscopeError, match=REFUSED[path.name]):
            read_track(path.name, path.read_bytes(), Bounds())
    elif path.name != "README.md":
        found = read_track(path.name, path.read_bytes(), Bounds())
        assert found.kind == ("signal" if path.name.endswith(SIGNALS) else "blocks")
        assert all(len(own.starts) for own in found.contigs.values())


def test_server_tracks_are_read_by_index(tmp_path: Path) -> None:
    big, pysam = pytest.importorskip("pyBigWig"), pytest.importorskip("pysam")
    table = big.open(str(tmp_path / "a.bw"), "w")
    table.addHeader([("c", 400_000)])
    table.addEntries("c", 0, values=[float(k % 7) for k in range(10_000)], span=10, step=10)
    table.close()
    (tmp_path / "b.bed").write_text("".join(f"c\t{k * 100}\t{k * 100 + 50}\tn{k}\t0\t+\n" for k in range(50)))
    pysam.tabix_index(str(tmp_path / "b.bed"), preset="bed")
    tracks = ServerTracks(f"signal={tmp_path / 'a.bw'};R64, sites={tmp_path / 'b.bed.gz'},gone={tmp_path / 'no.bed'}")
    assert tracks.names("R64") == ("signal", "sites", "gone")
    assert tracks.names("other") == ("sites", "gone")
    signal, sites = tracks.track("signal"), tracks.track("sites")
    near = signal.rows("c", 15, 45)
    assert list(zip(near.starts.tolist(), near.ends.tolist(), near.values.tolist(), strict=True)) == [
        (10, 20, 1),
        (20, 30, 2),
        (30, 40, 3),
        (40, 50, 4),
    ]
    assert not near.note
    whole = signal.rows("c", 0, 400_000)
    assert len(whole.starts) == STRETCHES
    assert whole.note == "means of 167 bases"
    assert np.nanmean(whole.values) == pytest.approx(3, abs=0.05)
    assert len(signal.rows("d", 0, 100).starts) == 0
    assert sites.rows("c", 120, 260).names == ("n1", "n2")
    with pytest.raises(SourceUnavailable, match="not there"):
        tracks.track("gone")
    with pytest.raises(ParameterError, match="NAME=FILE"):
        ServerTracks("no file")


def test_an_indexed_file_is_read_as_an_upload_of_the_same_lines_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pysam = pytest.importorskip("pysam")
    head = '##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
    text = head + "c\t15\t.\tCAA\tCAG,C\t.\t.\tAF=0.25,0.5\nc\t20\t.\tC\t<DEL>\t.\t.\t.\nc\t30\tna\u00efve\tG\tT\t.\t.\t.\n"
    (tmp_path / "v.vcf").write_text(text, encoding="utf-8")
    pysam.tabix_index(str(tmp_path / "v.vcf"), preset="vcf", keep_original=True)
    offered = ServerTracks(f"v={tmp_path / 'v.vcf.gz'};hg38")
    assert offered.names("GRCh38") == ("v",)
    served, brought = offered.track("v"), read_track("v.vcf", text.encode(), Bounds())
    rows, same = served.rows("c", 0, 100), brought.rows("c", 0, 100)
    assert served.kind == brought.kind == "variants"
    assert rows.names == same.names == ("CAA>C", "A>G", "G>T")
    np.testing.assert_array_equal(rows.values, same.values)
    assert rows.note == brought.note
    assert "1 line of 'v.vcf' left out" in brought.note
    monkeypatch.setattr(server_tracks, "MOST_ROWS", 2)
    assert served.rows("c", 0, 100).note == server_tracks.TOO_MANY
    (tmp_path / "v.vcf.gz").write_bytes(b"gone")
    with pytest.raises(FileFormatError, match="replaced or removed"):
        served.rows("c", 0, 100)


def test_values_below_a_broken_wiggle_declaration_have_no_place() -> None:
    text = b"fixedStep chrom=c1 start=5\n1\n2\nfixedStep chrom=c2 start=zero\n3\nfixedStep chrom=c2 start=7\n4\n1_5\n"
    found = read_track("a.wig", text, Bounds())
    assert [(name, rows.starts.tolist(), rows.values.tolist()) for name, rows in found.contigs.items()] == [
        ("c1", [4, 5], [1, 2]),
        ("c2", [6], [4]),
    ]
    assert "line 4" in found.note
    assert "line 5" in found.note
    assert "1_5" in found.note
