"""RNA: the secondary structure drawn, structures held against each other, a pair tested by compensation."""

from pages._ui import frame
from pages._ui.rna_page import page

frame.show(page)
