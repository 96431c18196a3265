"""A frozen graph of the published layout with small networks, and what it computes, by a slow second route."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.models.splice.frozen_graph import message_class

GROUPS = (((3, 1), (3, 2)), ((5, 4),))
"""Width and dilation of each residual unit."""

CONTEXT = 2 * 1 + 2 * 2 + 4 * 4
CHANNELS, NETWORKS = 4, 2
EPSILON = 0.001


@dataclass(frozen=True)
class Layer:
    """A convolution as TensorFlow keeps it: kernel (width, in, out), bias (out,), dilation."""

    kernel: np.ndarray
    bias: np.ndarray
    dilation: int = 1


def networks(seed: int = 5, groups: tuple[tuple[tuple[int, int], ...], ...] = GROUPS) -> list[dict[str, Any]]:
    """Convolutions by number and batch normalisations by number of each network."""
    rng = np.random.default_rng(seed)

    def layer(inputs: int, outputs: int, width: int = 1, dilation: int = 1) -> Layer:
        kernel = rng.normal(0, 1.5 / np.sqrt(inputs * width), (width, inputs, outputs)).astype(np.float32)
        return Layer(kernel, rng.normal(0, 0.3, outputs).astype(np.float32), dilation)

    def normalisation() -> dict[str, np.ndarray]:
        values = {name: rng.normal(0, 0.3, CHANNELS).astype(np.float32) for name in ("mean", "beta")}
        return {**values, **{name: rng.uniform(0.5, 2, CHANNELS).astype(np.float32) for name in ("variance", "gamma")}}

    found = []
    for _ in range(NETWORKS):
        layers, norms = [layer(4, CHANNELS), layer(CHANNELS, CHANNELS)], []
        for group in groups:
            for width, dilation in group:
                for _ in range(2):
                    norms.append(normalisation())
                    layers.append(layer(CHANNELS, CHANNELS, width, dilation))
            layers.append(layer(CHANNELS, CHANNELS))
        layers.append(layer(CHANNELS, 3))
        found.append({"layers": layers, "norms": norms})
    return found


def write_graph(path: Path, nets: list[dict[str, Any]], cut: int = CONTEXT, without: str = "") -> Path:
    """The graph file; constants stand behind Identity nodes, as in the published one. ``without``: name of a node to leave out."""
    graph = message_class()()

    def node(name: str, op: str, *inputs: str) -> Any:
        made = graph.node.add(name=name, op=op)
        made.input.extend(inputs)
        return made

    def constant(name: str, values: Any) -> None:
        array = np.asarray(values)
        tensor = node(name, "Const").attr.add(key="value").value.tensor
        tensor.dtype = 1 if array.dtype == np.float32 else 3
        for size in array.shape:
            tensor.tensor_shape.dim.add(size=size)
        if array.size == 1:
            (tensor.float_val if tensor.dtype == 1 else tensor.int_val).append(array.reshape(-1)[0].item())
        else:
            tensor.tensor_content = array.astype("<f4" if tensor.dtype == 1 else "<i4").tobytes()

    def variable(name: str, values: Any) -> None:
        if name != without:
            constant(f"{name}/resource", values)
            node(name, "Identity", f"{name}/resource")

    node("x", "Placeholder")
    for number, net in enumerate(nets):
        suffix = f"_{number}" if number else ""
        for k, layer in enumerate(net["layers"], start=1):
            variable(f"model_1/conv1d_{k}/conv1d{suffix}/ExpandDims_1/ReadVariableOp", layer.kernel)
            variable(f"model_1/conv1d_{k}/BiasAdd{suffix}/ReadVariableOp", layer.bias)
            if layer.dilation > 1:
                constant(f"model_1/conv1d_{k}/conv1d{suffix}/SpaceToBatchND/block_shape", np.array([layer.dilation], np.int32))
        for b, norm in enumerate(net["norms"], start=1):
            place = f"model_1/batch_normalization_{b}/batchnorm{suffix}"
            names = {"variance": "ReadVariableOp", "mean": "ReadVariableOp_1", "beta": "ReadVariableOp_2", "gamma": "mul/ReadVariableOp"}
            for kind, name in names.items():
                variable(f"{place}/{name}", norm[kind])
            constant(f"{place}/add/y", np.float32(EPSILON))
    constant("model_1/cropping1d_1/strided_slice/stack", np.array([0, cut, 0], np.int32))
    path.write_bytes(graph.SerializeToString())
    return path


def hot(letters: str) -> np.ndarray:
    """One-hot (L, 4), zeros for other letters."""
    return np.array([[letter == base for base in "ACGT"] for letter in letters], dtype=np.float64)


def _same(rows: np.ndarray, layer: Layer) -> np.ndarray:
    """A convolution with zeros beyond the ends, by loops over positions and taps."""
    width = len(layer.kernel)
    out = np.tile(layer.bias.astype(np.float64), (len(rows), 1))
    for place in range(len(rows)):
        for tap in range(width):
            source = place + (tap - width // 2) * layer.dilation
            if 0 <= source < len(rows):
                out[place] += rows[source] @ layer.kernel[tap]
    return out


def slow_probabilities(letters: str, nets: list[dict[str, Any]], groups: tuple[tuple[tuple[int, int], ...], ...] = GROUPS) -> np.ndarray:
    """Neither, acceptor, donor (L - 2 * CONTEXT, 3), computed as the published graph does: padded, cut at the end, networks averaged."""
    total = np.zeros((len(letters) - 2 * CONTEXT, 3))
    for net in nets:
        layers, norms = iter(net["layers"]), iter(net["norms"])
        rows = _same(hot(letters), next(layers))
        skip = _same(rows, next(layers))
        for group in groups:
            for _ in group:
                before = rows
                for _ in range(2):
                    norm = next(norms)
                    scaled = (rows - norm["mean"]) / np.sqrt(norm["variance"].astype(np.float64) + EPSILON) * norm["gamma"] + norm["beta"]
                    rows = _same(np.maximum(scaled, 0), next(layers))
                rows = rows + before
            skip = skip + _same(rows, next(layers))
        scores = _same(skip[CONTEXT : len(letters) - CONTEXT], next(layers))
        chance = np.exp(scores - scores.max(-1, keepdims=True))
        total += chance / chance.sum(-1, keepdims=True)
    return total / len(nets)


GENES = 'gene_id,chr,strand,start,end,jn_start,jn_end\nENSG1,chr1,+,11,190,"40,90","61,121"\nENSG2,chr1,-,150,400,"200","251"\n'


def wheel(graph: Path, **others: bytes) -> bytes:
    """A package file as the published one is laid out."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("cispliceai/data/CI-SpliceAI.pb", graph.read_bytes())
        archive.writestr("cispliceai/data/grch37.csv", GENES)
        archive.writestr("cispliceai/data/grch38.csv", GENES)
        archive.writestr("cispliceai-1.2.2.dist-info/licenses/LICENSE", "CC BY 4.0")
        archive.writestr("cispliceai-1.2.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: cispliceai\nVersion: 1.2.2\n")
        archive.writestr(
            "cispliceai-1.2.2.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("cispliceai-1.2.2.dist-info/RECORD", "")
        for name, data in others.items():
            archive.writestr(name, data)
    return content.getvalue()
