"""A sequence continued by a model, base by base, with the open reading frames found in it. Nothing of it was ever observed.

The answer is about letters that are not those that were asked with: its files name the record ``generated_...``, so that nothing of it can be taken
for a place in a genome, and say of each base and gene whether it was generated.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.gene_finder import FoundGene, find_genes
from engine.analyses.provenance import stamp
from engine.core.card import Capability, ModelCard
from engine.core.errors import CapabilityMissing, SequenceError
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import GenerativeModel
from engine.core.results import Interval, Result, Table, Track, slug
from engine.core.sequence import NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"
LONGEST_BP = 200_000
GENERATED = "generated_by_"
"""What names of generated records start with."""


@dataclass(frozen=True)
class GenerateParameters(Parameters):
    """``length``: bases to add; ``temperature``: 0 takes the likeliest base each time; ``seed``: of what is drawn."""

    length: int = option(1000, "--length", "Bases to add to the prompt.", metavar="BASES", low=1, high=LONGEST_BP, unit="bases")
    temperature: float = option(
        1.0, "--temperature", "0 = the likeliest base each time, 1 = as the model expects.", metavar="T", low=0, high=10
    )
    seed: int = option(0, "--seed", "Of the random draws.", metavar="N", low=0, high=2**63 - 1)


@dataclass(frozen=True, eq=False)
class Generated(Result):
    """``sequence``: the prompt; ``continuation``: the letters that follow it; ``found``: the genes in both together, as `FoundGene` fields by name."""

    faces = frozenset({"tracks", "main track", "intervals", "letters"})
    sequence: NucleotideSequence
    continuation: str
    found: tuple[dict[str, Any], ...]
    provenance: Provenance

    @property
    def genes(self) -> tuple[FoundGene, ...]:
        """Likely genes of prompt and continuation, from left to right."""
        return tuple(FoundGene(**item) for item in self.found)

    @property
    def written(self) -> NucleotideSequence:
        """Prompt and continuation, of no locus, under a name that says that it was generated, by whom and how."""
        chosen, card = self.provenance.parameters, self.provenance.card
        start = slug(self.sequence.name or self.provenance.locus or "prompt")[:40]
        name = f"{GENERATED}{card.id}_T{chosen['temperature']:g}_seed{chosen['seed']}_after_{len(self.sequence)}_of_{start}"
        return NucleotideSequence(self.sequence.as_dna() + self.continuation, name=name)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``letters`` (prompt and continuation), ``generated`` (bool a base), and the genes' spans, strands and binding sites."""
        genes = self.genes
        return {
            "letters": np.array(self.written.letters),
            "record": np.array(self.written.name),
            "generated": self._generated() > 0,
            "gene_spans": np.array([(gene.start, gene.end) for gene in genes], dtype=np.int64).reshape(-1, 2),
            "gene_forward": np.array([gene.forward for gene in genes], dtype=bool),
            "binding_motif": np.array([gene.motif for gene in genes], dtype=str),
            "binding_spacer": np.array([gene.spacer for gene in genes], dtype=str),
        }

    def _generated(self) -> NDArray[np.float32]:
        return (np.arange(len(self.sequence) + len(self.continuation)) >= len(self.sequence)).astype(np.float32)

    def _origin(self, gene: FoundGene) -> str:
        if gene.start >= len(self.sequence):
            return "generated"
        return "prompt" if gene.end <= len(self.sequence) else "prompt and generated"

    def rows(self) -> Table:
        """One row a likely gene."""
        genes = self.genes
        columns: dict[str, Any] = {
            "record": [self.written.name] * len(genes),
            "start": [gene.start + 1 for gene in genes],
            "end": [gene.end for gene in genes],
            "strand": ["+" if gene.forward else "-" for gene in genes],
            "origin": [self._origin(gene) for gene in genes],
            "start_codon": [gene.start_codon for gene in genes],
            "binding_motif": [gene.motif for gene in genes],
            "binding_spacer": [gene.spacer for gene in genes],
            "confidence": np.array([gene.confidence for gene in genes]),
            "partial": ["yes" if gene.partial else "no" for gene in genes],
        }
        return Table(columns, np.array([gene.start for gene in genes], dtype=np.int64))

    def tracks(self) -> tuple[Track, ...]:
        """1 where the base was generated, 0 in the prompt."""
        return (Track("generated", "1 = generated by a model, 0 = prompt", self._generated()),)

    def intervals(self) -> tuple[Interval, ...]:
        """The genes, and the generated stretch itself."""
        genes = [
            Interval(
                gene.start,
                gene.end,
                f"{self._origin(gene)} gene, binding site {gene.motif or 'none'} {gene.spacer}".strip(),
                gene.confidence,
                "+" if gene.forward else "-",
                1,
            )
            for gene in self.genes
        ]
        own = Interval(len(self.sequence), len(self.sequence) + len(self.continuation), "generated", 1.0)
        return tuple(sorted([own, *genes], key=lambda item: item.first))

    def words(self) -> str:
        """How much was generated how, and what pyrodigal finds in it."""
        chosen = self.provenance.parameters
        whole = [gene for gene in self.genes if not gene.partial and self._origin(gene) == "generated"]
        sites = sum(bool(gene.motif) for gene in whole)
        return (
            f"GENERATED: {len(self.continuation):,} bases by {self.provenance.card.title} after {len(self.sequence):,} of a prompt (temperature "
            f"{chosen['temperature']:g}, seed {chosen['seed']}); no organism has them. pyrodigal finds {len(whole):,} whole genes among them, {sites:,} with "
            "a ribosome binding site."
        )


def check_prompt(sequence: NucleotideSequence, parameters: GenerateParameters, card: ModelCard) -> None:
    """Raise `SequenceError` for a prompt with unknown letters, or one that is longer with what is added than the model reads."""
    if sequence.ambiguous_count:
        raise SequenceError(
            f"{sequence.ambiguous_count:,} letters of the prompt are not one of A, C, G and T; give a prompt of known bases."
        )
    total = len(sequence) + parameters.length
    if total > card.max_length:
        raise SequenceError(
            f"The prompt has {len(sequence):,} bases and {parameters.length:,} are to be added; {card.title} reads {card.max_length:,} in all: "
            "take a shorter prompt or add fewer."
        )


def generate(
    model: GenerativeModel, sequence: NucleotideSequence, parameters: GenerateParameters | None = None, monitor: Monitor | None = None
) -> Generated:
    """The prompt continued.

    Raises
    ------
    CapabilityMissing
        The model does not continue sequences.
    SequenceError
        The prompt has letters other than the four bases, or is too long with what is added.
    Cancelled
        Through ``monitor.advance``.
    """
    if not isinstance(model, GenerativeModel):
        raise CapabilityMissing(f"{model.card.title} does not continue sequences; choose megadna.")
    chosen, watcher = parameters or GenerateParameters(), monitor or SilentMonitor()
    check_prompt(sequence, chosen, model.card)
    began = time.perf_counter()
    watcher.start(chosen.length, "bases")
    letters = model.continue_sequence(sequence, chosen.length, chosen.seed, chosen.temperature, watcher.advance)
    found = tuple(asdict(gene) for gene in find_genes(sequence.as_dna() + letters))
    provenance = stamp("generate", VERSION, model, chosen, sequence, time.perf_counter() - began)
    return Generated(sequence, letters, found, provenance)


DECLARED = (
    Declared(
        name="generate",
        command="generate",
        version=VERSION,
        title="Generated sequence",
        summary="Continues a prompt base by base, marked as generated in every file, with its open reading frames and ribosome binding sites.",
        capability=Capability.GENERATION,
        parameters=GenerateParameters,
        result=Generated,
        passes=lambda sequence, parameters, card, offer: parameters.length,
        fits=check_prompt,
        run=lambda model, sequence, parameters, monitor, answers: generate(model, sequence, parameters, monitor),
        out="generated.fa",
        pace="bases",
        shown="page",
        order=96,
        windows=False,
    ),
)
