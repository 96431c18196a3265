"""A Python script that repeats a triage with the command line, and checks that the table is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.variants import Triage, Variant
from engine.exports.provenance import summary
from engine.exports.triage_table import table_lines

if TYPE_CHECKING:
    from engine.core.provenance import Provenance

_TEMPLATE = '''"""{summary}

Run it with Locuscope's Python in the folder that holds `engine`, with the reference{also} of then:
python triage.py REFERENCE.fa{genes} > triage.tsv
Model {model} {revision} (weights sha256 {weights}), in {dtype} on {device}. Further options of the command may follow, such as --weights DIR for
weights that lie in a folder of their own.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROVENANCE = {provenance}
FILES = {files}
ROWS = [
{rows}
]
SETTINGS = {settings}
TABLE = {table!r}
if len(sys.argv) < 1 + len(FILES) or any(place.startswith("--") for place in sys.argv[1 : 1 + len(FILES)]):
    sys.exit(f"Give {{len(FILES)}}: {{' '.join(name for _, name in FILES)}}.")
with tempfile.TemporaryDirectory() as folder:
    vcf, table = Path(folder) / "variants.vcf", Path(folder) / "triage.tsv"
    vcf.write_text("##fileformat=VCFv4.2\\n#CHROM\\tPOS\\tID\\tREF\\tALT\\tQUAL\\tFILTER\\tINFO\\n" + "".join(row + "\\n" for row in ROWS), encoding="utf-8")
    given = [part for (flag, _), place in zip(FILES, sys.argv[1:]) for part in (flag, place)]
    command = [sys.executable, "-m", "engine", "triage", str(vcf), *given, *{arguments}, "--out", str(table), *sys.argv[1 + len(FILES) :]]
    status = subprocess.call(command, env={{**os.environ, **SETTINGS}})
    if status:
        sys.exit(status)
    found = table.read_text(encoding="utf-8")
sys.stdout.write(found)
lines = [line for line in found.splitlines(keepends=True) if not line.startswith("#")]
if TABLE and hashlib.sha256("".join(lines).encode()).hexdigest() != TABLE:
    sys.exit("The table is another one than then: the reference{also}, the weights, the device or the version differ.")
'''


def arguments_of(provenance: Provenance) -> list[str]:
    """Arguments of the command ``triage`` for this provenance, without its files."""
    parameters = provenance.parameters
    found = ["--model", provenance.card.id, "--dtype", provenance.dtype, "--device", provenance.device]
    found += ["--window", str(parameters["window_bp"]), "--influence" if parameters["influence"] else "--no-influence"]
    if provenance.species:
        found += ["--species", provenance.species]
    splice, missense = parameters.get("splice"), parameters.get("missense")
    named = [str(asked["assembly"]) for asked in (missense, splice, parameters) if isinstance(asked, Mapping) and asked.get("assembly")]
    found += ["--splice"] if isinstance(splice, Mapping) else []
    found += ["--alphamissense"] if isinstance(missense, Mapping) else []
    for contig, number in (parameters.get("genetic_codes") or {}).items():
        found += ["--genetic-code", f"{contig}={number}" if contig else str(number)]
    return [*found, *(["--assembly", named[0]] if named else [])]


def script_of(triage: Triage) -> str:
    """Text of the script; its rows are the records that could be read, one an allele."""
    provenance = triage.provenance
    readable = [row.variant for row in triage.rows if not row.variant.problem]
    with_genes, with_clinvar = "gene_models" in provenance.parameters, "clinvar" in provenance.parameters
    return _TEMPLATE.format(
        summary=summary(provenance).replace("\\", ""),
        also=(" and the gene models" if with_genes else "") + (" and ClinVar's file" if with_clinvar else ""),
        genes=(" GENES.gff3" if with_genes else "") + (" CLINVAR.vcf.gz" if with_clinvar else ""),
        model=provenance.card.id,
        revision=provenance.card.revision,
        weights=provenance.card.weights_sha256 or "none",
        dtype=provenance.dtype,
        device=provenance.device,
        provenance=repr(json.loads(provenance.to_json())),
        files=repr(
            (
                ("--fasta", "REFERENCE.fa"),
                *([("--gff", "GENES.gff3")] if with_genes else []),
                *([("--clinvar", "CLINVAR.vcf.gz")] if with_clinvar else []),
            )
        ),
        rows="\n".join(f"    {_line(variant)!r}," for variant in readable),
        settings={"LOCUSCOPE_THREADS": str(provenance.threads)} if provenance.threads else {},
        arguments=repr(arguments_of(provenance)),
        table=_hash(triage) if len(readable) == len(triage.rows) else "",
    )


def _hash(triage: Triage) -> str:
    """Hexadecimal sha256 of the table's lines, provenance left out."""
    total = hashlib.sha256()
    for line in table_lines(triage):
        total.update(line.encode())
    return total.hexdigest()


def _line(variant: Variant) -> str:
    frequency = "." if variant.frequency is None else f"AF={variant.frequency!r}"
    cells = (variant.contig, str(variant.position), variant.identifier, variant.reference, variant.alternate, ".", ".", frequency)
    return "\t".join(cells)


def write_triage_script(triage: Triage, path: Path) -> None:
    """Write the script."""
    path.write_text(script_of(triage), encoding="utf-8")
