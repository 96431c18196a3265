"""Tokens of a byte-pair or k-mer model as a track: where each token lies and how probable it is given the others."""

from __future__ import annotations

import time
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
from engine.core.results import Interval, Result, Table, Track, frozen_array, place
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"
EXPLORED = 5
"""Candidates that the explorer asks for, to be read where a token is clicked."""


@dataclass(frozen=True)
class TokenParameters(Parameters):
    """Token track of a byte-pair or k-mer model.

    ``flank_bp``: bases at each end that are context only; tokens that reach into them are left out (GROVER's authors take 100).
    ``candidates``: how many of the likeliest tokens to list at each token, itself masked, and behind the last (the next token).
    """

    flank_bp: int = option(0, "--flank", "Bases at each end that are context only.", metavar="BASES", low=0, high=100_000, unit="bases")
    candidates: int = option(
        0, "--candidates", "List the N likeliest tokens at each token and behind the last.", metavar="N", low=0, high=100, unit="tokens"
    )


@dataclass(frozen=True, eq=False)
class TokenTrack(Result):
    """Tokens of a byte-pair or k-mer model: ``spans`` int64 (T, 2) 0-based half-open, ``tokens``, ``probabilities`` float32 (T,) of each token given the others.

    Where asked for, the likeliest tokens: ``candidate_probabilities`` float32 (T + 1, K), falling along K, row t with token t masked and the
    last row for the token that would follow the sequence; ``candidate_tokens``, their texts row by row, (T + 1) · K.
    """

    faces = frozenset({"tracks", "main track", "intervals"})
    sequence: NucleotideSequence
    spans: NDArray[np.int64]
    tokens: tuple[str, ...]
    probabilities: NDArray[np.float32]
    provenance: Provenance
    candidate_tokens: tuple[str, ...] = ()
    candidate_probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self.tokens)
        if self.candidate_probabilities is not None:
            checked = frozen_array(self.candidate_probabilities, np.float32, (count + 1, None), "candidate probabilities")
            object.__setattr__(self, "candidate_probabilities", checked)
            if len(self.candidate_tokens) != checked.size:
                raise ParameterError(f"There are {len(self.candidate_tokens)} candidate tokens; {checked.size} are needed.")
        object.__setattr__(self, "spans", frozen_array(self.spans, np.int64, (count, 2), "token spans"))
        object.__setattr__(self, "probabilities", frozen_array(self.probabilities, np.float32, (count,), "token probabilities"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``spans``, ``tokens``, ``probabilities`` and the candidates where they were asked for."""
        track = {"spans": self.spans, "tokens": np.array(self.tokens), "probabilities": self.probabilities}
        chances = self.candidate_probabilities
        if chances is None:
            return track
        texts = np.array(self.candidate_tokens).reshape(chances.shape)
        return track | {"candidate_tokens": texts, "candidate_probabilities": chances}

    def rows(self) -> Table:
        """One row a token: its first and last base, its probability, and its candidates; the last row of candidates is the next token."""
        columns: dict[str, Any] = {
            "start": self.spans[:, 0] + 1,
            "end": self.spans[:, 1],
            "token": list(self.tokens),
            "probability": self.probabilities,
        }
        bases = self.spans[:, 0]
        chances = self.candidate_probabilities
        if chances is None:
            return Table(columns, bases)
        length = len(self.sequence)
        following = {"start": length + 1, "end": length, "token": "", "probability": np.nan}
        columns = {name: [*values, following[name]] for name, values in columns.items()}
        texts = np.array(self.candidate_tokens).reshape(chances.shape)
        for rank in range(chances.shape[1]):
            columns[f"candidate_{rank + 1}"] = texts[:, rank].tolist()
            columns[f"p_candidate_{rank + 1}"] = chances[:, rank]
        return Table(columns, np.append(bases, length - 1))

    def tracks(self) -> tuple[Track, ...]:
        """The probability of the token that holds a base."""
        values = np.full(len(self.sequence), np.nan, dtype=np.float32)
        for (start, end), probability in zip(self.spans, self.probabilities, strict=True):
            values[start:end] = probability
        return (Track("token_probability", "probability of each token, itself masked", values),)

    def intervals(self) -> tuple[Interval, ...]:
        """The tokens."""
        found = zip(self.spans.tolist(), self.tokens, self.probabilities.tolist(), strict=True)
        return tuple(
            Interval(first, last, token, probability, "+", note=self.candidates_at(number))
            for number, ((first, last), token, probability) in enumerate(found)
        )

    def candidates_at(self, number: int) -> str:
        """The candidates of a token, or with number T of what would follow, as one text; empty where none were asked for."""
        chances = self.candidate_probabilities
        if chances is None:
            return ""
        width = chances.shape[1]
        texts = self.candidate_tokens[number * width : (number + 1) * width]
        return ", ".join(f"{text} {chance(value)}" for text, value in zip(texts, chances[number].tolist(), strict=True))

    def at(self, base: int) -> tuple[tuple[str, str], ...]:
        """The token that holds a base with its candidates; of the last token what would follow, too."""
        inside = np.flatnonzero((self.spans[:, 0] <= base) & (self.spans[:, 1] > base))
        if not len(inside):
            return ()
        number = int(inside[0])
        start, end = self.spans[number].tolist()
        rows = [
            (
                "Word",
                f"{self.tokens[number]} at {place(self.sequence, start)}–{place(self.sequence, end - 1)}, P {chance(self.probabilities[number])}",
            )
        ]
        if self.candidate_probabilities is not None:
            rows.append(("Candidates, word masked", self.candidates_at(number)))
            if number == len(self.tokens) - 1:
                rows.append(("Next word", self.candidates_at(number + 1)))
        return tuple(rows)

    def words(self) -> str:
        """How many tokens there are, the most and the least expected, and what would follow."""
        if not self.tokens:
            return f"{self.provenance.card.title} reads no whole token here."
        low, high = int(self.probabilities.argmin()), int(self.probabilities.argmax())
        text = (
            f"{self.provenance.card.title} reads {len(self.tokens):,} tokens of {np.diff(self.spans).mean():.1f} bases on average; least expected "
            f"is {self.tokens[low]} at {place(self.sequence, int(self.spans[low, 0]))} ({chance(self.probabilities[low])}), most {self.tokens[high]} at "
            f"{place(self.sequence, int(self.spans[high, 0]))} ({chance(self.probabilities[high])})."
        )
        if self.candidate_probabilities is None:
            return text
        width = self.candidate_probabilities.shape[1]
        return f"{text} Next would be {self.candidate_tokens[-width]} ({chance(self.candidate_probabilities[-1, 0])})."


def chance(probability: float) -> str:
    """A probability in words: of thousands of tokens most are below a thousandth, and not nought."""
    return f"{probability:.3f}" if probability >= 0.001 else f"{probability:.1e}"


def token_track(
    model: Model, sequence: NucleotideSequence, parameters: TokenParameters | None = None, monitor: Monitor | None = None
) -> TokenTrack:
    """Spans int64 (T, 2), token strings and probabilities float32 (T,), each token masked in turn; the likeliest tokens where asked for.

    Raises
    ------
    CapabilityMissing
        The model's tokens are single bases.
    ParameterError
        The flanks leave nothing.
    """
    if not isinstance(model, TokenModel):
        raise CapabilityMissing(f"{model.card.title} has no token track; choose a byte-pair or k-mer model.")
    chosen = parameters or TokenParameters()
    if 2 * chosen.flank_bp >= len(sequence):
        raise ParameterError(
            f"Flanks of {chosen.flank_bp:,} bases leave nothing of {len(sequence):,}; give a longer sequence or shorter flanks."
        )
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    watcher.start(2 if chosen.candidates else 1, "token tracks")
    spans, tokens, probabilities = model.token_spans(sequence)
    watcher.advance(1)
    inside = (spans[:, 0] >= chosen.flank_bp) & (spans[:, 1] <= len(sequence) - chosen.flank_bp)
    kept = np.flatnonzero(inside).tolist()
    texts, chances = _candidates(model, sequence, [*kept, len(tokens)], chosen.candidates)
    if chosen.candidates:
        watcher.advance(1)
    return TokenTrack(
        sequence=sequence,
        spans=spans[kept],
        tokens=tuple(tokens[index] for index in kept),
        probabilities=probabilities[kept],
        provenance=stamp("tokens", VERSION, model, chosen, sequence, time.perf_counter() - began),
        candidate_tokens=texts,
        candidate_probabilities=chances,
    )


def _candidates(
    model: TokenModel, sequence: NucleotideSequence, tokens: list[int], count: int
) -> tuple[tuple[str, ...], NDArray[np.float32] | None]:
    """Texts row by row and probabilities (n, count) of the likeliest tokens; nothing when none are asked for."""
    if not count:
        return (), None
    texts, chances = model.token_candidates(sequence, tokens, count)
    return tuple(text for row in texts for text in row), chances


DECLARED = (
    Declared(
        name="tokens",
        command="tokens",
        version=VERSION,
        title="Tokens",
        summary="Tokens of a byte-pair or k-mer model and their probabilities.",
        capability=Capability.TOKENS,
        parameters=TokenParameters,
        result=TokenTrack,
        passes=lambda sequence, parameters, card, offer: 2 if parameters.candidates else 1,
        run=lambda model, sequence, parameters, monitor, answers: token_track(model, sequence, parameters, monitor),
        default_model="grover",
        lends=False,
        shown="offered",
        order=60,
        settings=lambda card: TokenParameters(candidates=EXPLORED),
    ),
)
