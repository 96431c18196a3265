"""Behaviour of the figure in a real browser, on samples whose values are known."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.locus_page import PATIENCE, LocusPage, decoded
from tests.views import samples

Opened = Callable[..., LocusPage]
STRONG = (254, 232, 56)
"""The upper end of cividis."""


def requests_of(view: LocusPage) -> str:
    """What the server has been asked for so far, as the sample page prints it."""
    return view.page.locator("[data-testid=stCode]").inner_text()


def near(colour: tuple[int, int, int], other: tuple[int, int, int], by: int = 6) -> bool:
    return all(abs(one - two) <= by for one, two in zip(colour, other, strict=True))


def test_all_panels_share_one_x_range_and_zoom_needs_no_server(view: Opened) -> None:
    shown = view()
    assert shown.region == (1, 76)
    before = requests_of(shown)
    shown.move(*shown.cell(20, 40))
    shown.press("+")
    start, end = shown.region
    assert end - start + 1 in (38, 39)
    assert start <= 40 <= end
    assert requests_of(shown) == before
    assert shown.data("panels").split() == [
        "genes", "arcs", "sequence", "dot_bracket", "map", "reconstruction", "effects", "influence", "entropy", "elements",
    ]  # fmt: skip


def test_zoom_and_cursor_are_drawn_in_the_very_next_frame(view: Opened) -> None:
    shown = view("length=900")
    drawn = shown.page.evaluate(
        """async () => { const view = document.querySelector('.fv').view; const seen = [];
        for (let k = 0; k < 6; k++) { view.zoom(k % 2 ? 2 : 0.5, 300); await new Promise(requestAnimationFrame);
        seen.push(String(view.gd.layout.xaxis.range.map(Math.round))); } return seen; }""".replace("view.gd", "view.dom.plot")
    )
    assert len(set(drawn[::2])) == 1
    assert drawn[0] != drawn[1] == "1,901"


def test_drag_moves_and_ctrl_wheel_zooms_around_the_pointer(view: Opened) -> None:
    shown = view()
    shown.press("+")
    start, _ = shown.region
    y = shown.y_of("effects")
    shown.drag((shown.x_of(40), y), (shown.x_of(45), y))
    assert shown.region[0] == start - 5
    shown.move(*shown.cell(40, 40))
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
    assert shown.readout == "Changing G at 1 changes C at 72 by 6.00 bits, the other way 5.00; 71 bases apart, complementary."
    shown.move(shown.x_of(72), shown.y_of("influence"))
    text = shown.readout
    assert text.startswith("C at 72; genes alaW; possible base pairs from the map 1, stem counter 1; expected bases A 0.23, C 0.30")
    assert "effect of each substitution →A −3.79, →G −3.79, →T −3.79 ln ratio" in text  # 4 × 71 / 75
    assert "influence 0.038 bits" in text


def test_a_locus_gives_genome_coordinates_on_its_strand(view: Opened) -> None:
    shown = view("locus=1")
    shown.move(*shown.cell(1, 72))
    assert "G at 1 (chrT:1,076)" in shown.readout  # reverse strand of 1,001-1,076
    assert "C at 72 (chrT:1,005)" in shown.readout
    labels = shown.page.evaluate(
        "() => [...document.querySelectorAll('.fv .xtick text')].sort((p, q) => p.getBoundingClientRect().x - q.getBoundingClientRect().x)"
        ".map((tick) => tick.textContent)"
    )
    assert labels == sorted(labels, reverse=True)  # the ruler runs down
    assert "1,070" in labels


def test_the_region_box_takes_the_coordinates_that_its_ruler_shows(view: Opened) -> None:
    shown = view("locus=1")
    box = shown.page.locator("input[name=region]")
    assert box.input_value() == "1,076-1,001"
    for text, region in (("1,070-1,051", (7, 26)), ("chrT:1,051-1,070", (7, 26)), ("7-26", (7, 26))):
        shown.press("0")
        shown.go(text)
        assert shown.region == region
    shown.go("chrX:1,051-1,070")
    assert shown.region == (7, 26)
    assert "is no region of this sequence; give start-end inside 1,076-1,001." in shown.readout
    shown.go("1,060-1,041")  # corrected: what was said of the other is over
    assert shown.region == (17, 36)
    assert "is no region" not in shown.readout
    assert "showing 1,060-1,041" in shown.readout


def test_a_click_on_a_cell_selects_the_pair_everywhere_and_opens_its_card(view: Opened) -> None:
    shown = view()
    shown.click(*shown.cell(1, 72))
    assert shown.data("selection") == "1,72"
    expect(shown.page.locator(".fv-side h3")).to_have_text("G 1 → C 72")
    table = shown.page.locator("[data-table=pair-table]")
    expect(table).to_be_visible(timeout=PATIENCE)
    assert table.locator("tbody tr").nth(0).locator("td").all_inner_texts() == ["−7.50", "−6.50", "−5.50", "−4.50"]
    assert table.locator("tbody tr").nth(2).locator("td").all_inner_texts() == ["·"] * 4  # the reference is G
    expect(shown.page.locator(".fv-facts")).to_contain_text("71 bases")
    expect(shown.page.locator(".fv-context mark").nth(1)).to_have_text("C")
    expect(shown.page.locator(".fv path.fv-selected")).to_have_attribute("data-places", "1,72")
    expect(shown.page.locator("[data-panel=map] .fv-picked")).to_have_count(1)
    expect(shown.page.locator("[data-panel=entropy] .fv-picked-base")).to_have_count(2)
    shown.page.wait_for_url("**select=1,72**")


def test_a_click_on_an_arc_a_track_and_a_row_selects_the_same_way(view: Opened) -> None:
    shown = view()
    arcs = shown.box("arcs")
    shown.click((shown.x_of(1) + shown.x_of(72)) / 2, arcs["y"] + (1 - 0.96) * arcs["height"])
    assert shown.data("selection") == "1,72"
    shown.click(shown.x_of(35), shown.y_of("entropy"))
    assert shown.data("selection") == "35"
    expect(shown.page.locator("[data-table=base-table]")).to_contain_text("Uncertainty", timeout=PATIENCE)
    shown.page.get_by_role("tab", name="Pairs").click()
    shown.page.locator("[data-places='2,71'][role], tr[data-places='2,71']").first.click()
    assert shown.data("selection") == "2,71"
    expect(shown.page.locator("tr[data-places='2,71']")).to_have_attribute("aria-selected", "true")
    shown.page.get_by_role("tab", name="Bases").click()
    shown.page.locator("tr[data-places='5']").click()
    assert shown.data("selection") == "5"


def test_drag_on_the_ruler_offers_zoom_copy_and_compute(view: Opened) -> None:
    shown = view()
    y = shown.y_of("ruler", 0.4)
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu = shown.page.locator(".fv-menu")
    menu.get_by_text("Copy 21 bases").click()
    assert shown.root.get_attribute("data-copied") == "GCTCAGCTGGGAGAGCGCTTG"
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu.get_by_text("Compute here").click()
    expect(shown.page.locator("[data-testid=stCode]")).to_contain_text("'start': 9, 'end': 30")
    shown.drag((shown.x_of(10), y), (shown.x_of(30), y))
    menu.get_by_text("Zoom to 10-30").click()
    assert shown.region == (10, 30)


def test_display_settings_keep_the_zoom(view: Opened) -> None:
    shown = view()
    shown.go("1-72")
    assert shown.region == (1, 72)
    strong = shown.cell(1, 72)
    assert near(shown.pixel(*strong), STRONG)
    shown.press("d")
    shown.page.locator("select[name=palette]").select_option("paper")
    shown.press("Escape")
    assert near(shown.pixel(*strong), (7, 31, 63))
    shown.press("d")
    shown.page.locator("input[name=threshold]").fill("5.5")
    shown.press("Tab", "Escape")
    assert near(shown.pixel(*shown.cell(2, 71)), (255, 255, 255))
    assert near(shown.pixel(*strong), (7, 31, 63))
    shown.press("d")
    shown.page.locator("input[name=high]").fill("12")
    shown.press("Tab", "Escape")
    middle = shown.pixel(*strong)
    assert near(middle, (106, 152, 191), 12)  # 6 of 12: the middle of the scale
    shown.press("d")
    shown.page.locator("select[name=symmetry]").select_option("mean")
    shown.page.locator("input[name=distance]").fill("20")
    shown.press("Tab", "Escape")
    assert shown.region == (1, 72)
    for part in ("palette=paper", "threshold=5.5", "high=12", "symmetry=mean", "distance=20", "region=1-72"):
        shown.page.wait_for_function("(part) => location.search.includes(part)", arg=part, timeout=PATIENCE)


def test_the_colour_limit_is_a_percentile_or_a_value_on_a_linear_or_a_logarithmic_scale(view: Opened) -> None:
    shown = view()
    bar = shown.page.locator(".fv-colours")
    weak = shown.cell(30, 31)
    before = shown.pixel(*weak)  # 1.4 exp(-1/2) = 0.85 bits and a little
    shown.press("d")
    shown.page.locator("input[name=percentile]").fill("90")
    shown.press("Tab", "Escape")
    expect(bar).not_to_have_text("0 – 3.8 bits")
    assert sum(shown.pixel(*weak)) > sum(before)  # a lower limit makes it brighter
    shown.press("d")
    shown.page.locator("input[name=high]").fill("6")
    shown.page.locator("select[name=scale]").select_option("log")
    shown.press("Escape")
    expect(bar).to_have_text("0.06 – 6 bits")
    assert near(shown.pixel(*shown.cell(1, 72)), STRONG)
    for part in ("percentile=90", "high=6", "scale=log"):
        shown.page.wait_for_function("(part) => location.search.includes(part)", arg=part, timeout=PATIENCE)


def test_pairs_nearer_than_the_minimum_distance_are_left_out(view: Opened) -> None:
    shown = view()
    shown.press("d")
    shown.page.locator("input[name=distance]").fill("70")
    shown.press("Tab", "Escape")
    expect(shown.page.locator(".fv-pop").first).to_be_hidden()
    shown.page.get_by_role("tab", name="Pairs").click()
    rows = shown.page.locator("[data-role=pairs] tr[data-places]")
    expect(rows).to_have_count(21, timeout=PATIENCE)  # 76 - 70 + 75 - 70 + ... = 6 + 5 + 4 + 3 + 2 + 1
    pairs = [str(row.get_attribute("data-places")).split(",") for row in rows.all()]
    assert pairs[0] == ["1", "72"]
    assert all(abs(int(one) - int(other)) >= 70 for one, other in pairs)


def test_letters_appear_when_they_fit(view: Opened) -> None:
    shown = view("length=400")
    assert shown.data("letters") == "false"
    shown.go("11-60")
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
    assert shown.spoken.startswith("Selected: Changing G at 2")
    shown.press("Escape")
    assert shown.data("selection") == ""
    shown.press("?")
    expect(shown.page.locator(".fv-pop[data-role=help]")).to_be_visible()
    shown.press("?", "m")
    shown.page.wait_for_url("**map=square**", timeout=PATIENCE)
    shown.press("+", "+")
    start, _ = shown.region
    shown.press("Shift+ArrowRight")
    assert shown.region[0] > start
    shown.press("0")
    assert shown.region == (1, 76)


def test_zoom_shape_strand_and_boxes_are_spoken(view: Opened) -> None:
    shown = view()
    shown.press("+")
    assert shown.spoken == "Showing 20-57: 38 of 76 bases."
    shown.press("-")
    assert shown.spoken == "Showing 1-76: 76 of 76 bases."
    shown.press("+", "0")
    assert shown.spoken == "Showing 1-76: 76 of 76 bases."
    shown.press("m")
    assert shown.spoken == "Map as square."
    shown.press("d")
    assert shown.spoken == "Display settings open."
    shown.press("d")
    assert shown.spoken == "Display settings closed."
    shown.press("v")
    assert shown.spoken == "The other strand is asked for."


def test_a_region_is_marked_and_used_by_keyboard(view: Opened) -> None:
    shown = view()
    shown.press("n", "Escape")  # from a cursor that is known: none, so the middle
    shown.press("r", "ArrowRight", "ArrowRight", "ArrowRight")
    assert shown.spoken.startswith("Region 39-42 marked, 4 bases; arrows change it")
    shown.press("ArrowLeft", "Enter")
    expect(shown.page.locator(".fv-menu button").first).to_be_focused()
    assert shown.page.locator(".fv-menu button").first.inner_text() == "Zoom to 39-41"
    shown.press("Tab", "Enter")
    assert shown.root.get_attribute("data-copied") == samples.LETTERS[38:41]
    expect(shown.root).to_be_focused()


def test_the_figure_is_reached_in_at_most_six_tab_stops(view: Opened) -> None:
    shown = view()
    shown.page.evaluate("() => { document.activeElement.blur(); window.getSelection().removeAllRanges(); }")
    for _ in range(6):
        shown.page.keyboard.press("Tab")
        if shown.page.evaluate("() => document.activeElement.matches('.fv, .fv-skip')"):
            break
    shown.page.keyboard.press("Enter")
    expect(shown.root).to_be_focused()
    shown.press("+")
    assert shown.region == (20, 57)


def test_box_zoom_goes_into_an_off_diagonal_block_and_double_click_back(view: Opened) -> None:
    shown = view()
    shown.button("⬚ Box zoom")
    left, top = shown.cell(5, 50)
    right, bottom = shown.cell(20, 72)
    shown.drag((left, top), (right, bottom))
    assert shown.region == (50, 72)
    assert shown.rows == (5, 20)
    assert shown.spoken == "Showing 50-72, rows 5-20: 23 of 76 bases."
    shown.move(*shown.cell(7, 66))
    assert shown.readout.startswith("Changing A at 7 changes T at 66 by 3.88 bits")  # 4 - 0.02 × 6
    shown.page.wait_for_url("**rows=5-20**")
    shown.page.mouse.dblclick(*shown.cell(10, 60))
    shown.page.wait_for_timeout(500)
    assert (shown.region, shown.rows, shown.data("selection")) == ((1, 76), None, "")
    assert "pair" not in requests_of(shown)


def test_a_double_click_resets_and_keeps_what_was_selected(view: Opened) -> None:
    shown = view()
    shown.click(*shown.cell(1, 72))
    shown.press("+")
    shown.page.mouse.dblclick(shown.x_of(40), shown.y_of("entropy"))
    shown.page.wait_for_timeout(500)
    assert (shown.region, shown.data("selection")) == ((1, 76), "1,72")


def test_reverse_complement_mirrors_region_and_selection(view: Opened) -> None:
    shown = view()
    shown.go("1-20")
    shown.click(shown.x_of(5), shown.y_of("entropy"))
    first = shown.data("view")
    shown.press("v")
    shown.page.wait_for_function(
        "(old) => { const v = document.querySelector('.fv').view; return v.meta.view !== old && v.results.figure; }",
        arg=first,
        timeout=PATIENCE,
    )
    assert shown.region == (57, 76)
    assert shown.data("selection") == "72"
    shown.move(shown.x_of(72), shown.y_of("sequence"))
    assert shown.readout.startswith("G at 72")  # C at 5 of the other strand


def test_another_model_keeps_region_and_selection(view: Opened) -> None:
    shown = view()
    shown.press("n", "+")
    region = shown.region
    shown.page.get_by_role("button", name="Other model").click()
    shown.page.wait_for_function("() => document.querySelector('.fv').view.meta.generation === 'h'", timeout=PATIENCE)
    shown.wait_for("map")
    assert shown.region == region
    assert shown.data("selection") == "1,72"


def test_the_triangle_shows_the_pair_above_its_middle(view: Opened) -> None:
    shown = view()
    shown.button("Map as triangle")
    shown.page.wait_for_function("() => document.querySelector('.fv').view.layers[0]?.bricks1", timeout=PATIENCE)
    place = shown.box("map")
    x = (shown.x_of(2) + shown.x_of(71)) / 2
    y = place["y"] + (71 - 2 + 0.5) / 76.5 * place["height"]  # rows are distances 0 to 76, each one high
    shown.click(x, y)
    assert shown.data("selection") == "2,71"
    shown.press("Escape")
    shown.move(0, 0)
    assert near(shown.pixel(x, y), STRONG)


def test_a_partial_map_fills_coarsely_and_says_what_is_missing(view: Opened) -> None:
    shown = view("rows=19")  # every fourth row
    assert shown.data("complete") == "false"
    shown.move(*shown.cell(2, 60))
    assert "not computed yet" in shown.readout
    shown.move(*shown.cell(1, 72))
    assert "6.00 bits" in shown.readout
    assert "the other way" not in shown.readout  # row 72 is not there
    shown.press("n")
    assert "the map is not complete" in shown.readout
    expect(shown.page.locator("[data-role=over] .fv-partial").first).to_contain_text("partial, 19 of 76 rows")


def test_a_long_map_arrives_pooled_and_exactly_on_zoom(view: Opened) -> None:
    shown = view("length=1500")
    shown.move(*shown.cell(1, 72))
    assert "up to about" in shown.readout
    shown.go("1-200")
    shown.wait_for("window")
    shown.move(*shown.cell(1, 72))
    assert "by 6.00 bits, the other way 5.00" in shown.readout


def test_the_figure_has_a_description_and_tables(view: Opened) -> None:
    shown = view()
    figure = shown.page.locator("[data-role=plot]")
    expect(figure).to_have_attribute(
        "aria-label", re.compile("The strongest pair at least 4 bases apart is G at 1 with C at 72: 6.00 bits")
    )
    expect(figure).to_have_attribute("aria-label", re.compile("dot-bracket"))
    shown.page.get_by_role("tab", name="In words").click()
    expect(shown.page.locator("[data-role=words]")).to_contain_text("The strongest pair at least 4 bases apart")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_view_follows_the_theme(view: Opened, scheme: str) -> None:
    shown = view()
    shown.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    shown.page.reload()
    shown = LocusPage(shown.page)
    ink = shown.page.evaluate("() => getComputedStyle(document.querySelector('.fv .xtick text')).fill")
    red = int(re.findall(r"\d+", ink)[0])
    assert (red > 150) is (scheme == "dark")


def test_nothing_is_fetched_from_another_host_and_plotly_only_once(view: Opened, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shown = view()
    shown.press("n")
    hosts = {address.split("/")[2].split(":")[0] for address in asked if "//" in address and address.startswith("http")}
    assert hosts == {"127.0.0.1"}
    assert len([address for address in asked if "lotly" in address]) == 1


def test_panels_fold_move_and_grow_and_are_so_again_on_the_next_visit(view: Opened) -> None:
    shown = view()
    shown.press("+")
    region = shown.region
    usual = shown.box("entropy")["height"]
    shown.button("Fold Influence on other bases")
    assert shown.data("folded") == "influence"
    shown.button("About Uncertainty")
    about = shown.page.locator("[data-role=about]")
    expect(about).to_contain_text("How unsure the model is of each base")
    expect(about).to_contain_text("Model: Sample model.")
    about.get_by_role("button", name="Uncertainty: taller").click()
    shown.settle()
    assert shown.box("entropy")["height"] == round(1.25 * usual)
    before = shown.data("panels").split()
    about.get_by_role("button", name="Uncertainty: up").click()
    after = shown.data("panels").split()
    assert after.index("entropy") == before.index("entropy") - 1
    shown.press("Escape")
    grip = shown.page.locator("[data-grip=effects]").bounding_box()
    assert grip is not None
    tall = shown.box("effects")["height"]
    middle = (grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    shown.drag(middle, (middle[0], middle[1] + 30))
    assert shown.box("effects")["height"] == tall + 30
    assert shown.region == region
    shown.page.wait_for_url("**hide=influence**")
    shown.page.goto(shown.page.url.split("?")[0])
    shown = LocusPage(shown.page)
    assert shown.data("folded") == "influence"
    assert shown.data("panels").split() == after
    assert shown.box("entropy")["height"] == round(1.25 * usual)
    assert shown.box("effects")["height"] == tall + 30
    shown.press("d")
    shown.page.get_by_role("button", name="Usual settings and panels").click()
    shown.press("Escape")
    assert (shown.data("folded"), shown.data("panels").split()) == ("", before)


def test_every_element_has_a_box_that_switches_it(view: Opened) -> None:
    shown = view()

    def drawn() -> int:
        return int(shown.page.evaluate("() => document.querySelector('.fv').view.dom.plot.data.filter((trace) => trace.visible).length"))

    before = drawn()
    shown.button("About Genomic elements")
    boxes = shown.page.locator("[data-role=about] input[type=checkbox]")
    expect(boxes).to_have_count(3)
    boxes.nth(1).uncheck()
    shown.settle()
    assert drawn() == before - 1
    shown.press("Escape")
    shown.button("About Genomic elements")
    assert [box.is_checked() for box in boxes.all()] == [True, False, True]
    boxes.nth(1).check()
    shown.settle()
    assert drawn() == before


def test_nothing_is_drawn_outside_its_panel_at_any_zoom(view: Opened) -> None:
    shown = view("length=400")
    shown.click(shown.x_of(200), shown.y_of("entropy"))
    for _ in range(4):
        shown.move(shown.x_of(sum(shown.region) / 2), shown.y_of("entropy"))
        shown.press("+")
        picture = shown.picture()
        left, right = shown.box("ruler")["x"], shown.box("ruler")["x"] + shown.box("ruler")["width"]
        shown.move(0, 0)
        for panel in ("arcs", "sequence", "map", "reconstruction", "effects", "influence", "entropy"):
            place = shown.box(panel)
            rows = slice(round(place["y"]) + 2, round(place["y"] + place["height"]) - 2)
            beside = picture[rows, round(left) - 3 : round(left) - 1].astype(int)
            assert (beside.max(axis=2) - beside.min(axis=2)).max() < 12, panel  # white, or the grey of a title: no colour of a plot
            past = picture[rows, round(right) + 1 : round(right) + 3].astype(int)
            assert (past.max(axis=2) - past.min(axis=2)).max() < 30, panel  # ticks are a bluish grey
        gap = picture[round(place["y"] + place["height"]) + 2 : round(place["y"] + place["height"]) + 5, round(left) : round(right)].astype(
            int
        )
        colours = gap.max(axis=2) - gap.min(axis=2)
        assert (colours > 12).mean() < 0.02  # the cursor's line may cross it, bars may not


def test_hover_is_one_line_and_at_most_one_small_tag_a_panel(view: Opened) -> None:
    shown = view()
    for place in (shown.cell(20, 30), (shown.x_of(3), shown.y_of("effects")), (shown.x_of(75.4), shown.y_of("entropy"))):
        shown.move(*place)
        texts = shown.page.evaluate(
            "() => [...document.querySelectorAll('.fv .fv-tag')].map((tag) => [tag.parentElement.dataset.marks, tag.textContent])"
        )
        panels = [panel for panel, _ in texts]
        assert len(panels) == len(set(panels)) > 3
        everything = " ".join([shown.readout, *(text for _, text in texts)])
        assert "NaN" not in everything
        assert "undefined" not in everything
        assert not re.search(r"\b\d+\.5 (at|bases)|at \d+\.\d", everything)
        assert shown.page.locator(".fv .hoverlayer .hovertext").count() == 0
    shown.move(0, 0)
    assert shown.page.locator(".fv .fv-tag").count() == 0


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_plotlys_bar_saves_a_sharp_picture_of_exactly_what_is_seen(view: Opened, tmp_path: Path, kind: str) -> None:
    shown = view()
    shown.button("Map as square")
    shown.press("d")
    shown.page.locator("select[name=palette]").select_option("viridis")
    shown.press("Escape")
    shown.button("Fold Influence on other bases")
    shown.go("1-72")
    with shown.page.expect_download() as waiting:
        shown.page.locator(f".fv .modebar-btn[data-title='What is seen, as {kind}']").click()
    saved = tmp_path / f"figure.{kind}"
    waiting.value.save_as(saved)
    assert waiting.value.suggested_filename == f"sample.{kind}"
    if kind == "svg":
        text = saved.read_text(encoding="utf-8")
        assert "Dependency map" in text
        assert "Influence on other bases" not in text
        sources = re.findall(r'href="(data:image/png;base64,[^"]+)"', text)
        opened = [np.asarray(Image.open(io.BytesIO(decoded(source))).convert("RGB")).astype(int) for source in sources]
        picture = max(opened, key=lambda one: one.shape[0])
        assert picture.shape[0] == picture.shape[1] >= 800  # many pixels a cell: sharp in every viewer
    else:
        picture = np.asarray(Image.open(saved).convert("RGB")).astype(int)
        assert picture.shape[1] == 3 * round(shown.box("map")["width"] + 168)
    strong, low = np.array([253, 231, 37]), np.array([68, 1, 84])  # the ends of viridis
    bright = (np.abs(picture - strong).sum(axis=2) < 12).sum()
    dark = (np.abs(picture - low).sum(axis=2) < 40).sum()
    assert dark > 20 * bright > 0
    blurred = picture[(np.abs(picture - strong).sum(axis=2) < 300) & (np.abs(picture - strong).sum(axis=2) > 40)]
    if kind == "svg":
        assert len(np.unique(blurred, axis=0)) < 256  # colours of the palette alone, no mixtures at edges of cells


@pytest.mark.long
def test_a_hundred_loci_leave_the_heap_as_it_was(view: Opened) -> None:
    shown = view()
    session = shown.page.context.new_cdp_session(shown.page)

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    again = """async (count) => { const view = document.querySelector('.fv').view, send = () => {}, frame = () => new Promise(requestAnimationFrame);
      for (let k = 0; k < count; k++) {
        const turned = { ...view.meta, generation: `g${k % 2}` };
        for (const kind of ['figure', 'map', 'side']) view.results[kind].header.generation = turned.generation;
        view.update(turned, send);
        await frame(); await frame();
      } return view.results.map !== undefined; }"""
    assert shown.page.evaluate(again, 10)
    before = heap()
    assert shown.page.evaluate(again, 100)
    assert heap() - before < 8


def test_the_heap_of_a_long_map_stays_under_150_megabytes(view: Opened) -> None:
    shown = view("length=2048")
    session = shown.page.context.new_cdp_session(shown.page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")
    assert used["usedSize"] < 150e6


def test_a_rerun_that_changes_nothing_sends_little_and_no_code(view: Opened, page: Page) -> None:
    received: list[bytes | str] = []

    def taken(frame: bytes | str) -> None:
        received.append(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", taken))
    shown = view("length=900")
    shown.page.wait_for_timeout(1500)
    received.clear()
    shown.click(shown.x_of(35), shown.y_of("entropy"))  # the server runs the page's fragment again, and makes a card
    expect(shown.page.locator("[data-table=base-table]")).to_be_visible(timeout=PATIENCE)
    frames = [frame if isinstance(frame, bytes) else frame.encode() for frame in received]
    assert 0 < sum(map(len, frames)) < 20_000
    assert not any(b"requestAnimationFrame" in frame or b"addEventListener" in frame for frame in frames)
