"""The browser's side of the figures: ``python -m tests.browser.timings``. What one step costs at 1,024 bases, with every panel of the samples.

On the sample page of the tests, headless and without a GPU. Steps are timed from the call to the end of all drawing that the script and plotly.js
do for it; the browser paints afterwards. "Results to pixels" starts when the view has been told of another model, whose results follow at once:
their way, unpacking and drawing; "click to pixels" also has two runs of the page's script. Budgets are those of an idle machine of two cores.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import find
from tests.browser.conftest import served
from tests.browser.locus_page import LocusPage

LENGTH = 1024
VISITS = 5
BUDGETS = {
    "figure: step of zoom, least of 25, ms": 25.0,
    "figure: step of zoom, median, ms": 33.0,
    "map and axes alone: step of zoom, median, ms": 5.0,
    "hover, median, ms": 16.0,
    "colour limit, median, ms": 30.0,
    "results to pixels, ms": 500.0,
    "unchanged rerun, kB": 20.0,
    "heap at 2,048 x 2,048, MB": 150.0,
    "PNG, s": 2.0,
    "SVG, s": 2.0,
}
_PAGE = Path(__file__).parent / "view_app.py"
_STEPS = """async ({ kind, count, alone }) => {
  const view = document.querySelector('.fv').view, frame = () => new Promise(requestAnimationFrame), later = window.requestAnimationFrame;
  const others = view.laid.map(({ id }) => id).filter((id) => id !== 'map');
  view.arrangement = { order: [], folded: alone ? others : [], heights: {}, off: [] };
  if (alone) { view.figure = { ...view.figure, data: view.figure.data.filter(({ yaxis }) => yaxis === view.panel('map').axis) }; }
  view.refresh('layout'); await frame(); await frame();
  let ended = 0;
  window.requestAnimationFrame = (does) => { does(performance.now()); ended = performance.now(); return 0; };
  const seen = [];
  for (let k = 0; k < count; k++) {
    const began = performance.now();
    if (kind === 'zoom') view.zoom(k % 2 ? 1 / 0.7 : 0.7, view.length / 3);
    if (kind === 'hover') view.setCursor({ i: 30 + k, j: 200 + 3 * k, base: 200.5 + 3 * k });
    if (kind === 'limit') view.set({ high: 2 + k / 10 });
    seen.push(ended - began);
    await new Promise((done) => setTimeout(done, 40));
  }
  window.requestAnimationFrame = later;
  return seen.sort((a, b) => a - b);
}"""
_RESEND = """async (name) => {
  const view = document.querySelector('.fv').view, frame = () => new Promise(requestAnimationFrame);
  const button = [...document.querySelectorAll('button')].find((one) => one.innerText.trim() === name);
  const began = performance.now();
  button.click();
  while (view.results.map && view.meta.generation === 'g') await frame();
  const told = performance.now();
  while (!view.results.map || !view.figure) await frame();
  await frame(); await frame();
  return [performance.now() - began, performance.now() - told];
}"""


def steps(page: Page, address: str) -> dict[str, float]:
    """Milliseconds of the steps of one visit by what was measured."""
    page.goto(f"{address}/?length={LENGTH}")
    shown = LocusPage(page)
    page.wait_for_timeout(1000)
    found: dict[str, float] = {"panels": len(shown.data("panels").split())}
    zoom = page.evaluate(_STEPS, {"kind": "zoom", "count": 25, "alone": False})
    found["figure: step of zoom, least of 25, ms"] = zoom[0]
    found["figure: step of zoom, median, ms"] = statistics.median(zoom)
    found["hover, median, ms"] = statistics.median(page.evaluate(_STEPS, {"kind": "hover", "count": 25, "alone": False}))
    found["colour limit, median, ms"] = statistics.median(page.evaluate(_STEPS, {"kind": "limit", "count": 15, "alone": False}))
    alone = page.evaluate(_STEPS, {"kind": "zoom", "count": 25, "alone": True})
    found["map and axes alone: step of zoom, median, ms"] = statistics.median(alone)
    return found


def ways(page: Page, address: str) -> dict[str, float]:
    """From the server to the screen and back, of one visit."""
    received: list[int] = []

    def taken(frame: Any) -> None:
        received.append(len(frame))

    page.on("websocket", lambda socket: socket.on("framereceived", taken))
    page.goto(f"{address}/?length={LENGTH}")
    shown = LocusPage(page)
    page.wait_for_timeout(1500)
    found: dict[str, float] = {"first visit received, MB": sum(received) / 1e6}
    received.clear()
    shown.click(shown.x_of(35), shown.y_of("entropy"))
    page.locator("[data-table=base-table]").wait_for()
    found["unchanged rerun, kB"] = sum(received) / 1e3
    for kind in ("png", "svg"):
        began = time.perf_counter()
        with page.expect_download():
            page.locator(f".fv .modebar-btn[data-title='What is seen, as {kind}']").click()
        found[f"{kind.upper()}, s"] = time.perf_counter() - began
    found["click to pixels, ms"], found["results to pixels, ms"] = page.evaluate(_RESEND, "Other model")
    return found


def heap(page: Page, address: str) -> dict[str, float]:
    """Memory of the script at the longest map that goes in one piece, after a collection."""
    page.goto(f"{address}/?length=2048")
    LocusPage(page)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return {"heap at 2,048 x 2,048, MB": session.send("Runtime.getHeapUsage")["usedSize"] / 1e6}


def measured(browser: Browser, address: str) -> dict[str, float]:
    """The median of some visits."""
    visits: list[dict[str, float]] = []
    for _ in range(VISITS):
        found: dict[str, float] = {}
        for measure in (steps, ways, heap):
            page = browser.new_page(viewport={"width": 1440, "height": 1500})
            page.set_default_timeout(120_000)
            found |= measure(page, address)
            page.close()
        visits.append(found)
    return {name: statistics.median(visit[name] for visit in visits) for name in visits[0]}


def main() -> None:
    """Measure and print, each with its budget."""
    with tempfile.TemporaryDirectory() as folder, served(_PAGE, Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find()), args=["--no-sandbox", "--disable-gpu"])
        found = measured(browser, address)
        browser.close()
    print(f"{LENGTH:,} bases, {found.pop('panels'):.0f} panels; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, value in found.items():
        budget = f"   budget {BUDGETS[name]:8.1f}" if name in BUDGETS else ""
        print(f"{name:<50} {value:8.1f}{budget}")


if __name__ == "__main__":
    main()
