"""The ranked table of a run over a genome: classes by hand, places counted once, genes beside them, coding windows left out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.pattern_ranking import ranked
from engine.analyses.patterns import PatternParameters
from engine.core.errors import InputError, ParameterError
from engine.core.results import WindowAnswer
from engine.core.settings import Settings
from engine.genome import run
from engine.genome.ranking import Neighbours
from engine.genome.run import Plan, scan
from engine.genome.windows import stretches
from engine.service.engine import Engine
from tests.fake_model import Calls, FakeRegistry

GFF = """##gff-version 3
one\tt\tgene\t1\t12\t.\t+\t.\tID=g1;Name=left
one\tt\tCDS\t1\t12\t.\t+\t0\tID=c1;Parent=g1
one\tt\tgene\t60\t73\t.\t-\t.\tID=g2;Name=right
one\tt\tCDS\t60\t73\t.\t-\t0\tID=c2;Parent=g2
"""
LETTERS = "ACGGTTAACC" * 7 + "ACG"


def answer(
    contig: str, start: int, letters: str, places: list[tuple[str, int, int, float]], controls: list[tuple[str, int, int, float]]
) -> WindowAnswer:
    def columns(rows: list[tuple[str, int, int, float]], *names: str) -> dict[str, np.ndarray]:
        values = (
            np.array([row[0] for row in rows], dtype="<U7"),
            np.array([row[1:3] for row in rows], np.int64).reshape(-1, 2),
            np.array([row[3] for row in rows], np.float32),
        )
        return dict(zip(names, values, strict=True))

    arrays = {"sequence": np.array(letters), "shuffles": np.array(1)}
    arrays |= columns(places, "kinds", "places", "place_scores") | columns(controls, "control_kinds", "control_places", "control_scores")
    return WindowAnswer(contig, start, start + len(letters), start + 2, start + len(letters) - 2, arrays)


def test_controls_of_a_class_count_together_and_each_place_once() -> None:
    """Two windows half of G and C, one all of it. In the first class three stems (8, 5 and 3) and one control (4) of two shuffles: q is
    (1 + 0) / (1 · 1) = 1 at most for 8, (1 + 0) / (1 · 2) for 5, (1 + 1) / (1 · 3) for 3, and the least of those below stands."""
    half, rich = "ACGTACGTACGTACGTACGT", "GC" * 10
    windows = [
        answer("one", 0, half, [("stem", 2, 10, 8), ("stem", 0, 0, 99)], [("stem", 3, 12, 4), ("stem", 0, 0, 50)]),
        answer("one", 100, half, [("stem", 4, 12, 5), ("stem", 3, 11, 3)], []),
        answer("two", 0, rich, [("stem", 4, 12, 1)], []),
    ]
    windows[0].arrays["places"][1] = (-4, -4)  # its middle lies before the part that is kept
    windows[0].arrays["control_places"][1] = (-4, -4)
    found = ranked(windows, PatternParameters(rate=1)).columns
    assert list(found["score"]) == [8, 5, 3, 1]
    assert list(found["q"]) == pytest.approx([0.5, 0.5, 2 / 3, 1])
    assert (found["contig"][1], found["first_start"][1], found["second_end"][1]) == ("one", 105, 117)
    assert (found["class_windows"][0], found["class_shuffles"][0], found["gc_class"][3]) == (2, 2, 1.0)
    assert found["first_letters"][0] == "GTACG"
    assert list(ranked(windows, PatternParameters(rate=0.6)).columns["score"]) == [8, 5]
    assert not len(ranked([], PatternParameters()).bases)


@pytest.fixture
def annotation(tmp_path: Path) -> Path:
    path = tmp_path / "genes.gff3"
    path.write_text(GFF)
    return path


def test_genes_beside_a_place(annotation: Path) -> None:
    found = Neighbours(annotation)
    assert found.of("one", 20, 30) == ("", "left(+)", 8, "right(-)", 29)
    assert found.of("one", 10, 62) == ("left(+),right(-)", "", "", "", "")
    assert found.of("elsewhere", 10, 62) == ("", "", "", "", "")


def test_windows_more_than_half_coding_are_left_out(annotation: Path) -> None:
    every = list(stretches({"one": 73}, 20, 6, 1000))
    kept = [window.name for part in Neighbours(annotation).non_coding(every) for window in part.windows]
    assert [window.name for part in every for window in part.windows] == ["1-20", "15-34", "29-48", "43-62", "54-73"]
    assert kept == ["15-34", "29-48", "43-62"]  # 12 and 14 of 20 bases of the others are coding


def test_a_scan_of_patterns_writes_a_ranked_table(tmp_path: Path, annotation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path / "home", model="pairs")
    engine = Engine(settings, FakeRegistry(tmp_path / "models", Calls()), keep_on_disk=False)
    monkeypatch.setattr(run, "engine_of", lambda _: engine)
    genome = tmp_path / "genome.fa"
    genome.write_text(f">one\n{LETTERS}\n>gap\n{'N' * 30}\n")
    out = tmp_path / "out"
    plan = Plan(
        str(genome),
        "patterns",
        window_bp=20,
        overlap_bp=6,
        settings=(("rate", "1"), ("shuffles", "1")),
        annotation=str(annotation),
        non_coding=True,
    )
    assert scan(plan, out, settings) == 0
    with (out / "ranked.tsv").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    order = [(row["kind"] in ("hotspot", "target"), float(row["q"]), -float(row["fitting"] or 0), -float(row["score"])) for row in rows]
    assert order == sorted(order)
    stems = {(int(row["first_start"]), int(row["second_end"])) for row in rows if row["kind"] == "stem"}
    assert {(15, 34), (29, 48)} <= {(first, end) for first, end in stems}  # base j pairs with base L − 1 − j of each window
    best = next(row for row in rows if (row["kind"], row["first_start"]) == ("stem", "15"))
    assert best["first_letters"] == LETTERS[14:19]
    assert (best["gene_before"], best["bases_to_it"], best["gene_after"], best["bases_to_that"]) == ("left(+)", "2", "right(-)", "25")
    assert best["locus"] == "one:1-73"
    assert not any(int(row["first_start"]) < 15 for row in rows)
    assert (out / "tracks" / "block_score.bw").exists()
    assert scan(plan, out, settings) == 0
    with pytest.raises(InputError, match="other settings"):
        scan(Plan(str(genome), "patterns", window_bp=20, overlap_bp=6), out, settings)


def test_an_annotation_nobody_reads_is_refused(tmp_path: Path, annotation: Path) -> None:
    with pytest.raises(ParameterError, match="--gff"):
        Plan("genome.fa", "patterns", non_coding=True)
    with pytest.raises(ParameterError, match="no ranked table"):
        Plan("genome.fa", annotation=str(annotation))
    with pytest.raises(InputError, match="not there"):
        Plan("genome.fa", "patterns", annotation=str(tmp_path / "none.gff3"))
