"""VCF text to BCF through htslib, in a process of its own: htslib ends the process on some broken headers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.quoting import quoted

_SECONDS = 600
_ROOT = Path(__file__).resolve().parents[2]


def write_bcf(lines: Iterable[str], path: Path) -> None:
    """Write VCF lines (each with its end) as BCF; contigs that the header does not name are added to it.

    Raises
    ------
    FileFormatError
        The VCF is not such as BCF can hold (a field whose value is not of its kind, a header that does not parse).
    """
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "in.vcf"
        with text.open("w", encoding="utf-8", newline="\n") as handle:
            handle.writelines(lines)
        command = [sys.executable, "-m", "engine.exports.bcf", str(text), str(path)]
        try:
            done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise FileFormatError(f"The VCF was not turned into BCF within {_SECONDS:,} s; write .vcf.gz.") from error
    if done.returncode != 0:
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "the header cannot be read")
        raise FileFormatError(f"The VCF cannot be written as BCF ({quoted(said)}); write .vcf.gz.")


def _contigs(source: Path) -> tuple[set[str], dict[str, None], int]:
    """Contigs of the header, contigs of the records in order, and the number of records."""
    declared: set[str] = set()
    used: dict[str, None] = {}
    count = 0
    with source.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if line.startswith("##contig=<"):
                fields = line[len("##contig=<") :].split(",")
                declared |= {field[3:].rstrip(">\n") for field in fields if field.startswith("ID=")}
            elif not line.startswith("#"):
                used[line.partition("\t")[0]] = None
                count += 1
    return declared, used, count


def convert(source: Path, target: Path) -> None:
    """Turn a VCF into BCF in this process. Raises `ValueError` or `OSError` as htslib does, and when records were lost."""
    import pysam

    declared, used, count = _contigs(source)
    with pysam.VariantFile(str(source)) as records:
        for name in used:
            if name not in declared and name not in records.header.contigs:
                records.header.contigs.add(name)
        with pysam.VariantFile(str(target), "wb", header=records.header) as out:
            written = 0
            for record in records:
                out.write(record)
                written += 1
    if written != count:
        raise ValueError(f"{written} of {count} records were written")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
