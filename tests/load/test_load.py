"""A crowd at the door of the real dashboard, in its short form; ``python -m tests.load`` has the long ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.load import crowd
from tests.load.reading import Reading
from tests.serving import ROOT, Server, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(ROOT / "app.py", tmp_path_factory.mktemp("crowd"), LOCUSCOPE_OFFLINE="1") as running:
        yield running


@pytest.mark.slow
def test_eight_visitors_who_come_at_once_all_get_a_picture_within_a_minute(server: Server) -> None:
    """With a full collection of garbage after every run of a page none of them had one after two and a half minutes."""
    seen = crowd.visits(8, 0, 0, seed=1)

    async def come() -> None:
        await crowd.burst(server, seen, crowd.Course(), seconds=60, until=lambda visit: visit.first_map is not None)

    asyncio.run(come())
    assert [visit.reading.problems for visit in seen] == [[]] * 8
    assert not any(visit.closed_by_server for visit in seen)
    assert max(visit.first_map or 60.0 for visit in seen) < 60


def test_a_visitor_without_all_panels_counts_as_refused() -> None:
    assert not Reading(running=["map"], kinds={"status"}).lacks_panels
    assert not Reading(running=[], kinds={"map", "probabilities", "effects", "segmentation", "status"}).lacks_panels
    assert Reading(running=[], kinds={"map", "probabilities", "effects", "status"}).lacks_panels
