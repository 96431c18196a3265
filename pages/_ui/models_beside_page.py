"""Two to six models on the sequence of the explorer: strips, an agreement strip, and their maps below each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import pandas as pd
import streamlit as st

from engine.analyses.models_beside import FEWEST, MOST, ModelsBeside
from engine.core.errors import LocuscopeError
from engine.exports import figure as figures
from engine.exports.models_beside_files import FORMATS
from engine.service.jobs import Job
from engine.service.models_beside import BesideRequest, influences, put_together
from engine.views.models_beside import models_beside_figure
from pages._ui import choices, downloads, polling, state
from pages._ui.text import show_caption, show_error

SLOT = "models-beside"


@dataclass(eq=False)
class BesideWork:
    """One visitor's models on one sequence; the jobs by model and analysis."""

    request: BesideRequest
    visitor: str
    jobs: dict[str, Job] = field(default_factory=dict)
    found: ModelsBeside | None = None

    @property
    def running(self) -> bool:
        """Whether anything is still being computed."""
        return any(not job.finished for job in self.jobs.values())

    def cancel(self) -> None:
        """Stop all of it."""
        for job in self.jobs.values():
            job.cancel(self.visitor)


def beside(shared: state.Shared, session: state.Session) -> None:
    """Choose the models; what they say, and where they agree."""
    _asked(shared, session)
    work: BesideWork | None = st.session_state.get(SLOT)
    if work is None or work.request.sequence is not session.on_screen.sequence:
        return
    polling.follow(shared.engine, work.running, polling.progress, work, "beside")
    problems = [str(job.error) for job in work.jobs.values() if job.finished and job.error is not None]
    for problem in dict.fromkeys(problems):
        show_error(problem)
    if work.running or problems or any(job.result is None for job in work.jobs.values()):
        return
    if work.found is None:
        try:
            answers: dict[str, dict[str, object]] = {}
            for key, job in work.jobs.items():
                model, _, name = key.partition(": ")
                answers.setdefault(model, {})[name] = job.result
            work.found = put_together(shared.engine, work.request, answers)
        except LocuscopeError as error:
            show_error(str(error))
            return
    _shown(work.found)


def _asked(shared: state.Shared, session: state.Session) -> None:
    rows = [row for row, why in shared.engine.models_for("dependency") if not why]
    titles = choices.model_titles(row.card for row in rows)
    usual = [name for name in dict.fromkeys((session.question.model, *titles)) if name in titles][:FEWEST]
    with st.form("beside", border=False):
        first, second, third = st.columns([5, 3, 1], vertical_alignment="bottom")
        models = first.multiselect(
            "Models, two to six",
            list(titles),
            default=usual,
            format_func=titles.__getitem__,
            max_selections=MOST,
            key=f"beside-models-{len(titles)}",
        )
        influence = second.selectbox(
            "Influence, published variant", influences(), format_func=lambda name: name.replace("_", " "), key="beside-influence"
        )
        if not third.form_submit_button("Compare", type="primary", width="stretch"):
            return
    before: BesideWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()
    shown, question = session.on_screen, session.question
    species = ((question.model, question.species),) if question.species else ()
    try:
        request = BesideRequest(shown.sequence, tuple(models), influence, shown.organism, species)
        work = BesideWork(request, session.visitor)
        for model, asked in request.questions(shared.engine).items():
            for name, one in asked.items():
                work.jobs[f"{model}: {name}"] = shared.engine.submit(one, session.visitor)
    except LocuscopeError as error:
        show_error(str(error))
        return
    st.session_state[SLOT] = work


def _shown(found: ModelsBeside) -> None:
    said, files = st.columns([8, 1], vertical_alignment="center")
    with said:
        show_caption(found.words())
    for note in dict.fromkeys(note for model in found.models for note in model.notes):
        show_caption(note)
    maps = st.toggle("Maps below the strips", value=True, key="beside-maps")
    with files:
        _exports(found, maps=maps)
    drawn = models_beside_figure(found, maps=maps, dark=bool(st.context.theme.type == "dark"))
    alternative = f"Influence and maps of {', '.join(found.titles)} on one axis, with their agreement at each base"
    st.plotly_chart(drawn, theme=None, key=f"beside-figure-{maps}", alt=alternative, config={"displaylogo": False})
    st.markdown("**Correlation of whole maps (Spearman)**")
    st.dataframe(pd.DataFrame(found.correlations.round(3), index=found.titles, columns=found.titles), key="beside-correlations")


def _exports(found: ModelsBeside, *, maps: bool) -> None:
    with st.popover("Export", help="Every map, a table, the figure"):
        for end, (title, made) in FORMATS.items():
            st.download_button(
                f"{end} · {title}", partial(made, found), f"compare{end}", on_click="ignore", type="tertiary", key=f"beside{end}"
            )
        for kind, title in downloads.FIGURES.items():
            drawn = partial(_picture, found, kind, maps=maps)
            st.download_button(f".{kind} · {title}", drawn, f"compare.{kind}", on_click="ignore", type="tertiary", key=f"beside.{kind}")


def _picture(found: ModelsBeside, kind: figures.Kind, *, maps: bool) -> bytes:
    drawn = models_beside_figure(found, maps=maps)
    return figures.figure_bytes(drawn, kind, found.models[0].provenance, width=1200, height=int(drawn.layout.height))
