"""Names of assemblies and of their contigs: synonyms, ``chr`` or not, accessions, nearest names for a typing slip."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "assets" / "assemblies.json"
_MITOCHONDRION = frozenset({"m", "mt", "mito"})
_ACCESSION = re.compile(r"^([A-Z]{1,4}_?\d{5,9})\.\d+$")
_BETWEEN_BARS = re.compile(r"(?:gi\|\d{1,12}\|)?(?:ref|gb|emb|dbj)\|([A-Z]{1,4}_?\d{5,9}\.\d+)\|?", re.ASCII)
"""An accession as older FASTA files of NCBI name their records: gi|251831106|ref|NC_012920.1|."""


@dataclass(frozen=True)
class Assembly:
    """A named assembly of the public databases.

    Parameters
    ----------
    name, organism : str
        Canonical name; species and strain.
    synonyms : tuple of str
        Other names of the same letters.
    provider : str
        The public service asked for its letters: ``ucsc``, ``ensembl`` or ``ncbi``.
    ucsc, ensembl, ensembl_server, ncbi : str
        UCSC database, Ensembl species and server, NCBI assembly accession; empty where there is none.
    contigs : mapping of str to tuple of str
        Canonical contig name to its other names.
    proven : tuple of str
        Where the accessions, the names at other places and the contigs were held against public sources; what was left out and why.
    """

    name: str
    organism: str
    synonyms: tuple[str, ...] = ()
    provider: str = ""
    ucsc: str = ""
    ensembl: str = ""
    ensembl_server: str = ""
    ncbi: str = ""
    contigs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    proven: tuple[str, ...] = ()


@cache
def assemblies() -> tuple[Assembly, ...]:
    """The table ``assets/assemblies.json``."""
    rows = json.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(
        Assembly(
            **{key: value for key, value in row.items() if key not in ("synonyms", "contigs", "proven")},
            synonyms=tuple(row["synonyms"]),
            proven=tuple(row["proven"]),
            contigs={name: tuple(others) for name, others in row["contigs"].items()},
        )
        for row in rows
    )


@lru_cache(maxsize=256)
def assembly(name: str) -> Assembly | None:
    """The assembly with this name or synonym (case ignored); None when it is not in the table."""
    wanted = name.casefold()
    return next((row for row in assemblies() if wanted in {row.name.casefold(), *(other.casefold() for other in row.synonyms)}), None)


def canonical(name: str) -> str:
    """Canonical assembly name; the name itself when it is not in the table."""
    row = assembly(name)
    return row.name if row is not None else name


def _without_bars(contig: str) -> str:
    match = _BETWEEN_BARS.fullmatch(contig) if "|" in contig else None
    return match[1] if match else contig


def _stem(contig: str) -> str:
    """Contig name without case, ``chr`` and the version of an accession; the mitochondrion is always ``m``."""
    match = _ACCESSION.match(contig)
    stem = (match[1] if match else contig).casefold()
    stem = stem[3:] if stem.startswith("chr") and len(stem) > 3 else stem
    return "m" if stem in _MITOCHONDRION else stem


def _same(name: str, other: str) -> bool:
    """Whether two names may mean one contig; accessions with different versions never do."""
    name, other = _without_bars(name), _without_bars(other)
    if _ACCESSION.match(name) and _ACCESSION.match(other):
        return name.casefold() == other.casefold()
    return _stem(name) == _stem(other)


def is_accession(contig: str) -> bool:
    """Whether a contig name is an accession with its version, such as ``NC_000913.3``."""
    return _ACCESSION.match(contig) is not None


def find_contig(name: str, contigs: Iterable[str], aliases: Mapping[str, tuple[str, ...]] | None = None) -> str | None:
    """The one of ``contigs`` that ``name`` means, or None.

    Exact names win, then the alias table of the assembly, then names equal but for case, ``chr``, an accession's version or the
    mitochondrion's many names, when exactly one fits.
    """
    known = list(contigs)
    if name in known:
        return name
    for main, others in (aliases or {}).items():
        group = (main, *others)
        if any(_same(name, other) for other in group):
            exact = [contig for contig in known if contig in group]
            hits = exact or [contig for contig in known if any(_same(contig, other) for other in group)]
            if len(hits) == 1:
                return hits[0]
    hits = [contig for contig in known if _same(name, contig)]
    return hits[0] if len(hits) == 1 else None


def find_contig_of(assembly_name: str, name: str, contigs: Iterable[str]) -> str | None:
    """`find_contig` with the alias table of an assembly, where its name is in the table."""
    row = assembly(assembly_name)
    return find_contig(name, contigs, row.contigs if row is not None else None)


def _in_group(name: str, group: Collection[str]) -> bool:
    """Whether a contig's name is one of a group's; the mitochondrion's names are taken as they are, for not all are one record everywhere."""
    return name in group or (_stem(name) != "m" and any(_same(name, other) for other in group))


def find_contigs(name: str, contigs: Iterable[str], aliases: Mapping[str, tuple[str, ...]] | None = None) -> tuple[str, ...]:
    """All of ``contigs`` that ``name`` means, of a file that may call one contig by several of its names, in the file's order; empty for none.

    Those of its group in the alias table of the assembly; without one, those that are equal to it and to each other but for case and ``chr``;
    else the one of `find_contig`.
    """
    known, table = list(contigs), aliases or {}
    main = find_contig(name, table, table)
    if main is not None and _in_group(name, group := (main, *table[main])):
        hits = tuple(contig for contig in known if _in_group(contig, group))
    else:
        hits = tuple(contig for contig in known if _in_group(contig, (name,)))
        hits = hits if all(_same(first, second) for first in hits for second in hits) else ()
    if hits:
        return hits
    one = find_contig(name, known, table)
    return () if one is None else (one,)


def find_contigs_of(assembly_name: str, name: str, contigs: Iterable[str]) -> tuple[str, ...]:
    """`find_contigs` with the alias table of an assembly, where its name is in the table."""
    row = assembly(assembly_name)
    return find_contigs(name, contigs, row.contigs if row is not None else None)


def nearest(name: str, names: Iterable[str], count: int = 3) -> str:
    """Up to ``count`` names like ``name``, or the first ones, as a list in words."""
    known = list(dict.fromkeys(names))
    folded = {item.casefold(): item for item in known}
    close = [folded[hit] for hit in difflib.get_close_matches(name.casefold(), list(folded), n=count, cutoff=0.5)]
    shown = close or known[:count]
    more = "" if close or len(known) <= count else f" and {len(known) - count} more"
    return ", ".join(shown) + more
