"""A stop ends every kind of computation of the models that come with the repository within two seconds, whatever its length."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request

QUESTIONS = [
    ("dependency", "locuscope"),
    ("effects", "locuscope"),
    ("probabilities", "locuscope"),
    ("contacts", "locuscope"),
    ("segmentation", "locuscope-segmenter"),
    ("fold", "viennarna"),
    ("fold", "stem-counter"),
]
MOST_SECONDS = 4.0
"""Two on a quiet machine, where these take up to 0.6; tests run beside each other."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(Settings(home=tmp_path_factory.mktemp("home"), threads=1))
    engine.run(Request("probabilities", NucleotideSequence("ACGTTGCAAC"), "locuscope"))
    yield engine
    for job in engine.jobs.running:
        job.cancel()


@pytest.mark.slow
@pytest.mark.parametrize(("analysis", "model"), QUESTIONS)
def test_a_stop_ends_it_within_two_seconds(engine: Engine, analysis: str, model: str) -> None:
    if not engine.model(model).installed:
        pytest.skip(engine.model(model).why_not)
    stopped = [seconds for after in (0.2, 1.0) if (seconds := stopping(engine, analysis, model, after)) is not None]
    assert stopped
    assert max(stopped) < MOST_SECONDS


def stopping(engine: Engine, analysis: str, model: str, after: float) -> float | None:
    """Seconds from a stop to the end, the least of up to three when the machine was busy; None for what was finished before it."""
    length, ended = min(engine.model(model).card.max_length, 3000), list[float]()
    while len(ended) < 3 and min(ended, default=MOST_SECONDS) >= MOST_SECONDS:
        letters = "".join(random.Random(f"{analysis}{after}{len(ended)}").choices("ACGT", k=length))
        sequence = NucleotideSequence(letters)
        job = engine.submit(Request(analysis, sequence.read_as_rna() if analysis == "fold" else sequence, model), "ann")
        if job.wait(after):
            break
        began = time.monotonic()
        job.cancel("ann")
        assert job.stage == "stopping" or job.finished
        assert job.wait(60)
        ended.append(time.monotonic() - began)
    return min(ended, default=None)
