"""The command ``splice``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import TerminalMonitor, check_ending, check_output, deliver, settings_of_command_line, tell, writing
from engine.commands.options import Device, Dtype, NeededReference, Out, SpliceDistance, SpliceMasked, SpliceOutside, VariantFile, Weights
from engine.core.errors import InputError
from engine.core.splicing import SpliceParameters

app = typer.Typer()

_VCF_ENDS = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
_TABLE_ENDS = (".tsv", ".txt")


@app.command("splice")
def splice_command(
    vcf: VariantFile,
    fasta: NeededReference,
    gff: Annotated[Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3 or GTF: strands and splice sites of genes.")] = None,
    assembly: Annotated[str, typer.Option(metavar="NAME", help="GRCh37 or GRCh38: take the genes that come with the model instead.")] = "",
    distance: SpliceDistance = 50,
    masked: SpliceMasked = False,
    outside: SpliceOutside = False,
    model: Annotated[str, typer.Option("--model", metavar="ID", help="A model that knows splice sites.")] = "cispliceai",
    weights: Weights = None,
    device: Device = "",
    dtype: Dtype = "",
    out: Out = None,
) -> None:
    """Largest gain and loss of splice acceptors and donors by each variant of a VCF, and where: a table (on standard output without --out;
    .tsv), or the VCF with an INFO field (.vcf, .vcf.gz, .vcf.bgz, .bcf)."""
    from engine.analyses.splice import splice_genes
    from engine.exports.bcf import write_bcf
    from engine.exports.splice_files import splice_vcf_lines, write_splice_table
    from engine.exports.vcf import write_lines
    from engine.service.splice import SpliceRequest
    from engine.service.triage import ReferenceLetters
    from engine.sources.transcripts import read_transcripts
    from engine.sources.vcf import open_vcf, read_vcf

    if gff is not None and assembly:
        raise InputError("Give --gff ANNOTATION or --assembly NAME, not both: each of them says where the genes are.")
    if masked and gff is None and not assembly:
        raise InputError("--masked needs to know the annotated splice sites; give --gff ANNOTATION, or --assembly GRCh37 or GRCh38.")
    if out is not None:
        check_output(out, read=(vcf, fasta, gff))
        check_ending(out, (*_TABLE_ENDS, *_VCF_ENDS))
    settings = settings_of_command_line()
    notes = list[str]()
    request = SpliceRequest(
        read_vcf(vcf, notes=notes),
        ReferenceLetters.of_file(fasta, settings, gff, assembly),
        splice_genes(read_transcripts(gff)) if gff is not None else (),
        assembly,
        model,
        SpliceParameters(distance, masked, outside),
        weights,
        device,
        dtype,
    )
    tell(notes)
    monitor = TerminalMonitor()
    scores = arguments.make_engine(settings).run_splice(request, monitor)
    monitor.close()
    if out is not None and out.name.casefold().endswith(_VCF_ENDS):
        with writing(out), open_vcf(vcf, vcf.name) as source:
            write = write_bcf if out.name.casefold().endswith(".bcf") else write_lines
            write(splice_vcf_lines(scores, source), out)
    else:
        deliver(lambda path: write_splice_table(scores, path), out, ".tsv")
    scored = {(row.variant.record, row.variant.allele) for row in scores.rows if row.status == "scored"}
    print(f"{len(scored):,} of {len(request.variants):,} alleles are scored", file=sys.stderr)
