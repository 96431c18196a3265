"""Commands on many variants or whole genomes, and those that look after an installation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.commands import arguments
from engine.commands.arguments import (
    TerminalMonitor,
    check_ending,
    check_output,
    deliver,
    place_of,
    read_settings,
    settings_of_command_line,
    tell,
    writing,
)
from engine.commands.options import Device, Dtype, ModelId, Out, Species, VariantFile, Weights, whole
from engine.core.errors import InputError, LocusError, ParameterError, SourceUnavailable, WeightsInvalid, WeightsMissing
from engine.core.places import OUTPUTS, read_terms
from engine.core.protocols import VariantScore
from engine.core.variants import Variant

if TYPE_CHECKING:
    from engine.service.engine import Engine

app = typer.Typer()


@app.command("scan")
def scan_command(
    fasta: Annotated[Path, typer.Option("--fasta", metavar="GENOME", help="Every contig of it is scanned.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the answers; a run goes on where it stopped.")],
    analysis: Annotated[
        str, typer.Option(metavar="NAME", help="probabilities, effects, segmentation, dependency, patterns or tokens.")
    ] = "probabilities",
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    window: Annotated[int, typer.Option(metavar="BP", help="Bases the model sees at once.", parser=whole)] = 1000,
    overlap: Annotated[int, typer.Option(metavar="BP", help="Bases that neighbouring windows share.", parser=whole)] = 200,
    processes: Annotated[int, typer.Option(metavar="N", help="Local processes.", parser=whole)] = 1,
    ray: Annotated[str | None, typer.Option("--ray", metavar="ADDRESS", help="A Ray cluster instead of local processes.")] = None,
    setting: Annotated[
        list[str],
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the analysis, such as precision=exact; may be repeated."),
    ] = [],  # noqa: B006
    gff: Annotated[
        Path | None, typer.Option("--gff", metavar="ANNOTATION", help="Genes beside each place of the ranked table of patterns.")
    ] = None,
    non_coding: Annotated[bool, typer.Option("--non-coding", help="Leave out windows more than half of which is coding in --gff.")] = False,
) -> None:
    """Genome-wide run, resumable, to a directory: an npz a stretch of windows, a bigWig a track, of patterns a ranked table."""
    from engine.genome.plan import check_analysis
    from engine.genome.run import Plan, scan

    check_analysis(analysis)
    folder = weights.resolve() if weights is not None else ""
    plan = Plan(
        str(fasta.resolve()),
        analysis,
        model,
        str(folder),
        species,
        device,
        dtype,
        window,
        overlap,
        read_settings(setting, analysis),
        str(gff.resolve()) if gff is not None else "",
        non_coding,
    )
    monitor = TerminalMonitor()
    failed = scan(plan, out, settings_of_command_line(), processes, ray, monitor)
    monitor.close()
    if failed:
        raise InputError(
            f"{failed:,} windows could not be computed; {out / 'failed.tsv'} says why; what could be is kept, and the same command tries them again."
        )
    print(f"wrote {out}", file=sys.stderr)


@app.command()
def scores(
    vcf: VariantFile,
    assembly: Annotated[str, typer.Option(metavar="NAME", help="The assembly they were called on, such as GRCh38.")],
    model: Annotated[str, typer.Option(metavar="ID", help="alphamissense or alphagenome.")] = "alphamissense",
    out: Out = None,
) -> None:
    """Published scores of the variants of a VCF, looked up in a table or asked of a service."""
    from engine.exports.score_table import write_score_table
    from engine.sources.vcf import read_vcf

    if out is not None:
        check_output(out, read=(vcf,))
        check_ending(out)
    engine = arguments.make_engine()
    monitor = TerminalMonitor()
    notes = list[str]()
    variants = read_vcf(vcf, notes=notes)
    tell(notes)
    monitor.start(len(variants), "variants")
    rows: list[tuple[Variant, Sequence[VariantScore], str]] = []
    for variant in variants:
        if variant.problem:
            rows.append((variant, (), variant.problem))
            continue
        try:
            rows.append((variant, engine.scores(model, assembly, variant), ""))
        except LocusError as error:
            rows.append((variant, (), str(error)))
        monitor.advance(1)
    monitor.close()
    deliver(lambda path: write_score_table(rows, engine.model(model).card, assembly, path), out, ".tsv")
    print(f"{sum(bool(found) for _, found, _ in rows):,} of {len(rows):,} alleles have scores", file=sys.stderr)


@app.command()
def tracks(
    locus: Annotated[str, typer.Option("--locus", metavar="ASSEMBLY:CONTIG:START-END", help="1-based inclusive, e.g. GRCh38:chr7:1-300.")],
    output: Annotated[
        list[str], typer.Option("--output", metavar="NAME", help=f"{', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}; may be repeated.")
    ] = ["RNA_SEQ"],  # noqa: B006
    tissue: Annotated[list[str], typer.Option("--tissue", metavar="TERM", help="Such as UBERON:0002048; may be repeated.")] = [],  # noqa: B006
    width: Annotated[
        int, typer.Option(metavar="BP", help="Bases it reads: 16384, 131072, 524288 or 1048576; 0 = the fewest that hold it.", parser=whole)
    ] = 0,
    out: Out = None,
) -> None:
    """Tracks that AlphaGenome predicts for an interval: npz, or bedGraph by the name of --out. No letters of the genome are needed here."""
    from engine.exports.predicted_tracks import check_suffix, write_predicted_tracks
    from engine.models.entry import LoadOptions
    from engine.models.registry import entry
    from engine.service.shelf import find_directory

    target = out or Path("tracks.npz")
    check_output(target)
    check_suffix(target)
    settings = settings_of_command_line()
    place = place_of(locus, settings)
    row = entry("alphagenome")
    model: Any = row.load(find_directory(row, settings), LoadOptions(settings=settings))
    terms = read_terms(",".join(tissue))
    found = model.tracks(place.assembly, place.contig, place.start, place.end, tuple(output), terms, width)
    with writing(target):
        write_predicted_tracks(found, row.card, place.assembly, target)
    print(f"wrote {target}: {sum(len(one.names) for one in found):,} tracks", file=sys.stderr)


@app.command()
def install(
    model: Annotated[str, typer.Argument(metavar="ID", help="Model id, see the command models; with --check, none means all.")] = "",
    folder: Annotated[Path | None, typer.Option("--from", metavar="DIR", help="Take the files of this folder, do not download.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files fit: reads configurations and headers.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Download the published weights of a model, or accept the terms of a table or service; shows size and licence first."""
    engine = arguments.make_engine()
    if check:
        _check(engine, model, folder)
        return
    if not model:
        raise ParameterError("No model id is given; see the command models, and name one.")
    if folder is None:  # a folder may be given a name that no model has yet
        row = engine.model(model)
        if row.installed:
            print(f"{row.card.title} is installed.")
            return
        if row.has_files and not row.downloadable:
            raise WeightsMissing(
                f"{row.card.title} cannot be downloaded here; get its files from {row.card.source}, and install them by --from DIR."
            )
        size = f"{row.size_bytes:,} bytes, {row.card.proof}, " if row.downloadable else ""
        print(f"{row.card.title}: {size}licence {row.card.licence}, from {row.card.source}.")
        if not yes and not typer.confirm("Download it under these terms?" if row.downloadable else "Accept these terms?"):
            return
        if not row.downloadable:
            engine.accept_terms(model)
    monitor = TerminalMonitor()
    place = engine.install(model, monitor, folder)
    monitor.close()
    print(f"{engine.model(model).card.title} is ready in {place}.")


def _check(engine: Engine, model: str, folder: Path | None) -> None:
    """One sentence a model; fails when one does not fit."""
    wanted = [model] if model else [row.card.id for row in engine.models() if row.downloadable]
    bad = 0
    for model_id in wanted:
        try:
            found = engine.check_files(model_id, folder)
        except SourceUnavailable as error:
            if model:
                raise
            print(f"{model_id} was not checked: {error}")
            bad += 1
            continue
        if model and not found.fits:
            raise WeightsInvalid(found.sentence)
        print(found.sentence)
        bad += not found.fits
    if bad:
        raise WeightsInvalid(f"{bad:,} of {len(wanted):,} models do not fit, or could not be checked.")


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Without the slow parts.")] = False,
    layers: Annotated[int, typer.Option(metavar="N", min=1, max=24, help="Depth of the synthetic encoders; published: 12.")] = 6,
    bases: Annotated[int, typer.Option(metavar="N", min=1, help="Changed bases timed in each comparison.")] = 21,
) -> None:
    """The benchmark table of this machine; no downloads, synthetic weights of published sizes and the shipped model."""
    from engine.bench import measure
    from engine.bench import run as benchmarks
    from engine.bench.encoders import EncoderOptions
    from engine.bench.machine import machine
    from engine.service.shelf import ASSETS

    before: list[measure.Row] = []

    def tell(row: measure.Row) -> None:
        """Each figure at once: whatever ends a long run leaves what was measured until then."""
        print("\n".join(measure.told(row, before[-1] if before else None)), flush=True)
        before.append(row)

    print(machine(), flush=True)
    benchmarks.run(EncoderOptions(layers=layers, bases=bases), ASSETS, tell, quick=quick)
