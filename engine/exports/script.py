"""A Python script that repeats a result with the command line and checks that the letters are the same."""

from __future__ import annotations

import json
from pathlib import Path

from engine.analyses.declared import declared
from engine.core.parameters import fields_of
from engine.core.provenance import Provenance
from engine.core.results import Result
from engine.exports.provenance import summary

_TEMPLATE = '''"""{summary}

Run it with Locuscope's Python in the folder that holds `engine`.
Asked for: {command}, version {version}; model {model} {revision} (weights sha256 {weights});
computed in {dtype} on {device}. The same device, dtype and number of threads give the same numbers to the last bit.
Further options of the command may follow, such as --weights DIR for weights that lie in a folder of their own.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROVENANCE = {provenance}

NAME = {sequence_name!r}

LETTERS = "".join(
    """
{letters}
    """.split()
)
if hashlib.sha256(LETTERS.replace("U", "T").encode("ascii")).hexdigest() != {sha256!r}:
    sys.exit("The letters in this script are not those of the result.")

COMMAND = [
    sys.executable,
    "-m",
    "engine",
{arguments}
]
SETTINGS = {settings}
with tempfile.TemporaryDirectory() as folder:
    fasta = Path(folder) / "sequence.fa"
    fasta.write_text(f">{{NAME}}\\n{{LETTERS}}\\n")
    sys.exit(subprocess.call([*COMMAND, *sys.argv[1:], "--fasta", str(fasta)], env={{**os.environ, **SETTINGS}}))
'''


def arguments_of(provenance: Provenance) -> list[str]:
    """Arguments of the command line for this provenance, without the letters. Raises `ParameterError` for an analysis there is not."""
    analysis = declared(provenance.analysis)
    found = [analysis.command, "--model", provenance.card.id, "--dtype", provenance.dtype, "--device", provenance.device]
    if provenance.species:
        found += ["--species", provenance.species]
    for field in fields_of(analysis.parameters):
        value = provenance.parameters.get(field.name, field.default)
        if value is None or value is False or (value == field.default and not field.option.required):
            continue
        found += [field.option.flag] if value is True else [field.option.flag, field.text_of(value)]
    return [*found, "--out", analysis.default_file]


def script_of(result: Result) -> str:
    """Text of the script."""
    provenance, letters = result.provenance, result.sequence.letters
    named = provenance.locus or "_".join(result.sequence.name.split()) or "sequence"  # a locus as the name gives the coordinates back
    return _TEMPLATE.format(
        summary=summary(provenance).replace("\\", ""),
        sequence_name=named,
        command=provenance.analysis,
        version=provenance.version,
        model=provenance.card.id,
        revision=provenance.card.revision,
        weights=provenance.card.weights_sha256 or "none",
        dtype=provenance.dtype,
        device=provenance.device,
        settings={"LOCUSCOPE_THREADS": str(provenance.threads)} if provenance.threads else {},
        provenance=repr(json.loads(provenance.to_json())),
        letters="\n".join("    " + letters[at : at + 80] for at in range(0, len(letters), 80)),
        sha256=result.sequence.sha256,
        arguments="\n".join(f"    {argument!r}," for argument in arguments_of(provenance)),
    )


def write(result: Result, path: Path) -> None:
    """Write the script."""
    path.write_text(script_of(result), encoding="utf-8")
