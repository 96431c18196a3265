"""A real Chromium and the pages it visits, each served once for all tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import serving
from tests.browser.chromium import find
from tests.browser.locus_page import PATIENCE, LocusPage

ROOT = serving.ROOT
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the tests of a file: Playwright leaves its event loop running in this thread until it ends, and tests of other folders have own ones."""
    path = find()
    if path is None:
        pytest.skip("needs a Chromium: python -m tests.browser.chromium installs one")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@contextlib.contextmanager
def served(script: Path, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a Streamlit script that runs in a process of its own, with one thread a product, until the block ends.

    What failed there fails here: a page shows a visitor no more than that something did.
    """
    with serving.served(script, folder, **{"OMP_NUM_THREADS": "1", **environment}) as server:
        yield server.address
    log = (folder / "server.log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback (most recent call last)" not in log, log[-20_000:]


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
