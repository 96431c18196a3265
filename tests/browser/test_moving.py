"""Along a genome in a browser: past the edge of the window, out to the whole contig and back to what models read, to the next gene."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import PATIENCE

LENGTH = 400_000
SEEN = """() => { const v = document.querySelector('.fv')?.view, bar = document.querySelector('.ov')?.bar;
  const loaded = v?.figure && bar?.view === v && v.meta.view === bar.data.view && v.region.a > -1 && v.region.b < v.length + 1;
  return loaded ? [Math.round(bar.seen.start), Math.round(bar.seen.end), v.length] : null; }"""
WATCH = """() => { const bar = document.querySelector('.ov').bar, { ask, rested } = bar;
  Object.assign(bar, { asked: [], restedAt: 0 });
  bar.ask = (name, values) => { bar.asked.push(name); return ask.call(bar, name, values); };
  bar.rested = () => { rested.call(bar); bar.restedAt = bar.view.region.a; }; }"""
"""Notes what the bar asks of the server, and where the view was when it last looked whether to."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registered contig with a gene of 1,200 bases in every 4,000."""
    folder = tmp_path_factory.mktemp("moving")
    letters = "".join(np.random.default_rng(1).choice(list("ACGT"), LENGTH))
    (folder / "toy.fa.gz").write_bytes(gzip.compress(f">c1\n{letters}\n".encode(), mtime=0))
    rows = [f"c1\tx\tgene\t{at + 1}\t{at + 1200}\t.\t+\t.\tID=g{at};Name=g{at}" for at in range(1000, LENGTH - 2000, 4000)]
    (folder / "toy.gff3").write_text("\n".join(["##gff-version 3", *rows]) + "\n")
    genomes = f"toy={folder / 'toy.fa.gz'};{folder / 'toy.gff3'}"
    with served(ROOT / "app.py", folder, LOCUSCOPE_GENOMES=genomes, LOCUSCOPE_OFFLINE="1") as address:
        yield address


def reached(page: Page, start: int, end: int, length: int) -> None:
    """Wait until this stretch of the contig is in view, in a window of ``length`` bases."""
    page.wait_for_function(f"(want) => JSON.stringify(({SEEN})()) === JSON.stringify(want)", arg=[start, end, length], timeout=PATIENCE)


def box_of(page: Page, selector: str) -> dict[str, float]:
    """Where a part of the page is once it is drawn; the figure replaces its parts as it draws."""
    code = "(name) => { const { x, y, width, height } = document.querySelector(name)?.getBoundingClientRect() || {}; return width ? { x, y, width, height } : null; }"
    return dict(page.wait_for_function(code, arg=selector, timeout=PATIENCE).json_value())


def test_the_whole_contig_is_one_view_that_is_walked_by_keys_buttons_and_the_pointer(page: Page, server: str) -> None:
    page.goto(f"{server}/?locus=toy:c1:20001-20400")
    reached(page, 20_000, 20_400, 400)
    page.keyboard.press("]")
    reached(page, 20_200, 20_600, 400)
    page.locator(".ov [data-turn='-1']").click()
    reached(page, 19_800, 20_200, 400)
    page.keyboard.press("f")
    reached(page, 21_400, 21_800, 400)  # the middle of the gene from 21,000 to 22,200
    page.keyboard.press("-")
    reached(page, 21_200, 22_000, 800)
    page.wait_for_timeout(300)  # until the panels are drawn
    place = box_of(page, ".fv-clip[data-panel=sequence]")
    page.mouse.move(place["x"] + place["width"] * 0.75, place["y"] + 5)
    page.evaluate(WATCH)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.5, place["y"] + 5, steps=3)
    page.mouse.move(place["x"] + place["width"] * 0.25, place["y"] + 5, steps=3)
    page.wait_for_function("() => document.querySelector('.ov').bar.restedAt > 350", timeout=PATIENCE)  # a view at rest there would go on
    assert page.evaluate("document.querySelector('.ov').bar.asked") == []  # but not while the pointer holds it
    page.mouse.up()
    reached(page, 21_600, 22_400, 800)
    assert page.evaluate("document.querySelector('.ov').bar.asked") == ["move"]
    page.keyboard.press("w")
    reached(page, 0, LENGTH, LENGTH)
    assert (
        page.evaluate("document.querySelector('.fv').view.laid.map(({ id }) => id).join()") == "regions,genes"
    )  # the asked place is marked
    bar = box_of(page, ".ov-bar")
    page.mouse.move(bar["x"] + bar["width"] * 0.25, bar["y"] + 9)
    page.mouse.down()
    page.mouse.move(bar["x"] + bar["width"] * 0.5, bar["y"] + 9, steps=3)
    page.mouse.up()
    page.wait_for_function(f"() => {{ const seen = ({SEEN})(); return seen && seen[1] - seen[0] < {LENGTH // 3}; }}", timeout=PATIENCE)
    start, end, length = page.evaluate(SEEN)
    assert abs(start - LENGTH / 4) < 2000
    assert abs(end - LENGTH / 2) < 2000
    assert length > 1.4 * (end - start)  # what lies beside it is there, too
