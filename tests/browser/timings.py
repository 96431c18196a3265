"""The browser's side of the figures: ``python -m tests.browser.timings``. A map of 1,024 x 1,024 from its result to pixels, and frames.

On the sample page of the tests, headless and without a GPU, the median of five visits. A click makes the page send every result anew, as for
another model. "Click to pixels" is everything until the first frame that shows the new map, two runs of the page's script included; "results
to pixels" starts when the view has been told of the new model, whose results follow at once: their way, unpacking and drawing.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from engine.views import payload
from tests.browser.chromium import find
from tests.browser.conftest import served
from tests.browser.locus_page import LocusPage
from tests.views import samples

LENGTH = 1024
_PAGE = Path(__file__).parent / "view_app.py"
_RESEND = """async (name) => {
  const root = document.querySelector('.lv'), frame = () => new Promise(requestAnimationFrame);
  const button = [...document.querySelectorAll('button')].find((one) => one.innerText.trim() === name);
  const began = performance.now();
  button.click();
  while (root.dataset.loaded.includes('map')) await frame();
  const told = performance.now();
  while (!root.dataset.loaded.includes('map')) await frame();
  await frame();
  return [performance.now() - began, performance.now() - told];
}"""
_FRAMES = """async (steps) => {
  const root = document.querySelector('.lv'), frame = () => new Promise(requestAnimationFrame);
  const stage = root.querySelector('.lv-stage'), box = stage.getBoundingClientRect(), seen = [];
  for (let k = 0; k < steps.count; k++) {
    await frame();
    const began = performance.now();
    if (steps.kind === 'zoom') root.__view.zoom(k % 2 ? 2 : 0.5);
    else stage.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.x + 200 + 5 * k, clientY: box.y + 400 }));
    await frame();
    seen.push(performance.now() - began);
  }
  return seen.sort((a, b) => a - b);
}"""


def timings(page: Page, address: str) -> dict[str, float]:
    """Milliseconds of one visit by what was measured."""
    page.goto(f"{address}/?length={LENGTH}")
    LocusPage(page)
    page.get_by_role("button", name="Other model").wait_for()
    page.wait_for_timeout(1000)
    clicked, told = page.evaluate(_RESEND, "Other model")
    found = {"click to pixels, ms": float(clicked), "results to pixels, ms": float(told)}
    for kind in ("zoom", "hover"):
        seen = page.evaluate(_FRAMES, {"kind": kind, "count": 60})
        found |= {f"{kind} to the next frame, median ms": seen[len(seen) // 2], f"{kind} to the next frame, slowest of 60, ms": seen[-1]}
    return found


def main() -> None:
    """Measure and print."""
    visits: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, served(_PAGE, Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find()), args=["--no-sandbox", "--disable-gpu"])
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1440, "height": 1500})
            page.set_default_timeout(120_000)
            visits.append(timings(page, address))
            page.close()
        browser.close()
    size = len(payload.map_envelope(payload.Address("page", "view"), samples.dependency(samples.sequence(LENGTH))))
    print(f"{f'payload of a map of {LENGTH:,} x {LENGTH:,}, MB':<50} {1e-6 * size:8.2f}")
    for name in visits[0]:
        print(f"{name:<50} {statistics.median(visit[name] for visit in visits):8.1f}")


if __name__ == "__main__":
    main()
