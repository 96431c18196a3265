"""Published variant scores as a tab-separated table: one row a score, provenance in comment lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.core.card import ModelCard
from engine.core.protocols import VariantScore
from engine.core.variants import Variant

COLUMNS = ("contig", "position", "id", "reference", "alternate", "score", "value", "label", "context", "note")


def write_score_table(rows: Iterable[tuple[Variant, Sequence[VariantScore], str]], card: ModelCard, assembly: str, path: Path) -> None:
    """Write variants with their scores (or a note why there is none); a variant without scores keeps one row with empty cells."""
    origin = {"source": card.source, "licence": card.licence, "revision": card.revision, "model": card.id, "assembly": assembly}
    lines = [f"# locuscope scores\n# provenance: {json.dumps(origin, sort_keys=True)}\n", "\t".join(COLUMNS) + "\n"]
    for variant, scores, note in rows:
        place = [variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate]
        found = [[score.name, f"{score.value:.6g}", score.label, score.context] for score in scores] or [[""] * 4]
        lines += ["\t".join(text.replace("\t", " ").replace("\n", " ") for text in (*place, *cells, note)) + "\n" for cells in found]
    path.write_text("".join(lines), encoding="utf-8")
