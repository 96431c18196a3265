"""A crowd at the door of the real dashboard, in its short form; ``python -m tests.load`` has the long ones."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.load import crowd
from tests.load.reading import PANELS, Reading
from tests.load.visitor import Visit, WebsocketVisitor
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

    in_a_loop(come())
    assert [visit.reading.problems for visit in seen] == [[]] * 8
    assert not any(visit.closed_by_server for visit in seen)
    assert max(visit.first_map or 60.0 for visit in seen) < 60


@pytest.mark.long
@pytest.mark.slow
def test_what_a_visitor_who_left_asked_for_stops_within_ten_seconds(server: Server) -> None:
    """A map that takes half a minute and more: its visitor closes the page, and ten seconds later the server idles."""
    asked = Visit("".join(random.Random(4).choices("ACGT", k=900)), long=True)

    async def come_and_go() -> tuple[float, float]:
        visitor = asyncio.create_task(WebsocketVisitor(server.address, asked).stay(120, lambda: asked.first_map is not None))
        await visitor
        before = await cores(server, 2)
        await asyncio.sleep(8)
        return before, await cores(server, 3)

    before, after = in_a_loop(come_and_go())
    assert asked.first_map is not None
    assert not asked.reading.whole_map
    assert after < 0.25 * max(before, 0.2)


@pytest.mark.slow
@pytest.mark.long
def test_a_visitor_whose_network_failed_for_a_moment_has_not_left(server: Server) -> None:
    asked = Visit("".join(random.Random(5).choices("ACGT", k=900)), long=True)

    async def lose_the_connection() -> int:
        visitor = WebsocketVisitor(server.address, asked)
        await visitor.stay(120, lambda: asked.first_map is not None)
        await asyncio.sleep(1)
        before = asked.reading.maps
        await visitor.stay(20, lambda: False)
        return before

    before = in_a_loop(lose_the_connection())
    assert asked.reading.maps > before
    assert asked.reading.running
    assert not any("cancelled" in line for line in asked.reading.lines)


def in_a_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """What the work returns, run in a thread of its own: a browser's test before this one leaves its loop running in the test's thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


async def cores(server: Server, seconds: float) -> float:
    before = server.processor_seconds()
    await asyncio.sleep(seconds)
    return (server.processor_seconds() - before) / seconds


def test_a_visitor_without_all_panels_counts_as_refused() -> None:
    assert not Reading(running=["map"], panels={"map"}).lacks_panels
    assert not Reading(running=[], panels=set(PANELS)).lacks_panels
    assert Reading(running=[], panels=set(PANELS - {"elements"})).lacks_panels
