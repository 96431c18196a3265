"""Published tensor names of the U-Net head, whatever they are nested in, brought to one form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from engine.core.errors import WeightsInvalid

_SIDE_BLOCK = re.compile(r"(?:^|[._])(down|up)_?sample_?blocks?[._](\d+)\.(.+)$")
_FINAL_BLOCK = re.compile(r"(?:^|[._])final_(?:block|conv\w*)\.(.+)$")
_CONVOLUTION = re.compile(r"(\d+)\.(weight|bias)$|(\d+)\.\w+\.(weight|bias)$")
_HEAD_LINEAR = re.compile(r"(?:^|[._])fc\.(?:\d+\.)?(weight|bias)$")

_Any = TypeVar("_Any")


def head_name(name: str) -> str | None:
    """``unet_head.unet.*`` or ``unet_head.fc.*`` for a tensor of the head, None for any other.

    The head's own nesting in the published files could not be seen; its numbered down- and upsampling blocks, its final block, their
    numbered convolutions and its linear layer ``fc`` are told by their names.
    """
    side, final = _SIDE_BLOCK.search(name), _FINAL_BLOCK.search(name)
    if side is None and final is None:
        linear = _HEAD_LINEAR.search(name)
        return f"unet_head.fc.{linear[1]}" if linear else None
    block = f"_{side[1]}sample_blocks.{side[2]}" if side else "final_block"
    rest = side[3] if side else final[1] if final else ""
    convolution = _CONVOLUTION.search(rest)
    if convolution is None:
        return None
    return f"unet_head.unet.{block}.conv_layers.{convolution[1] or convolution[3]}.{convolution[2] or convolution[4]}"


def trunk_names(tensors: Mapping[str, _Any], marker: str) -> dict[str, _Any]:
    """Tensors, or what stands for them, with the head's renamed as `head_name` says, and with whatever stands in front of ``marker`` cut
    from the names that have it. Raises `WeightsInvalid` without ``marker``.
    """
    prefix = prefix_of(tensors, marker)
    if prefix is None:
        raise WeightsInvalid(f"The checkpoint has no tensor {marker}; it is not the model that was asked for, or damaged.")
    return {(head_name(name) or name.removeprefix(prefix)): tensor for name, tensor in tensors.items()}


def prefix_of(names: Iterable[str], marker: str) -> str | None:
    """What stands in front of ``marker`` in the one name that ends with it; None when none does."""
    found = [name for name in names if name == marker or name.endswith(f".{marker}")]
    return found[0].removesuffix(marker) if found else None
