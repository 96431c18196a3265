from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.dependency import DependencyParameters, dependency_map, map_of_both_strands, passes
from engine.analyses.effects import variant_effects
from engine.analyses.log_odds import Scale, log_odds, log_odds_epsilon
from engine.analyses.pair import PairParameters, pair_table
from engine.analyses.substitutions import Pace, Substitutions, coarse_to_fine, letter_codes
from engine.core.errors import Cancelled, CapabilityMissing, ParameterError, SequenceError
from engine.core.protocols import Prepared
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.service.shelf import ASSETS
from tests.analyses.toys import PreciseToyModel, ToyModel, Watcher, mutants_of, odds_of, probabilities, renormalised

LETTERS = "GATTACAGGCTCCATG"


def slow_map(model: ToyModel, letters: str) -> np.ndarray:
    reference = np.log2(odds_of(probabilities(model, letters)))
    values = np.zeros((len(letters), len(letters)))
    for i, _, mutant in mutants_of(letters):
        change = np.abs(np.log2(odds_of(probabilities(model, mutant))) - reference).max(axis=1)
        values[i] = np.maximum(values[i], change)
    np.fill_diagonal(values, 0)
    return values


def test_the_map_is_the_definition_by_strings_and_float64() -> None:
    model = ToyModel()
    result = dependency_map(model, NucleotideSequence(LETTERS))
    assert result.values.dtype == np.float32
    np.testing.assert_allclose(result.values, slow_map(model, LETTERS), atol=2e-5)
    assert result.complete
    assert result.rows_done is None
    assert not result.values.flags.writeable


def test_a_change_seen_in_one_direction_only_stands_in_the_row_of_the_changed_base() -> None:
    model = ToyModel(reach=1)
    model.near[0] = 0.0  # offset −1: nobody reads the base before it
    values = dependency_map(model, NucleotideSequence(LETTERS)).values
    assert values.diagonal(1).max() == 0.0  # base i does not reach i + 1
    assert values.diagonal(-1).min() > 0.0  # base i reaches i − 1


def test_one_bit_of_odds_by_hand() -> None:
    """p = (1/2, 1/6, 1/6, 1/6) → odds 1; after the change p = (4/5, 1/15, ...) → odds 4: two bits."""
    before = torch.tensor([[1 / 2, 1 / 6, 1 / 6, 1 / 6]]).log()
    after = torch.tensor([[4 / 5, 1 / 15, 1 / 15, 1 / 15]]).log()
    change = Scale()(after) - Scale()(before)
    assert change[0, 0].item() == pytest.approx(2.0, abs=1e-5)
    assert change[0, 1].item() == pytest.approx(np.log2((1 / 14) / (1 / 5)), abs=1e-5)


def test_log_odds_stay_finite_and_exact_where_probabilities_saturate() -> None:
    logits = torch.tensor([[60.0, 0.0, 0.0, 0.0], [200.0, -200.0, 0.0, 0.0]])
    odds = log_odds(logits)
    assert odds[0].tolist() == pytest.approx([60 - np.log(3), -60.0, -60.0, -60.0], abs=1e-4)
    assert odds[1].tolist() == pytest.approx([200 - np.log(2), -400.0, -200.0, -200.0], abs=1e-3)


def test_log_odds_do_not_care_for_a_common_shift() -> None:
    logits = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(log_odds(logits + 11.0), log_odds(logits), atol=1e-5, rtol=1e-5)


def test_epsilon_saturates_where_the_formula_in_float64_does() -> None:
    logits = torch.tensor([[0.0, -40.0, -40.0, -40.0]])
    p = renormalised(np.exp(logits.numpy().astype(np.float64)), 1e-10)
    complement = p.sum() - p[0, 0]
    assert log_odds_epsilon(logits, 1e-10)[0, 0].item() == pytest.approx(np.log(p[0, 0] / (p[0, 1:].sum())), rel=1e-9)
    assert complement == pytest.approx(3e-10, rel=1e-3)


def test_epsilon_takes_the_softmax_over_the_whole_vocabulary() -> None:
    model = ToyModel(3, scale=3.0)
    epsilon = 1e-3
    reference = np.log2(odds_of(renormalised(probabilities(model, LETTERS, whole_vocabulary=True), epsilon)))
    expected = np.zeros((len(LETTERS), len(LETTERS)))
    for i, _, mutant in mutants_of(LETTERS):
        p = renormalised(probabilities(model, mutant, whole_vocabulary=True), epsilon)
        expected[i] = np.maximum(expected[i], np.abs(np.log2(odds_of(p)) - reference).max(axis=1))
    np.fill_diagonal(expected, 0)
    result = dependency_map(model, NucleotideSequence(LETTERS), DependencyParameters(epsilon=epsilon))
    np.testing.assert_allclose(result.values, expected, atol=2e-4)
    exact = dependency_map(model, NucleotideSequence(LETTERS)).values
    assert np.abs(exact - expected).max() > 0.1


@pytest.mark.parametrize("epsilon", [None, 1e-3])
def test_the_log_ratio_is_natural(epsilon: float | None) -> None:
    model = ToyModel(4)

    def score(letters: str) -> np.ndarray:
        if epsilon is None:
            return np.log(probabilities(model, letters))
        return np.log(probabilities(model, letters, whole_vocabulary=True) + epsilon)

    expected = np.zeros((len(LETTERS), len(LETTERS)))
    for i, _, mutant in mutants_of(LETTERS):
        expected[i] = np.maximum(expected[i], np.abs(score(mutant) - score(LETTERS)).max(axis=1))
    np.fill_diagonal(expected, 0)
    parameters = DependencyParameters(metric="log_ratio", epsilon=epsilon)
    np.testing.assert_allclose(dependency_map(model, NucleotideSequence(LETTERS), parameters).values, expected, atol=2e-5)


def test_a_window_is_the_same_part_of_the_whole_map() -> None:
    model = ToyModel()
    whole = dependency_map(model, NucleotideSequence(LETTERS)).values
    fresh = ToyModel()
    part = dependency_map(fresh, NucleotideSequence(LETTERS), DependencyParameters(window=(5, 11)))
    assert part.offset == 5
    np.testing.assert_array_equal(part.values, whole[5:11, 5:11])
    assert sum(fresh.calls) == 1 + 3 * 6


def test_a_window_beyond_the_sequence_is_an_error_with_the_limit() -> None:
    with pytest.raises(ParameterError, match="1 to 16"):
        dependency_map(ToyModel(), NucleotideSequence(LETTERS), DependencyParameters(window=(5, 17)))


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 8, 1000])
def test_the_batch_size_changes_nothing(batch: int) -> None:
    expected = dependency_map(ToyModel(batch=7), NucleotideSequence(LETTERS)).values
    values = dependency_map(ToyModel(batch=batch), NucleotideSequence(LETTERS)).values
    np.testing.assert_allclose(values, expected, atol=5e-6)  # vectorised and scalar logarithms differ in the last bit


def test_ambiguous_letters_are_read_and_not_changed() -> None:
    letters = "GATNACAR"
    model = ToyModel()
    result = dependency_map(model, NucleotideSequence(letters))
    values = result.values
    off = ~np.eye(8, dtype=bool)
    for row in (3, 7):
        assert np.isnan(values[row][off[row]]).all()
        assert values[row, row] == 0
        assert np.isfinite(np.delete(values[:, row], [3, 7])).all()
    np.testing.assert_allclose(np.delete(values, [3, 7], axis=0), np.delete(slow_map(model, "GATNACAN"), [3, 7], axis=0), atol=2e-5)
    assert passes(NucleotideSequence(letters), DependencyParameters()) == 1 + 3 * 6
    assert sum(model.calls) == 1 + 3 * 6


def test_rna_gives_the_map_of_its_dna() -> None:
    dna = dependency_map(ToyModel(), NucleotideSequence(LETTERS)).values
    rna = dependency_map(ToyModel(), NucleotideSequence(LETTERS.replace("T", "U"), Alphabet.RNA)).values
    np.testing.assert_array_equal(rna, dna)


def test_a_single_base_has_a_map_of_one_zero() -> None:
    assert dependency_map(ToyModel(), NucleotideSequence("A")).values.tolist() == [[0.0]]


def test_a_causal_model_has_nothing_upstream() -> None:
    model = ToyModel(causal=True, masked=False)
    values = dependency_map(model, NucleotideSequence(LETTERS)).values
    assert (np.tril(values) == 0).all()
    np.testing.assert_allclose(values, slow_map(model, LETTERS), atol=2e-5)


class Moved(ToyModel):
    """Its predictions two bases right of a change cannot be compared."""

    leaves_gaps = True

    def mutant_logits(self, reference, positions, alternates, *, normalised=False):
        logits = self.base_logits(reference, self.mutants(reference, positions, alternates), normalised=normalised)
        for row, (position, alternate) in enumerate(zip(positions.tolist(), alternates.tolist(), strict=True)):
            if position + 2 < logits.shape[1] and (alternate == 0 or position == 4):
                logits[row, position + 2] = float("nan")
        return logits


def test_cells_that_cannot_be_compared_leave_the_maximum() -> None:
    plain, moved = ToyModel(), Moved()
    values = dependency_map(moved, NucleotideSequence(LETTERS)).values
    assert np.isnan(values[4, 6])
    assert np.isnan(values).sum() == 1
    reference = np.log2(odds_of(probabilities(plain, LETTERS)))
    kept = [m for i, n, m in mutants_of(LETTERS) if i == 2 and n != 0]
    expected = max(np.abs(np.log2(odds_of(probabilities(plain, m))) - reference)[4].max() for m in kept)
    assert values[2, 4] == pytest.approx(expected, abs=2e-5)


def test_rows_come_coarse_to_fine_and_partial_maps_hold_finished_rows_only() -> None:
    watcher = Watcher()
    result = dependency_map(ToyModel(batch=3), NucleotideSequence(LETTERS), monitor=watcher)
    assert watcher.total == watcher.done == 1 + 3 * 16
    partial = watcher.partials[3]
    assert np.flatnonzero(partial.rows_done).tolist() == [0, 4, 8, 12]
    np.testing.assert_array_equal(partial.values[partial.rows_done], result.values[partial.rows_done])
    assert np.isnan(partial.values[~partial.rows_done]).all()
    assert not partial.complete
    assert partial.provenance.partial
    assert not result.provenance.partial


def test_partial_maps_are_snapshots() -> None:
    watcher = Watcher()
    dependency_map(ToyModel(batch=3), NucleotideSequence(LETTERS), monitor=watcher)
    assert [int(partial.rows_done.sum()) for partial in watcher.partials] == list(range(1, 16))
    assert all(np.isnan(partial.values[~partial.rows_done]).all() for partial in watcher.partials)


def test_nobody_looking_means_no_snapshot() -> None:
    watcher = Watcher(look=False)
    dependency_map(ToyModel(batch=3), NucleotideSequence(LETTERS), monitor=watcher)
    assert not watcher.partials


def test_a_stop_goes_through_at_the_next_batch() -> None:
    model = ToyModel(batch=3)
    watcher = Watcher(stop_after=10)
    with pytest.raises(Cancelled):
        dependency_map(model, NucleotideSequence(LETTERS), monitor=watcher)
    assert watcher.done == 10
    assert sum(model.calls) == 10
    assert int(watcher.partials[-1].rows_done.sum()) == 3  # everything that was finished


@pytest.mark.parametrize(
    ("causal", "parameters"),
    [
        (False, DependencyParameters()),
        (True, DependencyParameters()),
        (False, DependencyParameters(window=(2, 14))),
        (False, DependencyParameters(metric="log_ratio")),
    ],
)
def test_a_stopped_map_goes_on_from_its_rows_and_ends_as_if_it_had_not_been_stopped(causal: bool, parameters: DependencyParameters) -> None:
    def model() -> ToyModel:
        return ToyModel(batch=3, causal=causal, masked=not causal)

    letters = LETTERS[:5] + "N" + LETTERS[6:]
    watcher, again, first, second, at_once = Watcher(stop_after=14, look=False), Watcher(), model(), model(), model()
    whole = dependency_map(at_once, NucleotideSequence(letters), parameters)
    with pytest.raises(Cancelled):
        dependency_map(first, NucleotideSequence(letters), parameters, watcher)
    resumed = dependency_map(second, NucleotideSequence(letters), parameters, again, watcher.partials[-1])
    assert sum(first.calls) + sum(second.calls) == 1 + sum(at_once.calls)  # nothing is computed twice but the reference
    assert again.total == again.done
    assert resumed.complete
    np.testing.assert_array_equal(resumed.values, whole.values)
    if whole.influence is None:
        assert resumed.influence is None
    else:
        np.testing.assert_array_equal(resumed.influence, whole.influence)


def test_a_partial_map_of_another_precision_is_not_gone_on_from() -> None:
    sequence = NucleotideSequence(LETTERS)
    watcher = Watcher(stop_after=14, look=False)
    with pytest.raises(Cancelled):
        dependency_map(ToyModel(batch=3), sequence, monitor=watcher)
    left = watcher.partials[-1]
    other = replace(left, provenance=replace(left.provenance, parameters={**left.provenance.parameters, "precision": "sparse"}))
    model = ToyModel(batch=3)
    dependency_map(model, sequence, known=other)
    assert sum(model.calls) == 1 + 3 * len(sequence)


@pytest.mark.parametrize(("off", "length", "used"), [(0.001, 130, "delta"), (0.1, 130, "exact"), (0.001, 60, "exact")])
def test_the_usual_precision_is_delta_where_rows_of_this_sequence_show_it_within_a_percent(off: float, length: int, used: str) -> None:
    sequence = NucleotideSequence((LETTERS * 9)[:length])
    model = PreciseToyModel(off, reach=5)
    result = dependency_map(model, sequence, DependencyParameters(window=(0, 6)))
    assert result.provenance.parameters["precision"] == used
    assert model.asked[-1] == used
    exact = dependency_map(model, sequence, DependencyParameters(window=(0, 6), precision="exact"))
    assert exact.provenance.parameters["precision"] == "exact"
    np.testing.assert_allclose(result.values, exact.values, rtol=0.01, atol=1e-5)


@dataclass
class CountingWatcher(Watcher):
    """Notes how many passes the model had made when something was shown."""

    model: ToyModel = field(default_factory=ToyModel)
    passes: list[int] = field(default_factory=list)

    def publish(self, partial: Any) -> None:
        super().publish(partial)
        self.passes.append(sum(self.model.calls))


@pytest.mark.parametrize(("off", "used"), [(0.001, "delta"), (0.1, "exact")])
def test_what_decides_on_the_precision_is_a_first_picture(off: float, used: str) -> None:
    """Two bases exactly, before anything is done in another precision: six mutants and the reference once each (the toy runs it with each batch)."""
    sequence, model = NucleotideSequence((LETTERS * 9)[:130]), PreciseToyModel(off, reach=5)
    watcher = CountingWatcher(model=model)
    result = dependency_map(model, sequence, monitor=watcher)
    first = watcher.partials[0]
    assert watcher.passes[0] == 1 + 2 * (3 + 1)
    assert [int(shown.rows_done.sum()) for shown in watcher.partials[:2]] == [2, 4]
    assert np.all(np.diff([int(shown.rows_done.sum()) for shown in watcher.partials]) > 0)  # no picture is replaced by a coarser one
    assert first.provenance.partial
    assert first.provenance.parameters["precision"] == "exact"
    assert result.provenance.parameters["precision"] == used
    exact = dependency_map(model, sequence, DependencyParameters(precision="exact"))
    np.testing.assert_allclose(first.values[first.rows_done], exact.values[first.rows_done], atol=1e-6)
    np.testing.assert_allclose(first.influence[first.rows_done], exact.influence[first.rows_done], atol=1e-6)
    resumed = dependency_map(PreciseToyModel(off, reach=5), sequence, known=first)
    assert resumed.provenance.parameters["precision"] == used
    np.testing.assert_allclose(resumed.values, result.values, atol=1e-6)
    np.testing.assert_allclose(resumed.influence, result.influence, atol=1e-6)
    assert np.isnan(first.values[~first.rows_done]).all()
    count = len(watcher.partials)
    dependency_map(model, sequence, DependencyParameters(window=(0, 6)), watcher)
    assert all(shown.offset == 0 and len(shown.values) == 6 for shown in watcher.partials[count:])


def test_a_model_without_other_precisions_says_so() -> None:
    with pytest.raises(CapabilityMissing, match="sparse"):
        dependency_map(ToyModel(), NucleotideSequence(LETTERS), DependencyParameters(precision="sparse"))


def test_influence_from_the_same_passes_equals_influence_alone() -> None:
    model = ToyModel()
    result = dependency_map(model, NucleotideSequence(LETTERS))
    assert sum(model.calls) == 1 + 3 * len(LETTERS)
    alone = variant_effects(ToyModel(), NucleotideSequence(LETTERS)).influence
    np.testing.assert_array_equal(result.influence, alone)


def test_a_map_of_a_window_or_of_another_metric_says_nothing_of_influence() -> None:
    for parameters in (DependencyParameters(window=(2, 9)), DependencyParameters(metric="log_ratio"), DependencyParameters(epsilon=1e-10)):
        assert dependency_map(ToyModel(), NucleotideSequence(LETTERS), parameters).influence is None


def test_effects_take_the_influence_of_a_map_that_is_there() -> None:
    model = ToyModel()
    found = dependency_map(model, NucleotideSequence(LETTERS))
    model.calls.clear()
    effects = variant_effects(model, NucleotideSequence(LETTERS), known=found)
    assert sum(model.calls) == len(LETTERS)
    np.testing.assert_array_equal(effects.influence, found.influence)


def test_the_pair_table_holds_what_the_map_takes_the_maximum_of() -> None:
    model = ToyModel()
    table = pair_table(model, NucleotideSequence(LETTERS), PairParameters(changed=3, read=9))
    assert np.isnan(table.values[3]).all()  # the reference is T
    expected = {n: np.log2(odds_of(probabilities(model, m)))[9] for i, n, m in mutants_of(LETTERS) if i == 3}
    reference = np.log2(odds_of(probabilities(model, LETTERS)))[9]
    for alternate, scores in expected.items():
        np.testing.assert_allclose(table.values[alternate], scores - reference, atol=2e-5)
    assert np.nanmax(np.abs(table.values)) == pytest.approx(dependency_map(model, NucleotideSequence(LETTERS)).values[3, 9], abs=1e-5)


def test_the_pair_table_refuses_positions_that_are_not_there() -> None:
    with pytest.raises(ParameterError, match="Position 17"):
        pair_table(ToyModel(), NucleotideSequence(LETTERS), PairParameters(changed=3, read=16))
    with pytest.raises(SequenceError, match="Position 2 is N"):
        pair_table(ToyModel(), NucleotideSequence("ANA"), PairParameters(changed=1, read=0))


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 9, 100])
def test_the_coarse_to_fine_order_is_a_permutation_that_is_even_from_the_start(width: int) -> None:
    order = coarse_to_fine(width)
    assert sorted(order.tolist()) == list(range(width))
    for count in (2, 4):
        if width > 2 * count:
            assert np.diff(np.sort(order[:count])).min() >= width // (2 * count)


def test_substitutions_are_every_other_base_of_every_base_once() -> None:
    substitutions = Substitutions.of(LETTERS, (0, len(LETTERS)))
    made = sorted(zip(substitutions.positions.tolist(), substitutions.alternates.tolist(), strict=True))
    assert made == sorted((i, n) for i, n, _ in mutants_of(LETTERS))
    assert letter_codes("ACGTUN").tolist() == [0, 1, 2, 3, 3, -1]


def test_the_host_runs_one_batch_ahead_of_a_gpu_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Event:
        def __init__(self) -> None:
            self.number = sum(line.startswith("queued") for line in told) + 1
            told.append(f"queued {self.number}")

        def synchronize(self) -> None:
            told.append(f"waited for {self.number}")

    class Stream:
        def record_event(self) -> Event:
            return Event()

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    pace = Pace("cuda:1")
    for _ in range(3):
        pace.step()
    assert told == ["queued 1", "queued 2", "waited for 1", "queued 3", "waited for 2"]
    Pace("cpu").step()
    assert len(told) == 5


class Overflowing(ToyModel):
    """Its activations leave the range of its precision."""

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        return super().base_logits(reference, ids, normalised=normalised) * torch.nan


@pytest.mark.parametrize(("dtype", "remedy"), [("float16", "choose the dtype float32"), ("float32", "install them again")])
def test_scores_that_are_no_numbers_are_an_error_with_a_remedy(dtype: str, remedy: str) -> None:
    model = Overflowing()
    model.dtype = dtype
    with pytest.raises(CapabilityMissing, match=remedy):
        dependency_map(model, NucleotideSequence("ACGTAC"))


def test_a_map_that_goes_on_from_a_partial_one_is_the_whole_one_to_the_last_bit() -> None:
    """The batches after a stop are those that would have come without it."""
    model: Any = entry("locuscope").load(ASSETS / "locuscope-lm", LoadOptions())
    sequence, parameters = NucleotideSequence(LETTERS * 3), DependencyParameters(precision="exact")
    watcher = Watcher(stop_after=60)
    with pytest.raises(Cancelled):
        dependency_map(model, sequence, parameters, watcher)
    partial = watcher.partials[-1]
    assert 0 < partial.rows_done.sum() < len(sequence)
    whole, resumed = dependency_map(model, sequence, parameters), dependency_map(model, sequence, parameters, known=partial)
    np.testing.assert_array_equal(resumed.values, whole.values)
    np.testing.assert_array_equal(resumed.influence, whole.influence)


@pytest.mark.parametrize("causal", [False, True])
def test_a_map_of_both_strands_is_the_mean_of_two_runs_turned_to_one(causal: bool) -> None:
    """Row and column of the reverse complement's map run the other way; a left-to-right model gives one half from each strand."""
    model, sequence = ToyModel(causal=causal) if causal else ToyModel(), NucleotideSequence(LETTERS)
    window = (2, 11)
    one = dependency_map(model, sequence, DependencyParameters(window=window)).values
    other = dependency_map(model, sequence.reverse_complement(), DependencyParameters(window=(len(LETTERS) - 11, len(LETTERS) - 2))).values
    expected = [[(one[i][j] + other[-1 - i][-1 - j]) / (1 if causal else 2) for j in range(9)] for i in range(9)]
    watcher = Watcher()
    found = map_of_both_strands(model, sequence, DependencyParameters(window=window, both_strands=True), watcher)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.influence is None
    assert found.provenance.parameters["both_strands"] is True
    assert watcher.done == passes(sequence, DependencyParameters(window=window, both_strands=True)) == 2 * (1 + 27)
    assert "both_strands" not in DependencyParameters().as_dict()
