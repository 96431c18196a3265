"""A real Chromium and the pages it visits, each served once for all tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import find
from tests.browser.locus_page import PATIENCE, LocusPage

ROOT = Path(__file__).resolve().parents[2]
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    if path is None:
        pytest.skip("needs a Chromium: python -m tests.browser.chromium installs one")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@contextlib.contextmanager
def served(script: Path, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a Streamlit script that runs in a process of its own until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.address", "127.0.0.1"]
    log = (folder / "server.log").open("w")
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "LOCUSCOPE_HOME": str(folder / "home"), **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1800):
        if process.poll() is not None:
            pytest.fail(f"the server stopped with status {process.returncode}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail("the server did not start within three minutes")


@pytest.fixture(scope="session")
def view_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(Path(__file__).parent / "view_app.py", tmp_path_factory.mktemp("view")) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test when a script on it fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 1500}, permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert not problems


@pytest.fixture
def view(page: Page, view_server: str) -> Callable[..., LocusPage]:
    """Opens the sample view with the given query."""

    def opened(query: str = "") -> LocusPage:
        page.goto(f"{view_server}/?{query}")
        return LocusPage(page)

    return opened
