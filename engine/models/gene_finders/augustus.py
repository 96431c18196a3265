"""Genes of eukaryotes by AUGUSTUS, run as a program with a time limit where it is installed (the Debian package ``augustus``).

Source: Stanke et al., Bioinformatics 24:637 (2008). The values are its posterior probabilities, from a hundred sampled gene structures.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.core.card import Capability, ModelCard, Offer, WindowRule
from engine.core.errors import CapabilityMissing, ParameterError, ResourceExhausted
from engine.core.quoting import quoted
from engine.core.sequence import Alphabet
from engine.core.settings import Settings
from engine.models.entry import LoadOptions, ModelEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROGRAM = "augustus"
ELEMENTS = (
    "CDS_forward", "CDS_reverse", "start_codon_forward", "start_codon_reverse", "stop_codon_forward", "stop_codon_reverse", "intron",
    "splice_donor", "splice_acceptor",
)  # fmt: skip
RULE = WindowRule(context_bp=10_000)
LONGEST_BP, SHORTEST_BP = 200_000, 50
USUAL = "human"
LONGEST_SECONDS, LOOK_SECONDS, VERSION_SECONDS = 600.0, 0.1, 10.0
_STRANDED = {"CDS": 0, "start_codon": 2, "stop_codon": 4}


class Augustus:
    """Implements `engine.core.protocols.WatchedElementModel` by the program."""

    elements, window_rule, device, dtype = ELEMENTS, RULE, "cpu", "float64"

    def __init__(self, card: ModelCard, program: str, species: str) -> None:
        self.card, self.program, self.species = card, program, species

    def element_probabilities(self, letters: str) -> NDArray[np.float32]:
        """float32 (L, 9) in the order of `ELEMENTS`; donor and acceptor are the first and last two bases of an intron."""
        return self.watched_probabilities(letters, lambda: None)

    def watched_probabilities(self, letters: str, look: Callable[[], None]) -> NDArray[np.float32]:
        """As `element_probabilities`; ``look`` is called ten times a second and may raise to stop.

        Raises `ResourceExhausted` after ten minutes, `CapabilityMissing` when the program fails.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "letters.fa"
            path.write_text(f">letters\n{letters}\n", encoding="ascii")
            text = self._said(path, look)
        return marked(text, len(letters))

    def _said(self, path: Path, look: Callable[[], None]) -> str:
        command = [
            self.program, f"--species={self.species}", "--gff3=on", "--UTR=off", "--protein=off", "--strand=both", "--softmasking=off",
            "--stopCodonExcludedFromCDS=false", str(path),
        ]  # fmt: skip
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - a program of the system, with arguments of ours
            try:
                while True:
                    try:
                        answer, complaint = process.communicate(timeout=LOOK_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        look()
                    if time.monotonic() - began > LONGEST_SECONDS:
                        raise ResourceExhausted(f"AUGUSTUS found no genes in {LONGEST_SECONDS:.0f} s; choose a window of the sequence.")
            finally:
                process.kill()
        if process.returncode:
            last = (complaint.strip().splitlines() or ["no reason given"])[-1]
            raise CapabilityMissing(f"AUGUSTUS failed: {last[:120]}; look at the program with 'augustus --species={self.species} FILE'.")
        return answer


def marked(text: str, length: int) -> NDArray[np.float32]:
    """Probabilities float32 (L, 9) from the GFF3 that the program wrote."""
    values = np.zeros((length, len(ELEMENTS)), dtype=np.float32)
    genes: dict[str, float] = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != 9 or fields[1] != "AUGUSTUS":
            continue
        kind, start, end = fields[2], int(fields[3]) - 1, int(fields[4])
        names = dict(item.partition("=")[::2] for item in fields[8].split(";"))
        if kind == "transcript":
            genes[names.get("ID", "")] = _number(fields[5], 1.0)
        sure = _number(fields[5], genes.get(names.get("Parent", ""), 1.0))
        if kind in _STRANDED:
            _mark(values, start, end, _STRANDED[kind] + (fields[6] == "-"), sure)
        elif kind == "intron":
            _mark(values, start, end, 6, sure)
            ends = ((start, start + 2), (end - 2, end))
            for column, (first, last) in zip((7, 8), ends if fields[6] == "+" else ends[::-1], strict=True):
                if first > 0 and last < length:  # an intron that begins or ends with the sequence has no site there
                    _mark(values, first, last, column, sure)
    return values


def _mark(values: NDArray[np.float32], start: int, end: int, column: int, sure: float) -> None:
    part = values[start:end, column]
    np.maximum(part, np.float32(sure), out=part)


def _number(text: str, otherwise: float) -> float:
    return float(text) if re.fullmatch(r"\d*\.?\d+(?:[eE][+-]?\d+)?", text) else otherwise


def species_here(program: str | None) -> tuple[str, ...]:
    """Species whose parameters are installed beside the program."""
    if program is None:
        return ()
    places = [os.environ.get("AUGUSTUS_CONFIG_PATH", ""), str(Path(program).resolve().parent.parent / "share/augustus/config")]
    folder = next(
        (Path(place) / "species" for place in (*places, "/usr/share/augustus/config") if place and (Path(place) / "species").is_dir()), None
    )
    return (
        () if folder is None else tuple(sorted(item.name for item in folder.iterdir() if (item / f"{item.name}_parameters.cfg").is_file()))
    )


@functools.cache
def _revision(program: str | None) -> str:
    if program is None:
        return "not installed"
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=False)  # noqa: S603 - as above
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    found = re.search(r"\((\d[\w.]*)\)", said.stdout + said.stderr)
    return found[1] if found else "unknown"


def _missing(settings: Settings) -> str:
    return (
        "" if shutil.which(PROGRAM) else "AUGUSTUS is not installed here; add it by 'apt install augustus', or put the program on the PATH."
    )


def _load(directory: Path, options: LoadOptions) -> Augustus:
    program, species = shutil.which(PROGRAM), options.species or USUAL
    if program is None:
        raise CapabilityMissing(_missing(Settings()))
    known = species_here(program)
    if known and species not in known:
        raise ParameterError(
            f"AUGUSTUS has no species {quoted(species, 40)}; it has {', '.join(known[:8])} and {max(0, len(known) - 8)} more."
        )
    return Augustus(CARD, program, species)


CARD = ModelCard(
    id="augustus",
    title="AUGUSTUS",
    alphabet=Alphabet.DNA,
    max_length=LONGEST_BP,
    capabilities=frozenset({Capability.SEGMENTATION}),
    revision=_revision(shutil.which(PROGRAM)),
    weights_sha256="",
    licence="Artistic-1.0",
    source="https://github.com/Gaius-Augustus/Augustus (Debian package augustus)",
    min_length=SHORTEST_BP,
    description="Genes of eukaryotes by a hidden Markov model of their structure; what segmentations are held against in the papers.",
    organisms=f"About a hundred species, each with its own parameters ({USUAL} when none is named).",
    limitations="One gene structure at a time, without untranslated regions; its parameters are those of one species, and a wrong one misleads.",
    citation="Stanke et al., Bioinformatics 24:637 (2008)",
    masked=False,
    species=species_here(shutil.which(PROGRAM)),
)
ENTRIES: dict[str, ModelEntry] = {"augustus": ModelEntry(CARD, _load, available=_missing, offer=Offer(windows=RULE))}
"""Registry row."""
