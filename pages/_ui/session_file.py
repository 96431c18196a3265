"""A session as a file: what is asked, how it is seen, the visitor's own files and tracks; opened again on any server, also after a restart."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from engine.core.errors import FileFormatError, LocusError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.quoting import file_name
from engine.core.regions import Region
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.core.version import VERSION
from engine.sources.door import Bounds, TextLines, read_json
from engine.sources.regions import MOST
from engine.sources.track_files import pieces, put_together
from engine.sources.understood import Understood
from pages._ui import address, choices
from pages._ui.own_tracks import Brought
from pages._ui.question import Question
from pages._ui.steps import FILE, LONGEST_TITLE, MOST_RECENT, MOST_STEPS, History, Step

if TYPE_CHECKING:
    from engine.core.own_tracks import TrackFile
    from engine.core.settings import Settings
    from pages._ui.address import AddressState
    from pages._ui.state import Session, Shared

MARK = "locuscope session"
FORMAT = 1
SUFFIX = ".locuscope.json.gz"
WANTED = f"a session that was saved here ({SUFFIX})"


@dataclass(frozen=True)
class Opened:
    """A session file that was read: the question, what the address would say of it, letters and annotation of files, tracks."""

    question: Question
    state: AddressState
    understood: Understood | None
    annotation: Mapping[str, tuple[Feature, ...]]
    tracks: tuple[Brought, ...]
    regions: tuple[Region, ...] = ()
    history: History = field(default_factory=History)


def content(session: Session, settings: Settings) -> bytes:
    """The session as a file: JSON, packed with gzip. It holds letters and tracks of the visitor's own files."""
    question, files = session.question, session.files
    text, understood = files.understood or ("", None)
    own = understood if understood is not None and text == question.text and _is_of_file(question) else None
    shown = session.screen.shown
    annotated = files.annotation.get(shown.whole.sha256, ()) if shown is not None else ()
    plain = {
        MARK: FORMAT,
        "version": VERSION,
        "text": question.text,
        "address": _parameters(session, settings),
        "records": [_record(record) for record in own.records] if own is not None else [],
        "features": [[_cells(item) for item in features] for features in own.record_features] if own is not None else [],
        "kind": own.kind if own is not None else "",
        "notes": list(own.notes) if own is not None else [],
        "annotation": [_cells(item) for item in annotated],
        "annotated": shown.whole.sha256 if shown is not None else "",
        "tracks": [_track(track) for track in session.tracks],
        "regions": [_region_cells(item) for item in session.regions],
        "steps": _steps(session.history),
        "recent": [list(item) for item in session.history.recent],
        "asked": list(session.history.asked or ()),
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
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, LocusError) as error:
        raise FileFormatError(f"The session file {file_name(name)} is damaged; save it again.") from error


def _opened(found: dict[str, Any], shared: Shared) -> Opened:
    state = address.parse({str(name): str(value) for name, value in found["address"].items()})
    question = replace(Question.of_address(state, ""), text=str(found["text"]))
    understood = None
    if found["records"]:
        records = tuple(_sequence(cells) for cells in found["records"])
        features = tuple(tuple(Feature(*cells) for cells in own) for own in found["features"])
        understood = Understood(records, found["kind"], tuple(map(str, found["notes"])), features)
    annotation = {str(found["annotated"]): tuple(Feature(*cells) for cells in found["annotation"])} if found["annotation"] else {}
    tracks = tuple(_brought(item, shared) for item in found["tracks"])
    regions = tuple(Region(*cells) for cells in found.get("regions", ())[:MOST])
    return Opened(question, state, understood, annotation, tracks, regions, _history(found))


def _history(found: dict[str, Any]) -> History:
    """Steps, recent loci and the place that was asked for, of a session file; older files have none."""
    told = found.get("steps") or {"at": -1, "steps": []}
    steps = tuple(Step(_question(item["question"]), tuple(Region(*cells) for cells in item["regions"])) for item in told["steps"])[
        -MOST_STEPS:
    ]
    recent = tuple((str(text), str(title)[:LONGEST_TITLE]) for text, title in found.get("recent", ()))[:MOST_RECENT]
    asked = found.get("asked") or None
    place = (str(asked[0]), str(asked[1]), int(asked[2]), int(asked[3])) if asked is not None else None
    return History(steps, max(min(int(told["at"]), len(steps) - 1), min(0, len(steps) - 1)), recent, place)


def _steps(history: History) -> dict[str, Any]:
    """Steps without those that show other files, whose letters are not kept."""
    kept = [(number, step) for number, step in enumerate(history.steps) if not step.question.text.startswith(FILE)]
    rows = [{"question": _plain(step.question), "regions": [_region_cells(item) for item in step.regions]} for _, step in kept]
    return {"at": sum(number <= history.at for number, _ in kept) - 1, "steps": rows}


def _plain(question: Question) -> dict[str, Any]:
    return {**asdict(replace(question, allele=None)), "allele": address.allele_text(question.allele)}


def _question(given: Mapping[str, Any]) -> Question:
    window = given["window"]
    return Question(
        text=str(given["text"]),
        model=str(given["model"]),
        record=int(given["record"]),
        reverse=bool(given["reverse"]),
        window=None if window is None else (int(window[0]), int(window[1])),
        species=str(given["species"]),
        settings=tuple((str(name), choices.read(str(name), str(text))) for name, text in given["settings"]),
        asked=tuple(name for name in map(str, given["asked"]) if name in choices.on_demand()),
        elements=str(given["elements"]),
        allele=address.allele_of(str(given["allele"])) if given["allele"] else None,
        moved=bool(given["moved"]),
    )


def _region_cells(item: Region) -> list[Any]:
    return [item.assembly, item.contig, item.start, item.end, item.name, item.colour]


def _is_of_file(question: Question) -> bool:
    return question.text.startswith("file ")


def _parameters(session: Session, settings: Settings) -> dict[str, str]:
    """What an address says beside the text: the question, what is in view, and the display."""
    question, seen = session.question, session.exchange.seen
    found: dict[str, Any] = {
        "model": question.model or settings.model,
        "species": question.species,
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
        found |= _in_view(seen, len(shown.sequence))
    names = {given: name for name, given in address.DISPLAY_NAMES.items()}
    found |= {names.get(name, name): value for name, value in session.display.items() if value is not None}
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
    selection, arrangement = seen.get("selection"), seen.get("arrangement")
    if isinstance(selection, Mapping):
        places = dict.fromkeys(place + 1 for place in (selection.get("i"), selection.get("j")) if isinstance(place, int))
        found["select"] = ",".join(map(str, places))
    if isinstance(arrangement, Mapping):
        found["hide"] = ",".join(name for name in arrangement.get("folded", ()) if isinstance(name, str))
    return found


def _record(record: NucleotideSequence) -> list[str]:
    return [record.letters, str(record.alphabet), str(record.locus) if record.locus is not None else "", record.name]


def _sequence(cells: list[str]) -> NucleotideSequence:
    letters, alphabet, locus, name = cells
    return NucleotideSequence(letters, Alphabet(alphabet), Locus.parse(locus) if locus else None, name)


def _cells(item: Feature) -> list[Any]:
    return [item.kind, item.name, item.start, item.end, item.strand, item.contig, dict(item.attributes)]


def _track(track: Brought) -> dict[str, Any]:
    plain = {"id": track.id, "name": track.name, "colour": track.colour, "is_shown": track.is_shown, "server": track.server}
    if track.server:
        return plain
    given: Any = track.file
    return {**plain, "file": given.name, "rows": list(pieces(given))}


def _brought(item: dict[str, Any], shared: Shared) -> Brought:
    colour = str(item["colour"])
    if len(colour) != 7 or not colour.startswith("#") or not colour[1:].isalnum():
        raise ValueError(colour)
    server = str(item["server"])
    file: Any = shared.tracks.track(server) if server else _checked(put_together(str(item["file"]), item["rows"]))
    identity = str(item["id"])
    if not identity.startswith("own-") or not identity[4:].isalnum():
        raise ValueError(identity)
    return Brought(identity, file, str(item["name"])[:60], colour, bool(item["is_shown"]), server)


def _checked(found: TrackFile) -> TrackFile:
    """The track, when its numbers can be those of one. Raises `ValueError`."""
    for rows in found.contigs.values():
        count = len(rows.starts)
        lengths = {len(rows.ends), len(rows.values), *(len(words) for words in (rows.names, rows.strands, rows.others) if len(words))}
        if lengths - {count} or (rows.starts < 0).any() or (rows.ends <= rows.starts).any():
            raise ValueError("rows of a track")
        if found.kind == "pairs" and (len(rows.others) != count or (rows.others[:, 1] <= rows.others[:, 0]).any()):
            raise ValueError("pairs of a track")
        if found.kind != "signal" and (len(rows.names) != count or len(rows.strands) != count):
            raise ValueError("names of a track")
    return found
