"""Light and dark: who changes the theme of an open page sees its charts follow.

Streamlit tells a run of the page which theme the browser has, and begins none when that changes, so that what the server drew stays as it was
until something else is clicked. A script watches the colour of the page and begins a run, once a change.
"""

from __future__ import annotations

import streamlit as st

_SCRIPT = """
export default function ({ data, parentElement, setTriggerValue }) {
  const page = document.querySelector(".stApp");
  const isDark = () => {
    const [red, green, blue] = getComputedStyle(page).backgroundColor.match(/[\\d.]+/g).map(Number);
    return red + green + blue < 384;
  };
  parentElement.drawn = data.dark;
  parentElement.follow = () => {
    const now = isDark();
    if (now === parentElement.drawn) parentElement.asked = undefined;
    else if (now !== parentElement.asked) setTriggerValue("changed", (parentElement.asked = now)); // once a change, whatever the run then says
  };
  parentElement.watching ||= new MutationObserver(() => parentElement.follow());
  parentElement.watching.observe(page, { attributeFilter: ["class"] });
  parentElement.follow();
  return () => parentElement.watching.disconnect();
}
"""
_watcher = st.components.v2.component("locuscope.theme", html="<i></i>\n", js=_SCRIPT, isolate_styles=False)


def follow() -> None:
    """Draw the page again when its theme changes. To be called at the end of a page: it takes no room there."""
    with st.container(key="wires-theme"):
        _watcher(key="theme", data={"dark": st.context.theme.type == "dark"}, on_changed_change=lambda: None)
