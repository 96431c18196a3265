"""Behaviour of the locus view in a real browser, on samples whose values are known."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.locus_page import PATIENCE, LocusPage

Opened = Callable[..., LocusPage]
STRONG = (254, 232, 56)
"""The upper end of cividis."""


def requests_of(view: LocusPage) -> str:
    """What the server has been asked for so far, as the sample page prints it."""
    return view.page.locator("[data-testid=stCode]").inner_text()


def test_all_panels_share_one_x_range_and_zoom_needs_no_server(view: Opened) -> None:
    shown = view()
    assert shown.region == (1, 76)
    before = requests_of(shown)
    x, y = shown.cell(20, 40)
    shown.move(x, y)
    shown.press("+")
    start, end = shown.region
    assert end - start + 1 in (38, 39)
    assert start <= 40 <= end
    assert requests_of(shown) == before
    names = [text.split(":")[0] for text in shown.data("panels").split()]
    assert names == [
        "ruler",
        "features",
        "arcs",
        "sequence",
        "structure",
        "map",
        "logo",
        "effects",
        "influence",
        "entropy",
        "segmentation",
    ]


def test_zoom_and_cursor_are_drawn_in_the_very_next_frame(view: Opened) -> None:
    shown = view("length=900")
    drawn = shown.page.evaluate(
        """async () => { const root = document.querySelector('.lv'); const seen = [];
        for (let k = 0; k < 6; k++) { root.__view.zoom(k % 2 ? 2 : 0.5); await new Promise(requestAnimationFrame);
        seen.push(root.dataset.region); } return seen; }"""
    )
    assert len(set(drawn[::2])) == 1
    assert drawn[0] != drawn[1] == "1-900"


def test_drag_moves_and_ctrl_wheel_zooms_around_the_pointer(view: Opened) -> None:
    shown = view()
    shown.press("+")
    start, _ = shown.region
    y = shown.y_of("effects")
    shown.drag((shown.x_of(40), y), (shown.x_of(45), y))
    assert shown.region[0] == start - 5
    x, y = shown.cell(40, 40)
    shown.move(x, y)
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -100)
    shown.page.wait_for_timeout(150)
    shown.page.keyboard.up("Control")
    low, high = shown.region
    assert high - low < 37
    assert low <= 40 <= high


def test_the_readout_names_both_bases_and_the_value_in_words(view: Opened) -> None:
    shown = view()
    shown.move(*shown.cell(1, 72))
    assert shown.readout == ("Changing G at 1 changes C at 72 by 6.00 bits, the other way 5.00; 71 bases apart, could pair (Watson–Crick).")
    shown.move(shown.x_of(72), shown.y_of("influence"))
    text = shown.readout
    assert text.startswith("C at 72; the model expects")
    assert "substitutions A −3.79, G −3.79, T −3.79" in text  # 4 × 71 / 75
    assert "influence 0.038" in text
    assert "in alaW" in text


def test_a_locus_gives_genome_coordinates_on_its_strand(view: Opened) -> None:
    shown = view("locus=1")
    shown.move(*shown.cell(1, 72))
    assert "G at 1 (chrT:1,076)" in shown.readout  # reverse strand of 1,001-1,076
    assert "C at 72 (chrT:1,005)" in shown.readout


def test_a_click_on_a_cell_selects_the_pair_everywhere_and_opens_its_card(view: Opened) -> None:
    shown = view()
    shown.click(*shown.cell(1, 72))
    assert shown.data("selection") == "1,72"
    expect(shown.page.locator(".lv-side h3")).to_have_text("G 1 → C 72")
    table = shown.page.locator("[data-role=pair-table]")
    expect(table).to_be_visible(timeout=PATIENCE)
    assert table.locator("tbody tr").nth(0).locator("td").all_inner_texts() == ["-7.50", "-6.50", "-5.50", "-4.50"]
    assert table.locator("tbody tr").nth(2).locator("td").all_inner_texts() == ["·"] * 4  # the reference is G
    expect(shown.page.locator(".lv-facts")).to_contain_text("71 bases")
    expect(shown.page.locator(".lv-context mark").nth(1)).to_have_text("C")
    assert "select=1,72" in shown.page.url


def test_a_click_on_an_arc_a_track_and_a_row_selects_the_same_way(view: Opened) -> None:
    shown = view()
    arc = shown.page.evaluate(
        "() => { const a = document.querySelector('.lv').__view.arcPaths.at(-1); return [(a.x0 + a.x1) / 2, a.y - a.tall, a.pair.i, a.pair.j]; }"
    )
    stage = shown.page.locator(".lv-stage").bounding_box()
    assert stage is not None
    shown.click(stage["x"] + arc[0], stage["y"] + arc[1])
    assert shown.data("selection") == f"{arc[2] + 1},{arc[3] + 1}" == "1,72"
    shown.click(shown.x_of(35), shown.y_of("entropy"))
    assert shown.data("selection") == "35"
    expect(shown.page.locator("[data-role=base-table]")).to_contain_text("reference")
    shown.page.get_by_role("tab", name="Pairs").click()
    shown.page.locator("[data-pair='2,71']").click()
    assert shown.data("selection") == "2,71"
    expect(shown.page.locator("[data-pair='2,71']")).to_have_attribute("aria-selected", "true")
    shown.page.get_by_role("tab", name="Bases").click()
    shown.page.locator("[data-base='5']").click()
    assert shown.data("selection") == "5"


def test_drag_on_the_ruler_offers_zoom_copy_and_compute(view: Opened) -> None:
    shown = view()
    y = shown.y_of("ruler", 0.8)
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu = shown.page.locator(".lv-menu")
    menu.get_by_text("Copy 21 bases").click()
    assert shown.data("copied") == "GCTCAGCTGGGAGAGCGCTTG"
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu.get_by_text("Compute here").click()
    expect(shown.page.locator("[data-testid=stCode]")).to_contain_text("'start': 9, 'end': 30")
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu.get_by_text("Zoom to 10-30").click()
    assert shown.region == (10, 30)


def test_display_settings_keep_the_zoom(view: Opened) -> None:
    shown = view()
    shown.page.locator("input[name=region]").fill("1-72")
    shown.press("Enter")
    shown.root.focus()
    assert shown.region == (1, 72)
    strong = shown.cell(1, 72)
    assert shown.pixel(*strong) == STRONG
    shown.press("d")
    shown.page.locator("select[name=palette]").select_option("paper")
    shown.settle()
    assert shown.pixel(*strong) == (7, 31, 63)
    shown.page.locator("input[name=threshold]").fill("5.5")
    shown.press("Tab")
    assert shown.pixel(*shown.cell(2, 71)) == (255, 255, 255)
    assert shown.pixel(*strong) == (7, 31, 63)
    shown.page.locator("input[name=high]").fill("12")
    shown.press("Tab")
    assert shown.pixel(*strong) not in ((7, 31, 63), (255, 255, 255))  # 6 of 12: the middle of the scale
    shown.page.locator("select[name=symmetry]").select_option("mean")
    shown.page.locator("input[name=distance]").fill("20")
    shown.press("Tab")
    assert shown.region == (1, 72)
    for part in ("palette=paper", "threshold=5.5", "high=12", "symmetry=mean", "distance=20", "region=1-72"):
        shown.page.wait_for_function("(part) => location.search.includes(part)", arg=part, timeout=PATIENCE)


def test_pairs_nearer_than_the_minimum_distance_are_left_out(view: Opened) -> None:
    shown = view()
    shown.press("d")
    shown.page.locator("input[name=distance]").fill("70")
    shown.press("Tab", "Escape")
    expect(shown.page.locator(".lv-pop").first).to_be_hidden()
    shown.page.get_by_role("tab", name="Pairs").click()
    expect(shown.page.locator("[data-pair]").first).to_have_attribute("data-pair", "1,72", timeout=PATIENCE)
    pairs = [row.get_attribute("data-pair") for row in shown.page.locator("[data-pair]").all()]
    assert all(int(pair.split(",")[1]) - int(pair.split(",")[0]) >= 70 for pair in pairs if pair)


def test_letters_appear_when_they_fit(view: Opened) -> None:
    shown = view("length=400")
    assert shown.data("letters") == "false"
    shown.page.locator("input[name=region]").fill("11-60")
    shown.press("Enter")
    assert shown.data("letters") == "true"


def test_the_keyboard_moves_selects_and_steps_through_pairs(view: Opened) -> None:
    shown = view()
    shown.press("n")
    assert shown.data("selection") == "1,72"
    shown.press("n")
    assert shown.data("selection") == "2,71"
    shown.press("p")
    assert shown.data("selection") == "1,72"
    shown.press("ArrowRight", "ArrowDown", "Enter")
    assert shown.data("selection") == "2,73"
    assert shown.page.locator(".lv-live").inner_text().startswith("Selected: Changing G at 2")
    shown.press("Escape")
    assert shown.data("selection") == ""
    shown.press("?")
    expect(shown.page.locator(".lv-help")).to_be_visible()
    shown.press("?", "m")
    assert "map=wide" in shown.page.url or shown.page.wait_for_url("**map=wide**", timeout=PATIENCE) is None
    shown.press("+", "+")
    start, _ = shown.region
    shown.press("Shift+ArrowRight")
    assert shown.region[0] > start
    shown.press("0")
    assert shown.region == (1, 76)


def test_reverse_complement_mirrors_region_and_selection(view: Opened) -> None:
    shown = view()
    shown.page.locator("input[name=region]").fill("1-20")
    shown.press("Enter")
    shown.click(shown.x_of(5), shown.y_of("entropy"))
    first = shown.data("view")
    shown.press("v")
    shown.page.wait_for_function("(old) => document.querySelector('.lv').dataset.view !== old", arg=first, timeout=PATIENCE)
    assert shown.region == (57, 76)
    assert shown.data("selection") == "72"
    shown.move(shown.x_of(72), shown.y_of("sequence"))
    assert shown.readout.startswith("G at 72")  # C at 5 of the other strand


def test_another_model_keeps_region_and_selection(view: Opened) -> None:
    shown = view()
    shown.press("n", "+")
    region = shown.region
    shown.page.get_by_role("button", name="Other model").click()
    shown.page.wait_for_timeout(1500)
    assert shown.region == region
    assert shown.data("selection") == "1,72"
    assert "map" in shown.data("loaded")


def test_the_triangle_shows_the_pair_above_its_middle(view: Opened) -> None:
    shown = view()
    shown.button("Map as triangle")
    top, _ = shown.panel("map")
    scale = (shown.x_of(2) - shown.x_of(1)) / 2
    stage = shown.page.locator(".lv-stage").bounding_box()
    assert stage is not None
    x = (shown.x_of(2) + shown.x_of(71)) / 2
    y = stage["y"] + top + scale * (71 - 2)
    shown.click(x, y)
    assert shown.data("selection") == "2,71"
    assert shown.pixel(x, y) == STRONG


def test_a_partial_map_fills_coarsely_and_says_what_is_missing(view: Opened) -> None:
    shown = view("rows=19")  # every fourth row
    assert shown.data("complete") == "false"
    shown.move(*shown.cell(2, 60))
    assert "not computed yet" in shown.readout
    shown.move(*shown.cell(1, 72))
    assert "6.00 bits" in shown.readout
    assert "the other way" not in shown.readout  # row 72 is not there


def test_a_long_map_arrives_pooled_and_exactly_on_zoom(view: Opened) -> None:
    shown = view("length=1500")
    shown.move(*shown.cell(1, 72))
    assert "up to about" in shown.readout
    shown.page.locator("input[name=region]").fill("1-200")
    shown.press("Enter")
    shown.page.wait_for_function("() => document.querySelector('.lv').dataset.loaded.includes('window')", timeout=PATIENCE)
    shown.move(*shown.cell(1, 72))
    assert "by 6.00 bits, the other way 5.00" in shown.readout


def test_the_figure_has_a_description_and_tables(view: Opened) -> None:
    shown = view()
    figure = shown.page.locator("[data-role=figure]")
    expect(figure).to_have_attribute("aria-label", re.compile("The strongest pair at least 4 apart is G 1 and C 72 with 6.00."))
    expect(figure).to_have_attribute("aria-label", re.compile("1–7 with 66–72"))
    expect(figure).to_have_attribute("aria-label", re.compile("contacts were read from the map"))
    shown.page.get_by_role("tab", name="In words").click()
    expect(shown.page.locator(".lv-side")).to_contain_text("contacts were read from the map")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_view_follows_the_theme(view: Opened, scheme: str) -> None:
    shown = view()
    shown.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shown.page.reload()
    shown = LocusPage(shown.page)
    assert shown.page.evaluate("() => document.querySelector('.lv').__view.theme.dark") is (scheme == "dark")


def test_nothing_is_fetched_from_another_host(view: Opened, page: object) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "//" in request.url else None)  # type: ignore[attr-defined]
    shown = view()
    shown.press("n")
    assert {host.split(":")[0] for host in hosts} == {"127.0.0.1"}
