"""The command ``alignment``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.analyses.covariation import Covariation, CovariationParameters
from engine.commands import arguments
from engine.commands.arguments import (
    FIGURES,
    TerminalMonitor,
    check_ending,
    check_output,
    deliver,
    settings_of_command_line,
    write_result,
)
from engine.commands.options import Device, Dtype, Out, Species, Weights, decimal, flags_of
from engine.core.results import base_at

app = typer.Typer()

_flag = flags_of(CovariationParameters)


@app.command("alignment")
def alignment_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Stockholm, aligned FASTA, Clustal or MAF, gzipped or not.")],
    reference: Annotated[
        str, typer.Option("--reference", metavar="NAME", help="Sequence whose columns are read; without it, the first one.")
    ] = "",
    score: Annotated[str, _flag("score", metavar="NAME")] = "apc",
    identity: Annotated[float, _flag("identity", decimal, metavar="SHARE")] = 0.8,
    occupancy: Annotated[float, _flag("occupancy", decimal, metavar="SHARE")] = 0.5,
    model: Annotated[str, typer.Option("--model", metavar="ID", help="A model whose dependency map of the reference stands beside.")] = "",
    species: Species = "",
    weights: Weights = None,
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """Entropy, gaps and mutual information of the columns of an alignment, beside the dependency map of a model: a table of pairs (on
    standard output without --out), tracks, the map, or the figure."""
    from engine.exports.formats import formats_of
    from engine.exports.table import write_tsv
    from engine.service.alignment import AlignmentRequest, run_alignment
    from engine.sources.alignments import read_alignment

    if out is not None:
        check_output(out, read=(file,))
        check_ending(out, (*(end for item in formats_of(Covariation) for end in item.suffixes), *FIGURES))
    parameters = CovariationParameters(score, identity, occupancy)  # type: ignore[arg-type]
    settings = settings_of_command_line()
    request = AlignmentRequest(read_alignment(file.name, file), reference, parameters, model, species, weights, device, dtype)
    monitor = TerminalMonitor()
    found = run_alignment(arguments.make_engine(settings), request, monitor)
    monitor.close()
    if out is None:
        deliver(lambda path: write_tsv(found, path), None, ".tsv")
    else:
        write_result(found, out)
    print(found.words(), file=sys.stderr)
    if found.dependency is not None:
        print(_only(found), file=sys.stderr)


def _only(found: Covariation) -> str:
    """The pairs among the strongest of one of the two maps alone, a line each, their bases named as in the words of the result."""
    both = found.concordance
    names = [" with ".join(base_at(found.sequence, index) for index in pair) for pair in both.pairs.tolist()]
    alone = {
        "alignment": [name for name, ours, theirs in zip(names, both.in_alignment, both.in_model, strict=True) if ours and not theirs],
        "model": [name for name, ours, theirs in zip(names, both.in_alignment, both.in_model, strict=True) if theirs and not ours],
    }
    return "\n".join(f"Only in the {who}: {'; '.join(pairs) or 'none'}." for who, pairs in alone.items())
