"""transformers' own classes, filled with published tensors and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from engine.core.errors import LayoutUnread, WeightsInvalid
from engine.core.quoting import quoted
from engine.models.native.marks import Kind, kind_of
from engine.models.networks.attention import with_modern_names

if TYPE_CHECKING:
    from engine.models.checkpoints.evidence import Evidence

_UNUSED = ("pooler.", "cls.seq_relationship.", "classifier.", "contact_head.")
_BUFFERS = ("position_ids", "inv_freq", "embed_positions.weight")


@contextmanager
def quiet() -> Iterator[None]:
    """The library writes no warnings and no progress bars inside."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def empty_network(evidence: Evidence) -> nn.Module:
    """The class that config.json names, on the meta device. Raises `WeightsInvalid` for a config.json that the class does not take."""
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    kind = kind_of(evidence)
    if kind is None:
        raise WeightsInvalid(f"{evidence.name} is of no model type that is run here.")
    _check_activation(evidence, kind)
    try:
        with quiet(), torch.random.fork_rng(devices=[]), torch.device("meta"):
            config = CONFIG_MAPPING[evidence.config["model_type"]].from_dict({**evidence.config, "reference_compile": False})
            named: Any = (MODEL_FOR_CAUSAL_LM_MAPPING if kind.causal else MODEL_FOR_MASKED_LM_MAPPING)[type(config)]
            empty: nn.Module = named(config)
    except Exception as error:  # whatever a value of config.json makes the library raise
        told = f"it does not know {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise LayoutUnread(
            f"transformers' {kind.name} class does not take the config.json of {evidence.name} ({type(error).__name__}: {told[:160]}); "
            "take it from the publication of the weights."
        ) from error
    return empty


def native_network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> nn.Module:
    """`empty_network` with ``tensors`` in float32; without values when they lie on torch's meta device.

    Raises `WeightsInvalid` naming the first missing, foreign or misshapen tensor. No code of a publisher runs.
    """
    empty: Any = empty_network(evidence)
    held = _compared(empty, with_modern_names(tensors))
    if any(tensor.is_meta for tensor in held.values()):
        return empty  # type: ignore[no-any-return]
    with quiet(), torch.random.fork_rng(devices=[]):
        net: nn.Module = type(empty).from_pretrained(None, config=empty.config, state_dict=held, dtype=torch.float32)
    return net.eval()


def _check_activation(evidence: Evidence, kind: Kind) -> None:
    """Raise `WeightsInvalid` for an activation that the library does not have."""
    from transformers.activations import ACT2FN

    told = evidence.config.get(kind.activation)
    if isinstance(told, str) and told not in ACT2FN:
        raise WeightsInvalid(
            f"config.json has {kind.activation} = {quoted(told, 40)}, which transformers' {kind.name} class does not know; it knows "
            f"{', '.join(sorted(ACT2FN))}."
        )


def _compared(net: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that ``net`` has; raises `WeightsInvalid` when names or shapes do not fit."""
    own, tied = net.state_dict(), set(getattr(net, "_tied_weights_keys", None) or ())
    missing = [name for name in own if name not in tensors and name not in tied and not _is_unused(name)]
    foreign = [name for name in tensors if name not in own and not _is_unused(name)]
    if missing or foreign:
        told = [f"lacks {missing[0][:80]}"] if missing else []
        told += [f"has {foreign[0][:80]}, which the class has not"] if foreign else []
        raise WeightsInvalid(f"The checkpoint {' and '.join(told)}; its config.json is not that of its weights.")
    for name in own:
        if name in tensors and tuple(tensors[name].shape) != tuple(own[name].shape):
            raise WeightsInvalid(
                f"Tensor {name} is {tuple(tensors[name].shape)} but config.json asks for {tuple(own[name].shape)}; "
                "take config.json and weights from the same publication."
            )
    return {name: tensor for name, tensor in tensors.items() if name in own}


def _is_unused(name: str) -> bool:
    return name.endswith(_BUFFERS) or any(f".{part}" in f".{name}" for part in _UNUSED)
