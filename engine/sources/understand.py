"""The one input box: letters, FASTA, GenBank, loci, variants, gene names or an example, with an echo of what was understood.

The command line, links and uploads are read by the same functions.
"""

from __future__ import annotations

from engine.core.errors import LocusError, SequenceError
from engine.core.features import Feature
from engine.core.progress import Monitor
from engine.core.quoting import file_name, quoted
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.sources.annotation_index import features_of_upload
from engine.sources.assemblies import assembly, nearest
from engine.sources.door import Bounds, lines_of
from engine.sources.genomes import GenomeSet
from engine.sources.kinds import text_kind
from engine.sources.named_places import Places
from engine.sources.records import place_of, read_file, read_lines
from engine.sources.understood import Understood as Understood
from engine.sources.understood import of_records

_HEAD = 4096
_LONGEST_LIST = 2000


def read_features(name: str, data: bytes, sequence: NucleotideSequence, settings: Settings) -> tuple[Feature, ...]:
    """Features of an uploaded GFF3, GTF, BED or GenBank file on a sequence, in indices of its letters.

    Contigs are matched by the sequence's locus, or by its name when it has none (coordinates 1..length).

    Raises
    ------
    FileFormatError
        Too large, not annotation, or not one line that can be read.
    LocusError
        The file has no features on this sequence; the message names the contigs it has.
    """
    return read_features_with_note(name, data, sequence, settings)[0]


def read_features_with_note(name: str, data: bytes, sequence: NucleotideSequence, settings: Settings) -> tuple[tuple[Feature, ...], str]:
    """`read_features`, and one sentence about lines that were left out (empty when there are none)."""
    place = place_of(sequence)
    row = assembly(place.assembly) if place.assembly else None
    found, contigs, note = features_of_upload(name, data, Bounds.of(settings), place, row.contigs if row else None)
    inside = tuple(item for item in (feature.relative_to(place) for feature in found) if item is not None)
    if not inside:
        where = quoted(str(sequence.locus) if sequence.locus is not None else sequence.name, 60)
        known = nearest(place.contig, (contig[:40] for contig in contigs)) or "none"
        raise LocusError(" ".join(filter(None, (f"The file {file_name(name)} has no features on {where}; its contigs are {known}.", note))))
    return inside, note


def understand(text: str, genomes: GenomeSet, settings: Settings, monitor: Monitor | None = None, *, annotate: bool = True) -> Understood:
    """Read what was typed or pasted.

    Parameters
    ----------
    text : str
        Letters (any case, white space and position numbers allowed), FASTA, a GenBank or EMBL record, a locus (see
        `engine.sources.locus_text`), a variant (`engine.sources.variant_text`), a gene name of a registered annotation, an accession, a dbSNP
        identifier, the id or title of an example, or up to `MOST_PLACES` of these names.
    genomes : GenomeSet
        Assemblies that may be named.
    settings : Settings
        Bounds.
    monitor : Monitor or None
        Can stop while a public service is asked.
    annotate : bool
        Whether features are looked up, too.

    Raises
    ------
    InputError
        With one sentence that says what was given, what is allowed and what to do.
    SourceUnavailable
        A locus whose assembly cannot be reached.
    Cancelled
        Through the monitor.
    """
    if len(text) > settings.max_upload_bytes:
        raise SequenceError(
            f"The text has {len(text):,} characters; up to {settings.max_upload_bytes:,} are taken; "
            "register a large genome in the setting LOCUSCOPE_GENOMES and name a locus of it."
        )
    if not text.strip("\ufeff \t\r\n"):
        raise SequenceError("Nothing was given; paste letters, FASTA or GenBank, or name a locus or an example.")
    kind = text_kind(text[:_HEAD])
    places = Places(genomes, settings, monitor, annotate)
    found = places.of_text(text) if kind is None and len(text) <= _LONGEST_LIST else None
    return found or of_records(read_lines(lines_of(text), kind, "", Bounds.of(settings)))


def read_upload(name: str, data: bytes, settings: Settings) -> Understood:
    """Read an uploaded FASTA, GenBank, EMBL or GFF3-with-FASTA file, or plain letters, packed with gzip or not.

    Raises
    ------
    FileFormatError
        Too large (also after unpacking), another packing, not text, of another kind, or broken.
    SequenceError
        Letters that cannot be used.
    """
    return of_records(read_file(name, data, Bounds.of(settings)))
