from __future__ import annotations

import torch

from engine.models.shortcuts.places import by_place


def test_mutants_are_grouped_by_their_places_in_order() -> None:
    found = [(place, same.tolist()) for place, same in by_place(torch.tensor([7, 3, 7, 0, 3, 7]))]
    assert found == [(0, [3]), (3, [1, 4]), (7, [0, 2, 5])]
    assert list(by_place(torch.empty(0, dtype=torch.int64))) == []
