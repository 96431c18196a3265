"""How files show that they hold CI-SpliceAI as it is installed here: configuration and names of tensors. No torch."""

from __future__ import annotations

from engine.models.checkpoints.evidence import Evidence
from engine.models.checkpoints.identity import Marks, Sizes

KIND = "CI-SpliceAI"
"""``model`` in config.json."""

PUBLISHED = "352cfd0e5e1296697def3d52d43286af7e0f3d453ca70910f653bf2ced67808f"
"""`engine.models.splice.published.tensors_sha256` of version 1.2.2 of the package."""

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


MARKS = Marks(_misfit, _looks, _sizes, published=((16, 32),), unlike=_unlike, sha256=lambda: PUBLISHED)
