"""The browser's side of the figures: ``python -m tests.browser.timings``. What one step costs at 1,024 bases with every panel the shipped models offer.

On the sample page of the tests, headless and without a GPU. Steps are timed from the call to the end of all drawing that the script and plotly.js
do for it; the browser paints afterwards. "Results to pixels" starts when the view has been told of another model, whose results follow at once:
their making, way, unpacking and drawing; "click to pixels" also has two runs of the page's script. A poll is one of the dashboard itself while it
computes a map. Budgets are those of an idle machine of two cores.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from engine.exports.figure import figure_bytes
from engine.views.evidence import FigureStyle
from engine.views.figure import locus_figure
from tests.browser.chromium import find
from tests.browser.conftest import ROOT, served
from tests.browser.locus_page import LocusPage
from tests.views import samples

LENGTH = 1024
VISITS = 3
BUDGETS = {
    "whole figure, one step: least of 25, ms": 25.0,
    "whole figure, one step: median, ms": 33.0,
    "map and axes alone, one step: median, ms": 5.0,
    "hover: median, ms": 16.0,
    "colour limit: median, ms": 30.0,
    "results to pixels, ms": 500.0,
    "rerun that changes nothing, kB": 20.0,
    "view code in a poll, frames": 0.0,
    "heap at 2,048 x 2,048, MB": 150.0,
    "heap, more after 100 loci, MB": 8.0,
    "PNG by the browser, s": 2.0,
    "SVG by the browser, s": 2.0,
    "PNG by the server, s": 5.0,
    "SVG by the server, s": 5.0,
}
CODE = (b"requestAnimationFrame", b"addEventListener", b"app/static/")
"""What the view's script and its loader have, and results have not."""
_PAGE = Path(__file__).parent / "view_app.py"
_STEPS = """async ({ kind, count, alone }) => {
  const view = document.querySelector('.fv').view, frame = () => new Promise(requestAnimationFrame), later = window.requestAnimationFrame;
  view.arrangement = { order: [], folded: [], heights: {}, off: [] };
  if (alone) {
    const map = view.panel('map'), kept = Object.entries(view.figure.layout).filter(([name]) => !/^yaxis/.test(name) || name === map.key);
    view.figure = { ...view.figure, layout: { ...Object.fromEntries(kept), images: [], shapes: [] } };
    view.figure.data = view.figure.data.filter(({ yaxis }) => yaxis === map.axis);
    view.figure.layout.xaxis = { ...view.figure.layout.xaxis, anchor: map.axis };
    view.facts = { ...view.facts, panels: view.facts.panels.filter(({ id }) => id === 'map') };
  }
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
  while (view.meta.generation === 'g') await frame();
  const told = performance.now();
  while (!view.results.map || !view.figure) await frame();
  await frame(); await frame();
  return [performance.now() - began, performance.now() - told];
}"""
AGAIN = """async (count) => { const view = document.querySelector('.fv').view, send = () => {}, frame = () => new Promise(requestAnimationFrame);
  for (let k = 0; k < count; k++) {
    const turned = { ...view.meta, generation: `g${k % 2}` };
    for (const kind of ['figure', 'map', 'side']) view.results[kind].header.generation = turned.generation;
    view.update(turned, send);
    await frame(); await frame();
  } return view.results.map !== undefined; }"""
"""So many times another locus in the view, each with results of its own."""


def heap_megabytes(page: Page) -> float:
    """Memory of the page's script after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6
    session.detach()
    return used


def received_by(page: Page) -> list[bytes]:
    """Fills with what the server sends to the page from now on."""
    frames: list[bytes] = []

    def taken(frame: Any) -> None:
        frames.append(frame if isinstance(frame, bytes) else frame.encode())

    page.on("websocket", lambda socket: socket.on("framereceived", taken))
    return frames


def steps(page: Page, address: str) -> dict[str, Any]:
    """Milliseconds of the steps of one visit by what was measured."""
    page.goto(f"{address}/?length={LENGTH}&panels=all")
    shown = LocusPage(page)
    page.wait_for_timeout(1000)
    panels = shown.data("panels")
    zoom = page.evaluate(_STEPS, {"kind": "zoom", "count": 25, "alone": False})
    hover = page.evaluate(_STEPS, {"kind": "hover", "count": 25, "alone": False})
    limit = page.evaluate(_STEPS, {"kind": "limit", "count": 25, "alone": False})
    alone = page.evaluate(_STEPS, {"kind": "zoom", "count": 25, "alone": True})
    return {
        "panels": panels,
        "whole figure, one step: least of 25, ms": zoom[0],
        "whole figure, one step: median, ms": statistics.median(zoom),
        "map and axes alone, one step: median, ms": statistics.median(alone),
        "hover: median, ms": statistics.median(hover),
        "colour limit: median, ms": statistics.median(limit),
    }


def ways(page: Page, address: str) -> dict[str, float]:
    """From the server to the screen and back, of one visit."""
    frames = received_by(page)
    page.goto(f"{address}/?length={LENGTH}&panels=all")
    shown = LocusPage(page)
    page.wait_for_timeout(1500)
    found: dict[str, float] = {"first visit, received, MB": sum(map(len, frames)) / 1e6}
    frames.clear()
    shown.click(shown.x_of(35), shown.y_of("sequence"))
    page.locator("[data-table=base-table]").wait_for()
    found["rerun that changes nothing, kB"] = sum(map(len, frames)) / 1e3
    for kind in ("png", "svg"):
        began = time.perf_counter()
        with page.expect_download():
            page.locator(f".fv .modebar-btn[data-title='What is seen, as {kind}']").click()
        found[f"{kind.upper()} by the browser, s"] = time.perf_counter() - began
    found["click to pixels, ms"], found["results to pixels, ms"] = page.evaluate(_RESEND, "Other model")
    return found


def heap(page: Page, address: str) -> dict[str, float]:
    """Memory of the script at the longest map that goes in one piece, and what a hundred loci leave behind."""
    page.goto(f"{address}/?length=2048")
    LocusPage(page)
    found = {"heap at 2,048 x 2,048, MB": heap_megabytes(page)}
    page.goto(f"{address}/?length=76")
    LocusPage(page)
    page.evaluate(AGAIN, 10)
    before = heap_megabytes(page)
    page.evaluate(AGAIN, 100)
    return {**found, "heap, more after 100 loci, MB": heap_megabytes(page) - before}


def poll(page: Page, address: str) -> dict[str, float]:
    """What the dashboard sends while it computes a map of 600 bases that nobody asked for before."""
    letters = "".join(random.Random().choices("ACGT", k=600))
    frames = received_by(page)
    page.goto(f"{address}/?sequence={letters}")
    page.get_by_role("button", name="Compute", exact=True).click()
    page.locator("[data-role=progress]").get_by_text("model runs").first.wait_for()
    page.wait_for_timeout(1500)
    frames.clear()
    page.wait_for_timeout(4000)
    code = sum(any(part in frame for part in CODE) for frame in frames)
    return {"polls of 4 s, received, kB": sum(map(len, frames)) / 1e3, "view code in a poll, frames": float(code)}


def by_the_server() -> dict[str, float]:
    """The same figure as files, drawn by a Chromium that the server starts for each."""
    given = samples.sequence(LENGTH)
    evidence = samples.everything(given)
    found = {}
    for kind in ("png", "svg"):
        began = time.perf_counter()
        drawn = locus_figure(evidence, FigureStyle().for_file(kind))
        figure_bytes(drawn, kind, samples.provenance("figure", given), 1000, int(drawn.layout.height))  # type: ignore[arg-type]
        found[f"{kind.upper()} by the server, s"] = time.perf_counter() - began
    return found


def measured(browser: Browser, address: str, dashboard: str) -> dict[str, Any]:
    """The median of some visits; the least where it is the least of 25."""
    visits: list[dict[str, Any]] = []
    for _ in range(VISITS):
        found: dict[str, Any] = {}
        parts: tuple[tuple[Callable[[Page, str], dict[str, Any]], str], ...] = (
            (steps, address),
            (ways, address),
            (heap, address),
            (poll, dashboard),
        )
        for measure, place in parts:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(120_000)
            found |= measure(page, place)
            page.close()
        visits.append(found | by_the_server())
    panels = visits[0].pop("panels")
    return {"panels": panels} | {name: statistics.median(visit[name] for visit in visits) for name in visits[0]}


def main() -> None:
    """Measure and print, each with its budget and a verdict."""
    before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        served(_PAGE, Path(one)) as address,
        served(ROOT / "app.py", Path(other), LOCUSCOPE_OFFLINE="1") as dashboard,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(find()), args=["--no-sandbox", "--disable-gpu"])
        found = measured(browser, address, dashboard)
        browser.close()
    panels = found.pop("panels").split()
    print(f"{LENGTH:,} bases; {len(panels)} panels: {', '.join(panels)}")
    print(f"load of the machine {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores; medians of {VISITS} visits")
    for name, value in found.items():
        budget = BUDGETS.get(name)
        verdict = "" if budget is None else f"   budget {budget:6.1f}   {'kept' if value <= budget else 'MISSED'}"
        print(f"{name:<44} {value:8.1f}{verdict}")


if __name__ == "__main__":
    main()
