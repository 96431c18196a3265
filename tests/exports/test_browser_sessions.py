"""The view for other browsers: every file read back by a reader that is not ours, settings that the other sides demand, coordinates of both strands."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.own_tracks import OwnTrack, Rows
from engine.core.sequence import NucleotideSequence
from engine.exports.browser_sessions import igv_session, jbrowse_config, session_spec, two_bit, write_zip
from engine.exports.browser_tracks import BrowserView, view_of, write_big_bed
from engine.sources.outward_links import hub_names
from engine.views.evidence import Highlight
from tests.exports import conftest as made

pyBigWig = pytest.importorskip("pyBigWig")  # noqa: N816
pytest.importorskip("pybigtools")


def view(sequence: NucleotideSequence, names: tuple[str, str, str] = ("", "", "")) -> BrowserView:
    features = (Feature("gene", "g one", 1, 4, "+"),)
    rows = Rows(np.array([2]), np.array([5]), np.array([0.5], np.float32), ("peak",), ("+",))
    own = (OwnTrack("own_1", "My <peaks>", "blocks", "#ff0000", rows),)
    marked = (Highlight(0, 3, "first box", "#e69f00"), Highlight(5, 8, "second", "#0072b2", "binds <CRP>"))
    kinds = ("effects", "probabilities", "contacts", "segmentation", "dependency")
    results = [made.MAKERS[kind](sequence) for kind in kinds]
    return view_of(sequence, results, features, own, marked, title="A view", region=(2, 7), names=names)


def unpacked(found: BrowserView, folder: Path) -> Path:
    write_zip(found, folder / "view.zip")
    with zipfile.ZipFile(folder / "view.zip") as archive:
        archive.extractall(folder / "view")
    return folder / "view"


def data_of(address: str) -> bytes:
    head, _, body = address.partition(";base64,")
    content = base64.b64decode(body)
    return gzip.decompress(content) if "gzip" in head else content


def stanzas(text: str) -> list[dict[str, str]]:
    return [dict(line.split(" ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]


def test_an_igv_session_has_everything_inside_and_its_letters_lie_where_they_belong(sequence: NucleotideSequence, tmp_path: Path) -> None:
    found = view(sequence)
    session = json.loads(json.dumps(igv_session(found)))
    name, *lines = data_of(session["reference"]["fastaURL"]).decode().split("\n")
    start = found.place.start
    assert name == f">{found.place.contig}"
    assert lines[0][start:] == (sequence.reverse_complement() if found.place.reverse else sequence).letters
    assert set(lines[0][:start]) <= {"N"}
    first, last = (start + 2, start + 7) if not found.place.reverse else (start + 3, start + 8)
    assert session["locus"] == f"{found.place.contig}:{first + 1}-{last}"
    assert all(track["url"].startswith("data:") for track in session["tracks"])
    kinds = {track["name"]: (track["type"], track["format"]) for track in session["tracks"]}
    assert kinds["annotation"] == ("annotation", "bed")
    strand = " (along - strand)" if found.place.reverse else ""
    assert kinds[f'influence{strand}, A "quoted" model'] == ("wig", "bigwig")
    assert kinds['pairs by contacts, A "quoted" model'] == ("interact", "bedpe")
    peaks = next(track for track in session["tracks"] if track["name"] == "My <peaks>")
    bed = data_of(peaks["url"]).decode().split("\t")
    span = (start + 2, start + 5) if not found.place.reverse else (found.place.end - 5, found.place.end - 2)
    assert (int(bed[1]), int(bed[2])) == span
    assert peaks["color"] == "rgb(255,0,0)"
    regions = next(track for track in session["tracks"] if track["name"] == "Regions")
    assert "color" not in regions  # igv.js takes it instead of those of the rows
    rows = [line.split("\t") for line in data_of(regions["url"]).decode().splitlines()]
    colours = {row[3]: row[8] for row in rows}
    assert colours == {"first_box": "230,159,0", "second": "0,114,178"}
    at = {row[3]: (int(row[1]), int(row[2])) for row in rows}
    assert at["first_box"] == ((start, start + 3) if not found.place.reverse else (found.place.end - 3, found.place.end))


def test_the_files_of_the_zip_say_the_same_as_the_results(sequence: NucleotideSequence, tmp_path: Path) -> None:
    found = view(sequence)
    folder = unpacked(found, tmp_path)
    effects = made.effects(sequence).tracks()[0]
    with pyBigWig.open(str(folder / "tracks" / "effects_influence.bw")) as file:
        given = np.array(file.values(found.place.contig, found.place.start, found.place.end))
    assert np.allclose(given, found.place.forward(effects.values), equal_nan=True)
    rows = [line.split("\t") for line in (folder / "tracks" / "contacts_pairs.bedpe").read_text(encoding="utf-8").splitlines()]
    pairs = {tuple(sorted((found.place.position(i), found.place.position(j)))) for i, j in ((0, 8), (1, 7), (2, 6))}
    assert {(int(row[2]), int(row[5])) for row in rows} == pairs
    index = (folder / "reference.fa.fai").read_text(encoding="utf-8").split("\t")
    letters = (folder / "reference.fa").read_bytes()
    assert letters[int(index[2]) : int(index[2]) + int(index[1])].decode() == "N" * found.place.start + found.letters
    for name in ("segmentation_tRNA", "segmentation_CDS_forward"):
        assert (folder / "tracks" / f"{name}.bw").is_file()
    assert not (folder / "tracks" / "segmentation_odd_name.bw").exists()


def test_a_jbrowse_configuration_names_only_files_that_are_there(sequence: NucleotideSequence, tmp_path: Path) -> None:
    found = view(sequence)
    folder = unpacked(found, tmp_path)
    config = json.loads((folder / "jbrowse" / "config.json").read_text(encoding="utf-8"))
    places: list[str] = []

    def walk(item: Any) -> None:
        if isinstance(item, dict):
            places.extend([item["uri"]] if "uri" in item else [])
            for part in item.values():
                walk(part)
        elif isinstance(item, list):
            for part in item:
                walk(part)

    walk(config)
    assert len(places) == len(config["tracks"]) + 2
    assert all((folder / "jbrowse" / place).resolve().is_file() for place in places)
    (shown,) = config["defaultSession"]["views"]
    assert shown["init"]["tracks"] == [track["trackId"] for track in config["tracks"]]
    assert {track["assemblyNames"][0] for track in config["tracks"]} == {config["assemblies"][0]["name"]} == {shown["init"]["assembly"]}
    (in_address,) = json.loads(session_spec(config).removeprefix("spec-"))["views"]
    assert in_address == {"type": "LinearGenomeView", **shown["init"]}


@pytest.mark.parametrize("names", [("", "", ""), ("sacCer3", "chrIV", "Saccharomyces cerevisiae")], ids=["own reference", "genome of UCSC"])
def test_a_track_hub_has_what_ucsc_demands(names: tuple[str, str, str], sequence: NucleotideSequence, tmp_path: Path) -> None:
    found = view(sequence, names)
    folder = unpacked(found, tmp_path) / "hub"
    (hub,) = stanzas((folder / "hub.txt").read_text(encoding="utf-8"))
    assert {"hub", "shortLabel", "longLabel", "genomesFile", "email"} <= set(hub)
    (genome,) = stanzas((folder / hub["genomesFile"]).read_text(encoding="utf-8"))
    assert (folder / genome["trackDb"]).is_file()
    assert (genome["genome"] == "sacCer3") == bool(names[0]) == ("twoBitPath" not in genome)
    tracks = stanzas((folder / genome["trackDb"]).read_text(encoding="utf-8"))
    assert len(tracks) == len(found.tracks)
    contig = names[1] or found.place.contig
    for track in tracks:
        assert {"track", "bigDataUrl", "shortLabel", "longLabel", "type"} <= set(track)
        assert track["track"].isascii()
        assert track["track"].replace("_", "").isalnum()
        assert len(track["shortLabel"]) <= 17
        assert len(track["longLabel"]) <= 76
        with pyBigWig.open(str((folder / genome["trackDb"]).parent / track["bigDataUrl"])) as file:
            assert file.isBigWig() == (track["type"].split(" ")[0] == "bigWig")
            assert file.chroms() == {contig: found.place.end}
            if file.isBigBed():
                columns = len(file.entries(contig, 0, found.place.end)[0][2].split("\t")) + 3
                assert columns == int(track["type"].split(" ")[1])
    assert "second: binds &lt;CRP&gt;" in (folder / "about.html").read_text(encoding="utf-8")
    assert "My &lt;peaks&gt;" in (folder / "about.html").read_text(encoding="utf-8")


def test_a_name_that_a_two_bit_file_cannot_hold_is_refused_in_a_sentence() -> None:
    with pytest.raises(ParameterError, match=r"takes 256 bytes; the \.2bit file of a hub holds at most 255"):
        two_bit("c" * 256, "ACGT", 0)


def test_a_two_bit_file_is_as_its_format_says() -> None:
    """Worked out by hand: 3 N, then TCAGA: T 00, C 01, A 10, G 11, N as T."""
    content = two_bit("chrT", "TCAGNA", 3)
    numbers = np.frombuffer(content[:16], "<u4").tolist()
    assert numbers == [0x1A412743, 0, 1, 0]
    assert content[16:21] == b"\x04chrT"
    offset = int(np.frombuffer(content[21:25], "<u4")[0])
    record = np.frombuffer(content[offset : offset + 32], "<u4").tolist()
    assert record == [9, 2, 0, 7, 3, 1, 0, 0]  # letters, runs of N, their starts and sizes, no soft mask, reserved
    assert content[offset + 32 :] == bytes([0b00000000, 0b01101100, 0b10000000])


def test_a_place_far_along_a_contig_needs_a_genome_that_others_know(tmp_path: Path) -> None:
    far = NucleotideSequence(made.LETTERS, locus=Locus.parse("GRCh38:chr17:43,044,295-43,044,304"))
    found = view(far, hub_names("GRCh38", "chr17"))
    assert igv_session(found)["genome"] == "hg38"
    assert "reference" not in igv_session(found)
    assert jbrowse_config(found)["assemblies"][0]["name"] == "hg38"
    with pytest.raises(ParameterError, match="no genome that other browsers know"):
        igv_session(view(far))


def test_a_view_without_any_track_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no track to write yet"):
        write_zip(view_of(NucleotideSequence("ACGT"), ()), tmp_path / "view.zip")


def test_names_at_ucsc() -> None:
    assert hub_names("R64", "IV") == ("sacCer3", "chrIV", "Saccharomyces cerevisiae S288C")
    assert hub_names("ASM985889v3", "NC_045512.2") == ("wuhCor1", "NC_045512v2", "SARS-CoV-2 Wuhan-Hu-1")
    assert hub_names("ASM584v2", "NC_000913.3") == ("", "", "Escherichia coli K-12 MG1655")
    assert hub_names("", "x") == ("", "", "")


def test_pairs_of_ones_own_keep_their_ends_and_ends_that_meet_are_one_block(sequence: NucleotideSequence, tmp_path: Path) -> None:
    rows = Rows(np.array([0, 1]), np.array([2, 4]), np.array([1, 1], np.float32), (), (), np.array([[5, 8], [3, 6]]))
    found = view_of(sequence, (), own=(OwnTrack("own_1", "Loops", "pairs", "#ff0000", rows),))
    (track,) = found.tracks
    ends = sorted(tuple(span) for span in np.column_stack((track.starts, track.ends, track.others)).tolist())
    expected = [sorted((found.place.interval(*one), found.place.interval(*two))) for one, two in (((0, 2), (5, 8)), ((1, 4), (3, 6)))]
    assert ends == sorted(tuple(sum(pair, ())) for pair in expected)
    write_big_bed(track, "chr", 2_000_000_000, tmp_path / "loops.bb")
    with pyBigWig.open(str(tmp_path / "loops.bb")) as written:
        blocks = [line[2].split("\t")[6] for line in written.entries("chr", 0, 2_000_000_000)]
    assert sorted(blocks) == ["1", "2"]
