"""The Locuscope engine: sources, models, analyses, views, exports and the service above them; no Streamlit below this line."""

from engine.core import version

__version__ = version.VERSION
