"""Packing, seed alignments, near-duplicates and what is held out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import FileFormatError, ParameterError, WeightsMissing
from engine.models.locuscope.tokens import DOMAINS
from engine.training import holdout
from engine.training.corpus import Corpus, Piece, allotted, fitted, known_pieces, read_fasta, thinned
from engine.training.letters import decode, encode, pack, reverse_complement, unpack
from engine.training.sketch import clusters, containment, sketch
from engine.training.stockholm import read_families, sequences, wuss_partners
from tests.training.toy import toy_corpus


def test_four_letters_share_a_byte_and_come_back() -> None:
    codes = encode("ACGTTGC")
    assert pack(codes).size == 2
    assert pack(codes)[0] == 0b11100100
    assert decode(unpack(pack(codes), 7)) == "ACGTTGC"


def test_u_reads_as_t_and_everything_else_is_unknown() -> None:
    assert encode("acguTRN-").tolist() == [0, 1, 2, 3, 3, 4, 4, 4]


def test_the_other_strand_keeps_unknown_letters() -> None:
    assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"


def test_consensus_pairs_of_nested_and_pseudoknotted_columns() -> None:
    assert wuss_partners("<<.A>>a").tolist() == [5, 4, -1, 6, 1, 0, 3]


@pytest.mark.parametrize("text", ["<<>", ">", "A.a.a"])
def test_an_unbalanced_consensus_is_refused(text: str) -> None:
    with pytest.raises(FileFormatError):
        wuss_partners(text)


def test_gaps_leave_a_seed_sequence_and_pairs_need_both_letters(tmp_path: Path) -> None:
    text = "# STOCKHOLM 1.0\n#=GF AC   RF1\n#=GF ID   x\n#=GF CL   CL1\nseq1/1-5  GG-AACC\nseq2/1-6  G-CAAC-\n#=GC SS_cons  <<...>>\n//\n"
    path = tmp_path / "seed.sto.gz"
    with gzip.open(path, "wt") as handle:
        handle.write(text)
    (family,) = read_families(path)
    first, second = sequences(family)
    assert (family.accession, family.clan, first.name) == ("RF1", "CL1", "seq1/1-5")
    assert decode(first.codes) == "GGAACC"
    assert first.partner.tolist() == [5, 4, -1, -1, 1, 0]
    assert decode(second.codes) == "GCAAC"
    assert second.partner.tolist() == [-1, -1, -1, -1, -1]


def test_relatives_of_a_held_out_clan_are_held_out_together_and_named_families_never() -> None:
    clans = [f"CL{i}" for i in range(400)]
    out = [holdout.family_is_held_out("RF09999", clan) for clan in clans]
    assert out == [holdout.family_is_held_out("RF08888", clan) for clan in clans]
    assert 5 < sum(out) < 40
    assert not any(holdout.family_is_held_out(name, clan) for name in holdout.NAMED_FAMILIES for clan in clans)


def test_two_stretches_of_one_accession_stay_on_the_same_side() -> None:
    for i in range(50):
        assert holdout.sequence_is_held_out(f"X{i}.1/3-118") == holdout.sequence_is_held_out(f"X{i}.1/900-1000")


def test_lambda_takes_its_cluster_with_it() -> None:
    assert holdout.phage_cluster_is_held_out(["other", "x|NC_001416.1"])


def test_a_genome_and_its_other_strand_have_one_sketch_and_a_stranger_shares_nothing() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, 5000).astype(np.uint8), rng.integers(0, 4, 5000).astype(np.uint8)
    mine = sketch(one, 10)
    assert 300 < mine.size < 700
    assert containment(mine, sketch(reverse_complement(one), 10)) == 1.0
    assert containment(mine, sketch(other, 10)) == 0.0
    labels = clusters([mine, sketch(other, 10), sketch(one[:3000], 10)], 0.5)
    assert labels[0] == labels[2] != labels[1]


def test_words_over_unknown_letters_are_not_sketched() -> None:
    assert sketch(np.tile(np.array([0, 1, 4, 3, 2], dtype=np.uint8), 50), 1).size == 0


def test_unknown_letters_cut_a_contig_into_pieces() -> None:
    assert [decode(p) for p in known_pieces(encode("NNACGTNNNGGCNA"), shortest=3)] == ["ACGT", "GGC"]


def test_fasta_records_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(">one first\nACGT\nAC\n>two\nGG\n")
    assert [(name, decode(codes)) for name, codes in read_fasta(path)] == [("one", "ACGTAC"), ("two", "GG")]


def test_a_packed_corpus_comes_back_whole(tmp_path: Path) -> None:
    corpus = toy_corpus()
    corpus.save(tmp_path / "c.npz")
    back = Corpus.load(tmp_path / "c.npz")
    assert back.names == corpus.names
    for field in ("dna", "start", "domain", "held_out", "rna", "partner", "family", "split"):
        np.testing.assert_array_equal(getattr(back, field), getattr(corpus, field))


def test_a_missing_corpus_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"engine\.training corpus"):
        Corpus.load(tmp_path / "none.npz")


def test_the_real_seeds_have_pairs_that_are_mostly_canonical(shared: Path) -> None:
    from engine.training.augment import is_canonical

    path = shared / "data" / "rna" / "Rfam14.2_seed.train.sto.gz"
    if not path.is_file():
        pytest.skip("needs the Rfam seeds of the data folder")
    family = next(read_families(path))
    assert family.accession == "RF00001"
    ok = total = 0
    for one in sequences(family):
        left = np.flatnonzero(one.partner > np.arange(one.partner.size))
        ok += int(is_canonical(one.codes, left, one.partner[left]).sum())
        total += left.size
    assert ok / total > 0.85


def pieces(**sizes: int) -> list[Piece]:
    rng = np.random.default_rng(3)
    return [Piece(name, DOMAINS.index(name), False, rng.integers(0, 4, size).astype(np.uint8)) for name, size in sizes.items()]


def rnas() -> dict[str, list[Any]]:
    corpus = toy_corpus()
    table: dict[str, list[Any]] = {"accession": corpus.names["families"], "title": corpus.names["titles"], "name": corpus.names["rna"]}
    rows = [corpus.rna_sequence(index) for index in range(len(corpus.split))]
    table |= {"codes": [codes for codes, _ in rows], "partner": [partner for _, partner in rows]}
    table["column"] = [np.arange(codes.size, dtype=np.uint16) for codes, _ in rows]
    return table | {"family": corpus.family.tolist(), "split": corpus.split.tolist()}


def test_letters_are_allotted_to_domains() -> None:
    """By hand. Phages and yeasts of 90 are no more than 60 % of 200: bacteria have the rest. Of 100 they are: half, a quarter, a quarter."""
    have = {"bacteria": 1000, "phage": 40, "yeast": 50}
    assert allotted(have, 200) == {"bacteria": 110, "phage": 40, "yeast": 50}
    assert allotted(have, 5000) == have
    assert allotted(have, 100) == {"bacteria": 50, "phage": 25, "yeast": 25}
    assert allotted(have, 140) == {"bacteria": 70, "phage": 35, "yeast": 35}
    assert allotted({"bacteria": 10, "phage": 4, "yeast": 500}, 100) == {"bacteria": 10, "phage": 4, "yeast": 86}


def test_every_domain_is_thinned_where_there_is_little_room() -> None:
    """`--letters 8000000` gave a hundred million letters and no bacteria."""
    kept = thinned(pieces(bacteria=500_000, phage=200_000, yeast=400_000), 160_000)
    sizes = {DOMAINS[piece.domain]: 0 for piece in kept}
    for piece in kept:
        sizes[DOMAINS[piece.domain]] += piece.codes.size
    assert sizes == {"bacteria": 80_000, "phage": 40_000, "yeast": 40_000}


def test_a_corpus_fits_the_bytes_it_may_have() -> None:
    given = pieces(bacteria=900_000, phage=100_000, yeast=100_000)
    for most in (60_000, 120_000):
        corpus = fitted(given, rnas(), 10**9, most)
        assert 0.8 * most < corpus.packed_bytes() <= most
    with pytest.raises(ParameterError, match=r"a corpus of 1,000 bytes has no room for genomes"):
        fitted(given, rnas(), 10**9, 1000)
    with pytest.raises(ParameterError, match="a corpus of 500 letters"):
        fitted(given, rnas(), 500)
