"""What one line of the box can name: places, variants, changes of a transcript, names. Pure reading; nothing is looked up here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import LocusError
from engine.core.locus import split_names
from engine.core.quoting import quoted
from engine.core.sequence import IUPAC_DNA
from engine.core.typography import upper
from engine.sources.locus_text import HOW_TO_WRITE, LONGEST_LINE, KnownAssembly, LocusText, in_table, parse_locus_line
from engine.sources.variant_text import CodingText, VariantText, parse_variant_line

_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9_().'@/+-]{0,59}|\d{1,4}[A-Za-z][A-Za-z0-9_.-]{0,40})", re.ASCII)
_ACCESSION = re.compile(r"[A-Za-z]{1,6}_?\d{5,9}(?:\.\d{1,3})?", re.ASCII)
_DBSNP = re.compile(r"rs\d{1,12}", re.IGNORECASE | re.ASCII)
_DBSNP_SPELT = re.compile(r"(?:dbsnp\s?[: ]\s?)?rs\s?(?P<number>\d{1,12})", re.IGNORECASE | re.ASCII)
_NUMBERED = re.compile(r"\d{1,12}[:.)]\s?(?![gmcn]\.)[ACGTUN]", re.IGNORECASE | re.ASCII)
_LABELLED = re.compile(r"[^:]{1,60}:[ACGTUN\s]{1,300}", re.IGNORECASE | re.ASCII)
_SPLIT = re.compile(r"\s?;\s?|\s(?:and|vs\.?|versus|&)\s|,?\s|,(?=[A-Za-z])", re.IGNORECASE)
_SPLIT_AT_SEMICOLONS = re.compile(r";")
_IN_BRACES = re.compile(r"\{[^{}]*\}")
_BARE = re.compile(r"\d[\d,.'_]{0,30}(?:(?:-|\.\.|_| to |\+| )\d[\d,.'_]{0,30})?(?:\s?[kmg]?bp?)?", re.ASCII | re.IGNORECASE)
IUPAC = IUPAC_DNA | {"U"}
"""Letters of a sequence."""
_NUCLEIC_ACIDS = ("RNA", "DNA")
_LONGEST_MOLECULE = 8
_WORDS = frozenset({"ACT", "CAT", "GAG", "GAT", "TAG", "TAT", "GATA", "TATA", "CATT", "TACT"})
_LONGEST_GENE_OF_LETTERS = 15
MOST_PLACES = 20
"""Places that one text can name."""


@dataclass(frozen=True)
class NameText:
    """A word that may be the name of a gene, an example, an accession or a dbSNP identifier."""

    assembly: str
    name: str

    def __str__(self) -> str:
        """The normal form."""
        return f"{self.assembly}:{self.name}" if self.assembly else self.name

    @property
    def is_accession(self) -> bool:
        """Whether it is written as accessions of the nucleotide databases are."""
        return not self.assembly and _ACCESSION.fullmatch(self.name) is not None

    @property
    def is_dbsnp(self) -> bool:
        """Whether it is an identifier of dbSNP, such as rs699."""
        return not self.assembly and _DBSNP.fullmatch(self.name) is not None

    @property
    def is_letters(self) -> bool:
        """Whether it could as well be a sequence: nothing but letters of the IUPAC code."""
        return not self.assembly and set(upper(self.name)) <= IUPAC

    @property
    def may_be_gene(self) -> bool:
        """Whether it is worth looking for among the genes."""
        return not self.is_letters or len(self.name) <= _LONGEST_GENE_OF_LETTERS

    @property
    def is_also_a_word(self) -> bool:
        """Whether letters are asked about because they are a word: cat, GATA, tRNA, cDNA."""
        letters = upper(self.name)
        molecule = len(letters) <= _LONGEST_MOLECULE and any(word in letters for word in _NUCLEIC_ACIDS)
        return self.is_letters and (letters in _WORDS or molecule)


Asked = LocusText | VariantText | CodingText | NameText


def read_line(line: str, known: KnownAssembly = in_table) -> Asked | None:
    """What a plain line (`engine.sources.locus_text.plain_line`) names; None when it can only be letters, or nothing that is known.

    Raises
    ------
    LocusError
        It is written as a place or a variant, but cannot be one.
    """
    if len(line) > LONGEST_LINE or not line:
        return None
    if _NUMBERED.match(line):
        return None
    dbsnp = _DBSNP_SPELT.fullmatch(line)
    if dbsnp is not None:
        return NameText("", f"rs{dbsnp['number']}")
    found = parse_variant_line(line, known) or parse_locus_line(line, known) or _name(line, known)
    if found is not None:
        return found
    if _BARE.fullmatch(line):
        raise LocusError(f"{quoted(line, 40)} has no contig; put it in front, such as chrIV:{line[:30]}, or give letters.")
    if ":" in line and not _LABELLED.fullmatch(line):
        raise LocusError(f"{quoted(line)} is not a locus; {HOW_TO_WRITE}.")
    return None


def _name(line: str, known: KnownAssembly) -> NameText | None:
    first, spaced, rest = line.partition(" ")
    assembly, name = (first, rest) if spaced and known(first) else split_names(line)
    if not _NAME.fullmatch(name) or (assembly and not known(assembly)):
        return None
    return NameText(assembly, name)


def several(line: str) -> tuple[tuple[str, ...], ...]:
    """The ways to split a line that may name several places: at semicolons alone, and at spaces and commas before letters as well.

    A contig's name in braces stays whole.
    """
    ways = tuple(_parts(line, at) for at in (_SPLIT_AT_SEMICOLONS, _SPLIT))
    return tuple(dict.fromkeys(parts for parts in ways if len(parts) > 1))


def _parts(line: str, at: re.Pattern[str]) -> tuple[str, ...]:
    kept = _IN_BRACES.sub(lambda braces: "{" + "_" * (len(braces[0]) - 2) + "}", line)
    edges = [0, *(edge for found in at.finditer(kept) for edge in found.span()), len(line)]
    return tuple(filter(None, (line[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True))))
