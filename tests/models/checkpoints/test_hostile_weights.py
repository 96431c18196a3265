"""Weight files made to harm: they are refused in a sentence, and take little memory until then."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from engine.core.errors import WeightsInvalid
from engine.models.checkpoints.weights import ModuleStub, read_pickled_module, read_state

ROOT = Path(__file__).resolve().parents[3]
MEASURED = """
import resource, sys
from pathlib import Path
import torch, safetensors.torch
from engine.core.errors import LocuscopeError
from engine.models.checkpoints.weights import read_state, read_pickled_module
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in (lambda: read_state(Path(sys.argv[1])), lambda: read_pickled_module(Path(sys.argv[1]) / "pytorch_model.bin")):
    try:
        read()
    except LocuscopeError as error:
        print(error)
print("KILOBYTES", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def packed(path: Path, scale: int = 400_000_000) -> None:
    """A state dict whose storage is deflated from very many zeros."""
    torch.save({"a.weight": torch.zeros(4)}, path.with_suffix(".small"))
    with zipfile.ZipFile(path.with_suffix(".small")) as small, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in small.infolist():
            content = small.read(item)
            archive.writestr(item.filename, b"\0" * scale if item.filename.endswith("/data/0") else content)
    path.with_suffix(".small").unlink()


def test_an_archive_of_a_megabyte_takes_at_most_200_megabytes(tmp_path: Path) -> None:
    packed(tmp_path / "pytorch_model.bin")
    assert (tmp_path / "pytorch_model.bin").stat().st_size < 1_500_000
    done = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "holds 400," in done.stdout
    assert int(done.stdout.split("KILOBYTES")[1]) < 200_000


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(100_000, 100_000),
        torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (100_000, 100_000), check_invariants=True),
    ],
    ids=["repeated", "sparse"],
)
def test_a_tensor_that_says_more_than_it_holds_is_refused(tensor: torch.Tensor, tmp_path: Path) -> None:
    torch.save({"a.weight": tensor}, tmp_path / "pytorch_model.bin")
    assert (tmp_path / "pytorch_model.bin").stat().st_size < 10_000
    with pytest.raises(WeightsInvalid, match=r"(does not hold a number for each of its places|refused)"):
        read_state(tmp_path)


@pytest.mark.parametrize("modules", ["abc", 7, [1], {"a": "b"}])
def test_a_pickled_module_whose_tables_are_none_is_damaged_weights(modules: object) -> None:
    stub = ModuleStub()
    stub.__setstate__({"_modules": modules, "_parameters": {"w": torch.ones(2)}})
    if isinstance(modules, dict):
        assert list(stub.tensors()) == ["w"]
        return
    with pytest.raises(WeightsInvalid, match="where its _modules should be"):
        stub.tensors()


def test_a_module_that_holds_itself_is_refused() -> None:
    stub = ModuleStub()
    stub.__setstate__({"_modules": {"again": stub}})
    with pytest.raises(WeightsInvalid, match="holds itself"):
        stub.tensors()


def test_a_published_module_is_still_read(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3)), tmp_path / "m.pt")
    assert set(read_pickled_module(tmp_path / "m.pt").tensors()) == {"0.weight", "0.bias"}
