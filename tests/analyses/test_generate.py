"""Generated sequences: what is found in them, and that no file can be taken for something observed."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.analyses.gene_finder import find_genes
from engine.analyses.generate import Generated, GenerateParameters, generate
from engine.core.errors import Cancelled, CapabilityMissing, SequenceError
from engine.core.locus import Locus, Strand
from engine.core.sequence import NucleotideSequence
from engine.exports import formats
from engine.models.entry import LoadOptions
from engine.models.megadna import adapter
from engine.service.store import decode, encode
from tests.analyses.toys import ToyModel, Watcher

PROMPT = NucleotideSequence("ACGTTGCAAC", locus=Locus("toy", "chrT", 1000, 1010, Strand.FORWARD), name="a prompt")
CODONS = "AAAGGTGAAGAACTGTTCACCGGTGTTGTTCCGATCCTGGTTGAACTGGATGGTGATGTTAACGGCCACAAATTCTCTGTTCGTGGTGAAGGTGAAGGTGATGCAACCAACGGTAAACTG"
GENE = f"TTGACATATCTAAGGAGGTATACCATG{CODONS * 2}TAATTAACCC"


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    return adapter.load(tiny / "megadna" / "checkpoint", LoadOptions())


def generated(model: Any) -> Generated:
    """With the gene above in place of what the model made."""
    found = generate(model, PROMPT, GenerateParameters(5, seed=3))
    from dataclasses import asdict

    return replace(found, continuation=GENE, found=tuple(asdict(gene) for gene in find_genes(PROMPT.letters + GENE)))


def test_the_continuation_is_the_models_and_repeats_with_its_seed(model: Any) -> None:
    watcher = Watcher()
    found = generate(model, PROMPT, GenerateParameters(60, 0.8, 7), watcher)
    assert found.continuation == model.continue_sequence(PROMPT, 60, 7, 0.8)
    assert watcher.done == watcher.total == 60
    assert found.written.letters == PROMPT.letters + found.continuation
    assert found.written.locus is None
    assert found.words().startswith("GENERATED")
    again = decode(encode(found, ""), PROMPT)
    assert (again.continuation, again.genes) == (found.continuation, found.genes)


def test_a_gene_is_found_with_its_ribosome_binding_site(model: Any) -> None:
    found = generated(model)
    genes = [gene for gene in found.genes if not gene.partial]
    assert [(gene.start, gene.end, gene.forward) for gene in genes] == [(34, 34 + 3 + 2 * len(CODONS) + 3, True)]
    assert genes[0].start_codon == "ATG"
    assert "GGAG" in genes[0].motif
    assert "1 whole genes" in found.words()
    assert find_genes("ACGT") == ()


def test_every_file_says_that_it_is_generated_and_none_names_the_genome_of_the_prompt(model: Any, tmp_path: Path) -> None:
    found = generated(model)
    for item in formats.formats_for(found):
        path = tmp_path / f"file{item.suffix}"
        formats.write(found, path, item.name)
        content = path.read_bytes()
        if path.name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist())
        if item.name == "npz":
            with np.load(path) as archive:
                assert str(archive["record"]).startswith("generated_by_megadna") or str(archive["record"]).startswith("generated_by_")
                assert archive["generated"].sum() == len(GENE)
            continue
        assert b"generate" in content, item.name
        if item.name not in ("script",):
            assert b"generated_by_" in content, item.name
            assert b"chrT\t" not in content
    with (tmp_path / "file.tsv").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert {row["origin"] for row in rows} <= {"generated", "prompt and generated"}
    assert (tmp_path / "file.fa").read_text().splitlines()[1].startswith(PROMPT.letters)


@pytest.mark.parametrize("end", [".tsv", ".csv"])
def test_a_table_without_genes_still_says_that_it_is_generated(model: Any, tmp_path: Path, end: str) -> None:
    found = generate(model, NucleotideSequence("ACGTTGCA"), GenerateParameters(20))
    assert not found.genes
    formats.write(found, tmp_path / f"x{end}")
    with (tmp_path / f"x{end}").open(encoding="utf-8", newline="") as handle:
        head, row = csv.reader(handle, delimiter="\t" if end == ".tsv" else ",")
    assert head[-1] == "provenance"
    assert not any(row[:-1])
    assert json.loads(row[-1])["analysis"] == "generate"


def test_it_is_refused_in_one_sentence_where_it_cannot_be(model: Any) -> None:
    with pytest.raises(CapabilityMissing, match="does not continue"):
        generate(ToyModel(), PROMPT)  # type: ignore[arg-type]
    with pytest.raises(SequenceError, match="known bases"):
        generate(model, NucleotideSequence("ACGN"))
    with pytest.raises(SequenceError, match=r"1,000 are to be added; .* reads 190 in all"):
        generate(model, PROMPT, GenerateParameters(1000))


def test_it_stops_when_asked(model: Any) -> None:
    with pytest.raises(Cancelled):
        generate(model, PROMPT, GenerateParameters(100), Watcher(stop_after=3))
