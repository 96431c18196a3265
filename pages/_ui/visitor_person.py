"""Who sits in front of the page, as far as the server and the proxy in front of it know."""

from __future__ import annotations

import streamlit as st

from engine.core.settings import Settings
from engine.service.operators import Person

HERE = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def here(settings: Settings) -> Person:
    """The person of this page run.

    Headers are believed only where the settings ``user_header`` and ``address_header`` name them. Where people sign in, being on this machine
    is no merit by itself.
    """
    user = _header(settings.user_header) if settings.user_header else _signed_in()
    address = _header(settings.address_header) or st.context.ip_address or ""
    return Person(user, address, _is_local() and not signs_in_here())


def signs_in_here() -> bool:
    """Whether Streamlit's own sign-in is set up (the section ``auth`` of its secrets)."""
    return "is_logged_in" in st.user


def _signed_in() -> str:
    """The e-mail address by Streamlit's own sign-in, where the one who vouches for it does not call it unproved."""
    if not signs_in_here() or not st.user.is_logged_in or st.user.get("email_verified") is False:
        return ""
    return str(st.user.get("email") or "")


def _header(name: str) -> str:
    return (st.context.headers.get(name) or "").strip()[:200] if name else ""


def _is_local() -> bool:
    """Whether the server listens on this machine only and was asked by this machine, through nothing in between."""
    if st.get_option("server.address") not in HERE or st.context.ip_address is not None:
        return False
    headers = st.context.headers
    if any(name in headers for name in FORWARDING):
        return False
    host = (headers.get("host") or "").strip().lower()
    return host.rpartition(":")[0] in HERE or host in HERE
