"""Options that several commands of the command line share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.analyses.benchmark import BenchmarkParameters
from engine.core.errors import ParameterError
from engine.core.parameters import Option, Parameters, fields_of, number, whole_number
from engine.core.splicing import SpliceParameters

Letters = Annotated[str | None, typer.Option("--sequence", metavar="LETTERS", help="DNA or RNA letters, any case.")]
Fasta = Annotated[Path | None, typer.Option("--fasta", metavar="FILE", help="FASTA or GenBank file, gzipped or not.")]
Name = Annotated[str | None, typer.Option("--name", metavar="RECORD", help="Record of --fasta.")]
LocusText = Annotated[str | None, typer.Option("--locus", metavar="ASSEMBLY:CONTIG:START-END[:-]", help="1-based inclusive.")]
UpstreamOf = Annotated[
    str | None,
    typer.Option(
        "--upstream-of",
        metavar="[ASSEMBLY:]GENE",
        help="What SpeciesLM was trained on of a registered gene: before and with its start codon.",
    ),
]
ModelId = Annotated[str, typer.Option("--model", metavar="ID", help="Model id, see the command models.")]
Weights = Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Checkpoint folder in the published layout.")]
Species = Annotated[
    str,
    typer.Option(
        "--species",
        metavar="NAME",
        help="What the sequence is read as: a species of SpeciesLM or AUGUSTUS; bacteria, phage, yeast or rna of the shipped models.",
    ),
]
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda or cuda:N.")]
Dtype = Annotated[str, typer.Option("--dtype", metavar="DTYPE", help="auto, float32, float16 or bfloat16.")]
_REFERENCE = typer.Option("--fasta", metavar="REFERENCE", help="The assembly the variants were called on.")
VariantReference = Annotated[Path | None, _REFERENCE]
VariantFile = Annotated[Path, typer.Argument(metavar="VCF", help="Variants; plain, gzipped or bgzipped.")]
NeededReference = Annotated[Path, _REFERENCE]
GeneModels = Annotated[Path | None, typer.Option("--gff", metavar="ANNOTATION", help="GFF3, GTF or GenBank with gene models.")]
Genome = Annotated[Path, typer.Option("--fasta", metavar="GENOME", help="FASTA, or GenBank with its features.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write; its name decides the format.")]


def whole(text: str | int) -> int:
    """Reads an option that is a whole number; what is none is refused with the option's name."""
    try:
        return whole_number(text)
    except ParameterError as error:
        raise typer.BadParameter(str(error).rstrip(".")) from error


def decimal(text: str | float) -> float:
    """Reads an option that is a number, as `whole` does."""
    try:
        return number(text)
    except ParameterError as error:
        raise typer.BadParameter(str(error).rstrip(".")) from error


def told(option: Option, metavar: str = "") -> dict[str, Any]:
    """Help and metavar of an option as a help page has them: the words it allows are in one of them, or are added to its help."""
    shown = metavar or option.metavar or ("NAME" if option.choices else "")
    untold = any(not re.search(rf"\b{re.escape(word)}\b", f"{shown} {option.help}") for word in option.choices)
    words = f"{option.help.rstrip('.')}: {', '.join(option.choices[:-1])} or {option.choices[-1]}." if untold else option.help
    return {"help": words, "metavar": shown or None}


def flags_of(*kinds: type[Parameters]) -> Callable[..., Any]:
    """``flag(name, parser=None, metavar="")``: the option of the field ``name`` of these parameters, for a command that is written by hand."""
    known = {field.name: field.option for kind in kinds for field in fields_of(kind)}

    def flag(name: str, parser: Any = None, metavar: str = "") -> Any:
        option = known[name]
        return typer.Option(option.flag, **told(option, metavar), parser=parser)

    return flag


_SPLICE, _BENCHMARK = flags_of(SpliceParameters), flags_of(BenchmarkParameters)
SpliceDistance = Annotated[int, _SPLICE("distance_bp", whole, "BP")]
SpliceMasked = Annotated[bool, _SPLICE("masked")]
SpliceOutside = Annotated[bool, _SPLICE("outside")]
Replicates = Annotated[int, _BENCHMARK("replicates", whole, "N")]
Seed = Annotated[int, _BENCHMARK("seed", whole, "N")]
