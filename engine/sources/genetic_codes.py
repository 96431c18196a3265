"""Which genetic code a contig is read by where its annotation does not say: the usual one of the organism the annotation names.

Numbers are NCBI's tables (Andrzej Elzanowski and Jim Ostell, "The Genetic Codes", NCBI).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.organelles import PLASTID, USUAL_TABLE, is_mitochondrion, is_plastid
from engine.core.quoting import quoted
from engine.sources.assemblies import assemblies

_TAXON = re.compile(r"(?:taxon:|wwwtax\.cgi\?(?:[^\s]{0,80}&)?id=|taxonomy/)(\d{1,9})", re.IGNORECASE)

_USUAL: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("Homo sapiens", (9606,), 1, 2),
    ("Mus musculus", (10090,), 1, 2),
    ("Rattus norvegicus", (10116,), 1, 2),
    ("Bos taurus", (9913,), 1, 2),
    ("Sus scrofa", (9823,), 1, 2),
    ("Canis lupus", (9612, 9615), 1, 2),
    ("Felis catus", (9685,), 1, 2),
    ("Equus caballus", (9796,), 1, 2),
    ("Ovis aries", (9940,), 1, 2),
    ("Macaca mulatta", (9544,), 1, 2),
    ("Pan troglodytes", (9598,), 1, 2),
    ("Gallus gallus", (9031,), 1, 2),
    ("Xenopus", (8355, 8364), 1, 2),
    ("Danio rerio", (7955,), 1, 2),
    ("Oryzias latipes", (8090,), 1, 2),
    ("Drosophila", (7227,), 1, 5),
    ("Anopheles", (7165,), 1, 5),
    ("Aedes aegypti", (7159,), 1, 5),
    ("Apis mellifera", (7460,), 1, 5),
    ("Tribolium castaneum", (7070,), 1, 5),
    ("Bombyx mori", (7091,), 1, 5),
    ("Daphnia", (6669, 35525), 1, 5),
    ("Caenorhabditis", (6239, 6238), 1, 5),
    ("Strongylocentrotus purpuratus", (7668,), 1, 9),
    ("Schistosoma mansoni", (6183,), 1, 9),
    ("Ciona intestinalis", (7719,), 1, 13),
    ("Nematostella vectensis", (45351,), 1, 4),
    ("Saccharomyces", (4932, 559292), 1, 3),
    ("Kluyveromyces lactis", (28985, 284590), 1, 3),
    ("Nakaseomyces glabratus", (5478, 284593), 1, 3),
    ("Candida glabrata", (), 1, 3),
    ("Candida albicans", (5476, 237561), 12, 4),
    ("Schizosaccharomyces pombe", (4896, 284812), 1, 4),
    ("Neurospora crassa", (5141, 367110), 1, 4),
    ("Aspergillus", (162425, 227321, 746128, 330879, 5061), 1, 4),
    ("Cryptococcus neoformans", (5207, 214684), 1, 4),
    ("Ustilago maydis", (5270, 237631), 1, 4),
    ("Magnaporthe", (318829, 242507), 1, 4),
    ("Plasmodium", (5833, 36329), 1, 4),
    ("Toxoplasma gondii", (5811, 508771), 1, 4),
    ("Trypanosoma brucei", (5691, 185431), 1, 4),
    ("Leishmania", (5664, 347515), 1, 4),
    ("Dictyostelium discoideum", (44689, 352472), 1, 1),
    ("Tetrahymena thermophila", (5911, 312017), 6, 4),
    ("Paramecium tetraurelia", (5888, 412030), 6, 4),
    ("Arabidopsis", (3702, 59689), 1, 1),
    ("Oryza sativa", (4530, 39947, 39946), 1, 1),
    ("Zea mays", (4577, 381124), 1, 1),
    ("Triticum aestivum", (4565,), 1, 1),
    ("Hordeum vulgare", (4513,), 1, 1),
    ("Glycine max", (3847,), 1, 1),
    ("Solanum lycopersicum", (4081,), 1, 1),
    ("Populus trichocarpa", (3694,), 1, 1),
    ("Physcomitrium patens", (3218,), 1, 1),
    ("Escherichia coli", (562, 511145, 83333), 11, 0),
    ("Bacillus subtilis", (1423, 224308), 11, 0),
    ("Mycoplasma", (2097, 243273, 2104, 272634), 4, 0),
    ("Mycoplasmoides", (), 4, 0),
    ("Mesoplasma", (), 4, 0),
    ("Spiroplasma", (), 4, 0),
    ("Ureaplasma", (), 4, 0),
)
"""Name of the species or genus, NCBI taxa, code of the nucleus (or of the cell), code of the mitochondrion."""


@dataclass(frozen=True)
class Organism:
    """An organism that an annotation names, with its usual codes; ``mitochondrial`` is 0 where there is no mitochondrion."""

    name: str
    nuclear: int
    mitochondrial: int


def organism_of(told: Iterable[str]) -> Organism | None:
    """The one organism that lines of an annotation (comments, a ``region``'s attributes) name: by taxon, by name, or by its assembly."""
    text = "\n".join(told)
    taxa = {int(number) for number in _TAXON.findall(text)}
    found = {row for row in _USUAL if taxa & set(row[1])}
    if not found:
        found = {row for row in _USUAL if re.search(rf"\b{row[0]}\b", text, re.IGNORECASE)}
    if not found:
        words = {re.sub(r"\.p\d{1,3}$", "", word) for word in re.findall(r"[a-z0-9][\w.-]{1,60}", text.casefold())}
        named = [row.organism for row in assemblies() if words & {name.casefold() for name in (row.name, *row.synonyms)}]
        found = {row for row in _USUAL if any(name.startswith(row[0]) for name in named)}
    if len(found) != 1:
        return None
    name, _, nuclear, mitochondrial = found.pop()
    return Organism(name, nuclear, mitochondrial)


def usual_code(contig: str, organism: Organism | None) -> int:
    """The table by which a contig is read where nobody states one; 0 for a mitochondrion of which the organism does not tell."""
    if is_mitochondrion(contig):
        return organism.mitochondrial if organism is not None else 0
    if is_plastid(contig):
        return PLASTID
    return organism.nuclear if organism is not None else 1


def with_usual_codes(features: Iterable[Feature], contig: str, organism: Organism | None) -> tuple[Feature, ...]:
    """The features of a contig, coding parts without a stated table with the usual one (`USUAL_TABLE`) where that is not the standard one."""
    code = usual_code(contig, organism)
    if code in (0, 1):
        return tuple(features)
    usual = {USUAL_TABLE: str(code)}
    return tuple(
        replace(item, attributes={**item.attributes, **usual}) if item.kind == "CDS" and not item.attributes.get("transl_table") else item
        for item in features
    )


def given_codes(texts: Iterable[str]) -> Mapping[str, int]:
    """Codes that a user states: ``CONTIG=TABLE``, or ``TABLE`` alone for all others (key ``""``).

    Raises
    ------
    ParameterError
        No number, a table that NCBI does not have, or two tables for one contig.
    """
    from Bio.Data import CodonTable

    found: dict[str, int] = {}
    for text in texts:
        for item in filter(None, (part.strip() for part in text.split(","))):
            contig, _, number = item.rpartition("=")
            if not number.strip().isdecimal() or int(number.strip()[:9]) not in CodonTable.unambiguous_dna_by_id:
                raise ParameterError(
                    f"The genetic code {quoted(item)} is not usable; write CONTIG=TABLE or TABLE with one of NCBI's tables, such as chrMT=3."
                )
            name, table = contig.strip(), int(number.strip()[:9])
            if found.setdefault(name, table) != table:
                whom = quoted(name, 40) if name else "all contigs"
                raise ParameterError(f"The genetic codes {found[name]} and {table} are both given for {whom}; give one of them.")
    return found
