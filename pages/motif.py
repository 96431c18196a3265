"""Motif: what a model expects around all places of one kind, as an aligned logo over the places' own."""

from pages._ui import frame
from pages._ui.motif_page import page

frame.show(page)
