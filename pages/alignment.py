"""Alignment: conservation and covariation of an alignment, beside a model's dependency map of one of its sequences."""

from pages._ui import frame
from pages._ui.alignment_page import page

frame.show(page)
