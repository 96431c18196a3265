"""Entropy, gaps and mutual information by hand, by a slow second route, and on Rfam's tRNAs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.covariation import (
    CovariationParameters,
    average_product_corrected,
    column_values,
    concordance,
    covariation,
    mutual_information,
    sequence_weights,
)
from engine.analyses.dependency import DependencyMap
from engine.core.alignment import Alignment
from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import Cancelled, ParameterError
from engine.core.progress import SilentMonitor
from engine.exports import formats
from engine.sources.alignments import read_alignment

EXAMPLE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "trna.sto"
SEED = "data/rna/Rfam14.2_seed.train.sto.gz"
PLAIN = CovariationParameters("mi", identity=0, occupancy=0)


def aligned(*rows: str) -> Alignment:
    data = "".join(f">s{number}\n{row}\n" for number, row in enumerate(rows))
    return read_alignment("hand.fa", data.encode())


def test_four_base_pairs_tell_exactly_two_bits_about_each_other() -> None:
    found = covariation(aligned("GACUA", "GCCGA", "GGCCA", "GUCAA"), "s0", PLAIN)
    expected = np.zeros((5, 5), np.float32)
    expected[1, 3] = expected[3, 1] = 2
    np.testing.assert_array_equal(found.mutual_information, expected)
    np.testing.assert_array_equal(found.entropy, np.array([0, 2, 0, 2, 0], np.float32))
    assert found.rows().columns["mutual_information"][0] == 2
    table = found.rows()
    assert (table.columns["position_1"][0], table.columns["position_2"][0]) == (2, 4)
    assert table.partners is not None
    assert (table.bases[0], table.partners[0]) == (1, 3)  # files have the genome coordinates of both


def test_independent_columns_tell_nothing_and_three_to_one_is_worked_out_by_hand() -> None:
    found = covariation(aligned("AC", "AG", "CC", "CG"), "s0", PLAIN)
    assert found.mutual_information[0, 1] == 0
    found = covariation(aligned("AC", "AC", "AC", "CG"), "s0", PLAIN)
    assert found.mutual_information[0, 1] == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25), abs=1e-6)


def test_gaps_are_left_out_pair_by_pair_and_too_few_sequences_have_no_value() -> None:
    rows = aligned("ACA", "CGA", "-GA", "A-A", "N-A")
    found = covariation(rows, "s0", PLAIN)
    assert found.mutual_information[0, 1] == 1
    np.testing.assert_allclose(found.gaps, [0.2, 0.4, 0])
    assert found.entropy[0] == pytest.approx(-(2 / 3) * math.log2(2 / 3) - (1 / 3) * math.log2(1 / 3), abs=1e-6)
    strict = covariation(rows, "s0", CovariationParameters("mi", 0, 0.5))
    assert np.isnan(strict.mutual_information[0, 1])
    assert strict.mutual_information[1, 2] == 0
    assert covariation(rows, "s0", CovariationParameters("mi", 0, 0.4)).mutual_information[0, 1] == 1


def test_columns_are_those_of_the_reference() -> None:
    rows = aligned("A-CG", "ATCG", "CTGG")
    assert covariation(rows, "s0", PLAIN).columns.tolist() == [0, 2, 3]
    assert covariation(rows, "s1", PLAIN).columns.tolist() == [0, 1, 2, 3]
    assert covariation(rows, "", PLAIN).sequence.letters == "ACG"
    with pytest.raises(ParameterError, match="no sequence called 'x'"):
        covariation(rows, "x")


def test_sequences_that_are_alike_share_one_vote() -> None:
    codes = aligned("ACGTA", "ACGTA", "ACGTC", "TTTTT", "-----A"[:5]).codes
    np.testing.assert_allclose(sequence_weights(codes, 0.8), [1 / 3, 1 / 3, 1 / 3, 1, 1])
    np.testing.assert_allclose(sequence_weights(codes, 1.0), [1 / 2, 1 / 2, 1, 1, 1])
    np.testing.assert_array_equal(sequence_weights(codes, 0), np.ones(5))


def test_every_number_is_that_of_plain_loops() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 6, (40, 150)).astype(np.uint8)
    weights = rng.uniform(0.1, 1, 40)
    entropy, gaps = column_values(codes, weights)
    found = mutual_information(codes, weights, 0.3)
    for i, j in rng.integers(0, 150, (200, 2)).tolist():
        both = (codes[:, i] < 4) & (codes[:, j] < 4)
        share = weights[both].sum()
        if i == j:
            assert found[i, j] == 0
        elif share < 0.3 * weights.sum():
            assert np.isnan(found[i, j])
        else:
            table = np.zeros((4, 4))
            np.add.at(table, (codes[both, i], codes[both, j]), weights[both] / share)
            bits = sum(
                table[a, b] * math.log2(table[a, b] / (table[a].sum() * table[:, b].sum()))
                for a in range(4)
                for b in range(4)
                if table[a, b]
            )
            assert found[i, j] == pytest.approx(bits, abs=2e-6)
        shares = [weights[codes[:, i] == a].sum() / weights[codes[:, i] < 4].sum() for a in range(4)]
        assert entropy[i] == pytest.approx(-sum(p * math.log2(p) for p in shares if p), abs=1e-5)
        assert gaps[i] == pytest.approx(weights[codes[:, i] == 4].sum() / weights.sum(), abs=1e-6)
    np.testing.assert_array_equal(found, found.T)


def test_the_average_product_is_taken_off_over_pairs_that_have_a_value() -> None:
    values = np.array([[0, 1, 2, np.nan], [1, 0, 3, 1], [2, 3, 0, 1], [np.nan, 1, 1, 0]], np.float32)
    means, whole = [1.5, 5 / 3, 2, 1], 16 / 10
    found = average_product_corrected(values.copy())
    for i in range(4):
        for j in range(4):
            expected = 0 if i == j else values[i, j] - means[i] * means[j] / whole
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-6, equal_nan=True)


def test_a_map_that_says_the_same_correlates_fully_and_the_pairs_of_one_alone_are_named() -> None:
    rows = aligned("GACGAUAACC", "GCCGAGAACC", "GGCGACAACC", "GUCGAAAACA")
    found = covariation(rows, "s0", PLAIN)
    same = DependencyMap(found.sequence, found.values, found.provenance)
    both = concordance(found.with_map(same))
    assert both.pearson == pytest.approx(1)
    assert both.spearman == pytest.approx(1)
    assert both.in_alignment.all()
    assert both.in_model.all()
    other = np.zeros((10, 10), np.float32)
    other[8, 2] = 5
    other[1, 5] = 1
    held = concordance(found.with_map(DependencyMap(found.sequence, other, found.provenance)))
    named = {tuple(pair): (ours, theirs) for pair, ours, theirs in zip(held.pairs.tolist(), held.in_alignment, held.in_model, strict=True)}
    assert named[1, 5] == (True, True)
    assert named[2, 8] == (False, True)
    with pytest.raises(ParameterError, match="name a model"):
        concordance(found)
    with pytest.raises(ParameterError, match="not the whole map of the reference"):
        found.with_map(DependencyMap(covariation(rows, "s1", PLAIN).sequence, other, found.provenance))


def test_it_can_be_stopped_in_the_middle() -> None:
    class Stopping(SilentMonitor):
        def advance(self, done: int) -> None:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        covariation(aligned("AC", "CG"), "", None, Stopping())


def stems(alignment: Alignment) -> dict[tuple[int, int], frozenset[tuple[int, int]]]:
    """Pairs of columns of the consensus structure, 1-based, each with the hairpins that it closes or encloses: those of one stem have the same."""
    symbols = "".join("(" if sign in "<(" else ")" if sign in ">)" else "." for sign in alignment.structure)
    pairs = [(i + 1, j + 1) for i, j in pairs_of_dot_bracket(symbols).tolist()]
    hairpins = [(i, j) for i, j in pairs if not any(i < a and b < j for a, b in pairs)]
    return {(i, j): frozenset((a, b) for a, b in hairpins if i <= a and b <= j) for i, j in pairs}


def check_four_stems(alignment: Alignment) -> None:
    known = stems(alignment)
    assert sorted(list(known.values()).count(stem) for stem in set(known.values())) == [4, 5, 5, 7]
    columns = covariation(alignment).rows().columns
    strongest = list(zip(columns["column_1"][:18].tolist(), columns["column_2"][:18].tolist(), strict=True))
    assert set(strongest) <= set(known)
    assert {known[pair] for pair in strongest} == set(known.values())


def test_the_strongest_pairs_of_the_trnas_that_ship_are_the_four_stems() -> None:
    check_four_stems(read_alignment("trna.sto", EXAMPLE))


def test_the_strongest_pairs_of_rfams_trna_seed_are_the_four_stems(shared: Path) -> None:
    import gzip

    if not (shared / SEED).exists():
        pytest.skip("needs Rfam's seed alignments")
    with gzip.open(shared / SEED, "rt", encoding="latin-1") as handle:
        text: list[str] = []
        for line in handle:
            text = [] if line.startswith("# STOCKHOLM") else text
            text.append(line)
            if line.startswith("//") and any(row.startswith("#=GF AC   RF00005") for row in text[:5]):
                break
    check_four_stems(read_alignment("RF00005.sto", "".join(text).encode("latin-1")))


def test_every_format_that_is_offered_can_be_written_and_no_script(tmp_path: Path) -> None:
    found = covariation(read_alignment("trna.sto", EXAMPLE))
    names = {item.name for item in formats.formats_for(found)}
    assert {"npz", "tsv", "csv", "bedgraph", "bigwig", "bigwigs", "bedpe", "cool"} == names
    for item in formats.formats_for(found):
        formats.write(found, tmp_path / f"x{item.suffix}")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["corrected"], found.corrected)
    values = [line for line in (tmp_path / "x.bedgraph").read_text().splitlines() if not line.startswith(("#", "track"))]
    assert values[0].split("\t")[:2] == ["AB035923.1", "6105"]
