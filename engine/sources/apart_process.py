"""The process that `engine.sources.apart` starts: limits for itself, then one reader on the bytes of its standard input."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from engine.core.errors import FileFormatError, LocuscopeError
from engine.core.features import Feature
from engine.core.locus import LONGEST_BP, Locus
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.sources.alignments import read_alignment
from engine.sources.annotation_index import read_annotation_file
from engine.sources.door import Bounds
from engine.sources.records import read_file
from engine.sources.reference import Reference
from engine.sources.track_files import pieces, read_track
from engine.sources.understand import read_features_with_note
from engine.sources.vcf import read_vcf

_PIECE = 2_000
_CONTIGS_A_RECORD = 10  # a reference is not listed record by record


def limit(memory_bytes: int, seconds: int, file_bytes: int) -> None:
    """Bound this process's address space, processor time and the files it may write, where the system can."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's clock still ends the process
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))


def _pieces(items: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(items)
    while piece := list(itertools.islice(source, _PIECE)):
        yield piece


def _cells(item: Feature) -> list[Any]:
    return [item.kind, item.name, item.start, item.end, item.strand, item.contig, dict(item.attributes)]


def _records(name: str, data: bytes, bounds: Bounds, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = read_file(name, data, bounds)
    for record in found.records:
        yield {"records": [[record.letters, str(record.alphabet), str(record.locus) if record.locus else "", record.name]]}
    numbered = ((number, _cells(item)) for number, own in enumerate(found.features) for item in own)
    for piece in _pieces(numbered):
        yield {"features": piece}
    yield {"kind": found.kind, "notes": found.notes}


def _features(name: str, data: bytes, bounds: Bounds, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = arguments["place"]
    locus = Locus.parse(place["locus"]) if place["locus"] else None
    stand_in = NucleotideSequence("N" * int(place["length"]), locus=locus, name=place["name"])
    found, note = read_features_with_note(name, data, stand_in, Settings(max_upload_bytes=bounds.text_bytes))
    for piece in _pieces(_cells(item) for item in found):
        yield {"features": piece}
    yield {"note": note}


def _annotation(name: str, data: bytes, bounds: Bounds, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = read_annotation_file(name, data, bounds)
    cells = (_cells(item) for contig in found.contigs() for item in found.overlapping(contig, 0, LONGEST_BP))
    for piece in _pieces(cells):
        yield {"features": piece}
    yield {"note": found.note}


def _variants(name: str, data: bytes, bounds: Bounds, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    notes = list[str]()
    cells = (
        [v.contig, v.position, v.reference, v.alternate, v.identifier, v.record, v.allele, v.problem, v.frequency]
        for v in read_vcf(data, name, bounds, notes)
    )
    for piece in _pieces(cells):
        yield {"variants": piece}
    yield {"notes": notes}


def _reference(_name: str, _data: bytes, bounds: Bounds, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = Reference("reference", Path(arguments["path"]), Path(arguments["cache"]), bounds).contigs()
    most = _CONTIGS_A_RECORD * bounds.records
    if len(found) > most:
        raise FileFormatError(f"The reference has {len(found):,} contigs; up to {most:,} are taken; cut out those that are needed.")
    yield {"contigs": len(found)}


def _alignment(name: str, data: bytes, bounds: Bounds, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = read_alignment(name, data, bounds)
    loci = found.loci or (None,) * len(found)
    for row, (called, locus) in enumerate(zip(found.names, loci, strict=True)):
        yield {"row": [called, found.letters[row].tobytes().decode("ascii"), str(locus) if locus is not None else ""]}
    yield {"structure": found.structure}


def _track(name: str, data: bytes, bounds: Bounds, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pieces(read_track(name, data, bounds))


READERS = {
    "records": _records,
    "features": _features,
    "annotation": _annotation,
    "variants": _variants,
    "reference": _reference,
    "alignment": _alignment,
    "track": _track,
}


def answer(question: dict[str, Any], source: BinaryIO) -> Iterator[dict[str, Any]]:
    """The pieces of the answer, the last one ``done``, or the error; ``source`` holds the bytes of the file."""
    try:
        yield from READERS[question["reader"]](question["name"], source.read(), Bounds(**question["bounds"]), question["arguments"])
        yield {"done": True}
    except LocuscopeError as error:
        yield {"error": type(error).__name__, "says": str(error)}
    except MemoryError:
        yield {"error": "ResourceExhausted", "says": "The file needs more memory to be read than there is for it; cut out the part needed."}


def main() -> None:
    """Read one question and answer it."""
    question = orjson.loads(sys.stdin.buffer.readline())
    writes = question["reader"] in ("reference", "track")  # an index, a file in memory
    limit(question["memory_bytes"], question["seconds"], 2 * question["bounds"]["text_bytes"] if writes else 0)
    for item in answer(question, sys.stdin.buffer):
        sys.stdout.buffer.write(orjson.dumps(item) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
