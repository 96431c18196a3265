"""The explorer without a browser: what it says about good and bad input, and what it asks of the engine."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import downloads
from pages._ui.question import address_of
from tests.pages.conftest import SHORT

Opened = Callable[..., AppTest]


def state_of(app: AppTest):  # type: ignore[no-untyped-def]
    return app.session_state["locuscope"]


def submit(app: AppTest, text: str) -> AppTest:
    app.text_area(key="search-box").set_value(text)
    return next(button for button in app.button if button.label == "Show").click().run()


def texts(app: AppTest) -> str:
    return " ".join(item.value for item in [*app.markdown, *app.caption])


def test_the_first_visit_shows_an_example_that_the_shipped_model_computes(explorer: Opened) -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    session = state_of(app)
    assert session.screen.shown.example is not None
    assert session.computing.started
    session.computing.cancel()


def _page() -> None:
    from pages._ui.explorer import page

    page()


def test_pasted_letters_are_echoed_with_their_cost(explorer: Opened) -> None:
    app = submit(explorer(), "   1 acgtacguac 11 gg nn".replace("u", "t"))
    assert not app.error
    assert "14 bases of DNA" in texts(app)
    assert "2 ambiguous" in texts(app)


def test_the_other_strand_of_a_pasted_sequence_is_told_and_counted_down(explorer: Opened) -> None:
    from engine.views.panels.ruler import title

    app = explorer(sequence="ACGTTTTTTTAC", strand="reverse")
    shown, evidence = state_of(app).screen.shown, state_of(app).computing.evidence()
    assert shown.title == "Pasted sequence"
    assert "12 bases of DNA, positions 1-12 (1-based), reverse strand, no N" in texts(app).replace("\\", "")
    assert [shown.sequence.locus.position_of(index) for index in (0, 11)] == [12, 1]
    assert title(evidence) == "sequence, reverse strand: coordinates run down"
    forward = explorer(sequence="ACGTTTTTTTAC")
    assert "12 bases of DNA, as given, no N" in texts(forward)
    assert state_of(forward).screen.shown.mirrored_identity == shown.identity
    assert state_of(forward).screen.shown.identity == shown.mirrored_identity


def test_a_place_is_called_by_the_strand_that_is_shown_and_so_are_its_files(explorer: Opened) -> None:
    called = {}
    for asked, strand in (("", "forward"), (":-", "reverse")):
        for turned in ("", "reverse"):
            app = explorer(locus=f"R64:chrII:407001-407100{asked}", **({"strand": turned} if turned else {}))
            shown = state_of(app).screen.shown
            read = {"forward": "reverse", "reverse": "forward"}[strand] if turned else strand
            assert f"{read} strand" in texts(app)
            assert shown.title == f"R64:chrII:407001-407100{':-' if read == 'reverse' else ''}"
            called[asked, turned] = downloads.stem(shown)
            assert state_of(app).history.recent[0] == (f"R64:chrII:407,001-407,100{asked}", f"R64:chrII:407001-407100{asked}")
            state_of(app).computing.cancel()
    assert called["", ""] == called[":-", "reverse"] == "r64-chrii-407001-407100"
    assert called[":-", ""] == called["", "reverse"] == "r64-chrii-407001-407100-reverse"


def test_files_of_both_strands_of_what_has_a_name_of_its_own_are_told_apart(explorer: Opened) -> None:
    for address in ({"example": "ecoli-lac-promoter"}, {"sequence": ">mine\nACGTTTTTTTAC"}):
        names = {downloads.stem(state_of(explorer(**address, **strand)).screen.shown) for strand in ({}, {"strand": "reverse"})}
        assert len(names) == 2
        assert {name.removesuffix("-reverse") for name in names} == {min(names)}


def test_without_the_map_no_panel_asks_for_a_button_that_is_not_there(explorer: Opened) -> None:
    app = explorer(sequence=SHORT, model="gpn")
    assert "Compute" not in [button.label for button in app.button]
    states = state_of(app).computing.states()
    assert {state for state, _ in states.values()} == {"cannot"}
    assert not any("press Compute" in words for _, words in states.values())


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("NC_000913.3:c4175829-4175754", "ASM584v2:NC_000913.3:4,175,754-4,175,829:-"),
        ("  “asm584v2:NC_000913.3:4175754+76” ", "ASM584v2:NC_000913.3:4,175,754-4,175,829"),
        ("ECOLI-TRNA-THR", ""),
    ],
)
def test_box_and_address_hold_the_question_in_its_normal_form(explorer: Opened, typed: str, normal: str) -> None:
    app = submit(explorer(), typed)
    patience = time.monotonic() + 60
    while app.text_area(key="search-box").value != normal and time.monotonic() < patience:
        app = app.run()
    assert not app.error
    assert app.text_area(key="search-box").value == normal
    session = state_of(app)
    assert session.question.text == (normal or "ecoli-trna-thr")
    address = address_of(session.question, session.on_screen, "locuscope")
    assert address == (f"locus={normal.replace(' ', '+')}" if normal else "example=ecoli-trna-thr")


def test_an_address_reproduces_sequence_strand_region_selection_and_display(explorer: Opened) -> None:
    app = explorer(sequence="ACGTTTTTTTAC", strand="reverse", region="2-9", select="3,8", map="triangle", palette="magma", distance="5")
    session = state_of(app)
    assert not app.error
    assert session.screen.shown.sequence.letters == "GTAAAAAAACGT"
    assert session.exchange.asked.initial(12) == {
        "display": {"shape": "triangle", "palette": "magma", "distance": 5},
        "region": [1, 9],
        "select": [2, 7],
    }


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("ACGTACGTACGTACGTXACGT", "'X'"),
        ("", "nothing was given"),
        ("NNNNNNNN", "N"),
        (">only a name", "no letters"),
        ("R64:chrXXL:5-2", "5-2"),
        ("nowhere:chr1:100-200", "nowhere"),
        ("ACGU" + "T" * 4, "U"),
    ],
)
def test_bad_input_gets_one_sentence_and_what_was_there_stays(explorer: Opened, text: str, fragment: str) -> None:
    app = explorer()
    before = state_of(app).screen.shown
    app = submit(app, text)
    assert not app.exception
    assert len(app.error) == 1
    assert fragment.casefold() in app.error[0].value.casefold()
    assert state_of(app).screen.shown is before


def test_a_paste_is_bounded_in_the_browser_and_again_on_the_server(explorer: Opened) -> None:
    app = explorer()
    assert app.text_area(key="search-box").proto.max_chars == 5_000_000
    app = submit(app, "A" * 4_999_999)
    for _ in range(300):  # it is read in a process of its own
        if "Reading" not in texts(app):
            break
        time.sleep(0.2)
        app = app.run()
    assert "4,999,999 bases" in texts(app)
    assert "20,000" in app.warning[0].value or "2,048" in app.warning[0].value


@pytest.mark.parametrize(
    "address",
    [
        {"sequence": "<script>alert(1)</script>"},
        {"sequence": SHORT, "map": "javascript:alert(1)"},
        {"sequence": SHORT, "region": "9999999999999-1"},
        {"sequence": SHORT, "select": "5,5"},
        {"sequence": SHORT, "model": "../../etc/passwd"},
        {"sequence": SHORT, "model": "no-such-model"},
        {"sequence": SHORT, "palette": "x" * 5000},
        {"sequence": "A" * 20_000},
        {"locus": "R64:chrI:1-99999999999999999999"},
        {"sequence": SHORT, "record": "7"},
    ],
)
def test_a_hostile_address_gets_a_sentence_and_a_page_that_works(explorer: Opened, address: dict[str, str]) -> None:
    app = explorer(**address)
    assert not app.exception
    assert len(app.error) == 1
    assert state_of(app).screen.shown is not None
    state_of(app).computing.cancel()


def test_a_sequence_too_long_even_for_tiles_says_the_limit_and_offers_a_window(explorer: Opened) -> None:
    app = submit(explorer(), "ACGGT" * 4001)
    assert not app.error
    assert "2,048" in app.warning[0].value
    assert any(button.label == "Use this window" for button in app.button)
    next(item for item in app.number_input if item.label == "Bases").set_value(20)
    next(item for item in app.number_input if item.label == "Window from").set_value(6)
    app = next(button for button in app.button if button.label == "Use this window").click().run()
    assert state_of(app).question.window == (5, 25)
    assert state_of(app).screen.shown.sequence.letters == "ACGGT" * 4


def test_several_records_can_be_chosen_from(explorer: Opened) -> None:
    app = submit(explorer(), ">first\nACGTACGTAC\n>second\nGGGGCCCCGG\n")
    assert state_of(app).screen.shown.records == ("first", "second")
    app = next(item for item in app.selectbox if item.label == "Record").set_value(1).run()
    assert state_of(app).screen.shown.sequence.letters == "GGGGCCCCGG"


def test_the_same_question_of_a_second_visitor_joins_or_reads_the_store(explorer: Opened) -> None:
    first = explorer(sequence="ACGTTGCAACGTTGCAAAAA")
    jobs = state_of(first).computing.jobs
    assert all(job.wait(60) for job in jobs.values())
    second = explorer(sequence="ACGTTGCAACGTTGCAAAAA")
    assert all(job.finished for job in state_of(second).computing.jobs.values())
    assert "stored" not in texts(second)  # nobody is told what others asked
    other, again = "GATTACAGATTACAGATTAC", "ACGTTGCAACGTTGCAAAAA"
    submit(second, other)
    assert all(job.wait(60) for job in state_of(second).computing.jobs.values())
    second = submit(second, again)
    assert all(job.unit == "stored answer" for job in state_of(second).computing.jobs.values())
    assert "stored, " in texts(second)


def test_a_model_that_is_not_installed_is_named_and_leaves_the_figure_empty(explorer: Opened) -> None:
    app = explorer()
    picker = next(item for item in app.selectbox if item.label == "Model")
    absent = next(option for option in picker.options if "not installed" in option)
    app = picker.select(absent).run()
    assert not app.error
    assert "not on this machine" in app.warning[0].value
    session = state_of(app)
    assert session.question.model != "locuscope"
    assert next(item for item in app.selectbox if item.label == "Model").value == session.question.model
    assert "dependency" not in session.computing.jobs


def test_for_a_long_sequence_the_quicker_model_is_one_click_away(explorer: Opened) -> None:
    app = explorer(sequence="ACGTTGCAAC" * 40)
    offered = next(button for button in app.button if button.key == "quicker")
    assert offered.label.endswith("Locuscope local")
    app = offered.click().run()
    session = state_of(app)
    assert session.question.model == "locuscope-local"
    assert all(button.key != "quicker" for button in app.button)
    session.computing.cancel()
    short = explorer(sequence=SHORT)
    assert all(button.key != "quicker" for button in short.button)
    state_of(short).computing.cancel()


def test_an_address_that_names_a_model_that_is_not_installed_shows_nothing_of_another_model(explorer: Opened) -> None:
    app = explorer(sequence=SHORT, model="gpn")
    assert state_of(app).question.model == "gpn"
    assert "GPN" in app.warning[0].value or "gpn" in app.warning[0].value
    assert not state_of(app).computing.jobs


def test_the_element_track_is_by_the_model_that_was_chosen_or_by_none(explorer: Opened) -> None:
    app = explorer(sequence=SHORT, elements="none")
    session = state_of(app)
    assert not app.error
    assert "segmentation" not in session.computing.requests
    assert "No element track" in session.computing.impossible["segmentation"]
    assert "elements=none" in address_of(session.question, session.screen.shown, "locuscope")
    picker = next(item for item in app.selectbox if item.label == "Elements by")
    assert picker.options[0] == "the usual model"
    assert "SegmentNT (not installed)" in picker.options
    assert picker.options.index("SegmentNT (not installed)") > picker.options.index("Locuscope segmenter")
    app = picker.set_value("locuscope-segmenter").run()
    assert state_of(app).computing.requests["segmentation"].model == "locuscope-segmenter"
    state_of(app).computing.cancel()


def test_an_element_model_that_is_not_installed_leaves_its_track_empty_with_the_remedy(explorer: Opened) -> None:
    session = state_of(explorer(sequence=SHORT, elements="cispliceai"))
    assert session.question.elements == "cispliceai"
    assert "segmentation" not in session.computing.jobs
    assert "install" in session.computing.problems["segmentation"]
    session.computing.cancel()


@pytest.mark.parametrize("elements", ["gpn", "no-such-model"])
def test_an_address_that_asks_for_elements_of_a_model_without_any_gets_a_sentence(explorer: Opened, elements: str) -> None:
    app = explorer(sequence=SHORT, elements=elements)
    assert len(app.error) == 1
    assert state_of(app).question.elements == ""
    state_of(app).computing.cancel()


def test_the_view_is_offered_for_other_browsers_with_what_is_seen(explorer: Opened) -> None:
    app = explorer(example="ecoli-lac-promoter", region="11-60")
    session = state_of(app)
    deadline = time.monotonic() + 60
    while not session.computing.settled and time.monotonic() < deadline:
        time.sleep(0.1)
    with zipfile.ZipFile(io.BytesIO(downloads.browsers(session))) as archive:
        names, read_me = archive.namelist(), archive.read("README.txt").decode()
    assert {"igv-session.json", "jbrowse/config.json", "hub/hub.txt", "tracks/annotation.bed", "tracks/effects_influence.bw"} <= set(names)
    assert "lac promoter of E. coli, NC_000913.3:366369-366418" in read_me  # bases 11 to 60 of the reverse strand, which ends at 366,428
