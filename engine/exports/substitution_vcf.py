"""VCF 4.3 of every substitution of a locus with its scores, on the forward strand: one record a base, three alternate alleles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.results import Result
from engine.core.sequence import BASES
from engine.exports.place import place_of
from engine.exports.provenance import KEY, rna_note
from engine.exports.vcf import FIELDS

_NAMES = {"llr": "LCS_LLR", "influence": "LCS_INFLUENCE", "delta_log_likelihood": "LCS_DLL", "mutagenesis": "LCS_ISM"}

_MUTAGENESIS = ("LCS_ISM", "Float", "In-silico mutagenesis by a hosted model: raw score of its recommended scorer, mean over the tracks")


def write(result: Result, path: Path) -> None:
    """Write the substitutions of ``result``; ambiguous letters have none. Without a locus the contig is the name of the sequence."""
    place, letters = place_of(result.sequence), result.sequence.as_dna()
    scores = {_NAMES[name]: values for name, values in result.substitutions().items() if name in _NAMES}
    described = [
        f'##INFO=<ID={name},Number=A,Type={kind},Description="{text}">' for name, kind, text in (*FIELDS, _MUTAGENESIS) if name in scores
    ]
    lines = ["##fileformat=VCFv4.3", *described, f"##contig=<ID={place.contig}>", f"##{KEY}={result.provenance.to_json()}"]
    lines += [f"##reference={place.assembly}"] if place.assembly else []
    lines += [f"##letters={note}"] if (note := rna_note(result.sequence)) else []
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    for index in range(len(letters) - 1, -1, -1) if place.reverse else range(len(letters)):
        own = BASES.find(letters[index])
        alternates = [base for base in range(4) if base != own]
        if own < 0 or not any(np.isfinite(values[index, alternates]).any() for values in scores.values()):
            continue
        codes = [3 - base for base in alternates] if place.reverse else alternates
        order = sorted(range(3), key=codes.__getitem__)
        reference = BASES[3 - own if place.reverse else own]
        info = ";".join(f"{name}={','.join(_number(values[index, alternates[k]]) for k in order)}" for name, values in scores.items())
        texts = ",".join(BASES[codes[k]] for k in order)
        lines.append(f"{place.contig}\t{place.position(index)}\t.\t{reference}\t{texts}\t.\t.\t{info}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _number(value: np.float32) -> str:
    return f"{value:.6g}" if np.isfinite(value) else "."
