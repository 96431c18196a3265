"""The gene track: genes with their coding and other parts, on lanes, pointed in the direction they are read."""

from __future__ import annotations

from engine.core.features import Feature
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.lanes import LANE, arrow, labels, lanes
from engine.views.palettes import theme
from engine.views.panel import Drawn, Panel
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


def belongs(evidence: LocusEvidence) -> bool:
    """Where a gene, a transcript or a part of one is annotated."""
    return any(feature.kind in KINDS for feature in evidence.features)


def draw(evidence: LocusEvidence, style: FigureStyle) -> Drawn:
    """Three traces: whole genes or their lines, exons, coding parts."""
    own = list(dict.fromkeys(feature for feature in evidence.features if feature.kind in KINDS))
    genes, owned = _grouped(own)
    at = lanes(genes)
    count = max(at.values()) + 1
    width = style.base_width(len(evidence.sequence))
    colour = theme(dark=style.dark)["gene"]
    paths: dict[str, list[Path]] = {"genes": [], "exons": [], "coding": []}
    for gene in genes:
        y = -at[gene]
        parts = [item for item in owned[gene] if item.kind in CODING | PARTS]
        whole = arrow(gene, y, BOX, width) if not parts else boxes(gene.start + 0.5, gene.end + 0.5, y - 0.06, y + 0.06)
        paths["genes"].append(whole)
        for item in parts:
            coding = item.kind in CODING
            paths["coding" if coding else "exons"].append(arrow(item, y, BOX if coding else 0.42, width))
    traces = tuple(filled(together(found), colour, name=name) for name, found in paths.items() if found)
    return Drawn(traces, {"visible": False, "range": [-count + 0.45, 0.55]}, height=LANE * count, labels=labels(genes, at, evidence))


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
    help="Annotated genes: a thin line is the whole gene, low boxes its exons, high boxes its coding parts; the tip points to the 3′ end.",
    reading="A gene without annotated parts is one box.",
    order=10,
    height=LANE,
    draw=draw,
    when=belongs,
)
