"""BCF in: turned into VCF text by htslib, in a process of its own, because htslib ends the process on some broken files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from engine.core.errors import FileFormatError
from engine.core.quoting import file_name

MAGIC = b"BCF\x02"
_SECONDS = 600
_ROOT = Path(__file__).resolve().parents[2]


def is_bcf(source: Path | bytes) -> bool:
    """Whether a file, plain or bgzipped, begins as BCF 2 does."""
    if isinstance(source, bytes):
        head = source[:65_536]
    else:
        try:
            with source.open("rb") as handle:
                head = handle.read(65_536)
        except OSError:
            return False
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(31).decompress(head, 16)
        except zlib.error:
            return False
    return head.startswith(MAGIC)


def vcf_of_bcf(source: Path | bytes, name: str) -> bytes:
    """The records as VCF, bgzipped. Raises `FileFormatError` for a BCF that htslib cannot read."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "in.bcf", Path(folder) / "out.vcf.gz"
        if isinstance(source, bytes):
            given.write_bytes(source)
        else:
            given = source.resolve()
        command = [sys.executable, "-m", "engine.sources.bcf", str(given), str(made)]
        try:
            done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise FileFormatError(f"The file {file_name(name)} was not read as BCF within {_SECONDS:,} s; give a VCF.") from error
        if done.returncode != 0 or not made.is_file():
            raise FileFormatError(
                f"The file {file_name(name)} is BCF that cannot be read: it is damaged, or not whole; give it anew, or a VCF."
            )
        return made.read_bytes()


def convert(source: Path, target: Path) -> None:
    """Turn a BCF into a bgzipped VCF in this process."""
    import pysam.bcftools

    pysam.bcftools.view("--no-version", "-Oz", "-o", str(target), str(source), catch_stdout=False)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
