"""How well elements agree with a judge, as a table: .tsv or .csv, with the model's provenance and the judge."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from engine.exports.provenance import KEY, summary

if TYPE_CHECKING:
    from engine.analyses.element_scores import ElementScores

DELIMITERS = {".tsv": "\t", ".txt": "\t", ".csv": ","}
"""End of a file's name → what separates its columns."""


def scores_text(found: ElementScores, end: str) -> str:
    """The table with comment lines."""
    out = io.StringIO()
    out.write(f"# {summary(found.provenance)}\n# {KEY}: {found.provenance.to_json()}\n# judge: {found.judge}\n")
    if found.unjudged:
        out.write(f"# not judged, for the judge has nothing of the kind here: {', '.join(found.unjudged)}\n")
    rows = found.table()
    table = csv.DictWriter(out, list(rows[0]), delimiter=DELIMITERS[end], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()
