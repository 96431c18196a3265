"""Scores of the variants of a VCF: what `engine.analyses.effects` gives for the window around each, computed for the one substitution.

For a variant in the middle of its window, ``llr`` and ``influence`` are those of `engine.analyses.effects` of that window at that base and
alternate; tests hold this. A causal model also scores insertions and deletions: the window with the allele is refilled from the reference
behind it, so that ln P of windows of equal length is compared, and given per base as the loss of such models' authors is.

Of several bases that are replaced and of insertions and deletions a masked model says a pseudo-log-likelihood: the sum over the window of
ln p(base | the whole window, nothing masked), with the allele minus without, on windows of equal length (Brandes et al., Nature Genetics 2023,
score indels so). It is no likelihood and is compared with others of its kind only.

A substitution takes three passes: the window, with the base masked, and with the alternate. Those of several variants go through the model
together where one batch has room for more (a GPU, short windows) and the model reads their windows alike; alone, a variant's passes share
what the model can share between mutants of one window.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.log_odds import Scale
from engine.analyses.masked_ratios import log_likelihood_ratios
from engine.analyses.provenance import stamp
from engine.analyses.readers import InfluenceMeans
from engine.analyses.substitutions import Scan, letter_codes, numbers, numbers_of_mutants
from engine.core.alleles import Change
from engine.core.calibration import SCORES, Calibration
from engine.core.consequences import Consequence
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import LikelihoodModel, NucleotideModel, OneBaseModel, Prepared, RememberingModel
from engine.core.sequence import BASES, NucleotideSequence
from engine.core.variants import ScoredVariant, Status, Triage, TriageParameters, Variant

if TYPE_CHECKING:
    from torch import Tensor

VERSION = "5"


_ANY_BASE = "REF or ALT has N, which stands for any base; a model reads A, C, G and T."


@dataclass(frozen=True)
class Site:
    """A variant in its window of the reference: base ``index`` of ``window`` is the first of the reference allele.

    The window holds what changes (`place`), which may lie behind bases that only pad the alleles; ``index`` may then be below 0.
    ``window`` is None when the variant cannot be placed; ``status`` and ``note`` then say why. ``left_aligned`` as in `ScoredVariant`.
    ``behind``: letters of the reference behind what changes, as many as fill the window with the alternate; empty: those of the window.
    """

    variant: Variant
    window: NucleotideSequence | None
    index: int = 0
    status: Status = "scored"
    note: str = ""
    consequences: tuple[Consequence, ...] = ()
    left_aligned: tuple[int, str, str] | None = None
    behind: str = ""

    @property
    def change(self) -> Change:
        """What differs. Raises `SequenceError` for a symbolic allele."""
        change = self.variant.change
        if change is None:
            raise SequenceError(f"The allele {self.variant.alternate[:20]!r} has no letters that a model could read.")
        return change

    @property
    def place(self) -> int:
        """Index in the window of the first base that changes."""
        return self.index + self.change.start - (self.variant.position - 1)


def triage(
    model: NucleotideModel,
    sites: Iterable[Site],
    count: int,
    parameters: TriageParameters | None = None,
    monitor: Monitor | None = None,
    gene_models: str = "",
    calibration: Calibration | None = None,
) -> Triage:
    """Scores of ``count`` sites, in order; variants that cannot be scored are kept with a sentence why.

    ``sites`` is read one at a time, so their windows need not be in memory together. ``gene_models``: hash of what their consequences
    come from, for the provenance; empty without. ``calibration``: what the scores of this model were measured to be.

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
    read = _Read(gene_models)
    groups = _groups(model, sites, chosen.influence)
    while some := list(itertools.islice(groups, _GROUPS_AT_ONCE)):

        def take(start: int, end: int, found: list[ScoredVariant], some: list[_Group] = some) -> None:
            rows.extend(found)
            for site, _ in itertools.chain.from_iterable(some[start:end]):
                read.note(site)
            watcher.advance(len(found))
            if len(rows) < count and watcher.wants_partial():
                watcher.publish(read.result(model, rows, chosen, time.perf_counter() - began, partial=True))

        batches(len(some), 1, functools.partial(_rows_of, model, some, _Asked(chosen.influence, calibration)), take, device=model.device)
    return read.result(model, rows, chosen, time.perf_counter() - began, partial=False)


class _Read:
    """What was read so far, for the provenance: a hash over variants and windows, and the bases of all windows."""

    def __init__(self, gene_models: str) -> None:
        self._digest = hashlib.sha256()
        self._bases = 0
        self._named = {"gene_models": gene_models} if gene_models else {}

    def note(self, site: Site) -> None:
        """Take in one site."""
        self._digest.update(f"{site.variant}\0{site.window.sha256 if site.window else ''}\n".encode())
        self._bases += len(site.window) if site.window else 0

    def result(
        self, model: NucleotideModel, rows: list[ScoredVariant], parameters: TriageParameters, seconds: float, *, partial: bool
    ) -> Triage:
        """The rows with their provenance."""
        provenance = stamp("triage", VERSION, model, parameters, NucleotideSequence("N"), seconds, partial=partial)
        named = provenance.parameters | self._named
        digest = self._digest.hexdigest()
        memory = model.remembers(None) if isinstance(model, RememberingModel) else ""
        return Triage(
            tuple(rows), replace(provenance, parameters=named, sequence_sha256=digest, sequence_length=self._bases, memory=memory)
        )


_Group = list[tuple[Site, Prepared | None]]
_LARGEST_GROUP = 256
_GROUPS_AT_ONCE = 128
"""The cores of a CPU wait for each other at the end of so many."""


@dataclass(frozen=True)
class _Asked:
    """Whether influence is computed, and by what the scores are judged."""

    influence: bool = True
    calibration: Calibration | None = None

    def judged(self, row: ScoredVariant) -> ScoredVariant:
        """The row with the quantiles of its class, and what was measured below chance for it."""
        table, name = self.calibration, row.consequence
        if table is None or not name or row.ranked_with != "substitutions":
            return row
        low = table.quantile(name, "llr", row.llr) if row.llr is not None else None
        high = table.quantile(name, "influence", row.influence) if row.influence is not None else None
        poor = {
            score: found for score in SCORES if getattr(row, score) is not None and (found := table.below_chance(name, score)) is not None
        }
        why = " ".join(f"{score} does not rank {name.replace('_', ' ')}s: measured {found.words()}." for score, found in poor.items())
        return replace(row, llr_quantile=low, influence_quantile=high, unranked=tuple(poor), below_chance=why)


_Pass = tuple[str, int, int]
"""Letters of a window, place of the base that is not the reference's (-1: none), and its base (-1: masked)."""


def _passes(site: Site, window: Prepared, influence: bool) -> tuple[_Pass, ...]:
    """What a substitution needs: the window with the base masked; and as it is, and with the alternate."""
    masked = (window.letters, site.place, -1)
    if not influence:
        return (masked,)
    return masked, (window.letters, -1, -1), (window.letters, site.place, BASES.index(site.change.alternate))


def _groups(model: NucleotideModel, sites: Iterable[Site], influence: bool = True) -> Iterator[_Group]:
    """Sites in order, as many together as share one batch; with each its window as the model reads it, None where it is scored alone.

    Alternates of one base share its masked window and the reference.
    """
    group: _Group = []
    shared: list[Prepared] = []
    needed: set[_Pass] = set()
    for site in sites:
        window = _shareable(model, site)
        more = set(_passes(site, window, influence)) if window is not None else set()
        other = bool(shared) and window is not None and window.layout != shared[0].layout
        if group and (
            not shared or other or len(group) >= _LARGEST_GROUP or len(needed | more) > max(model.passes_per_batch(shared[0]), 1)
        ):
            yield group
            group, shared, needed = [], [], set()
        group.append((site, window))
        shared += [] if window is None else [window]
        needed |= more
    if group:
        yield group


def _shareable(model: NucleotideModel, site: Site) -> Prepared | None:
    """The window of a site whose three passes are all that it takes; None for other recipes, and where nothing can be computed."""
    recipe = model.effect_recipe
    if model.card.causal or not model.card.masked or recipe.window_bp is not None or recipe.both_strands:
        return None
    if site.window is None or site.variant.kind != "substitution" or _unscored(site) is not None:
        return None
    try:
        return model.prepare(site.window)
    except SequenceError:
        return None


def _rows(model: NucleotideModel, group: _Group, influence: bool) -> list[ScoredVariant]:
    """One row a site, in order."""
    shared = [(site, window) for site, window in group if window is not None]
    if len(shared) < 2:
        return [_scored(model, site, influence) for site, _ in group]
    together = iter(_scored_together(model, shared, influence))
    return [_scored(model, site, influence) if window is None else next(together) for site, window in group]


def _rows_of(model: NucleotideModel, groups: list[_Group], asked: _Asked, start: int, end: int) -> list[ScoredVariant]:
    """Rows of some of the groups."""
    return [asked.judged(row) for group in groups[start:end] for row in _rows(model, group, asked.influence)]


def _scored_together(model: NucleotideModel, shared: list[tuple[Site, Prepared]], influence: bool) -> list[ScoredVariant]:
    """Rows of substitutions whose windows the model reads alike: their passes side by side, each once."""
    import torch

    with torch.inference_mode():
        wanted: dict[_Pass, Prepared] = {}
        for site, window in shared:
            for one in _passes(site, window, influence):
                wanted.setdefault(one, window)
        masked = {one: window for one, window in wanted.items() if _is_masked(one)} if isinstance(model, OneBaseModel) else {}
        scores = _scores(model, masked) | _scores(model, {one: window for one, window in wanted.items() if one not in masked})
        rows: list[ScoredVariant] = []
        for site, window in shared:
            found = [scores[one] for one in _passes(site, window, influence)]
            own, alternate = int(letter_codes(window.letters[site.place])[0]), BASES.index(site.change.alternate)
            ratio = float(found[0][alternate].double() - found[0][own].double()) if own >= 0 else None
            change = _influence_of(found[1], found[2][None], site.place, alternate) if influence else None
            rows.append(replace(_row(site), llr=ratio, influence=change))
    return rows


def _is_masked(one: _Pass) -> bool:
    return one[1] >= 0 > one[2]


def _scores(model: NucleotideModel, wanted: dict[_Pass, Prepared]) -> dict[_Pass, Tensor]:
    """Scores of each pass: of the masked base (4,), of all bases (L, 4) where none is masked.

    Passes that are all masked cost an `OneBaseModel` less.
    """
    import torch

    if not wanted:
        return {}
    first, order = next(iter(wanted.values())), list(wanted)
    ids = torch.cat([_input(model, window, one) for one, window in wanted.items()])
    places = torch.tensor([place for _, place, _ in order], device=model.device)
    sparing = model if isinstance(model, OneBaseModel) and all(map(_is_masked, order)) else None

    def compute(start: int, end: int) -> list[Tensor]:
        if sparing is not None:
            return list(sparing.logits_at(first, ids[start:end], places[start:end]))
        scores = model.base_logits(first, ids[start:end])
        return [row[one[1]] if _is_masked(one) else row for one, row in zip(order[start:end], scores, strict=True)]

    found: list[Tensor] = []
    batches(len(ids), model.passes_per_batch(first), compute, lambda _start, _end, some: found.extend(some))
    for row in found:
        numbers(model, row)
    return dict(zip(order, found, strict=True))


def _input(model: NucleotideModel, window: Prepared, one: _Pass) -> Tensor:
    """Token ids (1, T) of a pass."""
    import torch

    _, place, base = one
    if place < 0:
        return window.ids[None]
    where = torch.tensor([place], device=model.device)
    return model.masked(window, where) if base < 0 else model.mutants(window, where, torch.tensor([base], device=model.device))


def _row(site: Site) -> ScoredVariant:
    return ScoredVariant(site.variant, site.status, note=site.note, consequences=site.consequences, left_aligned=site.left_aligned)


def _unscored(site: Site) -> ScoredVariant | None:
    """The row of a site that the model cannot score, with the reason; None for one that it can."""
    if site.window is None or site.status != "scored":
        return _row(site)
    variant = site.variant
    if variant.kind == "same":
        return replace(_row(site), status="not_scored", note="REF and ALT are the same letters; nothing changes.")
    if variant.kind == "symbolic" or "N" in site.change.reference + site.change.alternate:
        return replace(_row(site), status="not_scored", note=variant.why_unread if variant.kind == "symbolic" else _ANY_BASE)
    return None


def _scored(model: NucleotideModel, site: Site, with_influence: bool) -> ScoredVariant:
    unscored = _unscored(site)
    if unscored is not None or site.window is None:
        return unscored or _row(site)
    try:
        if model.card.causal:
            return _likelihoods(model, site, site.window)
        if site.variant.kind != "substitution":
            return _pseudo_likelihoods(model, site, site.window)
        scan = Scan.of(model, site.window)
        influence = _influence(scan, site) if with_influence or not model.card.masked else None
        return replace(_row(site), llr=_ratio(scan, site, site.window), influence=influence)
    except SequenceError as error:
        return replace(_row(site), status="not_scored", note=str(error))


def _ratio(scan: Scan, site: Site, window: NucleotideSequence) -> float | None:
    """ln p(alternate) − ln p(reference), masked, by the model's own recipe; None for a model without a mask token."""
    if not scan.model.card.masked:
        return None
    values = log_likelihood_ratios(scan.model, window, SilentMonitor(), np.array([site.place]), scan)
    return _finite(values[site.place, BASES.index(site.change.alternate)])


def _influence(scan: Scan, site: Site) -> float | None:
    """Mean over the other bases of the window of the largest absolute change in log2 odds."""
    import torch

    alternate = BASES.index(site.change.alternate)
    own = int(letter_codes(scan.reference.letters[site.place])[0])
    with torch.inference_mode():
        places, alternates = scan.tensor(np.array([site.place] * 2)), scan.tensor(np.array([own, alternate]))
        if own < 0:  # an ambiguous letter is no substitution of itself
            reference, mutant = scan.reference_logits(normalised=False), scan.mutant_logits(places[1:], alternates[1:], normalised=False)
        else:
            both = scan.mutant_logits(places, alternates, normalised=False)
            reference, mutant = numbers(scan.model, both[0]), both[1:]
        mutant = numbers_of_mutants(scan.model, mutant)
        return _influence_of(reference, mutant, site.place, alternate)


def _influence_of(reference: Tensor, mutant: Tensor, index: int, alternate: int) -> float | None:
    """`InfluenceMeans` of one substitution from scores (L, 4) of the reference and (1, L, 4) of the mutant."""
    import torch

    reader = InfluenceMeans(Scale(), len(reference))
    reader.start(reference)
    place, base = (torch.tensor([number], device=reference.device) for number in (index, alternate))
    return _finite(float(reader.reduced(place, base, mutant)))


def _equal_windows(site: Site, window: NucleotideSequence) -> tuple[str, str]:
    """Letters without and with the change, from the same base on and equally many."""
    letters, change, place = window.letters, site.change, site.place
    behind = site.behind or letters[place + len(change.reference) :]
    changed = letters[:place] + change.alternate + behind
    count = min(len(letters), len(changed))
    return letters[:count], changed[:count]


def _pseudo_likelihoods(model: NucleotideModel, site: Site, window: NucleotideSequence) -> ScoredVariant:
    """The row of a masked model for several bases or an indel: the pseudo-log-likelihoods of both windows, nothing masked."""
    letters, changed = _equal_windows(site, window)
    left, needed = len(letters) - site.place, max(1, len(site.change.alternate))
    if left < needed:
        note = (
            f"From the change on, {left:,} bases of its window and contig can be compared, {needed:,} are needed; "
            "choose a longer window where the contig goes on."
        )
        return replace(_row(site), status="not_scored", note=note)
    difference = _pseudo_log_likelihood(model, changed) - _pseudo_log_likelihood(model, letters)
    return replace(_row(site), delta_pseudo_log_likelihood=_finite(difference))


def _pseudo_log_likelihood(model: NucleotideModel, letters: str) -> float:
    """Sum over the bases of ln p(base | all letters, nothing masked)."""
    import torch

    with torch.inference_mode():
        reference = model.prepare(NucleotideSequence(letters))
        logits: Tensor = model.base_logits(reference, reference.ids[None])[0].double()
        codes = torch.from_numpy(letter_codes(reference.letters)).to(logits.device)
        known = codes >= 0
        return float(torch.log_softmax(logits[known], dim=-1).gather(-1, codes[known][:, None]).sum())


def _likelihoods(model: NucleotideModel, site: Site, window: NucleotideSequence) -> ScoredVariant:
    """The row of a causal model: windows of equal length, from the same base on, with something behind what changes."""
    change, place = site.change, site.place
    letters, changed = _equal_windows(site, window)
    count = len(letters)
    if count <= place + len(change.alternate):
        note = (
            f"Nothing stands behind the change in a window of {count:,} bases, so a model that reads from left to right says nothing of it."
        )
        return replace(_row(site), status="not_scored", note=note)
    difference = _log_likelihood(model, NucleotideSequence(changed)) - _log_likelihood(model, NucleotideSequence(letters))
    scored = count + isinstance(model, LikelihoodModel)  # its authors' loss counts the end token
    return replace(_row(site), delta_log_likelihood=_finite(difference), mean_delta_log_likelihood=_finite(difference / scored))


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


def mean_log_likelihood(model: NucleotideModel, sequence: NucleotideSequence) -> float:
    """Mean ln p of a base: of a causal model given the bases before it; else given the whole sequence, nothing masked. NaN without letters."""
    known = int((letter_codes(sequence.as_dna()) >= 0).sum())
    whole = _log_likelihood(model, sequence) if model.card.causal else _pseudo_log_likelihood(model, sequence.letters)
    return whole / known if known else math.nan


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
