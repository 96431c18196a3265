"""AlphaMissense: published scores of every missense substitution, read from the published tables by position or by protein.

Tables: ``AlphaMissense_hg38.tsv.gz`` and ``AlphaMissense_hg19.tsv.gz`` (block-compressed, 1-based, one row a variant and transcript), and
``AlphaMissense_aa_substitutions.tsv.gz`` (`engine.models.scorers.protein_table`).
Source: Cheng et al., Science 2023, doi 10.1126/science.adg7492; google-deepmind/alphamissense. Neither weights nor tables are included.
"""

from __future__ import annotations

import logging
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.card import Capability, ModelCard
from engine.core.errors import FileFormatError, LocusError, SourceUnavailable, WeightsMissing
from engine.core.packages import needed
from engine.core.proteins import (
    AMINO_ACIDS,
    CLASSES,
    LIKELY_BENIGN_BELOW,
    LIKELY_PATHOGENIC_ABOVE,
    MissenseScore,
    ProteinScores,
    Substitution,
    class_number,
)
from engine.core.protocols import VariantScore
from engine.core.provenance import state_of
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.models.entry import LoadOptions, ModelEntry
from engine.models.scorers.protein_table import ProteinTable
from engine.models.scorers.terms import missing_acceptance

if TYPE_CHECKING:
    from pysam import TabixFile

logger = logging.getLogger(__name__)

CARD = ModelCard(
    id="alphamissense",
    title="AlphaMissense",
    alphabet=Alphabet.DNA,
    max_length=1,
    capabilities=frozenset({Capability.VARIANT_SCORES}),
    revision="2023",
    weights_sha256="",
    licence="CC BY 4.0 (the repository's older text says CC BY-NC-SA 4.0)",
    source="https://zenodo.org/records/10813168 or https://storage.googleapis.com/dm_alphamissense",
    description="Looks up how likely a single amino-acid change is to cause disease.",
    organisms="Human.",
    limitations=(
        "Missense substitutions of canonical transcripts only: no insertions, deletions, stops or splice variants; many false alarms in "
        "some genes (CFTR) and in disordered regions; not for diagnosis."
    ),
    citation="Cheng et al., Science 2023, doi 10.1126/science.adg7492",
    masked=False,
)

ASSEMBLIES: Mapping[str, str] = {"GRCh38": "hg38", "GRCh37": "hg19"}
_NAMES = {"grch38": "GRCh38", "hg38": "GRCh38", "grch37": "GRCh37", "hg19": "GRCh37", "b37": "GRCh37"}
PROTEINS = "proteins"
"""Name of the table of proteins among the tables of assemblies."""
PROTEIN_FILE = "AlphaMissense_aa_substitutions.tsv.gz"
_CHANGE = re.compile(r"([A-Z])(\d{1,6})([A-Z])", re.ASCII)
_COLUMNS = ("CHROM", "POS", "REF", "ALT", "am_pathogenicity")
_HEADER_LINES = 1_000


def classify(score: float) -> str:
    """The class the authors give a score."""
    if score < LIKELY_BENIGN_BELOW:
        return CLASSES[0]
    return CLASSES[2] if score > LIKELY_PATHOGENIC_ABOVE else CLASSES[1]


def assembly_name(text: str) -> str:
    """``GRCh38`` or ``GRCh37`` for any usual spelling. Raises `LocusError` for another assembly."""
    name = _NAMES.get(text.strip().lower().split(".p", maxsplit=1)[0])
    if name is None:
        raise LocusError(f"AlphaMissense has no table of assembly {quoted(text)}; GRCh38 (hg38) and GRCh37 (hg19) exist.")
    return name


@dataclass(frozen=True)
class _Row:
    reference: str
    alternate: str
    score: MissenseScore
    context: str


class AlphaMissenseTable:
    """One assembly's table, queried by position; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = _open(path)
        self._columns = _columns(self._file, path)
        self._contigs: frozenset[str] = frozenset(self._file.contigs)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def rows(self, contig: str, position: int) -> list[_Row]:
        """Rows at 1-based ``position``. Raises `LocusError` for a contig the table lacks."""
        name = self._contig(contig)
        with self._lock:
            try:
                lines = list(self._file.fetch(name, position - 1, position))
            except (OSError, ValueError) as error:
                raise FileFormatError(f"{self._path} cannot be read at {contig}:{position:,} ({error}); download it again.") from error
        return [row for line in lines for row in self._parsed(line, position)]

    def _contig(self, contig: str) -> str:
        bare = contig.removeprefix("chr")
        for name in (contig, f"chr{bare}", bare, *(("chrM", "MT", "M") if bare in ("M", "MT") else ())):
            if name in self._contigs:
                return str(name)
        raise LocusError(
            f"The AlphaMissense table has no contig {quoted(contig)}; it has {', '.join(sorted(self._contigs)[:5])} and so on."
        )

    def _parsed(self, line: str, position: int) -> Iterator[_Row]:
        fields = line.rstrip("\n").split("\t")
        try:
            named = {name: fields[index] for name, index in self._columns.items()}
            if int(named["POS"]) != position:
                return
            value = float(named["am_pathogenicity"])
            label = CLASSES[class_number(named.get("am_class") or classify(value))]
        except (IndexError, ValueError) as error:
            raise FileFormatError(f"{self._path} has a row at position {position:,} that does not parse; download it again.") from error
        context = " ".join(named[name] for name in ("transcript_id", "uniprot_id", "protein_variant") if named.get(name))
        found = _CHANGE.fullmatch(named.get("protein_variant", ""))
        protein = named.get("uniprot_id", "")
        known = found is not None and protein and {found[1], found[3]} <= set(AMINO_ACIDS)
        substitution = Substitution(protein, int(found[2]), found[1], found[3]) if found is not None and known else None
        score = MissenseScore(value, label, named.get("transcript_id", ""), substitution)
        yield _Row(named["REF"].upper(), named["ALT"].upper(), score, context)


def _open(path: Path) -> TabixFile:
    pysam = needed("pysam")

    if not path.is_file():
        raise WeightsMissing(
            f"The AlphaMissense table {path} is not there; download {path.name} from {CARD.source} or correct LOCUSCOPE_ALPHAMISSENSE."
        )
    if not any(Path(f"{path}{suffix}").is_file() for suffix in (".tbi", ".csi")):
        _index(path)
    try:
        return pysam.TabixFile(str(path))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be opened with its index ({error}); remove the index file, it is made anew.") from error


def _index(path: Path) -> None:
    """Make the position index beside the table (about a minute for the published one)."""
    pysam = needed("pysam")

    logger.info("indexing %s by position", path.name)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            part = Path(folder) / f"{path.name}.tbi"
            pysam.tabix_index(str(path), seq_col=0, start_col=1, end_col=1, meta_char="#", force=True, keep_original=True, index=str(part))
            part.replace(f"{path}.tbi")
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{path} cannot be indexed ({error}); it must be the published block-compressed file in a folder that can be written, or be "
            "indexed by 'tabix -s 1 -b 2 -e 2'."
        ) from error
    if not Path(f"{path}.tbi").is_file():
        raise FileFormatError(f"{path} cannot be indexed; put it into a folder that can be written.")


def _columns(file: Any, path: Path) -> dict[str, int]:
    """Column name → index from the last header line."""
    header = [line for _, line in zip(range(_HEADER_LINES), file.header, strict=False)]
    names = header[-1].lstrip("#").split("\t") if header else []
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise FileFormatError(f"{path} has no column {missing[0]}; the published AlphaMissense table of an assembly is needed.")
    return {name: index for index, name in enumerate(names)}


class AlphaMissense:
    """Variant scores from the tables of one or two assemblies, and from the table of proteins."""

    def __init__(self, tables: Mapping[str, Path]) -> None:
        self._paths = {assembly_name(name): path for name, path in tables.items() if name != PROTEINS}
        path = tables.get(PROTEINS)
        self._proteins = ProteinTable(path, CARD, classify) if path is not None else None
        self._open: dict[str, AlphaMissenseTable] = {}
        self._lock = threading.Lock()

    @property
    def card(self) -> ModelCard:
        """Identity and terms."""
        return CARD

    @property
    def device(self) -> str:
        """Nothing is computed."""
        return "table"

    @property
    def dtype(self) -> str:
        """Scores as published, four decimals."""
        return "text"

    @property
    def assemblies(self) -> tuple[str, ...]:
        """Assemblies with a table here."""
        return tuple(sorted(self._paths))

    def close(self) -> None:
        """Close the tables."""
        with self._lock:
            for table in self._open.values():
                table.close()
            self._open.clear()

    def _table(self, assembly: str) -> AlphaMissenseTable:
        path = self._paths.get(assembly)
        if path is None:
            raise WeightsMissing(_missing(assembly))
        with self._lock:
            if assembly not in self._open:
                self._open[assembly] = AlphaMissenseTable(path)
            return self._open[assembly]

    def score(self, assembly: str, contig: str, position: int, reference: str, alternate: str) -> tuple[VariantScore, ...]:
        """Scores of one variant, one a transcript, the highest first; empty when it is no missense substitution of the table.

        Raises
        ------
        LocusError
            Another assembly, an unknown contig, a position below 1, or a reference base that is not the table's.
        WeightsMissing, FileFormatError
            The table is not there, or is not the published one.
        """
        rows = self._rows(assembly, contig, position, reference, alternate)
        found = [VariantScore("am_pathogenicity", row.score.value, row.score.label, row.context) for row in rows]
        return tuple(sorted(found, key=lambda score: (-score.value, score.context)))

    def missense(self, assembly: str, contig: str, position: int, reference: str, alternate: str) -> tuple[MissenseScore, ...]:
        """As `score`, each with the substitution it is in its protein."""
        found = [row.score for row in self._rows(assembly, contig, position, reference, alternate)]
        return tuple(sorted(found, key=lambda score: (-score.value, score.transcript)))

    def protein(self, name: str, look: Callable[[], None] = lambda: None) -> ProteinScores:
        """Scores of all substitutions of the protein with this UniProt accession; ``look`` may raise to stop.

        Raises `WeightsMissing` without the table of proteins, `InputError` for a protein that is not in it, `FileFormatError`.
        """
        if self._proteins is None:
            raise WeightsMissing(
                f"There is no AlphaMissense table of proteins; download {PROTEIN_FILE} from {CARD.source} and set "
                f"LOCUSCOPE_ALPHAMISSENSE={PROTEINS}=/path/{PROTEIN_FILE}."
            )
        return self._proteins.protein(name, look)

    def check(self, assembly: str) -> None:
        """Open the table of an assembly. Raises `LocusError` for an assembly that none exists of, `WeightsMissing` when it is not here."""
        self._table(assembly_name(assembly))

    def table(self, assembly: str) -> str:
        """Name, size and time of change of the table of an assembly. Raises as `check`."""
        self.check(assembly)
        return state_of(self._paths[assembly_name(assembly)])

    def _rows(self, assembly: str, contig: str, position: int, reference: str, alternate: str) -> list[_Row]:
        table = self._table(assembly_name(assembly))
        if position < 1:
            raise LocusError(f"Position {position:,} does not exist; positions are counted from 1.")
        given, wanted = reference.upper().replace("U", "T"), alternate.upper().replace("U", "T")
        if len(given) != 1 or len(wanted) != 1:
            return []
        rows = table.rows(contig, position)
        references = sorted({row.reference for row in rows})
        if rows and given not in references:
            raise LocusError(
                f"The reference at {contig}:{position:,} of {assembly} is {'/'.join(references)} in the AlphaMissense table, not {given}; "
                "check the assembly and the strand."
            )
        return [row for row in rows if row.alternate == wanted]


def _missing(assembly: str) -> str:
    name = f"AlphaMissense_{ASSEMBLIES[assembly]}.tsv.gz"
    return (
        f"There is no AlphaMissense table of {assembly}; download {name} from {CARD.source} and set "
        f"LOCUSCOPE_ALPHAMISSENSE={assembly}=/path/{name}."
    )


def tables_of(text: str) -> dict[str, Path]:
    """Assembly, or `PROTEINS`, → path from the setting ``ASSEMBLY=FILE,proteins=FILE``. Raises `LocusError` or `SourceUnavailable`."""
    found: dict[str, Path] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, sign, path = item.partition("=")
        if not sign or not path:
            raise SourceUnavailable(
                f"LOCUSCOPE_ALPHAMISSENSE has {quoted(item)}; write ASSEMBLY=FILE, e.g. GRCh38=/data/AlphaMissense_hg38.tsv.gz."
            )
        found[PROTEINS if name.strip() == PROTEINS else assembly_name(name)] = Path(path).expanduser()
    return found


def _tables(directory: Path, settings: Settings) -> dict[str, Path]:
    inside = {name: directory / f"AlphaMissense_{suffix}.tsv.gz" for name, suffix in ASSEMBLIES.items()}
    inside[PROTEINS] = directory / PROTEIN_FILE
    found = {name: path for name, path in inside.items() if path.is_file()}
    return {**found, **tables_of(settings.alphamissense)}


def available(settings: Settings) -> str:
    """What is missing before first use: the terms, or a table."""
    missing = missing_acceptance(CARD, settings.home)
    return missing or ("" if _tables(settings.home, settings) else _missing("GRCh38"))


def load(directory: Path, options: LoadOptions) -> AlphaMissense:
    """The tables that the setting ``alphamissense`` names, and of the others those in ``directory`` under their published names."""
    tables = _tables(directory, options.settings or Settings(home=directory))
    if not tables:
        raise WeightsMissing(_missing("GRCh38"))
    return AlphaMissense(tables)


ENTRIES: dict[str, ModelEntry] = {"alphamissense": ModelEntry(CARD, load, available=available)}
"""Registry rows."""
