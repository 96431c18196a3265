"""A real Chromium and the pages it visits, each served once for all tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

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
def playwright() -> Iterator[Playwright]:
    """One for the tests of a file: Playwright leaves its event loop running in this thread until it ends, and tests of other folders have own ones."""
    with sync_playwright() as running:
        yield running


def _launch() -> dict[str, Any]:
    path = find()
    if path is None:
        pytest.skip("needs a Chromium: python -m tests.browser.chromium installs one")
    return {"executable_path": str(path), "args": ["--no-sandbox", "--disable-gpu"]}


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """For tests that make visitors of their own."""
    with playwright.chromium.launch(**_launch()) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A visitor with a profile on disk: there the browser keeps the scripts that it translated, which takes a third of each later visit."""
    folder = tmp_path_factory.mktemp("profile")
    with playwright.chromium.launch_persistent_context(
        folder, viewport={"width": 1440, "height": 1500}, permissions=["clipboard-read", "clipboard-write"], **_launch()
    ) as context:
        yield context


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
def page(visitor: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when a script on it fails; what it left in the browser is gone afterwards."""
    opened = visitor.new_page()
    opened.set_default_timeout(PATIENCE)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    for left in visitor.pages[1:]:
        if left.url.startswith("http"):
            left.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    for left in visitor.pages[1:]:
        left.close()
    visitor.clear_cookies()
    assert not problems


@pytest.fixture
def view(page: Page, view_server: str) -> Callable[..., LocusPage]:
    """Opens the sample view with the given query."""

    def opened(query: str = "") -> LocusPage:
        page.goto(f"{view_server}/?{query}")
        return LocusPage(page)

    return opened
