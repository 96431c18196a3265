"""The memory layer: its tables against counts by hand, what it may read, where it is silent, and that it ships and trains."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.analyses.probabilities import ProbabilityParameters, base_probabilities
from engine.core.errors import ParameterError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.exports.provenance import summary
from engine.models.entry import LoadOptions
from engine.models.locuscope.adapter import HEARD, WITHOUT_MEMORY, load_language_model
from engine.models.locuscope.fast import LocuscopeFast
from engine.models.locuscope.memory import LEVELS, NEAR, SPAN, STARTS, WORD, MemoryLayer, nearby, record, word_numbers
from engine.models.locuscope.network import LocuscopeNet, NetConfig
from engine.models.locuscope.tokens import BASE, DOMAIN, DOMAINS, MASK
from engine.training.corpus import TRAIN, Corpus
from engine.training.memory import Table, Text, encode_counts, remember, steps
from engine.training.publish import publish
from engine.training.train import write_model
from tests.training.toy import TINY, toy_corpus

RNA = DOMAIN + DOMAINS.index("rna")
SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "models" / "locuscope-lm"


def relatives(copies: int = 5, length: int = 90) -> Corpus:
    """A toy corpus whose training RNAs of one family are copies of one sequence, but for a letter of their own, beside strangers."""
    rng = np.random.default_rng(7)
    corpus = toy_corpus(30)
    first = rng.integers(0, 4, length).astype(np.uint8)
    rows = []
    for place in range(copies):
        own = first.copy()
        own[8 * place] = (own[8 * place] + 1) % 4
        rows.append(own)
    rows += [rng.integers(0, 4, length).astype(np.uint8) for _ in range(copies)]
    sizes = np.array([r.size for r in rows])
    return dataclasses.replace(
        corpus,
        rna=np.concatenate(rows),
        rna_start=np.concatenate(([0], np.cumsum(sizes))),
        partner=np.full(sizes.sum(), -1, dtype=np.int32),
        column=np.zeros(sizes.sum(), dtype=np.uint16),
        family=np.array([0] * copies + [1] * copies, dtype=np.int32),
        split=np.full(2 * copies, TRAIN, dtype=np.uint8),
    )


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model directory with a memory of `relatives`."""
    folder = tmp_path_factory.mktemp("memory")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    write_model(folder / "start", TINY, dict(LocuscopeNet(TINY).named_parameters()))
    relatives().save(folder / "corpus.npz")
    remember(folder / "corpus.npz", folder / "start", folder / "run", rnas=40, seed=1)
    return folder / "run" / "average"


def row(codes: np.ndarray, masked: tuple[int, ...] = (), first: int = RNA) -> torch.Tensor:
    ids = torch.from_numpy(np.concatenate(([first], codes.astype(np.int64) + BASE)))[None]
    ids[0, [m + 1 for m in masked]] = MASK
    return ids


def test_a_word_is_a_number_in_base_four() -> None:
    letters = torch.from_numpy(np.random.default_rng(1).integers(0, 4, size=(2, 40)))
    got = word_numbers(letters)
    assert got.shape == (2, 40 - WORD + 1)
    for place in (0, 11, 28):
        expected = sum(int(letters[1, place + k]) * 4 ** (WORD - 1 - k) for k in range(WORD))
        assert int(got[1, place]) == expected


def test_a_table_survives_its_packing() -> None:
    numbers = np.array([0, 3, 258, 259, 514, 5000, 4**WORD - 1])
    rows = steps(numbers, np.arange(1, 8, dtype=np.uint8))
    held = np.zeros(4**WORD, dtype=np.uint8)
    held[rows[0].astype(np.int64).cumsum()] = rows[1]
    assert held[numbers].tolist() == list(range(1, 8))
    assert int((held > 0).sum()) == len(numbers)


def test_tables_hold_what_was_seen_at_least_twice_beside_every_word() -> None:
    corpus = relatives()
    seen: dict[int, Counter[tuple[str, int]]] = {start: Counter() for start in STARTS}
    for index in range(len(corpus.split)):
        codes = corpus.rna_sequence(index)[0]
        for start in STARTS:
            for place in range(max(0, -start), codes.size - max(0, start + WORD - 1)):
                word = "".join("ACGT"[c] for c in codes[place + start : place + start + WORD])
                seen[start][word, int(codes[place])] += 1
    for start in STARTS:
        rows = Table.count(Text.of(corpus), start).rows
        held = {int(n): int(c) for n, c in zip(rows[0].astype(np.int64).cumsum(), rows[1], strict=True) if c}
        words = {word for word, _ in seen[start]}
        counts = {w: np.array([seen[start][w, a] for a in range(4)]) for w in words}
        often = {w: n for w, n in counts.items() if n.sum() >= 2}
        assert len(held) == len(often)
        for word, n in often.items():
            number = sum("ACGT".index(letter) * 4 ** (WORD - 1 - k) for k, letter in enumerate(word))
            assert held[number] == int(encode_counts(n[None])[0])
            assert (held[number] - 1) % 4 == int(n.argmax())
            assert (held[number] - 1) // 4 < LEVELS


def test_counts_for_the_fit_leave_out_the_own_letter_or_the_own_family() -> None:
    corpus = relatives(copies=5)
    text = Text.of(corpus)
    table = Table.count(text, STARTS[0])
    place = int(text.begins[0]) + 60
    letter = int(text.letters[place])
    assert table.relatives[place] == encode_counts(np.eye(4, dtype=np.int64)[letter][None] * 4)[0]
    assert table.strangers[place] == 0


def test_sums_nearby_equal_a_loop() -> None:
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(1, 250, 2))).float()
    got = nearby(x)
    for place in (0, 20, 125, 249):
        around = [t for t in range(250) if WORD < abs(t - place) <= WORD + SPAN]
        torch.testing.assert_close(got[0, place], x[0, around].sum(0), rtol=1e-4, atol=1e-4)


def test_the_record_counts_the_right_and_wrong_letters_of_the_nearest_words() -> None:
    codes = torch.zeros(1, 100, len(STARTS), dtype=torch.long)
    letters = torch.zeros(1, 100, dtype=torch.long)
    codes[0, 40, 0], codes[0, 41, 1], codes[0, 42, NEAR] = 1, 2, 1  # A, right; C, wrong; a word further out
    assert record(codes, letters)[0, 60].tolist() == [1.0, 1.0]
    assert record(codes, letters)[0, 45].tolist() == [0.0, 0.0]
    assert record(codes, torch.full_like(letters, -1))[0, 60].tolist() == [0.0, 0.0]


def test_the_letter_of_a_known_rna_is_recalled_and_that_of_a_stranger_is_not(remembered: Path) -> None:
    net = LocuscopeNet.from_pretrained(remembered)
    assert net.memory is not None
    known = relatives().rna_sequence(3)[0]
    with torch.no_grad():
        votes = net.memory(row(known, (60,)))[0, 61]
        strange = net.memory(row(np.random.default_rng(99).integers(0, 4, 90), (60,)))[0, 61]
    assert int(votes.argmax()) == int(known[60])
    assert float(votes.max()) > 1.0
    assert float(strange.abs().max()) < 0.3


def test_a_vote_never_hangs_on_the_letter_it_speaks_about() -> None:
    assert not any(start <= 0 < start + WORD for start in STARTS)
    codes = torch.randint(0, 4 * LEVELS, (1, 90, len(STARTS)), generator=torch.Generator().manual_seed(4))
    letters = torch.randint(0, 4, (1, 90), generator=torch.Generator().manual_seed(5))
    codes[0, 60, :NEAR] = 1  # both name A
    changed = letters.clone()
    letters[0, 60], changed[0, 60] = 0, 1
    here, there = record(codes, letters), record(codes, changed)
    assert torch.equal(here[0, 60], there[0, 60])
    assert not torch.equal(here, there)


def test_shown_bases_other_domains_and_words_with_a_mask_hear_nothing(remembered: Path) -> None:
    net = LocuscopeNet.from_pretrained(remembered)
    assert net.memory is not None
    known = relatives().rna_sequence(3)[0]
    with torch.no_grad():
        assert not net.memory(row(known)).any()
        votes = net.memory(row(known, (60,)))
        assert votes[0, 61].any()
        votes[0, 61] = 0
        assert not votes.any()
        for domain in ("unknown", "bacteria", "phage", "yeast"):
            assert not net.memory(row(known, (60,), DOMAIN + DOMAINS.index(domain))).any()
        hidden = tuple(p for p in range(90) if p % 6 == 0)
        assert not net.memory(row(known, hidden)).any()


def test_a_map_is_the_same_with_and_without_a_memory(remembered: Path) -> None:
    net = LocuscopeNet.from_pretrained(remembered)
    plain = net.without_memory()
    assert plain.memory is None
    assert net.memory is not None
    ids = row(relatives().rna_sequence(3)[0])
    masked = row(relatives().rna_sequence(3)[0], (60,))
    with torch.no_grad():
        torch.testing.assert_close(net(ids), plain(ids), rtol=0, atol=0)
        moved = (net(masked) - plain(masked))[0, 61, BASE : BASE + 4]
        expected = net.memory(masked)[0, 61] @ net.head.weight[BASE : BASE + 4, net.config.width :].T
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-5)


def test_masked_mutants_of_the_fast_route_hear_the_memory(remembered: Path) -> None:
    net = LocuscopeNet.from_pretrained(remembered)
    ids = row(relatives().rna_sequence(3)[0])
    fast = LocuscopeFast(net)
    with torch.no_grad():
        got = fast.hidden(fast.reference(ids[0]), None, torch.tensor([61, 30]), torch.tensor([MASK, BASE]))
        changed = ids.repeat(2, 1)
        changed[0, 61], changed[1, 30] = MASK, BASE
        torch.testing.assert_close(got, net.hidden(changed), rtol=1e-4, atol=1e-4)


def test_a_memory_is_published_and_read_back(remembered: Path, tmp_path: Path) -> None:
    publish(remembered, tmp_path / "lm", {})
    config = NetConfig.read(tmp_path / "lm" / "config.json")
    assert len(config.words) == len(STARTS)
    masked = row(relatives().rna_sequence(3)[0], (60,))
    with torch.no_grad():
        expected = LocuscopeNet.from_pretrained(remembered)(masked)
        got = LocuscopeNet.from_pretrained(tmp_path / "lm")(masked)
    torch.testing.assert_close(functional.log_softmax(got, -1), functional.log_softmax(expected, -1), rtol=0.02, atol=0.02)


def test_strengths_follow_the_domain() -> None:
    strength = MemoryLayer().strength.tolist()
    assert [value > 0 for value in strength] == [domain == "rna" for domain in DOMAINS]


TRNA = "GCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA"


def test_where_the_memory_speaks_is_said_and_the_view_without_it_is_the_network_alone() -> None:
    """Of yeast tRNA-Phe the table holds relatives; letters that are not read as RNA are not looked up."""
    rna = NucleotideSequence(TRNA, Alphabet.RNA)
    model, alone = (load_language_model(SHIPPED, LoadOptions(species=name)) for name in ("", WITHOUT_MEMORY))
    heard = model.remembered(rna)
    net = model.net.without_memory()
    ids = model.prepare(rna).ids
    masked = model.masked(model.prepare(rna), torch.tensor([30]))
    with torch.no_grad():
        moved = (model.net(masked) - net(masked))[0, 31, BASE : BASE + 4]
    assert heard[30] == pytest.approx(float(moved.max() - moved.min()), abs=1e-3)
    found = base_probabilities(model, rna, ProbabilityParameters(masked=True))
    assert (
        found.provenance.memory
        == f"masked letters are looked up in a table of the training RNAs, too: it has a say at {int((heard >= HEARD).sum())} of 76 bases"
    )
    assert found.provenance.answered_by == "Locuscope and its memory of relatives"
    assert found.provenance.memory in summary(found.provenance)
    assert base_probabilities(model, rna).provenance.memory == ""
    other = base_probabilities(alone, rna, ProbabilityParameters(masked=True))
    assert other.provenance.memory == alone.remembers(None) == ""
    assert alone.card.without_memory == other.provenance.species == WITHOUT_MEMORY
    assert (found.provenance.species, base_probabilities(model, NucleotideSequence("ACGT")).provenance.species) == ("rna", "")
    with pytest.raises(ParameterError, match="knows the domains unknown, bacteria, phage, yeast, rna; name one"):
        load_language_model(SHIPPED.parent / "locuscope-local", LoadOptions(species=WITHOUT_MEMORY), "locuscope-local")
    assert np.abs(other.values - found.values).max() > 0.1
    assert torch.equal(alone.prepare(rna).ids, ids)
    assert not model.remembers(NucleotideSequence(TRNA.replace("U", "T")))
