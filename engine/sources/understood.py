"""What an input turned out to mean, and its echo in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.core.errors import SequenceError
from engine.core.features import Feature
from engine.core.locus import Strand, contig_in_text
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.sources.records import Records

Kind = Literal["letters", "fasta", "genbank", "locus", "example"]


@dataclass(frozen=True)
class Understood:
    """What an input means.

    Parameters
    ----------
    records : tuple of NucleotideSequence
        At least one; more than one for FASTA and GenBank with several records, and for several places.
    kind : str
        ``letters``, ``fasta``, ``genbank``, ``locus`` or ``example``.
    notes : tuple of str
        Sentences that echo what was understood, for the first record, and anything that was added, changed or left out.
    record_features : tuple of tuples of Feature
        For each record its features, in indices of its letters; empty tuples where there are none.
    normal : str
        The same question in its normal form, to be written back into the box; empty for letters and files.
    """

    records: tuple[NucleotideSequence, ...]
    kind: Kind
    notes: tuple[str, ...] = ()
    record_features: tuple[tuple[Feature, ...], ...] = ()
    normal: str = ""

    def __post_init__(self) -> None:
        if not self.records:
            raise SequenceError("There is no sequence; give at least one base.")
        if not self.record_features:
            object.__setattr__(self, "record_features", ((),) * len(self.records))

    @property
    def features(self) -> tuple[Feature, ...]:
        """Features of the first record."""
        return self.record_features[0]


def echo(sequence: NucleotideSequence) -> str:
    """One line: length, alphabet, place (1-based), strand, number of ambiguous letters."""
    unit = "nt of RNA" if sequence.alphabet is Alphabet.RNA else "bp of DNA"
    parts = [f"{len(sequence):,} {unit}"]
    if sequence.locus is not None:
        place = sequence.locus
        prefix = f"{place.assembly}:" if place.assembly else ""
        strand = "+ strand" if place.strand is Strand.FORWARD else "− strand"
        parts.append(f"{prefix}{contig_in_text(place.contig[:80])}:{place.start + 1:,}-{place.end:,} (1-based), {strand}")
    unknown = sequence.letters.count("N")
    other = sequence.ambiguous_count - unknown
    parts.append(f"{unknown:,} N" + (f" and {other:,} other ambiguous letters" if other else ""))
    return ", ".join(parts)


def choice_note(records: tuple[NucleotideSequence, ...], what: str) -> tuple[str, ...]:
    """One sentence when there are several records; the first is shown."""
    if len(records) < 2:
        return ()
    return (f"{len(records):,} {what}; the first, {records[0].name[:80] or 'unnamed'}, is shown: choose another one by name.",)


def of_records(found: Records) -> Understood:
    """What sequences that were read mean."""
    what = {"fasta": "FASTA records", "genbank": "GenBank records"}.get(found.kind, "records")
    return Understood(found.records, found.kind, (echo(found.records[0]), *choice_note(found.records, what), *found.notes), found.features)
