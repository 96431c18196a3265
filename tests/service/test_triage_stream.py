"""A triage that is scored in pieces: the same answer, continued after a kill, as large as it likes."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.consequences import Consequence
from engine.core.errors import Cancelled
from engine.core.progress import Monitor, SilentMonitor
from engine.core.proteins import MissenseScore, Substitution
from engine.core.settings import Settings
from engine.core.splicing import SiteChange, SpliceScore
from engine.core.variants import ScoredVariant, Triage, TriageParameters, Variant
from engine.exports.triage_table import write_triage_table
from engine.exports.vcf import write_triage_vcf
from engine.service import triage_stream
from engine.service.engine import Engine
from engine.service.triage import ReferenceLetters, TriageRequest
from engine.service.triage_stream import Journal, Stream, of_line, run_stream, to_line
from engine.sources.vcf import read_vcf
from tests.fake_model import Calls, FakeRegistry
from tests.service.test_triage import CONTIG, HEADER, RECORDS, lines_of_file

VARIANT = Variant("chr1", 5, "A", "G", "rs1", 3, 1, frequency=0.25)
FULL = ScoredVariant(
    VARIANT, "scored", -1.25, 0.5, -3.0, -0.5, "a note", (Consequence(("stop_gained", "splice_region_variant"), "G", "t", "c.1A>G", "p.?", 11, "x"),
    Consequence(("intron_variant",)),), (5, "A", "G"), -2.0, 0.01, 0.9, ("llr",), "why",
    SpliceScore(VARIANT, "scored", "G", "-", SiteChange(0.5, 7, 0.1, 0.6), None, SiteChange(0.0), SiteChange(0.25, 4), "edge"),
    MissenseScore(0.9, "likely_pathogenic", "ENST1", Substitution("P1", 2, "V", "M")),
)  # fmt: skip


@pytest.mark.parametrize("row", [FULL, ScoredVariant(Variant(".", 0, ".", ".", problem="bad line"), "not_scored", note="bad line")])
def test_a_row_is_the_same_after_its_journal(row: ScoredVariant) -> None:
    assert of_line(to_line(row)) == row


@pytest.fixture
def vcf(tmp_path: Path) -> Path:
    path = tmp_path / "in.vcf"
    path.write_text(HEADER + "\n".join(RECORDS) + "\n")
    return path


@pytest.fixture
def reference(tmp_path: Path) -> ReferenceLetters:
    path = tmp_path / "ref.fa"
    path.write_text(f">1 small\n{CONTIG}\n")
    return ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", Calls()))


def the_stream(path: Path, request: TriageRequest) -> Stream:
    found = read_vcf(path)
    return Stream(lambda: iter(found), len(found), hashlib.sha256(path.read_bytes()).hexdigest(), request)


def test_in_pieces_it_is_the_triage_of_the_whole(
    vcf: Path, reference: ReferenceLetters, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage_stream, "FIRST_PIECE", 2)
    monkeypatch.setattr(triage_stream, "PIECE", 2)
    request = TriageRequest((), reference, parameters=TriageParameters(20))
    whole = engine.run_triage(replace(request, variants=read_vcf(vcf)))
    journal = Journal(tmp_path / "j", "x")
    found = run_stream(engine.run_triage, the_stream(vcf, request), journal, SilentMonitor())
    journal.close(done=False)
    assert list(found.rows) == list(whole.rows)
    assert found.rows[2] == whole.rows[2]
    assert found.rows[1:3] == list(whole.rows[1:3])
    assert found.ranks() == whole.ranks()
    assert found.provenance.sequence_length == whole.provenance.sequence_length
    for write in (
        write_triage_table,
        lambda given, path: write_triage_vcf(given, lines_of_file(vcf), path),
    ):
        for name, given in (("a.vcf", found), ("b.vcf", whole)):
            write(Triage(given.rows, whole.provenance), tmp_path / name)
        assert (tmp_path / "a.vcf").read_text() == (tmp_path / "b.vcf").read_text()


class Impatient(SilentMonitor):
    """Stops after some variants."""

    def __init__(self, most: int) -> None:
        self.left = most

    def advance(self, done: int) -> None:
        self.left -= done
        if self.left < 0:
            raise Cancelled("enough")


def test_a_run_that_ended_in_the_middle_goes_on_and_gives_the_same(
    vcf: Path, reference: ReferenceLetters, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage_stream, "FIRST_PIECE", 2)
    monkeypatch.setattr(triage_stream, "PIECE", 2)
    request = TriageRequest((), reference, parameters=TriageParameters(20))
    stream = the_stream(vcf, request)
    first = Journal(tmp_path / "j", "x")
    with pytest.raises(Cancelled):
        run_stream(engine.run_triage, stream, first, Impatient(5))
    first.close(done=False)
    assert 2 <= len(first) < stream.count
    with (tmp_path / "j").open("ab") as handle:
        handle.write(b'[["chr1",9,"G"')  # what a killed process leaves
    again = Journal(tmp_path / "j", "x")
    assert len(again) == len(first)
    found = run_stream(engine.run_triage, stream, again, SilentMonitor())
    whole = engine.run_triage(replace(request, variants=read_vcf(vcf)))
    assert list(found.rows) == list(whole.rows)
    assert found.provenance.parameters["rows_from_an_earlier_run"] == len(first)
    again.close(done=True)
    assert not (tmp_path / "j").exists()


def test_which_batches_were_unusual_is_known_of_every_piece_and_after_an_end(
    vcf: Path, reference: ReferenceLetters, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage_stream, "FIRST_PIECE", 2)
    monkeypatch.setattr(triage_stream, "PIECE", 2)
    whole, pieces, stopped = engine.run_triage, list[Triage](), list[bool]()

    def run(request: TriageRequest, monitor: Monitor | None = None) -> Triage:
        found: Triage = whole(request, monitor)
        if len(pieces) == 2 and not stopped:
            stopped.append(True)
            raise Cancelled("enough")
        pieces.append(found)
        told = {2: "smaller", 3: "shared"}.get(len(pieces), "")
        return Triage(found.rows, replace(found.provenance, batches=told))

    monkeypatch.setattr(engine, "run_triage", run)
    stream = the_stream(vcf, TriageRequest((), reference, parameters=TriageParameters(20)))
    first = Journal(tmp_path / "j", "x")
    with pytest.raises(Cancelled):
        run_stream(engine.run_triage, stream, first, SilentMonitor())
    first.close(done=False)
    assert len(first) == 4
    again = Journal(tmp_path / "j", "x")
    assert (len(again), again.batches) == (4, "smaller")
    found = run_stream(engine.run_triage, stream, again, SilentMonitor())
    assert found.provenance.batches == "shared, smaller"
    assert list(found.rows) == [row for piece in pieces for row in piece.rows]
    again.close(done=True)


def test_pieces_grow_while_they_are_quick_and_shrink_when_they_are_slow() -> None:
    assert [triage_stream._next_size(100, seconds) for seconds in (1, 7, 30)] == [200, 100, 50]
    assert triage_stream._next_size(800, 1) == triage_stream.PIECE
    assert triage_stream._next_size(1, 100) == 1


def of_a_visitor(vcf: Path, folder: Path, genome: str) -> Stream:
    """A question with an uploaded genome, which lies somewhere else each time."""
    folder.mkdir()
    (folder / "reference.fa").write_text(genome)
    letters = ReferenceLetters.of_file(folder / "reference.fa", Settings(home=folder))
    held = replace(letters, sha256=hashlib.sha256(genome.encode()).hexdigest())
    found = read_vcf(vcf)
    return the_stream(vcf, TriageRequest(found, held, parameters=TriageParameters(20)))


def test_a_visitors_triage_whose_session_ended_goes_on_when_it_is_asked_again(
    vcf: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triage_stream, "FIRST_PIECE", 2)
    monkeypatch.setattr(triage_stream, "PIECE", 2)
    genome = f">1 small\n{CONTIG}\n"
    whole = engine.run_triage(of_a_visitor(vcf, tmp_path / "a", genome).request)
    add = Journal.add

    def once(self: Journal, rows: Iterable[ScoredVariant], batches: str = "") -> None:
        add(self, rows, batches)
        raise Cancelled("the session ended")

    monkeypatch.setattr(Journal, "add", once)
    first = engine.submit_stream(of_a_visitor(vcf, tmp_path / "b", genome), "ada")
    assert first.wait(60)
    assert first.state == "cancelled"
    monkeypatch.setattr(Journal, "add", add)
    again = engine.submit_stream(of_a_visitor(vcf, tmp_path / "c", genome), "ben")
    assert again.wait(60)
    found = again.answer()
    assert found.provenance.parameters["rows_from_an_earlier_run"] == 2
    assert list(found.rows) == list(whole.rows)
    assert not list((engine.settings.home / "visitors" / "unfinished").glob("*.rows"))
    other = engine.submit_stream(of_a_visitor(vcf, tmp_path / "d", genome + "A\n"), "ada")
    assert other.wait(60)
    assert "rows_from_an_earlier_run" not in other.answer().provenance.parameters


def test_what_nobody_came_back_for_is_deleted_and_nothing_is_written_where_it_may_not_be(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, disk_bytes=16 * 100)
    with triage_stream.unfinished(settings, "one") as place, triage_stream.unfinished(settings, "one") as taken:
        assert place is not None
        assert taken is None
        place.write_bytes(b"x" * 60)
    os.utime(place, (time.time() - 60,) * 2)
    with triage_stream.unfinished(settings, "two") as other:
        assert other is not None
        assert place.exists()
        other.write_bytes(b"x" * 60)
    with triage_stream.unfinished(settings, "three"):
        assert not place.exists()
        assert other.exists()
    os.utime(other, (time.time() - 8 * 86_400,) * 2)
    with triage_stream.unfinished(settings, "three"):
        assert not other.exists()
    with triage_stream.unfinished(replace(settings, keep="memory"), "one") as nowhere:
        assert nowhere is None


def test_rows_that_are_being_written_are_never_swept_away(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, disk_bytes=16 * 100)
    with triage_stream.unfinished(settings, "one") as place:
        assert place is not None
        place.write_bytes(b"x" * 150)  # more than all may take together
        with triage_stream.unfinished(settings, "two"), triage_stream.unfinished(settings, "one") as taken:
            assert taken is None
        assert place.exists()
    with triage_stream.unfinished(settings, "two"):
        assert not place.exists()
        assert not place.with_suffix(".lock").exists()


def test_rows_of_other_code_or_another_processor_are_not_continued(
    vcf: Path, reference: ReferenceLetters, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = TriageRequest((), reference, parameters=TriageParameters(20))

    def identity(**changes: str) -> str:
        return triage_stream.identity_of(engine, the_stream(vcf, replace(request, **changes)))  # type: ignore[arg-type]

    usual = identity()
    assert usual == identity(device="cpu", dtype="float32")
    others = {identity(species="yeast"), identity(dtype="bfloat16")}
    monkeypatch.setattr(triage_stream, "code_fingerprint", lambda: "other")
    others.add(identity())
    monkeypatch.setattr(triage_stream, "kind", lambda _device: "another")
    others.add(identity())
    assert len(others - {usual}) == 4


def test_a_journal_of_another_question_is_begun_anew(tmp_path: Path) -> None:
    one = Journal(tmp_path / "j", "x")
    one.add([FULL])
    one.close(done=False)
    for identity, count in (("x", 1), ("y", 0)):
        again = Journal(tmp_path / "j", identity)
        assert len(again) == count
        again.close(done=False)


@pytest.mark.long
def test_the_rows_of_a_large_triage_take_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    journal = Journal(tmp_path / "j", "x")
    for _ in range(20):
        journal.add([FULL] * 500)
    journal.close(done=False)
    found = Triage(journal.rows(), None)  # type: ignore[arg-type]
    tracemalloc.start()
    assert sum(rank is not None for rank in found.ranks()) == 0  # llr does not rank it
    assert sum(1 for _ in found.rows) == 10_000
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
