"""What the server has to do and what it holds, for its operator: figures of a status page, and of a file that Prometheus reads."""

from __future__ import annotations

import logging
import os
import re
import resource
import sys
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.background import in_background, process_ends
from engine.core.version import VERSION
from engine.service import visitor_files

if TYPE_CHECKING:
    from engine.service.engine import Engine

logger = logging.getLogger(__name__)

EVERY_SECONDS = 15.0
_STATES = ("done", "cancelled", "failed")
_REFUSALS = ("server_jobs", "visitor_jobs", "seconds", "upload_bytes", "calls")


@dataclass(frozen=True)
class Figure:
    """One figure: ``name`` without the product's, ``labels`` as Prometheus writes them, ``counts`` = it only grows while the server runs."""

    name: str
    value: float
    help: str
    labels: str = ""
    counts: bool = False


def figures(engine: Engine) -> tuple[Figure, ...]:
    """Everything an operator may want to watch; nothing in it tells what anybody asked."""
    jobs = engine.jobs
    states = [job.state for job in jobs.running]
    refused = jobs.refused + jobs.quotas.refused
    return (
        Figure("info", 1, "version of the product", f'version="{VERSION}"'),
        Figure("jobs_waiting", states.count("queued"), "computations that wait for their turn or their model"),
        Figure("jobs_running", states.count("running"), "computations that take turns on a device"),
        *(Figure("jobs_total", jobs.ended[state], "computations that ended", f'state="{state}"', counts=True) for state in _STATES),
        Figure("visitors", jobs.visitors_here, "visitors who are present"),
        Figure("visitors_waiting", jobs.visitors_waiting, "visitors who wait for something"),
        *(Figure("refused_total", refused[kind], "what was refused, by the limit", f'limit="{kind}"', counts=True) for kind in _REFUSALS),
        Figure("memory_bytes", memory_bytes(), "resident memory of the server"),
        Figure("model_bytes", engine.model_bytes, "loaded models in memory"),
        Figure("result_bytes", engine.result_bytes, "results in memory"),
        Figure("store_bytes", engine.store_bytes, "results on the disk, as last looked at"),
        Figure("visitor_file_bytes", visitor_files.held_bytes(engine.settings), "visitors' files on the disk"),
        Figure("processor_seconds_total", time.process_time(), "processor time of the server", counts=True),
    )


def memory_bytes() -> int:
    """Resident memory of this process; where the system does not tell, the most it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most


def text(found: tuple[Figure, ...]) -> str:
    """The figures in the text format of Prometheus."""
    lines: list[str] = []
    told: set[str] = set()
    for figure in found:
        name = f"locuscope_{figure.name}"
        if name not in told:
            told.add(name)
            lines += [f"# HELP {name} {figure.help}", f"# TYPE {name} {'counter' if figure.counts else 'gauge'}"]
        labels = f"{{{figure.labels}}}" if figure.labels else ""
        value = int(figure.value) if float(figure.value).is_integer() else round(figure.value, 3)
        lines.append(f"{name}{labels} {value}")
    return "\n".join(lines) + "\n"


def read(written: str) -> dict[str, float]:
    """Figures by name and labels, of what `text` wrote."""
    rows = re.findall(r"^locuscope_([a-z_]+(?:\{[^}]*\})?) (\S+)$", written, flags=re.MULTILINE)
    return {name: float(value) for name, value in rows}


def write_always(engine: Engine, path: Path, every: float = EVERY_SECONDS) -> None:
    """Write the figures of ``engine`` to a file now and every so many seconds, whole each time, as long as the engine lives."""
    reference = weakref.ref(engine)

    def body() -> None:
        failed = False
        while (engine := reference()) is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f"{path.name}.part")
                part.write_text(text(figures(engine)), encoding="utf-8")
                part.replace(path)
                failed = False
            except OSError as error:
                if not failed:
                    logger.warning("the figures cannot be written to the file of the setting metrics: %s", error.strerror)
                failed = True
            except Exception:
                if not failed and not process_ends():
                    logger.exception("the figures could not be made; they are tried again")
                failed = True
            del engine
            time.sleep(every)

    in_background("metrics", body)
