"""The page Alignment in Streamlit's own test frame."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.results import base_at
from engine.service.jobs import Job
from pages._ui.alignment_page import WHERE, agreement_table

HAND = ">ref\nGACGAUAACCAG\n>b\nGCCGAGAACCAG\n>c\nGGCGACAACCAG\n>d\nGUCGAAAACCAG\n"


def _page() -> None:
    from pages._ui.alignment_page import page

    page()


def read(app: AppTest) -> AppTest:
    """The page after its button was pressed and what was given is read."""
    app = next(item for item in app.button if item.label == "Read the alignment").click().run()
    end = time.monotonic() + 60
    while "reading-of-alignment" in app.session_state and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    return app


def settled(app: AppTest) -> AppTest:
    """The page once everything is computed."""
    end = time.monotonic() + 60
    while app.session_state["alignment-work"].running and time.monotonic() < end:
        time.sleep(0.1)
    return app.run()


def test_a_paste_is_read_and_shown_beside_the_model() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    app.text_area[0].set_value(HAND)
    app = settled(read(app))
    assert not app.exception
    found = app.session_state["alignment-work"].found
    assert found.words().startswith("4 sequences")
    assert "Correlation with the dependency map of Locuscope" in found.words()
    frame = agreement_table(found)
    assert set(frame["in"]) <= set(WHERE.values())
    assert list(frame.columns[1:4]) == ["position in the reference, 1", "base 1", "position in the reference, 2"]
    assert frame["MI, bits"].max() > 0
    assert len(app.dataframe) == 1
    app = app.segmented_control(key="alignment-in").set_value([]).run()
    assert not app.exception
    assert not app.dataframe
    assert "No kind of pair is chosen; press one of them." in [item.value for item in app.caption]


@pytest.mark.parametrize(("strand", "places"), [("+", [1001, 1012]), ("-", [1012, 1001])])
def test_the_table_has_the_coordinates_of_the_sentence_and_the_axis(strand: str, places: list[int]) -> None:
    """MAF says where a row lies, minus strand counted from the end of its contig."""
    start = 1000 if strand == "+" else 5000 - 1012
    rows = [line for line in HAND.replace("U", "T").splitlines() if not line.startswith(">")]
    maf = f"##maf version=1\na\ns hg38.chrT {start} 12 {strand} 5000 {rows[0]}\n"
    maf += "".join(f"s o{number}.c 0 12 + 12 {row}\n" for number, row in enumerate(rows[1:])) + "\n"
    app = AppTest.from_function(_page, default_timeout=60).run()
    app.text_area[0].set_value(maf)
    app = settled(read(app))
    assert not app.exception
    found = app.session_state["alignment-work"].found
    frame = agreement_table(found)
    assert list(frame.columns[1:7]) == [
        "position on chrT, 1",
        "base 1",
        "position on chrT, 2",
        "base 2",
        "alignment column 1",
        "alignment column 2",
    ]
    step = 1 if strand == "+" else -1
    assert (frame["position on chrT, 1"] == places[0] + step * (frame["alignment column 1"] - 1)).all()
    assert (frame["position on chrT, 2"] == places[0] + step * (frame["alignment column 2"] - 1)).all()
    assert base_at(found.sequence, int(frame["alignment column 1"][0]) - 1).endswith(f"{frame['position on chrT, 1'][0]:,}")
    app = settled(app.selectbox(key="alignment-model").set_value("").run())
    assert {"chrT_1", "chrT_2"} <= set(app.dataframe[0].value.columns)


def test_a_cancelled_map_says_so_and_is_computed_from_there() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    app.text_area[0].set_value(HAND)
    app = settled(read(app))
    work, given_up = app.session_state["alignment-work"], Job("map", None)
    own = work.jobs["covariation"]
    given_up.finish("cancelled")
    work.jobs["dependency map"], work._found = given_up, None
    app = app.run()
    assert not app.exception
    assert [item.value for item in app.info] == ["It was cancelled; missing\\: dependency map."]
    assert any(item.value.startswith("To compute\\: the map of the reference") for item in app.caption)
    assert any(item.value == "**Strongest pairs**" for item in app.markdown)
    app = settled(app.button(key="alignment-go").click().run())
    assert not app.info
    assert work.jobs["covariation"] is own
    assert work.found.dependency is not None


def test_another_reference_and_no_model_give_another_answer_and_the_table_of_pairs() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    app.text_area[0].set_value(HAND)
    app = settled(read(app))
    app.selectbox[0].set_value(2)
    app = app.selectbox(key="alignment-model").set_value("").run()
    app = settled(app)
    assert not app.exception
    found = app.session_state["alignment-work"].found
    assert (found.sequence.letters, found.dependency) == ("GGCGACAACCAG", None)
    assert any(item.value == "**Strongest pairs**" for item in app.markdown)


def test_what_cannot_be_read_is_said_and_nothing_is_shown() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    app.text_area[0].set_value(">a\nACG\n>b\nAC\n")
    app = read(app)
    assert ["does not parse as aligned FASTA" in item.value for item in app.error] == [True]
    assert not app.dataframe
    app = read(AppTest.from_function(_page, default_timeout=60).run())
    assert [item.value for item in app.error] == ["No alignment was given; choose a file, or paste one."]
