"""What the command line reads: the sequence, intervals and the file to write; each problem is one sentence."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from engine.analyses.declared import Declared
from engine.core.errors import FileFormatError, InputError, LocuscopeError, LocusError, ParameterError
from engine.core.locus import Locus
from engine.core.quoting import file_name, quoted
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine

_UNBOUNDED = 1 << 40
_NAMES_SHOWN = 8
FIGURES = (".html", ".png", ".svg", ".pdf")


class NotWritable(InputError):
    """The file named with --out cannot be written."""


def settings_of_command_line() -> Settings:
    """Settings from the environment without the bounds that protect a server from its visitors."""
    return replace(Settings.from_environment(), max_length=_UNBOUNDED, max_upload_bytes=_UNBOUNDED)


def make_engine(settings: Settings | None = None) -> Engine:
    """The engine of a command."""
    return Engine(settings or settings_of_command_line())


def read_sequence(letters: str | None, fasta: Path | None, name: str | None, locus: str | None, settings: Settings) -> NucleotideSequence:
    """The sequence of exactly one of ``--sequence``, ``--fasta [--name]`` and ``--locus``, as it is: no padding, no flanks."""
    given = [option for option, value in (("--sequence", letters), ("--fasta", fasta), ("--locus", locus)) if value is not None]
    if len(given) != 1:
        what = " and ".join(given) or "none of them"
        raise InputError(f"Give exactly one of --sequence LETTERS, --fasta FILE and --locus ASSEMBLY:CONTIG:START-END; you gave {what}.")
    if name is not None and fasta is None:
        raise InputError("--name chooses a record of --fasta; give it together with --fasta FILE.")
    if letters is not None:
        return from_letters(letters)
    if fasta is not None:
        return chosen_record(read_records(fasta, settings), name, fasta)
    return from_locus(locus or "", settings)


def read_upstream(text: str, others: Sequence[object], engine: Engine, model: str, species: str) -> tuple[NucleotideSequence, str]:
    """The window before a gene that the model was trained on, and the species: the one given, else that of the assembly where the model has it.

    ``others``: what was given of the further ways to name a sequence. Raises `InputError` for two ways, `ParameterError` for a model without
    such a layout, `LocusError` for the gene.
    """
    from engine.sources.genomes import GenomeSet
    from engine.sources.upstream import species_of, start_codon_note, upstream_locus

    if any(value is not None for value in others):
        raise InputError("Give exactly one of --sequence LETTERS, --fasta FILE, --locus ASSEMBLY:CONTIG:START-END and --upstream-of GENE.")
    card = engine.model(model).card
    if not card.upstream_bp:
        raise ParameterError(f"{card.title} was not trained on stretches before genes; --upstream-of is for SpeciesLM, give --locus.")
    genomes = GenomeSet(engine.settings)
    locus = upstream_locus(genomes, text, card.upstream_bp)
    tell([f"{text}: {locus}, {card.upstream_bp:,} bases before the start codon and the codon"])
    letters = genomes.fetch(locus)
    tell(filter(None, (start_codon_note(text, letters.letters),)))
    return letters, species or species_of(locus.assembly, card.species)


def from_letters(text: str) -> NucleotideSequence:
    """Letters as the page's box takes them; U makes it an RNA. Raises `SequenceError`."""
    from engine.sources.letters import sequence_from

    return sequence_from(text)


def from_locus(text: str, settings: Settings) -> NucleotideSequence:
    """Everything that the page's box takes, as one sequence; what was understood goes to standard error."""
    from engine.sources.genomes import GenomeSet
    from engine.sources.understand import understand

    found = understand(text, GenomeSet(settings), settings, annotate=False)
    if len(found.records) > 1:
        raise InputError(f"{quoted(text)} names {len(found.records)} sequences; give one of them.")
    tell(found.notes)
    return found.records[0]


def place_of(text: str, settings: Settings) -> Locus:
    """The place that a text names, as the page's box reads it; the letters of one with coordinates are not fetched.

    Raises `LocusError` or `InputError` for what is no place on an assembly.
    """
    from engine.sources.genomes import GenomeSet

    try:
        return GenomeSet(settings).resolve(text)
    except LocusError as problem:
        try:
            found = from_locus(text, settings).locus
        except LocuscopeError:
            raise problem from None
        if found is None:
            raise
        return found


def read_records(path: Path, settings: Settings) -> tuple[NucleotideSequence, ...]:
    """All records of a FASTA or GenBank file, gzipped or not; what was left out of it goes to standard error."""
    from engine.sources.door import Bounds
    from engine.sources.records import read_file

    found = read_file(path.name, read_bytes(path), Bounds.of(settings))
    tell(found.notes)
    return found.records


def tell(notes: Iterable[str]) -> None:
    """Sentences for the reader of the result, on standard error."""
    for note in notes:
        print(note, file=sys.stderr)


def read_bytes(path: Path) -> bytes:
    """Content of a file a user named. Raises `FileFormatError` when it cannot be read."""
    with _reading(path):
        return path.read_bytes()


def check_readable(path: Path) -> None:
    """Raise `FileFormatError` when a file a user named cannot be read."""
    with _reading(path), path.open("rb"):
        return


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what the system says about a file a user named into one sentence."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise FileFormatError(f"The file {quoted(path)} cannot be read: {_reason(error)}; give the path of a readable file.") from error


def _reason(error: OSError | ValueError) -> str:
    return str(error.strerror) if isinstance(error, OSError) else "no such name can be"


def chosen_record(records: tuple[NucleotideSequence, ...], name: str | None, path: Path) -> NucleotideSequence:
    """The record called ``name``, or the only one."""
    names = [record.name[:80] for record in records]
    shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
    label = file_name(path.name)
    if name is None:
        if len(records) != 1:
            raise InputError(f"{label} holds {len(records)} records; choose one with --name: {shown}.")
        return records[0]
    found = [record for record in records if record.name == name or record.name.split(" ", 1)[0] == name]
    if not found:
        raise InputError(f"{label} has no record {quoted(name)} that can be read; it holds {shown}.")
    if len(found) > 1:
        raise InputError(f"{label} holds {len(found)} records called {quoted(name)}, not one; rename them.")
    return found[0]


def check_output(path: Path, analysis: Declared | None = None, read: Iterable[Path | None] = ()) -> None:
    """Raise before anything is computed when ``path`` cannot be written, is one of the files that are ``read``, or when its end names no
    format for an answer of ``analysis``."""
    if any(_same_file(path, one) for one in read if one is not None):
        raise NotWritable(f"--out {quoted(path)} is a file that is read; nothing was written, choose another --out.")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise NotWritable(f"{quoted(path, 80)} cannot be written: {_reason(error)}; choose another --out.") from error
    if path.is_dir():
        raise NotWritable(f"--out {quoted(path)} is a folder; give the name of a file.")
    if not path.parent.is_dir():
        raise NotWritable(f"The folder {quoted(path.parent)} of --out does not exist; make it first or choose another.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise NotWritable(f"{quoted(path)} cannot be written: permission denied; choose another --out.")
    if analysis is not None:
        from engine.exports.formats import formats_of
        from engine.views.panel import drawn_analyses

        usable = [end for item in formats_of(analysis.result) for end in item.suffixes]
        usable += FIGURES if analysis.name in drawn_analyses() else ()
        if not path.name.casefold().endswith(tuple(usable)):
            raise ParameterError(
                f"The file name {file_name(path.name)} names no format for this answer; end it with one of {', '.join(usable)}."
            )


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False  # one of them is not there, or is no name of a file: whoever opens it says so


def read_settings(texts: list[str], analysis: str) -> tuple[tuple[str, str], ...]:
    """``NAME=VALUE`` texts as pairs. Raises `ParameterError` with the names there are."""
    from engine.analyses.declared import declared
    from engine.core.parameters import fields_of

    known = [field.name for field in fields_of(declared(analysis).parameters)]
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign or name not in known:
            raise ParameterError(f"--set {name[:40]!r} is no parameter of {analysis}; write NAME=VALUE with one of {', '.join(known)}.")
    return tuple(sorted((name, value) for name, _, value in pairs))


def check_ending(path: Path, endings: tuple[str, ...] = (".tsv", ".txt")) -> None:
    """Raise `ParameterError` unless the file's name ends with one of ``endings``, case ignored: the ending says what is written."""
    if not path.name.casefold().endswith(endings):
        raise ParameterError(
            f"The file name {file_name(path.name)} names no format for this answer; end it with one of {', '.join(endings)}."
        )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says about ``path`` into one sentence."""
    try:
        yield
    except OSError as error:
        raise NotWritable(f"{quoted(path)} cannot be written: {error.strerror or error}; choose another --out.") from error


def write_result(result: Any, path: Path) -> None:
    """Write ``result`` in the format of the name of ``path``."""
    from engine.exports import formats

    with writing(path):
        if path.suffix.casefold() in FIGURES:
            _write_figure(result, path)
        else:
            formats.write(result, path)


def _write_figure(result: Any, path: Path) -> None:
    from engine.exports.figure import write_figure
    from engine.views.evidence import FigureStyle, LocusEvidence
    from engine.views.figure import locus_figure

    style = FigureStyle().for_file(path.suffix.casefold().removeprefix("."))
    drawn = locus_figure(LocusEvidence(result.sequence, {result.provenance.analysis: result}), style)
    write_figure(drawn, path, result.provenance, int(drawn.layout.width), int(drawn.layout.height))


def deliver(write: Callable[[Path], None], out: Path | None, suffix: str) -> None:
    """Let ``write`` write a text file to ``out``; without one, to standard output."""
    if out is not None:
        with writing(out):
            write(out)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"answer{suffix}"
        write(path)
        sys.stdout.write(path.read_text(encoding="utf-8"))


class TerminalMonitor:
    """Shows progress in one line of a terminal; silent when standard error is not one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()
        self._total = self._done = 0
        self._unit = ""
        self._began = self._last = 0.0

    def start(self, total: int, unit: str = "model runs") -> None:
        """Announce the amount of work."""
        self._total, self._unit, self._done = total, unit, 0
        self._began = time.monotonic()

    def advance(self, done: int) -> None:
        """Show how far it is, five times a second."""
        self._done += done
        now = time.monotonic()
        if self._shown and self._done and now - self._last > 0.2:
            self._last = now
            left = (now - self._began) * (self._total - self._done) / self._done
            self._stream.write(f"\r{self._done:,} of {self._total:,} {self._unit}, {left:,.0f} s left \x1b[K")
            self._stream.flush()

    def publish(self, partial: Any) -> None:
        """A terminal shows no partial results."""

    def wants_partial(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Clear the line."""
        if self._shown and self._last:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
