"""The accelerations' figures: every comparison is made and what is called exact is exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.bench.accelerations import FastOptions, fast_rows
from engine.models.locuscope.network import LocuscopeNet, NetConfig


@pytest.fixture
def models(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    net = LocuscopeNet(NetConfig(width=32, heads=2, layers=2, hidden=48))
    folder = tmp_path / "locuscope-lm"
    folder.mkdir()
    net.config.write(folder / "config.json")
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, folder / "model.safetensors")
    (folder / "card.json").write_text(json.dumps({"id": "locuscope"}))
    return tmp_path


def test_every_acceleration_is_compared_and_the_exact_ones_are_exact(models: Path) -> None:
    options = FastOptions(lengths=(40,), bases=1, repeats=1, published=False, taus=(0.5,))
    rows = list(fast_rows(options, models))
    groups = {row.group for row in rows}
    assert {"Cone recomputation (exact)", "Causal reuse (exact)"} <= groups
    differences = [row for row in rows if "largest difference" in row.what]
    assert len(differences) == 5
    assert all(row.value < 1e-4 for row in differences)
    shipped = {row.what: row for row in rows if row.group.startswith("The shipped model, 40 nt, 3 mutants")}
    assert {"authors-style float32 loop", "exact: times as fast", "sparse, tau 0.5: times as fast"} <= set(shipped)
    assert "Pearson" in shipped["sparse, tau 0.5: times as fast"].note
    assert torch.get_num_threads() >= 1
