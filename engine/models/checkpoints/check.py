"""Whether a checkpoint fits a model, told before it is downloaded: configuration, tokenizer, and only the header of its weights.

The network is built on torch's meta device, where tensors have shapes and no numbers, and names and shapes are compared.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from engine.core.errors import LocuscopeError, ModelError, SourceUnavailable, WeightsInvalid
from engine.models.checkpoints import hub
from engine.models.checkpoints.evidence import OTHER_SETTINGS, Evidence, read_beside
from engine.models.checkpoints.headers import Header, header_of
from engine.models.checkpoints.identity import Identity, identify, identity_of
from engine.models.entry import ModelEntry, PackageFiles

BLOCK_BYTES = 1 << 15
BESIDE = (
    "config.json",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    *OTHER_SETTINGS,
)
"""Files of any model that show what it is."""

_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class Finding:
    """``fits``: whether the files are those of the model; ``sentence``: what was found; ``bytes_read``: over the network."""

    model_id: str
    fits: bool
    sentence: str
    bytes_read: int = 0


class RangedFile(io.RawIOBase):
    """A file of ``size`` bytes that is read by ranges: ``get(start, end)`` brings bytes start to end - 1. Whole blocks are kept."""

    def __init__(self, size: int, get: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._get, self._place = size, get, 0
        self._blocks: dict[int, bytes] = {}
        self.bytes_read = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; beyond either end is allowed and reads nothing."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the beginning of the file")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: object) -> int:
        """Fill ``buffer`` as far as the file reaches."""
        view = memoryview(cast("bytearray", buffer)).cast("B")
        end = min(self._size, self._place + len(view))
        count = max(0, end - self._place)
        if count:
            view[:count] = self._bytes(self._place, end)
        self._place += count
        return count

    def _bytes(self, start: int, end: int) -> bytes:
        first, last = start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES
        missing = [block for block in range(first, last + 1) if block not in self._blocks]
        if missing:
            low, high = missing[0] * BLOCK_BYTES, min(self._size, (missing[-1] + 1) * BLOCK_BYTES)
            found = self._get(low, high)
            self.bytes_read += len(found)
            for block in range(missing[0], missing[-1] + 1):
                place = block * BLOCK_BYTES - low
                self._blocks[block] = found[place : place + BLOCK_BYTES]
        joined = b"".join(self._blocks[block] for block in range(first, last + 1))
        return joined[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]


def check_network(entry: ModelEntry, evidence: Evidence) -> None:
    """Build the network from shapes alone. Raises `WeightsInvalid` when a name or a shape does not fit."""
    if entry.network is None:
        return
    import torch

    tensors = {
        name: torch.empty(tensor.shape, dtype=getattr(torch, _TYPES.get(tensor.dtype, "float32")), device="meta")
        for name, tensor in evidence.tensors.items()
    }
    try:
        entry.network(evidence, tensors)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise WeightsInvalid(
            f"The tensors of {evidence.name} are not in the published layout ({type(error).__name__}: {str(error)[:80]})."
        ) from error


def check_folder(entry: ModelEntry, directory: Path) -> Finding:
    """Whether the files in ``directory`` are those of ``entry``."""
    try:
        found = identify(entry, directory)
        check_network(entry, found.evidence)
    except ModelError as error:
        return Finding(entry.card.id, False, f"{entry.card.id} does not fit: {error}")
    return Finding(entry.card.id, True, _fits(entry, found, "the sha256 is compared when it runs" if found.expected else "sha256 unproven"))


def check_package(entry: ModelEntry, package: PackageFiles) -> Finding:
    """What is known of a package before it is fetched; contacts nobody."""
    told = f"{entry.card.id} is fetched as a package of {package.size_bytes:,} bytes, {package.package} {package.version}"
    return Finding(entry.card.id, True, f"{told}, and held against its known sha256 before anything of it is read.")


def check_hub(entry: ModelEntry, endpoint: str) -> Finding:
    """Whether what the hub holds is what ``entry`` reads, from about 100 kB of it.

    Raises `WeightsMissing` for a model without a public download, `SourceUnavailable` when the hub does not answer.
    """
    wanted = hub.plan(entry, endpoint, BESIDE)
    with hub.translated(entry, endpoint):
        try:
            files, header, read = read_remote(wanted, endpoint)
        except ModelError as error:
            return Finding(entry.card.id, False, f"{entry.card.id} does not fit: {error}")
        try:
            evidence = _evidence(wanted.repository, files, header)
            found = identity_of(entry, evidence)
            check_network(entry, evidence)
        except ModelError as error:
            return Finding(entry.card.id, False, f"{entry.card.id} does not fit: {error}", read)
    proof = ", ".join(sorted({wanted.file(name).proof for name in wanted.weights}))
    return Finding(entry.card.id, True, _fits(entry, found, f"{read:,} of {wanted.size_bytes:,} bytes read, {proof}"), read)


def read_remote(wanted: hub.Plan, endpoint: str) -> tuple[dict[str, bytes], Header, int]:
    """What lies beside the weights, the header of the weights, and the number of bytes that were read. Raises `WeightsInvalid`."""
    files = {file.name: _small(wanted, file.name, endpoint) for file in wanted.files if file.name not in wanted.weights}
    read, header = sum(map(len, files.values())), Header()
    for name in wanted.weights:
        stream = _ranged(wanted, name, endpoint)
        header = header.joined(header_of(cast("IO[bytes]", stream), name))
        read += stream.bytes_read
    return files, header, read


def _fits(entry: ModelEntry, found: Identity, told: str) -> str:
    looks = entry.marks.looks(found.evidence) if entry.marks is not None else "no marks are known of it"
    rest = f"; {found.note.rstrip('.')}" if found.note else ""
    return f"{entry.card.id} fits: {looks}, {len(found.evidence.tensors):,} tensors; {told}{rest}."


def _small(wanted: hub.Plan, name: str, endpoint: str) -> bytes:
    return hub.small_file(hub.address(wanted.repository, name, wanted.commit, endpoint), endpoint)


def _ranged(wanted: hub.Plan, name: str, endpoint: str) -> RangedFile:
    url = hub.address(wanted.repository, name, wanted.commit, endpoint)
    place, _ = hub.location(url, endpoint)

    def get(start: int, end: int) -> bytes:
        with hub.opened(place, url, endpoint, f"{start}-{end - 1}") as answer:
            if answer.status_code != hub.PARTIAL:
                raise SourceUnavailable(f"The hub at {endpoint} does not send parts of files, so nothing can be checked before a download.")
            found = bytearray()
            for chunk in answer.iter_bytes():
                found += chunk
                if len(found) > end - start:
                    break
        if len(found) != end - start:
            raise SourceUnavailable(f"The hub at {endpoint} sent {len(found):,} bytes of {name} where {end - start:,} were asked for.")
        return bytes(found)

    return RangedFile(wanted.file(name).size_bytes, get)


def _evidence(repository: str, files: dict[str, bytes], header: Header) -> Evidence:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
        found = read_beside(Path(folder))
    return replace(found, name=repository[-60:], header=header, directory=None)


def check_before_install(entry: ModelEntry, directory: Path) -> None:
    """Raise what `identify` and `check_network` raise for a folder that is to be installed; nothing when it fits."""
    found = identify(entry, directory)
    try:
        check_network(entry, found.evidence)
    except LocuscopeError as error:
        raise WeightsInvalid(f"{directory.name[:60]} cannot be installed as {entry.card.id}: {error}") from error
