"""One command for every declared analysis: its options are the fields of its parameters, its help is its summary."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.analyses.declared import Declared, analyses
from engine.commands import arguments, options
from engine.commands.arguments import (
    TerminalMonitor,
    check_output,
    deliver,
    read_sequence,
    read_upstream,
    settings_of_command_line,
    write_result,
)
from engine.core.card import ModelCard
from engine.core.parameters import Field, fields_of
from engine.service.requests import Request

logger = logging.getLogger(__name__)

_INPUT: dict[str, tuple[Any, Any]] = {
    "sequence": (options.Letters, None),
    "fasta": (options.Fasta, None),
    "name": (options.Name, None),
    "locus": (options.LocusText, None),
    "upstream_of": (options.UpstreamOf, None),
}
_HOW: dict[str, tuple[Any, Any]] = {
    "model": (options.ModelId, ""),
    "weights": (options.Weights, None),
    "species": (options.Species, ""),
    "device": (options.Device, ""),
    "dtype": (options.Dtype, ""),
}
_PARSERS: dict[type, Any] = {int: options.whole, float: options.decimal}
_OUT: dict[str, tuple[Any, Any]] = {"out": (options.Out, None)}


def add_commands(app: typer.Typer, written: Collection[str] = ()) -> None:
    """Add the command of every analysis to ``app``, but for those that are ``written`` by hand because they read more files.

    A package's analysis whose command is another one's gets none, with a warning.
    """
    taken = {*written, *(command.name for command in app.registered_commands)}
    for analysis in analyses().values():
        if analysis.package and analysis.command in taken:
            logger.warning(
                "The analysis %s of the package %s has no command here: %r is another one.",
                analysis.name,
                analysis.package,
                analysis.command,
            )
        if analysis.command in taken:
            continue
        app.command(analysis.command, help=analysis.summary)(_command(analysis))


def _command(analysis: Declared) -> Any:
    """The function typer reads: its signature is made of the shared options and the analysis' own."""
    own = {f"parameter_{field.name}": field for field in fields_of(analysis.parameters)}
    signature = {**_INPUT, **_HOW, **_OUT, **{name: _typed(field) for name, field in own.items()}}

    def command(**given: Any) -> None:
        texts = {field.name: given.pop(name) for name, field in own.items()}
        answer(analysis, given, analysis.parameters(**{field.name: _value(field, texts[field.name]) for field in own.values()}))

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in signature.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {name: kind for name, (kind, _) in signature.items()}
    command.__name__ = analysis.command
    return command


def _typed(field: Field) -> tuple[Any, Any]:
    """Type and default of an option of the command line; what has a reader of its own is text."""
    option = field.option
    if field.kind is bool:
        return Annotated[bool, typer.Option(option.flag, help=option.help)], field.default
    kind: Any = str if option.read is not None else field.kind
    default = field.default
    if option.required:
        default = ...
    elif default is None:
        kind = kind | None
    elif option.read is not None:
        default = field.text_of(default)
    parser = None if option.read is not None else _PARSERS.get(field.kind)
    return Annotated[kind, typer.Option(option.flag, **options.told(option), parser=parser)], default


def _value(field: Field, given: Any) -> Any:
    if isinstance(given, str) and field.option.read is not None:
        return field.value_of(given)
    return given


def _otherwise_on_pages(analysis: Declared, parameters: Any, card: ModelCard) -> list[str]:
    """What the pages set of this model and analysis without being asked, and this command line did not."""
    return [
        f"The pages show the answer with {field.option.flag}; this is the one without it."
        for field, value in analysis.starting(card).changes()
        if value is True and not getattr(parameters, field.name)
    ]


def answer(analysis: Declared, given: dict[str, Any], parameters: Any) -> None:
    """Ask the engine and write the answer; a table goes to standard output when no file is named."""
    settings = settings_of_command_line()
    out: Path | None = given["out"]
    target = out or Path(analysis.default_file)
    check_output(target, analysis, (given["fasta"],))
    how = {name: given[name] for name in _HOW}
    engine = arguments.make_engine(settings)
    if given["upstream_of"] is not None:
        others = [given[name] for name in ("sequence", "fasta", "name", "locus")]
        sequence, how["species"] = read_upstream(given["upstream_of"], others, engine, how["model"], how["species"])
    else:
        sequence = read_sequence(given["sequence"], given["fasta"], given["name"], given["locus"], settings)
    request = Request(analysis.name, sequence, parameters=parameters, **how)
    monitor = TerminalMonitor()
    result = engine.run(request, monitor)
    monitor.close()
    for note in (*engine.notes(request), *_otherwise_on_pages(analysis, parameters, result.provenance.card)):
        print(note, file=sys.stderr)
    if out is None and target.suffix == ".tsv":
        deliver(functools.partial(write_result, result), None, target.suffix)
        return
    write_result(result, target)
    print(f"wrote {target}", file=sys.stderr)
