"""A checkpoint proves what it is: its files are held against the marks of a model id, from headers alone, before anything runs.

Three answers. The files are not that model: one sentence says what they look like and which id takes them. They are of its layout, but not
the published checkpoint (other sizes, another hash): they run as an unnamed checkpoint, under a card that claims nothing. They have every
mark of the published checkpoint: they run under its card, which says whether the hash was known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.card import ModelCard, checkpoint_title
from engine.core.errors import LocuscopeError, WeightsInvalid, WeightsMissing
from engine.models.checkpoints.evidence import Evidence, read_evidence

if TYPE_CHECKING:
    from engine.models.entry import ModelEntry

Sizes = tuple[int, int]
"""Layers and width."""

UNKNOWN = "unknown"
_REMEMBERED = 256
PROOF = "names, shapes, vocabulary and sizes are the published ones"
"""Begins the card's words on files that were held against those of a publication before anything is loaded."""


def _nothing(_: Evidence) -> tuple[str, ...]:
    return ()


def _no_clause(_: Evidence) -> str:
    return ""


def _as_it_is(card: ModelCard, _: Evidence) -> ModelCard:
    return card


@dataclass(frozen=True)
class Marks:
    """How files show that they hold a model.

    Parameters
    ----------
    misfit : callable
        Empty when the files are of the model's layout, else what they have or lack, as what follows "it" in a sentence.
    looks : callable
        What files of this layout look like, in words, such as ``BERT, 6 layers × 512, one base a token``.
    sizes : callable
        Layers and width.
    published : tuple of Sizes
        Of the checkpoint, or checkpoints, that the card speaks of; empty for a layout that is anybody's, whose card claims nothing.
    unlike : callable
        What else sets the files apart from the published checkpoint, as what follows "it" in a sentence; empty when nothing does.
    sha256 : callable
        Expected hash of the weights, empty where it is not known.
    assumed : callable
        What is taken for granted because no file says it, a clause each; goes into the provenance.
    needs : tuple of str
        Files that stand beside the weights in every published layout.
    siblings : mapping
        Sizes of further published checkpoints of the family, with the fields of the card that are theirs.
    shaped : callable
        The card with what the files say of directions, limits and letters; for layouts that are anybody's.
    """

    misfit: Callable[[Evidence], str]
    looks: Callable[[Evidence], str]
    sizes: Callable[[Evidence], Sizes]
    published: tuple[Sizes, ...] = ()
    unlike: Callable[[Evidence], str] = _no_clause
    sha256: Callable[[], str] = str
    assumed: Callable[[Evidence], tuple[str, ...]] = _nothing
    needs: tuple[str, ...] = ("config.json",)
    siblings: Mapping[Sizes, Mapping[str, str]] = field(default_factory=dict)
    shaped: Callable[[ModelCard, Evidence], ModelCard] = _as_it_is


@dataclass(frozen=True)
class Identity:
    """What the files of a folder are, for one model id.

    ``card``: what may be said of them. ``published``: whether sizes and marks are those of the published checkpoint.
    ``note``: one sentence for the user where they are not, else empty.
    """

    card: ModelCard
    evidence: Evidence
    published: bool
    expected: str = ""
    note: str = ""

    def loaded(self, sha256: str, **limits: Any) -> ModelCard:
        """The card of the loaded weights with their ``sha256`` and the ``limits`` found while loading."""
        card = self.card
        if self.published and self.expected:
            if sha256 == self.expected:
                card = replace(card, proof="the weights have the published sha256")
            else:
                doubt = f"The weights have another sha256 than those of {card.title}. Whose they are"
                card = _unnamed(card, self.evidence.name, f"the layout of {card.title}", doubt)
        return replace(card, weights_sha256=sha256, **limits)


def identify(entry: ModelEntry, directory: Path) -> Identity:
    """What the files in ``directory`` are, read from configuration, tokenizer files and the weights' header; under a second, and remembered.

    Raises `WeightsMissing` without weights, `WeightsInvalid` when they are not of the layout of ``entry``.
    """
    if entry.marks is None:
        return Identity(entry.card, Evidence(directory.name), published=True)
    key = (entry.card.id, str(directory), _stamp(directory))
    with _lock:
        known = _known.get(key)
    if known is None:
        known = identity_of(entry, _evidence(entry, directory))
        with _lock:
            _known[key] = known
            while len(_known) > _REMEMBERED:
                _known.popitem(last=False)
    return known


def _evidence(entry: ModelEntry, directory: Path) -> Evidence:
    """Of the weights under the names of the publication; where there are none, those of another model are told as such."""
    try:
        return read_evidence(directory, entry.weights)
    except WeightsMissing as missing:
        try:
            others = read_evidence(directory)
        except LocuscopeError:
            raise missing from None
        if look(others, without=entry.card.id)[1]:
            raise WeightsInvalid(_refusal(entry, others, "has none of its weight files")) from missing
        raise


def identified(entry: ModelEntry, directory: Path) -> tuple[ModelEntry, str]:
    """``entry`` with what may be said of the files in ``directory``, and a note where they are not the published ones. Raises as `identify`."""
    found = identify(entry, directory)
    return replace(entry, card=found.card), found.note


def identity_of(entry: ModelEntry, evidence: Evidence) -> Identity:
    """As `identify`, of evidence that is there already. Raises `WeightsMissing`, `WeightsInvalid`."""
    marks = entry.marks
    if marks is None:
        return Identity(entry.card, evidence, published=True)
    reason = _misfit(entry, marks, evidence)
    lacking = [name for name in marks.needs if evidence.files and name not in evidence.files]
    untold = bool(reason) and reason == evidence.untold
    if reason and (not (lacking or untold) or look(evidence, without=entry.card.id)[1]):
        raise WeightsInvalid(_refusal(entry, evidence, reason))
    if lacking:
        raise WeightsMissing(
            f"The folder {evidence.name} has no {lacking[0]}; a checkpoint in the published layout has one, copy it there."
        )
    if untold:
        raise WeightsMissing(
            f"The folder {evidence.name} {reason}, which say how letters become tokens; copy the tokenizer files of its publication there."
        )
    looks, sizes = marks.looks(evidence), marks.sizes(evidence)
    card = marks.shaped(replace(entry.card, assumed=marks.assumed(evidence)), evidence)
    if not marks.published:
        return Identity(_unnamed(card, evidence.name, looks, "Whose checkpoint it is"), evidence, published=False)
    unlike = marks.unlike(evidence)
    if sizes in marks.published and not unlike:
        expected = marks.sha256()
        proof = PROOF + ("" if expected else "; the sha256 is unproven")
        return Identity(replace(card, proof=proof), evidence, published=True, expected=expected)
    if sizes in marks.siblings and not unlike:
        told: dict[str, Any] = {**marks.siblings[sizes], "proof": f"{PROOF}; the sha256 is unproven"}
        return Identity(replace(card, **told), evidence, published=True)
    others = [row for row in _fitting(evidence) if row.card.id != entry.card.id and _is_published(row, evidence)]
    if others:
        raise WeightsInvalid(_refusal(entry, evidence, f"has the {_told(sizes)} of {others[0].card.title}"))
    why = f"it {unlike}" if unlike else f"the published {entry.card.title} has {' or '.join(map(_told, marks.published))}"
    note = f"The folder {evidence.name} runs as an unnamed checkpoint ({looks}): {why}."
    return Identity(_unnamed(card, evidence.name, looks, f"{note} Whose it is"), evidence, published=False, note=note)


def _unnamed(card: ModelCard, name: str, looks: str, doubt: str) -> ModelCard:
    """A card that claims nothing of anybody's publication."""
    return replace(
        card,
        title=checkpoint_title(name),
        revision=card.revision.rpartition(", ")[2] if "transformers" in card.revision else UNKNOWN,
        licence=UNKNOWN,
        source=UNKNOWN,
        organisms=UNKNOWN,
        citation="",
        description=f"{looks}; publisher, licence and training data unknown.",
        limitations=f"{doubt}, what it was trained on, and so what its answers are worth, is unknown.",
        proof="the layout only",
    )


def _told(sizes: Sizes) -> str:
    return f"{sizes[0]} layers × {sizes[1]:,}"


def _misfit(entry: ModelEntry, marks: Marks, evidence: Evidence) -> str:
    """What sets the files apart from the layout of ``entry``; a model that reads both sides is none that says it reads from left to right."""
    if evidence.config.get("is_decoder") is True and marks.published and not entry.card.causal:
        return "reads from left to right only (is_decoder in config.json)"
    return _guarded(marks.misfit, evidence)


def _guarded(misfit: Callable[[Evidence], str], evidence: Evidence) -> str:
    """The reason, also where strange files make the question itself fail."""
    try:
        return misfit(evidence)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        return f"has files that cannot be understood ({type(error).__name__}: {str(error)[:80]})"


def _refusal(entry: ModelEntry, evidence: Evidence, reason: str) -> str:
    looks, takers = look(evidence, without=entry.card.id)
    if (
        entry.marks is not None and not entry.marks.published
    ):  # anybody's layout: the name is the folder's own and says nothing of its files
        whose = f"which --model {' or '.join(takers)} takes, by --weights" if takers else "which no model here takes"
        return f"The folder {evidence.name} does not run under a name of its own, it {reason}: it looks like {looks}, {whose}."
    whose = f"which --model {' or '.join(takers)} takes" if takers else f"which no model here takes; take the files of {entry.card.source}"
    return f"The folder {evidence.name} does not hold {entry.card.title}, it {reason}: it looks like {looks}, {whose}."


def look(evidence: Evidence, without: str = "") -> tuple[str, tuple[str, ...]]:
    """What files look like, in words, and the ids of at most two models that take them: published ones before layouts, these before anybody's."""
    fitting = [row for row in _fitting(evidence) if row.card.id != without]
    best = (
        [row for row in fitting if _is_published(row, evidence)] or [row for row in fitting if row.marks and row.marks.published] or fitting
    )
    if not best or best[0].marks is None:
        return _unknown_looks(evidence), ()
    return best[0].marks.looks(evidence), tuple(row.card.id for row in best[:2])


def _fitting(evidence: Evidence) -> list[ModelEntry]:
    """Every model whose layout the files have."""
    from engine.models.registry import entry, model_ids

    rows = [entry(model_id) for model_id in model_ids()]
    return [row for row in rows if row.marks is not None and not _misfit(row, row.marks, evidence)]


def _is_published(row: ModelEntry, evidence: Evidence) -> bool:
    marks = row.marks
    return marks is not None and marks.sizes(evidence) in (*marks.published, *marks.siblings) and not marks.unlike(evidence)


def _unknown_looks(evidence: Evidence) -> str:
    kind = evidence.config.get("model_type")
    told = f"a {str(kind)[:40]!r} checkpoint" if isinstance(kind, str) and kind else "a checkpoint of an unknown kind"
    some = next(iter(sorted(evidence.tensors)), "")
    return f"{told} with {len(evidence.tensors):,} tensors such as {some[:60]!r}" if some else told


def _stamp(directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of a folder's files: what is remembered holds as long as they stay."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        status = path.stat()
        found.append((path.name, status.st_size, status.st_mtime_ns))
    return tuple(found)


_lock = threading.Lock()
_known: OrderedDict[tuple[Any, ...], Identity] = OrderedDict()
