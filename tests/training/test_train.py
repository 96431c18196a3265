"""The training run: it learns, it resumes to the same weights, it decays, it ships."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError, WeightsInvalid, WeightsMissing
from engine.models.entry import LoadOptions
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.tokens import BASE, DOMAIN
from engine.models.registry import entry
from engine.training import checkpoint
from engine.training.drawn import Drawer
from engine.training.plan import TrainPlan, Workers
from engine.training.publish import digest, publish, run_summary
from engine.training.train import Trainer, grow, write_model
from tests.pretend_gpu import counted, pretend_learning_gpu
from tests.training.toy import TINY, toy_corpus


def trainer(folder: Path, steps: int, device: str = "cpu", **changes: float) -> Trainer:
    torch.set_num_threads(1)
    plan = TrainPlan(minutes=1000, steps=steps, tokens=256, warmup_steps=2, seed=3, **changes)  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(Drawer(toy_corpus(), plan.drawing), TINY, plan, folder, Workers(), device)


def test_the_loss_of_a_repetitive_genome_falls(tmp_path: Path) -> None:
    run = trainer(tmp_path, 60, dna_first=1.0, dna_later=1.0, rate=0.01, matrix_rate=0.02)
    losses = [run.advance()["bits_dna"] for _ in range(60)]
    assert np.mean(losses[-8:]) < 0.75 * np.mean(losses[:4])
    assert np.mean(losses[-8:]) < 1.44


def test_an_interrupted_run_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", 6)
    whole.run()
    trainer(tmp_path / "parts", 6).run(stop_after=3)
    rest = trainer(tmp_path / "parts", 6)
    assert rest.step == 3
    rest.run()
    for (name, a), (_, b) in zip(whole.net.named_parameters(), rest.net.named_parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, msg=name)
        torch.testing.assert_close(whole.average[name], rest.average[name], rtol=0, atol=0, msg=name)
    assert rest.tokens == whole.tokens


def test_the_head_can_keep_how_loud_the_votes_are(tmp_path: Path) -> None:
    run = trainer(tmp_path, 2, hold_votes=True)
    before = run.net.head.weight.detach().clone()
    run.run()
    width, after = TINY.width, run.net.head.weight.detach()
    assert torch.equal(after[:, width:], before[:, width:])
    assert not torch.equal(after[:, :width], before[:, :width])


def test_only_the_named_parts_learn_and_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    run = trainer(tmp_path / "some", 3, learn=("stem.vote", "norm"))  # type: ignore[arg-type]
    before = {name: p.detach().clone() for name, p in run.net.named_parameters()}
    run.run()
    moved = {name for name, p in run.net.named_parameters() if not torch.equal(p.detach(), before[name])}
    assert moved == {"stem.vote", "norm.weight"}
    resumed = trainer(tmp_path / "some", 3, learn=("stem.vote", "norm"))  # type: ignore[arg-type]
    assert resumed.step == 3
    with pytest.raises(ParameterError, match=r"begins with wings; names begin with blocks, codons"):
        trainer(tmp_path / "none", 3, learn=("stem", "wings"))  # type: ignore[arg-type]


def test_rates_warm_up_stay_and_decay_to_zero() -> None:
    plan = TrainPlan(warmup_steps=10, decay_from=0.5)
    assert plan.rate_factor(0, 0.0) == pytest.approx(0.1)
    assert plan.rate_factor(100, 0.5) == 1.0
    assert plan.rate_factor(100, 0.75) == pytest.approx(0.5)
    assert plan.rate_factor(100, 1.0) == 0.0
    assert plan.rate_factor(100, 1.2) == 0.0


def test_rna_comes_first() -> None:
    plan = TrainPlan(dna_first=0.2, dna_later=0.6)
    assert (plan.dna_share(0.1), plan.dna_share(0.9)) == (0.2, 0.6)


def test_a_plan_that_cannot_run_is_refused() -> None:
    with pytest.raises(ParameterError, match="minutes"):
        TrainPlan(minutes=0)


def test_a_checkpoint_is_cut_into_pieces_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 100)
    tensors = {f"t{i}": torch.full((20,), float(i)) for i in range(4)}
    checkpoint.save(tmp_path / "c", checkpoint.TrainingState(tensors, {"step": 4}))
    assert len(list((tmp_path / "c").glob("part-*.safetensors"))) == 4
    back = checkpoint.load(tmp_path / "c")
    assert back is not None
    assert back.counters == {"step": 4}
    assert all((back.tensors[k] == v).all() for k, v in tensors.items())
    (tmp_path / "c" / "part-002.safetensors").unlink()
    with pytest.raises(WeightsInvalid, match="part-002"):
        checkpoint.load(tmp_path / "c")


def test_a_save_that_stopped_half_way_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    state = checkpoint.TrainingState({"t": torch.ones(2)}, {"step": 1})
    checkpoint.save(tmp_path / "c", state)
    (tmp_path / "c").rename(tmp_path / "c.old")
    back = checkpoint.load(tmp_path / "c")
    assert back is not None
    assert back.counters == {"step": 1}


def test_published_weights_give_nearly_the_same_answer_and_carry_their_digest(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = LocuscopeNet(TINY).eval()
    write_model(tmp_path / "run" / "average", TINY, dict(net.named_parameters()))
    (tmp_path / "run" / "log.jsonl").write_text(
        json.dumps({"step": 5, "tokens": 100, "minutes": 1.0, "progress": 1.0, "bits_rna": 1.5}) + "\n"
    )
    path = publish(tmp_path / "run" / "average", tmp_path / "lm", {"run": run_summary(tmp_path / "run")})
    card = json.loads(path.read_text())
    assert card["sha256"] == digest(tmp_path / "lm" / "model.safetensors")
    assert card["run"]["last_losses"] == {"bits_rna": 1.5}
    assert card["run"]["finished"] is True
    ids = torch.tensor([[DOMAIN, *(BASE + i % 4 for i in range(30))]])
    with torch.no_grad():
        torch.testing.assert_close(LocuscopeNet.from_pretrained(tmp_path / "lm")(ids), net(ids), rtol=0.02, atol=0.02)


def test_publishing_without_weights_or_with_infinite_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        publish(tmp_path, tmp_path / "lm", {})
    state = {name: torch.full_like(p, 1e6) for name, p in LocuscopeNet(TINY).named_parameters()}
    write_model(tmp_path / "average", TINY, state)
    with pytest.raises(WeightsInvalid, match="float16"):
        publish(tmp_path / "average", tmp_path / "lm", {})


def test_a_run_may_start_from_published_weights_but_not_from_other_sizes(tmp_path: Path) -> None:
    torch.manual_seed(9)
    net = LocuscopeNet(TINY)
    write_model(tmp_path / "lm", TINY, dict(net.named_parameters()))
    run = trainer(tmp_path / "run", 2)
    run.start_from(tmp_path / "lm")
    for name, p in net.named_parameters():
        assert torch.equal(dict(run.net.named_parameters())[name], p)
        assert torch.equal(run.average[name], p)
    louder = trainer(tmp_path / "louder", 2, spelling=1.5)
    louder.start_from(tmp_path / "lm")
    for name, p in net.named_parameters():
        assert torch.equal(louder.average[name], 1.5 * p if name == "codons.spelling" else p)
    other = replace(TINY, hidden=48)
    write_model(tmp_path / "wide", other, dict(LocuscopeNet(other).named_parameters()))
    with pytest.raises(ParameterError, match="sizes"):
        run.start_from(tmp_path / "wide")


def test_a_grown_model_begins_with_the_output_of_the_small_one_and_can_learn() -> None:
    torch.manual_seed(10)
    small, large = LocuscopeNet(TINY), LocuscopeNet(replace(TINY, layers=3, hidden=48))
    grow(small, large)
    ids = torch.randint(BASE, BASE + 4, (2, 20))
    torch.testing.assert_close(large(ids), small(ids))
    large(ids).square().sum().backward()
    assert large.blocks[2].down.weight.grad.abs().sum() > 0


def test_substitutions_learn_to_change_the_partner_more_than_other_bases(tmp_path: Path) -> None:
    run = trainer(tmp_path, 10**6, dna_first=0.0, dna_later=0.0, rate=0.01, rank=5.0, quiet=0.0)
    terms = [run.advance().get("rank_rna", np.nan) for _ in range(60)]
    assert np.nanmean(terms[-20:]) < np.nanmean(terms[:10]) - 0.1


def test_a_step_on_a_gpu_is_that_of_the_cpu_and_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = trainer(tmp_path / "here", 10)
    wanted = [here.advance() for _ in range(4)]
    with pretend_learning_gpu(monkeypatch) as gpu:
        there = trainer(tmp_path / "there", 10, gpu)
        found = []
        for _ in range(4):
            with counted() as asked:
                losses = there.queue_step()
            assert asked.waits == 0
            assert asked.launches > 100
            found.append({name: float(loss) for name, loss in losses.items()})
        there.save()
        assert trainer(tmp_path / "there", 10, gpu).step == 4
    assert any("rank_rna" in losses for losses in wanted)
    for one, two in zip(found, wanted, strict=True):
        assert one == pytest.approx(two, rel=0.02)  # matrices move by an iteration in bfloat16


def test_a_light_checkpoint_is_half_as_large_and_goes_on(tmp_path: Path) -> None:
    sizes = {}
    for light in (False, True):
        folder = tmp_path / str(light)
        run = trainer(folder, 6, light=light)
        run.run(stop_after=3)
        sizes[light] = sum(path.stat().st_size for path in (folder / "checkpoint").glob("*.safetensors"))
        rest = trainer(folder, 6, light=light)
        assert rest.step == 3
        for (name, a), (_, b) in zip(run.net.named_parameters(), rest.net.named_parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0, msg=name)
        rest.run()
        assert rest.finished
    assert sizes[True] < 0.65 * sizes[False]


def test_large_weights_are_written_in_pieces_and_small_ones_take_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = LocuscopeNet(TINY)
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 10_000)
    write_model(tmp_path / "average", TINY, dict(net.named_parameters()))
    pieces = sorted((tmp_path / "average").glob("*.safetensors"))
    assert len(pieces) > 2
    assert all(path.stat().st_size < 16_000 for path in pieces)
    back = LocuscopeNet.from_pretrained(tmp_path / "average")
    for (name, a), (_, b) in zip(net.named_parameters(), back.named_parameters(), strict=True):
        assert torch.equal(a, b), name
    card = json.loads(publish(tmp_path / "average", tmp_path / "published", {}).read_text())
    model = entry("locuscope").load(tmp_path / "published", LoadOptions())
    assert card["sha256"] == model.card.weights_sha256
    monkeypatch.setattr(checkpoint, "PIECE_BYTES", 10**9)
    write_model(tmp_path / "average", TINY, dict(net.named_parameters()), torch.float16)
    assert sorted(path.name for path in (tmp_path / "average").iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*")
def test_compiled_blocks_keep_their_names_and_their_numbers(tmp_path: Path) -> None:
    """Without the compiler itself: what is compiled has to be the same network, for checkpoints and for what is published."""
    plain, compiled = trainer(tmp_path / "plain", 2), trainer(tmp_path / "compiled", 2, compiled=True)
    assert [name for name, _ in compiled.net.named_parameters()] == [name for name, _ in plain.net.named_parameters()]
    assert all(block._compiled_call_impl is not None for block in compiled.net.blocks)
    with torch.compiler.set_stance("force_eager"):
        assert [compiled.advance() for _ in range(2)] == [plain.advance() for _ in range(2)]


def test_a_local_network_takes_what_it_can_of_a_global_one_and_learns_the_rest_from_its_teacher(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        teacher = LocuscopeNet(TINY)
    torch.nn.init.normal_(teacher.head.weight, generator=torch.Generator().manual_seed(6), std=0.3)
    write_model(tmp_path / "teacher", TINY, dict(teacher.named_parameters()))
    plan = TrainPlan(minutes=1000, steps=30, tokens=256, warmup_steps=2, seed=3, imitate=1000.0, rate=0.01)
    run = Trainer(Drawer(toy_corpus(), plan.drawing), replace(TINY, windows=(6,), reader=8, frames=True), plan, tmp_path, Workers(), "cpu")
    assert run.net.reader is not None
    run.teach(tmp_path / "teacher")
    told = [run.advance() for _ in range(30)]
    apart = [sum(value for name, value in row.items() if name.startswith("apart_") and "map" not in name) for row in told]
    assert np.mean(apart[-8:]) < 0.7 * np.mean(apart[:4])
    assert any("unlike_rna" in row and "apart_map_rna" in row for row in told)
    grow(teacher, run.net)
    assert torch.equal(run.net.stem.pairing, teacher.stem.pairing)
    assert not run.net.reader.out.weight.any()
