"""What a figure says in one sentence, and what it is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.analyses.findings import MOSTLY, changes, finding, named_runs, share_unsure, signed, trust
from engine.core.evaluation import contact_sets
from engine.core.sequence import Alphabet

if TYPE_CHECKING:
    from engine.analyses.dependency import DependencyMap
    from engine.views.evidence import LocusEvidence

_WORDS = re.compile(r"\w+")


def heading(evidence: LocusEvidence) -> str:
    """What is shown, and by which models."""
    sequence = evidence.sequence
    named, locus = evidence.title or sequence.name, str(sequence.locus or "")
    if _WORDS.search(named) and set(_WORDS.findall(named.replace(",", ""))) <= set(_WORDS.findall(locus)):
        named = ""  # an alignment's names and pasted loci spell the place
    place = " · ".join(part for part in (named, locus) if part) or f"{len(sequence):,} bases"
    models = dict.fromkeys(result.provenance.card.title for result in evidence.results.values())
    return f"{place} · {' and '.join(models)}" if models else place


def doubtful(found: DependencyMap) -> str:
    """Of a map whose model is unsure of the letters: chance, but for stems of RNA by weights of which it was measured how often they are right;
    those hang little on how sure it is of masked letters (its memory of relatives changes that and not the map)."""
    stems = named_runs(found) if found.sequence.alphabet is Alphabet.RNA and contact_sets(found.provenance.card) else ""
    return f"{stems}; how often such pairs are right stands at Possible base pairs" if stems else "pairs below may be chance"


def sentence(evidence: LocusEvidence) -> str:
    """What the map says about this locus and how sure the model is, or what an alignment says; empty where there is nothing."""
    covariation = evidence.results.get("covariation")
    if covariation is not None:
        return str(covariation.words())
    found, probabilities = evidence.results.get("dependency"), evidence.results.get("probabilities")
    if found is not None and signed(found):
        return changes(found, evidence.marks[0].label if evidence.marks else "")
    waiting = evidence.states.get("probabilities")
    if found is not None and probabilities is None and waiting is not None and waiting.kind == "waiting":
        return "How sure the model is of this locus is not known yet; pairs below may be chance."
    parts = []
    if probabilities is not None:
        parts.append(trust(probabilities.values))
    if found is not None and "dependency" in evidence.growing:
        parts.append("the map is being computed, so nothing is said of its pairs yet")
    elif found is not None:
        unsure = probabilities is not None and share_unsure(probabilities.values) >= MOSTLY
        parts.append(doubtful(found) if unsure and found.complete else finding(found))
    band = evidence.results.get("band")
    if found is None and band is not None:
        parts.append(f"computed {band.provenance.tiled}: pairs more than {band.band:,} bases apart were not asked")
    text = "; ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""
