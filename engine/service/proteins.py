"""Questions to a table of missense substitutions: variants in any spelling, whole proteins, and the variants of a triage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.core.errors import Cancelled, InputError, LocuscopeError, LocusError, ParameterError
from engine.core.proteins import LookedUp, MissenseScore, ProteinScores, Substitution
from engine.core.quoting import quoted
from engine.core.variants import Triage, Variant
from engine.sources.assemblies import assembly, canonical, find_contig, is_accession
from engine.sources.box_text import read_line
from engine.sources.door import lines_of
from engine.sources.locus_text import plain_line
from engine.sources.protein_text import read_protein_line
from engine.sources.variant_text import CodingText, VariantText, alleles_apart

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.service.engine import Engine
    from engine.service.triage import ReferenceLetters, TriageRequest
    from engine.sources.genomes import GenomeSet

TABLE = "alphamissense"
MOST_LINES = 10_000
"""Variants that are looked up at once."""
_BETWEEN_LOOKS = 256


def protein_scores(engine: Engine, name: str, look: Callable[[], None] = lambda: None) -> ProteinScores:
    """All substitutions of one protein. Raises as `engine.models.scorers.alphamissense.AlphaMissense.protein`."""
    with engine.scorer(TABLE) as scorer:
        found: ProteinScores = scorer.protein(name, look)
        return found


def look_up(engine: Engine, genomes: GenomeSet, text: str, assembly: str, look: Callable[[], None] = lambda: None) -> tuple[LookedUp, ...]:
    """What the table says of every line of ``text``: a variant of the DNA in any spelling, or a substitution of a protein.

    A line that cannot be looked up says why. Several transcripts of one variant are several answers, the highest score first.

    Raises
    ------
    InputError
        There is no line, or there are too many.
    WeightsMissing
        Terms are not accepted, or no table is here.
    """
    plain = [line for line in (plain_line(line) for line in lines_of(text)) if line and not line.startswith("#")]
    lines = [one for line in plain for one in alleles_apart(line)]
    if not lines or len(lines) > MOST_LINES:
        many = f"{len(lines):,} lines were given" if lines else "Nothing was given"
        raise InputError(f"{many}; write 1 to {MOST_LINES:,} variants, one a line, such as chr7:117587806 G>A or P13569:G551D.")
    with engine.scorer(TABLE) as scorer:
        reader = _Reader(scorer, genomes, assembly, look)
        return tuple(found for line in lines for found in reader.answers(line))


def of_variants(
    engine: Engine,
    variants: Sequence[Variant],
    assembly: str,
    look: Callable[[], None] = lambda: None,
    *,
    most: int = 0,
) -> tuple[LookedUp, ...]:
    """What the table says of variants of an assembly; what ``look`` raises stops it. Raises `InputError` for more than ``most`` (0 = any number)."""
    found: list[LookedUp] = []
    if most and len(variants) > most:
        raise InputError(f"The file has {len(variants):,} variants; at most {most:,} are looked up at once. Triage ranks longer ones.")
    with engine.scorer(TABLE) as scorer:
        for number, variant in enumerate(variants):
            if number % _BETWEEN_LOOKS == 0:
                look()
            found += _of_variant(scorer, str(variant), assembly, variant)
    return tuple(found)


class _Reader:
    """Reads lines one by one; a protein that was read is kept for the lines behind it."""

    def __init__(self, scorer: Any, genomes: GenomeSet, assembly: str, look: Callable[[], None]) -> None:
        self._scorer, self._genomes, self._assembly, self._look = scorer, genomes, assembly, look
        self._protein: ProteinScores | None = None

    def answers(self, line: str) -> Iterator[LookedUp]:
        """The answers to one line, at least one."""
        self._look()
        try:
            protein = read_protein_line(line)
            yield from (self._of_protein(line, *protein),) if protein is not None else self._of_line(line)
        except Cancelled:
            raise
        except LocuscopeError as error:
            yield LookedUp(line, self._assembly, note=str(error))

    def _of_protein(self, line: str, name: str, substitution: Substitution | None) -> LookedUp:
        if self._protein is None or self._protein.protein != name:
            self._protein = self._scorer.protein(name, self._look)
        if substitution is None:
            return LookedUp(line, note=self._protein.words(), named=name)
        score = self._protein.score(substitution)
        return LookedUp(line, "", None, substitution, score, "" if score is not None else "The table has no score of it.")

    def _of_line(self, line: str) -> Iterator[LookedUp]:
        named, variant = read_variant(line, self._genomes, self._assembly)
        yield from _of_variant(self._scorer, line, named, variant)


def read_variant(line: str, genomes: GenomeSet, assembly: str) -> tuple[str, Variant]:
    """The assembly and variant that a line names, with the letters of the reference where the assembly is registered.

    Raises `LocusError` for a line that names no variant, or needs a reference that is not here.
    """
    from engine.service.variant_list import read_variant_list
    from engine.sources.door import OWN_FILES

    asked = read_line(plain_line(line), genomes.knows)
    named = asked.locus.assembly if isinstance(asked, VariantText) and asked.locus.assembly else assembly
    if not isinstance(asked, VariantText | CodingText):
        raise LocusError(f"{quoted(line, 40)} is no variant; write such as chr7:117587806 G>A or P13569:G551D.")
    here = registered(genomes, named)
    if here is not None:
        variant, *others = read_variant_list(line, here, OWN_FILES).variants
        if others:
            raise LocusError(f"{quoted(line, 40)} has {1 + len(others)} alternates; give one of them.")
        return named, variant
    if len(alleles_apart(plain_line(line))) > 1:
        raise LocusError(f"{quoted(line, 40)} has several alternates; give one of them.")
    if isinstance(asked, CodingText):
        raise LocusError(
            f"{quoted(line, 40)} counts along a transcript; register {named} with its annotation (LOCUSCOPE_GENOMES), or write the place on the "
            "chromosome."
        )
    change = asked.change
    if change.edit != "sub" or not change.reference or not change.alternate:
        raise LocusError(f"{quoted(line, 40)} does not name both alleles; write such as chr7:117587806 G>A.")
    return named, Variant(asked.locus.contig, asked.locus.position or 1, change.reference, change.alternate)


def registered(genomes: GenomeSet, assembly: str) -> ReferenceLetters | None:
    """The registered letters of an assembly, under any of its names; None where it is not registered."""
    from engine.service.triage import ReferenceLetters

    found = next((name for name in genomes.names() if canonical(name) == canonical(assembly)), "")
    return ReferenceLetters(genomes, found) if found else None


def _of_variant(scorer: Any, text: str, assembly: str, variant: Variant) -> Iterator[LookedUp]:
    if variant.problem:
        yield LookedUp(text, assembly, note=variant.problem)
        return
    try:
        scores = missense_of(scorer, assembly, variant)
    except LocusError as error:
        yield LookedUp(text, assembly, variant, note=str(error))
        return
    for score in scores:
        yield LookedUp(text, assembly, variant, score.substitution, score)
    if not scores:
        yield LookedUp(text, assembly, variant, note="The table has no missense substitution of a canonical transcript there.")


def missense_of(scorer: Any, assembly_name: str, variant: Variant) -> tuple[MissenseScore, ...]:
    """What the table has of a variant on any name of its contig. Raises `LocusError` for letters that its reference does not have."""
    found: tuple[MissenseScore, ...] = scorer.missense(
        assembly_name, _by_table_name(assembly_name, variant.contig), *variant.without_padding()
    )
    return found


@lru_cache(maxsize=1024)
def _by_table_name(assembly_name: str, contig: str) -> str:
    """The usual name of a contig that is given by its accession, as the tables have none; any other name itself."""
    row = assembly(assembly_name) if is_accession(contig) else None
    return (find_contig(contig, row.contigs, row.contigs) if row is not None else None) or contig


def has_table(engine: Engine, assembly: str) -> bool:
    """Whether the table of an assembly is here, its terms accepted."""
    try:
        check_missense(engine, TABLE, assembly)
    except LocuscopeError:
        return False
    return True


def check_missense(engine: Engine, table: str, assembly: str) -> None:
    """Raise when a table of missense substitutions is not here, or has nothing of an assembly."""
    if not assembly:
        raise ParameterError("The assembly is not named; AlphaMissense has tables of GRCh38 and GRCh37, say which the variants are of.")
    with engine.scorer(table) as scorer:
        scorer.check(assembly)


def table_of(engine: Engine, table: str, assembly: str) -> str:
    """Name, size and time of change of the file that a table of missense substitutions has of an assembly. Raises as `check_missense`."""
    check_missense(engine, table, assembly)
    with engine.scorer(table) as scorer:
        return str(scorer.table(assembly))


def with_missense(engine: Engine, request: TriageRequest, found: Triage, monitor: Monitor) -> Triage:
    """The triage with the highest score of every missense substitution that the table has."""
    rows = []
    with engine.scorer(request.missense) as scorer:
        for number, row in enumerate(found.rows):
            if number % _BETWEEN_LOOKS == 0:
                monitor.advance(0)
            scores: tuple[MissenseScore, ...] = ()
            if row.variant.kind == "substitution" and row.status != "reference_mismatch":
                try:
                    scores = missense_of(scorer, request.assembly, row.variant)
                except LocusError as error:
                    row = replace(row, note=" ".join(text for text in (row.note, str(error)) if text))
            rows.append(replace(row, missense=scores[0]) if scores else row)
        card, file = scorer.card, scorer.table(request.assembly)
    told = {"model": card.id, "revision": card.revision, "licence": card.licence, "assembly": request.assembly, "table": file}
    return Triage(tuple(rows), replace(found.provenance, parameters={**found.provenance.parameters, "missense": told}))
