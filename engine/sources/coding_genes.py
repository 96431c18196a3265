"""Coding genes of one sequence, from the gene models of an annotation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.genes import SHORTEST_BP, CodingGene, unique
from engine.core.quoting import quoted
from engine.core.transcripts import Transcript
from engine.sources.labelled import Labelled

YES = frozenset({"1", "yes", "y", "true", "t", "essential", "e"})
NO = frozenset({"0", "no", "n", "false", "f", "non-essential", "nonessential", "not essential", "dispensable", "ne"})


def coding_genes(transcripts: Iterable[Transcript], names: Iterable[str], length: int) -> tuple[tuple[CodingGene, ...], int]:
    """Genes with a known start and stop codon on the contig called one of ``names``, or on the only one there is; and how many were left out.

    ``length``: of the contig in bases; a gene over the origin of a circle, of two strands or beyond the end is left out, and so is a second reading
    of the same bases. Raises `ParameterError` when no gene is left.
    """
    coding = [transcript for transcript in transcripts if transcript.coding]
    contigs = {part.contig for transcript in coding for part in transcript.coding}
    wanted = {_bare(name) for name in names if name}
    own = {contig for contig in contigs if _bare(contig) in wanted} or (contigs if len(contigs) == 1 else set())
    rows = [_gene(transcript, length) for transcript in coding if {part.contig for part in transcript.coding} <= own]
    whole = [row for row in rows if row is not None]
    kept = list({(gene.forward, gene.parts): gene for gene in reversed(whole)}.values())[::-1]
    if not kept:
        named = ", ".join(sorted(contigs)[:4]) or "no contig"
        raise ParameterError(
            f"The annotation has no whole coding gene of this sequence; it speaks of {named}. Give the annotation of the same record."
        )
    return unique(sorted(kept, key=lambda gene: gene.start)), len(rows) - len(kept)


def _bare(name: str) -> str:
    """A contig's name without its version."""
    first = name.split()[0] if name.split() else ""
    stem, dot, version = first.rpartition(".")
    return stem if dot and version.isdecimal() else first


def _gene(transcript: Transcript, length: int) -> CodingGene | None:
    parts = [(part.start, part.end) for part in transcript.coding]
    forward = transcript.coding[0].forward
    if (
        any(part.forward != forward for part in transcript.coding)
        or not (transcript.start_known and transcript.stop_known)
        or transcript.phase
    ):
        return None
    if transcript.stop_apart:
        start, end = parts[-1]
        parts[-1] = (start, end + 3) if forward else (start - 3, end)
    parts.sort()
    apart = all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
    if not apart or parts[0][0] < 0 or parts[-1][1] > length or sum(end - start for start, end in parts) < SHORTEST_BP:
        return None
    return CodingGene(transcript.gene or transcript.identifier, forward, tuple(parts))


def labels_of(table: Labelled, gene: str, label: str) -> Mapping[str, bool]:
    """Which genes are essential, by name, from two columns of a table; an empty label says nothing of its gene.

    Raises `ParameterError` for a label that is neither yes nor no.
    """
    found = {}
    for name, text in zip(table.column(gene), table.column(label), strict=True):
        word = text.strip().casefold()
        if not word:
            continue
        if word not in YES | NO:
            raise ParameterError(
                f"The label {quoted(text, 40)} of {quoted(name, 40)} is neither yes nor no; write 1 or 0, yes or no, essential or non-essential."
            )
        found[name.strip()] = word in YES
    return found


def genes_of_features(features: Iterable[Feature], length: int) -> tuple[tuple[CodingGene, ...], int]:
    """Genes of coding features (``CDS``) that lie on the letters themselves, and how many were left out.

    Parts of one location follow each other; what has no strand, parts on both, or no whole number of codons is left out. Features
    do not say whether an end is open: such a gene is taken as it is.
    """
    groups: list[list[Feature]] = []
    for feature in features:
        if feature.kind == "CDS":
            number = feature.attributes.get("part", "1/1").split("/")[0]
            if number == "1" or not groups:
                groups.append([])
            groups[-1].append(feature)
    found, left_out = [], 0
    for group in groups:
        parts = tuple(sorted((item.start, item.end) for item in group))
        bases = sum(end - start for start, end in parts)
        apart = all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
        strands = {item.strand for item in group}
        if not apart or strands not in ({"+"}, {"-"}) or bases % 3 or bases < SHORTEST_BP or parts[-1][1] > length:
            left_out += 1
            continue
        found.append(CodingGene(group[0].name or f"CDS {parts[0][0] + 1}", strands == {"+"}, parts))
    kept = list({(gene.forward, gene.parts): gene for gene in reversed(found)}.values())[::-1]
    return unique(sorted(kept, key=lambda gene: gene.start)), left_out + len(found) - len(kept)
