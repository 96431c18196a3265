"""Regions in BED: what is written is read again, and a line that is none is named."""

from __future__ import annotations

import pytest

from engine.core.errors import FileFormatError, LocusError
from engine.core.regions import COLOURS, Region
from engine.core.settings import Settings
from engine.sources.regions import bed_of, read_regions

SETTINGS = Settings(offline=True)


def test_what_is_written_is_read_again_with_names_and_colours() -> None:
    given = (Region("R64", "chrIV", 1233, 1533, "my box", "#112233"), Region("R64", "chrI", 0, 5, "", "#cc79a7"))
    text = bed_of(given)
    assert text.splitlines()[0] == "chrIV\t1233\t1533\tmy box\t0\t.\t1233\t1533\t17,34,51"
    assert read_regions("a.bed", text.encode(), "R64", SETTINGS) == (given, "")


def test_notes_are_the_descriptions_of_ucscs_bed_detail_and_a_tenth_column() -> None:
    given = (Region("", "c1", 3, 9, "box", "#112233", "binds <CRP> & more"), Region("", "c1", 12, 15, "other"))
    text = bed_of(given)
    assert text.splitlines()[0] == 'track name="regions" type=bedDetail itemRgb="On"'
    assert text.splitlines()[1].split("\t")[3:] == ["box", "0", ".", "3", "9", "17,34,51", "1", "binds &lt;CRP&gt; &amp; more"]
    assert read_regions("a.bed", text.encode(), "", SETTINGS) == (given, "")
    others = b"track type=bedDetail\nc1\t3\t9\tbox\t7\tbound\n"  # the least that UCSC takes: four columns and two
    assert read_regions("a.bed", others, "", SETTINGS)[0][0].note == "bound"
    tenth = b"c1\t3\t9\tbox\t0\t+\t3\t9\t1,2,3\tour own files\nc1\t3\t9\tbox\t0\t+\t3\t9\t1,2,3\t1\t6\t0\n"
    assert [item.note for item in read_regions("a.bed", tenth, "", SETTINGS)[0]] == ["our own files", ""]


def test_three_columns_are_enough_and_lines_that_are_none_are_named() -> None:
    found, note = read_regions(
        "a.bed", b"track name=x\n# mine\nc1 5 9\nc1\t9\t3\nnonsense\nc2\t1\t4\tb\t0\t+\t1\t4\t999,0,0\n", "", SETTINGS
    )
    assert found == (Region("", "c1", 5, 9), Region("", "c2", 1, 4, "b", COLOURS[1]))
    assert "2 lines of 'a.bed' left out" in note
    assert "line 4 The region spans 10-3" in note
    assert "line 5 has no contig, start and end" in note


@pytest.mark.parametrize("data", [b"", b"nothing here\n"])
def test_a_file_without_a_region_is_refused(data: bytes) -> None:
    with pytest.raises(FileFormatError, match=r"a\.bed"):
        read_regions("a.bed", data, "", SETTINGS)


def test_a_region_is_in_order_and_has_a_colour() -> None:
    with pytest.raises(LocusError, match="spans 6-5"):
        Region("", "c", 5, 5)
    with pytest.raises(LocusError, match="colour"):
        Region("", "c", 5, 6, colour="red")
