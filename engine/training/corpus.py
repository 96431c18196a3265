"""The packed corpus: genomes at four letters a byte, seed RNAs with their pairs, and which of them are held out.

One npz file without pickled objects, at most 60 MiB, that a machine without the original data can train from.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FileFormatError, ParameterError, WeightsMissing
from engine.models.locuscope.tokens import DOMAINS
from engine.training import holdout
from engine.training.letters import UNKNOWN, Codes, encode, pack, unpack
from engine.training.sketch import Sketch, clusters, containment, sketch
from engine.training.stockholm import read_families, sequences

logger = logging.getLogger(__name__)

TRAIN, HELD_OUT_SEQUENCE, HELD_OUT_FAMILY = 0, 1, 2
SHORTEST_PIECE = 2000
DUPLICATE = 0.5  # share of common 21-mers above which a genome repeats one that is already there


@dataclass(frozen=True)
class Piece:
    """A stretch of known letters of one contig of one genome."""

    genome: str
    domain: int
    held_out: bool
    codes: Codes


@dataclass(frozen=True)
class Corpus:
    """Arrays of the packed file. `dna` holds the pieces one after another; piece p is dna[start[p]:start[p + 1]]."""

    dna: Codes
    start: NDArray[np.int64]
    domain: NDArray[np.uint8]
    held_out: NDArray[np.bool_]
    genome: NDArray[np.int32]
    rna: Codes
    rna_start: NDArray[np.int64]
    partner: NDArray[np.int32]
    column: NDArray[np.uint16]
    family: NDArray[np.int32]
    split: NDArray[np.uint8]
    names: dict[str, list[str]]

    def piece(self, index: int) -> Codes:
        """Letters of a DNA piece."""
        return self.dna[self.start[index] : self.start[index + 1]]

    def rna_sequence(self, index: int) -> tuple[Codes, NDArray[np.int32]]:
        """Letters and pair partners (-1 where unpaired) of one RNA."""
        part = slice(int(self.rna_start[index]), int(self.rna_start[index + 1]))
        return self.rna[part], self.partner[part]

    def save(self, path: Path) -> None:
        """Write the packed npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as handle:
            self._write(handle)

    def packed_bytes(self) -> int:
        """Size of the file that `save` writes."""
        held = io.BytesIO()
        self._write(held)
        return held.tell()

    def _write(self, handle: IO[bytes]) -> None:
        np.savez_compressed(
            handle,
            dna=pack(self.dna),
            start=self.start,
            domain=self.domain,
            held_out=self.held_out,
            genome=self.genome,
            rna=self.rna,
            rna_start=self.rna_start,
            partner=self.partner,
            column=self.column,
            family=self.family,
            split=self.split,
            names=np.frombuffer(json.dumps(self.names).encode(), dtype=np.uint8),
        )

    @classmethod
    def load(cls, path: Path) -> Corpus:
        """Read a packed npz; a missing file says how to make one."""
        if not path.is_file():
            raise WeightsMissing(f"no packed corpus at {path}; make one with python -m engine.training corpus --data DIR --out {path}")
        with np.load(path, allow_pickle=False) as held:
            arrays = {key: held[key] for key in held.files}
        names = json.loads(arrays.pop("names").tobytes())
        arrays["dna"] = unpack(arrays["dna"], int(arrays["start"][-1]))
        return cls(**arrays, names=names)


def read_fasta(path: Path) -> Iterator[tuple[str, Codes]]:
    """(first word of the header, codes) of every record of a (gzipped) FASTA file."""
    opener = gzip.open if path.suffix == ".gz" else open
    name = ""
    parts: list[bytes] = []
    with opener(path, "rb") as handle:
        for line in handle:
            if line.startswith(b">"):
                if name:
                    yield name, encode(b"".join(parts))
                fields = line[1:].split()
                name, parts = (fields[0].decode() if fields else "unnamed"), []
            else:
                parts.append(line.strip())
    if name:
        yield name, encode(b"".join(parts))


def known_pieces(codes: Codes, shortest: int = SHORTEST_PIECE) -> Iterator[Codes]:
    """Stretches without unknown letters of at least `shortest` letters."""
    edges = np.flatnonzero(np.diff(np.concatenate(([True], codes >= UNKNOWN, [True])).astype(np.int8)))
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        if high - low >= shortest:
            yield codes[low:high]


def _read_genbank(path: Path) -> Iterator[tuple[str, Codes]]:
    from Bio import SeqIO

    with gzip.open(path, "rt") as handle:
        for record in SeqIO.parse(handle, "genbank"):
            yield str(record.id), encode(str(record.seq))


def _bacteria(folder: Path) -> Iterator[Piece]:
    kept: list[Sketch] = []
    files = sorted((folder / "bacteria").glob("*.fa.gz"))
    files += [
        folder / "annotated" / f"{name}.gb.gz"
        for name in ("Brucella_melitensis_16M", "Paracoccus_sp._SCN_68-21", "Neisseria_meningitidis_MC58")
    ]
    files.sort(key=lambda p: p.name.split(".")[0] not in holdout.BACTERIA)  # held-out genomes first: what repeats them is dropped
    for path in files:
        name = path.name.removesuffix(".gz").removesuffix(".fa").removesuffix(".gb")
        records = list(_read_genbank(path) if ".gb" in path.name else read_fasta(path))
        mine = sketch(np.concatenate([codes for _, codes in records]), one_in=2000)
        closest = max((containment(mine, other) for other in kept), default=0.0)
        if closest > DUPLICATE:
            logger.info("corpus: %s left out, shares %.0f %% of its 21-mers with one kept", name, 100 * closest)
            continue
        kept.append(mine)
        for _, codes in records:
            for part in known_pieces(codes):
                yield Piece(name, DOMAINS.index("bacteria"), name.split(".")[0] in holdout.BACTERIA, part)


def _phages(folder: Path) -> Iterator[Piece]:
    records = list(read_fasta(folder / "phages_unique.fa.gz"))
    for name in ("phage_lambda_NC_001416.gbk.gz", "phage_T7_NC_001604.gb.gz"):
        records += list(_read_genbank(folder / "annotated" / name))
    labels = clusters([sketch(codes, one_in=50) for _, codes in records], threshold=0.1)
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    for group in members.values():
        out = holdout.phage_cluster_is_held_out([records[i][0] for i in group])
        seen: list[Sketch] = []
        for index in group:
            name, codes = records[index]
            mine = sketch(codes, one_in=50)
            if any(containment(mine, other) > 0.9 for other in seen):
                continue
            seen.append(mine)
            for part in known_pieces(codes):
                yield Piece(name, DOMAINS.index("phage"), out, part)


def _yeasts(folder: Path) -> Iterator[Piece]:
    for path in sorted((folder / "yeast").glob("*.fa.gz")):
        name = path.name.removesuffix(".fa.gz")
        if name in holdout.YEAST_NEAR_DUPLICATES:
            continue
        for contig, codes in read_fasta(path):
            saccharomyces = name.startswith(("S_cerevisiae", "S_paradoxus"))
            out = name in holdout.YEAST or (saccharomyces and contig in holdout.YEAST_CHROMOSOMES)
            for part in known_pieces(codes):
                yield Piece(name if name in holdout.YEAST or not out else f"{name}:{contig}", DOMAINS.index("yeast"), out, part)


def _rna(path: Path) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {key: [] for key in ("codes", "partner", "column", "family", "split", "accession", "title", "name")}
    seen: set[bytes] = set()
    for number, family in enumerate(read_families(path)):
        table["accession"].append(family.accession)
        table["title"].append(family.name)
        whole = holdout.family_is_held_out(family.accession, family.clan)
        for one in sequences(family):
            key = one.codes.tobytes()
            if key in seen or one.codes.size < 20:
                continue
            seen.add(key)
            part = HELD_OUT_FAMILY if whole else HELD_OUT_SEQUENCE if holdout.sequence_is_held_out(one.name) else TRAIN
            row = {"codes": one.codes, "partner": one.partner, "column": one.column, "family": number, "split": part, "name": one.name}
            for key_of_table, value in row.items():
                table[key_of_table].append(value)
    return table


def _starts(sizes: list[int]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


STRETCH = 50_000
KEPT_WHOLE = 0.6
"""Phages and yeasts are kept whole as long as they are no larger a share of all letters than this."""
_WEIGHTS = {"bacteria": 2, "phage": 1, "yeast": 1}
_FEWEST_LETTERS = 10_000


def build(data: Path, most_letters: int = 200_000_000, most_bytes: int = 0) -> Corpus:
    """Read genomes and seeds of `data`, drop near-duplicates, mark what is held out.

    Genomes are thinned to stretches, evenly, so that all DNA stays within `most_letters` and, where `most_bytes` is given, the packed file
    within those; see `allotted`. Raises `ParameterError` where that leaves next to nothing.
    """
    folder = data / "genomes"
    if not folder.is_dir():
        raise FileFormatError(f"{data} has no folder genomes; --data names the folder with genomes/ and rna/")
    pieces = [*_phages(folder), *_yeasts(folder), *_bacteria(folder)]
    return fitted(pieces, _rna(data / "rna" / "Rfam14.2_seed.train.sto.gz"), most_letters, most_bytes)


def fitted(pieces: list[Piece], rna: dict[str, list[Any]], most_letters: int, most_bytes: int = 0) -> Corpus:
    """`pieces` within the two bounds of `build`, and the table of RNAs, whole."""
    letters = min(most_letters, 4 * most_bytes) if most_bytes else most_letters
    while letters >= _FEWEST_LETTERS:
        corpus = _assembled(thinned(pieces, letters), rna)
        size = corpus.packed_bytes() if most_bytes else 0
        if size <= most_bytes or not most_bytes:
            return corpus
        letters = min(letters, corpus.dna.size) - 4 * (size - most_bytes) - letters // 200
    bound = f"{most_bytes:,} bytes" if most_bytes else f"{most_letters:,} letters"
    raise ParameterError(f"a corpus of {bound} has no room for genomes beside the RNAs; allow at least some millions")


def allotted(have: dict[str, int], most: int) -> dict[str, int]:
    """Letters of each domain out of `have`, at most `most` in all.

    Bacteria alone are thinned while the others are no more than `KEPT_WHOLE` of all; beyond that bacteria may have half and the others a
    quarter each, and what one does not need goes to the rest.
    """
    others = sum(size for name, size in have.items() if name != "bacteria")
    if others <= KEPT_WHOLE * most:
        return {name: min(size, most - others) if name == "bacteria" else size for name, size in have.items()}
    given, left, open_ = dict.fromkeys(have, 0), most, dict(have)
    while open_:
        share = {name: left * _WEIGHTS[name] // sum(_WEIGHTS[one] for one in open_) for name in open_}
        content = {name: size for name, size in open_.items() if size <= share[name]}
        for name, size in (content or share).items():
            given[name] = size
            left -= size
            del open_[name]
    return given


def thinned(pieces: list[Piece], most: int) -> list[Piece]:
    """The beginnings of even stretches of each domain's pieces, as much of each as `allotted` gives it."""
    have: dict[str, int] = {}
    for piece in pieces:
        have[DOMAINS[piece.domain]] = have.get(DOMAINS[piece.domain], 0) + piece.codes.size
    given = allotted(have, most)
    kept = []
    for piece in pieces:
        share = given[DOMAINS[piece.domain]] / have[DOMAINS[piece.domain]]
        if share >= 1 and DOMAINS[piece.domain] != "bacteria":
            kept.append(piece)
            continue
        for low in range(0, piece.codes.size, STRETCH):
            size = int(min(STRETCH, piece.codes.size - low) * share)
            if size >= SHORTEST_PIECE:
                kept.append(replace(piece, codes=piece.codes[low : low + size]))
    return kept


def _assembled(pieces: list[Piece], table: dict[str, list[Any]]) -> Corpus:
    genomes = sorted({p.genome for p in pieces})
    number = {name: i for i, name in enumerate(genomes)}
    codes: list[Codes] = table["codes"]
    partner: list[NDArray[np.int32]] = table["partner"]
    column: list[NDArray[np.uint16]] = table["column"]
    return Corpus(
        dna=np.concatenate([p.codes for p in pieces]),
        start=_starts([p.codes.size for p in pieces]),
        domain=np.array([p.domain for p in pieces], dtype=np.uint8),
        held_out=np.array([p.held_out for p in pieces]),
        genome=np.array([number[p.genome] for p in pieces], dtype=np.int32),
        rna=np.concatenate(codes),
        rna_start=_starts([c.size for c in codes]),
        partner=np.concatenate(partner),
        column=np.concatenate(column),
        family=np.array(table["family"], dtype=np.int32),
        split=np.array(table["split"], dtype=np.uint8),
        names={
            "genomes": genomes,
            "families": [str(a) for a in table["accession"]],
            "titles": [str(t) for t in table["title"]],
            "rna": [str(n) for n in table["name"]],
        },
    )
