"""The engine as pages and the command line use it, with a model whose answers are known."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.analyses import substitutions
from engine.analyses.contacts import ContactParameters
from engine.analyses.dependency import DependencyParameters
from engine.analyses.effects import EffectParameters
from engine.analyses.pair import PairParameters
from engine.analyses.patterns import PatternParameters
from engine.core.errors import Cancelled, CapabilityMissing, ParameterError, ResourceExhausted, SequenceError, UnknownModel
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from engine.service.shelf import Fingerprints
from tests.conftest import ROOT
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_jobs import wait_until

HAIRPIN = NucleotideSequence("GGGACTTTTGTCCC", name="hairpin")


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(**{"home": folder / "home", "model": "pairs", **changes})  # type: ignore[arg-type]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def engine(tmp_path: Path, calls: Calls) -> Engine:
    return Engine(settings(tmp_path), FakeRegistry(tmp_path / "models", calls))


def test_a_map_shows_each_base_depending_on_its_partner_only(engine: Engine) -> None:
    result = engine.run(Request("dependency", HAIRPIN))
    length = len(HAIRPIN)
    strongest = result.values.argmax(axis=1)
    assert strongest.tolist() == list(range(length))[::-1]
    assert np.count_nonzero(result.values) == length
    # the complement's score falls from 3 to 0 while another base's rises to 3: log odds 3 − ln 3 before, −ln(e³ + 2) after
    expected = (3 - np.log(3) + np.log(np.exp(3) + 2)) / np.log(2)
    assert result.values[0, length - 1] == pytest.approx(expected, rel=1e-5)


def test_a_repeated_question_is_answered_from_the_store_also_after_a_restart(tmp_path: Path, calls: Calls) -> None:
    registry = FakeRegistry(tmp_path / "models", calls)
    first = Engine(settings(tmp_path), registry).run(Request("dependency", HAIRPIN))
    passes = calls.passes
    job = Engine(settings(tmp_path), registry).submit(Request("dependency", HAIRPIN))
    assert job.state == "done"
    assert calls.passes == passes
    assert job.result.values.tobytes() == first.values.tobytes()
    assert job.result.provenance.to_json() == first.provenance.to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": DependencyParameters(metric="log_ratio")},
        {"sequence": NucleotideSequence("GGGACTTTTGTCCA")},
        {"species": "yeast"},
        {"dtype": "bfloat16"},
        {"analysis": "probabilities", "parameters": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_different_question_is_not_answered_with_the_stored_one(engine: Engine, change: dict[str, object]) -> None:
    question: dict[str, object] = {"analysis": "dependency", "sequence": HAIRPIN}
    engine.run(Request(**question))  # type: ignore[arg-type]
    assert engine.stored(Request(**{**question, **change})) is None  # type: ignore[arg-type]


def test_a_precision_named_as_the_usual_one_is_the_same_question(engine: Engine, calls: Calls) -> None:
    engine.run(Request("probabilities", HAIRPIN))
    assert engine.stored(Request("probabilities", HAIRPIN, device="cpu", dtype="float32")) is not None
    assert calls.loads == 1


def test_changed_weights_are_another_question(tmp_path: Path, calls: Calls) -> None:
    engine = Engine(settings(tmp_path), FakeRegistry(tmp_path / "models", calls))
    engine.run(Request("probabilities", HAIRPIN))
    (tmp_path / "models" / "pairs" / "weights.bin").write_bytes(b"\1" * 400)
    assert engine.stored(Request("probabilities", HAIRPIN)) is None


def test_contacts_are_read_from_the_stored_map(engine: Engine, calls: Calls) -> None:
    engine.run(Request("dependency", HAIRPIN))
    passes = calls.passes
    result = engine.run(Request("contacts", HAIRPIN, parameters=ContactParameters(threshold=0)))
    assert calls.passes == passes
    assert result.dot_bracket == "(((((....)))))"


def test_contacts_compute_the_map_when_it_is_not_there_and_leave_it_in_the_store(engine: Engine) -> None:
    result = engine.run(Request("contacts", HAIRPIN, parameters=ContactParameters(minimum_loop=6, threshold=0)))
    assert result.dot_bracket == "((((......))))"
    assert engine.stored(Request("dependency", HAIRPIN)) is not None


def test_effects_take_the_influence_from_the_passes_of_the_map_bit_for_bit(engine: Engine, calls: Calls, tmp_path: Path) -> None:
    from engine.analyses.effects import variant_effects
    from engine.models.entry import LoadOptions
    from tests.fake_model import PairModel, card

    length = len(HAIRPIN)
    first = engine.submit(Request("dependency", HAIRPIN))
    second = engine.submit(Request("effects", HAIRPIN))
    assert second.wait(60)
    assert first.state == second.state == "done"
    assert calls.passes == (1 + 3 * length) + length
    assert second.done == second.total
    alone = variant_effects(PairModel(card(), Calls(), LoadOptions(), 10), HAIRPIN)
    for name in ("llr", "influence"):
        assert getattr(second.result, name).tobytes() == getattr(alone, name).tobytes()
    assert second.result.provenance.parameters == alone.provenance.parameters


def test_another_variant_of_influence_is_computed_by_itself(engine: Engine, calls: Calls) -> None:
    engine.run(Request("effects", HAIRPIN, parameters=EffectParameters("authors_manuscript")))
    assert engine.stored(Request("dependency", HAIRPIN)) is None
    assert calls.passes == 1 + 4 * len(HAIRPIN)


def test_cancelling_effects_stops_the_map_they_wait_for_unless_somebody_else_wants_it(engine: Engine, calls: Calls) -> None:
    calls.seconds, calls.batch = 0.02, 3
    long = NucleotideSequence("ACGT" * 60)
    effects = engine.submit(Request("effects", long), visitor="a")
    while effects.done < 5:
        assert not effects.wait(0.01)
    wanted = engine.submit(Request("dependency", long), visitor="b")
    effects.cancel()
    assert effects.wait(60)
    assert effects.state == "cancelled"
    assert not wanted.wait(0.3)
    assert wanted.state == "running"
    wanted.cancel("b")
    assert wanted.wait(60)
    assert wanted.state == "cancelled"


def test_an_answer_names_the_locus_of_whoever_asks(engine: Engine) -> None:
    from engine.core.locus import Locus

    engine.run(Request("probabilities", HAIRPIN))
    elsewhere = NucleotideSequence(HAIRPIN.letters, locus=Locus("R64", "chrI", 99, 99 + len(HAIRPIN)))
    result = engine.run(Request("probabilities", elsewhere))
    assert result.provenance.locus == "R64:chrI:100-113"
    assert result.sequence == elsewhere


def test_the_same_question_from_two_visitors_is_one_computation(engine: Engine, calls: Calls) -> None:
    calls.hold = threading.Event()
    first = engine.submit(Request("dependency", HAIRPIN), visitor="a")
    second = engine.submit(Request("dependency", HAIRPIN), visitor="b")
    assert first is second
    calls.hold.set()
    assert first.wait(60)
    assert calls.passes == 1 + 3 * len(HAIRPIN)


def test_two_processes_with_one_home_share_one_computation(tmp_path: Path, calls: Calls) -> None:
    """Two engines on one home meet in the file locks, as two processes would."""
    calls.seconds = 0.02
    registry = FakeRegistry(tmp_path / "models", calls)
    jobs = [Engine(settings(tmp_path), registry).submit(Request("dependency", HAIRPIN)) for _ in range(2)]
    assert all(job.wait(20) for job in jobs)
    assert [job.state for job in jobs] == ["done", "done"]
    assert calls.passes == 1 + 3 * len(HAIRPIN)
    assert jobs[0].result.values.tobytes() == jobs[1].result.values.tobytes()


def test_waiting_for_another_process_can_be_cancelled(tmp_path: Path, calls: Calls) -> None:
    calls.hold = threading.Event()
    registry = FakeRegistry(tmp_path / "models", calls)
    first, second = (Engine(settings(tmp_path), registry).submit(Request("dependency", HAIRPIN)) for _ in range(2))
    time.sleep(0.3)
    waiting = next(job for job in (first, second) if job.stage == "waiting for the same question to be answered")
    waiting.cancel()
    assert waiting.wait(60)
    calls.hold.set()
    other = first if waiting is second else second
    assert other.wait(60)
    assert (waiting.state, other.state) == ("cancelled", "done")


def test_many_visitors_with_many_questions_all_get_their_answers(engine: Engine, calls: Calls) -> None:
    sequences = [NucleotideSequence("ACGT" * n) for n in range(3, 9)]
    jobs = [
        (sequence, analysis, engine.submit(Request(analysis, sequence), visitor=f"v{number}"))
        for number in range(3)
        for sequence in sequences
        for analysis in ("dependency", "effects", "contacts", "probabilities")
    ]
    for sequence, _, job in jobs:
        assert job.wait(60)
        assert job.state == "done"
        assert job.result.sequence == sequence
    expected = sum(1 + 3 * len(sequence) + len(sequence) + 1 for sequence in sequences)
    assert calls.passes == expected
    assert calls.loads == 1


def test_two_visitors_with_the_same_letters_of_different_places_share_the_passes_and_keep_their_places(
    engine: Engine, calls: Calls
) -> None:
    from engine.core.locus import Locus

    calls.seconds = 0.02
    places = [NucleotideSequence(HAIRPIN.letters, locus=Locus("R64", "chrI", start, start + len(HAIRPIN))) for start in (10, 500)]
    jobs = [engine.submit(Request("dependency", place)) for place in places]
    assert all(job.wait(20) for job in jobs)
    assert [job.result.sequence for job in jobs] == places
    assert [job.result.provenance.locus for job in jobs] == [str(place.locus) for place in places]
    assert calls.passes == 1 + 3 * len(HAIRPIN)


def test_one_visitor_leaving_does_not_stop_the_other(engine: Engine, calls: Calls) -> None:
    calls.hold = threading.Event()
    job = engine.submit(Request("dependency", HAIRPIN), visitor="a")
    engine.submit(Request("dependency", HAIRPIN), visitor="b")
    job.cancel("a")
    calls.hold.set()
    assert job.wait(60)
    assert job.state == "done"


def test_two_models_asked_for_at_once_are_loaded_once_each(engine: Engine, calls: Calls) -> None:
    calls.load_seconds = 0.2
    jobs = [engine.submit(Request(analysis, HAIRPIN)) for analysis in ("probabilities", "dependency", "effects")]
    assert all(job.wait(20) for job in jobs)
    assert [job.state for job in jobs] == ["done"] * 3
    assert calls.loads == 1
    assert calls.most_at_once == 1


def test_cancelling_keeps_the_partial_map_and_does_not_store_it(engine: Engine, calls: Calls) -> None:
    calls.seconds, calls.batch = 0.03, 3
    long = NucleotideSequence("ACGT" * 50)
    job = engine.submit(Request("dependency", long))
    while job.partial is None:
        time.sleep(0.01)
    early = job.done
    job.cancel()
    assert job.wait(60)
    assert job.state == "cancelled"
    assert early <= job.done < job.total
    assert job.partial.provenance.partial
    assert int(job.partial.rows_done.sum()) == (job.done - 1) // 3
    assert engine.stored(Request("dependency", long)) is None
    with pytest.raises(Cancelled):
        job.answer()


def test_a_stopped_map_goes_on_from_the_rows_it_has(engine: Engine, calls: Calls, tmp_path: Path) -> None:
    calls.seconds, calls.batch = 0.02, 3
    request = Request("dependency", NucleotideSequence("ACGT" * 20))
    job = engine.submit(request)
    wait_until(lambda: job.done > 60)
    job.cancel()
    again = engine.submit(request)  # at once, while the first one is still ending
    assert job.wait(60)
    wait_until(lambda: again.done > 0)
    assert again.done >= job.done - 1
    assert again.wait(60)
    assert calls.passes == 2 + 3 * 80  # nothing was computed twice but the reference
    other = Engine(settings(tmp_path / "other"), FakeRegistry(tmp_path / "other" / "models"))
    np.testing.assert_array_equal(again.result.values, other.run(request).values)
    np.testing.assert_array_equal(again.result.influence, other.run(request).influence)
    assert not list((tmp_path / "home" / "results").glob("*unfinished*"))


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from engine.core.sequence import NucleotideSequence
from engine.service import jobs
from engine.service.engine import Engine, Request
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_service import settings
jobs.KEEP_SECONDS = 0.2
folder = Path(sys.argv[1])
engine = Engine(settings(folder), FakeRegistry(folder / "models", Calls(seconds=0.02, batch=3)))
job = engine.submit(Request("dependency", NucleotideSequence("ACGT" * 20)))
while job.done < 90:
    pass
print(job.done, flush=True)
job.wait()
"""


def test_a_map_whose_process_was_killed_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= 90
        process.kill()
    calls = Calls(batch=3)
    request = Request("dependency", NucleotideSequence("ACGT" * 20))
    resumed = Engine(settings(tmp_path), FakeRegistry(tmp_path / "models", calls)).run(request)
    assert 1 < calls.passes < 241 - 30
    other = Engine(settings(tmp_path / "other"), FakeRegistry(tmp_path / "other" / "models"))
    np.testing.assert_array_equal(resumed.values, other.run(request).values)


def test_what_a_visitor_asks_again_is_told_to_be_stored_and_what_another_one_asked_is_not(engine: Engine) -> None:
    request = Request("dependency", HAIRPIN)
    for visitor in "ab":
        engine.jobs.here(visitor)
    assert engine.submit(request, "a").wait(10)
    assert engine.submit(request, "b").unit == "answer"
    assert engine.submit(request, "a").unit == "stored answer"
    assert engine.asked_before(request, "b")
    engine.jobs.leave("b")
    engine.jobs.here("b")
    assert not engine.asked_before(request, "b")


def test_in_memory_only_nothing_about_a_sequence_is_written(tmp_path: Path) -> None:
    engine = Engine(settings(tmp_path, keep="memory"), FakeRegistry(tmp_path / "models"))
    request = Request("effects", HAIRPIN)
    found = engine.run(request)
    assert engine.stored(request) is found
    written = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert set(written) <= {"fingerprints.json", "timings.json"}
    with pytest.raises(ParameterError, match="disk or memory"):
        settings(tmp_path, keep="nowhere")


def test_a_question_does_not_wait_until_a_models_files_are_read(engine: Engine, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes as long as the test says; asking, its price and what is stored are there at once, and a cancel ends the reading."""
    release = threading.Event()
    of = Fingerprints.of

    def slowly(self: Fingerprints, directory: Path, waiting: Callable[[], None] = lambda: None) -> str:
        end = time.monotonic() + 60
        while not release.wait(0.01) and time.monotonic() < end:
            waiting()
        return of(self, directory, waiting)

    monkeypatch.setattr(Fingerprints, "of", slowly)
    request = Request("dependency", HAIRPIN)
    began = time.monotonic()
    assert engine.stored(request) is None
    assert engine.estimate(request).passes == 43
    assert not engine.asked_before(request, "a")
    first, second = engine.submit(request, "a"), engine.submit(Request("effects", HAIRPIN), "b")
    assert engine.submit(request, "b") is first
    assert time.monotonic() - began < 30
    wait_until(lambda: first.stage == "reading the model's files")
    second.cancel("b")
    assert second.wait(60)
    release.set()
    assert first.wait(60)
    assert first.state == "done"
    assert engine.stored(request) is first.result


def test_a_crowd_that_asks_for_what_needs_other_answers_is_all_answered(tmp_path: Path, calls: Calls) -> None:
    """Every place is taken by contacts, each of which needs a map of its own."""
    engine = Engine(settings(tmp_path, jobs=8, visitor_jobs=2), FakeRegistry(tmp_path / "models", calls))
    calls.hold = threading.Event()
    requests = [Request("contacts", NucleotideSequence(f"GGGACTTTTGTCC{'ACGT'[n % 4] * (1 + n)}")) for n in range(9)]
    jobs = [engine.submit(request, f"visitor {n // 2}") for n, request in enumerate(requests[:8])]
    with pytest.raises(ResourceExhausted, match="8 computations are under way on this server"):
        engine.submit(requests[8], "visitor 9")
    calls.hold.set()
    assert all(job.wait(30) for job in jobs)
    assert [job.state for job in jobs] == ["done"] * 8


def test_a_cancelled_question_can_be_asked_again_at_once(engine: Engine, calls: Calls) -> None:
    calls.hold = threading.Event()
    first = engine.submit(Request("dependency", HAIRPIN))
    first.cancel()
    second = engine.submit(Request("dependency", HAIRPIN))
    calls.hold.set()
    assert second is not first
    assert second.wait(60)
    assert second.state == "done"


def test_a_long_map_does_not_hold_up_a_short_one(engine: Engine, calls: Calls) -> None:
    calls.seconds, calls.batch = 0.02, 3
    long = engine.submit(Request("dependency", NucleotideSequence("ACGT" * 90)), visitor="a")
    while not long.done:
        time.sleep(0.01)
    short = engine.submit(Request("dependency", HAIRPIN), visitor="b")
    assert short.wait(60)
    assert long.state == "running"
    long.cancel()
    assert long.wait(60)


def test_short_maps_of_two_visitors_go_through_the_model_in_one_batch(
    engine: Engine, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU. The first visitor makes way after the reference, whose pass was long; the second offers a batch, too, and one pass computes both."""
    monkeypatch.setattr(substitutions, "worth_sharing", lambda device: True)
    monkeypatch.setattr("engine.service.engine.worth_sharing", lambda device: True)
    calls.batch, calls.seconds = 100, 0.3
    sequences = HAIRPIN, NucleotideSequence("TTTTACGAAAACGA")
    jobs = [engine.submit(Request("dependency", sequence), visitor=visitor) for sequence, visitor in zip(sequences, "ab", strict=True)]
    assert all(job.wait(20) for job in jobs)
    assert sorted(calls.batches) == [1, 1, 2 * 3 * len(HAIRPIN)]
    other = Engine(settings(tmp_path / "other"), FakeRegistry(tmp_path / "other" / "models"))
    for job, sequence in zip(jobs, sequences, strict=True):
        np.testing.assert_array_equal(job.result.values, other.run(Request("dependency", sequence)).values)
        assert job.result.provenance.batches == "shared"


def test_what_is_answered_already_is_not_announced_as_work(engine: Engine) -> None:
    each = 1 + 3 * len(HAIRPIN)
    asked = Request("patterns", HAIRPIN, parameters=PatternParameters(shuffles=2))
    first = engine.submit(asked)
    assert first.wait(60)
    assert (first.result.shuffles, first.total) == (2, 3 * each)
    again = engine.submit(replace(asked, parameters=PatternParameters(shuffles=1)))  # the map is there, its controls are not
    assert again.wait(60)
    assert again.total == each


def test_a_running_job_tells_its_progress_and_the_time_left(engine: Engine, calls: Calls) -> None:
    calls.seconds, calls.batch = 0.02, 3
    job = engine.submit(Request("dependency", HAIRPIN))
    while job.done < 10:
        time.sleep(0.005)
    assert (job.total, job.unit) == (1 + 3 * len(HAIRPIN), "model runs")
    assert job.seconds_left is None or 0 <= job.seconds_left < 5
    assert job.wait(60)
    assert (job.done, job.seconds_left) == (job.total, 0.0)


def test_the_cost_is_in_forward_passes_and_in_seconds_after_a_first_run(engine: Engine, calls: Calls) -> None:
    calls.seconds = 0.01
    before = engine.estimate(Request("dependency", HAIRPIN))
    assert (before.passes, before.tokens, before.seconds) == (43, 43 * 14, None)
    assert before.memory_bytes == 14 * 14 * 4
    engine.run(Request("dependency", HAIRPIN))
    after = engine.estimate(Request("dependency", HAIRPIN)).seconds
    assert after is not None
    assert 0.05 < after < 5


def test_a_model_that_was_loaded_ahead_answers_at_once_and_has_a_known_cost(engine: Engine, calls: Calls) -> None:
    engine.preload()
    deadline = time.monotonic() + 60
    while engine.estimate(Request("dependency", HAIRPIN)).seconds is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert calls.loads == 1


def test_any_letters_are_timed_unless_the_request_says_otherwise(engine: Engine) -> None:
    letters = NucleotideSequence("ACGT" * 4)
    engine.run(Request("probabilities", letters, timed=False))
    assert engine.estimate(Request("dependency", letters)).seconds is None
    engine.run(Request("dependency", letters))
    assert engine.estimate(Request("dependency", letters)).seconds is not None


def test_loading_ahead_a_model_that_is_not_there_is_a_line_in_the_log(
    tmp_path: Path, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(settings(tmp_path, model="pear"), FakeRegistry(tmp_path / "models", calls))
    engine.preload()
    deadline = time.monotonic() + 60
    while "could not be loaded ahead" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_window_decides_the_cost(engine: Engine) -> None:
    request = Request("dependency", HAIRPIN, parameters=DependencyParameters(window=(2, 5)))
    assert engine.estimate(request).passes == 10


@pytest.mark.parametrize(
    ("request_values", "error", "words"),
    [
        ({"analysis": "horoscope"}, ParameterError, "available: dependency, probabilities"),
        ({"model": "pear"}, UnknownModel, "pear"),
        ({"analysis": "segmentation"}, CapabilityMissing, "Pairs cannot compute segmentation; it offers RNA contacts, dependency map"),
        ({"sequence": NucleotideSequence("A" * 401)}, SequenceError, "401 bases; Pairs reads 1 to 400; choose a window"),
        ({"sequence": NucleotideSequence("NNN")}, SequenceError, "no A, C, G, T or U"),
        ({"parameters": DependencyParameters(window=(3, 15))}, ParameterError, "4-15 is outside the sequence; positions 1 to 14"),
        ({"parameters": EffectParameters()}, ParameterError, "takes DependencyParameters"),
        ({"analysis": "pair", "parameters": PairParameters(1, 14)}, ParameterError, "Position 15 is outside"),
    ],
)
def test_a_question_without_an_answer_is_refused_before_anything_runs(
    engine: Engine, calls: Calls, request_values: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        engine.submit(Request(**{"analysis": "dependency", "sequence": HAIRPIN, **request_values}))  # type: ignore[arg-type]
    assert calls.loads == 0


def test_a_map_that_would_not_fit_is_refused_with_the_remedy(tmp_path: Path, calls: Calls) -> None:
    engine = Engine(settings(tmp_path, result_bytes=1000), FakeRegistry(tmp_path / "models", calls))
    with pytest.raises(ResourceExhausted, match="choose a window"):
        engine.submit(Request("dependency", NucleotideSequence("A" * 17)))


def test_an_unforeseen_failure_ends_the_job_with_one_sentence(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fake_model import PairModel

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    hooked = []
    monkeypatch.setattr(PairModel, "base_logits", broken)
    monkeypatch.setattr(threading, "excepthook", hooked.append)
    job = engine.submit(Request("probabilities", HAIRPIN))
    assert job.wait(60)
    assert job.state == "failed"
    assert "ZeroDivisionError" in str(job.error)
    assert isinstance(job.error.__cause__, ZeroDivisionError) if job.error else False


def test_pickers_say_why_a_model_cannot(engine: Engine) -> None:
    (row, reason), *_ = engine.models_for("segmentation")
    assert row.installed
    assert "cannot compute segmentation" in reason
    assert engine.models_for("dependency")[0][1] == ""


def test_rna_and_dna_of_the_same_letters_are_different_questions(engine: Engine) -> None:
    rna = NucleotideSequence("GGGACUUUUGUCCC", Alphabet.RNA)
    engine.run(Request("probabilities", NucleotideSequence("GGGACTTTTGTCCC")))
    assert engine.stored(Request("probabilities", rna)) is None


def test_progress_reaches_the_caller_of_run_who_can_stop_it(engine: Engine, calls: Calls) -> None:
    class Impatient:
        total = 0

        def start(self, total: int, unit: str = "") -> None:
            self.total = total

        def advance(self, done: int) -> None:
            if done:
                raise Cancelled("enough")

        def publish(self, partial: object) -> None: ...

        def wants_partial(self) -> bool:
            return False

    calls.seconds, calls.batch = 0.02, 1
    monitor = Impatient()
    with pytest.raises(Cancelled, match="enough"):
        engine.run(Request("dependency", NucleotideSequence("ACGT" * 50)), monitor)
    assert monitor.total == 601
    deadline = time.monotonic() + 60
    while engine.jobs.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not engine.jobs.running
