"""How files show that they hold SegmentNT, SegmentEnformer or SegmentBorzoi."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.checkpoints.layouts import esm_misfit, esm_sizes, reading, setting, size_words, token_words, unsaid
from engine.models.nucleotide_transformer.marks import version_2_assumed, version_2_misfit
from engine.models.segmenters.names import prefix_of, trunk_names

PUBLISHED_ELEMENTS = 14
_TRUNKS = {"Enformer": "stem.0.weight", "Borzoi": "conv_dna.conv_layer.weight"}


def _elements(evidence: Evidence) -> int:
    """How many elements config.json names; the published ones when it names none."""
    told = evidence.config.get("features")
    return len(told) if isinstance(told, (list, tuple)) and told else PUBLISHED_ELEMENTS


def _rows(evidence: Evidence, name: str) -> int:
    shape = evidence.shape(name)
    return shape[0] if shape else 0


def _unlike(evidence: Evidence) -> str:
    count = _elements(evidence)
    return "" if count == PUBLISHED_ELEMENTS else f"answers for {count} elements, not for {PUBLISHED_ELEMENTS}"


# SegmentNT


def _segment_nt_misfit(evidence: Evidence) -> str:
    if not evidence.has("unet.") or not evidence.has("fc."):
        return "has no segmentation head (unet, fc)"
    if reason := esm_misfit(evidence) or version_2_misfit(evidence) or unsaid(evidence, "rescaling_factor"):
        return reason
    rows, wanted = _rows(evidence, "fc.weight"), 2 * evidence.k * _elements(evidence)
    return "" if rows == wanted else f"has {rows:,} rows in fc.weight where its {_elements(evidence)} elements need {wanted:,}"


def _segment_nt_looks(evidence: Evidence) -> str:
    return f"SegmentNT, {size_words(esm_sizes(evidence))}, {token_words(evidence)}, {_elements(evidence)} elements"


def _segment_nt_assumed(evidence: Evidence) -> tuple[str, ...]:
    both = "the human and the multi-species checkpoint have equal names, shapes and settings: which of the two it is cannot be told"
    return (*version_2_assumed(evidence), *((both,) if esm_sizes(evidence) == (29, 1024) else ()))


def _in_units(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the fewest and most bases: whole tokens, as many as the pooling levels of its head halve."""
    unit = evidence.k * 2 ** evidence.numbered(r"unet\._downsample_blocks\.(\d+)\.")
    return replace(card, min_length=unit, max_length=card.max_length // unit * unit)


SEGMENT_NT = Marks(
    _segment_nt_misfit, _segment_nt_looks, esm_sizes, published=((29, 1024),), unlike=_unlike, assumed=_segment_nt_assumed, shaped=_in_units
)


# SegmentEnformer and SegmentBorzoi


def _trunk(evidence: Evidence, kind: str) -> dict[str, tuple[int, ...]]:
    """Shapes by name without whatever stands in front of the trunk's names; empty when the trunk is not there."""
    if prefix_of(evidence.tensors, _TRUNKS[kind]) is None:
        return {}
    return {name: tensor.shape for name, tensor in trunk_names(evidence.tensors, _TRUNKS[kind]).items()}


def _trunk_misfit(evidence: Evidence, kind: str) -> str:
    trunk = _trunk(evidence, kind)
    marker = "conv_tower." if kind == "Enformer" else "res_tower."
    if not any(name.startswith(marker) for name in trunk):
        return f"has no trunk of {kind}"
    rows = trunk.get("unet_head.fc.weight", (0,))[0]
    if not rows:
        return "has no segmentation head (fc)"
    return (
        "" if rows % (2 * _elements(evidence)) == 0 else f"has a head of {rows:,} rows, which {_elements(evidence)} elements do not share"
    )


def _trunk_sizes(evidence: Evidence, kind: str) -> Sizes:
    trunk = _trunk(evidence, kind)
    depth = {name.split(".")[1] for name in trunk if name.startswith("transformer.")}
    return len(depth), trunk.get("transformer.0.0.fn.1.to_v.weight", (0,))[0]


def _trunk_looks(evidence: Evidence, kind: str) -> str:
    return f"{kind}'s trunk with a segmentation head, {size_words(_trunk_sizes(evidence, kind))}, {_elements(evidence)} elements"


def _trunk_marks(kind: str, published: Sizes) -> Marks:
    parts = (partial(_trunk_misfit, kind=kind), partial(_trunk_looks, kind=kind), partial(_trunk_sizes, kind=kind))
    return Marks(*parts, published=(published,), unlike=_unlike, assumed=_window_assumed, shaped=_of_window)


def _of_window(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With the one length it reads."""
    window = setting(evidence, "sequence_length")
    return reading(card, window, window)


def _window_assumed(evidence: Evidence) -> tuple[str, ...]:
    names = {
        "sequence_length": "the window is the published one",
        "features": f"the {PUBLISHED_ELEMENTS} elements stand in the published order",
    }
    return tuple(f"{clause} (no {name} in config.json)" for name, clause in names.items() if not evidence.config.get(name))


SEGMENT_ENFORMER = _trunk_marks("Enformer", (11, 1536))
SEGMENT_BORZOI = _trunk_marks("Borzoi", (8, 1536))
