"""The command ``triage``."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import TerminalMonitor, check_output, deliver, settings_of_command_line, tell, writing
from engine.commands.options import Device, Dtype, GeneModels, ModelId, Out, Species, VariantReference, Weights, whole
from engine.core.errors import InputError
from engine.core.variants import Triage, TriageParameters, Variant

if TYPE_CHECKING:
    from engine.core.settings import Settings
    from engine.exports.triage_files import TriageFormat
    from engine.service.triage import ReferenceLetters, TriageRequest

app = typer.Typer()

LISTS = (".txt", ".list")
"""Ends of files that hold a list of variants and no VCF."""


@app.command("triage")
def triage_command(
    vcf: Annotated[
        Path | None,
        typer.Argument(metavar="VCF", help="Variants: VCF, plain, gzipped or bgzipped, or BCF; .txt and .list: one variant a line."),
    ] = None,
    fasta: VariantReference = None,
    gff: GeneModels = None,
    variant: Annotated[
        list[str],
        typer.Option("--variant", metavar="TEXT", help="A variant in any spelling of the page's box instead of a file; may be repeated."),
    ] = [],  # noqa: B006
    model: ModelId = "",
    weights: Weights = None,
    species: Species = "",
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
    window: Annotated[int, typer.Option(metavar="BP", help="Bases around each variant that the model sees.", parser=whole)] = 512,
    influence: Annotated[
        bool, typer.Option("--influence/--no-influence", help="Without it a substitution takes one pass of three.")
    ] = True,
    splice: Annotated[bool, typer.Option("--splice", help="Splice changes by CI-SpliceAI, too.")] = False,
    alphamissense: Annotated[
        bool, typer.Option("--alphamissense", help="AlphaMissense's scores of missense substitutions, too; needs --assembly and its table.")
    ] = False,
    clinvar: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="ClinVar's VCF of the assembly with its index, as NCBI publishes it: what it says of each allele."
        ),
    ] = None,
    assembly: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The public assembly of the reference, whose contigs may then be called by their other names; GRCh37 and GRCh38 take the genes that "
            "come with CI-SpliceAI, and AlphaMissense's tables.",
        ),
    ] = "",
    genetic_code: Annotated[
        list[str],
        typer.Option("--genetic-code", metavar="[CONTIG=]TABLE", help="NCBI table where the annotation states none; may be repeated."),
    ] = [],  # noqa: B006
) -> None:
    """Scores of variants: a table (on standard output without --out; .tsv, .csv, .xlsx, .parquet), a report (.html), the VCF with INFO
    fields (.vcf, .vcf.gz, .vcf.bgz, .bcf), or a script that repeats it (.py). With --out a run that was stopped goes on where it was when
    it is started again."""
    from engine.core.transcripts import Transcripts
    from engine.exports.triage_files import triage_format
    from engine.service.proteins import TABLE
    from engine.service.triage import ReferenceLetters, TriageRequest
    from engine.sources.genetic_codes import given_codes
    from engine.sources.transcripts import read_transcripts

    if (vcf is None) == (not variant):
        raise InputError("Give a file of variants, or --variant TEXT; one of the two.")
    if fasta is None:
        raise InputError("Missing option '--fasta'; give the assembly that the variants were called on.")
    if genetic_code and gff is None:
        raise InputError("--genetic-code says how gene models are read; give them with --gff ANNOTATION.")
    written = None
    if out is not None:
        check_output(out, read=(vcf, fasta, gff, clinvar))
        written = triage_format(out)
    if vcf is not None:
        arguments.check_readable(vcf)
    settings = settings_of_command_line()
    request = TriageRequest(
        (),
        ReferenceLetters.of_file(fasta, settings, gff, assembly),
        read_transcripts(gff, given_codes(genetic_code)) if gff is not None else Transcripts(),
        model,
        TriageParameters(window, influence),
        species,
        weights,
        device,
        dtype,
        "cispliceai" if splice else "",
        assembly,
        TABLE if alphamissense else "",
        clinvar,
    )
    with _source(vcf, variant, request.reference, settings) as source:
        _scored(source, request, settings, written, out)


def _scored(source: _Source, request: TriageRequest, settings: Settings, written: TriageFormat | None, out: Path | None) -> None:
    """Score the variants, from where an earlier run to the same file ended, and write them."""
    from engine.service.triage import shorter_window
    from engine.service.triage_stream import Journal, Stream, identity_of, run_stream

    engine, monitor, done = arguments.make_engine(settings), TerminalMonitor(), False
    stream = Stream(source.variants, source.count, source.sha256, request)
    with tempfile.TemporaryDirectory() as folder:
        place = out.with_name(f"{out.name}.unfinished") if out is not None else Path(folder) / "rows"
        journal = Journal(place, identity_of(engine, stream))
        if len(journal):
            print(f"{len(journal):,} of {stream.count:,} alleles were scored before; the run goes on from there.", file=sys.stderr)
        try:
            result = run_stream(engine.run_triage, stream, journal, monitor)
            monitor.close()
            _write(result, source, written, out)
            notes = (engine.doubt(request.model, request.weights), shorter_window(request.parameters, result))
            tell(note for note in notes if note)
            _tell(result)
            done = True
        finally:
            monitor.close()
            journal.close(done=done or not len(journal))


def _write(result: Triage, source: _Source, written: TriageFormat | None, out: Path | None) -> None:
    """The file that was asked for; without one a table on standard output."""
    from engine.exports.triage_table import write_triage_table

    if out is None or written is None:
        deliver(lambda path: write_triage_table(result, path), None, ".tsv")
        return
    with writing(out):
        written.write(result, source.lines(), out)


def _tell(result: Triage) -> None:
    """How many alleles are scored, on standard error."""
    scored = sum(row.status == "scored" for row in result.rows)
    print(f"{scored:,} of {len(result.rows):,} alleles are scored", file=sys.stderr)


@dataclass(frozen=True)
class _Source:
    """Variants that can be read again and again: how many, what their file hashes to, and a VCF of them line by line."""

    path: Path
    name: str
    count: int
    sha256: str

    def variants(self) -> Iterator[Variant]:
        """All of them."""
        from engine.sources.vcf import open_vcf, variants_of

        with open_vcf(self.path, self.name) as lines:
            yield from variants_of(self.name, lines)

    def lines(self) -> Iterator[str]:
        """The lines of the VCF."""
        from engine.sources.vcf import open_vcf

        with open_vcf(self.path, self.name) as lines:
            yield from lines


@dataclass(frozen=True)
class _Listed(_Source):
    """A list that was read; its lines that could not be used keep their sentences."""

    found: tuple[Variant, ...] = ()

    def variants(self) -> Iterator[Variant]:
        """All of them."""
        return iter(self.found)


@contextlib.contextmanager
def _source(vcf: Path | None, texts: Iterable[str], reference: ReferenceLetters, settings: Settings) -> Iterator[_Source]:
    """The variants of a file or of the command line."""
    from engine.service.variant_list import read_variant_list
    from engine.sources.bcf import is_bcf, vcf_of_bcf
    from engine.sources.door import OWN_FILES, Bounds, TextLines
    from engine.sources.vcf import open_vcf, variants_of

    with tempfile.TemporaryDirectory() as folder:
        if vcf is None or vcf.name.casefold().endswith(LISTS):
            text = "\n".join(texts)
            if vcf is not None:
                with TextLines(vcf.name, vcf, OWN_FILES, "a list of variants") as lines:
                    text = "\n".join(lines)
                tell(lines.notes)
            listed = read_variant_list(text, reference, Bounds.of(settings))
            path = Path(folder) / "list.vcf"
            path.write_bytes(listed.vcf)
            yield _Listed(path, "list", len(listed.variants), hashlib.sha256(listed.vcf).hexdigest(), listed.variants)
            return
        digest, path, notes = _sha256(vcf), vcf, list[str]()
        if is_bcf(vcf):
            path = Path(folder) / "variants.vcf.gz"
            path.write_bytes(vcf_of_bcf(vcf, vcf.name))
        with open_vcf(path, vcf.name) as lines:
            count = sum(1 for _ in variants_of(vcf.name, lines, notes=notes))
        tell((*lines.notes, *notes))
        yield _Source(path, vcf.name, count, digest)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for piece in iter(lambda: handle.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
