"""Parts of an annotation that belong together: coding parts and exons of each transcript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from engine.core.features import Feature

Groups = dict[tuple[str, str], dict[str, list[Feature]]]
"""By transcript and strand, then by kind: the features from left to right."""


def by_transcript(features: Iterable[Feature], kinds: Collection[str]) -> Groups:
    """Features of ``kinds`` by the transcript that they name (GTF, GFF3), or that joined parts of a flat file make; others stand alone."""
    groups: Groups = {}
    seen: Counter[tuple[str, str]] = Counter()
    for number, item in enumerate(features):
        if item.kind not in kinds:
            continue
        attributes, part = item.attributes, item.attributes.get("part", "")
        key = attributes.get("transcript_id") or attributes.get("Parent", "").split(",")[0] or attributes.get("ID", "")
        if not key and part:
            whole = f"{attributes.get('protein_id') or item.name or attributes.get('locus_tag', '')}/{part.partition('/')[2]}"
            seen[whole, part] += 1
            key = f"{whole} {seen[whole, part]}"
        groups.setdefault((key or f"feature {number}", item.strand), {}).setdefault(item.kind, []).append(item)
    for group in groups.values():
        for parts in group.values():
            parts.sort(key=lambda part: part.start)
    return groups
