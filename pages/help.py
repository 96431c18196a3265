"""Help: what the panels show and how to read them."""

from pages._ui import frame
from pages._ui.help_text import page

frame.show(page)
