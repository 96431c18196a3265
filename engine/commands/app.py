"""The command line: ``python -m engine COMMAND``, the same questions and the same answers as the pages.

Exit status 0, or 2 with one sentence on standard error that says what was given, what is allowed and what to do.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from engine.commands import arguments, batch
from engine.commands.arguments import (
    TerminalMonitor,
    check_output,
    deliver,
    read_sequence,
    read_window,
    settings_of_command_line,
    write_result,
)
from engine.commands.options import Device, Dtype, Fasta, Letters, LocusText, ModelId, Name, Out, Species, Weights
from engine.core.errors import LocuscopeError
from engine.core.parameters import (
    ContactParameters,
    DependencyParameters,
    EffectParameters,
    PairParameters,
    Parameters,
    ProbabilityParameters,
    SegmentationParameters,
    TokenParameters,
)
from engine.service.engine import ANALYSES, Request

app = typer.Typer(
    name="engine",
    help="What DNA language models know about a sequence. Sequences are given by --sequence, --fasta or --locus.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("models")
def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Every model: what it is for, its limits and licence, installed or not."""
    rows = [
        {
            "id": row.card.id,
            "title": row.card.title,
            "capabilities": sorted(row.card.capabilities),
            "max_length": row.card.max_length,
            "licence": row.card.licence,
            "installed": row.installed,
            "size_bytes": row.size_bytes,
            "description": row.card.description,
            "organisms": row.card.organisms,
            "limitations": row.card.limitations,
            "source": row.card.source,
            "why_not": row.why_not,
        }
        for row in arguments.make_engine().models()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    shown = ("id", "title", "capabilities", "max_length", "licence", "installed")
    print(_table([shown, *([_cell(row[name]) for name in shown] for row in rows)]))


@app.command()
def probabilities(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    masked: Annotated[bool, typer.Option("--masked", help="Mask each position in turn.")] = False,
) -> None:
    """P(A), P(C), P(G), P(T) at each base; of a causal model, given all bases before it."""
    given = (sequence, fasta, name, locus)
    _answer("probabilities", given, ProbabilityParameters(masked), out, "probabilities.npz", (model, weights, species, device, dtype))


@app.command("map")
def map_command(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    metric: Annotated[str, typer.Option(metavar="METRIC", help="log2_odds or log_ratio.")] = "log2_odds",
    epsilon: Annotated[float | None, typer.Option(metavar="E", help="Saturation of the log odds; 1e-10 is the paper's.")] = None,
    window: Annotated[str | None, typer.Option(metavar="START-END", help="Part that is changed and read, 1-based inclusive.")] = None,
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="auto (delta where it is within 1 % of exact), exact, delta or sparse.")
    ] = "auto",
    tau: Annotated[float, typer.Option(metavar="T", help="Threshold of --precision sparse.")] = 0.05,
) -> None:
    """Dependency map: the largest change at each base when another one is substituted."""
    parameters = DependencyParameters(metric, epsilon, read_window(window), precision, tau)  # type: ignore[arg-type]
    _answer("dependency", (sequence, fasta, name, locus), parameters, out, "map.npz", (model, weights, species, device, dtype))


@app.command()
def effects(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    influence: Annotated[str, typer.Option(metavar="NAME", help="Published variant of the influence score.")] = "mean_abs_log2_odds",
) -> None:
    """Log-likelihood ratio and influence of every single-base substitution."""
    parameters = EffectParameters(influence)  # type: ignore[arg-type]
    _answer("effects", (sequence, fasta, name, locus), parameters, out, "effects.tsv", (model, weights, species, device, dtype))


@app.command()
def segment(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    overlap: Annotated[int | None, typer.Option(metavar="BP", help="Overlap of tiles of a long input.")] = None,
    both_strands: Annotated[bool, typer.Option("--both-strands", help="Average with the reverse complement.")] = False,
) -> None:
    """Probability of each genomic element at each base."""
    parameters = SegmentationParameters(overlap, both_strands)
    _answer("segmentation", (sequence, fasta, name, locus), parameters, out, "segments.npz", (model, weights, species, device, dtype))


@app.command()
def contacts(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    symmetry: Annotated[str, typer.Option(metavar="NAME", help="max, mean or none.")] = "max",
    apc: Annotated[bool, typer.Option("--apc", help="Average product correction.")] = False,
    minimum_loop: Annotated[int, typer.Option(metavar="N", help="Fewest bases between two that pair.")] = 3,
    threshold: Annotated[
        float | None, typer.Option(metavar="T", help="Score a pair must exceed; by default above the map's background.")
    ] = None,
    any_letters: Annotated[bool, typer.Option("--any-letters", help="Also pairs that are neither Watson-Crick nor wobble.")] = False,
) -> None:
    """Bases of an RNA that touch, read from its dependency map."""
    parameters = ContactParameters(symmetry, apc, minimum_loop, threshold, any_letters)  # type: ignore[arg-type]
    _answer("contacts", (sequence, fasta, name, locus), parameters, out, "contacts.npz", (model, weights, species, device, dtype))


@app.command()
def pair(
    changed: Annotated[int, typer.Option(metavar="POSITION", help="Base that is substituted, 1-based.")],
    read: Annotated[int, typer.Option(metavar="POSITION", help="Base that is read, 1-based.")],
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """The 4 x 4 substitution table of two bases: change of the log2 odds of each base at one for each base at the other."""
    given, how = (sequence, fasta, name, locus), (model, weights, species, device, dtype)
    _answer("pair", given, PairParameters(changed - 1, read - 1), out, "pair.tsv", how)


@app.command()
def tokens(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    model: ModelId = "grover",
    flank: Annotated[int, typer.Option("--flank", metavar="BASES", help="Bases at each end that are context only.")] = 0,
    candidates: Annotated[
        int, typer.Option("--candidates", metavar="N", help="List the N likeliest tokens at each token and behind the last.")
    ] = 0,
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """Tokens of a byte-pair or k-mer model and their probabilities."""
    _answer(
        "tokens",
        (sequence, fasta, name, locus),
        TokenParameters(flank, candidates),
        out,
        "tokens.npz",
        (model, weights, species, device, dtype),
    )


app.registered_commands.extend(batch.app.registered_commands)


def _answer(
    analysis: str,
    given: tuple[str | None, Path | None, str | None, str | None],
    parameters: Parameters,
    out: Path | None,
    default_name: str,
    how: tuple[str, Path | None, str, str, str],
) -> None:
    """Ask the engine and write the answer; tables go to standard output when no file is named."""
    settings = settings_of_command_line()
    target = out or Path(default_name)
    check_output(target, ANALYSES[analysis].result)
    sequence = read_sequence(*given, settings)
    model, weights, species, device, dtype = how
    request = Request(analysis, sequence, model, parameters, species, weights, device, dtype)
    engine = arguments.make_engine(settings)
    monitor = TerminalMonitor()
    result = engine.run(request, monitor)
    monitor.close()
    for note in engine.notes(request):
        print(note, file=sys.stderr)
    if out is None and target.suffix == ".tsv":
        deliver(functools.partial(write_result, result), None, target.suffix)
        return
    write_result(result, target)
    print(f"wrote {target}", file=sys.stderr)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        status = app(args=None if arguments is None else list(arguments), prog_name="python -m engine", standalone_mode=False)
    except TyperException as error:
        return _refuse(f"{error.format_message().rstrip('.')}; see python -m engine --help.")
    except LocuscopeError as error:
        return _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\nstopped\n")
        return 130
    return int(status) if isinstance(status, int) else 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(" ".join(sentence.split()) + "\n")
    return 2
