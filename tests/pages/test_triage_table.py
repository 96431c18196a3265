"""Order, filters and colours of the table of a triage."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.consequences import Consequence
from engine.core.splicing import SiteChange, SpliceScore
from engine.core.variants import ScoredVariant, Triage, Variant
from pages._ui.triage_desk import Desk
from pages._ui.triage_table import ORDERS, SCORES, Filters, coloured, ordered, scores_of, table
from tests.views import samples

LLR, INFLUENCE = SCORES[0], SCORES[1]


def row(position: int, term: str, llr: float | None, **more: object) -> ScoredVariant:
    consequences = (Consequence((term,), more.pop("gene", "G"), "t1"),) if term else ()
    return ScoredVariant(Variant("c", position, "A", "G"), "scored", llr=llr, consequences=consequences, **more)


ROWS = (
    row(1, "synonymous_variant", -5.0, llr_quantile=0.01),
    row(2, "missense_variant", -1.0, llr_quantile=0.3),
    row(3, "stop_gained", 0.5, llr_quantile=0.9, gene="H"),
    row(4, "stop_lost", -9.0, unranked=("llr",), below_chance="llr does not rank stop losts: measured AUROC 0.27."),
    row(5, "missense_variant", -2.0, llr_quantile=0.2),
    ScoredVariant(Variant("c", 6, "AT", "A", "rs6"), "not_scored", note="why"),
)


def frame():  # type: ignore[no-untyped-def]
    return table(Triage(ROWS, samples.provenance("triage", samples.sequence())))


@pytest.mark.parametrize(
    ("order", "positions"),
    [
        (ORDERS[0], [3, 4, 5, 2, 1, 6]),  # HIGH (the one that llr does not rank last), MODERATE, LOW, without a class
        (ORDERS[1], [1, 5, 2, 3, 4, 6]),  # by llr alone; what it does not rank, then what has none
        (ORDERS[2], [1, 2, 3, 4, 5, 6]),
    ],
)
def test_rows_are_ordered_by_impact_class_then_score(order: str, positions: list[int]) -> None:
    assert ordered(frame(), order, LLR)["position"].tolist() == positions


def test_indels_without_the_chosen_score_stand_by_their_rank() -> None:
    scored = {7: -1.0, 8: -3.0, 9: -2.0}
    indels = tuple(
        ScoredVariant(Variant("c", place, "A", "AT"), "scored", delta_pseudo_log_likelihood=value, consequences=ROWS[1].consequences)
        for place, value in scored.items()
    )
    found = ordered(table(Triage((*ROWS[:2], *indels), samples.provenance("triage", samples.sequence()))), ORDERS[0], LLR)
    assert found["position"].tolist() == [2, 8, 9, 7, 1]


def test_a_class_that_the_score_is_below_chance_for_has_no_rank_and_says_why() -> None:
    found = frame()
    assert found["rank"].isna().tolist() == [False, False, False, True, False, True]
    assert found["rank"].tolist()[:3] == [1, 3, 4]
    assert found["note"][3].startswith("llr does not rank stop losts")


def test_influence_is_ordered_from_high_to_low() -> None:
    rows = tuple(row(place, "", None, influence=value) for place, value in enumerate([0.1, 0.3, 0.2], 1))
    found = table(Triage(rows, samples.provenance("triage", samples.sequence())))
    assert [item.column for item in scores_of(found)] == ["influence"]
    assert ordered(found, ORDERS[1], INFLUENCE)["position"].tolist() == [2, 3, 1]
    assert "impact" not in found
    assert "gene" not in found


@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        (Filters(), [1, 2, 3, 4, 5, 6]),
        (Filters(text="RS6"), [6]),
        (Filters(text="c:5 a>g"), [5]),
        (Filters(text="losts"), [4]),
        (Filters(genes=("H",)), [3]),
        (Filters(classes=("missense_variant", "stop_lost")), [2, 4, 5]),
        (Filters(impacts=("HIGH",)), [3, 4]),
        (Filters(statuses=("not scored",)), [6]),
        (Filters(quantile=0.25), [1, 5]),
        (Filters(quantile=0.25, impacts=("MODERATE",)), [5]),
    ],
)
def test_filters_keep_what_they_say(filters: Filters, positions: list[int]) -> None:
    assert filters.kept(frame())["position"].tolist() == positions


def test_quantiles_are_coloured_and_stay_readable_numbers() -> None:
    styled = coloured(frame()[["position", "llr quantile"]])
    html = styled.to_html()
    assert "0.010000" in html
    assert html.count("background-color") == 4  # rare, and three others; NaN has none
    assert html.count("color: #1a1d21") == 1  # dark letters on the bright cell of the rare one


def test_the_strongest_splice_change_is_a_number_and_words() -> None:
    changes = (SiteChange(0.1, 5), SiteChange(0.0), SiteChange(0.7, 2), SiteChange(0.0))
    variant = Variant("c", 4, "A", "G")
    splice = SpliceScore(variant, "scored", "BRCA1", "-").with_changes(*changes)
    found = table(Triage((ScoredVariant(variant, "scored", splice=splice),), samples.provenance("triage", samples.sequence())))
    assert found["splice"].tolist() == [0.7]
    assert found["splice change"].tolist() == ["donor gain -2 (BRCA1)"]
    assert np.isnan(found.get("llr", np.array([np.nan]))[0])


def test_each_order_of_the_rows_has_a_table_of_its_own_so_that_no_row_opens_by_itself() -> None:
    desk = Desk(None, None, "a.vcf", b"")  # type: ignore[arg-type]
    desk.put_in_order((2, 0, 1))
    desk.picked = desk.row = 2
    desk.put_in_order((2, 0, 1))
    assert (desk.orders, desk.picked) == (1, 2)
    desk.put_in_order((1, 2))
    assert (desk.orders, desk.picked, desk.row) == (2, None, 2)
    assert desk.neighbour(-1) == 1
