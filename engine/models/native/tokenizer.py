"""How a checkpoint's letters become tokens: asked of its own tokenizer, on random letters, and refused where the answer is not one rule."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import WeightsInvalid
from engine.core.sequence import BASES
from engine.models.checkpoints.evidence import Evidence
from engine.models.native.marks import DnaTokens, is_rna

Ids = Callable[[str], list[int]]
_LENGTHS = (24, 31, 40)
_MOST_SPECIALS = 4


@dataclass(frozen=True)
class Reading:
    """A rule from letters to tokens.

    ``k`` bases a token at stride ``step`` (1 = overlapping, or one base a token; ``k`` = cut from the left). ``kmers``: ids of all k-mers in
    the order A, C, G, T. ``before``, ``after``: special tokens. ``unknown``: id of a k-mer with another letter, None where none may be.
    ``letters``: ids of A, C, G, T as single tokens, of what is left of a cut; empty when it is filled up with A.
    """

    k: int
    step: int
    kmers: tuple[int, ...] = field(repr=False)
    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int | None
    mask: int | None
    letters: tuple[int, ...] = ()
    filled: bool = False
    assumed: tuple[str, ...] = ()

    def check_ids(self, rows: int, name: str) -> None:
        """Raise `WeightsInvalid` for an id beyond the ``rows`` of the embedding."""
        largest = max((*self.kmers, *self.before, *self.after, *self.letters, self.unknown or 0, self.mask or 0))
        if largest >= rows:
            raise WeightsInvalid(f"{name} has token ids up to {largest:,} for {rows:,} embeddings; take all files from one publication.")


def of_dna_config(tokens: DnaTokens) -> Reading:
    """Carbon's rule: ``<dna>``, then k-mers from the left, the last filled up with A; no code of its publisher is needed for it."""
    place = [DnaTokens.ORDER.index(base) for base in BASES]
    kmers = tuple(
        tokens.first + sum(place[code] * 4 ** (tokens.k - 1 - offset) for offset, code in enumerate(word))
        for word in itertools.product(range(4), repeat=tokens.k)
    )
    return Reading(tokens.k, tokens.k, kmers, (tokens.start,), (), tokens.unknown, None, filled=True)


def of_tokenizer(directory: Path, evidence: Evidence, *, causal: bool) -> Reading:
    """The rule that the tokenizer of a folder follows. Raises `WeightsInvalid` when it follows none that is known here."""
    tokenizer = _load(directory, evidence.name)
    letters = "ACGU" if is_rna(evidence) else BASES
    for spaced in (False, True):
        found = (
            _rule(_asked(tokenizer, spaced, 1), letters, 1, 1) if evidence.k == 1 else _kmer_rule(tokenizer, letters, evidence.k, spaced)
        )
        if found is not None:
            return _with_specials(found, tokenizer, evidence, letters, causal=causal)
    raise WeightsInvalid(
        f"The tokenizer of {evidence.name} does not make one token of each base, or of each {evidence.k}-mer, out of {letters}; "
        "give the tokenizer files of the checkpoint (of a BERT tokenizer with do_lower_case false)."
    )


def _load(directory: Path, name: str) -> Any:
    from transformers import AutoTokenizer

    from engine.models.native.network import quiet

    try:
        with quiet():
            return AutoTokenizer.from_pretrained(str(directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever a tokenizer's files make the library raise
        raise WeightsInvalid(
            f"The tokenizer of {name} cannot be read by transformers' own classes ({type(error).__name__}: {str(error)[:80]}); "
            "copy its tokenizer files there, code of its publisher is not run."
        ) from error


def _asked(tokenizer: Any, spaced: bool, k: int) -> Ids:
    """Ids of letters, given as one text or as words at stride 1 with spaces between."""

    def ids(letters: str) -> list[int]:
        text = " ".join(letters[start : start + k] for start in range(len(letters) - k + 1)) if spaced else letters
        return [int(number) for number in tokenizer(text)["input_ids"]]

    return ids


@dataclass(frozen=True)
class _Rule:
    ids: Ids
    k: int
    step: int
    table: Mapping[str, int]
    before: tuple[int, ...]
    after: tuple[int, ...]


def _kmer_rule(tokenizer: Any, letters: str, k: int, spaced: bool) -> _Rule | None:
    return _rule(_asked(tokenizer, spaced, k), letters, k, 1 if spaced else k)


def _rule(ids: Ids, letters: str, k: int, step: int) -> _Rule | None:
    """The rule when every text of whole tokens is one table's ids between the same special tokens; else None."""
    texts = _texts(letters, k, step)
    answers = [(_words(text, k, step), ids(text)) for text in texts]
    spare = len(answers[0][1]) - len(answers[0][0])
    if not 0 <= spare <= _MOST_SPECIALS:
        return None
    for first in range(spare, -1, -1):
        before, after = tuple(answers[0][1][:first]), tuple(answers[0][1][len(answers[0][1]) - (spare - first) :])
        table = _table(answers, before, after)
        if len(table) == len(set(table.values())) == len(letters) ** k:
            return _Rule(ids, k, step, table, before, after)
    return None


def _texts(letters: str, k: int, step: int) -> list[str]:
    """Random texts of several lengths, and all k-mers one behind the other."""
    chance = random.Random(0)
    texts = ["".join(chance.choices(letters, k=length // step * step)) for length in _LENGTHS * 2]
    everything = "".join("".join(word) for word in itertools.product(letters, repeat=k))
    return texts + [everything[start : start + 240 * k] for start in range(0, len(everything), 240 * k)]


def _words(text: str, k: int, step: int) -> list[str]:
    return [text[start : start + k] for start in range(0, len(text) - k + 1, step)]


def _table(answers: list[tuple[list[str], list[int]]], before: tuple[int, ...], after: tuple[int, ...]) -> dict[str, int]:
    """Id of every word; empty when two answers disagree or have other special tokens."""
    table: dict[str, int] = {}
    for words, found in answers:
        end = len(found) - len(after)
        if len(found) != len(before) + len(words) + len(after) or (tuple(found[: len(before)]), tuple(found[end:])) != (before, after):
            return {}
        if any(table.setdefault(word, number) != number for word, number in zip(words, found[len(before) : end], strict=True)):
            return {}
    return table


def _with_specials(rule: _Rule, tokenizer: Any, evidence: Evidence, letters: str, *, causal: bool) -> Reading:
    mask = tokenizer.mask_token_id
    if not causal and mask is None:
        raise WeightsInvalid(f"The tokenizer of {evidence.name} names no mask token; a model that reads both sides needs one.")
    before: tuple[int, ...] = rule.before
    assumed: tuple[str, ...] = ()
    if causal and not before:
        start = tokenizer.bos_token_id
        if start is None:
            raise WeightsInvalid(
                f"The tokenizer of {evidence.name} has no token for the start of a sequence (bos_token), without which the first base has no score."
            )
        before, assumed = (
            (int(start),),
            (f"the start token {tokenizer.bos_token} stands in front, although the tokenizer does not put it there",),
        )
    if rule.k > 1 and rule.step == 1:
        assumed = (*assumed, f"{rule.k}-mers overlap at stride 1, as in DNABERT (no file says it)")
    if causal and rule.step != rule.k:
        raise WeightsInvalid(f"{evidence.name} reads overlapping {rule.k}-mers from left to right: the next token gives the base away.")
    kmers = tuple(rule.table["".join(word)] for word in itertools.product(letters, repeat=rule.k))
    return Reading(
        rule.k,
        rule.step,
        kmers,
        before,
        () if causal else rule.after,
        _unknown(rule, tokenizer, letters),
        None if causal else int(mask),
        _singles(rule, letters),
        assumed=assumed,
    )


def _unknown(rule: _Rule, tokenizer: Any, letters: str) -> int | None:
    """Id of a token with N in it where N leaves the other tokens as they are; else None, so that N is refused."""
    text = letters * 2 + "N" + letters * 2
    if rule.step > 1:
        return None
    found = rule.ids(text)
    words = [text[start : start + rule.k] for start in range(len(text) - rule.k + 1)]
    if len(found) != len(words) + len(rule.before) + len(rule.after):
        return None
    inner = found[len(rule.before) : len(found) - len(rule.after)]
    others = {number for word, number in zip(words, inner, strict=True) if "N" in word}
    same = all(rule.table[word] == number for word, number in zip(words, inner, strict=True) if "N" not in word)
    return others.pop() if same and len(others) == 1 else tokenizer.unk_token_id if same else None


def _singles(rule: _Rule, letters: str) -> tuple[int, ...]:
    """Ids of single letters behind the last whole token of a cut; empty when the tokenizer makes something else of them."""
    if rule.step == 1:
        return ()
    found = []
    for letter in letters:
        ids = rule.ids(letters[0] * rule.k + letter)
        inner = ids[len(rule.before) : len(ids) - len(rule.after)]
        if len(inner) != 2 or inner[0] != rule.table[letters[0] * rule.k]:
            return ()
        found.append(inner[1])
    return tuple(found) if len(set(found)) == 4 else ()
