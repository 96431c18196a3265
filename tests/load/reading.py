"""What a visitor reads out of the page's messages: the one place that knows how results, errors and buttons of the page look.

A result comes as the bytes of a component: ``LVW1``, the length of a JSON header as uint32 little-endian, the header (see
`engine.views.wire`). A header of kind ``map`` is a picture, whole when ``complete``; one of kind ``figure`` says what each of its ``panels``
has come to; one of kind ``status`` lists what is still being computed in ``running`` and what went wrong among its ``lines``.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

MAGIC = b"LVW1"
PANELS = frozenset({"map", "reconstruction", "effects", "elements"})
"""Panels that a sequence of DNA has with the shipped models."""
START = "Compute"
"""Label of the button that starts what is too long to start by itself."""


def header(data: bytes) -> dict[str, Any]:
    """The JSON header of an envelope; empty for other bytes."""
    if data[:4] != MAGIC:
        return {}
    (size,) = struct.unpack("<I", data[4:8])
    read: dict[str, Any] = json.loads(data[8 : 8 + size])
    return read


@dataclass
class Reading:
    """What is on a visitor's screen so far."""

    maps: int = 0
    whole_map: bool = False
    running: list[str] | None = None
    panels: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    start_button: str = ""

    @property
    def lacks_panels(self) -> bool:
        """Whether nothing is being computed any more and a panel is not there."""
        return self.running == [] and not self.panels >= PANELS

    @property
    def finished(self) -> bool:
        """Whether the whole map is there and nothing is being computed any more."""
        return self.whole_map and self.running == []

    def read(self, message: ForwardMsg) -> None:
        """Take in one message (not a reference to an earlier one)."""
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "bidi_component":
            self._envelope(header(element.bidi_component.bytes))
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self._problem(element.alert.body)
        elif kind == "exception":
            self._problem(f"{element.exception.type}: {element.exception.message}")
        elif kind == "button" and element.button.label == START:
            self.start_button = element.button.id

    def _envelope(self, told: dict[str, Any]) -> None:
        if told.get("kind") == "figure":
            self.panels = {name for name, state in told["panels"].items() if state == "result"}
        elif told.get("kind") == "map":
            self.maps += 1
            self.whole_map = self.whole_map or bool(told["complete"])
        elif told.get("kind") == "status":
            self.running = list(told["running"])
            self.lines = [line["text"] for line in told["lines"]]
            for line in told["lines"]:
                if line["failed"]:
                    self._problem(line["text"])

    def _problem(self, words: str) -> None:
        if words not in self.problems:
            self.problems.append(words)
