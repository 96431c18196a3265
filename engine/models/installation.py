"""The models of one installation: those of the registry, and own checkpoints under names that its owner gave."""

from __future__ import annotations

import functools
from pathlib import Path

from engine.core.errors import LocuscopeError, ParameterError, UnknownModel
from engine.core.settings import Settings
from engine.models import registry
from engine.models.checkpoints.evidence import find_weights
from engine.models.checkpoints.installed import named_folders
from engine.models.entry import ModelEntry


class Installation:
    """`engine.models.registry` with own checkpoints: names of the setting ``weights`` and folders under ``home/models`` that are no ids."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def model_ids(self) -> tuple[str, ...]:
        """Every model id, own names last."""
        return (*registry.model_ids(), *self._own())

    def entry(self, model_id: str) -> ModelEntry:
        """The row of one model; raises `UnknownModel`."""
        if model_id in registry.model_ids():
            return registry.entry(model_id)
        own = self._own()
        if model_id in own:
            return _own_row(model_id)
        raise UnknownModel(registry.unknown(model_id, (*registry.model_ids(), *own)))

    def entry_to_install(self, model_id: str) -> ModelEntry:
        """As `entry`, and for a new name the row it is going to have. Raises `ParameterError` for what cannot be a name."""
        if model_id in self.model_ids():
            return self.entry(model_id)
        if not registry.NAME.fullmatch(model_id):
            raise ParameterError(f"{model_id[:80]!r} cannot be a model's name; letters, digits, '.', '_' and '-' may be in one, up to 60.")
        return _own_row(model_id)

    def _own(self) -> tuple[str, ...]:
        known = registry.model_ids()
        names = [*named_folders(self._settings.weights), *_folders(self._settings.home / "models")]
        return tuple(dict.fromkeys(name for name in names if name not in known and registry.NAME.fullmatch(name)))


def _folders(place: Path) -> list[str]:
    """Names of the folders in ``place`` that hold a configuration and weights."""
    try:
        return sorted(folder.name for folder in place.iterdir() if (folder / "config.json").is_file() and _has_weights(folder))
    except OSError:
        return []


def _has_weights(folder: Path) -> bool:
    try:
        return bool(find_weights(folder))
    except LocuscopeError:
        return False


@functools.cache
def _own_row(model_id: str) -> ModelEntry:
    from engine.models.native.adapter import own_checkpoint

    return own_checkpoint(model_id)
