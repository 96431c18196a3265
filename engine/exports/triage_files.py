"""Files a triage is written to: the end of the name is what is written, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import ParameterError
from engine.core.quoting import file_name
from engine.core.variants import Triage
from engine.exports.bcf import write_bcf
from engine.exports.triage_parquet import write_triage_parquet
from engine.exports.triage_report import write_triage_report
from engine.exports.triage_script import write_triage_script
from engine.exports.triage_table import write_triage_csv, write_triage_table, write_triage_workbook
from engine.exports.vcf import vcf_lines, write_triage_vcf


@dataclass(frozen=True)
class TriageFormat:
    """A format of a triage: ends of file names, what it is, and the function ``write(triage, source, path)``; ``source``: lines of the VCF."""

    suffixes: tuple[str, ...]
    title: str
    write: Callable[[Triage, Iterable[str], Path], None]

    @property
    def suffix(self) -> str:
        """The usual end of a name."""
        return self.suffixes[0]


FORMATS: tuple[TriageFormat, ...] = (
    TriageFormat((".tsv", ".txt"), "table, tab-separated", lambda triage, _source, path: write_triage_table(triage, path)),
    TriageFormat((".csv",), "table for spreadsheets", lambda triage, _source, path: write_triage_csv(triage, path)),
    TriageFormat((".xlsx",), "workbook of Excel", lambda triage, _source, path: write_triage_workbook(triage, path)),
    TriageFormat((".parquet",), "Parquet, every column", lambda triage, _source, path: write_triage_parquet(triage, path)),
    TriageFormat((".html",), "report that needs no network", lambda triage, _source, path: write_triage_report(triage, path)),
    TriageFormat((".vcf",), "the VCF with INFO fields", write_triage_vcf),
    TriageFormat((".vcf.gz", ".vcf.bgz"), "the VCF with INFO fields, bgzipped", write_triage_vcf),
    TriageFormat((".py",), "script that repeats it", lambda triage, _source, path: write_triage_script(triage, path)),
    TriageFormat((".bcf",), "the VCF with INFO fields, binary", lambda triage, source, path: write_bcf(vcf_lines(triage, source), path)),
)


def triage_format(path: Path) -> TriageFormat:
    """The format that the end of a file's name means, case ignored. Raises `ParameterError` when it means none."""
    name = path.name.casefold()
    found = next((item for item in FORMATS if name.endswith(item.suffixes)), None)
    if found is None:
        allowed = ", ".join(suffix for item in FORMATS for suffix in item.suffixes)
        raise ParameterError(f"The file name {file_name(path.name)} names no format for a triage; end it with one of {allowed}.")
    return found
