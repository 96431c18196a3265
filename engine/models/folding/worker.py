"""ViennaRNA in a process of its own: a JSON question on standard input, a JSON answer on standard output.

The package holds the interpreter's lock while it folds (a thousand bases: seconds), which would stop every visitor of a server; and a
process can be ended. This file imports nothing of ours, so that it starts at once.
"""

from __future__ import annotations

import json
import sys
from typing import Any

LEAST = 1e-5
"""Pairs less probable than this are left out of the answer."""


def folded(letters: str, temperature: float) -> dict[str, Any]:
    """Minimum free energy structure, its energy in kcal/mol, and the probable pairs (i, j, p), 1-based, at ``temperature`` in °C."""
    import RNA

    details = RNA.md()
    details.temperature = temperature
    compound = RNA.fold_compound(letters, details)
    structure, energy = compound.mfe()
    compound.exp_params_rescale(energy)
    compound.pf()
    pairs = [(entry.i, entry.j, entry.p) for entry in compound.plist_from_probs(LEAST) if entry.type == RNA.PLIST_TYPE_BASEPAIR]
    return {"structure": structure, "energy": energy, "pairs": pairs}


if __name__ == "__main__":
    question = json.load(sys.stdin)
    json.dump(folded(question["letters"], question["temperature"]), sys.stdout)
