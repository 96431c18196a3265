"""VCF text to BCF through htslib, in a process of its own: htslib ends the process on some broken headers."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.packages import needed
from engine.core.quoting import quoted

_log = logging.getLogger(__name__)

_SECONDS = 600
_ROOT = Path(__file__).resolve().parents[2]
_KINDS = ("contig", "FILTER", "INFO", "FORMAT")
_COLUMNS = 8
_CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
"""Contig names as the SAM and VCF specifications have them."""
_LETTERS = re.compile(r"[A-Za-z*]+")
_LAST = 1 << 31
"""BCF keeps positions in 32 bits."""
_NUMBERS: dict[str, Callable[[str], object]] = {"Integer": int, "Float": float}


def write_bcf(lines: Iterable[str], path: Path) -> None:
    """Write VCF lines (each with its end) as BCF; what records use and the header does not define is added to it. A record that BCF cannot
    hold (a broken position, a field whose value is not of its kind) is left out and said.

    Raises
    ------
    FileFormatError
        The VCF is not such as BCF can hold (a header that does not parse).
    """
    with tempfile.TemporaryDirectory() as folder:
        body, whole = Path(folder) / "body.vcf", Path(folder) / "in.vcf"
        defined = _Defined()
        with body.open("w", encoding="utf-8", newline="\n") as handle:
            handle.writelines(defined.watched(lines))
        with body.open(encoding="utf-8", newline="\n") as source, whole.open("w", encoding="utf-8", newline="\n") as target:
            for line in source:
                if line.startswith("#CHROM"):
                    target.writelines(defined.missing())
                target.write(line)
        _convert(whole, path, defined.records)


def _convert(source: Path, target: Path, records: int) -> None:
    command = [sys.executable, "-m", "engine.exports.bcf", str(source), str(target.resolve()), str(records)]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise FileFormatError(f"The VCF was not turned into BCF within {_SECONDS:,} s; write .vcf.gz.") from error
    if done.returncode != 0:
        target.unlink(missing_ok=True)
        said = next((line for line in reversed(done.stderr.split("\n")) if line.strip()), "the header cannot be read")
        raise FileFormatError(f"The VCF cannot be written as BCF ({quoted(said)}); write .vcf.gz.")


@dataclass
class _Defined:
    """What a header defines and what the records use, by kind of header line; values say how to define what is missing."""

    known: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in _KINDS})
    used: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in _KINDS})
    numbers: dict[str, Callable[[str], object]] = field(default_factory=dict)
    records: int = 0

    def watched(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines as they are, looked at on their way."""
        for line in lines:
            if line.startswith("##"):
                self._header(line)
            elif not line.startswith("#"):
                columns = line.rstrip("\n").split("\t")
                if reason := self._misfit(columns):
                    _log.warning("The record %s is left out of the BCF: %s; .vcf.gz keeps it.", quoted(line.strip(), 60), reason)
                    continue
                self._record(columns)
            yield line

    def missing(self) -> Iterator[str]:
        """Header lines for what is used and not defined."""
        for kind, names in self.used.items():
            for name, how in names.items():
                if name not in self.known[kind]:
                    yield f"##{kind}=<ID={name}{how}>\n"

    def _header(self, line: str) -> None:
        kind, _, rest = line[2:].partition("=<")
        if kind in self.known:
            name = next((part[3:] for part in rest.rstrip(">\n").split(",") if part.startswith("ID=")), "")
            self.known[kind].add(name)
            reads = next((reads for word, reads in _NUMBERS.items() if f"Type={word}" in rest), None)
            if kind == "INFO" and reads is not None:
                self.numbers[name] = reads

    def _misfit(self, columns: list[str]) -> str:
        """Why BCF cannot hold a record, the middle of a sentence; empty when it can."""
        if len(columns) < _COLUMNS:
            return f"it has {len(columns)} of 8 columns"
        if not _CONTIG.fullmatch(columns[0]):
            return "VCF does not allow the name of its contig"
        if not (columns[1].isascii() and columns[1].isdigit() and len(columns[1]) < 11 and int(columns[1]) < _LAST):
            return "its position is no number that BCF holds"
        if not _LETTERS.fullmatch(columns[3]):
            return "its reference allele is no letters"
        for item in columns[7].split(";"):
            name, _, value = item.partition("=")
            if name in self.numbers and not _all_numbers(value, self.numbers[name]):
                return f"its field {quoted(item, 40)} is not the number that the header says"
        return ""

    def _record(self, columns: list[str]) -> None:
        self.records += 1
        self.used["contig"][columns[0]] = ""
        for name in columns[6].split(";") if len(columns) > 6 else ():
            if name not in (".", "PASS", ""):
                self.used["FILTER"].setdefault(name, ',Description="as in the records"')
        for item in columns[7].split(";") if len(columns) > 7 else ():
            name, equals, _ = item.partition("=")
            if name not in (".", "") and name not in self.used["INFO"]:
                self.used["INFO"][name] = _described(
                    "Integer" if name == "END" else "String", "1" if name == "END" else "." if equals else "0"
                )
        for name in columns[8].split(":") if len(columns) > 8 else ():
            if name not in (".", ""):
                self.used["FORMAT"].setdefault(name, _described("String", "1" if name == "GT" else "."))


def _all_numbers(value: str, reads: Callable[[str], object]) -> bool:
    """Whether a value is a list of numbers, some of which may be missing."""
    try:
        for part in value.split(","):
            if part not in (".", ""):
                reads(part)
    except ValueError:
        return False
    return True


def _described(kind: str, number: str) -> str:
    return f',Number={number},Type={"Flag" if number == "0" else kind},Description="as in the records"'


def convert(source: Path, target: Path, records: int) -> None:
    """Turn a VCF into BCF in this process. Raises `ValueError` when records were lost, and what htslib raises."""
    pysam = needed("pysam")
    bcftools = needed("pysam", "pysam.bcftools")

    bcftools.view("--no-version", "-Ob", "-o", str(target), str(source), catch_stdout=False)
    with pysam.VariantFile(str(target)) as written:
        count = sum(1 for _ in written)
    if count != records:
        raise ValueError(f"{count} of {records} records were written")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
