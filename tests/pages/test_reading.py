"""Reading in a thread: what goes wrong is on the page and in the log, but for files that went with the visit."""

from __future__ import annotations

import pytest

from pages._ui import reading
from pages._ui.downloading import UNFORESEEN, Download
from pages._ui.reading import Reading


def read(error: Exception, *, given_up: bool) -> list[str]:
    """What the page says when reading ends with ``error``."""
    said: list[str] = []

    def work(monitor: Reading) -> None:
        if given_up:
            monitor.close()
        raise error

    found = Reading("a file", work, lambda _: None, said.append)
    assert found.wait(60)
    found.deliver()
    return said


@pytest.mark.parametrize(
    ("error", "given_up", "logged"),
    [
        (FileNotFoundError("gone"), True, False),
        (FileNotFoundError("gone"), False, True),
        (KeyError("a mistake"), True, True),
    ],
)
def test_only_files_that_went_with_the_visit_are_not_in_the_log(
    error: Exception, given_up: bool, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(error, given_up=given_up) == [reading.UNFORESEEN]
    assert ("reading failed" in caplog.text) == logged


def test_a_download_that_fails_in_a_way_that_was_not_foreseen_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Engine:
        def install(self, model_id: str, monitor: Download) -> None:
            raise KeyError(model_id)

    download = Download(Engine(), "gpn")  # type: ignore[arg-type]
    download._thread.join(10)
    assert (download.finished, download.problem) == (True, UNFORESEEN)
    assert "download-gpn failed" in caplog.text
