"""Effects of all 3L single-base substitutions: log-likelihood ratio, influence, likelihood difference.

``llr`` = ln p(alternate) − ln p(reference) at the substituted base, which is masked, by the model's own recipe (`EffectRecipe`): a window
centred on the base where the authors use one (letters outside the sequence are N), averaged over both strands where they do
(songlab-cal/gpn, gpn/ss/run_vep.py). Negative = unlikely.

``influence`` = how much the substitution changes the predictions elsewhere; never negative except in ``authors_quick_start``:

=====================  =========  =======  ==========  ===========  =======================  =======
variant                logarithm  epsilon  absolute    own base     denominator              strands
=====================  =========  =======  ==========  ===========  =======================  =======
mean_abs_log2_odds     2          none     yes         left out     L − 1                    one
authors_quick_start    2          1e-10    no          kept         L − 1                    one
authors_manuscript     e          1e-4     yes         left out     L                        one
gpn                    e          none     yes         left out     w − 1 of the window      both
=====================  =========  =======  ==========  ===========  =======================  =======

Sources: gagneurlab/dependencies_DNALM, compute_and_visualize_dep_maps.ipynb (``compute_all_variants_influence_score``) and
manuscript_code/fig1_variant_effects.ipynb (``get_all_rowsums``); songlab-cal/gpn, gpn/ss/run_vep_influence.py.

``delta_log_likelihood`` (causal models) = ln P(window with the alternate) − ln P(window), every base scored from those before it.
Ambiguous letters are not substituted: all their values are NaN.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.analyses.batches import batches
from engine.analyses.declared import Declared, Needed
from engine.analyses.dependency import DependencyMap, DependencyParameters
from engine.analyses.log_odds import Scale
from engine.analyses.masked_ratios import Strand, log_likelihood_ratios, strands_of
from engine.analyses.provenance import stamp
from engine.analyses.readers import InfluenceMeans, LikelihoodDifferences, largest_of_four
from engine.analyses.substitutions import Scan, Substitutions, letter_codes
from engine.analyses.tiling import HALO_BP, Tile, fitting, halo_option, origin_of, parts, stitched, tile_option, tiles, without_unused
from engine.analyses.tiling import passes as passes_of_tiles
from engine.core.arithmetic import mean_of_known
from engine.core.card import Capability, EffectRecipe, ModelCard, Offer
from engine.core.errors import CapabilityMissing
from engine.core.parameters import Parameters, Precision, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import LikelihoodModel, NucleotideModel, Prepared
from engine.core.provenance import all_batches
from engine.core.results import Result, Table, Track, frozen_array, substitution_at
from engine.core.sequence import BASES, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.core.provenance import Provenance

VERSION = "2"
Influence = Literal["mean_abs_log2_odds", "authors_quick_start", "authors_manuscript", "gpn"]
_TITLES = {
    "influence": "influence, mean over the three substitutions",
    "llr": "ln p(alt) - ln p(ref), mean over the three substitutions",
    "delta_log_likelihood": "change of ln P(window), mean over the three substitutions",
}


@dataclass(frozen=True)
class EffectParameters(Parameters):
    """Variant effects of all 3L substitutions. ``influence`` names the published variant (table above); ``precision`` and ``tau`` are those of
    the substitutions' passes (`engine.analyses.dependency.DependencyParameters`) for ``mean_abs_log2_odds``; the others are exact.
    ``tile``, ``halo``: in tiles (`engine.analyses.tiling`); the influence is then the mean over the bases of the tile.
    """

    influence: Influence = option("mean_abs_log2_odds", "--influence", "Published variant of the influence score.", metavar="NAME")
    precision: Precision = option("auto", "--precision", "Of the influence, as for the command map.", metavar="NAME")
    tau: float = option(0.05, "--tau", "Threshold of --precision sparse.", metavar="T", low=0, high=1, open_ends=True)
    tile: int | None = tile_option()
    halo: int = halo_option()

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return without_unused(super().as_dict())


@dataclass(frozen=True, eq=False)
class VariantEffects(Result):
    """Effects of all substitutions; float32 (L, 4) each, NaN at the reference base (and at ambiguous letters).

    ``llr`` = ln p(alt) − ln p(ref), position masked; negative = unlikely. None for a causal model.
    ``influence`` = mean over j ≠ i of max_n |Δ log2 odds at j|, at least 0.
    ``delta_log_likelihood`` = ln P(window with alt) − ln P(window); only for a causal model.
    """

    faces = frozenset({"tracks", "main track", "substitutions"})
    sequence: NucleotideSequence
    provenance: Provenance
    llr: NDArray[np.float32] | None = None
    influence: NDArray[np.float32] | None = None
    delta_log_likelihood: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for label in _TITLES:
            values = getattr(self, label)
            if values is not None:
                object.__setattr__(self, label, frozen_array(values, np.float32, (len(self.sequence), 4), label))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``llr``, ``influence``, ``delta_log_likelihood``: those there are."""
        return {name: getattr(self, name) for name in ("llr", "influence", "delta_log_likelihood") if getattr(self, name) is not None}

    def rows(self) -> Table:
        """One row a substitution: position, reference, alternate, its scores."""
        letters = self.sequence.as_dna()
        codes = letter_codes(letters)
        bases, alternates = np.nonzero((codes[:, None] >= 0) & (codes[:, None] != np.arange(4)[None, :]))
        changes: dict[str, Any] = {
            "position": bases + 1,
            "ref": [letters[index] for index in bases],
            "alt": [BASES[code] for code in alternates],
        }
        return Table({**changes, **{name: values[bases, alternates] for name, values in self.arrays().items()}}, bases)

    def substitutions(self) -> Mapping[str, NDArray[np.float32]]:
        """The scores there are."""
        return self.arrays()

    def tracks(self) -> tuple[Track, ...]:
        """Means over a base's three substitutions: of the influence first, where there is one."""
        present = [(name, getattr(self, name)) for name in _TITLES]
        return tuple(Track(name, _TITLES[name], mean_of_known(values)) for name, values in present if values is not None)

    def words(self) -> str:
        """How many substitutions were scored, and the least expected one."""
        values = self.llr if self.llr is not None else self.delta_log_likelihood
        if values is None or not np.isfinite(values).any():
            return "No substitution was scored."
        i, k = np.unravel_index(int(np.nanargmin(values)), values.shape)
        name = "log-likelihood ratio" if self.llr is not None else "change of the log-likelihood"
        unlikely = int((values < -2).sum())
        return (
            f"Effects of {int(np.isfinite(values).sum()):,} substitutions by {self.provenance.answered_how}, natural {name}: the least expected is "
            f"{substitution_at(self.sequence, int(i), BASES[int(k)])} with {values[i, k]:.2f}; {unlikely:,} are under −2."
        )


def passes(sequence: NucleotideSequence, parameters: EffectParameters, card: ModelCard, offer: Offer) -> int:
    """Forward passes `variant_effects` takes, of all tiles where there are any."""
    if parameters.tile is not None:
        return passes_of_tiles("effects", replace(parameters, tile=None), sequence, _plan(sequence, parameters), card, offer)
    bases = int((letter_codes(sequence.letters) >= 0).sum())
    if card.causal:
        return 1 + 3 * bases
    recipe = offer.recipe
    masked = bases * (2 if recipe.both_strands else 1) if card.masked else 0
    return masked + _influence_passes(recipe, bases, parameters.influence)


def _influence_passes(recipe: EffectRecipe, bases: int, influence: Influence) -> int:
    if influence != "gpn":
        return 1 + 3 * bases
    return 8 * bases if recipe.window_bp else 2 * (1 + 3 * bases)


def variant_effects(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: EffectParameters | None = None,
    monitor: Monitor | None = None,
    known: DependencyMap | None = None,
) -> VariantEffects:
    """All effects of all substitutions of ``sequence``, float32 (L, 4) each, NaN at the reference base.

    A masked model gets ``llr`` and ``influence``, a causal one ``delta_log_likelihood``, a model that can do neither ``influence`` alone.
    ``known``: the finished map of the same sequence at the same precision; its passes gave the influence already, which is then not
    computed again (it is the same number).

    Raises
    ------
    SequenceError, CapabilityMissing
        The model cannot read the sequence or does not score bases.
    Cancelled
        Through ``monitor.advance``.
    """
    chosen = parameters or EffectParameters()
    began = time.perf_counter()
    watcher = monitor or SilentMonitor()
    if not isinstance(model, NucleotideModel):
        raise CapabilityMissing(f"{model.card.title} does not predict single bases; choose a nucleotide language model.")
    watcher.start(passes(sequence, chosen, model.card, Offer(model.effect_recipe)))
    values: dict[str, NDArray[Any]] = {}
    used, earlier = "exact", ""
    if model.card.causal:
        values["delta_log_likelihood"] = _likelihood_differences(model, sequence, watcher)
    else:
        if model.card.masked:
            values["llr"] = log_likelihood_ratios(model, sequence, watcher)
        if known is not None and known.influence is not None:
            values["influence"], used = known.influence, str(known.provenance.parameters.get("precision", "exact"))
            earlier = known.provenance.batches
        else:
            values["influence"], used = influence_scores(model, sequence, chosen, watcher)
    origin = stamp("effects", VERSION, model, chosen, sequence, time.perf_counter() - began, masked="llr" in values)
    return VariantEffects(
        sequence=sequence,
        provenance=replace(origin, parameters={**origin.parameters, "precision": used}, batches=all_batches(origin.batches, earlier)),
        **{name: array.astype(np.float32) for name, array in values.items()},
    )


def influence_scores(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: EffectParameters, monitor: Monitor
) -> tuple[NDArray[np.float64], str]:
    """Influence float64 (L, 4) in the published variant (table above), NaN at the reference base and at ambiguous letters, and the precision
    that was used.
    """
    if parameters.influence == "gpn":
        return _influence_gpn(model, sequence, monitor), "exact"
    length = len(sequence)
    if parameters.influence == "authors_quick_start":
        reader = InfluenceMeans(Scale(epsilon=1e-10), length, signed=True, with_own=True)
    elif parameters.influence == "authors_manuscript":
        reader = InfluenceMeans(Scale(epsilon=1e-4, natural=True), length, divisor=0)
    else:
        reader = InfluenceMeans(Scale(), length)
    precision = parameters.precision if parameters.influence == "mean_abs_log2_odds" else "exact"
    scan = Scan.of(model, sequence, precision, parameters.tau)
    scan.run(Substitutions.of(scan.reference.letters, (0, length)), (reader,), monitor)
    return reader.to_numpy(), scan.precision


def _influence_gpn(model: NucleotideModel, sequence: NucleotideSequence, monitor: Monitor) -> NDArray[np.float64]:
    """Mean of both strands; in windows around each base where the model's recipe has one."""
    width = model.effect_recipe.window_bp
    strands = strands_of(sequence, both=True)
    total = np.zeros((len(sequence), 4))
    for strand in strands:
        if width is None:
            scan = Scan.of(model, strand.sequence)
            reader = InfluenceMeans(Scale(natural=True), len(sequence))
            scan.run(Substitutions.of(scan.reference.letters, (0, len(sequence))), (reader,), monitor)
            values = strand.forward_bases(reader.to_numpy())
            total += values[::-1] if strand.reverse else values
        else:
            total += _influence_windows(model, strand, width, monitor)
    return total / len(strands)


def _influence_windows(model: NucleotideModel, strand: Strand, width: int, monitor: Monitor) -> NDArray[np.float64]:
    """Influence (L, 4) in forward coordinates, each base in the centre of its own window.

    A window and its three mutants go through the model side by side, and as many windows as fit.
    """
    import torch

    forward = strand.sequence.reverse_complement() if strand.reverse else strand.sequence
    positions = np.flatnonzero(letter_codes(forward.letters) >= 0)
    result = np.full((len(forward), 4), np.nan)
    if not len(positions):
        return result
    scale = Scale(natural=True)
    with torch.inference_mode():
        windows = [(model.prepare(window), centre) for window, centre in strand.windows(positions, width)]

        def compute(start: int, end: int) -> NDArray[np.float64]:
            ids = torch.cat([_with_mutants(model, *window) for window in windows[start:end]])
            scores = scale(model.base_logits(windows[start][0], ids)).reshape(end - start, 4, width, 4)
            magnitude = largest_of_four((scores[:, 1:] - scores[:, :1]).abs()).double()
            magnitude[:, :, windows[start][1]] = 0.0
            means: NDArray[np.float64] = (magnitude.sum(-1) / (width - 1)).cpu().numpy()
            return means

        def take(start: int, end: int, means: NDArray[np.float64]) -> None:
            for row, (window, centre) in enumerate(windows[start:end]):
                bases = _alternates(window.letters, centre)
                result[positions[start + row], [3 - base if strand.reverse else base for base in bases]] = means[row]
            monitor.advance(4 * (end - start))

        batches(len(windows), model.passes_per_batch(windows[0][0]) // 4, compute, take, device=model.device)
    return result


def _alternates(letters: str, position: int) -> list[int]:
    """The three bases that are not at ``position``."""
    return [base for base, letter in enumerate(BASES) if letter != letters[position].replace("U", "T")]


def _with_mutants(model: NucleotideModel, window: Prepared, centre: int) -> Tensor:
    """Token ids (4, T): a window as it is and with the other three bases at ``centre``."""
    import torch

    alternates = torch.tensor(_alternates(window.letters, centre), device=model.device)
    mutants = model.mutants(window, torch.full_like(alternates, centre), alternates)
    return torch.cat((window.ids[None], mutants))


def _likelihood_differences(model: NucleotideModel, sequence: NucleotideSequence, monitor: Monitor) -> NDArray[np.float64]:
    """Likelihood differences float64 (L, 4) of a causal model."""
    scan = Scan.of(model, sequence)
    if isinstance(model, LikelihoodModel):
        return _whole_likelihood_differences(model, scan, monitor)
    reader = LikelihoodDifferences(scan.reference.letters)
    scan.run(Substitutions.of(scan.reference.letters, (0, len(sequence)), in_order=True), (reader,), monitor)
    return reader.to_numpy()


def _whole_likelihood_differences(model: LikelihoodModel, scan: Scan, monitor: Monitor) -> NDArray[np.float64]:
    """Likelihood differences float64 (L, 4) by the model's own convention of what is scored (megaDNA: the end token too)."""
    import torch

    reference = scan.reference
    substitutions = Substitutions.of(reference.letters, (0, reference.length), in_order=True)
    positions, alternates = scan.tensor(substitutions.positions), scan.tensor(substitutions.alternates)
    result = np.full((reference.length, 4), np.nan)
    with torch.inference_mode():
        own = float(model.log_likelihoods(reference, reference.ids[None])[0])
        monitor.advance(1)

        def compute(start: int, end: int) -> NDArray[np.float64]:
            likelihoods = model.mutant_log_likelihoods(reference, positions[start:end], alternates[start:end])
            differences: NDArray[np.float64] = (likelihoods - own).cpu().numpy()
            return differences

        def take(start: int, end: int, differences: NDArray[np.float64]) -> None:
            result[substitutions.positions[start:end], substitutions.alternates[start:end]] = differences
            monitor.advance(end - start)

        batches(len(substitutions), scan.batch_size, compute, take, device=scan.model.device)
    return result


def _after(parameters: EffectParameters, card: ModelCard) -> Mapping[str, Needed]:
    """The map's passes give the influence, too; those of a tile the tile's."""
    if parameters.tile is not None or card.causal or parameters.influence != "mean_abs_log2_odds" or not card.can(Capability.DEPENDENCY):
        return {}
    return {"dependency": Needed(DependencyParameters(precision=parameters.precision, tau=parameters.tau), required=False)}


def tiled_effects(sequence: NucleotideSequence, parameters: EffectParameters, answers: Mapping[str, VariantEffects]) -> VariantEffects:
    """The answers of tiles put together; the influence of a base is the mean over the others of its tile and halo."""
    plan = _plan(sequence, parameters)
    origin = origin_of(answers, plan, "effects", VERSION, parameters, sequence)
    return VariantEffects(sequence, origin, **{name: stitched(plan, answers, name) for name in _TITLES})


def _plan(sequence: NucleotideSequence, parameters: EffectParameters) -> tuple[Tile, ...]:
    return tiles(sequence, parameters.tile, parameters.halo) if parameters.tile is not None else ()


def _parts(sequence: NucleotideSequence, parameters: EffectParameters, card: ModelCard) -> Mapping[str, Needed]:
    if parameters.tile is None:
        return {}
    return parts("effects", replace(parameters, tile=None, halo=HALO_BP), sequence, parameters.tile, parameters.halo, card)


def _run(
    model: NucleotideModel, sequence: NucleotideSequence, parameters: EffectParameters, monitor: Monitor, answers: Mapping[str, Any]
) -> VariantEffects:
    if parameters.tile is not None:
        return tiled_effects(sequence, parameters, answers)
    return variant_effects(model, sequence, parameters, monitor, answers.get("dependency"))


def _longer(parameters: EffectParameters, card: ModelCard) -> tuple[str, EffectParameters]:
    tile, halo = fitting(card)
    return "effects", replace(parameters, tile=tile, halo=halo)


DECLARED = (
    Declared(
        name="effects",
        command="effects",
        version=VERSION,
        title="Variant effects",
        summary="Log-likelihood ratio and influence of every single-base substitution.",
        capability=Capability.EFFECTS,
        parameters=EffectParameters,
        result=VariantEffects,
        passes=passes,
        run=_run,
        after=_after,
        parts=_parts,
        longer=_longer,
        out="effects.tsv",
        pace="mutants",
        one_core=True,
        shown="always",
        order=40,
    ),
)
