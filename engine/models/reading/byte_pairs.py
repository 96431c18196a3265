"""Byte-pair tokens of nucleotide sequences: tokenising, and re-tokenising after one substitution without touching the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import SequenceError, WeightsInvalid, WeightsMissing

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CONTEXT_TOKENS = 3


@dataclass(frozen=True)
class Tokens:
    """Tokens of one sequence without special tokens: ``ids`` and 0-based half-open ``spans``, which cover every base once."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]

    def at(self, position: int) -> int:
        """Index of the token that holds base ``position``."""
        low, high = 0, len(self.spans) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if position < self.spans[middle][1] else (middle + 1, high)
        return low


class PairTokenizer:
    """The tokenizer of a checkpoint, read from its tokenizer.json as it is: normaliser, merges, special tokens.

    ``before``, ``after``: ids its post-processor adds around a sequence. ``letters``: letters of each id (empty for special tokens).
    """

    def __init__(self, directory: Path) -> None:
        text = _read(directory / "tokenizer.json")
        settings = _parsed(directory, text)
        self._tokenizer = _tokenizer(directory, text)
        self._spliceable = settings["model"].get("type", "BPE") == "BPE" and not settings["model"].get("dropout")
        self.special = _special_ids(directory, settings)
        self.before, self.after = self._template()
        self.letters = self._letters(settings)
        self._cached = lru_cache(maxsize=65_536)(self._short)

    def _template(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        bare = self._tokenizer.encode("ACGT", add_special_tokens=False).ids
        whole = self._tokenizer.encode("ACGT", add_special_tokens=True).ids
        for start in range(len(whole) - len(bare) + 1):
            if whole[start : start + len(bare)] == bare:
                return tuple(whole[:start]), tuple(whole[start + len(bare) :])
        raise WeightsInvalid("tokenizer.json changes the tokens of ACGT when it adds special tokens; take the published file.")

    def _letters(self, settings: dict[str, Any]) -> dict[int, str]:
        prefix = settings["model"].get("continuing_subword_prefix") or ""
        special = set(self.special.values()) | {int(item["id"]) for item in settings.get("added_tokens", []) if item.get("special")}
        found: dict[int, str] = {}
        for token, index in self._tokenizer.get_vocab(with_added_tokens=True).items():
            letters = token.removeprefix(prefix).upper() if prefix else token.upper()
            found[index] = "" if index in special or set(letters) - set("ACGT") else letters
        return found

    @property
    def size(self) -> int:
        """One more than the largest id."""
        return max(self.letters) + 1

    def token(self, index: int) -> str:
        """Text of a token id."""
        return self._tokenizer.id_to_token(index) or "?"

    def tokenise(self, letters: str) -> Tokens:
        """Tokens of upper-case ``letters``. Raises `SequenceError` when they do not cover every base."""
        encoded = self._tokenizer.encode(letters, add_special_tokens=False)
        spans = tuple((int(start), int(end)) for start, end in encoded.offsets)
        edges = [0, *(end for _, end in spans)]
        if edges[-1] != len(letters) or [start for start, _ in spans] != edges[:-1]:
            raise SequenceError("The tokenizer leaves out letters of this sequence; give A, C, G, T only.")
        return Tokens(tuple(encoded.ids), spans)

    def _short(self, letters: str) -> Tokens:
        return self.tokenise(letters)

    def _stay_apart(self, left: str, right: str) -> bool:
        """Whether two neighbouring tokens are what the tokenizer makes of their letters together."""
        return self._cached(left + right).spans == ((0, len(left)), (len(left), len(left) + len(right)))

    def substituted(self, letters: str, tokens: Tokens, position: int, base: str) -> Tokens:
        """Tokens of ``letters`` with ``base`` at ``position``, given the ``tokens`` of ``letters``; equal to tokenising it all.

        A window of tokens around the base is tokenised anew and put between the unchanged rest. Byte-pair merges are local: the result
        is the tokenizer's own exactly when the two tokens on each side of both seams are what it makes of their letters alone; else the
        window grows.
        """
        changed = letters[:position] + base + letters[position + 1 :]
        centre, reach, count = tokens.at(position), _CONTEXT_TOKENS, len(tokens.ids)
        while self._spliceable:
            first, last = max(0, centre - reach), min(count, centre + reach + 1)
            start, end = tokens.spans[first][0], tokens.spans[last - 1][1]
            inner = self._cached(changed[start:end])
            left = first == 0 or self._stay_apart(changed[tokens.spans[first - 1][0] : start], changed[start : start + inner.spans[0][1]])
            right = last == count or self._stay_apart(changed[start + inner.spans[-1][0] : end], changed[end : tokens.spans[last][1]])
            if left and right:
                spans = tuple((start + a, start + b) for a, b in inner.spans)
                return Tokens(tokens.ids[:first] + inner.ids + tokens.ids[last:], tokens.spans[:first] + spans + tokens.spans[last:])
            if first == 0 and last == count:
                break
            reach = 2 * reach + 1
        return self.tokenise(changed)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path.parent} has no {path.name}; copy the published tokenizer file there.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsInvalid(f"{path} is not readable text ({type(error).__name__}); download it again.") from error


def _parsed(directory: Path, text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
        if not isinstance(settings["model"]["vocab"], dict):
            raise TypeError("vocab")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsInvalid(f"tokenizer.json in {directory} is not a tokenizer file; download it again.") from error
    return dict(settings)


def _tokenizer(directory: Path, text: str) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(text)
    except Exception as error:
        raise WeightsInvalid(f"tokenizer.json in {directory} cannot be used ({error}); download it again.") from error


def _special_ids(directory: Path, settings: dict[str, Any]) -> dict[str, int]:
    """Ids of the mask, padding and unknown token by role."""
    from engine.models.reading.vocabulary import read_special_tokens

    named = {"mask_token": "[MASK]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    named |= {role: token for role, token in read_special_tokens(directory).items() if token}
    ids = {**settings["model"]["vocab"], **{item["content"]: item["id"] for item in settings.get("added_tokens", [])}}
    for role in ("mask_token", "pad_token"):
        if named[role] not in ids:
            raise WeightsInvalid(f"tokenizer.json in {directory} lacks {named[role]}; take it from the same publication as the weights.")
    return {role: int(ids[token]) for role, token in named.items() if token in ids}
