"""Headers of published checkpoints: names, shapes and types of tensors, configuration and tokenizer files, no weights.

Written by ``python -m tests.models.checkpoints.recorded ID`` on a machine that reaches the hub (about 100 kB are read), one ``ID.json`` here a
model; `tests/models/checkpoints/test_check.py` holds every one of them against its model.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.models.checkpoints import check, hub
from engine.models.checkpoints.evidence import Evidence, read_beside
from engine.models.checkpoints.headers import Header, StoredTensor
from engine.models.entry import ModelEntry

PLACE = Path(__file__).parent


def record(entry: ModelEntry, endpoint: str) -> dict[str, Any]:
    """What the hub shows of a model, as plain values."""
    wanted = hub.plan(entry, endpoint, check.BESIDE)
    beside, header, _ = check.read_remote(wanted, endpoint)
    return {
        "repository": wanted.repository,
        "commit": wanted.commit,
        "sha256": {file.name: file.sha256 for file in wanted.files if file.name in wanted.weights},
        "files": {name: content.decode("utf-8") for name, content in beside.items()},
        "tensors": {name: [tensor.dtype, *tensor.shape] for name, tensor in sorted(header.tensors.items())},
        "classes": list(header.classes),
        "attributes": dict(header.attributes),
    }


def evidence_of(path: Path) -> Evidence:
    """Evidence from a recorded header."""
    told = json.loads(path.read_text(encoding="utf-8"))
    tensors = {name: StoredTensor(tuple(shape), dtype) for name, (dtype, *shape) in told["tensors"].items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in told["files"].items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        found = read_beside(Path(folder))
    return replace(found, name=path.stem, header=Header(tensors, tuple(told["classes"]), told["attributes"]), directory=None)
