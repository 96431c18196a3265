"""Genomic elements: one row each, as high as their probability; rows in which nothing is seen become one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.palettes import element_colour
from engine.views.panel import Choice, Drawn, Label, Panel, Readout
from engine.views.paths import filled, steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.segmentation import Segmentation

SEEN = 0.5
"""An element whose probability stays under this at every base is not seen."""
ROW = 15
ROOM = 13
"""Letters beside a row."""
FULL = 0.86
"""Height of probability 1 in a row."""
WORDS = {
    "5UTR": "5′ UTR", "3UTR": "3′ UTR", "five_prime_UTR": "5′ UTR", "three_prime_UTR": "3′ UTR", "polyA_signal": "polyA signal",
    "CTCF-bound": "CTCF site", "protein_coding_gene": "coding gene", "lncRNA": "long RNA", "promoter_Tissue_specific": "promoter, some",
    "promoter_Tissue_invariant": "promoter, all", "enhancer_Tissue_specific": "enhancer, some", "enhancer_Tissue_invariant": "enhancer, all",
}  # fmt: skip
"""Names of published segmenters in words that fit beside a row; others have their underscores removed."""


def plain(name: str) -> str:
    """An element's name in words."""
    return WORDS.get(name, name.replace("_", " "))


def beside_row(name: str) -> str:
    """An element's name as it fits beside a row; the read-out has it whole."""
    text = plain(name)
    for long, short in ((" forward", " +"), (" reverse", " −"), ("splice ", ""), ("enhancer,", "enh.,"), ("promoter,", "prom.,")):
        text = text.replace(long, short)
    return text if len(text) <= ROOM else f"{text[: ROOM - 1]}…"


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One filled trace a row, in its colour."""
    found: Segmentation = evidence.results["segmentation"]
    highest = np.nan_to_num(np.fmax.reduce(found.values, axis=0))
    seen = [k for k in range(len(found.elements)) if not style.folded or highest[k] >= SEEN]
    unseen = [f"{plain(found.elements[k])} {highest[k]:.2f}" for k in np.argsort(-highest, kind="stable") if k not in seen]
    rows = len(seen) + (1 if unseen else 0)
    traces, choices, labels = [], [], []
    for row, k in enumerate(seen):
        colour = element_colour(k, dark=style.dark)
        traces.append(_row(found.values[:, k], rows - 1 - row, colour, plain(found.elements[k])))
        choices.append(Choice(plain(found.elements[k]), row, colour))
    if unseen:
        text = f"{'nothing' if not seen else 'nothing else'} reaches {SEEN:g}: {', '.join(unseen)}"
        labels.append(Label(text, 0.5, len(found.values) + 0.5, 0.45))
        if not traces:
            traces.append(_row(np.zeros(len(found.values), np.float32), 0, element_colour(0, dark=style.dark), "nothing"))
    names = [beside_row(found.elements[k]) for k in seen] + (["others"] if unseen else [])
    axis = {"range": [-0.04, rows - 0.04], "tickvals": [rows - 1 - row + 0.43 for row in range(rows)], "ticktext": names, "showgrid": False}
    readout = tuple(Readout(plain(name), found.values[:, k], 2, "P") for k, name in enumerate(found.elements))
    model = found.provenance.card.title
    return Drawn(tuple(traces), axis, height=ROW * rows, model=model, readout=readout, choices=tuple(choices), labels=tuple(labels))


def _row(values: NDArray[np.float32], base: int, colour: str, name: str) -> dict[str, Any]:
    return filled(steps(values * FULL, base, levels=64), colour, name=name)


PANEL = Panel(
    id="elements",
    title="Genomic elements",
    unit="P",
    help="Probability that a base is part of each kind of genomic element, each by itself (segmentation), from 0 to 1 a row.",
    reading="Elements may overlap; what stays under 0.5 everywhere is named in one line, with its highest value.",
    order=100,
    height=ROW,
    draw=draw,
    analyses=("segmentation",),
)
