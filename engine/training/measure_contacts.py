"""RNA contacts from dependency maps by the published recipe, next to ViennaRNA's base-pair probabilities on the same RNAs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.corpus import HELD_OUT_FAMILY, HELD_OUT_SEQUENCE, TRAIN, Corpus
from engine.training.holdout import NAMED_FAMILIES
from engine.training.letters import Codes, decode
from engine.training.metrics import ContactScore
from engine.training.scoring import Scorer
from engine.training.structures import Structure, read_archive, read_dot_bracket, usable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContactSample:
    """RNAs a group, longest RNA, and how many tokens the maps of a group may cost (a map of L bases costs 3 L (L + 1))."""

    most: int = 10
    longest: int = 450
    tokens: int = 800_000


def vienna_probabilities(codes: Codes) -> NDArray[np.float64]:
    """Symmetric (L, L) base-pair probabilities of ViennaRNA's partition function."""
    import RNA

    fold = RNA.fold_compound(decode(codes).replace("T", "U"))
    fold.pf()
    upper = np.array(fold.bpp())[1:, 1:]
    out: NDArray[np.float64] = upper + upper.T
    return out


def _corpus_structures(corpus: Corpus, chosen: NDArray[np.intp], family: str) -> list[Structure]:
    return [Structure(corpus.names["rna"][int(i)], family, *corpus.rna_sequence(int(i))) for i in chosen]


def groups(corpus: Corpus, data: Path, sample: ContactSample, seed: int) -> Iterator[tuple[str, str, list[Structure]]]:
    """(set, group, structures): named families, families never seen, ArchiveII by family, pseudoknots."""
    rng = np.random.default_rng(seed)
    for accession, title in NAMED_FAMILIES.items():
        number = corpus.names["families"].index(accession)
        held = np.flatnonzero((corpus.family == number) & (corpus.split == HELD_OUT_SEQUENCE))
        yield "held-out sequences of seen families", title, _pick(_corpus_structures(corpus, held, title), sample, 1, rng)
    unseen = np.flatnonzero(corpus.split == HELD_OUT_FAMILY)
    firsts = [rng.choice(unseen[corpus.family[unseen] == f]) for f in np.unique(corpus.family[unseen])]
    one_each = _corpus_structures(corpus, np.array(firsts), "unseen")
    yield "whole families never seen", "one sequence a family", _pick(one_each, sample, 4, rng)
    trained = {corpus.rna_sequence(int(i))[0].tobytes() for i in np.flatnonzero(corpus.split == TRAIN)}
    archive = [s for s in read_archive(data / "rna" / "ArchiveII_half.bpseq.tar.gz") if s.codes.tobytes() not in trained]
    for family in sorted({s.family for s in archive}):
        yield (
            "ArchiveII (half), not in the corpus letter by letter",
            family,
            _pick([s for s in archive if s.family == family], sample, 1, rng),
        )
    knots = list(read_dot_bracket(data / "rna" / "pseudobase.dbn", "pseudoknot"))
    yield "pseudoknots", "PseudoBase", _pick(knots, sample, 3, rng)


def _pick(structures: list[Structure], sample: ContactSample, share: int, rng: np.random.Generator) -> list[Structure]:
    """Random usable structures: `share` times the sample's number, fewer (but two) where their maps would cost more than `share` budgets."""
    fit = [s for s in structures if usable(s, sample.longest)]
    out: list[Structure] = []
    spent = 0
    for index in rng.permutation(len(fit)):
        size = fit[int(index)].codes.size
        spent += 3 * size * (size + 1)
        if len(out) == share * sample.most or (spent > share * sample.tokens and len(out) >= 2):
            break
        out.append(fit[int(index)])
    return out


def _mean(scores: list[ContactScore]) -> dict[str, float]:
    return {name: float(np.mean([getattr(s, name) for s in scores])) for name in ("auroc", "auprc", "f1")}


def contacts(scorer: Scorer, corpus: Corpus, data: Path, sample: ContactSample, seed: int = 12) -> list[dict[str, Any]]:
    """One row a group: means over RNAs of AUROC, AUPRC and greedy F1 of the map and of ViennaRNA."""
    rows = []
    for part, title, structures in groups(corpus, data, sample, seed):
        if not structures:
            rows.append({"set": part, "group": title, "rnas": 0})
            continue
        own = [ContactScore.of(scorer.contacts(s.codes), s.partner) for s in structures]
        vienna = [ContactScore.of(vienna_probabilities(s.codes), s.partner) for s in structures]
        row: dict[str, Any] = {"set": part, "group": title, "rnas": len(structures), "locuscope": _mean(own), "viennarna": _mean(vienna)}
        logger.info(
            "contacts: %s, %s: %d RNAs, AUROC %.3f, ViennaRNA %.3f",
            part,
            title,
            len(own),
            row["locuscope"]["auroc"],
            row["viennarna"]["auroc"],
        )
        rows.append(row)
    return rows
