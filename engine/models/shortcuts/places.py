"""Mutants by the place they change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor


def by_place(places: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Each distinct one of ``places`` int64 (B,), rising, and the indices int64 of the mutants that change it, rising; the device is asked once."""
    order = torch.argsort(places, stable=True)
    begin = 0
    for place, group in itertools.groupby(places[order].tolist()):
        end = begin + len(list(group))
        yield place, order[begin:end]
        begin = end
