"""What a visitor asks to see, and what that turns out to be: text to sequence, record, window and strand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.analyses.generate import GENERATED
from engine.core.alleles import Change
from engine.core.errors import LocusError
from engine.core.features import Feature
from engine.core.locus import is_contig_name
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.sources.assemblies import assembly
from engine.sources.examples import Example, example
from engine.sources.records import place_of
from engine.views.evidence import Mark
from pages._ui import address

if TYPE_CHECKING:
    from engine.sources.understand import Understood
    from pages._ui.address import AddressState

FILE = "file "
"""How the text of a question begins that came from a visitor's file."""
LONGEST_NAMED = 12
"""Letters of an allele that its name spells."""


@dataclass(frozen=True)
class Question:
    """``text`` as typed (or the letters of an upload's record), ``record`` of several, ``window`` half-open on the forward letters;
    ``species`` one the model knows, or empty; ``settings`` of the analyses that are not the usual ones, by their names in the address;
    ``asked`` analyses that were switched on; ``elements`` the model of the element track, with ``/SPECIES`` where it takes one, empty for the usual one, ``none`` for no track;
    ``allele`` what is changed, in letters of the record as DNA (the window may leave it out); ``moved`` that the visitor came there by moving,
    so that only what costs next to nothing is computed without being asked for; ``elsewhere`` the species asked of every other sequence, where
    the switch of a model's memory chose that of this one (None: it did not)."""

    text: str
    model: str = ""
    record: int = 0
    reverse: bool = False
    window: tuple[int, int] | None = None
    species: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()
    elements: str = ""
    allele: Change | None = None
    moved: bool = False
    elsewhere: str | None = None

    @classmethod
    def of_address(cls, state: AddressState, usual_text: str) -> Question:
        """The question an address asks; without a sequence in it, the usual example."""
        return cls(
            state.text or usual_text,
            state.model,
            state.record,
            state.reverse,
            state.window,
            state.species,
            state.settings,
            state.asked,
            state.elements,
            state.allele,
            elsewhere=state.elsewhere,
        )

    @property
    def is_of_file(self) -> bool:
        """Whether the letters are those of a visitor's file."""
        return self.text.startswith(FILE)

    @property
    def element_model(self) -> str:
        """The model in ``elements``."""
        return self.elements.partition("/")[0]

    @property
    def element_species(self) -> str:
        """The species in ``elements``."""
        return self.elements.partition("/")[2]

    def about(self, text: str) -> Question:
        """The same question about another text."""
        return replace(self.of_another, text=text, record=0, reverse=False, window=None, allele=None, moved=False)

    @property
    def of_another(self) -> Question:
        """What is asked of another sequence: the switch of a model's memory belongs to the one it was pressed for."""
        return self if self.elsewhere is None else replace(self, species=self.elsewhere, elsewhere=None)

    def switched(self, species: str) -> Question:
        """With the species that the switch of a model's memory puts there; pressed again, with the one before."""
        return replace(self, species=species, elsewhere=self.species) if self.elsewhere is None else self.of_another

    def told(self, species: str) -> Question:
        """With a species that the visitor chose."""
        return replace(self, species=species, elsewhere=None)

    def by(self, model: str) -> Question:
        """The same question to a model; another one is told no species."""
        return self if model == self.model else replace(self.told(""), model=model)


@dataclass(frozen=True)
class Shown:
    """What is on screen.

    ``sequence`` after window and strand; ``whole`` before; ``features`` in indices of ``sequence``; ``records`` names of all records;
    ``change`` what the question's allele changes, in letters and indices of ``sequence``, None where it lies outside; ``whole_features`` in
    indices of ``whole``.
    """

    sequence: NucleotideSequence
    whole: NucleotideSequence
    features: tuple[Feature, ...]
    kind: str
    notes: tuple[str, ...]
    records: tuple[str, ...]
    example: Example | None
    change: Change | None = None
    whole_features: tuple[Feature, ...] = ()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The first base that the allele changes, marked; of an insertion the base before it."""
        if self.change is None:
            return ()
        place = self.change.start if self.change.reference else max(0, self.change.start - 1)
        return (Mark(place, named(self.change)),)

    @property
    def title(self) -> str:
        """Name on screen."""
        if self.example is not None:
            return self.example.title
        return self.sequence.name or (str(self.sequence.locus) if self.whole.locus else "Pasted sequence")

    @property
    def organism(self) -> str:
        """Species and strain, where they are known."""
        if self.example is not None:
            return self.example.organism
        found = assembly(self.sequence.locus.assembly) if self.sequence.locus is not None else None
        return found.organism if found is not None else ""

    @cached_property
    def identity(self) -> str:
        """Identity of the view: letters and place; the other strand has another."""
        return self._identity(self.sequence)

    @cached_property
    def mirrored_identity(self) -> str:
        """Identity of the same place read on the other strand."""
        return self._identity(self.sequence.reverse_complement())

    def _identity(self, sequence: NucleotideSequence) -> str:
        place = sequence.locus if self.whole.locus is not None else None  # letters without a place get one on the other strand alone
        return hashlib.sha256(f"{sequence.letters} {place}".encode()).hexdigest()[:16]


def resolve(question: Question, understood: Understood, added: tuple[Feature, ...] = ()) -> Shown:
    """Pick the record, cut the window, turn the strand. Raises `LocusError` for a record or window that does not exist.

    ``added``: features of an uploaded annotation, in indices of the whole record.
    """
    records = understood.records
    if not 0 <= question.record < len(records):
        raise LocusError(f"Record {question.record + 1} was asked for; there are {len(records)}: choose one of them.")
    whole = records[question.record]
    features = (*_placed(understood.record_features[question.record], whole), *added)
    sequence, whole_features = whole, features
    if question.window is not None:
        start, end = question.window
        if end > len(whole):
            raise LocusError(f"The window {start + 1:,}-{end:,} is outside the sequence; positions 1 to {len(whole):,} exist.")
        sequence = whole.window(start, end)
        features = tuple(_cut(features, start, end))
    if question.reverse:  # letters without a place get one, so that strand and positions are told as of any other
        sequence = replace(sequence, locus=place_of(sequence)).reverse_complement()
        features = tuple(_turned(features, len(sequence)))
    change = _change(question, whole, len(sequence))
    named = understood.normal.split("; ") if understood.kind == "locus" else []  # several places, as they were asked for
    called = named if len(named) == len(records) > 1 else [record.name for record in records]
    names = tuple(name or f"record {index + 1}" for index, name in enumerate(called))
    return Shown(sequence, whole, features, understood.kind, understood.notes, names, example(question.text), change, whole_features)


def named(change: Change) -> str:
    """``C31T``, ``31_32del``, ``30_31insG`` or ``31_32delinsG``, counted from 1 in the letters shown."""
    first, last = change.start + 1, change.end
    if len(change.reference) == len(change.alternate) == 1:
        return f"{change.reference}{first}{change.alternate}"
    letters = change.alternate if len(change.alternate) <= LONGEST_NAMED else f"{len(change.alternate):,} bases"
    if not change.reference:
        return f"{change.start}_{first}ins{letters}"
    place = str(first) if first == last else f"{first}_{last}"
    return f"{place}del" if not change.alternate else f"{place}delins{letters}"


def _change(question: Question, whole: NucleotideSequence, length: int) -> Change | None:
    """The allele in letters of what is shown. Raises `LocusError` where the record has other letters."""
    allele = question.allele
    if allele is None:
        return None
    if allele.end > len(whole):
        raise LocusError(f"The allele changes base {allele.end:,}, but the sequence has {len(whole):,}; check its position.")
    found = whole.as_dna()[allele.start : allele.end]
    if found != allele.reference:
        there = f"{found[:20]} at {allele.start + 1:,}"
        raise LocusError(f"The sequence has {there}, the allele expects {allele.reference[:20]}; check the position and the strand.")
    low, high = question.window or (0, len(whole))
    if not low <= allele.start <= allele.end <= high or len(allele.reference) == length:
        return None
    change = replace(allele, start=allele.start - low)
    change = change.turned(length) if question.reverse else change
    if whole.alphabet is Alphabet.RNA:
        change = replace(change, reference=change.reference.replace("T", "U"), alternate=change.alternate.replace("T", "U"))
    return change


def in_record(change: Change, question: Question, shown: Shown) -> Change:
    """A change in letters of what is shown, as an allele of the record."""
    forward = change.turned(len(shown.sequence)) if question.reverse else change
    low = question.window[0] if question.window is not None else 0
    reference, alternate = (text.replace("U", "T") for text in (forward.reference, forward.alternate))
    return Change(forward.start + low, reference, alternate)


def _placed(features: tuple[Feature, ...], sequence: NucleotideSequence) -> list[Feature]:
    placed = [item.relative_to(sequence.locus) if item.contig and sequence.locus is not None else item for item in features]
    return [item for item in placed if item is not None and item.end <= len(sequence)]


def _cut(features: tuple[Feature, ...], start: int, end: int) -> list[Feature]:
    inside = (item.cut(start, end) for item in features if item.start < end and item.end > start)
    return [replace(item, start=item.start - start, end=item.end - start) for item in inside]


def _turned(features: tuple[Feature, ...], length: int) -> list[Feature]:
    other = {"+": "-", "-": "+", ".": "."}
    return [replace(item, start=length - item.end, end=length - item.start, strand=other[item.strand]) for item in features]


def narrowed(question: Question, shown: Shown, start: int, end: int) -> Question:
    """The question for bases ``start`` to ``end`` (half-open) of what is shown now."""
    low, high = question.window or (0, len(shown.whole))
    window = (high - end, high - start) if question.reverse else (low + start, low + end)
    return replace(question, window=window, moved=False)


def address_of(question: Question, shown: Shown, usual_model: str) -> str | None:
    """What the address bar says about the question; None when the letters are too many for an address, or those of a visitor's file."""
    if question.is_of_file:
        return None
    strand = "reverse" if question.reverse else ""
    window = f"{question.window[0] + 1}-{question.window[1]}" if question.window else ""
    model = question.model if question.model != usual_model else ""
    record = question.record + 1 if question.record else ""
    common: dict[str, Any] = {"model": model, "species": question.species, "strand": strand, "analyses": ",".join(question.asked)}
    common |= {"allele": address.allele_text(question.allele), "species_elsewhere": address.species_text(question.elsewhere)}
    common |= {"elements": question.elements, **dict(question.settings)}
    if shown.example is not None:
        return address.build("example", shown.example.id, window=window, **common)
    if shown.kind == "locus":
        return address.build("locus", question.text.strip(), window=window, record=record, **common)
    if question.allele is not None:  # counted in the whole record, and scored in it
        letters, common["window"] = shown.whole.letters, window
    else:
        letters = (shown.sequence.reverse_complement() if question.reverse else shown.sequence).letters
    if len(letters) > address.LONGEST_SEQUENCE:
        return None
    name = _name_in_address(question, shown)
    return address.build("sequence", f">{name}\n{letters}" if name else letters, **common)


def _name_in_address(question: Question, shown: Shown) -> str:
    """What the letters in an address are called, where they have a name: that of the record, and of a part of it with its place there, as `part_for_box`
    says it; generated ones are always called so, so that a link does not show them as anybody's."""
    whole, name = shown.whole, shown.whole.name
    if name.startswith(GENERATED):
        return name[: address.LONGEST_NAME]
    if question.window is not None and question.allele is None and is_contig_name(name):
        name = str(replace(whole, locus=place_of(whole)).window(*question.window).locus)
    return name if name.isprintable() and len(name) <= address.LONGEST_NAME else ""


def part_for_box(record: NucleotideSequence, start: int, end: int, strand: str = "+", *, by_locus: bool = False) -> str:
    """What the box takes to show ``[start, end)`` of a record on a strand of it: its letters under the locus that they have, or the locus alone.

    A record without a place counts from 1 under its own name.
    """
    located = record if record.locus is not None else replace(record, locus=place_of(record))
    part = located.window(start, end)
    part = part.reverse_complement() if strand == "-" else part
    return str(part.locus) if by_locus else f">{part.locus}\n{part.letters}"


def echo(shown: Shown) -> str:
    """What was understood, in words."""
    sequence = shown.sequence
    parts = [f"{len(sequence):,} bases of {sequence.alphabet}"]
    if sequence.locus is not None:
        locus = sequence.locus
        strand = "reverse strand" if locus.strand == "-" else "forward strand"
        name = f"{locus.assembly} " if locus.assembly else ""
        place = f"{name}{locus.contig}:" if shown.whole.locus is not None else "positions "
        parts.append(f"{place}{locus.start + 1:,}-{locus.end:,} (1-based), {strand}")
    else:
        parts.append("as given")
    if len(sequence) != len(shown.whole):
        parts.append(f"a window of {len(shown.whole):,}")
    count = sequence.ambiguous_count
    parts.append(f"{count:,} ambiguous" if count else "no N")
    return ", ".join(parts)
