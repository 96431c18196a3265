"""Lessons: ask, let predict, reveal; a step at a time in large type, by arrow keys and the space bar, and the Explorer a click away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import LocuscopeError
from engine.service import lesson_handout
from engine.service.jobs import Job
from engine.service.lesson_files import Lesson, lessons
from engine.service.lesson_handout import HEADINGS
from engine.service.lesson_work import Outcome, Scene
from pages._ui import address_bar, lesson_keys, polling, search, state, turning
from pages._ui.address import AddressState
from pages._ui.buttons import button
from pages._ui.question import Question
from pages._ui.reading import MOST_WAIT_SECONDS
from pages._ui.text import plain, show_caption, show_error, show_warning

if TYPE_CHECKING:
    from engine.service.requests import Request
    from pages._ui.state import Session, Shared

_WORK = "lesson-work"


@dataclass(frozen=True)
class Place:
    """Where a visitor is: which lesson, the step (0-based), and whether its answer is shown."""

    lesson: str
    step: int = 0
    is_revealed: bool = False

    def moved(self, by: int, steps: int) -> Place:
        """One page on or back: question, answer, next question."""
        page = min(max(2 * self.step + self.is_revealed + by, 0), 2 * steps - 1)
        return replace(self, step=page // 2, is_revealed=page % 2 == 1)


@dataclass
class Work:
    """The computations of one step: its scene, and the jobs of its requests."""

    scene: Scene
    jobs: dict[Request, Job] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether anything is still computed."""
        return any(not job.finished for job in self.jobs.values())

    def answer(self, request: Request) -> Any:
        """The answer to a request. Raises what became of its job."""
        return self.jobs[request].answer()

    @property
    def cancelled(self) -> bool:
        """Whether something of it was stopped, because the visitor was away."""
        return any(job.state == "cancelled" for job in self.jobs.values())


def page() -> None:
    """Draw the page."""
    shared, session = state.shared(), state.session()
    found, problems = lessons(shared.settings.lessons)
    if session.lesson is None:
        session.lesson = _of_address(found)
    place = session.lesson
    if place is None or place.lesson not in found:
        _overview(session, found, problems)
        return
    lesson = found[place.lesson]
    address_bar.write("lessons", {"lesson": lesson.id, "step": str(place.step + 1), **({"answer": "shown"} if place.is_revealed else {})})
    with st.container(key="lesson"):
        _step(shared, session, lesson, place)
    lesson_keys.listen()


def _of_address(found: dict[str, Lesson]) -> Place | None:
    """Where an address leads; what is not understood is the beginning."""
    name, step = st.query_params.get("lesson", ""), st.query_params.get("step", "1")
    if name not in found:
        return None
    number = int(step) if step.isascii() and step.isdigit() and len(step) < 4 else 1
    return Place(name, min(max(number, 1), len(found[name].steps)) - 1, st.query_params.get("answer") == "shown")


def _overview(session: Session, found: dict[str, Lesson], problems: tuple[str, ...]) -> None:
    """Every lesson as a card."""
    address_bar.write("lessons")
    st.subheader("Lessons", anchor=False)
    show_caption(
        "Each step asks a question about a sequence, lets you predict, and shows what the model's results say, what to conclude and what not. "
        "Numbers are worked out of the results as you look. " + lesson_keys.WORDS
    )
    rows = list(found.values())
    for start in range(0, len(rows), 2):
        for column, lesson in zip(st.columns(2), rows[start : start + 2], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{plain(lesson.title)}**")
                st.markdown(plain(lesson.summary))
                show_caption(f"{len(lesson.steps)} steps, about {lesson.minutes} minutes")
                if button("Begin", key=f"lesson-{lesson.id}", type="primary"):
                    session.lesson = Place(lesson.id)
                    st.rerun()
    for problem in problems:
        show_warning(problem)
    show_caption("A lesson is a file; docs/lessons.md says how to write one, the setting LOCUSCOPE_LESSONS names a folder of your own.")


def _step(shared: Shared, session: Session, lesson: Lesson, place: Place) -> None:
    step = lesson.steps[place.step]
    _bar(session, lesson, place)
    st.subheader(f"{place.step + 1}. {plain(step.title)}", anchor=False)
    st.markdown(plain(step.question))
    picked = st.radio("Your prediction", step.choices, index=None, key=f"predict-{lesson.id}-{place.step}") if step.choices else None
    try:
        work = _work(shared, session, lesson, place)
    except LocuscopeError as error:
        show_error(str(error))
        return
    if work.running:
        polling.follow(shared.engine, True, _progress, work)
        return
    try:
        outcome = work.scene.outcome(shared.engine, work.answer)
    except LocuscopeError as error:
        show_error(str(error))
        return
    if place.is_revealed:
        _reveal(outcome, picked)
    dark = st.context.theme.type == "dark"
    for number, figure in enumerate(outcome.answer(dark=dark) if place.is_revealed else outcome.question(dark=dark)):
        st.plotly_chart(figure, key=f"lesson-figure-{number}-{place.is_revealed}", width="content", theme=None)
    _files(shared, lesson)


def _bar(session: Session, lesson: Lesson, place: Place) -> None:
    """Where the visitor is, and the ways on; their keys are those of a presenter."""
    last = place == place.moved(1, len(lesson.steps))
    with st.container(horizontal=True, vertical_alignment="center", key="lesson-bar"):
        st.markdown(f"**{plain(lesson.title)}** · step {place.step + 1} of {len(lesson.steps)}", width="stretch")
        back = button("Back", shortcut="Left", disabled=not place.step and not place.is_revealed, key="lesson-back")
        reveal = button("Hide" if place.is_revealed else "Reveal", shortcut="Space", type="primary", key="lesson-reveal")
        on = button("Next", shortcut="Right", disabled=last, key="lesson-next")
        explorer = button(
            "Open in the Explorer", key="lesson-explorer", help="The same sequence with everything; a button there leads back here."
        )
        every = button("All lessons", type="tertiary", key="lesson-all")
    if back or on:
        session.lesson = place.moved(1 if on else -1, len(lesson.steps))
    elif reveal:
        session.lesson = replace(place, is_revealed=not place.is_revealed)
    elif every:
        session.lesson = None
        st.query_params.clear()
    elif explorer:
        _open_in_explorer(state.shared(), session, lesson, place)
        return
    if back or on or reveal or every:
        st.rerun()


def _work(shared: Shared, session: Session, lesson: Lesson, place: Place) -> Work:
    """The computations of this step, asked for once, and again after the visitor was away. Raises `LocuscopeError` for what cannot be read or
    computed."""
    known: tuple[tuple[Lesson, int], Work] | None = st.session_state.get(_WORK)
    if known is not None and known[0] == (lesson, place.step) and not known[1].cancelled:
        return known[1]
    scene = _scene(shared, lesson, place)
    work = Work(scene, {request: shared.engine.submit(request, session.visitor) for request in scene.requests(shared.engine)})
    for job in list(work.jobs.values())[-1:]:  # what is stored is there by then
        job.wait(MOST_WAIT_SECONDS)
    st.session_state[_WORK] = ((lesson, place.step), work)
    return work


def _scene(shared: Shared, lesson: Lesson, place: Place) -> Scene:
    return Scene.of(lesson, lesson.steps[place.step], shared.genomes, shared.settings)


def _progress(work: Work) -> None:
    """How far the answers are; the page runs again once all are there."""
    if not work.running:
        st.rerun()
    done = sum(job.finished for job in work.jobs.values())
    st.progress(done / len(work.jobs), text=f"{done} of {len(work.jobs)} answers are there")


def _reveal(outcome: Outcome, picked: str | None) -> None:
    """What comes after the prediction."""
    step = outcome.scene.step
    with st.container(border=True, key="lesson-answer"):
        if step.choices:
            right = step.choices[step.answer]
            said = "" if picked is None else " You predicted it." if picked == right else f" You predicted: {plain(picked)}."
            st.markdown(f"**{plain(right)}.**{said}")
        st.markdown(plain(outcome.text("reveal")))
        for column, (name, title) in zip(st.columns(2), HEADINGS.items(), strict=True):
            if text := outcome.text(name):
                column.markdown(f"**{title}.** {plain(text)}")
        for problem in outcome.problems:
            show_warning(f"It came out otherwise than the lesson expects: {problem}")


def _files(shared: Shared, lesson: Lesson) -> None:
    """The hand-out, made when it is asked for."""

    def made(*, answers: bool) -> bytes:
        found = lesson_handout.outcomes(lesson, shared.engine, shared.genomes, shared.settings, shared.engine.run)
        return lesson_handout.as_html(lesson, list(found), answers=answers)

    with st.container(horizontal=True, vertical_alignment="center", key="lesson-files"):
        for answers, label, name in ((False, "Hand-out for students", "questions"), (True, "With answers", "answers")):
            st.download_button(
                label,
                data=partial(made, answers=answers),
                file_name=f"{lesson.id}.{name}.html",
                mime="text/html",
                on_click="ignore",
                type="tertiary",
                key=f"lesson-file-{name}",
                help="One page for print, with the figures; opens without any network.",
            )
        show_caption(lesson_keys.WORDS)


def _open_in_explorer(shared: Shared, session: Session, lesson: Lesson, place: Place) -> None:
    """The step's sequence in the Explorer, marked as here."""
    try:
        scene = _scene(shared, lesson, place)
    except LocuscopeError as error:
        show_error(str(error))
        return
    if session.exchange.asked is None:  # the Explorer's first view is this one
        session.exchange = replace(session.exchange, asked=AddressState())
    step = scene.step
    question = Question(scene.text, model=lesson.model or shared.settings.model, window=step.window, allele=scene.allele)
    start: dict[str, Any] = {"select": list(step.select)} if step.select else {}
    if step.region is not None:
        start["region"] = list(step.region)
    session.exchange = replace(session.exchange, arrived=state.Arrival(question, start))
    search.ask(shared, session, question)
    turning.turn_to("pages/explorer.py")


def back(session: Session) -> None:
    """On the Explorer: the way back to the lesson that led there."""
    if session.lesson is not None and button("Back to the lesson", key="back-to-lesson", type="tertiary"):
        turning.turn_to("pages/lessons.py")
