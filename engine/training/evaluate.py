"""Every measurement of the shipped models in one command: a JSON file, and the tables of the card."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.training.annotation import annotated_contigs
from engine.training.contact_maps import ContactMaps
from engine.training.contact_sets import ContactSample
from engine.training.corpus import Corpus
from engine.training.measure_contacts import contacts
from engine.training.measure_cost import cost
from engine.training.measure_language import bits_per_base
from engine.training.measure_segmentation import segmentation
from engine.training.measure_variants import variants
from engine.training.scoring import Scorer

logger = logging.getLogger(__name__)

PARTS = ("bits", "contacts", "variants", "segmentation", "cost")


@dataclass(frozen=True)
class EvaluationPlan:
    """How much is measured: windows a domain, RNAs a set, genes a domain, bases a held-out contig; ``maps``: folder that keeps maps of RNAs."""

    maps: Path
    windows: int = 60
    rnas: int = 60
    genes: int = 40
    bases: int = 200_000
    parts: tuple[str, ...] = PARTS
    low_precision: bool = True


def evaluate(models: Path, corpus_path: Path, data: Path, out: Path, plan: EvaluationPlan) -> dict[str, Any]:
    """Run the parts of the plan and write them into `out` (JSON), keeping parts that are there already and not asked for."""
    held: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    net = LocuscopeNet.from_pretrained(models / "locuscope-lm")
    scorer = Scorer(net, low_precision=plan.low_precision)
    corpus = Corpus.load(corpus_path)

    def segment() -> Any:
        head = LocuscopeSegmenter.from_pretrained(models / "locuscope-segmenter")
        return segmentation(head, annotated_contigs(data, held_out=False), annotated_contigs(data, held_out=True), plan.bases)

    work: dict[str, Callable[[], Any]] = {
        "bits": lambda: bits_per_base(scorer, corpus, plan.windows),
        "contacts": lambda: contacts(ContactMaps(models / "locuscope-lm", plan.maps), corpus, data, ContactSample(plan.rnas)),
        "variants": lambda: variants(scorer, annotated_contigs(data, held_out=True), data, plan.genes),
        "segmentation": segment,
        "cost": cost,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    for part in plan.parts:
        begun = time.perf_counter()
        held[part] = work[part]()
        held.setdefault("seconds", {})[part] = round(time.perf_counter() - begun, 1)
        card = json.loads((models / "locuscope-lm" / "card.json").read_text(encoding="utf-8"))
        held.setdefault("language_model_sha256", {})[part] = card["sha256"]
        out.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
        logger.info("evaluate: %s done in %.0f s", part, held["seconds"][part])
    return held
