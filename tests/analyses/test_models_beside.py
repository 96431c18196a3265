"""Models side by side: agreement by a second route, codes of what a model was not trained for by hand, files and figure."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.analyses.dependency import DependencyMap
from engine.analyses.models_beside import EDGE, LONG, ORGANISM, REASONS, UNKNOWN, Beside, influence_of, models_beside, trained_for
from engine.core.errors import ParameterError
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.exports.models_beside_files import FORMATS
from engine.views.models_beside import models_beside_figure
from tests.views import samples


def beside(seed: int, title: str, length: int = 30) -> Beside:
    given = samples.sequence(length)
    values = np.random.default_rng(seed).random((length, length)).astype(np.float32)
    np.fill_diagonal(values, 0)
    origin = samples.provenance("dependency", given)
    found = DependencyMap(given, values, replace(origin, card=replace(origin.card, id=title.lower(), title=title)))
    return Beside(found, influence_of(found, None), "mean of the map's row", trained_for(found.provenance.card, given))


def test_agreement_is_the_mean_spearman_correlation_of_row_and_column() -> None:
    models = tuple(beside(seed, f"M{seed}") for seed in range(3))
    found = models_beside(models)
    maps = [model.found.values.astype(float) for model in models]
    for base in (0, 7, 29):
        profiles = [np.concatenate((np.delete(values[base], base), np.delete(values[:, base], base))) for values in maps]
        pairs = [spearmanr(profiles[a], profiles[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
        assert found.agreement[base] == pytest.approx(np.mean(pairs), abs=1e-6)
    off = ~np.eye(30, dtype=bool)
    assert found.correlations[0, 2] == pytest.approx(spearmanr(maps[0][off], maps[2][off]).statistic, abs=1e-6)
    np.testing.assert_allclose(models[0].influence, maps[0].sum(axis=1) / 29, rtol=1e-6)
    same = models_beside((models[0], models[0]))
    assert same.agreement.min() == pytest.approx(1)
    assert same.titles == ("M0 (m0)", "M0 (m0)")


def test_cells_that_one_model_does_not_have_are_left_out_and_too_few_give_none() -> None:
    one, other = beside(1, "A", 12), beside(2, "B", 12)
    values = other.found.values.copy()
    values[3, :], values[:, 3] = np.nan, np.nan
    holed = replace(other, found=DependencyMap(other.found.sequence, values, other.found.provenance))
    found = models_beside((one, holed))
    assert np.isnan(found.agreement[3])
    assert np.isfinite(np.delete(found.agreement, 3)).all()


def test_maps_that_say_the_same_everywhere_have_no_correlation_and_it_is_said() -> None:
    one = beside(1, "A", 12)
    flat = replace(one, found=DependencyMap(one.found.sequence, np.zeros_like(one.found.values), one.found.provenance))
    assert models_beside((one, flat)).words().startswith("No two of the maps can be correlated")


def test_what_a_model_was_not_trained_for_is_told_base_by_base() -> None:
    card = replace(samples.CARD, max_length=4_000)
    letters = NucleotideSequence("ACGT" * 30 + "N" + "ACGT" * 30)
    codes = trained_for(card, letters)
    assert (codes[:50] == EDGE).all()
    assert (codes[-50:] == EDGE).all()
    assert codes[120] == UNKNOWN
    assert not codes[50:120].any()
    assert not trained_for(replace(card, causal=True), letters)[-50:].any()
    assert (trained_for(replace(card, trained_bp=100), letters)[:120] == LONG).all()
    assert trained_for(card, letters, "fungi", "animals")[0] == ORGANISM
    assert trained_for(card, letters, "fungi", "")[0] == EDGE
    assert not (trained_for(card, NucleotideSequence("ACGU" * 40, Alphabet.RNA)) == UNKNOWN).any()


def test_files_hold_every_model_and_the_figure_one_row_each() -> None:
    found = models_beside((beside(1, "A"), beside(2, "B")))
    with np.load(io.BytesIO(FORMATS[".npz"][1](found)), allow_pickle=False) as archive:
        assert archive["models"].tolist() == ["a", "b"]
        np.testing.assert_array_equal(archive["map_2"], found.models[1].found.values)
    text = FORMATS[".tsv"][1](found).decode()
    rows = list(csv.DictReader((line for line in text.splitlines() if not line.startswith("#")), delimiter="\t"))
    assert len(rows) == 30
    assert rows[4]["trained for B"] == REASONS[EDGE]
    assert float(rows[4]["influence A"]) == pytest.approx(found.models[0].influence[4], abs=1e-6)
    whole, strips = (models_beside_figure(found, maps=maps).to_dict() for maps in (True, False))
    assert len([trace for trace in whole["data"] if trace["type"] == "heatmap"]) == 4
    assert len([trace for trace in strips["data"] if trace["type"] == "heatmap"]) == 2
    assert whole["layout"]["height"] > strips["layout"]["height"]
    assert "0 is chance" in found.words()


def test_strips_end_where_the_maps_end_and_the_legend_stands_under_the_buttons() -> None:
    found = models_beside((beside(1, "A"), beside(2, "B")))
    drawn = models_beside_figure(found)
    strip = next(trace for trace in drawn.data if trace.fill == "tozeroy")
    assert (strip.x[0], strip.x[1], strip.x[-1]) == (0.5, 1, 30.5)
    assert (strip.customdata[0], strip.customdata[-1], len(strip.y)) == (1, 30, 32)
    assert strip.y[0] == strip.y[1]
    assert (1 - drawn.layout.legend.y) * drawn.layout.height == pytest.approx(26)


def test_one_model_and_maps_of_other_letters_are_refused() -> None:
    with pytest.raises(ParameterError, match="There is 1 model; name 2 to 6"):
        models_beside((beside(1, "A"),))
    with pytest.raises(ParameterError, match="of different letters"):
        models_beside((beside(1, "A"), beside(2, "B", 12)))
