"""Asking a model hub: which files a download would bring, how large they are, under which licence, and any part of them.

Hosts contacted: the endpoint of the settings, and where it redirects.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import ResourceExhausted, SourceUnavailable, WeightsInvalid, WeightsMissing
from engine.models.checkpoints.evidence import shard_names
from engine.models.entry import HubFiles, ModelEntry

OFFICIAL_ENDPOINT = "https://huggingface.co"
ANSWER_SECONDS = 20.0
PARTIAL = 206
LARGEST_SMALL_FILE = 50_000_000
"""Bytes of a configuration, a tokenizer or an index."""

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".index.json")


@dataclass(frozen=True)
class RemoteFile:
    """One file to download: name in the repository, size, and the sha256 the hub states (empty for small text files).

    ``expected``: the sha256 that this project knows of the published file; empty where it knows none, so that only the hub's word is held
    against what arrives.
    """

    name: str
    size_bytes: int
    sha256: str = ""
    expected: str = ""

    @property
    def proof(self) -> str:
        """What is known of the file's content before it is here."""
        return f"sha256 {self.expected}" if self.expected else "sha256 unproven"


@dataclass(frozen=True)
class Plan:
    """What a download would bring: shown before it starts. ``weights``: names of the files with tensors."""

    repository: str
    commit: str
    licence: str
    files: tuple[RemoteFile, ...]
    weights: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Sum of the files."""
        return sum(file.size_bytes for file in self.files)

    def file(self, name: str) -> RemoteFile:
        """The file of a name."""
        return next(file for file in self.files if file.name == name)


def plan(entry: ModelEntry, endpoint: str, also: tuple[str, ...] = ()) -> Plan:
    """Ask the hub for the files, their sizes and the licence; of a split checkpoint also for its index. ``also``: further patterns.

    Raises
    ------
    WeightsMissing
        The model has no public download, or its publisher wants terms accepted first.
    SourceUnavailable
        The hub cannot be reached, is too slow, or answers something that is not the hub's protocol.
    WeightsInvalid
        A file is not the published one any more, or the index of a split checkpoint names files that are not there.
    """
    hub = download_of(entry)
    with translated(entry, endpoint):
        info = _api(endpoint).model_info(hub.repository, revision=hub.revision, files_metadata=True, timeout=ANSWER_SECONDS)
        listed = {str(item.rfilename): item for item in info.siblings or ()}
        commit, licence = str(info.sha or ""), _licence(info)
        if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
            raise SourceUnavailable(
                f"The hub at {endpoint} names no commit for {hub.repository}; it is not a model hub, check the endpoint."
            )
        weights = chosen_weights(tuple(listed), hub.weights)
        if not weights:
            raise SourceUnavailable(
                f"{hub.repository} at {endpoint} has none of the weights {entry.card.title} needs ({', '.join(hub.weights)})."
            )
        names = [*chosen_names(tuple(listed), (*hub.patterns, *also)), weights]
        tensors: tuple[str, ...] = (weights,)
        if weights.endswith(".index.json"):
            tensors = _shards(hub, weights, commit, listed, endpoint)
            names += tensors
        files = tuple(_remote(listed[name], hub) for name in dict.fromkeys(names))
    return Plan(hub.repository, commit, licence, files, tensors)


def _shards(hub: HubFiles, index: str, commit: str, listed: Mapping[str, Any], endpoint: str) -> tuple[str, ...]:
    told = json.loads(small_file(address(hub.repository, index, commit, endpoint), endpoint))
    names = shard_names(told if isinstance(told, dict) else {}, f"{index} of {hub.repository}")
    missing = [name for name in names if name not in listed]
    if missing:
        raise WeightsInvalid(f"{index} of {hub.repository} names {missing[0][:80]}, which is not there; ask its publisher.")
    return names


def chosen_names(names: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Names that fit the patterns and are no weights. Names in sub-folders need a pattern with /."""
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in sorted(names) if fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")]
        found.update(dict.fromkeys(name for name in fitting if _is_safe(name) and not name.endswith(_WEIGHT_SUFFIXES)))
    return tuple(found)


def chosen_weights(names: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    """The first of ``wanted`` that is there; empty when none is."""
    return next((name for name in wanted if name in names and _is_safe(name)), "")


def _is_safe(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and not any(part in ("..", "") or part.startswith(".") for part in path.parts) and "\\" not in name


def download_of(entry: ModelEntry) -> HubFiles:
    """Where a model's weights are. Raises `WeightsMissing` when they have no public download."""
    if entry.hub is None:
        raise WeightsMissing(f"{entry.card.title} has no public download; name a folder with its files by --weights.")
    return entry.hub


def _api(endpoint: str) -> Any:
    from huggingface_hub import HfApi, constants

    constants.HF_HUB_DISABLE_TELEMETRY = True  # else the client asks huggingface.co for a list, whatever the endpoint is
    return HfApi(endpoint=endpoint.rstrip("/"), token=token(endpoint), library_name="locuscope")


def token(endpoint: str) -> bool | None:
    """The user's saved token goes to the official hub only."""
    return None if endpoint.rstrip("/") == OFFICIAL_ENDPOINT else False


def address(repository: str, name: str, commit: str, endpoint: str) -> str:
    """Address of a file at a commit."""
    from huggingface_hub import hf_hub_url

    return str(hf_hub_url(repository, name, revision=commit, endpoint=endpoint.rstrip("/")))


def location(url: str, endpoint: str) -> tuple[str, str]:
    """Where the bytes behind an address are served, and their etag (empty when there is none)."""
    from huggingface_hub import get_hf_file_metadata

    told = get_hf_file_metadata(url, token=token(endpoint), timeout=ANSWER_SECONDS, library_name="locuscope")
    return str(told.location), str(told.etag or "")


@contextlib.contextmanager
def opened(place: str, url: str, endpoint: str, wanted: str = "") -> Iterator[Any]:
    """The answer to a GET of ``place``, to which ``url`` led; ``wanted``: a range of bytes such as ``0-99``. The token stays with its host."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = build_hf_headers(token=token(endpoint), library_name="locuscope")
    headers["Accept-Encoding"] = "identity"
    if urlsplit(place).netloc != urlsplit(url).netloc:
        headers.pop("authorization", None)
    if wanted:
        headers["Range"] = f"bytes={wanted}"
    with get_session().stream("GET", place, headers=headers, timeout=ANSWER_SECONDS) as answer:
        hf_raise_for_status(answer)
        yield answer


def small_file(url: str, endpoint: str) -> bytes:
    """A configuration, tokenizer or index. Raises `SourceUnavailable` when it is no small file."""
    place, _ = location(url, endpoint)
    found = bytearray()
    with opened(place, url, endpoint) as answer:
        for chunk in answer.iter_bytes():
            found += chunk
            if len(found) > LARGEST_SMALL_FILE:
                raise SourceUnavailable(
                    f"{PurePosixPath(urlsplit(url).path).name} has more than {LARGEST_SMALL_FILE:,} bytes; that is not it."
                )
    return bytes(found)


def _remote(item: Any, hub: HubFiles) -> RemoteFile:
    lfs = item.lfs
    published = hub.sha256.get(item.rfilename, "")
    stated = str(lfs.sha256) if lfs is not None else ""
    if published and stated and published != stated:
        raise WeightsInvalid(
            f"{item.rfilename} of {hub.repository} is not the published file (sha256 {stated[:12]}…, published {published[:12]}…); "
            "it was replaced, do not use it."
        )
    return RemoteFile(str(item.rfilename), int(item.size if item.size is not None else lfs.size), published or stated, published)


def _licence(info: Any) -> str:
    data = getattr(info, "card_data", None)
    stated = data.get("license") if data is not None else None
    tagged = [tag.removeprefix("license:") for tag in (info.tags or ()) if tag.startswith("license:")]
    return str(stated or (tagged[0] if tagged else ""))


@contextlib.contextmanager
def translated(entry: ModelEntry, endpoint: str) -> Iterator[None]:
    """Foreign errors of the hub's client, the network and the disk as one sentence."""
    import httpx2
    from huggingface_hub import errors

    title, repository = entry.card.title, download_of(entry).repository
    try:
        yield
    except errors.GatedRepoError as error:
        raise WeightsMissing(
            f"The publisher of {title} asks to accept terms first: open {endpoint.rstrip('/')}/{repository}, accept them, log in with "
            "'hf auth login' and install again."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} does not have {repository} or one of its files, or it is private; check the endpoint setting."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise SourceUnavailable(f"Downloads are switched off (HF_HUB_OFFLINE); unset it to install {title}.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise SourceUnavailable(
            f"The hub at {endpoint} answers with status {status}; try again later, what has arrived is kept."
        ) from error
    except httpx2.TimeoutException as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} did not answer within {ANSWER_SECONDS:.0f} seconds; try again later, what has arrived is kept."
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SourceUnavailable(
            f"The hub at {endpoint} cannot be reached ({type(error).__name__}); check the network and the endpoint setting, what has arrived is kept."
        ) from error
    except OSError as error:
        raise ResourceExhausted(f"Cannot write the download ({error.strerror or type(error).__name__}); make room on the disk.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceUnavailable(f"{endpoint} does not answer as a model hub does; check the endpoint setting.") from error
