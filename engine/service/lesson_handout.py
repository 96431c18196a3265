"""A lesson on paper: text for a terminal, and one HTML page with the figures, to be printed or kept; without any network.

Students get the questions, their choices and room to write; with ``answers`` what was revealed follows each, with the numbers as they came out.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from engine.exports.figure import CONFIG, POLICY
from engine.exports.provenance import summary
from engine.service.lesson_work import Outcome, Scene

if TYPE_CHECKING:
    from engine.core.results import Result
    from engine.core.settings import Settings
    from engine.service.engine import Engine
    from engine.service.lesson_files import Lesson, Step
    from engine.service.requests import Request
    from engine.sources.genomes import GenomeSet

PAPER_WIDTH = 700
"""Pixels of a figure on paper, as wide as A4 and Letter have room for."""
HEADINGS = {"conclude": "What to conclude", "do_not_conclude": "What not to conclude"}
_STYLE = """
body { font: 12.5pt/1.45 system-ui, sans-serif; max-width: 720px; margin: 24px auto; color: #171b21; }
h1 { font-size: 22pt; line-height: 1.2; } h2 { font-size: 15pt; margin: 28px 0 6px; }
.question { font-weight: 600; } ol { list-style: upper-alpha; } .right { font-weight: 700; }
.room { border-bottom: 1px solid #9aa4b0; height: 30px; } .answer { border-left: 4px solid #b5400f; padding-left: 12px; }
.small { font-size: 9pt; color: #4c5663; }
section { break-inside: avoid-page; } section.step + section.step { break-before: page; }
@media print { body { margin: 0; } }
"""


def outcomes(
    lesson: Lesson, engine: Engine, genomes: GenomeSet, settings: Settings, answer: Callable[[Request], Result]
) -> Iterator[Outcome]:
    """Every step worked out, in order."""
    for step in lesson.steps:
        yield Scene.of(lesson, step, genomes, settings).outcome(engine, answer)


def as_text(lesson: Lesson, found: list[Outcome], *, answers: bool = True) -> str:
    """The hand-out as Markdown without figures."""
    lines = [f"# {lesson.title}", "", lesson.summary, "", f"About {lesson.minutes} minutes, {len(lesson.steps)} steps.", ""]
    for number, outcome in enumerate(found, start=1):
        step = outcome.scene.step
        lines += [f"## {number}. {step.title}", "", step.question, ""]
        lines += [f"{mark}. {choice}" for mark, choice in _choices(step)] + [""]
        if answers:
            right = f"**{_right(step)}.** " if step.choices else ""
            lines += [f"{right}{outcome.text('reveal')}", ""]
            lines += [f"{title}: {outcome.text(name)}\n" for name, title in HEADINGS.items() if outcome.text(name)]
            lines += [f"It came out otherwise than the lesson expects: {problem}\n" for problem in outcome.problems]
    return "\n".join([*lines, *(_sources(found) if answers else [])]).rstrip() + "\n"


def as_html(lesson: Lesson, found: list[Outcome], *, answers: bool = True) -> bytes:
    """The hand-out as one page with its figures; plotly.js is inside and nothing is asked of any host."""
    script: list[bool] = [True]

    def drawing(outcome: Outcome) -> str:
        parts = []
        for figure in outcome.answer(width=PAPER_WIDTH) if answers else outcome.question(width=PAPER_WIDTH):
            parts.append(_figure(figure, with_script=script[0]))
            script[0] = False
        return "".join(parts)

    body = [f"<h1>{html.escape(lesson.title)}</h1><p>{html.escape(lesson.summary)}</p>"]
    body.append(f'<p class="small">About {lesson.minutes} minutes, {len(lesson.steps)} steps.</p>')
    for number, outcome in enumerate(found, start=1):
        step = outcome.scene.step
        choices = "".join(
            f"<li{' class=right' if answers and place == step.answer else ''}>{html.escape(choice)}</li>"
            for place, choice in enumerate(step.choices)
        )
        body.append(
            f'<section class="step"><h2>{number}. {html.escape(step.title)}</h2><p class="question">{html.escape(step.question)}</p>'
            f"<ol>{choices}</ol>{drawing(outcome)}{_answer(outcome) if answers else _room()}</section>"
        )
    if answers:
        body.append("".join(f'<p class="small">{html.escape(line)}</p>' for line in _sources(found)))
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{html.escape(lesson.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{''.join(body)}\n</body>\n</html>\n"
    )
    return page.encode()


def _figure(figure: Any, *, with_script: bool) -> str:
    size = {"default_width": f"{figure.layout.width}px", "default_height": f"{figure.layout.height}px"}
    config = {**CONFIG, "staticPlot": True, "responsive": False}
    found: str = figure.to_html(include_plotlyjs=with_script, full_html=False, config=config, include_mathjax=False, **size)
    return found


def _answer(outcome: Outcome) -> str:
    parts = [f"<p>{html.escape(outcome.text('reveal'))}</p>"]
    for name, title in HEADINGS.items():
        if outcome.text(name):
            parts.append(f"<p><b>{title}.</b> {html.escape(outcome.text(name))}</p>")
    parts += [f"<p><b>It came out otherwise than the lesson expects:</b> {html.escape(problem)}</p>" for problem in outcome.problems]
    return f'<div class="answer">{"".join(parts)}</div>'


def _room() -> str:
    rooms = ("My prediction, and why", "What we saw", "What to conclude, and what not")
    return "".join(f'<p class="small">{title}</p><div class="room"></div><div class="room"></div>' for title in rooms)


def _choices(step: Step) -> list[tuple[str, str]]:
    return [(chr(ord("A") + place), choice) for place, choice in enumerate(step.choices)]


def _right(step: Step) -> str:
    return chr(ord("A") + step.answer)


def _sources(found: list[Outcome]) -> list[str]:
    """Where the numbers come from, each once."""
    lines = [
        f"{summary(result.provenance)}, sequence {result.provenance.sequence_sha256[:12]}"
        for outcome in found
        for result in outcome.results
    ]
    return ["Numbers and figures:", *dict.fromkeys(lines)]
