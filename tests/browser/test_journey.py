"""One visit on real genomes, from a fresh start to a session that is opened after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import PATIENCE
from tests.browser.test_moving import SEEN, reached

YEAST = ("R64", "yeast/S_cerevisiae_S288C_R64.fa.gz", "yeast/S_cerevisiae_S288C_R64.gff3.gz", "GAL1", "chrII", 813_184, 279_021)
BACTERIUM = (
    "MG1655",
    "annotated/E_coli_K12_MG1655.fna.gz",
    "annotated/E_coli_K12_MG1655.gff.gz",
    "thrA",
    "NC_000913.3",
    4_641_652,
    337,
)
OWN = "() => document.querySelector('.fv').view.laid?.filter(({ id }) => id.startsWith('own-')).length"


def opened(page: Page, name: str) -> Locator:
    """The box behind a button of the search row."""
    page.get_by_role("button", name=name).first.click()
    return page.locator("[data-testid=stPopoverBody]").last


def until(page: Page, code: str, value: Any) -> None:
    page.wait_for_function(f"(want) => JSON.stringify(({code})()) === JSON.stringify(want)", arg=value, timeout=PATIENCE)


def tracks(folder: Path, contig: str, length: int, at: int) -> list[str]:
    """A bigWig and a VCF of one's own around a base."""
    table = pytest.importorskip("pyBigWig").open(str(folder / "mine.bw"), "w")
    table.addHeader([(contig, length)])
    table.addEntries(contig, at, values=[float(k % 7) for k in range(300)], span=1, step=1)
    table.close()
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (folder / "mine.vcf").write_text(head + "".join(f"{contig}\t{at + k}\t.\tA\tG\t.\t.\t.\n" for k in (20, 50)))
    return [str(folder / "mine.bw"), str(folder / "mine.vcf")]


@pytest.mark.long
@pytest.mark.parametrize("genome", [YEAST, BACTERIUM], ids=lambda genome: str(genome[0]))
def test_a_visit_from_a_search_to_a_session_opened_after_a_restart(
    page: Page, tmp_path: Path, shared: Path, genome: tuple[str, str, str, str, str, int, int]
) -> None:
    name, fasta, annotation, gene, contig, length, first = genome
    data = shared / "data" / "genomes"
    settings = {"LOCUSCOPE_GENOMES": f"{name}={data / fasta};{data / annotation}", "LOCUSCOPE_OFFLINE": "1"}
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    with served(ROOT / "app.py", tmp_path / "before", **settings) as address:
        page.goto(address)
        box = page.locator(".st-key-search textarea")
        box.fill(f"{name}:{gene}")
        box.press("Enter")
        page.wait_for_function("(name) => document.querySelector('.ov')?.bar?.data?.name.includes(name)", arg=contig, timeout=PATIENCE)
        page.wait_for_function(f"(first) => ({SEEN})()?.[0] === first - 1", arg=first, timeout=PATIENCE)
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("w")
        reached(page, 0, length, length)
        region = page.locator(".fv input[name=region]")
        region.fill(f"{first:,}-{first + 99:,}")
        region.press("Enter")
        page.wait_for_function(
            f"(first) => {{ const seen = ({SEEN})(); return seen?.[0] === first - 1 && seen[2] === 100; }}", arg=first, timeout=PATIENCE
        )
        page.locator(".ov [data-turn='1']").first.click()
        reached(page, first + 99, first + 199, 100)
        if page.get_by_role("button", name="Compute", exact=True).count():
            page.get_by_role("button", name="Compute", exact=True).click()
        until(
            page, "() => !!document.querySelector('.fv').view.results.map && !document.querySelector('.fv').view.layers[0]?.partial", True
        )
        opened(page, "Tracks").locator("input[type=file]").set_input_files(tracks(tmp_path, contig, length, first))
        until(page, OWN, 2)
        page.keyboard.press("Escape")
        marked = opened(page, "Regions")
        marked.get_by_label("Name").fill("mine")
        marked.get_by_role("button", name="Mark").click()
        page.get_by_role("button", name="Regions (1)").wait_for()
        page.keyboard.press("Escape")
        files = opened(page, "File")
        with page.expect_download() as saving:
            files.get_by_role("button", name="Save this session").click()
        saved = tmp_path / "mine.locuscope.json.gz"
        saving.value.save_as(saved)
    with served(ROOT / "app.py", tmp_path / "after", **settings) as address:
        page.goto(address)
        page.wait_for_function("() => document.querySelector('.fv')?.view?.figure", timeout=PATIENCE)
        opened(page, "File").locator("input[type=file]").nth(2).set_input_files(str(saved))
        reached(page, first + 99, first + 199, 100)
        until(page, OWN, 2)
        page.get_by_role("button", name="Regions (1)").wait_for()
