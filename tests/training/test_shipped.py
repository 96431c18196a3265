"""The weights in assets/models are what their cards say, and know what they should."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.analyses.ranking import auroc
from engine.core.base_pairs import pairs_of_dot_bracket, partners
from engine.models.locuscope.network import LocuscopeNet
from engine.models.locuscope.segmenter_network import LocuscopeSegmenter
from engine.training.letters import encode
from engine.training.metrics import pair_matrix
from engine.training.publish import digest
from engine.training.scoring import Scorer

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models"
TRNA = "GGGGCTATAGCTCAGCTGGGAGAGCGCTTGCATGGCATGCAAGAGGTCAGCGGTTCGATCCCGCTTAGCTCCACCA"
CLOVERLEAF = "(((((((..((((........)))).(((((.......))))).....(((((.......))))))))))))...."


def shipped() -> list[Path]:
    return sorted(path.parent for path in MODELS.glob("*/card.json"))


@pytest.mark.parametrize("folder", shipped(), ids=lambda path: path.name)
def test_a_shipped_model_has_the_digest_of_its_card(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["sha256"] == digest(folder / card["weights"])
    assert card["limitations"]


def test_all_shipped_weights_fit_the_budget_and_none_is_a_pickle() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if path.suffix == ".safetensors") <= 24 * 2**20
    assert not [path for path in files if path.suffix in (".pt", ".pth", ".bin", ".pkl", ".ckpt")]


def test_the_map_of_a_trna_shows_its_cloverleaf() -> None:
    torch.set_num_threads(1)
    scorer = Scorer(LocuscopeNet.from_pretrained(MODELS / "locuscope-lm"))
    score = scorer.contacts(encode(TRNA))
    i, j = np.triu_indices(len(TRNA), 1)
    assert auroc(score[i, j], pair_matrix(partners(len(CLOVERLEAF), pairs_of_dot_bracket(CLOVERLEAF)).astype(np.int32))[i, j]) > 0.85


def test_the_segmenter_finds_an_open_frame_on_the_strand_it_lies_on() -> None:
    folder = MODELS / "locuscope-segmenter"
    if not (folder / "card.json").is_file():
        pytest.skip("the segmenter is not shipped yet")
    net = LocuscopeSegmenter.from_pretrained(folder)
    assert net.config.elements[:2] == ("CDS_forward", "CDS_reverse")


@pytest.mark.gpu
def test_gpu_and_cpu_agree_within_a_thousandth() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    net = LocuscopeNet.from_pretrained(MODELS / "locuscope-lm")
    ids = Scorer(net).ids(encode(TRNA), "rna")
    with torch.no_grad():
        here, there = net(ids), net.cuda()(ids.cuda()).cpu()
    torch.testing.assert_close(here, there, rtol=1e-3, atol=1e-3)
