"""Mutagenesis of genes against the authors' arrays and against every mutant written out and read whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.essential import EssentialParameters, changed, changes_of, essential_genes, stretch
from engine.analyses.loss import LossParameters, loss_track
from engine.core.errors import Cancelled, CapabilityMissing, ParameterError
from engine.core.genes import CodingGene, read_genes, write_genes
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.megadna import adapter
from engine.service.store import decode, encode
from tests.analyses.toys import ToyModel, Watcher

GENOME = NucleotideSequence("ACGTTGCAACGTAGCTAGGATACGTTGCATTTACGGCATTAGCATCAGG")
GENES = "a=+:1-12;b=-:13-24,28-33"


def genes_of(rows: list[dict[str, int]]) -> str:
    return write_genes(CodingGene(f"g{index}", row["strand"] > 0, ((row["start"], row["end"]),)) for index, row in enumerate(rows))


def test_mutants_and_losses_of_the_mutagenesis_notebook_are_the_authors(golden: Path) -> None:
    folder = golden / "megadna"
    model: Any = adapter.load(folder / "checkpoint", LoadOptions())
    given = json.loads((folder / "inputs.json").read_text())["mutagenesis"]
    with np.load(folder / "expected.npz") as arrays:
        ids, wild, mutants = arrays["ism_ids"], float(arrays["ism_wt_loss"]), arrays["ism_mutant_loss"].astype(float)
    sequence = NucleotideSequence(given["genome"])
    parameters = EssentialParameters(genes_of(given["genes"]), "start", "start", repeats=1, seed=42)
    for change, expected in zip(changes_of(read_genes(parameters.genes), parameters), ids[1:], strict=True):
        assert model.tokens.encode(changed(sequence, change.bases, change.letters).letters) == expected.tolist()
    watcher = Watcher()
    found = essential_genes(model, sequence, parameters, watcher)
    assert watcher.done == watcher.total == 5
    assert found.wild_loss == pytest.approx(wild, abs=1e-5)
    np.testing.assert_allclose(found.deltas[:, 0, 0], mutants - wild, atol=1e-5)
    assert list(found.rows().columns["gene"]) == [f"g{index}" for index in np.argsort(-(mutants - wild))]


def test_three_mutants_are_the_same_as_written_out_and_read_whole(tiny: Path) -> None:
    model: Any = adapter.load(tiny / "megadna" / "checkpoint", LoadOptions())
    parameters = EssentialParameters(GENES, repeats=2)
    found = essential_genes(model, GENOME, parameters)

    def loss(letters: str) -> float:
        ids = torch.tensor([[0, *("_ATCG".index(letter) for letter in letters), 5]])
        with torch.inference_mode():
            return -float(model.net.token_log_probabilities(ids)[0, 1:].sum()) / (len(letters) + 1)

    changes = list(changes_of(read_genes(GENES), parameters))
    assert len(changes) == 12
    for change in (changes[0], changes[3], changes[-1]):
        letters = list(GENOME.letters)
        for base, letter in zip(change.bases, change.letters, strict=True):
            letters[base] = letter
        expected = loss("".join(letters)) - loss(GENOME.letters)
        assert found.deltas[change.gene, change.part, change.repeat] == pytest.approx(expected, abs=1e-6)


def test_codons_stand_where_the_gene_is_read() -> None:
    forward, reverse = read_genes(GENES)
    assert (forward.codon("start"), forward.codon("stop"), forward.codon("coding")) == ([0, 1, 2], [9, 10, 11], list(range(3, 9)))
    assert (reverse.codon("start"), reverse.codon("stop")) == ([30, 31, 32], [12, 13, 14])
    assert reverse.codon("coding") == [*range(15, 24), *range(27, 30)]
    assert write_genes(read_genes(GENES)) == GENES


@pytest.mark.parametrize("causal", [True, False])
def test_a_genome_longer_than_the_model_is_read_around_each_change(*, causal: bool) -> None:
    model = ToyModel(causal=causal, masked=not causal, max_length=16)
    parameters = EssentialParameters(GENES, apart=30)
    watcher = Watcher()
    found = essential_genes(model, GENOME, parameters, watcher)
    assert watcher.done == watcher.total
    assert found.pseudo != causal
    assert np.isnan(found.wild_loss)
    for change in changes_of(read_genes(GENES), parameters):
        start, end = stretch(change.bases, len(GENOME), 16)
        assert start <= change.bases[0] <= change.bases[-1] < end
        assert end - start >= 16
        mutant = changed(GENOME, change.bases, change.letters)
        losses = [loss_track(model, part.window(start, end), LossParameters(apart=30)).values.sum(dtype=float) for part in (mutant, GENOME)]
        assert found.deltas[change.gene, change.part, change.repeat] == pytest.approx((losses[0] - losses[1]) / len(GENOME), abs=1e-6)


def test_of_a_masked_model_its_memory_is_named() -> None:
    class Remembering(ToyModel):
        def remembers(self, sequence: NucleotideSequence | None) -> str:
            return "looked up, too"

    parameters = EssentialParameters("a=+:1-12", parts="start")
    assert essential_genes(Remembering(), GENOME, parameters).provenance.memory == "looked up, too"
    assert essential_genes(Remembering(causal=True, masked=False), GENOME, parameters).provenance.memory == ""


def test_what_was_stopped_goes_on_to_the_same_answer() -> None:
    model = ToyModel(causal=True, masked=False)
    parameters = EssentialParameters(GENES, repeats=3)
    whole = essential_genes(model, GENOME, parameters)
    watcher = Watcher(stop_after=8)
    with pytest.raises(Cancelled):
        essential_genes(model, GENOME, parameters, watcher)
    partial = watcher.partials[-1]
    assert not partial.complete
    assert partial.provenance.partial
    again = Watcher()
    found = essential_genes(model, GENOME, parameters, again, decode(encode(partial, ""), GENOME))
    np.testing.assert_array_equal(found.deltas, whole.deltas)
    assert again.total < 1 + 18


def test_ranks_and_auroc_are_those_by_hand() -> None:
    text = "a=+:1-12;b=-:13-24;c=+:25-36;d=+:37-48"
    found = essential_genes(ToyModel(causal=True, masked=False), GENOME, EssentialParameters(text, "coding", "coding"))
    found = type(found)(**{**vars(found), "deltas": np.array([0.1, 0.4, 0.3, 0.2]).reshape(4, 1, 1)})
    assert found.ranks("coding").tolist() == [4, 1, 2, 3]
    labelled = found.labelled({"b": True, "c": False, "d": True, "x": True})
    assert labelled.aurocs() == {"coding": 0.5}
    assert labelled.rows().columns["essential"].tolist()[:3] == [1, 0, 1]
    assert "AUROC by coding 0.500" in labelled.words()
    assert [item.score for item in found.intervals()] == [0.25, 1.0, 0.75, 0.5]
    with pytest.raises(ParameterError, match="both kinds"):
        found.labelled({"b": True})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "is no gene"),
        ("a=+:1-12;a=+:3-9", "called 'a'"),
        ("a=+:1-5", "fewer than 6"),
        ("a=+:5-1", "overlap"),
        ("a=+:0-9", "before base 1"),
    ],
)
def test_genes_that_cannot_be_are_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        EssentialParameters(text)


def test_without_genes_or_with_one_outside_nothing_starts() -> None:
    with pytest.raises(ParameterError, match="No genes"):
        EssentialParameters().check(100)
    with pytest.raises(ParameterError, match="ends at 33"):
        EssentialParameters(GENES).check(32)
    with pytest.raises(ParameterError, match="not replaced"):
        EssentialParameters(GENES, "coding", "stop")


def test_a_model_without_a_loss_is_refused() -> None:
    with pytest.raises(CapabilityMissing, match="no loss"):
        essential_genes(ToyModel(masked=False), GENOME, EssentialParameters(GENES))
