"""The models: what each is for, its limits and terms, whether it is here, and how to get it."""

from pages._ui import frame
from pages._ui.model_table import page

frame.show(page)
