"""Figures in PNG, SVG, PDF and self-contained HTML, each with its provenance, none with a link outward."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import plotly.graph_objects as go
import pytest
from PIL import Image

from engine.core.errors import FileFormatError, ParameterError, SourceUnavailable
from engine.exports.figure import figure_bytes, read_back, write_figure
from tests.browser.chromium import find
from tests.exports.conftest import effects, on

STAMP = effects(on("+")).provenance

VISIT = """
import json, sys
from playwright.sync_api import sync_playwright
chromium, page_path = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page()
    requests, messages = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto("file://" + page_path)
    page.wait_for_selector(".plot-container .heatmaplayer image, .plot-container .barlayer path")
    page.hover(".plot-container .nsewdrag")
    links = page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href') || a.getAttribute('xlink:href') || '')")
    outward = page.eval_on_selector_all("[src], link[href]", "all => all.map(e => e.getAttribute('src') || e.getAttribute('href'))")
    print(json.dumps({"requests": requests, "messages": messages, "links": links, "outward": outward}))
    browser.close()
"""


@pytest.fixture(scope="module")
def drawing() -> go.Figure:
    return go.Figure(go.Bar(x=[1, 2, 3], y=[3, 1, 2]), layout={"title": {"text": "bars & <b>more</b>"}})


@pytest.fixture
def chromium(monkeypatch: pytest.MonkeyPatch) -> str:
    path = find()
    if path is None:
        pytest.skip("needs a Chromium: python -m tests.browser.chromium installs one")
    monkeypatch.setenv("BROWSER_PATH", str(path))
    return str(path)


@pytest.mark.browser
def test_png_has_the_asked_size_and_its_provenance(drawing: go.Figure, chromium: str) -> None:
    with Image.open(io.BytesIO(figure_bytes(drawing, "png", STAMP, width=300, height=200, scale=2))) as image:
        image.load()
        assert image.size == (600, 400)
        assert json.loads(image.info["locuscope_provenance"]) == STAMP.as_dict()


@pytest.mark.browser
def test_svg_is_well_formed_and_carries_its_provenance(drawing: go.Figure, chromium: str, tmp_path: Path) -> None:
    write_figure(drawing, tmp_path / "x.svg", STAMP, width=300, height=200)
    root = ET.parse(tmp_path / "x.svg").getroot()  # noqa: S314
    metadata = root.find("{http://www.w3.org/2000/svg}metadata")
    assert metadata is not None
    assert json.loads(metadata.text or "") == STAMP.as_dict()
    assert root.find("{http://www.w3.org/2000/svg}title") is not None


@pytest.mark.browser
def test_pdf_is_updated_with_a_dictionary_that_holds_its_provenance(drawing: go.Figure, chromium: str) -> None:
    data = figure_bytes(drawing, "pdf", STAMP, width=300, height=200)
    assert data.startswith(b"%PDF-")
    start = int(re.findall(rb"startxref\s+(\d+)\s+%%EOF\s*$", data)[0])
    assert data[start : start + 4] == b"xref"
    number, offset = re.match(rb"xref\n(\d+) 1\n(\d{10}) 00000 n \n", data[start:]).groups()  # type: ignore[union-attr]
    at = data[int(offset) :]
    assert at.startswith(number + b" 0 obj")
    subject = re.search(rb"/Subject <FEFF([0-9A-F]+)>", at)
    assert subject is not None
    text = bytes.fromhex(subject[1].decode()).decode("utf-16-be")
    assert json.loads(text.partition(": ")[2]) == STAMP.as_dict()
    previous = re.search(rb"/Info " + number + rb" 0 R /Prev (\d+)", data[start:])
    assert previous is not None
    assert data[int(previous[1]) :].startswith(b"xref")


@pytest.mark.browser
def test_html_draws_alone_asks_no_host_for_anything_and_links_nowhere(drawing: go.Figure, chromium: str, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    write_figure(drawing, page, STAMP)
    done = subprocess.run([sys.executable, "-c", VISIT, chromium, str(page)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert [url for url in seen["requests"] if not url.startswith(("file://", "data:", "blob:"))] == []
    assert seen["messages"] == []
    assert [link for link in seen["links"] if "//" in link] == []
    assert [link for link in seen["outward"] if "//" in link] == []


def test_html_forbids_requests_and_holds_its_provenance_even_with_hostile_names(drawing: go.Figure) -> None:
    text = figure_bytes(drawing, "html", STAMP).decode()
    assert "default-src 'none'" in text
    assert '"showSendToCloud": false' in text
    assert "<script src" not in text
    assert read_back(text) == STAMP.as_dict()
    hostile = on("+")
    stamp = effects(hostile).provenance
    stamp.parameters["note"] = "</script><script>alert(1)</script>"
    page = figure_bytes(drawing, "html", stamp).decode()
    assert "</script><script>alert(1)" not in page
    assert read_back(page)["parameters"]["note"] == "</script><script>alert(1)</script>"
    with pytest.raises(FileFormatError, match="carries no provenance"):
        read_back("<html></html>")


def test_a_machine_without_a_browser_says_so_in_one_sentence(drawing: go.Figure, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> bytes:
        raise RuntimeError("Kaleido requires Google Chrome to be installed.\nmany lines")

    monkeypatch.setattr("kaleido.calc_fig_sync", fails)
    with pytest.raises(SourceUnavailable, match="take the HTML"):
        figure_bytes(drawing, "png", STAMP)


@pytest.mark.parametrize(("name", "width"), [("x.gif", 300), ("x", 300), ("x.png", 20), ("x.png", 100_000)])
def test_other_formats_and_sizes_are_refused(name: str, width: int, drawing: go.Figure, tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        write_figure(drawing, tmp_path / name, STAMP, width=width)
    assert not (tmp_path / name).exists()
