"""The command ``compare``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import FIGURES, TerminalMonitor, check_ending, check_output, settings_of_command_line, writing
from engine.commands.options import Device, Dtype, Fasta, Letters, LocusText, Name, Out

app = typer.Typer()


@app.command("compare")
def compare_command(
    models: Annotated[
        str, typer.Option("--models", metavar="ID,ID", help="Two to six models, with commas; ID=SPECIES for one that takes it.")
    ],
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    influence: Annotated[
        str, typer.Option("--influence", metavar="NAME", help="mean_abs_log2_odds, authors_quick_start, authors_manuscript or gpn.")
    ] = "mean_abs_log2_odds",
    organism: Annotated[
        str, typer.Option("--organism", metavar="NAME", help="Species of the sequence, where the locus does not say it.")
    ] = "",
    strips: Annotated[bool, typer.Option("--strips", help="A figure without the maps.")] = False,
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """Two to six models on one sequence: influence of each base, where their maps agree (Spearman), and what a model was not trained for; .npz with
    every map, .tsv or .csv with one row a base, or the figure (.html, .png, .svg, .pdf)."""
    from engine.exports.figure import write_figure
    from engine.exports.models_beside_files import FORMATS
    from engine.service.models_beside import BesideRequest, run_models_beside
    from engine.sources.assemblies import assembly
    from engine.views.models_beside import models_beside_figure

    target = out or Path("compare.npz")
    check_output(target, read=(fasta,))
    check_ending(target, (*FORMATS, *FIGURES))
    settings = settings_of_command_line()
    letters = arguments.read_sequence(sequence, fasta, name, locus, settings)
    row = assembly(letters.locus.assembly) if letters.locus is not None else None
    named = [text.strip().partition("=") for text in models.split(",") if text.strip()]
    request = BesideRequest(
        letters,
        tuple(model for model, _, _ in named),
        influence,
        organism or (row.organism if row is not None else ""),
        tuple((model, species) for model, _, species in named if species),
        device,
        dtype,
    )
    monitor = TerminalMonitor()
    found = run_models_beside(arguments.make_engine(settings), request, monitor)
    monitor.close()
    print(found.words(), file=sys.stderr)
    with writing(target):
        if target.suffix.casefold() in FIGURES:
            drawn = models_beside_figure(found, maps=not strips)
            write_figure(drawn, target, found.models[0].provenance, 1200, int(drawn.layout.height))
        else:
            target.write_bytes(FORMATS[target.suffix.casefold()][1](found))
    print(f"wrote {target}", file=sys.stderr)
