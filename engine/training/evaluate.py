"""Every measurement of the shipped models in one command: a JSON file, and the tables of the card."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.evaluation import CONTACTS, PARTS
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.service.devices import code_fingerprint
from engine.training.annotation import Contig, annotated_contigs
from engine.training.contact_sets import ContactSample
from engine.training.corpus import Corpus
from engine.training.kept_maps import KeptMaps
from engine.training.measure_contacts import contacts
from engine.training.measure_cost import cost
from engine.training.measure_language import bits_per_base
from engine.training.measure_segmentation import segmentation
from engine.training.measure_variants import variants
from engine.training.pieces import Pieces
from engine.training.scoring import Scorer

logger = logging.getLogger(__name__)

VERSIONS = {CONTACTS: "3"}
"""Of the measurements, "2" for those without one; with another one nothing that was kept is taken."""
LANGUAGE, LOCAL, SEGMENTER = "locuscope-lm", "locuscope-local", "locuscope-segmenter"
IDS = {LANGUAGE: "locuscope", LOCAL: "locuscope-local"}
"""Model ids of the folders of language models."""


@dataclass(frozen=True)
class EvaluationPlan:
    """How much is measured: windows a domain, RNAs a set, genes a domain, bases a held-out contig; folders that keep maps of RNAs and pieces; the folder
    of the language model.
    """

    maps: Path
    pieces: Path
    windows: int = 60
    rnas: int = 60
    genes: int = 40
    bases: int = 200_000
    parts: tuple[str, ...] = PARTS
    low_precision: bool = True
    language: str = LANGUAGE

    def about(self, part: str, weights: str, read: str) -> str:
        """What the numbers of a part hang on; ``read``: `inputs`."""
        size = {"bits": self.windows, CONTACTS: self.rnas, "variants": self.genes, "segmentation": self.bases}.get(part, 0)
        return f"{part} {VERSIONS.get(part, '2')} {size} {weights} {read}{'' if self.low_precision else ' high precision'}"


def inputs(corpus: Path, data: Path) -> str:
    """Hash of what is measured on and by: the corpus' bytes, names, sizes and times of change of the files of ``data``, and our own code."""
    total = hashlib.sha256(code_fingerprint().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    with corpus.open("rb") as handle:
        while block := handle.read(1 << 20):
            total.update(block)
    for path in sorted(data.rglob("*")):
        if path.is_file():
            state = path.stat()
            total.update(f"{path.relative_to(data).as_posix()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return total.hexdigest()


def evaluate(models: Path, corpus_path: Path, data: Path, out: Path, plan: EvaluationPlan) -> dict[str, Any]:
    """Run the parts of the plan and write them into `out` (JSON), keeping parts that are there already and not asked for.

    Every part is done in pieces, and a piece that was done under the same weights, sizes, corpus, data and code is not done again.
    """
    held: dict[str, Any] = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    weights = {name: json.loads((models / name / "card.json").read_text(encoding="utf-8"))["sha256"] for name in (plan.language, SEGMENTER)}
    folder, model_id = models / plan.language, IDS[plan.language]

    @cache
    def scorer() -> Scorer:
        return Scorer(LocuscopeNet.from_pretrained(folder), low_precision=plan.low_precision)

    @cache
    def head() -> LocuscopeSegmenter:
        return LocuscopeSegmenter.from_pretrained(models / SEGMENTER)

    @cache
    def corpus() -> Corpus:
        return Corpus.load(corpus_path)

    @cache
    def contigs(held_out: bool) -> list[Contig]:
        return annotated_contigs(data, held_out=held_out)

    work: dict[str, Callable[[Pieces], Any]] = {
        "bits": lambda kept: bits_per_base(scorer(), corpus(), plan.windows, kept),
        CONTACTS: lambda kept: contacts(KeptMaps(folder, plan.maps, model_id), corpus(), data, ContactSample(plan.rnas), kept),
        "variants": lambda kept: variants(scorer(), corpus(), data, plan.genes, kept),
        "segmentation": lambda kept: segmentation(head, contigs, plan.bases, kept),
        "cost": lambda kept: cost(model_id),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    read = inputs(corpus_path, data)
    for part in plan.parts:
        name = SEGMENTER if part == "segmentation" else plan.language
        held[part] = work[part](Pieces(plan.pieces, plan.about(part, weights[name], read)))
        held.setdefault("weights_sha256", {})[part] = weights[name]
        held = {key: held[key] for key in (*PARTS, "weights_sha256") if key in held}
        out.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
        logger.info("evaluate: %s written to %s", part, out)
    return held
