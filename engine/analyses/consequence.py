"""What a variant does to the gene models it meets, transcript by transcript, as Sequence Ontology terms and HGVS names.

The alleles are trimmed to what changes. The change is made in the spliced coding sequence, and both proteins are translated and compared
(`consequence_protein`). A deletion or insertion in a repeat is the same letters at every place where it can be written, so what stands
unchanged in one of its outermost places (a stop codon, a splice site) is unchanged: of both, the less severe answer is given.
Genes are looked for up to `NEAR_BP` away.
"""

from __future__ import annotations

import itertools
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.analyses.consequence_hgvs import Numbering, protein_name, transcript_name
from engine.analyses.consequence_protein import ProteinChange, coding_effect
from engine.analyses.consequence_reading import BlockLetters, Genome, Reading, with_its_stop
from engine.analyses.consequence_splicing import Structure
from engine.analyses.genetic_code import genetic_code, known_tables
from engine.core.alleles import Change, placements
from engine.core.consequences import RANKS, Consequence, in_order
from engine.core.errors import LocusError, SequenceError
from engine.core.transcripts import Transcript, Transcripts
from engine.core.variants import Variant

NEAR_BP = 1000
_KEPT = 512
INTERGENIC = Consequence(("intergenic_variant",))
_UNKNOWN_PROTEIN = frozenset(
    {
        "splice_donor_variant",
        "splice_acceptor_variant",
        "coding_sequence_variant",
        "frameshift_variant",
        "inframe_insertion",
        "inframe_deletion",
    }
)
_SPLICED = frozenset({"splice_donor_variant", "splice_acceptor_variant"})


class Answer(NamedTuple):
    """Terms of one change on one transcript, with the protein change where there is one."""

    terms: set[str]
    protein: ProteinChange | None = None
    note: str = ""


class Model:
    """A transcript with what is worked out of it once, when it is first met: structure, numbering, and its reading where it is translated."""

    def __init__(self, transcript: Transcript, genome: BlockLetters) -> None:
        self.transcript, self._genome = (
            with_its_stop(transcript, genome) if transcript.stop_apart and transcript.coding else transcript,
            genome,
        )
        self.structure = Structure(self.transcript)

    @cached_property
    def numbering(self) -> Numbering:
        """HGVS positions."""
        return Numbering(self.transcript)

    @property
    def reading(self) -> Reading | None:
        """The coding sequence; None without one, or when it cannot be read."""
        return self._read[0]

    @property
    def problem(self) -> str:
        """Why the coding sequence cannot be read; empty when it can."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Reading | None, str]:
        transcript = self.transcript
        if not transcript.coding or transcript.problem:
            return None, transcript.problem
        name, code = transcript.identifier[:60], genetic_code(transcript.code)
        if code is None:
            return None, f"{name} states a genetic code that NCBI does not have; its tables are {known_tables()}."
        try:
            reading = Reading(transcript, code, self._genome, self.structure)
        except (LocusError, SequenceError) as error:
            return None, f"The coding sequence of {name} cannot be read: {error}"
        if transcript.phases_differ and reading.has_stop_inside:
            return (
                None,
                f"The phases of the coding parts of {name} do not follow from their lengths, and read on they meet a stop codon inside.",
            )
        return reading, ""

    def answer(self, change: Change, contig: str) -> Answer | None:
        """Terms of a change; None for one that is too far away."""
        structure = self.structure
        terms = structure.splice_terms(change, contig)
        if not structure.holds(change, contig):
            beside = structure.beside(change, contig, NEAR_BP)
            return Answer(terms or {beside}) if terms or beside else None
        if structure.ablated(change, contig):
            return Answer({"transcript_ablation"})
        if structure.meets_intron(change, contig):
            terms.add("intron_variant")
        if not self.transcript.coding:
            exonic = {"non_coding_transcript_exon_variant"} if structure.meets_exon(change, contig) else set()
            return Answer(terms | exonic or {"intron_variant"})
        utr = structure.untranslated_terms(change, contig)
        found = self._coding(change, contig, spliced=bool(terms & _SPLICED))
        if found is None and not terms and not utr:
            if not structure.between_coding_parts(change, contig):
                return Answer({"intron_variant"})
            return Answer({"coding_sequence_variant"}, None, f"{self.transcript.identifier[:60]} leaves this out between two coding parts.")
        if found is None:
            return Answer(terms | utr)
        return found._replace(terms=terms | utr | found.terms)

    def _coding(self, change: Change, contig: str, *, spliced: bool) -> Answer | None:
        """What a change does to the protein; None when it touches no coding base."""
        if self.reading is None:
            touched = any(part.contig == contig and part.start < change.end and change.start < part.end for part in self.transcript.coding)
            return Answer({"coding_sequence_variant"}, None, self.problem) if touched else None
        begin, end = self.reading.begin, self.reading.end
        places = [place for place in self.reading.places(change, contig) if place[0] < end and place[1] > begin]
        places = [place for place in places if place[0] < place[1] or begin < place[0]]
        if not places:
            return None
        return Answer({"coding_sequence_variant"}) if spliced else Answer(*coding_effect(self.reading, places))

    def consequence(self, contig: str, outermost: tuple[Change, Change], genome: BlockLetters) -> Consequence | None:
        """The less severe answer of the two outermost places of a change, of equal ones that of the 3' place, with its names; None for a
        change too far away."""
        places = dict.fromkeys(outermost[::-1] if self.transcript.exons[0].forward else outermost)
        found = [self.answer(change, contig) for change in places]
        answers = [answer for answer in found if answer is not None]
        if len(answers) < len(found):
            return None if not answers else self._named(Answer(answers[0].terms), contig, outermost, genome)
        return self._named(max(answers, key=_mildness), contig, outermost, genome)

    def _named(self, answer: Answer, contig: str, outermost: tuple[Change, Change], genome: BlockLetters) -> Consequence:
        transcript = self.transcript
        inside = all(self.structure.holds(change, contig) for change in outermost)
        name = ""
        if inside:
            name = transcript_name(self.numbering, contig, *outermost, lambda start, end: genome.clipped(contig, start, end))
        protein = ""
        if answer.protein is not None and self.reading is not None:
            protein = protein_name(self.reading, answer.protein)
        elif transcript.coding and answer.terms & _UNKNOWN_PROTEIN:
            protein = "p.?"
        notes = dict.fromkeys(filter(None, (answer.note, transcript.note if answer.protein is not None else "")))
        code = transcript.code if transcript.coding else 0
        return Consequence(in_order(answer.terms), transcript.gene, transcript.identifier, name, protein, code, " ".join(notes))


def _mildness(answer: Answer) -> tuple[int, ...]:
    """Order of answers: the less severe the terms, and the fewer, the larger."""
    return (*sorted(RANKS[term] for term in answer.terms), len(RANKS))


class GeneModels:
    """Transcripts by place, and the letters of their coding parts as they are needed.

    Parameters
    ----------
    transcripts : Transcripts
        From `engine.sources.transcripts`.
    genome : Genome
        Letters by the transcripts' contig names.
    """

    def __init__(self, transcripts: Transcripts, genome: Genome) -> None:
        self._transcripts = transcripts
        self._genome = genome if isinstance(genome, BlockLetters) else BlockLetters(genome)
        edges = transcripts.edges()
        self._contigs = {name: number for number, name in enumerate(edges.contigs)}
        order = np.lexsort((edges.start, edges.contig))
        self._start, self._end, self._which = edges.start[order], edges.end[order], edges.transcript[order]
        self._bounds = np.searchsorted(edges.contig[order], np.arange(len(edges.contigs) + 1))
        self._reach = _farthest(self._end, self._bounds)
        self._model = lru_cache(_KEPT)(self._made)

    @property
    def contigs(self) -> tuple[str, ...]:
        """Contigs that have gene models."""
        return tuple(self._contigs)

    def consequences(self, contig: str, variant: Variant) -> tuple[Consequence, ...]:
        """Consequences of a variant on ``contig`` (as the annotation names it), one a transcript, the most severe first.

        Of equally severe ones those come first that the annotation prefers. Without a transcript within `NEAR_BP` the only one is
        ``intergenic_variant``; none for alleles that are the same, or no letters.
        """
        change = variant.change
        if change is None or not (change.reference or change.alternate):
            return ()
        outermost = placements(change, lambda start, end: self._genome.clipped(contig, start, end))
        found = []
        for index in self._near(contig, outermost[0].start, outermost[1].end):
            model = self._model(index)
            consequence = model.consequence(contig, outermost, self._genome)
            if consequence is not None:
                found.append((consequence.rank, not model.transcript.preferred, index, consequence))
        return tuple(item[-1] for item in sorted(found)) or (INTERGENIC,)

    def _made(self, index: int) -> Model:
        return Model(self._transcripts[index], self._genome)

    def _near(self, contig: str, start: int, end: int) -> list[int]:
        """Transcripts within `NEAR_BP`, in the order of the annotation."""
        number = self._contigs.get(contig)
        if number is None:
            return []
        low, high = self._bounds[number], self._bounds[number + 1]
        first = low + np.searchsorted(self._reach[low:high], start - NEAR_BP, side="left")
        last = low + np.searchsorted(self._start[low:high], end + NEAR_BP, side="right")
        meets = np.flatnonzero(self._end[first:last] >= start - NEAR_BP)
        return sorted(set(self._which[first:last][meets].tolist()))


def _farthest(ends: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest end so far on each contig."""
    found = ends.copy()
    for low, high in itertools.pairwise(bounds):
        np.maximum.accumulate(found[low:high], out=found[low:high])
    return found
