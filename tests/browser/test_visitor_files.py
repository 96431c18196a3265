"""An uploaded reference lies on the disk as long as its visitor is there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ROOT, served

EXAMPLE = ROOT / "assets" / "examples"


@pytest.mark.long
def test_an_uploaded_reference_goes_when_its_visitor_closes_the_page(page: Page, tmp_path: Path) -> None:
    files = tmp_path / "home" / "visitors"
    with served(ROOT / "app.py", tmp_path, LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as address:
        page.goto(f"{address}/triage")
        page.get_by_role("button", name="Rank the variants").wait_for()
        page.locator('input[type="file"]').nth(0).set_input_files(str(EXAMPLE / "lacz-variants.vcf"))
        page.get_by_text("lacz-variants.vcf").first.wait_for()
        page.locator('input[type="file"]').nth(1).set_input_files(str(EXAMPLE / "lacz.fa"))
        page.get_by_text("lacz.fa").first.wait_for()
        page.wait_for_timeout(1000)  # its name stands there before the server has it
        for _ in range(10):
            page.get_by_role("button", name="Rank the variants").click()
            end = time.monotonic() + 6
            while not any(files.rglob("*.fa")) and time.monotonic() < end:
                time.sleep(0.2)
            if any(files.rglob("*.fa")):
                break
        assert any(files.rglob("*.fa"))
        page.goto("about:blank")
        _wait_until(lambda: not any(files.iterdir()), 20)


def _wait_until(true: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.2)
