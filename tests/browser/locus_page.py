"""The locus view as a visitor has it: where things are on screen and what the page says."""

from __future__ import annotations

from playwright.sync_api import Page, expect

PATIENCE = 120_000
"""Milliseconds until something that has not happened counts as missing; only failing tests wait so long, also on a busy machine."""


class LocusPage:
    """Waits until the view has its results, then moves, clicks and reads."""

    def __init__(self, page: Page, loaded: str = "map") -> None:
        self.page = page
        self.root = page.locator(".lv")
        page.wait_for_function(
            "(kind) => { const v = document.querySelector('.lv'); return v?.dataset.ready === 'true' && v.dataset.loaded.includes(kind); }",
            arg=loaded,
            timeout=PATIENCE,
        )

    def data(self, name: str) -> str:
        """A fact the view publishes about itself, after what was asked for is drawn."""
        self.settle()
        return self.root.get_attribute(f"data-{name}") or ""

    def settle(self) -> None:
        """Two frames: everything asked for is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    @property
    def region(self) -> tuple[int, int]:
        self.settle()
        start, end = self.data("region").split("-")
        return int(start), int(end)

    def panel(self, name: str) -> tuple[float, float]:
        """Top and height of a panel inside the stage."""
        for text in self.data("panels").split():
            found, top, height = text.split(":")
            if found == name:
                return float(top), float(height)
        raise AssertionError(f"there is no panel {name}")

    def x_of(self, position: float) -> float:
        """Page x of the middle of a 1-based position."""
        left, width = (float(part) for part in self.data("plot").split(":"))
        view = self.page.evaluate("() => document.querySelector('.lv').__view.region")
        return self._stage["x"] + left + (position - 0.5 - view["a"]) / (view["b"] - view["a"]) * width

    def y_of(self, panel: str, part: float = 0.5) -> float:
        top, height = self.panel(panel)
        return self._stage["y"] + top + part * height

    def cell(self, changed: int, read: int) -> tuple[float, float]:
        """Page coordinates of a cell of the square map, 1-based."""
        top, height = self.panel("map")
        view = self.page.evaluate("() => document.querySelector('.lv').__view.region")
        y = self._stage["y"] + top + (changed - 0.5 - view["a"]) / (view["b"] - view["a"]) * height
        return self.x_of(read), y

    @property
    def _stage(self) -> dict[str, float]:
        stage = self.page.locator(".lv-stage")
        box = stage.bounding_box()
        assert box is not None
        return dict(box)

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y)
        self.settle()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(x, y)
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

    @property
    def readout(self) -> str:
        self.settle()
        return self.page.locator("[data-role=readout]").inner_text()

    def button(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).first.click()
        self.settle()

    def expect_text(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector)).to_contain_text(text, timeout=PATIENCE)

    def pixel(self, x: float, y: float) -> tuple[int, int, int]:
        """Colour of the figure at page coordinates."""
        stage = self._stage
        red, green, blue = self.page.evaluate(
            """([x, y]) => { const c = document.querySelector('.lv-stage canvas'); const r = c.width / c.clientWidth;
            return Array.from(c.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data).slice(0, 3); }""",
            [x - stage["x"], y - stage["y"]],
        )
        return red, green, blue
