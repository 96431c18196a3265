"""Status, for the operator: what the server has to do and what it holds."""

from pages._ui import frame
from pages._ui.status_page import page

frame.show(page)
