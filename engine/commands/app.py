"""The command line: ``python -m engine COMMAND``, the same questions and the same answers as the pages.

Exit status 0, or 2 with one sentence on standard error that says what was given, what is allowed and what to do.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from engine.commands import (
    alignment,
    arguments,
    batch,
    benchmark,
    browsing,
    comparing,
    derived,
    elements,
    embedding,
    lessons,
    motifs,
    phage,
    proteins,
    splicing,
    triaging,
)
from engine.core.errors import LocuscopeError

_OPTIONS: dict[str, Any] = {
    "name": "engine",
    "help": "What DNA language models know about a sequence. Sequences are given by --sequence, --fasta or --locus.",
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}
app = typer.Typer()


@app.command("models")
def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Every model: what it is for, its limits and licence, installed or not."""
    found = arguments.make_engine().models()
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
            "proof": row.card.proof,
            "why_not": row.why_not,
        }
        for row in found
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    shown = ("id", "title", "capabilities", "max_length", "licence", "installed")
    print(_table([shown, *([_cell(row[name]) for name in shown] for row in rows)]))
    arguments.tell(f"{row.card.id} is not installed: {row.why_not}" for row in found if row.refused)


def make_app() -> typer.Typer:
    """The command line: the commands here, one for every declared analysis, and those on many sequences or an installation."""
    made = typer.Typer(**_OPTIONS)
    made.registered_commands.extend(app.registered_commands)
    rooms = [
        command
        for room in (
            phage,
            triaging,
            proteins,
            batch,
            splicing,
            benchmark,
            alignment,
            embedding,
            motifs,
            elements,
            comparing,
            lessons,
            browsing,
        )
        for command in room.app.registered_commands
    ]
    derived.add_commands(made, {str(command.name) for command in rooms})
    made.registered_commands.extend(rooms)
    return made


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
    jobs = logging.getLogger("engine.service.jobs")
    before = jobs.level
    jobs.setLevel(logging.ERROR)  # what is refused is said in the sentence below, not where in the code
    try:
        status = make_app()(args=None if arguments is None else list(arguments), prog_name="python -m engine", standalone_mode=False)
    except TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", "python -m engine")
        return _refuse(f"{error.format_message().rstrip('.')}; see {command} --help.")
    except LocuscopeError as error:
        return _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\nstopped\n")
        return 130
    finally:
        jobs.setLevel(before)
    return int(status) if isinstance(status, int) else 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(" ".join(sentence.split()) + "\n")
    return 2
