"""Text from outside is text: hostile links, pastes and names load nothing and link nowhere, and are shown as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.hostile import HOST, TEXTS
from tests.browser.locus_page import PATIENCE

SHORT = "GGGCCCAAATTTGGGCCC"
OPENED = f'[href*="{HOST}"], [href*="example"], [href^="javascript"], [href^="mailto"], [src*="{HOST}"]'


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("app"), LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as found:
        yield found


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Requests to any other host than this machine."""
    found: list[str] = []
    page.on(
        "request",
        lambda request: (
            found.append(request.url) if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")) else None
        ),
    )
    return found


def test_every_hostile_text_is_shown_letter_by_letter_in_every_kind_of_box(
    page: Page, asked: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with served(Path(__file__).parent / "hostile_app.py", tmp_path_factory.mktemp("hostile"), PYTHONPATH=str(ROOT)) as address:
        page.goto(address)
        expect(page.get_by_text("all are drawn")).to_be_visible(timeout=PATIENCE)
        for number, text in enumerate(TEXTS):
            for kind in ("error", "warning", "info", "caption", "bold", "button"):
                box = page.locator(f".st-key-{kind}-{number}")
                expect(box).to_have_text(re.compile(r"\S"))  # markdown is drawn a moment after its box
                shown = " ".join(box.inner_text().replace("\u2060", "").split())
                assert shown == " ".join(text.split()), (kind, text)
                assert box.locator("a, img, code, h1, li, table, .katex").count() == 0, (kind, text)
    assert asked == []


LINKS = [
    *(f"locus={quote(text)}" for text in TEXTS[:12]),
    *(f"sequence={quote(text)}" for text in TEXTS[:4]),
    *(
        f"sequence={SHORT}&{name}={quote(TEXTS[number])}"
        for number, name in enumerate(("model", "species", "palette", "hide", "region", "select", "record", "window"))
    ),
    *(f"sequence={quote(f'>{text} name{chr(10)}{SHORT}')}" for text in (TEXTS[0], TEXTS[2], TEXTS[5], TEXTS[11], TEXTS[24], TEXTS[22])),
    f"example={quote(TEXTS[0])}",
]


@pytest.mark.long
def test_thirty_hostile_links_load_nothing_and_link_nowhere(page: Page, asked: list[str], address: str) -> None:
    assert len(LINKS) >= 30
    for link in LINKS:
        page.goto(f"{address}/?{link}")
        expect(page.locator(".st-key-echo, .st-key-problem [data-testid=stAlert]").first).to_be_visible(timeout=PATIENCE)
        assert page.locator(OPENED).count() == 0, link
        assert page.locator('[data-testid="stAlert"] a, [data-testid="stAlert"] img').count() == 0, link
    assert asked == []


@pytest.mark.long
def test_hostile_pastes_and_names_of_files_load_nothing_and_link_nowhere(
    page: Page, asked: list[str], address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}/?sequence={SHORT}")
    box = page.get_by_placeholder("Paste DNA")
    expect(box).to_be_visible(timeout=PATIENCE)
    for text in (TEXTS[0], TEXTS[1], TEXTS[4], f">{TEXTS[0]}\n{SHORT}\n>{TEXTS[2]}\n{SHORT}A\n", f">{TEXTS[12]}\n!\n"):
        box.fill(text)
        page.get_by_role("button", name="Show").first.click()
        page.wait_for_timeout(1200)
        assert page.locator(OPENED).count() == 0, text
    named = tmp_path / "![i](x) [a](b) $y$ .fa"
    named.write_text(f">{TEXTS[1]}\nACGT!\n")
    page.get_by_role("button", name="File").click()
    page.locator('input[type="file"]').first.set_input_files(str(named))
    expect(page.locator('.st-key-problem [data-testid="stAlert"]')).to_contain_text("'!' at position 5", timeout=PATIENCE)
    assert page.locator(OPENED).count() == 0
    assert asked == []
