"""A triage with what ClinVar says of each allele."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.analyses.consequence_reading import BlockLetters
from engine.core.alleles import trimmed
from engine.core.variants import Triage
from engine.sources.assemblies import canonical
from engine.sources.clinvar import TERMS, ClinVar, files_of

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.core.settings import Settings
    from engine.service.triage import TriageRequest

_BETWEEN_LOOKS = 200


def registered(settings: Settings, assembly: str) -> Path | None:
    """The operator's file for an assembly; None without one. Raises `InputError` for a setting that cannot be read."""
    return files_of(settings.clinvar).get(canonical(assembly)) if assembly else None


def identity_of(path: Path | None) -> str:
    """Names the letters of a file: its place, size and time of change; empty for none."""
    if path is None or not path.is_file():
        return ""
    state = path.stat()
    return f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"


def opened(request: TriageRequest) -> ClinVar | None:
    """The file that a triage asks, found to fit; None for none. Raises what `ClinVar` and its ``check`` raise."""
    if request.clinvar is None:
        return None
    table = ClinVar(request.clinvar)
    table.check(request.assembly)
    return table


def with_clinvar(table: ClinVar, request: TriageRequest, found: Triage, monitor: Monitor) -> Triage:
    """The triage with the record of every allele that the file has, compared leftmost."""
    letters = BlockLetters(request.reference)
    rows = []
    for number, row in enumerate(found.rows):
        if number % _BETWEEN_LOOKS == 0:
            monitor.advance(0)
        if row.left_aligned is not None:
            contig, (position, reference, alternate) = row.variant.contig, row.left_aligned

            def around(start: int, end: int, contig: str = contig) -> str:
                return letters.clipped(contig, start, end)

            row = replace(row, clinical=table.found(contig, trimmed(position - 1, reference, alternate), around))
        rows.append(row)
    told = {"assembly": table.assembly, "date": table.date, "terms": TERMS}
    return Triage(tuple(rows), replace(found.provenance, parameters={**found.provenance.parameters, "clinvar": told}))
