"""Compare, Figure and Triage in a real browser, on what the shipped model computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import LocusPage

HAIRPIN = "GGGCCCAAATTTGGGCCCAAGG"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("app"), LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as found:
        yield found


def visit(page: Page, address: str, name: str) -> None:
    """Open the hairpin in the explorer, wait for its map, then go to another page by the menu."""
    page.goto(f"{address}/?sequence={HAIRPIN}")
    LocusPage(page, loaded="map")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def test_a_substitution_is_compared_with_the_reference(page: Page, address: str) -> None:
    visit(page, address, "Compare")
    page.get_by_role("textbox", name="Substitution").fill("G2A")
    page.get_by_role("button", name="Compare", exact=True).click()
    shown = LocusPage(page, loaded="map")
    assert shown.region == (1, len(HAIRPIN))
    expect(page.get_by_text("G2A − reference").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer image, .js-plotly-plot .hm image").first).to_be_attached()
    expect(page.get_by_text("Pairs that changed most")).to_be_visible()


def test_a_base_that_is_not_there_is_refused_in_one_sentence(page: Page, address: str) -> None:
    visit(page, address, "Compare")
    page.get_by_role("textbox", name="Substitution").fill("T2A")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("The base at 2 is G, not T; check the position and the strand.")).to_be_visible()


def test_the_figure_shows_the_map_of_the_explorer(page: Page, address: str) -> None:
    visit(page, address, "Figure")
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page.get_by_text("the sequence of the explorer")).to_be_visible()


def test_a_page_follows_a_theme_that_is_changed_while_it_is_open(page: Page, address: str) -> None:
    """By one run of its own, without a click: what the server draws has the colours of the theme it was told."""
    sent: list[bytes | str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.extend([frame])))
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}/benchmarks")
    expect(page.get_by_role("heading", name="A table of mine")).to_be_visible()
    page.locator(".st-key-wires-theme i").wait_for(state="attached")
    of_dark = (
        "(count) => [...document.querySelectorAll('style')].filter((one) => one.textContent.includes('stMultiSelectTags')).length === count"
    )
    for scheme, count in (("dark", 1), ("light", 0)):
        before = len(sent)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(of_dark, arg=count)
        assert len(sent) == before + 1


@pytest.mark.parametrize(
    "name",
    ["RNA", *(pytest.param(name, marks=pytest.mark.long) for name in ("Triage", "Protein", "Compare", "Motif", "Embeddings", "Phage"))],
)
def test_a_room_keeps_the_locus_over_a_reload_and_one_press_of_back_leaves_it(page: Page, address: str, name: str) -> None:
    path = name.lower()
    settings = f"sequence={HAIRPIN}&model=locuscope-local&elements=none&palette=viridis&region=3-14"
    page.goto(f"{address}/?{settings}")
    shown = LocusPage(page, loaded="map")
    shown.wait_data("region", "3-14")
    page.wait_for_url(f"{address}/?*region=3-14*")
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(f"{address}/{path}?*sequence={HAIRPIN}*model=locuscope-local*elements=none*region=3-14*palette=viridis*")
    page.go_back()
    LocusPage(page, loaded="map").wait_data("region", "3-14")
    page.go_forward()
    page.wait_for_url(f"{address}/{path}?*sequence={HAIRPIN}*")
    page.reload()
    page.wait_for_url(f"{address}/{path}?*sequence={HAIRPIN}*")
    page.get_by_role("link", name="Explorer", exact=True).click()
    again = LocusPage(page, loaded="map")
    again.wait_data("region", "3-14")
    page.wait_for_url(f"{address}/?*sequence={HAIRPIN}*model=locuscope-local*elements=none*")
    expect(page.get_by_role("textbox", name="Sequence or locus")).to_have_value(HAIRPIN)


def test_compare_opened_first_starts_from_the_first_example(page: Page, address: str) -> None:
    page.goto(f"{address}/compare")
    expect(page.get_by_text("76 bases of RNA")).to_be_visible()


def test_the_example_of_triage_is_ranked_and_downloaded(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/triage")
    page.get_by_role("button", name="lacZ of E. coli").click()
    expect(page.get_by_text("15 alternate alleles")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=".tsv", exact=True).click()
    saved = tmp_path / "triage.tsv"
    waiting.value.save_as(saved)
    lines = [line for line in saved.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    names = [line for line in lines if "lacUV5_-9" in line]
    assert len(names) == 1


def test_a_row_of_triage_opens_reference_and_alternate_and_its_address_opens_them_again(page: Page, address: str) -> None:
    page.goto(f"{address}/triage")
    page.get_by_role("button", name="lacZ of E. coli").click()
    expect(page.get_by_text("15 alternate alleles")).to_be_visible()
    table = page.locator("[data-testid=stDataFrame] canvas").first
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    page.mouse.click(place["x"] + 18, place["y"] + 52)
    expect(page.get_by_text("rank 1 of 15 substitutions")).to_be_visible()
    page.keyboard.press("j")
    told = page.get_by_text("rank 2 of 15 substitutions")
    expect(told).to_be_visible()
    score = told.inner_text().split(" by ")[0]
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    expect(told).to_be_visible()
    under_way = page.get_by_text("reference:").or_(page.get_by_text("Both maps, one colour scale")).first
    expect(under_way).to_be_visible()  # two maps of 201 bases are asked for at once; what they show is tested on shorter ones
    page.goto(page.url)
    expect(page.get_by_text(score)).to_be_visible()
    expect(under_way).to_be_visible()
    page.get_by_role("button", name="Explorer", exact=True).click()
    expect(page.get_by_text(score)).to_be_visible()


def test_a_lesson_goes_by_the_keys_of_a_presenter_to_the_explorer_and_back(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons?lesson=how-sure-lac")
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()  # only then does its key mean anything
    page.keyboard.press("Space")
    expect(page.get_by_text("What to conclude.")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("step 2 of 4")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("step 1 of 4")).to_be_visible()
    page.get_by_role("button", name="Open in the Explorer").click()
    LocusPage(page, loaded="map")
    page.get_by_role("button", name="Back to the lesson").click()
    expect(page.get_by_text("step 1 of 4")).to_be_visible()


def test_a_lesson_goes_by_its_keys_after_a_choice_as_well(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons?lesson=how-sure-lac")
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    page.get_by_text("Sure nearly everywhere", exact=True).click()
    page.keyboard.press("Space")
    expect(page.get_by_text("You predicted: Sure nearly everywhere")).to_be_visible()
    page.get_by_text("Sure in the boxes, unsure between them").click()
    expect(page.get_by_text("You predicted: Sure in the boxes")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("step 2 of 4")).to_be_visible()
    expect(page.get_by_role("radio").first).not_to_be_checked()
    page.get_by_text("Clearly better").click()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("step 1 of 4")).to_be_visible()


def test_a_prediction_can_be_made_without_a_mouse(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons?lesson=how-sure-lac")
    expect(page.get_by_role("button", name="Reveal")).to_be_visible()
    choices = page.get_by_role("radio")
    for _ in range(100):  # what is still being drawn may take the focus away
        page.get_by_role("button", name="All lessons").focus()
        page.keyboard.press("Tab")
        if choices.first.evaluate("choice => choice === document.activeElement"):
            break
        page.wait_for_timeout(200)
    expect(choices.first).to_be_focused()
    page.keyboard.press("Space")
    expect(choices.first).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(choices.nth(1)).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(choices.first).to_be_checked()
    page.keyboard.press("Space")
    expect(page.get_by_text("You predicted: Sure nearly everywhere")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("step 2 of 4")).to_be_visible()


@pytest.mark.parametrize("way", ["button", pytest.param("link", marks=pytest.mark.long)])
def test_late_words_of_the_page_that_was_left_do_not_empty_the_next(page: Page, address: str, way: str) -> None:
    words: list[bytes] = []
    server: list[WebSocketRoute] = []

    def connect(route: WebSocketRoute) -> None:
        server.append(route.connect_to_server())

        def send(message: str | bytes) -> None:
            if isinstance(message, bytes) and BackMsg.FromString(message).rerun_script.fragment_id:
                words.append(message)
            server[-1].send(message)

        route.on_message(send)

    page.route_web_socket("**/_stcore/stream", connect)
    page.goto(f"{address}/lessons?lesson=how-sure-lac")
    page.get_by_role("button", name="Open in the Explorer").click()
    back = page.get_by_role("button", name="Back to the lesson")
    expect(back).to_be_visible()
    figure = LocusPage(page, loaded="map")
    figure.click(*figure.cell(3, 9))  # a figure tells the server what is selected
    for _ in range(600):
        if not words:
            page.wait_for_timeout(100)
    (back if way == "button" else page.get_by_role("link", name="Lessons", exact=True)).click()
    for _ in range(30):
        server[-1].send(words[0])
        page.wait_for_timeout(30)
    expect(page.get_by_text("step 1 of 4")).to_be_visible()
