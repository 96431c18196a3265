"""A page that is left for another one and come back to in the same session: Streamlit forgets its widgets meanwhile."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _room(module: str) -> None:
    import importlib

    import streamlit as st

    if not st.session_state.get("elsewhere"):
        importlib.import_module(f"pages._ui.{module}").page()


def room(module: str, **address: str) -> AppTest:
    """The page of a module of ``pages/_ui`` at an address."""
    app = AppTest.from_function(_room, kwargs={"module": module}, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def left(app: AppTest) -> AppTest:
    """Another page, with nothing on it."""
    app.session_state["elsewhere"] = True
    app.query_params.clear()
    app.run()
    assert not app.main.children
    return app


def come_back_to(app: AppTest) -> AppTest:
    """The page again."""
    app.session_state["elsewhere"] = False
    return app.run()
