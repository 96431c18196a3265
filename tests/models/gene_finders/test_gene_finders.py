"""Gene finders as element models: Prodigal's genes base by base, AUGUSTUS through a program that stands in for it, and the real one where it is."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.segmentation import segmentation
from engine.core.errors import Cancelled, CapabilityMissing, ParameterError
from engine.core.progress import SilentMonitor
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.entry import LoadOptions
from engine.models.gene_finders import augustus
from engine.models.registry import entry

LACZ = Path(__file__).resolve().parents[3] / "assets" / "examples" / "lacz.fa"
GFF = """# says something
letters\tAUGUSTUS\tgene\t11\t60\t0.9\t-\t.\tID=g1
letters\tAUGUSTUS\ttranscript\t11\t60\t0.8\t-\t.\tID=g1.t1;Parent=g1
letters\tAUGUSTUS\tstop_codon\t11\t13\t.\t-\t0\tParent=g1.t1
letters\tAUGUSTUS\tCDS\t11\t25\t0.7\t-\t0\tID=g1.t1.cds;Parent=g1.t1
letters\tAUGUSTUS\tintron\t26\t45\t0.6\t-\t.\tParent=g1.t1
letters\tAUGUSTUS\tCDS\t46\t60\t0.9\t-\t0\tID=g1.t1.cds;Parent=g1.t1
letters\tAUGUSTUS\tstart_codon\t58\t60\t.\t-\t0\tParent=g1.t1
letters\tAUGUSTUS\tintron\t71\t80\t0.5\t+\t.\tParent=g2.t1
"""


def program(folder: Path, lines: str) -> Path:
    """A program called augustus that does what ``lines`` of a shell say."""
    path = folder / "augustus"
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_what_augustus_writes_becomes_probabilities_of_its_elements() -> None:
    values = augustus.marked(GFF, 80)
    columns = dict(zip(augustus.ELEMENTS, values.T, strict=True))
    assert np.flatnonzero(columns["CDS_reverse"]).tolist() == [*range(10, 25), *range(45, 60)]
    assert columns["CDS_reverse"][[10, 45]].tolist() == pytest.approx([0.7, 0.9])
    assert np.flatnonzero(columns["stop_codon_reverse"]).tolist() == [10, 11, 12]
    assert columns["start_codon_reverse"][57] == pytest.approx(0.8)  # of its transcript
    assert np.flatnonzero(columns["splice_donor"]).tolist() == [43, 44, 70, 71]
    assert np.flatnonzero(columns["splice_acceptor"]).tolist() == [25, 26]  # the second intron ends with the sequence
    assert not columns["CDS_forward"].any()


def test_the_program_is_asked_for_the_species_and_its_failure_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "said.gff").write_text(GFF)
    asked = program(tmp_path, f'echo "$@" > {tmp_path}/asked; cp "$8" {tmp_path}/letters.fa; cat {tmp_path}/said.gff')
    found = augustus.Augustus(augustus.CARD, str(asked), "fly").element_probabilities("ACGT" * 20)
    assert found.shape == (80, 9)
    assert "--species=fly" in (tmp_path / "asked").read_text()
    broken = program(tmp_path, 'echo "no such species" >&2; exit 1')
    with pytest.raises(CapabilityMissing, match="AUGUSTUS failed: no such species"):
        augustus.Augustus(augustus.CARD, str(broken), "fly").element_probabilities("ACGT")


def test_a_long_run_is_stopped_from_outside_and_by_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = augustus.Augustus(augustus.CARD, str(program(tmp_path, "exec sleep 60")), "fly")

    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            if not done:
                raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        segmentation(slow, NucleotideSequence("ACGT" * 20), None, Stop())
    monkeypatch.setattr(augustus, "LONGEST_SECONDS", 0.2)
    with pytest.raises(augustus.ResourceExhausted, match="choose a window"):
        slow.element_probabilities("ACGT")


def test_without_the_program_the_row_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    row = entry("augustus")
    assert row.available is not None
    assert "apt install augustus" in row.available(Settings())
    with pytest.raises(CapabilityMissing, match="apt install"):
        row.load(Path(), LoadOptions())


def test_the_real_program_finds_a_yeast_gene() -> None:
    if shutil.which("augustus") is None:
        pytest.skip("AUGUSTUS is not installed")
    model = entry("augustus").load(Path(), LoadOptions(species="saccharomyces_cerevisiae_S288C"))
    coding = "ATG" + "GCTGAAAAGGTTTTGGCTGGTAGAGATTCTTTC" * 20 + "TAA"
    found = segmentation(model, NucleotideSequence("TTATAAAAACATTTTAAG" * 8 + coding + "ATATTTAATTTATATA" * 10))
    assert found.provenance.species == "saccharomyces_cerevisiae_S288C"
    assert found.values.shape[1] == len(augustus.ELEMENTS)
    with pytest.raises(ParameterError, match="has no species 'unicorn'"):
        entry("augustus").load(Path(), LoadOptions(species="unicorn"))


@pytest.mark.parametrize("model_id", ["pyrodigal", "pyrodigal-gv"])
def test_prodigals_genes_are_marked_base_by_base_on_both_strands(model_id: str) -> None:
    pytest.importorskip(model_id.replace("-", "_"), reason="an optional package")
    import pyrodigal

    letters = "".join(line.strip() for line in LACZ.read_text().splitlines() if not line.startswith(">"))
    model = entry(model_id).load(Path(), LoadOptions())
    values = model.element_probabilities(letters)
    reverse = NucleotideSequence(letters).reverse_complement().letters
    flipped = model.element_probabilities(reverse)[::-1]
    swapped = [1, 0, 3, 2, 5, 4, 7, 6]
    np.testing.assert_allclose(values, flipped[:, swapped], atol=1e-6)
    genes = pyrodigal.GeneFinder(meta=True).find_genes(letters.encode()) if model_id == "pyrodigal" else []
    for gene in genes:
        column = values[:, 0 if gene.strand > 0 else 1]
        assert (column[gene.begin - 1 : gene.end] > 0).all()
    assert {name for name, row in zip(model.elements, values.T, strict=True) if row.any()}
