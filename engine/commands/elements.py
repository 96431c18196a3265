"""The command ``element-scores``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import TerminalMonitor, check_ending, check_output, deliver, settings_of_command_line
from engine.commands.options import Device, Dtype, Fasta, Letters, LocusText, ModelId, Name, Out, Species, Weights

if TYPE_CHECKING:
    from engine.core.sequence import NucleotideSequence
    from engine.core.settings import Settings
    from engine.service.element_scores import Judge
    from engine.service.engine import Engine

app = typer.Typer()


@app.command("element-scores")
def element_scores_command(
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="FILE|MODEL|annotation",
            help="Judge: GFF3, GTF, GenBank or BED; another element model, such as augustus or pyrodigal; or the registered annotation of a locus.",
        ),
    ],
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    judge_species: Annotated[str, typer.Option("--judge-species", metavar="NAME", help="Species of a judge that takes one.")] = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """How well a segmentation agrees with an annotation, places of a file or another element model: MCC (with its interval), F1, auPRC and Jaccard
    of each element, as a table."""
    from engine.exports.element_score_files import DELIMITERS, scores_text
    from engine.service.element_scores import run_element_scores
    from engine.service.requests import Request

    if out is not None:
        check_output(out, read=(fasta,))
        check_ending(out, tuple(DELIMITERS))
    settings = settings_of_command_line()
    letters = arguments.read_sequence(sequence, fasta, name, locus, settings)
    engine, monitor = arguments.make_engine(settings), TerminalMonitor()
    judge = _judge(against, judge_species, letters, locus, engine, settings)
    request = Request("segmentation", letters, model, None, species, weights, device, dtype)
    found = run_element_scores(engine, request, judge, monitor)
    monitor.close()
    print(found.words(), file=sys.stderr)
    end = ".tsv" if out is None else out.suffix.casefold()

    def write(path: Path) -> None:
        path.write_text(scores_text(found, end), encoding="utf-8")

    deliver(write, out, end)


def _judge(text: str, species: str, letters: NucleotideSequence, locus: str | None, engine: Engine, settings: Settings) -> Judge:
    from engine.core.errors import InputError
    from engine.service.element_scores import Judge
    from engine.sources.genomes import GenomeSet
    from engine.sources.understand import read_features_with_note, understand

    if text == "annotation":
        if locus is None:
            raise InputError("--against annotation is for --locus on a registered genome; give a file of features for other sequences.")
        found = understand(locus, GenomeSet(settings), settings).features
        return Judge("its annotation", found)
    if text in (row.card.id for row in engine.models()):
        return Judge(engine.model(text).card.title, (), text, species)
    path = Path(text)
    features, note = read_features_with_note(path.name, arguments.read_bytes(path), letters, settings)
    if note:
        arguments.tell([note])
    return Judge(path.name, features)
