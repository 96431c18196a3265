"""Training of the segmentation head."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.models.locuscope.tokens import BASE
from engine.training.annotation import ELEMENTS, Contig, mark_gene
from engine.training.plan import Workers
from engine.training.segmenter import SegmenterPlan, SegmenterTrainer, Windows, element_weights, focal_loss
from tests.pretend_gpu import pretend_learning_gpu
from tests.training.toy import TINY

WINDOW = 120


def contigs() -> list[Contig]:
    """A genome of repeated A with one 'gene' of repeated C, and a yeast chromosome of T."""
    codes = np.zeros(600, dtype=np.uint8)
    codes[200:290] = 1
    labels = np.zeros(600, dtype=np.uint16)
    mark_gene(labels, [(200, 290)], 1, with_rbs=True)
    blank = np.zeros(600, dtype=np.uint16)
    return [
        Contig("g", "c", "bacteria", codes, labels, 2 ** len(ELEMENTS) - 1, False),
        Contig("y", "c", "yeast", np.full(600, 3, dtype=np.uint8), blank, 1, False),
    ]


def trainer(folder: Path, steps: int, device: str = "cpu") -> SegmenterTrainer:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    plan = SegmenterPlan(minutes=1000, steps=steps, rows=3, kept=2, window=WINDOW)
    return SegmenterTrainer(contigs(), LocuscopeNet(TINY).eval(), plan, folder, Workers(), device)


def test_a_step_on_a_gpu_is_that_of_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = trainer(tmp_path / "here", 3)
    wanted = [here.advance() for _ in range(2)]
    with pretend_learning_gpu(monkeypatch) as gpu:
        there = trainer(tmp_path / "there", 3, gpu)
        found = [there.advance() for _ in range(2)]
        there.save()
        assert str(next(iter(there.average.values())).device) == gpu
        again = trainer(tmp_path / "there", 3, gpu)
    assert again.step == 2
    assert found == pytest.approx(wanted, rel=1e-4)


def test_focal_loss_of_one_entry_by_hand() -> None:
    """p = 0.5 of a positive: ln 2 * 0.5 ** 2; an unlisted element does not count."""
    logits, labels = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 1.0]]])
    loss = focal_loss(logits, labels, torch.tensor([[[1.0, 0.0]]]), gamma=2.0)
    assert loss.item() == pytest.approx(np.log(2) * 0.25)


def test_a_batch_has_its_new_windows_and_repeats_of_recent_ones_only() -> None:
    plan = SegmenterPlan(rows=6, fresh=2, kept=10)
    windows = Windows(contigs(), SegmenterPlan(rows=6, fresh=2, kept=10, window=WINDOW))
    for step in range(20):
        numbers = windows.numbers(1, step)
        assert numbers[:2] == [2 * step, 2 * step + 1]
        assert len(numbers) == plan.rows
        assert all(max(0, 2 * step + 2 - plan.kept) <= n < 2 * step + 2 for n in numbers)


def test_rare_elements_weigh_more_and_the_commonest_weighs_one() -> None:
    weight = element_weights(contigs())
    assert weight[0].item() == 1.0
    assert weight[ELEMENTS.index("start_codon_forward")].item() == pytest.approx(np.sqrt(90 / 3), rel=1e-5)
    assert weight[ELEMENTS.index("tRNA")].item() == pytest.approx(np.sqrt(90))


def test_windows_show_labels_of_the_letters_beside_them() -> None:
    windows = Windows(contigs(), SegmenterPlan(window=WINDOW))
    ids, labels, known = (torch.stack(part) for part in zip(*(windows.draw(0, n) for n in range(8)), strict=True))
    assert ids.shape == (8, WINDOW + 1)
    assert labels.shape == (8, WINDOW, len(ELEMENTS))
    assert known.shape == (8, 1, len(ELEMENTS))
    forward = labels[..., 0] > 0
    assert (ids[:, 1:][forward] == BASE + 1).all()
    reverse = labels[..., 1] > 0
    assert (ids[:, 1:][reverse] == BASE + 2).all()


def test_an_interrupted_run_ends_like_an_uninterrupted_one_and_the_language_model_stays(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", 4)
    before = {n: t.clone() for n, t in whole.net.language_model.state_dict().items()}
    whole.run()
    part = trainer(tmp_path / "part", 4)
    for _ in range(2):
        part.advance()
    part.save()
    rest = trainer(tmp_path / "part", 4)
    assert rest.step == 2
    rest.run()
    for name, tensor in whole.parameters.items():
        torch.testing.assert_close(rest.parameters[name], tensor, rtol=0, atol=0)
    for name, tensor in whole.net.language_model.state_dict().items():
        assert torch.equal(tensor, before[name])
    saved = LocuscopeSegmenter.from_pretrained(tmp_path / "whole" / "average")
    assert saved.config.elements == ELEMENTS
    assert json.loads((tmp_path / "whole" / "average" / "config.json").read_text())["model_type"] == "locuscope-segmenter"


def test_a_run_may_start_from_a_published_head_but_not_anew_in_the_middle(tmp_path: Path) -> None:
    first = trainer(tmp_path / "first", 2)
    first.run()
    second = trainer(tmp_path / "second", 2)
    second.start_from(tmp_path / "first" / "average")
    for name, p in second.parameters.items():
        torch.testing.assert_close(p.detach(), first.average[name], rtol=0, atol=0)
    second.advance()
    moved = {name: p.detach().clone() for name, p in second.parameters.items()}
    second.start_from(tmp_path / "first" / "average")
    assert all(torch.equal(p.detach(), moved[name]) for name, p in second.parameters.items())
