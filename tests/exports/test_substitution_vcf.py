"""Every substitution of a locus as VCF, on the forward strand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pysam

from engine.analyses.effects import VariantEffects
from engine.core.locus import Locus, Strand
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.exports import formats
from tests.views import samples


def effects(sequence: NucleotideSequence) -> VariantEffects:
    """llr = 10 × index + code of the alternate."""
    values = 10.0 * np.arange(len(sequence))[:, None] + np.arange(4)[None, :]
    for index, letter in enumerate(sequence.as_dna()):
        values[index, "ACGT".find(letter) if letter in "ACGT" else slice(None)] = np.nan
    return VariantEffects(sequence, samples.provenance("effects", sequence), llr=values.astype(np.float32))


def records(path: Path) -> list[tuple[str, int, str, tuple[str, ...], tuple[float, ...]]]:
    with pysam.VariantFile(str(path)) as file:
        return [(one.contig, one.pos, one.ref, one.alts, one.info["LCS_LLR"]) for one in file]


def test_a_forward_locus_has_one_record_a_base_with_three_alternates(tmp_path: Path) -> None:
    sequence = NucleotideSequence("ANT", Alphabet.DNA, Locus("toy", "chrT", 100, 103))
    formats.write(effects(sequence), tmp_path / "a.vcf")
    assert records(tmp_path / "a.vcf") == [
        ("chrT", 101, "A", ("C", "G", "T"), (1.0, 2.0, 3.0)),
        ("chrT", 103, "T", ("A", "C", "G"), (20.0, 21.0, 22.0)),
    ]


def test_a_reverse_locus_is_turned(tmp_path: Path) -> None:
    """AG on the reverse strand of 101-102: base 102 is T there (A's partner), base 101 C; T>G forward is A>C here."""
    sequence = NucleotideSequence("AG", Alphabet.DNA, Locus("toy", "chrT", 100, 102, Strand.REVERSE))
    formats.write(effects(sequence), tmp_path / "a.vcf")
    assert records(tmp_path / "a.vcf") == [
        ("chrT", 101, "C", ("A", "G", "T"), (13.0, 11.0, 10.0)),
        ("chrT", 102, "T", ("A", "C", "G"), (3.0, 2.0, 1.0)),
    ]


def test_an_rna_without_a_locus_is_written_as_dna_under_its_name(tmp_path: Path) -> None:
    formats.write(effects(NucleotideSequence("GU", Alphabet.RNA, None, "my rna")), tmp_path / "a.vcf")
    assert [row[:3] for row in records(tmp_path / "a.vcf")] == [("my_rna", 1, "G"), ("my_rna", 2, "T")]
