"""The command ``essential``: genes come from an annotation, labels from a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.analyses.declared import declared
from engine.analyses.essential import EssentialParameters
from engine.commands import arguments
from engine.commands.arguments import TerminalMonitor, check_output, deliver, read_sequence, settings_of_command_line, write_result
from engine.commands.options import Device, Dtype, Fasta, Letters, LocusText, ModelId, Name, Out, Species, Weights, flags_of, whole
from engine.core.errors import FileFormatError, InputError, ParameterError
from engine.core.genes import write_genes
from engine.core.sequence import NucleotideSequence
from engine.service.jobs import KEEP_SECONDS
from engine.service.requests import Request

app = typer.Typer()

_flag = flags_of(EssentialParameters)


@app.command("essential", help=declared("essential").summary)
def essential_command(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    genes: Annotated[str, _flag("genes", metavar="GENES_OR_FILE")] = "",
    parts: Annotated[str, _flag("parts", metavar="all|start|coding|stop")] = "all",
    by: Annotated[str, _flag("by", metavar="start|coding|stop")] = "",
    repeats: Annotated[int, _flag("repeats", parser=whole)] = 1,
    seed: Annotated[int, _flag("seed", parser=whole)] = 42,
    apart: Annotated[int, _flag("apart", parser=whole)] = 50,
    labels: Annotated[Path | None, typer.Option("--labels", metavar="TABLE", help="Known genes, for an AUROC.")] = None,
    gene_column: Annotated[str, typer.Option("--gene", metavar="COLUMN", help="Column of --labels with the genes' names.")] = "gene",
    label_column: Annotated[str, typer.Option("--label", metavar="COLUMN", help="Column of --labels that says yes or no.")] = "essential",
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """Ask the engine and write the ranked table; to standard output when no file is named."""
    from engine.sources.coding_genes import labels_of
    from engine.sources.labelled import read_labelled

    settings = settings_of_command_line()
    target = out or Path("essential.tsv")
    check_output(target, declared("essential"), (fasta, Path(genes) if genes and "=" not in genes else None, labels))
    letters = read_sequence(sequence, fasta, name, locus, settings)
    known = None
    if labels is not None:
        rows = read_labelled(labels)
        arguments.tell(rows.notes)
        known = labels_of(rows, gene_column, label_column)
    ranked_by = by or ("start" if parts == "all" else parts)
    parameters = EssentialParameters(_genes(genes, fasta, letters), parts, ranked_by, repeats, seed, apart)  # type: ignore[arg-type]
    request = Request("essential", letters, model, parameters, species, weights, device, dtype)
    engine = arguments.make_engine(settings)
    cost = engine.estimate(request)
    about = f", about {cost.seconds:,.0f} s" if cost.seconds else ""
    print(
        f"{cost.passes:,} forward passes{about}; snapshots are kept every {KEEP_SECONDS:.0f} s, from which the same command goes on",
        file=sys.stderr,
    )
    monitor = TerminalMonitor()
    found = engine.run(request, monitor)
    monitor.close()
    if known is not None:
        found = found.labelled(known)
    for note in (*engine.notes(request), found.words()):
        print(note, file=sys.stderr)
    if out is None:
        deliver(lambda path: write_result(found, path), None, ".tsv")
        return
    write_result(found, out)
    print(f"wrote {out}", file=sys.stderr)


def _genes(given: str, fasta: Path | None, letters: NucleotideSequence) -> str:
    """The genes as text: as they were given, or of an annotation: a file that was named, or the GenBank file of the letters."""
    from engine.sources.coding_genes import coding_genes
    from engine.sources.transcripts import read_transcripts

    if "=" in given:
        return given
    if not given and fasta is None:
        raise InputError(
            "No genes are given; give an annotation with --genes FILE, genes as --genes NAME=+:START-END, or a GenBank file as --fasta."
        )
    if letters.locus is not None and (letters.locus.start or str(letters.locus.strand) == "-"):
        raise ParameterError(
            "An annotation is read for a whole record on its forward strand; give the record as --fasta, or genes as NAME=+:START-END."
        )
    path = Path(given) if given else fasta
    try:
        transcripts = read_transcripts(path)  # type: ignore[arg-type]
    except FileFormatError as error:
        if given:
            raise
        raise InputError("The file of --fasta has no annotation; give one with --genes FILE.") from error
    names = (letters.name, letters.locus.contig if letters.locus is not None else "")
    genes, left_out = coding_genes(transcripts, names, len(letters))
    if left_out:
        print(f"{left_out:,} coding sequences without a whole reading of their own are left out", file=sys.stderr)
    return write_genes(genes)
