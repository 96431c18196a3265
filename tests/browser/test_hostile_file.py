"""While a hostile file of 50 MB is read for one visitor, the server answers the others."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import PATIENCE


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("app"), LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as found:
        yield found


class Health:
    """Asks the server how it is, twenty times a second."""

    def __init__(self, address: str) -> None:
        self.worst = 0.0
        self._address, self._stop = f"{address}/_stcore/health", threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Health:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.05):
            began = time.monotonic()
            with urllib.request.urlopen(self._address, timeout=60) as answer:
                answer.read()
            self.worst = max(self.worst, time.monotonic() - began)


FILES: dict[str, tuple[int, Callable[[], bytes], str]] = {
    "records.fa": (0, lambda: b">r\nACGTACGTACGT\n" * 3_000_000, "more than 10,000 records"),
    "word.gtf": (1, lambda: b'c\tx\tgene\t1\t20\t.\t+\t.\tgene_id "k"; ' + b"w" * 48_000_000 + b"\n", "has no features on"),
}


def test_the_server_answers_within_a_second_while_hostile_files_are_read(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?sequence=GGGCCCAAATTTGGGCCC")
    expect(page.locator(".st-key-echo")).to_be_visible(timeout=PATIENCE)
    with Health(address) as quiet:
        page.wait_for_timeout(3000)
    page.get_by_role("button", name="File").click()
    for name, (place, make, words) in FILES.items():
        path = tmp_path / name
        path.write_bytes(make())
        with Health(address) as busy:
            page.locator('input[type="file"]').nth(place).set_input_files(str(path))
            expect(page.locator('.st-key-problem [data-testid="stAlert"]')).to_contain_text(words, timeout=200_000)
        assert busy.worst <= 1.0 + quiet.worst, name


def test_reading_can_be_cancelled_and_what_was_there_stays(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/?sequence=GGGCCCAAATTTGGGCCC")
    expect(page.locator(".st-key-echo")).to_be_visible(timeout=PATIENCE)
    path = tmp_path / "lines.bed"
    path.write_bytes(b"c\t1\t2\n" * 4_990_000)  # just within what is read: more would be refused sooner
    page.get_by_role("button", name="File").click()
    page.locator('input[type="file"]').nth(1).set_input_files(str(path))
    reading = page.locator(".st-key-reading-explorer")
    expect(reading).to_contain_text("Reading 'lines.bed'", timeout=PATIENCE)
    page.keyboard.press("Escape")
    reading.get_by_role("button", name="Cancel").click()
    expect(page.locator('.st-key-problem [data-testid="stAlert"]')).to_contain_text("Reading was cancelled", timeout=PATIENCE)
    expect(page.locator(".st-key-echo")).to_be_visible()
