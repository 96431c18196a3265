"""What installed packages bring: what their entry points mean, read so that a broken package takes nothing else down."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import Any

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
"""What names of analyses, commands and panels are made of: they stand in addresses, on command lines and in names of files."""


class Unusable(Exception):
    """What a package brings cannot be used; the message says why, in a few words."""


def package_of(point: metadata.EntryPoint) -> str:
    """Name of the package with this entry point; what the point says where the package has none."""
    try:
        name = point.dist.name if point.dist is not None else None
    except Exception:  # noqa: BLE001 - a package without METADATA; what Python raises then hangs on its version
        name = None
    return name or point.value


def kind_of(value: object) -> str:
    """What ``value`` is, with its article."""
    if isinstance(value, type):
        return f"the type {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def read_packages(group: str, attribute: str, what: str, take: Callable[[Any, str], None]) -> tuple[str, ...]:
    """Hand what the entry points of ``group`` mean to ``take``; a sentence, also in the log, on each that cannot be used.

    ``attribute``: what is meant where a point names a module alone. ``what``: what it is, in a word. ``take(found, package)`` keeps it, all or
    nothing, and raises `Unusable`.
    """
    left_out: list[str] = []
    for point in sorted(metadata.entry_points(group=group), key=lambda point: (point.name, point.value)):
        try:
            take(_meant(point, attribute), package_of(point))
        except Unusable as error:
            why = str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a package may raise whatever it likes; the others go on
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
        else:
            continue
        sentence = (
            f"The {what} {point.name[:60]} of the package {package_of(point)} cannot be used ({why}); update the package or uninstall it."
        )
        logger.warning("%s", sentence)
        left_out.append(sentence)
    return tuple(left_out)


def _meant(point: metadata.EntryPoint, attribute: str) -> Any:
    found = point.load()
    if not isinstance(found, ModuleType):
        return found
    if not hasattr(found, attribute):
        raise Unusable(f"the module {point.value[:80]} has no {attribute}")
    return getattr(found, attribute)
