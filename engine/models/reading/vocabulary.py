"""Token ids and special tokens read from the tokenizer files of a checkpoint; no tokenizer class is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import WeightsInvalid, WeightsMissing

_SPECIAL = ("cls_token", "sep_token", "eos_token", "bos_token", "mask_token", "unk_token", "pad_token")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WeightsInvalid(f"{path} is not readable JSON ({error}); download it again.") from error


def _object(path: Path) -> dict[str, Any]:
    values = _read(path)
    return values if isinstance(values, dict) else {}


def read_vocabulary(directory: Path) -> dict[str, int]:
    """Token → id from vocab.txt (or tokenizer.json) and the added tokens of whichever files name them.

    Raises `WeightsMissing` when the directory has neither file and `WeightsInvalid` when they do not parse.
    """
    whole = _object(directory / "tokenizer.json")
    lines = directory / "vocab.txt"
    if lines.is_file():
        try:
            tokens = lines.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise WeightsInvalid(f"{lines} is not readable text ({error}); download it again.") from error
        vocabulary = {token.strip(): index for index, token in enumerate(tokens) if token.strip()}
    else:
        stored = whole.get("model", {}).get("vocab", {})
        vocabulary = {str(token): int(index) for token, index in stored.items()} if isinstance(stored, dict) else {}
    if not vocabulary:
        raise WeightsMissing(f"{directory} has no vocab.txt and no tokenizer.json with a vocabulary; copy the tokenizer files there.")
    return vocabulary | _added(directory, whole)


def _added(directory: Path, whole: Mapping[str, Any]) -> dict[str, int]:
    added = {str(token): int(index) for token, index in _object(directory / "added_tokens.json").items()}
    for item in whole.get("added_tokens", []):
        added[str(item["content"])] = int(item["id"])
    decoder = _object(directory / "tokenizer_config.json").get("added_tokens_decoder", {})
    for index, item in decoder.items():
        added[str(item["content"])] = int(index)
    return added


def read_special_tokens(directory: Path) -> dict[str, str | None]:
    """Special token by role (``cls_token`` ...) as the tokenizer files name it; None where they switch it off; absent where unnamed."""
    found: dict[str, str | None] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        values = _object(directory / name)
        for role in _SPECIAL:
            if role in values:
                token = values[role]
                found[role] = token["content"] if isinstance(token, dict) else token
    return found
