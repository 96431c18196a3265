"""A visitor with a real Chromium, who reads the same messages as the others from the browser's own websocket."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable

from playwright.async_api import Browser, Error, WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.visitor import Visit


async def stay(browser: Browser, address: str, visit: Visit, seconds: float, leave: Callable[[], bool]) -> Visit:
    """Open the page, wait for ``seconds`` or until ``leave()``, and close it."""
    began = time.monotonic()
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    page = await context.new_page()

    def received(data: str | bytes) -> None:
        if isinstance(data, bytes):
            visit.received_bytes += len(data)
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "script_finished" and visit.page is None:
                visit.page = time.monotonic() - began
            visit.reading.read(message)
            visit.note(time.monotonic() - began)

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", received)

    page.on("websocket", opened)
    try:
        place = f"{address}/?{urllib.parse.urlencode({'sequence': visit.sequence})}"
        await page.goto(place, wait_until="commit", timeout=1000 * seconds)
        while time.monotonic() - began < seconds and not leave():
            await page.wait_for_timeout(50)
    except Error:
        visit.closed_by_server = True
    else:
        await context.close()
    return visit
