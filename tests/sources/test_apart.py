"""Long reading in a process of its own: the same answers, and hostile files end at a limit with a sentence."""

from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.errors import Cancelled, FileFormatError, LocusError, ResourceExhausted, SequenceError
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.sources import apart
from engine.sources.genomes import GenomeSet
from engine.sources.understand import read_features_with_note, read_upload
from engine.sources.vcf import read_vcf

VCF = b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", offline=True)


@pytest.fixture
def everything_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "QUICK_BYTES", 0)


def test_a_packed_vcf_that_unpacks_to_gigabytes_ends_at_the_limit(settings: Settings) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(VCF) + b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(60)) + packer.flush()
    few = replace(settings, max_upload_bytes=1_000_000)
    assert len(bomb) < few.max_upload_bytes
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="unpacks to more than 1,000,000 bytes"):
        apart.read_variants("bomb.vcf.gz", bomb, few)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


class Watch:
    """A monitor that stops after some seconds."""

    def __init__(self, seconds: float = float("inf")) -> None:
        self.end = time.monotonic() + seconds

    def start(self, total: int, unit: str = "") -> None: ...

    def advance(self, done: int) -> None:
        if time.monotonic() > self.end:
            raise Cancelled("stopped")

    def publish(self, partial: object) -> None: ...

    def wants_partial(self) -> bool:
        return False


def test_what_is_small_is_read_at_once_and_what_swells_is_not_small() -> None:
    assert apart.is_quick(b">a\nACGT\n")
    assert apart.is_quick(gzip.compress(b">a\nACGT\n", mtime=0))
    assert not apart.is_quick(b"A" * (apart.QUICK_BYTES + 1))
    assert not apart.is_quick(gzip.compress(b"A" * (apart.QUICK_BYTES + 1), mtime=0))


@pytest.mark.usefixtures("everything_apart")
def test_the_process_reads_the_same_as_this_one(settings: Settings) -> None:
    fasta = b">R64:c:11-18 first\nACGTACGU\n".replace(b"U", b"T") + b">rna\nACGU\n>bad\n!\n"
    assert apart.read_file("a.fa", fasta, settings) == read_upload("a.fa", fasta, settings)
    genbank = (
        b"LOCUS       X 12 bp DNA linear BCT 01-JAN-2020\nFEATURES             Location/Qualifiers\n     gene            complement(2..5)\n"
        b'                     /gene="abc"\nORIGIN\n        1 acgtacgtac gt\n//\n'
    )
    there, here = apart.read_file("a.gb", genbank, settings), read_upload("a.gb", genbank, settings)
    assert there == here
    assert dict(there.features[0].attributes) == dict(here.features[0].attributes)
    on = NucleotideSequence("ACGT" * 10, name="c")
    bed = b"c\t3\t9\tname\t7\t-\nc\tbad\nother\t1\t2\n"
    assert apart.read_annotation("a.bed", bed, on, settings) == read_features_with_note("a.bed", bed, on, settings)
    vcf = VCF + b"c\t5\trs1\tA\tG,<DEL>\t.\t.\t.\nc\t0\t.\tA\tT\t.\t.\t.\n"
    assert apart.read_variants("a.vcf", vcf, settings) == read_vcf(vcf, "a.vcf")
    text = ">a\n" + "ACGT" * 10
    assert apart.understand_text(text, GenomeSet(settings), settings) == read_upload("", text.encode(), settings)


@pytest.mark.usefixtures("everything_apart")
def test_the_process_raises_the_same_errors_with_the_same_sentences(settings: Settings) -> None:
    on = NucleotideSequence("ACGT" * 10, name="c")
    asked: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (SequenceError, "'!' at position 5", lambda: apart.read_file("a.fa", b">a\nACGT!\n", settings)),
        (FileFormatError, "is a zip archive", lambda: apart.read_file("a.fa", b"PK\x03\x04", settings)),
        (LocusError, "has no features on 'c'; its contigs are d", lambda: apart.read_annotation("a.bed", b"d\t1\t2\n", on, settings)),
        (FileFormatError, "holds no variants", lambda: apart.read_variants("a.vcf", VCF, settings)),
    ]
    for kind, words, ask in asked:
        with pytest.raises(kind, match=words):
            ask()


HOSTILE: dict[str, Callable[[Settings], object]] = {
    "a million records": lambda s: apart.read_file("a.fa", b">r\nACGT\n" * 1_000_000, s),
    "six million lines": lambda s: apart.read_annotation("a.bed", b"c\t1\t2\n" * 6_000_000, NucleotideSequence("ACGT", name="c"), s),
    "a gzip that swells": lambda s: apart.read_file("a.fa.gz", gzip.compress(b"A" * 60_000_000, mtime=0), s),
    "260,000 GenBank records": lambda s: apart.read_file("a.gb", b"LOCUS       X 4 bp DNA\nORIGIN\n        1 acgt\n//\n" * 260_000, s),
    "12 million alternates": lambda s: apart.read_variants("a.vcf", VCF + b"c\t5\t.\tA\t" + b"C," * 12_000_000 + b"G\t.\t.\t.\n", s),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_at_a_bound_and_leave_this_process_as_it_was(name: str, settings: Settings) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with pytest.raises(FileFormatError) as caught:
        HOSTILE[name](settings)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 400
    assert time.process_time() - began < 10  # of this process; the reading takes place in another one
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kilobytes; the file itself is here


def test_a_record_with_too_many_alternates_is_a_row_with_a_note(settings: Settings) -> None:
    data = VCF + b"c\t4\t.\tA\tG\t.\t.\t.\nc\t5\t.\tA\t" + b"C," * 2_000 + b"G\t.\t.\t.\n"
    good, bad = apart.read_variants("a.vcf", data, settings)
    assert good.problem == ""
    assert "has 2,001 alternate alleles; up to 1,000 are read" in bad.problem


@pytest.mark.usefixtures("everything_apart")
def test_memory_and_time_run_out_in_one_sentence(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b">a\n" + b"ACGT" * 10_000_000
    monkeypatch.setattr(apart, "MEMORY_BYTES", 400_000_000)
    with pytest.raises(ResourceExhausted, match="memory"):
        apart.read_file("a.fa", data, settings)
    monkeypatch.setattr(apart, "MEMORY_BYTES", 2_000_000_000)
    monkeypatch.setattr(apart, "SECONDS", 1)
    many = VCF + b"c\t5\t.\tA\tG\t.\t.\t.\n" * 900_000
    with pytest.raises(ResourceExhausted, match="the limit"):
        apart.read_variants("a.vcf", many, settings)


@pytest.mark.usefixtures("everything_apart")
def test_a_stop_ends_the_process(settings: Settings) -> None:
    many = VCF + b"c\t5\t.\tA\tG\t.\t.\t.\n" * 900_000
    with pytest.raises(Cancelled):
        apart.read_variants("a.vcf", many, settings, Watch(0.5))
    names = [thread.name for thread in threading.enumerate()]
    time.sleep(1.5)
    assert sum(name.startswith("apart-") for name in names) <= 2


@pytest.mark.usefixtures("everything_apart")
def test_more_readers_than_processes_wait_for_their_turn_and_can_be_stopped(settings: Settings) -> None:
    held = [apart._turns.acquire(timeout=1) for _ in range(apart.AT_ONCE)]
    try:
        assert all(held)
        with pytest.raises(Cancelled):
            apart.read_file("a.fa", b">a\nACGT\n", settings, Watch(0.3))
    finally:
        for _ in held:
            apart._turns.release()
    assert apart.read_file("a.fa", b">a\nACGT\n", settings).records[0].letters == "ACGT"


def test_an_uploaded_reference_is_prepared_apart_and_then_only_opened(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "reference.fa.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf>c\r\nACGT\r\n\r\nAC\r\n", mtime=0))
    apart.prepare_reference(path, settings)
    made = {item.name: item.stat().st_mtime_ns for item in (settings.home / "genomes").iterdir()}
    genomes = GenomeSet(settings, files={"mine": path})
    assert genomes.contigs("mine") == {"c": 6}
    assert {item.name: item.stat().st_mtime_ns for item in (settings.home / "genomes").iterdir()} == made
    path.write_bytes(gzip.compress(b">c\n" + b"A" * 60_000_000, mtime=0))
    with pytest.raises(FileFormatError, match="unpacks to more than 50,000,000 bytes"):
        apart.prepare_reference(path, settings)
    assert sum(item.stat().st_size for item in (settings.home / "genomes").iterdir()) < 1_000_000
