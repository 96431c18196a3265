"""Coding genes of one sequence as a short text, so that they are a parameter: ``NAME=+:START-END,START-END;NAME=-:...``, 1-based inclusive."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from engine.core.errors import ParameterError
from engine.core.quoting import quoted

SHORTEST_BP = 6
"""A start and a stop codon."""
MOST_GENES = 20_000
_GENE = re.compile(r"([^=;]{1,300})=([+-]):(\d{1,12}-\d{1,12}(?:,\d{1,12}-\d{1,12}){0,99})")


@dataclass(frozen=True)
class CodingGene:
    """A gene from the start to the stop codon: ``parts`` 0-based half-open along the letters, ascending and apart; ``forward``: read as they stand."""

    name: str
    forward: bool
    parts: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Its leftmost base."""
        return self.parts[0][0]

    @property
    def end(self) -> int:
        """Behind its rightmost base."""
        return self.parts[-1][1]

    @property
    def bases(self) -> list[int]:
        """Its bases from left to right."""
        return [base for start, end in self.parts for base in range(start, end)]

    def codon(self, part: str) -> list[int]:
        """Bases from left to right of the ``start`` codon, the ``stop`` codon, or of what is ``coding`` between them."""
        bases = self.bases
        if part == "coding":
            return bases[3:-3]
        return bases[:3] if (part == "start") == self.forward else bases[-3:]


def write_genes(genes: Iterable[CodingGene]) -> str:
    """The text of genes."""
    return ";".join(
        f"{quote(gene.name, safe=' :._-()')}={'+' if gene.forward else '-'}:" + ",".join(f"{start + 1}-{end}" for start, end in gene.parts)
        for gene in genes
    )


def read_genes(text: str) -> tuple[CodingGene, ...]:
    """The genes of a text. Raises `ParameterError` for one that cannot be read, is too short, or has a name twice."""
    rows = [row for row in text.split(";") if row.strip()]
    if len(rows) > MOST_GENES:
        raise ParameterError(f"There are {len(rows):,} genes; at most {MOST_GENES:,} are taken at once; give fewer.")
    found = [_read(row.strip()) for row in rows]
    names = [gene.name for gene in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise ParameterError(f"Two genes are called {quoted(twice, 40)}; give each a name of its own.")
    return tuple(found)


def _read(row: str) -> CodingGene:
    match = _GENE.fullmatch(row)
    if match is None:
        raise ParameterError(
            f"{quoted(row, 60)} is no gene; write NAME=+:START-END, 1-based inclusive, parts apart by commas, genes by semicolons."
        )
    spans = [tuple(int(number) for number in part.split("-")) for part in match[3].split(",")]
    parts = tuple(sorted((first - 1, last) for first, last in spans))
    gene = CodingGene(unquote(match[1]), match[2] == "+", parts)
    apart = all(before[1] <= after[0] for before, after in itertools.pairwise(parts))
    if not apart or any(start < 0 or end <= start for start, end in parts) or len(gene.bases) < SHORTEST_BP:
        raise ParameterError(
            f"The gene {quoted(gene.name, 40)} has parts that overlap, lie before base 1, or hold fewer than {SHORTEST_BP} bases; correct or leave it out."
        )
    return gene


def unique(genes: Iterable[CodingGene]) -> tuple[CodingGene, ...]:
    """The same genes, with the place added to names that are there more than once."""
    rows = list(genes)
    count: dict[str, int] = {}
    for gene in rows:
        count[gene.name] = count.get(gene.name, 0) + 1
    return tuple(
        gene if count[gene.name] == 1 else CodingGene(f"{gene.name} {gene.start + 1}-{gene.end}", gene.forward, gene.parts) for gene in rows
    )
