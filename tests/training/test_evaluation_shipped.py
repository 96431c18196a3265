"""What ships says what was measured: cards, README and pages hold the numbers of assets/models/evaluation.json, of the weights beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.core import evaluation
from engine.core.evaluation import PARTS
from engine.core.stems import STEM_COUNT_GROWTH
from engine.models.registry import entry
from engine.service.named_benchmarks import measured
from engine.training.evaluate import LANGUAGE, LOCAL, SEGMENTER
from engine.training.tables import BEGIN, insert, markdown, summary
from engine.views.evidence import LocusEvidence
from engine.views.figure import locus_figure
from tests.views import samples

ROOT = Path(__file__).resolve().parents[2]
HELD = json.loads((ROOT / "assets" / "models" / "evaluation.json").read_text(encoding="utf-8"))
OF_LOCAL = json.loads((ROOT / "assets" / "models" / LOCAL / "evaluation.json").read_text(encoding="utf-8"))


def sha256(name: str) -> str:
    return str(json.loads((ROOT / "assets" / "models" / name / "card.json").read_text(encoding="utf-8"))["sha256"])


def test_everything_was_measured_with_the_weights_that_ship() -> None:
    assert HELD["weights_sha256"] == {part: sha256(SEGMENTER if part == "segmentation" else LANGUAGE) for part in PARTS if part in HELD}
    assert OF_LOCAL["weights_sha256"] == {part: sha256(LOCAL) for part in PARTS if part in OF_LOCAL}
    assert {"bits", "contacts", "variants"} <= set(OF_LOCAL)


@pytest.mark.parametrize(("page", "text"), [("assets/models/README.md", markdown(HELD)), ("README.md", summary(HELD))])
def test_a_page_holds_the_tables_as_they_were_measured(page: str, text: str) -> None:
    given = (ROOT / page).read_text(encoding="utf-8")
    assert BEGIN in given
    assert insert(given, text) == given


def test_thresholds_of_stems_are_those_that_were_set_on_the_calibration_set() -> None:
    assert entry("locuscope").card.contact_growth == HELD["contacts"]["thresholds"]["stems"]
    assert entry("locuscope-local").card.contact_growth == OF_LOCAL["contacts"]["thresholds"]["stems"]
    assert HELD["contacts"]["thresholds"]["stem_counter"] == STEM_COUNT_GROWTH


@pytest.mark.parametrize("held", [HELD, OF_LOCAL], ids=[LANGUAGE, LOCAL])
def test_every_group_of_short_rnas_and_of_variants_is_large_enough_and_long_rnas_are_five(held: dict[str, Any]) -> None:
    assert all(row["rnas"] >= (5 if row["long"] else 30) for row in held["contacts"]["sets"])
    assert all(min(row["harmful"], row["others"]) >= 30 for row in held["variants"])
    assert all(row["sequences"] >= 30 for row in held["bits"])


def test_contacts_are_shown_with_what_was_measured_of_the_recipe_and_of_the_baselines_for_these_weights_only() -> None:
    card = replace(entry("locuscope").card, weights_sha256=sha256(LANGUAGE))
    words = evaluation.contacts_words(card, {"recipe": "stems_rna"}, rna=False)
    assert evaluation.contacts_words(card, {"recipe": "stems"}, rna=True) == words
    row = next(row for row in HELD["contacts"]["sets"] if row["set"] == evaluation.SAID[0])
    own, counter = (row["readings"][name] for name in ("stems", "stem_counter"))
    assert f"{own['sensitivity'][0]:.2f} / {own['ppv'][0]:.2f} (stem counter {counter['sensitivity'][0]:.2f}" in words
    assert words.count("n = ") == len(evaluation.SAID)
    as_dna = evaluation.contacts_words(
        card, {"recipe": "stems", "threshold_given": None, "minimum_loop": 3, "precision": "exact"}, rna=False
    )
    told = row["readings"]["stems_dna"]
    assert f"{told['sensitivity'][0]:.2f} / {told['ppv'][0]:.2f} (stem counter" in as_dna
    assert as_dna.count("n = ") == sum("stems_dna" in row["readings"] for row in HELD["contacts"]["sets"] if row["set"] in evaluation.SAID)
    other = evaluation.contacts_words(card, {"recipe": "stems", "threshold_given": 2.0, "minimum_loop": 4}, rna=False)
    assert other.endswith("changed here: threshold, minimum loop.")
    published = {"recipe": "published", "threshold_given": 0.0, "any_letters": True}
    assert evaluation.contacts_words(card, published, rna=False).count("n = ") == len(evaluation.SAID)
    assert evaluation.contacts_words(replace(card, weights_sha256="0" * 64), {"recipe": "stems", "threshold_given": 2.0}, rna=True) == ""
    assert evaluation.contacts_words(card, {"recipe": "other"}, rna=True) == ""
    assert f"{HELD['contacts']['compensation'][0]['first'][0]:.0%} of annotated pairs (" in evaluation.compensation_words(card)
    assert evaluation.compensation_words(replace(card, weights_sha256="")) == ""


@pytest.mark.parametrize("name", ["archiveii", "rfam"])
def test_benchmarks_of_contacts_have_their_baselines_and_intervals(name: str) -> None:
    lines = measured(name)
    assert {line.score for line in lines if line.baseline} >= {"stem counter", "ViennaRNA"}
    assert all(line.low is not None and line.high is not None and line.low <= line.value <= line.high for line in lines)


def test_the_panel_of_possible_pairs_says_it_of_what_it_shows_and_a_memory_is_named_beside_the_model() -> None:
    given = samples.sequence()
    found = samples.contacts(given)
    card = replace(entry("locuscope").card, weights_sha256=sha256(LANGUAGE))
    shown = replace(found, provenance=replace(found.provenance, card=card, parameters={"recipe": "stems_rna"}))
    letters = samples.probabilities(given)
    remembered = replace(letters, provenance=replace(letters.provenance, card=card, memory="it has a say at 9 of 76 bases"))
    figure = locus_figure(LocusEvidence(given, {"contacts": shown, "probabilities": remembered}))
    panels = {panel["id"]: panel for panel in figure.layout.meta["panels"]}
    assert evaluation.contacts_words(card, {"recipe": "stems_rna"}, rna=True) in panels["dot_bracket"]["reading"]
    assert panels["entropy"]["model"] == "Locuscope and its memory of relatives"
    assert any("Locuscope and its memory of relatives" in note.text for note in figure.layout.annotations)
