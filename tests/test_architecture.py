"""The import rule of the layers, held by reading the source."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "streamlit", "plotly")


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files("engine"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_never_imports_streamlit_or_pages(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".")[0] in ("streamlit", "pages", "app")}


@pytest.mark.parametrize("path", files("engine/core"), ids=lambda path: path.name)
def test_core_imports_nothing_but_numpy_and_the_standard_library(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "engine", "torch"}
    assert {name.split(".")[0] for name in imports_of(path)} <= allowed
    assert all(name.startswith("engine.core") for name in imports_of(path) if name.startswith("engine"))


MAY_IMPORT: dict[str, set[str]] = {
    "core": set(),
    "sources": {"core"},
    "models": {"core"},
    "analyses": {"core"},
    "views": {"core", "analyses"},
    "exports": {"core", "analyses", "views"},
    "training": {"core", "sources", "models", "analyses", "service"},
    "bench": {"core", "sources", "models", "analyses", "service", "training"},
    "service": {"core", "sources", "models", "analyses", "views", "exports"},
    "commands": {"core", "sources", "models", "analyses", "views", "exports", "service", "genome", "bench"},
    "genome": {"core", "sources", "models", "analyses", "views", "exports", "service"},
}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room: str) -> None:
    for path in files(f"engine/{room}"):
        for name in imports_of(path):
            if name.startswith("engine."):
                assert name.split(".")[1] in MAY_IMPORT[room] | {room}, f"{path.relative_to(ROOT)} imports {name}"


def test_every_room_has_its_rule() -> None:
    assert {path.name for path in (ROOT / "engine").iterdir() if path.is_dir() and path.name != "__pycache__"} == set(MAY_IMPORT)


def test_pages_ask_the_engine_and_draw_views_but_never_load_models() -> None:
    for path in files("pages"):
        for name in imports_of(path):
            if name.startswith("engine."):
                assert name.split(".")[1] not in ("models", "commands", "genome", "training", "bench"), (
                    f"{path.relative_to(ROOT)} imports {name}"
                )


def test_importing_the_engine_loads_nothing_heavy() -> None:
    code = f"import sys, engine, engine.service.engine; bad = [n for n in {HEAVY!r} if n in sys.modules]; sys.exit(', '.join(bad) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_pages_import_streamlit() -> None:
    offenders = [path for path in files("engine") if "streamlit" in {name.split(".")[0] for name in imports_of(path)}]
    assert not offenders


LARGEST_TREE = 32 * 2**20


def test_the_tracked_tree_is_small_enough_to_clone_at_once() -> None:
    """Shipped weights, answers and figures included."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("git does not read this checkout")
    paths = [ROOT / os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    sizes = {path: path.lstat().st_size for path in paths if path.exists()}
    largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
    assert sum(sizes.values()) <= LARGEST_TREE, f"the largest are {', '.join(str(path.relative_to(ROOT)) for path in largest)}"
