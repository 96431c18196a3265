"""Patterns in a dependency map: binding sites (blocks), stems, repeats and hotspots, each with an empirical q-value.

Scores and places are those of `engine.analyses.pattern_scores`, read from the usual map. The q-value of a place is the least share of false
ones among places of its kind with its score or a higher one: (1 + places of the shuffled sequences) / (shuffles · places of this sequence), by
`engine.analyses.pattern_controls`. With n shuffles no place alone has less than 1 / n. Source of the estimate: Storey and Tibshirani, PNAS
2003, with the added one of Barber and Candès, Annals of Statistics 2015.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses import dependency, findings
from engine.analyses.declared import Declared, Needed
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.analyses.pattern_controls import MOST_SHUFFLES, ControlParameters, PatternControls, check_length, map_bytes
from engine.analyses.pattern_scores import (
    CELL_LIMITS,
    KINDS,
    WIDTHS,
    WORDS,
    PatternScores,
    cells_above,
    complementary_fraction,
    equal_fraction,
)
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import ParameterError
from engine.core.parameters import Parameters, Precision, option
from engine.core.provenance import all_batches
from engine.core.results import Interval, Pairs, Result, Table, Track, frozen_array, place
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance
    from engine.core.results import WindowAnswer

VERSION = "2"


@dataclass(frozen=True)
class PatternParameters(Parameters):
    """Patterns of the map of a whole sequence.

    ``shuffles``: dinucleotide-shuffled sequences as controls, each of which costs a map; 0 = none, and no q-values.
    ``rate``: places with a q-value up to this are drawn, named, and written as intervals and pairs; the table has all.
    ``seed``: of the shuffles. ``precision``, ``tau``: of all maps.
    """

    shuffles: int = option(
        20,
        "--shuffles",
        "Dinucleotide-shuffled sequences as controls, each costs one more map; 0 = no q-values.",
        metavar="N",
        low=0,
        high=MOST_SHUFFLES,
        address="shuffles",
        title="Patterns: shuffled controls",
    )
    rate: float = option(
        0.1,
        "--rate",
        "Largest q-value (share of false places) that is drawn and written as interval or pair, 0 to 1.",
        metavar="Q",
        low=0,
        high=1,
        address="rate",
        title="Patterns: largest q-value",
    )
    seed: int = option(0, "--seed", "Of the shuffles.", metavar="N", low=0, high=2**31 - 1)
    precision: Precision = option("auto", "--precision", "Of the maps, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)

    def check(self, length: int) -> None:
        """Raise `ParameterError` for a sequence that has room for no block."""
        check_length(length)


@dataclass(frozen=True, eq=False)
class Patterns(Result):
    """Scores by base and the strongest places of every kind.

    ``scores`` float32 (L, 5): of each base by `engine.analyses.pattern_scores.KINDS`, in the map's unit, NaN where undefined.
    ``kinds`` int64 (n,): index into `KINDS`; ``places`` int64 (n, 2): first bases of both sides (0-based, equal where there is one side);
    ``place_scores``, ``q`` float32 (n,): score and empirical q-value, NaN without controls; smallest q first.
    ``control_kinds`` int64 (m,), ``control_places`` int64 (m, 2), ``control_scores`` float32 (m,): of the ``shuffles`` shuffled sequences together. ``rate``: of the parameters.
    ``cell_q`` float32 (161,): of each threshold of `engine.analyses.pattern_scores.CELL_LIMITS` the share of false ones among the map's cells at or
    above it, as `q_values` estimates it; NaN where no cell is, and without controls.
    """

    faces = frozenset({"tracks", "main track", "intervals", "pairs"})
    sequence: NucleotideSequence
    scores: NDArray[np.float32]
    kinds: NDArray[np.int64]
    places: NDArray[np.int64]
    place_scores: NDArray[np.float32]
    q: NDArray[np.float32]
    control_kinds: NDArray[np.int64]
    control_places: NDArray[np.int64]
    control_scores: NDArray[np.float32]
    shuffles: int
    rate: float
    cell_q: NDArray[np.float32]
    provenance: Provenance

    def __post_init__(self) -> None:
        count, controls = len(self.kinds), len(self.control_kinds)
        for name, dtype, shape in (
            ("scores", np.float32, (len(self.sequence), len(KINDS))),
            ("kinds", np.int64, (count,)),
            ("places", np.int64, (count, 2)),
            ("place_scores", np.float32, (count,)),
            ("q", np.float32, (count,)),
            ("control_kinds", np.int64, (controls,)),
            ("control_places", np.int64, (controls, 2)),
            ("control_scores", np.float32, (controls,)),
            ("cell_q", np.float32, (len(CELL_LIMITS),)),
        ):
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype, shape, name))

    @property
    def kept(self) -> NDArray[np.int64]:
        """Rows of the places whose q-value is at most ``rate``; without controls all."""
        return np.flatnonzero(self.q <= self.rate) if self.shuffles else np.arange(len(self.q))

    def q_of_cells(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """q-values float32 (n,) of cells with these values (n,) of the map: of the highest threshold each reaches, 1 below the lowest one; NaN
        without controls."""
        reached = np.searchsorted(CELL_LIMITS, np.abs(values), side="right") - 1
        found = np.where(reached >= 0, self.cell_q[np.maximum(reached, 0)], np.float32(1 if self.shuffles else np.nan))
        return found.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``scores`` and ``score_names``; of the places ``kinds`` (words), ``places``, ``place_scores``, ``q``; those of the controls."""
        names = np.array(KINDS)
        return {
            "scores": self.scores,
            "score_names": names,
            "kinds": names[self.kinds],
            "places": self.places,
            "place_scores": self.place_scores,
            "q": self.q,
            "control_kinds": names[self.control_kinds],
            "control_places": self.control_places,
            "control_scores": self.control_scores,
            "shuffles": np.array(self.shuffles),
            "cell_limits": CELL_LIMITS,
            "cell_q": self.cell_q,
        }

    def rows(self) -> Table:
        """One row a place, smallest q first: both sides with their letters, score, q, and how many of the letters fit the kind."""
        letters = self.sequence.as_dna()
        kinds = [KINDS[kind] for kind in self.kinds]
        first, second = self.places.T
        widths = np.array([WIDTHS[kind] for kind in kinds], np.int64)
        left = [letters[at : at + width] for at, width in zip(first, widths, strict=True)]
        right = [letters[at : at + width] for at, width in zip(second, widths, strict=True)]
        fits = {"stem": complementary_fraction, "repeat": equal_fraction}
        share = [fits[kind](one, other) if kind in fits else np.nan for kind, one, other in zip(kinds, left, right, strict=True)]
        columns: dict[str, Any] = {"kind": kinds, "first_start": first + 1, "first_end": first + widths, "first_letters": left}
        columns |= {"second_start": second + 1, "second_end": second + widths, "second_letters": right}
        columns |= {"fitting": np.array(share, np.float32), "score": self.place_scores, "q": self.q}
        return Table(columns, first, second)

    def readable(self) -> Table:
        """The same with positions by the names that a page links to the view."""
        found = self.rows().columns
        columns = {"kind": found["kind"], "position_1": found["first_start"], "letters_1": found["first_letters"]}
        columns |= {"position_2": found["second_start"], "letters_2": found["second_letters"]}
        return Table({**columns, "fitting": found["fitting"], "score": found["score"], "q": found["q"]}, self.places[:, 0])

    def tracks(self) -> tuple[Track, ...]:
        """The block score first, then the others."""
        titles = {
            "block": "block score (best block of six bases around a base)",
            "stem": "strongest stem with a base on one side",
            "repeat": "strongest repeat with a base on one side",
            "hotspot": "mean change of all others by a base",
            "target": "mean change of a base by all others",
        }
        return tuple(Track(f"{kind}_score", titles[kind], self.scores[:, column]) for column, kind in enumerate(KINDS))

    def intervals(self) -> tuple[Interval, ...]:
        """Both sides of every place up to ``rate``, score 1 − q (without controls: the score as a share of the highest of its kind)."""
        found = []
        for row in self.kept:
            kind = KINDS[self.kinds[row]]
            score = 1 - float(self.q[row]) if self.shuffles else self._share(int(row))
            sides = dict.fromkeys(int(at) for at in self.places[row])
            found += [Interval(at, at + WIDTHS[kind], kind, score, family=int(self.kinds[row])) for at in sides]
        return tuple(sorted(found, key=lambda item: item.first))

    def _share(self, row: int) -> float:
        return float(self.place_scores[row] / self.place_scores[self.kinds == self.kinds[row]].max())

    def pairs_of_bases(self) -> Pairs:
        """The five pairs of every stem and repeat up to ``rate``, each with the score of its place."""
        found: dict[tuple[int, int], float] = {}
        for row in self.kept:
            kind = KINDS[self.kinds[row]]
            if kind in ("stem", "repeat"):
                first, second = (int(at) for at in self.places[row])
                width = WIDTHS[kind]
                for step in range(width):
                    pair = (first + step, second + (width - 1 - step if kind == "stem" else step))
                    found[pair] = max(found.get(pair, 0.0), float(self.place_scores[row]))
        order = sorted(found, key=lambda pair: (-found[pair], pair))
        note = f"bases of the stems and repeats with {self._limit()}, score = filter score of the five pairs together"
        return Pairs(np.array(order, np.int64).reshape(-1, 2), np.array([found[pair] for pair in order], np.float32), note)

    def _limit(self) -> str:
        return f"q up to {self.rate:g}" if self.shuffles else "any score (no controls)"

    def words(self) -> str:
        """How many places of each kind, by what controls, and the strongest."""
        kept = self.kept
        if not self.shuffles:
            start = f"{len(kept):,} places with a score above 0 (no shuffled controls were asked for, so there is no q-value)"
        else:
            counts = [(kind, int((self.kinds[kept] == number).sum())) for number, kind in enumerate(KINDS)]
            named = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts if count) or "no place"
            seed = self.provenance.parameters.get("seed", 0)
            start = f"{named} with a q-value up to {self.rate:g} by {self.shuffles} dinucleotide-shuffled sequences (seed {seed})"
            if self.rate < 1 / self.shuffles:
                start += f"; with so few no place alone can have less than {1 / self.shuffles:.2g}"
        if not len(kept):
            return f"{start[0].upper()}{start[1:]}."
        row = int(kept[0])
        q = f", q {self.q[row]:.2g}" if self.shuffles else ""
        return f"{start[0].upper()}{start[1:]}. First: {self.described(row)} (score {self.place_scores[row]:.2f}{q})."

    def described(self, row: int) -> str:
        """One place in words."""
        kind = KINDS[self.kinds[row]]
        sides = []
        for at in dict.fromkeys(int(at) for at in self.places[row]):
            ends = dict.fromkeys((at, at + WIDTHS[kind] - 1))
            sides.append("–".join(place(self.sequence, end) for end in ends))
        return f"{WORDS[kind].partition(':')[0]} at {' with '.join(sides)}"


def q_values(scores: NDArray[np.float32], controls: NDArray[np.float32], shuffles: float) -> NDArray[np.float32]:
    """Empirical q-values float32 (n,) of places of one kind, by the scores of controls from ``shuffles`` sequences as long.

    min over s' <= s of (1 + controls >= s') / (shuffles · places >= s'), at most 1.
    """
    if not len(scores):
        return np.zeros(0, np.float32)
    order = np.argsort(-scores, kind="stable")
    falling = scores[order].astype(np.float64)
    found = np.searchsorted(-falling, -falling, side="right")
    false = len(controls) - np.searchsorted(np.sort(controls.astype(np.float64)), falling, side="left")
    rates = (1 + false) / (shuffles * found)
    result = np.empty(len(scores), np.float32)
    result[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1)
    return result


def cell_q(values: NDArray[np.float32], controls: PatternControls) -> NDArray[np.float32]:
    """Empirical q-value of each threshold of a map, float32 (161,): min over lower thresholds of (1 + cells of the shuffles at or above it) /
    (shuffles · cells of the map), at most 1; NaN where the map has none."""
    found = cells_above(values)
    rates = np.minimum((1 + controls.cells) / (controls.shuffles * np.maximum(found, 1)), 1)
    return np.where(found > 0, np.minimum.accumulate(rates), np.nan).astype(np.float32)


def patterns(
    dependency_map: DependencyMap,
    controls: PatternControls | None,
    parameters: PatternParameters | None = None,
    sequence: NucleotideSequence | None = None,
) -> Patterns:
    """Scores and places of a map of the whole sequence, with q-values by ``controls`` (None = without).

    Raises `ParameterError` for a map of a window, one that is not finished, or a difference.
    """
    chosen, began = parameters or PatternParameters(), time.perf_counter()
    origin, about = dependency_map.provenance, dependency_map.sequence if sequence is None else sequence
    if len(dependency_map.values) != len(about) or not dependency_map.complete or findings.signed(dependency_map):
        raise ParameterError("Patterns need the finished map of the whole sequence; compute it without a window first.")
    check_length(len(about))
    scores = PatternScores.of(dependency_map.values, causal=origin.card.causal)
    hits = scores.hits()
    kinds = np.array([KINDS.index(hit.kind) for hit in hits], np.int64)
    values = np.array([hit.score for hit in hits], np.float32)
    q = np.full(len(hits), np.nan, np.float32)
    if controls is not None:
        for kind in range(len(KINDS)):
            q[kinds == kind] = q_values(values[kinds == kind], controls.scores[controls.kinds == kind], controls.shuffles)
    order = np.lexsort((-values, kinds, np.nan_to_num(q, nan=1.0)))
    described = {**chosen.as_dict(), "precision": origin.parameters.get("precision", "exact"), "dependency_version": origin.version}
    told = (origin.batches, "" if controls is None else controls.provenance.batches)
    spent = origin.seconds + (0.0 if controls is None else controls.provenance.seconds) + time.perf_counter() - began
    return Patterns(
        sequence=about,
        scores=np.stack([scores.per_base()[kind] for kind in KINDS], axis=1),
        kinds=kinds[order],
        places=np.array([(hit.first, hit.second) for hit in hits], np.int64).reshape(-1, 2)[order],
        place_scores=values[order],
        q=q[order],
        control_kinds=np.zeros(0, np.int64) if controls is None else controls.kinds,
        control_places=np.zeros((0, 2), np.int64) if controls is None else controls.places,
        control_scores=np.zeros(0, np.float32) if controls is None else controls.scores,
        shuffles=0 if controls is None else controls.shuffles,
        rate=chosen.rate,
        cell_q=np.full(len(CELL_LIMITS), np.nan, np.float32) if controls is None else cell_q(dependency_map.values, controls),
        provenance=replace(
            origin, analysis="patterns", version=VERSION, parameters=described, seconds=round(spent, 6), batches=all_batches(*told)
        ),
    )


def _after(parameters: PatternParameters, card: ModelCard) -> Mapping[str, Needed]:
    found = {"dependency": Needed(DependencyParameters(precision=parameters.precision, tau=parameters.tau))}
    if parameters.shuffles:
        controls = ControlParameters(parameters.shuffles, parameters.seed, parameters.precision, parameters.tau)
        found["pattern_controls"] = Needed(controls)
    return found


def _passes(sequence: NucleotideSequence, parameters: PatternParameters, card: ModelCard, offer: Offer) -> int:
    return (1 + parameters.shuffles) * dependency.passes(sequence, DependencyParameters())


def _ranked(windows: Iterable[WindowAnswer], parameters: PatternParameters) -> Table:
    from engine.analyses.pattern_ranking import ranked

    return ranked(windows, parameters)


DECLARED = (
    Declared(
        name="patterns",
        command="patterns",
        version=VERSION,
        title="Patterns",
        summary="Binding sites, stems, repeats and hotspots in a dependency map, each with a q-value by dinucleotide-shuffled sequences.",
        capability=Capability.DEPENDENCY,
        parameters=PatternParameters,
        result=Patterns,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: patterns(
            answers["dependency"], answers.get("pattern_controls"), parameters, sequence
        ),
        after=_after,
        reads_model=False,
        out="patterns.tsv",
        memory=map_bytes,
        growth="quadratic",
        pace="mutants",
        one_core=True,
        order=45,
        ranked=_ranked,
    ),
)
