"""Genetic codes: NCBI's tables as Biopython has them, with ambiguous letters and start codons."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache

_NUCLEAR = frozenset({1, 6, 10, 12, 15, 26, 27, 28, 29, 30, 31})
"""Nuclear codes of eukaryotes. NCBI lists CTG and TTG as starts of some because single genes use them; a start that becomes one of them
is lost nearly always, so only ATG counts as kept. In bacteria, plastids and mitochondria every start of the table does."""

_NAMES = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYVUOX*",
        [
            "Ala",
            "Arg",
            "Asn",
            "Asp",
            "Cys",
            "Gln",
            "Glu",
            "Gly",
            "His",
            "Ile",
            "Leu",
            "Lys",
            "Met",
            "Phe",
            "Pro",
            "Ser",
            "Thr",
            "Trp",
            "Tyr",
            "Val",
            "Sec",
            "Pyl",
            "Xaa",
            "Ter",
        ],
        strict=True,
    )
)


@dataclass(frozen=True, eq=False)
class GeneticCode:
    """One table.

    Parameters
    ----------
    table : int
        Its NCBI number.
    amino_acids : dict of str to str
        One-letter amino acid of each unambiguous codon, ``*`` for a stop. A codon that is a stop only at the end of a gene (tables 27,
        28 and 31) has its amino acid here.
    stops : frozenset of str
        Codons that end a gene.
    starts : frozenset of str
        Codons that a gene may begin with.
    kept_starts : frozenset of str
        Codons that still begin the gene when a start codon becomes one of them.
    """

    table: int
    amino_acids: dict[str, str]
    stops: frozenset[str]
    starts: frozenset[str]
    kept_starts: frozenset[str]
    _seen: dict[str, str] = field(default_factory=dict)

    def amino_acid(self, codon: str) -> str:
        """One letter of a codon of three IUPAC letters; ``X`` when its letters leave it open."""
        found = self.amino_acids.get(codon) or self._seen.get(codon)
        if found is None:
            found = self._seen[codon] = self._ambiguous(codon)
        return found

    def _ambiguous(self, codon: str) -> str:
        from Bio.Data.IUPACData import ambiguous_dna_values

        choices = [ambiguous_dna_values.get(letter, "") for letter in codon]
        meant = {self.amino_acids.get("".join(letters), "X") for letters in itertools.product(*choices)}
        return meant.pop() if len(meant) == 1 else "X"

    def translate(self, letters: str) -> str:
        """Amino acids of whole codons from the first letter on; what is left over is not read."""
        known = self.amino_acids
        codons = [letters[place : place + 3] for place in range(0, len(letters) - 2, 3)]
        return "".join([known.get(codon) or self.amino_acid(codon) for codon in codons])


@cache
def genetic_code(table: int) -> GeneticCode | None:
    """NCBI's table of this number; None where there is none."""
    from Bio.Data import CodonTable

    row = CodonTable.unambiguous_dna_by_id.get(table)
    if row is None:
        return None
    aminos = {codon: row.forward_table.get(codon, "*") for codon in map("".join, itertools.product("TCAG", repeat=3))}
    starts = frozenset(row.start_codons)
    kept = frozenset({"ATG"}) if table in _NUCLEAR else starts
    return GeneticCode(table, aminos, frozenset(row.stop_codons), starts, kept)


def known_tables() -> str:
    """The numbers of NCBI's tables, in words."""
    from Bio.Data import CodonTable

    return ", ".join(str(number) for number in sorted(CodonTable.unambiguous_dna_by_id))


def three_letters(amino_acids: str) -> str:
    """``MK*`` as ``MetLysTer``."""
    return "".join(_NAMES.get(letter, "Xaa") for letter in amino_acids)
