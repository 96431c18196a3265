"""What the registry knows about a model before anything of it is loaded."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.card import ModelCard, Offer
from engine.core.errors import WeightsInvalid
from engine.core.protocols import Model
from engine.core.sequence import NucleotideSequence


@dataclass(frozen=True)
class HubFiles:
    """Where published weights lie and which of the repository's files are needed.

    Parameters
    ----------
    repository : str
        ``owner/name`` on the hub.
    revision : str
        Branch, tag or commit.
    patterns : tuple of str
        Glob patterns of the needed files; the first weight file found in this order is used.
    size_bytes : int
        Size of the download shown before it starts.
    sha256 : dict of str to str
        Published hashes by file name, where there are any.
    """

    repository: str
    revision: str = "main"
    patterns: tuple[str, ...] = ("config.json", "*.safetensors")
    size_bytes: int = 0
    sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadOptions:
    """How to load: torch device, dtype name (``auto``, ``float32``, ``float16``, ``bfloat16``), species token where the model has one."""

    device: str = "cpu"
    dtype: str = "auto"
    species: str = ""


def _no_note(sequence: NucleotideSequence) -> str:
    return ""


Load = Callable[[Path, LoadOptions], Model]


def _guarded(load: Load) -> Load:
    """``load`` with what Python says about files of a foreign shape translated once; every error of ours passes through."""
    inner: Load = getattr(load, "func", load)

    @functools.wraps(inner)
    def loaded(directory: Path, options: LoadOptions) -> Model:
        try:
            return load(directory, options)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise WeightsInvalid(
                f"The files in {directory} are not in the published layout ({type(error).__name__}: {str(error)[:80]}); take all of them "
                "from one publication."
            ) from error

    return loaded


@dataclass(frozen=True)
class ModelEntry:
    """One row of the registry.

    ``load(directory, options)`` reads a checkpoint directory in the published layout and returns a model that implements the
    protocols its card's capabilities name; torch is imported only inside it. The configuration beside the weights decides sizes.
    ``shipped``: directory inside ``assets/models`` for models that come with the repository. ``hub``: where to download it.
    ``offer``: what the model offers, asked before it loads. ``note``: one sentence on how a sequence departs from the only layout the model
    was trained on, or an empty text. ``available``: for tables and services: given the folder of the settings (``home``), an empty text when it can be used, else one
    sentence on what is missing (terms not accepted, no table, no key).
    """

    card: ModelCard
    load: Load
    hub: HubFiles | None = None
    shipped: Path | None = None
    available: Callable[[Path], str] | None = None
    offer: Offer = Offer()
    note: Callable[[NucleotideSequence], str] = _no_note

    def __post_init__(self) -> None:
        object.__setattr__(self, "load", _guarded(self.load))
