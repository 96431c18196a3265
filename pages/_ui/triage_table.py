"""The table of a triage: its columns with their help, filters, order, and colours by quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.consequences import IMPACT_ORDER, RANKS
from engine.core.proteins import LIKELY_BENIGN_BELOW, LIKELY_PATHOGENIC_ABOVE
from engine.core.splicing import KINDS
from engine.core.variants import KIND_ORDER, ScoredVariant, Triage
from engine.views.palettes import PALETTES, interpolated

MOST_ROWS = 1_000
"""Rows that are drawn at once; filters and files reach all of them."""

ORDERS = ("impact, then score", "score", "position in the file")


@dataclass(frozen=True)
class Score:
    """A column that rows can be ordered by. ``rising``: the lowest value is the most telling."""

    column: str
    rising: bool
    help: str


SCORES = (
    Score("llr", True, "ln p(alternate) − ln p(reference), the base masked. Negative: the model expects the alternate less; 0: as much."),
    Score(
        "influence",
        False,
        "Mean over the other bases of the window of the largest |Δ log2 odds|, in bits, from 0 up. High: much else changes.",
    ),
    Score("Δ ln P a base", True, "Change of ln P(window) by a causal model, per base. Negative: the window becomes less expected."),
    Score(
        "Δ pseudo ln P",
        True,
        "Indels and several bases by a masked model: change of the sum of ln p(base | window, nothing masked). Not a likelihood; compare it "
        "with others of its kind only. Negative: less expected.",
    ),
    Score(
        "splice",
        False,
        "Largest gain or loss of a splice site's probability within 50 bases by CI-SpliceAI, 0 to 1; the gene by the name of the gene model "
        "that has its splice sites, else by Ensembl's id.",
    ),
    Score(
        "AlphaMissense",
        False,
        "Published pathogenicity of a missense substitution, 0 to 1, the highest of its transcripts; below "
        f"{LIKELY_BENIGN_BELOW} likely benign, above {LIKELY_PATHOGENIC_ABOVE} likely pathogenic.",
    ),
    Score("frequency", True, "Allele frequency that the VCF states (AF, CAF, or AC by AN)."),
)
HELP: dict[str, str] = {item.column: item.help for item in SCORES} | {
    "rank": "1 = the least expected of its kind (substitutions, several bases, indels apart) by its score; none where that score was measured "
    "below chance for its class.",
    "llr quantile": "Share of measured substitutions of the same consequence class whose llr is as low or lower. 0.01: one in a hundred.",
    "influence quantile": "Share of measured substitutions of the same consequence class whose influence is as high or higher.",
    "Δ ln P": "Change of ln P(window) by a causal model, windows of equal length.",
    "impact": "VEP's class of the most severe consequence.",
    "ClinVar": "ClinVar's classification of this very allele, in its own words; indels compared leftmost. Public domain (NCBI), not for diagnosis.",
    "ClinVar review": "ClinVar's review status: how many submitters said so, by which criteria.",
    "protein": "The substitution in the protein by AlphaMissense's table: UniProt accession and change. The page Protein shows it among all others.",
    "consequence": "Most severe Sequence Ontology term of all transcripts.",
}
OPTIONAL = ("id", "Δ ln P", *(item.column for item in SCORES), "splice change", "AlphaMissense class", "protein", "ClinVar", "ClinVar review", "ClinVar id", "consequence", "impact", "gene", "transcript", "HGVS c.", "HGVS p.",
            "llr quantile", "influence quantile", "note")  # fmt: skip
QUANTILES = ("llr quantile", "influence quantile")


def table(found: Triage) -> pd.DataFrame:
    """All rows in the order of the file; columns without any value are left out; ``row`` is the index in ``found.rows``."""
    ranks = found.ranks()
    rows = found.rows
    frame = pd.DataFrame(
        {
            "rank": pd.array([ranks[index] for index in range(len(ranks))], dtype="Int64"),
            "impact": [row.impact for row in rows],
            "consequence": [row.consequence for row in rows],
            "gene": [row.gene for row in rows],
            "contig": [row.variant.contig for row in rows],
            "position": [row.variant.position for row in rows],
            "id": ["" if row.variant.identifier == "." else row.variant.identifier for row in rows],
            "ref": [row.variant.reference for row in rows],
            "alt": [row.variant.alternate for row in rows],
            "HGVS p.": [row.consequences[0].hgvs_p if row.consequences else "" for row in rows],
            "llr": _numbers(row.llr for row in rows),
            "llr quantile": _numbers(row.llr_quantile for row in rows),
            "influence": _numbers(row.influence for row in rows),
            "influence quantile": _numbers(row.influence_quantile for row in rows),
            "Δ ln P": _numbers(row.delta_log_likelihood for row in rows),
            "Δ ln P a base": _numbers(row.mean_delta_log_likelihood for row in rows),
            "Δ pseudo ln P": _numbers(row.delta_pseudo_log_likelihood for row in rows),
            "splice": _numbers(row.splice.score if row.splice is not None else None for row in rows),
            "splice change": [splice_words(row) for row in rows],
            "AlphaMissense": _numbers(row.missense.value if row.missense is not None else None for row in rows),
            "AlphaMissense class": [row.missense.label.replace("_", " ") if row.missense is not None else "" for row in rows],
            "protein": [str((row.missense and row.missense.substitution) or "") for row in rows],
            "ClinVar": [(row.clinical.significance or "no classification") if row.clinical is not None else "" for row in rows],
            "ClinVar review": [row.clinical.review if row.clinical is not None else "" for row in rows],
            "ClinVar id": [row.clinical.identifier if row.clinical is not None else "" for row in rows],
            "frequency": _numbers(row.variant.frequency for row in rows),
            "ranked with": [row.ranked_with for row in rows],
            "HGVS c.": [row.consequences[0].hgvs_c if row.consequences else "" for row in rows],
            "transcript": [row.consequences[0].transcript if row.consequences else "" for row in rows],
            "unranked": [row.unranked for row in rows],
            "status": [row.status.replace("_", " ") for row in rows],
            "note": [" ".join(text for text in (row.note, row.below_chance) if text) for row in rows],
            "row": range(len(rows)),
        }
    )
    empty = [name for name in OPTIONAL if name in frame and (frame[name].isna().all() or (frame[name] == "").all())]
    return frame.drop(columns=empty)


def _numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def splice_words(row: ScoredVariant) -> str:
    """Which site changes most, and how far from the variant."""
    found = row.splice
    if found is None or not found.score:
        return ""
    kind, change = max(zip(KINDS, found.changes, strict=True), key=lambda pair: pair[1].delta if pair[1] is not None else -1.0)
    where = f" {change.position - row.variant.position:+d}" if change is not None and change.position is not None else ""
    return f"{kind.replace('_', ' ')}{where}" + (f" ({found.gene})" if found.gene else "")


def scores_of(frame: pd.DataFrame) -> list[Score]:
    """The columns that this table can be ordered by."""
    return [item for item in SCORES if item.column in frame]


@dataclass(frozen=True)
class Filters:
    """What is kept: rows with ``text`` in any cell, of these genes, classes, impacts, classifications by ClinVar and statuses (none: all), and with a quantile of at most
    ``quantile`` in any of the quantile columns."""

    text: str = ""
    genes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    impacts: tuple[str, ...] = ()
    clinical: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    quantile: float = 1.0

    def kept(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that pass."""
        mask = np.ones(len(frame), dtype=bool)
        for column, wanted in (
            ("consequence", self.classes),
            ("impact", self.impacts),
            ("ClinVar", self.clinical),
            ("status", self.statuses),
        ):
            if wanted and column in frame:
                mask &= frame[column].isin(wanted).to_numpy()
        if self.genes and "gene" in frame:
            named = set(self.genes)
            mask &= np.array([not named.isdisjoint(text.split(",")) for text in frame["gene"]], dtype=bool)
        if self.text.strip():
            mask &= _with_text(frame, self.text.strip().casefold())
        if self.quantile < 1:
            columns = [frame[name].to_numpy() for name in QUANTILES if name in frame]
            mask &= np.any([np.nan_to_num(column, nan=2.0) <= self.quantile for column in columns], axis=0) if columns else False
        return frame[mask]


def _with_text(frame: pd.DataFrame, wanted: str) -> np.ndarray:
    found = np.zeros(len(frame), dtype=bool)
    for name in (
        "contig",
        "id",
        "gene",
        "consequence",
        "transcript",
        "HGVS c.",
        "HGVS p.",
        "splice change",
        "protein",
        "AlphaMissense class",
        "ClinVar",
        "ClinVar id",
        "note",
    ):
        if name in frame:
            found |= frame[name].str.casefold().str.contains(wanted, regex=False).to_numpy()
    places = frame["contig"] + ":" + frame["position"].astype(str) + " " + frame["ref"] + ">" + frame["alt"]
    result: np.ndarray = found | places.str.casefold().str.contains(wanted, regex=False).to_numpy()
    return result


def ordered(frame: pd.DataFrame, order: str, score: Score | None) -> pd.DataFrame:
    """Rows by impact class and score, by score, or as in the file; kinds of variants apart, rows that the score does not rank last.

    Rows without the score, as indels without an llr, stand by their rank among their kind. A score that was measured below chance for a class
    does not rank its rows: within their impact class they come last, in the order of the file.
    """
    if order == ORDERS[2] or score is None:
        return frame
    values = frame[score.column].to_numpy(dtype=np.float64) * (1 if score.rising else -1)
    values = np.where([score.column in names for names in frame["unranked"]], np.nan, values)
    impact = np.array([IMPACT_ORDER.index(text) for text in frame["impact"]]) if "impact" in frame else np.zeros(len(frame))
    kind = np.array([KIND_ORDER.index(text) for text in frame["ranked with"]])
    rank = frame["rank"].to_numpy(dtype=np.float64, na_value=np.inf)
    keys = [rank, np.nan_to_num(values), kind, np.isnan(values)]
    return frame.iloc[np.lexsort(keys + ([impact] if order == ORDERS[0] else []))]


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    """How each column is shown, with its help."""
    found: dict[str, Any] = {}
    for name in frame.columns:
        if pd.api.types.is_float_dtype(frame[name]):
            found[name] = st.column_config.NumberColumn(help=HELP.get(name), format="%.4g")
        elif name in HELP:
            found[name] = st.column_config.Column(help=HELP[name])
    return found


def coloured(frame: pd.DataFrame) -> Any:
    """The frame with its quantiles on a ramp from yellow (rare) to blue (usual), which colour-blind readers tell apart; the numbers stay."""
    columns: list[Any] = [name for name in QUANTILES if name in frame]
    return frame.style.map(_quantile_style, subset=columns) if columns else frame


def _quantile_style(value: Any) -> str:
    if not np.isfinite(value):
        return ""
    # equal steps of rarity: 1 is the left end, 0.001 and less the right one
    rare = min(1.0, -np.log10(max(value, 1e-3)) / 3)
    colour = interpolated(PALETTES["cividis"], float(rare))
    return f"background-color: {colour}; color: {'#ffffff' if rare < 0.55 else '#1a1d21'}"


def classes_by_severity(frame: pd.DataFrame) -> list[str]:
    """Consequence classes of a table, most severe first."""
    return sorted({text for text in frame["consequence"] if text}, key=lambda term: RANKS.get(term, 99)) if "consequence" in frame else []
