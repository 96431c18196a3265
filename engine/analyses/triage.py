"""Scores of the variants of a VCF: what `engine.analyses.effects` gives for the window around each, computed for the one substitution.

For a variant in the middle of its window, ``llr`` and ``influence`` are those of `variant_effects` of that window at that base and
alternate; tests hold this. A causal model also scores insertions and deletions, as ln P(window with the allele) − ln P(window).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses._log_odds import Scale
from engine.analyses._provenance import stamp
from engine.analyses._readers import InfluenceMeans
from engine.analyses.effects import log_likelihood_ratios
from engine.analyses.scan import Scan, Substitutions, letter_codes
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import LikelihoodModel, NucleotideModel
from engine.core.sequence import BASES, NucleotideSequence
from engine.core.variants import ScoredVariant, Status, Triage, TriageParameters, Variant

if TYPE_CHECKING:
    from torch import Tensor

VERSION = "1"


@dataclass(frozen=True)
class Site:
    """A variant in its window of the reference: base ``index`` of ``window`` is the first of the reference allele.

    ``window`` is None when the variant cannot be placed; ``status`` and ``note`` then say why.
    """

    variant: Variant
    window: NucleotideSequence | None
    index: int = 0
    status: Status = "scored"
    note: str = ""
    consequence: str = ""
    gene: str = ""


def triage(
    model: NucleotideModel,
    sites: Iterable[Site],
    count: int,
    parameters: TriageParameters | None = None,
    monitor: Monitor | None = None,
) -> Triage:
    """Scores of ``count`` sites, in order; variants that cannot be scored are kept with a sentence why.

    ``sites`` is read one at a time, so their windows need not be in memory together.

    Raises
    ------
    CapabilityMissing
        The model does not score bases.
    Cancelled
        Through ``monitor.advance``; the rows so far are published when asked for.
    """
    if not isinstance(model, NucleotideModel):
        raise CapabilityMissing(f"{model.card.title} does not predict single bases; choose a nucleotide language model.")
    chosen = parameters or TriageParameters()
    watcher = monitor or SilentMonitor()
    began = time.perf_counter()
    watcher.start(count, "variants")
    rows: list[ScoredVariant] = []
    read = _Read()
    for site in sites:
        rows.append(_scored(model, site))
        read.note(site)
        watcher.advance(1)
        if len(rows) < count and watcher.wants_partial():
            watcher.publish(read.result(model, rows, chosen, time.perf_counter() - began, partial=True))
    return read.result(model, rows, chosen, time.perf_counter() - began, partial=False)


class _Read:
    """What was read so far, for the provenance: a hash over variants and windows, and the bases of all windows."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._bases = 0

    def note(self, site: Site) -> None:
        """Take in one site."""
        self._digest.update(f"{site.variant}\0{site.window.sha256 if site.window else ''}\n".encode())
        self._bases += len(site.window) if site.window else 0

    def result(
        self, model: NucleotideModel, rows: list[ScoredVariant], parameters: TriageParameters, seconds: float, *, partial: bool
    ) -> Triage:
        """The rows with their provenance."""
        provenance = stamp("triage", VERSION, model, parameters, NucleotideSequence("N"), seconds, partial=partial)
        return Triage(tuple(rows), replace(provenance, sequence_sha256=self._digest.hexdigest(), sequence_length=self._bases))


def _scored(model: NucleotideModel, site: Site) -> ScoredVariant:
    row = ScoredVariant(site.variant, site.status, consequence=site.consequence, gene=site.gene, note=site.note)
    if site.window is None or site.status != "scored":
        return row
    variant = site.variant
    if variant.kind == "symbolic" or "N" in variant.reference + variant.alternate:
        return replace(row, status="not_scored", note=f"The allele {variant.alternate[:20]} has no letters that a model could read.")
    try:
        if model.card.causal:
            return replace(row, delta_log_likelihood=_delta_log_likelihood(model, site))
        if variant.kind != "substitution":
            what = {"insertion": "An insertion", "deletion": "A deletion"}.get(variant.kind, "A change of several bases")
            return replace(row, status="not_scored", note=f"{what} is not scored by a masked model; choose a causal one.")
        return replace(row, llr=_ratio(model, site), influence=_influence(model, site))
    except SequenceError as error:
        return replace(row, status="not_scored", note=str(error))


def _ratio(model: NucleotideModel, site: Site) -> float | None:
    """ln p(alternate) − ln p(reference), masked, by the model's own recipe; None for a model without a mask token."""
    if site.window is None or not model.card.masked:
        return None
    values = log_likelihood_ratios(model, site.window, SilentMonitor(), np.array([site.index]))
    return _finite(values[site.index, BASES.index(site.variant.alternate)])


def _influence(model: NucleotideModel, site: Site) -> float | None:
    """Mean over the other bases of the window of the largest absolute change in log2 odds."""
    if site.window is None:
        return None
    scan = Scan.of(model, site.window)
    alternate = BASES.index(site.variant.alternate)
    place = np.array([site.index])
    reader = InfluenceMeans(Scale(), len(site.window))
    scan.run(Substitutions(place, np.array([alternate]), place), (reader,))
    return _finite(reader.to_numpy()[site.index, alternate])


def _delta_log_likelihood(model: NucleotideModel, site: Site) -> float | None:
    if site.window is None:
        return None
    letters, variant = site.window.letters, site.variant
    changed = letters[: site.index] + variant.alternate + letters[site.index + len(variant.reference) :]
    return _finite(_log_likelihood(model, NucleotideSequence(changed)) - _log_likelihood(model, site.window))


def _log_likelihood(model: NucleotideModel, sequence: NucleotideSequence) -> float:
    """ln P of a whole sequence under a causal model, by its own convention where it has one."""
    import torch

    with torch.inference_mode():
        reference = model.prepare(sequence)
        if isinstance(model, LikelihoodModel):
            return float(model.log_likelihoods(reference, reference.ids[None])[0])
        logits: Tensor = model.base_logits(reference, reference.ids[None], normalised=True)[0].double()
        codes = torch.from_numpy(letter_codes(reference.letters)).to(logits.device)
        known = codes >= 0
        return float(logits[known].gather(-1, codes[known][:, None]).sum())


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
