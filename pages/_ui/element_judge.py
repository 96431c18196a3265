"""Elements held against an annotation, own places or another element model, whose answer also becomes a track of the figure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.analyses.segmentation import Segmentation
from engine.core.errors import LocuscopeError
from engine.core.features import Feature
from engine.core.own_tracks import OwnTrack, Rows, TrackFile
from engine.core.quoting import file_name
from engine.exports.element_score_files import scores_text
from engine.service.element_scores import BED_KIND, Judge, judged
from engine.views.own_panels import PREFIX
from engine.views.palettes import element_colour
from pages._ui import choices, polling
from pages._ui.buttons import button
from pages._ui.grid import decimals, grid
from pages._ui.own_tracks import Brought
from pages._ui.text import plain, show_caption, show_error, show_info

if TYPE_CHECKING:
    from engine.service.jobs import Job
    from pages._ui.runs import Runs
    from pages._ui.state import Session, Shared

SLOT, CHOSEN = "element-judge", "element-judge-chosen"
ANNOTATION = "the annotation"


@dataclass(eq=False)
class JudgeWork(polling.Work):
    """One visitor's judge that is a model: whom it judges, and its job."""

    found: Segmentation
    judge: Judge
    visitor: str
    jobs: dict[str, Job] = field(default_factory=dict)


def judging(shared: Shared, session: Session, runs: Runs) -> None:
    """An expander under the figure: choose a judge, read MCC, F1, auPRC and Jaccard of each element."""
    found = runs.finished_results().get("segmentation")
    if not isinstance(found, Segmentation):
        return
    box = st.expander("Elements against an annotation, own places or another model", on_change="rerun", key="judge-open")
    with box:
        if box.open:
            _judging(shared, session, runs, found)


def _judging(shared: Shared, session: Session, runs: Runs, found: Segmentation) -> None:
    given = [item for item in runs.shown.features if item.kind != "source"]
    blocks = {track.id: track for track in runs.own if track.kind == "blocks"}
    asked = runs.requests["segmentation"]
    models = {row.card.id: row for row, why in shared.engine.models_for("segmentation") if not why and row.card.id != asked.model}
    titles = choices.model_titles(row.card for row in models.values())
    words = {**({ANNOTATION: f"the annotation ({len(given):,} features)"} if given else {}), **titles}
    words |= {name: f"track {track.name}" for name, track in blocks.items()}
    if not words:
        show_caption("There is no annotation, no track of blocks and no other element model here to hold them against.")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    last = st.session_state.get(CHOSEN)
    index = list(words).index(last) if last in words else 0
    name = left.selectbox("Judge", list(words), index=index, format_func=lambda key: words[key], key=f"judge-{len(words)}")
    st.session_state[CHOSEN] = name
    if name in blocks:
        _table(found, Judge(blocks[name].name, _places(blocks[name])), None)
    elif name == ANNOTATION:
        _table(found, Judge("its annotation", tuple(given)), None)
    else:
        species = models[name].card.species
        chosen = (
            right.selectbox("Its species", ["", *species], format_func=lambda key: key or "as it chooses", key=f"judge-species-{name}")
            if species
            else ""
        )
        _by_model(shared, session, runs, found, Judge(titles[name], (), name, chosen or ""))


def _by_model(shared: Shared, session: Session, runs: Runs, found: Segmentation, judge: Judge) -> None:
    work: JudgeWork | None = st.session_state.get(SLOT)
    if work is None or work.found is not found or work.judge != judge:
        if work is not None:
            work.cancel()
        work = JudgeWork(found, judge, session.visitor)
        try:
            work.jobs["judge"] = shared.engine.submit(judge.request(runs.requests["segmentation"]), session.visitor)
        except LocuscopeError as error:
            show_error(str(error))
            return
        st.session_state[SLOT] = work
    polling.follow(shared.engine, work.running, polling.progress, work, "judge")
    job = work.jobs["judge"]
    if job.error is not None:
        show_error(str(job.error))
    elif work.cancelled:
        show_info(work.cancelled)
        if button("Compute", type="primary", key="judge-go"):
            del st.session_state[SLOT]
            st.rerun()
    elif isinstance(job.result, Segmentation):
        _table(found, judge, job.result)
        if button(f"Show {plain(judge.name)} as a track", key="judge-track"):
            _as_track(session, judge, job.result)
            st.rerun()


def _table(found: Segmentation, judge: Judge, answer: Segmentation | None) -> None:
    try:
        scores = judged(found, judge, answer)
    except LocuscopeError as error:
        show_error(str(error))
        return
    show_caption(
        f"{scores.words()} Called from a probability of 0.5; intervals draw blocks of neighbouring bases; auPRC by chance is the share of bases."
    )
    table = pd.DataFrame(scores.table()).astype(dict.fromkeys(("MCC", "F1", "auPRC", "auPRC by chance", "Jaccard"), float))
    grid(table, hide_index=True, key="judge-table", column_config=decimals(table, 4))
    with st.container(horizontal=True):
        for end in (".tsv", ".csv"):
            made = partial(scores_text, scores, end)
            st.download_button(f"{end} · the table", made, f"element-scores{end}", on_click="ignore", type="tertiary", key=f"judge{end}")


def _places(track: OwnTrack) -> tuple[Feature, ...]:
    rows = zip(track.rows.starts.tolist(), track.rows.ends.tolist(), track.rows.names or ("",) * len(track.rows.starts), strict=True)
    return tuple(Feature(BED_KIND, name, start, end) for start, end, name in rows)


def _as_track(session: Session, judge: Judge, answer: Segmentation) -> None:
    """The judge's elements as blocks among the visitor's tracks."""
    around = session.around
    if around is None:
        return
    place, intervals = around.place, answer.intervals()
    first = np.array([item.first for item in intervals], dtype=np.int64)
    last = np.array([item.last for item in intervals], dtype=np.int64)
    starts, ends = (place.end - last, place.end - first) if place.reverse else (place.start + first, place.start + last)
    order = np.argsort(starts, kind="stable")
    turned = {"+": "-", "-": "+", ".": "."} if place.reverse else {"+": "+", "-": "-", ".": "."}
    names, strands = ([picked(item) for item in intervals] for picked in (_name, lambda item: turned[item.direction]))
    values = np.array([item.score for item in intervals], dtype=np.float32)
    rows = Rows(starts[order], ends[order], values[order], tuple(names[k] for k in order), tuple(strands[k] for k in order))
    made = TrackFile(file_name(judge.name), "blocks", {place.contig: rows})
    colour = element_colour(len(session.tracks), dark=False)
    session.tracks = (*session.tracks, Brought(f"{PREFIX}{uuid.uuid4().hex[:8]}", made, judge.name, colour))


def _name(item: Any) -> str:
    return str(item.name.removesuffix("_forward").removesuffix("_reverse").replace("_", " "))
