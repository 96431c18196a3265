"""Triage: the variants of a VCF, ranked by what a model says of them."""

from pages._ui import frame
from pages._ui.triage_page import page

frame.show(page)
