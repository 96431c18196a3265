"""Compensation test of two bases: are the other bases disturbed least where both change to letters that pair?

Each of the 16 combinations of letters at the two bases is read by the model, and the largest change of the log2 odds at any other base is
kept. In a stem, one changed base breaks a pair and disturbs the rest, and a second one that pairs with it compensates. That the two bases fit
each other would prove nothing for a model with a layer that pairs letters anywhere, so neither of them is read.

The test asks among all 24 ways to match the four letters with four whether pairing letters (A-U, C-G; G-U for a half) disturb least. The letters
that stand there change nothing by construction, which favours the ways that match them: where letters do not matter, at most one in six pairs of
bases passes whose letters pair, and at most one in 24 whose letters do not. How often the values of a test would pass by chance is dealt out.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.log_odds import Scale
from engine.analyses.provenance import stamp
from engine.analyses.substitutions import letter_codes, numbers
from engine.core.card import Capability
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError
from engine.core.parameters import Parameters, position
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel, Prepared
from engine.core.results import Result, Table, Track, base_counted, frozen_array
from engine.core.sequence import BASES, Alphabet, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.core.provenance import Provenance

VERSION = "1"
MATCHES = np.array(list(itertools.permutations(range(4))))
"""Every way to match the four letters with four, int64 (24, 4); the first is each with itself."""
PAIRING = np.array([[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0.5], [1, 0, 0.5, 0]])
"""How much two letters (A, C, G, U) count as a pair."""
DEALS = 20_000
"""Deals at random of the values of the changed combinations; a share of them is known to 0.003."""


@dataclass(frozen=True)
class CompensationParameters(Parameters):
    """``first`` and ``second``: two different 0-based positions."""

    first: int = position(0, "--first", "One base of the pair, 1-based.")
    second: int = position(1, "--second", "The other base, 1-based.")

    def __post_init__(self) -> None:
        if self.first < 0 or self.second < 0 or self.first == self.second:
            raise ParameterError(f"The pair is {self.first + 1}, {self.second + 1}; two different positions of at least 1 are needed.")

    def check(self, length: int) -> None:
        """Raise `ParameterError` for a position outside the sequence, or where no other base is left."""
        for index in (self.first, self.second):
            if index >= length:
                raise ParameterError(f"Position {index + 1:,} is outside the sequence; positions 1 to {length:,} exist.")
        if length < 3:
            raise ParameterError("The sequence has no base beside the pair; give one of three bases or more.")


@dataclass(frozen=True, eq=False)
class Compensation(Result):
    """``values[a, b]`` float32 (4, 4): largest |Δ log2 odds| at any other base when ``first`` is a and ``second`` is b; 0 at the reference."""

    faces = frozenset()
    sequence: NucleotideSequence
    first: int
    second: int
    values: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32, (4, 4), "compensation"))

    @property
    def rank(self) -> int:
        """Place of the pairing letters among the 24 ways to match them, 1 = they disturb least."""
        return int(_ranks(self.values.astype(np.float64).reshape(1, 16))[0])

    @property
    def chance(self) -> float:
        """How often the pairing letters would be number 1 by chance: share of `DEALS` in which they are, the values of the 15 changed
        combinations dealt to them at random and that of the letters that stand there left where it is."""
        changed = np.flatnonzero(~self._standing.ravel())
        dealt = np.tile(self.values.astype(np.float64).ravel(), (DEALS, 1))
        dealt[:, changed] = np.random.default_rng(0).permuted(dealt[:, changed], axis=1)
        return float((_ranks(dealt) == 1).mean())

    @property
    def behaves_like_a_pair(self) -> bool:
        """Whether the pairing letters disturb least of all, which `chance` puts in proportion."""
        return self.rank == 1 and bool(self.values.any())

    @property
    def _standing(self) -> NDArray[np.bool_]:
        """bool (4, 4): the combination of the letters that stand there, which is compared with itself."""
        letters = letter_codes(self.sequence.letters)
        found = np.zeros((4, 4), np.bool_)
        found[letters[self.first], letters[self.second]] = True
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``values``, ``first``, ``second``, ``rank``."""
        return {"values": self.values, "first": np.array(self.first), "second": np.array(self.second), "rank": np.array(self.rank)}

    def rows(self) -> Table:
        """One row a combination, A first."""
        first, second = np.divmod(np.arange(16), 4)
        kinds = {1.0: "Watson-Crick", 0.5: "wobble", 0.0: "no pair"}
        columns: dict[str, Any] = {
            "first": [self.first + 1] * 16,
            "second": [self.second + 1] * 16,
            "letters": [f"{BASES[a]}{BASES[b]}" for a, b in zip(first, second, strict=True)],
            "kind": [kinds[float(PAIRING[a, b])] for a, b in zip(first, second, strict=True)],
            "largest_change_bits": self.values[first, second],
        }
        return Table(columns, np.full(16, self.first), np.full(16, self.second))

    def tracks(self) -> tuple[Track, ...]:
        """None: the test is about two bases."""
        return ()

    def words(self) -> str:
        """The outcome, how often chance would have it, and what pairing letters and others do to the rest. The bases are counted as they are asked for."""
        bases = f"{base_counted(self.sequence, self.first)} and {base_counted(self.sequence, self.second)}"
        paired, others = (self.values[mask & ~self._standing] for mask in (PAIRING == 1, PAIRING == 0))
        outcome = "behave like a base pair" if self.behaves_like_a_pair else "do not behave like a base pair"
        chance = self.chance
        share = f"{chance:.0%}" if chance >= 0.005 else "under 1%"
        return (
            f"By {self.provenance.card.title}, {bases} {outcome}: of the 24 ways to match the four letters, the pairing one is number {self.rank} "
            f"from the least disturbing (number 1 by chance, the 15 values of changed letters dealt at random: {share}). Changed to letters that "
            f"pair, they change the most disturbed other base by {paired.mean():.2f} bits (mean of {paired.size}), to letters that do not by "
            f"{others.mean():.2f} (mean of {others.size})."
        )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place of the pairing letters among the 24 ways to match them, int64 (n,), of n tables (n, 16)."""
    weights = np.zeros((len(MATCHES), 4, 4))
    for weight, match in zip(weights, MATCHES, strict=True):
        weight[:, match] = PAIRING
    disturbance = values @ weights.reshape(-1, 16).T
    ranks: NDArray[np.int64] = (disturbance < disturbance[:, :1] - 1e-9).sum(axis=1) + 1
    return ranks


def compensation(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: CompensationParameters, monitor: Monitor | None = None
) -> Compensation:
    """The test by 16 passes.

    Raises
    ------
    ParameterError
        A position outside the sequence.
    SequenceError
        One of the two bases is an ambiguous letter.
    CapabilityMissing
        The model does not score bases.
    """
    if not isinstance(model, NucleotideModel):
        raise CapabilityMissing(f"{model.card.title} does not predict single bases; choose a nucleotide language model.")
    parameters.check(len(sequence))
    pair = (parameters.first, parameters.second)
    codes = letter_codes(sequence.letters)
    for index in pair:
        if codes[index] < 0:
            raise SequenceError(
                f"Position {index + 1:,} is {sequence.letters[index]}, which is not one of the four bases; choose another base."
            )
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    watcher.start(16)
    values = _largest_changes(model, sequence, pair, watcher)
    provenance = stamp("compensation", VERSION, model, parameters, sequence, time.perf_counter() - began)
    return Compensation(sequence, *pair, values, provenance)


def _largest_changes(model: NucleotideModel, sequence: NucleotideSequence, pair: tuple[int, int], monitor: Monitor) -> NDArray[np.float32]:
    """Largest |Δ log2 odds| at any base but the two, float32 (4, 4), by the letters at the two."""
    import torch

    codes = letter_codes(sequence.letters)
    others = np.setdiff1d(np.arange(len(sequence)), pair)
    scale = Scale()
    with torch.inference_mode():
        mutants = [model.prepare(_with_letters(sequence, pair, letters)) for letters in itertools.product(range(4), repeat=2)]
        kept = torch.from_numpy(others).to(mutants[0].ids.device)
        odds: list[Tensor] = []
        for batch in _batches(mutants, model.passes_per_batch(mutants[0])):
            scores = numbers(model, model.base_logits(batch[0], torch.stack([mutant.ids for mutant in batch])))
            odds.append(scale(scores)[:, kept])
            monitor.advance(len(batch))
        found = torch.cat(odds)
        reference = found[int(codes[pair[0]]) * 4 + int(codes[pair[1]])]
        changes: NDArray[np.float32] = (found - reference).abs().amax(dim=(1, 2)).float().cpu().numpy()
    return changes.reshape(4, 4)


def _batches(mutants: list[Prepared], size: int) -> Iterator[list[Prepared]]:
    """The mutants in order, those of one layout that follow each other together."""
    for _, alike in itertools.groupby(mutants, key=lambda mutant: mutant.layout):
        rows = list(alike)
        for start in range(0, len(rows), max(1, size)):
            yield rows[start : start + max(1, size)]


def _with_letters(sequence: NucleotideSequence, pair: tuple[int, int], codes: tuple[int, ...]) -> NucleotideSequence:
    """The sequence with these letters at the two bases."""
    letters = list(sequence.as_dna())
    for index, code in zip(pair, codes, strict=True):
        letters[index] = BASES[code]
    changed = "".join(letters)
    return NucleotideSequence(changed.replace("T", "U") if sequence.alphabet is Alphabet.RNA else changed, sequence.alphabet)


DECLARED = (
    Declared(
        name="compensation",
        command="compensation",
        version=VERSION,
        title="Compensation",
        summary="Whether two bases behave like a base pair: the 16 combinations of their letters, and what each does to the other bases.",
        capability=Capability.DEPENDENCY,
        parameters=CompensationParameters,
        result=Compensation,
        passes=lambda sequence, parameters, card, offer: 16,
        run=lambda model, sequence, parameters, monitor, answers: compensation(model, sequence, parameters, monitor),
        out="compensation.tsv",
        shown="clicked",
        order=91,
        windows=False,
    ),
)
