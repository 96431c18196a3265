"""A session as a file: what is asked, how it is seen, the visitor's own files and tracks; opened again on any server, also after a restart."""

from __future__ import annotations

import gzip
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from engine.core.errors import FileFormatError, LocuscopeError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.own_tracks import KINDS, SCALES
from engine.core.quoting import file_name
from engine.core.regions import Region
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.version import VERSION
from engine.sources.door import Bounds, TextLines, read_json
from engine.sources.track_files import pieces, put_together
from engine.sources.understood import Understood
from engine.views.own_panels import PREFIX
from pages._ui import address, session_steps
from pages._ui.own_tracks import LONGEST_NAME, MOST_BYTES, MOST_TRACKS, Brought
from pages._ui.question import Question
from pages._ui.steps import History

if TYPE_CHECKING:
    from engine.core.own_tracks import TrackFile
    from engine.core.settings import Settings
    from pages._ui.address import AddressState
    from pages._ui.state import Session, Shared

MARK = "locuscope session"
FORMAT = 2
SUFFIX = ".locuscope.json.gz"
WANTED = f"a session that was saved here ({SUFFIX})"
_TEXT_PER_BYTE = 2
"""Bytes of text a byte of a track in memory, at most about."""


@dataclass(frozen=True)
class Opened:
    """A session file that was read: the question, what the address would say of it, letters and annotation of files, tracks; ``notes``: what of
    it is not there on this server."""

    question: Question
    state: AddressState
    understood: Understood | None
    annotation: Mapping[str, tuple[Feature, ...]]
    tracks: tuple[Brought, ...]
    notes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    history: History = field(default_factory=History)


def too_large(session: Session, settings: Settings) -> str:
    """One sentence when the session would be a larger file than can be opened again; else empty."""
    tracks = sum(track.file.nbytes for track in session.tracks if not track.server)
    own = session.files.understood[1] if session.files.understood is not None and session.question.is_of_file else None
    letters = sum(len(record) for record in own.records) if own is not None else 0
    size = _TEXT_PER_BYTE * tracks + letters
    if size <= settings.max_upload_bytes:
        return ""
    return (
        f"A session of about {size / 1e6:,.0f} MB could not be opened again, {settings.max_upload_bytes / 1e6:,.0f} MB can; remove a large track or "
        "cut out the part needed."
    )


def content(session: Session, settings: Settings) -> bytes:
    """The session as a file: JSON, packed with gzip. It holds letters and tracks of the visitor's own files."""
    question, files = session.question, session.files
    text, understood = files.understood or ("", None)
    own = understood if understood is not None and text == question.text and question.is_of_file else None
    plain = {
        MARK: FORMAT,
        "version": VERSION,
        "text": question.text,
        "address": _parameters(session, settings),
        "records": [_record(record) for record in own.records] if own is not None else [],
        "features": [[_cells(item) for item in features] for features in own.record_features] if own is not None else [],
        "kind": own.kind if own is not None else "",
        "notes": list(own.notes) if own is not None else [],
        "annotation": {sha256: [_cells(item) for item in features] for sha256, features in files.annotation.items()},
        "tracks": [_track(track) for track in session.tracks],
        "folded": [name for name in _folded(session) if name.startswith(PREFIX)],
        "regions": session_steps.cells_of(session.regions),
        **session_steps.content(session.history),
    }
    return gzip.compress(orjson.dumps(plain), mtime=0)


def read(name: str, data: bytes, shared: Shared) -> Opened:
    """A session file. Raises `FileFormatError` for anything else, and what a track of the server raises that is not there."""
    with TextLines(name, data, Bounds.of(shared.settings), WANTED) as lines:
        found = read_json(lines.text(), f"The file {file_name(name)}")
    if not isinstance(found, dict) or found.get(MARK) != FORMAT:
        raise FileFormatError(f"The file {file_name(name)} is no session of Locuscope that can be read here; give {WANTED}.")
    try:
        return _opened(found, shared)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"The session file {file_name(name)} is damaged; save it again.") from error


def _opened(found: dict[str, Any], shared: Shared) -> Opened:
    state = address.parse({str(name): str(value) for name, value in found["address"].items()})
    question = replace(Question.of_address(state, ""), text=str(found["text"]))
    understood = None
    if found["records"]:
        records = tuple(_sequence(cells) for cells in found["records"])
        features = tuple(tuple(Feature(*cells) for cells in own) for own in found["features"])
        if len(features) != len(records):
            raise ValueError("annotation of records")
        understood = Understood(records, found["kind"], tuple(map(str, found["notes"])), features)
    annotation = {str(sha256): tuple(Feature(*cells) for cells in features) for sha256, features in found["annotation"].items()}
    tracks, notes = _tracks(found["tracks"], shared)
    folded = [tracks[name].id for name in found["folded"] if name in tracks]
    if folded:
        state = replace(state, display={**state.display, "hidden": [*state.display.get("hidden", ()), *folded]})
    regions, history = session_steps.regions_of(found.get("regions", [])), session_steps.read(found)
    return Opened(question, state, understood, annotation, tuple(tracks.values()), (*state.problems, *notes), regions, history)


def _tracks(items: list[dict[str, Any]], shared: Shared) -> tuple[dict[str, Brought], list[str]]:
    """Tracks by the id they had, with new ones, and what of them is not on this server. Raises `ValueError`."""
    found: dict[str, Brought] = {}
    notes: list[str] = []
    for item in items:
        identity = str(item["id"])
        if identity in found or len(found) == MOST_TRACKS:
            raise ValueError(identity)
        try:
            found[identity] = _brought(item, shared)
        except LocuscopeError as error:
            notes.append(str(error))
    if sum(track.file.nbytes for track in found.values()) > MOST_BYTES:
        raise ValueError("bytes of tracks")
    return found, notes


def _parameters(session: Session, settings: Settings) -> dict[str, str]:
    """What an address says beside the text: the question, what is in view, and the display."""
    question, seen = session.question, session.exchange.seen
    found: dict[str, Any] = {
        "model": question.model or settings.model,
        "species": question.species,
        "species_elsewhere": address.species_text(question.elsewhere),
        "strand": "reverse" if question.reverse else "",
        "record": question.record + 1,
        "window": f"{question.window[0] + 1}-{question.window[1]}" if question.window else "",
        "analyses": ",".join(question.asked),
        "elements": question.elements,
        "allele": address.allele_text(question.allele),
        **dict(question.settings),
    }
    shown = session.screen.shown
    if shown is not None and seen.get("view") == shown.identity:
        found |= _in_view(seen, len(shown.sequence)) | {"hide": ",".join(_folded(session))}
    names = {given: name for name, given in address.DISPLAY_NAMES.items()}
    found = {names.get(name, name): value for name, value in session.display.items() if value is not None} | found
    return {
        name: ",".join(value) if isinstance(value, list | tuple) else str(value) for name, value in found.items() if value not in ("", None)
    }


def _in_view(seen: Mapping[str, Any], length: int) -> dict[str, str]:
    found = {}
    for name in ("region", "rows"):
        part = seen.get(name)
        if isinstance(part, Mapping) and all(isinstance(part.get(end), int | float) and math.isfinite(part[end]) for end in "ab"):
            first, last = max(0, math.floor(part["a"] + 0.1)) + 1, min(length, math.ceil(part["b"] - 0.1))
            found[name] = f"{first}-{last}" if (first, last) != (1, length) else ""
    selection = seen.get("selection")
    if isinstance(selection, Mapping):
        places = dict.fromkeys(place + 1 for place in (selection.get("i"), selection.get("j")) if isinstance(place, int))
        found["select"] = ",".join(map(str, places))
    return found


def _folded(session: Session) -> list[str]:
    """Panels that the visitor folded, own tracks among them."""
    arrangement = session.exchange.seen.get("arrangement")
    folded = arrangement.get("folded", ()) if isinstance(arrangement, Mapping) else ()
    return [name for name in folded if isinstance(name, str)]


def _record(record: NucleotideSequence) -> list[str]:
    return [record.letters, str(record.alphabet), str(record.locus) if record.locus is not None else "", record.name]


def _sequence(cells: list[str]) -> NucleotideSequence:
    letters, alphabet, locus, name = cells
    return NucleotideSequence(letters, Alphabet(alphabet), Locus.parse(locus) if locus else None, name)


def _cells(item: Feature) -> list[Any]:
    return [item.kind, item.name, item.start, item.end, item.strand, item.contig, dict(item.attributes)]


def _track(track: Brought) -> dict[str, Any]:
    plain = {"id": track.id, "name": track.name, "colour": track.colour, "is_shown": track.is_shown, "server": track.server}
    plain |= {"scale": track.scale, "low": track.low, "high": track.high, "heat": track.heat}
    if track.server:
        return plain
    given: Any = track.file
    return {**plain, "file": given.name, "rows": list(pieces(given))}


def _brought(item: dict[str, Any], shared: Shared) -> Brought:
    colour = str(item["colour"])
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise ValueError(colour)
    server = str(item["server"])
    file: Any = shared.tracks.track(server) if server else _checked(put_together(str(item["file"]), item["rows"]))
    name = str(item["name"])[:LONGEST_NAME]
    scale, low, high = item.get("scale", "own"), float(item.get("low", 0)), float(item.get("high", 1))
    if scale not in SCALES or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError("scale of a track")
    identity = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    return Brought(identity, file, name, colour, bool(item["is_shown"]), server, scale, low, high, bool(item.get("heat")))


def _checked(found: TrackFile) -> TrackFile:
    """The track, when its numbers and words can be those of one. Raises `ValueError`."""
    if found.kind not in KINDS or not isinstance(found.note, str):
        raise ValueError("kind of a track")
    for rows in found.contigs.values():
        count = len(rows.starts)
        lengths = {len(rows.ends), len(rows.values), *(len(words) for words in (rows.names, rows.strands, rows.others) if len(words))}
        if lengths - {count} or (rows.starts < 0).any() or (rows.ends <= rows.starts).any():
            raise ValueError("rows of a track")
        if found.kind == "pairs" and (len(rows.others) != count or (rows.others[:, 1] <= rows.others[:, 0]).any()):
            raise ValueError("pairs of a track")
        if found.kind != "signal" and (len(rows.names) != count or len(rows.strands) != count):
            raise ValueError("names of a track")
        if not all(isinstance(word, str) for word in (*rows.names, *rows.strands)):
            raise ValueError("words of a track")
    return found
