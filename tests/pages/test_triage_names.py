"""The page of triage takes contigs by the names the box takes, and transcripts of the gene models that came with a FASTA file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.progress import SilentMonitor
from engine.core.settings import Settings
from engine.service.engine import Engine
from engine.service.triage import place_variants
from engine.service.variant_list import read_variant_list
from engine.sources.door import OWN_FILES
from engine.sources.genomes import GenomeSet
from pages._ui import triage_page
from pages._ui.state import Shared
from pages._ui.triage_page import OWN, Asked, Given

LETTERS = b">chrII\nAACCGGTTACGTTTTTACGG\n"
GENES = (
    b"##gff-version 3\nchrII\tx\tgene\t3\t11\t.\t-\t.\tID=g;Name=ABC1\nchrII\tx\tmRNA\t3\t11\t.\t-\t.\tID=t1;Parent=g\n"
    b"chrII\tx\tCDS\t3\t11\t.\t-\t0\tID=c;Parent=t1\n"
)
LIST = "ABC1:c.1C>T\nchr2:11 G>A\n2-11-G-A\nII 11 G A\nNC_001134.8:g.11G>A\nR64:chrII:11 G>A"


@pytest.mark.parametrize("own", [False, True])
def test_a_list_is_read_by_the_names_of_its_genome(tmp_path: Path, own: bool) -> None:
    (tmp_path / "r.fa").write_bytes(LETTERS)
    (tmp_path / "r.gff3").write_bytes(GENES)
    settings = Settings(home=tmp_path / "home", genomes=f"R64={tmp_path / 'r.fa'};{tmp_path / 'r.gff3'}")
    engine = Engine(settings)
    engine.jobs.here("visitor")
    shared = Shared(engine, GenomeSet(settings), None)  # type: ignore[arg-type]
    files = (OWN, Given("mine.fa", LETTERS), Given("mine.gff3", GENES), "R64") if own else ("R64", None, None, "")
    asked = Asked(None, LIST, *files, "locuscope", 20, False, False, False, False, "")
    reference, _ = triage_page._reference(shared, asked, SilentMonitor(), "visitor")  # type: ignore[arg-type]
    genes = triage_page._transcripts(asked, reference)
    found = read_variant_list(LIST, reference, OWN_FILES).variants
    assert [one.contig for one in found] == ["chrII", "chr2", "2", "II", "NC_001134.8", "chrII"]
    sites = list(place_variants(found, reference, 20, genes))
    assert [site.status for site in sites] == ["scored"] * 6
    assert [site.consequences[0].hgvs_c for site in sites] == ["c.1C>T"] * 6
