"""Benchmarks: how well scores tell labelled things apart."""

from pages._ui import frame
from pages._ui.benchmarks_page import page

frame.show(page)
