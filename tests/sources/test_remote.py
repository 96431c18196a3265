"""Public services, spoken to on local servers that answer as they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.core.errors import LocusError, SourceUnavailable
from engine.core.locus import Locus
from engine.core.settings import Settings
from engine.sources.ensembl import Ensembl
from engine.sources.entrez import Entrez
from engine.sources.genomes import GenomeSet
from engine.sources.remote import RemoteGenomes
from engine.sources.ucsc import Ucsc
from engine.sources.understand import understand

CONTIG = "acgtNRYtgca" * 20  # 220 bases as a service prints them


@dataclass
class Asked:
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


Reply = tuple[int, str] | tuple[int, str, dict[str, str]]


@dataclass
class Server:
    """Answers with ``reply(asked, number)`` and remembers what it was asked."""

    reply: Callable[[Asked, int], Reply] = lambda asked, number: (200, "")
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(parts.path, parse_qs(parts.query), dict(self.headers))
            state.asked.append(asked)
            status, body, *extra = state.reply(asked, len(state.asked))
            data = body.encode()
            self.send_response(status)
            for name, value in (extra[0] if extra else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Silent."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{running.server_address[1]}"
    yield state
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def online(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, contact_email="someone@example.org", max_upload_bytes=10_000)


def ucsc_reply(asked: Asked, number: int) -> Reply:
    start, end = int(asked.query["start"][0]), int(asked.query["end"][0])
    if asked.query["chrom"] != ["chrX"]:
        return 400, json.dumps({"error": "can not find specified chrom", "statusCode": 400})
    return 200, json.dumps({"genome": asked.query["genome"][0], "start": start, "end": end, "dna": CONTIG[start:end]})


def ncbi_reply(asked: Asked, number: int) -> Reply:
    if asked.query["id"][0].startswith("NC_000913"):
        start, end = int(asked.query["seq_start"][0]), int(asked.query["seq_stop"][0])
        letters = CONTIG[start - 1 : end]
        return 200, f">NC_000913.3:{start}-{end} E. coli\n{letters[:70]}\n{letters[70:]}\n\n"
    return 400, "Error: F a i l e d  t o  u n d e r s t a n d  i d : X\n"


def ensembl_reply(asked: Asked, number: int) -> Reply:
    if asked.path == "/sequence/region/homo_sapiens/7:11..20:1":
        return 200, CONTIG[10:20]
    if asked.path == "/overlap/region/homo_sapiens/7:11-20":
        return 200, json.dumps(
            [
                {
                    "feature_type": "gene",
                    "id": "ENSG1",
                    "external_name": "EGFR",
                    "start": 5,
                    "end": 30,
                    "strand": -1,
                    "biotype": "protein_coding",
                },
                {"feature_type": "exon", "id": "ENSE1", "start": 12, "end": 15, "strand": -1, "rank": 2},
            ]
        )
    return 400, json.dumps({"error": "Can not find slice for location"})


def test_ucsc_is_asked_in_zero_based_coordinates(server: Server, online: Settings) -> None:
    server.reply = ucsc_reply
    assert Ucsc(online, server.url).letters("sacCer3", "chrX", 10, 20) == CONTIG[10:20].upper()
    asked = server.asked[0]
    assert (asked.path, asked.query) == ("/getData/sequence", {"genome": ["sacCer3"], "chrom": ["chrX"], "start": ["10"], "end": ["20"]})
    assert "someone@example.org" in asked.headers["User-Agent"]


def test_ncbi_is_asked_in_one_based_coordinates_with_tool_and_address(server: Server, online: Settings) -> None:
    server.reply = ncbi_reply
    assert Entrez(online, server.url).letters("NC_000913.3", 0, 90) == CONTIG[:90].upper()
    query = server.asked[0].query
    assert server.asked[0].path == "/efetch.fcgi"
    assert (query["seq_start"], query["seq_stop"], query["strand"], query["rettype"]) == (["1"], ["90"], ["1"], ["fasta"])
    assert (query["tool"], query["email"]) == (["locuscope"], ["someone@example.org"])


def test_ensembl_gives_letters_and_features_in_zero_based_coordinates(server: Server, online: Settings) -> None:
    server.reply = ensembl_reply
    client = Ensembl(online, server.url)
    assert client.letters("homo_sapiens", "7", 10, 20) == CONTIG[10:20].upper()
    gene, exon = client.features("homo_sapiens", "7", 10, 20)
    assert (gene.kind, gene.name, gene.start, gene.end, gene.strand, gene.contig) == ("gene", "EGFR", 4, 30, "-", "7")
    assert (exon.kind, exon.start, exon.end, exon.attributes["rank"]) == ("exon", 11, 15, "2")
    assert server.asked[1].query["feature"] == ["gene", "exon", "cds"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_troubles_are_tried_again(status: int, server: Server, online: Settings) -> None:
    server.reply = lambda asked, number: (status, "later") if number < 3 else ucsc_reply(asked, number)
    assert Ucsc(online, server.url, first_wait_seconds=0.01).letters("x", "chrX", 0, 4) == "ACGT"
    assert len(server.asked) == 3


def test_a_service_that_stays_busy_is_given_up_after_four_attempts(server: Server, online: Settings) -> None:
    server.reply = lambda asked, number: (503, "later", {"Retry-After": "0"})
    with pytest.raises(SourceUnavailable, match=r"UCSC is busy \(status 503\) after 4 attempts"):
        Ucsc(online, server.url, first_wait_seconds=5).letters("x", "chrX", 0, 4)
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [301, 401, 403, 418])
def test_other_answers_are_final(status: int, server: Server, online: Settings) -> None:
    server.reply = lambda asked, number: (status, "no", {"Location": "http://127.0.0.1:1/"})
    for ask in (
        lambda: Ucsc(online, server.url).letters("x", "chrX", 0, 4),
        lambda: Entrez(online, server.url).letters("NC_000913.3", 0, 4),
        lambda: Ensembl(online, server.url).letters("homo_sapiens", "7", 0, 4),
    ):
        with pytest.raises(SourceUnavailable, match=str(status)):
            ask()
    assert len(server.asked) == 3


def test_a_contig_or_accession_that_does_not_exist_is_a_locus_error(server: Server, online: Settings) -> None:
    server.reply = ucsc_reply
    with pytest.raises(LocusError, match="UCSC has no hg38:chrQ:1-4"):
        Ucsc(online, server.url).letters("hg38", "chrQ", 0, 4)
    server.reply = ncbi_reply
    with pytest.raises(LocusError, match=r"NCBI has no record 'NC_999999\.1'"):
        Entrez(online, server.url).letters("NC_999999.1", 0, 4)
    server.reply = ensembl_reply
    with pytest.raises(LocusError, match="Ensembl has no"):
        Ensembl(online, server.url).letters("homo_sapiens", "99", 0, 4)
    with pytest.raises(LocusError, match="not an accession"):
        Entrez(online, server.url).letters("NC_1&db=protein", 0, 4)


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "[1, 2]", '{"dna": 7}', ""])
def test_an_answer_of_another_kind_is_said_to_be_one(body: str, server: Server, online: Settings) -> None:
    server.reply = lambda asked, number: (200, body)
    with pytest.raises((SourceUnavailable, LocusError)):
        Ucsc(online, server.url).letters("x", "chrX", 0, 4)
    with pytest.raises((SourceUnavailable, LocusError)):
        Entrez(online, server.url).letters("NC_000913.3", 0, 4)


def test_an_answer_without_end_is_cut_off(server: Server, online: Settings) -> None:
    server.reply = lambda asked, number: (200, "A" * 50_000)
    with pytest.raises(SourceUnavailable, match="more than 40,000 bytes"):
        Ensembl(online, server.url).letters("homo_sapiens", "7", 0, 4)


def test_nothing_is_asked_when_offline(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="offline"):
        Ucsc(Settings(home=tmp_path, offline=True), server.url).letters("x", "chrX", 0, 4)
    assert server.asked == []


def test_a_host_that_does_not_answer_is_one_sentence(online: Settings) -> None:
    with pytest.raises(SourceUnavailable, match="UCSC cannot be reached"):
        Ucsc(online, "http://127.0.0.1:1", first_wait_seconds=0.01).letters("x", "chrX", 0, 4)


@pytest.fixture
def remote(server: Server, online: Settings) -> RemoteGenomes:
    def reply(asked: Asked, number: int) -> Reply:
        if asked.path.startswith("/getData"):
            return ucsc_reply(asked, number)
        return ncbi_reply(asked, number) if asked.path.startswith("/efetch") else ensembl_reply(asked, number)

    server.reply = reply
    return RemoteGenomes(online, {"ucsc": server.url, "ncbi": server.url, "ensembl": server.url})


@pytest.mark.parametrize(
    ("text", "path", "strand"),
    [
        ("hg38:X:11-20", "/getData/sequence", "+"),
        ("sacCer3:chrX:11-20:-", "/getData/sequence", "-"),
        ("hg19:chr7:11-20", "/sequence/region/homo_sapiens/7:11..20:1", "+"),
        ("K12:chr:11-20", "/efetch.fcgi", "+"),
        ("NC_000913.3:11-20:-", "/efetch.fcgi", "-"),
    ],
)
def test_each_known_assembly_is_asked_of_its_own_service(
    text: str, path: str, strand: str, server: Server, remote: RemoteGenomes, online: Settings
) -> None:
    record = understand(text, GenomeSet(online, remote), online).records[0]
    assert (
        record.letters == ("ACGTNRYTGCA" * 2)[10:20] if strand == "+" else record.reverse_complement().letters == ("ACGTNRYTGCA" * 2)[10:20]
    )
    assert server.asked[0].path == path


def test_a_place_asked_for_twice_is_fetched_once(server: Server, remote: RemoteGenomes) -> None:
    place = Locus("R64", "chrX", 10, 20)
    assert remote.letters(place) == remote.letters(place)
    assert len(server.asked) == 1


def test_letters_that_are_too_few_mean_that_the_contig_ends(remote: RemoteGenomes) -> None:
    with pytest.raises(LocusError, match="only 20 of its 30 bases"):
        remote.letters(Locus("R64", "chrX", 200, 230))


def test_an_accession_without_an_assembly_is_asked_of_ncbi(server: Server, remote: RemoteGenomes, online: Settings) -> None:
    with pytest.raises(LocusError, match=r"NCBI has no record 'MN908947\.9'"):
        understand("MN908947.9:1-30", GenomeSet(online, remote), online)
    assert server.asked[-1].query["id"] == ["MN908947.9"]


def test_genes_of_a_remote_locus_come_from_ensembl_on_its_strand(server: Server, remote: RemoteGenomes, online: Settings) -> None:
    found = understand("hg19:7:11-20:-", GenomeSet(online, remote), online)
    assert [(item.kind, item.name, item.start, item.end, item.strand) for item in found.features] == [
        ("gene", "EGFR", 0, 10, "+"),
        ("exon", "ENSE1", 5, 9, "+"),
    ]
    assert server.asked[0].query["coord_system_version"] == ["GRCh37"]


def test_letters_are_shown_even_when_the_annotation_does_not_come(server: Server, remote: RemoteGenomes, online: Settings) -> None:
    found = understand("sacCer3:chrX:11-20", GenomeSet(online, remote), online)
    assert len(found.records[0]) == 10
    assert found.features == ()
    assert found.notes[-1].startswith("No annotation is shown: Ensembl has no saccharomyces_cerevisiae X:11-20")


def test_features_of_another_assembly_are_refused(server: Server, online: Settings) -> None:
    item = {"feature_type": "gene", "id": "G", "start": 1, "end": 2, "strand": 1, "assembly_name": "GRCh39"}
    server.reply = lambda asked, number: (200, json.dumps([item]))
    with pytest.raises(SourceUnavailable, match="now serves GRCh39"):
        Ensembl(online, server.url).features("homo_sapiens", "7", 0, 4, frozenset({"GRCh38", "hg38"}))
