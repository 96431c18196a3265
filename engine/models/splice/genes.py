"""The tables of genes that come with CI-SpliceAI: strand, ends and splice sites of GENCODE's genes, isoforms collapsed."""

from __future__ import annotations

import csv
from pathlib import Path

from engine.core.errors import WeightsInvalid, WeightsMissing
from engine.core.splicing import SpliceGene

GENE_TABLES = {"GRCh37": "grch37.csv", "GRCh38": "grch38.csv"}
"""File name by assembly."""

_COLUMNS = ("gene_id", "chr", "strand", "start", "end", "jn_start", "jn_end")


def read_gene_table(path: Path) -> tuple[SpliceGene, ...]:
    """Genes of a table. ``jn_start`` and ``jn_end`` are the last and first bases of exons on the forward strand, 1-based.

    Raises `WeightsMissing`, `WeightsInvalid`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = csv.DictReader(stream)
            if tuple(table.fieldnames or ()) != _COLUMNS:
                raise WeightsInvalid(f"{path.name} has not the columns {', '.join(_COLUMNS)}; install cispliceai again.")
            return tuple(_gene(row) for row in table)
    except OSError as error:
        raise WeightsMissing(f"{path} cannot be read: {error.strerror}; install cispliceai, or give an annotation.") from error
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise WeightsInvalid(f"{path.name} has a row that does not parse; install cispliceai again.") from error


def _gene(row: dict[str, str]) -> SpliceGene:
    last, first = (frozenset(int(number) - 1 for number in row[name].split(",") if number) for name in ("jn_start", "jn_end"))
    acceptors, donors = (first, last) if row["strand"] == "+" else (last, first)
    return SpliceGene(row["gene_id"], row["chr"], row["strand"], int(row["start"]) - 1, int(row["end"]), acceptors, donors)
