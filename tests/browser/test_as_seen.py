"""The page Figure and the files of the server show what the explorer shows, and an address brings it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import LocusPage

HAIRPIN = "GGGCCCAAATTTGGGCCCAAGG"
FIGURE = ".js-plotly-plot .main-svg"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("seen"), LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as found:
        yield found


def panel_titles(page: Page) -> list[str]:
    """The panels that are chosen on the page Figure."""
    return page.get_by_role("toolbar", name="Panels").locator("button[aria-pressed=true]").all_inner_texts()


@pytest.mark.long  # the same page without a browser is among the tests of pages
def test_the_figure_opened_first_in_a_process_starts_from_the_first_example(page: Page, address: str) -> None:
    page.goto(f"{address}/figure")
    expect(page.locator(FIGURE).first).to_be_visible()
    expect(page.get_by_text("76 bases of RNA")).to_be_visible()
    page.wait_for_url("**/figure?example=ecoli-trna-thr**")
    page.get_by_role("link", name="Explorer", exact=True).click()
    assert LocusPage(page).region == (1, 76)


def test_an_address_of_the_figure_reproduces_it(page: Page, address: str) -> None:
    page.goto(f"{address}/figure?sequence={HAIRPIN}&map=triangle&scale=log&region=3-20&hide=effects,entropy&theme=dark&heights=arcs:150")
    expect(page.locator(FIGURE).first).to_be_visible()
    square = page.get_by_role("radio", name="square", exact=True)
    expect(square).to_have_count(1)  # while the page is drawn again the one before may still stand there
    square.click()
    page.wait_for_url("**map=square**")
    before = panel_titles(page)
    assert "Strongest pairs" in before
    assert not {"Effect of each substitution", "Uncertainty"} & set(before)
    page.goto(page.url)
    expect(page.locator(FIGURE).first).to_be_visible()
    assert panel_titles(page) == before
    drawn = page.evaluate(
        "() => { const { layout } = document.querySelector('.js-plotly-plot'); return [layout.xaxis.range, layout.paper_bgcolor]; }"
    )
    assert drawn[0] == [2.5, 20.5]
    assert drawn[1] != "#ffffff"
    for part in ("scale=log", "region=3-20", "theme=dark", "heights=arcs:150"):
        assert part in page.url


def described(svg: Path) -> tuple[set[str], list[float]]:
    """The texts of a picture, its width and its height."""
    root = ElementTree.fromstring(svg.read_text(encoding="utf-8"))  # noqa: S314 our own file
    texts = {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}
    return texts, [float(root.attrib[name]) for name in ("width", "height")]


def test_files_of_browser_and_server_and_the_page_figure_show_exactly_what_is_seen(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?sequence={HAIRPIN}")
    shown = LocusPage(page)
    page.wait_for_function("() => document.querySelector('.fv').view.results.map.header.complete")
    expect(page.get_by_role("button", name="Stop computing")).to_have_count(0)
    shown.button("Map as square")
    shown.press("d")
    page.locator("select[name=palette]").select_option("viridis")
    page.locator("input[name=high]").fill("3")
    shown.press("Tab", "Escape")
    shown.button("Fold Influence on other bases")
    shown.button("About Uncertainty")
    page.locator("[data-role=about]").get_by_role("button", name="Uncertainty: taller").click()
    page.locator("[data-role=about]").get_by_role("button", name="Uncertainty: up").click()
    page.wait_for_function("() => document.querySelector('.fv').view.arrangement.order.length > 0")
    shown.press("Escape")
    shown.go("4-19")
    with page.expect_download() as waiting:
        page.locator(".fv .modebar-btn[data-title='What is seen, as svg']").click()
    waiting.value.save_as(tmp_path / "browser.svg")
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("radio", name="Figure", exact=True).click()
    expect(page.get_by_text("Exactly what is seen")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile(r"^\.svg")).click()
    waiting.value.save_as(tmp_path / "server.svg")
    by_browser, by_server = described(tmp_path / "browser.svg"), described(tmp_path / "server.svg")
    assert by_browser[0] == by_server[0]
    assert [2 * size for size in by_browser[1]] == by_server[1]  # two pixels each
    assert {"4", "18"} <= by_server[0]
    assert not any("Influence" in text for text in by_server[0])
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Figure", exact=True).click()
    expect(page.locator(FIGURE).first).to_be_visible()
    page.wait_for_url("**order=**")
    for part in ("map=square", "palette=viridis", "high=3", "hide=influence", "region=4-19", "order="):
        assert part in page.url
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile(r"^\.svg")).click()
    waiting.value.save_as(tmp_path / "page.svg")
    assert described(tmp_path / "page.svg") == by_server
