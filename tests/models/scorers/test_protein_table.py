"""AlphaMissense by protein: the 20 × L values of small tables in the published layout, and every way a table can be wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import Cancelled, FileFormatError, InputError, ParameterError, WeightsMissing
from engine.core.proteins import AMINO_ACIDS, CLASSES, NO_CLASS, Substitution
from engine.models.entry import LoadOptions
from engine.models.scorers import alphamissense, protein_table
from tests.models.scorers.protein_tables import HEADER, PROTEINS, both, label, packed, rows, score


@pytest.fixture
def scorer(tmp_path: Path) -> alphamissense.AlphaMissense:
    return alphamissense.load(both(tmp_path), LoadOptions())


@pytest.mark.parametrize("piece", [1 << 20, 64, 100])
def test_every_substitution_of_every_protein_is_read_whatever_the_pieces(
    piece: int, scorer: alphamissense.AlphaMissense, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protein_table, "PIECE", piece)
    for name, letters in PROTEINS.items():
        found = scorer.protein(name)
        assert (found.protein, found.residues) == (name, letters)
        for row, other in enumerate(AMINO_ACIDS):
            for place, letter in enumerate(letters):
                if other == letter:
                    assert np.isnan(found.values[row, place])
                    assert found.classes[row, place] == NO_CLASS
                else:
                    value = score(place + 1, other)
                    assert found.values[row, place] == pytest.approx(value)
                    assert CLASSES[found.classes[row, place]] == label(value)


def test_the_index_is_kept_beside_the_table_and_made_anew_for_another_table(scorer: alphamissense.AlphaMissense, tmp_path: Path) -> None:
    scorer.protein("P13569")
    index = tmp_path / "AlphaMissense_aa_substitutions.tsv.gz.proteins"
    assert [line.split("\t")[0] for line in index.read_text().splitlines()[1:]] == list(PROTEINS)
    index.write_text(index.read_text().splitlines()[0] + "\nP13569\t0\t1\n")
    with pytest.raises(InputError, match="has no protein 'Q8NH21'; it has 1"):
        alphamissense.load(tmp_path, LoadOptions()).protein("Q8NH21")
    packed(tmp_path / "AlphaMissense_aa_substitutions.tsv.gz", HEADER + rows({"P1": "MA", "Q8NH21": "MV"}))
    assert alphamissense.load(tmp_path, LoadOptions()).protein("Q8NH21").residues == "MV"


def test_a_substitution_has_its_score_and_another_reference_is_refused(scorer: alphamissense.AlphaMissense) -> None:
    found = scorer.protein("P13569")
    known = found.score(Substitution("P13569", 2, "Q", "M"))
    assert known is not None
    assert (known.value, known.label) == (pytest.approx(score(2, "M")), label(score(2, "M")))
    assert found.means()[0] == pytest.approx(np.mean([score(1, other) for other in AMINO_ACIDS if other != "M"]))
    with pytest.raises(ParameterError, match="has Q at position 2, not V"):
        found.score(Substitution("P13569", 2, "V", "M"))
    with pytest.raises(ParameterError, match="has 6 amino acids; position 7"):
        found.score(Substitution("P13569", 7, "V", "M"))


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(gzip.compress((HEADER + rows()).encode(), mtime=0)), "bgzip"),
        (lambda path: path.write_bytes(b"plain"), "bgzip"),
        (lambda path: packed(path, "a\tb\n"), "no columns uniprot_id"),
        (lambda path: packed(path, HEADER + rows({"P13569": "MQ"}) + rows({"Q1": "MA"}) + rows({"P13569": "MQ"})), "not grouped"),
        (lambda path: packed(path, HEADER + "P13569\tM1A\tmany\tx\n"), "could not convert"),
        (lambda path: packed(path, HEADER + "P13569\tM1A\t0.5\tbad\n"), "not in tuple|is not in"),
        (lambda path: packed(path, HEADER + "P13569\tM1A\t0.5\tambiguous\nP13569\tQ1C\t0.5\tambiguous\n"), "has a row Q1C"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused(write: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    write(tmp_path / "AlphaMissense_aa_substitutions.tsv.gz")
    with pytest.raises(FileFormatError, match=told):
        alphamissense.load(tmp_path, LoadOptions()).protein("P13569")


def test_reading_can_be_stopped(scorer: alphamissense.AlphaMissense) -> None:
    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        scorer.protein("P13569", stop)
    assert len(scorer.protein("P13569")) == 6


def test_without_the_table_of_proteins_it_is_said_where_to_get_it(tmp_path: Path) -> None:
    both(tmp_path)
    (tmp_path / "AlphaMissense_aa_substitutions.tsv.gz").unlink()
    with pytest.raises(WeightsMissing, match="proteins=/path/AlphaMissense_aa_substitutions"):
        alphamissense.load(tmp_path, LoadOptions()).protein("P13569")
