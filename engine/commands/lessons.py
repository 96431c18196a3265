"""The command ``lesson``: a lesson of the page *Lessons* on paper."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import check_ending, check_output, settings_of_command_line, writing
from engine.commands.options import Out

app = typer.Typer()


@app.command("lesson")
def lesson_command(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which lesson; without it, those there are.")] = "",
    questions: Annotated[bool, typer.Option("--questions", help="Without the answers, with room to write: for students.")] = False,
    out: Out = None,
) -> None:
    """A lesson over the shipped examples as a hand-out: question, choices, and what the model's results reveal; as text (.md, standard output
    without --out) or as a page with its figures, to be printed (.html)."""
    from engine.service import lesson_handout
    from engine.service.lesson_files import lesson_called, lessons
    from engine.sources.genomes import GenomeSet

    settings = settings_of_command_line()
    if not name:
        found, problems = lessons(settings.lessons)
        print("\n".join(f"{lesson.id}  {lesson.title} ({lesson.minutes} min, {len(lesson.steps)} steps)" for lesson in found.values()))
        arguments.tell(problems)
        return
    lesson = lesson_called(name, settings.lessons)
    if out is not None:
        check_output(out)
        check_ending(out, (".html", ".md"))
    engine = arguments.make_engine(settings)
    made = list(lesson_handout.outcomes(lesson, engine, GenomeSet(settings), settings, engine.run))
    if out is None:
        print(lesson_handout.as_text(lesson, made, answers=not questions), end="")
    else:
        page = out.suffix.casefold() == ".html"
        written = lesson_handout.as_html(lesson, made, answers=not questions) if page else b""
        with writing(out):
            out.write_bytes(written or lesson_handout.as_text(lesson, made, answers=not questions).encode())
        print(f"wrote {out}", file=sys.stderr)
    otherwise = [problem for outcome in made for problem in outcome.problems]
    arguments.tell(f"It came out otherwise than the lesson expects: {problem}" for problem in otherwise)
