"""Splice scores from a VCF and a reference: genes and strands, what cannot be scored, letters and their edges, and files."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from engine.core.errors import Cancelled, CapabilityMissing, FileFormatError, ParameterError
from engine.core.progress import SilentMonitor
from engine.core.settings import Settings
from engine.core.splicing import SpliceGene, SpliceParameters, SpliceScore
from engine.core.variants import Variant
from engine.exports.splice_files import COLUMNS, FIELD, splice_vcf_lines, write_splice_table
from engine.exports.vcf import write_lines
from engine.service.engine import Engine
from engine.service.splice import SplicePlan, SpliceRequest, genes_of_assembly, named_by
from engine.service.triage import ReferenceLetters
from engine.sources.vcf import parse_vcf
from tests.models.splice.tiny_graph import CONTEXT as TINY_CONTEXT
from tests.models.splice.tiny_graph import GENES
from tests.models.tiny import build
from tests.splice_toy import CONTEXT, ToyRegistry, ToySites

CONTIG = "C" * 30 + "AGCCCCCCGT" + "C" * 60 + "ACCCCCCT" + "C" * 92
"""chr1, 200 bases: forward acceptor at 32 and donor at 37; on the reverse strand AC at 100 makes a donor at 102."""

HEADER = '##fileformat=VCFv4.2\n##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">\n##contig=<ID=chr1,length=200>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
RECORDS = (
    "chr1\t39\tdonor\tG\tA,C\t.\t.\tDP=3",
    "chr1\t102\tback\tC\tT\t.\t.\t.",
    "chr1\t40\twrong\tA\tC\t.\t.\t.",
    "chr1\t190\tfar\tC\t<DEL>\t.\t.\t.",
    "chr2\t5\telsewhere\tA\tC\t.\t.\t.",
    "chr1\t2\tedge\tC\tT\t.\t.\t.",
)
TEXT = HEADER + "\n".join(RECORDS) + "\n"
FORWARD = SpliceGene("FWD", "1", "+", 20, 90, frozenset({32}), frozenset({37}))
BACKWARD = SpliceGene("BCK", "1", "-", 80, 150, frozenset(), frozenset({102}))


@pytest.fixture
def reference(tmp_path: Path) -> ReferenceLetters:
    path = tmp_path / "ref.fa"
    path.write_text(f">1\n{CONTIG}\n")
    return ReferenceLetters.of_file(path, Settings(home=tmp_path / "home"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "grch37.csv").write_text(GENES)
    (folder / "grch38.csv").write_text(GENES)
    return Engine(Settings(home=tmp_path / "home"), ToyRegistry(folder))


def plan(reference: ReferenceLetters, genes: tuple[SpliceGene, ...] = (), text: str = TEXT, **more: Any) -> SplicePlan:
    return SplicePlan(parse_vcf("in.vcf", text.splitlines()), reference, genes, SpliceParameters(**{"distance_bp": 8, **more}))


def by_name(rows: tuple[SpliceScore, ...]) -> dict[tuple[str, str, str], SpliceScore]:
    return {(row.variant.identifier, row.variant.alternate, row.strand): row for row in rows}


def test_every_allele_is_accounted_for_and_read_on_its_genes_strand(engine: Engine, reference: ReferenceLetters) -> None:
    request = SpliceRequest(parse_vcf("in.vcf", TEXT.splitlines()), reference, (FORWARD, BACKWARD), parameters=SpliceParameters(8))
    rows = engine.run_splice(request).rows
    assert [row.variant.identifier for row in rows] == ["donor", "donor", "back", "wrong", "far", "elsewhere", "edge", "edge"]
    assert [row.status for row in rows] == ["scored"] * 3 + ["reference_mismatch", "not_scored", "outside", "scored", "scored"]
    assert [(row.gene, row.strand) for row in rows[:3]] == [("FWD", "+"), ("FWD", "+"), ("BCK", "-")]
    assert [(row.gene, row.strand) for row in rows[6:]] == [("", "+"), ("", "-")]
    for row, position in zip(rows[:3], (38, 38, 103), strict=True):
        assert row.donor_loss is not None
        assert (row.donor_loss.delta, row.donor_loss.position) == (0.5, position)
    assert "REF is A but the reference has T" in rows[3].note
    assert all(row.note and row.score is None for row in rows[3:6])
    assert [row.note for row in rows[:3]] == ["", "", ""]
    assert rows[5].note.startswith("The reference has no contig chr2, but contigs such as 1; give the assembly")


def test_without_genes_both_strands_are_read(engine: Engine, reference: ReferenceLetters) -> None:
    rows = by_name(engine.run_splice(SpliceRequest(parse_vcf("in.vcf", TEXT.splitlines()), reference, parameters=SpliceParameters(8))).rows)
    assert rows["donor", "A", "+"].score == 0.5
    assert rows["donor", "A", "-"].score == 0.0
    assert rows["back", "T", "-"].score == 0.5


def test_the_table_that_comes_with_the_model_gives_genes_by_assembly(engine: Engine, reference: ReferenceLetters) -> None:
    request = SpliceRequest(parse_vcf("in.vcf", TEXT.splitlines()), reference, assembly="hg38", parameters=SpliceParameters(8, masked=True))
    rows = by_name(engine.run_splice(request).rows)
    assert rows["donor", "A", "+"].gene == "ENSG1"
    assert rows["donor", "A", "+"].score == 0.0  # its donor is annotated at base 39 only, so a loss at 37 is masked
    with pytest.raises(ParameterError, match="GRCh37 and GRCh38"):
        genes_of_assembly("R64", Path())


def test_a_gene_of_the_table_has_the_name_of_the_gene_model_with_its_sites() -> None:
    known = SpliceGene("ENSG1", "chr1", "+", 0, 100, frozenset({30, 50}), frozenset({19, 39}))
    models = [
        SpliceGene("READ", "1", "+", 0, 300, frozenset({30}), frozenset({19})),
        SpliceGene("GENE", "1", "+", 5, 90, frozenset({30, 50}), frozenset({19})),
        SpliceGene("BACK", "1", "-", 0, 100, frozenset({30, 50}), frozenset({19, 39})),
    ]
    assert [gene.name for gene in named_by([known], models)] == ["GENE"]
    assert named_by([known], models[:1])[0] == replace(known, name="READ")
    assert named_by([known], [models[0], replace(models[0], name="TWIN")]) == (known,)  # neither of two that fit as well
    assert named_by([known], models[2:]) == named_by([known], []) == (known,)


def test_the_strongest_row_stands_for_a_variant(engine: Engine, reference: ReferenceLetters) -> None:
    found = engine.run_splice(SpliceRequest(parse_vcf("in.vcf", TEXT.splitlines()), reference, parameters=SpliceParameters(8))).strongest()
    assert {key: (row.strand, row.score) for key, row in found.items()} == {
        (0, 0): ("+", 0.5),
        (0, 1): ("-", 0.75),
        (1, 0): ("-", 0.5),
        (5, 0): ("-", 0.25),
    }


def test_a_variant_in_two_genes_has_a_row_for_each(engine: Engine, reference: ReferenceLetters) -> None:
    request = SpliceRequest((Variant("chr1", 86, "C", "A"),), reference, (FORWARD, BACKWARD), parameters=SpliceParameters(8))
    assert [row.gene for row in engine.run_splice(request).rows] == ["FWD", "BCK"]


def test_bases_outside_the_gene_are_n_unless_they_are_asked_for(reference: ReferenceLetters) -> None:
    text = HEADER + "chr1\t25\t.\tC\tT\t.\t.\t.\n"
    (span,) = plan(reference, (FORWARD,), text).spans(CONTEXT)
    assert (span.start, len(span.letters)) == (24 - 12, 1 + 24)
    assert span.letters == "N" * 8 + CONTIG[20:37]
    (whole,) = plan(reference, (FORWARD,), text, outside=True).spans(CONTEXT)
    assert whole.letters == CONTIG[12:37]


def test_what_is_beyond_the_reference_is_n_and_said(reference: ReferenceLetters) -> None:
    (span,) = plan(reference, (SpliceGene("E", "1", "+", 0, 20),), HEADER + "chr1\t2\t.\tC\tT\t.\t.\t.\n", outside=True).spans(CONTEXT)
    assert span.letters == "N" * 11 + CONTIG[:14]
    assert span.rows[0][1].note == "11 bases around it are beyond the reference and count as N."


def test_no_site_is_told_where_there_is_no_base(engine: Engine, reference: ReferenceLetters) -> None:
    request = SpliceRequest((Variant("chr1", 2, "C", "T"),), reference, parameters=SpliceParameters(8))
    backward = engine.run_splice(request).rows[1]  # CC to CT is GG to AG: an acceptor one base before the contig begins
    assert backward.acceptor_gain is not None
    assert (backward.acceptor_gain.delta, backward.acceptor_gain.position) == (0.0, None)


def test_near_variants_share_a_window_and_far_ones_do_not(reference: ReferenceLetters) -> None:
    near = [f"chr1\t{place}\t.\tC\tT\t.\t.\t." for place in (42, 44, 60)]
    spans = list(plan(reference, (FORWARD,), HEADER + "\n".join(near)).spans(CONTEXT))
    assert [len(span.rows) for span in spans] == [3]
    many = [f"chr1\t{place}\t.\tC\tT\t.\t.\t." for place in range(42, 72)]
    spans = list(plan(reference, (FORWARD,), HEADER + "\n".join(many)).spans(CONTEXT))
    assert [len(span.rows) for span in spans] == [8, 8, 8, 6]


def test_variants_in_any_order_share_windows_and_keep_their_places(engine: Engine, reference: ReferenceLetters) -> None:
    places = [60, 42, 71, 44, 50]
    variants = tuple(Variant("chr1", place, "C", "T", record=number) for number, place in enumerate(places))
    spans = list(SplicePlan(variants, reference, (FORWARD,), SpliceParameters(8)).spans(CONTEXT))
    assert [[place for place, _ in span.rows] for span in spans] == [[1, 3, 4, 0, 2]]
    rows = engine.run_splice(SpliceRequest(variants, reference, (FORWARD,), parameters=SpliceParameters(8))).rows
    assert [row.variant.position for row in rows] == places


def test_reading_the_reference_can_be_stopped(reference: ReferenceLetters) -> None:
    class Stop(SilentMonitor):
        def advance(self, done: int) -> None:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        SplicePlan((Variant("chr1", 60, "C", "T"),), reference, (), SpliceParameters(8), Stop())


def test_a_record_that_cannot_be_used_keeps_its_row_and_its_line(engine: Engine, reference: ReferenceLetters) -> None:
    text = HEADER + "chr1\t0\t.\tC\tT\t.\t.\t.\n" + RECORDS[0] + "\n"
    found = engine.run_splice(SpliceRequest(parse_vcf("in.vcf", text.splitlines()), reference, parameters=SpliceParameters(8)))
    assert [row.status for row in found.rows] == ["not_scored", "scored", "scored", "scored", "scored"]
    assert "positions start at 1" in found.rows[0].note
    lines = [line for line in splice_vcf_lines(found, text.splitlines()) if not line.startswith("#")]
    assert lines[0] == "chr1\t0\t.\tC\tT\t.\t.\t.\n"
    assert f"{FIELD}=A|+|" in lines[1]


def test_long_alleles_are_not_scored(reference: ReferenceLetters) -> None:
    text = HEADER + f"chr1\t45\t.\tC\tC{'A' * 5_001}\t.\t.\t.\nchr1\t45\t.\tC\tC\t.\t.\t.\n"
    rows = [row for _, row in plan(reference, (), text).unscored]
    assert [row.status for row in rows] == ["not_scored"] * 2
    assert "5,000" in rows[0].note


def test_grouped_variants_score_as_each_alone_with_real_networks(tmp_path: Path) -> None:
    rng = random.Random(8)
    letters = "".join(rng.choice("ACGT") for _ in range(400))
    (tmp_path / "ref.fa").write_text(f">chr1\n{letters}\n")
    reference = ReferenceLetters.of_file(tmp_path / "ref.fa", Settings(home=tmp_path / "home"))
    weights = build(tmp_path / "tiny", "cispliceai") / "cispliceai" / "checkpoint"
    engine = Engine(Settings(home=tmp_path / "home"))
    variants = []
    for place in sorted(rng.sample(range(5, 390), 30)):
        width, added = rng.choice([(1, 1), (1, 4), (5, 1), (2, 2), (3, 6)])
        width = min(width, 400 - place)
        variants.append(Variant("chr1", place + 1, letters[place : place + width], "".join(rng.choice("ACGT") for _ in range(added))))
    genes = (SpliceGene("A", "chr1", "+", 30, 300), SpliceGene("B", "chr1", "-", 200, 380))

    def run(some: tuple[Variant, ...]) -> tuple[SpliceScore, ...]:
        request = SpliceRequest(some, reference, genes, parameters=SpliceParameters(20), weights=weights)
        rows: tuple[SpliceScore, ...] = engine.run_splice(request).rows
        return rows

    together = run(tuple(variants))
    alone = [row for variant in variants for row in run((variant,))]
    assert [(row.variant, row.gene, row.strand, row.status) for row in together] == [
        (row.variant, row.gene, row.strand, row.status) for row in alone
    ]
    for one, other in zip(together, alone, strict=True):
        for here, there in zip(one.changes, other.changes, strict=True):
            assert (here is None) == (there is None)
            if here is not None and there is not None:
                assert here.delta == pytest.approx(there.delta, abs=2e-6)


def test_a_single_variant_is_the_difference_of_two_whole_passes(tmp_path: Path) -> None:
    rng = random.Random(9)
    letters = "".join(rng.choice("ACGT") for _ in range(300))
    (tmp_path / "ref.fa").write_text(f">chr1\n{letters}\n")
    weights = build(tmp_path / "tiny", "cispliceai") / "cispliceai" / "checkpoint"
    engine = Engine(Settings(home=tmp_path / "home"))
    reference = ReferenceLetters.of_file(tmp_path / "ref.fa", Settings(home=tmp_path / "home"))
    place, distance = 140, 25
    alternate = "A" if letters[place] != "A" else "C"
    request = SpliceRequest(
        (Variant("chr1", place + 1, letters[place], alternate),), reference, parameters=SpliceParameters(distance), weights=weights
    )
    forward = engine.run_splice(request).rows[0]
    from engine.models.entry import LoadOptions
    from engine.models.registry import entry

    model: Any = entry("cispliceai").load(weights, LoadOptions())
    low, high = place - distance - TINY_CONTEXT, place + 1 + distance + TINY_CONTEXT
    before, after = (
        model.splice_window(text[low:high], 0, 0).probabilities for text in (letters, letters[:place] + alternate + letters[place + 1 :])
    )
    gain = after.astype(np.float64) - before
    expected = [max(0, gain[:, 0].max()), max(0, -gain[:, 0].min()), max(0, gain[:, 1].max()), max(0, -gain[:, 1].min())]
    assert [change.delta for change in forward.changes if change] == pytest.approx(expected, abs=2e-6)
    assert forward.donor_loss is not None
    assert forward.donor_loss.position == place - distance + int(gain[:, 1].argmin()) + 1


def test_models_without_splice_sites_are_refused(reference: ReferenceLetters, tmp_path: Path) -> None:
    with pytest.raises(CapabilityMissing, match="choose cispliceai"):
        Engine(Settings(home=tmp_path / "home")).run_splice(SpliceRequest((), reference, model="locuscope"))


@pytest.fixture
def scores(engine: Engine, reference: ReferenceLetters) -> Any:
    request = SpliceRequest(parse_vcf("in.vcf", TEXT.splitlines()), reference, (FORWARD, BACKWARD), parameters=SpliceParameters(8))
    return engine.run_splice(request)


def test_the_table_has_every_row_with_where_and_from_what_to_what(scores: Any, tmp_path: Path) -> None:
    path = tmp_path / "out.tsv"
    write_splice_table(scores, path)
    lines = path.read_text().splitlines()
    assert lines[0] == "# locuscope splice"
    assert tuple(lines[2].split("\t")) == COLUMNS
    first = dict(zip(COLUMNS, lines[3].split("\t"), strict=True))
    assert [first[name] for name in ("contig", "position", "id", "gene", "strand", "score", "status")] == [
        *("chr1", "39", "donor", "FWD", "+", "0.5", "scored")
    ]
    assert [first[f"donor_loss{what}"] for what in ("", "_position", "_from", "_to")] == ["0.5", "38", "0.5", "0"]
    assert [first[f"acceptor_gain{what}"] for what in ("", "_position", "_from", "_to")] == ["0", "", "", ""]
    assert len(lines) == 3 + len(scores.rows)
    assert dict(zip(COLUMNS, lines[6].split("\t"), strict=True))["donor_loss"] == ""


@pytest.mark.parametrize("name", ["out.vcf", "out.vcf.gz"])
def test_the_vcf_has_a_field_that_others_read(scores: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_lines(splice_vcf_lines(scores, TEXT.splitlines()), path)
    text = (gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()).decode()
    assert "Format: ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL" in text
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line.split("\t")[:5] for line in kept] == [line.split("\t")[:5] for line in RECORDS]
    assert kept[3].split("\t")[7] == "."
    plain = tmp_path / "readable.vcf"  # htslib knows only the contigs that the header names
    plain.write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("chr2")))
    with pysam.VariantFile(str(plain)) as file:
        records = list(file)
    assert records[0].info["DP"] == 3
    entries = records[0].info[FIELD]
    assert [item.split("|") for item in entries] == [
        ["A", "FWD", "0.0000", "0.0000", "0.0000", "0.5000", ".", ".", ".", "-1"],
        ["C", "FWD", "0.0000", "0.0000", "0.0000", "0.5000", ".", ".", ".", "-1"],
    ]
    assert [item.split("|")[1] for item in records[-1].info[FIELD]] == ["+", "-"]


def test_the_field_is_replaced_not_repeated_and_another_vcf_is_refused(scores: Any, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.vcf", tmp_path / "twice.vcf"
    write_lines(splice_vcf_lines(scores, TEXT.splitlines()), once)
    write_lines(splice_vcf_lines(scores, once.read_text().splitlines()), twice)
    assert twice.read_text().count(f"ID={FIELD},") == 1
    assert all(line.count(f"{FIELD}=") <= 1 for line in twice.read_text().splitlines())
    with pytest.raises(FileFormatError, match="more records"):
        list(splice_vcf_lines(scores, TEXT.splitlines()[:-1]))
    with pytest.raises(FileFormatError, match="not the one"):
        list(splice_vcf_lines(scores, TEXT.replace("chr1\t39", "chr1\t38").splitlines()))


def test_windows_of_a_reverse_gene_are_read_on_its_strand(reference: ReferenceLetters) -> None:
    from engine.analyses.splice import scored_span

    model = ToySites()
    (span,) = plan(reference, (BACKWARD,), HEADER + "chr1\t102\t.\tC\tT\t.\t.\t.\n", outside=True).spans(CONTEXT)
    scored_span(model, span, SpliceParameters(8))
    assert model.read[0][::-1].translate(str.maketrans("ACGT", "TGCA")) == CONTIG[101 - 12 : 102 + 12]
