"""The page Motif in Streamlit's own test frame: a GenBank record in the explorer, its start codons over each other."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.core.motif import Motif

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


def test_start_codons_of_the_explorers_record_become_a_logo() -> None:
    app = AppTest.from_function(_page, default_timeout=60)
    app.query_params["sequence"] = _record()
    app = until(app.run(), lambda: any(item.key == "motif-before" for item in app.number_input))
    app.number_input(key="motif-before").set_value(4)
    app.number_input(key="motif-after").set_value(6)
    app = app.button(key="motif-go").click().run()

    def done() -> bool:
        work = app.session_state.get("motif-work", None)
        return work is not None and bool(work.jobs) and not work.running

    app = until(app, done).run()
    assert not app.exception
    found = app.session_state["motif-work"].jobs["motif"].result
    assert isinstance(found, Motif)
    assert "".join("ACGT"[row.argmax()] for row in found.counts) == "GTACATGGAA"
    assert any("3 of 3 start codons" in item.value for item in app.caption)
