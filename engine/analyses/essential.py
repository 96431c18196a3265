"""In-silico mutagenesis of the genes of a phage: by how much the mean loss of the genome grows when a gene's start codon, coding bases or stop codon are
replaced at random; genes are ranked by it, as megaDNA's authors do (Shao and Yan, Nature Communications 2024, 15:9392).

Each base is replaced by one of A, T, C, G, drawn by Python's generator as in the authors' notebook (lingxusb/megaDNA,
``notebook/megaDNA_mutagenesis.ipynb``): the same base may be drawn, genes follow each other in the order given, bases from left to right. Repeat
r is drawn with ``seed + r``, each part anew.

A model whose likelihood of a whole input is defined (megaDNA) and that reads the genome at once answers by the authors' loss: the mean over
every base and the end. Elsewhere the losses of `engine.analyses.loss` are summed over a stretch around the change, as wide as the model reads,
and divided by the length of the genome: what lies outside that stretch is taken not to change.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from engine.analyses.declared import Declared
from engine.analyses.loss import apart_option, base_losses, check_model
from engine.analyses.loss import passes as loss_passes
from engine.analyses.provenance import stamp
from engine.analyses.ranking import auroc, middle_ranks
from engine.core.card import Capability, ModelCard, Offer
from engine.core.errors import Cancelled, ParameterError
from engine.core.genes import CodingGene, read_genes, write_genes
from engine.core.parameters import Parameters, option
from engine.core.progress import Monitor, SilentMonitor
from engine.core.protocols import LikelihoodModel, NucleotideModel
from engine.core.results import Interval, Result, Table, Track, frozen_array
from engine.core.sequence import Alphabet, NucleotideSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.provenance import Provenance

VERSION = "1"
PARTS = ("start", "coding", "stop")
DRAWN_FROM = "ATCG"
"""The authors' tokens 1 to 4."""
By = Literal["start", "coding", "stop"]
Which = Literal["all", "start", "coding", "stop"]


@dataclass(frozen=True)
class EssentialParameters(Parameters):
    """``genes``: `engine.core.genes`; ``parts``: what is replaced; ``by``: what genes are ranked by; ``repeats`` of each replacement, from ``seed`` on."""

    genes: str = option("", "--genes", "Genes, as NAME=+:START-END;... or a file with an annotation.", metavar="GENES")
    parts: Which = option("all", "--parts", "What is replaced: start codons, coding bases between the codons, stop codons, or all in turn.")
    by: By = option("start", "--by", "What the genes are ranked by; start codons, or the one part that is replaced.")
    repeats: int = option(1, "--repeats", "Random replacements of each part; their mean counts.", metavar="N", low=1, high=100)
    seed: int = option(42, "--seed", "Of the first replacement; each further one counts up.", metavar="N", low=0, high=2**31)
    apart: int = apart_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        read_genes(self.genes)
        if self.by not in self.chosen:
            raise ParameterError(f"Genes are to be ranked by {self.by}, which is not replaced; choose --parts all or --parts {self.by}.")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parts that are replaced."""
        return PARTS if self.parts == "all" else (self.parts,)

    def check(self, length: int) -> None:
        """Raise `ParameterError` without genes, or for one outside the sequence."""
        genes = read_genes(self.genes)
        if not genes:
            raise ParameterError("No genes are given; give an annotation with --genes, or genes as NAME=+:START-END.")
        for gene in genes:
            if gene.end > length:
                raise ParameterError(f"The gene {gene.name[:40]!r} ends at {gene.end:,}; the sequence has {length:,} bases.")


@dataclass(frozen=True, eq=False)
class EssentialGenes(Result):
    """``deltas`` float64 (G, P, R): change of the mean loss in nats per base by gene, part and repeat, NaN where not computed yet.

    ``genes``: their text; ``parts``: P names; ``by``: of the ranks; ``wild_loss``: mean loss of the unchanged genome, NaN where it was not computed
    whole; ``pseudo``: by a masked model. ``labels`` float64 (G,): 1 essential, 0 not, NaN unknown.
    """

    faces = frozenset({"tracks", "main track", "intervals"})
    sequence: NucleotideSequence
    genes: str
    parts: tuple[str, ...]
    by: str
    deltas: NDArray[np.float64]
    wild_loss: float
    pseudo: bool
    provenance: Provenance
    labels: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        count = len(self.rows_of_genes)
        object.__setattr__(self, "deltas", frozen_array(self.deltas, np.float64, (count, len(self.parts), None), "changes of the loss"))
        if self.labels is not None:
            object.__setattr__(self, "labels", frozen_array(self.labels, np.float64, (count,), "labels"))

    @property
    def rows_of_genes(self) -> tuple[CodingGene, ...]:
        """The G genes."""
        return read_genes(self.genes)

    @property
    def complete(self) -> bool:
        """Whether every replacement is computed."""
        return bool(np.isfinite(self.deltas).all())

    def means(self) -> NDArray[np.float64]:
        """Mean over the repeats, float64 (G, P)."""
        found: NDArray[np.float64] = self.deltas.mean(axis=2)
        return found

    def ranks(self, part: str) -> NDArray[np.float64]:
        """Rank of each gene by a part, 1 = the loss grows most; ties share their middle; NaN where not computed."""
        values = self.means()[:, self.parts.index(part)]
        found = np.full(len(values), np.nan)
        known = np.isfinite(values)
        found[known] = middle_ranks(-values[known])
        return found

    def labelled(self, labels: Mapping[str, bool]) -> EssentialGenes:
        """The same with what is known of the genes by name. Raises `ParameterError` when no gene, or no gene of one kind, is among them."""
        names = [gene.name for gene in self.rows_of_genes]
        values = np.array([float(labels[name]) if name in labels else np.nan for name in names])
        if not {0.0, 1.0} <= set(values.tolist()):
            raise ParameterError(
                f"Of the {len(names):,} genes {int((values == 1).sum()):,} are labelled essential and {int((values == 0).sum()):,} not; both kinds are needed "
                f"for an AUROC; genes are called {', '.join(names[:4])}."
            )
        return replace(self, labels=values)

    def aurocs(self) -> dict[str, float]:
        """How well each part's change tells labelled genes apart; empty without labels."""
        if self.labels is None:
            return {}
        found = {}
        for column, part in enumerate(self.parts):
            values = self.means()[:, column]
            known = np.isfinite(values) & np.isfinite(self.labels)
            found[part] = auroc(values[known], self.labels[known] == 1)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """``deltas``, names and places of the genes, ``parts``, ``wild_loss``, and ``labels`` where there are some."""
        genes = self.rows_of_genes
        found: dict[str, Any] = {
            "deltas": self.deltas,
            "parts": np.array(self.parts),
            "genes": np.array([gene.name for gene in genes]),
            "spans": np.array([(gene.start, gene.end) for gene in genes], dtype=np.int64).reshape(-1, 2),
            "forward": np.array([gene.forward for gene in genes]),
            "wild_loss": np.float64(self.wild_loss),
        }
        return found if self.labels is None else {**found, "labels": self.labels}

    def rows(self) -> Table:
        """One row a gene, by rank."""
        genes, means, ranks = self.rows_of_genes, self.means(), self.ranks(self.by)
        order = np.argsort(ranks, kind="stable")
        columns: dict[str, Any] = {
            "rank": ranks[order],
            "gene": [genes[index].name for index in order],
            "start": [genes[index].start + 1 for index in order],
            "end": [genes[index].end for index in order],
            "strand": ["+" if genes[index].forward else "-" for index in order],
        }
        for column, part in enumerate(self.parts):
            columns[f"delta_{part}"] = means[order, column]
            if self.deltas.shape[2] > 1:
                columns[f"sd_{part}"] = self.deltas[order, column].std(axis=1, ddof=1)
            columns[f"rank_{part}"] = self.ranks(part)[order]
        if self.labels is not None:
            columns["essential"] = self.labels[order]
        return Table(columns, np.array([genes[index].start for index in order], dtype=np.int64))

    def tracks(self) -> tuple[Track, ...]:
        """The change by each part at the bases of each gene, the largest where genes overlap; the part of the ranks first."""
        genes, means = self.rows_of_genes, self.means()
        found = []
        for part in sorted(self.parts, key=lambda name: name != self.by):
            values = np.full(len(self.sequence), np.nan, np.float32)
            for gene, value in zip(genes, means[:, self.parts.index(part)], strict=True):
                for start, end in gene.parts:
                    values[start:end] = np.fmax(values[start:end], value)
            found.append(Track(f"delta_{part}", f"change of the mean loss, {part} replaced", values))
        return tuple(found)

    def intervals(self) -> tuple[Interval, ...]:
        """The genes; the score is the share of genes ranked behind."""
        ranks, genes = self.ranks(self.by), self.rows_of_genes
        scores = np.nan_to_num(1 - (ranks - 1) / max(1, len(genes)))
        found = [
            Interval(gene.start, gene.end, gene.name, float(score), "+" if gene.forward else "-")
            for gene, score in zip(genes, scores, strict=True)
        ]
        return tuple(sorted(found, key=lambda item: item.first))

    def words(self) -> str:
        """Who stands first, by what, and the AUROC where labels are there."""
        table = self.rows()
        first = ", ".join(list(table.columns["gene"])[:3])
        name = "pseudo-loss (each base predicted from both sides, masked)" if self.pseudo else "loss"
        measured = "".join(f" AUROC by {part} {value:.3f}." for part, value in self.aurocs().items())
        state = "" if self.complete else " Not all replacements are computed yet."
        return (
            f"{len(self.rows_of_genes):,} genes ranked by how much the mean {name} of {self.provenance.card.title} grows when the {self.by} "
            f"{'bases are' if self.by == 'coding' else 'codon is'} replaced at random: first {first}.{measured}{state} A rank, not a measurement."
        )


class _Change(NamedTuple):
    """One replacement: indices in ``deltas``, changed bases and their new letters."""

    gene: int
    part: int
    repeat: int
    bases: list[int]
    letters: str


def changes_of(genes: tuple[CodingGene, ...], parameters: EssentialParameters) -> Iterator[_Change]:
    """Every replacement, repeats of one part of one gene in a row."""
    drawn: dict[tuple[int, int, int], str] = {}
    for column, part in enumerate(parameters.chosen):
        for repeat in range(parameters.repeats):
            generator = random.Random(parameters.seed + repeat)
            for index, gene in enumerate(genes):
                drawn[index, column, repeat] = "".join(generator.choice(DRAWN_FROM) for _ in gene.codon(part))
    for index, gene in enumerate(genes):
        for column, part in enumerate(parameters.chosen):
            bases = gene.codon(part)
            for repeat in range(parameters.repeats):
                yield _Change(index, column, repeat, bases, drawn[index, column, repeat])


def changed(sequence: NucleotideSequence, bases: list[int], letters: str) -> NucleotideSequence:
    """The sequence with ``letters`` at ``bases``."""
    found = list(sequence.as_dna())
    for base, letter in zip(bases, letters, strict=True):
        found[base] = letter
    text = "".join(found)
    return NucleotideSequence(text.replace("T", "U") if sequence.alphabet is Alphabet.RNA else text, sequence.alphabet)


def stretch(bases: list[int], length: int, longest: int) -> tuple[int, int]:
    """Where the loss may change when ``bases`` do: a window of the model around them, or half a window more than they span; 0-based half-open."""
    first, last = bases[0], bases[-1] + 1
    span = min(length, max(longest, last - first + longest // 2))
    start = min(max(0, first - (span - (last - first)) // 2), length - span)
    return start, start + span


class _Whole:
    """The authors' loss of the whole genome."""

    def __init__(self, model: LikelihoodModel, sequence: NucleotideSequence, advance: Callable[[int], None]) -> None:
        self.model, self.sequence, self.advance = model, sequence, advance
        self.wild_loss = self._loss(sequence)

    def _loss(self, sequence: NucleotideSequence) -> float:
        reference = self.model.prepare(sequence)
        found = -float(self.model.log_likelihoods(reference, reference.ids[None])[0]) / (len(sequence) + 1)
        self.advance(1)
        return found

    def delta(self, change: _Change) -> float:
        """Change of the mean."""
        return self._loss(changed(self.sequence, change.bases, change.letters)) - self.wild_loss


class _Around:
    """The loss of a stretch around the change, against that of the same stretch unchanged."""

    wild_loss = float("nan")

    def __init__(self, model: NucleotideModel, sequence: NucleotideSequence, apart: int, advance: Callable[[int], None]) -> None:
        self.model, self.sequence, self.apart, self.advance = model, sequence, apart, advance
        self._known: tuple[tuple[int, int], float] | None = None

    def _sum(self, sequence: NucleotideSequence, start: int, end: int) -> float:
        return float(np.nansum(base_losses(self.model, sequence.window(start, end), self.apart, self.advance)))

    def delta(self, change: _Change) -> float:
        """Change of the sum, over the length of the genome; at ambiguous letters nothing is counted before or after."""
        start, end = stretch(change.bases, len(self.sequence), self.model.card.max_length)
        if self._known is None or self._known[0] != (start, end):
            self._known = (start, end), self._sum(self.sequence, start, end)
        mutant = changed(self.sequence, change.bases, change.letters)
        return (self._sum(mutant, start, end) - self._known[1]) / len(self.sequence)


def _goes_at_once(card: ModelCard, length: int) -> bool:
    return card.can(Capability.DELTA_LIKELIHOOD) and length <= card.max_length


def essential_genes(
    model: NucleotideModel,
    sequence: NucleotideSequence,
    parameters: EssentialParameters,
    monitor: Monitor | None = None,
    known: EssentialGenes | None = None,
) -> EssentialGenes:
    """Changes of the mean loss by every replacement; ``known``: what an earlier run of the same question left.

    Raises
    ------
    ParameterError
        There are no genes, or one lies outside the sequence.
    CapabilityMissing
        The model is neither causal nor masked.
    SequenceError
        It cannot read the sequence, or a gene has an ambiguous letter in what is replaced.
    Cancelled
        Through ``monitor.advance``; what was finished is published before.
    """
    import torch

    watcher = monitor or SilentMonitor()
    check_model(model)
    parameters.check(len(sequence))
    genes = read_genes(parameters.genes)
    began = time.perf_counter() - (known.provenance.seconds if known is not None else 0.0)
    deltas = np.full((len(genes), len(parameters.chosen), parameters.repeats), np.nan)
    if known is not None and known.deltas.shape == deltas.shape:
        deltas[:] = known.deltas
    wild_loss = float("nan")

    def result() -> EssentialGenes:
        partial = not np.isfinite(deltas).all()
        provenance = stamp(
            "essential", VERSION, model, parameters, sequence, time.perf_counter() - began, partial, masked=not model.card.causal
        )
        text = write_genes(genes)
        return EssentialGenes(sequence, text, parameters.chosen, parameters.by, deltas.copy(), wild_loss, not model.card.causal, provenance)

    todo = [change for change in changes_of(genes, parameters) if not np.isfinite(deltas[change.gene, change.part, change.repeat])]
    watcher.start(_passes_of(todo, len(sequence), parameters, model.card))
    try:
        with torch.inference_mode():
            judge: _Whole | _Around
            if isinstance(model, LikelihoodModel) and _goes_at_once(model.card, len(sequence)):
                judge = _Whole(model, sequence, watcher.advance)
            else:
                judge = _Around(model, sequence, parameters.apart, watcher.advance)
            wild_loss = judge.wild_loss
            for change in todo:
                deltas[change.gene, change.part, change.repeat] = judge.delta(change)
                if watcher.wants_partial():
                    watcher.publish(result())
    except Cancelled:
        if np.isfinite(deltas).any():
            watcher.publish(result())
        raise
    return result()


def _passes_of(todo: list[_Change], length: int, parameters: EssentialParameters, card: ModelCard) -> int:
    if _goes_at_once(card, length):
        return 1 + len(todo)
    total, before = 0, None
    for change in todo:
        around = stretch(change.bases, length, card.max_length)
        each = loss_passes(around[1] - around[0], parameters.apart, card)
        total += each if around == before else 2 * each
        before = around
    return total


def _passes(sequence: NucleotideSequence, parameters: EssentialParameters, card: ModelCard, offer: Offer) -> int:
    return max(1, _passes_of(list(changes_of(read_genes(parameters.genes), parameters)), len(sequence), parameters, card))


DECLARED = (
    Declared(
        name="essential",
        command="essential",
        version=VERSION,
        title="Essential genes",
        summary="Genes of a phage ranked by how much the mean loss grows when start codon, coding bases or stop codon are replaced at random.",
        capability=Capability.PROBABILITIES,
        parameters=EssentialParameters,
        result=EssentialGenes,
        passes=_passes,
        run=lambda model, sequence, parameters, monitor, answers: essential_genes(
            model, sequence, parameters, monitor, cast("EssentialGenes | None", answers.get("essential"))
        ),
        out="essential.tsv",
        tiled=True,
        pace="windows",
        shown="page",
        order=95,
        windows=False,
    ),
)
