"""The gene track: genes with their coding and other parts, on lanes, pointed in the direction they are read."""

from __future__ import annotations

from dataclasses import replace

from engine.core.features import Feature
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.lanes import LANE, MOST_LANES, arrow, labels, lanes
from engine.views.palettes import GENE_COLOURS
from engine.views.panel import Choice, Drawn, Panel
from engine.views.paths import Path, boxes, filled, together

GENES = frozenset(
    (
        "gene",
        "pseudogene",
        "ncRNA_gene",
        "tRNA_gene",
        "rRNA_gene",
        "snoRNA_gene",
        "snRNA_gene",
        "tRNA",
        "rRNA",
        "ncRNA",
        "tmRNA",
        "snRNA",
        "snoRNA",
    )
)
WHOLE = frozenset(kind for kind in GENES if "gene" in kind)
TRANSCRIPTS = frozenset(("mRNA", "transcript", "primary_transcript", "lnc_RNA"))
CODING = frozenset(("CDS",))
PARTS = frozenset(("exon", "noncoding_exon", "five_prime_UTR", "three_prime_UTR", "UTR"))
KINDS = GENES | TRANSCRIPTS | CODING | PARTS
BOX = 0.76
"""Height of a whole gene; its other parts are lower, its line is thin."""
MOST_TRANSCRIPTS = 40
"""Lanes of transcripts; further ones share the last."""


def belongs(evidence: LocusEvidence) -> bool:
    """Where a gene, a transcript or a part of one is annotated."""
    return any(feature.kind in KINDS for feature in evidence.features)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """One trace a kind of gene, each of which can be switched off: whole genes or their lines, exons, coding parts; a row a gene, or a transcript."""
    rows = _transcripts(evidence.features) if style.genes == "transcripts" else _genes(evidence.features)
    at = lanes([row for row, _ in rows], MOST_TRANSCRIPTS if style.genes == "transcripts" else MOST_LANES)
    count = max(at.values()) + 1
    width = style.base_width(len(evidence.sequence))
    paths: dict[str, list[Path]] = {}
    for row, parts in rows:
        own = paths.setdefault(kind_of_gene(row, parts), [])
        y = -at[row]
        shown = [item for item in parts if item.kind in CODING | PARTS]
        own.append(arrow(row, y, BOX, width) if not shown else boxes(row.start + 0.5, row.end + 0.5, y - 0.06, y + 0.06))
        own += [arrow(item, y, BOX if item.kind in CODING else 0.42, width) for item in shown]
    colours = GENE_COLOURS["dark" if style.dark else "light"]
    kinds = [kind for kind in colours if kind in paths]
    traces = tuple(filled(together(paths[kind]), colours[kind], name=kind) for kind in kinds)
    choices = tuple(Choice(kind, number, colours[kind]) for number, kind in enumerate(kinds))
    axis = {"visible": False, "range": [-count + 0.45, 0.55]}
    named = [row for row, _ in rows]
    return Drawn(traces, axis, height=LANE * count, labels=labels(named, at, evidence), choices=choices)


def kind_of_gene(row: Feature, parts: list[Feature]) -> str:
    """What a gene makes, one of `engine.views.palettes.GENE_COLOURS`: as its biotype says, else its own kind and those of its parts."""
    told = " ".join((row.attributes.get("gene_biotype", ""), row.attributes.get("biotype", ""), row.kind)).casefold()
    kinds = {row.kind, *(item.kind for item in parts)}
    if "pseudo" in told:
        return "pseudogene"
    if "protein" in told or kinds & CODING:
        return "protein"
    if "trna" in told or any(kind.startswith("tRNA") for kind in kinds):
        return "tRNA"
    if "rrna" in told or any(kind.startswith("rRNA") for kind in kinds):
        return "rRNA"
    is_rna = "rna" in told or any("RNA" in kind and kind != "mRNA" for kind in kinds)
    return "other RNA" if is_rna else "gene"


def _genes(features: tuple[Feature, ...]) -> list[tuple[Feature, list[Feature]]]:
    """A row a gene, with the parts of all its transcripts."""
    genes, owned = _grouped(list(dict.fromkeys(feature for feature in features if feature.kind in KINDS)))
    return [(gene, owned[gene]) for gene in genes]


def _transcripts(features: tuple[Feature, ...]) -> list[tuple[Feature, list[Feature]]]:
    """A row a transcript, with the parts that name it as their parent; genes that have none are rows of their own."""
    known = [item for item in features if item.kind in TRANSCRIPTS and _names(item)]
    rows: dict[Feature, list[Feature]] = {}
    taken: set[int] = set()
    for transcript in known:
        parts = [item for item in features if item.kind in CODING | PARTS and _parents(item) & _names(transcript)]
        taken |= {id(item) for item in parts}
        called = transcript.attributes.get("Name") or transcript.name or transcript.attributes.get("transcript_id", "")
        row = replace(transcript, name=called)
        while row in rows:  # the same name and ends, other exons
            row = replace(row, name=f"{row.name}′")
        rows[row] = parts
    spoken_for = {name for transcript in known for name in _parents(transcript)}
    rest = [
        item
        for item in features
        if item.kind in KINDS - TRANSCRIPTS and id(item) not in taken and not (item.kind in GENES and _names(item) & spoken_for)
    ]
    return [*rows.items(), *_genes(tuple(rest))]


def _names(item: Feature) -> set[str]:
    """What parts call a transcript or gene: its identifier in GFF3 or in GTF."""
    gtf = "transcript_id" if item.kind in TRANSCRIPTS else "gene_id"
    return {item.attributes.get("ID", ""), item.attributes.get(gtf, "")} - {""}


def _parents(item: Feature) -> set[str]:
    """What a part, or a transcript, belongs to."""
    gtf = "gene_id" if item.kind in TRANSCRIPTS else "transcript_id"
    return {*item.attributes.get("Parent", "").split(","), item.attributes.get(gtf, "")} - {""}


def _grouped(features: list[Feature]) -> tuple[list[Feature], dict[Feature, list[Feature]]]:
    """Genes (and what lies in none), and the parts of each."""
    owned: dict[Feature, list[Feature]] = {}
    for kinds in (WHOLE, GENES - WHOLE, TRANSCRIPTS, CODING, PARTS):
        for item in (feature for feature in features if feature.kind in kinds):
            gene = _gene_of(item, list(owned)) if kinds is not WHOLE else None
            if gene is None:
                owned[item] = [item] if item.kind in CODING | PARTS else []
            else:
                owned[gene].append(item)
    return list(owned), owned


def _gene_of(item: Feature, genes: list[Feature]) -> Feature | None:
    """The gene a part lies in: one it names, else the shortest; genes may lie in genes."""
    around = [gene for gene in genes if gene.start <= item.start and item.end <= gene.end and gene.strand == item.strand]
    names = {item.name, *(item.attributes.get(key, "") for key in ("gene", "locus_tag", "gene_id"))} - {""}
    return min(around, key=lambda gene: (gene.name not in names, gene.width_bp), default=None)


PANEL = Panel(
    id="genes",
    title="Genes",
    unit="",
    help=(
        "Annotated genes, coloured by what they make: a thin line is the whole gene, low boxes its exons, high boxes its coding parts; the tip "
        "points to the 3′ end."
    ),
    reading="A gene without annotated parts is one box. Display shows a row for each transcript instead of one for each gene.",
    order=10,
    height=LANE,
    draw=draw,
    when=belongs,
)
