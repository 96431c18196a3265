"""What a visitor sees before scrolling, in both themes and on two screens, and what the box above it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import PATIENCE, LocusPage

CONTRASTS = """() => {
  const drawn = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const pixel = (colour) => { drawn.clearRect(0, 0, 1, 1); drawn.fillStyle = colour; drawn.fillRect(0, 0, 1, 1); return drawn.getImageData(0, 0, 1, 1).data; };
  const light = (colour) => [...pixel(colour)].slice(0, 3).map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, k) => sum + one * [0.2126, 0.7152, 0.0722][k], 0);
  const found = [...document.querySelectorAll('[data-testid^=stBaseButton-primary]:not(:disabled), .fv [aria-pressed=true]')];
  return found.filter((one) => one.offsetParent).map((one) => {
    const [text, ground] = [getComputedStyle(one.querySelector('p') || one).color, getComputedStyle(one).backgroundColor].map(light);
    return [one.innerText, (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)];
  });
}"""
JARGON = ("forward pass", "float32", "llr", "Watson", "log-odds", "logit")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("first")
    with served(
        ROOT / "app.py", folder, LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1", LOCUSCOPE_GENOMES=f"K12={_genome(folder)};{folder}/k12.gff3"
    ) as found:
        yield found


def _genome(folder: Path) -> Path:
    """A genome of one short contig that bears the name of the real one."""
    path = folder / "k12.fa"
    path.write_text(">NC_000913.3 a short piece\n" + "GATTACACCGGTTAACGTGCATCC" * 100 + "\n", encoding="utf-8")
    rows = [
        f"NC_000913.3\tmade\tgene\t{at}\t{at + 39}\t.\t+\t.\tID={name};Name={name}"
        for at, name in ((101, "galK"), (201, "galM"), (301, "thrA"))
    ]
    (folder / "k12.gff3").write_text("##gff-version 3\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def opened(page: Page, address: str, query: str = "") -> LocusPage:
    """The page with everything computed."""
    page.goto(f"{address}/{query}")
    shown = LocusPage(page)
    page.wait_for_function(
        "() => document.querySelector('.fv').view.facts.panels.every(({ state }) => !['waiting', 'partial'].includes(state))",
        timeout=PATIENCE,
    )
    shown.settle()
    return shown


def seen_of(shown: LocusPage, height: int) -> list[str]:
    """Panels that are wholly in view without scrolling."""
    boxes = {name: shown.box(name) for name in shown.data("panels").split()}
    return [name for name, box in boxes.items() if box["y"] + box["height"] <= height and box["height"] > 8]


def fits(seen: list[str]) -> bool:
    """Whether the whole map, the sequence and three tracks are among them."""
    return {"map", "sequence"} <= set(seen) and len(seen) >= 5


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [
        (1440, 1000, "light"),
        (1024, 768, "dark"),
        pytest.param(1440, 1000, "dark", marks=pytest.mark.long),
        pytest.param(1024, 768, "light", marks=pytest.mark.long),
    ],
)
def test_whole_map_sequence_and_three_tracks_are_seen_and_buttons_are_legible(
    browser: Browser, address: str, width: int, height: int, scheme: Any
) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    shown = opened(page, address)
    for _ in range(60):  # what stands above the figure while it is computed goes after it
        if fits(seen_of(shown, height)):
            break
        page.wait_for_timeout(500)
    shown.settle()
    seen = seen_of(shown, height)  # not only at one moment between two layouts
    assert fits(seen), seen
    contrasts = page.evaluate(CONTRASTS)
    assert {"Show", "tRNA-Thr"} <= {name for name, _ in contrasts}
    assert all(contrast >= 4.5 for _, contrast in contrasts), contrasts
    row = page.locator(".st-key-examples")
    assert row.evaluate("(row) => row.scrollWidth <= row.clientWidth")
    words = page.locator("[data-testid=stMain]").inner_text()
    assert not [jargon for jargon in JARGON if jargon in words]
    page.close()


def test_enter_sends_and_the_box_holds_what_is_shown(page: Page, address: str) -> None:
    opened(page, address)
    box = page.get_by_label("Sequence or locus")
    assert box.input_value() == ""
    assert "ASM584v2:NC_000913.3:1,234-1,533:-" in str(box.get_attribute("placeholder"))
    box.fill("K12:NC_000913.3:101-130")
    box.press("Enter")
    page.wait_for_function("() => document.querySelector('.fv').view.meta.letters.length === 30", timeout=PATIENCE)
    expect(box).to_have_value("ASM584v2:NC_000913.3:101-130", timeout=PATIENCE)
    page.get_by_role("button", name="thr attenuator", exact=True).click()
    page.wait_for_url("**example=ecoli-thr-attenuator**", timeout=PATIENCE)
    expect(box).to_have_value("")


def test_names_of_genes_are_offered_while_they_are_typed(page: Page, address: str) -> None:
    opened(page, address)
    box = page.get_by_label("Sequence or locus")
    offered = page.locator(".search-names li")
    for _ in range(20):  # the first time the annotation is opened in the background
        box.fill("")
        box.press_sequentially("gal")
        page.wait_for_timeout(700)
        if offered.count():
            break
    assert offered.all_inner_texts() == ["ASM584v2:galK", "ASM584v2:galM"]
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_function("() => document.querySelector('.fv').view.meta.letters.length === 40", timeout=PATIENCE)
    expect(box).to_have_value("ASM584v2:galM")
    expect(offered).to_have_count(0)


def test_a_model_that_was_made_for_the_organism_is_one_click_away(page: Page, address: str) -> None:
    opened(page, address, "?example=yeast-ubc4-intron")
    page.get_by_role("button", name="Made for fungi: SpeciesLM fungi").click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()


def test_element_rows_in_which_nothing_is_seen_are_one_line(page: Page, address: str) -> None:
    shown = opened(page, address, "?example=ecoli-trna-thr")
    note = page.locator("[data-panel=elements] .fv-note, [data-panel=elements]").first
    assert shown.box("elements")["height"] < 14 * 12
    expect(note).to_contain_text(re.compile("nothing (else )?reaches 0.5"))
