"""What an annotation, places of a file or another model say of the elements that a segmentation model predicts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.segmentation import THRESHOLD
from engine.core.coding_parts import by_transcript
from engine.core.features import Feature
from engine.core.transcripts import SHORTEST_INTRON_BP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.segmentation import Segmentation

Masks = dict[str, "NDArray[np.bool_]"]
SITE_BP = 2
"""Bases of an intron that are its splice site, as segmenters are trained; CI-SpliceAI's sites are the exon's base instead, and stranded."""
SIDES = {"+": "forward", "-": "reverse"}
KINDS: dict[str, tuple[str, ...]] = {
    "tRNA": ("tRNA", "tRNA_gene"),
    "rRNA": ("rRNA", "rRNA_gene"),
    "ncRNA": ("ncRNA", "ncRNA_gene", "snoRNA", "snoRNA_gene", "snRNA", "snRNA_gene", "tmRNA"),
    "exon": ("exon",),
    "intron": ("intron", "five_prime_UTR_intron"),
    "5UTR": ("five_prime_UTR", "5'UTR"),
    "3UTR": ("three_prime_UTR", "3'UTR"),
    "lncRNA": ("lncRNA", "lnc_RNA", "lncRNA_gene"),
    "polyA_signal": ("polyA_signal_sequence", "polyA_signal", "regulatory_polyA_signal_sequence"),
    "promoter": ("promoter",),
    "enhancer": ("enhancer",),
    "CTCF-bound": ("CTCF_binding_site",),
}
"""Kinds of features, by the element they are."""
_WITHOUT_TISSUE = ("_Tissue_specific", "_Tissue_invariant")
_RBS_BP = 20


def truth_of_features(features: Iterable[Feature], length: int) -> Masks:
    """Bases of each element by an annotation in indices of the letters, bool (L,), of the elements that it has at all.

    What it has on one strand it would have on the other, so that a call there is a false one. A ribosome binding region is the `_RBS_BP` bases before a start codon, as the shipped segmenter was trained, where no intron is annotated.
    """
    known = tuple(features)
    masks: Masks = {}
    for name, kinds in KINDS.items():
        for item in known:
            if item.kind in kinds:
                _add(masks, name, item.start, item.end, length)
    groups = by_transcript(known, ("CDS", "stop_codon", "exon"))
    for (_, strand), group in groups.items():
        parts = group.get("CDS", [])
        if strand in SIDES and parts:
            _coding(masks, [*parts, *group.get("stop_codon", [])], strand, length)
        for one, other in itertools.pairwise(group.get("exon") or parts):
            _intron(masks, one.end, other.start, strand, length)
    for item in known:
        if item.kind in KINDS["intron"] and "tRNA" not in item.attributes.get("Parent", ""):
            _intron(masks, item.start, item.end, item.strand, length)
    if "intron" not in masks:
        _binding_regions(masks, length)
    for name in tuple(masks):
        for side, across in itertools.permutations(SIDES.values()):
            if name.endswith(f"_{side}"):
                masks.setdefault(f"{name.removesuffix(side)}{across}", np.zeros(length, dtype=bool))
    return masks


def truth_of_model(found: Segmentation) -> Masks:
    """Bases where another model gives an element `THRESHOLD` or more; stranded splice sites of an exon's base are those of the intron, too."""
    masks: Masks = {name: np.nan_to_num(found.values[:, k]) >= THRESHOLD for k, name in enumerate(found.elements)}
    length = len(found.sequence)
    for kind, strand in itertools.product(("donor", "acceptor"), SIDES.values()):
        sites = masks.get(f"splice_{kind}_{strand}")
        for base in () if sites is None else np.flatnonzero(sites).tolist():
            behind = (kind == "donor") == (strand == "forward")
            start = base + 1 if behind else base - SITE_BP
            _add(masks, f"splice_{kind}", start, start + SITE_BP, length)
        if sites is not None:
            masks.setdefault(f"splice_{kind}", np.zeros(length, dtype=bool))
    return masks


def truth_of_places(places: Iterable[tuple[int, int, str]], length: int, elements: Iterable[str]) -> Masks:
    """Places ``(start, end, name)``: by element where names are those of elements, else all places are held against every element."""
    rows, names = list(places), tuple(elements)
    folded = {name.casefold(): name for name in names}
    named = [(start, end, folded[label.casefold()]) for start, end, label in rows if label.casefold() in folded]
    masks: Masks = {}
    for start, end, name in named or [(start, end, name) for start, end, _ in rows for name in names]:
        _add(masks, name, start, end, length)
    return masks


def mask_for(element: str, masks: Mapping[str, NDArray[np.bool_]]) -> tuple[str, NDArray[np.bool_]] | None:
    """The mask that an element is held against and what it is called: its own, that of its kind on both strands, or None."""
    plain = element
    for end in _WITHOUT_TISSUE:
        plain = plain.removesuffix(end)
    if plain in masks:
        return plain, masks[plain]
    both = [masks[f"{plain}_{side}"] for side in SIDES.values() if f"{plain}_{side}" in masks]
    if both:
        return f"{plain}, both strands", np.logical_or.reduce(both)
    coding = [masks[f"CDS_{side}"] for side in SIDES.values() if f"CDS_{side}" in masks]
    if plain == "exon" and coding:
        return "CDS, both strands", np.logical_or.reduce(coding)
    return None


def _add(masks: Masks, name: str, start: int, end: int, length: int) -> None:
    masks.setdefault(name, np.zeros(length, dtype=bool))[max(0, start) : max(0, end)] = True


def _coding(masks: Masks, parts: list[Feature], strand: str, length: int) -> None:
    side = SIDES[strand]
    bases = sorted({base for item in parts for base in range(item.start, item.end)})
    for item in parts:
        _add(masks, f"CDS_{side}", item.start, item.end, length)
    _add(masks, "protein_coding_gene", bases[0], bases[-1] + 1, length)
    cut = any(item.attributes.get("partial") == "true" for item in parts)
    at_edge = bases[0] == 0 or bases[-1] == length - 1
    if len(bases) < 6 or (cut and not at_edge):
        return
    left, right = (bases[:3] if bases[0] or not cut else []), (bases[-3:] if bases[-1] < length - 1 or not cut else [])
    for name, codon in (("start_codon", left if strand == "+" else right), ("stop_codon", right if strand == "+" else left)):
        for base in codon:
            _add(masks, f"{name}_{side}", base, base + 1, length)


def _intron(masks: Masks, start: int, end: int, strand: str, length: int) -> None:
    if end - start < SHORTEST_INTRON_BP:
        return
    _add(masks, "intron", start, end, length)
    if strand not in SIDES:
        return
    left, right = ("donor", "acceptor") if strand == "+" else ("acceptor", "donor")
    _add(masks, f"splice_{left}", start, start + SITE_BP, length)
    _add(masks, f"splice_{right}", end - SITE_BP, end, length)
    _add(masks, f"splice_{left}_{SIDES[strand]}", start - 1, start, length)
    _add(masks, f"splice_{right}_{SIDES[strand]}", end, end + 1, length)


def _binding_regions(masks: Masks, length: int) -> None:
    for side in SIDES.values():
        starts = masks.get(f"start_codon_{side}")
        if starts is None:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([False], starts, [False])).astype(np.int8)))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            start = first - _RBS_BP if side == "forward" else last
            _add(masks, f"RBS_region_{side}", start, start + _RBS_BP, length)
