"""Two to six models on the sequence of the explorer: strips, an agreement strip, and their maps below each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
from pages._ui.compare_address import Wanted
from pages._ui.compare_loci import price_of
from pages._ui.compare_models import species_for
from pages._ui.grid import grid
from pages._ui.prepared import Price
from pages._ui.text import show_caption, show_error, show_info

SLOT, OPENED = "models-beside", "models-beside-opened"


@dataclass(eq=False)
class BesideWork(polling.Work):
    """One visitor's models on one sequence; the jobs by model and analysis."""

    request: BesideRequest
    visitor: str
    jobs: dict[str, Job] = field(default_factory=dict)
    found: ModelsBeside | None = None


def beside(shared: state.Shared, session: state.Session, wanted: Wanted) -> Wanted:
    """Choose the models; what they say, and where they agree. An address that names them starts what is quickly made; what is shown now."""
    now, pressed = _asked(shared, session, wanted)
    work: BesideWork | None = st.session_state.get(SLOT)
    if pressed or (work is None and wanted.models and not st.session_state.get(OPENED)):
        work = _prepared(shared, session, now, pressed=pressed)
    st.session_state[OPENED] = True
    if work is None or not _about(work.request, shared, session):
        return now
    if not work.jobs:
        _cost(shared, session, work)
        return now
    polling.follow(shared.engine, work.running, polling.progress, work, "beside")
    problems = [str(job.error) for job in work.jobs.values() if job.finished and job.error is not None]
    for problem in dict.fromkeys(problems):
        show_error(problem)
    if work.cancelled:
        show_info(work.cancelled)
        _cost(shared, session, work)
    if work.running or problems or any(job.result is None for job in work.jobs.values()):
        return now
    if work.found is None:
        try:
            answers: dict[str, dict[str, object]] = {}
            for key, job in work.jobs.items():
                model, _, name = key.partition(": ")
                answers.setdefault(model, {})[name] = job.result
            work.found = put_together(shared.engine, work.request, answers)
        except LocuscopeError as error:
            show_error(str(error))
            return now
    return replace(now, maps=_shown(work.found, maps=wanted.maps))


def _cost(shared: state.Shared, session: state.Session, work: BesideWork) -> None:
    """What it will take, and which button starts it."""
    show_caption(f"{_price(shared, session, work.request).words()} for all of them; press Compare.")


def _asked(shared: state.Shared, session: state.Session, wanted: Wanted) -> tuple[Wanted, bool]:
    """The models and the variant of influence that are chosen, and whether the button was pressed."""
    rows = [row for row, why in shared.engine.models_for("dependency") if not why]
    titles = choices.model_titles(row.card for row in rows)
    usual = [name for name in dict.fromkeys((session.question.model, *titles)) if name in titles][:FEWEST]
    variants = influences()
    with st.form("beside", border=False):
        first, second, third = st.columns([5, 3, 1], vertical_alignment="bottom")
        models = first.multiselect(
            "Models, two to six",
            list(titles),
            default=[name for name in wanted.models if name in titles] or usual,
            format_func=titles.__getitem__,
            max_selections=MOST,
            key=f"beside-models-{len(titles)}",
        )
        influence = second.selectbox(
            "Influence, published variant",
            variants,
            index=variants.index(wanted.influence) if wanted.influence in variants else 0,
            format_func=lambda name: name.replace("_", " "),
            key="beside-influence",
        )
        pressed = third.form_submit_button("Compare", type="primary", width="stretch")
    now = replace(wanted, models=tuple(models), influence=influence if influence != variants[0] else "")
    return (replace(now, problems=()) if pressed else now), pressed


def _prepared(shared: state.Shared, session: state.Session, now: Wanted, *, pressed: bool) -> BesideWork | None:
    """The question, asked of every model where the button was pressed or all of it is quickly made; None where it is refused."""
    before: BesideWork | None = st.session_state.pop(SLOT, None)
    if before is not None:
        before.cancel()
    shown = session.on_screen
    try:
        request = BesideRequest(
            shown.sequence, now.models, now.influence or influences()[0], shown.organism, _species(shared, session, now.models)
        )
        work = BesideWork(request, session.visitor)
        if pressed or _price(shared, session, request).automatic:
            for model, asked in request.questions(shared.engine).items():
                for name, one in asked.items():
                    work.jobs[f"{model}: {name}"] = shared.engine.submit(one, session.visitor)
    except LocuscopeError as error:
        show_error(str(error))
        return None
    st.session_state[SLOT] = work
    return work


def _about(request: BesideRequest, shared: state.Shared, session: state.Session) -> bool:
    """Whether it asks of what the explorer shows, of its species."""
    same = request.sequence is session.on_screen.sequence
    return same and request.species == _species(shared, session, request.models)


def _species(shared: state.Shared, session: state.Session, models: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The explorer's species, by each of the models that knows it."""
    named = ((model, species_for(shared.engine, session.question, model)) for model in models)
    return tuple((model, species) for model, species in named if species)


def _price(shared: state.Shared, session: state.Session, request: BesideRequest) -> Price:
    """What all models together cost; raises what the engine refuses."""
    return price_of(shared, session, (one for asked in request.questions(shared.engine).values() for one in asked.values()))


def _shown(found: ModelsBeside, *, maps: bool) -> bool:
    """Strips, agreement and maps; whether the maps are drawn."""
    said, files = st.columns([8, 1], vertical_alignment="center")
    with said:
        show_caption(found.words())
    for note in dict.fromkeys(note for model in found.models for note in model.notes):
        show_caption(note)
    maps = st.toggle("Maps below the strips", value=maps, key="beside-maps")
    with files:
        _exports(found, maps=maps)
    drawn = models_beside_figure(found, maps=maps, dark=bool(st.context.theme.type == "dark"))
    alternative = f"Influence and maps of {', '.join(found.titles)} on one axis, with their agreement at each base"
    st.plotly_chart(drawn, theme=None, key=f"beside-figure-{maps}", alt=alternative, config={"displaylogo": False})
    st.markdown("**Correlation of whole maps (Spearman)**")
    grid(pd.DataFrame(found.correlations.round(3), index=found.titles, columns=found.titles), key="beside-correlations")
    return maps


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
