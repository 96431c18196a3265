"""A command that is killed in the middle of its work and given again ends with the answer of one that was left alone."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.serving import ROOT

VARIANTS = 300
LENGTH = 6000


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    letters = "".join(random.Random(5).choices("ACGT", k=LENGTH))
    fasta = tmp_path / "genome.fa"
    fasta.write_text(f">c\n{letters}\n", encoding="ascii")
    places = sorted(random.Random(6).sample(range(300, LENGTH - 300), VARIANTS))
    rows = [f"c\t{at + 1}\tv{at}\t{letters[at]}\t{'ACGT'[('ACGT'.index(letters[at]) + 1) % 4]}\t.\t.\t." for at in places]
    head = ["##fileformat=VCFv4.2", f"##contig=<ID=c,length={LENGTH}>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    (tmp_path / "v.vcf").write_text("\n".join([*head, *rows]) + "\n", encoding="ascii")
    return fasta


def started(home: Path, *words: str) -> subprocess.Popen[bytes]:
    settings = {**os.environ, "LOCUSCOPE_HOME": str(home), "LOCUSCOPE_OFFLINE": "1", "LOCUSCOPE_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *words], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def killed_when(process: subprocess.Popen[bytes], far: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not far():
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait(20)


@pytest.mark.long
def test_triage(genome: Path, tmp_path: Path) -> None:
    words = ("triage", str(tmp_path / "v.vcf"), "--fasta", str(genome), "--window", "64", "--no-influence", "--out")
    out, unfinished = tmp_path / "out.tsv", tmp_path / "out.tsv.unfinished"
    first = started(tmp_path / "home", *words, str(out))
    killed_when(first, lambda: unfinished.is_file() and unfinished.stat().st_size > 20_000)
    assert not out.exists()
    assert started(tmp_path / "home", *words, str(out)).wait(400) == 0
    whole = tmp_path / "whole.tsv"
    assert started(tmp_path / "other", *words, str(whole)).wait(400) == 0
    texts = [[line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")] for path in (out, whole)]
    assert texts[0] == texts[1]
    assert len(texts[0]) == VARIANTS + 1


@pytest.mark.long
def test_the_script_of_a_triage_repeats_it(genome: Path, tmp_path: Path) -> None:
    head = (tmp_path / "v.vcf").read_text().splitlines()[:9]
    (tmp_path / "few.vcf").write_text("\n".join(head) + "\n")
    words = ("triage", str(tmp_path / "few.vcf"), "--fasta", str(genome), "--window", "64", "--out")
    for name in ("one.tsv", "one.py"):
        assert started(tmp_path / "home", *words, str(tmp_path / name)).wait(400) == 0
    other = tmp_path / "other.fa"
    other.write_text(genome.read_text().replace("ACG", "AGC"), encoding="ascii")
    runs = [
        subprocess.run([sys.executable, str(tmp_path / "one.py"), str(place)], cwd=ROOT, capture_output=True, text=True, check=False)
        for place in (genome, other)
    ]
    scores = [
        [line for line in text.splitlines() if not line.startswith("#")] for text in (runs[0].stdout, (tmp_path / "one.tsv").read_text())
    ]
    assert scores[0] == scores[1]
    assert len(scores[0]) == 7
    assert runs[1].returncode == 1
    assert "another one than then" in runs[1].stderr


@pytest.mark.long
def test_scan(genome: Path, tmp_path: Path) -> None:
    words = ("scan", "--fasta", str(genome), "--window", "100", "--overlap", "20", "--out")
    out, whole = tmp_path / "out", tmp_path / "whole"
    first = started(tmp_path / "home", *words, str(out))
    killed_when(first, lambda: any(out.rglob("*.npz")))
    assert started(tmp_path / "home", *words, str(out)).wait(400) == 0
    assert started(tmp_path / "other", *words, str(whole)).wait(400) == 0
    names = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.suffix in (".npz", ".bw"))
    assert names == sorted(path.relative_to(out) for path in out.rglob("*") if path.suffix in (".npz", ".bw"))
    for name in names:
        if name.suffix == ".npz":
            one, other = np.load(out / name, allow_pickle=False), np.load(whole / name, allow_pickle=False)
            assert one.files == other.files
            numbers = [array for array in one.files if one[array].dtype.kind != "U"]  # the provenance says how long each took
            assert numbers
            for array in numbers:
                np.testing.assert_array_equal(one[array], other[array])
        else:
            assert (out / name).read_bytes() == (whole / name).read_bytes()
