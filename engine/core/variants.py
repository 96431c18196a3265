"""Variants of a VCF and what a model says of them."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.core.alleles import Change, trimmed
from engine.core.consequences import Consequence
from engine.core.errors import FileFormatError, ParameterError
from engine.core.parameters import Parameters
from engine.core.provenance import Provenance
from engine.core.quoting import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.core.clinical import ClinicalRecord
    from engine.core.proteins import MissenseScore
    from engine.core.splicing import SpliceScore

Status = Literal["scored", "reference_mismatch", "outside", "not_scored"]
KINDS = ("substitutions", "several bases", "indels")
"""What variants are ranked with."""
KIND_ORDER = (*KINDS, "")
"""The same as tables are ordered; alleles that are of none come last."""
VariantKind = Literal["same", "substitution", "insertion", "deletion", "complex", "symbolic"]

_LETTERS = re.compile(r"^[ACGTN]+$")
_CODES = re.compile(r"[ACGTRYSWKMBDHVN]+", re.IGNORECASE)
"""Bases and the signs that stand for several of them."""


@dataclass(frozen=True)
class Variant:
    """One alternate allele of one VCF record, on the forward strand.

    Parameters
    ----------
    contig : str
        Contig as the VCF names it.
    position : int
        1-based position of the first letter of ``reference``, as in the VCF.
    reference, alternate : str
        Upper-case letters; ``alternate`` may be symbolic (``<DEL>``, ``*``, breakends).
    identifier : str
        ID column, ``.`` when empty.
    record, allele : int
        0-based index of the record in its file and of the allele among the record's alternates.
    problem : str
        One sentence why the record cannot be used; empty for one that can. Only then may position and letters be anything.
    frequency : float or None
        Allele frequency that the file states (INFO fields AF, CAF or AC with AN), from 0 to 1.
    """

    contig: str
    position: int
    reference: str
    alternate: str
    identifier: str = "."
    record: int = 0
    allele: int = 0
    problem: str = ""
    frequency: float | None = None

    def __post_init__(self) -> None:
        if self.problem:
            return
        if self.position < 1:
            raise FileFormatError(f"A variant on {quoted(self.contig)} has position {self.position}; positions start at 1.")
        if not _LETTERS.match(self.reference):
            raise FileFormatError(
                f"The variant at {quoted(f'{self.contig}:{self.position}')} has the reference allele {quoted(self.reference, 20)}; "
                "allowed: A, C, G, T and N."
            )

    @cached_property
    def change(self) -> Change | None:
        """What differs, without bases that both alleles share; None for a symbolic alternate, and for a record that cannot be used."""
        if self.problem or not _LETTERS.match(self.alternate):
            return None
        return trimmed(self.position - 1, self.reference, self.alternate)

    def without_padding(self) -> tuple[int, str, str]:
        """1-based position and alleles with no more shared bases than a VCF needs: one beside an indel. Symbolic alleles as they are."""
        change, first = self.change, self.position - 1
        if change is None or self.kind == "same":
            return self.position, self.reference, self.alternate
        if not change.is_indel:
            return change.start + 1, change.reference, change.alternate
        if change.start > first:
            anchor = self.reference[change.start - 1 - first]
            return change.start, anchor + change.reference, anchor + change.alternate
        anchor = self.reference[change.end - first : change.end - first + 1]
        return change.start + 1, change.reference + anchor, change.alternate + anchor

    @property
    def kind(self) -> VariantKind:
        """What sort of change it is, whatever bases pad the alleles; ``complex``: several bases replaced."""
        change = self.change
        if change is None:
            return "symbolic"
        if not change.reference:
            return "insertion" if change.alternate else "same"
        if not change.alternate:
            return "deletion"
        return "substitution" if len(change.reference) == len(change.alternate) == 1 else "complex"

    @property
    def why_unread(self) -> str:
        """One sentence why a model cannot read the alternate, where it is no bases."""
        allele = self.alternate[:20]
        if allele == "*":
            return "The allele * is written where a deletion of another record takes the base away; it is not scored by itself."
        if _CODES.fullmatch(self.alternate):
            return f"The allele {allele} has signs that stand for several bases; give each of them as an allele of its own."
        if "[" in allele or "]" in allele:
            return f"The allele {allele} joins this place to another; a model reads the letters of one."
        return f"The allele {allele} has no letters that a model could read."

    def __str__(self) -> str:
        """``contig:position reference>alternate``."""
        return f"{self.contig}:{self.position} {self.reference}>{self.alternate}"


@dataclass(frozen=True)
class TriageParameters(Parameters):
    """``window_bp``: bases of the window around each variant that the model sees, at least 3. ``influence``: whether that is computed, too;
    it takes two of the three passes of a substitution."""

    window_bp: int = 512
    influence: bool = True

    def __post_init__(self) -> None:
        if self.window_bp < 3:
            raise ParameterError(f"The window is {self.window_bp} bases; at least 3 are needed.")


@dataclass(frozen=True)
class ScoredVariant:
    """A variant with what was computed for it; a score is None when it was not.

    ``llr`` = ln p(alternate) − ln p(reference), masked (negative = unlikely); ``influence`` = mean change elsewhere in the window in
    log2 odds. Of causal models: ``delta_log_likelihood`` = ln P(window with alternate) − ln P(window) of windows of equal length,
    ``mean_delta_log_likelihood`` the same per base (their authors' loss). ``delta_pseudo_log_likelihood``: what masked models say of several
    bases and of indels (`engine.analyses.triage`). ``note`` is one sentence where ``status`` is not ``scored``.
    ``consequences`` come from the annotation, one a transcript, the most severe first; empty without an annotation of the contig.
    ``left_aligned``: 1-based position, reference and alternate without padding, an indel as far left as the reference allows.
    ``llr_quantile``, ``influence_quantile``: share of substitutions of the same consequence class that are as unlikely or more
    (`engine.core.calibration`). ``unranked``: names of scores that do not rank this class, ``below_chance`` why; empty where all do.
    ``splice``: what a splice model says, when it was asked. ``missense``: what a table of missense substitutions says, where it has the variant. ``clinical``: ClinVar's record of the allele.
    """

    variant: Variant
    status: Status
    llr: float | None = None
    influence: float | None = None
    delta_log_likelihood: float | None = None
    mean_delta_log_likelihood: float | None = None
    note: str = ""
    consequences: tuple[Consequence, ...] = ()
    left_aligned: tuple[int, str, str] | None = None
    delta_pseudo_log_likelihood: float | None = None
    llr_quantile: float | None = None
    influence_quantile: float | None = None
    unranked: tuple[str, ...] = ()
    below_chance: str = ""
    splice: SpliceScore | None = None
    missense: MissenseScore | None = None
    clinical: ClinicalRecord | None = None

    @property
    def impact(self) -> str:
        """Impact class of the most severe consequence; empty without an annotation."""
        return self.consequences[0].impact if self.consequences else ""

    @property
    def consequence(self) -> str:
        """The most severe term of all transcripts; empty without an annotation."""
        return self.consequences[0].term if self.consequences else ""

    @property
    def gene(self) -> str:
        """The genes for which the most severe term holds, joined by commas."""
        return ",".join(dict.fromkeys(item.gene for item in self.consequences if item.term == self.consequence))

    @property
    def score(self) -> float | None:
        """What variants of one ``kind`` are ranked by, lowest first: ``llr``, or the mean of the likelihood's change, or that of the pseudo-
        likelihood, or minus ``influence``. None where that score was measured below chance for the class."""
        if self.llr is not None:
            return None if "llr" in self.unranked else self.llr
        if self.mean_delta_log_likelihood is not None:
            return self.mean_delta_log_likelihood
        if self.delta_pseudo_log_likelihood is not None:
            return self.delta_pseudo_log_likelihood
        return None if self.influence is None or "influence" in self.unranked else -self.influence

    @property
    def ranked_with(self) -> str:
        """Variants that are compared with one another: substitutions of one base, several bases replaced, or insertions and deletions. Empty
        where nothing can be: the record cannot be used, the alternate has no letters, or nothing changes."""
        change = self.variant.change
        if change is None or not (change.reference or change.alternate):
            return ""
        if len(change.reference) != len(change.alternate):
            return "indels"
        return "substitutions" if len(change.reference) == 1 else "several bases"


class Ranks(Sequence[int | None]):
    """A rank a row, None where there is none; 8 bytes each."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: Any) -> Any:
        found = self._values[index]
        return Ranks(found) if isinstance(found, np.ndarray) else (int(found) or None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Triage:
    """Every alternate allele of a VCF in the order of the file."""

    rows: Sequence[ScoredVariant]
    provenance: Provenance

    def ranks(self) -> Ranks:
        """1 = most unlikely of the variants that are compared with it; ties share the lower rank; None where there is no score."""
        return self._ranked[0]

    @property
    def ranked(self) -> Mapping[str, int]:
        """How many variants have a rank, by what they are compared with (`KINDS`)."""
        return self._ranked[1]

    @cached_property
    def _ranked(self) -> tuple[Ranks, dict[str, int]]:
        """Looked through once: of a large file that takes a second."""
        scores, kinds = array("d"), array("b")
        for row in self.rows:
            score = row.score
            scores.append(math.nan if score is None else score)
            kinds.append(KIND_ORDER.index(row.ranked_with))
        values, kind = np.array(scores), np.array(kinds)
        ranks = np.zeros(len(values), dtype=np.int64)
        counts = {}
        for number, name in enumerate(KINDS):
            here = np.flatnonzero((kind == number) & ~np.isnan(values))
            ranks[here] = np.searchsorted(np.sort(values[here]), values[here]) + 1
            counts[name] = len(here)
        return Ranks(ranks), counts
