"""The very first visitor of a process, who does not start at the front page, goes on to another page by a button."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import LocusPage

ALLELE = "sequence=GGGCCCAAATTTGGGCCCAAGG&allele=2-G-A"


@pytest.mark.long
@pytest.mark.parametrize(("first", "then"), [("compare", "Explorer"), ("figure", "Compare"), ("triage", "Figure")])
def test_a_button_leads_to_another_page(page: Page, tmp_path: Path, first: str, then: str) -> None:
    with served(ROOT / "app.py", tmp_path, LOCUSCOPE_OFFLINE="1", LOCUSCOPE_THREADS="1") as address:
        if first == "triage":
            page.goto(f"{address}/triage")
            page.get_by_role("button", name="lacZ of E. coli").click()
            expect(page.get_by_text("15 alternate alleles")).to_be_visible()
            table = page.locator("[data-testid=stDataFrame] canvas").first
            table.scroll_into_view_if_needed()
            place = table.bounding_box()
            assert place is not None
            page.mouse.click(place["x"] + 18, place["y"] + 52)
            expect(page.get_by_text("rank 1 of 15 substitutions")).to_be_visible()
        else:
            page.goto(f"{address}/{first}?{ALLELE}")
        page.get_by_role("button", name=then, exact=True).click()
        if then == "Explorer":
            LocusPage(page)
        else:
            expect(page.get_by_role("heading", name=then, exact=True)).to_be_visible()
        expect(page.locator(f".st-key-allele-bar-{then}")).to_be_visible()
