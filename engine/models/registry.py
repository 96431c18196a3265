"""Names first, imports later: which module holds which model, and which installed package brings further ones.

A package brings a model by an entry point of the group ``locuscope.models``: its name is the model's id, its value the place of a
`engine.models.entry.ModelEntry`, such as ``my_package.adapter:ENTRY``. What the package says is imported when the model is asked for.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import importlib
import logging
import re
import sys
from importlib import metadata
from pathlib import Path

from engine.core.brought import package_of
from engine.core.card import ModelCard
from engine.core.errors import UnknownModel, WeightsMissing
from engine.core.protocols import Model
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet
from engine.models.entry import ModelEntry

logger = logging.getLogger(__name__)

GROUP = "locuscope.models"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""What a model id is made of."""

_MODULES: dict[str, str] = {
    "locuscope": "engine.models.locuscope.adapter",
    "locuscope-local": "engine.models.locuscope.adapter",
    "locuscope-segmenter": "engine.models.locuscope.adapter",
    "specieslm-fungi-k1": "engine.models.specieslm.adapter",
    "specieslm-fungi-k6": "engine.models.specieslm.adapter",
    "specieslm-metazoa-k6": "engine.models.specieslm.adapter",
    "gpn": "engine.models.gpn.adapter",
    "grover": "engine.models.grover.adapter",
    "megadna": "engine.models.megadna.adapter",
    "nt-v1": "engine.models.nucleotide_transformer.adapter",
    "nt-v2": "engine.models.nucleotide_transformer.adapter",
    "segmentnt": "engine.models.segmenters.segment_nt",
    "segmentnt-multi-species": "engine.models.segmenters.segment_nt",
    "segment-enformer": "engine.models.segmenters.segment_enformer",
    "segment-borzoi": "engine.models.segmenters.segment_borzoi",
    "rinalmo": "engine.models.rinalmo.adapter",
    "cispliceai": "engine.models.splice.adapter",
    "splicebert": "engine.models.bert.adapter",
    "rnaernie2": "engine.models.bert.adapter",
    "agro-nt": "engine.models.nucleotide_transformer.adapter",
    "marindna": "engine.models.native.adapter",
    "carbon": "engine.models.native.adapter",
    "checkpoint": "engine.models.native.adapter",
    "pyrodigal": "engine.models.gene_finders.prodigal",
    "pyrodigal-gv": "engine.models.gene_finders.prodigal",
    "augustus": "engine.models.gene_finders.augustus",
    "viennarna": "engine.models.folding.adapter",
    "stem-counter": "engine.models.folding.adapter",
    "alphamissense": "engine.models.scorers.alphamissense",
    "alphagenome": "engine.models.scorers.alphagenome",
}
"""Model id → module with a dict ``ENTRIES: dict[str, ModelEntry]``; importing the module imports neither torch nor transformers."""


@functools.cache
def packages() -> dict[str, metadata.EntryPoint]:
    """Entry points of installed packages by model id; an id that is taken, or is no id, is left out with a warning."""
    found: dict[str, metadata.EntryPoint] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        if point.name in _MODULES or point.name in found:
            logger.warning("The package %s brings a model %r, an id that is taken; it is not used.", package_of(point), point.name)
        elif not NAME.fullmatch(point.name):
            logger.warning("The package %s brings a model %r, which is no id; it is not used.", package_of(point), point.name[:60])
        else:
            found[point.name] = point
    return found


def model_ids() -> tuple[str, ...]:
    """Every model id: in the order of the table, then those of installed packages."""
    return (*_MODULES, *packages())


def entry(model_id: str) -> ModelEntry:
    """The registry row of ``model_id``. Raises `UnknownModel` with the nearest names.

    A package whose row cannot be used gives a row that says so.
    """
    module = _MODULES.get(model_id)
    if module is not None:
        entries: dict[str, ModelEntry] = importlib.import_module(module).ENTRIES
        return entries[model_id]
    point = packages().get(model_id)
    if point is None:
        raise UnknownModel(unknown(model_id, model_ids()))
    return _from_package(point)


def unknown(model_id: str, known: tuple[str, ...]) -> str:
    """One sentence on an id that is none of ``known``."""
    near = difflib.get_close_matches(model_id, known, n=3)
    hint = f"did you mean {' or '.join(near)}? Available" if near else "available"
    return f"There is no model {quoted(model_id)}; {hint}: {', '.join(known)}."


def _from_package(point: metadata.EntryPoint) -> ModelEntry:
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a package may raise whatever it likes; the other models go on
        return _broken(point, f"{type(error).__name__}: {str(error)[:80]}")
    if not isinstance(found, ModelEntry):
        return _broken(point, f"{point.value[:80]} is no ModelEntry")
    if found.card.id != point.name:
        return _broken(point, f"its card has the id {found.card.id[:60]!r}")
    return dataclasses.replace(found, card=dataclasses.replace(found.card, revision=f"{found.card.revision}, {_version(point)}"))


def _version(point: metadata.EntryPoint) -> str:
    """Version and code of a package: they decide numbers, so they are part of what names an answer."""
    version = point.dist.version if point.dist is not None else "unknown"
    origin = getattr(sys.modules.get(point.module), "__file__", None)
    if origin is None:
        return f"{package_of(point)} {version}"
    place = Path(origin)
    files = sorted(place.parent.rglob("*.py")) if place.name == "__init__.py" or "." in point.module else [place]
    code = hashlib.sha256()
    for file in files:
        code.update(file.name.encode() + b"\0" + file.read_bytes())
    return f"{package_of(point)} {version}, code {code.hexdigest()[:12]}"


def _broken(point: metadata.EntryPoint, why: str) -> ModelEntry:
    """A row that can be listed, and says what is wrong with the package when it is asked."""
    sentence = f"The model {point.name} of the package {package_of(point)} cannot be used ({why}); update the package or uninstall it."
    card = ModelCard(point.name, point.name, Alphabet.DNA, 0, frozenset(), "unknown", "", "unknown", f"package {package_of(point)}")

    def load(*_: object) -> Model:
        raise WeightsMissing(sentence)

    return ModelEntry(card, load, available=lambda _: sentence)
