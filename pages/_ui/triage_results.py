"""What a triage found: filters, the table, distributions, files, and the reason of the row that is open."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.calibration import FEWEST, HARMFUL, SCORES, Calibration, calibration_of
from engine.core.consequences import IMPACT_ORDER, IMPACTS
from engine.core.splicing import KINDS
from engine.core.variants import ScoredVariant, Triage
from engine.exports.triage_files import FORMATS, TriageFormat
from engine.exports.triage_report import variant_report
from engine.service.triage import shorter_window
from engine.sources.outward_links import outward_links
from engine.sources.vcf import open_vcf
from engine.views.score_figures import score_against_frequency, score_histogram
from pages._ui import (
    allele_bar,
    compare_page,
    downloads,
    protein_desk,
    reading,
    search,
    state,
    triage_desk,
    triage_table,
    turning,
    window_quantile,
)
from pages._ui.buttons import button
from pages._ui.grid import CHOOSE, grid
from pages._ui.kept_choice import kept, kept_choice
from pages._ui.starting import starts_with
from pages._ui.text import plain, show_caption, show_warning
from pages._ui.triage_desk import Desk
from pages._ui.triage_table import ORDERS, Filters, Score


def ranked(shared: state.Shared, desk: Desk, found: Triage) -> None:
    """Draw everything there is to see of a finished triage."""
    if desk.frame is None:
        desk.frame = triage_table.table(found)
    frame = desk.frame
    for note in filter(None, (shorter_window(desk.request.parameters, found), *desk.notes)):
        show_caption(note)
    if before := int(found.provenance.parameters.get("rows_from_an_earlier_run", 0)):
        show_caption(f"{before:,} of the alleles were scored by an earlier run that ended before its end; this one went on from there.")
    counts = frame["status"].value_counts()
    words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(frame):,} alternate allele{'' if len(frame) == 1 else 's'}**: {words}")
        for item in FORMATS:
            name = f"triage{item.suffix}"
            st.download_button(item.suffix, data=partial(_file, found, desk, item), file_name=name, on_click="ignore", help=item.title)
    shown, score = _chosen(frame, desk.identity) if len(frame) > 1 else (frame, None)
    desk.put_in_order(tuple(shown["row"].astype(int).tolist()))
    _table(shared, desk, shown, len(frame))
    if desk.row is None:
        st.caption(f"{CHOOSE}: reference and alternate open below; j and k go to the next and the one before.")
    else:
        _reason(shared, desk, found.rows[desk.row])
    _distributions(frame, score)
    _standing(found, frame, desk.request.organism)


def _chosen(frame: pd.DataFrame, of: str) -> tuple[pd.DataFrame, Score | None]:
    """The rows that the visitor wants to see, in their order, and the score it goes by; ``of``: identity of the desk."""
    order, score = _order(frame, of)
    return triage_table.ordered(_filters(frame, of).kept(frame), order, score), score


def _order(frame: pd.DataFrame, of: str) -> tuple[str, Score | None]:
    """How the rows are ordered, and by which score."""
    scores = triage_table.scores_of(frame)
    orders = ORDERS if "impact" in frame else ORDERS[1:]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        help = "As VEP's users sort: the most severe class first."
        order = kept_choice("Order", orders, orders[0], f"triage-order-{of}", width=220, help=help)
        if not scores:
            return ORDERS[2], None
        named = {item.column: item for item in scores}
        usual = "splice" if "splice" in named else scores[0].column
        score = named[kept_choice("Score", list(named), usual, f"triage-score-{of}", width=220)]
        show_caption(score.help)
    return order, score


def _filters(frame: pd.DataFrame, of: str) -> Filters:
    """What the visitor wants to see of the rows."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start, holds = kept(f"triage-text-{of}", "")
        text = st.text_input("Text", start, placeholder="name, place, HGVS", width=190, **holds)
        choice = partial(_choice, frame, of)
        genes = choice("gene", "Gene", sorted({name for names in frame.get("gene", ()) for name in names.split(",") if name}))
        classes = choice("consequence", "Class", triage_table.classes_by_severity(frame))
        impacts = choice("impact", "Impact", [name for name in IMPACT_ORDER if name])
        clinical = choice("ClinVar", "ClinVar", sorted(set(frame.get("ClinVar", ())) - {""}))
        statuses = choice("status", "Status", sorted(frame["status"].unique()))
        quantile = 1.0
        if any(name in frame for name in triage_table.QUANTILES):
            most, holds = kept(f"triage-quantile-{of}", 1.0)
            quantile = st.select_slider(
                "Quantile at most", [0.001, 0.01, 0.05, 0.1, 0.25, 1.0], value=most, width=200, **holds,
                help="Keeps rows whose llr or influence is among this share of their consequence class.",
            )  # fmt: skip
    return Filters(text, genes, classes, impacts, clinical, statuses, float(quantile))


def _choice(frame: pd.DataFrame, of: str, column: str, label: str, options: list[str]) -> tuple[str, ...]:
    """Some of the values of a column; nothing to choose where there is one at most."""
    there = [name for name in options if column in frame]
    if len(there) < 2:
        return ()
    start, holds = kept(f"triage-filter-{column}-{of}", list[str]())
    return tuple(st.multiselect(label, there, start, placeholder="all", width=220, **holds))


def _table(shared: state.Shared, desk: Desk, shown: pd.DataFrame, total: int) -> None:
    """The rows, the first `triage_table.MOST_ROWS` of them; the tick of one opens it."""
    with st.popover("Columns"):
        names = [name for name in shown.columns if name not in ("row", "ranked with", "unranked")]
        hidden = ("transcript", "HGVS c.") if len(names) > 14 else ()
        start, holds = kept(f"triage-columns-{desk.identity}", [name for name in names if name not in hidden])
        chosen = st.multiselect("Columns", names, start, label_visibility="collapsed", **holds)
    drawn = shown.head(triage_table.MOST_ROWS)
    if len(shown) < total:
        show_caption(f"{len(shown):,} of {total:,} rows pass the filters.")
    if len(drawn) < len(shown):
        show_caption(f"The first {len(drawn):,} in this order are drawn; filters and files reach all.")
    key = f"triage-table-{desk.identity}-{desk.orders}"  # a selection is kept by its place in the table
    ticked = starts_with(key, [desk.order.index(desk.picked)] if desk.picked in desk.order[: len(drawn)] else [])
    picked = grid(
        triage_table.coloured(drawn.drop(columns="unranked").reset_index(drop=True)),
        hide_index=True,
        column_order=chosen or names,
        column_config=triage_table.columns_of(drawn),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": ticked}},
        key=key,
        height="content" if len(drawn) <= 10 else 400,
    )
    rows = [number for number in picked.selection.rows if number < len(drawn)]
    number = int(drawn.iloc[rows[0]]["row"]) if rows else None
    if number is not None and number != desk.picked:
        desk.problem = triage_desk.open_row(shared, state.session(), desk, number)
        desk.row = number
    desk.picked = number
    if desk.row is None and total == 1:
        desk.problem, desk.row = triage_desk.open_row(shared, state.session(), desk, 0), 0


def _reason(shared: state.Shared, desk: Desk, row: ScoredVariant) -> None:
    """Why a row stands where it stands: its score, what it does to each transcript, reference and alternate side by side."""
    session = state.session()
    reading.show(shared.engine, search.READING)
    for problem in dict.fromkeys(text for text in (desk.problem, session.screen.problem) if text):
        show_warning(f"{row.variant}: {problem}")
    _links(desk, row)
    _protein_button(desk)
    if row.consequences:
        count = len(row.consequences)
        with st.expander(f"{count:,} transcript{'' if count == 1 else 's'}", expanded=len(row.consequences) < 4):
            grid(consequences(row), hide_index=True)
    if row.splice is not None:
        with st.expander("Splice sites, alternate − reference, by CI-SpliceAI", expanded=row.splice.score is not None):
            if row.splice.note:
                show_caption(row.splice.note)
            grid(splice_changes(row), hide_index=True)
    if desk.problem:
        with st.container(horizontal=True):
            allele_bar.steps(shared, session, desk, "Triage")
        return
    opened = triage_desk.opened(session)
    if opened is None or session.screen.shown is None:
        return
    allele_bar.bar(shared, session, "Triage")
    model = session.question.model
    why_not = next((why for row, why in shared.engine.models_for("dependency") if row.card.id == model), "")
    if why_not:
        show_caption(f"There is no map to compare: {why_not}")
        return
    window_quantile.section(shared, session, desk, row)
    above = st.container()
    compare_page.compared(shared, session.on_screen, (model, model))
    with above:
        _report_button(desk, row)


def _report_button(desk: Desk, row: ScoredVariant) -> None:
    """The row as a page that needs no network, with the figures of the comparison once it is finished."""
    found, number, comparison = desk.result, desk.row, compare_page.of_session()  # a file is made outside of the session
    if found is None or number is None:
        return

    def made() -> bytes:
        sentences, figures = compare_page.told(comparison)
        score = allele_bar.ranked_words(found, number, found.provenance.card.title)
        return variant_report(row, [score, *sentences], figures, found.provenance, found.ranks()[number])

    name = f"{row.variant.contig}-{row.variant.position}".replace("/", "-")[:60]
    st.download_button("Report of this variant (.html)", made, f"{name}.html", "text/html", on_click="ignore", key="triage-report")


def _protein_button(desk: Desk) -> None:
    """To the protein and the card of the row, of human variants."""
    wanted = protein_desk.wish(desk, desk.row) if desk.row is not None else None
    if wanted is not None and button("Protein and card of this variant", key="triage-protein"):
        st.session_state[protein_desk.WISH] = wanted
        turning.turn_to("pages/protein.py")


def _links(desk: Desk, row: ScoredVariant) -> None:
    """Public sites that show the place; nothing is asked of them before a click."""
    found = outward_links(desk.assembly, row.variant)
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Elsewhere, opened by a click:", width="content")
        for link in found:
            st.link_button(link.title, link.url, type="tertiary")


def consequences(row: ScoredVariant) -> pd.DataFrame:
    """What a variant does to each transcript, the most severe first."""
    return pd.DataFrame(
        {
            "gene": [item.gene for item in row.consequences],
            "transcript": [item.transcript for item in row.consequences],
            "consequence": [", ".join(item.terms) for item in row.consequences],
            "impact": [item.impact for item in row.consequences],
            "HGVS c.": [item.hgvs_c for item in row.consequences],
            "HGVS p.": [item.hgvs_p for item in row.consequences],
            "genetic code": [str(item.genetic_code or "") for item in row.consequences],
            "note": [item.note for item in row.consequences],
        }
    )


def splice_changes(row: ScoredVariant) -> pd.DataFrame:
    """The largest gain and loss of each kind of splice site around a variant: by how much, where, from what to what."""
    found = row.splice
    pairs = [(kind, change) for kind, change in zip(KINDS, found.changes, strict=True) if change is not None] if found is not None else []
    return pd.DataFrame(
        {
            "site": [kind.replace("_", " ") for kind, _ in pairs],
            "gene": [found.gene if found is not None else "" for _ in pairs],
            "Δ P": [change.delta for _, change in pairs],
            "position": pd.array([change.position for _, change in pairs], dtype="Int64"),
            "from the variant": pd.array(
                [None if change.position is None else change.position - row.variant.position for _, change in pairs], dtype="Int64"
            ),
            "P reference": [change.reference for _, change in pairs],
            "P alternate": [change.alternate for _, change in pairs],
        }
    )


def by_class(frame: pd.DataFrame, column: str) -> dict[str, np.ndarray]:
    """A column of numbers by consequence class, all together where there are no classes."""
    values = frame[column].to_numpy(dtype=np.float64)
    if "consequence" not in frame:
        return {"all": values}
    classes = frame["consequence"].replace("", "no consequence").str.replace("_", " ").to_numpy()
    return {name: values[classes == name] for name in dict.fromkeys(classes)}


def _distributions(frame: pd.DataFrame, score: Score | None) -> None:
    """How the chosen score is distributed in each class, and against the allele frequency of the file."""
    if score is None or len(frame) < 3:
        return
    dark = bool(st.context.theme.type == "dark")
    with st.expander(f"{score.column} by class", expanded=True):
        figure = score_histogram(by_class(frame, score.column), score.column, dark=dark)
        st.plotly_chart(figure, alt=f"Distribution of {score.column} in each consequence class", key="triage-histogram", theme=None)
        if "frequency" in frame and score.column != "frequency":
            frequency = by_class(frame, "frequency")
            pair = score_against_frequency(frequency, by_class(frame, score.column), score.column, dark=dark)
            st.plotly_chart(pair, alt=f"{score.column} against allele frequency", key="triage-frequency", theme=None)


def _standing(found: Triage, frame: pd.DataFrame, organism: str) -> None:
    """What the model is good or bad at, as it was measured."""
    origin = found.provenance
    table = calibration_of(origin.card.id, origin.card.weights_sha256, int(origin.parameters.get("window_bp", 0)), organism)
    with st.expander(f"What {plain(origin.card.title)} is good and bad at"):
        if table is None:
            st.caption(
                "Its scores were not measured by consequence class with this window, so there are no quantiles and nothing is left out."
            )
            return
        show_caption(
            f"AUROC against synonymous substitutions, with 95 % intervals; 0.5 is chance. {table.source} For other organisms it says little."
        )
        grid(standing(table, set(frame["consequence"]) if "consequence" in frame else set()), hide_index=True)


def standing(table: Calibration, there: set[str]) -> pd.DataFrame:
    """The measured classes, those of the table first."""
    names = sorted({name for name, _ in table.measured}, key=lambda name: (name not in there, list(table.counts).index(name)))
    rows = []
    for name in names:
        llr, influence = table.measured.get((name, "llr")), table.measured.get((name, "influence"))
        rows.append(
            {
                "class": name,
                "llr": llr.words() if llr is not None else "",
                "influence": influence.words() if influence is not None else "",
                "what that means": _verdict(table, name),
            }
        )
    return pd.DataFrame(rows)


def _verdict(table: Calibration, name: str) -> str:
    """What the measurements of a class mean for its ranks."""
    if IMPACTS.get(name) not in HARMFUL:
        return "not expected to do harm: a description"
    parts = []
    for score in SCORES:
        found = table.measured.get((name, score))
        if found is None:
            continue
        if min(found.count, found.neutral) < FEWEST:
            parts.append(f"{score}: too few to tell")
        elif table.below_chance(name, score) is not None:
            parts.append(f"{score} is below chance and does not rank it")
        else:
            parts.append(f"{score} is no better than chance" if found.at_chance else f"{score} ranks it")
    return "; ".join(parts)


def _file(found: Triage, desk: Desk, item: TriageFormat) -> bytes:
    with open_vcf(desk.content, desk.name) as source:
        return downloads.written(item.suffix, partial(item.write, found, source))
