"""Labels of genomes: by hand on both strands, drawn with the windows, learned beside the letters, and no part of what is published."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.core.errors import FileFormatError, ParameterError, WeightsInvalid, WeightsMissing
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.tokens import BASE, DOMAIN, MASK
from engine.training import find_labels
from engine.training.__main__ import main
from engine.training.batches import IGNORE, Batch, Batches, Mixture, mask_codons
from engine.training.codons import AMINO_ACIDS
from engine.training.corpus import Corpus
from engine.training.drawn import Drawer, DrawerAhead, Drawing
from engine.training.find_labels import annotated_genes, binding_site, by_annotation, make, spliced_gene, stretches
from engine.training.labels import SITES, UNSURE, Labels, Marks, Stretch, beside, frames, gene, marked, mirrored, sites
from engine.training.letters import decode, encode, reverse_complement
from engine.training.plan import TrainPlan, Workers
from engine.training.publish import publish
from engine.training.train import Trainer
from tests.training.toy import TINY, toy_corpus

#        0         1         2         3
#        0123456789012345678901234567890123
LETTERS = "TTAGGAGGCATTTTATGAAAGTACTCAGTTTTAA"
BLOCKS = [(14, 20), (28, 34)]
"""A gene in two blocks: ATGAAA, the intron GTACTCAG, TTTTAA."""
FRAME = [0] * 14 + [1, 2, 3, 1, 2, 3] + [0] * 8 + [1, 2, 3, 1, 2, 3]


def of_site(name: str, strand: int = 1) -> int:
    return 1 + 2 * SITES.index(name) + (strand < 0)


def test_a_gene_is_marked_by_the_place_in_its_codon_and_where_it_starts() -> None:
    marks = marked(34, gene(BLOCKS, 1))
    assert frames(marks).tolist() == FRAME
    assert np.flatnonzero(sites(marks)).tolist() == [14, 15, 16]
    assert set(sites(marks)[14:17].tolist()) == {of_site("start_codon")}
    assert sites(marked(34, gene(BLOCKS, 1, start=False))).max() == 0


def test_the_other_strand_has_the_mirrored_marks_and_turns_back() -> None:
    here = marked(34, [*gene(BLOCKS, 1), Stretch(2, 8, 1, SITES.index("ribosome_binding_site"))])
    there = marked(34, [*gene([(0, 6), (14, 20)], -1), Stretch(26, 32, -1, SITES.index("ribosome_binding_site"))])
    assert (mirrored(here) == there).all()
    assert (mirrored(there) == here).all()
    assert frames(there).tolist() == [{0: 0, 1: 4, 2: 5, 3: 6}[f] for f in FRAME[::-1]]
    assert sites(there)[17:20].tolist() == [of_site("start_codon", -1)] * 3
    assert frames(mirrored(np.array([UNSURE], dtype=np.uint8))).tolist() == [UNSURE]


def test_a_codon_cut_by_an_intron_goes_on_and_a_start_may_be_cut_too() -> None:
    marks = marked(20, gene([(0, 2), (5, 12)], 1))
    assert frames(marks)[:12].tolist() == [1, 2, 0, 0, 0, 3, 1, 2, 3, 1, 2, 3]
    assert np.flatnonzero(sites(marks)).tolist() == [0, 1, 5]


def test_frames_that_overlap_are_not_known_but_the_same_one_twice_is() -> None:
    marks = marked(12, [*gene([(0, 9)], 1), *gene([(7, 12)], -1, place=1)])
    assert frames(marks).tolist() == [1, 2, 3, 1, 2, 3, 1, UNSURE, UNSURE, 4, 6, 5]
    assert frames(marked(9, [*gene([(0, 9)], 1), *gene([(3, 9)], 1)])).tolist() == [1, 2, 3] * 3


def test_a_part_of_a_stretch_stays_in_frame() -> None:
    for strand in (1, -1):
        whole = marked(30, gene([(3, 27)], strand))
        parts = [s.within(8, 21) for s in gene([(3, 27)], strand)]
        assert (marked(13, [s for s in parts if s is not None]) == whole[8:21]).all()


def test_the_letters_of_a_binding_site_are_looked_up_at_the_distance_that_prodigal_says() -> None:
    upstream = "CCAGGAGGTTTTTTT"
    assert binding_site(upstream, "AGGAGG", "5-10bp") == (13, 7)
    assert binding_site(upstream, "GGAG/GAGG", "5-10bp") == (11, 7)
    assert binding_site(upstream, "AGxAGG/AGGxGG", "5-10bp") == (13, 7)
    assert binding_site(upstream, "3Base/5BMM", "8bp") == (13, 8)
    assert binding_site(upstream, "AGGAGG", "3-4bp") is None
    assert binding_site("GG", "GGA/GAG/AGG", "5-10bp") is None


@pytest.mark.parametrize("strand", [1, -1])
def test_a_gene_that_prodigal_finds_gives_its_frame_start_and_binding_site(strand: int) -> None:
    letters = "TTAGGAGGCATTTTATGAAACCCTTTTAACC"
    found = {"strand": strand, "partial_begin": False, "partial_end": False, "rbs_motif": "AGGAGG", "rbs_spacer": "5-10bp"}
    place = {"begin": 15, "end": 29} if strand > 0 else {"begin": 3, "end": 17}
    text = letters if strand > 0 else decode(reverse_complement(encode(letters)))
    marks = marked(31, list(stretches(SimpleNamespace(**found, **place), text)))
    marks = marks if strand > 0 else mirrored(marks)
    assert frames(marks).tolist() == [0] * 14 + [1, 2, 3] * 5 + [0] * 2
    assert np.flatnonzero(sites(marks) == of_site("ribosome_binding_site")).tolist() == [2, 3, 4, 5, 6, 7]
    assert np.flatnonzero(sites(marks) == of_site("start_codon")).tolist() == [14, 15, 16]
    edge = found | {"partial_begin" if strand > 0 else "partial_end": True}
    assert sites(marked(31, list(stretches(SimpleNamespace(**edge, **place), text)))).max() == 0


@pytest.mark.parametrize("strand", [1, -1])
def test_introns_of_an_annotation_have_donors_and_acceptors(strand: int) -> None:
    long = LETTERS[:24] + "C" * 20 + LETTERS[24:]
    codes, blocks = encode(long), [(14, 20), (48, 54)]
    if strand < 0:
        codes, blocks = reverse_complement(codes), [(0, 6), (34, 40)]
    marks = marked(54, spliced_gene(codes, blocks, strand))
    marks = marks if strand > 0 else mirrored(marks)
    assert np.flatnonzero(sites(marks) == of_site("splice_donor")).tolist() == [20, 21]
    assert np.flatnonzero(sites(marks) == of_site("splice_acceptor")).tolist() == [46, 47]
    short = marked(34, spliced_gene(encode(LETTERS), BLOCKS, 1))
    assert set(sites(short).tolist()) == {0, of_site("start_codon")}


def write_genome(folder: Path, gff: str) -> tuple[Path, Path]:
    fasta, annotation = folder / "y.fa.gz", folder / "y.gff3.gz"
    fasta.write_bytes(gzip.compress(f">I words\n{LETTERS}\n>II\n{'A' * 40}\n".encode()))
    annotation.write_bytes(gzip.compress(gff.encode()))
    return fasta, annotation


def test_an_annotation_is_read_by_its_own_contig_names_or_by_those_of_chromosomes(tmp_path: Path) -> None:
    row = "NC_1\tx\t{}\t{}\t{}\t.\t+\t0\t{}\n"
    rows = row.format("region", 1, 34, "ID=r;chromosome=I")
    rows += row.format("CDS", 29, 34, "Parent=m") + row.format("CDS", 15, 20, "Parent=m")
    rows += row.format("CDS", 1, 9, "Parent=d;orf_classification=Dubious") + row.format("CDS", 1, 9, "Parent=p;pseudo=true")
    fasta, gff = write_genome(tmp_path, rows)
    assert annotated_genes(gff) == {"I": [(BLOCKS, 1)]}
    codes = encode(LETTERS)
    found = by_annotation(fasta, gff, {4: codes, 5: codes[16:30], 6: encode("A" * 30)})
    assert found[6] is None
    assert frames(marked(34, found[4] or [])).tolist() == FRAME
    assert frames(marked(14, found[5] or [])).tolist() == FRAME[16:30]
    fasta, gff = write_genome(tmp_path, row.format("CDS", 1, 9, "Parent=m"))
    with pytest.raises(FileFormatError, match="annotates none of the contigs"):
        by_annotation(fasta, gff, {4: codes})


def test_the_commands_make_labels_beside_the_corpus_and_want_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyrodigal")
    corpus = tmp_path / "corpus.npz"
    toy_corpus().save(corpus)
    train = ["train", "--corpus", str(corpus), "--out", str(tmp_path / "run"), "--workers", "1", "--device", "cpu", "--labels", "0.1"]
    assert main(train) == 2
    assert capsys.readouterr().err.startswith(
        f"no labels at {beside(corpus)}; make them where the genomes are: python -m engine.training labels"
    )
    assert main(["labels", "--data", str(tmp_path), "--corpus", str(corpus)]) == 0
    assert Labels.load(beside(corpus)).known.tolist() == [True, False, False]


def test_labels_are_made_of_training_genomes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyrodigal")
    corpus = toy_corpus()
    labels = make(tmp_path, corpus, {})
    assert labels.known.tolist() == [True, False, False]
    assert labels.sources == {"a": "Prodigal, ready-made models"}
    with pytest.raises(ParameterError, match=r"no genome nowhere; --annotation takes one of c$"):
        make(tmp_path, corpus, {"nowhere": tmp_path})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ParameterError, match="need pyrodigal"):
        find_labels.make(tmp_path, corpus, {})


def toy_labels(corpus: Corpus) -> Labels:
    """Of the training piece ACGTACGT… a gene on each strand; CGTACG is there on both."""
    found = {0: [*gene([(1, 601)], 1), *gene([(1201, 1801)], -1), Stretch(700, 706, 1, SITES.index("ribosome_binding_site"))]}
    return Labels.of(corpus, found, {"a": "by hand"})


def test_labels_come_back_and_belong_to_one_corpus(tmp_path: Path) -> None:
    corpus = toy_corpus()
    labels, path = toy_labels(corpus), beside(tmp_path / "corpus.npz")
    assert path.name == "corpus.labels.npz"
    with pytest.raises(WeightsMissing, match=r"engine\.training labels"):
        Labels.load(path)
    labels.save(path)
    marks = Labels.load(path).marks(corpus)
    assert (marks[:2400] == marked(2400, gene([(1, 601)], 1) + gene([(1201, 1801)], -1) + [Stretch(700, 706, 1, 1)])).all()
    assert (marks[2400:] == UNSURE).all()
    other = corpus.dna.copy()
    other[7] = 0
    with pytest.raises(WeightsInvalid, match="another corpus"):
        labels.marks(replace(corpus, dna=other))


ALL_DNA = Mixture(rna=0, invented=0, embedded=0, dna=1)


def test_windows_bring_their_marks_and_are_those_of_a_run_without_labels() -> None:
    corpus = toy_corpus()
    marks = toy_labels(corpus).marks(corpus)
    plain, known = Batches(corpus, 1, 512, ALL_DNA), Batches(corpus, 1, 512, ALL_DNA, marks=marks)
    found = np.zeros(8, dtype=int)
    for step in range(40):
        one, two = plain.draw(0, step, 0), known.draw(0, step, 0)
        assert (one.ids == two.ids).all()
        assert one.marks is None
        assert two.marks is not None
        assert (frames(two.marks[:, 0]) == UNSURE).all()
        clean = np.where(two.targets == IGNORE, two.ids, two.targets)
        first = frames(two.marks) == 1  # C, G, T or A starts every codon of this gene; it must be followed by the next letters in turn
        row, place = np.nonzero(first[:, :-2])
        assert ((clean[row, place + 1] - clean[row, place]) % 4 == 1).all()
        found += np.bincount(frames(two.marks).ravel(), minlength=8)
    assert (found > 0).all()


def toy_batch(frame: list[int], letters: str, masked: int) -> Batch:
    ids = np.concatenate(([DOMAIN], encode(letters).astype(np.int64) + BASE))[None]
    targets = np.full_like(ids, IGNORE)
    targets[0, masked], ids[0, masked] = ids[0, masked], MASK
    marks = np.array([[UNSURE, *frame]], dtype=np.uint8)
    return Batch(ids, targets, np.full_like(ids, IGNORE), "dna", marks)


def test_codons_are_masked_whole_on_either_strand_and_their_amino_acids_are_told() -> None:
    """ATG AAA forward, and TTA, which is a stop read on the other strand; the half codon at the end stays."""
    batch = toy_batch([1, 2, 3, 1, 2, 3, 0, 6, 5, 4, 1, 2], "ATGAAACTTACC", masked=7)
    places, amino = mask_codons(batch, 1.0, np.random.default_rng(0))
    assert dict(zip(places.tolist(), [AMINO_ACIDS[a] for a in amino], strict=True)) == {2: "M", 5: "K", 9: "*"}
    assert np.flatnonzero(batch.ids[0] == MASK).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert batch.targets[0].tolist() == [IGNORE, *(encode("ATGAAACTTA") + BASE).tolist(), IGNORE, IGNORE]
    bare = toy_batch([1, 2, 3], "ATG", masked=1)
    bare.ids[0, 1] = BASE
    assert mask_codons(bare, 1.0, np.random.default_rng(0))[0].size == 0


def test_processes_ahead_draw_the_labels_that_this_one_would(tmp_path: Path) -> None:
    corpus, drawing = toy_corpus(), Drawing(seed=4, tokens=256, labels=True, codons=0.3)
    corpus.save(tmp_path / "corpus.npz")
    toy_labels(corpus).save(beside(tmp_path / "corpus.npz"))
    here, ahead = Drawer.of_file(tmp_path / "corpus.npz", drawing), DrawerAhead(tmp_path / "corpus.npz", drawing, 1)
    try:
        one, two = here(0, 3, 0, 1.0), ahead(0, 3, 0, 1.0)
        assert one.labelled is not None
        assert two.labelled is not None
        np.testing.assert_array_equal(one.labelled.marks, two.labelled.marks)
        np.testing.assert_array_equal(one.labelled.places, two.labelled.places)
        np.testing.assert_array_equal(one.ids, two.ids)
    finally:
        ahead.close()
    with pytest.raises(ParameterError, match="needs those of its corpus"):
        Drawer(corpus, drawing)
    replace(toy_corpus(), start=corpus.start[:3], dna=corpus.dna[:4800]).save(tmp_path / "corpus.npz")
    with pytest.raises(WeightsInvalid, match="another corpus"):
        DrawerAhead(tmp_path / "corpus.npz", drawing, 1)
    with pytest.raises(ParameterError, match="255, 511, 1023"):
        Drawing(seed=4, tokens=256, window=300)


def run_with(folder: Path, steps: int, labels: float) -> Trainer:
    """On a genome of ATGCCCTTC without end: every ATG is a start codon, and all of it is coding."""
    torch.set_num_threads(1)
    toy = toy_corpus()
    corpus = replace(toy, dna=np.concatenate((np.tile(encode("ATGCCCTTC"), 267)[:2400], toy.dna[2400:])))
    found = [*gene([(0, 2400)], 1), *(Stretch(low, low + 3, 1, SITES.index("start_codon")) for low in range(0, 2400, 9))]
    marks: Marks = Labels.of(corpus, {0: found}, {}).marks(corpus)
    plan = TrainPlan(minutes=1000, steps=steps, tokens=1023, warmup_steps=2, seed=3, dna_first=1.0, dna_later=1.0, rate=0.01, matrix_rate=0.02,
                     labels=labels, codons=0.2, window=255)  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(Drawer(corpus, plan.drawing, marks), TINY, plan, folder, Workers(), "cpu")


def test_the_losses_on_labels_fall_beside_that_of_the_letters(tmp_path: Path) -> None:
    run = run_with(tmp_path, 30, 0.5)
    told = [run.advance() for _ in range(30)]
    for name in ("frame_dna", "site_dna", "amino_acid_dna", "bits_dna"):
        values = [row[name] for row in told if name in row]
        assert len(values) > 8
        assert np.mean(values[-4:]) < 0.85 * values[0], name


def test_heads_go_on_with_the_run_and_are_not_published(tmp_path: Path) -> None:
    whole = run_with(tmp_path / "whole", 4, 0.5)
    whole.run()
    run_with(tmp_path / "parts", 4, 0.5).run(stop_after=2)
    rest = run_with(tmp_path / "parts", 4, 0.5)
    rest.run()
    assert whole.heads is not None
    assert rest.heads is not None
    for module, other in ((whole.net, rest.net), (whole.heads, rest.heads)):
        for (name, a), (_, b) in zip(module.named_parameters(), other.named_parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0, msg=name)
    publish(tmp_path / "whole" / "average", tmp_path / "lm", {})
    published = LocuscopeNet.from_pretrained(tmp_path / "lm")
    assert {name for name, _ in published.named_parameters()} == {name for name, _ in LocuscopeNet(TINY).named_parameters()}
    with pytest.raises(ParameterError, match=r"whole was begun with labels of weight 0\.5; go on"):
        run_with(tmp_path / "whole", 4, 0.0)
    without = run_with(tmp_path / "without", 4, 0.0)
    assert without.heads is None
