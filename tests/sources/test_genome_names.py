"""Names that are offered while they are typed."""

from __future__ import annotations

import time
from pathlib import Path

from engine.core.settings import Settings
from engine.sources.genomes import GenomeSet


def test_names_are_offered_of_annotations_that_are_open_and_the_others_are_opened_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "t.fa").write_text(">c\n" + "ACGT" * 100 + "\n", encoding="utf-8")
    rows = [f"c\tmade\tgene\t{at}\t{at + 9}\t.\t+\t.\tID={name};Name={name}" for at, name in ((1, "galK"), (21, "galM"), (41, "thrA"))]
    (tmp_path / "t.gff3").write_text("\n".join(rows) + "\n", encoding="utf-8")
    genomes = GenomeSet(Settings(home=tmp_path / "home", genomes=f"toy={tmp_path / 't.fa'};{tmp_path / 't.gff3'}"))
    found: tuple[str, ...] = ()
    for _ in range(200):
        found = genomes.names_at_hand("GAL")
        if found:
            break
        time.sleep(0.02)
    assert found == ("toy:galK", "toy:galM")
    assert genomes.names_at_hand("toy:t") == ("toy:thrA",)
    assert genomes.names_at_hand("other:t") == ()
    assert genomes.names_at_hand("gal", 1) == ("toy:galK",)
