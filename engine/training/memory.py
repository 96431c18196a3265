"""The memory layer's tables and weights: words of the training RNAs counted, their scores fitted on RNAs that are left out of the counts.

What a word says of a held-out RNA is learned from training RNAs as if they had not been counted: of a quarter of the drawn ones the own
letter is taken out of the counts (relatives are known), of the others all of their family (nothing is known), so that a stranger's
words are seldom believed.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.models.locuscope.memory import SHARES, STARTS, TOPS, WORD, MemoryLayer, record
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, MASK
from engine.training.corpus import TRAIN, Corpus
from engine.training.letters import UNKNOWN
from engine.training.markov import contexts
from engine.training.train import write_model

logger = logging.getLogger(__name__)

LEAST = 2  # times that a word must have been seen beside a base
STRIDE = 27  # from one masked base to the next: further than any word reaches
STRANGERS = 0.75  # share of RNAs that are read as if no relative were known
STEPS = 400
RATE = 0.02

Numbers = NDArray[np.int64]


def encode_counts(counts: Numbers) -> NDArray[np.uint8]:
    """(n,) codes of the counts (n, 4) of A, C, G, T beside a word: 0 under `LEAST`, otherwise 1 + 4 level + commonest letter."""
    total, top = counts.sum(axis=1), counts.max(axis=1)
    level = np.digitize(top, TOPS) * (len(SHARES) + 1) + np.digitize(top / np.maximum(total, 1), SHARES)
    return np.where(total >= LEAST, 1 + 4 * level + counts.argmax(axis=1), 0).astype(np.uint8)


@dataclass(frozen=True)
class Text:
    """Training RNAs one after the other with unknown letters between them: `letters`, and per letter its `family`; `begins` of each RNA."""

    letters: Numbers
    family: Numbers
    begins: Numbers
    sizes: Numbers

    @classmethod
    def of(cls, corpus: Corpus) -> Text:
        """The training RNAs of a corpus."""
        picks = np.flatnonzero(corpus.split == TRAIN)
        gap = max(-min(STARTS), max(STARTS) + WORD - 1)
        sizes = np.diff(corpus.rna_start)[picks].astype(np.int64)
        begins = gap + np.concatenate(([0], np.cumsum(sizes + gap)[:-1]))
        letters = np.full(int(begins[-1] + sizes[-1] + gap), UNKNOWN, dtype=np.int64)
        family = np.zeros_like(letters)
        for pick, begin, size in zip(picks, begins, sizes, strict=True):
            letters[begin : begin + size] = corpus.rna_sequence(int(pick))[0]
            family[begin : begin + size] = corpus.family[pick]
        return cls(letters, family, begins, sizes)

    def words(self, start: int) -> tuple[Numbers, Numbers]:
        """Places of known letters beside which a whole word begins at `start` from them, and the words' numbers."""
        known = self.letters < UNKNOWN
        run = np.convolve(known, np.ones(WORD, dtype=np.int64))[WORD - 1 :] == WORD
        places = np.flatnonzero(known)
        places = places[run[places + start]]
        number = contexts(np.minimum(self.letters, 3).astype(np.uint8), WORD)
        return places, number[places + start].astype(np.int64)


def steps(numbers: Numbers, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The (2, n) rows of a table: steps between ascending numbers, with entries of code 0 where one byte is too short, and the codes."""
    gaps = np.diff(numbers, prepend=0)
    extra = gaps // 255 - (gaps % 255 == 0) * (gaps > 0)
    ends = np.cumsum(extra + 1) - 1
    out = np.zeros((2, int(ends[-1]) + 1), dtype=np.uint8)
    out[0] = 255
    out[0, ends] = gaps - 255 * extra
    out[1, ends] = codes
    return out


@dataclass(frozen=True)
class Table:
    """One word's rows as they ship, and, at every letter of the text, its codes without the own letter and without the own family."""

    rows: NDArray[np.uint8]
    relatives: NDArray[np.uint8]
    strangers: NDArray[np.uint8]

    @classmethod
    def count(cls, text: Text, start: int) -> Table:
        """Count the letters beside every word that begins at `start` from them."""
        places, number = text.words(start)
        letter = text.letters[places]
        held, index = np.unique(number, return_inverse=True)
        counts = np.bincount(index * 4 + letter, minlength=4 * len(held)).reshape(-1, 4)
        _, own = np.unique(index * (int(text.family.max()) + 1) + text.family[places], return_inverse=True)
        family = np.bincount(own * 4 + letter).astype(np.int64)
        family = np.concatenate((family, np.zeros(-len(family) % 4, dtype=np.int64))).reshape(-1, 4)
        left = counts[index]
        left[np.arange(len(places)), letter] -= 1
        codes = np.zeros((2, len(text.letters)), dtype=np.uint8)
        codes[0, places] = encode_counts(left)
        codes[1, places] = encode_counts(counts[index] - family[own])
        often = counts.sum(axis=1) >= LEAST
        return cls(steps(held[often], encode_counts(counts[often])), codes[0], codes[1])


def _drawn(text: Text, most: int, rng: np.random.Generator) -> Numbers:
    """Training RNAs, drawn by one over the square root of their family's size."""
    family = text.family[text.begins]
    weight = 1 / np.sqrt(np.bincount(family)[family])
    return rng.choice(len(text.begins), size=most, p=weight / weight.sum())


@dataclass(frozen=True)
class Lessons:
    """Masked bases of RNAs: the words' codes (n, words), their record (n, 2), the network's logits (n, 4) and the letters (n,)."""

    codes: Tensor
    record: Tensor
    logits: Tensor
    letters: Tensor

    @classmethod
    def draw(cls, net: LocuscopeNet, text: Text, tables: list[Table], rnas: int, seed: int) -> Lessons:
        """Every `STRIDE`-th base of drawn RNAs masked, read by the network without a memory."""
        rng = np.random.default_rng(seed)
        rows = []
        for pick in _drawn(text, rnas, rng):
            part = slice(int(text.begins[pick]), int(text.begins[pick] + text.sizes[pick]))
            letters, stranger = text.letters[part], rng.random() < STRANGERS
            codes = np.stack([(t.strangers if stranger else t.relatives)[part] for t in tables], axis=-1).astype(np.int64)
            places = np.arange(int(rng.integers(0, STRIDE)), len(letters), STRIDE)
            places = places[letters[places] < UNKNOWN]
            if not len(places):
                continue
            ids = torch.from_numpy(np.concatenate(([DOMAIN + DOMAINS.index("rna")], letters + BASE)))[None]
            ids[0, places + 1] = MASK
            with torch.inference_mode():
                logits = net(ids)[0, places + 1, BASE : BASE + 4].float()
            known = torch.from_numpy(np.where(letters < UNKNOWN, letters, -1))
            held = torch.from_numpy(codes)
            rows.append((held[places], record(held[None], known[None])[0, places], logits.clone(), known[places]))
        return cls(*(torch.cat(parts) for parts in zip(*rows, strict=True)))


def fit(memory: MemoryLayer, turn: Tensor, taught: Lessons) -> None:
    """Fit scores and trust by the letters' cross-entropy; `turn` (4, 4) is what the network's head makes of votes."""
    optimizer = torch.optim.Adam([memory.score, memory.trust], lr=RATE)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        loss = functional.cross_entropy(taught.logits + memory.weigh(taught.codes, taught.record) @ turn.T, taught.letters)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 100 == 0 or step == STEPS - 1:
            logger.info("memory, step %d of %d: %.4f bits per masked base", step + 1, STEPS, float(loss.detach()) / math.log(2))


def remember(corpus: Path, start: Path, folder: Path, rnas: int, seed: int) -> None:
    """Give the model in `start` a memory of the corpus's training RNAs; the model with it is written to average/ in `folder`."""
    net = LocuscopeNet.from_pretrained(start).without_memory()
    text = Text.of(Corpus.load(corpus))
    tables = [Table.count(text, begin) for begin in STARTS]
    logger.info("words seen at least %d times: %s", LEAST, ", ".join(f"{int((t.rows[1] > 0).sum()):,}" for t in tables))
    memory = MemoryLayer(tuple(t.rows.shape[1] for t in tables))
    for place, table in enumerate(tables):
        memory.get_buffer(f"words{place}").copy_(torch.from_numpy(table.rows))
    turn = net.head.weight[BASE : BASE + 4, net.config.width :].detach()
    fit(memory, turn, Lessons.draw(net, text, tables, rnas, seed))
    net.memory = memory
    config = replace(net.config, words=tuple(t.rows.shape[1] for t in tables))
    write_model(folder / "average", config, net.state_dict())
