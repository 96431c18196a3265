"""Embeddings: many places of a genome as a model sees them, as a map, in clusters, and as features of a regression."""

from pages._ui import frame
from pages._ui.embeddings_page import page

frame.show(page)
