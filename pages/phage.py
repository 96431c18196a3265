"""Phage: the loss along a whole genome, its genes ranked by mutagenesis, sequences continued."""

from pages._ui import frame
from pages._ui.phage_page import page

frame.show(page)
