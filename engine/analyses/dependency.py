"""Nucleotide dependency maps: which bases the model's prediction of a base depends on.

Source: Tomaz da Silva et al., Nature Genetics 2025, doi 10.1038/s41588-025-02347-3; gagneurlab/dependencies_DNALM,
compute_and_visualize_dep_maps.ipynb, ``compute_dependency_map``.

Letters that are not one of the four bases (N and the other IUPAC codes) are not substituted: their row is NaN, their column is read like
any other, because the model predicts a base there too. A causal model's map is 0 left of the diagonal by definition.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.analyses.log_odds import Scale
from engine.analyses.provenance import stamp
from engine.analyses.readers import InfluenceMeans, RowMaxima
from engine.analyses.substitutions import Reader, Scan, Substitutions, Window, checked_window, letter_codes
from engine.core.errors import ParameterError, SequenceError
from engine.core.parameters import DependencyParameters, PairParameters
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import NucleotideModel
from engine.core.results import DependencyMap, PairTable
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "2"


def passes(sequence: NucleotideSequence, parameters: DependencyParameters) -> int:
    """Forward passes a map takes: three for every base that is substituted and one for the reference."""
    first, last = checked_window(parameters.window, len(sequence))
    return 1 + 3 * int((letter_codes(sequence.letters[first:last]) >= 0).sum())


class _Progress:
    """Makes partial maps while a scan runs, when somebody looks."""

    def __init__(self, scan: Scan, sequence: NucleotideSequence, parameters: DependencyParameters, monitor: Monitor) -> None:
        self.window = checked_window(parameters.window, len(sequence))
        self.scan, self.sequence, self.monitor = scan, sequence, monitor
        self.parameters = replace(parameters, precision=scan.precision)
        letters = scan.reference.letters
        self.substitutions = Substitutions.of(letters, self.window, in_order=scan.model.card.causal)
        scale = Scale(parameters.metric, parameters.epsilon)
        self.rows = RowMaxima(scale, self.window)
        self.began = time.perf_counter()
        codes = letter_codes(letters)[self.window[0] : self.window[1]]
        self._never_changed = codes < 0

    def publish(self, finished: int) -> None:
        """After ``finished`` substitutions: show the map so far if it would be looked at."""
        if finished < len(self.substitutions) and self.monitor.wants_partial():
            self.monitor.publish(self.result(finished))

    def result(self, finished: int) -> DependencyMap:
        """The map with the rows whose three substitutions are all among the first ``finished``."""
        complete = finished >= len(self.substitutions)
        values = self.rows.to_numpy(causal=self.scan.model.card.causal, finished=complete)
        done = self._never_changed.copy()
        done[self.substitutions.changed[: finished // 3] - self.window[0]] = True
        if not complete:
            values[~done] = np.nan
        values.flags.writeable = False
        seconds = time.perf_counter() - self.began
        return DependencyMap(
            sequence=self.sequence,
            values=values,
            provenance=stamp("dependency", VERSION, self.scan.model, self.parameters, self.sequence, seconds, partial=not complete),
            metric=self.parameters.metric,
            offset=self.window[0],
            rows_done=None if complete else done,
        )


def dependency_map(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: DependencyParameters | None = None,
    monitor: Monitor | None = None,
) -> DependencyMap:
    """Largest change of the prediction at base j when base i is substituted, for all pairs of a window.

    ``values[i, j]`` float32 (W, W), row = changed, column = read, diagonal 0, in bits (or natural log ratio, see
    `DependencyParameters`). Rows are computed coarse to fine (left to right for a causal model) and published through ``monitor``.

    Raises
    ------
    SequenceError, ParameterError, CapabilityMissing
        The model cannot read the sequence, the window lies outside it, or the model has no such precision.
    Cancelled
        Through ``monitor.advance``; the last published partial map is what there is.
    """
    return _scanned(model, sequence, parameters or DependencyParameters(), monitor, ())


def dependency_map_with_influence(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: DependencyParameters | None = None,
    monitor: Monitor | None = None,
) -> tuple[DependencyMap, NDArray[np.float64]]:
    """The map of the whole sequence and, from the same forward passes, the influence float64 (L, 4) of `engine.analyses.effects`.

    Raises `ParameterError` for a window, which has no influence of its own.
    """
    chosen = parameters or DependencyParameters()
    if chosen.window is not None:
        raise ParameterError("Influence is a mean over the whole sequence; leave the window out or compute the map alone.")
    influence = InfluenceMeans(Scale(), len(sequence))
    result = _scanned(model, sequence, chosen, monitor, (influence,))
    return result, influence.to_numpy()


def _scanned(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: DependencyParameters,
    monitor: Monitor | None,
    further: tuple[Reader, ...],
) -> DependencyMap:
    watcher = monitor or SilentMonitor()
    checked_window(parameters.window, len(sequence))
    scan = Scan.of(model, sequence, parameters.precision, parameters.tau)
    progress = _Progress(scan, sequence, parameters, watcher)
    watcher.start(1 + len(progress.substitutions))
    scan.run(progress.substitutions, (progress.rows, *further), watcher, progress.publish)
    return progress.result(len(progress.substitutions))


def pair_table(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: PairParameters | None = None,
    monitor: Monitor | None = None,
) -> PairTable:
    """Δ log2 odds of each base at ``read`` for each substitution at ``changed``: float32 (4, 4), row = alternate, NaN in the reference's row.

    Raises
    ------
    ParameterError
        A position outside the sequence.
    SequenceError
        The changed base is an ambiguous letter.
    """
    import torch

    chosen = parameters or PairParameters()
    for position in (chosen.changed, chosen.read):
        if position >= len(sequence):
            raise ParameterError(f"Position {position + 1:,} is outside the sequence; positions 1 to {len(sequence):,} exist.")
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    scan = Scan.of(model, sequence)
    code = int(letter_codes(scan.reference.letters)[chosen.changed])
    if code < 0:
        raise SequenceError(
            f"Position {chosen.changed + 1:,} is {sequence.letters[chosen.changed]}, which is not one of A, C, G and T; choose another base."
        )
    watcher.start(4)
    alternates = np.array([base for base in range(4) if base != code], dtype=np.int64)
    values = np.full((4, 4), np.nan, dtype=np.float32)
    scale = Scale()
    with torch.inference_mode():
        reference = scale(scan.reference_logits(normalised=False)[chosen.read])
        watcher.advance(1)
        positions = scan.tensor(np.full(3, chosen.changed, dtype=np.int64))
        mutants = scan.mutant_logits(positions, scan.tensor(alternates), normalised=False)
        values[alternates] = (scale(mutants[:, chosen.read]) - reference).float().cpu().numpy()
        watcher.advance(3)
    provenance = stamp("pair", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return PairTable(sequence=sequence, changed=chosen.changed, read=chosen.read, values=values, provenance=provenance)


def window_of(result: DependencyMap) -> Window:
    """0-based half-open part of the sequence that a map covers."""
    return result.offset, result.offset + len(result.values)
