"""The keys of a lesson where a choice has the focus.

A choice that was clicked keeps the focus, and its radio button takes the space bar and all four arrows, which Streamlit gives to no button then.
A script hands on what belongs to the lesson, as if nothing had the focus; ↑ and ↓ stay with the choices, and so does the space bar as long as the
one with the focus is not chosen yet, so that a prediction can be made without a mouse.
"""

from __future__ import annotations

import streamlit as st

WORDS = "Space reveals, → goes on, ← goes back. Without a mouse: Tab leads to the choices, where Space takes the first and ↓ ↑ another one."
_SCRIPT = """
const LESSONS = [" ", "ArrowLeft", "ArrowRight"];
function pressed(event) {
  const { key, target, shiftKey, ctrlKey, metaKey, altKey } = event;
  if (!target.matches?.(".st-key-lesson input[type=radio]") || !LESSONS.includes(key) || shiftKey || ctrlKey || metaKey || altKey) return;
  if (key === " " && !target.checked) return;
  event.preventDefault();
  event.stopPropagation();
  target.blur(); // the next step's choices may be drawn in its place
  document.body.dispatchEvent(new KeyboardEvent("keydown", event));
}
export default function () {
  document.addEventListener("keydown", pressed, true);
  return () => document.removeEventListener("keydown", pressed, true);
}
"""
_listener = st.components.v2.component("locuscope.lesson-keys", html="<i></i>\n", js=_SCRIPT, isolate_styles=False)


def listen() -> None:
    """Let the keys be the lesson's. To be called where a step is drawn."""
    with st.container(key="wires-lesson"):
        _listener(key="lesson-keys")
