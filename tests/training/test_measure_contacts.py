"""Contacts measured on RNAs whose answers are worked out by hand; sets, near copies and maps on small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.base_pairs import Agreement
from engine.training.contact_sets import ContactSample, _Picker
from engine.training.kept_maps import KeptMaps
from engine.training.letters import decode, encode
from engine.training.measure_compensation import KINDS, _chosen, compensated, wilson
from engine.training.measure_contacts import (
    Reading,
    Scored,
    along_stems,
    known_pairs,
    shuffled_rows,
    summed,
    thresholds,
    together,
    vienna,
)
from engine.training.metrics import intervals
from engine.training.near_copies import NearCopies
from engine.training.structures import Structure
from engine.training.tables import markdown

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"


def structure(letters: str, pairs: list[tuple[int, int]], name: str = "x", family: str = "f") -> Structure:
    partner = np.full(len(letters), -1, dtype=np.int32)
    for i, j in pairs:
        partner[i], partner[j] = j, i
    return Structure(name, family, encode(letters), partner)


HAIRPIN = structure("GGGAAAACCC", [(0, 9), (1, 8), (2, 7)])


def test_a_perfect_reading_has_perfect_scores() -> None:
    cells = np.zeros((10, 10), dtype=np.float32)
    for i, j in known_pairs(HAIRPIN):
        cells[i, j] = cells[j, i] = 2.0
    found = Scored.of(along_stems(cells, decode(HAIRPIN.codes)), HAIRPIN, 5.0)
    assert (found.auroc, found.auprc, found.auprc_all) == (1.0, 1.0, 1.0)
    assert found.agreement == Agreement(3, 3, 3)
    weak = Scored.of(along_stems(cells * np.float32(0.15), decode(HAIRPIN.codes)), HAIRPIN, 5.0)
    assert weak.agreement == Agreement(0, 3, 0)  # three pairs of 0.3 do not exceed 1


def test_a_set_is_the_mean_of_its_rnas_and_all_of_its_pairs_together() -> None:
    rows = [Scored(1.0, 0.5, 0.25, Agreement(4, 2, 1)), Scored(0.5, 0.5, 0.75, Agreement(0, 2, 0))]
    found = summed(rows, np.array([0, 1]))
    assert found == {"auroc": 0.75, "auprc": 0.5, "auprc_all": 0.5, "sensitivity": 1 / 4, "ppv": 1 / 4}
    assert summed(rows, np.array([0, 0]))["sensitivity"] == 1 / 2
    assert together([]).known == 0


def test_an_interval_of_equal_rnas_is_a_point_and_of_unequal_ones_holds_the_mean() -> None:
    same = intervals(lambda picks: {"x": float(np.mean(np.full(9, 0.3)[picks]))}, 9, seed=1)
    assert same["x"] == [0.3, 0.3, 0.3]
    values = np.linspace(0, 1, 40)
    mean, low, high = intervals(lambda picks: {"x": float(values[picks].mean())}, 40, seed=1)["x"]
    assert low < mean == 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(40), rel=0.15)


def test_a_threshold_is_the_lowest_at_which_enough_pairs_are_right() -> None:
    """Up to 3.5 a wrong pair stands beside a right one (half right); from 4 on only the right one is left."""

    def reading() -> Reading:
        def pairs(threshold: float) -> np.ndarray:
            return np.array([pair for pair, score in (((0, 9), 9.0), ((3, 8), 4.0)) if score > threshold]).reshape(-1, 2)

        return Reading(np.zeros((10, 10), np.float32), pairs)

    found = thresholds([(HAIRPIN, dict.fromkeys(("stems", "stems_dna", "stem_counter", "shuffled_rows"), reading()))])
    assert found["stems"] == 4.0


def test_shuffled_rows_are_the_same_numbers_of_other_bases() -> None:
    values = np.arange(100, dtype=np.float32).reshape(10, 10)
    other = shuffled_rows(values, 3)
    assert sorted(map(tuple, other.tolist())) == sorted(map(tuple, values.tolist()))
    assert not np.array_equal(other, values)


def test_vienna_pairs_the_stem_of_a_hairpin() -> None:
    pytest.importorskip("RNA", reason="ViennaRNA is an optional package")
    found = vienna("GGGGGAAAACCCCC")
    assert found.scores[0, 13] == found.scores[13, 0] > 0.8
    assert found.structure(0).tolist() == [[0, 13], [1, 12], [2, 11], [3, 10], [4, 9]]


def random_rna(seed: int, length: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


def test_a_copy_with_few_changes_is_near_and_a_stranger_is_not() -> None:
    known = [random_rna(seed) for seed in range(20)]
    copies = NearCopies(known)
    changed = known[7].copy()
    changed[::10] = (changed[::10] + 1) % 4  # 8 of 80
    assert copies.identity(known[7]) == 1.0
    assert copies.identity(changed) == pytest.approx(0.9, abs=0.02)
    assert copies.identity(known[7][10:60]) == 1.0  # a piece of a training RNA is a copy, too
    assert copies.identity(np.delete(known[7], [20, 21])) > 0.95
    assert copies.identity(random_rna(99)) < 0.7
    assert NearCopies([]).identity(known[0]) == 0.0
    assert copies.identity(random_rna(99, 5)) == 0.0


def test_no_rna_is_drawn_twice_and_no_near_copy_at_all() -> None:
    trained = random_rna(1)
    rows = [Structure(str(k), f"family {k % 3}", random_rna(k), HAIRPIN.partner) for k in (1, 2, 3, 4, 2)]
    rows = [Structure(row.name, row.family, row.codes, _stem(80)) for row in rows]
    pick = _Picker(NearCopies([trained]), ContactSample(), np.random.default_rng(0))
    first = pick(rows, 10)
    assert sorted(row.name for row in first) == ["2", "3", "4"]
    assert pick(rows, 10) == ()
    fresh = _Picker(NearCopies([trained]), ContactSample(), np.random.default_rng(0))
    assert len({row.family for row in fresh(rows, 10, one_each=True)}) == len(fresh_families(rows))


def fresh_families(rows: list[Structure]) -> set[str]:
    return {row.family for row in rows if row.name != "1"}


def _stem(length: int) -> np.ndarray:
    partner = np.full(length, -1, dtype=np.int32)
    partner[:5], partner[-5:] = np.arange(length - 1, length - 6, -1), np.arange(4, -1, -1)
    return partner


def test_a_map_is_computed_once_and_letters_read_as_rna_are_another_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = KeptMaps(MODELS / "locuscope-lm", tmp_path)
    codes = encode("GGGAAAACCC")
    first = maps(codes)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    assert not np.array_equal(maps(codes, as_rna=False), first)
    assert len(list(tmp_path.glob("*"))) == 2
    monkeypatch.setattr("engine.training.kept_maps.dependency_map", None)
    np.testing.assert_array_equal(maps(codes), first)


def test_the_table_has_a_row_a_reading_with_its_intervals_and_what_the_network_adds() -> None:
    values = {key: [0.5, 0.4, 0.6] for key in ("auroc", "auprc", "auprc_all", "sensitivity", "ppv")}
    row = {
        "set": "tRNA",
        "rnas": 30,
        "median_length": 76,
        "long": False,
        "readings": {"stems": values, "stem_counter": values},
        "auprc_above_stem_counter": [0.1, 0.05, 0.15],
        "auprc_above_viennarna": [-0.1, -0.2, 0.0],
    }
    held = {"near_copies_above": 0.8, "calibration_rnas": 72, "ppv_of_thresholds": 0.6, "thresholds": {"stems": 7.0}, "sets": [row]}
    held["compensation"] = [{"bases": "annotated pairs", "tested": 60, "first": [0.5, 0.4, 0.6]}]
    text = markdown({"contacts": held})
    assert "| tRNA: 30 RNAs of 76 nt (median) | Locuscope, along stems | 0.50 (0.40–0.60) |" in text
    assert "|  | stem counter (the recipe on a constant map) | 0.50 (0.40–0.60) |" in text
    assert "| tRNA | 30 | 0.10 (0.05–0.15) | -0.10 (-0.20–0.00) |" in text
    assert "Locuscope, along stems 7." in text
    assert "| annotated pairs | 60 | 0.50 (0.40–0.60) |" in text


def test_a_share_has_wilsons_interval() -> None:
    """5 of 10: centre 0.5, half width 1.96 / (1 + 0.38416) · √(0.025 + 0.009604) = 0.2634."""
    assert wilson(5, 10) == [0.5, pytest.approx(0.2366, abs=1e-3), pytest.approx(0.7634, abs=1e-3)]
    assert wilson(0, 10)[:2] == [0.0, 0.0]


def test_pairs_that_are_none_are_apart_and_not_annotated(tmp_path: Path) -> None:
    long = Structure("x", "f", random_rna(5), _stem(80))
    chosen = _chosen(long, np.random.default_rng(0))
    kinds = [kind for kind, _, _ in chosen]
    assert [kinds.count(kind) for kind in KINDS] == [2, 2, 1]
    for kind, i, j in chosen:
        assert (long.partner[i] == j) == (kind == KINDS[0])
        assert 0 <= i < j < 80


def test_the_test_is_counted_by_kind(tmp_path: Path) -> None:
    maps = KeptMaps(MODELS / "locuscope-lm", tmp_path)
    rows = compensated(maps, [HAIRPIN])
    assert [row["bases"] for row in rows][:2] == list(KINDS[:2])
    assert all(row["tested"] >= 1 and 0 <= row["first"][0] <= 1 for row in rows)
