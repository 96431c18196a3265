"""Gathers the card of a variant from gene models, tables, services and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.consequences import Consequence
from engine.core.errors import Cancelled, LocuscopeError
from engine.core.proteins import MissenseScore
from engine.core.protocols import VariantScore
from engine.core.transcripts import Transcripts
from engine.core.variant_card import VariantCard, strongest
from engine.core.variants import ScoredVariant, TriageParameters, Variant
from engine.service.proteins import TABLE, missense_of
from engine.service.triage import Genes, ReferenceLetters, TriageRequest

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.service.engine import Engine

SERVICE = "alphagenome"
NOT_ASKED = "Not asked. It sends coordinates and alleles to Google DeepMind's service, for non-commercial use only."
_NO_REFERENCE = "The letters of {assembly} are not here; register it with LOCUSCOPE_GENOMES, or give --fasta."


@dataclass(frozen=True, eq=False)
class CardRequest:
    """What a card is asked about.

    Parameters
    ----------
    variant : Variant
        One allele.
    assembly : str
        The public assembly it is on.
    reference : ReferenceLetters or None
        Its letters, for consequences and language models; None = they are not here.
    transcripts : Transcripts
        Gene models; may be empty.
    models : tuple of str
        Language models that are asked.
    alphagenome : bool
        Whether AlphaGenome is asked; nothing leaves this machine otherwise.
    window_bp : int
        Bases that a language model sees.
    """

    variant: Variant
    assembly: str
    reference: ReferenceLetters | None = None
    transcripts: Transcripts = field(default_factory=Transcripts)
    models: tuple[str, ...] = ()
    alphagenome: bool = False
    window_bp: int = 512


def make_card(engine: Engine, request: CardRequest, monitor: Monitor | None = None, visitor: str = "") -> VariantCard:
    """The card; ``visitor``: who waits for its models. A part that cannot be filled says why; what ``monitor.advance`` raises stops it."""
    notes: dict[str, str] = {}
    sources: dict[str, str] = {}
    origins: dict[str, Any] = {}

    def part(name: str, fill: Callable[[], Any], empty: Any) -> Any:
        if monitor is not None:
            monitor.advance(0)
        try:
            return fill()
        except Cancelled:
            raise
        except LocuscopeError as error:
            notes[name] = str(error)
            return empty

    consequences = part("consequence", lambda: _consequences(request, notes, origins), ())
    missense = part("missense", lambda: _missense(engine, request, notes, sources, origins), ())
    effects: Sequence[VariantScore] = ()
    if request.alphagenome:
        effects = part("alphagenome", lambda: _effects(engine, request, sources, origins), ())
        if not effects:
            notes.setdefault("alphagenome", "AlphaGenome has no score of this variant.")
    else:
        notes["alphagenome"] = NOT_ASKED
    scored = part("language models", lambda: _scored(engine, request, notes, sources, origins, monitor, visitor), ())
    parts = (consequences, missense, strongest(effects), len(effects), scored)
    return VariantCard(request.variant, request.assembly, *parts, notes, sources, origins)


def _consequences(request: CardRequest, notes: dict[str, str], origins: dict[str, Any]) -> tuple[Consequence, ...]:
    if request.reference is None:
        notes["consequence"] = _NO_REFERENCE.format(assembly=request.assembly or "the assembly")
        return ()
    if not request.transcripts:
        notes["consequence"] = "There are no gene models; register an annotation with the assembly, or give --gff."
        return ()
    found = Genes(request.reference, request.transcripts).consequences(request.variant)
    origins |= {"reference": request.reference.described, "gene_models": {"sha256": request.transcripts.sha256}}
    if not found:
        notes["consequence"] = "The annotation has nothing of this contig."
    return found


def _missense(
    engine: Engine, request: CardRequest, notes: dict[str, str], sources: dict[str, str], origins: dict[str, Any]
) -> tuple[MissenseScore, ...]:
    with engine.scorer(TABLE) as scorer:
        found = missense_of(scorer, request.assembly, request.variant)
        sources[scorer.card.id] = f"{scorer.card.revision}, {scorer.card.licence}"
        origins[scorer.card.id] = {"revision": scorer.card.revision, "table": scorer.table(request.assembly)}
    if not found:
        notes["missense"] = "The table has no missense substitution of a canonical transcript there."
    return found


def _effects(engine: Engine, request: CardRequest, sources: dict[str, str], origins: dict[str, Any]) -> tuple[VariantScore, ...]:
    found = engine.scores(SERVICE, request.assembly, request.variant)
    card = engine.model(SERVICE).card
    sources[card.id] = f"{card.revision}, {card.licence}"
    origins[card.id] = {"revision": card.revision, "service": card.source}
    return found


def _scored(
    engine: Engine,
    request: CardRequest,
    notes: dict[str, str],
    sources: dict[str, str],
    origins: dict[str, Any],
    monitor: Monitor | None,
    visitor: str,
) -> tuple[tuple[str, ScoredVariant], ...]:
    if not request.models:
        notes["language models"] = "None was asked."
        return ()
    if request.reference is None:
        notes["language models"] = _NO_REFERENCE.format(assembly=request.assembly or "the assembly")
        return ()
    found, failed, trained = [], [], []
    for model in request.models:
        asked = TriageRequest((request.variant,), request.reference, request.transcripts, model, TriageParameters(request.window_bp))
        try:
            answer = engine.run_triage(asked, monitor, visitor)
        except Cancelled:
            raise
        except LocuscopeError as error:
            failed.append(f"{model[:40]}: {error}")
            continue
        card = answer.provenance.card
        sources[card.id] = f"{card.revision}, {card.licence}"
        origins[card.id] = answer.provenance.as_dict()
        origins["reference"] = request.reference.described
        found.append((card.title, answer.rows[0]))
        trained.append(f"{card.title} was trained on: {card.organisms.rstrip('.')}.")
    notes["language models"] = " ".join((*failed, *trained))
    return tuple(found)
