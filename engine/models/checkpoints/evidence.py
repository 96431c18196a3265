"""What the files of a checkpoint folder show before anything of them is computed: configuration, tokenizer, header of the weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.models.checkpoints.headers import Header, StoredTensor, read_header
from engine.models.checkpoints.pointers import refuse_pointer

WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Names a published checkpoint uses, the preferred first."""

ANY_WEIGHTS = (*WEIGHT_FILES, "*.safetensors", "*.bin", "*.pt", "*.pth")
TOKENIZER_FILES = ("vocab.txt", "tokenizer.json")
"""Either says how letters become tokens."""

OTHER_SETTINGS = ("dna_config.json",)
"""Files beside config.json that say how letters are read."""

_BASES = frozenset("ACGT")


@dataclass(frozen=True)
class Evidence:
    """Read from a folder, or from a hub by ranges (`engine.models.checkpoints.check`).

    ``config``: config.json, empty without one. ``vocabulary``: token → id, empty without tokenizer files. ``roles``: special token by role
    (``mask_token`` ...), as the tokenizer files name them. ``tokenizer``: tokenizer.json. ``beside``: other settings by file name. ``files``: names of what is there.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str | None] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    header: Header = field(default_factory=Header)
    files: frozenset[str] = frozenset()
    directory: Path | None = None

    @property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Shapes and types by published name."""
        return self.header.tensors

    def role(self, role: str, published: str) -> str:
        """The token of a role, its ``published`` text where no file names it."""
        return self.roles.get(role, published) or published

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor; () when there is none of that name."""
        return self.tensors[name].shape if name in self.tensors else ()

    def has(self, *beginnings: str) -> bool:
        """Whether some tensor's name begins with one of ``beginnings``."""
        return any(name.startswith(beginnings) for name in self.tensors)

    def numbered(self, pattern: str) -> int:
        """How many numbers the first group of ``pattern`` takes in the tensors' names, counted from 0 to the largest."""
        found = [int(match[1]) for name in self.tensors if (match := re.match(pattern, name)) and len(match[1]) < 6]
        return max(found, default=-1) + 1

    @cached_property
    def k(self) -> int:
        """Bases of a token: the longest complete set of k-mers in the vocabulary (T, or U for it); 0 when there is none."""
        words = {token.upper().replace("U", "T") for token in self.vocabulary}
        counts: dict[int, int] = {}
        for word in words:
            if word and set(word) <= _BASES:
                counts[len(word)] = counts.get(len(word), 0) + 1
        return max((k for k, count in counts.items() if count == 4**k), default=0)

    @cached_property
    def species(self) -> tuple[str, ...]:
        """Tokens that are names of species (``genus_species...``), sorted."""
        return tuple(sorted(token for token in self.vocabulary if "_" in token.strip("_<>[]") and token == token.lower()))

    @property
    def untold(self) -> str:
        """A clause where the files of a folder do not say how letters become tokens; empty where one of them does."""
        said = self.vocabulary or not self.files or self.files.intersection(TOKENIZER_FILES)
        return "" if said else f"has neither {' nor '.join(TOKENIZER_FILES)}"

    @property
    def byte_pairs(self) -> bool:
        """Whether the tokenizer joins letters to tokens of different lengths."""
        model = self.tokenizer.get("model")
        return isinstance(model, Mapping) and model.get("type") == "BPE" and bool(model.get("merges"))


def read_evidence(directory: Path, patterns: tuple[str, ...] = ANY_WEIGHTS) -> Evidence:
    """Evidence of a checkpoint folder; ``patterns`` of its weight files, the preferred first.

    Raises `WeightsMissing` without the folder or without weights, `WeightsInvalid` for files that do not parse.
    """
    files = weight_files(directory, patterns)
    header = Header()
    for file in files:
        header = header.joined(read_header(file))
    return replace(read_beside(directory), header=header)


def read_beside(directory: Path) -> Evidence:
    """Evidence of everything in a folder but its weights. Raises `WeightsInvalid` for files that do not parse."""
    from engine.models.reading.vocabulary import read_special_tokens, read_vocabulary

    try:
        config = json_object(directory / "config.json")
        tokenizer = json_object(directory / "tokenizer.json")
        try:
            vocabulary: Mapping[str, int] = read_vocabulary(directory)
        except WeightsMissing:
            vocabulary = {}
        files = frozenset(path.name for path in directory.iterdir())
        roles = read_special_tokens(directory)
        beside = {name: values for name in OTHER_SETTINGS if (values := json_object(directory / name))}
        return Evidence(directory.name[:60], config, vocabulary, roles, tokenizer, beside, files=files, directory=directory)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise WeightsInvalid(
            f"The files in {directory} are not in the published layout ({type(error).__name__}: {str(error)[:80]}); take all of them "
            "from one publication."
        ) from error


def json_object(path: Path) -> dict[str, Any]:
    """A JSON object, empty without the file. Raises `WeightsInvalid` when it does not parse or is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsInvalid(f"{path} is not readable JSON ({str(error)[:80]}); download it again.") from error
    if not isinstance(values, dict):
        raise WeightsInvalid(f"{path} holds a {type(values).__name__}; a JSON object is needed, download it again.")
    return values


def require_directory(directory: Path) -> Path:
    """The directory, or `WeightsMissing` naming it."""
    if not directory.is_dir():
        raise WeightsMissing(f"There is no checkpoint directory {directory}; give the folder that holds the published files.")
    return directory


def find_weights(directory: Path, patterns: tuple[str, ...] = WEIGHT_FILES) -> Path:
    """The first file of ``patterns`` (names or globs, the preferred first) in a directory.

    Raises `WeightsMissing` when none is there and `WeightsInvalid` when a glob fits several files.
    """
    require_directory(directory)
    for pattern in patterns:
        found = sorted(path for path in directory.glob(pattern) if path.is_file())
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise WeightsInvalid(f"{directory} has several weight files ({names[:80]}); leave the one to load.")
        if found:
            return refuse_pointer(found[0])
    raise WeightsMissing(f"{directory} has no weights; one of {', '.join(patterns)} is needed.")


def weight_files(directory: Path, patterns: tuple[str, ...] = WEIGHT_FILES) -> tuple[Path, ...]:
    """The weight file of a directory, or the parts that its index names. Raises as `find_weights`."""
    path = find_weights(directory, patterns)
    if not path.name.endswith(".index.json"):
        return (path,)
    return tuple(directory / name for name in shard_names(json_object(path), str(path)))


def shard_names(index: Mapping[str, Any], told: str) -> tuple[str, ...]:
    """Files that an index of a split checkpoint names, in order. Raises `WeightsInvalid` (``told``: what to call the index)."""
    mapping = index.get("weight_map")
    if not isinstance(mapping, dict) or not mapping or not all(isinstance(name, str) for name in mapping.values()):
        raise WeightsInvalid(f"{told} has no weight_map from tensor names to files; download it again.")
    names = sorted(set(mapping.values()))
    if any(Path(name).name != name or "\\" in name for name in names):
        raise WeightsInvalid(f"{told} names files outside its folder; download the checkpoint from its publisher again.")
    return tuple(names)
