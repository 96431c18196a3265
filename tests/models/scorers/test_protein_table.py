"""AlphaMissense by protein: the 20 × L values of small tables in the published layout, and every way a table can be wrong."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import Cancelled, FileFormatError, InputError, ParameterError, WeightsMissing
from engine.core.proteins import AMINO_ACIDS, CLASSES, NO_CLASS, Substitution
from engine.models.entry import LoadOptions
from engine.models.scorers import alphamissense, protein_table
from engine.models.scorers.protein_table import ProteinTable
from tests.models.scorers.protein_tables import HEADER, PROTEINS, both, label, packed, rows, score


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


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
                    assert CLASSES[found.classes[row, place]].removeprefix("likely_") == label(value)


def test_the_index_is_kept_beside_the_table_and_made_anew_for_another_table(scorer: alphamissense.AlphaMissense, tmp_path: Path) -> None:
    scorer.protein("P13569")
    index = tmp_path / "AlphaMissense_aa_substitutions.tsv.gz.proteins"
    assert [line.split("\t")[0] for line in index.read_text().splitlines()[1:]] == list(PROTEINS)
    whole = index.read_text()
    head, _, text = whole.replace("A0A024R1R8", "P00000").partition("\n")
    index.write_text(f"{head.rpartition(' ')[0]} {hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    with pytest.raises(InputError, match="has no protein 'A0A024R1R8'; it has 3"):
        alphamissense.load(tmp_path, LoadOptions()).protein("A0A024R1R8")
    for broken in (whole[: whole.index("Q8NH21")], whole[:-3] + "\n", whole.splitlines()[0], "", "\xff"):
        index.write_bytes(broken.encode("latin-1"))
        assert alphamissense.load(tmp_path, LoadOptions()).protein("Q8NH21").residues == "MV"
    assert index.read_text() == whole
    assert sorted(found.name for found in tmp_path.iterdir()) == [
        "AlphaMissense_aa_substitutions.tsv.gz",
        "AlphaMissense_aa_substitutions.tsv.gz.proteins",
        "AlphaMissense_hg38.tsv.gz",
    ]
    packed(tmp_path / "AlphaMissense_aa_substitutions.tsv.gz", HEADER + rows({"P1": "MA", "Q8NH21": "MV"}))
    assert alphamissense.load(tmp_path, LoadOptions()).protein("Q8NH21").residues == "MV"


def test_a_substitution_has_its_score_and_another_reference_is_refused(scorer: alphamissense.AlphaMissense) -> None:
    found = scorer.protein("P13569")
    known = found.score(Substitution("P13569", 2, "Q", "M"))
    assert known is not None
    assert (known.value, known.label.removeprefix("likely_")) == (pytest.approx(score(2, "M")), label(score(2, "M")))
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
        (lambda path: packed(path, HEADER + "P13569\tM1A\t0.5\tbad\n"), "'bad' is not in likely_benign"),
        (lambda path: packed(path, HEADER + "P13569\tM1A\t0.5\n"), "list index"),
        (
            lambda path: changed(packed(path, HEADER + rows()), lambda data: data[:60] + bytes((data[60] ^ 255,)) + data[61:]),
            "cannot be read",
        ),
        (lambda path: changed(packed(path, HEADER + rows()), lambda data: data[:-40]), "cannot be read"),
        (lambda path: changed(packed(path, HEADER + rows()), lambda data: data[:8]), "cannot be read"),
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


def test_a_search_that_was_stopped_goes_on_where_it_was_and_those_who_wait_can_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protein_table, "PIECE", 100)
    table = ProteinTable(both(tmp_path) / alphamissense.PROTEIN_FILE, alphamissense.CARD, alphamissense.classify)
    reads: list[int] = []
    at_work, go_on = threading.Event(), threading.Event()

    def third() -> None:
        reads.append(1)
        if len(reads) == 3:
            at_work.set()
            assert go_on.wait(60)
            raise Cancelled("enough")

    def stop() -> None:
        raise Cancelled("not longer")

    def search() -> None:
        with pytest.raises(Cancelled, match="enough"):
            table.protein("Q8NH21", third)

    thread = threading.Thread(target=search)
    thread.start()
    assert at_work.wait(60)
    with pytest.raises(Cancelled, match="not longer"):
        table.protein("Q8NH21", stop)
    go_on.set()
    thread.join(60)
    later: list[int] = []
    assert table.protein("Q8NH21", lambda: later.append(1)).residues == "MV"
    again: list[int] = []
    (tmp_path / f"{alphamissense.PROTEIN_FILE}.proteins").unlink()
    fresh = ProteinTable(tmp_path / alphamissense.PROTEIN_FILE, alphamissense.CARD, alphamissense.classify)
    assert fresh.protein("Q8NH21", lambda: again.append(1)).residues == "MV"
    assert len(later) == len(again) - 2


def test_without_the_table_of_proteins_it_is_said_where_to_get_it(tmp_path: Path) -> None:
    both(tmp_path)
    (tmp_path / "AlphaMissense_aa_substitutions.tsv.gz").unlink()
    with pytest.raises(WeightsMissing, match="proteins=/path/AlphaMissense_aa_substitutions"):
        alphamissense.load(tmp_path, LoadOptions()).protein("P13569")
