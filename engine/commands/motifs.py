"""The command ``motif``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import FIGURES, TerminalMonitor, check_ending, check_output, settings_of_command_line, writing
from engine.commands.embedding import read_genome, tell_rows
from engine.commands.options import Device, Dtype, Genome, ModelId, Out, Species, Weights, flags_of, whole
from engine.core.motif import Motif, MotifParameters

app = typer.Typer()
_flag = flags_of(MotifParameters)


@app.command("motif")
def motif_command(
    fasta: Genome,
    gff: Annotated[Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3, GTF, GenBank or BED with the places.")] = None,
    at: Annotated[str, _flag("at")] = "start",
    feature: Annotated[str, _flag("feature")] = "",
    anchor: Annotated[str, _flag("anchor")] = "first",
    before: Annotated[int, _flag("before", whole)] = 20,
    after: Annotated[int, _flag("after", whole)] = 20,
    context: Annotated[int, _flag("context_bp", whole)] = 512,
    most: Annotated[int, _flag("most", whole)] = 200,
    seed: Annotated[int, _flag("seed", whole)] = 1,
    unmasked: Annotated[bool, _flag("unmasked")] = False,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """The average distribution that a model predicts around all start codons, stop codons, splice sites or BED places of an annotation, each on its
    own strand, over the places' own logo. Writes .npz, .tsv, .meme, or the two logos (.html, .png, .svg, .pdf)."""
    from engine.exports.motif_files import FORMATS, bits_rows, write_motif
    from engine.service.motif_places import choose_aligned
    from engine.service.motifs import MotifRequest, run_motif

    target = out or Path("motif.npz")
    check_output(target, read=(fasta, gff))
    check_ending(target, (*FORMATS, *FIGURES))
    settings = settings_of_command_line()
    parameters = MotifParameters(at, feature, anchor, before, after, context, most, seed, unmasked)  # type: ignore[arg-type]
    engine, monitor = arguments.make_engine(settings), TerminalMonitor()
    card = engine.model(model).card
    genome = read_genome(fasta, gff, settings)
    aligned = choose_aligned(genome, parameters, card.max_length)
    found = run_motif(engine, MotifRequest(genome, aligned, parameters, model, species, weights, device, dtype), monitor)
    monitor.close()
    print(found.words(), file=sys.stderr)
    tell_rows(bits_rows(found))
    with writing(target):
        if target.suffix.casefold() in FIGURES:
            _write_logo(found, target)
        else:
            write_motif(found, target)
    print(f"wrote {target}", file=sys.stderr)


def _write_logo(found: Motif, path: Path) -> None:
    from engine.exports.figure import write_figure
    from engine.views.motif_logo import motif_logo

    drawn = motif_logo(found)
    write_figure(drawn, path, found.provenance, 1000, int(drawn.layout.height))
