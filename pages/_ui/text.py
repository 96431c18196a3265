"""Text from outside is text: the one place where it is made harmless before Streamlit reads it as Markdown.

Names of records and genes, loci as typed, values of an address, sentences that repeat any of them, answers of services: all go through `plain`
(inside a longer Markdown text) or through one of `show_error`, `show_warning`, `show_info`, `show_caption`.
"""

from __future__ import annotations

import re

import streamlit as st

JOINER = "\u2060"
"""Has no width and no meaning; the reader of the box (`engine.core.typography`) leaves it out."""

_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|$~:&"})
_AT_THE_START = re.compile(r"^(\d{1,9}(?=[.)])|)([-+#=.)])")
_REPLACED = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)|(?<=:)(?=streamlit:|material/)|(?<=[<>~])(?=[-=])|(?<=-)(?=[->])",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Markdown that shows ``text`` as it is, on one line: no link, picture, formula, colour, emphasis, list or heading in it.

    Signs are escaped. Addresses, e-mail addresses and the few signs that Streamlit replaces even then are broken by a `JOINER`.
    """
    return _AT_THE_START.sub(r"\1\\\2", _REPLACED.sub(JOINER, " ".join(text.split())).translate(_SIGNS))


def show_error(text: str) -> None:
    """The red box."""
    st.error(plain(text))


def show_warning(text: str) -> None:
    """The yellow box."""
    st.warning(plain(text))


def show_info(text: str) -> None:
    """The blue box."""
    st.info(plain(text))


def show_caption(text: str) -> None:
    """Small print."""
    st.caption(plain(text))
