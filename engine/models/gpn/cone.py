"""GPN's three kinds of layer as local layers of `engine.models.shortcuts.cone`, sharing the network's weights."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from engine.models.gpn.network import ByteNetLayer, ConvNetLayer, GpnNet, LegacyLayer
from engine.models.shortcuts.cone import Cone, LocalLayer, NormWeights, PostNormConvLayer, channels_last_weight, convolve_rows


@dataclass(frozen=True, eq=False)
class _Convolution:
    """Weights of one dilated convolution over rows."""

    weight: Tensor
    bias: Tensor | None
    dilation: int
    groups: int

    @classmethod
    def of(cls, layer: nn.Conv1d) -> _Convolution:
        bias = None if layer.bias is None else layer.bias.detach()
        return cls(channels_last_weight(layer.weight), bias, layer.dilation[0], layer.groups)

    @property
    def reach(self) -> int:
        return self.dilation * (self.weight.shape[-1] // 2)

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        if outside is not None:
            rows = rows.masked_fill(outside[..., None], 0.0)
        return convolve_rows(rows, self.weight, self.bias, self.dilation, self.groups)


def _middle(rows: Tensor, reach: int) -> Tensor:
    return rows[:, reach : rows.shape[1] - reach]


@dataclass(frozen=True, eq=False)
class PreNormConvLayer:
    """Layer of the newer GPN class with encoder ``convnet``; see `LocalLayer`."""

    net: ConvNetLayer
    convolution: _Convolution

    @property
    def reach(self) -> int:
        """Rows to either side."""
        return self.convolution.reach

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        """See `LocalLayer`."""
        moved = self.convolution(self.net.conv_norm(rows), outside)
        middle = _middle(rows, self.reach) + self.net.linear(functional.gelu(moved))
        out: Tensor = middle + self.net.down(functional.gelu(self.net.up(self.net.up_norm(middle))))
        return out


@dataclass(frozen=True, eq=False)
class ByteNetConvLayer:
    """Layer of the newer GPN class with encoder ``bytenet``; see `LocalLayer`."""

    net: ByteNetLayer
    convolution: _Convolution

    @property
    def reach(self) -> int:
        """Rows to either side."""
        return self.convolution.reach

    def __call__(self, rows: Tensor, outside: Tensor | None) -> Tensor:
        """See `LocalLayer`."""
        inner = functional.gelu(self.net.down_norm(self.net.down(functional.gelu(self.net.norm(rows)))))
        inner = functional.gelu(self.net.conv_norm(self.convolution(inner, outside)))
        out: Tensor = _middle(rows, self.reach) + self.net.up(inner)
        return out


def _norm(layer: nn.LayerNorm) -> NormWeights:
    return NormWeights(layer.weight.detach(), None if layer.bias is None else layer.bias.detach(), layer.eps)


def _local(layer: nn.Module) -> LocalLayer:
    if isinstance(layer, ConvNetLayer):
        return PreNormConvLayer(layer, _Convolution.of(layer.conv))
    if isinstance(layer, ByteNetLayer):
        return ByteNetConvLayer(layer, _Convolution.of(layer.conv))
    if not isinstance(layer, LegacyLayer):
        raise TypeError(f"no cone is known for a layer of type {type(layer).__name__}")
    conv, linear = layer.conv, layer.linear
    return PostNormConvLayer(
        conv.weight.detach(),
        None if conv.bias is None else conv.bias.detach(),
        conv.dilation[0],
        _norm(layer.conv_norm),
        linear.weight.detach(),
        None if linear.bias is None else linear.bias.detach(),
        _norm(layer.linear_norm),
    )


def gpn_cone(net: GpnNet) -> Cone | None:
    """Cone of a GPN network; its scores are the logits over the whole vocabulary. None where a kernel has no centre row.

    The network's convolution weights become views of the channels-last copies, so that memory holds them once.
    """
    if any(kernel % 2 == 0 for kernel in net.config.kernels):
        return None
    for module in net.modules():
        if isinstance(module, nn.Conv1d):
            module.weight.data = channels_last_weight(module.weight).squeeze(2)
    return Cone([_local(layer) for layer in net.layers], lambda rows: net.head(net.norm(rows)))
