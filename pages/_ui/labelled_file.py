"""An uploaded table of labels; it stays while other pages are open."""

from __future__ import annotations

from engine.sources.labelled import Labelled, read_labelled_bytes
from pages._ui import state
from pages._ui.kept_file import kept_file
from pages._ui.text import show_caption


def labelled_file(shared: state.Shared, title: str, key: str) -> tuple[Labelled | None, str]:
    """The rows of the file that is uploaded here, with notes on them, and what identifies it.

    None without a file, while it is read, and when it cannot be.
    """
    kept = kept_file(
        shared, title, key, lambda name, data, _: read_labelled_bytes(name, data, shared.settings), lambda found: f"{len(found):,} rows"
    )
    if kept is None:
        return None, ""
    for note in kept.found.notes if kept.found is not None else ():
        show_caption(note)
    return kept.found, kept.file_id
