"""A Python script that repeats a result with the command line and checks that the letters are the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.core.parameters import (
    ContactParameters,
    DependencyParameters,
    EffectParameters,
    Parameters,
    ProbabilityParameters,
    SegmentationParameters,
    TokenParameters,
)
from engine.exports.provenance import summary

_COMMANDS: dict[str, tuple[str, str, type[Parameters]]] = {
    "probabilities": ("probabilities", "probabilities.npz", ProbabilityParameters),
    "dependency": ("map", "map.npz", DependencyParameters),
    "effects": ("effects", "effects.tsv", EffectParameters),
    "segmentation": ("segment", "segmentation.npz", SegmentationParameters),
    "contacts": ("contacts", "contacts.npz", ContactParameters),
    "tokens": ("tokens", "tokens.npz", TokenParameters),
}
_OPTIONS = {
    "masked": "--masked",
    "metric": "--metric",
    "epsilon": "--epsilon",
    "window": "--window",
    "precision": "--precision",
    "tau": "--tau",
    "influence": "--influence",
    "overlap_bp": "--overlap",
    "both_strands": "--both-strands",
    "symmetry": "--symmetry",
    "apc": "--apc",
    "minimum_loop": "--minimum-loop",
    "threshold": "--threshold",
    "any_letters": "--any-letters",
    "flank_bp": "--flank",
    "candidates": "--candidates",
}

_TEMPLATE = '''"""{summary}

Run it with Locuscope's Python in the folder that holds `engine`.
Asked for: {command}, version {version}; model {model} {revision} (weights sha256 {weights});
computed in {dtype} on {device}. The same device and dtype give the same numbers to the last bit.
"""

import hashlib
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
with tempfile.TemporaryDirectory() as folder:
    fasta = Path(folder) / "sequence.fa"
    fasta.write_text(f">{{NAME}}\\n{{LETTERS}}\\n")
    sys.exit(subprocess.call([*COMMAND, "--fasta", str(fasta)]))
'''


def arguments_of(provenance: Any) -> list[str]:
    """Arguments of the command line for this provenance, without the letters.

    Raises
    ------
    ParameterError
        An analysis the command line does not have.
    """
    if provenance.analysis not in _COMMANDS:
        raise ParameterError(f"The analysis {provenance.analysis!r} has no command; a script can be written for: {', '.join(_COMMANDS)}.")
    command, out, kind = _COMMANDS[provenance.analysis]
    found = [command, "--model", provenance.card.id, "--dtype", provenance.dtype, "--device", provenance.device]
    if provenance.species:
        found += ["--species", provenance.species]
    defaults = kind().as_dict()
    for name, value in provenance.parameters.items():
        option = _OPTIONS.get(name)
        if option is None or name not in defaults or value == defaults[name] or value is None or value is False:
            continue
        if name == "window":
            found += [option, f"{value[0] + 1}-{value[1]}"]
        else:
            found += [option] if value is True else [option, str(value)]
    return [*found, "--out", out]


def script_of(result: Any) -> str:
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
        provenance=repr(json.loads(provenance.to_json())),
        letters="\n".join("    " + letters[at : at + 80] for at in range(0, len(letters), 80)),
        sha256=result.sequence.sha256,
        arguments="\n".join(f"    {argument!r}," for argument in arguments_of(provenance)),
    )


def write(result: Any, path: Path) -> None:
    """Write the script."""
    path.write_text(script_of(result), encoding="utf-8")
