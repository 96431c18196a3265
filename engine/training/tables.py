"""Markdown tables of the evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.core.evaluation import CONTACTS


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return str(value)


def _table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]


OWN = {
    "locuscope": "Locuscope",
    "locuscope_domain_unknown": "domain unknown",
    "locuscope_without_memory": "without memory",
    "locuscope_all_masked_at_once": "all masked at once",
}
KINDS = {"markov": "one side", "left_right": "two sides", "look_up": "look-up"}


def _bits(rows: list[dict[str, Any]]) -> list[str]:
    head = ["held out", "sequences", "masked bases", *OWN.values(), *KINDS.values(), "gain over the best of these"]
    body: list[list[object]] = []
    for row in rows:
        found = row["bits"]
        others = [f"{_spread(found[row['best'][kind]], 3)}, {row['best'][kind].rsplit('_', 1)[1]}" for kind in KINDS]
        own = [_spread(found[name], 3) for name in OWN]
        body.append([row["sample"], row["sequences"], row["masked_bases"], *own, *others, _spread(found["gain"], 3)])
    return [
        "## Bits per base",
        "",
        "A random 15 % of each sequence is predicted. Locuscope reads it with these bases masked in several passes, at least 50 from one to the next",
        "(in the column *all masked at once* in one pass, where 15 % of what the others see is hidden from it). The baselines were learned from the same",
        "corpus: *one side*, a Markov model of the letters before the base; *two sides*, that times one of the letters behind it; *look-up*, a table of",
        "the letter between so many on either side. Each is the one of its orders or widths (behind the number) that is best on these very sequences.",
        "Windows that share a tenth of their 21-mers with a training genome, and RNAs more than 80 % identical to a training RNA, are left out.",
        "In brackets 95 % intervals over sequences (bootstrap).",
        "",
        *_table(head, body),
    ]


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


def _spread(values: list[float] | None, digits: int = 2) -> str:
    """A number and its 95 % interval; a dash for what was not measured."""
    if values is None or math.isnan(values[0]):
        return "–"
    value, low, high = (f"{number:.{digits}f}" for number in values)
    return f"{value} ({low}–{high})"


MOST_GROWTH = 40.0
"""Of the thresholds of stems that are tried."""


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
        "of a set together; in brackets 95 % intervals over RNAs (bootstrap). A stem must exceed so much for each e-fold of the length beyond 40 bases that",
        f"{held['ppv_of_thresholds']:.0%} of the pairs found on {held['calibration_rnas']} further RNAs are right, the least for each reading: ",
        ", ".join(
            f"{READINGS[name]} {value:g}{' (the most that was tried)' if value >= MOST_GROWTH else ''}"
            for name, value in held["thresholds"].items()
        )
        + ".",
        "",
        *_table(head, body),
        "",
        "What the network adds to the stems that the letters alone allow is the difference of the AUPRC, RNA by RNA:",
        "",
        *_table(["set", "RNAs", "above the stem counter", "above ViennaRNA"], added),
        "",
        "The compensation test (16 combinations of letters at two bases) calls a pair where letters that pair disturb the rest least of the 24 ways to match",
        "them. The letters that stand there change nothing, so by chance (the other 15 values dealt at random) up to 0.17 are called of two bases whose letters",
        "pair, and up to 0.04 of others:",
        "",
        *_table(
            ["bases", "tested", "called a pair"], [[row["bases"], row["tested"], _spread(row["first"])] for row in held["compensation"]]
        ),
    ]


SCORES = {"llr": "llr", "influence": "influence", "left_right": "two-sided Markov model", "codon_usage": "codon usage"}
FEWEST = 30
"""Of what a row counts; rows of fewer are marked."""


def _variants(rows: list[dict[str, Any]]) -> list[str]:
    head = ["measurement", "genes or windows", "harmful", "others", *SCORES.values()]
    body: list[list[object]] = [
        [row["measurement"], row["clusters"], row["harmful"], row["others"], *(_spread(row["auroc"].get(name)) for name in SCORES)]
        for row in rows
    ]
    return [
        "## Variants",
        "",
        "AUROC of the harmful ones, in brackets 95 % intervals over genes or windows; 0.5 is chance, below it a score ranks the wrong way. *Two-sided Markov",
        "model*: the same log-likelihood ratio from five letters on either side. *Codon usage*: how common both codons are in the genes of the training",
        "genomes; it is told the frame. Of stop-gained the influence is left out: the codon layer was given the stop codons.",
        "",
        *_table(head, body),
    ]


def _segmentation(held: dict[str, Any]) -> list[str]:
    head = [
        "domain",
        "element",
        "places",
        "bases",
        "auPRC",
        "MCC",
        "MCC, ORF finder",
        "MCC, pyrodigal",
        "F1",
        "F1, ORF finder",
        "F1, pyrodigal",
    ]
    body: list[list[object]] = []
    for row in held["rows"]:
        few = "" if row["stretches"] >= FEWEST else f" (fewer than {FEWEST})"
        scores = [_spread(row.get(who, {}).get(key)) for key in ("mcc", "f1") for who in ("locuscope", "orf_finder", "pyrodigal")]
        body.append([row["domain"], row["element"], f"{row['stretches']}{few}", row["positives"], row["auprc"], *scores])
    finders = ", ".join(f"{domain} {starts}, at least {shortest} bases" for domain, (starts, shortest) in held["orf_finder"].items())
    return [
        "## Segmentation of held-out genomes",
        "",
        "In brackets 95 % intervals over blocks of 5,000 bases. Thresholds, and start codons and least length of the ORF finder",
        f"({finders}), are the best on stretches of training genomes. Pyrodigal (Prodigal) is trained on the whole contig itself,",
        "for phages it takes its ready-made models, as it advises below 100,000 bases; it was made for bacteria and their phages, not for yeasts.",
        "",
        *_table(head, body),
    ]


def _cost(rows: list[dict[str, Any]]) -> list[str]:
    body = [[r["length"], r["precision"], r["seconds"], round(r["peak_mib"]), r["cores"]] for r in rows]
    return ["## Cost of a whole map", "", *_table(["bases", "precision", "seconds", "peak MiB of the process", "cores"], body)]


def markdown(held: dict[str, Any]) -> str:
    """The tables of the parts that were measured."""
    makers: dict[str, Callable[[Any], list[str]]] = {
        "bits": _bits,
        CONTACTS: _contacts,
        "variants": _variants,
        "segmentation": _segmentation,
        "cost": _cost,
    }
    parts = ["\n".join(make(held[name])) for name, make in makers.items() if name in held]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class _Column:
    """One measured thing of the short table: its intervals by who answered (``own``, ``weak``, ``strong``), and how many were counted."""

    values: dict[str, list[float] | None]
    count: int
    names: dict[str, str] = field(default_factory=dict)


def _line(what: str, parts: list[_Column], digits: int, *, least: bool = False, chance: float = -math.inf) -> list[object]:
    """A row of the short table: every part's numbers, the best of each part bold where it is above ``chance``."""
    cells = {}
    for who in ("own", "weak", "strong"):
        texts = []
        for part in parts:
            there = [values[0] for values in part.values.values() if values is not None and not math.isnan(values[0])]
            values = part.values.get(who)
            if values is None or math.isnan(values[0]):
                texts.append("–")
                continue
            best = (min if least else max)(there) == values[0] > chance
            number = _spread(values, digits)
            texts.append((f"**{number}**" if best else number) + (f" {part.names[who]}" if who in part.names else ""))
        cells[who] = " / ".join(texts)
    return [f"{what} (n = {', '.join(f'{part.count:,}' for part in parts)})", cells["own"], cells["weak"], cells["strong"]]


DOMAINS = "bacteria / phages / yeasts"
SETS = ("tRNA, ArchiveII", "families never seen, one RNA each", "pseudoknots, PseudoBase")
SAMPLES = {f"genomes: {DOMAINS}": ("bacteria", "phage", "yeast"), "RNA: seen families / unseen ones": ("rna (held-out", "rna (families")}
CONTACT_WORDS = {"auprc": "RNA contacts, auPRC", "sensitivity": "pairs that the structure shown has", "ppv": "pairs shown that are right"}
ELEMENT_WORDS = {"CDS_forward": "coding sequence", "start_codon_forward": "start codons"}


def _short_bits(rows: list[dict[str, Any]]) -> list[list[object]]:
    found = []
    for title, names in SAMPLES.items():
        parts = [
            _Column(
                {"own": row["bits"]["locuscope"], "weak": row["bits"][row["best"]["markov"]], "strong": row["bits"][row["strongest"]]},
                row["sequences"],
                {"weak": "(one side)", "strong": f"({KINDS[row['strongest'].rsplit('_', 1)[0]]})"},
            )
            for name in names
            for row in rows
            if row["sample"].startswith(name)
        ]
        found.append(_line(f"bits per base, {title}", parts, 2, least=True))
    return found


def _short_contacts(held: dict[str, Any]) -> list[list[object]]:
    whose = {"own": "stems", "weak": "stem_counter", "strong": "viennarna"}
    rows = [row for name in SETS for row in held["sets"] if row["set"] == name]
    found = []
    for key, title in CONTACT_WORDS.items():
        parts = [_Column({who: row["readings"].get(name, {}).get(key) for who, name in whose.items()}, row["rnas"]) for row in rows]
        found.append(_line(f"{title}: tRNA / families never seen / pseudoknots", parts, 2))
    return found


def _short_variants(rows: list[dict[str, Any]]) -> list[list[object]]:
    found = []
    for kind in ("stop-gained", "missense"):
        whose = {"own": "llr", "weak": "left_right", "strong": "codon_usage"}
        own = [row for row in rows if row["measurement"].startswith(kind)]
        parts = [_Column({who: row["auroc"].get(name) for who, name in whose.items()}, row["harmful"] + row["others"]) for row in own]
        found.append(_line(f"{kind} against synonymous, AUROC of llr: {DOMAINS}", parts, 2, chance=0.5))
    return found


def _short_segmentation(held: dict[str, Any]) -> list[list[object]]:
    whose = {"own": "locuscope", "weak": "orf_finder", "strong": "pyrodigal"}
    found = []
    for element, title in ELEMENT_WORDS.items():
        rows = [row for row in held["rows"] if row["element"] == element]
        parts = [_Column({who: row[name]["mcc"] for who, name in whose.items()}, row["stretches"]) for row in rows]
        found.append(_line(f"{title} by locuscope-segmenter, forward strand, MCC: {DOMAINS}", parts, 2))
    return found


def summary(held: dict[str, Any]) -> str:
    """The short table of the README: each number of the shipped models beside a weak and a strong baseline, the best of each bold."""
    makers: dict[str, Callable[[Any], list[list[object]]]] = {
        "bits": _short_bits,
        CONTACTS: _short_contacts,
        "variants": _short_variants,
        "segmentation": _short_segmentation,
    }
    rows = [row for part, make in makers.items() if part in held for row in make(held[part])]
    return "\n".join(_table(["what (95 % intervals in brackets)", "shipped model", "weak baseline", "strong baseline"], rows)) + "\n"


BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"


def insert(page: str, tables: str) -> str:
    """A page with everything between its two marks replaced by the tables; a page without marks stays as it is."""
    if BEGIN not in page or END not in page:
        return page
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{tables}\n{END}{rest.split(END, 1)[1]}"
