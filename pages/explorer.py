"""The explorer: one locus, everything the models know about it, in one linked view."""

from pages._ui import frame
from pages._ui.explorer import page

frame.show(page)
