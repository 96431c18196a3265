"""Compare: reference against alternate, or one model against another."""

from pages._ui import frame
from pages._ui.compare_page import page

frame.show(page)
