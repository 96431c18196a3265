"""Packages that are not there on every platform: imported where they are needed, with one sentence where they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from engine.core.errors import SourceUnavailable

ABOUT = {
    "pyBigWig": ("Reading and writing bigWig needs", "Linux on x86_64 with Python 3.11 to 3.13", "write .bedgraph instead"),
    "pybigtools": ("Writing bigBed needs", "Linux, macOS and Windows with Python 3.11 to 3.13", "take the .bed files instead"),
    "pysam": ("Indexed tables, BCF and bgzipped files need", "Linux and macOS", "take plain files such as .vcf, .gff3 or .tsv instead"),
}
"""What needs a package, where it has ready-made files, and what to do without it."""


def needed(name: str, module: str = "") -> Any:
    """The package ``name`` (or a ``module`` of it). Raises `SourceUnavailable` where it is not installed."""
    try:
        return importlib.import_module(module or name)
    except ImportError as error:
        what, where, instead = ABOUT[name]
        raise SourceUnavailable(
            f"{what} the package {name}, which is not installed here (it comes ready-made for {where}); {instead}."
        ) from error
