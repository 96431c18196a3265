"""What an analysis may ask of a model. Small protocols; a model implements those it can.

Tensors are torch tensors on the model's device. B = batch, T = tokens of a sequence with specials, L = bases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from engine.core.card import EffectRecipe, ModelCard, WindowRule
    from engine.core.results import PredictedContacts, PredictedJunctions, PredictedTracks
    from engine.core.sequence import NucleotideSequence


@dataclass(frozen=True, eq=False)
class Prepared:
    """A reference sequence as a model reads it; adapters may subclass to keep more.

    ``letters``: upper case in the model's alphabet, length L. ``ids``: int64 (T,) with specials, on the model's device.
    """

    letters: str
    ids: torch.Tensor

    @property
    def length(self) -> int:
        """L, number of bases."""
        return len(self.letters)

    @property
    def layout(self) -> Hashable:
        """Rows of references with equal layouts may go through ``base_logits`` of any of them at once."""
        return self.length, len(self.ids)


class Model(Protocol):
    """What every loaded model has."""

    @property
    def card(self) -> ModelCard:
        """Identity and limits."""

    @property
    def device(self) -> str:
        """Torch device, such as ``cpu`` or ``cuda:0``."""

    @property
    def dtype(self) -> str:
        """Precision the weights compute in, such as ``float32``."""


@runtime_checkable
class NucleotideModel(Model, Protocol):
    """Gives scores of A, C, G, T at each base. Everything stateless: safe to call from several threads at once.

    All methods run under ``torch.inference_mode`` set by the caller and leave global torch state alone.
    """

    @property
    def effect_recipe(self) -> EffectRecipe:
        """How the model's authors compute the log-likelihood ratio."""

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        """Tokenise the reference. Raises `SequenceError` when it is too long, too short, or has letters the model cannot read."""

    def mutants(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        """Token ids int64 (B, T): the reference with base ``positions[b]`` (int64 (B,), 0-based) replaced by ``alternates[b]`` (0..3 = A, C, G, T).

        Written straight into the batch by tensor arithmetic, no strings.
        """

    def masked(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        """Token ids int64 (B, T): every token that contains base ``positions[b]`` masked (the model's published recipe).

        Raises `CapabilityMissing` for a model without a mask token.
        """

    def base_logits(self, reference: Prepared, ids: torch.Tensor, *, normalised: bool = False) -> torch.Tensor:
        """Scores float32 (B, L, 4), natural log, of A, C, G, T at each base of ``ids`` (B, T).

        ``normalised=True``: log-probabilities under the softmax over the model's whole vocabulary (for the paper's epsilon);
        False: any shift common to the four columns is allowed (cheaper). Causal model: position j is scored given bases before j.
        """

    def passes_per_batch(self, reference: Prepared) -> int:
        """How many sequences of this length one forward pass should hold on this device (token budget)."""


@runtime_checkable
class MutantModel(NucleotideModel, Protocol):
    """A model that knows a faster exact way to score mutants than full forward passes (cone, prefix reuse, ragged tokens)."""

    def mutant_logits(
        self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor, *, normalised: bool = False
    ) -> torch.Tensor:
        """Scores float32 (B, L, 4) of the mutants; NaN where they cannot be compared with the reference's (token boundaries moved)."""


@runtime_checkable
class RememberingModel(Protocol):
    """A model that looks masked letters up in a table of training sequences besides reading them with its network."""

    def remembers(self, sequence: NucleotideSequence | None) -> str:
        """At how many of the bases of ``sequence`` the table has a say, in words, and that it may where None, or longer than the model
        reads at once; empty where it has none."""


@runtime_checkable
class ModelOfSpecies(Protocol):
    """A model that takes the species from the letters where none was named."""

    def species_of(self, sequence: NucleotideSequence) -> str:
        """What ``sequence`` is read as; empty where neither was a species named nor do the letters tell one."""


@runtime_checkable
class PreciseMutantModel(MutantModel, Protocol):
    """A `MutantModel` that also offers named other precisions of `engine.core.parameters.DependencyParameters`."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """What ``precision`` may be, ``exact`` first: ``exact``, ``delta`` (low-precision differences), ``sparse`` (thresholded)."""

    @property
    def usual_precision(self) -> str:
        """What ``auto`` tries: the precision that this kind of processor computes fastest, by its kind and not by a timing."""

    @property
    def exact_by_passes(self) -> bool:
        """Whether ``exact`` is ``base_logits`` of ``mutants``, so that mutants of several references can share a pass."""

    def mutant_logits(
        self,
        reference: Prepared,
        positions: torch.Tensor,
        alternates: torch.Tensor,
        *,
        normalised: bool = False,
        precision: str = "exact",
        tau: float = 0.05,
    ) -> torch.Tensor:
        """Scores float32 (B, L, 4) of the mutants. ``tau``: threshold of ``sparse``.

        Fastest when the three alternates of a position stand in the same call. Compare ``delta`` and ``sparse`` with
        ``base_logits`` of the reference: both add differences to exactly those scores.
        """


@runtime_checkable
class LikelihoodModel(NucleotideModel, Protocol):
    """A causal model whose likelihood of a whole input counts more than its bases, such as an end token."""

    def log_likelihoods(self, reference: Prepared, ids: torch.Tensor) -> torch.Tensor:
        """ln P(input) of each row of ``ids`` (B, T), float64 (B,), by the convention of the model's authors."""

    def mutant_log_likelihoods(self, reference: Prepared, positions: torch.Tensor, alternates: torch.Tensor) -> torch.Tensor:
        """ln P of the mutants, float64 (B,): the same numbers as `log_likelihoods` of `mutants`, by the fastest exact way."""


@runtime_checkable
class MaskingModel(NucleotideModel, Protocol):
    """A model that knows a faster exact way to score masked bases than full forward passes."""

    def masked_logits(self, reference: Prepared, positions: torch.Tensor) -> torch.Tensor:
        """Scores float32 (B, L, 4) of ``masked(reference, positions)``."""


@runtime_checkable
class OneBaseModel(NucleotideModel, Protocol):
    """A model that scores one base of an input in less than a full forward pass: what only other bases need is left out."""

    def logits_at(self, reference: Prepared, ids: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Scores float32 (B, 4) of base ``places[b]`` (int64 (B,), 0-based) of ``ids`` (B, T): those of `base_logits`, to rounding."""


@runtime_checkable
class ElementModel(Model, Protocol):
    """Probabilities of genomic elements per base."""

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the E elements, in column order."""

    @property
    def window_rule(self) -> WindowRule:
        """Which lengths one pass takes."""

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (L, E) for one window that obeys the rule (upper-case DNA); bases outside the rule's output are not in it."""


@runtime_checkable
class WatchedElementModel(ElementModel, Protocol):
    """An element model whose window takes long enough to be stopped inside it."""

    def watched_probabilities(self, letters: str, look: Callable[[], None]) -> NDArray[np.float32]:
        """As `element_probabilities`; ``look`` is called now and then and may raise to stop."""


class SpliceWindow(Protocol):
    """A window of letters that a splice model has read once; changes of it cost what they reach. Safe to use from several threads."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Acceptor and donor probability float32 (L - 2 * context, 2) of the bases inside the context."""

    def changed(self, start: int, end: int, alternate: str, first: int, last: int) -> NDArray[np.float32]:
        """Acceptor and donor probability float32 (last - first, 2) of bases ``[first, last)`` of the changed letters.

        The letters ``[start, end)`` of the window are replaced by ``alternate`` (may be empty); the same numbers as a whole pass, to 1e-5.
        """


@runtime_checkable
class SpliceModel(ElementModel, Protocol):
    """Acceptors (first base of an exon) and donors (last base) on the strand that is read."""

    @property
    def context_bp(self) -> int:
        """Bases at either side of a base that its probabilities depend on."""

    def splice_window(self, letters: str, first: int, last: int) -> SpliceWindow:
        """Read a window (upper-case DNA, other letters are N) whose changes will lie in ``[first, last)``, 0-based half-open."""


@runtime_checkable
class TokenModel(Model, Protocol):
    """A model whose units are longer than a base and can be shown as a track."""

    @property
    def vocabulary_letters(self) -> tuple[str, ...]:
        """Letters (A, C, G, T) of every token that stands for bases, in the order of their ids."""

    def tokenised(self, sequence: NucleotideSequence) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Spans int64 (T, 2) and token strings, without a pass. Raises `SequenceError` as `NucleotideModel.prepare` does."""

    def token_spans(self, sequence: NucleotideSequence) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float32]]:
        """Spans int64 (T, 2), token strings, probability float32 (T,) of each token with itself masked."""

    def token_candidates(
        self, sequence: NucleotideSequence, tokens: Sequence[int], count: int
    ) -> tuple[tuple[tuple[str, ...], ...], NDArray[np.float32]]:
        """Texts (n, count) and probabilities float32 (n, count), falling, of the likeliest tokens at each of ``tokens`` with it masked.

        Number T, one behind the last token, asks for the token that would follow.
        """

    def layer_states(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Hidden states float32 (N + 1, T, width) of every token: what enters the first of N layers, then what leaves each of them.

        The last are those of `EmbeddingModel.embeddings`, behind a last norm where the network has one.
        """


@runtime_checkable
class EmbeddingModel(Model, Protocol):
    """Hidden states per base."""

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """float32 (L, D)."""


@runtime_checkable
class GenerativeModel(Model, Protocol):
    """A model that continues a sequence."""

    def continue_sequence(
        self, sequence: NucleotideSequence, length: int, seed: int, temperature: float = 1.0, told: Callable[[int], None] = lambda _: None
    ) -> str:
        """``length`` further bases, sampled with a fixed seed; ``told`` is called with 1 after each and may raise to stop."""


@dataclass(frozen=True, eq=False)
class Folded:
    """A secondary structure: ``values`` float32 (L, L), symmetric, of each two bases; ``pairs`` int64 (n, 2), i < j, of the structure and their
    ``scores`` float32 (n,); ``energy`` in kcal/mol, NaN where none is known."""

    values: NDArray[np.float32]
    pairs: NDArray[np.int64]
    scores: NDArray[np.float32]
    energy: float = float("nan")


@runtime_checkable
class FoldingModel(Model, Protocol):
    """Folds an RNA without a language model."""

    def fold(self, letters: str, temperature: float | None, look: Callable[[], None]) -> Folded:
        """The structure of upper-case RNA letters at ``temperature`` in °C, None = that of its card; a model whose card knows none is given none.
        ``look`` is called now and then and may raise to stop."""


@dataclass(frozen=True)
class VariantScore:
    """One score of one variant: name of the score, value, class in the source's own words, and what it belongs to (transcript, track).

    ``quantile``: place among common variants, -1 to 1 (sign of the value), where the source states one.
    """

    name: str
    value: float
    label: str = ""
    context: str = ""
    quantile: float | None = None


@runtime_checkable
class VariantScorer(Protocol):
    """A table or service that scores a variant of a known assembly."""

    @property
    def card(self) -> ModelCard:
        """Identity and terms."""

    def score(self, assembly: str, contig: str, position: int, reference: str, alternate: str) -> tuple[VariantScore, ...]:
        """Scores of one variant (``position`` 1-based, forward strand); empty when the source has none."""


@runtime_checkable
class PlaceModel(Model, Protocol):
    """A hosted model that is asked about a place of a public assembly and reads the genome itself.

    ``start``, ``end``: 0-based half-open. ``terms``: tissues or cell types such as ``UBERON:0002048``; empty = all. ``width_bp``: bases that it reads
    around the place; 0 = the fewest that hold it. Raises `LocusError`, `ParameterError` for what it does not know, and what a service may fail with.
    """

    def tracks(
        self, assembly: str, contig: str, start: int, end: int, outputs: tuple[str, ...], terms: tuple[str, ...], width_bp: int
    ) -> tuple[PredictedTracks, ...]:
        """Tracks of each of ``outputs``."""

    def junctions(self, assembly: str, contig: str, start: int, end: int, terms: tuple[str, ...], width_bp: int) -> PredictedJunctions:
        """Splice junctions with both ends inside."""

    def contacts(self, assembly: str, contig: str, start: int, end: int, terms: tuple[str, ...], width_bp: int) -> PredictedContacts:
        """Contacts of the bins that touch the place."""

    def mutagenesis(
        self, assembly: str, contig: str, start: int, end: int, output: str, terms: tuple[str, ...], width_bp: int
    ) -> tuple[NDArray[np.float32], str]:
        """Scores float32 (end - start, 4) of every substitution on the forward strand, NaN at the reference base, and the reference letters."""
