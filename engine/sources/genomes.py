"""Assemblies a visitor may name: those registered by the setting ``genomes``, the shipped examples, and public services.

Visitors name assemblies and contigs, never files.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from engine.core.background import in_background
from engine.core.errors import FileFormatError, LocusError, ParameterError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus, Strand, contig_in_text
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.settings import Settings, user_path
from engine.sources.annotation_index import Annotation, TabixAnnotation, open_annotation
from engine.sources.assemblies import assemblies, assembly, canonical, find_contig, find_contig_of, is_accession, nearest
from engine.sources.door import OWN_FILES, Bounds
from engine.sources.example_places import features_from_examples, from_examples
from engine.sources.genetic_codes import organism_of, with_usual_codes
from engine.sources.locus_text import LocusText, parse_locus_text
from engine.sources.reference import Reference

log = logging.getLogger(__name__)

_KEPT_NAMES = 4096
"""Contigs as they were called whose own name is kept: a triage asks for the same few again and again."""


class Remote(Protocol):
    """A public service, or several; ``monitor`` can stop every question while it waits."""

    def letters(self, locus: Locus, monitor: Monitor | None = None) -> str:
        """Forward-strand letters of a locus of a known assembly."""

    def features(self, locus: Locus, monitor: Monitor | None = None) -> tuple[Feature, ...]:
        """Its features in coordinates of the contig."""

    def variation(self, identifier: str, monitor: Monitor | None = None) -> tuple[Locus, tuple[str, ...]]:
        """Place and alleles (reference first) of a dbSNP identifier such as ``rs699``."""

    def flat_file(self, accession: str, monitor: Monitor | None = None) -> str:
        """The GenBank record of an accession, as text."""


_GENBANK = (".gb", ".gbk", ".gbff", ".genbank")


def _registered(text: str) -> dict[str, tuple[str, Path, Path | None]]:
    """The setting ``NAME=FASTA[;ANNOTATION],...``: name as given, reference and annotation by the canonical name; a GenBank file is its own
    annotation."""
    found: dict[str, tuple[str, Path, Path | None]] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, separator, files = item.partition("=")
        fasta, _, annotation = files.partition(";")
        if not separator or not name.strip() or not fasta.strip():
            raise ParameterError(f"The setting LOCUSCOPE_GENOMES has {quoted(item)}; write NAME=FASTA[;ANNOTATION], separated by commas.")
        path = user_path(fasta.strip())
        extra = user_path(annotation.strip()) if annotation.strip() else None
        if extra is None and path.name.casefold().removesuffix(".gz").endswith(_GENBANK):
            extra = path
        found[canonical(name.strip())] = (name.strip(), path, extra)
    return found


class GenomeSet:
    """Looks up loci; opens a registered reference or its annotation when it is first asked for. Safe for several threads.

    ``files`` takes the place of the setting ``genomes``; ``annotations`` came with them, ``public`` says which public assembly one of them is,
    whose other names of contigs it then knows; ``given`` is whether there are such files. ``bounds`` is how much an unpacked reference may hold.
    """

    def __init__(
        self,
        settings: Settings,
        remote: Remote | None = None,
        files: Mapping[str, Path] | None = None,
        bounds: Bounds = OWN_FILES,
        annotations: Mapping[str, Path] | None = None,
        public: Mapping[str, str] | None = None,
    ) -> None:
        self._settings, self._bounds = settings, bounds
        given = {name: (name, path, (annotations or {}).get(name)) for name, path in (files or {}).items()}
        registered = _registered(settings.genomes) if files is None else given
        self._files = {name: (path, extra) for name, (_, path, extra) in registered.items()}
        self._called = {name: called for name, (called, _, _) in registered.items()}
        self.given, self._public = files is not None, dict(public or {})
        self._contig = lru_cache(_KEPT_NAMES)(self._contig_of)
        self._remote = remote
        self._references: dict[str, Reference] = {}
        self._annotations: dict[str, Annotation] = {}
        self._unusable: dict[str, str] = {}
        self._lock = threading.RLock()
        self._of_one: dict[str, threading.RLock] = {}
        self._opening = threading.Event()

    def _known_as(self, name: str) -> str:
        """The registered or canonical name of an assembly; case is ignored."""
        main = canonical(name)
        folded = main.casefold()
        return main if main in self._files else next((one for one in self._files if one.casefold() == folded), main)

    def names(self) -> tuple[str, ...]:
        """Registered assemblies."""
        return tuple(self._files)

    def words_for(self, name: str) -> str:
        """A registered assembly by the name it was given in the setting, with the public one behind it: ``K12 (ASM584v2)``."""
        main = self._known_as(name)
        called = self._called.get(main, main)
        return called if called == main else f"{called} ({main})"

    def known(self) -> tuple[str, ...]:
        """Registered assemblies, then those a public service has (none of them where services are not asked)."""
        others = () if self._settings.no_services else tuple(row.name for row in assemblies() if row.provider)
        return tuple(dict.fromkeys((*self._files, *others)))

    def contigs(self, name: str) -> dict[str, int]:
        """Contigs of a registered assembly and their lengths in bases."""
        return self._reference(name).contigs()

    def example_locus(self) -> str:
        """A locus that exists here: of the first registered genome whose contigs are known, else the form of one."""
        for name in self._files:
            found = assembly(name)
            if found is not None and found.contigs:
                return f"{name}:{next(iter(found.contigs))}:1,234-1,533:-"
        return "ASSEMBLY:CONTIG:START-END"

    def file(self, name: str) -> Path | None:
        """The FASTA file of a registered assembly; None for one that is not registered."""
        return self._files.get(self._known_as(name), (None, None))[0]

    def annotation_file(self, name: str) -> Path | None:
        """The annotation that is registered with an assembly, if any."""
        return self._files.get(self._known_as(name), (Path(), None))[1]

    def _reference(self, name: str) -> Reference:
        name = self._known_as(name)
        if name not in self._files:
            raise LocusError(f"The assembly {quoted(name, 40)} is not registered here; registered: {', '.join(self._files) or 'none'}.")
        with self._alone(name):
            if name not in self._references:
                self._references[name] = Reference(name, self._files[name][0], self._settings.home / "genomes", self._bounds)
            return self._references[name]

    def _alone(self, name: str) -> threading.RLock:
        """The lock of one assembly: indexing a large one takes a minute, in which the others answer."""
        with self._lock:
            return self._of_one.setdefault(name, threading.RLock())

    def _annotation(self, name: str) -> Annotation | None:
        path = self._files[name][1] if name in self._files else None
        if path is None:
            return None
        with self._alone(name):
            if name in self._unusable:
                raise SourceUnavailable(self._unusable[name])
            if name not in self._annotations:
                log.info("reading the annotation of %s", name)
                try:
                    self._annotations[name] = open_annotation(path, by_name=self.given)
                except FileFormatError as error:
                    self._unusable[name] = f"The annotation of {name} cannot be used. {error}"
                    raise SourceUnavailable(self._unusable[name]) from error
            return self._annotations[name]

    def knows(self, name: str) -> bool:
        """Whether this is a name or synonym of a registered assembly or of one of the public databases."""
        return self._known_as(name) in self._files or assembly(name) is not None

    def annotation_note(self, name: str) -> str:
        """One sentence about lines of the assembly's annotation that could not be read; empty when there are none."""
        annotation = self._annotations.get(self._known_as(name))
        return annotation.note if annotation is not None else ""

    def why_without_names(self, name: str) -> str:
        """One sentence on why nothing can be looked up by its name in the annotation of an assembly; empty where there is none, or it can."""
        main = self._known_as(name)
        if isinstance(self._annotations.get(main), TabixAnnotation):
            return f"The annotation of {main} is read by its tabix index, which has no names."
        return self._unusable.get(main, "")

    def annotations(self, name: str = "") -> Iterator[tuple[str, Annotation]]:
        """Registered assemblies with their annotations (of one assembly when it is named); those without one that can be used are passed over."""
        for registered in self._files:
            if not name or self._known_as(name) == registered:
                try:
                    annotation = self._annotation(registered)
                except SourceUnavailable as error:
                    log.warning("%s", error)
                    continue
                if annotation is not None:
                    yield registered, annotation

    def names_like(self, start: str, count: int = 20) -> tuple[str, ...]:
        """Up to ``count`` genes of registered genomes whose names begin so, as ``ASSEMBLY:NAME``."""
        found = ((registered, annotation.names_like(start, count)) for registered, annotation in self.annotations())
        return tuple(f"{registered}:{name}" for registered, names in found for name in names)[:count]

    def _open_all(self) -> None:
        """Open every annotation in the background, once."""
        if not self._opening.is_set():
            self._opening.set()
            in_background("annotations", lambda: list(self.annotations()))

    def has_at_hand(self, name: str) -> bool:
        """Whether features of an assembly can be told without reading a whole file first; otherwise it is read in the background."""
        name = self._known_as(name)
        if self._files.get(name, (None, None))[1] is None or name in self._annotations or name in self._unusable:
            return True
        self._open_all()
        return False

    def names_at_hand(self, start: str, count: int = 8) -> tuple[str, ...]:
        """As `names_like`, of annotations that are open already; the others are opened in the background for the next time.

        ``start`` may begin with an assembly and a colon.
        """
        self._open_all()
        assembly_name, _, name = start.rpartition(":")
        wanted = self._known_as(assembly_name) if assembly_name else ""
        ready = [(key, found) for key, found in list(self._annotations.items()) if found is not None and wanted in ("", key)]
        return tuple(f"{key}:{near}" for key, found in ready for near in found.names_like(name, count))[:count]

    def _settled(self, text: LocusText) -> LocusText:
        """The text with its assembly; a contig whose name has a colon is no assembly and its contig."""
        if text.assembly and not self.knows(text.assembly):
            whole = f"{text.assembly}:{text.contig}"
            if any(self._contig(name, whole) is not None for name in self._files):
                text = replace(text, assembly="", contig=whole)
        return replace(text, assembly=self._assembly_of(text))

    def _assembly_of(self, text: LocusText) -> str:
        if text.assembly:
            if not self.knows(text.assembly):
                near = nearest(text.assembly, (*self.known(), *(row.name for row in assemblies())))
                raise LocusError(f"The assembly {quoted(text.assembly, 40)} is not known; known are for example {near}.")
            return self._known_as(text.assembly)
        hits = [name for name in self._files if self._contig(name, text.contig) is not None]
        if len(hits) == 1:
            return hits[0]
        shown = quoted(text.contig, 40)
        if len(hits) > 1:
            raise LocusError(
                f"The contig {shown} is in {', '.join(hits)}; put the assembly in front, such as {hits[0]}:{text.contig[:40]}:1-300."
            )
        tables = [row.name for row in assemblies() if find_contig(text.contig, row.contigs, row.contigs) and "." in text.contig]
        if len(tables) == 1:
            return tables[0]
        if not hits and is_accession(text.contig):
            return ""
        if self._known_as(text.contig) in self._files:
            raise LocusError(self._without_contig(text))
        known = ", ".join(self.known()) or "none"
        raise LocusError(f"No registered assembly has a contig {shown}; put an assembly in front of the contig; known: {known}.")

    def _without_contig(self, text: LocusText) -> str:
        """What to write where only a registered assembly stands in front of the coordinates."""
        lengths = self.contigs(self._known_as(text.contig))
        longest = max(lengths, key=lengths.__getitem__)
        example = replace(text, assembly=text.contig, contig=longest)
        has = f"has the contig {longest[:80]}" if len(lengths) == 1 else f"has {len(lengths):,} contigs ({nearest('', lengths)})"
        return f"{text.contig[:40]} is an assembly and {has}: put the contig behind it, such as {example}."

    def _contig_of(self, name: str, contig: str) -> str | None:
        return self.contig_among(name, contig, self.contigs(name))

    def contig_among(self, name: str, contig: str, contigs: Iterable[str]) -> str | None:
        """The one of ``contigs``, as a file that belongs to an assembly calls them, that a name means; None where none does, or several."""
        return find_contig_of(self.public_name(name), contig, contigs)

    def public_name(self, name: str) -> str:
        """The assembly that a registered or given one is said to be; the name itself where nothing else was said."""
        return self._public.get(name, name)

    def resolve(self, text: LocusText | str) -> Locus:
        """The locus a text means, with the assembly's and contig's own names; a window around a position is cut at the contig's ends.

        Raises
        ------
        LocusError
            An assembly or contig that is not known (nearest names are given) or coordinates that do not exist.
        """
        parsed = self._settled(parse_locus_text(text, self.knows) if isinstance(text, str) else text)
        name = parsed.assembly
        if name not in self._files:
            row = assembly(name)
            contig = find_contig(parsed.contig, row.contigs, row.contigs) if row and row.contigs else parsed.contig
            if contig is None:
                raise LocusError(
                    f"{name} has no contig {quoted(parsed.contig, 40)}; nearest: {nearest(parsed.contig, row.contigs if row else ())}."
                )
            return Locus(name, contig, parsed.start, parsed.end, parsed.strand)
        lengths = self.contigs(name)
        contig = self._contig(name, parsed.contig)
        if contig is None:
            raise LocusError(f"{name} has no contig {quoted(parsed.contig, 40)}; nearest: {nearest(parsed.contig, lengths)}.")
        length = lengths[contig]
        if (parsed.end if parsed.position is None else parsed.position) > length:
            given = f"{parsed.start + 1:,}-{parsed.end:,}" if parsed.position is None else f"{parsed.position:,}"
            raise LocusError(f"{name}:{contig} has {length:,} bases; {given} is outside; give coordinates from 1 to {length:,}.")
        return Locus(name, contig, parsed.start, min(parsed.end, length), parsed.strand)

    def refuse_bare_contig(self, text: str, assembly_name: str = "") -> None:
        """Raise `LocusError` when the text is only the name of a registered contig (of that assembly, when it is named): it says how long it
        is and how to name a part."""
        for name in self._files:
            if assembly_name and self._known_as(assembly_name) != name:
                continue
            contig = self._contig(name, text)
            if contig is not None:
                length = self.contigs(name)[contig]
                part = f"{name}:{contig_in_text(contig)}:1-{min(length, 300)}"
                raise LocusError(f"{name}:{contig[:80]} has {length:,} bases; name a part of it, such as {part}.")

    def fetch(self, locus: Locus, monitor: Monitor | None = None) -> NucleotideSequence:
        """Letters of a locus on its strand: from the registered file, from a shipped example that covers it, or from a public service.

        Raises
        ------
        LocusError
            Contig or coordinates that do not exist, or wider than the setting ``max_upload_bytes``.
        SourceUnavailable
            The assembly is not registered and no service may be or can be asked.
        SequenceError
            There are letters in it that are none of a nucleotide.
        Cancelled
            Through ``monitor.advance``.
        """
        if locus.width_bp > self._settings.max_upload_bytes:
            raise LocusError(
                f"{locus} spans {locus.width_bp:,} bp; up to {self._settings.max_upload_bytes:,} are read at once; name a part of it."
            )
        locus = self.resolve(LocusText(locus.assembly, locus.contig, locus.start, locus.end, locus.strand))
        if locus.assembly in self._files:
            return self._sequence(self._reference(locus.assembly).letters(locus), locus)
        return from_examples(locus) or self._sequence(self._ask(locus, monitor), locus)

    def as_stored(self, locus: Locus) -> str:
        """Forward letters of a registered assembly as its file has them, whatever they are. Raises `LocusError`, `SourceUnavailable`."""
        return self._reference(locus.assembly).letters(locus)

    @staticmethod
    def _sequence(letters: str, locus: Locus) -> NucleotideSequence:
        forward = NucleotideSequence(letters, Alphabet.DNA, Locus(locus.assembly, locus.contig, locus.start, locus.end), str(locus))
        if locus.strand is Strand.FORWARD:
            return forward
        return forward.reverse_complement()

    def _ask(self, locus: Locus, monitor: Monitor | None) -> str:
        row = assembly(locus.assembly) if locus.assembly else None
        if locus.assembly and (row is None or not row.provider):
            raise LocusError(
                f"The assembly {quoted(locus.assembly, 40)} is not known; registered here: {', '.join(self._files) or 'none'}."
            )
        if reason := self._settings.no_services:
            raise SourceUnavailable(
                f"{row.name if row else locus.contig} is not registered on this machine, and {reason}; paste the letters, or register the "
                "genome in the setting LOCUSCOPE_GENOMES."
            )
        return self.services().letters(locus, monitor)

    def services(self) -> Remote:
        """The public services; none of them is asked here."""
        with self._lock:
            if self._remote is None:
                from engine.sources.remote import RemoteGenomes

                self._remote = RemoteGenomes(self._settings)
            return self._remote

    def features(self, locus: Locus, monitor: Monitor | None = None) -> tuple[Feature, ...]:
        """Annotated features that meet the locus, in indices of its letters (strand aware); empty without an annotation.

        From the registered annotation; for an assembly that is not registered, those of the shipped examples there, else Ensembl's. Coding parts
        of a public assembly have its organism's usual genetic code (`engine.sources.genetic_codes.with_usual_codes`).

        Raises
        ------
        SourceUnavailable
            The annotation cannot be read, or Ensembl was asked and did not answer.
        """
        row = assembly(self._known_as(locus.assembly))
        organism = organism_of([row.organism]) if row is not None else None
        return with_usual_codes(self._features(locus, monitor), locus.contig, organism)

    def _features(self, locus: Locus, monitor: Monitor | None) -> tuple[Feature, ...]:
        name = self._known_as(locus.assembly)
        annotation = self._annotation(name)
        if annotation is None:
            return features_from_examples(locus) or self._remote_features(locus, monitor)
        contig = self.contig_among(name, locus.contig, annotation.contigs())
        if contig is None:
            return ()
        found = (item.relative_to(locus) for item in annotation.overlapping(contig, locus.start, locus.end))
        return tuple(item for item in found if item is not None)

    def _remote_features(self, locus: Locus, monitor: Monitor | None) -> tuple[Feature, ...]:
        if self._settings.no_services or locus.assembly in self._files:
            return ()
        found = (item.relative_to(locus) for item in self.services().features(locus, monitor))
        return tuple(item for item in found if item is not None)

    def contig_of(self, name: str, contig: str) -> str | None:
        """The contig of a registered assembly that a name means, of an annotation or a visitor; None where none does, or several."""
        return self._contig(name, contig)
