"""Tiny random checkpoints of every family in the published layout, made when a test asks for them.

`build` writes one folder a family, ``ROOT/NAME/checkpoint``, with every file of the publication (configuration, tokenizer, weights). The
names are those of the golden outputs beside the project, so that a test runs on either. Two builds are equal byte by byte: every tensor's
numbers come from a generator seeded with its name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.models.tiny import bert, convolutions, esm, megadna, native, rinalmo, splice

FAMILIES: dict[str, Callable[[Path], None]] = {
    "dependency_k1": bert.single_bases,
    "dependency_k6": bert.six_bases,
    "specieslm_metazoa_k6": bert.rotary,
    "grover": bert.byte_pairs,
    "nt_v1": esm.version_1,
    "nt_v2": esm.version_2,
    "segment_nt": esm.segmenter,
    "gpn": convolutions.gpn,
    "segment_enformer": convolutions.segment_enformer,
    "segment_borzoi": convolutions.segment_borzoi,
    "megadna": megadna.pickled_module,
    "rinalmo": rinalmo.official,
    "rinalmo_multimolecule": rinalmo.safetensors_port,
    "cispliceai": splice.cispliceai,
    "splicebert": native.splice_bert,
    "rnaernie2": native.rna_ernie_2,
    "agro_nt": native.agro_nt,
    "marindna": native.marin,
    "carbon": native.carbon,
}
"""Name of the folder → what writes the files of one checkpoint into an empty folder."""


def build(root: Path, *names: str) -> Path:
    """Write the checkpoints of ``names`` (every family when none is named) below ``root``, and return ``root``."""
    for name in names or FAMILIES:
        folder = root / name / "checkpoint"
        folder.mkdir(parents=True)
        FAMILIES[name](folder)
    return root
