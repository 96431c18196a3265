"""Markdown tables of the evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return str(value)


def _table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]


def _bits(rows: list[dict[str, Any]]) -> list[str]:
    orders = [key for key in rows[0] if key.startswith("markov_")]
    own = [key for key in rows[0] if key.startswith("locuscope")]
    head = ["held out", "sequences", "masked bases", *(_spaced(key).capitalize() for key in own), *(_spaced(key) for key in orders)]
    body = [[r["sample"], r["sequences"], r["masked_bases"], *(r[key] for key in (*own, *orders))] for r in rows]
    return [
        "## Bits per base",
        "",
        "A random 15 % of each sequence is predicted. Locuscope reads it with these bases masked in several passes, at least 50 from one to the next",
        "(in the column *all masked at once* in one pass, where 15 % of what the Markov models see is hidden from it); Markov models predict the",
        "same bases from those before them.",
        "",
        *_table(head, body),
    ]


def _spaced(key: str) -> str:
    """`markov_3` as markov order 3, `locuscope_domain_unknown` as words."""
    return key.replace("markov_", "markov order ").replace("locuscope_", "").replace("_", " ")


READINGS = {
    "stems": "Locuscope, along stems",
    "stems_dna": "the same, letters written with T read as they are",
    "stem_counter": "stem counter (the recipe on a constant map)",
    "shuffled_rows": "the recipe on the map with its rows shuffled",
    "cells": "Locuscope, pair by pair, by letters",
    "published": "Locuscope, pair by pair, any letters (published)",
    "viennarna": "ViennaRNA",
}
"""Rows of the table of contacts, in order."""


def _spread(values: list[float]) -> str:
    """A number and its 95 % interval."""
    value, low, high = values
    return "–" if math.isnan(value) else f"{value:.2f} ({low:.2f}–{high:.2f})"


def _contacts(held: dict[str, Any]) -> list[str]:
    head = ["set", "reading", "AUROC", "AUPRC", "AUPRC, all cells", "sensitivity", "PPV"]
    keys = ("auroc", "auprc", "auprc_all", "sensitivity", "ppv")
    body: list[list[object]] = []
    added: list[list[object]] = []
    for row in held["sets"]:
        long = ", by thresholded differences" if row["long"] else ""
        title = f"{row['set']}: {row['rnas']} RNAs of {row['median_length']} nt (median){long}"
        for number, (name, words) in enumerate((name, words) for name, words in READINGS.items() if name in row["readings"]):
            values = row["readings"][name]
            body.append([title if number == 0 else "", words, *(_spread(values[key]) for key in keys)])
        added.append([row["set"], row["rnas"], _spread(row["auprc_above_stem_counter"]), _spread(row["auprc_above_viennarna"])])
    return [
        "## RNA contacts",
        "",
        f"Held-out RNAs without near copies: none is more than {held['near_copies_above']:.0%} identical to an RNA of the training set. Means over RNAs of",
        "AUROC and AUPRC, of cells at least 4 bases from the diagonal and of all; sensitivity and PPV of the structures that the page shows, of all pairs",
        "of a set together; in brackets 95 % intervals over RNAs (bootstrap). Thresholds are the lowest at which",
        f"{held['ppv_of_thresholds']:.0%} of the pairs found on {held['calibration_rnas']} further RNAs are right, for each reading its own: ",
        ", ".join(f"{READINGS[name]} {value:g}" for name, value in held["thresholds"].items()) + ".",
        "",
        *_table(head, body),
        "",
        "What the network adds to the stems that the letters alone allow is the difference of the AUPRC, RNA by RNA:",
        "",
        *_table(["set", "RNAs", "above the stem counter", "above ViennaRNA"], added),
        "",
        "The compensation test (16 combinations of letters at two bases) calls a pair where letters that pair disturb the rest least of the 24 ways to match",
        "them; by chance 0.04 of any two bases are called:",
        "",
        *_table(
            ["bases", "tested", "called a pair"], [[row["bases"], row["tested"], _spread(row["first"])] for row in held["compensation"]]
        ),
    ]


def _variants(rows: list[dict[str, Any]]) -> list[str]:
    head = ["measurement", "harmful", "others", "AUROC of llr", "AUROC of influence"]
    body = [[r["measurement"], r["harmful"], r["others"], r.get("auroc_llr", math.nan), r.get("auroc_influence", math.nan)] for r in rows]
    return ["## Variants", "", *_table(head, body)]


def _segmentation(held: dict[str, Any]) -> list[str]:
    head = ["domain", "element", "positives", "MCC", "auPRC", "F1", "Jaccard", "ORF finder MCC", "F1"]
    body: list[list[object]] = []
    for row in held["rows"]:
        own, other = row["locuscope"], row.get("orf_finder", {})
        scores = [own[key] for key in ("mcc", "auprc", "f1", "jaccard")]
        body.append([row["domain"], row["element"], row["positives"], *scores, other.get("mcc", math.nan), other.get("f1", math.nan)])
    return ["## Segmentation of held-out genomes", "", *_table(head, body)]


def _cost(rows: list[dict[str, Any]]) -> list[str]:
    body = [[r["length"], r["precision"], r["seconds"], round(r["peak_mib"]), r["cores"]] for r in rows]
    return ["## Cost of a whole map", "", *_table(["bases", "precision", "seconds", "peak MiB of the process", "cores"], body)]


def markdown(held: dict[str, Any]) -> str:
    """The tables of the parts that were measured."""
    makers: dict[str, Callable[[Any], list[str]]] = {
        "bits": _bits,
        "contacts": _contacts,
        "variants": _variants,
        "segmentation": _segmentation,
        "cost": _cost,
    }
    parts = ["\n".join(make(held[name])) for name, make in makers.items() if name in held]
    return "\n\n".join(parts) + "\n"


BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"


def insert(page: str, tables: str) -> str:
    """A page with everything between its two marks replaced by the tables; a page without marks stays as it is."""
    if BEGIN not in page or END not in page:
        return page
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{tables}\n{END}{rest.split(END, 1)[1]}"
