"""GROVER agrees with the native class and tokenizer; bases are exact sums over tokens; moved boundaries are never compared."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.analyses.dependency import dependency_map
from engine.analyses.tokens import TokenParameters, token_track
from engine.core.errors import ParameterError, SequenceError, WeightsInvalid, WeightsMissing
from engine.core.protocols import EmbeddingModel, MutantModel, TokenModel
from engine.core.sequence import NucleotideSequence
from engine.models.entry import LoadOptions
from engine.models.grover import adapter
from engine.models.reading.byte_pairs import PairTokenizer
from engine.service.store import decode, encode
from tests.models.parity import compare


@pytest.fixture(scope="module")
def checkpoint(tiny: Path) -> Path:
    return tiny / "grover" / "checkpoint"


@pytest.fixture(scope="module")
def expected(golden: Path) -> dict[str, np.ndarray]:
    with np.load(golden / "grover" / "expected.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def golden_model(golden: Path) -> Any:
    return adapter.load(golden / "grover" / "checkpoint", LoadOptions())


@pytest.fixture(scope="module")
def sequences() -> list[str]:
    generator = random.Random(11)
    return ["".join(generator.choices("ACGT", k=length)) for length in (40, 85, 120, 85)]


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Any:
    return adapter.load(checkpoint, LoadOptions())


@pytest.fixture(scope="module")
def tokenizer(checkpoint: Path) -> PairTokenizer:
    return PairTokenizer(checkpoint)


def test_tokens_offsets_logits_and_hidden_states_are_the_native_ones(
    golden_model: Any, golden: Path, expected: dict[str, np.ndarray]
) -> None:
    for index, text in enumerate(json.loads((golden / "grover" / "inputs.json").read_text())["sequences"]):
        reference = golden_model.prepare(NucleotideSequence(text.upper()))
        compare("grover", f"{index}_ids", reference.ids, expected[f"{index}_ids"], 0)
        compare("grover", f"{index}_offsets", [(0, 0), *reference.tokens.spans, (0, 0)], expected[f"{index}_offsets"], 0)
        with torch.inference_mode():
            compare("grover", f"{index}_logits", golden_model.net(reference.ids[None])[0], expected[f"{index}_logits"])
            compare("grover", f"{index}_hidden", golden_model.net.hidden(reference.ids[None])[0], expected[f"{index}_hidden"])
        layers = golden_model.layer_states(NucleotideSequence(text.upper()))
        assert layers.shape == (golden_model.net.config.layers + 1, len(reference.tokens.ids), golden_model.net.config.width)
        compare("grover", f"{index}_layers", layers[-1], expected[f"{index}_hidden"][1:-1])


def test_masked_tokens_are_the_native_ones(golden_model: Any, expected: dict[str, np.ndarray]) -> None:
    ids = torch.from_numpy(expected["masked_ids"])
    assert (ids == golden_model.tokenizer.special["mask_token"]).any()
    with torch.inference_mode():
        compare("grover", "masked_logits", golden_model.net(ids[None])[0], expected["masked_logits"])


def slow_base_scores(model: Any, ids: torch.Tensor, lengths: list[int]) -> np.ndarray:
    """p of the four bases at each base by loops over tokens and vocabulary."""
    with torch.inference_mode():
        probabilities = torch.softmax(model.net(ids[None])[0].double(), dim=-1).numpy()
    rows = []
    for row, length in enumerate(lengths):
        for offset in range(length):
            sums = dict.fromkeys("ACGT", 0.0)
            for index, letters in model.tokenizer.letters.items():
                if len(letters) > offset:
                    sums[letters[offset]] += probabilities[row, index]
            rows.append([sums[base] for base in "ACGT"])
    return np.log(np.array(rows))


def test_base_scores_are_sums_over_the_tokens_that_could_stand_there(model: Any, sequences: list[str]) -> None:
    for text in (sequences[0], sequences[3]):
        reference = model.prepare(NucleotideSequence(text))
        lengths = [0, *(end - start for start, end in reference.tokens.spans), 0]
        with torch.inference_mode():
            got = model.base_logits(reference, reference.ids[None], normalised=True)[0].numpy()
            position = 17
            hidden = model.base_logits(reference, model.masked(reference, torch.tensor([position])))[0].numpy()
        assert np.abs(got - slow_base_scores(model, reference.ids, lengths)).max() < 1e-5
        masked = reference.ids.clone()
        masked[1 + reference.tokens.at(position)] = model.tokenizer.special["mask_token"]
        assert np.abs(hidden - slow_base_scores(model, masked, lengths)).max() < 1e-5


def test_splicing_equals_tokenising_everything(tokenizer: PairTokenizer) -> None:
    generator = random.Random(2)
    texts = ["".join(generator.choices("ACGT", k=150)) for _ in range(6)] + ["T" * 60, "ACGN" * 20, "TTTT" * 5 + "ACAG" * 9, "A", "TT"]
    grown = 0
    for text in texts:
        tokens = tokenizer.tokenise(text)
        for position in range(len(text)):
            for base in "ACGT".replace(text[position], ""):
                got = tokenizer.substituted(text, tokens, position, base)
                assert got == tokenizer.tokenise(text[:position] + base + text[position + 1 :])
                grown += got.spans != tokens.spans
    assert grown > 100


def test_splicing_grows_its_window_until_the_seams_hold(tokenizer: PairTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.reading.byte_pairs._CONTEXT_TOKENS", 0)
    text = "".join(random.Random(3).choices("ACGT", k=120)) + "T" * 30
    tokens = tokenizer.tokenise(text)
    for position in range(len(text)):
        got = tokenizer.substituted(text, tokens, position, "G" if text[position] != "G" else "C")
        assert got.ids == tokenizer.tokenise(text[:position] + ("G" if text[position] != "G" else "C") + text[position + 1 :]).ids


def test_mutants_are_scored_by_their_own_tokens_and_moved_boundaries_are_nan(model: Any, sequences: list[str]) -> None:
    letters = sequences[1]
    reference = model.prepare(NucleotideSequence(letters))
    changes = [(i, b) for i in range(0, len(letters), 7) for b in range(4) if "ACGT"[b] != letters[i]]
    positions, alternates = (torch.tensor(column) for column in zip(*changes, strict=True))
    with torch.inference_mode():
        together = model.mutant_logits(reference, positions, alternates).numpy()
    moved = 0
    for row, (position, base) in enumerate(changes):
        mutant = model.prepare(NucleotideSequence(letters[:position] + "ACGT"[base] + letters[position + 1 :]))
        with torch.inference_mode():
            alone = model.base_logits(mutant, mutant.ids[None])[0].numpy()
        same = np.array(
            [reference.tokens.spans[reference.tokens.at(j)] == mutant.tokens.spans[mutant.tokens.at(j)] for j in range(len(letters))]
        )
        assert np.isnan(together[row][~same]).all()
        assert np.abs(together[row][same] - alone[same]).max() < 1e-5
        moved += (~same).sum()
    assert moved > 0


def test_the_dependency_map_leaves_out_what_cannot_be_compared(model: Any, sequences: list[str]) -> None:
    result = dependency_map(model, NucleotideSequence(sequences[0]))
    assert np.isfinite(np.diag(result.values)).all()
    assert np.nanmax(result.values) > 0


def test_the_token_track_holds_each_token_masked(model: Any, sequences: list[str]) -> None:
    sequence = NucleotideSequence(sequences[0])
    track = token_track(model, sequence)
    reference = model.prepare(sequence)
    assert "".join(track.tokens) == sequence.letters
    for index in (0, 5, len(track.tokens) - 1):
        ids = reference.ids.clone()
        own = int(ids[1 + index])
        ids[1 + index] = model.tokenizer.special["mask_token"]
        with torch.inference_mode():
            p = torch.softmax(model.net(ids[None])[0, 1 + index], dim=-1)[own]
        assert track.probabilities[index] == pytest.approx(float(p), rel=1e-4)


def test_flanks_are_context_only(model: Any, sequences: list[str]) -> None:
    letters = sequences[2]
    spans, tokens, probabilities = model.token_spans(NucleotideSequence(letters), flanks=(20, 30))
    whole, names, values = model.token_spans(NucleotideSequence(letters))
    kept = [i for i, (start, end) in enumerate(whole) if start >= 20 and end <= len(letters) - 30]
    assert spans.tolist() == [[start - 20, end - 20] for start, end in whole[kept]]
    assert tokens == tuple(names[i] for i in kept)
    assert np.allclose(probabilities, values[kept], atol=1e-6)
    with pytest.raises(ParameterError, match="flanks"):
        model.token_spans(NucleotideSequence("ACGT"), flanks=(2, 2))


def test_candidates_at_a_token_and_behind_the_last(model: Any, sequences: list[str]) -> None:
    sequence = NucleotideSequence(sequences[0])
    reference = model.prepare(sequence)
    count = len(reference.tokens.ids)
    texts, chances = model.token_candidates(sequence, [3, count, 0], model.tokenizer.size)
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-4)
    assert (np.diff(chances, axis=1) <= 0).all()
    _, tokens, own = model.token_spans(sequence)
    for row, token in ((0, 3), (2, 0)):
        assert chances[row][texts[row].index(tokens[token])] == pytest.approx(float(own[token]), rel=1e-4)
    ids = torch.cat((reference.ids[:-1], torch.tensor([model.tokenizer.special["mask_token"]]), reference.ids[-1:]))
    with torch.inference_mode():
        following = torch.softmax(model.net(ids[None])[0, -2], dim=-1)
    assert texts[1][0] == model.tokenizer.token(int(following.argmax()))
    assert chances[1][0] == pytest.approx(float(following.max()), rel=1e-4)
    for tokens, number in (([count + 1], 3), ([-1], 3), ([0], 0)):
        with pytest.raises(ParameterError, match="exist"):
            model.token_candidates(sequence, tokens, number)


def test_the_analysis_lists_candidates_and_leaves_out_flanks(model: Any, sequences: list[str]) -> None:
    sequence = NucleotideSequence(sequences[2])
    whole = token_track(model, sequence)
    assert whole.candidate_probabilities is None
    track = token_track(model, sequence, TokenParameters(flank_bp=20, candidates=4))
    kept = [i for i, (start, end) in enumerate(whole.spans) if start >= 20 and end <= len(sequence) - 20]
    assert 0 < len(kept) < len(whole.tokens)
    assert track.spans.tolist() == whole.spans[kept].tolist()
    assert track.tokens == tuple(whole.tokens[i] for i in kept)
    assert track.candidate_probabilities is not None
    assert track.candidate_probabilities.shape == (len(kept) + 1, 4)
    following, _ = model.token_candidates(sequence, [len(whole.tokens)], 4)
    assert track.candidate_tokens[-4:] == following[0]
    again = decode(encode(track, "key"), sequence)
    assert again.candidate_tokens == track.candidate_tokens
    assert np.array_equal(again.candidate_probabilities, track.candidate_probabilities)
    with pytest.raises(ParameterError, match="leave nothing"):
        token_track(model, NucleotideSequence("ACGTACGT"), TokenParameters(flank_bp=4))


def test_too_many_tokens_are_refused_with_their_number(model: Any) -> None:
    assert model.most_tokens == 78
    with pytest.raises(SequenceError, match=r"make \d+ tokens; .* takes 78"):
        model.prepare(NucleotideSequence("".join(random.Random(1).choices("ACGT", k=300))))
    with pytest.raises(SequenceError):
        model.prepare(NucleotideSequence("N" * 79))


def test_a_mutant_with_one_token_too_many_is_refused(model: Any) -> None:
    letters = "N" * 77 + "GTG"
    reference = model.prepare(NucleotideSequence(letters))
    assert len(reference.tokens.ids) == 78
    with pytest.raises(SequenceError, match="make 79 tokens"):
        model.mutants(reference, torch.tensor([78]), torch.tensor([0]))


def test_another_size_and_head_count_equal_the_native_class(checkpoint: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=96, hidden_size=24, num_hidden_layers=3, num_attention_heads=6, intermediate_size=40, max_position_embeddings=50
    )
    native = BertForMaskedLM(config).eval()
    native.save_pretrained(tmp_path)
    shutil.copy(checkpoint / "tokenizer.json", tmp_path)
    model = adapter.load(tmp_path, LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGTTGCAACGTAGCTAGGATACGTTG"))
    with torch.inference_mode():
        assert torch.allclose(model.net(reference.ids[None]), native(reference.ids[None]).logits, atol=1e-5)
    assert model.most_tokens == 48


def test_every_layer_equals_the_native_classs_hidden_states(checkpoint: Path, model: Any, sequences: list[str]) -> None:
    from transformers import BertForMaskedLM

    native = BertForMaskedLM.from_pretrained(checkpoint).eval()
    sequence = NucleotideSequence(sequences[1])
    with torch.inference_mode():
        states = native(model.prepare(sequence).ids[None], output_hidden_states=True).hidden_states
    np.testing.assert_allclose(model.layer_states(sequence), torch.cat(states)[:, 1:-1].numpy(), atol=1e-5)
    spans, texts = model.tokenised(sequence)
    assert "".join(texts) == sequences[1]
    assert spans[-1, 1] == len(sequences[1])
    assert set(texts) <= set(model.vocabulary_letters)


def test_a_tokenizer_without_special_tokens_around_works(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy")
    path = tmp_path / "copy" / "tokenizer.json"
    path.chmod(0o644)
    (tmp_path / "copy").chmod(0o755)
    settings = json.loads(path.read_text())
    settings["post_processor"] = None
    path.write_text(json.dumps(settings))
    model = adapter.load(tmp_path / "copy", LoadOptions())
    reference = model.prepare(NucleotideSequence("ACGTTGCAACG"))
    assert (model.tokenizer.before, model.tokenizer.after, model.most_tokens) == ((), (), 80)
    with torch.inference_mode():
        assert model.base_logits(reference, reference.ids[None]).shape == (1, 11, 4)


@pytest.mark.parametrize("text", ["", "{}", '{"model": {"vocab": []}}', '{"model": {"vocab": {"A": 0}, "type": "BPE"}}'])
def test_a_broken_tokenizer_file_is_told(text: str, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"tokenizer\.json"):
        PairTokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(WeightsInvalid):
        PairTokenizer(tmp_path)


def test_the_model_keeps_its_contract(model: Any) -> None:
    for protocol in (MutantModel, TokenModel, EmbeddingModel):
        assert isinstance(model, protocol)
    assert model.embeddings(NucleotideSequence("ACGTTGCA")).shape == (8, 24)
    assert "100 bases more" in adapter.layout_note("grover", NucleotideSequence("ACGT"))
