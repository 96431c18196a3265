"""The command ``embeddings``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.commands import arguments
from engine.commands.arguments import FIGURES, TerminalMonitor, check_ending, check_output, settings_of_command_line, writing
from engine.commands.options import Device, Dtype, Genome, ModelId, Species, Weights, decimal, flags_of, whole
from engine.core.embedding import EmbeddingParameters, EmbeddingTable, Probe, Projection, ProjectionParameters

app = typer.Typer()

_place, _map = flags_of(EmbeddingParameters), flags_of(ProjectionParameters)


@app.command("embeddings")
def embeddings_command(
    fasta: Genome,
    gff: Annotated[
        Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3, GTF, GenBank or BED: features and classes.")
    ] = None,
    windows: Annotated[int, _place("window_bp", parser=whole)] = 0,
    step: Annotated[int, _place("step_bp", parser=whole)] = 0,
    features: Annotated[str, _place("kinds")] = "",
    per_class: Annotated[int, _place("per_class", parser=whole)] = 0,
    neighbours: Annotated[int, _map("neighbours", parser=whole)] = 15,
    clusters: Annotated[int, _map("clusters", parser=whole)] = 0,
    resolution: Annotated[float, _map("resolution", parser=decimal)] = 1.0,
    seed: Annotated[int, _place("seed", parser=whole)] = 1,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="TABLE", help="A table with a label of each place, for a regression.")
    ] = None,
    label: Annotated[
        str, typer.Option("--label", metavar="COLUMN", help="Column of the label: numbers (ridge) or classes (logistic).")
    ] = "label",
    key: Annotated[str, typer.Option("--key", metavar="COLUMN", help="Column with names or loci of places.")] = "",
    group: Annotated[
        str, typer.Option("--group", metavar="COLUMN", help="Column of groups that are held out whole; without it, stretches of 100 kb.")
    ] = "",
    logos: Annotated[
        Path | None, typer.Option("--logos", metavar="FILE", help="Logos of the clusters: .tsv, .html, .png, .svg, .pdf.")
    ] = None,
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", metavar="FILE", help="File to write; its name decides the format; may be repeated, one file a format."),
    ] = None,
) -> None:
    """Mean hidden states of windows or annotated features of a genome, on a map (PCA; UMAP and Leiden where they are installed) and in clusters,
    with their agreement with the annotation; --labels asks what they predict, beside GC content and k-mers. Writes .npz, .tsv, .h5ad, or the
    map (.html, .png, .svg, .pdf)."""
    from engine.exports.embedding_files import FORMATS, agreement_rows, probe_rows
    from engine.service.embedding_places import choose_places
    from engine.service.embeddings import EmbeddingRequest, labels_of_places, probe_table, project_table, run_embeddings
    from engine.sources.labelled import read_labelled

    targets = out or [Path("embeddings.npz")]
    for path, ends in (*((target, tuple(FORMATS)) for target in targets), *(((logos, (".tsv",)),) if logos is not None else ())):
        check_output(path, read=(fasta, gff, labels))
        check_ending(path, (*ends, *FIGURES))
    settings = settings_of_command_line()
    rows = read_labelled(labels) if labels is not None else None
    if rows is not None:
        arguments.tell(rows.notes)
        rows.column(label)
    parameters = EmbeddingParameters(windows, step, features, per_class, seed)
    projecting = ProjectionParameters(neighbours, clusters, resolution, seed)
    genome = read_genome(fasta, gff, settings)
    chosen = choose_places(genome, parameters)
    print(chosen.words(), file=sys.stderr)
    engine, monitor = arguments.make_engine(settings), TerminalMonitor()
    table = run_embeddings(engine, EmbeddingRequest(genome, chosen, parameters, model, species, weights, device, dtype), monitor)
    monitor.close()
    projection = project_table(table, projecting, monitor)
    for sentence in projection.missing:
        print(sentence, file=sys.stderr)
    tell_rows(agreement_rows(projection))
    if rows is not None:
        found: Probe = probe_table(table, label, *labels_of_places(table, rows, label, key, group), monitor, seed)
        tell_rows(probe_rows(found))
        print(found.words(), file=sys.stderr)
    for target in targets:
        _write(table, projection, target)
    if logos is not None:
        _write_logos(genome, table, projection, monitor, logos)


def read_genome(fasta: Path, gff: Path | None, settings: Any) -> Any:
    """The genome of a FASTA file, or of a flat file that has its own features."""
    from engine.service.embedding_places import Annotated, GenomeOfRecords, GenomeOfReference
    from engine.service.triage import ReferenceLetters
    from engine.sources.annotation_index import open_annotation
    from engine.sources.door import OWN_FILES, TextLines
    from engine.sources.kinds import EMBL, GENBANK
    from engine.sources.records import read_file

    arguments.check_readable(fasta)
    with TextLines(fasta.name, fasta, OWN_FILES, "a FASTA or GenBank file") as lines:
        flat = lines.kind in (GENBANK, EMBL)
    if flat and gff is None:
        found = read_file(fasta.name, fasta.read_bytes(), OWN_FILES)
        return GenomeOfRecords(found.records, found.features)
    whole = GenomeOfReference(ReferenceLetters.of_file(fasta, settings))
    return Annotated(whole, open_annotation(gff)) if gff is not None else whole


def tell_rows(rows: Sequence[dict[str, Any]]) -> None:
    """A table on standard output."""
    if rows:
        table = csv.DictWriter(sys.stdout, list(rows[0]), delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _write_logos(genome: Any, table: EmbeddingTable, projection: Projection, monitor: TerminalMonitor, path: Path) -> None:
    """Letters of the places in the middle of each cluster, as a table or a picture."""
    from engine.exports.embedding_files import logo_table
    from engine.exports.figure import write_figure
    from engine.service.embeddings import cluster_logos
    from engine.views.cluster_logos import logo_figure

    found = cluster_logos(genome, table, projection, monitor)
    monitor.close()
    with writing(path):
        if path.suffix.casefold() in FIGURES:
            drawn = logo_figure(found)
            write_figure(drawn, path, table.provenance, height=int(drawn.layout.height))
        else:
            path.write_text(logo_table(found, table, projection), encoding="utf-8")
    print(f"wrote {path}", file=sys.stderr)


def _write(table: EmbeddingTable, projection: Projection, path: Path) -> None:
    """The map as a figure, or numbers, by the end of the name."""
    from engine.exports.embedding_files import write_embeddings
    from engine.exports.figure import write_figure
    from engine.views.embedding_map import COLOURS, embedding_map

    with writing(path):
        if path.suffix.casefold() in FIGURES:
            colour = COLOURS[0] if table.class_names() else COLOURS[1]
            drawn = embedding_map(table, projection, next(iter(projection.maps())), colour)
            write_figure(drawn, path, table.provenance, 1000, int(drawn.layout.height))
        else:
            write_embeddings(table, projection, path)
    print(f"wrote {path}", file=sys.stderr)
