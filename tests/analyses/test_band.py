"""Long sequences in tiles: what is put together is what the tiles say, cell by cell, and says that it is tiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.analyses.band import BandParameters, DependencyBand
from engine.analyses.effects import EffectParameters
from engine.analyses.pattern_scores import block_score_per_base
from engine.analyses.probabilities import ProbabilityParameters
from engine.analyses.tiling import tiles
from engine.core.errors import ParameterError, SequenceError
from engine.core.locus import Locus
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service.engine import Engine, Request
from tests.fake_model import Calls, FakeRegistry

LETTERS = "".join("ACGT"[value] for value in np.random.default_rng(7).integers(0, 4, 700))
PLACED = NucleotideSequence(LETTERS, locus=Locus("R64", "chrI", 1000, 1700))
BAND = BandParameters(band=16, tile=64)


@pytest.fixture
def calls() -> Calls:
    return Calls(batch=64)


@pytest.fixture
def engine(tmp_path: Path, calls: Calls) -> Engine:
    return Engine(Settings(home=tmp_path / "home", model="pairs"), FakeRegistry(tmp_path / "models", calls))


def test_tiles_begin_at_multiples_on_the_contig_and_answer_for_each_base_once() -> None:
    forward = tiles(PLACED, 256, 20)
    assert [(tile.first + 1000, tile.last + 1000) for tile in forward] == [(1000, 1024), (1024, 1280), (1280, 1536), (1536, 1700)]
    assert [(tile.start + 1000, tile.end + 1000) for tile in forward] == [(1000, 1044), (1004, 1300), (1260, 1556), (1516, 1700)]
    turned = tiles(PLACED.reverse_complement(), 256, 20)
    assert [(1700 - tile.last, 1700 - tile.first) for tile in turned][::-1] == [(1000, 1024), (1024, 1280), (1280, 1536), (1536, 1700)]
    assert [tile[2:] for tile in tiles(NucleotideSequence("ACGT" * 30), 50, 5)] == [(0, 50), (50, 100), (100, 120)]
    assert [tile[2:] for tile in tiles(NucleotideSequence("ACGT"), 50, 5)] == [(0, 4)]


def test_a_band_is_the_whole_map_of_each_tile_cell_by_cell(engine: Engine) -> None:
    found = engine.run(Request("band", PLACED, parameters=BAND))
    assert found.values.shape == (700, 33)
    for tile in tiles(PLACED, 64, 16):
        whole = engine.run(Request("dependency", PLACED.window(tile.start, tile.end)))
        for base in range(tile.first, tile.last):
            for distance in range(-16, 17):
                read = base + distance
                told = found.values[base, 16 + distance]
                if tile.start <= read < tile.end:
                    assert told == whole.values[base - tile.start, read - tile.start]
                else:
                    assert np.isnan(told)
                    assert not 0 <= read < 700
    assert np.nanmax(found.values) > 1


def test_of_a_sequence_of_one_tile_the_band_is_that_of_the_whole_map_with_its_block_scores_and_pairs(engine: Engine) -> None:
    short = NucleotideSequence(LETTERS[:60])
    whole = engine.run(Request("dependency", short))
    found = engine.run(Request("band", short, parameters=BandParameters(band=59, tile=64)))
    rows, columns = np.indices(whole.values.shape)
    assert found.values[rows, 59 + columns - rows].tolist() == whole.values.tolist()
    np.testing.assert_array_equal(found.block_scores(), block_score_per_base(whole.values))
    mine, theirs = found.pairs_of_bases(), whole.pairs_of_bases()
    assert mine.indices[:30].tolist() == theirs.indices[:30].tolist()
    assert [track.values.tolist() for track in found.tracks()[:2]] == [track.values.tolist() for track in whole.tracks()]


@pytest.mark.parametrize(
    ("analysis", "tiled", "whole", "names"),
    [
        ("probabilities", ProbabilityParameters(masked=True, tile=64, halo=16), ProbabilityParameters(masked=True), ["values"]),
        ("effects", EffectParameters(tile=64, halo=16), EffectParameters(), ["influence"]),
    ],
)
def test_values_a_base_are_those_of_the_tiles(engine: Engine, analysis: str, tiled: object, whole: object, names: list[str]) -> None:
    found = engine.run(Request(analysis, PLACED, parameters=tiled))  # type: ignore[arg-type]
    for tile in tiles(PLACED, 64, 16):
        part = engine.run(Request(analysis, PLACED.window(tile.start, tile.end), parameters=whole))  # type: ignore[arg-type]
        inside = slice(tile.first - tile.start, tile.last - tile.start)
        for name in names:
            np.testing.assert_array_equal(getattr(found, name)[tile.first : tile.last], getattr(part, name)[inside])


def test_a_gap_of_the_assembly_wider_than_a_tile_leaves_the_rest_answered(engine: Engine) -> None:
    """The tile 64-127 with 16 bases on either side is N throughout; alone such letters are still refused."""
    gapped = NucleotideSequence(LETTERS[:40] + "N" * 110 + LETTERS[150:200])
    effects = engine.run(Request("effects", gapped, parameters=EffectParameters(tile=64, halo=16)))
    assert np.flatnonzero(np.isfinite(effects.influence).any(axis=1)).tolist() == [*range(40), *range(150, 200)]
    band = engine.run(Request("band", gapped, parameters=BAND))
    assert np.isnan(band.values[40:150]).sum() >= 110 * 32
    assert np.isfinite(band.values[:40]).any(axis=1).all()
    assert np.isfinite(engine.run(Request("probabilities", gapped, parameters=ProbabilityParameters(tile=64, halo=16))).values[:40]).all()
    with pytest.raises(SequenceError, match="no A, C, G, T or U"):
        engine.run(Request("effects", gapped.window(40, 150)))


def test_a_tiled_answer_has_a_key_of_its_own_and_says_what_it_is(engine: Engine) -> None:
    letters = NucleotideSequence(LETTERS[:200])
    keys = {
        engine.resolved(Request("effects", letters, parameters=parameters)).key
        for parameters in (None, EffectParameters(tile=64), EffectParameters(tile=128), EffectParameters(tile=64, halo=8))
    }
    assert len(keys) == 4
    found = engine.run(Request("effects", letters, parameters=EffectParameters(tile=64, halo=16)))
    assert "in tiles of 64 bases with 16 read on either side" in found.words()
    assert found.provenance.parameters | {"tile": 64, "halo": 16, "tiles": 4} == found.provenance.parameters
    assert not engine.run(Request("effects", letters)).provenance.tiled
    assert "tile" not in EffectParameters().as_dict()


def test_neighbouring_windows_share_their_tiles(engine: Engine, calls: Calls) -> None:
    engine.run(Request("band", PLACED.window(0, 500), parameters=BAND))
    before = calls.passes
    engine.run(Request("band", PLACED.window(24, 524), parameters=BAND))
    new = calls.passes - before
    assert 0 < new <= 3 * (3 * 96 + 1)  # the tiles at both ends, which have other bases beside them now, and one that is new
    assert new < before / 2


def test_effects_and_band_share_their_passes_and_the_estimate_says_so(engine: Engine, calls: Calls) -> None:
    band, effects = Request("band", PLACED, parameters=BAND), Request("effects", PLACED, parameters=EffectParameters(tile=64, halo=16))
    together = engine.estimate(band).passes + engine.estimate(effects, [band, effects]).passes
    engine.run(band)
    engine.run(effects)
    assert calls.passes == together < engine.estimate(band).passes + engine.estimate(effects).passes


def test_the_cost_of_what_a_visitor_has_asked_for_before_is_not_counted_again(engine: Engine) -> None:
    engine.jobs.here("ada")
    first, second = (Request("band", PLACED.window(start, start + 500), parameters=BAND) for start in (0, 24))
    job = engine.submit(first, "ada")
    assert job.wait(60)
    whole = engine.estimate(second).passes
    assert engine.estimate(second, visitor="ada").passes < whole / 2
    assert engine.estimate(second, visitor="ben").passes == whole


def test_a_sequence_longer_than_the_model_reads_has_a_band_and_tiles_that_are_too_long_are_refused(engine: Engine) -> None:
    assert isinstance(engine.run(Request("band", PLACED, parameters=BAND)), DependencyBand)
    with pytest.raises(ParameterError, match="A tile of 256 bases with 128 on either side has 512; Pairs reads up to 400"):
        engine.run(Request("band", PLACED))
