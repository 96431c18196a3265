"""An uploaded reference lies on the disk as long as its visitor is there."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.conftest import ROOT, served

EXAMPLE = ROOT / "assets" / "examples"


AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
"""No run is under way: one that begins drops Streamlit's answer to a file that is chosen in the very same moment (its queue of messages is cleared)."""


def test_an_uploaded_reference_goes_when_its_visitor_closes_the_page(page: Page, tmp_path: Path) -> None:
    files = tmp_path / "home" / "visitors"
    with served(ROOT / "app.py", tmp_path, LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as address:
        page.goto(f"{address}/triage")
        page.get_by_role("button", name="Rank the variants").wait_for()
        for number, name in enumerate(("lacz-variants.vcf", "lacz.fa")):
            page.locator(AT_REST).wait_for()
            page.locator('input[type="file"]').nth(number).set_input_files(str(EXAMPLE / name))
            page.get_by_text(name).first.wait_for()
            page.wait_for_timeout(500)  # the name stands there before the run that takes the file begins
        page.locator(AT_REST).wait_for()
        page.get_by_role("button", name="Rank the variants").click()
        _wait_until(lambda: any(files.rglob("*.fa")), 60)
        page.goto("about:blank")
        _wait_until(lambda: not any(files.iterdir()), 20)


def _wait_until(true: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.2)
