"""Who comes when: a crowd that arrives within a second, or visitors who come and go for minutes; what the server needs meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.load.visitor import Visit, WebsocketVisitor
from tests.serving import Server

SHORT = (76, 150)
LONG = 600
READING_SECONDS = 5.0
"""How long a visitor who comes and goes looks at what is there."""
MOST_SECONDS = 300.0


@dataclass
class Course:
    """What was seen of the server: seconds since the start and bytes of resident memory, seconds until it answered a health check, and how
    many cores it had while visitors waited and afterwards (on a machine with other work fewer than it has).
    """

    samples: list[tuple[float, int]] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    ended: bool = False
    busy_cores: float = 0.0
    idle_cores: float = 0.0


def visits(count: int, long: int, browsers: int, seed: int) -> list[Visit]:
    """Visitors with a sequence each: ``long`` of `LONG` bases, spread among the others of `SHORT`; the first few short ones have a browser."""
    chosen = random.Random(seed)
    places = {round((number + 0.5) * count / long) for number in range(long)} if long else set()
    made = []
    for number in range(count):
        length = LONG if number in places else chosen.randint(*SHORT)
        made.append(Visit("".join(chosen.choices("ACGT", k=length)), long=number in places))
    for visit in [visit for visit in made if not visit.long][:browsers]:
        visit.browser = True
    return made


def _has_everything(visit: Visit) -> bool:
    return visit.finished is not None


async def burst(
    server: Server, crowd: list[Visit], watch: Course, seconds: float = MOST_SECONDS, until: Callable[[Visit], bool] = _has_everything
) -> None:
    """All arrive within a second and stay until all have what they want; what idles afterwards is measured with all of them present."""
    done = asyncio.Event()

    async def one(number: int, visit: Visit) -> None:
        await asyncio.sleep(number / len(crowd))
        await WebsocketVisitor(server.address, visit).stay(seconds, done.is_set)

    watching = asyncio.create_task(_watch(server, watch))
    with_browser = [visit for visit in crowd if visit.browser]
    tasks = [asyncio.create_task(one(number, visit)) for number, visit in enumerate(crowd) if not visit.browser]
    tasks.append(asyncio.create_task(_browsers(server.address, with_browser, seconds, done.is_set)))
    while not all(until(visit) or visit.closed_by_server for visit in crowd) and not all(task.done() for task in tasks):
        await asyncio.sleep(0.1)
    watch.ended = True
    if all(_has_everything(visit) for visit in crowd):
        watch.idle_cores = await _idle(server)
    done.set()
    await asyncio.gather(*tasks)
    watching.cancel()


async def _browsers(address: str, crowd: list[Visit], seconds: float, leave: Callable[[], bool]) -> None:
    if not crowd:
        return
    from playwright.async_api import async_playwright

    from tests.browser.chromium import find
    from tests.load import browser

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(find()), args=["--no-sandbox", "--disable-gpu"])
        await asyncio.gather(*(browser.stay(running, address, visit, seconds, leave) for visit in crowd))
        await running.close()


async def soak(server: Server, count: int, long: int, minutes: float, watch: Course, seed: int) -> list[Visit]:
    """For ``minutes``, ``count`` visitors at any time: who has everything looks at it, leaves, and another one comes."""
    end = time.monotonic() + 60 * minutes
    seen: list[Visit] = []
    places = iter(range(10**9))

    async def seat(share_of_long: float) -> None:
        while time.monotonic() < end:
            number = next(places)
            is_long = random.Random(seed + number).random() < share_of_long
            (visit,) = visits(1, int(is_long), 0, seed + number)
            seen.append(visit)
            looked = [0.0]

            def leave(visit: Visit = visit, looked: list[float] = looked) -> bool:
                if visit.finished is not None and not looked[0]:
                    looked[0] = time.monotonic()
                return bool(looked[0]) and time.monotonic() - looked[0] > READING_SECONDS

            await WebsocketVisitor(server.address, visit).stay(max(1.0, min(MOST_SECONDS, end - time.monotonic())), leave)

    watching = asyncio.create_task(_watch(server, watch))
    await asyncio.gather(*(seat(long / count) for _ in range(count)))
    watch.ended = True
    await asyncio.sleep(15)
    watch.idle_cores = await _idle(server)
    watching.cancel()
    return seen


async def _watch(server: Server, watch: Course) -> None:
    began, used = time.monotonic(), server.processor_seconds()
    while True:
        asked = time.monotonic()
        await asyncio.to_thread(server.healthy, 60.0)
        watch.health.append(time.monotonic() - asked)
        watch.samples.append((asked - began, server.memory_bytes()))
        await asyncio.sleep(1.0)
        if not watch.ended:
            watch.busy_cores = (server.processor_seconds() - used) / (time.monotonic() - began)


async def _idle(server: Server, seconds: float = 5.0) -> float:
    """Cores in use while nobody asks for anything."""
    await asyncio.sleep(2.0)
    before = server.processor_seconds()
    await asyncio.sleep(seconds)
    return (server.processor_seconds() - before) / seconds
