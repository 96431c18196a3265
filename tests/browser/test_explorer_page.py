"""The whole explorer in a real browser: from an address or a box to a map that the shipped model computed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import PATIENCE, LocusPage

SHORT = "GGGCCCAAATTTGGGCCCAAGGCCTT"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("app"), LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as found:
        yield found


def wait_complete(page: Page, seconds: int = 250) -> LocusPage:
    shown = LocusPage(page, loaded="map")
    page.wait_for_function(
        """() => { const { results, facts } = document.querySelector('.fv').view;
        return results.map?.header.complete && facts.panels.every(({ state }) => !['waiting', 'partial'].includes(state)); }""",
        timeout=seconds * 1000,
    )
    return shown


def test_a_first_visit_has_an_example_on_screen_computed_by_the_shipped_model(page: Page, address: str) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]) if request.url.startswith("http") else None)
    page.goto(address)
    shown = wait_complete(page)
    assert shown.region == (1, 76)
    expect(page.get_by_text("acceptor, D, anticodon").first).to_be_visible()
    assert {"effects", "reconstruction", "dot_bracket", "map"} <= set(shown.data("panels").split())
    shown.press("n")
    expect(page.locator("[data-table=pair-table]")).to_be_visible(timeout=PATIENCE)
    assert hosts == {"127.0.0.1"}


def test_the_address_reproduces_the_whole_view(page: Page, address: str) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    shown = wait_complete(page)
    shown.go("3-20")
    shown.click(*shown.cell(5, 12))
    shown.press("m")
    page.wait_for_url("**select=5,12**")
    page.wait_for_url("**map=square**")
    link = page.url
    other = page.context.new_page()
    other.goto(link)
    again = wait_complete(other)
    assert again.region == (3, 20)
    assert again.data("selection") == "5,12"
    assert other.evaluate("() => document.querySelector('.fv').view.display.shape") == "square"
    expect(other.locator("[data-table=pair-table]")).to_be_visible(timeout=PATIENCE)
    assert other.evaluate("() => document.querySelector('.fv').view.meta.letters") == SHORT


def test_pasted_letters_replace_the_example_and_bad_ones_do_not(page: Page, address: str) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    shown = wait_complete(page)
    box = page.get_by_label("Sequence or locus")
    box.fill("acgtacgtacgtacgtxacgt")
    page.get_by_role("button", name="Show", exact=True).first.click()
    expect(page.get_by_role("alert").first).to_contain_text("'X'")
    assert shown.data("complete") == "true"
    box.fill("1 ttgacaatta 11 atcatcggct")
    page.get_by_role("button", name="Show", exact=True).first.click()
    page.wait_for_function("() => document.querySelector('.fv').view.meta.letters === 'TTGACAATTAATCATCGGCT'", timeout=PATIENCE)
    wait_complete(page)
    page.wait_for_url("**sequence=TTGACAATTAATCATCGGCT**")


def test_a_long_map_fills_coarse_to_fine_and_cancel_keeps_what_there_is(page: Page, address: str) -> None:
    letters = "".join(np.random.default_rng(3).choice(list("ACGT"), 900))
    page.goto(f"{address}/?sequence={letters}")
    start = page.get_by_role("button", name="Compute", exact=True)
    page.wait_for_selector(".fv[data-ready=true]")
    if start.is_visible():
        start.click()
    shown = LocusPage(page, loaded="map")
    assert shown.data("complete") == "false"
    expect(page.locator("[data-role=progress]")).to_contain_text(re.compile(r"[\d,]+ of [\d,]+"), timeout=PATIENCE)
    shown.press("+")
    region = shown.region
    stop = page.get_by_role("button", name="Stop computing")
    stop.focus()
    page.wait_for_timeout(1500)
    assert shown.region == region  # the zoom survives the refreshes,
    expect(stop).to_be_focused()  # and so does the button that the keyboard is on,
    stop.click(delay=1500)  # or the pointer: pressed before one refresh, let go after it
    expect(page.locator("[data-role=progress]")).to_contain_text("partial", timeout=PATIENCE)
    page.wait_for_timeout(800)
    assert shown.data("complete") == "false"
    assert "map" in shown.data("loaded")
    done = page.evaluate(
        "() => Array.from({ length: 900 }, (_, k) => document.querySelector('.fv').view.lookup(k, k).done).filter(Boolean).length"
    )
    assert 0 < done < 900


def test_an_example_card_computes_on_click(page: Page, address: str) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    wait_complete(page)
    page.get_by_role("button", name="Ribosome binding site", exact=True).click()
    page.wait_for_url("**example=t7-gene10-rbs**", timeout=PATIENCE)
    page.wait_for_function("() => document.querySelector('.fv').view.results.map", timeout=PATIENCE)


def test_a_region_can_be_computed_on_its_own_and_left_again(page: Page, address: str) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    shown = wait_complete(page)
    y = shown.y_of("ruler", 0.8)
    shown.drag((shown.x_of(4), y), (shown.x_of(15), y))
    page.locator(".fv-menu").get_by_text("Compute here").click()
    page.wait_for_function("(want) => document.querySelector('.fv').view.meta.letters === want", arg=SHORT[3:15], timeout=PATIENCE)
    wait_complete(page)  # a button that is drawn again under the pointer loses the click
    page.get_by_role("button", name=f"Whole sequence ({len(SHORT)})").click()
    page.wait_for_function("(want) => document.querySelector('.fv').view.meta.letters === want", arg=SHORT, timeout=PATIENCE)


def test_an_exported_map_is_the_map_on_screen(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    shown = wait_complete(page)
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=".npz").click()
    waiting.value.save_as(tmp_path / "map.npz")
    with np.load(tmp_path / "map.npz") as archive:
        values = archive["values"]
    on_screen = page.evaluate("() => Array.from(document.querySelector('.fv').view.layers[0].values)")
    np.testing.assert_array_equal(values.ravel(), np.asarray(on_screen, np.float32))
    assert shown.data("complete") == "true"


def test_text_that_is_too_long_is_stopped_before_it_is_sent(page: Page, address: str) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    wait_complete(page)
    before = page.get_by_label("Sequence or locus").input_value()
    stopped = page.evaluate(
        """(count) => { const data = new DataTransfer(); data.setData('text', 'A'.repeat(count));
        const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
        return !document.querySelector('.st-key-search textarea').dispatchEvent(event); }""",
        5_000_001,
    )
    assert stopped
    alarm = page.get_by_role("alert").filter(has_text="The pasted text has 5,000,001 characters; at most 5,000,000 can be pasted.")
    expect(alarm).to_be_visible()
    alarm.click()
    expect(alarm).to_have_count(0)
    assert page.get_by_label("Sequence or locus").input_value() == before
