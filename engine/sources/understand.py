"""The one input box: letters, FASTA, GenBank, a locus, a gene name or an example, with an echo of what was understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.core.errors import FileFormatError, InputError, LocusError, SequenceError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus, Strand
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.sources.annotation import Annotation, FeatureIndex, parse_annotation, split_fasta, style_of
from engine.sources.assemblies import assembly, find_contig, nearest
from engine.sources.compressed import text_of
from engine.sources.examples import EXAMPLES, example
from engine.sources.fasta import parse_fasta
from engine.sources.genbank import parse_genbank
from engine.sources.genomes import GenomeSet
from engine.sources.letters import sequence_from
from engine.sources.locus_text import WINDOW_BP, VariantText, looks_like_locus, parse_locus_text, parse_variant_text

Kind = Literal["letters", "fasta", "genbank", "locus", "example"]
_CONTIG_LIKE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.|*#-]{0,99}$")
_NAME_LIKE = re.compile(r"^[A-Za-z][A-Za-z0-9_().'-]{1,39}$")
_ONLY_IUPAC = re.compile(r"^[ACGTURYSWKMBDHVN]+$", re.IGNORECASE)
_LONGEST_LINE = 300
_GENBANK_START = re.compile(r"^\s*LOCUS\s+\S+\s", re.IGNORECASE)


@dataclass(frozen=True)
class Understood:
    """What an input means.

    Parameters
    ----------
    records : tuple of NucleotideSequence
        At least one; more than one for FASTA and GenBank with several records.
    kind : str
        ``letters``, ``fasta``, ``genbank``, ``locus`` or ``example``.
    notes : tuple of str
        Sentences that echo what was understood, for the first record, and anything that was added or changed.
    record_features : tuple of tuples of Feature
        For each record its features, in indices of its letters; empty tuples where there are none.
    """

    records: tuple[NucleotideSequence, ...]
    kind: Kind
    notes: tuple[str, ...] = ()
    record_features: tuple[tuple[Feature, ...], ...] = ()

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
        parts.append(f"{prefix}{place.contig}:{place.start + 1:,}-{place.end:,} (1-based), {strand}")
    unknown = sequence.letters.count("N")
    other = sequence.ambiguous_count - unknown
    parts.append(f"{unknown:,} N" + (f" and {other:,} other ambiguous letters" if other else ""))
    return ", ".join(parts)


def _choice_note(records: tuple[NucleotideSequence, ...], what: str) -> tuple[str, ...]:
    if len(records) < 2:
        return ()
    return (f"{len(records):,} {what} records; the first, {records[0].name or 'unnamed'}, is shown: choose another one by name.",)


def _from_fasta(text: str) -> Understood:
    records = parse_fasta(text)
    return Understood(records, "fasta", (echo(records[0]), *_choice_note(records, "FASTA")))


def _from_genbank(text: str) -> Understood:
    records, features = parse_genbank(text)
    relative = tuple(
        tuple(inside for item in found if record.locus is not None and (inside := item.relative_to(record.locus)) is not None)
        for record, found in zip(records, features, strict=True)
    )
    return Understood(records, "genbank", (echo(records[0]), *_choice_note(records, "GenBank")), relative)


def _from_gff3(name: str, text: str) -> Understood:
    """GFF3 with its FASTA inside, as genome databases give it."""
    lines, fasta = split_fasta(text)
    if not fasta.strip():
        raise FileFormatError(f"The file {name[-60:]!r} is an annotation without letters; give it together with its FASTA, or GenBank.")
    records = parse_fasta(fasta)
    index = FeatureIndex(parse_annotation(lines.splitlines(), "gff3"))
    features = tuple(_relative(index, record) for record in records)
    return Understood(records, "fasta", (echo(records[0]), *_choice_note(records, "FASTA")), features)


def _relative(index: Annotation, record: NucleotideSequence) -> tuple[Feature, ...]:
    """Features of an annotation on a record, by its locus or, without one, by its name."""
    place = record.locus or Locus("", record.name if _CONTIG_LIKE.match(record.name) else "sequence", 0, len(record))
    row = assembly(place.assembly) if place.assembly else None
    contig = find_contig(place.contig, index.contigs(), row.contigs if row else None)
    if contig is None:
        return ()
    found = (item.relative_to(place) for item in index.overlapping(contig, place.start, place.end))
    return tuple(item for item in found if item is not None)


def read_features(name: str, data: bytes, sequence: NucleotideSequence, settings: Settings) -> tuple[Feature, ...]:
    """Features of an uploaded GFF3, GTF, BED or GenBank file on a sequence, in indices of its letters.

    Contigs are matched by the sequence's locus, or by its name when it has none (coordinates 1..length).

    Raises
    ------
    FileFormatError
        Too large, not annotation, or broken.
    LocusError
        The file has no features on this sequence's contig; the message names the contigs it has.
    """
    text = text_of(name, data, settings.max_upload_bytes)
    if _GENBANK_START.match(text[:400]):
        index = FeatureIndex(item for found in parse_genbank(text)[1] for item in found)
    else:
        index = FeatureIndex(parse_annotation(text.splitlines(), style_of(name, text[:200])))
    found = _relative(index, sequence)
    if not found:
        where = str(sequence.locus) if sequence.locus is not None else repr(sequence.name[:40])
        raise LocusError(
            f"The file {name[-60:]!r} has no features on {where}; its contigs are {nearest(where, index.contigs()) or 'none'}."
        )
    return found


def _from_place(locus: Locus, genomes: GenomeSet, notes: tuple[str, ...] = ()) -> Understood:
    sequence = genomes.fetch(locus)
    place = sequence.locus or locus
    try:
        features = genomes.features(place)
    except (SourceUnavailable, LocusError) as error:
        features, notes = (), (*notes, f"No annotation is shown: {error}")
    return Understood((sequence,), "locus", (echo(sequence), *notes), (features,))


def _from_locus(text: str, genomes: GenomeSet) -> Understood:
    parsed = parse_locus_text(text)
    locus = genomes.resolve(parsed)
    notes = []
    if parsed.position is not None:
        notes.append(f"A single position was given: the window of {WINDOW_BP} bp around it is shown.")
    given = text.split(":")[0].strip()
    if parsed.assembly and parsed.assembly != locus.assembly:
        notes.append(f"{given} is another name of {locus.assembly}.")
    if parsed.contig != locus.contig:
        notes.append(f"{parsed.contig} is called {locus.contig} there.")
    return _from_place(locus, genomes, tuple(notes))


def _from_variant(variant: VariantText, genomes: GenomeSet) -> Understood:
    """The window around a variant, with the variant as a feature; a reference letter that does not fit is said, and the region still shown."""
    found = _from_place(genomes.resolve(variant.locus), genomes)
    record, position = found.records[0], variant.locus.position or 1
    if record.locus is None:
        return found
    index = record.locus.index_of(position)
    there = record.letters[index : index + len(variant.reference)]
    label = f"{variant.reference}>{variant.alternate}"
    if there == variant.reference:
        note = f"The variant {label} is at position {index + 1} of the window, {position:,} on {record.locus.contig}."
    else:
        note = f"The reference has {there} at {position:,}, not {variant.reference}: check the assembly and the strand of {label}."
    feature = Feature("variant", label, index, min(index + len(variant.reference), len(record)), "+")
    return Understood(found.records, "locus", (*found.notes, note), ((*found.features, feature),))


def _from_example(text: str) -> Understood | None:
    found = example(text)
    if found is None:
        return None
    notes = (echo(found.sequence), f"Example: {found.title}, {found.accession}.", found.what_to_see)
    return Understood((found.sequence,), "example", notes, (found.features,))


def _from_name(text: str, genomes: GenomeSet) -> Understood | None:
    """A single word: a gene of a registered annotation; None when it can only be letters, else a sentence with the nearest example."""
    found = genomes.gene(text)
    if found is not None:
        locus, feature = found
        return _from_place(locus, genomes, (f"{feature.name or text} is a {feature.kind} of {locus.assembly}.",))
    bases = sum(letter in "ACGTUN" for letter in text.upper())
    if _ONLY_IUPAC.match(text) or bases >= 0.7 * len(text) or (len(text) >= 10 and text.isalpha()):
        return None
    genomes.refuse_bare_contig(text)
    where = f"no gene of {', '.join(genomes.names())} and " if genomes.names() else ""
    raise InputError(
        f"{text[:40]!r} is {where}no example; write letters, FASTA, GenBank, a locus such as R64:chrIV:1,234-1,533, or an example, "
        f"for instance {nearest(text, [item.id for item in EXAMPLES], 2)}."
    )


def _from_line(line: str, genomes: GenomeSet) -> Understood | None:
    """An example, a locus, a variant or a gene; None when the line can only be letters."""
    found = _from_example(line)
    if found is not None:
        return found
    if looks_like_locus(line):
        return _from_locus(line, genomes)
    variant = parse_variant_text(line)
    if variant is not None:
        return _from_variant(variant, genomes)
    if ":" in line:
        raise LocusError(f"{line[:80]!r} is not a locus; write ASSEMBLY:CONTIG:START-END[:-], for example R64:chrIV:1,234-1,533:-.")
    if _NAME_LIKE.match(line) and any(letter.upper() not in "ACGTUN" for letter in line):
        return _from_name(line, genomes)
    return None


def understand(text: str, genomes: GenomeSet, settings: Settings) -> Understood:
    """Read what was typed or pasted.

    Parameters
    ----------
    text : str
        Letters (any case, white space and position numbers allowed), FASTA, a GenBank record, a locus or a variant (see
        `engine.sources.locus_text`), a gene name of a registered annotation, or the id or title of an example.
    genomes : GenomeSet
        Assemblies that may be named.
    settings : Settings
        Bounds.

    Raises
    ------
    InputError
        With one sentence that says what was given, what is allowed and what to do.
    SourceUnavailable
        A locus whose assembly cannot be reached.
    """
    if len(text) > settings.max_upload_bytes:
        raise SequenceError(
            f"The text has {len(text):,} characters; up to {settings.max_upload_bytes:,} are taken; "
            "register a large genome in the setting genomes and name a locus of it."
        )
    if not text.strip():
        raise SequenceError("Nothing was given; paste letters, FASTA or GenBank, or name a locus or an example.")
    head = text[:400].lstrip("\ufeff \t\r\n")
    if head.startswith((">", ";")):
        return _from_fasta(text.lstrip("\ufeff \t\r\n"))
    if _GENBANK_START.match(head):
        return _from_genbank(text.lstrip("\ufeff \t\r\n"))
    found = _from_line(text.strip(), genomes) if len(text) <= _LONGEST_LINE else None
    if found is not None:
        return found
    sequence = sequence_from(text)
    return Understood((sequence,), "letters", (echo(sequence),))


def read_upload(name: str, data: bytes, settings: Settings) -> Understood:
    """Read an uploaded FASTA, GenBank or GFF3-with-FASTA file, or plain letters, packed with gzip or not.

    Raises
    ------
    FileFormatError
        Too large (also after unpacking), another packing, not text, or broken.
    SequenceError
        Letters that cannot be used.
    """
    text = text_of(name, data, settings.max_upload_bytes).lstrip("\ufeff \t\r\n")
    if text.startswith((">", ";")):
        return _from_fasta(text)
    if _GENBANK_START.match(text[:400]):
        return _from_genbank(text)
    if text.startswith("##gff-version"):
        return _from_gff3(name, text)
    stem = re.sub(r"\.(txt|seq|fa|fasta|gz)$", "", name[-60:], flags=re.IGNORECASE)
    sequence = sequence_from(text, stem)
    return Understood((sequence,), "letters", (echo(sequence),))
