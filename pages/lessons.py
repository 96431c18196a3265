"""Lessons: scripted steps over the shipped examples, to be taught with."""

from pages._ui import frame
from pages._ui.lessons_page import page

frame.show(page)
