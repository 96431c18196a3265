"""Serve the dashboard, send it visitors and print what they got: ``python -m tests.load --visitors N --minutes M``.

Without minutes all arrive within one second and stay until everything they asked for is there; with minutes visitors come and go.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.load import crowd
from tests.load.visitor import Visit
from tests.serving import ROOT, served


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--visitors", type=int, default=20, help="visitors at the same time")
    parser.add_argument("--minutes", type=float, default=0.0, help="how long they come and go; 0 = all at once, until each has everything")
    parser.add_argument("--long", type=int, default=-1, help=f"how many of them ask for {crowd.LONG} bases; default: one in ten")
    parser.add_argument("--browsers", type=int, default=0, help="how many of the others have a Chromium (not with --minutes)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other sequences")
    parser.add_argument("--seconds", type=float, default=crowd.MOST_SECONDS, help="most seconds of a visit")
    asked = parser.parse_args()
    long = asked.visitors // 10 if asked.long < 0 else asked.long
    with tempfile.TemporaryDirectory() as folder, served(ROOT / "app.py", Path(folder), LOCUSCOPE_OFFLINE="1") as server:
        asyncio.run(_warm(server.address))
        watch = crowd.Course()
        if asked.minutes:
            seen = asyncio.run(crowd.soak(server, asked.visitors, long, asked.minutes, watch, asked.seed))
        else:
            seen = crowd.visits(asked.visitors, long, asked.browsers, asked.seed)
            asyncio.run(crowd.burst(server, seen, watch, asked.seconds))
        print(table(seen, watch))


async def _warm(address: str) -> None:
    """A first visitor, so that the modules are imported and the model is loaded, as on a server that has been up for a while."""
    (first,) = crowd.visits(1, 0, 0, seed=0)
    await crowd.WebsocketVisitor(address, first).stay(120, lambda: first.finished is not None)


def table(seen: Sequence[Visit], watch: crowd.Course) -> str:
    """What the visitors and the server say, in lines."""
    groups = {
        "short": [one for one in seen if not one.long],
        "long": [one for one in seen if one.long],
        "browser": [one for one in seen if one.browser],
    }
    lines = [
        f"{'visitors':<10}{'n':>5}  {'page':>14}  {'first picture':>14}  {'whole map':>14}  {'everything':>14}  refused  (seconds, median / worst)"
    ]
    for name, ones in groups.items():
        if ones:
            columns = ("page", "first_map", "whole_map", "finished")
            cells = "  ".join(f"{_spread([getattr(one, column) for one in ones]):>14}" for column in columns)
            lines.append(f"{name:<10}{len(ones):>5}  {cells}  {sum(one.refused for one in ones):>7}")
    lines += [f"refused: {words[:160]}" for words in sorted({words for one in seen for words in one.reading.problems})]
    lines.append(
        f"sent to a visitor: {statistics.median(one.received_bytes for one in seen) / 1e3:.0f} kB, {statistics.median(one.polls for one in seen):.0f} polls"
    )
    if watch.health:
        lines.append(f"health check: {statistics.median(watch.health):.3f} s, worst {max(watch.health):.3f} s")
    lines.append(_memory(watch))
    lines.append(f"processor: {watch.busy_cores:.2f} cores while they waited, {watch.idle_cores:.2f} afterwards")
    return "\n".join(lines)


def _spread(values: Sequence[float | None]) -> str:
    """Median / worst; who got nothing counts as infinitely late."""
    known = sorted(float("inf") if value is None else value for value in values)
    return f"{statistics.median_low(known):.1f} / {known[-1]:.1f}"


def _memory(watch: crowd.Course) -> str:
    at_two = next((size for seconds, size in watch.samples if seconds >= 120), 0)
    last = watch.samples[-1][1] if watch.samples else 0
    words = f"memory: {max((size for _, size in watch.samples), default=0) / 1e6:.0f} MB at most, {last / 1e6:.0f} MB at the end"
    return words + (f", {last / at_two:.2f} times that of minute two" if at_two else "")


if __name__ == "__main__":
    main()
