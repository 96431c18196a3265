"""The figure as pixels: drawn by plotly.js in a real Chromium."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.exports.figure import figure_bytes
from engine.views.evidence import LEFT, RIGHT, FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from engine.views.measures import coded, ramp
from tests.browser.chromium import find
from tests.views import samples
from tests.views.test_figure import everything, panel_of

pytestmark = pytest.mark.browser
BACKGROUND = (15, 19, 24)


@pytest.fixture(autouse=True)
def _chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    path = find()
    if path is None:
        pytest.skip("needs a Chromium: python -m tests.browser.chromium installs one")
    monkeypatch.setenv("BROWSER_PATH", str(path))


def pixels(evidence: LocusEvidence, style: FigureStyle) -> tuple[np.ndarray, dict[str, tuple[float, float]]]:
    """The figure as RGB, and top and bottom of each panel in pixels."""
    figure = locus_figure(evidence, replace(style, still=True))
    stamp = samples.provenance("dependency", samples.sequence())
    width, height = int(figure.layout.width), int(figure.layout.height)
    with Image.open(io.BytesIO(figure_bytes(figure, "png", stamp, width, height, scale=1))) as image:
        found = np.asarray(image.convert("RGB"))
    margin = figure.layout.margin
    inner = height - margin.t - margin.b
    places = {}
    for item in figure.layout.meta["panels"]:
        low, high = figure.layout[f"yaxis{item['axis'][1:]}"].domain
        places[item["id"]] = (margin.t + (1 - high) * inner, margin.t + (1 - low) * inner)
    return found, places


@pytest.mark.parametrize("shape", ["square", "triangle"])
def test_nothing_is_drawn_beside_a_zoomed_panel(shape: str) -> None:
    style = FigureStyle(first=11, last=40, dark=True, shape=shape)  # type: ignore[arg-type]
    seen, panels = pixels(everything(), style)
    right = seen.shape[1] - RIGHT
    for name, (top, bottom) in panels.items():
        beside = seen[int(top) + 1 : int(bottom) - 1, right + 2 : right + 7]
        assert (beside == BACKGROUND).all(), name


def test_cells_have_the_colours_of_their_values_up_to_their_edges() -> None:
    style = FigureStyle(first=1, last=26, colour_limit=6.0)
    seen, panels = pixels(LocusEvidence(samples.sequence(), {"dependency": samples.dependency()}), style)
    top, bottom = panels["map"]
    step = (bottom - top) / 26
    assert step == pytest.approx((seen.shape[1] - LEFT - RIGHT) / 26)
    values = samples.dependency().values
    colours = ramp(style, both_signs=False)
    for i, j in ((0, 0), (0, 1), (9, 24), (24, 9), (10, 23), (25, 3)):
        code = coded(values[i : i + 1, j], 6.0, style, both_signs=False)[0]
        want = [int(colours[code][at : at + 2], 16) for at in (1, 3, 5)]
        for part in (0.1, 0.5, 0.9):
            cell = seen[int(top + (i + part) * step), int(LEFT + (j + part) * step)]
            assert np.abs(cell.astype(int) - want).max() <= 2, (i, j, part)


def test_letters_are_seen_where_they_fit() -> None:
    seen, panels = pixels(everything(), FigureStyle(first=1, last=4))  # G G G G
    top, bottom = (int(edge) for edge in panels["sequence"])
    inked = (seen[top:bottom, LEFT : seen.shape[1] - RIGHT] == (0xB0, 0x7A, 0x00)).all(axis=2)
    assert 0.25 < inked.mean() < 0.7
    assert panel_of(locus_figure(everything()), "sequence")["unit"] == "5′→3′"
