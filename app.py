"""Locuscope: frame of every page. Run with ``make run``."""

from pages._ui import frame

frame.run()
