"""The view as tracks that any genome browser reads: what each result, annotation and own track is on the forward strand of its contig."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.core.packages import needed
from engine.core.results import slug
from engine.exports.bigwig import write_runs
from engine.exports.place import Place, place_of
from engine.exports.provenance import summary
from engine.views.palettes import element_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.features import Feature
    from engine.core.own_tracks import OwnTrack
    from engine.core.results import Result
    from engine.core.sequence import NucleotideSequence
    from engine.views.evidence import Highlight

Kind = Literal["signal", "blocks", "pairs"]
SUFFIXES: dict[str, str] = {"signal": ".bw", "blocks": ".bed", "pairs": ".bedpe"}
MOST_PAIRS = 60
"""Strongest pairs of a result that are drawn as arcs."""
LOW = 0.5
"""An element whose probability stays under this everywhere has no track, as it has no row in the figure."""


def _no_places() -> NDArray[np.int64]:
    return np.empty((0, 2), np.int64)


@dataclass(frozen=True, eq=False)
class BrowserTrack:
    """One track.

    Parameters
    ----------
    id, title, description : str
        Letters, digits and ``_``; on screen; one line on where it comes from.
    kind : str
        ``signal`` (values), ``blocks`` (intervals with names), ``pairs`` (two intervals each).
    colour : str
        ``#rrggbb``.
    starts, ends, values : int64 (n,), int64 (n,), float32 (n,)
        0-based half-open on the forward strand, by start; a signal's values, others' scores.
    names, strands : tuple of str
        n of them; empty for a signal.
    others : int64 (n, 2)
        Second intervals of pairs.
    colours : tuple of str
        Of blocks that have one each, ``#rrggbb``; empty where all have that of the track.
    """

    id: str
    title: str
    kind: Kind
    colour: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    names: tuple[str, ...] = ()
    strands: tuple[str, ...] = ()
    others: NDArray[np.int64] = field(default_factory=_no_places)
    description: str = ""
    provenance: str = ""
    colours: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"{self.id}{SUFFIXES[self.kind]}"

    @property
    def rgb(self) -> str:
        """Its colour as BED and trackDb write it."""
        return rgb_of(self.colour)


@dataclass(frozen=True, eq=False)
class BrowserView:
    """A window of a contig with its tracks.

    ``place``: where the window lies; ``letters`` its forward letters as DNA. ``region``: what is in view, 0-based half-open on the contig.
    ``ucsc``, ``ucsc_contig``: the genome and the contig as UCSC calls them (an NCBI assembly accession where UCSC has it as such); empty for letters
    that lie on no known assembly. ``organism``: whose genome it is, where that is known.
    """

    title: str
    place: Place
    letters: str
    region: tuple[int, int]
    tracks: tuple[BrowserTrack, ...]
    ucsc: str = ""
    ucsc_contig: str = ""
    organism: str = ""

    @property
    def locus(self) -> str:
        """What is in view, 1-based inclusive."""
        return f"{self.place.contig}:{self.region[0] + 1}-{self.region[1]}"


def view_of(
    sequence: NucleotideSequence,
    results: Iterable[Result],
    features: Sequence[Feature] = (),
    own: Sequence[OwnTrack] = (),
    highlights: Sequence[Highlight] = (),
    *,
    title: str = "",
    region: tuple[int, int] | None = None,
    names: tuple[str, str, str] = ("", "", ""),
) -> BrowserView:
    """The view of ``sequence``; ``features``, ``own`` and ``highlights`` in indices of its letters, ``region`` those in view (None = all).

    ``names``: genome and contig as UCSC calls them, and the organism.
    """
    place = place_of(sequence)
    found = [_regions(highlights, place)] if highlights else []
    found += [_annotation(features, place)] if features else []
    for result in results:
        found += _of_result(result, place)
    found += [track for item in own if (track := _own(item, place)) is not None]
    named = _with_own_names([track for track in found if len(track.starts)])
    first, last = place.interval(*(region or (0, len(sequence))))
    letters = (sequence.reverse_complement() if place.reverse else sequence).as_dna()
    return BrowserView(title or sequence.name or str(sequence.locus or "sequence"), place, letters, (first, last), named, *names)


def _with_own_names(tracks: list[BrowserTrack]) -> tuple[BrowserTrack, ...]:
    """The tracks with identifiers that are each one's own."""
    seen: dict[str, int] = {}
    found = []
    for track in tracks:
        name = slug(track.id)[:60]
        seen[name] = seen.get(name, 0) + 1
        found.append(replace(track, id=name if seen[name] == 1 else f"{name}_{seen[name]}"))
    return tuple(found)


def _of_result(result: Result, place: Place) -> list[BrowserTrack]:
    """Main track, intervals and pairs of a result, or each element's probability of a segmentation."""
    faces, found = type(result).faces, []
    origin, about = result.provenance, summary(result.provenance)
    tracks = result.tracks()
    shown = tracks[:1] if "main track" in faces else [track for track in tracks if np.nanmax(track.values, initial=0) >= LOW]
    for number, track in enumerate(shown):
        values = place.forward(track.values)
        at = np.flatnonzero(np.isfinite(values))
        spans = (at + place.start, at + place.start + 1, values[at])
        colour, said = element_colour(number, dark=False), f"{track.title}{place.behind_names}; {about}"
        title = f"{track.name.replace('_', ' ')}{place.behind_names}, {origin.card.title}"
        found.append(
            BrowserTrack(f"{origin.analysis}_{track.name}", title, "signal", colour, *spans, description=said, provenance=origin.to_json())
        )
    if "intervals" in faces:
        rows = sorted(
            (*place.interval(item.first, item.last), item.name, item.score, place.direction(item.direction)) for item in result.intervals()
        )
        found.append(_blocks(f"{origin.analysis}_intervals", f"{origin.analysis}, {origin.card.title}", rows, about))
    if "pairs" in faces:
        pairs = result.pairs_of_bases()
        title = f"pairs by {origin.analysis}, {origin.card.title}"
        found.append(
            _pairs(
                f"{origin.analysis}_pairs", title, pairs.indices[:MOST_PAIRS], pairs.scores[:MOST_PAIRS], place, f"{pairs.note}; {about}"
            )
        )
    return found


def _blocks(name: str, title: str, rows: list[tuple[int, int, str, float, str]], about: str, colour: str = "#3b6fa5") -> BrowserTrack:
    starts, ends = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    scores = np.array([row[3] for row in rows], np.float32)
    return BrowserTrack(
        name, title, "blocks", colour, starts, ends, scores, tuple(row[2] for row in rows), tuple(row[4] for row in rows), description=about
    )


def _pairs(name: str, title: str, indices: NDArray[np.int64], scores: NDArray[np.float32], place: Place, about: str) -> BrowserTrack:
    return _joined(name, title, [[*place.interval(i, i + 1), *place.interval(j, j + 1)] for i, j in indices.tolist()], scores, place, about)


def _joined(name: str, title: str, ends: list[list[int]], scores: NDArray[np.float32], place: Place, about: str) -> BrowserTrack:
    """Pairs of stretches of the contig: start and end of the one and of the other."""
    spans = np.array(ends, np.int64).reshape(-1, 4)
    spans = np.where((spans[:, :1] <= spans[:, 2:3]), spans, spans[:, [2, 3, 0, 1]])
    order = np.lexsort((spans[:, 2], spans[:, 0]))
    spans, values = spans[order], scores[order].astype(np.float32)
    names = tuple(f"{a + 1}-{b + 1}" for a, b in zip(spans[:, 0].tolist(), spans[:, 2].tolist(), strict=True))
    return BrowserTrack(
        name, title, "pairs", "#b5400f", spans[:, 0], spans[:, 1], values, names, (place.strand,) * len(spans), spans[:, 2:], about
    )


def _annotation(features: Sequence[Feature], place: Place) -> BrowserTrack:
    rows = sorted((*place.interval(item.start, item.end), item.name or item.kind, 0.0, place.direction(item.strand)) for item in features)
    return _blocks("annotation", "annotation", rows, "Annotation of the window", "#171b21")


def _regions(highlights: Sequence[Highlight], place: Place) -> BrowserTrack:
    """The stretches that are marked, each in its colour; what was noted of them in the line about the track."""
    rows = sorted((*place.interval(item.start, item.end), item.name, item.colour, item.note) for item in highlights)
    noted = "; ".join(f"{name}: {note}" for _, _, name, _, note in rows if note)
    about = f"Marked stretches{f'. {noted}' if noted else ''}"
    found = _blocks("regions", "Regions", [(start, end, name, 0.0, ".") for start, end, name, _, _ in rows], about, rows[0][3])
    return replace(found, colours=tuple(colour for _, _, _, colour, _ in rows))


def _own(track: OwnTrack, place: Place) -> BrowserTrack | None:
    """A visitor's track; what of it lies in the window."""
    rows, about = track.rows, "A track of one's own"
    if track.kind == "signal":
        values = place.forward(track.values)
        at = np.flatnonzero(np.isfinite(values))
        return BrowserTrack(
            track.name, track.name, "signal", track.colour, at + place.start, at + place.start + 1, values[at], description=about
        )
    if track.kind == "pairs":
        ends = zip(rows.starts.tolist(), rows.ends.tolist(), rows.others.tolist(), strict=True)
        joined = [[*place.interval(start, end), *place.interval(*other)] for start, end, other in ends]
        return _joined(track.name, track.name, joined, rows.values, place, about)
    spans = [place.interval(int(a), int(b)) for a, b in zip(rows.starts, rows.ends, strict=True)]
    names = rows.names or ("",) * len(spans)
    strands = rows.strands or (".",) * len(spans)
    scores = [float(value) if np.isfinite(value) else 0.0 for value in rows.values]
    found = sorted(
        (*span, name, score, place.direction(strand)) for span, name, score, strand in zip(spans, names, scores, strands, strict=True)
    )
    return _blocks(track.name, track.name, found, about, track.colour)


def rgb_of(colour: str) -> str:
    """``#rrggbb`` as BED and trackDb write it: ``r,g,b``."""
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))


def write_track(track: BrowserTrack, contig: str, length: int, path: Path) -> None:
    """Write a track as bigWig, BED9 or BEDPE on a contig of at least ``length`` bases."""
    if track.kind == "signal":
        write_runs(path, contig, length, track.starts, track.ends, track.values, track.provenance)
        return
    rows = bed_rows(track) if track.kind == "blocks" else pair_rows(track, contig)
    path.write_text("".join(f"{contig}\t{row}\n" for row in rows), encoding="utf-8")


def bed_rows(track: BrowserTrack) -> list[str]:
    """BED9 without the contig, by start; scores 0 to 1 as 0 to 1000."""
    lines = []
    colours = [rgb_of(colour) for colour in track.colours] or [track.rgb] * len(track.names)
    for start, end, score, name, strand, rgb in zip(
        track.starts.tolist(), track.ends.tolist(), track.values, track.names, track.strands, colours, strict=True
    ):
        label = re.sub(r"\s+", "_", name)[:200] or "."
        lines.append(f"{start}\t{end}\t{label}\t{round(1000 * min(1.0, max(0.0, float(score))))}\t{strand}\t{start}\t{end}\t{rgb}")
    return lines


def pair_rows(track: BrowserTrack, contig: str) -> list[str]:
    """BEDPE without the first contig."""
    places = zip(track.starts.tolist(), track.ends.tolist(), track.others.tolist(), track.names, track.values, track.strands, strict=True)
    return [
        f"{start}\t{end}\t{contig}\t{other[0]}\t{other[1]}\t{name}\t{score:g}\t{strand}\t{strand}"
        for start, end, other, name, score, strand in places
    ]


def write_big_bed(track: BrowserTrack, contig: str, length: int, path: Path) -> None:
    """Write blocks, or pairs as two thick ends of one block, as bigBed. Raises `SourceUnavailable` where its library is not installed."""
    rows = bed_rows(track) if track.kind == "blocks" else _bridges(track)
    entries = [(contig, int(start), int(end), rest) for start, end, rest in (row.split("\t", 2) for row in rows)]
    needed("pybigtools").open(str(path), "w").write({contig: length}, entries)


def _bridges(track: BrowserTrack) -> list[str]:
    """BED12: from one end of a pair to the other, the two as blocks, or one block where they meet: blocks of BED never overlap."""
    lines = []
    for start, end, other, name, strand in zip(
        track.starts.tolist(), track.ends.tolist(), track.others.tolist(), track.names, track.strands, strict=True
    ):
        last = max(end, other[1])
        blocks = f"2\t{end - start},{last - other[0]}\t0,{other[0] - start}" if end < other[0] else f"1\t{last - start}\t0"
        lines.append(f"{start}\t{last}\t{name}\t0\t{strand}\t{start}\t{last}\t{track.rgb}\t{blocks}")
    return lines
