"""Proteins and substitutions in them as biologists write them: ``P13569``, ``P13569:G551D``, ``P13569:p.Gly551Asp``, ``P13569 G551D``."""

from __future__ import annotations

import re

from engine.core.errors import InputError
from engine.core.proteins import AMINO_ACIDS, Substitution
from engine.core.quoting import quoted
from engine.core.typography import upper

_THREE = dict(
    zip(
        "ALA VAL ILE LEU MET PHE TRP TYR CYS GLY PRO SER THR ASN GLN ASP GLU HIS LYS ARG".split(),  # noqa: SIM905
        AMINO_ACIDS,
        strict=True,
    )
)
_ACCESSION = r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-\d{1,3})?"
"""UniProt's own pattern of an accession, an isoform perhaps behind it (https://www.uniprot.org/help/accession_numbers)."""
_LINE = re.compile(rf"(?P<protein>{_ACCESSION})(?:\s?[:\s]\s?(?P<change>\S{{1,40}}))?", re.ASCII | re.IGNORECASE)
_CHANGE = re.compile(r"(?:p\.)?\(?(?P<ref>[A-Z]{3}|[A-Z])(?P<position>\d{1,6})(?P<alt>[A-Z]{3}|[A-Z])\)?", re.ASCII | re.IGNORECASE)


def read_protein_line(line: str) -> tuple[str, Substitution | None] | None:
    """The UniProt accession of a line and the substitution it names, if any; None when the line names no protein.

    Raises
    ------
    InputError
        It names a protein and something behind it that is no substitution of one amino acid.
    """
    match = _LINE.fullmatch(line.strip())
    if match is None:
        return None
    protein = upper(match["protein"])
    if match["change"] is None:
        return protein, None
    found = _CHANGE.fullmatch(match["change"])
    letters = [_one(found[name]) for name in ("ref", "alt")] if found is not None else [""]
    if found is None or not all(letters) or letters[0] == letters[1] or int(found["position"]) < 1:
        raise InputError(
            f"{quoted(match['change'], 40)} is no substitution of one amino acid; write it such as {protein}:G551D or {protein}:p.Gly551Asp."
        )
    return protein, Substitution(protein, int(found["position"]), letters[0], letters[1])


def _one(letters: str) -> str:
    """The one-letter code; empty for what is no amino acid."""
    code = upper(letters)
    return _THREE.get(code, "") if len(code) == 3 else code if code in AMINO_ACIDS else ""
