"""What a live figure says about itself: tags, heads, tables and cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from engine.core.features import Feature
from engine.views import beside, live
from engine.views.evidence import FigureStyle, LocusEvidence
from engine.views.figure import locus_figure
from tests.views import samples

STYLE = FigureStyle(live=True, shape="wide")
EVIL = "<img src=x onerror=alert(1)> [x](http://host)"


def known(**more: Any) -> LocusEvidence:
    given = samples.sequence()
    results = {
        "dependency": samples.dependency(),
        "effects": samples.effects(),
        "probabilities": samples.probabilities(),
        "segmentation": samples.segmentation(),
        "contacts": samples.contacts(),
    }
    features = (
        Feature(kind="tRNA", name="alaW", start=0, end=76, strand="+"),
        Feature(kind="stem", name=EVIL, start=3, end=20, strand="."),
    )
    return LocusEvidence(given, results, features, **more)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return live.facts(locus_figure(known(), STYLE), ["One.", "Two."], dark=False)


def panel(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in facts["panels"] if found["id"] == name)


def texts(nodes: list[Any]) -> Iterator[str]:
    """All texts of nodes, in order."""
    for node in nodes:
        if isinstance(node, str):
            yield node
        else:
            yield from texts(node[2:])


def rows(nodes: list[Any]) -> list[list[str]]:
    """The cells of all rows."""
    found = []
    for node in nodes:
        if not isinstance(node, str):
            found += [["".join(texts([cell])) for cell in node[2:]]] if node[0] == "tr" else rows(node[2:])
    return found


def test_every_panel_says_at_each_base_what_it_has_there(facts: dict[str, Any]) -> None:
    assert panel(facts, "influence")["tags"][71] == "influence 0.038 bits"
    assert panel(facts, "influence")["say"] == ""
    assert panel(facts, "effects")["tags"][71] == "→A −3.79  →G −3.79  →T −3.79 ln ratio"  # 4 × 71 / 75; C is the reference
    assert panel(facts, "effects")["say"] == "effect of each substitution"
    assert panel(facts, "dot_bracket")["tags"][0] == "from the map 72  stem counter 72"
    assert panel(facts, "dot_bracket")["tags"][75] == ""  # unpaired
    assert panel(facts, "genes")["tags"][5] == "alaW"
    assert all(len(found["tags"] or [""] * 76) == 76 for found in facts["panels"])
    assert not any("nan" in tag.lower() for found in facts["panels"] for tag in found["tags"] or ())


def test_of_many_values_only_the_largest_is_said() -> None:
    values = [np.array([0.1 * k, 0.5 - 0.1 * k], np.float32) for k in range(5)]
    readout = [{"label": f"e{k}", "values": one, "digits": 1, "unit": "P", "position": False} for k, one in enumerate(values)]
    found = live.tags({"id": "x", "readout": readout, "labels": None}, {"first": 1, "step": 1}, 2)
    assert found == ["e4 0.4 P", "e0 0.5 P"]


def test_partners_are_said_as_the_ruler_counts() -> None:
    given = samples.sequence(locus=True)
    evidence = LocusEvidence(given, {"contacts": samples.contacts(given)})
    found = live.facts(locus_figure(evidence, STYLE), [], dark=False)
    assert found["ruler"] == {"contig": "chrT", "first": 1076, "step": -1}
    assert panel(found, "dot_bracket")["tags"][0] == "from the map 1,005  stem counter 1,005"


def test_each_panel_names_unit_and_model_and_has_its_sentence(facts: dict[str, Any]) -> None:
    head = list(texts(panel(facts, "entropy")["head"]))
    assert head[0] == "Uncertainty"
    assert "bits · Sample model" in head
    about = " ".join(texts(panel(facts, "entropy")["about"]))
    assert "How unsure the model is of each base" in about
    assert "Model: Sample model." in about
    elements = " ".join(texts(panel(facts, "elements")["about"]))
    assert all(name in elements for name in ("gene", "CDS", "tRNA"))


def test_arcs_can_be_hit_where_they_are_drawn(facts: dict[str, Any]) -> None:
    svg = panel(facts, "arcs")["arcs"]
    assert 'viewBox="0 -1 76 1"' in svg
    assert '<path data-places="1,72" d="M0.5 0A35.5 0.9600 0 0 1 71.5 0"/>' in svg


def test_text_from_outside_stays_text(facts: dict[str, Any]) -> None:
    (name,) = panel(facts, "annotation")["names"]
    assert name[2] == EVIL
    assert EVIL not in panel(facts, "arcs")["arcs"]
    assert "<" not in "".join(value for _, attributes, *_ in [name] for value in attributes.values())


def test_the_table_of_pairs_has_the_stronger_direction_first() -> None:
    found = known()
    tabs = beside.tabs(found, STYLE, live.facts(locus_figure(found, STYLE), [], dark=False), ["Words."])
    table = rows(tabs["pairs"])
    assert table[0] == ["Changed", "Read", "Apart", "bits", "Bases"]
    assert table[1] == ["G 1", "C 72", "71", "6.00", "complementary"]
    assert len(table) == 201
    turned = samples.dependency().values.T.copy()
    other = LocusEvidence(
        found.sequence, {"dependency": type(samples.dependency())(found.sequence, turned, samples.provenance("dependency", found.sequence))}
    )
    assert rows(beside.tabs(other, STYLE, {"panels": []}, [])["pairs"])[1][:3] == ["C 72", "G 1", "71"]
    assert tabs["words"] == [["p", {}, "Words."]]


def test_the_table_of_bases_has_a_column_for_every_panel_that_says_something(facts: dict[str, Any]) -> None:
    table = rows(beside.tabs(known(), STYLE, facts, [])["bases"])
    assert table[0][:2] == ["Position", "Base"]
    assert {"Uncertainty", "Influence on other bases", "Expected bases"} <= set(table[0])
    assert len(table) == 77
    assert table[72][:2] == ["72", "C"]


def test_a_partial_map_has_no_strongest_pairs() -> None:
    found = LocusEvidence(samples.sequence(), {"dependency": samples.dependency(rows_done=19)})
    assert rows(beside.tabs(found, STYLE, {"panels": []}, [])["pairs"]) == []
    card = beside.pair_card(found, STYLE, (1, 60))
    assert ["Effect", "not computed yet"] in rows(card)


def test_the_card_of_a_pair_has_both_values_its_table_and_both_contexts() -> None:
    card = beside.pair_card(known(), STYLE, (0, 71), samples.pair(0, 71))
    found = rows(card)
    assert ["Effect", "6.00 bits"] in found
    assert ["Other way", "5.00 bits"] in found
    assert ["Possible base pair", "yes, in the dot-bracket"] in found
    assert ["A", "−7.50", "−6.50", "−5.50", "−4.50"] in found
    assert ["G", "·", "·", "·", "·"] in found  # the reference
    words = " ".join(texts(card))
    assert "Base read at 72 when 1 becomes …" in words
    waiting = " ".join(texts(beside.pair_card(known(), STYLE, (0, 71), note="The 4 × 4 table is being computed.")))
    assert "is being computed" in waiting


def test_the_card_of_a_base_has_what_every_panel_says(facts: dict[str, Any]) -> None:
    found = rows(beside.base_card(known(), STYLE, facts, 71))
    assert ["Position", "C at 72"] in found
    assert ["Influence on other bases", "influence 0.038 bits"] in found
    assert ["Possible base pairs", "from the map 1, stem counter 1"] in found
