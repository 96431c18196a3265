"""The published frozen graph of CI-SpliceAI as named tensors and a configuration, and the folder they are kept in.

Everything comes from the graph itself: kernels, biases, batch normalisation, dilations, the epsilon and the positions that are cut off.
Convolutions of width 1 are the stem, the skips and the output; the wider ones come in pairs, a pair a residual unit.
The networks stand side by side: tensors of equal name are stacked along their output channels, network 1 first.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import WeightsInvalid
from engine.models.splice.frozen_graph import FrozenGraph

GRAPH_FILE = "CI-SpliceAI.pb"
_CONVOLUTION = "model_1/conv1d_{k}/conv1d{suffix}"
_BIAS = "model_1/conv1d_{k}/BiasAdd{suffix}/ReadVariableOp"
_NORMALISATION = "model_1/batch_normalization_{b}/batchnorm{suffix}/{name}"
_NORMALISED = {"variance": "ReadVariableOp", "mean": "ReadVariableOp_1", "beta": "ReadVariableOp_2", "gamma": "mul/ReadVariableOp"}
_NAME = re.compile(r"^model_1/conv1d_(\d{1,4})/conv1d(?:_(\d{1,3}))?/ExpandDims_1/ReadVariableOp$")


@dataclass(frozen=True)
class SpliceConfig:
    """Shape of the networks.

    Parameters
    ----------
    networks, channels : int
        How many networks are averaged; rows each of them has.
    groups : tuple of tuple of (int, int)
        Kernel width and dilation of each residual unit, in groups; a skip leaves after each group.
    epsilon : float
        Of the batch normalisation.
    """

    networks: int
    channels: int
    groups: tuple[tuple[tuple[int, int], ...], ...]
    epsilon: float

    @property
    def context_bp(self) -> int:
        """Bases at either side that the answer at a base depends on: both convolutions of every unit."""
        return sum((width - 1) * dilation for group in self.groups for width, dilation in group)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {"networks": self.networks, "channels": self.channels, "epsilon": self.epsilon, "groups": self.groups}

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> SpliceConfig:
        """From config.json. Raises `WeightsInvalid`."""
        from engine.models.checkpoints.weights import whole

        groups = config.get("groups")
        try:
            found = tuple(tuple((int(width), int(dilation)) for width, dilation in group) for group in groups or ())
        except (TypeError, ValueError) as error:
            raise WeightsInvalid("config.json has groups that are no lists of [width, dilation]; install the model again.") from error
        epsilon = config.get("epsilon")
        odd = all(width % 2 == 1 and width > 1 and dilation > 0 for width, dilation in itertools.chain.from_iterable(found))
        if not found or not all(found) or not odd or not isinstance(epsilon, float) or not 0 < epsilon < 1:
            raise WeightsInvalid(
                "config.json needs groups of [odd width above 1, dilation] and an epsilon below 1; install the model again."
            )
        return cls(whole(config, "networks"), whole(config, "channels"), found, epsilon)


@dataclass(frozen=True)
class Published:
    """What the graph holds: the configuration and the tensors, float32, by the names of `engine.models.splice.network.SpliceNet`."""

    config: SpliceConfig
    tensors: dict[str, NDArray[np.float32]]


def read_graph(path: Path) -> Published:
    """Read the frozen graph. Raises `WeightsMissing`, `WeightsInvalid` when something of the layout is not as published."""
    graph = FrozenGraph(path)
    found = [match for match in map(_NAME.match, graph) if match is not None]
    suffixes = [f"_{number}" if number else "" for number in sorted({int(match[2] or 0) for match in found})]
    count = max((int(match[1]) for match in found), default=0)
    if suffixes[:1] != [""] or len(found) != count * len(suffixes):
        raise WeightsInvalid(f"{path.name} lacks the convolutions of the published networks; fetch it again from its publisher.")
    kernels = [_stacked(graph, f"{_CONVOLUTION}/ExpandDims_1/ReadVariableOp", suffixes, k=k) for k in range(1, count + 1)]
    groups = _groups(graph, [kernel.shape[1] for kernel in kernels], suffixes)
    units = sum(map(len, groups))
    tensors: dict[str, NDArray[np.float32]] = {}
    for k, kernel in enumerate(kernels, start=1):
        networks, width, inputs, outputs = kernel.shape
        tensors[f"convolutions.{k}.weight"] = kernel.transpose(0, 3, 2, 1).reshape(networks * outputs, inputs, width)
        tensors[f"convolutions.{k}.bias"] = _stacked(graph, _BIAS, suffixes, k=k).reshape(-1)
    for b in range(1, 2 * units + 1):
        for name, node in _NORMALISED.items():
            tensors[f"normalisations.{b}.{name}"] = _stacked(graph, _NORMALISATION, suffixes, b=b, name=node).reshape(-1)
    epsilon = float(graph.constant(_NORMALISATION.format(b=1, suffix="", name="add/y")).reshape(-1)[0])
    config = SpliceConfig(len(suffixes), kernels[0].shape[-1], groups, epsilon)
    cut = graph.constant("model_1/cropping1d_1/strided_slice/stack").reshape(-1).tolist()
    if len(cut) != 3 or cut[1] != config.context_bp:
        raise WeightsInvalid(
            f"{path.name} cuts {cut} positions but its convolutions reach {config.context_bp}; it is not the published graph."
        )
    return Published(config, {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in tensors.items()})


def tensors_sha256(tensors: Mapping[str, Any]) -> str:
    """Hexadecimal sha256 over names, shapes and little-endian float32 values, by name: the same for a graph and for what it was converted to."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = np.ascontiguousarray(tensors[name], dtype="<f4")
        digest.update(f"{name} {value.shape}\n".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _stacked(graph: FrozenGraph, pattern: str, suffixes: list[str], **names: Any) -> NDArray[np.float32]:
    """The constants of equal name of all networks, stacked along a new first axis."""
    values = [graph.constant(pattern.format(suffix=suffix, **names)) for suffix in suffixes]
    if len({value.shape for value in values}) != 1 or values[0].dtype != np.float32:
        raise WeightsInvalid(f"The networks of {graph.path.name} differ in {pattern.format(suffix='', **names)}; fetch it again.")
    return np.stack(values)


def _groups(graph: FrozenGraph, widths: list[int], suffixes: list[str]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Residual units by the order of the kernels: stem, skip, then pairs of wide kernels closed by a skip, and the output."""
    groups: list[tuple[tuple[int, int], ...]] = []
    pending: list[tuple[int, int]] = []
    regular = widths[:2] == [1, 1] and widths[-1] == 1
    for k, width in enumerate(widths[:-1], start=1):
        if width > 1:
            dilations = {_dilation(graph, k, suffix) for suffix in suffixes}
            regular = regular and len(dilations) == 1
            pending.append((width, dilations.pop()))
        elif k > 2:
            regular = regular and bool(pending) and pending[::2] == pending[1::2]
            groups.append(tuple(pending[::2]))
            pending = []
    if not regular or pending or not groups:
        raise WeightsInvalid(f"The kernels of {graph.path.name} do not make residual units of two; it is not the published graph.")
    return tuple(groups)


def _dilation(graph: FrozenGraph, k: int, suffix: str) -> int:
    name = f"{_CONVOLUTION.format(k=k, suffix=suffix)}/SpaceToBatchND/block_shape"
    return int(graph.constant(name).reshape(-1)[0]) if name in graph else 1
