"""AlphaGenome through its official client, over gRPC against a local server of the published protocol."""

from __future__ import annotations

import logging
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from engine.__main__ import main
from engine.core.errors import InputError, LocuscopeError, LocusError, ParameterError, ResourceExhausted, SourceUnavailable, WeightsMissing
from engine.core.protocols import VariantScorer
from engine.core.settings import Settings
from engine.core.variants import Variant
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.models.scorers import alphagenome, terms
from engine.service.engine import Engine
from tests.models.scorers.genome_server import KEY, Behaviour, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    from alphagenome.models.v1 import dna_client

    monkeypatch.setattr(dna_client, "time", types.SimpleNamespace(sleep=lambda _: None))
    with serving(Behaviour()) as behaviour:
        yield behaviour


@pytest.fixture
def model(server: Behaviour) -> Iterator[alphagenome.AlphaGenome]:
    with grpc.insecure_channel(server.address) as channel:
        yield alphagenome.AlphaGenome(channel, KEY)


def test_a_variant_is_scored_by_the_recommended_scorers(model: Any, server: Behaviour) -> None:
    scores = model.score("GRCh38", "22", 36_201_698, "a", "C")
    (request,) = server.requests
    assert (request.variant.chromosome, request.variant.position) == ("chr22", 36_201_698)
    assert (request.variant.reference_bases, request.variant.alternate_bases) == ("A", "C")
    assert request.interval.end - request.interval.start == 1_048_576
    middle = (request.interval.end + request.interval.start) / 2
    assert abs(middle - 36_201_697.5) <= 1
    assert request.organism == 9606
    assert server.keys == [KEY]
    kinds = [scorer.WhichOneof("scorer") for scorer in request.variant_scorers]
    with_genes = {"gene_mask", "gene_mask_active", "gene_mask_splicing", "splice_junction", "pa_qtl"}
    assert len(scores) == sum(4 if kind in with_genes else 2 for kind in kinds)
    first = [score for score in scores if score.name == "ATAC"]
    place = next(i for i, scorer in enumerate(request.variant_scorers) if scorer.center_mask.requested_output == 1)
    assert [score.value for score in first[:2]] == pytest.approx([place, place + 0.1])
    assert first[1].label == f"quantile {(place + 0.1) / 100:.5f}"
    genes = [score for score in scores if "GENE2" in score.context]
    assert genes
    assert "ENSG2" in genes[0].context
    assert "lung" in genes[0].context


def test_an_insertion_is_sent_as_it_is(model: Any, server: Behaviour) -> None:
    model.score("hg38", "chr1", 1_000_000, "A", "ATG", width_bp=16_384)
    assert server.requests[0].variant.alternate_bases == "ATG"
    assert server.requests[0].interval.end - server.requests[0].interval.start == 16_384


def test_a_variant_near_the_beginning_gets_an_interval_that_exists(model: Any, server: Behaviour) -> None:
    model.score("GRCh38", "chr1", 5, "A", "C", width_bp=16_384)
    assert (server.requests[0].interval.start, server.requests[0].interval.end) == (0, 16_384)


def test_tracks_are_cropped_to_what_was_asked(model: Any, server: Behaviour) -> None:
    (found,) = model.tracks("GRCh38", "chr7", 1_000_000, 1_000_300)
    (request,) = server.requests
    origin = request.interval.start
    assert request.interval.end - origin == 16_384
    assert (found.output, found.start, found.end, found.resolution_bp) == ("RNA_SEQ", 1_000_000, 1_000_300, 1)
    assert found.values[:, 0].tolist() == list(range(1_000_000 - origin, 1_000_300 - origin))
    assert (found.values[:, 1] == -found.values[:, 0]).all()
    assert (found.names, found.strands, found.biosamples) == (("up", "down"), ("+", "-"), ("lung", "lung"))
    assert not found.values.flags.writeable


def test_coarse_tracks_grow_to_whole_bins(model: Any, server: Behaviour) -> None:
    (found,) = model.tracks("mm10", "chr7", 100_000, 100_300, ("CHIP_HISTONE",), ("UBERON:0002048",))
    (request,) = server.requests
    origin = request.interval.start
    assert request.organism == 10090
    assert request.ontology_terms[0].id == 2048
    assert found.resolution_bp == 128
    assert found.start <= 100_000 < found.start + 128
    assert found.end - 128 < 100_300 <= found.end
    assert found.values[0, 0] == (found.start - origin) / 128
    assert len(found.values) == (found.end - found.start) / 128


def test_several_outputs_come_in_the_order_asked(model: Any) -> None:
    found = model.tracks("GRCh38", "chr7", 200_000, 220_000, ("DNASE", "ATAC"))
    assert [tracks.output for tracks in found] == ["DNASE", "ATAC"]
    assert found[0].values.shape == (20_000, 2)


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, WeightsMissing, "refuses the key"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ResourceExhausted, "quota"),
        (grpc.StatusCode.INVALID_ARGUMENT, InputError, "does not accept the question .reference differs."),
        (grpc.StatusCode.UNAVAILABLE, SourceUnavailable, "cannot be reached"),
        (grpc.StatusCode.INTERNAL, SourceUnavailable, "INTERNAL"),
    ],
)
def test_every_failure_is_one_sentence_without_the_key(
    status: grpc.StatusCode, error: type[LocuscopeError], told: str, model: Any, server: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    server.status, server.details = status, "reference differs\nsecond line"
    with caplog.at_level(logging.DEBUG), pytest.raises(error, match=told) as caught:
        model.score("GRCh38", "chr1", 1_000_000, "A", "C")
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value) + caplog.text


def test_a_wrong_key_is_told(server: Behaviour) -> None:
    with grpc.insecure_channel(server.address) as channel, pytest.raises(WeightsMissing, match="refuses the key"):
        alphagenome.AlphaGenome(channel, "another").score("GRCh38", "chr1", 1_000_000, "A", "C")


def test_a_passing_failure_is_asked_again(model: Any, server: Behaviour) -> None:
    server.status, server.fail_times = grpc.StatusCode.UNAVAILABLE, 2
    assert model.tracks("GRCh38", "chr7", 200_000, 200_100)
    assert len(server.requests) == 3


def test_a_server_that_hangs_is_left_after_the_time_limit(model: Any, server: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alphagenome, "_ANSWER_SECONDS", 0.3)
    server.seconds = 1.0
    for question in (
        lambda: model.score("GRCh38", "chr1", 1_000_000, "A", "C"),
        lambda: model.tracks("GRCh38", "chr7", 200_000, 220_000, ("DNASE",)),
    ):
        with pytest.raises(SourceUnavailable, match="did not answer"):
            question()


def test_an_answer_that_breaks_off_is_told(model: Any, server: Behaviour) -> None:
    server.rubbish = True
    with pytest.raises(SourceUnavailable, match="does not parse"):
        model.score("GRCh38", "chr1", 1_000_000, "A", "C")


def test_nobody_listening_is_told(server: Behaviour) -> None:
    with grpc.insecure_channel("127.0.0.1:9") as channel, pytest.raises(SourceUnavailable, match="cannot be reached"):
        alphagenome.AlphaGenome(channel, KEY).tracks("GRCh38", "chr7", 200_000, 220_000, ("DNASE",))


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda m: m.score("GRCh37", "chr1", 10, "A", "C"), LocusError, "GRCh38"),
        (lambda m: m.score("GRCh38", "chr1", 0, "A", "C"), LocusError, "counted from 1"),
        (lambda m: m.score("GRCh38", "chr1", 10, "A", "<DEL>"), InputError, "allele"),
        (lambda m: m.score("GRCh38", "chr1", 10, "A", ""), InputError, "allele"),
        (lambda m: m.score("GRCh38", "chr1", 10, "A", "C", width_bp=1000), ParameterError, "16,384"),
        (lambda m: m.tracks("GRCh38", "chr1", 10, 10), LocusError, "start before end"),
        (lambda m: m.tracks("GRCh38", "chr1", 0, 2_000_000), LocusError, "1,048,576"),
        (lambda m: m.tracks("GRCh38", "chr1", 0, 10, ("MAGIC",)), ParameterError, "RNA_SEQ"),
        (lambda m: m.tracks("GRCh38", "chr1", 0, 10, ()), ParameterError, "RNA_SEQ"),
    ],
)
def test_a_question_that_cannot_be_right_is_never_sent(
    call: Any, error: type[LocuscopeError], told: str, model: Any, server: Behaviour
) -> None:
    with pytest.raises(error, match=told):
        call(model)
    assert not server.requests


def test_terms_key_and_network_are_asked_for_in_turn(tmp_path: Path) -> None:
    bare = Settings(home=tmp_path)
    assert "non-commercial" in alphagenome.available(bare)
    with pytest.raises(WeightsMissing, match="accept"):
        alphagenome.load(tmp_path, LoadOptions(settings=bare))
    terms.accept(alphagenome.CARD, tmp_path)
    assert alphagenome.KEY_VARIABLE in alphagenome.available(bare)
    assert "LOCUSCOPE_OFFLINE" in alphagenome.available(Settings(home=tmp_path, alphagenome_key=KEY, offline=True))
    ready = Settings(home=tmp_path, alphagenome_key=KEY)
    assert alphagenome.available(ready) == ""
    assert isinstance(alphagenome.load(tmp_path, LoadOptions(settings=ready)), VariantScorer)


def test_the_environment_is_no_second_way_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine's settings say holds, whatever the environment says."""
    terms.accept(alphagenome.CARD, tmp_path)
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv(alphagenome.KEY_VARIABLE, KEY)
    quiet = Engine(Settings(home=tmp_path, offline=True, alphagenome_key=KEY))
    assert "LOCUSCOPE_OFFLINE" in quiet.model("alphagenome").why_not
    with pytest.raises(WeightsMissing, match="LOCUSCOPE_OFFLINE"):
        quiet.scores("alphagenome", "GRCh38", Variant("chr7", 200_000, "A", "C"))
    assert alphagenome.KEY_VARIABLE in Engine(Settings(home=tmp_path)).model("alphagenome").why_not


@pytest.mark.parametrize("variable", ["LOCUSCOPE_ALPHAGENOME_KEY", "ALPHA_GENOME_API_KEY"])
def test_the_key_is_a_setting_that_is_never_printed(variable: str) -> None:
    settings = Settings.from_environment({variable: KEY})
    assert settings.alphagenome_key == KEY
    assert KEY not in repr(settings)


def test_changed_terms_are_shown_again(tmp_path: Path) -> None:
    from dataclasses import replace

    terms.accept(replace(alphagenome.CARD, licence="older terms"), tmp_path)
    assert "accept" in alphagenome.available(Settings(home=tmp_path))
    (tmp_path / "terms" / "alphagenome.json").write_text("[]")
    assert "accept" in alphagenome.available(Settings(home=tmp_path))


def test_many_threads_share_one_channel(model: Any) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda start: model.tracks("GRCh38", "chr7", start, start + 10)[0].start, range(100_000, 100_008)))
    assert answers == list(range(100_000, 100_008))


def test_the_card_says_that_data_leave_the_machine() -> None:
    card = entry("alphagenome").card
    assert card.remote
    assert "leave this machine" in card.limitations


@pytest.fixture
def command(server: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, terms accepted, the key set, and the service on this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv(alphagenome.KEY_VARIABLE, KEY)
    terms.accept(alphagenome.CARD, tmp_path)
    with grpc.insecure_channel(server.address) as channel:
        monkeypatch.setattr(alphagenome, "connect", lambda key: alphagenome.AlphaGenome(channel, key))
        yield tmp_path


def test_the_command_line_writes_tracks_as_arrays(command: Path) -> None:
    arguments = ["tracks", "--locus", "GRCh38:chr7:200001-200300", "--output", "ATAC", "--output", "CHIP_HISTONE", "--out", "t.npz"]
    assert main(arguments) == 0
    with np.load(command / "t.npz") as arrays:
        assert arrays["outputs"].tolist() == ["ATAC", "CHIP_HISTONE"]
        assert arrays["ATAC_values"].shape == (300, 2)
        assert arrays["ATAC_place"].tolist() == [200_000, 200_300, 1]
        assert arrays["CHIP_HISTONE_place"][2] == 128
        assert "non-commercial" in str(arrays["provenance"])


def test_the_command_line_writes_tracks_as_bedgraph(command: Path) -> None:
    assert main(["tracks", "--locus", "GRCh38:chr7:200001-200003", "--tissue", "UBERON:0002048", "--out", "t.bedgraph"]) == 0
    lines = (command / "t.bedgraph").read_text().splitlines()
    assert lines[2] == 'track type=bedGraph name="RNA_SEQ up + lung" visibility=full'
    assert [line.split("\t")[:3] for line in lines[3:6]] == [["chr7", str(n), str(n + 1)] for n in (200_000, 200_001, 200_002)]
    assert len(lines) == 2 + 2 * 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--locus", "GRCh38:chr7:1-300", "--out", "t.xlsx"], "names no format"),
        (["--locus", "GRCh38:chr7:1-300", "--output", "MAGIC"], "RNA_SEQ"),
        (["--locus", "chr7"], "chr7"),
        (["--locus", "R64:chrI:1-300"], "GRCh38"),
    ],
)
def test_the_command_line_refuses_in_one_sentence(
    arguments: list[str], told: str, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tracks", *arguments]) == 2
    told_to_user = capsys.readouterr().err
    assert told in told_to_user
    assert told_to_user.count("\n") == 1
