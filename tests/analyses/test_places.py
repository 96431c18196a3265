"""What a hosted model says of a place, through its official client and a local server of the published protocol."""

from __future__ import annotations

import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from engine.__main__ import main
from engine.analyses.declared import analyses, declared
from engine.core.errors import Cancelled, InputError, LocuscopeError, LocusError, ParameterError, WeightsMissing
from engine.core.locus import Locus, Strand
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.exports import formats
from engine.models.scorers import alphagenome, terms
from engine.service.engine import Engine, Request
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from tests.models.scorers.genome_server import KEY, Behaviour, serving

LETTERS = "ACGT" * 8192
"""As the server's genome: letter number p of a contig is that of p modulo 4."""
START = 400_000
NAMES = [name for name, row in analyses().items() if row.of_place]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    from alphagenome.models.v1 import dna_client

    monkeypatch.setattr(dna_client, "time", types.SimpleNamespace(sleep=lambda _: None))
    introns = ((START + 100, START + 200, "+"), (START + 50, START + 250, "-"), (START + 60, START + 90_000, "+"))
    with serving(Behaviour(introns=introns)) as behaviour, grpc.insecure_channel(behaviour.address) as channel:
        monkeypatch.setattr(alphagenome, "connect", lambda key: alphagenome.AlphaGenome(channel, key))
        yield behaviour


@pytest.fixture
def asked(server: Behaviour, tmp_path: Path) -> Engine:
    terms.accept(alphagenome.CARD, tmp_path)
    return Engine(Settings(home=tmp_path, alphagenome_key=KEY))


def place(width: int, *, reverse: bool = False, assembly: str = "GRCh38", start: int = START) -> NucleotideSequence:
    found = NucleotideSequence(LETTERS[:width], locus=Locus(assembly, "chr7", start, start + width))
    return found.reverse_complement() if reverse else found


def ask(engine: Engine, name: str, sequence: NucleotideSequence, **parameters: Any) -> Any:
    return engine.run(Request(name, sequence, parameters=declared(name).parameters(**parameters)))


def test_tracks_are_values_a_base_in_the_direction_of_the_letters(asked: Engine, server: Behaviour) -> None:
    found = ask(asked, "predicted_tracks", place(300))
    origin = server.requests[0].interval.start
    np.testing.assert_array_equal(found.values[:, 0], np.arange(START - origin, START - origin + 300))
    assert (found.names, found.strands, found.biosamples) == (("up", "down"), ("+", "-"), ("lung", "lung"))
    turned = ask(asked, "predicted_tracks", place(300, reverse=True))
    np.testing.assert_array_equal(turned.values, found.values[::-1])
    assert turned.strands == ("-", "+")
    assert "2 RNA_SEQ tracks predicted by AlphaGenome" in found.words()


def test_bins_of_a_coarse_output_are_repeated_for_their_bases(asked: Engine, server: Behaviour) -> None:
    found = ask(asked, "predicted_tracks", place(300), output="CHIP_HISTONE", tissue=("UBERON:0002048",))
    origin = server.requests[0].interval.start
    np.testing.assert_array_equal(found.values[:, 0], (np.arange(START, START + 300) - origin) // 128)
    assert server.requests[0].ontology_terms[0].id == 2048


def test_junctions_with_both_ends_in_view_come_with_most_reads_first(asked: Engine, server: Behaviour) -> None:
    found = ask(asked, "splice_junctions", place(300))
    assert server.requests[0].interval.end - server.requests[0].interval.start == 1_048_576
    assert found.introns.tolist() == [[50, 249], [100, 199]]
    assert found.reads.tolist() == [11.0, 5.5]
    assert found.strands == ("-", "+")
    turned = ask(asked, "splice_junctions", place(300, reverse=True))
    assert (turned.introns.tolist(), turned.strands) == ([[50, 249], [100, 199]], ("+", "-"))


def test_contacts_are_the_mean_over_cell_types_in_bins_that_touch_the_place(asked: Engine, server: Behaviour) -> None:
    sequence = place(20_000)
    found = ask(asked, "chromatin_contacts", sequence)
    origin = server.requests[0].interval.start
    first, last = (START - origin) // 2048, -(-(START + 20_000 - origin) // 2048)
    assert found.offset == origin + first * 2048 - START <= 0
    apart = np.abs(np.subtract.outer(np.arange(last - first), np.arange(last - first)))
    np.testing.assert_allclose(found.values, (1 / (1 + apart) - apart) / 2, rtol=1e-6)
    turned = ask(asked, "chromatin_contacts", place(20_000, reverse=True))
    assert turned.offset == 20_000 - (found.offset + len(found.values) * 2048)


def test_a_contact_map_is_written_for_cooler_in_its_bins(asked: Engine, tmp_path: Path) -> None:
    cooler = pytest.importorskip("cooler")
    found = ask(asked, "chromatin_contacts", place(20_000))
    formats.write(found, tmp_path / "x.cool")
    bins = cooler.Cooler(str(tmp_path / "x.cool")).bins()[:]
    assert (bins["end"] - bins["start"]).tolist()[1:] == [2048] * len(found.values)
    assert bins["start"].tolist()[1] == START + found.offset


@pytest.mark.parametrize("reverse", [False, True])
def test_mutagenesis_asks_ten_bases_at_a_time_for_every_substitution(asked: Engine, server: Behaviour, reverse: bool) -> None:
    found = ask(asked, "mutagenesis", place(25, reverse=reverse), output="ATAC")
    widths = [request.ism_interval.end - request.ism_interval.start for request in server.requests]
    assert widths == [10, 10, 5]
    assert {len(request.variant_scorers) for request in server.requests} == {1}
    values = found.values[::-1, ::-1] if reverse else found.values
    for base in range(25):
        for rank in range(4):
            if rank == base % 4:
                assert np.isnan(values[base, rank])
            else:  # the mean of two tracks, a tenth apart
                assert values[base, rank] == pytest.approx((START + base) % 100 + rank / 10 + 0.05, abs=1e-4)


def test_another_genome_than_the_letters_is_told(asked: Engine, server: Behaviour) -> None:
    server.letters = lambda position: "A"
    with pytest.raises(InputError, match="have C at 400,002, the genome of AlphaGenome has A"):
        ask(asked, "mutagenesis", place(8))


def test_a_stopped_mutagenesis_goes_on_where_it_was(asked: Engine, server: Behaviour) -> None:
    server.seconds = 0.2
    request = Request("mutagenesis", place(60))
    job = asked.submit(request, "me")
    until = time.monotonic() + 30
    while job.done < 2 and time.monotonic() < until:
        time.sleep(0.02)
    job.cancel("me")
    assert job.wait(60)
    with pytest.raises(Cancelled):
        job.answer()
    time.sleep(0.3)
    before = len(server.requests)
    assert asked.run(request).complete
    assert len(server.requests) - before <= 4


def test_whoever_waits_for_a_slow_service_can_leave_at_once(asked: Engine, server: Behaviour) -> None:
    server.seconds = 5
    job = asked.submit(Request("predicted_tracks", place(100)), "me")
    until = time.monotonic() + 30
    while not server.requests and time.monotonic() < until:
        time.sleep(0.02)
    began = time.monotonic()
    job.cancel("me")
    assert job.wait(60)
    assert time.monotonic() - began < 4


def test_a_slow_service_keeps_no_model_of_this_machine_waiting(asked: Engine, server: Behaviour) -> None:
    server.seconds = 4
    asked.submit(Request("predicted_tracks", place(100)), "me")
    done = threading.Event()
    threading.Thread(target=lambda: (asked.run(Request("probabilities", NucleotideSequence("ACGTACGT"))), done.set()), daemon=True).start()
    assert done.wait(60)


@pytest.mark.parametrize("name", NAMES)
def test_the_place_is_part_of_what_names_an_answer(name: str, asked: Engine) -> None:
    one, other = (
        asked.resolved(Request(name, place(8192 if name != "mutagenesis" else 8, start=start))).key for start in (START, START + 4)
    )
    assert one != other


@pytest.mark.parametrize(
    ("name", "sequence", "parameters", "error", "told"),
    [
        ("predicted_tracks", NucleotideSequence("ACGT"), {}, LocusError, "give a locus on GRCh38, hg38, GRCm38 and mm10"),
        ("predicted_tracks", place(100, assembly="R64"), {}, LocusError, "this place is on R64"),
        ("predicted_tracks", place(100), {"width": 5000}, ParameterError, "allowed: 16,384"),
        ("predicted_tracks", place(20_000), {"width": 16_384}, ParameterError, "the locus has 20,000"),
        ("chromatin_contacts", place(300), {}, ParameterError, "show at least 8,192"),
        ("mutagenesis", place(501), {}, ParameterError, "takes up to 500"),
        ("mutagenesis", place(8), {"tissue": ("CL:0000084",)}, ParameterError, "no DNASE track of CL:0000084"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_sentence(
    name: str,
    sequence: NucleotideSequence,
    parameters: dict[str, Any],
    error: type[LocuscopeError],
    told: str,
    asked: Engine,
) -> None:
    with pytest.raises(error, match=told) as caught:
        ask(asked, name, sequence, **parameters)
    assert "\n" not in str(caught.value)


def test_without_terms_or_key_nothing_is_sent(server: Behaviour, tmp_path: Path) -> None:
    bare = Engine(Settings(home=tmp_path / "bare", alphagenome_key=KEY))
    with pytest.raises(WeightsMissing, match="accept"):
        ask(bare, "predicted_tracks", place(100))
    terms.accept(alphagenome.CARD, tmp_path)
    with pytest.raises(WeightsMissing, match="key"):
        ask(Engine(Settings(home=tmp_path)), "predicted_tracks", place(100))
    assert not server.requests


def test_too_much_at_once_is_refused_with_its_bytes_before_anything_is_sent(asked: Engine, server: Behaviour) -> None:
    with pytest.raises(LocuscopeError, match=r"would take 2,79\d,"):
        ask(asked, "predicted_tracks", place(100), width=1_048_576)
    assert not server.requests


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_has_its_panel_its_files_and_is_kept(name: str, asked: Engine, server: Behaviour, tmp_path: Path) -> None:
    sequence = place(20_000 if name == "chromatin_contacts" else 300)
    found = ask(asked, name, sequence)
    before = len(server.requests)
    asked._store._kept.clear()
    again = ask(asked, name, sequence)
    assert len(server.requests) == before
    for item in formats.formats_for(again):
        formats.write(again, tmp_path / f"x{item.suffix}")
        assert (tmp_path / f"x{item.suffix}").stat().st_size
    assert "script" not in {item.name for item in formats.formats_for(found)}
    assert len(again.rows().bases) == len(next(iter(again.rows().columns.values())))
    for style in (FigureStyle(), FigureStyle(shape="triangle", dark=True), FigureStyle(still=True), FigureStyle(live=True)):
        drawn = locus_figure(LocusEvidence(sequence, {name: again}), style)
        panel = next(panel for panel in drawn.layout.meta["panels"] if name in panel["analyses"])
        assert panel["model"] == "AlphaGenome"


def test_the_commands_write_what_the_service_says(
    asked: Engine, server: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "g.fa").write_text(">chr7\n" + "\n".join(["ACGT" * 20] * 6000) + "\n")
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCUSCOPE_GENOMES", f"GRCh38={tmp_path / 'g.fa'}")
    monkeypatch.setenv("LOCUSCOPE_ALPHAGENOME_KEY", KEY)
    locus = ["--locus", "GRCh38:chr7:400001-400300"]
    assert main(["junctions", *locus, "--out", str(tmp_path / "x.bedpe")]) == 0
    assert "chr7\t400050\t400051\tchr7\t400249\t400250" in (tmp_path / "x.bedpe").read_text()
    assert main(["mutagenesis", "--locus", "GRCh38:chr7:400001-400012", "--out", str(tmp_path / "x.vcf")]) == 0
    record = next(line for line in (tmp_path / "x.vcf").read_text().splitlines() if not line.startswith("#"))
    assert record.startswith("chr7\t400001\t.\tA\tC,G,T\t.\t.\tLCS_ISM=0.15,0.25,0.35")
    wide = ["--locus", "GRCh38:chr7:400001-420000"]
    assert main(["chromatin-contacts", *wide, "--out", str(tmp_path / "x.npz")]) == 0
    assert main(["tracks", *locus, "--tissue", "lung"]) == 2
    assert main(["junctions", *locus, "--tissue", "UBERON:0002048", "--width", "20"]) == 2
    for strand in Strand:
        assert main(["mutagenesis", "--locus", f"GRCh38:chr7:400001-400012:{strand}", "--out", str(tmp_path / "y.vcf")]) == 0
        lines = [line for line in (tmp_path / "y.vcf").read_text().splitlines() if not line.startswith("##")]
        assert lines[1:] == [line for line in (tmp_path / "x.vcf").read_text().splitlines() if not line.startswith("##")][1:]
