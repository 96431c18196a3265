"""Provenance as text for formats that have comments, titles or attributes."""

from __future__ import annotations

from typing import Any

from engine.core.locus import Strand
from engine.core.provenance import Provenance
from engine.core.sequence import Alphabet, NucleotideSequence

KEY = "locuscope_provenance"
"""Name under which the provenance JSON stands in every format."""


def summary(provenance: Provenance) -> str:
    """One short line without quotes: analysis, model and revision, place or name and length, partial or not."""
    length = f"{provenance.sequence_length} bases"
    where = provenance.locus or (f"{provenance.name} ({length})" if provenance.name else length)
    partial = ", partial result" if provenance.partial else ""
    species = f", species {provenance.species}" if provenance.species else ""
    memory = f" ({provenance.memory})" if provenance.memory else ""
    text = f"Locuscope {provenance.analysis} by {provenance.card.id} {provenance.card.revision}{species}{memory} of {where}{partial}"
    return " ".join(text.replace('"', "'").split())


def comments(result: Any, mark: str = "#") -> list[str]:
    """Comment lines: the summary, the whole provenance as JSON on one line, and what its letters are."""
    told = [note for note in (reverse_note(result.written), rna_note(result.written)) if note]
    return [f"{mark} {line}" for line in (summary(result.provenance), f"{KEY}: {result.provenance.to_json()}", *told)]


def reverse_note(sequence: NucleotideSequence) -> str:
    """That positions are of the forward strand and letters of the other one; empty where both are of one."""
    text = (
        "letters are those of the reverse strand (-), so that A stands where the forward strand has T; positions are of the forward strand"
    )
    return text if sequence.locus is not None and sequence.locus.strand is Strand.REVERSE else ""


def rna_note(sequence: NucleotideSequence) -> str:
    """That names and alleles have the letters of DNA; empty for DNA."""
    return "the sequence is an RNA: T in names and alleles stands for U" if sequence.alphabet is Alphabet.RNA else ""


def track_line(kind: str, name: str, description: str, extra: str = "") -> str:
    """A UCSC track line; quotes inside the texts become apostrophes."""
    clean = [text.replace('"', "'").replace("\n", " ") for text in (name, description)]
    return f'track type={kind} name="{clean[0][:60]}" description="{clean[1][:200]}"' + (f" {extra}" if extra else "")
