"""How files show that they hold CI-SpliceAI as it is installed here: configuration and names of tensors. No torch."""

from __future__ import annotations

from dataclasses import replace

from engine.core.card import ModelCard
from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes
from engine.models.splice.published import SpliceConfig

KIND = "CI-SpliceAI"
"""``model`` in config.json."""

PUBLISHED = "352cfd0e5e1296697def3d52d43286af7e0f3d453ca70910f653bf2ced67808f"
"""`engine.models.splice.published.tensors_sha256` of version 1.2.2 of the package."""

CONTEXT_BP = 5_000
"""Bases at either side that the published networks read around a base."""

_NETWORKS = 5
_NORMALISATION = r"normalisations\.(\d+)\.gamma$"


def _misfit(evidence: Evidence) -> str:
    told = evidence.config.get("model")
    if told != KIND:
        return f"says model {str(told)[:40]!r} in config.json"
    return "" if evidence.has("convolutions.1.weight") and _units(evidence) else "has no residual units of CI-SpliceAI"


def _units(evidence: Evidence) -> int:
    """Residual units: two normalisations each, counted from 1."""
    return max(0, evidence.numbered(_NORMALISATION) - 1) // 2


def _networks(evidence: Evidence) -> int:
    told = evidence.config.get("networks")
    return told if isinstance(told, int) and told > 0 else 1


def _sizes(evidence: Evidence) -> Sizes:
    rows = (*evidence.shape("convolutions.1.weight"), 0)[0]
    return _units(evidence), rows // _networks(evidence)


def _looks(evidence: Evidence) -> str:
    units, width = _sizes(evidence)
    return f"dilated convolutions of CI-SpliceAI, {_networks(evidence)} networks of {units} residual units × {width}"


def _unlike(evidence: Evidence) -> str:
    count = _networks(evidence)
    return "" if count == _NETWORKS else f"has {count} networks; the published one has {_NETWORKS}"


def _shaped(card: ModelCard, evidence: Evidence) -> ModelCard:
    """With a window that has as many answers as the published one, and what these networks read at either side of them."""
    return replace(card, max_length=card.max_length - 2 * CONTEXT_BP + 2 * SpliceConfig.read(evidence.config).context_bp)


MARKS = Marks(_misfit, _looks, _sizes, published=((16, 32),), unlike=_unlike, sha256=lambda: PUBLISHED, shaped=_shaped)
