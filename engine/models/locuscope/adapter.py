"""The models that come with the repository: a masked nucleotide language model and its segmenter (`engine.training` made them).

Input of the language model is one domain token and one token a base, no end token. The domain (bacteria, phage, yeast, rna) is the
``species`` of the load options; when none is named, letters with U are read as ``rna`` and all others as ``unknown``. The species
``rna without memory`` is the domain rna, read by the network alone.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.card import Capability, EffectRecipe, ModelCard, Offer, WindowRule
from engine.core.errors import CapabilityMissing, ParameterError, SequenceError, WeightsInvalid
from engine.core.protocols import Prepared
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.entry import LoadOptions, ModelEntry
from engine.models.locuscope.marks import LANGUAGE_MODEL, LOCAL_LANGUAGE_MODEL, SEGMENTER
from engine.models.locuscope.tokens import ANY, BASE, DOMAIN, DOMAINS, MASK

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.locuscope.fast import LocuscopeFast, LocuscopeReference
    from engine.models.locuscope.local import LocalFast, LocalReference
    from engine.models.locuscope.network import LocuscopeNet
    from engine.models.locuscope.segmenter_network import LocuscopeSegmenter as SegmenterNet
    from engine.models.shortcuts.encoder import LayerReference

WITHOUT_MEMORY = "rna without memory"
DOMAINS_OF = {**{name: name for name in DOMAINS}, WITHOUT_MEMORY: "rna"}
"""The domain token that each ``species`` stands for."""
HEARD = math.log(1.1)
"""Change of the log odds of a letter from which on the memory has a say."""
MASKED_TOGETHER = 64
"""Bases that are masked in one pass of the memory alone, each in a row of its own."""
WHOLE_UP_TO = 90
"""Bases up to which whole passes of a local network, many mutants in each, cost less than a cone for every base (one thread of a Zen 4; in
milliseconds a base, 40 / 76 / 100 / 120 bases: 10 / 14 / 20 / 25 and 15 / 16 / 20 / 20)."""
CONTEXT_BP = 128
SEGMENTED_BP = 1023
"""Window the segmenter is trained and measured on, and the bases at its edges that are left to the neighbour."""


def _ids(letters: str, domain: str) -> Tensor:
    """Token ids int64 (1 + L,) of upper-case DNA letters."""
    import torch

    table = torch.full((256,), ANY, dtype=torch.int64)
    table[[ord(base) for base in "ACGT"]] = torch.arange(BASE, BASE + 4)
    bases = table[torch.frombuffer(bytearray(letters.encode("ascii")), dtype=torch.uint8).long()]
    return torch.cat((torch.tensor([DOMAIN + DOMAINS.index(domain)]), bases))


class Locuscope:
    """The loaded language model; implements `engine.core.protocols.NucleotideModel`.

    Letters other than A, C, G, T (U) are read as the token of an unknown base. In float16 or bfloat16 the weights stay float32 and the
    products run in the lower precision; the four scores of a base are always computed in float32.
    """

    def __init__(self, card: ModelCard, net: LocuscopeNet, device: torch.device, dtype: str, domain: str = "") -> None:
        from engine.models.shortcuts.reference import PerReference

        self.card, self.dtype, self.species = card, dtype, domain
        self._net, self._device = net, device
        self._base, self._mask = BASE, MASK
        self._stem: PerReference[LocuscopeReference] = PerReference(lambda reference: self._proven.reference(reference.ids))
        self._layers: PerReference[list[LayerReference]] = PerReference(lambda reference: self._proven.layers(self._stem(reference)))
        self._sparse: PerReference[list[LayerReference]] = PerReference(lambda it: self._proven.sparse_layers(self._layers(it)))
        self._local: PerReference[LocalReference] = PerReference(lambda reference: self._proven_local.reference(reference.ids))

    @property
    def device(self) -> str:
        """Torch device of the weights."""
        return str(self._device)

    @property
    def effect_recipe(self) -> EffectRecipe:
        """The whole sequence as given, one strand, one token masked."""
        return EffectRecipe()

    @property
    def net(self) -> LocuscopeNet:
        """The network."""
        return self._net

    def prepare(self, sequence: NucleotideSequence) -> Prepared:
        """Tokenise. Raises `SequenceError` when there are more bases than the model takes."""
        if len(sequence) > self.card.max_length:
            raise SequenceError(
                f"The sequence has {len(sequence):,} bases; {self.card.title} takes up to {self.card.max_length:,}; choose a shorter window."
            )
        letters = sequence.as_dna()
        return Prepared(letters, _ids(letters, self._domain_of(sequence)).to(self._device))

    def species_of(self, sequence: NucleotideSequence) -> str:
        """See `engine.core.protocols.ModelOfSpecies`: the domain that was named, otherwise ``rna`` for letters with U."""
        return self.species or ("rna" if sequence.alphabet is Alphabet.RNA else "")

    def _domain_of(self, sequence: NucleotideSequence) -> str:
        return DOMAINS_OF[self.species_of(sequence) or "unknown"]

    def remembers(self, sequence: NucleotideSequence | None) -> str:
        """See `engine.core.protocols.RememberingModel`: where the memory changes the odds of a masked letter by `HEARD` or more."""
        told = "masked letters are looked up in a table of the training RNAs, too"
        if self._net.memory is None:
            return ""
        if sequence is None or len(sequence) > self.card.max_length:
            rna = self.species == "rna" if sequence is None else self._domain_of(sequence) == "rna"
            return f"{told}, where it knows the words around them" if rna else ""
        heard = int((self.remembered(sequence) >= HEARD).sum()) if self._domain_of(sequence) == "rna" else 0
        return f"{told}: it has a say at {heard:,} of {len(sequence):,} bases" if heard else ""

    def remembered(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """By how much at most the memory changes the log odds of a letter at each base, when that alone is masked, float32 (L,)."""
        import torch

        memory, ids = self._net.memory, self.prepare(sequence).ids
        found = torch.zeros(len(sequence), device=ids.device)
        if memory is None:
            return found.cpu().numpy()
        turn = self._net.head.weight[BASE : BASE + 4, self._net.config.width :]
        with torch.inference_mode():
            for first in range(0, len(sequence), MASKED_TOGETHER):
                place = torch.arange(first, min(len(sequence), first + MASKED_TOGETHER), device=ids.device)
                rows = ids.repeat(len(place), 1)
                row = torch.arange(len(place), device=ids.device)
                rows[row, place + 1] = MASK
                votes = memory(rows)[row, place + 1] @ turn.T
                found[place] = votes.amax(dim=-1) - votes.amin(dim=-1)
        return found.cpu().numpy()

    def mutants(self, reference: Prepared, positions: Tensor, alternates: Tensor) -> Tensor:
        """Token ids (B, T): the reference with base ``positions[b]`` replaced by ``alternates[b]``."""
        return self._replaced(reference, positions, alternates + self._base)

    def masked(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Token ids (B, T): the reference with base ``positions[b]`` masked."""
        import torch

        return self._replaced(reference, positions, torch.full_like(positions, self._mask))

    @staticmethod
    def _replaced(reference: Prepared, positions: Tensor, ids: Tensor) -> Tensor:
        batch = reference.ids.repeat(len(positions), 1)
        return batch.scatter_(1, positions[:, None] + 1, ids[:, None])

    def hidden(self, ids: Tensor) -> Tensor:
        """Last hidden states float32 (B, L, width) of token ids (B, T); the domain token's is left out."""
        with self._precision():
            states = self._net.hidden(ids)
        return states[:, 1:].float()

    def _precision(self) -> AbstractContextManager[Any]:
        """Where the products run in the lower precision that was chosen."""
        import torch

        return torch.autocast(self._device.type, dtype=getattr(torch, self.dtype), enabled=self.dtype != "float32")

    def base_logits(self, reference: Prepared, ids: Tensor, *, normalised: bool = False) -> Tensor:
        """Scores float32 (B, L, 4) of A, C, G, T at each base."""
        return self._scores(self.hidden(ids), normalised=normalised)

    def logits_at(self, reference: Prepared, ids: Tensor, places: Tensor) -> Tensor:
        """Scores float32 (B, 4) of base ``places[b]``; see `engine.core.protocols.OneBaseModel`."""
        with self._precision():
            states = self._net.hidden_at(ids, places + 1)
        return self._scores(states.float(), normalised=False)

    def _scores(self, states: Tensor, *, normalised: bool) -> Tensor:
        """Scores float32 (..., 4) of hidden states (..., hidden_size)."""
        from torch.nn.functional import linear

        scores = linear(states, *self._head(normalised=normalised))
        return self._of_bases(scores) if normalised else scores

    def _head(self, *, normalised: bool) -> tuple[Tensor, Tensor]:
        """Weight and bias of the last layer: of the whole vocabulary, or of the four bases alone."""
        head = self._net.head
        wanted = slice(None) if normalised else slice(self._base, self._base + 4)
        return head.weight[wanted], head.bias[wanted]

    def _of_bases(self, scores: Tensor) -> Tensor:
        """Log-probabilities (..., 4) of the bases from scores of the vocabulary."""
        return scores.log_softmax(-1)[..., self._base : self._base + 4]

    @cached_property
    def fast(self) -> LocuscopeFast | None:
        """The network in parts that mutants can share, proven against the network itself at first use; None when it runs in half precision, and
        for a local network.
        """
        if self.dtype != "float32" or self._net.config.windows:
            return None
        import torch

        from engine.models.locuscope.fast import proven

        with torch.inference_mode():
            return proven(self._net)

    @cached_property
    def local(self) -> LocalFast | None:
        """`fast` for a local network, whose exact mutants cost what a substitution reaches."""
        if self.dtype != "float32" or not self._net.config.windows:
            return None
        import torch

        from engine.models.locuscope.local import proven

        with torch.inference_mode():
            return proven(self._net)

    @property
    def _proven_local(self) -> LocalFast:
        if self.local is None:
            raise RuntimeError("shared parts were asked for although the network does not run in them")
        return self.local

    @property
    def _proven(self) -> LocuscopeFast:
        if self.fast is None:
            raise RuntimeError("shared parts were asked for although the network does not run in them")
        return self.fast

    @property
    def precisions(self) -> tuple[str, ...]:
        """``exact``; in float32, unless the network is local, also ``delta`` and ``sparse``."""
        return ("exact",) if self.fast is None else ("exact", "delta", "sparse")

    @property
    def usual_precision(self) -> str:
        """What ``auto`` tries: ``delta`` on a CPU that has fast low-precision products. On a GPU differences are several times the launches of
        whole passes, and who wants speed there has half precision.
        """
        return "delta" if self._device.type == "cpu" and self.fast is not None and self.fast.low is not None else "exact"

    @property
    def exact_by_passes(self) -> bool:
        """Where the network does not run in its shared parts, and on a GPU: there the stem layer's change is 133 launches and two waits a base,
        the whole pass 490 launches a batch.
        """
        return self._device.type != "cpu" or (self.fast is None and self.local is None)

    def _by_passes(self, reference: Prepared) -> bool:
        """Whether exact mutants of ``reference`` are whole passes: `exact_by_passes`, and in a short sequence of a local network."""
        return self.exact_by_passes or (self.fast is None and len(reference.letters) <= WHOLE_UP_TO)

    def mutant_logits(
        self,
        reference: Prepared,
        positions: Tensor,
        alternates: Tensor,
        *,
        normalised: bool = False,
        precision: str = "exact",
        tau: float = 0.05,
    ) -> Tensor:
        """Scores float32 (B, L, 4) of the mutants; see `engine.core.protocols.PreciseMutantModel`.

        Raises `CapabilityMissing` for a precision that is not offered here.
        """
        if precision not in self.precisions:
            raise CapabilityMissing(f"{self.card.title} has no precision {quoted(precision)} here; it offers {', '.join(self.precisions)}.")
        if precision == "exact" and self._by_passes(reference):
            return self.base_logits(reference, self.mutants(reference, positions, alternates), normalised=normalised)
        if self.fast is None:
            return self._local_scores(reference, positions, alternates + self._base, normalised=normalised)
        known = None if precision == "exact" else self._sparse(reference) if precision == "sparse" else self._layers(reference)
        threshold = tau if precision == "sparse" else None
        states = self.fast.hidden(self._stem(reference), known, positions + 1, alternates + self._base, threshold)
        return self._scores(states[:, 1:], normalised=normalised)

    def masked_logits(self, reference: Prepared, positions: Tensor) -> Tensor:
        """Scores float32 (B, L, 4) with base ``positions[b]`` masked, without redoing the stem layer."""
        import torch

        if self._by_passes(reference):
            return self.base_logits(reference, self.masked(reference, positions))
        masks = torch.full_like(positions, self._mask)
        if self.fast is None:
            return self._local_scores(reference, positions, masks, normalised=False)
        states = self.fast.hidden(self._stem(reference), None, positions + 1, masks)
        return self._scores(states[:, 1:], normalised=False)

    def _local_scores(self, reference: Prepared, positions: Tensor, tokens: Tensor, *, normalised: bool) -> Tensor:
        """Scores (B, L, 4) of a local network with base ``positions[b]`` turned into ``tokens[b]``."""
        weight, bias = self._head(normalised=normalised)
        scores = self._proven_local.scores(self._local(reference), positions + 1, tokens, weight, bias)[:, 1:]
        return self._of_bases(scores) if normalised else scores

    def embeddings(self, sequence: NucleotideSequence) -> NDArray[np.float32]:
        """Last hidden states float32 (L, width)."""
        import torch

        with torch.inference_mode():
            states: NDArray[np.float32] = self.hidden(self.prepare(sequence).ids[None])[0].cpu().numpy()
        return states

    def passes_per_batch(self, reference: Prepared) -> int:
        """Sequences in one pass; at least the three alternates of a base, which share what is computed once a base."""
        from engine.models.networks.batching import passes_of

        return max(3, passes_of(len(reference.ids), str(self._device), self._net.config.width))


class LocuscopeSegmenter:
    """The loaded segmenter; implements `engine.core.protocols.ElementModel`.

    One window is as long as those it was trained on; longer sequences are tiled by the analysis, which leaves `CONTEXT_BP` bases at each
    edge of a tile to its neighbour.
    """

    def __init__(self, card: ModelCard, net: SegmenterNet, device: torch.device, dtype: str, domain: str = "") -> None:
        self.card, self.dtype, self.species = card, dtype, domain
        self._net, self._device = net, device

    @property
    def device(self) -> str:
        """Torch device of the weights."""
        return str(self._device)

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the elements, in column order."""
        return self._net.config.elements

    @property
    def window_rule(self) -> WindowRule:
        """Any length up to the card's."""
        return WindowRule(context_bp=min(CONTEXT_BP, self.card.max_length // 8))

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """Probabilities float32 (L, E) of one window of upper-case DNA."""
        import torch

        if not 0 < len(letters) <= self.card.max_length:
            raise SequenceError(f"The window has {len(letters):,} bases; {self.card.title} takes 1 to {self.card.max_length:,} at once.")
        ids = _ids(letters, self.species or "unknown")[None].to(self._device)
        with torch.inference_mode():
            if self.dtype == "float32":
                logits = self._net(ids)
            else:
                with torch.autocast(self._device.type, dtype=getattr(torch, self.dtype)):
                    logits = self._net(ids)
            values: NDArray[np.float32] = logits[0].float().sigmoid().cpu().numpy()
        return values


def _domain(asked: str, known: Iterable[str]) -> str:
    """A name of ``known``, or empty to choose by the alphabet. Raises `ParameterError` with the nearest name."""
    name = asked.strip().lower()
    if name in ("", *known):
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ParameterError(
        f"The species is {quoted(asked)}; {hint}this model knows the domains {', '.join(known)}; name one or leave it out."
    )


_Net = TypeVar("_Net", bound="LocuscopeNet | SegmenterNet")


def _filled(evidence: Evidence, build: Callable[[Mapping[str, Any]], _Net], tensors: Mapping[str, Tensor]) -> _Net:
    """``build`` from config.json, filled with ``tensors``. Raises `WeightsInvalid` when they do not fit."""
    import torch

    from engine.models.checkpoints.weights import load_tensors

    try:
        with torch.random.fork_rng(devices=[]):  # the first values are drawn, and forgotten
            net = build(evidence.config)
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RuntimeError) as error:
        raise WeightsInvalid(
            f"config.json of {evidence.name} does not describe this model ({error}); take the files of one training run."
        ) from error
    load_tensors(net, tensors)
    return net


def language_network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> LocuscopeNet:
    """The language model filled with the tensors of a training run. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.locuscope.network import LocuscopeNet, NetConfig

    return _filled(evidence, lambda config: LocuscopeNet(NetConfig.of(config)), tensors)


def segmenter_network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> SegmenterNet:
    """The segmenter, language model and head, filled with the tensors of a training run. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.locuscope.segmenter_network import LocuscopeSegmenter as SegmenterNet
    from engine.models.locuscope.segmenter_network import SegmenterConfig

    return _filled(evidence, lambda config: SegmenterNet(SegmenterConfig.of(config)), tensors)


def load_language_model(directory: Path, options: LoadOptions, model_id: str = "locuscope") -> Locuscope:
    """Read config.json and model.safetensors of a training run.

    Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError` (device, dtype, domain).
    """
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    domain = _domain(options.species, ENTRIES[model_id].card.species)
    identity, state = identify(ENTRIES[model_id], directory), read_state(directory)
    net = language_network(identity.evidence, state.tensors)
    if domain == WITHOUT_MEMORY:
        net = net.without_memory()
    device = resolve_device(options.device)
    card = identity.loaded(state.sha256, max_length=net.config.max_length)
    return Locuscope(card, net, placed(net, device, "float32"), resolve_dtype(options.dtype, device), domain)


def load_segmenter(directory: Path, options: LoadOptions) -> LocuscopeSegmenter:
    """Read config.json and model.safetensors of a segmenter (language model and head in one file).

    Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError` (device, dtype, domain).
    """
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype

    domain = _domain(options.species, ENTRIES["locuscope-segmenter"].card.species)
    identity, state = identify(ENTRIES["locuscope-segmenter"], directory), read_state(directory)
    net = segmenter_network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    card = identity.loaded(state.sha256, max_length=min(SEGMENTED_BP, net.config.language_model.max_length))
    return LocuscopeSegmenter(card, net, placed(net, device, "float32"), resolve_dtype(options.dtype, device), domain)


ENTRIES: dict[str, ModelEntry] = {
    "locuscope": ModelEntry(
        ModelCard(
            id="locuscope",
            title="Locuscope",
            alphabet=Alphabet.DNA,
            max_length=2048,
            capabilities=frozenset(
                {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS, Capability.EMBEDDINGS}
            ),
            revision="5",
            weights_sha256="",
            licence="Apache-2.0",
            source="assets/models/locuscope-lm (trained by engine.training)",
            description="The small model that comes with Locuscope, to begin with: reads bacteria, phages, yeasts and structured RNA on a laptop, offline.",
            organisms="Bacteria, phages, yeasts and structured RNA families; the domain is part of the input.",
            limitations="Small: weaker than the published models; its effects hardly tell missense from synonymous; contacts were taught from annotated RNA pairs, masked bases of RNA are also looked up in a memory of the training RNAs, stop codons were given; no animals or plants, nor their viruses.",
            species=tuple(DOMAINS_OF),
            without_memory=WITHOUT_MEMORY,
            contact_recipe="stems_rna",
            contact_growth=4.5,
        ),
        load_language_model,
        shipped=Path("locuscope-lm"),
        offer=Offer(precisions=("exact", "delta", "sparse")),
        marks=LANGUAGE_MODEL,
        network=language_network,
        quicker="locuscope-local",
    ),
    "locuscope-local": ModelEntry(
        ModelCard(
            id="locuscope-local",
            title="Locuscope local",
            alphabet=Alphabet.DNA,
            max_length=2048,
            capabilities=frozenset(
                {Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.CONTACTS, Capability.EMBEDDINGS}
            ),
            revision="3",
            weights_sha256="",
            licence="Apache-2.0",
            source="assets/models/locuscope-local (trained by engine.training)",
            description="For maps of long loci, at 1,000 bases in about an eighth of the time: Locuscope distilled into a network of its own, with a trunk that hears 249 bases, pairs and reading frames from layers apart.",
            organisms="Bacteria, phages, yeasts and structured RNA families; the domain is part of the input.",
            limitations="As of Locuscope, which it was distilled from: small, effects do not tell missense from synonymous, contacts taught from annotated RNA pairs, stop codons given, no animals or plants. It tells lost start codons apart less well by influence (AUROC 0.57 to 0.67 against 0.73 to 0.77), has no memory of RNA families and is not faster below about 150 bases.",
            species=DOMAINS,
            contact_recipe="stems_rna",
            contact_growth=4.5,
        ),
        partial(load_language_model, model_id="locuscope-local"),
        shipped=Path("locuscope-local"),
        marks=LOCAL_LANGUAGE_MODEL,
        network=language_network,
    ),
    "locuscope-segmenter": ModelEntry(
        ModelCard(
            id="locuscope-segmenter",
            title="Locuscope segmenter",
            alphabet=Alphabet.DNA,
            max_length=SEGMENTED_BP,
            capabilities=frozenset({Capability.SEGMENTATION}),
            revision="4",
            weights_sha256="",
            licence="Apache-2.0",
            source="assets/models/locuscope-segmenter (trained by engine.training)",
            description="Genes and their parts at every base of bacterial, phage and yeast DNA, offline; longer input is tiled.",
            organisms="Bacteria, phages and yeasts; the domain is part of the input.",
            limitations="Small and briefly trained, poor on splice sites and non-coding RNA other than tRNA, uncertain on bacterial tRNA genes; annotated from a handful of genomes, and nothing of animals or plants was seen.",
            masked=False,
            species=DOMAINS,
        ),
        load_segmenter,
        shipped=Path("locuscope-segmenter"),
        offer=Offer(windows=WindowRule(context_bp=min(CONTEXT_BP, SEGMENTED_BP // 8))),
        marks=SEGMENTER,
        network=segmenter_network,
    ),
}
