"""Baselines, labels and samples of the evaluation, by hand-worked cases."""

from __future__ import annotations

import io
import itertools
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.tokens import MASK
from engine.training import measure_segmentation
from engine.training.annotation import ELEMENTS, MIRROR, Contig, bit, mark_gene, mark_intron, mirrored
from engine.training.both_sides import BothSides, LookUp
from engine.training.evaluate import EvaluationPlan, inputs
from engine.training.letters import decode, encode, reverse_complement
from engine.training.markov import Markov, contexts, ladder, ladder_bits
from engine.training.measure_language import Sample, masked_bits, measured_bits
from engine.training.measure_segmentation import MARGIN, WINDOW, _windows, best_orf_finder, best_thresholds, spread
from engine.training.measure_variants import CodonUsage, Gene, Scores, Variant, coding_variants, genes, ranked, start_lost, start_row
from engine.training.orf_finder import STARTS, open_frames, predict
from engine.training.pieces import Pieces
from engine.training.scoring import Scorer
from engine.training.structures import read_archive, read_dot_bracket
from engine.training.tables import BEGIN, END, insert, markdown
from tests.training.toy import TINY


def test_a_context_is_a_number_in_base_four() -> None:
    assert contexts(encode("ACGT"), 2).tolist() == [0 * 4 + 1, 1 * 4 + 2]


def test_a_markov_model_of_a_repeat_is_certain() -> None:
    model = Markov.learn(2, [encode("ACG" * 200)], both_strands=False)
    bits = ladder_bits(ladder(model, (1, 2)), encode("ACGACG"))
    assert bits[2][2:].max() < 0.05
    assert bits[2][0] == pytest.approx(2.0)


def test_lower_orders_follow_from_the_counts_of_the_highest() -> None:
    codes = encode("ACGTTGCATGCCGTA")
    highest = Markov.learn(3, [codes], both_strands=False)
    expected = np.zeros((4, 4), dtype=np.int64)
    for place in range(3, codes.size):
        expected[codes[place - 1], codes[place]] += 1
    np.testing.assert_array_equal(highest.shorter(1).counts, expected)


def test_masked_bases_are_far_apart_in_every_pass_and_each_is_hidden_once() -> None:
    codes = np.random.default_rng(3).integers(0, 4, 120).astype(np.uint8)
    chosen = np.zeros(120, dtype=np.bool_)
    chosen[[3, 5, 40, 60, 61, 110]] = True
    torch.manual_seed(0)
    scorer = _Seen(LocuscopeNet(TINY).eval())
    apart = masked_bits(scorer, codes, "rna", chosen, 50)
    passes = [torch.nonzero(row == MASK).flatten() - 1 for row in scorer.rows[-1]]
    assert sorted(torch.cat(passes).tolist()) == [3, 5, 40, 60, 61, 110]
    assert all(int(p.diff().min()) >= 50 for p in passes if len(p) > 1)
    assert len(passes) == 3
    masked_bits(scorer, codes, "rna", chosen, 1)
    assert len(scorer.rows[-1]) == 1
    alone = masked_bits(scorer, codes, "rna", np.arange(120) == 40, 50)
    logp = torch.log_softmax(scorer.masked_logits(codes, np.array([40]), "rna")[0], dim=-1)
    assert alone[0] == pytest.approx(-float(logp[codes[40]]) / np.log(2), abs=1e-5)
    assert apart.shape == (6,)


class _Seen(Scorer):
    """A scorer that keeps the ids it was asked about."""

    rows: ClassVar[list[torch.Tensor]] = []

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        self.rows.append(ids)
        return super().logits(ids)


def test_both_strands_count_the_reverse_complement() -> None:
    model = Markov.learn(0, [encode("AAAC")], both_strands=True)
    assert model.counts.tolist() == [[3, 1, 1, 3]]


def test_an_order_beyond_the_table_is_refused() -> None:
    with pytest.raises(ParameterError, match="11"):
        Markov.learn(12, [], both_strands=False)


def test_the_longest_frame_before_each_stop_is_found() -> None:
    sequence = "CC" + "ATG" + "GCA" * 4 + "ATG" + "GCA" * 2 + "TAA" + "GG"
    assert open_frames(encode(sequence), shortest=12) == [(2, 2 + 3 + 12 + 3 + 6 + 3)]
    assert open_frames(encode(sequence), shortest=60) == []


def test_a_gene_on_the_other_strand_is_predicted_in_mirror_image() -> None:
    codes = encode("CC" + "ATG" + "GCA" * 120 + "TAA" + "GGC")
    forward, reverse = predict(codes), predict(reverse_complement(codes))
    np.testing.assert_array_equal(mirrored(forward), reverse)
    assert np.flatnonzero(forward & bit("start_codon_forward")).tolist() == [2, 3, 4]
    assert np.flatnonzero(forward & bit("stop_codon_forward")).tolist() == [365, 366, 367]


def test_mirroring_twice_changes_nothing() -> None:
    assert [MIRROR[m] for m in MIRROR] == list(range(len(ELEMENTS)))
    labels = np.arange(50, dtype=np.uint16)
    np.testing.assert_array_equal(mirrored(mirrored(labels)), labels)


def test_marks_of_a_spliced_gene_on_the_reverse_strand() -> None:
    labels = np.zeros(60, dtype=np.uint16)
    mark_gene(labels, [(10, 14), (30, 38)], -1, with_rbs=True)
    mark_intron(labels, 14, 30, -1, spliceosomal=True)
    assert np.flatnonzero(labels & bit("start_codon_reverse")).tolist() == [35, 36, 37]
    assert np.flatnonzero(labels & bit("stop_codon_reverse")).tolist() == [10, 11, 12]
    assert np.flatnonzero(labels & bit("RBS_region_reverse")).tolist() == list(range(38, 58))
    assert np.flatnonzero(labels & bit("splice_donor")).tolist() == [28, 29]
    assert np.flatnonzero(labels & bit("splice_acceptor")).tolist() == [14, 15]
    assert int((labels & bit("CDS_reverse") > 0).sum()) == 12


def test_introns_of_trna_genes_have_no_splice_sites() -> None:
    labels = np.zeros(30, dtype=np.uint16)
    mark_intron(labels, 5, 20, 1, spliceosomal=False)
    assert not (labels & bit("splice_donor")).any()


def test_substitutions_of_a_gene_are_what_they_say() -> None:
    """TAC codons: C to A or G makes a stop, C to T stays tyrosine, the six others change the amino acid."""
    body = encode("ATG" + "TAC" * 110 + "TAA")
    gene = Gene("bacteria", np.concatenate((encode("A" * 60), body, encode("A" * 60))), 60, body.size)
    variants = coding_variants(gene, 3, np.random.default_rng(0))
    assert [v.kind for v in variants] == ["synonymous"] * 3 + ["missense"] * 3 + ["stop-gained"] * 3
    after = {"synonymous": {"TAT"}, "stop-gained": {"TAA", "TAG"}, "missense": {"AAC", "CAC", "GAC", "TCC", "TGC", "TTC"}}
    for variant in variants:
        assert variant.before == "TAC"
        assert variant.after in after[variant.kind]
        starts = [start for start in range(variant.position - 2, variant.position + 1) if decode(variant.codes[start : start + 3]) == "TAC"]
        assert len(starts) == 1  # in TACTAC each base belongs to one codon
        changed = variant.codes[starts[0] : starts[0] + 3].copy()
        changed[variant.position - starts[0]] = variant.alternate
        assert decode(changed) == variant.after


class LosesStarts:
    """Stands for `Judges`: knows start codons that were lost from all else."""

    def coding(self, variants: list[Variant]) -> Scores:
        return {"llr": np.array([float(v.kind == "start-lost") for v in variants])}


def test_lost_start_codons_are_no_other_start_codon_and_are_ranked_against_synonymous_ones() -> None:
    body = encode("ATG" + "TAC" * 110 + "TAA")
    codes = np.concatenate((encode("C" * 60), body, encode("C" * 60)))
    found = {domain: start_lost(Gene(domain, codes, 60, body.size), 9, np.random.default_rng(0)) for domain in ("bacteria", "yeast")}
    assert {v.after for v in found["bacteria"]} == {"CTG", "AAG", "ACG", "AGG", "ATA", "ATC", "ATT"}
    assert {v.after for v in found["yeast"]} == {v.after for v in found["bacteria"]} | {"GTG", "TTG"}
    for variant in found["yeast"]:
        assert (variant.kind, variant.before) == ("start-lost", "ATG")
        changed = variant.codes.copy()
        changed[variant.position] = variant.alternate
        assert variant.after in decode(changed)
        assert "ATG" not in decode(changed)
    assert not start_lost(Gene("yeast", codes, 61, body.size), 9, np.random.default_rng(0))
    row = start_row(LosesStarts(), [Gene("phage", codes, 60, body.size)], "phage", 2, np.random.default_rng(0))  # type: ignore[arg-type]
    assert (row["measurement"], row["harmful"], row["others"]) == ("start-lost against synonymous, phage", 2, 2)
    assert row["auroc"]["llr"][0] == 1.0


def test_codon_usage_prefers_the_codon_that_genes_have() -> None:
    body = encode("ATG" + "TAC" * 110 + "TAA")
    labels = np.zeros(body.size, dtype=np.uint16)
    mark_gene(labels, [(0, body.size)], 1, with_rbs=False)
    usage = CodonUsage([Contig("g", "c", "bacteria", body, labels, 2**14 - 1, False)])
    codes = np.zeros(3, dtype=np.uint8)
    rare = Variant("phage", codes, 2, 3, "synonymous", "TAC", "TAT")
    assert usage.score(rare) == pytest.approx(np.log(0.5 / 110.5))


def test_ranked_counts_what_belongs_to_one_gene_together() -> None:
    truth = np.array([True, False])
    clusters = [(truth, {"llr": np.array([1.0, 0.0])}), (truth, {"llr": np.array([0.0, 0.0])})]
    found = ranked("x", clusters)
    assert (found["clusters"], found["harmful"], found["others"]) == (2, 2, 2)
    assert found["auroc"]["llr"] == [0.75, 0.5, 1.0]
    assert ranked("nothing", [])["auroc"] == {}


def test_both_sides_are_counted_as_a_slow_way_counts_them() -> None:
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 4, 300).astype(np.uint8)
    table = LookUp.learn(2, [codes], both_strands=False)
    key = [int(v) for v in codes[10:15]]
    same = [k for k in range(2, 298) if codes[[k - 2, k - 1, k + 1, k + 2]].tolist() == [key[0], key[1], key[3], key[4]]]
    number = int("".join(map(str, (key[0], key[1], key[3], key[4]))), 4)
    assert table.counts[number].tolist() == np.bincount(codes[same], minlength=4).tolist()
    one = LookUp.learn(1, [codes], both_strands=False).counts
    assert np.abs(table.narrower().counts - one).sum() <= 2  # the two bases next to an end are only in the narrower one


def test_a_base_between_two_known_words_is_known_from_both_sides_only() -> None:
    """In AXA and CXC the letter hangs on both neighbours: AG A, A T C, C T A, C G C."""
    words = ["AGA", "ATC", "CTA", "CGC"]
    rng = np.random.default_rng(1)
    codes = encode("".join(words[int(k)] for k in rng.integers(0, 4, 4000)))
    sides = BothSides.learn(lambda: [codes], both_strands=False, orders=(1,), width=1)
    p = sides.probabilities(encode("AGA"))
    assert p["look_up_1"][1, 2] > 0.6 > p["left_right_1"][1, 2]
    for values in p.values():
        np.testing.assert_allclose(values.sum(axis=1), 1)


def test_the_model_behind_a_base_mirrors_the_one_before_it() -> None:
    codes = np.random.default_rng(2).integers(0, 4, 500).astype(np.uint8)
    sides = BothSides.learn(lambda: [codes], both_strands=True, orders=(2,), width=0)
    here, there = sides.probabilities(codes)["left_right_2"], sides.probabilities(reverse_complement(codes))["left_right_2"]
    np.testing.assert_allclose(here, there[::-1, ::-1], rtol=0.02)  # counts of the ends differ


def test_the_orf_finder_takes_the_start_codons_and_the_length_that_suit() -> None:
    body = "GTG" + "GCA" * 40 + "TAA"
    codes = encode("C" * 50 + body + "C" * 50)
    labels = np.zeros(codes.size, dtype=np.uint16)
    mark_gene(labels, [(50, 50 + len(body))], 1, with_rbs=False)
    contig = Contig("g", "c", "bacteria", codes, labels, 2**14 - 1, False)
    starts, shortest = best_orf_finder([contig])
    assert starts == "ATG, GTG, TTG"
    assert shortest <= len(body)
    np.testing.assert_array_equal(predict(codes, shortest, STARTS[starts]), labels)


def test_an_interval_over_blocks_holds_the_whole() -> None:
    truth = np.zeros(40_000, dtype=np.bool_)
    truth[::7] = True
    called = truth.copy()
    called[:20_000:11] = True
    found = spread(called, truth, 1)
    assert found["mcc"][1] < found["mcc"][0] < found["mcc"][2]
    assert spread(truth, truth, 1)["f1"] == [1.0, 1.0, 1.0]


def test_a_finished_piece_is_not_done_again_and_another_plan_takes_none(tmp_path: Path) -> None:
    done: list[int] = []

    def work() -> dict[str, float]:
        done.append(1)
        return {"x": 0.5}

    assert Pieces(tmp_path, "a")("one", work) == Pieces(tmp_path, "a")("one", work) == {"x": 0.5}
    Pieces(tmp_path, "b")("one", work)
    assert len(done) == 2


def test_what_is_kept_hangs_on_corpus_data_and_precision(tmp_path: Path) -> None:
    corpus, data = tmp_path / "corpus.npz", tmp_path / "data"
    data.mkdir()
    corpus.write_bytes(b"one")
    (data / "a").write_text("x")
    plan = EvaluationPlan(tmp_path, tmp_path)
    about = [plan.about("bits", "w", inputs(corpus, data))]
    about.append(replace(plan, low_precision=False).about("bits", "w", inputs(corpus, data)))
    corpus.write_bytes(b"two")
    about.append(plan.about("bits", "w", inputs(corpus, data)))
    (data / "a").write_text("xy")
    about.append(plan.about("bits", "w", inputs(corpus, data)))
    assert plan.about("bits", "w", inputs(corpus, data)) == about[-1]
    assert len(set(about)) == 4


def test_only_stretches_that_are_compared_are_read_by_pyrodigal(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def prodigal(codes: np.ndarray) -> np.ndarray:
        read.append(len(codes))
        return np.zeros(len(codes), np.int32)

    monkeypatch.setattr(measure_segmentation, "prodigal", prodigal)
    contig = Contig("g", "c", "bacteria", np.zeros(50, np.uint8), np.zeros(50, np.int32), 0, held_out=True)
    cut, part = measure_segmentation.stretch(contig, 20, np.random.default_rng(1))
    assert (len(cut.codes), part.stop - part.start, read) == (20, 20, [])
    assert len(measure_segmentation.with_pyrodigal(contig, 20, np.random.default_rng(1)).pyrodigal) == 20
    assert read == [50]


def test_bits_have_the_best_baseline_of_each_kind_and_the_gain_over_it() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(4)
    rows = [rng.integers(0, 4, 60).astype(np.uint8) for _ in range(4)]
    sides = BothSides.learn(lambda: rows, both_strands=False, orders=(1, 2), width=2)
    found = measured_bits(Scorer(LocuscopeNet(TINY).eval()), sides, Sample("toy", "rna", rows), rng)
    best = found["best"]
    assert set(best) == {"markov", "left_right", "look_up"}
    assert found["strongest"] in best.values()
    values = found["bits"]
    assert values["gain"][0] == pytest.approx(values[found["strongest"]][0] - values["locuscope"][0], abs=2e-4)
    text = markdown({"bits": [found]})
    assert "| toy | 4 |" in text


def test_genes_are_read_on_both_strands() -> None:
    body = "ATG" + "GCA" * 110 + "TAA"
    codes = encode("C" * 70 + body + "C" * 70)
    labels = np.zeros(codes.size, dtype=np.uint16)
    mark_gene(labels, [(70, 70 + len(body))], 1, with_rbs=False)
    contig = Contig("g", "c", "bacteria", codes, labels, 2**14 - 1, True)
    other = Contig("g", "c", "bacteria", reverse_complement(codes), mirrored(labels), 2**14 - 1, True)
    (one,), (two,) = list(genes(contig, 60)), list(genes(other, 60))
    assert (one.start, one.length) == (two.start, two.length) == (60, len(body))
    np.testing.assert_array_equal(one.codes, two.codes)


@pytest.mark.parametrize("length", [500, WINDOW, WINDOW + 1, 5000])
def test_windows_tile_a_contig_and_keep_away_from_inner_edges(length: int) -> None:
    tiles = _windows(length)
    assert tiles[0][1] == 0
    assert tiles[-1][2] == length
    for (_, _, end), (low, kept, _) in itertools.pairwise(tiles):
        assert kept == end
        assert kept - low >= MARGIN


def test_the_threshold_with_the_best_f1_is_chosen() -> None:
    probability = np.array([[0.9], [0.7], [0.65], [0.1]], dtype=np.float32)
    truth = np.array([[True], [True], [False], [False]])
    assert 0.65 < best_thresholds(probability, truth)[0] <= 0.7


def test_an_archive_of_bpseq_is_read_with_the_family_of_each_name(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        data = b"# x\n1 G 3\n2 A 0\n3 C 1\n"
        entry = tarfile.TarInfo("half/srp_one.bpseq")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    (found,) = read_archive(path)
    assert (found.family, decode(found.codes), found.partner.tolist()) == ("srp", "GAC", [2, -1, 0])


def test_dot_bracket_records_that_do_not_parse_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.dbn"
    path.write_text(">a\nGAAAC\n(...)\n>b\nGAAAC\n(....\n")
    assert [s.name for s in read_dot_bracket(path, "f")] == ["a"]


def test_tables_show_what_was_measured_and_a_dash_for_what_was_not() -> None:
    held = {
        "variants": [{"measurement": "m", "clusters": 0, "harmful": 0, "others": 0, "auroc": {}}],
        "cost": [{"length": 76, "precision": "exact", "seconds": 1.25, "peak_mib": 300.4, "cores": 2}],
    }
    text = markdown(held)
    assert "| m | 0 | 0 | 0 | – | – | – | – |" in text
    assert "| 76 | exact | 1.250 | 300 | 2 |" in text


def test_tables_take_the_place_between_the_marks_and_nothing_else() -> None:
    page = f"head\n{BEGIN}\nold\n{END}\ntail\n"
    once = insert(page, "new")
    assert once == f"head\n{BEGIN}\n\nnew\n{END}\ntail\n"
    assert insert(once, "new") == once
    assert insert("no marks", "new") == "no marks"
