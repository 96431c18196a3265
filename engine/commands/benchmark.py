"""The command ``benchmark``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.analyses.benchmark import BenchmarkParameters
from engine.commands import arguments
from engine.commands.arguments import TerminalMonitor, check_ending, check_output, deliver, read_bytes, settings_of_command_line
from engine.commands.options import Device, GeneModels, Out, Replicates, Seed, SpliceDistance, SpliceMasked, VariantReference, Weights
from engine.core.errors import InputError
from engine.core.splicing import SpliceParameters
from engine.service.named_benchmarks import Preset

if TYPE_CHECKING:
    from engine.core.settings import Settings
    from engine.core.transcripts import Transcripts
    from engine.service.benchmark import BenchmarkRequest
    from engine.service.triage import ReferenceLetters
    from engine.sources.labelled import Labelled

app = typer.Typer()


@app.command("benchmark")
def benchmark_command(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE|NAME", help="Labelled rows: .tsv, .csv or .vcf, gzipped or not; or a named benchmark, with --data."),
    ] = "",
    data: Annotated[
        list[Path],
        typer.Option("--data", metavar="TABLE", help="The public table of a named benchmark; may be repeated where it is two files."),
    ] = [],  # noqa: B006
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column (INFO field of a VCF) that holds the label.")] = "",
    positive: Annotated[list[str], typer.Option(metavar="TEXT", help="Label of a positive; may be repeated.")] = [],  # noqa: B006
    negative: Annotated[list[str], typer.Option(metavar="TEXT", help="Label of a negative; may be repeated.")] = [],  # noqa: B006
    score: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column with a score; may be repeated.")] = [],  # noqa: B006
    baseline: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column with a baseline; may be repeated.")] = [],  # noqa: B006
    lower: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column whose low values speak for positives.")] = [],  # noqa: B006
    group: Annotated[
        str,
        typer.Option(
            "--class", metavar="COLUMN", help="Column with the class; without it the consequence by --gff, or exon or intron by --assembly."
        ),
    ] = "",
    columns: Annotated[
        str, typer.Option(metavar="NAMES", help="Columns for contig, position, reference and alternate, with commas between.")
    ] = "",
    sequences: Annotated[str, typer.Option(metavar="COLUMN", help="Column with letters that a model scores instead of variants.")] = "",
    absolute: Annotated[bool, typer.Option("--absolute", help="The size of a label of numbers counts, not its sign.")] = False,
    model: Annotated[
        list[str], typer.Option("--model", metavar="ID", help="A model that scores the rows' variants; may be repeated.")
    ] = [],  # noqa: B006
    fasta: VariantReference = None,
    gff: GeneModels = None,
    assembly: Annotated[str, typer.Option(metavar="NAME", help="GRCh37 or GRCh38: the genes that come with cispliceai.")] = "",
    distance: SpliceDistance = 50,
    masked: SpliceMasked = False,
    replicates: Replicates = 1_000,
    seed: Seed = 1,
    weights: Weights = None,
    device: Device = "",
    out: Out = None,
) -> None:
    """AUROC, auPRC and Spearman of scores against labels, with 95 % intervals, by class, beside baselines: a table, or .json. Without TABLE
    the benchmarks there are by name, with what was measured of them."""
    if not table:
        print("\n".join(_overview()))
        return
    if out is not None:
        check_output(out, read=(Path(table), *data, fasta, gff))
        check_ending(out, (".tsv", ".txt", ".json"))
    own = Preset(label, tuple(positive), tuple(negative), group, columns, tuple(baseline), tuple(lower), assembly, sequences, absolute)
    name, paths, read = _read_as(table, data, own, with_assembly=gff is None)
    settings = settings_of_command_line()
    parameters = BenchmarkParameters(replicates, seed), SpliceParameters(distance, masked)
    request = _request(read, _rows(paths, read.columns), tuple(score), _reference(fasta, gff, settings), parameters)
    _measured(replace(request, models=tuple(model), weights=weights, device=device), settings, name, paths, out)


def _read_as(table: str, data: Sequence[Path], own: Preset, *, with_assembly: bool) -> tuple[str, Sequence[Path], Preset]:
    """The benchmark's name (empty for a table of one's own), its files, and how they are read: by the options, else as the named one is."""
    usual = _preset(table, data)
    read = own if usual is None else own.or_else(usual, with_assembly=with_assembly)
    if not read.label:
        raise InputError("Missing option '--label'; name the column that holds the label.")
    return ("", [Path(table)], read) if usual is None else (table, data, read)


def _reference(fasta: Path | None, gff: Path | None, settings: Settings) -> tuple[ReferenceLetters | None, Transcripts]:
    """What a model of variants is given beside the rows."""
    from engine.core.transcripts import Transcripts
    from engine.service.triage import ReferenceLetters
    from engine.sources.transcripts import read_transcripts

    letters = ReferenceLetters.of_file(fasta, settings) if fasta is not None else None
    return letters, read_transcripts(gff) if gff is not None else Transcripts()


def _request(
    read: Preset,
    rows: Labelled,
    scores: tuple[str, ...],
    place: tuple[ReferenceLetters | None, Transcripts],
    parameters: tuple[BenchmarkParameters, SpliceParameters],
) -> BenchmarkRequest:
    """The question about the rows, without a model; what is to be known of how they were read is told."""
    from engine.service.benchmark import BenchmarkRequest

    arguments.tell(rows.notes)
    return BenchmarkRequest(
        rows,
        read.label,
        read.positive,
        read.negative,
        scores,
        read.baselines,
        read.lower,
        read.group,
        reference=place[0],
        transcripts=place[1],
        assembly=read.assembly,
        splicing=parameters[1],
        sequences=read.sequences,
        absolute=read.absolute,
        parameters=parameters[0],
    )


def _rows(paths: Sequence[Path], columns: str) -> Labelled:
    """The rows of a table, or of two FASTA files."""
    from engine.sources.labelled import read_labelled, read_labelled_sequences

    if len(paths) > 1:
        return read_labelled_sequences(paths[0], paths[1])
    return read_labelled(paths[0], tuple(name.strip() for name in columns.split(",")) if columns else ())


def _measured(request: BenchmarkRequest, settings: Settings, name: str, paths: Sequence[Path], out: Path | None) -> None:
    """Measure and write; ``name`` of the benchmark, empty for a table of one's own."""
    from engine.exports.benchmark_table import write_benchmark
    from engine.service.benchmark import run_benchmark

    engine, monitor = arguments.make_engine(settings), TerminalMonitor()
    found = run_benchmark(engine, request, monitor)
    monitor.close()
    provenance = {
        "benchmark": name,
        "file": " ".join(path.name for path in paths),
        "sha256": " ".join(hashlib.sha256(read_bytes(path)).hexdigest() for path in paths),
        "label": request.label,
        "positive": [*request.positive],
        "negative": [*request.negative],
        "model": " ".join(request.models),
        "weights": " ".join(engine.fingerprint(name, request.weights) for name in request.models),
    }
    deliver(lambda place: write_benchmark(found, provenance, place), out, ".tsv")


def _preset(name: str, data: Sequence[Path]) -> Preset | None:
    """How the table of a named benchmark is read; None for a table of one's own."""
    from engine.service.named_benchmarks import is_named, named

    if not is_named(name):
        if data:
            named(name)
        return None
    found = named(name)
    if found.preset is None:
        raise InputError(f"The benchmark {name} has no table of variants; its data: {found.data}. Its command: {found.how}")
    if len(data) != found.files:
        files = "--data TABLE" if found.files == 1 else f"--data {found.files} times"
        raise InputError(f"The benchmark {name} needs {files}: {found.data}; you gave {len(data)}.")
    return found.preset


def _overview() -> list[str]:
    """One line a named benchmark, tab-separated."""
    from engine.service.named_benchmarks import BENCHMARKS, NOT_RUN, best

    lines = ["name\ttitle\tmeasure\tmeasured\tpublished\tdata\tcommand"]
    for item in BENCHMARKS:
        found = best(item.id)
        told = NOT_RUN if found is None else f"{found.score}, {found.group}: {found.measure} {found.value:.3f}, n = {found.count:,}"
        lines.append("\t".join((item.id, item.title, item.measure, told, item.published, item.data, item.how)))
    return lines
