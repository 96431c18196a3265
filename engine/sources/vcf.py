"""VCF in: every alternate allele of every record (pysam; plain, bgzipped or gzipped)."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.errors import FileFormatError
from engine.core.variants import Variant

logger = logging.getLogger(__name__)

MAXIMUM_VARIANTS = 1_000_000


@contextlib.contextmanager
def open_vcf(path: Path) -> Iterator[Any]:
    """An open `pysam.VariantFile`; what its parser says on standard error is kept away.

    Raises
    ------
    FileFormatError
        The file cannot be read or is not a VCF, also when that shows only while the block runs.
    """
    import pysam

    before = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as handle:
            yield handle
    except FileNotFoundError as error:
        raise FileFormatError(f"The file {str(path)!r} does not exist; give the path of a VCF.") from error
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path.name} is not a VCF that can be read: {_reason(error)}; give a VCF with its header.") from error
    finally:
        pysam.set_verbosity(before)


def read_vcf(path: Path, maximum: int = MAXIMUM_VARIANTS) -> tuple[Variant, ...]:
    """All alternate alleles in the order of the file. Records without an alternate allele give none.

    Raises
    ------
    FileFormatError
        Not a VCF, a record with unusable alleles, no variant at all, or more than ``maximum``.
    """
    found: list[Variant] = []
    with open_vcf(path) as handle:
        for number, record in enumerate(handle):
            for allele, alternate in enumerate(record.alts or ()):
                identifier = record.id or "."
                reference = (record.ref or "").upper()
                found.append(Variant(record.contig, record.pos, reference, alternate.upper(), identifier, number, allele))
            if len(found) > maximum:
                raise FileFormatError(f"{path.name} has more than {maximum:,} variants; split it.")
    if not found:
        raise FileFormatError(f"{path.name} holds no variants; give a VCF with at least one record that has an alternate allele.")
    return tuple(found)


def read_vcf_bytes(name: str, data: bytes, maximum: int = MAXIMUM_VARIANTS) -> tuple[Variant, ...]:
    """`read_vcf` of an upload; ``name`` is used in messages only."""
    suffix = ".vcf.gz" if data[:2] == b"\x1f\x8b" else ".vcf"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        try:
            return read_vcf(path, maximum)
        except FileFormatError as error:
            raise FileFormatError(str(error).replace(path.name, name[:80])) from error


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text[:120]
