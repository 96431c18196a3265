"""How often a token model spells the next k bases, behind every token of a sequence (the measure by which GROVER's vocabulary was chosen).

GROVER's authors train a classifier for it; here the model itself is asked, without training: a mask stands behind the letters so far, the
likeliest token of bases is written there, and again until k bases are spelled.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.provenance import stamp
from engine.core.card import Capability
from engine.core.errors import CapabilityMissing, ParameterError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import Model, TokenModel
from engine.core.results import Result, Table, Track, frozen_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance
    from engine.core.sequence import NucleotideSequence

VERSION = "1"
LOOKED_AT = 20
"""Candidates among which the likeliest token of bases is sought; the others are special."""
ORDER = 4
"""Bases before, by which the look-up finds earlier continuations."""
Z = 1.959964


@dataclass(frozen=True)
class NextKmerParameters(Parameters):
    """``k``: bases to spell; ``from_bp``: bases that stand before the first question."""

    k: int = option(6, "--k", "Bases to spell.", metavar="K", low=1, high=16, unit="bases")
    from_bp: int = option(50, "--from", "Bases that stand before the first question.", metavar="BASES", low=1, high=100_000, unit="bases")


@dataclass(frozen=True, eq=False)
class NextKmer(Result):
    """``positions`` int64 (n,): 0-based first base of each question; ``spelled``, what the model writes; ``probabilities`` float32 (n,): of what
    it writes; ``looked_up``: what the commonest earlier continuation of the last `ORDER` bases spells."""

    sequence: NucleotideSequence
    k: int
    positions: NDArray[np.int64]
    spelled: tuple[str, ...]
    looked_up: tuple[str, ...]
    probabilities: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", frozen_array(self.positions, np.int64, (len(self.spelled),), "positions"))
        object.__setattr__(self, "probabilities", frozen_array(self.probabilities, np.float32, (len(self.spelled),), "probabilities"))

    @property
    def truth(self) -> list[str]:
        """The k bases that stand there."""
        letters = self.sequence.as_dna()
        return [letters[start : start + self.k] for start in self.positions.tolist()]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which questions are answered right, bool (n,)."""
        return np.array([one == other for one, other in zip(self.spelled, self.truth, strict=True)], dtype=bool)

    @property
    def bases_right(self) -> NDArray[np.float64]:
        """How many of the k bases are right, float64 (n,)."""
        pairs = zip(self.spelled, self.truth, strict=True)
        return np.array([sum(a == b for a, b in zip(one, other, strict=True)) for one, other in pairs], dtype=float)

    @property
    def looked_up_right(self) -> NDArray[np.bool_]:
        """Which questions the look-up answers right, bool (n,)."""
        return np.array([one == other for one, other in zip(self.looked_up, self.truth, strict=True)], dtype=bool)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``positions``, ``spelled``, ``looked_up``, ``truth``, ``probabilities``, ``right``."""
        texts = {"spelled": self.spelled, "looked_up": self.looked_up, "truth": self.truth}
        arrays = {name: np.array(values, dtype=np.str_) for name, values in texts.items()}
        return {"positions": self.positions, **arrays, "probabilities": self.probabilities, "right": self.right, "k": np.array(self.k)}

    def rows(self) -> Table:
        """One row a question."""
        columns: dict[str, Any] = {
            "position": self.positions + 1,
            "truth": self.truth,
            "spelled": list(self.spelled),
            "probability": self.probabilities,
            "right": self.right.astype(int),
            "bases_right": self.bases_right.astype(int),
            "looked_up": list(self.looked_up),
        }
        return Table(columns, self.positions)

    def tracks(self) -> tuple[Track, ...]:
        """Share of the k bases that are right, over the k bases of each question."""
        total, asked = np.zeros(len(self.sequence)), np.zeros(len(self.sequence))
        for start, share in zip(self.positions.tolist(), (self.bases_right / self.k).tolist(), strict=True):
            total[start : start + self.k] += share
            asked[start : start + self.k] += 1
        values = np.divide(total, asked, out=np.full(len(total), np.nan), where=asked > 0)
        return (Track("next_kmer", f"share of the next {self.k} bases that are spelled right", values.astype(np.float32)),)

    def words(self) -> str:
        """The accuracy with its interval, beside chance and the look-up."""
        n = len(self.positions)
        if not n:
            return "No token has enough bases before and behind it."
        share, low, high = wilson(int(self.right.sum()), n)
        other, _, _ = wilson(int(self.looked_up_right.sum()), n)
        return (
            f"{self.provenance.card.title} spells the next {self.k} bases right at {share:.1%} of {n:,} places ({low:.1%} to {high:.1%}); single bases "
            f"{self.bases_right.mean() / self.k:.1%}. Chance {0.25**self.k:.2%}, a look-up of the last {ORDER} bases in what came before {other:.1%}."
        )


def wilson(right: int, count: int) -> tuple[float, float, float]:
    """Share with its 95 % Wilson interval."""
    share, z2 = right / count, Z * Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * float(np.sqrt(share * (1 - share) / count + z2 / (4 * count * count)))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def next_kmer(
    model: Model, sequence: NucleotideSequence, parameters: NextKmerParameters | None = None, monitor: Monitor | None = None
) -> NextKmer:
    """The next k bases behind every token, as the model spells them from the letters before alone.

    Raises
    ------
    CapabilityMissing
        The model's tokens are single bases.
    ParameterError
        The sequence is too short for one question.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, TokenModel):
        raise CapabilityMissing(f"{model.card.title} has no token track; choose a byte-pair or k-mer model.")
    chosen, watcher, began = parameters or NextKmerParameters(), monitor or SilentMonitor(), time.perf_counter()
    letters, k = sequence.as_dna(), chosen.k
    spans, _ = model.tokenised(sequence)
    starts = [int(end) for end in spans[:, 1] if chosen.from_bp <= end <= len(letters) - k]
    starts = [start for start in starts if not set(letters[start : start + k]) - set("ACGT")]
    if not starts:
        raise ParameterError(
            f"No token ends between base {chosen.from_bp:,} and {max(0, len(letters) - k):,}; give more than {chosen.from_bp + k:,} bases, or less before."
        )
    watcher.start(len(starts), "places")
    spelled, chances = [], []
    for start in starts:
        text, chance = _spelled(model, sequence, start, k)
        spelled.append(text)
        chances.append(chance)
        watcher.advance(1)
    return NextKmer(
        sequence=sequence,
        k=k,
        positions=np.array(starts, dtype=np.int64),
        spelled=tuple(spelled),
        looked_up=tuple(look_up(letters, starts, k)),
        probabilities=np.array(chances, dtype=np.float32),
        provenance=stamp("next-kmer", VERSION, model, chosen, sequence, time.perf_counter() - began),
    )


def _spelled(model: TokenModel, sequence: NucleotideSequence, start: int, k: int) -> tuple[str, float]:
    """The k bases that the likeliest tokens spell behind ``start``, and the product of their probabilities."""
    from engine.core.sequence import NucleotideSequence

    before, text, chance = sequence.as_dna()[:start], "", 1.0
    while len(text) < k:
        part = NucleotideSequence(before + text)
        count = len(model.tokenised(part)[1])
        texts, values = model.token_candidates(part, [count], LOOKED_AT)
        best = next((number for number, token in enumerate(texts[0]) if token and not set(token.upper()) - set("ACGT")), None)
        if best is None:
            return text.ljust(k, "-")[:k], chance
        text += texts[0][best].upper()
        chance *= float(values[0, best])
    return text[:k], chance


def look_up(letters: str, starts: list[int], k: int) -> list[str]:
    """For each place the commonest k bases that followed the same `ORDER` bases earlier; without any, the commonest k bases so far."""
    found, seen, reached = [], defaultdict[str, Counter[str]](Counter), 0
    everything: Counter[str] = Counter()
    for start in starts:
        for place in range(max(ORDER, reached), start - k + 1):
            seen[letters[place - ORDER : place]][letters[place : place + k]] += 1
            everything[letters[place : place + k]] += 1
        reached = max(reached, start - k + 1)
        own = seen.get(letters[max(0, start - ORDER) : start]) or everything
        found.append(own.most_common(1)[0][0] if own else "-" * k)
    return found


DECLARED = (
    Declared(
        name="next-kmer",
        command="next-kmer",
        version=VERSION,
        title="Next k-mer",
        summary="How often a token model spells the next k bases behind each of its words, beside chance and a look-up.",
        capability=Capability.TOKENS,
        parameters=NextKmerParameters,
        result=NextKmer,
        passes=lambda sequence, parameters, card, offer: max(1, len(sequence) // 4),
        run=lambda model, sequence, parameters, monitor, answers: next_kmer(model, sequence, parameters, monitor),
        out="next-kmer.tsv",
        default_model="grover",
        lends=False,
        shown="asked",
        order=62,
        windows=False,
    ),
)
