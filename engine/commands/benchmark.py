"""The command ``benchmark``."""

from __future__ import annotations

import hashlib
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
    from engine.service.benchmark import BenchmarkRequest

app = typer.Typer()


@app.command("benchmark")
def benchmark_command(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE|NAME", help="Labelled rows: .tsv, .csv or .vcf, gzipped or not; or a named benchmark, with --data."),
    ] = "",
    data: Annotated[Path | None, typer.Option("--data", metavar="TABLE", help="The public table of a named benchmark.")] = None,
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Column (INFO field of a VCF) that holds the label.")] = "",
    positive: Annotated[list[str], typer.Option(metavar="TEXT", help="Label of a positive; may be repeated.")] = [],  # noqa: B006
    negative: Annotated[list[str], typer.Option(metavar="TEXT", help="Label of a negative; may be repeated.")] = [],  # noqa: B006
    score: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column with a score; may be repeated.")] = [],  # noqa: B006
    baseline: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column with a baseline; may be repeated.")] = [],  # noqa: B006
    lower: Annotated[list[str], typer.Option(metavar="COLUMN", help="Column whose low values speak for positives.")] = [],  # noqa: B006
    group: Annotated[str, typer.Option("--class", metavar="COLUMN", help="Column with the class, such as the consequence.")] = "",
    columns: Annotated[
        str, typer.Option(metavar="NAMES", help="Columns for contig, position, reference and alternate, with commas between.")
    ] = "",
    model: Annotated[str, typer.Option("--model", metavar="ID", help="A model that scores the rows' variants.")] = "",
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
    from engine.core.transcripts import Transcripts
    from engine.service.benchmark import BenchmarkRequest
    from engine.service.triage import ReferenceLetters
    from engine.sources.labelled import read_labelled
    from engine.sources.transcripts import read_transcripts

    if not table:
        print("\n".join(_overview()))
        return
    if out is not None:
        check_output(out, read=(Path(table), data, fasta, gff))
        check_ending(out, (".tsv", ".txt", ".json"))
    preset = _preset(table, data)
    path = data if preset is not None and data is not None else Path(table)
    read = Preset(label, tuple(positive), tuple(negative), group, columns, tuple(baseline), tuple(lower), assembly)
    read = read.or_else(preset, with_assembly=gff is None) if preset is not None else read
    if not read.label:
        raise InputError("Missing option '--label'; name the column that holds the label.")
    settings = settings_of_command_line()
    request = BenchmarkRequest(
        read_labelled(path, tuple(name.strip() for name in read.columns.split(",")) if read.columns else ()),
        read.label,
        read.positive,
        read.negative,
        tuple(score),
        read.baselines,
        read.lower,
        read.group,
        model,
        ReferenceLetters.of_file(fasta, settings) if fasta is not None else None,
        read_transcripts(gff) if gff is not None else Transcripts(),
        read.assembly,
        SpliceParameters(distance, masked),
        weights,
        device,
        BenchmarkParameters(replicates, seed),
    )
    _measured(request, settings, table if preset is not None else "", path, out)


def _measured(request: BenchmarkRequest, settings: Settings, name: str, path: Path, out: Path | None) -> None:
    """Measure and write; ``name`` of the benchmark, empty for a table of one's own at ``path``."""
    from engine.exports.benchmark_table import write_benchmark
    from engine.service.benchmark import run_benchmark

    engine, monitor = arguments.make_engine(settings), TerminalMonitor()
    found = run_benchmark(engine, request, monitor)
    monitor.close()
    provenance = {
        "benchmark": name,
        "file": path.name,
        "sha256": hashlib.sha256(read_bytes(path)).hexdigest(),
        "label": request.label,
        "positive": [*request.positive],
        "negative": [*request.negative],
        "model": request.model,
        "weights": engine.fingerprint(request.model, request.weights) if request.model else "",
    }
    deliver(lambda place: write_benchmark(found, provenance, place), out, ".tsv")


def _preset(name: str, data: Path | None) -> Preset | None:
    """How the table of a named benchmark is read; None for a table of one's own."""
    from engine.service.named_benchmarks import is_named, named

    if not is_named(name):
        if data is not None:
            named(name)
        return None
    found = named(name)
    if found.preset is None:
        raise InputError(f"The benchmark {name} has no table of variants; its data: {found.data}.")
    if data is None:
        raise InputError(f"The benchmark {name} needs --data TABLE: {found.data}.")
    return found.preset


def _overview() -> list[str]:
    """One line a named benchmark, tab-separated."""
    from engine.service.named_benchmarks import BENCHMARKS, NOT_RUN, best

    lines = ["name\ttitle\tmeasure\tmeasured\tpublished\tdata"]
    for item in BENCHMARKS:
        found = best(item.id)
        told = NOT_RUN if found is None else f"{found.score}, {found.group}: {found.measure} {found.value:.3f}, n = {found.count:,}"
        lines.append("\t".join((item.id, item.title, item.measure, told, item.published, item.data)))
    return lines
