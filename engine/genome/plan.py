"""What a run over a genome computes, and everything that decides its numbers."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.analyses.declared import analyses, declared
from engine.core.errors import InputError, ParameterError, ResourceExhausted, SequenceError
from engine.core.locus import Locus
from engine.core.parameters import parameters_from
from engine.core.quoting import quoted
from engine.core.sequence import IUPAC_DNA, NucleotideSequence
from engine.core.version import VERSION
from engine.service.devices import code_fingerprint
from engine.service.requests import Request

if TYPE_CHECKING:
    from engine.core.progress import Monitor
    from engine.service.engine import Engine
    from engine.service.triage import ReferenceLetters

_log = logging.getLogger(__name__)
_HASHED_BP = 10_000_000
_FOREIGN = re.compile(f"[^{''.join(sorted(IUPAC_DNA))}]")
_TOLD = 5


def check_analysis(name: str) -> None:
    """Raise `ParameterError` with those there are for what is no analysis of a genome-wide run; one that is named by its command is told its name."""
    allowed = {one: row.command for one, row in analyses().items() if row.windows}
    if name not in allowed:
        meant = next((f"; what the command {name} does is called {one} here" for one, command in allowed.items() if command == name), "")
        raise ParameterError(f"The analysis is {quoted(name, 40)}; a genome-wide run can do {', '.join(allowed)}{meant}.")


@dataclass(frozen=True)
class Plan:
    """What a genome-wide run computes; two runs with the same plan write the same files.

    ``window_bp`` bases are seen at once; neighbours overlap by ``overlap_bp``, of which each keeps its half in the tracks. ``settings``:
    texts of the analysis' parameters by field name, such as ``(("precision", "exact"),)``. ``annotation``: file with the genes that stand
    beside each place of the ranked table; with ``non_coding`` windows more than half of which is coding are left out.
    """

    genome: str
    analysis: str = "probabilities"
    model: str = ""
    weights: str = ""
    species: str = ""
    device: str = ""
    dtype: str = ""
    window_bp: int = 1000
    overlap_bp: int = 200
    settings: tuple[tuple[str, str], ...] = field(default=())
    annotation: str = ""
    non_coding: bool = False

    def __post_init__(self) -> None:
        check_analysis(self.analysis)
        if self.window_bp < 10 or not 0 <= self.overlap_bp < self.window_bp:
            raise ParameterError(
                f"The window is {self.window_bp} bases with an overlap of {self.overlap_bp}; allowed: a window of 10 or more, a smaller overlap."
            )
        if self.non_coding and not self.annotation:
            raise ParameterError(
                "Which windows are coding is read from an annotation; give its file with --gff, or leave --non-coding out."
            )
        if self.annotation and not Path(self.annotation).is_file():
            raise InputError(
                f"The annotation {quoted(Path(self.annotation).name)} is not there; give the path of a GFF3, GTF, GenBank or BED file."
            )
        if self.annotation and not self.non_coding and declared(self.analysis).ranked is None:
            raise ParameterError(f"A run of {self.analysis} writes no ranked table, so it needs no annotation; leave --gff out.")
        self.parameters()

    def parameters(self) -> Any:
        """The analysis' parameters. Raises `ParameterError`."""
        return parameters_from(declared(self.analysis).parameters, dict(self.settings))

    def request(self, sequence: NucleotideSequence) -> Request:
        """The question about one window."""
        return Request(
            self.analysis,
            sequence,
            self.model,
            self.parameters(),
            self.species,
            Path(self.weights) if self.weights else None,
            self.device,
            self.dtype,
        )


def check_window(plan: Plan, engine: Engine, lengths: dict[str, int]) -> None:
    """Refuse windows none of which the model would read, before any is tried; loads the model, whose limits may be known only then.

    Raises `ParameterError` that says what the model reads and what to give.
    """
    longest = min(plan.window_bp, max(lengths.values(), default=0))
    if not longest:
        return
    request = plan.request(NucleotideSequence("A" * longest))
    found, card = engine.resolved(request), engine.loaded_card(request)
    if found.analysis.tiled or found.parts:
        return
    cards = (card,) if plan.weights else (card, found.entry.card)
    least, most = max(one.min_length for one in cards), min(one.max_length for one in cards)
    if least <= longest <= most:
        try:
            engine.check(request)
        except (SequenceError, ResourceExhausted) as error:
            raise ParameterError(f"Windows of {longest:,} bases cannot be computed, give a smaller --window: {error}") from error
    elif longest > most:
        overlap = "" if plan.overlap_bp < most else f" --overlap {most // 5}"
        raise ParameterError(
            f"The window is {plan.window_bp:,} bases; the model, {card.title}, reads at most {most:,} at once; give --window {most}{overlap}, or another --model."
        )
    elif plan.window_bp < least:
        raise ParameterError(
            f"The window is {plan.window_bp:,} bases; the model, {card.title}, reads {least:,} to {most:,}; give --window {least}, or another --model."
        )


def identity(plan: Plan, engine: Engine, lengths: dict[str, int], letters: dict[str, str]) -> dict[str, Any]:
    """Everything that decides the numbers of a run, for ``scan.json``: letters of every contig, code, versions, weights, precision."""
    found = engine.resolved(plan.request(NucleotideSequence("ACGT" * 4)))
    return {
        "plan": {name: value for name, value in asdict(plan).items() if name not in _PLACES} | {"settings": dict(plan.settings)},
        "places": {name: getattr(plan, name) for name in _PLACES},
        "contigs": {name: {"length": length, "sha256": letters[name]} for name, length in lengths.items()},
        "annotation": hashlib.sha256(Path(plan.annotation).read_bytes()).hexdigest() if plan.annotation else "",
        "weights": found.spec.fingerprint,
        "model": found.spec.model_id,
        "dtype": found.spec.options.dtype,
        **found.machine,
        "analysis_version": found.analysis.version,
        "version": VERSION,
        "code": code_fingerprint(),
    }


def contig_hashes(reference: ReferenceLetters, lengths: dict[str, int], monitor: Monitor) -> dict[str, str]:
    """sha256 of the letters of every contig, read once before the run. Letters that no model reads are told in the log before anything is
    computed; they are left to their windows."""
    monitor.start(sum(lengths.values()), "bases read")
    found: dict[str, str] = {}
    odd: list[str] = []
    for name, length in lengths.items():
        total, first = hashlib.sha256(), ""
        for start in range(0, length, _HASHED_BP):
            end = min(length, start + _HASHED_BP)
            letters = reference.genomes.as_stored(Locus(reference.assembly, name, start, end))
            total.update(letters.encode())
            match = None if first else _FOREIGN.search(letters)
            first = first or (f"has {match[0]!r} at position {start + match.start() + 1:,}" if match is not None else "")
            monitor.advance(end - start)
        if first or not length:
            odd.append(f"{name[:40]} {first or 'has no letters'}")
        found[name] = total.hexdigest()
    if odd:
        more = f" and {len(odd) - _TOLD:,} more contigs" if len(odd) > _TOLD else ""
        _log.warning("%s%s: the windows with such letters go to failed.tsv, all others are computed.", "; ".join(odd[:_TOLD]), more)
    return found


def keep_identity(identity_now: dict[str, Any], folder: Path) -> None:
    """Write ``scan.json``, or check that the run in ``folder`` is the same. Raises `InputError` that names what differs."""
    path = folder / "scan.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _compare(json.loads(path.read_text(encoding="utf-8")), identity_now, folder)
        temporary = path.with_name(f"{path.name}.part")
        temporary.write_text(json.dumps(identity_now, indent=2, sort_keys=True), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"The folder {str(folder)!r} cannot be written: {error.strerror}; name another --out.") from error
    except ValueError as error:
        raise InputError(f"{folder} holds a scan.json that cannot be read; name another --out.") from error


_PLACES = ("genome", "weights")
"""Where files lie says nothing of what they hold: letters and weights are compared by content."""
_WORDS = {
    "plan": "settings",
    "contigs": "genome letters",
    "annotation": "annotation",
    "weights": "weights",
    "model": "model",
    "dtype": "dtype",
    "processor": "kind of processor",
    "threads": "number of threads (LOCUSCOPE_THREADS)",
    "analysis_version": "version of the analysis",
    "version": "version of Locuscope",
    "code": "code",
}


def _compare(before: Any, now: dict[str, Any], folder: Path) -> None:
    plain = json.loads(json.dumps(now))
    known = before if isinstance(before, dict) else {}
    other = [words for name, words in _WORDS.items() if known.get(name) != plain.get(name)]
    if other:
        raise InputError(
            f"{folder} holds a run with other {', '.join(other)} (scan.json); its windows would be mixed: name another --out, or the same."
        )
