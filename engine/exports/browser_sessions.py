"""The view for other genome browsers: an igv.js session with everything inside it, a JBrowse 2 configuration with its files, and a UCSC track hub.

igv.js: https://igv.org/doc/igvjs/ (sessions, data URIs). JBrowse 2: https://jbrowse.org/jb2/docs/config_guide and its `defaultSession`.
UCSC: https://genome.ucsc.edu/goldenPath/help/hgTrackHubHelp.html, with the settings that every stanza must have, and assemblyHubHelp.html beside it.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.results import slug
from engine.core.version import VERSION
from engine.exports.browser_tracks import BrowserTrack, BrowserView, write_big_bed, write_track

LONGEST_OWN_BP = 10_000_000
"""Up to here on its contig a window brings its own reference, N where nothing is known; beyond, the genome is named as UCSC calls it."""
BED9 = ["chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb"]
"""Columns of a file of blocks, as UCSC calls them."""
HEIGHTS = {"signal": 50, "blocks": 45, "pairs": 80}
_TEN_YEARS_OF_ZIP = (2020, 1, 1, 0, 0, 0)
LONGEST_NAME = 255
"""Bytes of a contig's name in a .2bit file, whose length is one byte."""
SHORT_LABEL, LONG_LABEL = 17, 76
"""Characters that UCSC shows of a track's labels."""


def igv_session(view: BrowserView) -> dict[str, Any]:
    """An igv.js session; tracks, and the reference where it is the view's own, are inside it as data, so that the file is all there is.

    Raises `ParameterError` for a place that lies so far on a contig of no known genome that it cannot bring its reference.
    """
    reference = _own_reference(view)
    contig = view.place.contig if reference else view.ucsc_contig
    session: dict[str, Any] = {"version": "3", "locus": f"{contig}:{view.region[0] + 1}-{view.region[1]}", "tracks": []}
    if reference:
        session["reference"] = {
            "id": view.place.assembly or view.place.contig,
            "name": view.title,
            "fastaURL": _data(gzip.compress(reference.encode(), mtime=0), "application/gzip"),
            "indexed": False,
        }
    else:
        session["genome"] = view.ucsc
    with tempfile.TemporaryDirectory() as folder:
        for order, track in enumerate(view.tracks, start=1):
            path = Path(folder) / track.file
            write_track(track, contig, view.place.end, path)
            session["tracks"].append(_igv_track(track, path.read_bytes(), order))
    return session


def _igv_track(track: BrowserTrack, content: bytes, order: int) -> dict[str, Any]:
    if track.kind == "signal":
        source = {"type": "wig", "format": "bigwig", "url": _data(content, "application/octet-stream"), "autoscale": True}
    else:
        kind = {"blocks": ("annotation", "bed"), "pairs": ("interact", "bedpe")}[track.kind]
        source = {"type": kind[0], "format": kind[1], "url": _data(gzip.compress(content, mtime=0), "application/gzip"), "indexed": False}
        source |= {"displayMode": "EXPANDED"} if track.kind == "blocks" else {"arcType": "nested", "useScore": False}
    colour = {} if track.colours else {"color": f"rgb({track.rgb})"}  # one of the track would take the place of those in the file
    return {"name": track.title, **source, **colour, "height": HEIGHTS[track.kind], "order": order}


def jbrowse_config(view: BrowserView) -> dict[str, Any]:
    """A JBrowse 2 configuration beside the files of `write_zip`: assembly, tracks, and a session that shows them.

    Raises `ParameterError` as `igv_session`.
    """
    own = bool(_own_reference(view))
    name = view.place.assembly or view.place.contig if own else view.ucsc
    contig = view.place.contig if own else view.ucsc_contig
    location = {"type": "IndexedFastaAdapter", "fastaLocation": _uri("../reference.fa"), "faiLocation": _uri("../reference.fa.fai")}
    public = {"type": "TwoBitAdapter", "twoBitLocation": _uri(f"https://hgdownload.soe.ucsc.edu/goldenPath/{name}/bigZips/{name}.2bit")}
    sequence = {"type": "ReferenceSequenceTrack", "trackId": f"{name}-reference", "adapter": location if own else public}
    tracks = [_jbrowse_track(track, name) for track in view.tracks]
    place = f"{contig}:{view.region[0] + 1}..{view.region[1]}"
    shown = {"type": "LinearGenomeView", "init": {"assembly": name, "loc": place, "tracks": [track["trackId"] for track in tracks]}}
    return {
        "assemblies": [{"name": name, "sequence": sequence}],
        "tracks": tracks,
        "defaultSession": {"name": view.title, "views": [shown]},
    }


def session_spec(config: dict[str, Any]) -> str:
    """The same view as the value of ``session`` in the address of a JBrowse Web that has the configuration."""
    (shown,) = config["defaultSession"]["views"]
    return "spec-" + json.dumps({"views": [{"type": shown["type"], **shown["init"]}]}, ensure_ascii=False)


def _jbrowse_track(track: BrowserTrack, assembly: str) -> dict[str, Any]:
    kinds = {
        "signal": ("QuantitativeTrack", "BigWigAdapter", "bigWigLocation"),
        "blocks": ("FeatureTrack", "BedAdapter", "bedLocation"),
        "pairs": ("VariantTrack", "BedpeAdapter", "bedpeLocation"),
    }
    kind, adapter, place = kinds[track.kind]
    return {
        "type": kind,
        "trackId": track.id,
        "name": track.title,
        "description": track.description,
        "assemblyNames": [assembly],
        "adapter": {"type": adapter, place: _uri(f"../tracks/{track.file}"), **({"columnNames": BED9} if track.kind == "blocks" else {})},
        "displays": [{**_jbrowse_display(track), "displayId": f"{track.id}-display"}],
    }


def _jbrowse_display(track: BrowserTrack) -> dict[str, Any]:
    """How JBrowse draws a track: in its colour; regions, which have one each, in that of their row (an expression of JBrowse's jexl)."""
    if track.kind == "pairs":
        return {"type": "LinearPairedArcDisplay"}
    if track.kind == "signal":
        return {"type": "LinearWiggleDisplay", "renderers": {"XYPlotRenderer": {"type": "XYPlotRenderer", "color": track.colour}}}
    colour = "jexl:'rgb('+get(feature,'itemRgb')+')'" if track.colours else track.colour
    return {"type": "LinearBasicDisplay", "renderer": {"type": "SvgFeatureRenderer", "color1": colour}}


def track_hub(view: BrowserView) -> dict[str, str]:
    """The text files of a UCSC track hub by their names in it: on the genome as UCSC calls it, else an assembly hub with the view's own reference."""
    hub = {
        "hub": "locuscope",
        "shortLabel": "Locuscope",
        "longLabel": _label(f"{view.title}, by Locuscope {VERSION}", LONG_LABEL),
        "genomesFile": "genomes.txt",
        "email": "you@example.org",
        "descriptionUrl": "about.html",
    }
    name, contig = hub_genome(view)
    genome = {"genome": name, "trackDb": f"{name}/trackDb.txt", "defaultPos": f"{contig}:{view.region[0] + 1}-{view.region[1]}"}
    if not view.ucsc:
        organism = view.organism or view.title
        genome |= {"twoBitPath": f"{name}/reference.2bit", "organism": organism, "scientificName": organism, "orderKey": "1"}
        genome |= {"description": _label(view.locus, LONG_LABEL), "htmlPath": "about.html"}
    database = "\n".join(_stanza(_hub_track(track, order)) for order, track in enumerate(view.tracks, start=1))
    rows = "".join(f"<li>{_html(track.title)}: {_html(track.description)}</li>" for track in view.tracks)
    about = f"<html><body><h1>{_html(view.title)}</h1><ul>{rows}</ul></body></html>\n"
    return {"hub.txt": _stanza(hub), "genomes.txt": _stanza(genome), f"{name}/trackDb.txt": database, "about.html": about}


def hub_genome(view: BrowserView) -> tuple[str, str]:
    """Genome and contig of the hub."""
    return (view.ucsc, view.ucsc_contig) if view.ucsc else (slug(view.place.assembly or view.place.contig), view.place.contig)


def two_bit(name: str, letters: str, start: int) -> bytes:
    """A .2bit file of one contig: ``letters`` from ``start`` on, N before them and for letters that are none of ACGT.

    UCSC's format: T, C, A, G are 0 to 3, four bases a byte, the first in the highest bits; runs of N are listed beside; a name takes at most
    255 bytes. Raises `ParameterError` for a longer one.
    """
    title = name.encode()
    if len(title) > LONGEST_NAME:
        raise ParameterError(
            f"The name of the contig takes {len(title):,} bytes; the .2bit file of a hub holds at most {LONGEST_NAME}; give the record a shorter name."
        )
    whole = np.frombuffer((("N" * start) + letters).encode(), np.uint8)
    codes = np.full(256, 4, np.uint8)
    for code, base in enumerate(b"TCAG"):
        codes[base] = code
    found = codes[whole]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (found == 4).astype(np.int8), [0]))))
    runs, sizes = edges[::2], edges[1::2] - edges[::2]
    packed = np.pad(np.where(found == 4, 0, found), (0, -len(found) % 4)).reshape(-1, 4)
    dna: bytes = (packed << np.array([6, 4, 2, 0], np.uint8)).sum(axis=1).astype(np.uint8).tobytes()
    head = struct.pack("<4I", 0x1A412743, 0, 1, 0) + bytes([len(title)]) + title
    blocks = struct.pack("<2I", len(whole), len(runs)) + runs.astype("<u4").tobytes() + sizes.astype("<u4").tobytes()
    return head + struct.pack("<I", len(head) + 4) + blocks + struct.pack("<2I", 0, 0) + dna


def _hub_track(track: BrowserTrack, order: int) -> dict[str, str]:
    """The stanza of a track: those settings that UCSC demands, colour and place."""
    found = {"track": track.id, "shortLabel": _label(track.title, SHORT_LABEL), "longLabel": _label(track.title, LONG_LABEL)}
    if track.kind == "signal":
        low, high = float(min(track.values.min(), 0)), float(max(track.values.max(), 1e-6))
        kind = {"type": f"bigWig {low:g} {high:g}", "autoScale": "on", "maxHeightPixels": "100:50:8", "visibility": "full"}
        found |= {"bigDataUrl": f"{track.id}.bw", **kind}
    else:
        found |= {
            "bigDataUrl": f"{track.id}.bb",
            "type": f"bigBed {9 if track.kind == 'blocks' else 12}",
            "itemRgb": "on",
            "visibility": "pack",
        }
    return {**found, "color": track.rgb, "priority": str(order)}


def write_zip(view: BrowserView, path: Path) -> None:
    """Write everything: ``igv-session.json``, ``jbrowse/config.json``, ``tracks/``, ``reference.fa`` with its index, ``hub/`` and ``README.txt``.

    Raises `ParameterError` for a view without any track, and as `igv_session`.
    """
    if not view.tracks:
        raise ParameterError(
            "There is no track to write yet; compute something of this sequence, or show its annotation or a track of your own."
        )
    config = jbrowse_config(view)
    reference = _own_reference(view)
    contig = view.place.contig if reference else view.ucsc_contig
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        folder = Path(name)

        def put(inside: str, content: bytes | str) -> None:
            archive.writestr(zipfile.ZipInfo(inside, _TEN_YEARS_OF_ZIP), content, zipfile.ZIP_DEFLATED)

        for track in view.tracks:
            file = folder / track.file
            write_track(track, contig, view.place.end, file)
            put(f"tracks/{track.file}", file.read_bytes())
        put("igv-session.json", json.dumps(igv_session(view), indent=1))
        put("jbrowse/config.json", json.dumps(config, indent=1, ensure_ascii=False))
        if reference:
            put("reference.fa", reference)
            put("reference.fa.fai", _index(view))
        genome, hub_contig = hub_genome(view)
        for inside, text in track_hub(view).items():
            put(f"hub/{inside}", text)
        if not view.ucsc:
            put(f"hub/{genome}/reference.2bit", two_bit(hub_contig, view.letters, view.place.start))
        for track in view.tracks:
            put(*_hub_file(view, track, folder))
        put("README.txt", _read_me(view, config))


def _hub_file(view: BrowserView, track: BrowserTrack, folder: Path) -> tuple[str, bytes]:
    suffix = ".bw" if track.kind == "signal" else ".bb"
    genome, contig = hub_genome(view)
    file = folder / f"hub-{track.id}{suffix}"
    write = write_track if track.kind == "signal" else write_big_bed
    write(track, contig, view.place.end, file)
    return f"hub/{genome}/{track.id}{suffix}", file.read_bytes()


def _own_reference(view: BrowserView) -> str:
    """FASTA of the contig up to the end of the window, N before it; empty where the genome is named instead."""
    place = view.place
    if place.end <= LONGEST_OWN_BP:
        return f">{place.contig}\n{'N' * place.start}{view.letters}\n"
    if not view.ucsc:
        raise ParameterError(
            f"{view.title} lies {place.end:,} bases along a contig of no genome that other browsers know; up to {LONGEST_OWN_BP:,} are written with "
            "it. Show the letters alone (paste them), and write that."
        )
    return ""


def _index(view: BrowserView) -> str:
    """The line of a .fai: name, length, offset of the first letter, letters and bytes a line."""
    place = view.place
    return f"{place.contig}\t{place.end}\t{len(place.contig.encode()) + 2}\t{place.end}\t{place.end + 1}\n"


def _read_me(view: BrowserView, config: dict[str, Any]) -> str:
    tracks = "".join(f"  {track.file}  {track.title}. {track.description}\n" for track in view.tracks)
    return (
        f"{view.title}, {view.locus}: tracks by Locuscope {VERSION}\n\n"
        "igv-session.json  IGV-Web (Session > Local File), or igv.js: browser.loadSession. Everything is inside the file.\n"
        "jbrowse/config.json  JBrowse 2: put this folder on a web server, open JBrowse Web with ?config=ADDRESS/jbrowse/config.json.\n"
        f"                The same view as an address: &session={session_spec(config)}\n"
        f"hub/            UCSC Genome Browser: put the folder on a web server and give hub/hub.txt as a track hub (genome {hub_genome(view)[0]});\n"
        "                put your address under email in hub.txt first.\n"
        "tracks/         The files themselves: bigWig, BED, BEDPE; 0-based half-open, forward strand.\n"
        "reference.fa    The letters of the window in their place on the contig, N in front of them (where it is there).\n\n"
        f"{tracks}"
    )


def _stanza(settings: dict[str, str]) -> str:
    return "".join(f"{key} {' '.join(value.split())}\n" for key, value in settings.items())


def _label(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}."


def _html(text: str) -> str:
    return re.sub(r"[<>&]", lambda found: {"<": "&lt;", ">": "&gt;", "&": "&amp;"}[found[0]], text)


def _uri(address: str) -> dict[str, str]:
    return {"uri": address, "locationType": "UriLocation"}


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
