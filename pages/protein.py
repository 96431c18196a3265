"""Protein: AlphaMissense by variant or protein, all substitutions as a map, and the card of a variant."""

from pages._ui import frame
from pages._ui.protein_page import page

frame.show(page)
