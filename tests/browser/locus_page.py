"""The figure as a visitor has it: where things are on screen and what the page says."""

from __future__ import annotations

import base64
import io
import os
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

PATIENCE = int(os.environ.get("LOCUSCOPE_PATIENCE", "120000"))
"""Milliseconds until something that has not happened counts as missing; only failing tests wait so long, also on a busy machine."""
FACTS = {
    "region": "places(view.region).join('-')",
    "rows": "view.isBlock() ? places(view.rows).join('-') : ''",
    "selection": "view.selection ? [...new Set([view.selection.i + 1, view.selection.j + 1])].join() : ''",
    "loaded": "Object.keys(view.results).sort().join(' ')",
    "complete": "String(!!view.results.map?.header.complete)",
    "view": "view.meta.view",
    "shape": "view.display.shape",
    "letters": "String(view.scale() >= view.facts.letter_pixels)",
    "panels": "view.laid.map(({id}) => id).join(' ')",
    "folded": "view.laid.filter(({folded}) => folded).map(({id}) => id).join(' ')",
}
READ = """(name) => { const view = document.querySelector('.fv').view;
  const places = ({a, b}) => [Math.floor(a + 0.1) + 1, Math.ceil(b - 0.1)];
  return {FACTS}[name](); }""".replace("{FACTS}", "{" + ",".join(f"{name}: () => {code}" for name, code in FACTS.items()) + "}")


class LocusPage:
    """Waits until the figure has its results, then moves, clicks and reads."""

    def __init__(self, page: Page, loaded: str = "map") -> None:
        self.page = page
        self.root = page.locator(".fv")
        self.wait_for(loaded)

    def wait_for(self, loaded: str) -> None:
        """Until a result of this kind is drawn."""
        self.page.wait_for_function(
            "(kind) => { const v = document.querySelector('.fv'); return v?.dataset.ready === 'true' && kind in (v.view.results || {}); }",
            arg=loaded,
            timeout=PATIENCE,
        )
        self.settle()

    def data(self, name: str) -> str:
        """A fact about the figure, after what was asked for is drawn."""
        self.settle()
        return str(self.page.evaluate(READ, name))

    def wait_data(self, name: str, value: str) -> None:
        self.page.wait_for_function(f"([name, value]) => ({READ})(name) === value", arg=[name, value], timeout=PATIENCE)

    def settle(self) -> None:
        """Two frames: everything asked for is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    @property
    def region(self) -> tuple[int, int]:
        start, end = self.data("region").split("-")
        return int(start), int(end)

    @property
    def rows(self) -> tuple[int, int] | None:
        """Rows of the map where they are not those of the columns."""
        found = self.data("rows")
        return (int(found.split("-")[0]), int(found.split("-")[1])) if found else None

    def box(self, panel: str) -> dict[str, float]:
        """Where the plot of a panel is on the page."""
        code = "(id) => { const { x, y, width, height } = document.querySelector(`.fv [data-panel=${id}]`).getBoundingClientRect(); return { x, y, width, height }; }"
        return dict(self.page.evaluate(code, panel))

    def ranges(self) -> tuple[float, float, float, float]:
        a, b, c, d = self.page.evaluate(
            "() => { const v = document.querySelector('.fv').view; return [v.region.a, v.region.b, v.rows.a, v.rows.b]; }"
        )
        return a, b, c, d

    def x_of(self, position: float) -> float:
        """Page x of the middle of a 1-based position."""
        start, end, _, _ = self.ranges()
        place = self.box("ruler")
        return place["x"] + (position - 0.5 - start) / (end - start) * place["width"]

    def y_of(self, panel: str, part: float = 0.5) -> float:
        place = self.box(panel)
        return place["y"] + part * place["height"]

    def cell(self, changed: int, read: int) -> tuple[float, float]:
        """Page coordinates of a cell of the wide or square map, 1-based."""
        _, _, start, end = self.ranges()
        place = self.box("map")
        return self.x_of(read), place["y"] + (changed - 0.5 - start) / (end - start) * place["height"]

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y)
        self.settle()

    def click(self, x: float, y: float) -> None:
        """A click, after the time in which a second one would make it a double click."""
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(320)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.page.mouse.move(*end)
        self.page.mouse.up()
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def go(self, region: str) -> None:
        """Type a region into its box."""
        self.page.locator("input[name=region]").fill(region)
        self.press("Enter")
        self.root.focus()

    @property
    def readout(self) -> str:
        self.settle()
        return self.page.locator("[data-role=readout]").inner_text()

    @property
    def spoken(self) -> str:
        """What a screen reader was told last."""
        self.settle()
        return self.page.locator("[data-role=live]").inner_text()

    def button(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).first.click()
        self.settle()

    def expect_text(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector)).to_contain_text(text, timeout=PATIENCE)

    def picture(self, clip: dict[str, float] | None = None) -> Any:
        """What is on screen, uint8 (height, width, 3)."""
        from PIL import Image

        self.settle()
        raw = self.page.screenshot(clip=clip) if clip else self.page.screenshot()  # type: ignore[arg-type]
        return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))

    def pixel(self, x: float, y: float) -> tuple[int, int, int]:
        """Colour of the page at these coordinates."""
        red, green, blue = self.picture({"x": round(x), "y": round(y), "width": 1, "height": 1})[0, 0]
        return int(red), int(green), int(blue)


def decoded(data_address: str) -> bytes:
    """The bytes of a data: address."""
    return base64.b64decode(data_address.split(",", 1)[1])
