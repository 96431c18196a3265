"""``python -m tests.models.checkpoints.recorded ID``: record the header of a published checkpoint."""

from __future__ import annotations

import json
import sys

from engine.core.settings import Settings
from engine.models.registry import entry
from tests.models.checkpoints.recorded import PLACE, record

for model_id in sys.argv[1:]:
    told = record(entry(model_id), Settings.from_environment().hub_endpoint)
    (PLACE / f"{model_id}.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
