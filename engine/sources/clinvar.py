"""ClinVar's VCF, read by its tabix index: records of the very allele, however either file writes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.core.alleles import Change, Letters, placements, trimmed
from engine.core.clinical import ClinicalRecord
from engine.core.errors import FileFormatError, InputError, ParameterError
from engine.core.packages import needed
from engine.core.quoting import quoted
from engine.sources.assemblies import canonical, find_contig_of

TERMS = "ClinVar (NCBI) is in the public domain; it is not meant for direct diagnostic use or medical decisions."
REACH_BP = 300
"""How far right of its leftmost place an indel of a file that is not left-aligned is found."""
_LONGEST = 200
_KEPT_NAMES = 1024
_INDEXES = (".tbi", ".csi")


class ClinVar:
    """One file; safe to use from several threads. ``assembly`` and ``date``: as its header states them, empty where it does not.

    Raises
    ------
    FileFormatError
        It is not there, is no bgzipped VCF, or has no index.
    """

    def __init__(self, path: Path) -> None:
        pysam = needed("pysam")
        if not path.is_file():
            raise FileFormatError(f"The ClinVar file {quoted(path.name)} is not there; give clinvar.vcf.gz as NCBI publishes it.")
        if not any(Path(f"{path}{suffix}").is_file() for suffix in _INDEXES):
            raise FileFormatError(
                f"{quoted(path.name)} has no index beside it; download {path.name}.tbi, too, or run tabix -p vcf on the file."
            )
        self._name, self._lock = path.name, threading.Lock()
        try:
            self._file: Any = pysam.TabixFile(str(path))
            header = [str(line) for line in self._file.header]
        except (OSError, ValueError) as error:
            raise FileFormatError(
                f"{quoted(path.name)} cannot be read as a bgzipped VCF with its index ({error}); download both again."
            ) from error
        self._contigs = tuple(self._file.contigs)
        self._called = lru_cache(_KEPT_NAMES)(self._contig)
        stated = {
            name: line.partition("=")[2].strip() for line in header for name in ("##reference", "##fileDate") if line.startswith(f"{name}=")
        }
        self.assembly, self.date = canonical(stated.get("##reference", "")), stated.get("##fileDate", "")

    def check(self, assembly: str) -> None:
        """Raise `ParameterError` for variants of another assembly than the file's, where both are known."""
        wanted = canonical(assembly)
        if wanted and self.assembly and wanted != self.assembly:
            raise ParameterError(
                f"{quoted(self._name)} is of {self.assembly[:40]}, the variants are of {wanted[:40]}; give ClinVar's file of the same assembly."
            )

    def _contig(self, contig: str) -> str | None:
        return find_contig_of(self.assembly, contig, self._contigs)

    def found(self, contig: str, allele: Change, letters: Letters) -> ClinicalRecord | None:
        """The record of an allele that stands leftmost; ``letters`` of its contig tell where an indel could stand as well. None without one."""
        name = self._called(contig)
        if name is None:
            return None
        return next((record for other, record in self._near(name, allele) if _is_same(other, allele, letters)), None)

    def _near(self, contig: str, allele: Change) -> Iterator[tuple[Change, ClinicalRecord]]:
        """Records that may be of the same change."""
        first, last = max(0, allele.start - 1), allele.end + (REACH_BP if allele.is_indel else 1)
        with self._lock:
            try:
                lines = list(self._file.fetch(contig, first, last))
            except (OSError, ValueError) as error:
                raise FileFormatError(
                    f"{quoted(self._name)} cannot be read at {contig}:{first + 1:,} ({error}); download it again."
                ) from error
        for line in lines:
            columns = line.split("\t")
            if len(columns) < 8 or not columns[1].isdigit():
                raise FileFormatError(f"{quoted(self._name)} has a broken record at {contig}:{first + 1:,}; download it again.")
            info = dict(item.partition("=")[::2] for item in columns[7].split(";"))
            told = (_words(info.get(field, "")) for field in ("CLNSIG", "CLNREVSTAT", "CLNDN"))
            record = ClinicalRecord(columns[2][:40], *told)
            for alternate in columns[4].upper().split(","):
                if alternate.isalpha():
                    yield trimmed(int(columns[1]) - 1, columns[3].upper(), alternate), record


def _is_same(other: Change, allele: Change, letters: Letters) -> bool:
    if other == allele:
        return True
    alike = len(other.reference) == len(allele.reference) and len(other.alternate) == len(allele.alternate)
    return alike and other.is_indel and placements(other, letters)[0] == allele


def _words(text: str) -> str:
    """A value of an INFO field as ClinVar writes it for readers: spaces for underscores."""
    return text.replace("_", " ").strip()[:_LONGEST]


def files_of(text: str) -> dict[str, Path]:
    """Assembly → file from the setting ``ASSEMBLY=FILE,...``. Raises `InputError`."""
    found: dict[str, Path] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, path = item.partition("=")
        if not sign or not path or not name.strip():
            raise InputError(f"LOCUSCOPE_CLINVAR has {quoted(item)}; write ASSEMBLY=FILE, e.g. GRCh38=/data/clinvar.vcf.gz.")
        found[canonical(name.strip())] = Path(path).expanduser()
    return found
