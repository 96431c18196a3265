"""The judge of elements that is a model, in Streamlit's own test frame."""

from __future__ import annotations

import time
from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from engine.service.jobs import Job


def _judge() -> None:
    import streamlit as st

    from engine.core.sequence import NucleotideSequence
    from engine.service.element_scores import Judge
    from engine.service.engine import Request
    from pages._ui import element_judge, state

    shared, session = state.shared(), state.session()
    request = Request("segmentation", NucleotideSequence("ATGGCAAAACGTTAA" * 20), "locuscope-segmenter")
    if "found" not in st.session_state:
        st.session_state["found"] = shared.engine.run(request)
    runs = st.session_state["runs"]
    runs.requests = {"segmentation": request}
    element_judge._by_model(shared, session, runs, st.session_state["found"], Judge("Prodigal", (), "pyrodigal", ""))


def judged(app: AppTest) -> AppTest:
    """The page once the judge has answered."""
    end = time.monotonic() + 60
    while app.session_state["element-judge"].running and time.monotonic() < end:
        time.sleep(0.1)
    return app.run()


def test_a_judge_that_was_cancelled_says_so_and_is_asked_again() -> None:
    app = AppTest.from_function(_judge, default_timeout=60)
    app.session_state["runs"] = SimpleNamespace()
    app = judged(app.run())
    assert not app.exception
    assert len(app.dataframe) == 1
    given_up = Job("judge", None)
    given_up.finish("cancelled")
    app.session_state["element-judge"].jobs["judge"] = given_up
    app = app.run()
    assert [item.value for item in app.info] == ["It was cancelled."]
    assert not app.dataframe
    app = judged(app.button(key="judge-go").click().run())
    assert not app.exception
    assert not app.info
    assert len(app.dataframe) == 1
