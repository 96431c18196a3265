"""Where a file and a text stand side by side: which of them is meant."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from engine.core.errors import InputError


def given_last(place: str, file: Any, text: str, known: str = "") -> Literal["file", "text", ""]:
    """Which of an uploaded file and a text was given since the form at ``place`` was sent last; the same as then where neither was, empty for neither.

    ``known`` is a text that the page itself wrote there. Raises `InputError` when both are new.
    """
    slot, text = f"given-last-{place}", text.strip()
    identity = file.file_id if file is not None else ""
    used = st.session_state.get(slot, ("", known.strip(), ""))
    new_file, new_text = bool(identity) and identity != used[0], bool(text) and text != used[1]
    if new_file and new_text:
        raise InputError("Both a new file and a new text are given; remove one of them.")
    kind: Literal["file", "text", ""] = "file" if new_file else "text" if new_text else used[2]
    if (kind == "file" and not identity) or (kind == "text" and not text) or not kind:
        kind = "file" if identity else "text" if text else ""
    st.session_state[slot] = (identity, text, kind)
    return kind
