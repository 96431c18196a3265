"""From what a short text names to letters: places, variants, genes, accessions and examples are looked up here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.core.errors import InputError, LocusError, SourceUnavailable
from engine.core.features import Feature
from engine.core.locus import Locus, Strand, contig_in_text
from engine.core.progress import Monitor
from engine.core.quoting import quoted
from engine.core.settings import Settings
from engine.core.typography import upper
from engine.sources.assemblies import nearest
from engine.sources.box_text import IUPAC, MOST_PLACES, Asked, NameText, read_line, several
from engine.sources.coding_positions import TranscriptPlace, variant_of
from engine.sources.door import Bounds, lines_of
from engine.sources.examples import EXAMPLES, example
from engine.sources.genomes import GenomeSet
from engine.sources.kinds import GENBANK
from engine.sources.locus_text import LONGEST_LINE, WINDOW_BP, LocusText, plain_line
from engine.sources.records import read_lines
from engine.sources.understood import Understood, choice_note, echo, of_records
from engine.sources.variant_text import CodingText, VariantText


@dataclass(frozen=True)
class Places:
    """Looks up what is named.

    Parameters
    ----------
    genomes : GenomeSet
        Assemblies that may be named.
    settings : Settings
        Bounds, and whether other hosts may be asked.
    monitor : Monitor or None
        Can stop while a public service is asked.
    annotate : bool
        Whether features are looked up, too.
    """

    genomes: GenomeSet
    settings: Settings
    monitor: Monitor | None = None
    annotate: bool = True

    def of_text(self, text: str) -> Understood | None:
        """What a short text names, one place or several; None when it can only be letters."""
        lines = [line for line in map(plain_line, lines_of(text)) if line]
        if not lines or (len(lines) == 1 and len(lines[0]) > LONGEST_LINE):
            return None
        ways = (tuple(lines),) if len(lines) > 1 else several(lines[0])
        for parts in ways:
            found = self._of_parts(parts)
            if found is not None:
                return found
        try:
            alone = self.of_line(lines[0]) if len(lines) == 1 else None
        except LocusError:
            self._name_what_is_no_place(ways)
            raise
        if alone is None:
            self._name_what_is_no_place(ways)
        return alone

    def of_line(self, line: str) -> Understood | None:
        """An example, a locus, a variant or a name; None when the line can only be letters."""
        return _of_example(line) or self._of_asked(read_line(line, self.genomes.knows))

    def _of_asked(self, asked: Asked | None) -> Understood | None:
        if isinstance(asked, LocusText):
            return self._of_locus(asked)
        if isinstance(asked, VariantText):
            return self._of_variant(asked)
        if isinstance(asked, CodingText):
            return self._of_coding(asked)
        return self._of_name(asked) if asked is not None else None

    def _of_parts(self, parts: Iterable[str]) -> Understood | None:
        """Several places; None when not every part is one."""
        texts = tuple(parts)
        if not 1 < len(texts) <= MOST_PLACES or not all(self._is_place(part) for part in texts):
            return None
        found = [one for one in map(self.of_line, texts) if one is not None]
        records = tuple(record for one in found for record in one.records)
        features = tuple(own for one in found for own in one.record_features)
        notes = (found[0].notes[0], *choice_note(records, "places"), *(note for one in found for note in one.notes[1:]))
        return Understood(records, "locus", notes, features, "; ".join(one.normal for one in found))

    def _name_what_is_no_place(self, ways: Iterable[Sequence[str]]) -> None:
        """Raise `InputError` for a list of places of which one is none, naming it; a list without a place can only be letters."""
        for parts in ways:
            are = [self._is_place(part) for part in parts[: MOST_PLACES + 1]]
            if any(is_place and not set(upper(part)) <= IUPAC for is_place, part in zip(are, parts, strict=False)):
                self._refuse(parts, are)

    def _refuse(self, parts: Sequence[str], are: Sequence[bool]) -> None:
        if len(parts) > MOST_PLACES:
            raise InputError(f"{len(parts):,} places are named; up to {MOST_PLACES} are taken at once.")
        part = parts[are.index(False)]
        found = self.of_line(part)  # says what is wrong with it, unless it can only be letters
        if found is None:
            raise InputError(f"{quoted(part, 40)} names no place, the others of the list do; give places alone, or letters alone.")

    def _is_place(self, part: str) -> bool:
        """Whether a part of a list names a place by itself."""
        try:
            asked = read_line(part, self.genomes.knows)
        except LocusError:
            return False
        if not isinstance(asked, NameText):
            return asked is not None
        if example(part) is not None:
            return True
        return asked.may_be_gene and any(one.named(asked.name) for _, one in self.genomes.annotations(asked.assembly))

    def _at(self, locus: Locus, normal: str, notes: tuple[str, ...] = ()) -> Understood:
        sequence = self.genomes.fetch(locus, self.monitor)
        place = sequence.locus or locus
        features: tuple[Feature, ...] = ()
        if self.annotate:
            try:
                features = self.genomes.features(place, self.monitor)
                notes = (*notes, *filter(None, (self.genomes.annotation_note(place.assembly),)))
            except (SourceUnavailable, LocusError) as error:
                notes = (*notes, f"No annotation is shown: {error}")
        return Understood((sequence,), "locus", (echo(sequence), *notes), (features,), normal)

    def _of_locus(self, parsed: LocusText) -> Understood:
        locus = self.genomes.resolve(parsed)
        notes = [parsed.note] if parsed.note else []
        if parsed.position is not None:
            notes.append(f"A single position was given: the window of {WINDOW_BP} bp around it is shown.")
        if parsed.assembly and parsed.assembly != locus.assembly and self.genomes.knows(parsed.assembly):
            notes.append(f"{parsed.assembly} is another name of {locus.assembly}.")
        if parsed.contig != locus.contig and not locus.contig.endswith(f":{parsed.contig}"):
            notes.append(f"{parsed.contig[:80]} is called {locus.contig[:80]} there.")
        normal = str(replace(parsed, assembly=locus.assembly, contig=locus.contig, note=""))
        return self._at(locus, normal, tuple(notes))

    def _of_variant(self, variant: VariantText, notes: tuple[str, ...] = ()) -> Understood:
        """The window around a variant, with the variant as a feature; a reference letter that does not fit is said, and the region still shown."""
        locus = self.genomes.resolve(variant.locus)
        named = replace(variant, locus=replace(variant.locus, assembly=locus.assembly, contig=locus.contig))
        found = self._at(locus, str(named), (*notes, *filter(None, (variant.locus.note,))))
        record, first = found.records[0], variant.locus.position or 1
        if record.locus is None or first > record.locus.end:
            raise LocusError(f"{named} lies behind the end of its contig.")
        index = record.locus.index_of(first)
        end = index + max(0, variant.last - first + 1)
        if end > len(record):
            raise LocusError(
                f"The variant reaches from {first:,} to {variant.last:,}, out of the window of {WINDOW_BP} bp that is shown of it."
            )
        there, change = record.letters[index:end], variant.change
        stated = change.reference or there
        label = f"{stated or '-'}>{change.applied(there) or '-'}"[:80]
        if there == stated:
            note = f"The variant {label} is at position {index + 1} of the window, {first:,} on {record.locus.contig[:80]}."
        else:
            note = f"The reference has {there[:40]} at {first:,}, not {stated[:40]}: check the assembly and the strand of {label}."
        feature = Feature("variant", label, index, max(end, index + 1), "+")
        return replace(found, notes=(*found.notes, note), record_features=((*found.features, feature),))

    def _of_coding(self, text: CodingText) -> Understood:
        """A change at positions of a transcript of a registered annotation."""
        for name, annotation in self.genomes.annotations(text.assembly):
            transcripts = annotation.coding(text.name)
            if len(transcripts) > 1:
                choice = ", ".join(itertools.islice(transcripts, 6))
                raise LocusError(f"{quoted(text.name, 40)} has {len(transcripts)} transcripts in {name}; name one of them: {choice}.")
            for transcript, parts in transcripts.items():
                contig = self.genomes.contig_of(name, parts[0].contig)
                if contig is not None:
                    variant = variant_of(text, TranscriptPlace.of_features(parts), name, contig)
                    return self._of_variant(variant, (f"{str(text)[:80]} counts along the transcript {transcript[:80]} of {name}.",))
        known = ", ".join(self.genomes.names()) or "none"
        raise LocusError(
            f"No registered annotation has a transcript or gene {quoted(text.name, 40)} with a coding part (registered: {known}); "
            "write the place on the chromosome, such as GRCh38:17:g.7676154G>C."
        )

    def _of_name(self, text: NameText) -> Understood | None:
        """A word: a gene, an accession, a dbSNP identifier; None when it can only be letters, else a sentence with the nearest names."""
        found = self._of_gene(text)
        if found is not None:
            return found
        name = text.name
        if text.is_letters:
            if text.is_also_a_word:
                raise InputError(
                    f"{name!r} could be {len(name)} letters or a word; write 5'-{name}-3' for the letters, or a gene's name in full."
                )
            return None
        if text.is_dbsnp:
            return self._of_dbsnp(name.lower())
        self.genomes.refuse_bare_contig(name, text.assembly)
        if text.is_accession:
            return self._of_accession(name)
        if not text.assembly and _looks_like_letters(name):
            return None
        raise self._unknown(text)

    def _unknown(self, text: NameText) -> InputError:
        if not text.assembly and self.genomes.knows(text.name):
            contig = next(iter(self.genomes.contigs(text.name)), "") if self.genomes.file(text.name) is not None else "CONTIG"
            return InputError(f"{text.name} is an assembly; name a place of it, such as {text.name}:{contig_in_text(contig)}:1-300.")
        near = self.genomes.names_like(text.name[:3], 3) if len(text.name) > 2 else ()
        known = (text.assembly,) if text.assembly else self.genomes.names()
        what = "no contig and no gene" if text.assembly else "no gene"
        where = f"{what} of {', '.join(known)} and " if known else ""
        genes = f"a gene such as {', '.join(near)}, " if near else ""
        return InputError(
            f"{quoted(text.name, 40)} is {where}no example; write letters, FASTA, GenBank, a locus such as {self.genomes.example_locus()}, {genes}or an "
            f"example, for instance {nearest(text.name, [item.id for item in EXAMPLES], 2)}."
        )

    def _of_gene(self, text: NameText) -> Understood | None:
        """A gene of a registered annotation, of the first assembly that has it; others are named."""
        places: list[tuple[Locus, Feature, str]] = []
        namesakes: list[str] = []
        for name, annotation in self.genomes.annotations(text.assembly) if text.may_be_gene else ():
            holders = annotation.holders(text.name)
            feature = holders[0] if holders else None
            contig = self.genomes.contig_of(name, feature.contig) if feature is not None else None
            length = self.genomes.contigs(name)[contig] if contig is not None else 0
            if feature is None or contig is None or feature.start >= length:
                continue
            strand = Strand.REVERSE if feature.strand == "-" else Strand.FORWARD
            beyond = max(0, feature.end - length)
            past = f"It goes on for {beyond:,} bases beyond the contig's end, where a ring closes." if beyond else ""
            if not places:
                others_there = (
                    item for item in holders if (item.contig, item.start, item.end) != (feature.contig, feature.start, feature.end)
                )
                namesakes = [f"{name}:{item.contig}:{item.start + 1:,}-{item.end:,}:{item.strand or '+'}" for item in others_there]
            places.append((Locus(name, contig, feature.start, feature.end - beyond, strand), feature, past))
        if not places:
            return None
        locus, feature, past = places[0]
        notes = [f"{(feature.name or text.name)[:80]} is a {feature.kind[:80]} of {locus.assembly}.", *filter(None, (past,))]
        if text.is_letters:
            notes.append(f"For the letters themselves write 5'-{text.name}-3'.")
        if namesakes:
            more = f" and {len(namesakes) - 2:,} more" if len(namesakes) > 2 else ""
            notes.append(f"Other genes have this name, too: {', '.join(namesakes[:2])}{more}; write the place of the one you mean.")
        others = [other.assembly for other, *_ in places[1:]]
        if others:
            notes.append(f"It is also in {', '.join(others)}: put the assembly in front, such as {others[0]}:{text.name}.")
        name = feature.name if feature.name.casefold() == text.name.casefold() else text.name
        return self._at(locus, f"{locus.assembly}:{name}", tuple(notes))

    def _of_dbsnp(self, name: str) -> Understood:
        if reason := self.settings.no_services:
            raise SourceUnavailable(
                f"{name} is an identifier of dbSNP, which is looked up at Ensembl, and {reason}; "
                "write its place, such as GRCh38:1:230,710,048 A>G."
            )
        place, alleles = self.genomes.services().variation(name, self.monitor)
        shown = f"{place.assembly}:{place.contig}:{place.start + 1} {alleles[0]}>{alleles[1]}" if len(alleles) > 1 else str(place)
        found = self.of_line(shown)
        if found is None:
            raise SourceUnavailable(f"Ensembl gives {name} a place that cannot be read, {quoted(shown)}; write its place yourself.")
        return replace(found, notes=(*found.notes, f"{name} is {'/'.join(alleles)[:80]} at {place} by Ensembl."), normal=name)

    def _of_accession(self, name: str) -> Understood:
        if reason := self.settings.no_services:
            raise SourceUnavailable(
                f"{name} is looked up at NCBI, and {reason}; paste its letters, or register it in the setting LOCUSCOPE_GENOMES."
            )
        text = self.genomes.services().flat_file(name, self.monitor)
        found = of_records(read_lines(lines_of(text), GENBANK, name, Bounds.of(self.settings)))
        return replace(found, notes=(*found.notes, f"{name} comes from NCBI."), normal=name)


def _of_example(text: str) -> Understood | None:
    found = example(text)
    if found is None:
        return None
    notes = (echo(found.sequence), f"Example: {found.title}, {found.accession}.", found.what_to_see)
    return Understood((found.sequence,), "example", notes, (found.features,), found.id)


def _looks_like_letters(name: str) -> bool:
    """Whether a word is rather letters with slips among them than a name."""
    bases = sum(letter in "ACGTUN" for letter in name.upper())
    return bases >= 0.7 * len(name) or (len(name) >= 10 and name.isalpha())
