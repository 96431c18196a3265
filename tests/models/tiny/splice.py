"""A tiny CI-SpliceAI: the published layout is a frozen graph in a package, which is converted as an installation converts it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.models.splice.adapter import unpack
from tests.models.splice.tiny_graph import networks, wheel, write_graph


def cispliceai(folder: Path) -> None:
    """Write the folder that an installation leaves."""
    with tempfile.TemporaryDirectory() as place:
        package = Path(place) / "cispliceai-1.2.2-py3-none-any.whl"
        package.write_bytes(wheel(write_graph(Path(place) / "CI-SpliceAI.pb", networks())))
        unpack(package, folder)
