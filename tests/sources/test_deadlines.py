"""Services that drip, hang, lie or ask to wait: a deadline for the whole answer, a stop, and a sentence that names them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core.errors import Cancelled, LocusError, SourceUnavailable
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.sources.ensembl import Ensembl
from engine.sources.entrez import Entrez
from engine.sources.genomes import GenomeSet
from engine.sources.http import Answer, Service
from engine.sources.remote import RemoteGenomes
from engine.sources.ucsc import Ucsc
from engine.sources.understand import understand
from tests.sources.test_apart import Watch

GENBANK = """LOCUS       X123456                   12 bp    DNA     linear   BCT 01-JAN-2020
ACCESSION   X123456
VERSION     X123456.1
FEATURES             Location/Qualifiers
     gene            2..5
                     /gene="abc"
ORIGIN
        1 acgtacgtac gt
//
"""


@pytest.fixture
def online(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, max_upload_bytes=10_000)


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes, float], str]]:
    """A server that sends the given bytes at once, then one byte more each so many seconds, for ever."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    threads: list[threading.Thread] = []

    def serve(first: bytes, pause: float) -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection:
                try:
                    connection.sendall(first)
                    while not stop.wait(pause):
                        connection.sendall(b"A")
                except OSError:
                    continue

    def started(first: bytes, pause: float) -> str:
        thread = threading.Thread(target=serve, args=(first, pause))
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield started
    stop.set()
    for thread in threads:
        thread.join()
    listener.close()


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nACGT", 0.05),
    "header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", 0.05),
    "status": (b"HTTP/1.1 2", 0.05),
    "silence": (b"", 60.0),
}


@pytest.mark.parametrize("name", DRIPS)
def test_an_answer_that_drips_ends_at_the_deadline(name: str, dripping: Callable[[bytes, float], str], online: Settings) -> None:
    service = Service("Ensembl", dripping(*DRIPS[name]), online, answer_seconds=0.6)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"Ensembl (did not finish its answer within 0\.6 s|cannot be reached)"):
        service.get("/x", {})
    assert time.monotonic() - began < 30  # it drips for ever


@pytest.mark.parametrize("name", DRIPS)
def test_a_stop_is_heard_while_an_answer_drips(name: str, dripping: Callable[[bytes, float], str], online: Settings) -> None:
    service = Service("Ensembl", dripping(*DRIPS[name]), online)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        service.get("/x", {}, monitor=Watch(0.3))
    assert time.monotonic() - began < 30


def test_waiting_for_a_retry_counts_and_can_be_stopped(online: Settings, dripping: Callable[[bytes, float], str]) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"
    service = Service("UCSC", dripping(busy, 60.0), online, answer_seconds=0.5)
    with pytest.raises(SourceUnavailable, match="did not finish"):
        service.get("/x", {})
    with pytest.raises(Cancelled):
        Service("UCSC", service.base_url, online).get("/x", {}, monitor=Watch(0.2))


def test_the_box_stops_while_a_service_is_asked(dripping: Callable[[bytes, float], str], online: Settings) -> None:
    url = dripping(*DRIPS["body"])
    remote = RemoteGenomes(online, {"ucsc": url, "ncbi": url, "ensembl": url})
    for text in ("hg38:chr1:1-100", "NC_000913.3:1-100", "NC_000913.3", "rs699", "hg38:chr1:100:A:G"):
        with pytest.raises(Cancelled):
            understand(text, GenomeSet(online, remote), online, Watch(0.2))


def test_requests_of_several_threads_keep_the_pace_that_the_service_asks_for(online: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("NCBI", "http://127.0.0.1:1", online, interval_seconds=0.2)
    assert [round(service._pause(), 1) for _ in range(4)] == [0.0, 0.2, 0.4, 0.6]


def answering(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, str]) -> None:
    left = list(answers)
    monkeypatch.setattr(Service, "get", lambda *_: Answer(*(left.pop(0) if len(left) > 1 else left[0])))


LIES: list[tuple[Callable[[Settings], object], str, str]] = [
    (
        lambda s: Ucsc(s).letters("hg38", "chr1", 10, 14),
        json.dumps({"genome": "mm10", "start": 10, "dna": "ACGT"}),
        "UCSC answered for another place",
    ),
    (
        lambda s: Ucsc(s).letters("hg38", "chr1", 10, 14),
        json.dumps({"genome": "hg38", "start": 0, "dna": "ACGT"}),
        "UCSC answered for another place",
    ),
    (
        lambda s: RemoteGenomes(s).letters(Locus("GRCh38", "chr1", 0, 4)),
        json.dumps({"dna": "ACGTA"}),
        "UCSC sent 5 letters where 4 were asked for",
    ),
    (
        lambda s: RemoteGenomes(s).letters(Locus("GRCh38", "chr1", 0, 4)),
        json.dumps({"dna": "AC-T"}),
        "UCSC sent something that is no sequence",
    ),
    (lambda s: RemoteGenomes(s).letters(Locus("GRCh38", "chr1", 0, 5)), json.dumps({"dna": "AC 12"}), "UCSC sent"),
    (lambda s: Entrez(s).letters("NC_000913.3", 0, 4), ">NC_000999.1:1-4 x\nACGT\n", "NCBI answered with another record than NC_000913.3"),
    (lambda s: Entrez(s).flat_file("NC_000913.3"), GENBANK, "NCBI answered with another record"),
    (
        lambda s: Ensembl(s).features("homo_sapiens", "7", 0, 4),
        json.dumps([{"feature_type": "gene", "start": 9, "end": 3}]),
        "Ensembl did not answer with a list",
    ),
    (lambda s: Ensembl(s).features("homo_sapiens", "7", 0, 4), "[" * 90_000, "Ensembl did not answer with a list"),
    (lambda s: Ensembl(s).variation("rs1"), json.dumps({"mappings": []}), "Ensembl did not answer with one place of 'rs1'"),
]


@pytest.mark.parametrize("number", range(len(LIES)))
def test_a_service_that_lies_is_named(number: int, online: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, body, words = LIES[number]
    answering(monkeypatch, (200, body))
    with pytest.raises(SourceUnavailable, match=words):
        ask(online)


def test_an_accession_is_fetched_whole_with_its_features(online: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, (200, GENBANK))
    found = understand("X123456.1", GenomeSet(online), online)
    assert (found.records[0].letters, found.normal) == ("ACGTACGTACGT", "X123456.1")
    assert [(item.name, item.start, item.end) for item in found.features] == [("abc", 1, 5)]
    assert found.notes[-1] == "X123456.1 comes from NCBI."


def test_a_dbsnp_identifier_is_shown_where_ensembl_puts_it(online: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {
        "assembly_name": "GRCh38",
        "seq_region_name": "1",
        "start": 200,
        "end": 200,
        "allele_string": "A/G",
        "coord_system": "chromosome",
    }
    letters = "C" * 149 + "CA" + "C" * 149  # 50 to 349, A at 200
    answering(monkeypatch, (200, json.dumps({"mappings": [place]})), (200, json.dumps({"dna": letters})), (200, "[]"))
    found = understand("RS12345", GenomeSet(online), online)
    assert str(found.records[0].locus) == "GRCh38:chr1:50-349"
    assert found.features[-1].name == "A>G"
    assert found.notes[-1] == "rs12345 is A/G at GRCh38:1:200-200 by Ensembl."
    answering(monkeypatch, (404, "{}"))
    with pytest.raises(LocusError, match="Ensembl has no human variant 'rs9'"):
        understand("rs9", GenomeSet(online), online)
