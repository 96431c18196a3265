"""The pages in Streamlit's own test frame, with the shipped model and a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

SHORT = "GGGCCCAAATTTGGGCCC"


def _explorer() -> None:
    from pages._ui.explorer import page

    page()


@pytest.fixture(scope="package", autouse=True)
def engine_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("LOCUSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
    patch.setenv("LOCUSCOPE_OFFLINE", "1")
    yield
    patch.undo()


@pytest.fixture
def explorer() -> Callable[..., AppTest]:
    """The explorer opened at an address; by default on a short sequence, so that it is quick."""

    def opened(**address: str) -> AppTest:
        app = AppTest.from_function(_explorer, default_timeout=60)
        for name, value in (address or {"sequence": SHORT}).items():
            app.query_params[name] = value
        return app.run()

    return opened
