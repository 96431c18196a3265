"""The page Motif in Streamlit's own test frame: a GenBank record in the explorer, its start codons over each other."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.motif import Motif, MotifParameters
from engine.service.jobs import Job
from pages._ui import motif_address, motif_page

GENE = "ATGGAACATAAGGCGTTAGCGTAA"


def _page() -> None:
    from pages._ui.motif_page import page

    page()


def _record() -> str:
    """GenBank text of three genes."""
    letters = "".join("TTGACAGCCTAGGAGGTAC" + GENE for _ in range(3)) + "ACGTTGCAACGTTGCA"
    features = "".join(
        f'     CDS             {start + 1}..{start + len(GENE)}\n                     /gene="g{start}"\n'
        for start in (19, 19 + 43, 19 + 86)
    )
    rows = "".join(f"{index + 1:>9} {letters[index : index + 60].lower()}\n" for index in range(0, len(letters), 60))
    head = f"LOCUS       toy {len(letters):>24} bp    DNA     linear   BCT 01-JAN-2000\nFEATURES             Location/Qualifiers\n"
    return f"{head}{features}ORIGIN\n{rows}//\n"


def until(app: AppTest, done: Callable[[], bool]) -> AppTest:
    """The page run again until ``done``."""
    end = time.monotonic() + 90
    while not done() and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    return app


def opened(**address: str) -> AppTest:
    """The page with its form."""
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return until(app.run(), lambda: any(item.key == "motif-before" for item in app.number_input))


def aligned(app: AppTest) -> Motif:
    """What the page shows once it is computed."""

    def done() -> bool:
        work = app.session_state.get("motif-work", None)
        return work is not None and bool(work.jobs) and not work.running

    app = until(app, done).run()
    assert not app.exception
    found = app.session_state["motif-work"].jobs["motif"].result
    assert isinstance(found, Motif)
    return found


def test_start_codons_of_the_explorers_record_become_a_logo() -> None:
    app = opened(sequence=_record())
    app.number_input(key="motif-before").set_value(4)
    app.number_input(key="motif-after").set_value(6)
    app = app.button(key="motif-go").click().run()
    found = aligned(app)
    assert "".join("ACGT"[row.argmax()] for row in found.counts) == "GTACATGGAA"
    assert any("3 of 3 start codons, read by Locuscope, no species or domain named; it expects" in item.value for item in app.caption)


def test_a_row_that_is_ticked_opens_its_place_by_a_button_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sequence=_record(), before="4", after="6", aligned="1")
    aligned(app)
    place = app.session_state["motif-work"].request.aligned.places[1]
    assert "Click the box at the left of a row\\: a button below opens its place in the explorer." in [item.value for item in app.caption]
    assert not [item for item in app.button if item.key == "motif-open"]
    monkeypatch.setattr(motif_page, "grid", lambda *_, **options: {"selection": {"rows": [1]}} if "on_select" in options else None)
    assert app.run().button(key="motif-open").label.replace("\\", "") == f"Open {place.locus} in the explorer"


def test_a_cancelled_motif_says_so_and_starts_again() -> None:
    app = opened(sequence=_record(), before="4", after="6", aligned="1")
    found = aligned(app)
    work = app.session_state["motif-work"]
    given_up = Job("motif", None)
    given_up.finish("cancelled")
    work.jobs["motif"] = given_up
    app = app.run()
    assert not app.exception
    assert any(item.value.startswith("It was cancelled. 3 of 3 places, 30 passes") for item in app.caption)
    app = app.button(key="motif-start").click().run()
    assert (aligned(app).each == found.each).all()
    assert not any("It was cancelled" in item.value for item in app.caption)


def test_the_address_draws_the_logo_again() -> None:
    address = {
        "example": "lambda-or",
        "at": "feature",
        "feature": "operator",
        "before": "0",
        "after": "17",
        "context": "126",
        "aligned": "1",
    }
    app = opened(**address)
    found = aligned(app)
    assert len(found) == 3
    assert found.counts.shape == (17, 4)
    assert dict(app.query_params) == {**address, "by": "locuscope"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"at": "middle"}, "at='middle', so it was left out: at is 'middle'; allowed: start, stop, donor, acceptor, feature."),
        ({"before": "many"}, "before is 'many'; a whole number is needed."),
        ({"context": "0"}, "context_bp is 0; allowed: 1 to 1,000,000 bases."),
        ({"by": "none-such"}, "by='none-such'; it can be locuscope"),
        ({"by": "locuscope", "domain": "fungi"}, "domain='fungi'; it can be rna"),
        ({"genome": "R65"}, "genome='R65'; it can be R64"),
    ],
)
def test_what_an_address_cannot_mean_is_left_out_and_said(given: dict[str, str], told: str) -> None:
    (problem,) = motif_address.read(given, ("R64",), {"locuscope": ("rna",)}).problems
    assert told in problem


def test_an_address_is_read_as_it_was_written() -> None:
    wanted = motif_address.Wanted(
        "R64", MotifParameters("feature", "tRNA", "last", 3, 9, 256, 0, 1, True), "locuscope", "rna", aligned=True
    )
    assert motif_address.read(wanted.texts(), ("R64",), {"locuscope": ("rna",)}) == wanted
