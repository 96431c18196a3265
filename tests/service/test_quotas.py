"""What one visitor may use in an hour."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core import asking
from engine.core.errors import ResourceExhausted
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service import quotas as module
from engine.service.engine import Engine, Request
from engine.service.quotas import Quotas
from tests.fake_model import Calls, FakeRegistry

LIMITED = Settings(visitor_seconds=10, visitor_upload_bytes=1000, visitor_calls=3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_each_limit_has_its_sentence_and_an_hour_later_it_starts_anew(clock: list[float]) -> None:
    quotas = Quotas(LIMITED)
    quotas.introduce("ann")
    quotas.add("ann", "seconds", 12.4)
    quotas.take("ann", "upload_bytes", 900)
    for _ in range(3):
        quotas.take("ann", "calls", 1)
    clock[0] += 20 * 60
    with pytest.raises(
        ResourceExhausted, match=r"^You have used 12 s of computing within the hour; .* a visitor 10\. Go on in 40 minutes\.$"
    ):
        quotas.check("ann", "seconds")
    with pytest.raises(
        ResourceExhausted, match=r"^You have uploaded 1,001 bytes .* takes 1,000 from a visitor\. Go on in 40 minutes, or .*\.$"
    ):
        quotas.take("ann", "upload_bytes", 101)
    quotas.take("ann", "upload_bytes", 100)
    with pytest.raises(
        ResourceExhausted, match=r"^Public services were asked 3 times for you .* Go on in 40 minutes, or paste the letters\.$"
    ):
        quotas.take("ann", "calls", 1)
    assert quotas.refused == {"seconds": 1, "upload_bytes": 1, "calls": 1}
    clock[0] += 40 * 60
    quotas.check("ann", "seconds")
    quotas.take("ann", "calls", 1)


def test_visits_of_one_person_count_together_and_those_of_nobody_known_by_themselves(clock: list[float]) -> None:
    quotas = Quotas(LIMITED)
    for visitor, person in (("tab 1", "user ann"), ("tab 2", "user ann"), ("tab 3", "")):
        quotas.introduce(visitor, person)
    quotas.add("tab 1", "seconds", 11)
    quotas.forget("tab 1")
    with pytest.raises(ResourceExhausted):
        quotas.check("tab 2", "seconds")
    quotas.check("tab 3", "seconds")


def test_the_command_line_and_an_installation_without_limits_are_never_refused() -> None:
    quotas = Quotas(LIMITED)
    quotas.add("run-1", "seconds", 1e9)
    quotas.check("run-1", "seconds")
    usual = Quotas(Settings())
    usual.introduce("ann")
    usual.take("ann", "upload_bytes", 1e12)


def test_a_computation_ends_when_its_visitor_has_used_the_hours_share_and_the_next_one_is_refused(tmp_path: Path) -> None:
    """A pass takes 20 ms, a batch has eight sequences: a second is over long before the map of 400 bases is there."""
    engine = Engine(Settings(home=tmp_path, visitor_seconds=1), FakeRegistry(tmp_path / "models", Calls(seconds=0.02)))
    engine.jobs.here("ann")
    engine.jobs.quotas.introduce("ann")
    letters = "".join(np.random.default_rng(3).choice(list("ACGT"), 400))
    job = engine.submit(Request("dependency", NucleotideSequence(letters), "pairs"), "ann")
    assert job.wait(60)
    assert job.state == "failed"
    assert re.match(r"You have used 1 s of computing within the hour; this server gives a visitor 1\.", str(job.error))
    assert 0 < job.done < job.total
    with pytest.raises(ResourceExhausted, match="You have used"):
        engine.submit(Request("dependency", NucleotideSequence(letters[:50]), "pairs"), "ann")
    engine.jobs.quotas.introduce("ben")
    other = engine.submit(Request("dependency", NucleotideSequence(letters[:8]), "pairs"), "ben")
    assert other.wait(60)
    assert other.state == "done"


def test_a_question_to_a_service_is_counted_before_it_is_sent_and_refused_when_there_were_enough() -> None:
    from engine.sources.http import Service

    quotas = Quotas(LIMITED)
    quotas.introduce("ann")
    quotas.add("ann", "calls", 3)
    service = Service("Ensembl", "http://127.0.0.1:9", replace(Settings(), offline=False))
    with (
        asking.counted(lambda _name: quotas.take("ann", "calls", 1)),
        pytest.raises(ResourceExhausted, match="Public services were asked 3 times"),
    ):
        service.get("/", {})
