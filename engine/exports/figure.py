"""Figures: PNG, SVG, PDF through kaleido and a Chromium on this machine, and one self-contained HTML file.

Each carries its provenance: PNG as an ``iTXt`` chunk, SVG as ``metadata``, PDF in the information dictionary, HTML as a JSON script element.
The HTML has plotly.js inside and a content security policy that forbids every request.
"""

from __future__ import annotations

import html
import json
import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.core.errors import FileFormatError, ParameterError, SourceUnavailable
from engine.core.quoting import file_name, quoted
from engine.exports.provenance import KEY, summary

if TYPE_CHECKING:
    import plotly.graph_objects

    from engine.core.provenance import Provenance

Kind = Literal["png", "svg", "pdf", "html"]
MEDIA_TYPES: dict[str, str] = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf", "html": "text/html"}
CONFIG: dict[str, Any] = {
    "showSendToCloud": False,
    "displaylogo": False,
    "plotlyServerURL": "",
    "topojsonURL": "",
    "responsive": True,
}
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
_PNG_HEAD = 33


def _png(data: bytes, provenance: Provenance) -> bytes:
    body = b"iTXt" + KEY.encode() + b"\0\0\0\0\0" + provenance.to_json().encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]


def _svg(data: bytes, provenance: Provenance) -> bytes:
    text = data.decode("utf-8")
    start = text.index(">", text.index("<svg")) + 1
    extra = f'<title>{html.escape(summary(provenance))}</title><metadata id="{KEY}">{html.escape(provenance.to_json())}</metadata>'
    return (text[:start] + extra + text[start:]).encode()


def _pdf_text(text: str) -> bytes:
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


def _pdf(data: bytes, provenance: Provenance) -> bytes:
    """Append an information dictionary as an incremental update (PDF 1.7, 7.5.6)."""
    trailers = list(re.finditer(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)", data, re.DOTALL))
    if not trailers:
        raise FileFormatError("The PDF has no plain trailer, so provenance cannot be added; write SVG instead.")
    trailer, previous = trailers[-1][1], int(trailers[-1][2])
    size_match, root_match = re.search(rb"/Size\s+(\d+)", trailer), re.search(rb"/Root\s+(\d+ \d+ R)", trailer)
    if size_match is None or root_match is None:
        raise FileFormatError("The PDF trailer names no catalogue, so provenance cannot be added; write SVG instead.")
    number = int(size_match[1])
    data = data if data.endswith(b"\n") else data + b"\n"
    title, subject = _pdf_text(summary(provenance)), _pdf_text(f"{KEY}: {provenance.to_json()}")
    update = b"%d 0 obj\n<< /Title %s /Subject %s /Producer (Locuscope) >>\nendobj\n" % (number, title, subject)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, len(data))
    ending = b"trailer\n<< /Size %d /Root %s /Info %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return data + update + table + ending % (number + 1, root_match[1], number, previous, len(data) + len(update))


def _html(figure: plotly.graph_objects.Figure, provenance: Provenance) -> bytes:
    body = figure.to_html(include_plotlyjs=True, full_html=False, config=CONFIG, default_height="90vh", include_mathjax=False)
    title = html.escape(summary(provenance))
    stored = provenance.to_json().replace("<", "\\u003c")
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{title}</title>\n'
        f'<script type="application/json" id="{KEY}">{stored}</script>\n</head>\n<body>\n{body}\n<p>{title}</p>\n</body>\n</html>\n'
    )
    return page.encode()


def _drawn(figure: plotly.graph_objects.Figure, kind: str, width: int, height: int, scale: float) -> bytes:
    """Through a Chromium that kaleido starts; plotly.js comes from the installed package and nothing from another host (no MathJax)."""
    import kaleido
    import plotly
    from choreographer.errors import BrowserFailedError, ChromeNotFoundError
    from kaleido.errors import KaleidoError

    page = kaleido.PageGenerator(plotly=Path(plotly.__file__).parent / "package_data" / "plotly.min.js", mathjax=False)
    options = {"format": kind, "width": width, "height": height, "scale": scale}
    try:
        data: bytes = kaleido.calc_fig_sync(figure.to_dict(), options, kopts={"page_generator": page})
    except (BrowserFailedError, ChromeNotFoundError, KaleidoError, RuntimeError, OSError) as error:
        raise SourceUnavailable(
            f"No Chromium on this machine could draw the {kind.upper()}; install Chromium, or take the HTML, which needs none."
        ) from error
    return data


def figure_bytes(
    figure: plotly.graph_objects.Figure, kind: Kind, provenance: Provenance, width: int = 1200, height: int = 900, scale: float = 2.0
) -> bytes:
    """The figure as a file of ``kind`` with its provenance; width and height in CSS pixels, ``scale`` pixels each (PNG).

    Raises
    ------
    ParameterError
        Another kind, or a size outside 50 to 10,000 pixels.
    SourceUnavailable
        PNG, SVG or PDF without a Chromium on this machine.
    """
    if kind not in MEDIA_TYPES:
        raise ParameterError(f"The figure format is {quoted(kind)}; allowed: {', '.join(MEDIA_TYPES)}.")
    if not (50 <= width <= 10_000 and 50 <= height <= 10_000 and 0.1 <= scale <= 10):
        raise ParameterError(f"The figure size is {width} x {height} at scale {scale}; allowed: 50 to 10,000 pixels at scale 0.1 to 10.")
    if kind == "html":
        return _html(figure, provenance)
    data = _drawn(figure, kind, width, height, scale)
    return {"png": _png, "svg": _svg, "pdf": _pdf}[kind](data, provenance)


def write_figure(figure: plotly.graph_objects.Figure, path: Path, provenance: Provenance, width: int = 1200, height: int = 900) -> None:
    """Write the figure in the format of the end of ``path`` (.png, .svg, .pdf, .html). Raises as `figure_bytes`."""
    kind = path.suffix.casefold().removeprefix(".")
    if kind not in MEDIA_TYPES:
        raise ParameterError(f"The file name {file_name(path.name)} names no figure format; end it with .png, .svg, .pdf or .html.")
    path.write_bytes(figure_bytes(figure, kind, provenance, width, height))  # type: ignore[arg-type]


def read_back(text: str) -> dict[str, Any]:
    """Provenance out of an HTML written here. Raises `FileFormatError` when there is none."""
    match = re.search(rf'<script type="application/json" id="{KEY}">(.*?)</script>', text, re.DOTALL)
    if match is None:
        raise FileFormatError("The page carries no provenance; it was not written by this program.")
    found: dict[str, Any] = json.loads(match[1])
    return found
