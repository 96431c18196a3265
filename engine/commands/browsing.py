"""The command ``view``: a sequence with what models say of it, for other genome browsers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.analyses.declared import analyses, declared
from engine.commands import arguments
from engine.commands.arguments import (
    TerminalMonitor,
    check_ending,
    check_output,
    read_bytes,
    read_sequence,
    settings_of_command_line,
    tell,
    writing,
)
from engine.commands.options import Device, Dtype, Fasta, Letters, LocusText, ModelId, Name, Out, Species, Weights
from engine.core.errors import CapabilityMissing, LocuscopeError, ParameterError
from engine.core.quoting import quoted
from engine.service.requests import Request

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.core.features import Feature
    from engine.core.own_tracks import OwnTrack
    from engine.core.sequence import NucleotideSequence
    from engine.core.settings import Settings
    from engine.exports.place import Place
    from engine.service.engine import Engine
    from engine.views.evidence import Highlight

app = typer.Typer()
DEFAULT_FILE = Path("view.zip")
USUAL = "effects,probabilities,contacts,segmentation"


@app.command("view")
def view_command(
    sequence: Letters = None,
    fasta: Fasta = None,
    name: Name = None,
    locus: LocusText = None,
    analyses_: Annotated[
        str | None,
        typer.Option(
            "--analyses",
            metavar="LIST",
            help="What is computed, separated by commas.",
            show_default=f"{USUAL}; of these what the model can",
        ),
    ] = None,
    gff: Annotated[Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3, GTF, BED or GenBank of the sequence.")] = None,
    track: Annotated[
        list[Path], typer.Option("--track", metavar="FILE", help="A track of your own (BED, bigWig, VCF and others); may be repeated.")
    ] = [],  # noqa: B006
    regions: Annotated[
        Path | None, typer.Option("--regions", metavar="BED", help="Stretches to be marked, with names and colours.")
    ] = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """What models say of a sequence, with annotation, tracks and marked regions of your own, for other genome browsers: an igv.js session, a JBrowse 2 session and
    a UCSC track hub with their files (.zip, view.zip without --out), or the igv.js session alone (.json)."""
    from engine.exports import browser_sessions
    from engine.exports.browser_tracks import view_of
    from engine.sources.outward_links import hub_names

    target = out or DEFAULT_FILE
    check_output(target, read=(fasta, gff, regions, *track))
    check_ending(target, (".zip", ".json"))
    names = _names(USUAL if analyses_ is None else analyses_)
    settings = settings_of_command_line()
    engine = arguments.make_engine(settings)
    names = _answered(names, engine, model, named=analyses_ is not None)
    given = read_sequence(sequence, fasta, name, locus, settings)
    card = engine.model(model).card
    monitor = TerminalMonitor()
    results = []
    for analysis in names:
        mine = not declared(analysis).cannot(card)
        request = Request(analysis, given, model, None, species if mine else "", weights if mine else None, device, dtype)
        results.append(engine.run(request, monitor))
        tell(engine.notes(request))
    monitor.close()
    place = given.locus
    view = view_of(
        given,
        results,
        _features(given, gff, settings),
        [found for number, file in enumerate(track) if (found := _own(file, number, given, settings)) is not None],
        _marked(regions, given, settings) if regions is not None else (),
        names=hub_names(place.assembly, place.contig) if place is not None else ("", "", ""),
    )
    with writing(target):
        if target.suffix.casefold() == ".json":
            target.write_text(json.dumps(browser_sessions.igv_session(view), indent=1), encoding="utf-8")
        else:
            browser_sessions.write_zip(view, target)
    print(f"wrote {target}", file=sys.stderr)


def _names(text: str) -> list[str]:
    """The analyses that are asked for. Raises `ParameterError` for one there is not, or that is about less than the whole sequence."""
    usable = [name for name, row in analyses().items() if row.result.faces & {"tracks", "intervals", "pairs"} and row.shown != "page"]
    found = [part.strip() for part in text.split(",") if part.strip()]
    by_command = {row.command: name for name, row in analyses().items()}
    found = [by_command.get(name, name) for name in found]
    if unknown := [name for name in found if name not in usable]:
        raise ParameterError(f"--analyses has {quoted(unknown[0], 40)}; there are {', '.join(usable)}.")
    return list(dict.fromkeys(found))


def _answered(names: list[str], engine: Engine, model: str, *, named: bool) -> list[str]:
    """Those of ``names`` that the model computes, or where none was given the analysis' own: no other model stands in for one that was named.

    ``named``: whether the user named the analyses. Raises `CapabilityMissing` for one of these that the model cannot compute, else tells that it
    is left out; and where nothing is left.
    """
    card = engine.model(model).card
    lacking = {
        name: reason for name in names if (reason := "" if not model and declared(name).default_model else declared(name).cannot(card))
    }
    kept = [name for name in names if name not in lacking]
    if lacking and (named or not kept):
        raise CapabilityMissing(next(iter(lacking.values())))
    tell(f"{declared(name).title} left out: {reason}" for name, reason in lacking.items())
    return kept


def _features(sequence: NucleotideSequence, gff: Path | None, settings: Settings) -> tuple[Feature, ...]:
    """Of a file, else what is known of the locus."""
    if gff is not None:
        from engine.sources.understand import read_features_with_note

        found, note = read_features_with_note(gff.name, read_bytes(gff), sequence, settings)
        tell([note] if note else [])
        return found
    if sequence.locus is None or not sequence.locus.assembly:
        return ()
    from engine.sources.genomes import GenomeSet

    try:
        return tuple(GenomeSet(settings).features(sequence.locus))
    except LocuscopeError as error:  # the tracks of the models need none
        tell([f"Without annotation: {error}"])
        return ()


def _marked(file: Path, sequence: NucleotideSequence, settings: Settings) -> list[Highlight]:
    """What of the regions of a BED file lies on the sequence; a sentence where nothing does."""
    from engine.exports.place import place_of
    from engine.sources.regions import read_regions
    from engine.views.evidence import Highlight

    place = place_of(sequence)
    items, note = read_regions(file.name, read_bytes(file), place.assembly, settings)
    contigs = _contigs_of(file, dict.fromkeys(item.contig for item in items), place)
    tell([note] if note else [])
    found = []
    for item in items:
        low, high = max(item.start, place.start), min(item.end, place.end)
        if item.contig in contigs and low < high:
            start, end = (place.end - high, place.end - low) if place.reverse else (low - place.start, high - place.start)
            found.append(Highlight(start, end, item.name, item.colour, item.note))
    return found


def _contigs_of(file: Path, contigs: Collection[str], place: Place) -> tuple[str, ...]:
    """All names by which a file calls the contig of the sequence; none, and a sentence, where it has nothing there."""
    from engine.sources.assemblies import find_contigs_of, nearest

    found = ("",) if set(contigs) == {""} else find_contigs_of(place.assembly, place.contig, contigs)
    if not found:
        tell([f"{quoted(file.name)} has nothing on {place.contig}; its contigs are {nearest(place.contig, contigs)}."])
    return found


def _own(file: Path, number: int, sequence: NucleotideSequence, settings: Settings) -> OwnTrack | None:
    """What of a file lies on the sequence; a sentence where nothing does."""
    from engine.core.own_tracks import OwnTrack
    from engine.exports.place import place_of
    from engine.sources.door import Bounds
    from engine.sources.track_files import read_track
    from engine.views.palettes import element_colour

    found, place = read_track(file.name, read_bytes(file), Bounds.of(settings)), place_of(sequence)
    contigs = _contigs_of(file, found.contigs, place)
    if not contigs:
        return None
    tell([found.note] if found.note else [])
    colour = element_colour(number, dark=False)
    return OwnTrack.of(found, contigs, place.start, place.end, reverse=place.reverse, id=f"own_{number}", name=file.name, colour=colour)
