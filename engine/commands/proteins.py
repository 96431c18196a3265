"""The commands ``protein`` and ``card``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands import arguments
from engine.commands.arguments import FIGURES, TerminalMonitor, check_ending, check_output, deliver, settings_of_command_line, tell, writing
from engine.commands.options import Out, whole
from engine.core.errors import InputError, ParameterError
from engine.core.proteins import LookedUp, ProteinScores

if TYPE_CHECKING:
    from engine.core.settings import Settings
    from engine.core.transcripts import Transcripts
    from engine.service.triage import ReferenceLetters
    from engine.sources.genomes import GenomeSet

app = typer.Typer()


@app.command("protein")
def protein_command(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VARIANT|PROTEIN...", help="chr7:117587806 G>A, P13569:G551D, P13569:p.Gly551Asp, or P13569 for all of a protein."
        ),
    ] = None,
    vcf: Annotated[Path | None, typer.Option("--vcf", metavar="FILE", help="Variants of a VCF instead.")] = None,
    assembly: Annotated[str, typer.Option(metavar="NAME", help="Of variants that name none: GRCh38 or GRCh37.")] = "GRCh38",
    first: Annotated[int, typer.Option("--first", metavar="POSITION", help="First residue of a figure.", parser=whole)] = 1,
    last: Annotated[
        int | None, typer.Option("--last", metavar="POSITION", help="Last residue of a figure; without it, the last one.", parser=whole)
    ] = None,
    out: Out = None,
) -> None:
    """AlphaMissense: variants looked up by their place in the genome or in a protein (a table), every substitution of a protein (.tsv, .csv,
    .npz), or its 20 × L heat map with the variants marked (.html, .png, .svg, .pdf)."""
    from engine.exports.protein_files import FORMATS, looked_up_table, write_protein
    from engine.service.proteins import TABLE, look_up, of_variants, protein_scores
    from engine.sources.genomes import GenomeSet
    from engine.sources.vcf import read_vcf

    if (vcf is None) == (not what):
        raise InputError("Give variants or a protein, or a file with --vcf; one of the two.")
    if out is not None:
        check_output(out, read=(vcf,))
        check_ending(out, (*FORMATS, ".txt", *FIGURES))
    settings = settings_of_command_line()
    engine = arguments.make_engine(settings)
    if vcf is not None:
        notes = list[str]()
        found = of_variants(engine, read_vcf(vcf, notes=notes), assembly)
        tell(notes)
    else:
        found = look_up(engine, GenomeSet(settings), "\n".join(what or ()), assembly)
    one_protein = len(found) == 1 and found[0].named and found[0].substitution is None
    if out is not None and out.suffix.casefold() in FIGURES:
        _write_figure(protein_scores(engine, _one_protein(found)), found, first, last, out)
    elif one_protein:
        scores = protein_scores(engine, found[0].protein)
        deliver(lambda path: write_protein(scores, path), out, ".tsv")
        print(scores.words(), file=sys.stderr)
        return
    else:
        if out is not None:
            check_ending(out)
        card = engine.model(TABLE).card
        deliver(lambda path: _write_text(path, looked_up_table(found, card)), out, ".tsv")
    scored = len({row.text for row in found if row.score is not None})
    print(f"{scored:,} of {len({row.text for row in found}):,} have a score", file=sys.stderr)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _one_protein(found: tuple[LookedUp, ...]) -> str:
    names = sorted({row.protein for row in found if row.protein})
    if len(names) != 1:
        told = f"these are {', '.join(names[:6])}" if names else f"none is known of these. {found[0].note}"
        raise ParameterError(f"A figure shows one protein, and {told}.")
    return names[0]


def _write_figure(scores: ProteinScores, found: tuple[LookedUp, ...], first: int, last: int | None, out: Path) -> None:
    from engine.exports.figure import write_figure
    from engine.views.protein import Mark, protein_figure

    end = len(scores) if last is None else last
    if not 1 <= first <= end <= len(scores):
        raise ParameterError(f"The stretch {first:,} to {end:,} is not in {scores.protein}, which has positions 1 to {len(scores):,}.")
    marks = [Mark(row.substitution, row.text) for row in found if row.substitution is not None]
    drawn = protein_figure(scores, first, end, marks)
    with writing(out):
        write_figure(drawn, out, scores.provenance, height=int(drawn.layout.height))
    print(f"wrote {out}", file=sys.stderr)


@app.command("card")
def card_command(
    variant: Annotated[
        str, typer.Argument(metavar="VARIANT", help="In any spelling of the page's box, such as GRCh38:chr7:117587806 G>A.")
    ],
    assembly: Annotated[str, typer.Option(metavar="NAME", help="The public assembly, where the variant names none.")] = "GRCh38",
    fasta: Annotated[Path | None, typer.Option("--fasta", metavar="REFERENCE", help="Its letters, where it is not registered.")] = None,
    gff: Annotated[Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3, GTF or GenBank with gene models.")] = None,
    model: Annotated[list[str], typer.Option("--model", metavar="ID", help="A language model that is asked; may be repeated.")] = [],  # noqa: B006
    alphagenome: Annotated[
        bool, typer.Option("--alphagenome", help="Ask AlphaGenome, too: the variant leaves this machine; terms and a key are needed.")
    ] = False,
    window: Annotated[int, typer.Option(metavar="BP", help="Bases around the variant that a language model sees.", parser=whole)] = 512,
    out: Out = None,
) -> None:
    """Everything known of one variant: consequence, AlphaMissense, AlphaGenome's strongest effects, scores of language models; what is missing
    says why. A table (on standard output without --out), .json, or a page (.html)."""
    from engine.exports.card_files import FORMATS, write_card
    from engine.service.proteins import read_variant
    from engine.service.variant_card import CardRequest, make_card
    from engine.sources.genomes import GenomeSet

    if out is not None:
        check_output(out, read=(fasta, gff))
        check_ending(out, tuple(FORMATS))
    settings = settings_of_command_line()
    genomes = GenomeSet(settings)
    named, one = read_variant(variant, genomes, assembly)
    if one.problem:
        raise InputError(one.problem)
    reference = _reference(fasta, genomes, named, settings)
    request = CardRequest(one, named, reference, _transcripts(gff, reference, fasta), tuple(model), alphagenome, window)
    monitor = TerminalMonitor()
    card = make_card(arguments.make_engine(settings), request, monitor)
    monitor.close()
    deliver(lambda path: write_card(card, path), out, ".tsv")
    print(card.words(), file=sys.stderr)


def _reference(fasta: Path | None, genomes: GenomeSet, assembly: str, settings: Settings) -> ReferenceLetters | None:
    from engine.service.proteins import registered
    from engine.service.triage import ReferenceLetters

    return ReferenceLetters.of_file(fasta, settings, public=assembly) if fasta is not None else registered(genomes, assembly)


def _transcripts(gff: Path | None, reference: ReferenceLetters | None, fasta: Path | None) -> Transcripts:
    from engine.core.transcripts import Transcripts
    from engine.sources.transcripts import read_transcripts

    if gff is not None:
        return read_transcripts(gff)
    return reference.transcripts() if reference is not None and fasta is None else Transcripts()
