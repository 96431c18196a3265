"""Assemblies a visitor may name: those registered by the setting ``genomes``, the shipped examples, and public services.

Visitors name assemblies and contigs, never files.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Protocol

from engine.core.errors import LocusError, ParameterError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus, Strand
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings
from engine.sources.annotation import Annotation, open_annotation
from engine.sources.assemblies import assemblies, assembly, canonical, find_contig, is_accession, nearest
from engine.sources.examples import EXAMPLES
from engine.sources.locus_text import LocusText, parse_locus_text
from engine.sources.reference import Reference

log = logging.getLogger(__name__)


class Remote(Protocol):
    """A public service, or several."""

    def letters(self, locus: Locus) -> str:
        """Forward-strand letters of a locus of a known assembly."""

    def features(self, locus: Locus) -> tuple[Feature, ...]:
        """Its features in coordinates of the contig."""


_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")


def _registered(text: str) -> dict[str, tuple[Path, Path | None]]:
    """The setting ``NAME=FASTA[;ANNOTATION],...``; a GenBank file is its own annotation."""
    found: dict[str, tuple[Path, Path | None]] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, separator, files = item.partition("=")
        if not separator or not name.strip() or not files.strip():
            raise ParameterError(f"The setting genomes has {item[:80]!r}; write NAME=FASTA[;ANNOTATION], separated by commas.")
        fasta, _, annotation = files.partition(";")
        path = Path(fasta.strip()).expanduser()
        extra = Path(annotation.strip()).expanduser() if annotation.strip() else None
        if extra is None and path.name.casefold().removesuffix(".gz").endswith(_GENBANK):
            extra = path
        found[canonical(name.strip())] = (path, extra)
    return found


class GenomeSet:
    """Looks up loci; opens a registered reference or its annotation when it is first asked for. Safe for several threads."""

    def __init__(self, settings: Settings, remote: Remote | None = None) -> None:
        self._settings = settings
        self._files = _registered(settings.genomes)
        self._remote = remote
        self._references: dict[str, Reference] = {}
        self._annotations: dict[str, Annotation] = {}
        self._lock = threading.RLock()

    def names(self) -> tuple[str, ...]:
        """Registered assemblies."""
        return tuple(self._files)

    def known(self) -> tuple[str, ...]:
        """Registered assemblies, then those a public service has (none of them when offline)."""
        others = () if self._settings.offline else tuple(row.name for row in assemblies() if row.provider)
        return tuple(dict.fromkeys((*self._files, *others)))

    def contigs(self, name: str) -> dict[str, int]:
        """Contigs of a registered assembly and their lengths in bases."""
        return self._reference(name).contigs()

    def annotation_file(self, name: str) -> Path | None:
        """The annotation that is registered with an assembly, if any."""
        return self._files.get(canonical(name), (Path(), None))[1]

    def _reference(self, name: str) -> Reference:
        name = canonical(name)
        if name not in self._files:
            raise LocusError(f"The assembly {name[:40]!r} is not registered here; registered: {', '.join(self._files) or 'none'}.")
        with self._lock:
            if name not in self._references:
                self._references[name] = Reference(name, self._files[name][0], self._settings.home / "genomes")
            return self._references[name]

    def _annotation(self, name: str) -> Annotation | None:
        path = self._files[name][1] if name in self._files else None
        if path is None:
            return None
        with self._lock:
            if name not in self._annotations:
                if not path.is_file():
                    raise SourceUnavailable(
                        f"The annotation of {name} is registered as {path.name!r}, which is not there; correct the setting genomes."
                    )
                log.info("reading the annotation of %s", name)
                self._annotations[name] = open_annotation(path)
            return self._annotations[name]

    def _assembly_of(self, text: LocusText) -> str:
        if text.assembly:
            name = canonical(text.assembly)
            if name not in self._files and assembly(name) is None:
                near = nearest(name, (*self.known(), *(row.name for row in assemblies())))
                raise LocusError(f"The assembly {text.assembly[:40]!r} is not known; known are for example {near}.")
            return name
        hits = [name for name in self._files if self._contig(name, text.contig) is not None]
        if len(hits) == 1:
            return hits[0]
        if len(hits) > 1:
            raise LocusError(
                f"The contig {text.contig[:40]!r} is in {', '.join(hits)}; put the assembly in front, such as {hits[0]}:{text.contig}:1-300."
            )
        tables = [row.name for row in assemblies() if find_contig(text.contig, row.contigs, row.contigs) and "." in text.contig]
        if len(tables) == 1:
            return tables[0]
        if not hits and is_accession(text.contig):
            return ""
        known = ", ".join(self.known()) or "none"
        raise LocusError(
            f"No registered assembly has a contig {text.contig[:40]!r}; put an assembly in front of the contig; known: {known}."
        )

    def _contig(self, name: str, contig: str) -> str | None:
        row = assembly(name)
        return find_contig(contig, self.contigs(name), row.contigs if row else None)

    def resolve(self, text: LocusText | str) -> Locus:
        """The locus a text means, with the assembly's and contig's own names; a window around a position is cut at the contig's ends.

        Raises
        ------
        LocusError
            An assembly or contig that is not known (nearest names are given) or coordinates that do not exist.
        """
        parsed = parse_locus_text(text) if isinstance(text, str) else text
        name = self._assembly_of(parsed)
        if name not in self._files:
            row = assembly(name)
            contig = find_contig(parsed.contig, row.contigs, row.contigs) if row and row.contigs else parsed.contig
            if contig is None:
                raise LocusError(
                    f"{name} has no contig {parsed.contig[:40]!r}; nearest: {nearest(parsed.contig, row.contigs if row else ())}."
                )
            return Locus(name, contig, parsed.start, parsed.end, parsed.strand)
        lengths = self.contigs(name)
        contig = self._contig(name, parsed.contig)
        if contig is None:
            raise LocusError(f"{name} has no contig {parsed.contig[:40]!r}; nearest: {nearest(parsed.contig, lengths)}.")
        length = lengths[contig]
        if (parsed.end if parsed.position is None else parsed.position) > length:
            given = f"{parsed.start + 1:,}-{parsed.end:,}" if parsed.position is None else f"{parsed.position:,}"
            raise LocusError(f"{name}:{contig} has {length:,} bases; {given} is outside; give coordinates from 1 to {length:,}.")
        return Locus(name, contig, parsed.start, min(parsed.end, length), parsed.strand)

    def refuse_bare_contig(self, text: str) -> None:
        """Raise `LocusError` when the text is only the name of a registered contig: it says how long it is and how to name a part."""
        for name in self._files:
            contig = self._contig(name, text)
            if contig is not None:
                length = self.contigs(name)[contig]
                raise LocusError(f"{name}:{contig} has {length:,} bases; name a part of it, such as {name}:{contig}:1-{min(length, 300)}.")

    def fetch(self, locus: Locus) -> NucleotideSequence:
        """Letters of a locus on its strand: from the registered file, from a shipped example that covers it, or from a public service.

        Raises
        ------
        LocusError
            Contig or coordinates that do not exist, or wider than the setting ``max_upload_bytes``.
        SourceUnavailable
            The assembly is not registered and no service may be or can be asked.
        """
        if locus.width_bp > self._settings.max_upload_bytes:
            raise LocusError(
                f"{locus} spans {locus.width_bp:,} bp; up to {self._settings.max_upload_bytes:,} are read at once; name a part of it."
            )
        locus = self.resolve(LocusText(locus.assembly, locus.contig, locus.start, locus.end, locus.strand))
        if locus.assembly in self._files:
            return self._sequence(self._reference(locus.assembly).letters(locus), locus)
        return _from_examples(locus) or self._sequence(self._ask(locus), locus)

    @staticmethod
    def _sequence(letters: str, locus: Locus) -> NucleotideSequence:
        forward = NucleotideSequence(letters, Alphabet.DNA, Locus(locus.assembly, locus.contig, locus.start, locus.end), str(locus))
        if locus.strand is Strand.FORWARD:
            return forward
        return forward.reverse_complement()

    def _ask(self, locus: Locus) -> str:
        row = assembly(locus.assembly) if locus.assembly else None
        if locus.assembly and (row is None or not row.provider):
            raise LocusError(f"The assembly {locus.assembly[:40]!r} is not known; registered here: {', '.join(self._files) or 'none'}.")
        if self._settings.offline:
            raise SourceUnavailable(
                f"{row.name if row else locus.contig} is not registered on this machine and it is set to be offline; paste the letters, or register the genome in the setting genomes."
            )
        return self._services().letters(locus)

    def _services(self) -> Remote:
        with self._lock:
            if self._remote is None:
                from engine.sources.remote import RemoteGenomes

                self._remote = RemoteGenomes(self._settings)
            return self._remote

    def features(self, locus: Locus) -> tuple[Feature, ...]:
        """Annotated features that meet the locus, in indices of its letters (strand aware); empty without an annotation.

        From the registered annotation; for an assembly that is not registered, those of the shipped examples there, else Ensembl's.

        Raises
        ------
        SourceUnavailable
            Ensembl was asked and did not answer.
        """
        name = canonical(locus.assembly)
        annotation = self._annotation(name)
        if annotation is None:
            return _example_features(locus) or self._remote_features(locus)
        row = assembly(name)
        contig = find_contig(locus.contig, annotation.contigs(), row.contigs if row else None)
        if contig is None:
            return ()
        found = (item.relative_to(locus) for item in annotation.overlapping(contig, locus.start, locus.end))
        return tuple(item for item in found if item is not None)

    def _remote_features(self, locus: Locus) -> tuple[Feature, ...]:
        if self._settings.offline or locus.assembly in self._files:
            return ()
        found = (item.relative_to(locus) for item in self._services().features(locus))
        return tuple(item for item in found if item is not None)

    def gene(self, name: str) -> tuple[Locus, Feature] | None:
        """The gene of this name in a registered annotation (the first assembly that has it); None when there is none."""
        for assembly_name in self._files:
            annotation = self._annotation(assembly_name)
            feature = annotation.named(name) if annotation is not None else None
            contig = self._contig(assembly_name, feature.contig) if feature is not None else None
            if feature is not None and contig is not None:
                strand = Strand.REVERSE if feature.strand == "-" else Strand.FORWARD
                return Locus(assembly_name, contig, feature.start, feature.end, strand), feature
        return None


def _same_place(locus: Locus, other: Locus) -> bool:
    return (canonical(other.assembly), other.contig) == (canonical(locus.assembly), locus.contig)


def _from_examples(locus: Locus) -> NucleotideSequence | None:
    """Letters of a locus that lies inside a shipped DNA example."""
    for item in EXAMPLES:
        place = item.locus
        if place is None or not _same_place(locus, place) or not (place.start <= locus.start and locus.end <= place.end):
            continue
        whole = item.sequence if place.strand is locus.strand else item.sequence.reverse_complement()
        first = locus.start - place.start if locus.strand is Strand.FORWARD else place.end - locus.end
        part = whole.window(first, first + locus.width_bp)
        return NucleotideSequence(part.letters, part.alphabet, locus, str(locus))
    return None


def _example_features(locus: Locus) -> tuple[Feature, ...]:
    """Features of the shipped examples that meet the locus."""
    found: list[Feature] = []
    for item in EXAMPLES:
        place = item.locus
        if place is None or not _same_place(locus, place) or place.end <= locus.start or locus.end <= place.start:
            continue
        for feature in item.features:
            window = place.window(feature.start, feature.end)
            strand = feature.strand if place.strand is Strand.FORWARD else {"+": "-", "-": "+", ".": "."}[feature.strand]
            moved = Feature(feature.kind, feature.name, window.start, window.end, strand, place.contig, feature.attributes)
            inside = moved.relative_to(locus)
            if inside is not None:
                found.append(inside)
    return tuple(dict.fromkeys(found))
