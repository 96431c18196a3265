"""Constants of a frozen TensorFlow graph. The file is a protocol buffer (``GraphDef``), so protobuf reads it and TensorFlow is not needed.

Only the fields that lead to constants are declared; protobuf skips the others. Field numbers: tensorflow/core/framework, ``graph.proto``,
``node_def.proto``, ``attr_value.proto``, ``tensor.proto`` and ``tensor_shape.proto``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import WeightsInvalid, WeightsMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 400_000_000
"""A larger file is not read."""

_MOST_FILLED = 10_000_000

_DTYPES: dict[int, tuple[str, str]] = {1: ("<f4", "float_val"), 3: ("<i4", "int_val"), 9: ("<i8", "int64_val")}
_FIELDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Dim": (("size", 1, "int64"),),
    "Shape": (("dim", 2, "*Dim"),),
    "Tensor": (
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "Shape"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "*float"),
        ("int_val", 7, "*int32"),
        ("int64_val", 10, "*int64"),
    ),
    "Value": (("tensor", 8, "Tensor"),),
    "Attribute": (("key", 1, "string"), ("value", 2, "Value")),
    "Node": (("name", 1, "string"), ("op", 2, "string"), ("input", 3, "*string"), ("attr", 5, "*Attribute")),
    "Graph": (("node", 1, "*Node"),),
}
"""Messages as (field, number, type); ``*`` marks a repeated field. A map is a repeated message of key and value."""


@cache
def message_class(name: str = "Graph") -> Any:
    """The protobuf class of one of the messages above."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="frozen_graph.proto", package="frozen_graph", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for field, number, told in fields:
            kind = told.removeprefix("*")
            added = described.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if told.startswith("*") else kinds.LABEL_OPTIONAL
            if kind in _FIELDS:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".frozen_graph.{kind}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"frozen_graph.{name}"))


class FrozenGraph:
    """Nodes of a graph by name.

    Raises
    ------
    WeightsMissing, WeightsInvalid
        The file cannot be read; it is no graph.
    """

    def __init__(self, path: Path) -> None:
        from google.protobuf.message import DecodeError

        self.path = path
        try:
            if path.stat().st_size > MOST_BYTES:
                raise WeightsInvalid(f"{path.name} has {path.stat().st_size:,} bytes; a frozen graph of at most {MOST_BYTES:,} is read.")
            data = path.read_bytes()
        except OSError as error:
            raise WeightsMissing(f"{path} cannot be read: {error.strerror}; check that the file is there.") from error
        graph = message_class()()
        try:
            graph.ParseFromString(data)
        except DecodeError as error:
            raise WeightsInvalid(f"{path.name} is no frozen TensorFlow graph; fetch it again from its publisher.") from error
        self._nodes = {str(node.name): node for node in graph.node}

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def constant(self, name: str) -> NDArray[Any]:
        """The array that node ``name`` holds, or hands on from the constant behind it. Raises `WeightsInvalid`."""
        node = self._nodes.get(name)
        seen: set[str] = set()
        while node is not None and node.op == "Identity" and node.input and node.name not in seen:
            seen.add(node.name)
            node = self._nodes.get(str(node.input[0]).removesuffix(":0"))
        values = [] if node is None or node.op != "Const" else [pair.value.tensor for pair in node.attr if pair.key == "value"]
        if len(values) != 1:
            raise WeightsInvalid(f"The graph {self.path.name} has no constant {name[:80]}; it is not in the published layout.")
        return self._array(name, values[0])

    def _array(self, name: str, tensor: Any) -> NDArray[Any]:
        shape = tuple(int(item.size) for item in tensor.tensor_shape.dim)
        kind = _DTYPES.get(tensor.dtype)
        if kind is not None and all(size >= 0 for size in shape):
            dtype, field = kind
            count = math.prod(shape)
            content = bytes(tensor.tensor_content)
            if content and len(content) == count * np.dtype(dtype).itemsize:
                return np.frombuffer(content, dtype).reshape(shape)
            few = np.array(getattr(tensor, field), dtype=dtype)
            if not content and len(few) in (1, count) and count <= _MOST_FILLED:
                return np.broadcast_to(few, (count,)).reshape(shape)
        raise WeightsInvalid(f"The constant {name[:80]} of {self.path.name} is damaged or of an unknown type; fetch the file again.")
